"""The seams of reports: where their sums come from, and who asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from agentd.core.metric_figures import Sums
from agentd.core.people import Person
from agentd.core.report_periods import PeriodAsk, Span
from agentd.core.reports import Report, ReportBy
from agentd.ports.history import Gap


class ReportStore(Protocol):
    """What reports ask the store beside :class:`agentd.ports.history.HistoryStore`. Raises
    ``StoreError``."""

    async def interval_sums(self, kind: str, spans: Sequence[Span]) -> Mapping[str, list[Sums]]:
        """By name: the stored quarters of an hour within each span, added up, without marks."""
        ...

    async def longest_waits(self, spans: Sequence[Span]) -> Mapping[str, list[int | None]]:
        """By queue (as PBX/NAME): the longest stay of those who joined within each span."""
        ...

    async def gaps(self, from_us: int, to_us: int, pbx: str | None = None) -> Sequence[Gap]: ...

    async def known_since_us(self) -> int | None:
        """Since when anything is known; None: nothing is."""
        ...


class SumsSource(Protocol):
    """Where the sums of a report come from: what the daemon holds and has stored, or the stored
    facts counted anew. Both say the same to the last digit."""

    async def sums(self, by: ReportBy, spans: Sequence[Span]) -> Mapping[str, list[Sums]]:
        """By name, of every scope of which something counts within ``spans`` (in order, without
        overlaps): the sums of each span. Raises ``StoreError``."""
        ...


class ReportAsk(Struct, frozen=True, kw_only=True):
    """Which report. ``name``: only this queue (as PBX/NAME), team or person (login). ``details``:
    each line broken down as well."""

    period: PeriodAsk
    by: ReportBy
    name: str | None = None
    details: bool = False


class Reports(Protocol):
    """Makes reports. Raises :class:`agentd.errors.Refused` where ``who`` may not see what is asked
    for, or there is no such period."""

    @property
    def shifts(self) -> Sequence[str]:
        """The configured shifts, as they are asked for."""
        ...

    async def report(self, who: Person, ask: ReportAsk) -> Report: ...


class ReportMarks(Protocol):
    """What is remembered of reports that were mailed."""

    async def report_mark(self, key: str) -> Any: ...
    async def put_report_mark(self, key: str, value: Any) -> None: ...
