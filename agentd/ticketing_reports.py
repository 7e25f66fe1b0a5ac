"""What reports ask the store: sums over long times, added up by SQLite itself; and what was mailed.

Months of quarters of an hour of hundreds of people would hold up everything else if they were added
up here; SQLite adds integers exactly, in its own thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection

from agentd.core.metric_figures import Sums
from agentd.core.report_periods import Span
from agentd.ticketing_history_writing import read_heard
from agentd.ticketing_jobs import Transaction
from agentd.ticketing_schema import META_NAMED, PUT_META

T = TypeVar("T")
Named = dict[str, list[Any]]

_SPANS = (
    "WITH span AS (SELECT key AS n, json_extract(value, '$[0]') AS from_us, "
    "json_extract(value, '$[1]') AS to_us FROM json_each(:spans)) "
)
_SUMS = (
    _SPANS + "SELECT s.n, i.name, j.key, sum(j.value) FROM span s CROSS JOIN metric_interval i "  # noqa: S608 - all ours
    "ON i.kind = :kind AND i.at_us >= s.from_us AND i.at_us < s.to_us "
    "CROSS JOIN json_each(i.sums) j GROUP BY 1, 2, 3"
)
_LONGEST = (
    _SPANS + "SELECT s.n, v.pbx || '/' || v.queue, max(v.wait_us) FROM span s "  # noqa: S608
    "CROSS JOIN queue_visit v ON v.joined_us >= s.from_us AND v.joined_us < s.to_us GROUP BY 1, 2"
)
_SINCE = (
    "SELECT min(at_us) FROM (SELECT min(at_us) AS at_us FROM link_span "
    "UNION ALL SELECT min(at_us) FROM metric_interval)"
)
_MARK: Final = "report:"


class ReportMethods(ABC):
    """The methods (of :class:`agentd.ports.reports.ReportStore`); how work is done and how is read
    is said by the store."""

    @abstractmethod
    async def _do(self, do: Callable[[Transaction], T]) -> T:
        """Have the writer do it; what it returned, once it is committed."""

    @abstractmethod
    async def _read(self, question: Callable[[Connection], T]) -> T:
        """Ask what is committed."""

    async def interval_sums(self, kind: str, spans: Sequence[Span]) -> Mapping[str, list[Sums]]:
        """By name: the stored quarters of an hour within each span, added up, without marks."""

        def ask(connection: Connection) -> dict[str, list[dict[str, int]]]:
            found: dict[str, list[dict[str, int]]] = {}
            values = {"spans": _encoded(spans), "kind": kind}
            for n, name, key, number in connection.exec_driver_sql(_SUMS, values):
                if name not in found:
                    found[name] = [{} for _ in spans]
                if number:
                    found[name][n][key] = number
            return found

        by_name = await self._read(ask)
        return {
            name: [Sums(values, gap=False) for values in by_span]
            for name, by_span in by_name.items()
        }

    async def longest_waits(self, spans: Sequence[Span]) -> Mapping[str, list[int | None]]:
        """By queue (as PBX/NAME): the longest stay of those who joined within each span."""

        def ask(connection: Connection) -> Named:
            found: Named = {}
            for n, name, longest_us in connection.exec_driver_sql(
                _LONGEST, {"spans": _encoded(spans)}
            ):
                found.setdefault(name, [None] * len(spans))[n] = longest_us
            return found

        return await self._read(ask)

    async def known_since_us(self) -> int | None:
        """Since when anything is known; None: nothing is."""
        return await self._read(lambda c: c.exec_driver_sql(_SINCE).scalar())

    async def heard_us(self) -> Mapping[str, int]:
        """Up to when each PBX was heard, by what is stored."""
        return await self._read(read_heard)

    async def report_mark(self, key: str) -> Any:
        """What was kept under ``key``; None: nothing was."""
        said = await self._read(lambda c: c.execute(META_NAMED, {"key": _MARK + key}).scalar())
        return None if said is None else msgspec.json.decode(said)

    async def put_report_mark(self, key: str, value: Any) -> None:
        """Keep ``value`` (plain JSON) under ``key``."""
        row = (_MARK + key, msgspec.json.encode(value).decode())
        await self._do(lambda t: t.connection.exec_driver_sql(PUT_META, [row]).close())


def _encoded(spans: Sequence[Span]) -> str:
    return msgspec.json.encode(spans).decode()
