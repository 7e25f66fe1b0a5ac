"""Reports by REST: whose lines whom may see, periods, files, and what is refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from msgspec.structs import replace

from agentd.core.people import Person
from tests.adapters.history_rig import visit
from tests.adapters.rest_rig import (
    ADMIN,
    LI,
    QIAN,
    SUN,
    WANG,
    WU,
    ZHAO,
    Rest,
    rest,
    until,
)
from tests.adapters.store_rig import ignore

ZONE = dt.timezone(dt.timedelta(hours=8))
NASTY = '=HYPERLINK("http://x")'
Give = Callable[..., Any]


@asynccontextmanager
async def calls(tmp_path: Path) -> AsyncIterator[tuple[Rest, dict[str, str]]]:
    """A server with two stays in hotline, one in a queue with a nasty name; ``period`` around all
    of it, also where the rig's calls lie on both sides of midnight."""
    async with rest(tmp_path) as api:
        await until(lambda: api.figures.restored)
        at_us = api.t0_us
        stays = [
            visit("r1", at_us, wait_us=4_000_000, left_us=at_us + 4_000_000),
            visit("r2", at_us + 1, outcome="abandoned", wait_us=90_000_000, seat=None, agent=None,
                  left_us=at_us + 90_000_001),
            replace(visit("r3", at_us + 2), queue=NASTY),
        ]  # fmt: skip
        api.store.submit(stays, {}, ignore, pbx="main")
        api.figures.announce(stays)
        await api.store.flush()
        day = dt.datetime.fromtimestamp(at_us // 1_000_000, ZONE).date()
        last = dt.datetime.fromtimestamp(at_us // 1_000_000 + 6 * 3600, ZONE).date()
        yield api, {"period": "span", "from": day.isoformat(), "to": last.isoformat()}


async def got(client: httpx.AsyncClient, **query: str) -> Any:
    answer = await client.get("/api/reports", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_everybody_sees_the_lines_of_their_scope(tmp_path: Path) -> None:
    async with calls(tmp_path) as (api, period):

        async def lines(who: Person, by: str, **more: str) -> list[str] | int:
            async with api.as_(who) as client:
                answer = await client.get("/api/reports", params={"by": by, **period, **more})
            if answer.status_code != 200:
                return answer.status_code
            return [line["name"] for line in answer.json()["lines"]]

        assert await lines(SUN, "person") == ["1001", "1002"]
        assert await lines(WANG, "person") == ["1001"]
        assert await lines(LI, "person", name="1002") == ["1002"]
        assert await lines(LI, "person", name="1001") == 403
        assert await lines(WANG, "queue") == 403
        assert await lines(WU, "person") == 403
        assert await lines(ZHAO, "team") == ["day"]
        assert await lines(QIAN, "team") == ["night"]
        assert await lines(QIAN, "team", name="day") == 404
        assert await lines(QIAN, "person") == ["1002"]
        assert await lines(SUN, "queue") == [f"main/{NASTY}", "main/hotline", "main/night"]
        assert await lines(SUN, "queue", name="main/hotline") == ["main/hotline"]


async def test_a_report_tells_figures_pieces_totals_and_when(tmp_path: Path) -> None:
    async with calls(tmp_path) as (api, period), api.as_(SUN) as client:
        report = await got(client, by="queue", details="yes", **period)
        lines = {line["name"]: line for line in report["lines"]}
        hotline, total = lines["main/hotline"]["figures"], report["total"]["figures"]
        assert [hotline[key]["value"] for key in ("offered", "answered", "abandoned")] == [2, 1, 1]
        assert hotline["longest_wait"]["value"] == 90.0
        assert total["offered"]["value"] == 3
        assert total["connect_rate"]["num"] == 2
        assert total["connect_rate"]["den"] == 3
        assert len(lines["main/hotline"]["pieces"]) == len(report["pieces"])
        offered = [piece["offered"]["value"] for piece in report["total"]["pieces"]]
        assert sum(offered) == 3
        assert report["site"] == "示例话务中心"
        assert report["title"]["zh"].startswith("队列")
        assert report["period"]["unfinished"]
        assert report["made_at"] > report["period"]["spells"][0]["from_at"]
        columns = {column["key"]: column for column in report["columns"]}
        assert columns["asa"]["formula"]["zh"]
        # Before agentd was there nobody counted, and the period says so.
        assert report["gaps"]
        assert hotline["offered"]["gap"]
        assert [piece["label"] for piece in report["pieces"]] == sorted(
            piece["label"] for piece in report["pieces"]
        )


async def test_files_are_what_the_page_shows_and_are_in_the_audit_log(tmp_path: Path) -> None:
    async with calls(tmp_path) as (api, period), api.as_(SUN) as client:
        query = {"by": "queue", "lang": "zh", **period}
        answer = await client.get("/api/reports.csv", params=query)
        assert answer.headers["content-type"].startswith("text/csv")
        assert 'filename="report-queue-span-' in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        whole = {row["标识"]: row for row in rows if row["行"] == "全时段"}
        assert whole["main/hotline"]["呼入量"] == "2"
        assert whole["main/hotline"]["接通率(%)"] == "50"
        assert whole["main/hotline"]["最长等待(秒)"] == "90"
        assert whole[""]["呼入量"] == "3"
        # What a spreadsheet would calculate is text.
        assert any(row["队列"] == f"'{NASTY}" for row in rows)
        answer = await client.get("/api/reports.xlsx", params={**query, "lang": "en"})
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        head, *cells = sheet.iter_rows(values_only=True)
        assert head[:3] == ("queue", "id", "row")
        assert len(cells) == len(rows)
        nasty = next(cell for row in sheet.iter_rows() for cell in row if cell.value == NASTY)
        assert nasty.data_type == "s"
        lines = await api.audit("reports.export")
        assert [(line.who, line.target) for line in lines] == [(SUN.login, "queue")] * 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "seat"}, "by"),
        ({}, "by"),
        ({"by": "queue", "period": "week"}, "period"),
        ({"by": "queue", "at": "2026-02-30"}, "at"),
        ({"by": "queue", "at": "2099-01-01"}, "at"),
        ({"by": "queue", "period": "span", "from": "2026-01-02", "to": "2026-01-01"}, "to"),
        ({"by": "queue", "period": "span", "from": "2026-01-02"}, "to"),
        ({"by": "queue", "period": "shift", "shift": "early"}, "shift"),
        ({"by": "queue", "wat": "1"}, "wat"),
        ({"by": "queue", "details": "perhaps"}, "details"),
    ],
)
async def test_what_is_wrong_is_said(tmp_path: Path, query: dict[str, str], field: str) -> None:
    async with rest(tmp_path) as api, api.as_(ADMIN) as client:
        for way in ("reports", "reports.csv"):
            answer = await client.get(f"/api/{way}", params=query)
            assert answer.status_code == 422, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["field"] == field
            assert answer.json()["text_zh"]


async def test_the_last_period_needs_no_date(tmp_path: Path) -> None:
    async with rest(tmp_path) as api, api.as_(SUN) as client:
        for period in ("shift", "day", "month"):
            report = await got(client, by="team", period=period)
            assert not report["period"]["unfinished"]
            assert report["period"]["spells"][-1]["to_at"] <= report["made_at"]
