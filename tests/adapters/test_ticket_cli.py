"""``agentd ticket``, against real database files and a real control socket."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from agentd import control, ticket_cli, ticket_offline
from agentd.config import load_config
from agentd.control import CompleteRequest, ControlServer, completion, form_of, socket_path
from agentd.core.effects import OrderChanged
from agentd.core.obligation import complete as completed
from agentd.core.order_model import WorkOrder
from agentd.core.people import Directory, Person
from agentd.ports.accounts import Account, AuditEntry
from agentd.ticketing import Store
from agentd.ticketing_file import FileLock
from tests.adapters.desk_service_rig import Rig, Rules
from tests.adapters.store_rig import T0_US, counts, ignore, order, rows

MINUTE_US = 60_000_000
FORM = ("--category", "praise", "--set", "event=感谢接线员")
"""What the built-in form asks of a praise."""


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """English, UTC, no configuration about."""
    for name in ("LC_ALL", "LC_MESSAGES", "AGENTD_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


def ticket(*args: str) -> Any:
    return CliRunner().invoke(ticket_cli.app, args)


def one_line(result: Any) -> str:
    """What was said on standard error, as one line, with nothing on standard output."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def done(number: int, by: str = "李强") -> OrderChanged:
    opened = order(number)
    outcome = completed(opened, by, opened.opened_us + 5 * MINUTE_US)
    assert isinstance(outcome, OrderChanged)
    return outcome


async def fill(path: Path) -> None:
    elsewhere = order(4, seat="PJSIP/1002", agent=None, caller='Bob "\x1b[31m"\x07')
    due = replace(order(1), at_us=T0_US + MINUTE_US, due_us=T0_US + 16 * MINUTE_US, change="due")
    async with Store(path) as store:
        store.submit([order(1), order(2), order(3), elsewhere], {}, ignore, pbx="main")
        store.submit([due, done(2)], {}, ignore, pbx="main")


@pytest.fixture
def filled(path: Path) -> Path:
    asyncio.run(fill(path))
    return path


# --- list ------------------------------------------------------------------------------------


def listed(*args: str) -> list[str]:
    result = ticket("list", "--json", *args)
    assert result.exit_code == 0
    return [json.loads(line)["id"] for line in result.stdout.splitlines()]


def test_the_newest_orders_come_first(filled: Path) -> None:
    assert listed("--database", str(filled)) == [order(n).id for n in (4, 3, 2, 1)]
    assert listed("--database", str(filled), "--limit", "1") == [order(4).id]


def test_only_open_ones_and_only_one_seats(filled: Path) -> None:
    database = ("--database", str(filled))
    assert listed(*database, "--open") == [order(n).id for n in (4, 3, 1)]
    assert listed(*database, "--seat", "PJSIP/1002") == [order(4).id]
    assert listed(*database, "--open", "--seat", "PJSIP/1001") == [order(n).id for n in (3, 1)]
    assert listed(*database, "--seat", "nobody") == []


def test_a_table_for_people(filled: Path) -> None:
    english = ticket("list", "--database", str(filled)).stdout
    header, *lines = english.splitlines()
    assert "work order" in header
    assert len(lines) == 4
    assert "completed" in lines[2]
    assert "overdue" in lines[3]
    assert "2024-11-23 00:16:00" in lines[3]
    assert order(1).id in lines[3]
    # What a terminal would obey never reaches it.
    assert "\x1b" not in english
    assert "\x07" not in english
    chinese = ticket("list", "--lang", "zh", "--database", str(filled)).stdout
    assert "待完善" in chinese
    assert "逾期" in chinese


def test_nothing_to_list(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(Store(path).close())
    asyncio.run(nothing(path))
    assert ticket("list", "--database", str(path)).stdout == "no work orders\n"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert ticket("list", "--database", str(path)).stdout == "没有工单\n"
    # LC_ALL is above LANG, and --lang above both.
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert ticket("list", "--database", str(path)).stdout == "no work orders\n"
    assert ticket("list", "--lang", "zh", "--database", str(path)).stdout == "没有工单\n"


async def nothing(path: Path) -> None:
    async with Store(path):
        return


def test_the_configuration_names_the_database(filled: Path, tmp_path: Path) -> None:
    text = f'[store]\npath = "{filled}"\n'
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(text)
    assert len(listed("--config", str(elsewhere))) == 4
    (tmp_path / "agentd.toml").write_text(text)
    assert len(listed()) == 4


# --- show ------------------------------------------------------------------------------------


def test_an_order_with_its_history(filled: Path) -> None:
    shown = ticket("show", order(2).id, "--database", str(filled)).stdout
    assert shown.splitlines()[0].split() == ["work", "order", order(2).id]
    facts, history = shown.split("History")
    assert "李强" in facts
    _, opened, completion = history.strip().splitlines()
    assert "opened" in opened
    assert "system" in opened
    assert "completed" in completion
    assert "李强" in completion
    chinese = ticket("show", order(2).id, "--lang", "zh", "--database", str(filled)).stdout
    assert "已完成" in chinese


def test_an_order_for_programs(filled: Path) -> None:
    shown = json.loads(ticket("show", order(1).id, "--json", "--database", str(filled)).stdout)
    assert (shown["id"], shown["status"]) == (order(1).id, "open")
    assert shown["due_at"] == (T0_US + 16 * MINUTE_US) / 1e6
    assert [(line["change"], line["by"]) for line in shown["history"]] == [
        ("opened", None),
        ("due", None),
    ]


# --- complete --------------------------------------------------------------------------------


def test_completing_without_a_daemon(filled: Path) -> None:
    result = ticket("complete", order(1).id, "--by", "王芳", *FORM, "--database", str(filled))
    assert (result.exit_code, result.stdout) == (0, f"work order {order(1).id} completed by 王芳\n")
    ((status, by, due_us),) = rows(
        filled,
        f"SELECT status, completed_by, due_us FROM work_order WHERE id = '{order(1).id}'",  # noqa: S608
    )
    assert (status, by, due_us) == ("completed", "王芳", T0_US + 16 * MINUTE_US)
    shown = json.loads(ticket("show", order(1).id, "--json", "--database", str(filled)).stdout)
    assert [(line["change"], line["by"]) for line in shown["history"]] == [
        ("opened", None),
        ("due", None),
        ("completed", "王芳"),
    ]
    assert (shown["state"], shown["title"], shown["category"]) == (
        "completed", "感谢接线员", "praise",
    )  # fmt: skip
    chinese = ticket("list", "--lang", "zh", "--database", str(filled)).stdout
    assert "感谢接线员" in chinese
    ((who, action),) = rows(filled, "SELECT who, action FROM audit")
    assert (who, action) == ("王芳", "order.complete")


def test_what_is_missing_is_named_and_nothing_is_changed(filled: Path) -> None:
    before = rows(filled, "SELECT * FROM work_order")
    command = ("complete", order(1).id, "--by", "王芳", "--database", str(filled))
    result = ticket(*command, "--category", "complaint", "--set", "place=人民路", "--lang", "zh")
    assert result.exit_code == 1
    assert "事件" in one_line(result)
    result = ticket(*command, "--category", "no-such")
    assert "category" in one_line(result)
    result = ticket(*command, "--category", "praise", "--set", "event")
    assert (result.exit_code, one_line(result)) == (
        2, "“event” should read FIELD=VALUE, as in --set event=leak",
    )  # fmt: skip
    assert rows(filled, "SELECT * FROM work_order") == before


def test_only_people_complete_orders(filled: Path) -> None:
    command = ("complete", order(1).id, *FORM, "--database", str(filled))
    result = ticket(*command, "--by", "张三")
    assert result.exit_code == 1
    assert "nobody's login or name" in one_line(result)
    assert status(filled, 1) == "open"


async def test_an_account_completes_by_login_or_name(path: Path) -> None:
    people = [
        Person("1001", "王芳", "agent"),
        Person("1002", "李雷", "agent"),
        Person("9001", "赵班长", "shift_leader"),
    ]
    async with Store(path) as store:
        store.submit([order(1), order(2)], {}, ignore, pbx="main")
        for person in people:
            entry = AuditEntry(0, "cli:root", "person.put", person.login)
            await store.put_accounts([(Account(person, None, 0), entry)])
    for number, by, login in ((1, "王芳", "1001"), (2, "9001", "9001")):
        command = ("complete", order(number).id, "--by", by, *FORM, "--database", str(path))
        result = await asyncio.to_thread(ticket, *command)
        assert (result.exit_code, result.stdout) == (
            0, f"work order {order(number).id} completed by {login}\n",
        )  # fmt: skip
    # Another agent's order does not exist for an agent.
    async with Store(path) as store:
        store.submit([order(3)], {}, ignore, pbx="main")
    command = ("complete", order(3).id, "--by", "李雷", *FORM, "--database", str(path))
    result = await asyncio.to_thread(ticket, *command)
    assert "no such work order" in one_line(result)


def test_completing_twice(filled: Path) -> None:
    before = rows(filled, "SELECT * FROM work_order"), counts(filled)
    result = ticket("complete", order(2).id, "--by", "王芳", "--database", str(filled))
    assert result.exit_code == 1
    assert one_line(result) == (
        f"work order {order(2).id} was already completed by 李强 at 2024-11-23 00:05:00; "
        f"nothing was changed"
    )
    assert (rows(filled, "SELECT * FROM work_order"), counts(filled)) == before


@pytest.mark.parametrize("command", [("show",), ("complete", "--by", "王芳")])
def test_an_unknown_order(filled: Path, command: tuple[str, ...]) -> None:
    result = ticket(*command, "no-such", "--database", str(filled))
    assert result.exit_code == 1
    assert one_line(result) == "there is no work order no-such"
    result = ticket(*command, "no-such", "--lang", "zh", "--database", str(filled))
    assert one_line(result) == "没有工单 no-such"


def test_what_was_typed_wrong_exits_2(filled: Path) -> None:
    database = ("--database", str(filled))
    assert ticket("complete", order(1).id, *database).exit_code == 2
    nameless = ticket("complete", order(1).id, "--by", "  ", *database)
    assert (nameless.exit_code, one_line(nameless)) == (2, "say who completed it with --by")
    assert ticket("list", "--limit", "0", *database).exit_code == 2
    assert ticket("list", "--lang", "fr", *database).exit_code == 2
    assert ticket("show").exit_code == 2
    missing = ticket("list", "--config", "no-such.toml")
    assert missing.exit_code == 2
    assert "no-such.toml" in one_line(missing)


class Daemon:
    """Store, desk and control socket of a running daemon; completes as the runtime does."""

    def __init__(self, path: Path) -> None:
        book = load_config(None, secrets=False).form_book
        self.store = Store(path, rules=Rules(book, Directory()))
        self.rig = Rig(self.store, Directory(), book)
        self.rig.engine.time_us = T0_US + 9 * MINUTE_US
        self.server = ControlServer(socket_path(path), {"complete": completion(self.complete)})
        self.stored = asyncio.Event()
        self.stored.set()

    async def __aenter__(self) -> Self:
        await self.store.start()
        await self.store.catch_up()
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()
        await self.store.close()

    async def complete(self, request: CompleteRequest) -> WorkOrder:
        await self.stored.wait()
        return await self.rig.service.complete_as(request.by, request.order, form_of(request))


async def test_completing_through_the_daemon(path: Path) -> None:
    await fill(path)
    async with Daemon(path):
        # Reading goes on beside it.
        shown = await asyncio.to_thread(ticket, "show", order(1).id, "--database", str(path))
        assert shown.exit_code == 0
        command = ("complete", order(1).id, "--by", "王芳", *FORM, "--database", str(path))
        first = await asyncio.to_thread(ticket, *command, "--json")
        second = await asyncio.to_thread(ticket, *command)
    record = json.loads(first.stdout)
    # By the daemon's clock, so it was the daemon that did it.
    assert (record["status"], record["completed_by"], record["completed_at"]) == (
        "completed", "王芳", (T0_US + 9 * MINUTE_US) / 1e6,
    )  # fmt: skip
    assert second.exit_code == 1
    assert "already completed by 王芳" in one_line(second)


async def test_somebody_else_was_faster(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)
    find = ticket_cli._find
    stale = (replace(order(2)), None)
    looks = iter([stale, None, stale])
    monkeypatch.setattr(ticket_cli, "_find", lambda p, i: next(looks, None) or find(p, i))
    command = ("complete", order(2).id, "--by", "王芳", *FORM, "--database", str(path))
    async with Daemon(path):
        with_daemon = await asyncio.to_thread(ticket, *command)
    without_daemon = await asyncio.to_thread(ticket, *command)
    assert with_daemon.exit_code == 1
    assert "already completed by 李强" in one_line(with_daemon)
    assert without_daemon.exit_code == 1
    assert "completed" in one_line(without_daemon)
    assert counts(path)["work_order_event"] == 6


async def test_a_daemon_that_refuses_says_why(path: Path) -> None:
    await fill(path)
    async with Daemon(path):
        command = ("complete", order(1).id, "--by", "王芳", "--database", str(path))
        refused = await asyncio.to_thread(ticket, *command)
        chinese = await asyncio.to_thread(ticket, *command, "--lang", "zh")
    assert refused.exit_code == 1
    assert "category" in one_line(refused)
    assert "诉求类别" in one_line(chinese)


async def test_a_daemon_that_cannot_store_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "STORED_MAX_S", 0.05)
    await fill(path)
    async with Daemon(path) as daemon:
        daemon.stored.clear()
        command = ("complete", order(1).id, "--by", "王芳", *FORM, "--database", str(path))
        late = await asyncio.to_thread(ticket, *command)
        assert late.exit_code == 1
        assert "do not repeat it" in one_line(late)
        daemon.stored.set()
        await daemon.rig.until(lambda: daemon.rig.audit)


def test_a_daemon_that_does_not_answer(filled: Path) -> None:
    lock = FileLock(filled)
    lock.acquire()
    try:
        result = ticket("complete", order(1).id, "--by", "王芳", "--database", str(filled))
    finally:
        lock.release()
    assert result.exit_code == 1
    assert one_line(result) == (
        f"agentd (pid {os.getpid()}) holds the database, but does not answer; try again in a moment"
    )
    assert status(filled, 1) == "open"


def status(path: Path, number: int) -> str:
    found = dict(rows(path, "SELECT id, status FROM work_order"))
    return str(found[order(number).id])


def test_completing_on_a_full_disk(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_offline, "STORED_MAX_S", 0.3)
    # The documents are there already, and room for little more.
    asyncio.run(opened(filled))
    size = sum(p.stat().st_size for p in filled.parent.glob("agentd.db*"))
    command = ("complete", order(1).id, "--by", "王芳", "--category", "praise")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(60_000, size // 8), hard))
    try:
        result = ticket(*command, "--set", f"event={'谢' * 450}", "--database", str(filled))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 1
    *_, last = result.stderr.splitlines()
    assert "the disk reports an error" in last
    assert status(filled, 1) == "open"
    again = ticket(*command, "--set", "event=谢谢", "--database", str(filled))
    assert again.exit_code == 0


async def opened(path: Path) -> None:
    async with Daemon(path):
        return


# --- databases that cannot be read -----------------------------------------------------------


def test_no_database(path: Path) -> None:
    result = ticket("list", "--database", str(path))
    assert result.exit_code == 1
    assert one_line(result) == f"there is no database {path}; start agentd once, or name it"
    assert not path.exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("DROP TABLE work_order", "not one of agentd's"),
        ("UPDATE alembic_version SET version_num = '0099'", "another version of agentd"),
        ("DELETE FROM alembic_version", "does not say which version"),
    ],
)
def test_a_database_that_is_not_ours(filled: Path, spoil: str, words: str) -> None:
    connection = sqlite3.connect(filled)
    connection.execute(spoil)
    connection.commit()
    connection.close()
    for command in (("list",), ("complete", order(1).id, "--by", "x")):
        result = ticket(*command, "--database", str(filled))
        assert result.exit_code == 1
        assert words in one_line(result)


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"Lorem ipsum dolor sit amet. " * 1_000)
    result = ticket("list", "--database", str(path))
    assert result.exit_code == 1
    assert "not an SQLite database, or it is damaged" in one_line(result)
    path.write_bytes(b"")
    assert "is empty" in one_line(ticket("list", "--database", str(path)))


def test_reading_in_a_directory_that_may_not_be_written_to(filled: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "read-only"
    elsewhere.mkdir()
    shutil.copy(filled, elsewhere / "agentd.db")
    (elsewhere / "agentd.db").chmod(0o444)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        # pytest keeps its folders for itself.
        if Path(tempfile.gettempdir()) in parent.parents:
            parent.chmod(0o755)
    elsewhere.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        with ticket_cli.OrderReader(elsewhere / "agentd.db") as reader:
            found = reader.find(order(1).id)
    finally:
        if root:
            os.seteuid(0)
        elsewhere.chmod(0o755)
    assert found is not None
    assert sorted(p.name for p in elsewhere.iterdir()) == ["agentd.db"]


def test_reading_after_kill_9(path: Path) -> None:
    """What the killed daemon committed is still in the WAL, and is read."""
    program = """
import asyncio, os, signal, sys
from pathlib import Path
from agentd.ticketing import Store
from tests.adapters.store_rig import ignore, order
async def main():
    store = Store(Path(sys.argv[1]))
    await store.start()
    store.submit([order(1)], {}, ignore, pbx="main")
    await store.flush()
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    root = Path(ticket_cli.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    killed = subprocess.run(
        [sys.executable, "-c", program, str(path)], env=environment, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name("agentd.db-wal").stat().st_size > 0
    assert listed("--database", str(path)) == [order(1).id]
