"""A queue: who waits in it, and the counters of its card."""

from __future__ import annotations

from msgspec import Struct, field

DAY_US = 86_400_000_000


class Waiting(Struct):
    """A caller who waits."""

    call: str
    caller: str | None
    joined_us: int
    estimated: bool = False


class Queue(Struct):
    """Counters since ``counted_since_us``. SL(T) = ``in_time`` / (offered - still waiting - short
    abandons)."""

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

    def start_day(self, start_us: int) -> None:
        """Count anew from ``start_us``; who waits then belongs to the new day."""
        self.counted_since_us = start_us
        self.offered = len(self.waiting)
        self.answered = self.in_time = self.abandoned = self.short_abandons = self.let_go = 0
        self.gap = False

    @property
    def service_level(self) -> float | None:
        """SL(T) of the callers who wait no longer; None before the first call that counts."""
        judged = self.offered - len(self.waiting) - self.short_abandons
        return self.in_time / judged if judged > 0 else None


def day_start_us(now_us: int, day_starts_s: int) -> int:
    """When the day began in which ``now_us`` lies; days begin ``day_starts_s`` after 00:00 UTC."""
    offset_us = day_starts_s * 1_000_000
    return (now_us - offset_us) // DAY_US * DAY_US + offset_us
