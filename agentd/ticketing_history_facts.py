"""Facts in the order of the moment at which they count, piece by piece: what figures are restored
and compared from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from agentd import ticketing_history_tables as history
from agentd import ticketing_schema as schema
from agentd.core.effects import (
    Alert,
    CallEnded,
    Judged,
    LinkSpan,
    SeatChanged,
    Violation,
    VisitEnded,
    WrapUpEnded,
)
from agentd.ports.history import Fact
from agentd.ticketing_search import LEG, leg_of

STEP_MIN_US: Final = 60_000_000
STEP_MAX_US: Final = 3_600_000_000
PIECE: Final = 5_000
"""About so many facts at a time."""

_texts = msgspec.json.Decoder(tuple[str, ...])
_Timed = tuple[int, int, Fact]
"""(when it counts, rank of its kind at that moment, the fact)."""

_LAST_LINKS = (
    "SELECT pbx, max(at_us) AS at_us, up FROM link_span WHERE at_us < ? GROUP BY pbx ORDER BY pbx"
)
_V = ", ".join(f"v.{name}" for name in Violation.__struct_fields__)
VIOLATIONS_OF_LEGS = (
    f"SELECT {_V}, g.ended_us AS counts_us FROM leg g CROSS JOIN violation v "  # noqa: S608
    "ON v.call = g.call AND v.leg = g.leg AND v.pbx = g.pbx "
    "WHERE g.ended_us >= :from_us AND g.ended_us < :to_us"
)
VIOLATIONS_ALONE = (
    f"SELECT {_V}, v.at_us AS counts_us FROM violation v "  # noqa: S608 - all ours
    "WHERE v.at_us >= :from_us AND v.at_us < :to_us AND NOT EXISTS (SELECT 1 FROM leg g "
    "WHERE g.call = v.call AND g.leg = v.leg AND g.pbx = v.pbx)"
)
_APPEALS = (
    "SELECT violation, status, coalesce(decided_us, at_us) AS at_us FROM appeal "
    "WHERE status <> 'pending' AND violation IN (SELECT value FROM json_each(?))"
)


def seat_of(row: Any) -> SeatChanged:
    """The change in a row of ``seat_change``."""
    return SeatChanged(
        row.pbx, row.at_us, row.seat, row.agent, row.state, _texts.decode(row.queues),
        row.pause_reason,
    )  # fmt: skip


def facts_before(connection: Connection, from_us: int, pbx: str | None) -> list[Fact]:
    """What held when a time began: of every PBX its link, of every seat its state."""
    links = [
        LinkSpan(row.pbx, row.at_us, bool(row.up))
        for row in connection.exec_driver_sql(_LAST_LINKS, (from_us,))
    ]
    rows = connection.exec_driver_sql(history.LATEST_CHANGES, {"before_us": from_us})
    seats = sorted((seat_of(row) for row in rows), key=lambda seat: seat.at_us)
    facts: list[LinkSpan | SeatChanged] = [*links, *seats]
    return [fact for fact in facts if pbx is None or fact.pbx == pbx]


def facts_within(connection: Connection, from_us: int, to_us: int, pbx: str | None) -> list[Fact]:
    """The facts of a short time, in order."""
    found: list[_Timed] = []
    for timed in (_calls, _seats, _alerts, _orders, _violations):
        found += timed(connection, from_us, to_us)
    if pbx is not None:
        found = [timed for timed in found if timed[2].pbx == pbx]
    found.sort(key=lambda timed: timed[:2])
    return [fact for _, _, fact in found]


def _rows(
    connection: Connection, columns: Sequence[Any], column: Any, from_us: int, to_us: int
) -> Iterable[Any]:
    key = columns[0].table.primary_key.columns
    where = column >= from_us, column < to_us
    return connection.execute(select(*columns).where(*where).order_by(column, *key))


def _calls(connection: Connection, from_us: int, to_us: int) -> Iterable[_Timed]:
    at, visit, wrap_up = schema.call.c, history.queue_visit.c, history.wrap_up.c
    for row in _rows(connection, tuple(visit)[1:], visit.joined_us, from_us, to_us):
        *stay, estimated, gap = row
        yield row.joined_us, 2, VisitEnded(*(*stay, bool(estimated), bool(gap)))
    for row in _rows(connection, LEG, schema.leg.c.ended_us, from_us, to_us):
        yield row.ended_us, 3, leg_of(row)
    for row in _rows(connection, tuple(wrap_up)[1:], wrap_up.from_us, from_us, to_us):
        yield row.from_us, 4, WrapUpEnded(*row)
    for row in _rows(connection, tuple(at)[1:], at.ended_us, from_us, to_us):
        pbx, call, queue, visits, *times, legs, gap = row
        values = (
            pbx, call, queue, _texts.decode(visits), *times, _texts.decode(legs), bool(gap),
        )  # fmt: skip
        yield row.ended_us, 7, CallEnded(*values)


def _seats(connection: Connection, from_us: int, to_us: int) -> Iterable[_Timed]:
    change, link = history.seat_change.c, history.link_span.c
    for row in _rows(connection, tuple(link), link.at_us, from_us, to_us):
        yield row.at_us, 0, LinkSpan(row.pbx, row.at_us, bool(row.up))
    for row in _rows(connection, tuple(change), change.at_us, from_us, to_us):
        yield row.at_us, 1, seat_of(row)


def _alerts(connection: Connection, from_us: int, to_us: int) -> Iterable[_Timed]:
    alert = schema.alert.c
    for row in _rows(connection, tuple(alert)[1:13], alert.at_us, from_us, to_us):
        *values, recipients, value_us, limit_us, spell = row
        about = (*values, _texts.decode(recipients), value_us, limit_us, spell)
        yield row.at_us, 8, Alert(*about)


def _orders(connection: Connection, from_us: int, to_us: int) -> Iterable[_Timed]:
    order = schema.work_order.c
    for row in _rows(connection, tuple(order), order.opened_us, from_us, to_us):
        yield row.opened_us, 9, schema.order_of(row)


def _violations(connection: Connection, from_us: int, to_us: int) -> Iterable[_Timed]:
    names = {"from_us": from_us, "to_us": to_us}
    found = {}
    for statement in (VIOLATIONS_OF_LEGS, VIOLATIONS_ALONE):
        for *values, counts_us in connection.exec_driver_sql(statement, names):
            violation = Violation(*(*values[:-1], _texts.decode(values[-1])))
            found[violation.id] = counts_us, violation
            yield counts_us, 5, violation
    # What was granted once does not stand, whatever else was said.
    said: dict[str, Judged] = {}
    ids = schema.json_list(found)
    for row in connection.exec_driver_sql(_APPEALS, (ids,)):
        granted = row.status == "granted"
        before = said.get(row.violation)
        if before is not None and not granted and (not before.standing or before.at_us > row.at_us):
            continue
        pbx = found[row.violation][1].pbx
        said[row.violation] = Judged(pbx, row.violation, row.at_us, not granted)
    for judged in said.values():
        yield found[judged.violation][0], 6, judged
