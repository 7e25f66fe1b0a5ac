"""Surge levels of a queue (话务预警): how many wait, how long the first one has waited, and how few
were answered in time. Pure.

A level is reached when any measure reaches its limit, and announced at once. It is left only when
it was not reached for a while (``calm_us``), so that a queue at a limit does not flicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from agentd.core.state import us

LEVELS: Final = 3

Measure = Literal["waiting", "longest_wait", "service_level"]


class SurgeLimits(Struct, frozen=True):
    """From which value on each of the levels 1 to 3 is reached; () where a measure does not count.
    The service level counts below its limits."""

    waiting: tuple[int, ...] = (5, 10, 20)
    longest_wait_s: tuple[float, ...] = (30.0, 60.0, 120.0)
    service_level: tuple[float, ...] = (0.8, 0.6, 0.4)


class SurgeRules(Struct, frozen=True):
    """The limits of every queue. ``service_level_min_calls``: with fewer judged calls in the last
    30 minutes the service level says nothing. ``fold_level``: from which level on pages fold small
    alarms into the surge; 0: never."""

    default: SurgeLimits = SurgeLimits()
    queues: Mapping[str, SurgeLimits] = field(default_factory=dict)
    service_level_min_calls: int = 10
    calm_s: float = 60.0
    fold_level: int = 1

    def of(self, queue: str) -> SurgeLimits:
        """The limits of ``queue``."""
        return self.queues.get(queue, self.default)


class Measures(Struct, frozen=True):
    """How a queue is now. ``service_level``: of the last 30 minutes, of ``judged`` calls."""

    waiting: int
    longest_wait_us: int
    service_level: float | None
    judged: int


class Surge(Struct, frozen=True):
    """A queue's surge. ``reached``: the measures that reached the level when it was announced.
    ``below_us``: since when it was not reached; ``beneath``: the highest level since then."""

    level: int = 0
    since_us: int = 0
    reached: tuple[Measure, ...] = ()
    below_us: int | None = None
    beneath: int = 0


def reached_by(measures: Measures, rules: SurgeRules, queue: str) -> dict[Measure, int]:
    """The level that each measure reaches now. The service level speaks of the past, so it counts
    only while somebody waits."""
    limits = rules.of(queue)
    found: dict[Measure, int] = {
        "waiting": sum(measures.waiting >= limit for limit in limits.waiting),
        "longest_wait": sum(
            measures.longest_wait_us >= us(limit_s) for limit_s in limits.longest_wait_s
        ),
    }
    level = measures.service_level
    known = level is not None and measures.judged >= rules.service_level_min_calls
    if known and level is not None and measures.waiting:
        found["service_level"] = sum(level < limit for limit in limits.service_level)
    return found


def follow(before: Surge, measures: Measures, rules: SurgeRules, queue: str, now_us: int) -> Surge:
    """The surge of a queue at ``now_us``, after ``before``."""
    by = reached_by(measures, rules, queue)
    now = max(by.values())
    if now > before.level:
        reached = tuple(measure for measure, level in by.items() if level == now)
        return Surge(now, now_us, reached)
    if now == before.level:
        return replace(before, below_us=None, beneath=0)
    if before.below_us is None:
        return replace(before, below_us=now_us, beneath=now)
    beneath = max(before.beneath, now)
    if now_us - before.below_us < us(rules.calm_s):
        return replace(before, beneath=beneath)
    reached = tuple(measure for measure, level in by.items() if level == beneath > 0)
    if now == beneath:
        return Surge(beneath, now_us, reached)
    return Surge(beneath, now_us, reached, below_us=now_us, beneath=now)


def next_limits(rules: SurgeRules, queue: str, level: int) -> dict[str, float] | None:
    """What the next higher level takes, by measure; None on the highest."""
    if level >= LEVELS:
        return None
    limits = rules.of(queue)
    steps: dict[str, tuple[float, ...]] = {
        "waiting": limits.waiting,
        "longest_wait_s": limits.longest_wait_s,
        "service_level": limits.service_level,
    }
    return {name: step[level] for name, step in steps.items() if step}
