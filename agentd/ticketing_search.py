"""Lists for people to read: orders, calls and violations, page by page.

A page ends with a cursor: the place after its last item, not a count of items, so that what is
added meanwhile shifts nothing. Every list is narrowed inside the database, by an index; where a
filter names several values, each of them is a list of its own and the heads of those are merged,
so that the cost is that of the page, not of everything that fits.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
)

from agentd import ticketing_schema as schema
from agentd import ticketing_tables as tables
from agentd.core.effects import LegEnded, Spell, Violation
from agentd.core.order_model import WorkOrder
from agentd.core.phone import CHINA, NumberRules, normalise
from agentd.errors import Refused
from agentd.ports.desk import (
    Appeal,
    CallPage,
    CallQuery,
    JudgedViolation,
    OrderPage,
    OrderQuery,
    ViolationPage,
    ViolationQuery,
)
from agentd.ticketing_documents import document_of
from agentd.ticketing_words import match_words

LIMIT_MAX = 500
_COUNT_MAX = 1_000
"""Up to here a list is counted."""
_INT_MAX = (1 << 63) - 1

_listed, _document = tables.order_listed.c, tables.order_document.c
_violation, _appeal, _leg = schema.violation.c, tables.appeal.c, schema.leg.c
Where = list[ColumnElement[bool]]


# --- cursors ---------------------------------------------------------------------------------


def _sum(kind: str, place: bytes) -> bytes:
    return hashlib.blake2b(place, digest_size=6, person=kind.encode()[:16]).digest()


def make_cursor(kind: str, place: Sequence[int | str]) -> str:
    """An opaque text for the place after an item of a list of this kind."""
    packed = msgspec.json.encode(list(place))
    return base64.urlsafe_b64encode(_sum(kind, packed) + packed).decode().rstrip("=")


def read_cursor(kind: str, cursor: str, *types: type) -> tuple[int | str, ...]:
    """The place that :func:`make_cursor` packed, of these types. Raises :class:`Refused` for
    anything else."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        place = msgspec.json.decode(raw[6:], type=list[int | str])
    except (ValueError, msgspec.DecodeError):
        place = []
    else:
        if raw[:6] != _sum(kind, raw[6:]):
            place = []
    fits = [type(part) for part in place] == list(types)
    if not fits or any(isinstance(part, int) and abs(part) > _INT_MAX for part in place):
        raise Refused(
            "this cursor is not one of this list's: take next_cursor from the page before, "
            "unchanged, with the same sort order, or leave it away to begin anew",
            code="invalid",
            text_zh="翻页标记无效:请原样使用上一页的 next_cursor,排序须相同;或去掉它从头开始",
            field="cursor",
        )
    return tuple(place)


def page_limit(wanted: int) -> int:
    return max(1, min(wanted, LIMIT_MAX))


# --- building blocks -------------------------------------------------------------------------


def first_of(
    ids: Select[Any], lists: Sequence[Where], order: Sequence[ColumnElement[Any]], limit: int
) -> Any:
    """The first ``limit`` of several lists that have nothing in common, as a subquery."""
    heads = [ids.where(*where).order_by(*order).limit(limit) for where in lists]
    if len(heads) == 1:
        return heads[0].subquery()
    return union_all(*(select(head.subquery()) for head in heads)).subquery()


def scoped_by(column: Column[Any], mine: Sequence[str]) -> Where:
    """What belongs to nobody belongs to everybody who leads. Put so that no index is taken for it:
    a leader's share is large, and the list's own order shows its first page soonest."""
    return [func.coalesce(column, mine[0]).in_(mine)] if mine else []


def _flag(column: ColumnElement[Any], wanted: bool | None) -> Where:
    # Written out, since an index over a condition is used only where the condition is readable.
    return [] if wanted is None else [column == literal_column(str(int(wanted)))]


# --- orders ----------------------------------------------------------------------------------


def _order_where(query: OrderQuery, numbers: NumberRules) -> Where | None:
    """Every condition but the states; None where nothing can fit."""
    exact = {
        _listed.owner: query.owner,
        _listed.kind: query.kind,
        _listed.category: query.category,
        _listed.seat: query.seat,
        _listed.queue: query.queue,
        _listed.dispatched_to: query.dispatched_to,
    }
    where = [column == value for column, value in exact.items() if value is not None]
    where += _flag(_listed.urgent, query.urgent)
    where += _flag(_listed.unacknowledged, query.unacknowledged)
    where += _flag(_listed.overdue, query.overdue)
    where += _flag(_listed.own_service, query.own_service)
    where += scoped_by(_listed.queue, query.queues) + scoped_by(_listed.team, query.teams)
    if query.opened_from_us is not None:
        where.append(_listed.opened_us >= query.opened_from_us)
    if query.opened_to_us is not None:
        where.append(_listed.opened_us < query.opened_to_us)
    where += _promise_where(query)
    if query.number is not None:
        norm = normalise(query.number, numbers)
        if norm is None:
            return None
        number = tables.order_number.c
        where.append(_listed.seq.in_(select(number.seq).where(number.norm == norm)))
    if query.text is not None and query.text.strip():
        words = match_words(query.text)
        if words is None:
            return None
        found = text("SELECT rowid FROM order_words WHERE order_words MATCH :words")
        where.append(_listed.seq.in_(found.bindparams(words=words).columns(Column("rowid"))))
    return where


def _promise_where(query: OrderQuery) -> Where:
    due_us = _listed.promise_due_us
    if query.promised is False:
        return [due_us.is_(None)]
    if query.promised is None and query.promise_due_to_us is None and query.sort != "promise":
        return []
    where: Where = [due_us.is_not(None)]
    if query.promise_due_to_us is not None:
        where.append(due_us < query.promise_due_to_us)
    return where


def order_keys(query: OrderQuery, numbers: NumberRules = CHINA) -> Select[Any] | None:
    """The statement for a page's rows (seq, key) in their order, one more than the page holds."""
    where = _order_where(query, numbers)
    if where is None:
        return None
    due = query.sort != "newest"
    keys = {"newest": _listed.opened_us, "due": _listed.due_us, "promise": _listed.promise_due_us}
    key = keys[query.sort]
    place = tuple_(key, _listed.seq)
    if query.cursor is not None:
        after = read_cursor(f"orders:{query.sort}", query.cursor, int, int)
        where.append(place > tuple_(*after) if due else place < tuple_(*after))
    order = (key, _listed.seq) if due else (key.desc(), _listed.seq.desc())
    limit = page_limit(query.limit) + 1
    states = [[_listed.state == state] for state in dict.fromkeys(query.states)] or [[]]
    heads = first_of(
        select(_listed.seq, key.label("key")), [[*where, *s] for s in states], order, limit
    )
    merged = (heads.c.key, heads.c.seq) if due else (heads.c.key.desc(), heads.c.seq.desc())
    return select(heads.c.seq, heads.c.key).order_by(*merged).limit(limit)


def order_count(query: OrderQuery, numbers: NumberRules = CHINA) -> Select[Any] | None:
    """The statement for how many fit, up to one more than is worth counting."""
    where = _order_where(query, numbers)
    if where is None:
        return None
    if query.states:
        where.append(_listed.state.in_(query.states))
    some: Select[Any] = select(literal_column("1")).select_from(tables.order_listed).where(*where)
    return select(func.count()).select_from(some.limit(_COUNT_MAX + 1).subquery())


def order_page(connection: Connection, query: OrderQuery, numbers: NumberRules) -> OrderPage:
    """One page. Raises :class:`Refused` for a cursor that is none."""
    keys = order_keys(query, numbers)
    if keys is None:
        return OrderPage(items=(), next_cursor=None, total=0)
    found = connection.execute(keys).all()
    limit = page_limit(query.limit)
    shown = found[:limit]
    docs = dict(
        connection.execute(
            select(_document.seq, _document.doc).where(_document.seq.in_([s for s, _ in shown]))
        ).all()
    )
    more = len(found) > limit
    total = None
    if query.cursor is None:
        counted = order_count(query, numbers)
        assert counted is not None, "the same conditions as above"
        total = connection.execute(counted).scalar_one() if more else len(shown)
    seq, key = shown[-1] if shown else (0, 0)
    return OrderPage(
        items=tuple(document_of(docs[seq]) for seq, _ in shown),
        next_cursor=make_cursor(f"orders:{query.sort}", (key, seq)) if more else None,
        total=total if total is None or total <= _COUNT_MAX else None,
    )


def order_named(connection: Connection, order_id: str) -> WorkOrder | None:
    """The document with this id."""
    doc = connection.execute(select(_document.doc).where(_document.id == order_id)).scalar()
    return None if doc is None else document_of(doc)


def order_of_call(connection: Connection, pbx: str, call: str) -> WorkOrder | None:
    """The order of a call; the one that a seat answered, before that of a missed call."""
    doc = connection.execute(
        select(_document.doc)
        .where(_document.call == call, _document.pbx == pbx)
        .order_by(_document.kind)
        .limit(1)
    ).scalar()
    return None if doc is None else document_of(doc)


def waking(connection: Connection) -> list[tuple[int, str, str]]:
    """(wake_us, pbx, order id) of what waits for a time, soonest first."""
    found = connection.execute(
        select(_listed.wake_us, _listed.pbx, _listed.id)
        .where(_listed.wake_us.is_not(None))
        .order_by(_listed.wake_us)
    )
    return [(wake_us, pbx, id_) for wake_us, pbx, id_ in found]


# --- calls -----------------------------------------------------------------------------------

_spells = msgspec.json.Decoder(tuple[Spell, ...])
_texts = msgspec.json.Decoder(tuple[str, ...])
LEG = tuple(column for column in schema.leg.columns if column.name not in ("seq", "team"))


def leg_of(row: Sequence[Any]) -> LegEnded:
    """The leg in a row of ``leg`` (without ``seq`` and ``team``)."""
    values = dict(zip((column.name for column in LEG), row, strict=True))
    values["holds"] = _spells.decode(values["holds"])
    values["evidence"] = _texts.decode(values["evidence"])
    values["judged"] = _texts.decode(values["judged"])
    values["estimated"] = bool(values["estimated"])
    values["gap"] = bool(values["gap"])
    values["hold_us"] = values["hold_us"] or 0
    return LegEnded(**values)


def call_keys(query: CallQuery) -> Select[Any]:
    """The statement for a page's rows (seq, ended_us), latest first, one more than it holds."""
    where = scoped_by(_leg.queue, query.queues)
    if query.pbx is not None:
        where.append(_leg.pbx == query.pbx)
    if query.call is not None:
        where.append(_leg.call == query.call)
    if query.from_us is not None:
        where.append(_leg.ended_us >= query.from_us)
    if query.to_us is not None:
        where.append(_leg.ended_us < query.to_us)
    if query.cursor is not None:
        after = read_cursor("calls", query.cursor, int, int)
        where.append(tuple_(_leg.ended_us, _leg.seq) < tuple_(*after))
    limit = page_limit(query.limit) + 1
    agents = [[_leg.agent == agent] for agent in dict.fromkeys(query.agents)] or [[]]
    heads = first_of(
        select(_leg.seq, _leg.ended_us.label("key")),
        [[*where, *agent] for agent in agents],
        (_leg.ended_us.desc(), _leg.seq.desc()),
        limit,
    )
    order = heads.c.key.desc(), heads.c.seq.desc()
    return select(heads.c.seq, heads.c.key).order_by(*order).limit(limit)


def call_page(connection: Connection, query: CallQuery) -> CallPage:
    """One page of legs, latest first. Raises :class:`Refused` for a cursor that is none."""
    found = connection.execute(call_keys(query)).all()
    limit = page_limit(query.limit)
    shown = found[:limit]
    rows = connection.execute(select(_leg.seq, *LEG).where(_leg.seq.in_([seq for seq, _ in shown])))
    legs = {row[0]: leg_of(row[1:]) for row in rows}
    next_cursor = None
    if len(found) > limit:
        seq, ended_us = shown[-1]
        next_cursor = make_cursor("calls", (ended_us, seq))
    return CallPage(items=tuple(legs[seq] for seq, _ in shown), next_cursor=next_cursor)


# --- violations ------------------------------------------------------------------------------

VIOLATION = tuple(schema.violation.columns)[:11]
_BELONGS = (_violation.owner, _violation.queue, _violation.team)
_APPEAL = tuple(tables.appeal.columns)


def _has(status: str) -> ColumnElement[bool]:
    return exists().where(
        and_(_appeal.violation == _violation.id, _appeal.status == literal_column(f"'{status}'"))
    )


def violation_keys(query: ViolationQuery) -> Select[Any]:
    """The statement for a page's rows (id, at_us), latest first, one more than it holds."""
    exact = {
        _violation.rule: query.rule,
        _violation.pbx: query.pbx,
        _violation.seat: query.seat,
        _violation.call: query.call,
    }
    where = [column == value for column, value in exact.items() if value is not None]
    where += scoped_by(_violation.queue, query.queues) + scoped_by(_violation.team, query.teams)
    if query.from_us is not None:
        where.append(_violation.at_us >= query.from_us)
    if query.to_us is not None:
        where.append(_violation.at_us < query.to_us)
    if query.standing is not None:
        where.append(~_has("granted") if query.standing else _has("granted"))
    if query.pending:
        pending = select(_appeal.violation).where(_appeal.status == literal_column("'pending'"))
        where.append(_violation.id.in_(pending))
    elif query.pending is not None:
        where.append(~_has("pending"))
    if query.cursor is not None:
        after = read_cursor("violations", query.cursor, int, str)
        where.append(tuple_(_violation.at_us, _violation.id) < tuple_(*after))
    limit = page_limit(query.limit) + 1
    mine: list[Where] = [[]]
    if query.agents:
        # A login that was found when it was written stands; a name counts only where none was.
        mine = [[_violation.owner == agent] for agent in dict.fromkeys(query.agents)]
        mine += [
            [_violation.agent == agent, _violation.owner.is_(None)]
            for agent in dict.fromkeys(query.agents)
        ]
    heads = first_of(
        select(_violation.id, _violation.at_us.label("key")),
        [[*where, *own] for own in mine],
        (_violation.at_us.desc(), _violation.id.desc()),
        limit,
    )
    order = heads.c.key.desc(), heads.c.id.desc()
    return select(heads.c.id, heads.c.key).order_by(*order).limit(limit)


def judged(connection: Connection, ids: Sequence[str]) -> list[JudgedViolation]:
    """Violations with what became of them, in the order of ``ids``; unknown ones are left out."""
    orders = schema.work_order.c
    order = (
        select(orders.id)
        .where(orders.call == _violation.call, orders.pbx == _violation.pbx)
        .order_by(orders.kind)
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(*VIOLATION, *_BELONGS, order).where(_violation.id.in_(ids))
    ).all()
    appeals: dict[str, list[Appeal]] = {}
    for row in connection.execute(
        select(*_APPEAL).where(_appeal.violation.in_(ids)).order_by(_appeal.at_us, _appeal.id)
    ):
        appeal = Appeal(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        appeals.setdefault(appeal.violation, []).append(appeal)
    found = {}
    for row in rows:
        values = dict(zip((column.name for column in VIOLATION), row[:11], strict=True))
        values["evidence"] = _texts.decode(values["evidence"])
        owner, queue, team, order_id = row[11:]
        about = tuple(appeals.get(values["id"], ()))
        found[values["id"]] = JudgedViolation(
            violation=Violation(**values),
            owner=owner,
            appeals=about,
            standing=not any(appeal.status == "granted" for appeal in about),
            order=order_id,
            queue=queue,
            team=team,
        )
    return [found[id_] for id_ in ids if id_ in found]


def violation_page(connection: Connection, query: ViolationQuery) -> ViolationPage:
    """One page, latest first. Raises :class:`Refused` for a cursor that is none."""
    found = connection.execute(violation_keys(query)).all()
    limit = page_limit(query.limit)
    shown = found[:limit]
    next_cursor = None
    if len(found) > limit:
        id_, at_us = shown[-1]
        next_cursor = make_cursor("violations", (at_us, id_))
    items = judged(connection, [id_ for id_, _ in shown])
    return ViolationPage(items=tuple(items), next_cursor=next_cursor)
