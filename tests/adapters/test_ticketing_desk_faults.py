"""What people do, when the disk refuses, when a commit is in doubt, when the process is killed,
and in a database of an older agentd."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from agentd import ticketing, ticketing_file
from agentd.core.order_model import AddNote, Done
from agentd.ports.accounts import AuditEntry, Session
from agentd.ports.desk import OrderQuery
from agentd.ticketing import Store, StoreError
from tests.adapters.desk_rig import LEADER, WANG, contact, desk_store, due, tell
from tests.adapters.store_rig import T0_US, ignore, order, rows, violation

ENTRY = AuditEntry(at_us=T0_US, who="1001", action="test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with desk_store(path) as made:
        yield made


async def until(happened: Callable[[], bool]) -> None:
    while not happened():
        await asyncio.sleep(0.01)


class Refusal:
    """A disk that refuses until it is told otherwise."""

    def __init__(self, store: Store) -> None:
        self.on = True
        event.listen(store._engine.sync_engine, "connect", self)
        self._store = store

    async def begin(self) -> None:
        await self._store._disconnect()

    def __call__(self, connection: Any, _record: Any) -> None:
        if self.on:
            cursor = connection.cursor()
            cursor.execute("PRAGMA query_only = ON")
            cursor.close()


async def note(store: Store, number: int, text: str) -> Done:
    done = await store.apply(order(number).id, AddNote(text=text), WANG, T0_US + 5)
    assert isinstance(done, Done)
    return done


async def notes(store: Store, number: int) -> list[str]:
    document = await store.order(order(number).id)
    assert document is not None
    return [entry.text for entry in document.notes]


# A test that spoils a file may wait for it.
# ruff: noqa: ASYNC240

# --- a disk that refuses ---------------------------------------------------------------------


async def test_work_waits_for_a_disk_that_refuses_for_a_moment(store: Store) -> None:
    await tell(store, order(1))
    disk = Refusal(store)
    await disk.begin()
    waiting = asyncio.create_task(note(store, 1, "x"))
    await until(lambda: not store.health.healthy)
    # Reading goes on beside it.
    assert await notes(store, 1) == []
    disk.on = False
    assert (await waiting).order.version == 2
    assert await notes(store, 1) == ["x"]


async def test_a_person_is_told_when_the_disk_goes_on_refusing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(store, order(1))
    monkeypatch.setattr(ticketing, "_PATIENCE_S", 0.0)
    disk = Refusal(store)
    await disk.begin()
    heard: list[object] = []
    job, result = store.apply_job(order(2).id, AddNote(text="owed"), WANG)
    store.submit([order(2)], {}, heard.extend, pbx="main", jobs=[job])
    with pytest.raises(StoreError, match=r"nothing was changed.* cannot be written") as caught:
        await note(store, 1, "given up")
    assert "\n" not in str(caught.value)
    # What the engine owes is not given up, nor the work that belongs to it.
    assert heard == []
    disk.on = False
    await store.flush()
    assert heard == [order(2)]
    assert isinstance(result(), Done)
    assert (await notes(store, 1), await notes(store, 2)) == ([], ["owed"])
    await note(store, 1, "later")
    assert await notes(store, 1) == ["later"]


async def test_work_that_was_tried_twice_was_done_once(store: Store, path: Path) -> None:
    tries = 0

    def work(transaction: Any) -> int:
        nonlocal tries
        tries += 1
        transaction.connection.exec_driver_sql("INSERT INTO meta VALUES ('k', 'v')")
        if tries < 3:
            error = sqlite3.OperationalError("disk I/O error")
            raise DBAPIError("INSERT", None, error)
        return tries

    heard: list[object] = []
    store.submit([order(1)], {}, heard.extend, pbx="main")
    assert await store._do(work) == 3
    assert heard == [order(1)]
    assert rows(path, "SELECT version FROM order_document") == [(1,)]


async def test_closing_tells_those_who_wait(path: Path) -> None:
    store = desk_store(path)
    await store.start()
    disk = Refusal(store)
    await disk.begin()
    waiting = asyncio.create_task(store.add_audit([ENTRY]))
    await until(lambda: not store.health.healthy)
    assert not await store.close(flush_max_s=0.1)
    with pytest.raises(StoreError, match="closed before it was done: it cannot be written"):
        await waiting
    assert rows(path, "SELECT * FROM audit") == []


async def test_a_bug_of_ours_ends_those_who_wait_as_well(store: Store) -> None:
    def announce(_: object) -> None:
        raise ZeroDivisionError

    store.submit([order(1)], {}, announce, pbx="main")
    store.submit([order(2, seat=b"bytes")], {}, ignore, pbx="main")
    with pytest.raises(StoreError, match="its writer has stopped"):
        await store.add_audit([ENTRY])
    with pytest.raises(StoreError, match="is closed"):
        await store.add_audit([ENTRY])


async def test_a_database_that_cannot_be_read_is_told(store: Store, path: Path) -> None:
    await store.add_audit([ENTRY])
    assert store._readers is not None
    await store._readers.engine.dispose()
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(StoreError, match="cannot read the database"):
        await store.audit()
    path.with_name("elsewhere").rename(path)
    assert len(await store.audit()) == 1


# --- commits of which nobody knows -----------------------------------------------------------


@pytest.mark.parametrize("happened", [True, False])
async def test_work_whose_commit_is_in_doubt_is_done_once(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch, happened: bool
) -> None:
    await tell(store, order(1), order(2))
    commit = AsyncConnection.commit
    broke = 0

    async def commit_or_break(connection: AsyncConnection) -> None:
        nonlocal broke
        broke += 1
        if broke > 1 or happened:
            await commit(connection)
        if broke == 1:
            raise DBAPIError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    changed: list[int] = []
    store.on_change(lambda documents: changed.extend(document.version for document, _ in documents))
    heard: list[object] = []
    monkeypatch.setattr(AsyncConnection, "commit", commit_or_break)
    # Its patience is over at once; but nobody may say that nothing happened.
    monkeypatch.setattr(ticketing, "_PATIENCE_S", 0.0)
    effects = [due(order(2)), contact(2), violation(2)]
    store.submit(effects, {"k": b"v"}, heard.extend, pbx="main")
    outcomes = await asyncio.gather(
        note(store, 1, "x"), note(store, 1, "y"), store.add_audit([ENTRY])
    )
    assert broke >= 1
    assert [done.order.version for done in outcomes[:2]] == [2, 3]
    assert await notes(store, 1) == ["x", "y"]
    assert len(await store.audit()) == 1
    assert heard == effects
    assert changed == [2, 3, 2, 3]
    assert rows(path, "SELECT count(*) FROM order_history") == [(6,)]


# --- kill -9 ---------------------------------------------------------------------------------


async def test_an_order_and_its_document_are_completed_both_or_not_at_all(path: Path) -> None:
    chance = random.Random(20_261_123)
    told: set[str] = set()
    first = 0
    for _ in range(4):
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.adapters.desk_victim", str(path), str(first),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert victim.stdout is not None
        lines = [await victim.stdout.readline() for _ in range(chance.randrange(20, 150))]
        await asyncio.sleep(chance.random() / 50)
        victim.kill()
        rest = await victim.stdout.read()
        await victim.wait()
        lines += rest.splitlines(keepends=True)
        whole = {line.decode().strip() for line in lines if line.endswith(b"\n")}
        told |= {id_ for id_ in whole if id_.startswith("main-")}

        async with desk_store(path) as store:
            restored = await store.restore("main")
            first = int(restored.memory["number"]) + 1
            pieces = [piece async for piece in store.each_order(OrderQuery())]
        documents = {document.id: document for piece in pieces for document in piece}
        engine = dict(rows(path, "SELECT id, status FROM work_order"))
        assert engine.keys() == documents.keys()
        for id_, document in documents.items():
            assert (document.state == "completed") == (engine[id_] == "completed")
            assert bool(document.contacts) == (document.state == "completed")
        done = {id_ for id_, document in documents.items() if document.state == "completed"}
        assert told <= done == {order(number).id for number in range(first)}
        versions = rows(
            path, "SELECT order_id, max(version), count(*) FROM order_history GROUP BY 1"
        )
        assert {id_: (v, n) for id_, v, n in versions} == {
            id_: (document.version, document.version) for id_, document in documents.items()
        }
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        assert rows(path, "SELECT count(*) FROM order_words") == [(first,)]
    assert len(told) > 80


# --- a database of an older agentd ------------------------------------------------------------


OLD_ORDER = (
    "INSERT OR REPLACE INTO work_order VALUES (:id, 'main', :at_us, 'call', :call, 'PJSIP/1001', "
    "'王芳', 'hotline', '13900000000', :status, :opened_us, NULL, :completed_us, :completed_by, "
    ":change, 0)"
)
OLD_EVENT = (
    "INSERT INTO work_order_event (order_id, at_us, change, alerts_sent, state) "
    "VALUES (:id, :at_us, :change, 0, :state)"
)
OLD_VIOLATION = (
    "INSERT INTO violation VALUES ('old-v', 'main', 5, 'hold', 'PJSIP/1001', '王芳', '1732.1', "
    "'1732.11', 31000000, 30000000, '[]')"
)


def make_old(path: Path) -> None:
    """What agentd's first release left: revision 0001, two orders, a violation."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = ticketing_file._migrations()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    opened: dict[str, Any] = {
        "at_us": T0_US, "status": "open", "opened_us": T0_US, "completed_us": None,
        "completed_by": None, "change": "opened",
    }  # fmt: skip
    ended = {
        **opened, "at_us": T0_US + 9, "status": "completed", "completed_us": T0_US + 9,
        "completed_by": "王芳", "change": "completed",
    }  # fmt: skip
    connection = sqlite3.connect(path)
    for number, change in ((1, opened), (2, opened), (2, ended)):
        order = {**change, "id": f"old-{number}", "call": f"1732.{number}"}
        told = {
            **order, "pbx": "main", "kind": "call", "seat": "PJSIP/1001", "agent": "王芳",
            "queue": "hotline", "caller": "13900000000", "due_us": None, "alerts_sent": 0,
        }  # fmt: skip
        connection.execute(OLD_ORDER, order)
        connection.execute(OLD_EVENT, {**order, "state": json.dumps(told)})
    connection.execute(OLD_VIOLATION)
    connection.commit()
    connection.close()


async def test_an_old_database_gets_documents_and_opens_again(path: Path) -> None:
    make_old(path)
    async with desk_store(path) as store:
        restored = await store.restore("main")
        assert [(o.id, o.numbers, o.folded) for o in restored.open_orders] == [("old-1", (), 0)]
        await store.catch_up()
        before = (await store.orders(OrderQuery())).items
        assert [(o.id, o.state, o.owner, o.team) for o in before] == [
            ("old-2", "completed", "1001", "day"),
            ("old-1", "open", "1001", "day"),
        ]
        assert [line.do for line in await store.history("old-2")] == ["completed"]
        judged = await store.violation("old-v")
        assert judged is not None
        assert (judged.owner, judged.team, judged.queue) == ("1001", "day", "hotline")
        assert judged.order == "old-1"
    assert path.with_name("agentd.db.0001.1.bak").exists()
    for _ in range(2):
        async with desk_store(path) as store:
            await store.catch_up()
            assert (await store.orders(OrderQuery())).items == before
            done = await store.apply("old-1", AddNote(text="x"), LEADER, T0_US)
            assert isinstance(done, Done)
            before = (before[0], done.order)
    assert len(list(path.parent.glob("*.bak"))) == 1


async def test_sessions_outlive_the_daemon_that_was_killed(path: Path) -> None:
    session = Session(
        id="s", login="1001", created_us=1, seen_us=1, expires_us=2, address="", browser=""
    )
    program = """
import asyncio, sys
from pathlib import Path
from agentd.ports.accounts import Session
from agentd.ticketing import Store
async def main():
    async with Store(Path(sys.argv[1])) as store:
        await store.put_session(Session(
            id="s", login="1001", created_us=1, seen_us=1, expires_us=2, address="", browser=""
        ))
        print("kept", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), stdout=subprocess.PIPE
    )
    assert victim.stdout is not None
    while await victim.stdout.readline() != b"kept\n":
        pass
    victim.kill()
    await victim.wait()
    async with Store(path) as store:
        assert await store.sessions() == [session]
