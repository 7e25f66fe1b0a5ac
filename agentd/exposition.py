"""What Prometheus scrapes: queues, seats by state, rule counters, how far we are behind, links.

Nothing in it tells of a person: no numbers, names or calls. Counters count since agentd started.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, get_args

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client import generate_latest as generated
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agentd import __version__
from agentd.core.effects import (
    Alert,
    Anomaly,
    Effect,
    LegEnded,
    Rule,
    SeatState,
    Violation,
    VisitEnded,
)
from agentd.ports.figures import FeedState

SEAT_STATES: Final[tuple[SeatState, ...]] = get_args(SeatState)
RULES: Final[tuple[Rule, ...]] = get_args(Rule)
LEVELS: Final = ("warning", "breach", "escalation")

_Values = Iterable[tuple[tuple[str, ...], float | None]]
"""(labels, value); a None value is left out."""


class Engine(Protocol):
    """What is needed of the runtime."""

    def board(self, pbx: str) -> Mapping[str, Any]: ...
    def feed_state(self, pbx: str) -> FeedState: ...
    def pbx_now_us(self, pbx: str) -> int: ...
    def last_event_age_s(self) -> Mapping[str, float | None]: ...


class Sizes(Protocol):
    """How much waits, and who listens."""

    @property
    def inbox_bytes(self) -> int: ...
    @property
    def live_clients(self) -> int: ...
    @property
    def store_healthy(self) -> bool: ...
    @property
    def store_queued(self) -> int: ...
    @property
    def store_dropped(self) -> int: ...


class Exposition(Collector):
    """See the module. :meth:`announce` is to be told what the engine says. ``service_level`` gives
    (share, of how many calls) of the last 30 minutes of a (PBX, queue), ``surge_level`` its
    level."""

    def __init__(
        self,
        *,
        pbxs: Sequence[str],
        engine: Engine,
        sizes: Sizes,
        service_level: Callable[[str, str], tuple[float | None, int]],
        surge_level: Callable[[str, str], int],
    ) -> None:
        self._pbxs = tuple(pbxs)
        self._engine = engine
        self._sizes = sizes
        self._service_level = service_level
        self._surge_level = surge_level
        self._visits: Counter[tuple[str, ...]] = Counter()
        self._wait_us: Counter[tuple[str, ...]] = Counter()
        self._legs: Counter[tuple[str, ...]] = Counter()
        # From 0 on: Prometheus cannot see the first one of what appears with it.
        self._violations: Counter[tuple[str, ...]] = Counter(
            {(pbx, rule): 0 for pbx in pbxs for rule in RULES}
        )
        self._alerts: Counter[tuple[str, ...]] = Counter(
            {(pbx, rule, level): 0 for pbx in pbxs for rule in RULES for level in LEVELS}
        )
        self._anomalies: Counter[tuple[str, ...]] = Counter({(pbx,): 0 for pbx in pbxs})
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def announce(self, effects: Sequence[Effect]) -> None:
        """Count what happens."""
        for effect in effects:
            match effect:
                case VisitEnded():
                    self._visits[effect.pbx, effect.queue, effect.outcome] += 1
                    if effect.outcome == "answered":
                        self._wait_us[effect.pbx, effect.queue] += effect.wait_us
                case LegEnded():
                    self._legs[effect.pbx, effect.direction, effect.outcome] += 1
                case Violation():
                    self._violations[effect.pbx, effect.rule] += 1
                case Alert() if effect.level != "cleared":
                    self._alerts[effect.pbx, effect.rule, effect.level] += 1
                case Anomaly():
                    self._anomalies[effect.pbx,] += 1

    def render(self) -> tuple[bytes, str]:
        """(text, content type) of this moment."""
        return generated(self._registry), CONTENT_TYPE_LATEST

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked before it is there (prometheus_client's way to say so)."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Everything, as it is now."""
        yield _gauge("agentd_info", "The version that runs.", ("version",), [((__version__,), 1)])
        yield from self._feeds()
        yield from self._seats()
        yield from self._queues()
        yield from self._counters()
        sizes = self._sizes
        for name, words, value in (
            ("agentd_inbox_bytes", "Read from the PBXs and not judged yet.", sizes.inbox_bytes),
            ("agentd_live_clients", "Boards and desks that listen.", sizes.live_clients),
            (
                "agentd_store_healthy",
                "1: the database takes what it gets.",
                sizes.store_healthy,
            ),
            ("agentd_store_queued_effects", "Not committed yet.", sizes.store_queued),
        ):
            yield _gauge(name, words, (), [((), value)])
        dropped = "Telemetry given up because the disk refused it for too long."
        yield _counter("agentd_store_dropped_effects", dropped, (), [((), sizes.store_dropped)])

    def _feeds(self) -> Iterator[Metric]:
        states = {pbx: self._engine.feed_state(pbx) for pbx in self._pbxs}
        ages = self._engine.last_event_age_s()

        def gauge(name: str, words: str, value: Callable[[str, FeedState], float | None]) -> Metric:
            return _gauge(
                name, words, ("pbx",), [((pbx,), value(pbx, s)) for pbx, s in states.items()]
            )

        yield gauge(
            "agentd_link_up", "1: the AMI link is up and its snapshot applied.",
            lambda _, state: state.link == "up",
        )  # fmt: skip
        yield gauge(
            "agentd_pipeline_lag_seconds",
            "The longest that an event of the last seconds took from the PBX until it was judged.",
            lambda _, state: _seconds(state.lag_us),
        )
        yield gauge(
            "agentd_last_event_age_seconds", "Since the newest event.", lambda pbx, _: ages[pbx]
        )
        yield gauge(
            "agentd_clock_offset_seconds", "The PBX's clock minus ours.",
            lambda _, state: _seconds(state.clock_offset_us),
        )  # fmt: skip

    def _objects(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for pbx in self._pbxs:
            for value in self._engine.board(pbx).values():
                if value["kind"] == kind:
                    yield pbx, value

    def _seats(self) -> Iterator[Metric]:
        states = Counter({(pbx, state): 0 for pbx in self._pbxs for state in SEAT_STATES})
        owed = Counter({(pbx,): 0 for pbx in self._pbxs})
        for pbx, seat in self._objects("seat"):
            states[pbx, seat["state"]] += 1
            owed[pbx,] += len(seat["owed"])
        yield _gauge("agentd_seats", "Seats by state.", ("pbx", "state"), states.items())
        words = "Open work orders that are owed at the seats."
        yield _gauge("agentd_work_orders_owed", words, ("pbx",), owed.items())

    def _queues(self) -> Iterator[Metric]:
        labels = ("pbx", "queue")
        waiting: dict[tuple[str, ...], float] = {}
        longest: dict[tuple[str, ...], float] = {}
        level: dict[tuple[str, ...], float | None] = {}
        surge: dict[tuple[str, ...], float] = {}
        for pbx, queue in self._objects("queue"):
            key = pbx, queue["name"]
            waiting[key] = len(queue["waiting"])
            longest[key] = 0.0
            if queue["waiting"]:
                now_s = self._engine.pbx_now_us(pbx) / 1_000_000
                longest[key] = max(now_s - queue["waiting"][0]["joined_at"], 0.0)
            level[key] = self._service_level(*key)[0]
            surge[key] = self._surge_level(*key)
        yield _gauge("agentd_queue_waiting", "Callers who wait.", labels, waiting.items())
        words = "Of the caller who waits the longest."
        yield _gauge("agentd_queue_longest_wait_seconds", words, labels, longest.items())
        words = "SL(T) of the last 30 minutes."
        yield _gauge("agentd_queue_service_level_ratio", words, labels, level.items())
        yield _gauge("agentd_queue_surge_level", "0 to 3.", labels, surge.items())

    def _counters(self) -> Iterator[Metric]:
        wait_s = {key: wait_us / 1_000_000 for key, wait_us in self._wait_us.items()}
        for name, words, labels, values in (
            (
                "agentd_queue_visits", "Stays in queues that are over.",
                ("pbx", "queue", "outcome"), self._visits,
            ),
            (
                "agentd_queue_answered_wait_seconds", "Waited by those who were answered.",
                ("pbx", "queue"), wait_s,
            ),
            (
                "agentd_legs", "Seats' parts of calls that are over.",
                ("pbx", "direction", "outcome"), self._legs,
            ),
            (
                "agentd_violations", "Broken rules, on conclusive evidence.",
                ("pbx", "rule"), self._violations,
            ),
            (
                "agentd_alerts", "Warnings, breaches and escalations.",
                ("pbx", "rule", "level"), self._alerts,
            ),
            (
                "agentd_anomalies", "Things from the PBX that cannot be.",
                ("pbx",), self._anomalies,
            ),
        ):  # fmt: skip
            found: Mapping[tuple[str, ...], float] = values
            yield _counter(name, words, labels, found.items())


def _seconds(value_us: int | None) -> float | None:
    return None if value_us is None else value_us / 1_000_000


def _gauge(name: str, words: str, labels: Sequence[str], values: _Values) -> Metric:
    return _filled(GaugeMetricFamily(name, words, labels=labels), values)


def _counter(name: str, words: str, labels: Sequence[str], values: _Values) -> Metric:
    """``name`` without the ``_total`` that it is shown with."""
    return _filled(CounterMetricFamily(name, words, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: _Values) -> Metric:
    for labels, value in values:
        if value is not None:
            family.add_metric(labels, float(value))
    return family
