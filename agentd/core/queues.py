"""A queue: who waits in it, and the counters of its card."""

from __future__ import annotations

from msgspec import Struct, field

from agentd.core.effects import VisitEnded

DAY_US = 86_400_000_000


class Waiting(Struct):
    """A caller who waits."""

    call: str
    caller: str | None
    joined_us: int
    estimated: bool = False


class Queue(Struct):
    """Counters of the day, since ``counted_since_us``. A stay counts on the day on which the caller
    joined, and as its effect says (:mod:`agentd.core.stays`): as in the metrics."""

    name: str
    counted_since_us: int
    waiting: dict[str, Waiting] = field(default_factory=dict)
    offered: int = 0
    answered: int = 0
    in_time: int = 0
    """Answered within T of joining."""
    abandoned: int = 0
    short_abandons: int = 0
    let_go: int = 0
    gap: bool = False
    unjudged: int = 0
    """Ended, and not judged by the service level: estimated, or nobody knows how."""
    day_us: int = 0
    """When the day began."""

    def start_day(self, start_us: int) -> None:
        """Count anew from ``start_us``; who waits then belongs to the day before."""
        self.counted_since_us = self.day_us = start_us
        self.offered = self.answered = self.in_time = self.unjudged = 0
        self.abandoned = self.short_abandons = self.let_go = 0
        self.gap = False

    def counts(self, joined_us: int) -> bool:
        """Whether a stay that began then belongs to the day."""
        return joined_us >= self.day_us

    def count(self, visit: VisitEnded) -> None:
        """A stay that belongs to the day is over."""
        judged = not visit.estimated
        match visit.outcome:
            case "answered":
                self.answered += 1
                self.in_time += judged and visit.wait_us <= visit.limit_us
            case "abandoned":
                self.abandoned += 1
                self.short_abandons += judged and visit.wait_us <= visit.short_us
            case "let_go":
                self.let_go += 1
            case "unknown":
                judged = False
        self.unjudged += not judged

    @property
    def service_level(self) -> float | None:
        """SL(T) = answered within T / (offered - still waiting - short abandons), of the callers
        who wait no longer and whose wait is known; None before the first one that counts."""
        waiting = sum(self.counts(caller.joined_us) for caller in self.waiting.values())
        judged = self.offered - waiting - self.short_abandons - self.unjudged
        return self.in_time / judged if judged > 0 else None


def day_start_us(now_us: int, day_starts_s: int) -> int:
    """When the day began in which ``now_us`` lies; days begin ``day_starts_s`` after 00:00 UTC."""
    offset_us = day_starts_s * 1_000_000
    return (now_us - offset_us) // DAY_US * DAY_US + offset_us
