"""The store when the disk is full, locked, slow or read-only, and when its process is killed."""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from agentd import ticketing_health
from agentd.core.effects import Effect
from agentd.ticketing import Store
from tests.adapters.store_rig import (
    Log,
    alert,
    call,
    counts,
    ids,
    ignore,
    leg,
    order,
    rows,
    said,
    violation,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


@pytest.fixture
def log() -> Iterator[Log]:
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store(path) as made:
        yield made


class Ear:
    """Who is told of obligations."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, effects: Sequence[Effect]) -> None:
        self.heard += ids(effects)
        self._news.set()


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere; the test's own limit ends a wait in vain."""
    while not happened():
        await asyncio.sleep(0.01)


async def on_every_connection(store: Store, pragma: Callable[[], str | None]) -> None:
    """Have ``pragma`` (while it is not None) hold for the store, on its next connection too."""

    def on_connect(connection: Any, _record: Any) -> None:
        wanted = pragma()
        if wanted is not None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA {wanted}")
            cursor.close()

    event.listen(store._engine.sync_engine, "connect", on_connect)
    await store._disconnect()


# --- a disk that refuses ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pragma", "word"),
    [
        # The file may not grow: what SQLite then says is what it says of a full disk.
        ("max_page_count = 1", "disk is full"),
        ("query_only = ON", "cannot be written"),
    ],
)
async def test_a_disk_that_refuses_delays_and_loses_nothing(
    store: Store, path: Path, pragma: str, word: str, log: Log
) -> None:
    ear = Ear()
    refuses = True
    store.submit([order(0)], {"k": b"before"}, ear, pbx="main")
    await store.flush()
    await on_every_connection(store, lambda: pragma if refuses else None)

    numbers = range(1, 400)
    for number in numbers:
        effects = [order(number), violation(number), leg(number), call(number), alert(number)]
        store.submit(effects, {"k": b"%d" % number}, ear, pbx="main")
    await until(lambda: not store.health.healthy)
    health = store.health
    assert word in (health.last_error or "")
    assert health.queued == 5 * len(numbers)
    assert ear.heard == [order(0).id]
    assert counts(path)["work_order"] == 1
    assert rows(path, "SELECT value FROM engine_memory") == [(b"before",)]
    # More than one attempt, still one line.
    failures = []
    event.listen(store._engine.sync_engine, "handle_error", failures.append)
    await until(lambda: len(failures) >= 2)
    (failing,) = said(log, "store_failing")
    assert word in failing["reason"]

    refuses = False
    await store.flush()
    assert store.health.healthy
    assert ear.heard[1:] == [id_ for n in numbers for id_ in (order(n).id, violation(n).id)]
    n = len(numbers)
    assert counts(path) == {
        "work_order": n + 1, "work_order_event": n + 1, "violation": n, "alert": n, "leg": n,
        "call": n,
    }  # fmt: skip
    assert len(said(log, "store_recovered")) == 1


@contextmanager
def files_no_larger_than(limit_bytes: int) -> Iterator[None]:
    """What a full disk does to a file: writes beyond the limit fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def size(path: Path) -> int:
    return path.stat().st_size


async def test_writes_that_fail_half_way_leave_nothing_behind(store: Store, path: Path) -> None:
    ear = Ear()
    store.submit([order(0)], {}, ear, pbx="main")
    await store.flush()
    effects: list[Effect] = [e for n in range(1, 900) for e in (order(n), leg(n), violation(n))]
    wal = path.with_name(path.name + "-wal")
    with files_no_larger_than(size(wal) + 50_000):
        store.submit(effects, {"k": b"v"}, ear, pbx="main")
        await until(lambda: not store.health.healthy)
        assert ear.heard == [order(0).id]
    await store.flush()
    assert ear.heard[1:] == ids(effects)
    assert counts(path)["work_order"] == 900
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_telemetry_is_given_up_before_memory_runs_out_and_obligations_are_not(
    path: Path, log: Log
) -> None:
    ear = Ear()
    refuses = True
    async with Store(path, batch_max=50, telemetry_max=400) as store:
        await on_every_connection(store, lambda: "query_only = ON" if refuses else None)
        for number in range(1_000):
            store.submit([order(number), alert(number)], {}, ear, pbx="main")
        dropped = store.health.dropped
        assert 400 <= dropped < 1_000
        assert sum(entry["effects"] for entry in said(log, "store_telemetry_dropped")) == dropped
        refuses = False
        await store.flush()
        assert len(ear.heard) == counts(path)["work_order"] == 1_000
        # The latest were kept.
        assert counts(path)["alert"] == 1_000 - dropped
        assert rows(path, "SELECT max(at_us) FROM alert") == rows(
            path, "SELECT max(at_us) FROM work_order"
        )


async def test_closing_on_a_full_disk_ends_and_says_what_is_lost(path: Path, log: Log) -> None:
    ear = Ear()
    store = Store(path)
    await store.start()
    await on_every_connection(store, lambda: "max_page_count = 1")
    store.submit([order(n) for n in range(300)], {}, ear, pbx="main")
    assert not await store.close(flush_max_s=0.3)
    assert ear.heard == []
    assert [entry["effects"] for entry in said(log, "store_closed_with_losses")] == [300]
    await until(lambda: store_threads() == [])
    async with Store(path) as again:
        assert (await again.restore("main")).open_orders == []


# --- a database that somebody else holds -----------------------------------------------------

HOLD_THE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


async def test_a_database_locked_by_another_process(store: Store, path: Path, log: Log) -> None:
    ear = Ear()
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD_THE_LOCK, str(path),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    store.submit([order(1), violation(1)], {}, ear, pbx="main")
    await until(lambda: not store.health.healthy)
    assert "another process holds a lock" in (store.health.last_error or "")
    assert ear.heard == []
    holder.stdin.close()
    await holder.wait()
    await store.flush()
    assert ear.heard == [order(1).id, violation(1).id]
    assert [len(said(log, f"store_{what}")) for what in ("failing", "recovered")] == [1, 1]


# --- a slow disk -----------------------------------------------------------------------------


class SlowCommit:
    """Holds up the store's next commits, in the thread in which they happen, until let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, statement: str) -> None:
        if statement.startswith("COMMIT"):
            self.begun.set()
            self.go_on.wait()


async def slow_down(store: Store) -> SlowCommit:
    slow = SlowCommit()
    connection = await store._connect()
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    await raw.set_trace_callback(slow)
    return slow


def store_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if "_connection_worker_thread" in t.name]


async def test_a_slow_commit_holds_up_its_announcement_and_nothing_else(
    store: Store, path: Path
) -> None:
    ear = Ear()
    slow = await slow_down(store)
    store.submit([order(0)], {}, ear, pbx="main")
    await until(slow.begun.is_set)
    # The loop goes on: timers fire, submissions are taken, health is told.
    for number in range(1, 500):
        store.submit([order(number)], {}, ear, pbx="main")
        await asyncio.sleep(0)
    assert await asyncio.wait_for(asyncio.sleep(0.01, "a timer"), 60) == "a timer"
    assert store.health.queued == 500
    assert ear.heard == []
    assert counts(path)["work_order"] == 0
    slow.go_on.set()
    await store.flush()
    assert ear.heard == [order(number).id for number in range(500)]


async def test_a_commit_that_takes_too_long_is_seen_in_the_health(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = await slow_down(store)
    store.submit([order(0)], {}, ignore, pbx="main")
    await until(slow.begun.is_set)
    assert store.health.healthy
    monkeypatch.setattr(ticketing_health, "STALL_S", -1.0)
    assert not store.health.healthy
    assert "busy with one commit" in (store.health.last_error or "")
    slow.go_on.set()
    await store.flush()
    assert store.health.healthy


async def test_closing_does_not_wait_for_a_commit_that_hangs(path: Path) -> None:
    ear = Ear()
    store = Store(path)
    await store.start()
    slow = await slow_down(store)
    store.submit([order(0)], {}, ear, pbx="main")
    await until(slow.begun.is_set)
    assert not await store.close(flush_max_s=0.1)
    assert ear.heard == []
    # Its thread ends when the disk answers, and nothing of the store is left then.
    assert len(store_threads()) == 1
    slow.go_on.set()
    await until(lambda: store_threads() == [])
    await until(lambda: len(asyncio.all_tasks()) == 1)


# --- commits of which nobody knows -----------------------------------------------------------


async def test_a_commit_that_happened_although_it_reported_an_error_is_announced_once(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()
    commit = AsyncConnection.commit
    broke = 0

    async def commit_and_break(connection: AsyncConnection) -> None:
        nonlocal broke
        await commit(connection)
        if not broke:
            broke += 1
            error = sqlite3.OperationalError("disk I/O error")
            raise DBAPIError("COMMIT", None, error)

    monkeypatch.setattr(AsyncConnection, "commit", commit_and_break)
    store.submit([order(1), violation(1)], {}, ear, pbx="main")
    await store.flush()
    assert broke == 1
    assert ear.heard == [order(1).id, violation(1).id]
    assert counts(path)["work_order_event"] == 1


async def test_our_own_bug_is_loud_and_stores_nothing(store: Store, path: Path) -> None:
    ear = Ear()
    nonsense = order(2, seat=b"bytes")
    store.submit([order(1), nonsense], {}, ear, pbx="main")
    with pytest.raises(DBAPIError):
        await store.flush()
    assert ear.heard == []
    assert counts(path)["work_order"] == 0
    assert not store.health.healthy


# --- kill -9 ---------------------------------------------------------------------------------


async def test_what_was_announced_is_there_after_kill_9(path: Path) -> None:
    chance = random.Random(20_260_701)
    announced: set[str] = set()
    first = 0
    for _ in range(4):
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.adapters.store_victim", str(path), str(first),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert victim.stdout is not None
        lines = [await victim.stdout.readline() for _ in range(chance.randrange(100, 4_000))]
        victim.kill()
        rest = await victim.stdout.read()
        await victim.wait()
        # A line that was cut by the kill was not heard whole by anybody.
        lines += rest.splitlines(keepends=True)
        said_whole = {line.decode().strip() for line in lines if line.endswith(b"\n")}
        # Its log lines are there, too.
        announced |= {id_ for id_ in said_whole if id_.startswith("main-")}

        async with Store(path) as store:
            restored = await store.restore("main")
        stored = {id_ for (id_,) in rows(path, "SELECT id FROM work_order")}
        stored |= {id_ for (id_,) in rows(path, "SELECT id FROM violation")}
        assert announced <= stored
        # Whole or not at all, memory included.
        first = int(restored.memory["number"]) + 1
        assert {order(n).id for n in range(first)} == {o.id for o in restored.open_orders}
        assert counts(path) == {
            "work_order": first, "work_order_event": first, "violation": first, "alert": 0,
            "leg": first, "call": 0,
        }  # fmt: skip
    assert len(announced) > 400
