"""The daemon's sums for reports: of the last days what it holds, of older ones what it stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from agentd import clock
from agentd.core.metric_figures import Sums
from agentd.core.metric_row import ScopeKind
from agentd.core.metric_windows import QUARTER_US
from agentd.core.metrics import Metrics
from agentd.core.report_periods import Span
from agentd.core.reports import merge
from agentd.figures_restore import Slices

Found = Mapping[str, list[Sums]]


class Stored(Protocol):
    """What of the store is asked (``ports.reports.ReportStore``)."""

    async def interval_sums(self, kind: str, spans: Sequence[Span]) -> Found: ...


class Counted(Protocol):
    """Sums counted anew from the facts (:class:`agentd.reports_facts.FactSums`)."""

    async def sums(self, by: ScopeKind, spans: Sequence[Span]) -> Found: ...


class PeriodSums:
    """Sums of any spans (implements :class:`agentd.ports.reports.SumsSource`).

    What is not in memory is stored by quarters of an hour; a time that cuts one, and what was not
    read yet since the start, is counted from the facts. ``held``: the metrics; since when they hold
    everything; whether they do, or are still being read."""

    def __init__(
        self,
        held: Callable[[], tuple[Metrics, int, bool]],
        stored: Stored,
        counted: Counted,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._held = held
        self._stored = stored
        self._counted = counted
        self._monotonic = monotonic

    async def sums(self, by: ScopeKind, spans: Sequence[Span]) -> Found:
        """See the seam."""
        metrics, kept_us, whole = self._held()
        held: list[tuple[int, Span]] = []
        stored: list[tuple[int, Span]] = []
        counted: list[tuple[int, Span]] = []
        for index, (from_us, to_us) in enumerate(spans):
            middle_us = min(max(kept_us, from_us), to_us)
            if middle_us < to_us:
                (held if whole else counted).append((index, (middle_us, to_us)))
            if from_us < middle_us:
                cut = from_us % QUARTER_US or middle_us % QUARTER_US
                (counted if cut else stored).append((index, (from_us, middle_us)))
        found: dict[str, list[Sums]] = {}
        ways: tuple[
            tuple[list[tuple[int, Span]], Callable[[Sequence[Span]], Awaitable[Found]]], ...
        ]
        ways = (
            (held, lambda spans: self._from_memory(metrics, by, spans)),
            (stored, lambda spans: self._stored.interval_sums(by, spans)),
            (counted, lambda spans: self._counted.sums(by, spans)),
        )
        for wanted, ask in ways:
            if not wanted:
                continue
            given = await ask([span for _, span in wanted])
            for name, parts in given.items():
                mine = found.setdefault(name, [Sums({}, gap=False)] * len(spans))
                for (index, _), part in zip(wanted, parts, strict=True):
                    mine[index] = merge((mine[index], part))
        return found

    async def _from_memory(self, metrics: Metrics, by: ScopeKind, spans: Sequence[Span]) -> Found:
        slices = Slices(self._monotonic)
        found = {}
        for scope in [scope for scope in metrics.scopes() if scope[0] == by]:
            sums = metrics.spans(scope, spans)
            if any(one.values for one in sums):
                found[scope[1]] = sums
            await slices.rest()
        return found
