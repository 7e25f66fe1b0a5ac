"""Moments that are due: a heap of values, nothing that ticks.

A deadline is not cancelled; when it is due, whoever planned it looks whether it still applies.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

NEVER_US = 1 << 62
"""Later than any time."""


class Deadline(NamedTuple):
    """``kind`` says which rule planned it, ``key`` on what, ``mark`` tells spells apart."""

    due_us: int
    order: int
    kind: str
    key: str
    mark: str


class Deadlines:
    """All deadlines of one PBX, earliest first; equal ones in the order of planning."""

    def __init__(self) -> None:
        self._heap: list[Deadline] = []
        self._planned = 0

    def __len__(self) -> int:
        return len(self._heap)

    def plan(self, due_us: int, kind: str, key: str, mark: str = "") -> None:
        self._planned += 1
        heappush(self._heap, Deadline(due_us, self._planned, kind, key, mark))

    def next_us(self) -> int:
        """The earliest moment; :data:`NEVER_US` where nothing is planned."""
        return self._heap[0][0] if self._heap else NEVER_US

    def pop(self) -> Deadline:
        return heappop(self._heap)

    def move(self, by_us: int, *, but: str) -> bool:
        """Have everything due later by ``by_us``, what is of kind ``but`` not at all any more;
        whether there was such a thing."""
        moved = [d._replace(due_us=d.due_us + by_us) for d in self._heap if d.kind != but]
        dropped = len(moved) < len(self._heap)
        heapify(moved)
        self._heap = moved
        return dropped

    def keep(self, kinds: frozenset[str]) -> None:
        """Drop every deadline of another kind (the end of a recording)."""
        self._heap = sorted(d for d in self._heap if d.kind in kinds)
