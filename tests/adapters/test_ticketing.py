"""The store does what it promises, on a real file and on a throw-away one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agentd import ports
from agentd.core.effects import Anomaly, Effect, OrderChanged, SeatChanged
from agentd.core.obligation import complete
from agentd.ticketing import Store
from tests.adapters.store_rig import (
    T0_US,
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


@pytest.fixture(params=["file", "throwaway"])
async def store(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Store]:
    made = Store(path) if request.param == "file" else Store.throwaway()
    async with made:
        yield made


def completed(opened: OrderChanged, by: str = "王芳", after_us: int = 60_000_000) -> OrderChanged:
    done = complete(opened, by, opened.opened_us + after_us)
    assert isinstance(done, OrderChanged)
    return done


async def test_it_is_the_store_that_the_runtime_expects(path: Path) -> None:
    as_port: ports.Store = Store(path)
    assert await cast(Store, as_port).close()


async def test_open_orders_come_back_with_their_deadlines_and_alerts(store: Store) -> None:
    first, second = order(1), order(2)
    due = replace(first, at_us=T0_US + 50, due_us=T0_US + 900_000_000, change="due")
    reminded = replace(due, at_us=T0_US + 60, alerts_sent=1)
    done = order(3)
    store.submit([second, first, done], {"calls": b"\x00\x01"}, ignore, pbx="main")
    store.submit([due, reminded, completed(done)], {}, ignore, pbx="main")
    store.submit([order(9, pbx="branch")], {"calls": b"other"}, ignore, pbx="branch")
    await store.flush()

    restored = await store.restore("main")
    assert list(restored.open_orders) == [reminded, second]
    assert restored.memory == {"calls": b"\x00\x01"}
    branch = await store.restore("branch")
    assert (ids(branch.open_orders), branch.memory) == (["branch-17323200.9"], {"calls": b"other"})
    assert (await store.restore("nobody")).open_orders == []


async def test_completed_orders_of_calls_that_may_go_on_come_back_apart(store: Store) -> None:
    day_us = 24 * 3_600 * 1_000_000
    long_ago = order(1, opened_us=T0_US - day_us)
    going_on, over = order(2), order(3)
    store.submit([long_ago, going_on, over], {}, ignore, pbx="main")
    store.submit([completed(o) for o in (long_ago, going_on, over)], {}, ignore, pbx="main")
    store.submit([call(3)], {}, ignore, pbx="main")

    restored = await store.restore("main")
    assert list(restored.open_orders) == []
    assert list(restored.completed_orders) == [completed(going_on)]


async def test_obligations_are_announced_in_order_once_they_can_be_read(path: Path) -> None:
    heard: list[str] = []

    def announce(effects: Sequence[Effect]) -> None:
        stored = {id_ for (id_,) in rows(path, "SELECT id FROM work_order")}
        stored |= {id_ for (id_,) in rows(path, "SELECT id FROM violation")}
        assert set(ids(effects)) <= stored
        heard.extend(ids(effects))

    expected: list[str] = []
    async with Store(path, batch_max=7) as store:
        for number in range(20):
            effects = [order(number), alert(number), violation(number)]
            store.submit(effects, {}, announce, pbx="main")
            expected += ids(effects)
        assert heard == []
        await store.flush()
        assert heard == expected


async def test_what_is_not_an_obligation_is_stored_and_announced_by_nobody(path: Path) -> None:
    heard: list[Sequence[Effect]] = []
    async with Store(path) as store:
        store.submit([leg(1), call(1), alert(1)], {"k": b"v"}, heard.append, pbx="main")
        await store.flush()
        assert counts(path) == {
            "work_order": 0, "work_order_event": 0, "violation": 0, "alert": 1, "leg": 1, "call": 1,
        }  # fmt: skip
    assert heard == []
    ((holds, caller, gap),) = rows(path, "SELECT holds, caller, gap FROM leg")
    assert json.loads(holds) == [
        {"kind": "hold", "at_us": None, "seconds_us": None},
        {"kind": "hold", "at_us": T0_US + 9_000_000, "seconds_us": 31_000_000},
    ]
    assert (caller, gap) == ('"Bob: 😀\r\n" <139>', 1)


async def test_everything_twice_changes_nothing_and_is_no_news(path: Path) -> None:
    opened = order(1)
    effects: list[Effect] = [
        opened,
        violation(1),
        alert(1),
        leg(1),
        call(1),
        replace(opened, at_us=T0_US + 70, due_us=T0_US + 900_000_000, change="due"),
        completed(opened),
    ]
    heard: list[list[str]] = []

    def announce(news: Sequence[Effect]) -> None:
        heard.append(ids(news))

    async with Store(path) as store:
        # Doubled within one transaction, in the next one, and after a restart.
        store.submit(effects, {}, announce, pbx="main")
        store.submit(effects, {}, announce, pbx="main")
        await store.flush()
        store.submit(effects, {}, announce, pbx="main")
        await store.flush()
    before = rows(path, "SELECT * FROM work_order"), rows(path, "SELECT * FROM work_order_event")
    async with Store(path) as store:
        store.submit(effects, {}, announce, pbx="main")
    after = rows(path, "SELECT * FROM work_order"), rows(path, "SELECT * FROM work_order_event")

    assert heard == [ids(effects), [], [], []]
    assert after == before
    assert counts(path) == {
        "work_order": 1, "work_order_event": 3, "violation": 1, "alert": 1, "leg": 1, "call": 1,
    }  # fmt: skip


async def test_a_completed_order_is_not_reopened_by_anything(path: Path) -> None:
    opened = order(1)
    heard: list[Effect] = []
    async with Store(path) as store:
        store.submit([opened, completed(opened)], {}, ignore, pbx="main")
        late = replace(opened, at_us=T0_US + 99_000_000, seat="PJSIP/1002", change="handed_over")
        store.submit([opened, late], {}, heard.extend, pbx="main")
        await store.flush()
        assert (await store.restore("main")).open_orders == []
    assert heard == []
    assert rows(path, "SELECT status, seat, completed_by FROM work_order") == [
        ("completed", "PJSIP/1001", "王芳")
    ]


async def test_a_call_never_has_two_orders_of_one_kind(path: Path) -> None:
    heard: list[Effect] = []
    rival = order(1, id="another-id")
    missed = order(1, id="missed-1", kind="missed", seat=None)
    elsewhere = order(1, pbx="branch")
    with capture_logs() as log:
        async with Store(path) as store:
            store.submit([order(1)], {}, heard.extend, pbx="main")
            await store.flush()
            store.submit([rival, missed, elsewhere], {}, heard.extend, pbx="main")
            store.submit([order(2), order(2, id="another-too")], {}, heard.extend, pbx="main")
            await store.flush()
    assert ids(heard) == [order(1).id, "missed-1", elsewhere.id, order(2).id]
    assert counts(path)["work_order"] == 4
    refused = [(entry["order"], entry["stands"]) for entry in said(log, "second_order_refused")]
    assert refused == [("another-id", order(1).id), ("another-too", order(2).id)]


async def test_memory_is_kept_as_it_was_last_said(store: Store) -> None:
    store.submit([], {"a": b"1", "b": b"1", "c": b"1"}, ignore, pbx="main")
    await store.flush()
    store.submit([], {"a": b"2", "b": None, "never": None}, ignore, pbx="main")
    store.submit([SEAT], {"a": b"3", "d": b""}, ignore, pbx="main")
    assert (await store.restore("main")).memory == {"a": b"3", "c": b"1", "d": b""}


SEAT = SeatChanged(
    pbx="main",
    at_us=T0_US,
    seat="PJSIP/1001",
    agent=None,
    state="available",
    queues=(),
    pause_reason=None,
)


async def test_what_is_not_stored_makes_no_transaction(store: Store) -> None:
    store.submit([Anomaly(pbx="main", at_us=T0_US, what="odd", event=None)], {}, ignore, pbx="main")
    assert store.health.queued == 0
    await store.flush()


async def test_waiting_memory_does_not_grow_with_the_number_of_its_changes(store: Store) -> None:
    for number in range(10_000):
        store.submit([], {"calls": b"%d" % number}, ignore, pbx="main")
    assert len(store._queue) == 1
    assert len(store._queue[0].memory) == 1
    await store.flush()
    assert (await store.restore("main")).memory == {"calls": b"9999"}


async def test_health_counts_what_waits(store: Store) -> None:
    assert store.health.healthy
    store.submit([order(1), leg(1)], {}, ignore, pbx="main")
    assert store.health.queued == 2
    await store.flush()
    health = store.health
    assert (health.healthy, health.queued, health.last_error) == (True, 0, None)


async def test_closing_stores_what_waits_and_leaves_nothing_running(path: Path) -> None:
    threads = set(threading.enumerate())
    store = Store(path)
    await store.start()
    heard: list[Effect] = []
    for number in range(5_000):
        store.submit([order(number)], {}, heard.extend, pbx="main")
    assert await store.close(flush_max_s=120)
    assert len(heard) == counts(path)["work_order"] == 5_000
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert "store-writer" not in names
    left = {t for t in threading.enumerate() if t not in threads and "asyncio" not in t.name}
    assert left == set()
    with pytest.raises(RuntimeError, match="closed"):
        store.submit([order(1)], {}, ignore, pbx="main")
    assert await store.close()


async def test_a_bug_in_who_is_told_is_loud(path: Path) -> None:
    def announce(_: Sequence[Effect]) -> None:
        raise ZeroDivisionError

    async with Store(path) as store:
        watcher = asyncio.create_task(store.watch())
        store.submit([order(1)], {}, announce, pbx="main")
        with pytest.raises(ZeroDivisionError):
            await store.flush()
        with pytest.raises(ZeroDivisionError):
            await watcher
        assert not store.health.healthy


async def test_watching_ends_when_the_store_is_closed(path: Path) -> None:
    store = Store(path)
    await store.start()
    watcher = asyncio.create_task(store.watch())
    cancelled = asyncio.create_task(store.watch())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait({cancelled})
    # Stopping to watch does not stop the store.
    store.submit([order(1)], {}, ignore, pbx="main")
    assert await store.close()
    await watcher
    assert counts(path)["work_order"] == 1


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_a_throwaway_store_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    heard: list[Effect] = []
    async with Store.throwaway() as store:
        for number in range(3_000):
            store.submit([order(number), violation(number)], {}, heard.extend, pbx="main")
        await store.flush()
    assert len(heard) == 6_000
    assert names_in(tmp_path) == []
