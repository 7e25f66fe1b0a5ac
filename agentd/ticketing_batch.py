"""What one transaction of the store holds, and who is told afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import compress

from agentd.core.effects import Alert, CallEnded, Effect, LegEnded, OrderChanged, Violation

Announce = Callable[[Sequence[Effect]], None]


class Batch:
    """Effects and memory that are stored together or not at all."""

    __slots__ = (
        "alerts", "announcements", "calls", "done", "legs", "memory", "news", "obligations",
        "size",
    )  # fmt: skip

    def __init__(self) -> None:
        self.obligations: list[OrderChanged | Violation] = []
        self.legs: list[LegEnded] = []
        self.calls: list[CallEnded] = []
        self.alerts: list[Alert] = []
        self.memory: dict[tuple[str, str], bytes | None] = {}
        """By (pbx, key): what was said last; None is to be forgotten."""
        self.announcements: list[tuple[Announce, int]] = []
        """Who is told, and up to which of the obligations."""
        self.size = 0
        """How many effects."""
        self.news: list[bool] | None = None
        """Which of the obligations changed something; known once they were looked up."""
        self.done = asyncio.Event()

    def add(
        self,
        effects: Sequence[Effect],
        memory: Mapping[str, bytes | None],
        announce: Announce,
        pbx: str,
    ) -> None:
        """Take in one submission."""
        told = len(self.obligations)
        for effect in effects:
            # Few instructions: this runs for every effect of every event, on the event loop.
            if isinstance(effect, OrderChanged | Violation):
                self.obligations.append(effect)
            elif isinstance(effect, Alert):
                self.alerts.append(effect)
            elif isinstance(effect, LegEnded):
                self.legs.append(effect)
            elif isinstance(effect, CallEnded):
                self.calls.append(effect)
            else:
                continue
            self.size += 1
        if len(self.obligations) > told:
            self.announcements.append((announce, len(self.obligations)))
        if memory:
            for key, value in memory.items():
                self.memory[pbx, key] = value

    @property
    def telemetry(self) -> int:
        """How many of the effects could be given up."""
        return len(self.legs) + len(self.calls) + len(self.alerts)

    def drop_telemetry(self) -> int:
        """Give up legs, calls and alerts; how many."""
        dropped = self.telemetry
        self.legs, self.calls, self.alerts = [], [], []
        self.size -= dropped
        return dropped

    def announce(self) -> None:
        """Tell what changed something, in the order in which it came."""
        assert self.news is not None, "only what was stored is announced"
        start = 0
        for announce, end in self.announcements:
            announce(list(compress(self.obligations[start:end], self.news[start:end])))
            start = end
