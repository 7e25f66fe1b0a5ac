"""Alerts for people to read, and what people said to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, exists, func, insert, select, tuple_

from agentd import ticketing_history_tables as history
from agentd import ticketing_schema as schema
from agentd.core.effects import Alert
from agentd.errors import Refused
from agentd.ports.history import AlertLoad, AlertNote, AlertSearch, AlertsPage, NotedAlert
from agentd.ticketing_search import (
    Where,
    first_of,
    make_cursor,
    page_limit,
    read_cursor,
    scoped_by,
)

_alert, _note = schema.alert.c, history.alert_note.c
_texts = msgspec.json.Decoder(tuple[str, ...])


def alert_of(row: Any) -> Alert:
    """The alert in a row of ``alert``."""
    return Alert(
        pbx=row.pbx,
        at_us=row.at_us,
        level=row.level,
        rule=row.rule,
        seat=row.seat,
        agent=row.agent,
        call=row.call,
        queue=row.queue,
        to=_texts.decode(row.recipients),
        value_us=row.value_us,
        limit_us=row.limit_us,
        spell=row.spell,
    )


def noted(connection: Connection, rows: Iterable[Any]) -> list[NotedAlert]:
    """The alerts of rows of ``alert``, with what was said to them."""
    rows = list(rows)
    notes: dict[str, list[AlertNote]] = {}
    for note in connection.execute(
        select(history.alert_note)
        .where(_note.alert.in_([row.id for row in rows]))
        .order_by(_note.seq)
    ):
        notes.setdefault(note.alert, []).append(AlertNote(note.at_us, note.by, note.note))
    return [
        NotedAlert(row.id, alert_of(row), row.team, tuple(notes.get(row.id, ()))) for row in rows
    ]


def alert_keys(query: AlertSearch) -> Select[Any]:
    """The statement for a page's rows (seq, at_us), latest first, one more than it holds."""
    exact = {
        _alert.pbx: query.pbx,
        _alert.level: query.level,
        _alert.rule: query.rule,
        _alert.seat: query.seat,
        _alert.queue: query.queue,
        _alert.call: query.call,
    }
    where = [column == value for column, value in exact.items() if value is not None]
    where.append(_alert.level != "cleared")
    where += scoped_by(_alert.queue, query.queues) + scoped_by(_alert.team, query.teams)
    if query.acknowledged:
        where.append(_alert.id.in_(select(_note.alert)))
    elif query.acknowledged is not None:
        where.append(~exists().where(_note.alert == _alert.id))
    if query.from_us is not None:
        where.append(_alert.at_us >= query.from_us)
    if query.to_us is not None:
        where.append(_alert.at_us < query.to_us)
    if query.cursor is not None:
        after = read_cursor("alerts", query.cursor, int, int)
        where.append(tuple_(_alert.at_us, _alert.seq) < tuple_(*after))
    limit = page_limit(query.limit) + 1
    agents: list[Where] = [[_alert.agent == agent] for agent in dict.fromkeys(query.agents)]
    found = first_of(
        select(_alert.seq, _alert.at_us.label("key")),
        [[*where, *agent] for agent in agents or [[]]],
        (_alert.at_us.desc(), _alert.seq.desc()),
        limit,
    )
    order = found.c.key.desc(), found.c.seq.desc()
    return select(found.c.seq, found.c.key).order_by(*order).limit(limit)


def alert_page(connection: Connection, query: AlertSearch) -> AlertsPage:
    """One page, latest first. Raises :class:`Refused` for a cursor that is none."""
    found = connection.execute(alert_keys(query)).all()
    limit = page_limit(query.limit)
    shown = [seq for seq, _ in found[:limit]]
    rows = connection.execute(select(schema.alert).where(_alert.seq.in_(shown)))
    by_seq = {row.seq: row for row in rows}
    next_cursor = None
    if len(found) > limit:
        seq, at_us = found[limit - 1]
        next_cursor = make_cursor("alerts", (at_us, seq))
    items = noted(connection, (by_seq[seq] for seq in shown))
    return AlertsPage(tuple(items), next_cursor)


def alerts_of_call(connection: Connection, pbx: str, call: str) -> list[NotedAlert]:
    """Every alert on a call, the oldest first, what ended them too."""
    where = _alert.call == call, _alert.pbx == pbx
    by = _alert.at_us, _alert.seq
    return noted(connection, connection.execute(select(schema.alert).where(*where).order_by(*by)))


def alert_named(connection: Connection, alert: str) -> NotedAlert | None:
    """The alert with this id."""
    found = noted(connection, connection.execute(select(schema.alert).where(_alert.id == alert)))
    return found[0] if found else None


def note_alert(connection: Connection, alert: str, by: str, at_us: int, note: str) -> NotedAlert:
    """Add what somebody says to it. Raises :class:`Refused` where there is none."""
    if alert_named(connection, alert) is None:
        raise Refused(
            "There is no such alert, or it was removed because of its age.",
            code="not_found",
            text_zh="没有这条告警，或已按保存期限清除。",
        )
    values = {"alert": alert, "by": by, "at_us": at_us, "note": note}
    connection.execute(insert(history.alert_note).values(values))
    found = alert_named(connection, alert)
    assert found is not None
    return found


def alert_load(connection: Connection, from_us: int, to_us: int) -> Sequence[AlertLoad]:
    """How many of each kind within this time."""
    by = _alert.pbx, _alert.seat, _alert.queue, _alert.level, _alert.rule
    found = connection.execute(
        select(*by, func.count())
        .where(_alert.at_us >= from_us, _alert.at_us < to_us, _alert.level != "cleared")
        .group_by(*by)
        .order_by(*by)
    )
    return [AlertLoad(*row) for row in found]
