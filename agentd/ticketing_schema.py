"""The store's tables, and how effects become rows.

Times and durations are INTEGER microseconds (times since the epoch, in PBX time). Lists are JSON
text. The tables are STRICT: a value of the wrong type is refused, not stored.

The migrations make the same tables step by step; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.selectable import Select

from agentd.core.effects import (
    Alert,
    CallEnded,
    LegEnded,
    OrderChanged,
    OrderContact,
    Violation,
)
from agentd.core.obligation import change_key, merge
from agentd.ports.history import alert_id

HEAD_REVISION = "0005"
"""The newest migration: what these tables look like."""

metadata = MetaData()


def _text(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _int(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=null)


work_order = Table(
    "work_order",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    _text("pbx"),
    _int("at_us"),
    _text("kind"),
    _text("call"),
    _text("seat", null=True),
    _text("agent", null=True),
    _text("queue", null=True),
    _text("caller", null=True),
    _text("status"),
    _int("opened_us"),
    _int("due_us", null=True),
    _int("completed_us", null=True),
    _text("completed_by", null=True),
    _text("change"),
    _int("alerts_sent"),
    Column("numbers", Text, nullable=False, server_default=text("'[]'")),
    Column("folded", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("call", "kind", "pbx"),
    Index("work_order_by_status", "status", "opened_us"),
    Index("work_order_by_seat", "seat", "opened_us"),
    Index("work_order_by_opening", "opened_us"),
    sqlite_strict=True,
)
"""One row per order, as it stands. ``at_us`` and ``change`` are those of its latest change."""

work_order_event = Table(
    "work_order_event",
    metadata,
    Column("seq", Integer, primary_key=True, nullable=False),
    _text("order_id"),
    _int("at_us"),
    _text("change"),
    _int("alerts_sent"),
    _text("by", null=True),
    _text("state"),
    UniqueConstraint("order_id", "at_us", "change", "alerts_sent"),
    sqlite_strict=True,
)
"""Every change of every order, in the order of arrival; ``state`` is the order after it (JSON)."""

violation = Table(
    "violation",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    _text("pbx"),
    _int("at_us"),
    _text("rule"),
    _text("seat", null=True),
    _text("agent", null=True),
    _text("call", null=True),
    _text("leg", null=True),
    _int("value_us", null=True),
    _int("limit_us", null=True),
    _text("evidence"),
    _text("owner", null=True),
    _text("team", null=True),
    _text("queue", null=True),
    Index("violation_by_time", "at_us"),
    Index("violation_by_seat", "seat", "at_us"),
    Index("violation_by_agent", "agent", "at_us"),
    Index("violation_by_owner", "owner", "at_us"),
    Index("violation_by_rule", "rule", "at_us"),
    Index("violation_by_call", "call"),
    sqlite_strict=True,
)
"""``owner`` (a login), ``team`` and ``queue`` as they were when it was written."""

alert = Table(
    "alert",
    metadata,
    Column("seq", Integer, primary_key=True, nullable=False),
    _text("pbx"),
    _int("at_us"),
    _text("level"),
    _text("rule"),
    _text("seat", null=True),
    _text("agent", null=True),
    _text("call", null=True),
    _text("queue", null=True),
    _text("recipients"),
    _int("value_us", null=True),
    _int("limit_us", null=True),
    _text("spell"),
    _text("id", null=True),
    _text("team", null=True),
    UniqueConstraint("spell", "level", "at_us", "rule", "pbx"),
    Index("alert_by_time", "at_us"),
    Index("alert_by_id", "id"),
    Index("alert_by_call", "call"),
    Index("alert_by_seat", "seat", "at_us"),
    Index("alert_by_agent", "agent", "at_us"),
    sqlite_strict=True,
)
"""``id``: :func:`agentd.ports.history.alert_id`; ``team``: of its seat, when it was written."""

leg = Table(
    "leg",
    metadata,
    Column("seq", Integer, primary_key=True, nullable=False),
    _text("pbx"),
    _text("call"),
    _text("leg"),
    _text("seat"),
    _text("agent", null=True),
    _text("queue", null=True),
    _text("direction"),
    _text("caller", null=True),
    _int("offered_us", null=True),
    _int("ringing_us", null=True),
    _int("answered_us", null=True),
    _int("ended_us"),
    _int("ring_us", null=True),
    _int("talk_us", null=True),
    _int("hold_us", null=True),
    _text("holds"),
    _text("outcome"),
    _text("ended_by", null=True),
    _int("estimated"),
    _int("gap"),
    _text("evidence"),
    _text("team", null=True),
    Column("judged", Text, nullable=False, server_default=text("'[]'")),
    UniqueConstraint("call", "leg", "pbx"),
    Index("leg_by_end", "ended_us"),
    Index("leg_by_seat", "seat", "ended_us"),
    Index("leg_by_agent", "agent", "ended_us"),
    sqlite_strict=True,
)
"""``team``: of its seat, as it was when it was written."""

call = Table(
    "call",
    metadata,
    Column("seq", Integer, primary_key=True, nullable=False),
    _text("pbx"),
    _text("call"),
    _text("queue", null=True),
    _text("visits"),
    _text("caller", null=True),
    _int("started_us", null=True),
    _int("ended_us"),
    _int("wait_us", null=True),
    _text("outcome"),
    _text("legs"),
    _int("gap"),
    UniqueConstraint("call", "pbx"),
    Index("call_by_end", "ended_us"),
    sqlite_strict=True,
)

engine_memory = Table(
    "engine_memory",
    metadata,
    Column("pbx", Text, primary_key=True, nullable=False),
    Column("key", Text, primary_key=True, nullable=False),
    Column("value", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""What the engine of each PBX must know after a restart; the engine alone understands it."""

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True, nullable=False),
    _text("value"),
    sqlite_strict=True,
)


# --- rows ------------------------------------------------------------------------------------
# Plain tuples in the order of the columns (without ``seq``): the path of every stored effect.

_encode = msgspec.json.Encoder().encode
_texts = msgspec.json.Decoder(tuple[str, ...])


def _json(value: Any) -> str:
    return _encode(value).decode() if value else "[]"


def order_row(e: OrderChanged) -> tuple[Any, ...]:
    """One row of ``work_order``."""
    return (
        e.id, e.pbx, e.at_us, e.kind, e.call, e.seat, e.agent, e.queue, e.caller, e.status,
        e.opened_us, e.due_us, e.completed_us, e.completed_by, e.change, e.alerts_sent,
        _json(e.numbers), e.folded,
    )  # fmt: skip


def event_row(e: OrderChanged) -> tuple[Any, ...]:
    """One row of ``work_order_event``."""
    by = e.completed_by if e.change == "completed" else None
    return e.id, e.at_us, e.change, e.alerts_sent, by, _encode(e).decode()


def violation_row(
    e: Violation, owner: str | None = None, team: str | None = None
) -> tuple[Any, ...]:
    """One row of ``violation``; its queue is looked up where it is stored."""
    return (
        e.id, e.pbx, e.at_us, e.rule, e.seat, e.agent, e.call, e.leg, e.value_us, e.limit_us,
        _json(e.evidence), owner, team, None,
    )  # fmt: skip


def contact_row(e: OrderContact) -> tuple[Any, ...]:
    """One row of ``order_contact``."""
    in_time = None if e.in_time is None else int(e.in_time)
    return (
        e.pbx, e.at_us, e.order, e.call, e.leg, e.kind, e.number, e.agent, e.talk_us, in_time,
    )  # fmt: skip


def alert_row(e: Alert, team: str | None = None) -> tuple[Any, ...]:
    """One row of ``alert``."""
    return (
        e.pbx, e.at_us, e.level, e.rule, e.seat, e.agent, e.call, e.queue, _json(e.to),
        e.value_us, e.limit_us, e.spell, alert_id(e), team,
    )  # fmt: skip


def leg_row(e: LegEnded, team: str | None = None) -> tuple[Any, ...]:
    """One row of ``leg``."""
    return (
        e.pbx, e.call, e.leg, e.seat, e.agent, e.queue, e.direction, e.caller, e.offered_us,
        e.ringing_us, e.answered_us, e.ended_us, e.ring_us, e.talk_us, e.hold_us, _json(e.holds),
        e.outcome, e.ended_by, int(e.estimated), int(e.gap), _json(e.evidence), team,
        _json(e.judged),
    )  # fmt: skip


def call_row(e: CallEnded) -> tuple[Any, ...]:
    """One row of ``call``."""
    return (
        e.pbx, e.call, e.queue, _json(e.visits), e.caller, e.started_us, e.ended_us, e.wait_us,
        e.outcome, _json(e.legs), int(e.gap),
    )  # fmt: skip


def order_of(row: Iterable[Any]) -> OrderChanged:
    """The order in a row of ``work_order`` (its columns in their order)."""
    (
        id_, pbx, at_us, kind, call_, seat, agent, queue, caller, status,
        opened_us, due_us, completed_us, completed_by, change, alerts_sent, numbers, folded,
    ) = row  # fmt: skip
    return OrderChanged(
        pbx=pbx,
        at_us=at_us,
        id=id_,
        kind=kind,
        call=call_,
        seat=seat,
        agent=agent,
        queue=queue,
        caller=caller,
        status=status,
        opened_us=opened_us,
        due_us=due_us,
        completed_us=completed_us,
        completed_by=completed_by,
        change=change,
        alerts_sent=alerts_sent,
        numbers=_texts.decode(numbers),
        folded=folded,
    )


# --- statements, compiled once ---------------------------------------------------------------

_DIALECT = sqlite.dialect(paramstyle="qmark")


def insert_text(
    table: Table, *, upsert_on: tuple[str, ...] = (), without: tuple[str, ...] = ("seq",)
) -> str:
    """An INSERT of all columns but ``without``, in their order, as text with ``?``: a row that is
    there already is left alone, or replaced where ``upsert_on`` names its key."""
    names = [column.name for column in table.columns if column.name not in without]
    insert = sqlite.insert(table).values({name: bindparam(name) for name in names})
    if upsert_on:
        changed = {name: insert.excluded[name] for name in names if name not in upsert_on}
        insert = insert.on_conflict_do_update(index_elements=list(upsert_on), set_=changed)
    else:
        insert = insert.on_conflict_do_nothing()
    compiled = insert.compile(dialect=_DIALECT)
    assert list(compiled.positiontup or ()) == names
    return str(compiled)


PUT_ORDER = insert_text(work_order, upsert_on=("id",))
ADD_EVENT = insert_text(work_order_event)
ADD_VIOLATION = insert_text(violation)
ADD_ALERT = insert_text(alert)
ADD_LEG = insert_text(leg)
ADD_CALL = insert_text(call)
PUT_MEMORY = insert_text(engine_memory, upsert_on=("pbx", "key"))
PUT_META = insert_text(meta, upsert_on=("key",))
FORGET_MEMORY = str(
    delete(engine_memory)
    .where(engine_memory.c.pbx == bindparam("pbx"), engine_memory.c.key == bindparam("key"))
    .compile(dialect=_DIALECT)
)


def _listed(parameter: str) -> Select[Any]:
    values = func.json_each(bindparam(parameter, type_=Text)).table_valued("value")
    return select(values.c.value)


ORDERS_NAMED = select(work_order).where(
    or_(work_order.c.id.in_(_listed("ids")), work_order.c.call.in_(_listed("calls")))
)
"""Orders by id or by call; ``ids`` and ``calls`` are JSON lists of text."""
EVENTS_NAMED = select(
    work_order_event.c.order_id,
    work_order_event.c.at_us,
    work_order_event.c.change,
    work_order_event.c.alerts_sent,
).where(work_order_event.c.order_id.in_(_listed("ids")))
META_NAMED = select(meta.c.value).where(meta.c.key == bindparam("key"))
CONTACTS_NAMED = text(
    "SELECT order_id, call, leg FROM order_contact "
    "WHERE order_id IN (SELECT value FROM json_each(:ids))"
)
VIOLATIONS_NAMED = select(violation.c.id).where(violation.c.id.in_(_listed("ids")))


def json_list(values: Iterable[str]) -> str:
    """The JSON list that the ``*_NAMED`` statements take."""
    return _encode(list(values)).decode()


# --- what a batch of obligations does to the tables ------------------------------------------


Judge = Callable[[Violation], tuple[str | None, str | None]]
"""(login of the person, team) that a violation belongs to."""


class ObligationPlan:
    """The rows to write for a batch of obligations."""

    def __init__(
        self,
        stored: Iterable[OrderChanged],
        changes_seen: Iterable[tuple[Any, ...]],
        violations_seen: Iterable[str],
        contacts_seen: Iterable[tuple[Any, ...]] = (),
        judge: Judge | None = None,
    ) -> None:
        """``stored``: the orders concerned, as they stand; then what is known of their history, of
        the violations and of the contacts (order, call, leg)."""
        self._orders: dict[str, OrderChanged] = {order.id: order for order in stored}
        self._by_call = {(o.pbx, o.call, o.kind): o.id for o in self._orders.values()}
        self._changes_seen = set(changes_seen)
        self._violations_seen = set(violations_seen)
        self._contacts_seen = set(contacts_seen)
        self._judge = judge
        self._changed: dict[str, OrderChanged] = {}
        self.events: list[tuple[Any, ...]] = []
        """Rows of ``work_order_event`` to add."""
        self.violations: list[tuple[Any, ...]] = []
        """Rows of ``violation`` to add."""
        self.contacts: list[tuple[Any, ...]] = []
        """Rows of ``order_contact`` to add."""
        self.steps: list[OrderChanged | OrderContact] = []
        """What happened to orders, in order: each as it stood after its change, and contacts."""
        self.steps_after = [0]
        """How many steps there are after so many obligations."""
        self.rivals: list[tuple[OrderChanged, str]] = []
        """Orders refused because their call has one already, and that one's id."""

    def apply(self, obligation: OrderChanged | OrderContact | Violation) -> bool:
        """Take in one obligation; False when it changes nothing."""
        match obligation:
            case OrderChanged():
                news = self._change(obligation)
            case OrderContact():
                news = self._contact(obligation)
            case Violation():
                news = self._violate(obligation)
        self.steps_after.append(len(self.steps))
        return news

    def _violate(self, violation: Violation) -> bool:
        if violation.id in self._violations_seen:
            return False
        self._violations_seen.add(violation.id)
        belongs = (None, None) if self._judge is None else self._judge(violation)
        self.violations.append(violation_row(violation, *belongs))
        return True

    def _contact(self, contact: OrderContact) -> bool:
        key = contact.order, contact.call, contact.leg
        if key in self._contacts_seen:
            return False
        self._contacts_seen.add(key)
        self.contacts.append(contact_row(contact))
        self.steps.append(contact)
        return True

    def _change(self, change: OrderChanged) -> bool:
        key = change_key(change)
        if key in self._changes_seen:
            return False
        holder = self._by_call.setdefault((change.pbx, change.call, change.kind), change.id)
        if holder != change.id:
            self.rivals.append((change, holder))
            return False
        before = self._orders.get(change.id)
        after = change if before is None else merge(before, change)
        if after is None:
            return False
        self._changes_seen.add(key)
        self._orders[after.id] = self._changed[after.id] = after
        self.events.append(event_row(after))
        self.steps.append(after)
        return True

    @property
    def order_rows(self) -> list[tuple[Any, ...]]:
        """Rows of ``work_order`` to put."""
        return [order_row(order) for order in self._changed.values()]


def memory_rows(
    memory: Mapping[tuple[str, str], bytes | None],
) -> tuple[list[tuple[str, str, bytes]], list[tuple[str, str]]]:
    """Rows of ``engine_memory`` to put, and (pbx, key) to forget."""
    put = [(pbx, key, value) for (pbx, key), value in memory.items() if value is not None]
    forget = [where for where, value in memory.items() if value is None]
    return put, forget
