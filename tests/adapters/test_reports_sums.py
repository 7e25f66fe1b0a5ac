"""Where sums of reports come from: memory, stored quarters of an hour, facts counted anew. All of
them say the same to the last digit, and what the slow recomputation (tests/slow_metrics.py) says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agentd.core.effects import Effect, LegEnded, LinkSpan, Violation, VisitBegan, WorkBegan
from agentd.core.metric_figures import Sums, figure_of
from agentd.core.metric_row import ScopeKind
from agentd.core.metric_table import rows_for
from agentd.core.metric_windows import MetricBook
from agentd.core.metrics import Metrics, Scope
from agentd.core.order_model import Dispatch, WorkOrder
from agentd.core.people import Directory
from agentd.core.policy import PolicyBook
from agentd.core.report_periods import Span
from agentd.figures import FigureService
from agentd.figures_reports import PeriodSums
from agentd.figures_restore import Slices, Whose, read_dispatched
from agentd.pipeline import Pipeline
from agentd.ports.desk import Appeal, OrderQuery
from agentd.reports_facts import FactSums
from agentd.ticketing import Store
from agentd.ticketing_past import PastStore
from tests.adapters.history_rig import DAY, HOUR, QUARTER, Rules, S
from tests.adapters.live_rig import PATIENCE_S
from tests.adapters.store_rig import ignore
from tests.adapters.test_figures import World as Boards
from tests.core.test_metrics_agree import defined
from tests.properties.streams import simulated_bytes
from tests.slow_metrics import Slow, Told, World, value

KINDS: tuple[ScopeKind, ...] = ("queue", "team", "person")
BOOK = MetricBook(fcr_days=1)
"""What is told after the period is read a day longer, not a week."""
NOBODY = Directory()
Found = Mapping[str, list[Sums]]


def team_of(pbx: str, seat: str | None) -> str | None:
    return "early" if (seat or "").endswith("1") else "late"


class Teams(Rules):
    def team(self, pbx: str, seat: str | None) -> str | None:
        return team_of(pbx, seat)


class Traffic:
    """Calls that the simulator played, and when."""

    def __init__(self, seed: int) -> None:
        pipeline = Pipeline("pbx", PolicyBook())
        self.effects: list[Effect] = pipeline.feed(simulated_bytes(seed))
        self.effects += pipeline.finish(run_out=True)
        # What goes on when the recording ends is in no period that is over.
        self.effects = [
            fact for fact in self.effects if not isinstance(fact, VisitBegan | WorkBegan)
        ]
        self.ends_us = pipeline.seen_us
        moments = [fact.ended_us for fact in self.effects if isinstance(fact, LegEnded)]
        self.from_us = min(moments) // QUARTER * QUARTER
        self.last_us = -(-self.ends_us // QUARTER) * QUARTER

        self.world = World(BOOK)
        for effect in self.effects:
            seat = getattr(effect, "seat", None)
            self.world.hear(Told(effect, team_of("pbx", seat) if seat else None))

    def spans(self) -> list[Span]:
        """Whole quarters around everything, the last one up to where the traffic ends."""
        edges = [*range(self.from_us, self.ends_us, QUARTER), self.ends_us]
        return list(pairwise(edges))

    def slow(self, kind: str, name: str, span: Span) -> dict[str, tuple[int, int]]:
        return Slow(self.world, (kind, name), span).figures()


@pytest.fixture(autouse=True)
async def quick() -> None:
    """Debugging makes thousands of small questions to a database ten times as slow."""
    asyncio.get_running_loop().set_debug(False)


@pytest.fixture(scope="module", params=[1, 3])
def traffic(request: pytest.FixtureRequest) -> Traffic:
    return Traffic(request.param)


def service(store: Any, boards: Boards) -> FigureService:
    return FigureService(
        book=BOOK, pbxs=("pbx",), store=store, engine=boards, live=boards,
        directory=NOBODY, team_of=team_of, tick_s=0.02,
    )  # fmt: skip


def sums_of(figures: FigureService, store: Store) -> PeriodSums:
    return PeriodSums(figures.held, store, figures.counted, time.monotonic)


def plain(found: Found) -> dict[str, list[dict[str, int]]]:
    """Without marks: those are the report's own business."""
    return {
        name: [dict(sorted(sums.values.items())) for sums in by_span]
        for name, by_span in sorted(found.items())
    }


def by_kind(found: Mapping[Scope, list[Sums]], kind: str, which: slice) -> Found:
    return {name: sums[which] for (mine, name), sums in found.items() if mine == kind}


async def kept(store: Store, traffic: Traffic, figures: FigureService) -> None:
    """Wait until the quarters of the traffic are stored."""
    async with asyncio.timeout(PATIENCE_S):
        while not await store.intervals("site", "", traffic.last_us - QUARTER, traffic.last_us):
            await asyncio.sleep(0.02)


async def stored(store: Store, traffic: Traffic) -> None:
    await store.catch_up()
    store.submit(traffic.effects, {}, ignore, pbx="pbx")
    await store.flush()


async def test_memory_facts_and_the_slow_way_say_the_same(tmp_path: Path, traffic: Traffic) -> None:
    async with Store(tmp_path / "agentd.db", rules=Teams(), linger_s=0.001) as store:
        await stored(store, traffic)
        # Orders of the last calls are overdue by then.
        boards = Boards(traffic.last_us + HOUR)
        figures = service(store, boards)
        figures.announce(traffic.effects)
        figures.restored = True
        live, spans = sums_of(figures, store), traffic.spans()
        for kind in KINDS:
            held = plain(await live.sums(kind, spans))
            assert held == plain(await figures.counted.sums(kind, spans))
            assert held, kind
            for name, by_span in held.items():
                for span, values in zip(spans, by_span, strict=True):
                    agree(traffic, kind, name, span, values)


def agree(
    traffic: Traffic, kind: ScopeKind, name: str, span: Span, values: Mapping[str, int]
) -> None:
    """Every figure is what the formulas say of the whole list of facts."""
    slow = traffic.slow(kind, name, span)
    for row in rows_for(kind):
        # Who waits when the period is over, and how long, is told otherwise.
        if row.key in ("waiting", "longest_wait") or row.key not in slow:
            continue
        assert defined(kind, row.key)
        figure = figure_of(row, Sums(values, gap=False))
        assert figure.of == slow[row.key], (row.key, name)
        assert figure.value == value(row.key, slow[row.key]), (row.key, name)


async def test_what_is_stored_says_the_same_when_memory_has_forgotten(
    tmp_path: Path, traffic: Traffic
) -> None:
    path = tmp_path / "agentd.db"
    async with Store(path, rules=Teams(), linger_s=0.001) as store:
        await stored(store, traffic)
        boards = Boards(traffic.last_us + HOUR)
        # It was heard until then.
        up = [LinkSpan("pbx", traffic.last_us + HOUR, False)]
        store.submit(up, {}, ignore, pbx="pbx")
        figures = service(store, boards)
        figures.announce([*traffic.effects, *up])
        task = asyncio.create_task(figures.run())
        await kept(store, traffic, figures)
        task.cancel()
        await asyncio.wait({task})

        boards.now_us = traffic.last_us + 20 * DAY
        later = service(store, boards)
        later.restored = True
        live = sums_of(later, store)
        middle_us = traffic.last_us - QUARTER
        spans = [(traffic.from_us, middle_us), (middle_us, traffic.last_us)]
        cut = (traffic.from_us + 1, traffic.last_us - 17 * S)
        past = PastStore(path, Teams())
        try:
            offline = FactSums(past, BOOK, Whose(team_of, NOBODY), lambda: boards.now_us)
            anew = await offline.count(KINDS, [*spans, cut], 2 * DAY)
            for kind in KINDS:
                old = plain(await live.sums(kind, spans))
                assert old
                assert old == plain(await store.interval_sums(kind, spans))
                assert old == plain(by_kind(anew, kind, slice(0, 2)))
            # What cuts a quarter is counted from the facts, and found without the memory.
            assert plain(await live.sums("team", [cut])) == plain(
                by_kind(anew, "team", slice(2, 3))
            )
        finally:
            await past.close()


async def test_an_appeal_that_is_granted_late_is_in_the_stored_quarters(
    tmp_path: Path, traffic: Traffic
) -> None:
    async with Store(tmp_path / "agentd.db", rules=Teams(), linger_s=0.001) as store:
        await stored(store, traffic)
        boards = Boards(traffic.last_us + HOUR)
        figures = service(store, boards)
        figures.announce(traffic.effects)
        task = asyncio.create_task(figures.run())
        try:
            await kept(store, traffic, figures)
            boards.now_us += 30 * DAY
            violation = next(
                effect
                for effect in traffic.effects
                if isinstance(effect, Violation) and effect.leg is not None and effect.agent
            )
            spans = [(traffic.from_us, traffic.last_us)]
            name = f"broken:{violation.rule}"
            before = await store.interval_sums("person", spans)
            appeal = Appeal(
                "a1", violation.id, "1001", boards.now_us - DAY, "why", status="granted",
                decided_by="boss", decided_us=boards.now_us,
            )  # fmt: skip
            await store.put_appeals([appeal])
            figures.on_judged([violation.id])
            mine = violation.agent
            async with asyncio.timeout(PATIENCE_S):
                while (after := await store.interval_sums("person", spans)) and after[mine][0].get(
                    name
                ) == before[mine][0].get(name):
                    await asyncio.sleep(0.02)
            assert after[mine][0].get(name) == before[mine][0].get(name) - 1
            anew = await figures.counted.count(KINDS, spans, 2 * DAY)
            for kind in KINDS:
                stands = plain(await store.interval_sums(kind, spans))
                assert stands == plain(by_kind(anew, kind, slice(0, 1)))
        finally:
            task.cancel()
            await asyncio.wait({task})


async def test_every_quarter_that_ended_while_nobody_was_there_is_stored(
    tmp_path: Path, traffic: Traffic
) -> None:
    async with Store(tmp_path / "agentd.db", rules=Teams(), linger_s=0.001) as store:
        await stored(store, traffic)
        # agentd was stopped before the last quarter was stored, and is there again four days later.
        figures = service(store, Boards(traffic.last_us + 4 * DAY))
        task = asyncio.create_task(figures.run())
        try:
            await kept(store, traffic, figures)
            spans = [(traffic.from_us, traffic.last_us)]
            async with asyncio.timeout(PATIENCE_S):
                while not await store.interval_sums("person", spans):
                    await asyncio.sleep(0.02)
            anew = await figures.counted.count(("queue",), spans, 2 * DAY)
            stands = plain(await store.interval_sums("queue", spans))
            assert stands == plain(by_kind(anew, "queue", slice(0, 1)))
        finally:
            task.cancel()
            await asyncio.wait({task})


async def test_a_complaint_counts_when_it_falls_due_however_long_ago_it_was_opened() -> None:
    now_us = 1_790_000_000 * S
    opened_us, due_us = now_us - 40 * DAY, now_us - HOUR
    order = WorkOrder(
        "o-1", "pbx", "call", "1.1", 1, "dispatched", opened_us, opened_us, queue="hotline",
        owner="8001", category="complaint",
        dispatch=Dispatch(opened_us, "boss", "water", due_us=due_us),
    )  # fmt: skip
    asked: list[OrderQuery] = []

    class Orders:
        def facts(self, *_: Any) -> AsyncIterator[Sequence[Any]]:
            raise AssertionError("only orders are asked for")

        async def each_order(self, query: OrderQuery) -> AsyncIterator[Sequence[WorkOrder]]:
            asked.append(query)
            yield (order,)

    metrics = Metrics(BOOK)
    whose = Whose(team_of, NOBODY)
    metrics.advance(now_us)
    await read_dispatched(
        Orders(), BOOK, now_us - 9 * DAY, lambda fact: whose.give(metrics, fact),
        Slices(time.monotonic),
    )  # fmt: skip
    assert [query.category for query in asked] == ["complaint"]
    assert (asked[0].opened_from_us or 0) < opened_us < (asked[0].opened_to_us or 0)
    [sums] = metrics.spans(("person", "8001"), [(now_us - DAY, now_us)])
    assert (sums.get("timely_of"), sums.get("timely")) == (1, 0)
