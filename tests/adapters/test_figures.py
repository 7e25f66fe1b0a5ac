"""The live service of figures over a real store: what it takes, restores, shows, and to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentd.core.effects import (
    Alert,
    Effect,
    LinkSpan,
    SeatChanged,
    VisitBegan,
    WrapUpEnded,
)
from agentd.core.metric_table import TABLE
from agentd.core.metric_windows import WINDOWS, MetricBook
from agentd.core.metrics import SITE, Scope
from agentd.core.people import Directory, Person
from agentd.errors import Refused
from agentd.figures import FigureService
from agentd.figures import Store as Stores
from agentd.figures_board import COUNTS_IN_US, is_time
from agentd.figures_restore import spans_at
from agentd.ports.desk import Appeal
from agentd.ports.figures import FeedState
from agentd.ticketing import Store
from tests.adapters.history_rig import (
    DAY,
    HOUR,
    MINUTE,
    QUARTER,
    T0,
    TEAMS,
    Rules,
    S,
    broken,
    ended,
    leg,
    visit,
)
from tests.adapters.live_rig import PATIENCE_S
from tests.adapters.store_rig import ignore

HOTLINE: Scope = ("queue", "main/hotline")
BOOK = MetricBook(day_starts_s=(T0 - 6 * HOUR) // S % 86_400)
"""The day began six hours before T0."""
BOSS = Person("boss", "主任", "manager")
LEADER = Person("2001", "班长", "shift_leader", queues=("hotline",), teams=("day",))
TEAM = Person("2002", "班长", "shift_leader", teams=("day",))
OTHER = Person("2003", "班长", "shift_leader", queues=("sales",), teams=("night",))
WANG = Person("1001", "王芳", "agent", queues=("hotline",), teams=("day",))
LI = Person("1002", "李雷", "agent", queues=("sales",), teams=("night",))
AUDITOR = Person("9001", "审计", "auditor")


class World:
    """The runtime and the pages, as far as figures know them."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.known = True
        self.shown: dict[str, Any] = {}
        self.published: list[set[str]] = []
        self.seats = {"seat:main/PJSIP/1": {"kind": "seat", "queues": ["hotline"]}}

    def pbx_now_us(self, pbx: str) -> int:
        return self.now_us

    def knows_clock(self, pbx: str) -> bool:
        return self.known

    def board(self, pbx: str) -> Mapping[str, Any]:
        return {"queue:main/hotline": {}, "queue:main/sales": {}, **self.seats}

    def feed_state(self, pbx: str) -> FeedState:
        return FeedState("up", self.now_us - S, 2 * S, 50_000)

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        self.shown.update(changed)
        self.published.append(set(changed))


def a_day(at_us: int, name: str) -> list[Effect]:
    """One answered call with a broken rule and a wrap-up, and one that was given up."""
    answered = leg(f"{name}.1", at_us, judged=("ring", "hold"))
    wrap = WrapUpEnded(
        "main", "PJSIP/1", "1001", f"{name}.1", f"{name}.1-leg", "hotline",
        answered.ended_us, answered.ended_us + 10 * S, "limit",
    )  # fmt: skip
    return [
        visit(f"{name}.1", at_us),
        answered,
        wrap,
        broken(f"{name}.1", at_us, id=f"v-{name}"),
        ended(f"{name}.1", at_us),
        visit(
            f"{name}.2", at_us + 5 * MINUTE, outcome="abandoned", wait_us=20 * S, seat=None,
            agent=None, left_us=at_us + 5 * MINUTE + 20 * S,
        ),
    ]  # fmt: skip


NOW = T0 + 30 * MINUTE
"""Today's calls were within the last 30 minutes."""
HISTORY: list[Effect] = [
    LinkSpan("main", T0 - 9 * DAY, True),
    SeatChanged("main", T0 - 9 * DAY, "PJSIP/1", "1001", "available", ("hotline",), None),
    *a_day(T0 - 7 * DAY + 2 * MINUTE, "w"),
    *a_day(T0 - 3 * DAY, "m"),
    *a_day(T0 - DAY + 2 * MINUTE, "y"),
    *a_day(T0 + 2 * MINUTE, "t"),
    Alert(
        "main", T0 + 3 * MINUTE, "warning", "hold", "PJSIP/1", "1001", "t.1", "hotline", ("seat",),
        20 * S, 30 * S, "hold:t.1",
    ),
]  # fmt: skip


@asynccontextmanager
async def stored(tmp_path: Path, effects: Sequence[Effect] = HISTORY) -> AsyncIterator[Store]:
    async with Store(tmp_path / "agentd.db", rules=Rules(), linger_s=0.001) as store:
        await store.catch_up()
        store.submit(effects, {}, ignore, pbx="main")
        await store.flush()
        yield store


def service(store: Stores, world: World, book: MetricBook = BOOK) -> FigureService:
    return FigureService(
        book=book,
        pbxs=("main",),
        store=store,
        engine=world,
        live=world,
        directory=Directory((BOSS, LEADER, TEAM, OTHER, WANG, LI, AUDITOR)),
        team_of=lambda _, seat: TEAMS.get(seat or ""),
        tick_s=0.1,
    )


@asynccontextmanager
async def at_work(figures: FigureService) -> AsyncIterator[None]:
    task = asyncio.create_task(figures.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not figures.restored:
                await asyncio.sleep(0.05)
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def counts(figures: FigureService, scope: Scope, window: Any) -> tuple[Any, ...]:
    found = figures.metrics.figures(scope, window)
    return tuple(found[key].value for key in ("offered", "answered", "abandoned", "legs_answered"))


# --- one's own -------------------------------------------------------------------------------


async def test_ones_own_figures_are_those_that_everybody_is_shown(tmp_path: Path) -> None:
    late = leg("late", T0 + 10 * MINUTE, judged=("ring", "hold"), hold_us=10 * S)
    work = [
        *HISTORY,
        late,
        WrapUpEnded(
            "main", "PJSIP/1", "1001", "late", late.leg, "hotline", late.ended_us,
            late.ended_us + 3 * S, "order",
        ),
        broken("late", T0 + 10 * MINUTE, id="v-late", rule="ring"),
        leg("out", T0 + 15 * MINUTE, direction="outbound", queue=None, judged=()),
        leg("missed", T0 + 20 * MINUTE, outcome="rejected", answered_us=None, talk_us=None),
    ]  # fmt: skip
    async with stored(tmp_path, work) as store:
        figures = service(store, World(NOW))
        async with at_work(figures):
            for window in ("shift", "today", "last_30_min"):
                own = await figures.own(WANG, figures.span_us(window)[0])
                told = figures.figures(WANG, "person", "1001", [window]).figures[window]
                assert own.answered == told["legs_answered"].value == 2
                assert own.outbound == told["dialled"].value == 1
                assert (own.talk_us, own.hold_us) == (
                    round(told["talk"].num * S), round(told["hold"].num * S),
                )  # fmt: skip
                assert own.aht_us is not None
                assert own.aht_us == round((told["aht"].value or 0) * S)
                assert (own.within_rings, own.within_rings_of) == (
                    told["within_rings"].num, told["within_rings"].den,
                )  # fmt: skip
                assert own.gap == told["aht"].gap
            # After-call work until the order was complete: not until the wrap-up's limit.
            assert own.aht_us == (own.talk_us + 13 * S) // 2
            assert (await figures.own(LI, T0)).answered == 0
            nothing = await figures.own(WANG, NOW + HOUR)
            assert (nothing.answered, nothing.aht_us) == (0, None)
            with pytest.raises(Refused, match="days ago at most"):
                await figures.own(WANG, NOW - 30 * DAY)
            with pytest.raises(Refused) as refused:
                await figures.own(replace(WANG, disabled=True), T0)
            assert refused.value.code == "forbidden"


async def test_ones_own_figures_are_told_when_they_are_whole(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        figures = service(store, World(NOW))
        figures.patience_s = 0
        with pytest.raises(Refused) as refused:
            await figures.own(WANG, T0)
        assert refused.value.code == "unavailable"
        figures.patience_s = PATIENCE_S
        waiting = asyncio.create_task(figures.own(WANG, T0))
        async with at_work(figures):
            assert (await waiting).answered == 1


# --- restored ----------------------------------------------------------------------------------


async def test_every_window_is_restored(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        world = World(NOW)
        figures = service(store, world)
        async with at_work(figures):
            for window in WINDOWS:
                assert counts(figures, HOTLINE, window) == (2, 1, 1, 1), window
            # Of 2 legs' rules one is broken; the wait of 6 s is within T, the one of 20 s is not.
            today = figures.metrics.figures(HOTLINE, "today")
            assert today["service_level"].of == (1, 2)
            assert today["compliance:hold"].of == (0, 1)
            assert today["aht"].value == 70.0
            person = figures.metrics.figures(("person", "1001"), "shift")
            assert person["alerts"].value == 1
            assert figures.metrics.figures(("team", "day"), "today")["legs_answered"].value == 1


async def test_what_is_restored_is_what_was_live(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        live, again = service(store, World(NOW)), service(store, World(NOW))
        live.announce(HISTORY)
        live.metrics.advance(NOW)
        async with at_work(again):
            again.metrics.advance(NOW)
            for scope in (SITE, HOTLINE, ("seat", "main/PJSIP/1"), ("person", "1001")):
                for window in WINDOWS:
                    now, then = live.metrics.sums(scope, window), again.metrics.sums(scope, window)
                    # Until a link is up again nothing is heard, and no time counts.
                    timed = {"signed_in_us", "rest_us", "work_us"}
                    a = {k: v for k, v in now.values.items() if k not in timed}
                    assert a == {k: v for k, v in then.values.items() if k not in timed}, scope


def test_the_spans_reach_over_all_that_is_kept_once() -> None:
    for now_us in (NOW, T0 - 6 * HOUR, T0 - 6 * HOUR + 1, T0 + 17 * HOUR):
        spans = sorted(span[:2] for span in spans_at(BOOK, now_us))
        assert spans[0][0] == now_us - BOOK.keep_days * DAY
        assert spans[-1][1] > now_us
        for (_, ends_us), (begins_us, _) in pairwise(spans):
            assert ends_us == begins_us
        whole = [name for span in spans_at(BOOK, now_us) for name in span[2]]
        assert sorted(whole) == sorted(WINDOWS)


async def test_while_no_link_is_up_nothing_was_heard_since_the_last_word(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        await store.heard({"main": NOW - 10 * MINUTE})
    # A restart: nobody said that the link went down.
    async with stored(tmp_path, ()) as store:
        world = World(NOW)
        figures = service(store, world)
        seat: Scope = ("seat", "main/PJSIP/1")
        async with at_work(figures):
            figures.metrics.advance(NOW)
            gone = figures.metrics.sums(seat, "last_30_min")
            assert gone.gap
            assert gone.get("signed_in_us") < 10 * MINUTE
            up = LinkSpan("main", NOW, True)
            store.submit([up], {}, ignore, pbx="main")
            figures.announce([up])
            async with asyncio.timeout(PATIENCE_S):
                # Now it is known until when it was heard.
                while figures._unheard_us:
                    await asyncio.sleep(0.05)
            world.now_us = NOW + MINUTE
            figures.metrics.advance(world.now_us)
            known = figures.metrics.sums(seat, "last_30_min")
            assert known.gap
            assert known.get("signed_in_us") == 20 * MINUTE


# --- live --------------------------------------------------------------------------------------


async def test_the_board_shows_queues_and_the_site_and_only_what_changes(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        world = World(NOW)
        figures = service(store, world)
        async with at_work(figures):
            await figures.tick()
            assert set(world.shown) == {
                "figures:site/*", "figures:queue/main/hotline", "figures:queue/main/sales",
            }  # fmt: skip
            shown = world.shown["figures:queue/main/hotline"]
            assert (shown["scope"], shown["pbx"], shown["name"]) == ("queue", "main", "hotline")
            figure = shown["figures"]["today@yesterday"]["service_level"]
            assert figure == {"value": 0.5, "num": 1, "den": 2, "gap": False, "estimated": 0}
            said = len(world.published)
            await figures.tick()
            assert len(world.published) == said
            figures.announce([VisitBegan("main", "9.9", "hotline", None, NOW - MINUTE, False)])
            await figures.tick()
            assert world.published[said:] == [{"figures:site/*", "figures:queue/main/hotline"}]
            offered = world.shown["figures:site/*"]["figures"]["today"]["offered"]
            assert offered["value"] == 3


async def test_a_decision_and_its_withdrawal_count_at_once(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        world = World(NOW)
        figures = service(store, world)

        async def compliance(wanted: tuple[int, int]) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while (
                    figures.metrics.figures(HOTLINE, "today")["compliance:hold"].of != wanted
                    or figures._todo.qsize()
                ):
                    await asyncio.sleep(0.02)

        async with at_work(figures):
            await compliance((0, 1))
            granted = Appeal(
                "a1", "v-t", "1001", NOW, "…", status="granted", decided_us=NOW, decided_by="2001"
            )
            await store.put_appeals([granted])
            figures.on_judged(["v-t", "no such violation"])
            await compliance((1, 1))
            world.now_us += S
            withdrawn = Appeal(
                "a1", "v-t", "1001", NOW, "…", status="withdrawn", decided_us=NOW + S
            )
            await store.put_appeals([withdrawn])
            figures.on_judged(["v-t"])
            await compliance((0, 1))


async def test_a_clock_that_is_set_back_begins_anew(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        world = World(NOW + 3 * HOUR)
        figures = service(store, world)
        async with at_work(figures):
            assert counts(figures, HOTLINE, "last_30_min") == (0, 0, 0, 0)
            world.now_us = NOW
            async with asyncio.timeout(PATIENCE_S):
                while figures.metrics.now_us > NOW + HOUR or not figures.restored:
                    await asyncio.sleep(0.05)
            figures.metrics.advance(NOW)
            assert counts(figures, HOTLINE, "last_30_min") == (2, 1, 1, 1)


# --- intervals ---------------------------------------------------------------------------------


async def test_intervals_are_stored_and_outlive_what_is_kept(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        world = World(NOW)
        figures = service(store, world)
        async with at_work(figures):
            week_us = 7 * DAY
            async with asyncio.timeout(PATIENCE_S):
                while not (
                    await store.intervals("queue", "main/hotline", T0 - week_us, T0)
                    and await store.intervals("queue", "main/hotline", T0, NOW)
                ):
                    await asyncio.sleep(0.02)
            live = await figures.intervals(BOSS, "queue", "main/hotline", T0, NOW)
            assert live.step_s == 900
            assert [row.at_us for row in live.rows] == [T0, T0 + QUARTER]
            assert live.rows[0].sums["offered"] == 2
            assert live.rows[0].sums["talk_s"] == 60.0
            assert live.rows[1].sums["offered"] == 0
            begins = T0 - week_us
            before = await figures.intervals(BOSS, "queue", "main/hotline", begins, begins + HOUR)
            world.now_us = NOW + 20 * DAY
            figures.metrics.advance(world.now_us)
            after = await figures.intervals(BOSS, "queue", "main/hotline", begins, begins + HOUR)
            assert after.rows[0].sums == before.rows[0].sums
            assert len(after.rows) == 4
            with pytest.raises(Refused, match="32 days"):
                await figures.intervals(BOSS, "site", "*", T0 - 33 * DAY, NOW)


# --- who may see what --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (BOSS, "site queue sales team night seat person li stranger"),
        (LEADER, "queue seat person"),
        (TEAM, "queue sales team seat person"),
        (OTHER, "sales li"),
        (WANG, "person"),
        (LI, "li"),
        (AUDITOR, ""),
    ],
)
async def test_who_sees_whose_figures(tmp_path: Path, who: Person, sees: str) -> None:
    scopes: dict[str, tuple[Any, str]] = {
        "site": ("site", "*"),
        "queue": ("queue", "main/hotline"),
        "sales": ("queue", "main/sales"),
        "team": ("team", "day"),
        "night": ("team", "night"),
        "seat": ("seat", "main/PJSIP/1"),
        "person": ("person", "1001"),
        "li": ("person", "1002"),
        "stranger": ("person", "SIP/7"),
        "nameless": ("queue", "hotline"),
        "nowhere": ("seat", "other/"),
        "no team": ("team", ""),
    }
    async with stored(tmp_path, ()) as store:
        figures = service(store, World(NOW))
        seen, codes = set(), set()
        for name, (kind, of) in scopes.items():
            try:
                figures.figures(who, kind, of, ["today"])
                seen.add(name)
            except Refused as refused:
                codes.add(refused.code)
        assert seen == set(sees.split())
        assert codes == {"not_found" if who.may("board") else "forbidden"}


async def test_calls_behind_a_figure_come_page_by_page(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        world = World(NOW)
        figures = service(store, world)
        async with at_work(figures):

            def page(cursor: str | None, metric: str = "offered", limit: int = 1) -> Any:
                return figures.calls_behind(
                    BOSS, "queue", "main/hotline", "today", metric, cursor, limit
                )

            first = page(None)
            assert first.calls == [("main", "t.2")]
            second = page(first.next_cursor)
            assert (second.calls, second.next_cursor) == ([("main", "t.1")], None)
            assert page("main/gone").calls == []
            assert page(None, "abandoned", 50).calls == [("main", "t.2")]
            for cursor, metric in (("x", "offered"), (None, "luck")):
                with pytest.raises(Refused) as refused:
                    page(cursor, metric)
                assert refused.value.code == "invalid"


async def test_how_well_the_pbx_is_heard(tmp_path: Path) -> None:
    gap = [LinkSpan("main", T0, False), LinkSpan("main", T0 + MINUTE, True)]
    async with stored(tmp_path, [*HISTORY, *gap]) as store:
        figures = service(store, World(NOW))
        [feed] = await figures.feed()
        assert (feed.pbx, feed.link, feed.lag_us, feed.clock_offset_us) == (
            "main", "up", 50_000, 2 * S,
        )  # fmt: skip
        assert [(gap.from_us, gap.to_us) for gap in feed.gaps] == [(T0, T0 + MINUTE)]


def test_what_ends_in_us_is_a_time_but_for_what_is_about_us() -> None:
    names = {name for row in TABLE for name in (*row.num, *row.den)}
    counted = {name for name in names if name.endswith("_us") and not is_time(name)}
    assert counted == COUNTS_IN_US
    for row in TABLE:
        if row.unit == "seconds":
            assert all(map(is_time, row.num)), row.key
