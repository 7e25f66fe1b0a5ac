"""Days: what seats and people did, who waited in a queue, and when nothing was heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Select, select, tuple_

from agentd import ticketing_history_tables as history
from agentd.core.effects import VisitEnded
from agentd.ports.history import Gap, Quarter, QueueDay, SeatSpan, VisitSearch, VisitsPage
from agentd.ticketing_search import make_cursor, page_limit, read_cursor, scoped_by

QUARTER_US = 900_000_000
_BEFORE_MAX = 50
"""At so many seats at most one person is looked for before a time begins."""

_visit = history.queue_visit.c
_VISIT = tuple(column for column in history.queue_visit.columns if column.name != "seq")
_queues = msgspec.json.Decoder(tuple[str, ...])


# --- gaps ------------------------------------------------------------------------------------

_LINKS = (
    "SELECT pbx, at_us, up FROM link_span WHERE at_us > :from_us AND at_us < :to_us UNION ALL "
    "SELECT l.pbx, l.at_us, l.up FROM (SELECT DISTINCT pbx FROM link_span) p "
    "CROSS JOIN link_span l ON l.pbx = p.pbx AND l.at_us <= :from_us AND l.at_us >= coalesce("
    "(SELECT max(m.at_us) FROM link_span m "
    "WHERE m.pbx = p.pbx AND m.at_us <= :from_us AND m.up = 1), 0) ORDER BY 1, 2"
)
_NEXT_UP = "SELECT min(at_us) FROM link_span WHERE pbx = ? AND at_us > ? AND up = 1"

_FIRST = "SELECT pbx, min(at_us) FROM link_span GROUP BY pbx HAVING min(at_us) > ? ORDER BY 1"


def read_gaps(connection: Connection, from_us: int, to_us: int, pbx: str | None) -> list[Gap]:
    """When nothing was heard: gaps that touch this time, whole, the earliest first."""
    gaps: list[Gap] = []
    down: dict[str, int] = {}
    rows = connection.exec_driver_sql(_LINKS, {"from_us": from_us, "to_us": to_us}).all()
    for row in rows:
        if pbx is not None and row.pbx != pbx:
            continue
        if not row.up:
            down.setdefault(row.pbx, row.at_us)
        elif row.pbx in down:
            gaps.append(Gap(row.pbx, down.pop(row.pbx), row.at_us))
    for name, since_us in down.items():
        until = connection.exec_driver_sql(_NEXT_UP, (name, since_us)).scalar()
        gaps.append(Gap(name, since_us, until))
    return sorted(gaps, key=lambda gap: (gap.from_us, gap.pbx))


def read_unheard(connection: Connection, from_us: int, to_us: int, pbx: str | None) -> list[Gap]:
    """The gaps, and what lies before the first that was ever heard of a PBX: that one begins with
    the time asked for."""
    gaps = read_gaps(connection, from_us, to_us, pbx)
    for name, first_us in connection.exec_driver_sql(_FIRST, (from_us,)).all():
        if pbx is not None and name != pbx:
            continue
        lost = next((gap for gap in gaps if gap.pbx == name and gap.from_us == first_us), None)
        if lost is not None:
            gaps.remove(lost)
        gaps.append(Gap(name, from_us, first_us if lost is None else lost.to_us))
    return sorted(gaps, key=lambda gap: (gap.from_us, gap.pbx))


# --- spans -----------------------------------------------------------------------------------

_SPAN = (
    "SELECT s.pbx, s.seat, s.agent, s.state, s.pause_reason, s.queues, s.at_us, "
    "(SELECT min(n.at_us) FROM seat_change n "
    "WHERE n.pbx = s.pbx AND n.seat = s.seat AND n.at_us > s.at_us) AS until_us FROM seat_change s "
)
SEAT_SPANS = (
    _SPAN  # noqa: S608 - all ours
    + "WHERE s.pbx = :pbx AND s.seat = :seat AND s.at_us < :to_us AND s.at_us >= coalesce("
    "(SELECT max(m.at_us) FROM seat_change m "
    "WHERE m.pbx = :pbx AND m.seat = :seat AND m.at_us <= :from_us), 0) ORDER BY s.at_us"
)
PERSON_SPANS = (
    _SPAN + "WHERE s.agent = :agent AND s.at_us >= :from_us AND s.at_us < :to_us ORDER BY s.at_us"
)
PERSON_BEFORE = (
    _SPAN + "WHERE s.agent = :agent AND s.at_us < :from_us ORDER BY s.at_us DESC LIMIT :most"
)


def read_seat_spans(
    connection: Connection, pbx: str, seat: str, from_us: int, to_us: int
) -> list[SeatSpan]:
    """A seat's states in order, cut to the time, gaps among them."""
    names = {"pbx": pbx, "seat": seat, "from_us": from_us, "to_us": to_us}
    rows = connection.exec_driver_sql(SEAT_SPANS, names)
    gaps = read_unheard(connection, from_us, to_us, pbx)
    spans = [cut for row in rows for cut in _cut(row, gaps, from_us, to_us)]
    return _with_before(spans, gaps, from_us)


def read_person_spans(
    connection: Connection, agents: Sequence[str], from_us: int, to_us: int
) -> list[SeatSpan]:
    """Where somebody of these names was, in order, cut to the time, gaps among them."""
    rows: list[Any] = []
    for agent in dict.fromkeys(agents):
        names = {"agent": agent, "from_us": from_us, "to_us": to_us, "most": _BEFORE_MAX}
        before = connection.exec_driver_sql(PERSON_BEFORE, names)
        rows += [row for row in before if row.until_us is None or row.until_us > from_us]
        rows += connection.exec_driver_sql(PERSON_SPANS, names)
    gaps = read_unheard(connection, from_us, to_us, None)
    spans = [cut for row in rows for cut in _cut(row, gaps, from_us, to_us)]
    spans.sort(key=lambda span: (span.from_us, span.pbx, span.seat))
    return _with_before(spans, gaps, from_us)


def _with_before(spans: list[SeatSpan], gaps: Iterable[Gap], from_us: int) -> list[SeatSpan]:
    """``spans`` after the gap with which the time begins: nobody knows what the seat of the first
    one did then, nor who was there."""
    if not spans or spans[0].from_us == from_us:
        return spans
    first = spans[0]
    for gap in gaps:
        if gap.pbx == first.pbx and gap.from_us <= from_us:
            ends_us = first.from_us if gap.to_us is None else min(gap.to_us, first.from_us)
            lost = replace(first, agent=None, state=None, pause_reason=None, queues=())
            return [replace(lost, from_us=from_us, to_us=ends_us), *spans]
    return spans


def _cut(row: Any, gaps: Iterable[Gap], from_us: int, to_us: int) -> Iterator[SeatSpan]:
    """One state of a seat within the time, cut by the gaps in it."""
    begins_us = max(row.at_us, from_us)
    ends_us = None if row.until_us is None else min(row.until_us, to_us)
    span = SeatSpan(
        row.pbx,
        row.seat,
        row.agent,
        row.state,
        row.pause_reason,
        _queues.decode(row.queues),
        begins_us,
        ends_us,
    )
    for gap in gaps:
        lost_us = max(gap.from_us, span.from_us)
        over = gap.to_us is not None and gap.to_us <= span.from_us
        if gap.pbx != row.pbx or over or (ends_us is not None and lost_us >= ends_us):
            continue
        if lost_us > span.from_us:
            yield replace(span, to_us=lost_us)
        back_us = gap.to_us
        if back_us is not None and ends_us is not None and back_us >= ends_us:
            back_us = None
        unheard_until = ends_us if back_us is None else back_us
        yield replace(span, state=None, pause_reason=None, from_us=lost_us, to_us=unheard_until)
        if back_us is None:
            return
        span = replace(span, from_us=back_us)
    yield span


# --- queues ----------------------------------------------------------------------------------

QUARTERS = (
    "SELECT joined_us / :step * :step AS at_us, count(*) AS offered, "
    "sum(outcome = 'answered') AS answered, "
    "sum(outcome = 'answered' AND wait_us <= limit_us) AS within_limit, "
    "sum(outcome = 'abandoned') AS abandoned, "
    "sum(outcome = 'abandoned' AND wait_us <= short_us) AS short_abandons, "
    "sum(outcome = 'let_go') AS let_go, sum(outcome = 'moved') AS moved, "
    "sum(outcome = 'unknown') AS unknown, "
    "sum(CASE outcome WHEN 'answered' THEN wait_us ELSE 0 END) AS wait_us, "
    "max(wait_us) AS longest_us, sum(estimated) AS estimated, max(gap) AS gap "
    "FROM queue_visit WHERE queue = :queue AND joined_us >= :from_us AND joined_us < :to_us "
    "AND (:pbx IS NULL OR pbx = :pbx) GROUP BY 1 ORDER BY 1"
)


def read_queue_day(
    connection: Connection, queue: str, from_us: int, to_us: int, pbx: str | None
) -> QueueDay:
    """A queue's quarters, counted from the stays in it."""
    names = {"queue": queue, "from_us": from_us, "to_us": to_us, "pbx": pbx, "step": QUARTER_US}
    gaps = read_unheard(connection, from_us, to_us, pbx)
    quarters = []
    for row in connection.exec_driver_sql(QUARTERS, names):
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        values["gap"] = bool(row.gap) or any(
            gap.from_us < row.at_us + QUARTER_US and (gap.to_us is None or gap.to_us > row.at_us)
            for gap in gaps
        )
        quarters.append(Quarter(**values))
    return QueueDay(queue, from_us, to_us, tuple(quarters), tuple(gaps))


def visit_of(row: Any) -> VisitEnded:
    """The stay in a row of ``queue_visit``."""
    values = {column.name: getattr(row, column.name) for column in _VISIT}
    values["estimated"], values["gap"] = bool(row.estimated), bool(row.gap)
    return VisitEnded(**values)


def visit_rows(query: VisitSearch) -> Select[Any]:
    """The statement for a page's rows, the latest to join first, one more than it holds."""
    exact = {_visit.queue: query.queue, _visit.pbx: query.pbx, _visit.outcome: query.outcome}
    where = [column == value for column, value in exact.items() if value is not None]
    where += scoped_by(_visit.queue, query.queues)
    if query.from_us is not None:
        where.append(_visit.joined_us >= query.from_us)
    if query.to_us is not None:
        where.append(_visit.joined_us < query.to_us)
    if query.cursor is not None:
        after = read_cursor("visits", query.cursor, int, int)
        where.append(tuple_(_visit.joined_us, _visit.seq) < tuple_(*after))
    order = _visit.joined_us.desc(), _visit.seq.desc()
    limit = page_limit(query.limit) + 1
    return select(history.queue_visit).where(*where).order_by(*order).limit(limit)


def visit_page(connection: Connection, query: VisitSearch) -> VisitsPage:
    """One page. Raises :class:`~agentd.errors.Refused` for a cursor that is none."""
    found = connection.execute(visit_rows(query)).all()
    limit = page_limit(query.limit)
    next_cursor = None
    if len(found) > limit:
        last = found[limit - 1]
        next_cursor = make_cursor("visits", (last.joined_us, last.seq))
    return VisitsPage(tuple(visit_of(row) for row in found[:limit]), next_cursor)
