"""Retention: what is too old goes, what is held stays whole, and everything is told in a log."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from agentd.core.effects import Effect, OrderContact
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import Appeal
from agentd.ports.history import CallSearch, IntervalRow, alert_id
from agentd.ports.retention import LegalHold, Purged, RetentionPolicy
from agentd.ports.supervision import DeskMessage
from agentd.ticketing import Store
from tests.adapters.history_rig import (
    DAY,
    HOUR,
    T0,
    Rules,
    S,
    alert,
    ended,
    leg,
    link,
    seat,
    visit,
    whole,
)
from tests.adapters.store_rig import ignore, rows

NOW = T0 + 100 * DAY
ALL = RetentionPolicy(
    calls_days=30,
    legs_days=30,
    alerts_days=30,
    spans_days=30,
    intervals_days=30,
    violations_days=30,
    evidence_days=30,
    messages_days=30,
    audit_days=30,
    mask_numbers_days=30,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store(path, rules=Rules(), linger_s=0.001) as store:
        yield store


async def keep(store: Store, effects: Sequence[Effect]) -> None:
    store.submit(effects, {}, ignore, pbx="main")
    await store.flush()


async def hold(store: Store, kind: str, target: str, **more: object) -> LegalHold:
    made = LegalHold(f"h-{kind}", kind, target, "a court asks", "4001", T0)  # type: ignore[arg-type]
    made = replace(made, **more)
    await store.put_hold(made, line("hold"))
    return made


def line(action: str, at_us: int = NOW) -> AuditEntry:
    return AuditEntry(at_us=at_us, who="4001", action=action, target="", detail={})


def done(purged: Sequence[Purged]) -> dict[str, tuple[int, int]]:
    return {entry.kind: (entry.rows, entry.held) for entry in purged}


def count(path: Path, *tables: str) -> dict[str, int]:
    return {name: rows(path, f"SELECT count(*) FROM {name}")[0][0] for name in tables}  # noqa: S608


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


TABLES = (
    "call", "queue_visit", "call_listed", "call_party", "call_scope", "leg", "wrap_up", "alert",
    "violation",
)  # fmt: skip


async def calls(store: Store, **narrow: str) -> list[str]:
    page = await store.search_calls(CallSearch(**narrow))  # type: ignore[arg-type]
    return [item.call.call for item in page.items]


async def test_nothing_goes_without_a_policy(store: Store, path: Path) -> None:
    await keep(store, whole("1", T0))
    before = count(path, *TABLES)
    assert await store.retain(RetentionPolicy(), NOW) == []
    assert count(path, *TABLES) == before
    assert await store.purges() == []


async def test_what_is_too_old_goes_and_the_rest_stays(store: Store, path: Path) -> None:
    await keep(store, [*whole("1", T0), *whole("2", NOW - DAY)])
    await keep(store, [seat(T0 - HOUR, "available"), seat(T0, "talking"), link(T0 - HOUR, True)])
    await keep(store, [visit("never-over", T0), link(T0, True)])
    await store.note_alert(alert_id(alert("1", T0)), "2001", T0)
    await store.put_appeals([Appeal("a", "v-1", "1001", T0, "no")])
    await store.put_intervals([IntervalRow("queue", "q", t, {"offered": 1}) for t in (T0, NOW)])
    await store.add_audit([line("old", T0), line("new", NOW)])
    assert done(await store.retain(ALL, NOW)) == {
        "evidence": (2, 0),
        "legs": (2, 0),
        "alerts": (1, 0),
        "violations": (1, 0),
        "spans": (2, 0),
        "intervals": (1, 0),
        "numbers": (3, 0),
        "calls": (2, 0),
        "audit": (1, 0),
    }
    once = dict.fromkeys(TABLES, 1)
    parties = count(path, "call_party")["call_party"]
    assert count(path, *TABLES) == {**once, "call_party": parties}
    assert await calls(store) == ["2"]
    assert count(path, "alert_note", "appeal") == {"alert_note": 0, "appeal": 0}
    # The state that a seat is still in is no history yet, however old.
    assert rows(path, "SELECT at_us FROM seat_change") == [(T0,)]
    assert rows(path, "SELECT at_us FROM link_span") == [(T0,)]
    assert [entry.action for entry in await store.audit()] == ["new"]
    assert (await store.retain(ALL, NOW)) == []


def message(id_: str, at_us: int, *, to: str = "1001", by: str = "2001") -> DeskMessage:
    return DeskMessage(id_, to, by, "赵班长", at_us, "请尽快回队列", "info")


async def test_messages_to_desks_go_read_or_not(store: Store) -> None:
    for one in (
        message("unread", T0),
        message("read", T0 + 1),
        message("edge", NOW - 30 * DAY),
        message("new", NOW - DAY),
    ):
        await store.put_message(one)
    assert await store.read_message("read", "1001", T0 + 2) is not None
    # What would go is told before.
    assert done(await store.retain(ALL, NOW, dry=True)) == {"messages": (2, 0)}
    assert done(await store.retain(ALL, NOW)) == {"messages": (2, 0)}
    assert [m.id for m in await store.messages("1001", limit=9)] == ["new", "edge"]
    [purged] = await store.purges()
    assert (purged.kind, purged.rows) == ("messages", 2)


@pytest.mark.parametrize("held", ["1001", "2001"])
async def test_a_hold_on_a_person_keeps_messages_to_and_by_them(store: Store, held: str) -> None:
    await store.put_message(message("theirs", T0))
    await store.put_message(message("others", T0, to="1002", by="2002"))
    await hold(store, "person", held)
    assert done(await store.retain(ALL, NOW)) == {"messages": (1, 1)}
    assert [m.id for m in await store.messages("1001", limit=9)] == ["theirs"]
    assert await store.messages("1002", limit=9) == []


async def test_orders_and_recordings_are_never_purged(store: Store, path: Path) -> None:
    await keep(store, whole("1", T0))
    tables = ("work_order", "work_order_event", "order_document", "order_history", "recording")
    before = {name: rows(path, f"SELECT * FROM {name}") for name in tables}  # noqa: S608
    assert before["order_document"]
    await store.retain(ALL, NOW)
    assert {name: rows(path, f"SELECT * FROM {name}") for name in tables} == before  # noqa: S608
    story = await store.call_story("main", "1")
    assert story is not None
    assert (story.call, story.legs, story.order) == (None, (), "main-1")


@pytest.mark.parametrize(
    ("kind", "target", "more"),
    [
        ("call", "1", {"pbx": "main"}),
        ("order", "main-1", {}),
        ("person", "1001", {"names": ("王芳",)}),
        ("person", "9", {"names": ("1001",)}),
        ("number", "+8613900001111", {}),
    ],
)
async def test_what_is_held_stays_whole(
    store: Store, path: Path, kind: str, target: str, more: dict[str, object]
) -> None:
    other = {"seat": "PJSIP/2", "agent": "1002", "caller": "13900002222"}
    await keep(store, [*whole("1", T0), *whole("2", T0, **other)])
    held = await hold(store, kind, target, **more)
    before = await store.call_story("main", "1")
    assert before is not None
    assert before.held
    await store.retain(ALL, NOW)
    assert await store.call_story("main", "1") == before
    gone = await store.call_story("main", "2")
    assert gone is not None
    assert (gone.call, gone.visits, gone.legs, gone.alerts) == (None, (), (), ())
    lifted = replace(held, lifted_by="4001", lifted_us=NOW, lifted_why="the case is closed")
    await store.put_hold(lifted, line("lift"))
    assert [entry.action for entry in await store.audit()] == ["lift", "hold"]
    assert await store.holds(open_only=True) == []
    assert await store.holds() == [lifted]
    await store.retain(ALL, NOW)
    assert set(count(path, *TABLES).values()) == {0}


async def test_a_call_back_that_belongs_to_a_held_order_is_held(store: Store) -> None:
    await keep(store, whole("1", T0))
    contact = OrderContact(
        "main", T0 + HOUR, "main-1", "2", "2", "call_back", None, "1001", 5, True
    )
    await keep(store, [contact, leg("2", T0, agent=None, caller=None), ended("2", T0, caller=None)])
    await hold(store, "order", "main-1")
    await store.retain(replace(ALL, mask_numbers_days=None), NOW)
    assert sorted(await calls(store)) == ["1", "2"]


async def test_numbers_are_masked_where_they_stand_and_found_no_more(
    store: Store, path: Path
) -> None:
    await keep(store, [*whole("1", T0), *whole("2", NOW - DAY), leg("3", T0, caller="8001")])
    policy = RetentionPolicy(mask_numbers_days=30)
    assert done(await store.retain(policy, NOW, dry=True)) == {"numbers": (3, 0)}
    assert await calls(store, number="13900001111") == ["2", "1"]
    assert done(await store.retain(policy, NOW)) == {"numbers": (3, 0)}
    assert await calls(store, number="13900001111") == ["2"]
    story = await store.call_story("main", "1")
    assert story is not None
    assert story.call is not None
    masked = {story.call.caller, story.legs[0].caller, story.visits[0].caller}
    assert masked == {"139****1111"}
    assert ("8001",) in rows(path, "SELECT caller FROM leg")
    assert rows(path, "SELECT caller FROM call WHERE call = '1'") == [("139****1111",)]
    assert "13900001111" in str(rows(path, "SELECT caller FROM work_order"))
    assert await store.retain(policy, NOW) == []


async def test_what_was_passed_over_is_masked_when_the_hold_is_lifted(store: Store) -> None:
    await keep(store, [*whole("1", T0), *whole("2", T0 + DAY)])
    held = await hold(store, "call", "1", pbx="main")
    policy = RetentionPolicy(mask_numbers_days=30, evidence_days=30)
    assert done(await store.retain(policy, NOW)) == {"evidence": (2, 2), "numbers": (3, 3)}
    await store.put_hold(replace(held, lifted_by="4001", lifted_us=NOW), line("lift"))
    assert done(await store.retain(policy, NOW)) == {"evidence": (2, 0), "numbers": (3, 0)}


async def test_a_dry_run_tells_and_changes_nothing(store: Store, path: Path) -> None:
    await keep(store, whole("1", T0))
    await store.add_audit([line("old", T0)])
    before = dump(path)
    # What goes with its leg needs no masking in it.
    policy = replace(ALL, legs_days=None)
    told = done(await store.retain(policy, NOW, dry=True))
    assert dump(path) == before
    assert told == done(await store.retain(policy, NOW))
    assert told["numbers"] == (3, 0)


async def test_the_purge_log_tells_each_run_once(store: Store, path: Path) -> None:
    await keep(store, [leg(f"{n}", T0 + n * S) for n in range(1_200)])
    policy = RetentionPolicy(legs_days=30)
    await store.retain(policy, NOW, by="4001")
    [entry] = await store.purges()
    assert (entry.kind, entry.rows, entry.by) == ("legs", 1_200, "4001")
    assert (entry.at_us, entry.before_us) == (NOW, NOW - 30 * DAY)
    assert await store.purges(before_us=NOW) == []
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute("DELETE FROM purge_log")
    connection.close()


async def test_nobody_else_deletes_from_the_audit_log_or_a_hold(store: Store, path: Path) -> None:
    await store.add_audit([line("old", T0), line("new", NOW)])
    await hold(store, "call", "1", pbx="main")
    await store.retain(ALL, NOW)
    connection = sqlite3.connect(path)
    for statement in ("DELETE FROM audit", "UPDATE audit SET who = ''", "DELETE FROM legal_hold"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            connection.execute(statement)
    connection.close()


async def test_what_must_be_announced_passes_between_two_pieces(store: Store) -> None:
    await keep(store, [leg(f"{n}", T0 + n * S) for n in range(3_000)])
    purging = asyncio.create_task(store.retain(RetentionPolicy(legs_days=30), NOW))
    heard = asyncio.Event()
    while not await store.purges():
        await asyncio.sleep(0)
    store.submit(whole("1", NOW)[1:2], {}, lambda _: heard.set(), pbx="main")
    await heard.wait()
    assert not purging.done()
    [entry] = await purging
    assert entry.rows == 3_000
