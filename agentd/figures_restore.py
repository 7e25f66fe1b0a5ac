"""Figures after a start: the days that their windows reach over, read from the store in slices.

The current day comes first, since people look at it; then the days that it is compared with, then
those between. Facts may come in any order and twice, so what happens meanwhile is taken as it
happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from agentd.core.effects import LinkSpan
from agentd.core.metric_windows import WINDOWS, MetricBook, WindowName, windows_at
from agentd.core.metrics import Metrics
from agentd.core.order_model import WorkOrder
from agentd.core.people import Directory
from agentd.core.queues import DAY_US
from agentd.ports.desk import OrderQuery
from agentd.ports.history import Fact, Gap

SLICE_S: Final = 0.005
"""How long facts are taken before the event loop has its turn."""
AHEAD_US: Final = 3_600_000_000
"""A PBX's clock may be ahead of ours, which is all that is known before its link is up."""
DISPATCHED_US: Final = 92 * DAY_US
"""A complaint that was dispatched longer before it falls due is not looked for."""

Span = tuple[int, int, tuple[WindowName, ...]]
"""From, to, and the windows that are whole once that is read."""


NOW: Final = tuple(name for name in WINDOWS if "@" not in name)
"""The windows of the current day."""


def moment_of(fact: Fact) -> int:
    """When the PBX was heard to say it."""
    for name in ("ended_us", "to_us", "left_us", "at_us"):
        moment: int | None = getattr(fact, name, None)
        if moment is not None:
            return moment
    return 0


class Whose:
    """Whom facts belong to: ``team_of`` says the group of a (pbx, seat)."""

    def __init__(
        self, team_of: Callable[[str, str | None], str | None], directory: Directory
    ) -> None:
        self._team_of = team_of
        self._directory = directory

    def give(self, metrics: Metrics, fact: Fact | WorkOrder) -> None:
        """Have ``metrics`` take ``fact``, with whose it is."""
        if isinstance(fact, WorkOrder):
            metrics.take(fact, team=fact.team)
            return
        seat = getattr(fact, "seat", None)
        agent = getattr(fact, "agent", None)
        team = self._team_of(fact.pbx, seat) if seat is not None else None
        person = self._directory.whose(agent) if agent is not None else None
        metrics.take(fact, team=team, person=None if person is None else person.login)


class Past(Protocol):
    """What of the stores is asked (ports.history.HistoryStore, ports.desk.DeskStore)."""

    def facts(
        self, from_us: int, to_us: int, pbx: str | None = None
    ) -> AsyncIterator[Sequence[Fact]]: ...

    def each_order(self, query: OrderQuery) -> AsyncIterator[Sequence[WorkOrder]]: ...


def spans_at(book: MetricBook, now_us: int) -> Iterator[Span]:
    """What is to be read, in the order in which it is wanted; together all that is kept."""
    windows = windows_at(book, now_us)
    starts_us = min(windows[name].from_us for name in NOW)
    first_us = now_us - book.keep_days * DAY_US
    yesterday_us = max(starts_us - DAY_US, first_us)
    # A window of the last week may begin in the day before; so may what becomes one at midnight.
    week_us = max(starts_us - 7 * DAY_US, first_us)
    week_ends_us = min(week_us + 2 * DAY_US, yesterday_us)
    yield starts_us, now_us + AHEAD_US, NOW
    yield yesterday_us, starts_us, _of("yesterday")
    yield week_us, week_ends_us, _of("last_week")
    yield week_ends_us, yesterday_us, ()
    yield first_us, week_us, ()


def _of(when: str) -> tuple[WindowName, ...]:
    return tuple(name for name in WINDOWS if name.partition("@")[2] == when)


class Slices:
    """Gives the event loop its turn every few milliseconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ends_s = monotonic() + SLICE_S

    async def rest(self) -> None:
        """To be called after each piece of work."""
        if self._monotonic() >= self._ends_s:
            await asyncio.sleep(0)
            self._ends_s = self._monotonic() + SLICE_S


async def read_span(
    store: Past, span: Span, take: Callable[[Fact | WorkOrder], None], slices: Slices
) -> None:
    """Take everything that counts within ``span``. Raises ``StoreError``."""
    from_us, to_us, _ = span
    if to_us <= from_us:
        return
    async for facts in store.facts(from_us, to_us):
        for fact in facts:
            take(fact)
            await slices.rest()
    query = OrderQuery(opened_from_us=from_us, opened_to_us=to_us, kind="call")
    await _read_orders(store, query, take, slices)


async def read_dispatched(
    store: Past,
    book: MetricBook,
    before_us: int,
    take: Callable[[Fact | WorkOrder], None],
    slices: Slices,
) -> None:
    """Take the complaints that were opened within :data:`DISPATCHED_US` before that moment: they
    count when they fall due. Raises ``StoreError``."""
    query = OrderQuery(
        opened_from_us=before_us - DISPATCHED_US,
        opened_to_us=before_us,
        kind="call",
        category=book.complaint,
    )
    await _read_orders(store, query, take, slices)


async def _read_orders(
    store: Past, query: OrderQuery, take: Callable[[Fact | WorkOrder], None], slices: Slices
) -> None:
    async for orders in store.each_order(query):
        for order in orders:
            take(order)
            await slices.rest()


def take_gaps(gaps: Iterable[Gap], take: Callable[[Fact], None]) -> None:
    """Take gaps before the facts around them, which then change nothing that is summed up."""
    for gap in gaps:
        take(LinkSpan(gap.pbx, gap.from_us, up=False))
        if gap.to_us is not None:
            take(LinkSpan(gap.pbx, gap.to_us, up=True))
