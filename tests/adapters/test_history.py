"""History in the store: what was told is found again, in order, once, by whatever it is sought."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from msgspec.structs import replace
from sqlalchemy import create_engine

from agentd import ticketing_file
from agentd.core.effects import CallEnded, Effect, LegEnded, LinkSpan, SeatChanged
from agentd.core.phone import CHINA
from agentd.errors import Refused
from agentd.ports.desk import Appeal
from agentd.ports.history import (
    AlertSearch,
    CallSearch,
    Fact,
    Gap,
    IntervalRow,
    VisitSearch,
    alert_id,
)
from agentd.ticketing import Store
from agentd.ticketing_history_calls import call_keys
from tests.adapters.history_rig import (
    DAY,
    HOUR,
    MINUTE,
    QUARTER,
    T0,
    Rules,
    S,
    alert,
    broken,
    dialled,
    ended,
    kinds,
    leg,
    link,
    order,
    seat,
    visit,
    whole,
    wrap_up,
)
from tests.adapters.store_rig import ignore, rows


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


async def facts(store: Store, from_us: int, to_us: int, pbx: str | None = None) -> list[Fact]:
    return [fact async for piece in store.facts(from_us, to_us, pbx) for fact in piece]


async def found(store: Store, **narrow: Any) -> list[str]:
    """The calls of the first page."""
    page = await store.search_calls(CallSearch(**narrow))
    return [item.call.call for item in page.items]


# --- facts -----------------------------------------------------------------------------------


async def test_every_fact_comes_back_as_it_was_told(store: Store) -> None:
    told = [
        seat(T0 - 5, "available"),
        link(T0 - 9, True),
        *whole("1.1", T0),
        link(T0 + HOUR, False),
    ]
    await keep(store, told)
    back = await facts(store, T0 - MINUTE, T0 + DAY)
    opened = [fact for fact in back if type(fact).__name__ == "OrderChanged"]
    assert len(opened) == 1
    assert {repr(fact) for fact in back} == {repr(effect) for effect in told}


async def test_facts_come_in_the_order_of_the_moment_at_which_they_count(store: Store) -> None:
    await keep(store, [*whole("1.2", T0 + 10 * S), *whole("1.1", T0), seat(T0 + 1, "ringing")])
    assert kinds(await facts(store, T0, T0 + HOUR)) == [
        "VisitEnded", "SeatChanged", "OrderChanged", "VisitEnded", "OrderChanged",  # joined, opened
        "Alert", "Alert",
        "LegEnded", "WrapUpEnded", "Violation", "CallEnded",  # when the leg ended
        "LegEnded", "WrapUpEnded", "Violation", "CallEnded",
    ]  # fmt: skip


async def test_a_stay_counts_when_it_began_and_a_leg_when_it_ended(store: Store) -> None:
    midnight = T0 + HOUR
    await keep(store, whole("1.1", midnight - 30 * S))
    before = await facts(store, T0, midnight)
    assert kinds(before) == ["VisitEnded", "OrderChanged"]
    after = await facts(store, midnight, midnight + HOUR)
    assert kinds(after) == ["Alert", "LegEnded", "WrapUpEnded", "Violation", "CallEnded"]


async def test_a_violation_whose_leg_is_not_over_counts_at_its_own_time(store: Store) -> None:
    await keep(store, [broken("1.1", T0), broken("1.2", T0, leg=None, id="v2", rule="work_order")])
    assert kinds(await facts(store, T0, T0 + 51 * S)) == ["Violation", "Violation"]
    await keep(store, [leg("1.1", T0)])
    assert kinds(await facts(store, T0, T0 + 51 * S)) == ["Violation"]
    assert kinds(await facts(store, T0 + 51 * S, T0 + HOUR)) == ["LegEnded", "Violation"]


async def test_facts_begin_with_what_held_when_the_time_began(store: Store) -> None:
    other = seat(T0 - 2 * DAY, "paused", seat="PJSIP/2", pause_reason="lunch")
    await keep(
        store,
        [seat(T0 - 3 * DAY, "ringing"), seat(T0 - DAY, "talking"), other, link(T0 - DAY, True)],
    )
    begin = await facts(store, T0, T0 + HOUR)
    assert begin == [link(T0 - DAY, True), other, seat(T0 - DAY, "talking")]
    await keep(store, [seat(T0 + 5, "available")])
    assert (await facts(store, T0, T0 + HOUR))[-1] == seat(T0 + 5, "available")


async def test_facts_of_one_pbx(store: Store) -> None:
    await keep(store, [seat(T0, "talking"), seat(T0, "talking", pbx="other"), visit("1.1", T0)])
    assert {fact.pbx for fact in await facts(store, T0, T0 + S, "main")} == {"main"}
    assert kinds(await facts(store, T0, T0 + S, "other")) == ["SeatChanged"]
    assert kinds(await facts(store, T0 + 1, T0 + S, "other")) == ["SeatChanged"]


async def test_what_an_appeal_decided_follows_its_violation(store: Store) -> None:
    await keep(store, whole("1.1", T0))
    appeal = Appeal("a1", "v-1.1", "1001", T0 + DAY, "the line", status="refused",
                    decided_by="2001", decided_us=T0 + DAY + 1)  # fmt: skip
    await store.put_appeals([appeal])
    judged = (await facts(store, T0, T0 + HOUR))[-2]
    assert (type(judged).__name__, judged.standing) == ("Judged", True)  # type: ignore[union-attr]
    granted = replace(appeal, id="a2", status="granted", decided_us=T0 + 2 * DAY)
    await store.put_appeals([granted, replace(appeal, id="a3", decided_us=T0 + 3 * DAY)])
    *_, judged, last = await facts(store, T0, T0 + HOUR)
    assert (judged.standing, judged.at_us) == (False, T0 + 2 * DAY)  # type: ignore[union-attr]
    assert isinstance(last, CallEnded)


async def test_many_facts_come_in_pieces_and_each_once(store: Store) -> None:
    told = [leg(f"1.{n}", T0 + n * 20_000) for n in range(9_000)]
    await keep(store, told)
    pieces = [piece async for piece in store.facts(T0, T0 + HOUR)]
    legs = [fact for piece in pieces for fact in piece]
    assert [fact.leg for fact in legs if isinstance(fact, LegEnded)] == [x.leg for x in told]
    assert len(pieces) > 1


async def test_telling_a_thing_twice_changes_nothing(store: Store, path: Path) -> None:
    told = [*whole("1.1", T0), seat(T0, "talking"), link(T0, True)]
    tables = ("queue_visit", "wrap_up", "seat_change", "link_span", "call_listed", "call_party",
              "call_scope", "leg", "call", "alert")  # fmt: skip
    await keep(store, told)
    before = {name: rows(path, f"SELECT * FROM {name}") for name in tables}  # noqa: S608
    await keep(store, told)
    await keep(store, told[::-1])
    assert {name: rows(path, f"SELECT * FROM {name}") for name in tables} == before  # noqa: S608


async def test_of_several_states_at_one_moment_the_last_counts(store: Store) -> None:
    await keep(store, [seat(T0, "logged_out"), seat(T0, "talking"), seat(T0, "paused")])
    assert await facts(store, T0, T0 + S) == [seat(T0, "paused")]


# --- gaps ------------------------------------------------------------------------------------


async def test_while_the_daemon_was_away_nothing_was_heard(path: Path) -> None:
    async with Store(path) as store:
        await keep(store, [link(T0, True), seat(T0 + MINUTE, "available")])
        assert await store.gaps(T0, T0 + DAY) == []
    async with Store(path) as store:
        # What is found at the login comes before the link is said to be up.
        await keep(store, [seat(T0 + HOUR - 1, "talking"), link(T0 + HOUR, True)])
        assert await store.gaps(T0, T0 + DAY) == [Gap("main", T0 + MINUTE, T0 + HOUR)]
        assert link(T0 + MINUTE, False) in await facts(store, T0, T0 + DAY)


async def test_a_quiet_pbx_that_was_heard_all_the_time_has_no_gap_before_it_was_left(
    path: Path,
) -> None:
    async with Store(path) as store:
        await keep(store, [link(T0, True)])
        await store.heard({"main": T0 + HOUR})
        await store.heard({"main": T0 + MINUTE})
    async with Store(path) as store:
        await keep(store, [link(T0 + 2 * HOUR, True)])
        assert await store.gaps(T0, T0 + DAY) == [Gap("main", T0 + HOUR, T0 + 2 * HOUR)]


async def test_a_link_that_was_lost_is_a_gap_until_it_is_back(store: Store) -> None:
    await keep(store, [link(T0, True), link(T0 + HOUR, False)])
    assert await store.gaps(T0 + DAY, T0 + 2 * DAY) == [Gap("main", T0 + HOUR, None)]
    assert await store.gaps(T0, T0 + HOUR) == []
    await keep(store, [link(T0 + 2 * HOUR, False), link(T0 + DAY, True)])
    assert await store.gaps(T0 + DAY - 1, T0 + 2 * DAY) == [Gap("main", T0 + HOUR, T0 + DAY)]
    assert await store.gaps(T0 + DAY, T0 + 2 * DAY, "other") == []


async def test_before_the_first_start_nothing_is_known(store: Store) -> None:
    await keep(
        store,
        [
            link(T0 + HOUR, True),
            seat(T0 + HOUR, "available"),
            seat(T0 + HOUR, "paused", seat="PJSIP/2", agent="1002"),
            visit("1", T0 + HOUR + S),
            replace(link(T0 + 3 * HOUR, False), pbx="other"),
        ],
    )
    before = Gap("main", T0, T0 + HOUR)
    never = Gap("other", T0, None)
    assert await store.unheard(T0, T0 + DAY) == [before, never]
    assert await store.unheard(T0, T0 + DAY, "main") == [before]
    assert await store.unheard(T0 + HOUR, T0 + DAY, "main") == []
    # What was lost is another thing: there was a link then.
    assert await store.gaps(T0, T0 + DAY, "main") == []
    for spans in (
        await store.seat_spans("main", "PJSIP/1", T0, T0 + 2 * HOUR),
        await store.person_spans(["1001", "王芳"], T0, T0 + 2 * HOUR),
    ):
        unknown, known = spans
        assert (unknown.state, unknown.agent) == (None, None)
        assert (unknown.from_us, unknown.to_us) == (T0, T0 + HOUR)
        assert (known.state, known.from_us) == ("available", T0 + HOUR)
    day = await store.queue_day("hotline", T0, T0 + DAY, "main")
    assert day.gaps == (before,)
    assert [quarter.gap for quarter in day.quarters] == [False]


# --- spans -----------------------------------------------------------------------------------


async def test_a_seats_states_in_order_with_the_gap_between(store: Store) -> None:
    await keep(
        store,
        [
            link(T0 - DAY, True),
            seat(T0 - HOUR, "available"),
            seat(T0 + 10, "talking"),
            link(T0 + 20, False),
            link(T0 + 30, True),
            seat(T0 + 40, "paused", pause_reason="lunch"),
        ],
    )
    spans = await store.seat_spans("main", "PJSIP/1", T0, T0 + 50)
    assert [(span.state, span.from_us - T0, span.to_us and span.to_us - T0) for span in spans] == [
        ("available", 0, 10),
        ("talking", 10, 20),
        (None, 20, 30),
        ("talking", 30, 40),
        ("paused", 40, None),
    ]
    assert spans[-1].pause_reason == "lunch"
    [cut] = await store.seat_spans("main", "PJSIP/1", T0 + 12, T0 + 15)
    assert (cut.from_us, cut.to_us, cut.queues) == (T0 + 12, T0 + 15, ("hotline",))
    [lost] = await store.seat_spans("main", "PJSIP/1", T0 + 22, T0 + 25)
    assert (lost.state, lost.from_us, lost.to_us) == (None, T0 + 22, T0 + 25)
    assert await store.seat_spans("main", "PJSIP/9", T0, T0 + 50) == []


async def test_a_person_is_where_the_name_was(store: Store) -> None:
    await keep(
        store,
        [
            seat(T0, "available"),
            seat(T0 + 10, "logged_out", agent=None),
            seat(T0 + 20, "available", seat="PJSIP/2"),
            seat(T0 + 25, "talking", seat="PJSIP/2"),
            seat(T0 + 30, "talking", agent="1002", seat="PJSIP/2"),
        ],
    )
    spans = await store.person_spans(["1001", "王芳"], T0 + 5, T0 + 100)
    assert [(span.seat, span.state, span.from_us - T0, span.to_us) for span in spans] == [
        ("PJSIP/1", "available", 5, T0 + 10),
        ("PJSIP/2", "available", 20, T0 + 25),
        ("PJSIP/2", "talking", 25, T0 + 30),
    ]
    assert await store.person_spans(["1009"], T0, T0 + 100) == []


# --- a queue's day ---------------------------------------------------------------------------


async def test_a_queues_quarters_are_counted_from_its_stays(store: Store) -> None:
    lost = {"seat": None, "agent": None}
    await keep(
        store,
        [
            link(T0 - DAY, True),
            visit("1", T0),
            visit("2", T0 + S, wait_us=15 * S, left_us=T0 + 16 * S),
            visit("3", T0 + S, wait_us=15 * S + 1, left_us=T0 + 16 * S + 1),
            visit("4", T0 + S, wait_us=5 * S, outcome="abandoned", **lost),
            visit("5", T0 + S, wait_us=90 * S, outcome="abandoned", **lost),
            visit("6", T0 + QUARTER - 1, wait_us=30 * S, outcome="let_go", **lost),
            visit("7", T0 + QUARTER, wait_us=1, outcome="moved", estimated=True, **lost),
            visit("8", T0 + QUARTER, wait_us=1, outcome="unknown", gap=True, **lost),
            visit("9", T0 + S, queue="night"),
            link(T0 + 2 * QUARTER, False),
            visit("10", T0 + 2 * QUARTER + 1),
        ],
    )
    day = await store.queue_day("hotline", T0, T0 + DAY)
    first, second, third = day.quarters
    assert (first.at_us, first.offered, first.answered, first.within_limit) == (T0, 6, 3, 2)
    assert (first.abandoned, first.short_abandons, first.let_go) == (2, 1, 1)
    assert (first.wait_us, first.longest_us, first.gap) == (36 * S + 1, 90 * S, False)
    assert (second.at_us, second.moved, second.unknown) == (T0 + QUARTER, 1, 1)
    assert (second.estimated, second.gap) == (1, True)
    assert (third.offered, third.gap) == (1, True)
    assert day.gaps == (Gap("main", T0 + 2 * QUARTER, None),)
    assert (await store.queue_day("night", T0, T0 + DAY, "other")).quarters == ()


async def test_stays_are_read_page_by_page(store: Store) -> None:
    await keep(store, [visit(f"{n}", T0 + n * S) for n in range(7)])
    await keep(store, [visit("8", T0, queue="night"), visit("9", T0, outcome="abandoned")])
    query = VisitSearch(queue="hotline", outcome="answered", limit=3)
    seen: list[str] = []
    while True:
        page = await store.visits(query)
        seen += [item.call for item in page.items]
        if page.next_cursor is None:
            break
        query = replace(query, cursor=page.next_cursor)
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    scoped = await store.visits(VisitSearch(queues=("night",)))
    assert [item.call for item in scoped.items] == ["8"]


# --- calls -----------------------------------------------------------------------------------


async def test_a_call_is_found_by_everything_that_was_in_it(store: Store) -> None:
    await keep(store, whole("1.1", T0))
    night = {"seat": "PJSIP/2", "agent": "1002", "queue": "night", "caller": "010-8888 0000"}
    second = whole("1.2", T0 + MINUTE, **night)
    await keep(store, [effect for effect in second if type(effect).__name__ != "Violation"])
    await keep(store, [dialled("1.3", T0 + 2 * MINUTE, talk_us=None, outcome="no_answer")])
    await keep(store, [ended("1.4", T0 + 3 * MINUTE, legs=(), wait_us=40 * S, outcome="abandoned")])
    everything = ["1.4", "1.3", "1.2", "1.1"]
    assert await found(store) == everything
    assert await found(store, number="+86 139 0000 1111") == ["1.4", "1.1"]
    assert await found(store, number="0108888 0000") == ["1.2"]
    assert await found(store, number="057188880000", direction="outbound") == ["1.3"]
    assert await found(store, number="nobody") == []
    assert await found(store, queue="night") == ["1.2"]
    assert await found(store, seat="PJSIP/1") == ["1.3", "1.1"]
    assert await found(store, agents=("1002", "1009")) == ["1.2"]
    assert await found(store, agents=("1002", "1001")) == ["1.3", "1.2", "1.1"]
    assert await found(store, outcome="abandoned") == ["1.4"]
    assert await found(store, rule="hold") == ["1.1"]
    assert await found(store, rule="any", seat="PJSIP/1") == ["1.1"]
    assert await found(store, rule="ring") == []
    assert await found(store, wait_min_us=40 * S) == ["1.4"]
    assert await found(store, wait_min_us=40 * S + 1) == []
    assert await found(store, queue="hotline", wait_min_us=6 * S) == ["1.4", "1.1"]
    assert await found(store, talk_min_us=60 * S, seat="PJSIP/2") == ["1.2"]
    assert await found(store, hold_min_us=10 * S) == ["1.2", "1.1"]
    assert await found(store, pbx="other") == []
    assert await found(store, from_us=T0 + 66 * S, to_us=T0 + 2 * MINUTE + 66 * S) == ["1.2", "1.1"]
    assert await found(store, from_us=T0 + 66 * S + 1, seat="PJSIP/1") == ["1.3"]


async def test_a_found_call_tells_its_legs_rules_order_and_recordings(store: Store) -> None:
    await keep(store, whole("1.1", T0))
    [item] = (await store.search_calls(CallSearch())).items
    assert (item.direction, item.talk_us, item.hold_us) == ("inbound", 60 * S, 10 * S)
    assert (item.rules, item.order, item.recordings) == (("hold",), "main-1.1", 0)
    assert item.call == ended("1.1", T0)
    assert item.legs == (replace(leg("1.1", T0), evidence=()),)


async def test_pages_of_calls_go_on_where_they_ended(store: Store) -> None:
    await keep(store, [ended(f"{n}", T0 + n // 3 * S) for n in range(20)])
    await keep(store, [leg(f"{n}", T0, agent=f"100{n % 2}") for n in range(0, 20, 3)])
    for narrow in ({}, {"queue": "hotline"}, {"agents": ("1000", "1001")}, {"wait_min_us": 1}):
        query = CallSearch(limit=3, **narrow)  # type: ignore[arg-type]
        seen: list[str] = []
        while True:
            page = await store.search_calls(query)
            seen += [item.call.call for item in page.items]
            if page.next_cursor is None:
                break
            query = replace(query, cursor=page.next_cursor)
        assert len(seen) == len(set(seen)) == (7 if "agents" in narrow else 20)
        times = [int(call) // 3 for call in seen]
        assert times == sorted(times, reverse=True)
    with pytest.raises(Refused, match="not one of this list"):
        await store.search_calls(CallSearch(cursor="AAAA"))


async def test_a_scope_shows_its_own_calls_and_nobodys(store: Store) -> None:
    night = {"seat": "PJSIP/2", "agent": "1002", "queue": "night"}
    await keep(store, [*whole("1", T0), *whole("2", T0 + S, **night)])
    await keep(store, [ended("3", T0 + 2 * S, legs=(), queue="night", visits=("night",))])
    await keep(store, [ended("4", T0 + 3 * S, legs=(), queue=None, visits=())])
    await keep(store, [leg("5", T0 + 4 * S, seat="PJSIP/7", queue=None), ended("5", T0 + 4 * S)])
    assert await found(store, queues=("hotline",)) == ["5", "4", "1"]
    assert await found(store, teams=("night",)) == ["5", "4", "3", "2"]
    assert await found(store, teams=("day",), queues=("night",)) == ["5", "4", "3"]
    assert await found(store, teams=("day",), queues=("night",), seat="PJSIP/2") == []
    assert await found(store, teams=("day",), wait_min_us=1) == ["5", "4", "3", "1"]


async def test_whatever_comes_late_is_found_all_the_same(store: Store) -> None:
    for effect in whole("1.1", T0)[::-1]:
        await keep(store, [effect])
    assert await found(store, agents=("1001",)) == ["1.1"]
    assert await found(store, rule="hold", teams=("day",)) == ["1.1"]
    assert await found(store, teams=("night",)) == []
    later = ended("1.1", T0 + HOUR)
    await keep(store, [replace(later, call="1.2", legs=("1.2",))])
    assert await found(store) == ["1.2", "1.1"]


async def test_a_dialled_leg_that_turns_out_to_be_of_a_call_is_listed_once(store: Store) -> None:
    await keep(store, [dialled("1.1", T0)])
    [item] = (await store.search_calls(CallSearch())).items
    assert (item.direction, item.call.caller, item.talk_us) == ("outbound", "057188880000", 60 * S)
    assert item.call.started_us == T0
    await keep(store, [ended("1.1", T0 + HOUR, caller="057188880000")])
    assert await found(store, number="057188880000", from_us=T0 + HOUR) == ["1.1"]
    assert await found(store, number="057188880000", to_us=T0 + HOUR) == []


async def test_calls_are_named(store: Store) -> None:
    await keep(store, [ended("1", T0), ended("2", T0), ended("1", T0, pbx="other")])
    named = await store.calls_named([("main", "2"), ("main", "9"), ("other", "1")])
    assert [(item.call.pbx, item.call.call) for item in named] == [("main", "2"), ("other", "1")]


async def test_a_calls_whole_story(store: Store) -> None:
    await keep(store, [link(T0, True), *whole("1.1", T0), link(T0 + 60 * S, False)])
    await store.put_appeals([Appeal("a1", "v-1.1", "1001", T0 + DAY, "the line was bad")])
    story = await store.call_story("main", "1.1")
    assert story is not None
    assert (story.call, story.visits, story.legs) == (
        ended("1.1", T0),
        (visit("1.1", T0),),
        (leg("1.1", T0),),
    )
    assert story.wrap_ups == (wrap_up("1.1", T0),)
    [said] = story.alerts
    assert (said.id, said.alert, said.team) == (alert_id(alert("1.1", T0)), alert("1.1", T0), "day")
    [judged] = story.violations
    assert (judged.violation, judged.appeals[0].reason) == (broken("1.1", T0), "the line was bad")
    assert (story.order, story.scope, story.held) == ("main-1.1", (("hotline", "day"),), False)
    assert story.gaps == (Gap("main", T0 + 60 * S, None),)
    assert await store.call_story("other", "1.1") is None


async def test_a_story_of_a_call_that_goes_on(store: Store) -> None:
    await keep(store, [leg("1.1", T0), visit("1.1", T0)])
    story = await store.call_story("main", "1.1")
    assert story is not None
    assert (story.call, story.scope) == (None, (("hotline", "day"),))


# --- speed: what a search reads --------------------------------------------------------------


def plan(path: Path, query: CallSearch) -> list[str]:
    statement = call_keys(query, CHINA)
    assert statement is not None
    engine = create_engine(f"sqlite:///{path}")
    sql = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    engine.dispose()
    connection = sqlite3.connect(path)
    try:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    finally:
        connection.close()


SEARCHES: list[dict[str, Any]] = [
    {},
    {"number": "13900001111"},
    {"queue": "hotline"},
    {"queue": "hotline", "talk_min_us": 1},
    {"seat": "PJSIP/1"},
    {"agents": ("1001", "王芳")},
    {"outcome": "abandoned"},
    {"rule": "hold", "queue": "hotline"},
    {"wait_min_us": 1, "hold_min_us": 1, "talk_min_us": 1},
    {"from_us": T0, "to_us": T0 + DAY, "queue": "hotline", "seat": "PJSIP/1"},
    {"queues": ("a", "b"), "teams": ("c", "d")},
    {"queues": ("a", "b"), "teams": ("c", "d"), "agents": ("1001",), "outcome": "answered"},
]


@pytest.mark.parametrize("narrow", SEARCHES)
async def test_no_search_reads_or_sorts_a_whole_table(
    store: Store, path: Path, narrow: dict[str, Any]
) -> None:
    page = await _two_pages(store)
    for cursor in (None, page):
        steps = plan(path, CallSearch(**narrow, cursor=cursor))
        ordered = [step for step in steps if "TEMP B-TREE FOR ORDER" in step]
        # Only the heads of several lists are put in order: a page of each.
        lists = max(len(narrow.get("agents", ())), len(narrow.get("teams", ())))
        assert not ordered or lists > 1, steps
        for step in steps:
            whole_table = (
                step.startswith("SCAN") and "COVERING INDEX call_listed_by_end" not in step
            )
            assert not whole_table or step.removeprefix("SCAN ").startswith(("(", "anon")), steps


async def _two_pages(store: Store) -> str:
    await keep(store, [ended("1", T0), ended("2", T0 + S)])
    page = await store.search_calls(CallSearch(limit=1))
    assert page.next_cursor is not None
    return page.next_cursor


# --- alerts ----------------------------------------------------------------------------------


async def alerts(store: Store, **narrow: Any) -> list[str | None]:
    page = await store.search_alerts(AlertSearch(**narrow))
    return [item.alert.call for item in page.items]


async def test_alerts_are_found_and_acknowledged(store: Store) -> None:
    night = {"seat": "PJSIP/2", "agent": "1002", "queue": "night"}
    await keep(
        store,
        [
            alert("1", T0),
            alert("2", T0 + S, **night, level="warning"),
            alert("3", T0 + 2 * S, level="cleared"),
            alert("4", T0 + 3 * S, seat=None, agent=None, call="4", rule="urgent"),
        ],
    )
    assert await alerts(store) == ["4", "2", "1"]
    assert await alerts(store, level="warning") == ["2"]
    assert await alerts(store, rule="hold", seat="PJSIP/1") == ["1"]
    assert await alerts(store, agents=("1001", "1002")) == ["2", "1"]
    assert await alerts(store, queue="night", call="2", pbx="main") == ["2"]
    assert await alerts(store, from_us=T0 + 51 * S, to_us=T0 + 53 * S) == ["2"]
    assert await alerts(store, teams=("day",)) == ["4", "1"]
    assert await alerts(store, queues=("night",)) == ["2"]
    named = alert_id(alert("1", T0))
    noted = await store.note_alert(named, "2001", T0 + MINUTE, "谢谢")
    assert [(note.by, note.note) for note in noted.notes] == [("2001", "谢谢")]
    await store.note_alert(named, "2002", T0 + 2 * MINUTE)
    kept = await store.stored_alert(named)
    assert kept is not None
    assert [note.by for note in kept.notes] == ["2001", "2002"]
    assert await alerts(store, acknowledged=True) == ["1"]
    assert await alerts(store, acknowledged=False) == ["4", "2"]
    with pytest.raises(Refused) as refused:
        await store.note_alert("none", "2001", T0)
    assert refused.value.code == "not_found"
    load = await store.alert_load(T0, T0 + DAY)
    assert [(line.seat, line.level, line.count) for line in load] == [
        (None, "breach", 1),
        ("PJSIP/1", "breach", 1),
        ("PJSIP/2", "warning", 1),
    ]


async def test_an_alert_can_be_acknowledged_before_its_telemetry_is_stored(path: Path) -> None:
    async with Store(path, linger_s=60) as store:
        store.submit([alert("1", T0)], {}, ignore, pbx="main")
        noted = await store.note_alert(alert_id(alert("1", T0)), "2001", T0)
        assert noted.alert == alert("1", T0)


async def test_pages_of_alerts(store: Store) -> None:
    await keep(store, [alert(f"{n}", T0 + n // 2) for n in range(7)])
    first = await store.search_alerts(AlertSearch(limit=4))
    second = await store.search_alerts(AlertSearch(limit=4, cursor=first.next_cursor))
    assert second.next_cursor is None
    calls = [item.alert.call for item in (*first.items, *second.items)]
    assert sorted(calls, key=str) == [f"{n}" for n in range(7)]


# --- intervals and settings ------------------------------------------------------------------


async def test_intervals_are_replaced_when_a_late_fact_changes_them(store: Store) -> None:
    row = IntervalRow("queue", "hotline", T0, {"offered": 3, "wait_us": 1 << 60}, gap=True)
    await store.put_intervals([row, replace(row, name="night"), replace(row, at_us=T0 + QUARTER)])
    await store.put_intervals([replace(row, sums={"offered": 4}, gap=False)])
    hotline = await store.intervals("queue", "hotline", T0, T0 + QUARTER)
    assert hotline == [replace(row, sums={"offered": 4}, gap=False)]
    every = await store.intervals("queue", None, T0, T0 + DAY)
    assert [line.name for line in every] == ["hotline", "night", "hotline"]
    assert await store.intervals("seat", None, T0, T0 + DAY) == []


async def test_settings_keep_their_versions_and_refuse_what_rests_on_an_old_one(
    store: Store, path: Path
) -> None:
    assert await store.setting("thresholds") is None
    first = await store.put_setting("thresholds", {"warn": 15}, 0, "3001", T0)
    assert (first.version, await store.setting("thresholds")) == (1, first)
    await store.put_setting("thresholds", {"warn": 20}, 1, "3001", T0 + 1)
    with pytest.raises(Refused) as refused:
        await store.put_setting("thresholds", {"warn": 30}, 1, "3002", T0 + 2)
    assert refused.value.code == "conflict"
    await store.put_setting("floor", [1, 2], None, "3002", T0 + 3)
    assert [(s.key, s.version, s.value) for s in await store.settings()] == [
        ("floor", 1, [1, 2]),
        ("thresholds", 2, {"warn": 20}),
    ]
    assert rows(path, "SELECT count(*) FROM board_setting") == [(3,)]


# --- an older database -----------------------------------------------------------------------


async def test_what_an_older_agentd_stored_is_found_after_the_upgrade(path: Path) -> None:
    """A database as revision 0002 left it: calls, legs of two seats, an alert, a violation."""
    config = Config()
    config.set_main_option(
        "script_location", str(Path(ticketing_file.__file__).parent / "migrations")
    )
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    engine.dispose()
    _fill_as_0002(path, calls=700)
    async with Store(path, rules=Rules()) as store:
        await store.list_older_calls()
        await store.list_older_calls()
        assert len(await found(store, limit=500)) == 500
        assert await found(store, number="13900000699") == ["699.1"]
        assert await found(store, seat="PJSIP/1", rule="hold") == ["0.1"]
        assert await found(store, teams=("night",), limit=2) == ["699.1", "697.1"]
        assert await found(store, direction="outbound") == ["out.1"]
        story = await store.call_story("main", "0.1")
        assert story is not None
        assert [leg.judged for leg in story.legs] == [()]
        [said] = story.alerts
        assert said.id == alert_id(said.alert)
        assert (await store.note_alert(said.id, "2001", T0)).notes
        # The link was not kept then: from the last that was stored it is a gap.
        await keep(store, [link(T0 + DAY, True)])
        assert await store.gaps(T0, T0 + DAY) == [Gap("main", T0 + 765 * S, T0 + DAY)]
    assert path.with_name("agentd.db.0002.1.bak").exists()


def _fill_as_0002(path: Path, calls: int) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for n in range(calls):
            at_us, call, device = T0 + n * S, f"{n}.1", f"PJSIP/{1 + n % 2}"
            connection.execute(
                "INSERT INTO leg (pbx, call, leg, seat, agent, queue, direction, caller, "
                "answered_us, ended_us, talk_us, hold_us, holds, outcome, estimated, gap, evidence)"
                " VALUES ('main', ?, ?, ?, '1001', 'hotline', 'inbound', ?, ?, ?, 5, 0, '[]', "
                "'answered', 0, 0, '[]')",
                (call, f"{call}-leg", device, f"1390000{n:04}", at_us, at_us + 66 * S),
            )
            connection.execute(
                "INSERT INTO call (pbx, call, queue, visits, caller, started_us, ended_us, "
                "wait_us, outcome, legs, gap) VALUES ('main', ?, 'hotline', '[\"hotline\"]', ?, "
                "?, ?, 6, 'answered', '[]', 0)",
                (call, f"1390000{n:04}", at_us, at_us + 66 * S),
            )
        connection.execute(
            "INSERT INTO leg (pbx, call, leg, seat, direction, ended_us, hold_us, holds, outcome, "
            "estimated, gap, evidence) VALUES ('main', 'out.1', 'out.1', 'PJSIP/2', 'outbound', "
            "?, 0, '[]', 'no_answer', 0, 0, '[]')",
            (T0,),
        )
        connection.execute(
            "INSERT INTO violation (id, pbx, at_us, rule, seat, call, evidence) "
            "VALUES ('v', 'main', ?, 'hold', 'PJSIP/1', '0.1', '[]')",
            (T0,),
        )
        connection.execute(
            "INSERT INTO alert (pbx, at_us, level, rule, call, recipients, spell) "
            "VALUES ('main', ?, 'breach', 'hold', '0.1', '[]', 's')",
            (T0,),
        )
    connection.close()


def test_the_rig_tells_of_what_the_tests_ask_for() -> None:
    told = {type(effect) for effect in (*whole("1", T0), seat(T0, "talking"), link(T0, True))}
    assert {LegEnded, CallEnded, SeatChanged, LinkSpan} < told
    assert order("1", T0).call == "1"
