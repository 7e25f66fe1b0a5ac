"""Calls for people to find and to read: pages of calls, and everything that is kept of one.

A page is found by whatever narrows most: one number, person, seat or rule has its calls in order
in ``call_party``; where only shares are asked for (a wait of so long, an outcome), the index of all
calls is read alone. The other conditions are looked up for each candidate, by their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    exists,
    func,
    select,
    tuple_,
    union,
)

from agentd import ticketing_history_tables as history
from agentd import ticketing_schema as schema
from agentd import ticketing_tables as tables
from agentd.core.effects import CallEnded, LegEnded, OrderContact, WrapUpEnded
from agentd.core.phone import NumberRules, normalise
from agentd.ports.history import CallFound, CallSearch, CallsPage, CallStory
from agentd.ticketing_history_alerts import alerts_of_call
from agentd.ticketing_history_days import read_unheard, visit_of
from agentd.ticketing_history_purge import is_held
from agentd.ticketing_people import recordings
from agentd.ticketing_search import LEG, judged, leg_of, make_cursor, page_limit, read_cursor

_listed, _party, _scope = history.call_listed.c, history.call_party.c, history.call_scope.c
_call, _leg = schema.call.c, schema.leg.c
_order, _contact, _recording = schema.work_order.c, tables.order_contact.c, tables.recording.c
_texts = msgspec.json.Decoder(tuple[str, ...])

Parties = list[tuple[str, tuple[str, ...]]]
"""(kind, names): a call must have a part of one of the names."""


# --- pages -----------------------------------------------------------------------------------


def _parties(query: CallSearch, numbers: NumberRules) -> Parties | None:
    """What must have had a part, what narrows most first; None when nothing can fit."""
    parties: Parties = []
    if query.number is not None:
        norm = normalise(query.number, numbers)
        if norm is None:
            return None
        parties.append(("number", (norm,)))
    if query.agents:
        parties.append(("agent", query.agents))
    for kind, name in (("seat", query.seat), ("rule", query.rule), ("queue", query.queue)):
        if name is not None:
            parties.append((kind, (name,)))
    return parties


def _compared(query: CallSearch) -> list[ColumnElement[bool]]:
    """Conditions on what ``call_listed`` itself says, but its place in time."""
    exact = {
        _listed.pbx: query.pbx,
        _listed.direction: query.direction,
        _listed.outcome: query.outcome,
    }
    least = {
        _listed.wait_us: query.wait_min_us,
        _listed.talk_us: query.talk_min_us,
        _listed.hold_us: query.hold_min_us,
    }
    where = [column == value for column, value in exact.items() if value is not None]
    return where + [column >= value for column, value in least.items() if value is not None]


def _place(query: CallSearch, at_us: Column[Any], seq: Column[Any]) -> list[ColumnElement[bool]]:
    """Conditions on a call's place in time."""
    where = []
    if query.from_us is not None:
        where.append(at_us >= query.from_us)
    if query.to_us is not None:
        where.append(at_us < query.to_us)
    if query.cursor is not None:
        after = read_cursor("history", query.cursor, int, int)
        where.append(tuple_(at_us, seq) < tuple_(*after))
    return where


def _had_part(kind: str, names: Sequence[str], at_us: Any, seq: Any) -> ColumnElement[bool]:
    part = history.call_party.alias().c
    return exists().where(
        part.kind == kind, part.name.in_(names), part.at_us == at_us, part.seq == seq
    )


def _in_scope(query: CallSearch, seq: Any) -> list[ColumnElement[bool]]:
    """What belongs to no queue or team belongs to everybody who leads."""
    if not query.queues and not query.teams:
        return []
    where = [_scope.seq == seq]
    if query.queues:
        where.append(_scope.queue.in_(("", *query.queues)))
    if query.teams:
        where.append(_scope.team.in_(("", *query.teams)))
    return [exists().where(*where)]


def call_keys(query: CallSearch, numbers: NumberRules) -> Select[Any] | None:
    """The statement for a page's rows (seq, key), latest first, one more than it holds; None when
    nothing can fit."""
    parties = _parties(query, numbers)
    if parties is None:
        return None
    limit = page_limit(query.limit) + 1
    compared = _compared(query)
    is_share = parties[:1] and parties[0][0] == "queue" and compared
    if not parties and not compared:
        # A narrow scope's calls are far between: its lists show them, in order.
        scopes = {"team": query.teams, "queue": query.queues}
        parties += [(kind, ("", *names)) for kind, names in scopes.items() if names][:1]
    if not parties or is_share:
        order = _listed.ended_us.desc(), _listed.seq.desc()
        had = [_had_part(kind, names, _listed.ended_us, _listed.seq) for kind, names in parties]
        place = _place(query, _listed.ended_us, _listed.seq)
        return (
            select(_listed.seq, _listed.ended_us.label("key"))
            .where(*place, *compared, *had, *_in_scope(query, _listed.seq))
            .order_by(*order)
            .limit(limit)
        )
    (kind, names), *others = parties
    where = _place(query, _party.at_us, _party.seq)
    where += [_had_part(k, n, _party.at_us, _party.seq) for k, n in others]
    where += _in_scope(query, _party.seq)
    if compared:
        where.append(exists().where(_listed.seq == _party.seq, *compared))
    heads = [
        select(_party.seq, _party.at_us.label("key"))
        .where(_party.kind == kind, _party.name == name, *where)
        .order_by(_party.at_us.desc(), _party.seq.desc())
        .limit(limit)
        for name in dict.fromkeys(names)
    ]
    if len(heads) == 1:
        return heads[0]
    # A call may stand in several of the lists.
    found = union(*(select(head.subquery()) for head in heads)).subquery()
    order = found.c.key.desc(), found.c.seq.desc()
    return select(found.c.seq, found.c.key).order_by(*order).limit(limit)


def call_page(connection: Connection, query: CallSearch, numbers: NumberRules) -> CallsPage:
    """One page. Raises :class:`~agentd.errors.Refused` for a cursor that is none."""
    keys = call_keys(query, numbers)
    if keys is None:
        return CallsPage((), None)
    found = connection.execute(keys).all()
    limit = page_limit(query.limit)
    next_cursor = None
    if len(found) > limit:
        seq, ended_us = found[limit - 1]
        next_cursor = make_cursor("history", (ended_us, seq))
    return CallsPage(_found(connection, [seq for seq, _ in found[:limit]]), next_cursor)


def calls_named(connection: Connection, calls: Sequence[tuple[str, str]]) -> tuple[CallFound, ...]:
    """The calls of these (pbx, call), in this order; unknown ones are left out."""
    rows = connection.execute(
        select(_listed.seq, _listed.pbx, _listed.call).where(
            _listed.call.in_({call for _, call in calls})
        )
    )
    seqs = {(row.pbx, row.call): row.seq for row in rows}
    return _found(connection, [seqs[call] for call in dict.fromkeys(calls) if call in seqs])


def _found(connection: Connection, seqs: Sequence[int]) -> tuple[CallFound, ...]:
    """The calls of these rows of ``call_listed``, in this order."""
    rows = connection.execute(
        select(history.call_listed, _call.visits, _call.legs.label("leg_ids"))
        .outerjoin(schema.call, (_call.call == _listed.call) & (_call.pbx == _listed.pbx))
        .where(_listed.seq.in_(seqs))
    )
    by_seq = {row.seq: row for row in rows}
    calls = {row.call for row in by_seq.values()}
    legs: dict[tuple[str, str], list[LegEnded]] = {}
    narrow = [column for column in LEG if column.name != "evidence"]
    for row in connection.execute(
        select(*narrow).where(_leg.call.in_(calls)).order_by(_leg.ended_us, _leg.leg)
    ):
        leg = leg_of([getattr(row, column.name, "[]") for column in LEG])
        legs.setdefault((leg.pbx, leg.call), []).append(leg)
    rules: dict[int, list[str]] = {}
    for seq, rule in connection.execute(
        select(_party.seq, _party.name)
        .where(_party.seq.in_(seqs), _party.kind == "rule", _party.name != "any")
        .order_by(_party.name)
    ):
        rules.setdefault(seq, []).append(rule)
    orders = _orders(connection, calls)
    files = {
        (pbx, call): count
        for pbx, call, count in connection.execute(
            select(_recording.pbx, _recording.call, func.count())
            .where(_recording.call.in_(calls))
            .group_by(_recording.pbx, _recording.call)
        )
    }
    found = []
    for seq in seqs:
        row = by_seq[seq]
        key = row.pbx, row.call
        parts = tuple(legs.get(key, ()))
        found.append(
            CallFound(
                call=_call_of(row, parts),
                direction=row.direction,
                legs=parts,
                talk_us=row.talk_us,
                hold_us=row.hold_us,
                rules=tuple(rules.get(seq, ())),
                order=orders.get(key),
                recordings=files.get(key, 0),
            )
        )
    return tuple(found)


def _call_of(row: Any, legs: Sequence[LegEnded]) -> CallEnded:
    """The call in a row of ``call_listed`` with what ``call`` says beside it, if there is one."""
    ids = tuple(leg.leg for leg in legs) if row.leg_ids is None else _texts.decode(row.leg_ids)
    return CallEnded(
        pbx=row.pbx,
        call=row.call,
        queue=row.queue,
        visits=() if row.visits is None else _texts.decode(row.visits),
        caller=row.caller,
        started_us=row.started_us,
        ended_us=row.ended_us,
        wait_us=row.wait_us,
        outcome=row.outcome,
        legs=ids,
        gap=bool(row.gap),
    )


def _orders(connection: Connection, calls: Iterable[str]) -> dict[tuple[str, str], str]:
    """By (pbx, call): its order; the one that a seat answered, before that of a missed call."""
    found: dict[tuple[str, str], str] = {}
    for row in connection.execute(
        select(_order.pbx, _order.call, _order.id)
        .where(_order.call.in_(set(calls)))
        .order_by(_order.kind.desc())
    ):
        found[row.pbx, row.call] = row.id
    return found


# --- one call --------------------------------------------------------------------------------


def call_story(
    connection: Connection, pbx: str, call: str, numbers: NumberRules
) -> CallStory | None:
    """Everything that is kept of a call; None where nothing is."""
    visit, wrap_up = history.queue_visit.c, history.wrap_up.c
    visits = connection.execute(
        select(history.queue_visit)
        .where(visit.call == call, visit.pbx == pbx)
        .order_by(visit.joined_us, visit.seq)
    ).all()
    legs = connection.execute(
        select(*LEG, _leg.team)
        .where(_leg.call == call, _leg.pbx == pbx)
        .order_by(_leg.ended_us, _leg.leg)
    ).all()
    wrap_ups = connection.execute(
        select(*tuple(wrap_up)[1:])
        .where(wrap_up.call == call, wrap_up.pbx == pbx)
        .order_by(wrap_up.from_us)
    ).all()
    violation = schema.violation.c
    broken = connection.execute(
        select(violation.id)
        .where(violation.call == call, violation.pbx == pbx)
        .order_by(violation.at_us, violation.id)
    ).scalars()
    order = _orders(connection, [call]).get((pbx, call))
    files = recordings.all(
        connection, _recording.pbx == pbx, _recording.call == call, by=[_recording.started_us]
    )
    alerts = alerts_of_call(connection, pbx, call)
    listed = connection.execute(
        select(history.call_listed, _call.visits, _call.legs.label("leg_ids"))
        .outerjoin(schema.call, (_call.call == _listed.call) & (_call.pbx == _listed.pbx))
        .where(_listed.call == call, _listed.pbx == pbx)
    ).first()
    parts = tuple(leg_of(row[:-1]) for row in legs)
    if not (listed or visits or parts or alerts or files or order):
        return None
    if listed is not None:
        scope = {
            (row.queue or None, row.team or None)
            for row in connection.execute(
                select(_scope.queue, _scope.team).where(_scope.seq == listed.seq)
            )
        }
    else:
        scope = {(row.queue, row.team) for row in legs} or {(row.queue, None) for row in visits}
    ended = None if listed is None else _call_of(listed, parts)
    return CallStory(
        pbx=pbx,
        id=call,
        call=ended,
        visits=tuple(visit_of(row) for row in visits),
        legs=parts,
        wrap_ups=tuple(WrapUpEnded(*row) for row in wrap_ups),
        alerts=tuple(alerts),
        violations=tuple(judged(connection, list(broken))),
        contacts=_contacts(connection, pbx, call, order),
        order=order,
        recordings=tuple(files),
        gaps=tuple(_gaps(connection, pbx, ended, visits, parts)),
        scope=tuple(sorted(scope, key=str)),
        held=is_held(connection, pbx, call, numbers),
    )


def _contacts(
    connection: Connection, pbx: str, call: str, order: str | None
) -> tuple[OrderContact, ...]:
    rows: dict[int, Any] = {}
    wanted = [(_contact.order_id == order)] if order is not None else []
    # By its order, or by its call within the orders that know the caller.
    wanted.append((_contact.call == call) & (_contact.pbx == pbx))
    for where in wanted:
        rows.update(
            (row.seq, row) for row in connection.execute(select(tables.order_contact).where(where))
        )
    return tuple(
        OrderContact(
            pbx=row.pbx,
            at_us=row.at_us,
            order=row.order_id,
            call=row.call,
            leg=row.leg,
            kind=row.kind,
            number=row.number,
            agent=row.agent,
            talk_us=row.talk_us,
            in_time=None if row.in_time is None else bool(row.in_time),
        )
        for row in sorted(rows.values(), key=lambda row: (row.at_us, row.seq))
    )


def _gaps(
    connection: Connection,
    pbx: str,
    call: CallEnded | None,
    visits: Sequence[Any],
    legs: Sequence[LegEnded],
) -> Iterable[Any]:
    begins = [row.joined_us for row in visits]
    begins += [us for leg in legs for us in (leg.offered_us, leg.answered_us) if us is not None]
    ends = [row.left_us for row in visits] + [leg.ended_us for leg in legs]
    if call is not None:
        begins += [] if call.started_us is None else [call.started_us]
        ends.append(call.ended_us)
    if not ends:
        return []
    return read_unheard(connection, min([*begins, *ends]), max(ends) + 1, pbx)
