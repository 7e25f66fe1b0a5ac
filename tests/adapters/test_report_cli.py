"""``agentd report``: what it prints and writes, its exit codes, and its mail."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import os
import sys
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from agentd.core.effects import LinkSpan
from agentd.report_cli import app
from agentd.ticketing import Store
from tests.adapters.history_rig import DAY, HOUR, T0, visit, whole
from tests.adapters.smtp_rig import smtp
from tests.adapters.store_rig import ignore

ROOT = Path(__file__).parents[2]
ZONE = dt.timezone(dt.timedelta(hours=8))
DATE = dt.datetime.fromtimestamp(T0 // 1_000_000, ZONE).date().isoformat()


async def _fill(path: Path) -> None:
    async with Store(path) as store:
        store.submit([LinkSpan("main", T0 - 2 * DAY, True)], {}, ignore, pbx="main")
        store.submit(whole("1", T0), {}, ignore, pbx="main")
        later = visit("2", T0 + HOUR, outcome="abandoned", wait_us=40_000_000, seat=None)
        store.submit([later, LinkSpan("main", T0 + 2 * DAY, False)], {}, ignore, pbx="main")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    (path / "agentd.toml").write_text(
        '[[pbx]]\nid = "main"\n[store]\npath = "a.db"\n[reports]\nsite = "示例市"\n'
        '[queue.hotline]\nlabel = "市民热线"\n',
        "utf-8",
    )
    asyncio.run(_fill(path / "a.db"))
    return path


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    config = str(folder / "agentd.toml")
    done = CliRunner().invoke(app, [*words, "--config", config])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_a_day_in_the_terminal(folder: Path) -> None:
    code, out, err = run(folder, "--at", DATE, "--lang", "zh")
    assert (code, err) == (0, "")
    assert f"队列日报表 {DATE}" in out
    row = next(line.split() for line in out.splitlines() if line.startswith("市民热线"))
    assert row[1:4] == ["2", "1", "1"]
    code, out, _ = run(folder, "--at", DATE, "--lang", "en", "--by", "person")
    assert code == 0
    assert "People, daily report" in out


def test_files_are_written_whole_or_not_at_all(folder: Path) -> None:
    target = folder / "r.csv"
    code, out, err = run(folder, "--at", DATE, "--format", "csv", "--out", str(target))
    assert (code, out, str(target) in err) == (0, "", True)
    rows = list(csv.reader(io.StringIO(target.read_text("utf-8-sig"))))
    assert rows[0][0] == "queue"
    # All together and the one queue: the whole, its hours, the day before.
    assert len(rows) == 1 + (1 + 24 + 1) + (1 + 1)
    code, _, err = run(folder, "--format", "csv", "--out", str(folder / "no" / "r.csv"))
    assert (code, "cannot write" in err) == (1, True)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".r")] == []
    book = folder / "r.xlsx"
    month = DATE[:7]
    words = ("--period", "month", "--at", month, "--format", "xlsx", "--out", str(book))
    assert run(folder, *words)[0] == 0
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    assert sheet.max_row > 28


def test_html_is_one_file_that_loads_nothing(folder: Path) -> None:
    code, out, _ = run(folder, "--at", DATE, "--format", "html", "--lang", "zh", "--details")
    assert code == 0
    assert out.startswith("<!doctype html>")
    assert "市民热线" in out
    assert "示例市" in out
    assert "A4 landscape" in out
    for text in ("<script", "src=", "href=", "url(", "@import"):
        assert text not in out, text


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--at", "2026-13-01"), 2, "2026-10-05"),
        (("--period", "span", "--from", "2026-01-02"), 2, "2026-10-05"),
        (("--period", "shift", "--shift", "late"), 2, "08:00-16:00"),
        (("--period", "week"), 2, "week"),
        (("--mail", "boss"), 2, "boss"),
        (("--mail", "boss@example.org"), 2, "[mail]"),
        (("--database", "/nowhere/a.db"), 1, "no database"),
    ],
)
def test_what_is_wrong_is_said_with_an_exit_code(
    folder: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    done, out, err = run(folder, *words, "--lang", "en")
    assert (done, out) == (code, "")
    assert told in err


def test_a_period_that_nobody_saw_is_empty_and_not_an_error(folder: Path) -> None:
    code, out, _ = run(folder, "--at", "2026-01-01", "--lang", "en")
    assert code == 0
    assert "Nothing counts" in out
    # Since the last word nobody listened: a report of yesterday says so.
    code, out, _ = run(folder, "--lang", "en", "--format", "csv")
    assert code == 0
    assert all(line.endswith("yes") for line in out.splitlines()[1:])


async def test_beside_the_daemon_it_mails_and_tells_who_refuses(folder: Path) -> None:
    async with smtp() as (box, access), Store(folder / "a.db"):
        box.refuses["nobody@example.org"] = "550 no such user"
        config = folder / "mail.toml"
        config.write_text(
            (folder / "agentd.toml").read_text("utf-8")
            + f'[mail]\nhost = "127.0.0.1"\nport = {access.port}\ntls = "none"\n'
            'sender = "agentd@example.org"\n',
            "utf-8",
        )

        async def agentd(*to: str) -> tuple[int | None, str]:
            words = [word for address in to for word in ("--mail", address)]
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "agentd", "report", "--at", DATE, "--format", "csv", *words,
                "--lang", "en", "--config", str(config), cwd=ROOT,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONUTF8": "1"},
            )  # fmt: skip
            out, err = await process.communicate()
            assert out == b""
            assert b"Traceback" not in err, err.decode()
            return process.returncode, err.decode()

        code, err = await agentd("boss@example.org")
        assert (code, "sent to boss@example.org" in err) == (0, True)
        [(_, message)] = box.letters
        assert message["Subject"].endswith(f"Queues, daily report {DATE}")
        assert [part.get_filename() for part in message.iter_attachments()] == [
            f"report-queue-day-{DATE}.csv"
        ]
        code, err = await agentd("boss@example.org", "nobody@example.org")
        assert code == 1
        assert "sent to boss@example.org:" in err
        assert "refuses nobody@example.org" in err
