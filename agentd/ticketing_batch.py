"""What one transaction of the store holds, and who is told afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any

from agentd.core.effects import (
    OBLIGATIONS,
    Alert,
    CallEnded,
    Effect,
    LegEnded,
    LinkSpan,
    RecordingSeen,
    SeatChanged,
    VisitEnded,
    WrapUpEnded,
)
from agentd.ticketing_jobs import AnyWork, DocumentChange, Obligation

Announce = Callable[[Sequence[Effect]], None]


class Batch:
    """Effects, memory and work that are stored together or not at all."""

    __slots__ = (
        "_kinds",
        "alerts",
        "announcements",
        "calls",
        "changed",
        "done",
        "in_doubt",
        "legs",
        "links",
        "mark",
        "memory",
        "news",
        "obligations",
        "recordings",
        "seats",
        "size",
        "visits",
        "work",
        "wrap_ups",
    )  # fmt: skip

    def __init__(self) -> None:
        self.obligations: list[Obligation] = []
        self.legs: list[LegEnded] = []
        self.calls: list[CallEnded] = []
        self.alerts: list[Alert] = []
        self.recordings: list[RecordingSeen] = []
        self.visits: list[VisitEnded] = []
        self.wrap_ups: list[WrapUpEnded] = []
        self.seats: list[SeatChanged] = []
        self.links: list[LinkSpan] = []
        self._kinds: dict[type, list[Any]] = {
            Alert: self.alerts,
            LegEnded: self.legs,
            CallEnded: self.calls,
            RecordingSeen: self.recordings,
            VisitEnded: self.visits,
            WrapUpEnded: self.wrap_ups,
            SeatChanged: self.seats,
            LinkSpan: self.links,
        }
        self.memory: dict[tuple[str, str], bytes | None] = {}
        """By (pbx, key): what was said last; None is to be forgotten."""
        self.work: list[tuple[AnyWork, int]] = []
        """What is done, and after how many of the obligations."""
        self.announcements: list[tuple[Announce, int]] = []
        """Who is told, and up to which of the obligations."""
        self.size = 0
        """How many effects and pieces of work."""
        self.news: list[bool] | None = None
        """Which of the obligations changed something; known once they were looked up."""
        self.changed: list[DocumentChange] = []
        """Documents that the obligations and the work changed, in order."""
        self.mark = ""
        """What the transaction leaves in the database where doing it twice would be wrong."""
        self.in_doubt = False
        """A commit reported an error, and nobody has looked yet whether it happened."""
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
            if isinstance(effect, OBLIGATIONS):
                self.obligations.append(effect)
            else:
                kept = self._kinds.get(type(effect))
                if kept is None:
                    continue
                kept.append(effect)
            self.size += 1
        if len(self.obligations) > told:
            self.announcements.append((announce, len(self.obligations)))
        if memory:
            for key, value in memory.items():
                self.memory[pbx, key] = value

    def add_work(self, work: AnyWork) -> None:
        """Take in work, to be done after what was added so far."""
        self.work.append((work, len(self.obligations)))
        self.size += 1

    @property
    def telemetry(self) -> int:
        """How many of the effects could be given up."""
        return sum(map(len, self._kinds.values()))

    def drop_telemetry(self) -> int:
        """Give up everything but obligations, memory and work; how many effects."""
        dropped = self.telemetry
        for kept in self._kinds.values():
            kept.clear()
        self.size -= dropped
        return dropped

    def refuse_work(self, error: BaseException, now: float) -> None:
        """End what has waited for long enough (``now``: monotonic seconds)."""
        if self.in_doubt:
            return
        for work, known in self.work[:]:
            if work.wait_until is not None and work.wait_until <= now:
                self.work.remove((work, known))
                self.size -= 1
                work.fail(error)

    def fail_work(self, error: BaseException) -> None:
        """End all of it: the store is being closed, or its writer died."""
        for work, _ in self.work:
            if not work.ended.is_set():
                work.fail(error)

    def announce(self) -> None:
        """Tell what changed something, in the order in which it came."""
        assert self.news is not None, "only what was stored is announced"
        start = 0
        for announce, end in self.announcements:
            announce(list(compress(self.obligations[start:end], self.news[start:end])))
            start = end

    def end_work(self) -> None:
        """All is committed, the work too."""
        for work, _ in self.work:
            work.end()
