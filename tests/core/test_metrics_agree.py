"""The metrics agree with their slow recomputation (tests/slow_metrics.py), to the last digit."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentd.core.effects import LegEnded, SeatChanged, VisitEnded
from agentd.core.metric_row import ScopeKind
from agentd.core.metric_windows import WINDOWS, MetricBook, WindowName, windows_at
from agentd.core.metrics import SITE, Metrics, Scope
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from tests.core.metric_worlds import BOOK, END, streams
from tests.core.test_transcripts import NAMES, TRANSCRIPTS
from tests.properties.streams import simulated_bytes
from tests.slow_metrics import MINUTE, SECOND, Slow, Told, World, value, window

SCOPES: list[Scope] = [
    SITE,
    ("queue", "a/hotline"),
    ("queue", "b/vip"),
    ("seat", "a/1"),
    ("seat", "a/3"),
    ("person", "wang"),
    ("person", "0001"),
    ("team", "early"),
    ("team", "late"),
]
WAITING = ("offered", "waiting", "answered", "abandoned", "short_abandons", "let_go", "moved",
           "lost", "connect_rate", "service_level", "asa", "complaints_us")  # fmt: skip
WORKING = ("occupancy", "signed_in", "rest", "calls_per_hour", "dialled_per_hour",
           "connected_per_hour")  # fmt: skip


def defined(kind: ScopeKind, key: str) -> bool:
    if key in WAITING:
        return kind in ("site", "queue")
    return key not in WORKING or kind != "queue"


def compare(metrics: Metrics, world: World, scope: Scope, name: WindowName, now: int) -> None:
    """Fail where a figure differs."""
    slow = Slow(world, scope, window(metrics.book, name, now))
    expected = {k: r for k, r in slow.figures().items() if defined(scope[0], k)}
    if scope[0] in ("site", "queue"):
        longest = slow.longest_wait(now) if "@" not in name else None
        expected["longest_wait"] = (longest or 0, 1)
    figures = metrics.figures(scope, name)
    assert {key: figure.of for key, figure in figures.items()} == expected, (scope, name)
    values = {key: value(key, ratio) for key, ratio in expected.items()}
    if "longest_wait" in values and ("@" in name or slow.longest_wait(now) is None):
        values["longest_wait"] = None
    assert {key: figure.value for key, figure in figures.items()} == values, (scope, name)
    if scope[0] in ("site", "queue", "seat"):
        pbxs = world.links if scope == SITE else {scope[1].partition("/")[0]}
        known = scope == SITE or scope in set(metrics.scopes())
        gap = slow.in_gap(pbxs if known else world.links)
        assert figures["orders"].gap == gap, (scope, name)
        assert figures["legs_gap"].gap == (gap or expected["legs_gap"][0] > 0)
        assert figures["talk"].estimated == expected["legs_estimated"][0]
    if scope[0] in ("site", "queue"):
        estimated = sum(visit.estimated for visit in slow.visits)
        assert figures["offered"].estimated == estimated


@settings(max_examples=150, deadline=None)
@given(
    streams(),
    st.lists(st.tuples(st.sampled_from(SCOPES), st.sampled_from(WINDOWS)), min_size=3, max_size=5),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_both_say_the_same_at_any_time(
    told: list[tuple[int, Told]], asked: list[tuple[Scope, WindowName]], stops: list[int]
) -> None:
    metrics, world = Metrics(BOOK), World(BOOK)
    for number, (when, one) in enumerate(told):
        metrics.advance(when)
        metrics.take(one.fact, team=one.team, person=one.person)
        world.hear(one)
        if number in stops:
            for scope, name in asked:
                compare(metrics, world, scope, name, metrics.now_us)
    metrics.advance(max(metrics.now_us, END))
    for scope, name in [*asked, (SITE, "today"), (SITE, "last_30_min"), (SITE, "shift")]:
        compare(metrics, world, scope, name, metrics.now_us)


@settings(max_examples=40, deadline=None)
@given(streams(), st.integers(0, 9), st.sampled_from(SCOPES))
def test_facts_of_any_order_are_taken(
    told: list[tuple[int, Told]], seed: int, scope: Scope
) -> None:
    """Of two versions of one thing the one that is told last counts, for both."""
    metrics, world = Metrics(BOOK), World(BOOK)
    random.Random(seed).shuffle(told)
    for _, one in told:
        metrics.take(one.fact, team=one.team, person=one.person)
        world.hear(one)
    metrics.advance(END + MINUTE)
    for name in ("today", "last_30_min", "shift@yesterday", "today@last_week"):
        compare(metrics, world, scope, name, metrics.now_us)


@settings(max_examples=25, deadline=None)
@given(streams(), st.sampled_from(SCOPES), st.integers(1, 90))
def test_intervals_are_windows_side_by_side(
    told: list[tuple[int, Told]], scope: Scope, step: int
) -> None:
    metrics, world = Metrics(BOOK), World(BOOK)
    for _, one in told:
        metrics.take(one.fact, team=one.team, person=one.person)
        world.hear(one)
    metrics.advance(END)
    start = END - 3 * 60 * MINUTE
    rows = metrics.intervals(scope, start, END, step * MINUTE)
    assert [at for at, _ in rows] == list(range(start, END, step * MINUTE))
    for at, sums in rows:
        slow = Slow(world, scope, (at, min(at + step * MINUTE, END)))
        figures = slow.figures()
        for key, name in (
            ("offered", "offered"), ("legs_answered", "legs_answered"), ("alerts", "alerts"),
            ("signed_in", "signed_in_us"), ("rest", "rest_us"), ("dialled", "dialled"),
        ):  # fmt: skip
            if defined(scope[0], key):
                assert sums.get(name) == figures[key][0], (key, at)


# --- what really happened ---------------------------------------------------------------------


def run(data: bytes, book: MetricBook, *, pieces: int) -> tuple[Metrics, World, Pipeline]:
    """Replay a recording into both, comparing them after some of its pieces."""
    pipeline = Pipeline("pbx", PolicyBook())
    metrics, world = Metrics(book), World(book)
    scopes: set[Scope] = set()

    def take(effects: Iterable[Any]) -> None:
        for effect in effects:
            team = "early" if str(getattr(effect, "seat", "")).endswith("1") else "late"
            told = Told(effect, team if getattr(effect, "seat", None) else None)
            metrics.take(told.fact, team=told.team)
            world.hear(told)

    def check(names: Iterable[WindowName]) -> None:
        metrics.advance(max(pipeline.seen_us, 1))
        scopes.update(metrics.scopes())
        for scope in sorted(scopes):
            for name in names:
                compare(metrics, world, scope, name, metrics.now_us)
        card_agrees(pipeline, metrics)

    size = len(data) // pieces + 1
    for start in range(0, len(data), size):
        take(pipeline.feed(data[start : start + size]))
        check(("today",))
    take(pipeline.finish(run_out=True))
    # All that happened, also what was only told in the virtual time after the end.
    pipeline.advance(pipeline.seen_us + 60 * SECOND)
    check(("today", "last_30_min", "shift", "today@yesterday"))
    return metrics, world, pipeline


def card_agrees(pipeline: Pipeline, metrics: Metrics) -> None:
    """The queue's card counts what the metrics count today."""
    for key, card in pipeline.board().items():
        if key.startswith("queue:"):
            name = key.removeprefix("queue:")
            queue = pipeline._engine.state.queues[card["name"]]
            figures = metrics.figures(("queue", name), "today")
            for counter in ("offered", "answered", "abandoned", "short_abandons", "let_go"):
                assert getattr(queue, counter) == figures[counter].value, (name, counter)
            assert queue.service_level == figures["service_level"].value
            waiting = [w for w in queue.waiting.values() if queue.counts(w.joined_us)]
            assert figures["waiting"].value == len(waiting)


@pytest.mark.parametrize("name", NAMES)
def test_both_say_the_same_of_a_real_recording(name: str) -> None:
    data = (TRANSCRIPTS / f"{name}.ami").read_bytes()
    run(data, MetricBook(), pieces=6)


@pytest.mark.parametrize("seed", range(4))
def test_both_say_the_same_of_simulated_traffic(seed: int) -> None:
    metrics, world, _ = run(simulated_bytes(seed), MetricBook(), pieces=5)
    assert metrics.figures(SITE, "today")["legs_answered"].value
    assert metrics.figures(SITE, "today")["occupancy"].value
    assert len({type(fact) for fact in _facts(world)}) >= 4


def _facts(world: World) -> Iterable[Any]:
    yield from world.visits.values()
    yield from world.legs.values()
    yield from world.wraps.values()
    for changes in world.seats.values():
        yield from (told.fact for told in changes.values())


def test_the_windows_are_those_of_the_slow_ones() -> None:
    for now in range(END, END + 2 * 86_400 * SECOND, 977 * SECOND):
        for name, span in windows_at(BOOK, now).items():
            assert (span.from_us, span.to_us) == window(BOOK, name, now), (name, now)


def test_the_material_holds_facts_of_every_kind() -> None:
    assert {LegEnded, VisitEnded, SeatChanged} <= set(Metrics(BOOK)._takes)
