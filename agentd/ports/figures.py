"""The seam of figures: every metric of the product rules, live, for one scope at a time.

What a figure is made of says :mod:`agentd.core.metric_table`. Times are microseconds since the
epoch in PBX time; numerators and denominators that are times are given in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from agentd.core.metric_row import ScopeKind, Unit
from agentd.core.people import Person

FigureWindow = Literal[
    "last_30_min",
    "shift",
    "today",
    "last_30_min@yesterday",
    "shift@yesterday",
    "today@yesterday",
    "last_30_min@last_week",
    "shift@last_week",
    "today@last_week",
]


class FigureShown(Struct, frozen=True):
    """A figure as people see it. ``value`` null: nothing counts yet. ``gap``: something of it was
    not seen. ``estimated``: how many of its stays or legs have a time from a snapshot."""

    value: int | float | None
    num: int | float
    den: int | float
    gap: bool
    estimated: int


class FiguresShown(Struct, frozen=True):
    """The figures of a scope, by window and metric. ``restoring``: after a start, windows that are
    not read from the store yet; they are left out until they are whole."""

    as_of_us: int
    restoring: tuple[FigureWindow, ...]
    figures: Mapping[str, Mapping[str, FigureShown]]


class IntervalShown(Struct, frozen=True):
    """The named sums of a scope over one interval. ``gap``: a PBX was not heard in some of it."""

    at_us: int
    sums: Mapping[str, int | float]
    gap: bool


class IntervalsShown(Struct, frozen=True):
    """Intervals in order. The last one may end before its time: with ``as_of_us``."""

    step_s: int
    as_of_us: int
    rows: Sequence[IntervalShown]


class CallsBehind(Struct, frozen=True):
    """(PBX, call) of calls that count for a figure, the last one to count first."""

    calls: Sequence[tuple[str, str]]
    next_cursor: str | None


class MetricShown(Struct, frozen=True):
    """A row of the metrics' table, as pages show it."""

    key: str
    name: tuple[str, str]
    formula: tuple[str, str]
    example: tuple[str, str]
    left_out: tuple[str, str]
    unit: Unit
    kinds: tuple[ScopeKind, ...]
    num: tuple[str, ...]
    den: tuple[str, ...]
    source: str


class OwnWork(Struct, frozen=True):
    """What a person did since a moment: the sums of which the figures are made."""

    since_us: int
    answered: int
    """Customers' calls that the person answered (接通)."""
    outbound: int
    """Calls that the person dialled (外呼)."""
    talk_us: int
    """Of answered calls, holds included (通话)."""
    hold_us: int
    aht_us: int | None
    """(talk + after-call work) / answered; None without any (平均处理时长)."""
    within_rings: int
    """Answered within rule R1, of ``within_rings_of`` that count for it (两声接起率)."""
    within_rings_of: int
    gap: bool
    """A PBX was not heard in some of that time."""


class FeedGap(Struct, frozen=True):
    """Nothing was heard from then until then (None: up to now)."""

    from_us: int
    to_us: int | None


class FeedState(Struct, frozen=True):
    """How one PBX is heard now. ``lag_us``: the longest that an event of the last seconds took from
    the PBX's timestamp until it was judged; None where none came, or its clock is not known."""

    link: str
    last_event_us: int | None
    clock_offset_us: int | None
    lag_us: int | None


class FeedHealth(Struct, frozen=True):
    """How well one PBX is heard (:class:`FeedState`), and the gaps of today."""

    pbx: str
    link: str
    last_event_us: int | None
    clock_offset_us: int | None
    lag_us: int | None
    gaps: Sequence[FeedGap]


class FiguresSource(Protocol):
    """What the REST API asks. Raises :class:`agentd.errors.Refused` where ``who`` may not see the
    scope (``not_found``, ``forbidden``), and for a cursor that is none."""

    def figures(
        self, who: Person, kind: ScopeKind, name: str, windows: Sequence[FigureWindow]
    ) -> FiguresShown: ...

    async def own(self, who: Person, from_us: int) -> OwnWork:
        """What ``who`` did since ``from_us``. Raises :class:`~agentd.errors.Refused` for a time
        that is not held any more, and where reading it after a start takes long
        (``unavailable``)."""
        ...

    async def intervals(
        self, who: Person, kind: ScopeKind, name: str, from_us: int, to_us: int
    ) -> IntervalsShown: ...

    def calls_behind(
        self,
        who: Person,
        kind: ScopeKind,
        name: str,
        window: FigureWindow,
        metric: str,
        cursor: str | None,
        limit: int,
    ) -> CallsBehind: ...

    def table(self) -> Sequence[MetricShown]: ...

    def span_us(self, window: FigureWindow) -> tuple[int, int]:
        """From when to when a window reaches now."""
        ...

    async def feed(self) -> Sequence[FeedHealth]: ...
