"""Sums of long times, counted anew from the stored facts, a day at a time.

Nothing older than what can still change a figure is held: a year takes as much memory as ten days.
Decisions about appeals, and orders, count as they stand now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from agentd import clock
from agentd.core.effects import LinkSpan
from agentd.core.metric_figures import Sums
from agentd.core.metric_ledger import Scope
from agentd.core.metric_row import ScopeKind
from agentd.core.metric_windows import MetricBook
from agentd.core.metrics import Metrics
from agentd.core.order_model import WorkOrder
from agentd.core.queues import DAY_US
from agentd.core.report_periods import Span
from agentd.figures_restore import Past, Slices, Whose, read_dispatched, read_span, take_gaps
from agentd.ports.history import Fact, Gap

LATER_US: Final = 2 * DAY_US
"""A violation of an order, or the end of a long call, comes within this time."""


class FactStore(Past, Protocol):
    """What of the store is asked."""

    async def gaps(self, from_us: int, to_us: int, pbx: str | None = None) -> Sequence[Gap]: ...


class FactSums:
    """See the module (implements :class:`agentd.ports.reports.SumsSource`).

    ``unheard_us``: of PBXs that nobody listens to now, since when. ``now_us``: nothing is later.
    """

    def __init__(
        self,
        store: FactStore,
        book: MetricBook,
        whose: Whose,
        now_us: Callable[[], int],
        *,
        unheard_us: Mapping[str, int] | None = None,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._store = store
        self._book = book
        self._whose = whose
        self._now_us = now_us
        self._unheard_us = unheard_us or {}
        self._monotonic = monotonic

    async def sums(self, by: ScopeKind, spans: Sequence[Span]) -> Mapping[str, list[Sums]]:
        """See the seam; ``by`` may be any kind, ``spans`` come in any order."""
        later_us = max((self._book.fcr_days + 1) * DAY_US, LATER_US)
        found = await self.count((by,), spans, later_us)
        return {name: sums for (_, name), sums in found.items()}

    async def count(
        self, kinds: Sequence[ScopeKind], spans: Sequence[Span], later_us: int
    ) -> dict[Scope, list[Sums]]:
        """The sums of every scope of these kinds, by span. What counts in a span is told within
        ``later_us`` after it."""
        found: dict[Scope, list[Sums]] = {}
        if not spans:
            return found
        from_us = min(span[0] for span in spans)
        ends_us = min(max(span[1] for span in spans) + later_us, self._now_us())
        longest_us = max(to_us - from_us for from_us, to_us in spans)
        keep_days = -(-(longest_us + later_us) // DAY_US) + 2
        metrics = Metrics(replace(self._book, keep_days=keep_days))
        slices = Slices(self._monotonic)

        def take(fact: Fact | WorkOrder) -> None:
            self._whose.give(metrics, fact)

        take_gaps(await self._store.gaps(from_us, ends_us), take)
        for pbx, at_us in self._unheard_us.items():
            take(LinkSpan(pbx, at_us, up=False))
        await read_dispatched(self._store, self._book, from_us, take, slices)
        left = sorted(range(len(spans)), key=lambda index: spans[index][1])
        at_us = from_us
        while left:
            next_us = min(at_us + DAY_US, ends_us)
            await read_span(self._store, (at_us, next_us, ()), take, slices)
            at_us = next_us
            metrics.advance(at_us)
            over = at_us >= ends_us
            ready = [index for index in left if over or spans[index][1] + later_us <= at_us]
            left = left[len(ready) :]
            for scope in [scope for scope in metrics.scopes() if scope[0] in kinds]:
                given = metrics.spans(scope, [spans[index] for index in ready])
                for index, sums in zip(ready, given, strict=True):
                    if sums.values:
                        mine = found.setdefault(scope, [Sums({}, gap=False)] * len(spans))
                        mine[index] = sums
                await slices.rest()
        return found
