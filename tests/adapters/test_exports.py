"""Exports: what a spreadsheet sees is text, whatever callers said."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from agentd.core.order_form import CategorySpec, FieldSpec, FormBook, Unit
from agentd.core.order_model import (
    ContactNumber,
    Dispatch,
    Note,
    Reply,
    Revisit,
    Step,
    Urgent,
    WorkOrder,
)
from agentd.errors import Refused
from agentd.export_columns import columns
from agentd.exports import Workbooks, csv_cell, csv_pieces

T0_US = 1_795_404_847_000_000
"""2026-11-23 11:34:07 in China."""

BOOK = FormBook(
    categories=(
        CategorySpec(
            "help",
            ("求助", "help"),
            fields=(
                FieldSpec("place", ("地点", "place"), "place", in_title=True),
                FieldSpec("callback", ("回拨电话", "call back"), "phone"),
            ),
        ),
    ),
    queues={
        "night": (
            CategorySpec("lost", ("失物", "lost"), fields=(FieldSpec("what", ("物品", "item")),)),
        )
    },
    units=(Unit("water", ("供水公司", "water works")),),
)


def order(**changes: Any) -> WorkOrder:
    values: dict[str, Any] = {
        "id": "main-1.1",
        "pbx": "main",
        "kind": "call",
        "call": "1.1",
        "version": 3,
        "state": "dispatched",
        "opened_us": T0_US,
        "updated_us": T0_US,
        "queue": "hotline",
        "seat": "PJSIP/1001",
        "agent": "王芳",
        "owner": "1001",
        "caller": "13900000001",
        "numbers": (ContactNumber("13900000001", "+8613900000001"),),
        "category": "help",
        "fields": {"place": "人民路", "callback": "057188880000", "old": "gone from the form"},
        "title": "人民路停水",
    }
    return WorkOrder(**{**values, **changes})


async def pieces(*parts: Sequence[WorkOrder]) -> AsyncIterator[Sequence[WorkOrder]]:
    for part in parts:
        yield part


async def as_csv(*orders: WorkOrder, lang: Any = "zh") -> list[dict[str, str]]:
    sent = b"".join([piece async for piece in csv_pieces(columns(BOOK, lang), pieces(orders))])
    assert sent.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(sent.decode("utf-8-sig"), newline="")))


async def as_xlsx(*orders: WorkOrder, lang: Any = "zh") -> list[dict[str, Any]]:
    with await Workbooks().make(columns(BOOK, lang), pieces(orders), title="工单") as file:
        rows = list(load_workbook(file).active.iter_rows())
    heads = [cell.value for cell in rows[0]]
    return [dict(zip(heads, row, strict=True)) for row in rows[1:]]


async def test_both_files_say_the_same_in_local_time_and_the_readers_language() -> None:
    full = order(
        urgent=Urgent(T0_US, "1001"),
        dispatch=Dispatch(T0_US, "2001", "water", "老李", due_us=T0_US + 86_400_000_000),
        reply=Reply("delayed", "今天恢复", "公告 12"),
        revisit=Revisit(T0_US, "2001", 4),
        returned=Step(T0_US, "2001", "地址不清"),
        notes=(Note(T0_US, "1001", "第一条"), Note(T0_US, "1001", "第二条")),
    )
    [row] = await as_csv(full)
    assert row["状态"] == "已派单"
    assert row["类别"] == "求助"
    assert row["急件"] == "是"
    assert row["开单时间"] == "2026-11-23 11:34:07"
    assert row["办理期限"] == "2026-11-24 11:34:07"
    assert row["地点"] == "人民路"
    assert row["其他字段"] == "old: gone from the form"
    assert row["承办单位"] == "供水公司"
    assert row["答复方式"] == "延时答复"
    assert row["满意度"] == "4"
    assert row["备注"] == "第一条\n第二条"
    [cells] = await as_xlsx(full)
    assert cells["开单时间"].is_date
    assert cells["开单时间"].value.isoformat() == "2026-11-23T11:34:07"
    assert cells["满意度"].value == 4
    assert cells["来电号码"].value == "13900000001"
    assert cells["来电号码"].data_type == "s"
    assert cells["来电号码"].number_format == "@"
    [english] = await as_csv(full, lang="en")
    assert (english["state"], english["category"], english["unit"]) == (
        "dispatched",
        "help",
        "water works",
    )
    assert list(english) != list(row)


async def test_telephone_numbers_and_ids_stay_text_in_csv() -> None:
    [row] = await as_csv(order(external_no="20261123000017", caller="+8613900000001"))
    assert row["来电号码"] == "'+8613900000001"
    assert row["联系电话"] == "'13900000001"
    assert row["回拨电话"] == "'057188880000"
    assert row["平台编号"] == "'20261123000017"


EVIL = [
    "=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "＝1+1",
    "＠SUM(A1)",
    "\x00=1+1",
]


@pytest.mark.parametrize("evil", EVIL)
async def test_no_cell_is_a_formula(evil: str) -> None:
    said = order(title=evil, fields={"place": evil}, agent=evil, owner=None)
    [row] = await as_csv(said)
    for column in ("标题", "地点", "话务员"):
        assert row[column].startswith("'")
    [cells] = await as_xlsx(said)
    for column in ("标题", "地点", "话务员"):
        assert cells[column].data_type == "s"
        assert cells[column].quotePrefix


async def test_the_file_itself_holds_no_formula() -> None:
    """Looked at without openpyxl, which might believe its own marks."""
    said = order(title="=1+1", fields={"place": "#N/A"})
    with await Workbooks().make(columns(BOOK, "zh"), pieces([said]), title="工单") as file:
        sheet = zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 't="e"' not in sheet
    assert "=1+1" in sheet
    assert "#N/A" in sheet


@given(st.text(max_size=20))
def test_a_csv_cell_never_begins_like_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert not cell.lstrip(" \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0　").startswith(
        ("=", "+", "-", "@", "＝", "＋", "－", "＠")
    )
    assert cell.removeprefix("'") == text.replace("\x00", "").removeprefix("'")


@pytest.mark.parametrize("strange", ["\x01\x0b\x1f", "\ud800", "a\x00b", "x" * 40_000, "😀"])
async def test_strange_characters_break_no_file(strange: str) -> None:
    said = order(title=f"a{strange}b")
    [row] = await as_csv(said)
    assert row["标题"].startswith("a")
    [cells] = await as_xlsx(said)
    assert str(cells["标题"].value).startswith("a")


async def test_too_many_rows_are_refused_in_plain_words_and_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    books = Workbooks(rows_max=2)
    with await books.make(columns(BOOK, "zh"), pieces([order()], [order()]), title="t") as file:
        assert file.read(2) == b"PK"
    with pytest.raises(Refused, match="CSV") as refused:
        await books.make(columns(BOOK, "zh"), pieces([order()], [order(), order()]), title="t")
    assert refused.value.code == "invalid"
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - no method of Path in a coroutine


async def test_an_error_while_reading_is_told_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def broken() -> AsyncIterator[Sequence[WorkOrder]]:
        yield [order()]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        await Workbooks().make(columns(BOOK, "zh"), broken(), title="t")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - no method of Path in a coroutine


async def test_an_empty_list_has_its_headers() -> None:
    assert await as_csv() == []
    assert await as_xlsx() == []
    sent = b"".join([piece async for piece in csv_pieces(columns(BOOK, "en"), pieces())])
    assert sent.decode("utf-8-sig").startswith("order,external number,kind,state")


async def test_a_persons_name_is_written_as_the_site_wants() -> None:
    named = columns(BOOK, "en", lambda login: f"{login} Wang")
    agent = next(column for column in named if column.label == "agent")
    assert agent.value(order()) == "1001 Wang"
    assert agent.value(order(owner=None)) == "王芳"
