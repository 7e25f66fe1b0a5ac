"""A queue: who waits in it, and the counters of its card."""

from __future__ import annotations

from msgspec import Struct, field


class Waiting(Struct):
    """A caller who waits."""

    call: str
    caller: str | None
    joined_us: int
    estimated: bool = False


class Queue(Struct):
    """Counters since ``counted_since_us``. SL(T) = ``in_time`` / (offered - short abandons)."""

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
    listed: bool = False

    def start_day(self, now_us: int) -> None:
        """Count anew."""
        self.counted_since_us = now_us
        self.offered = len(self.waiting)
        self.answered = self.in_time = self.abandoned = self.short_abandons = self.let_go = 0
        self.gap = False

    @property
    def service_level(self) -> float | None:
        judged = self.offered - self.short_abandons - len(self.waiting)
        return self.in_time / judged if judged > 0 else None
