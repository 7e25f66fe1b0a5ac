"""Documents of orders inside the writer's transactions: followed, commanded, written with
everything that finds them again.

All of it runs on the writer's own connection, so there is nobody to race with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select, text

from agentd import ticketing_schema as schema
from agentd import ticketing_tables as tables
from agentd.core import workorder
from agentd.core.effects import OrderChanged, OrderContact, Violation
from agentd.core.order_form import FormBook
from agentd.core.order_model import (
    AnyCommand,
    Change,
    Contact,
    Done,
    LinkContact,
    Merge,
    OrderRefusal,
    WorkOrder,
)
from agentd.core.order_table import LIVE, OWED, UNFINISHED, promised, unacknowledged
from agentd.core.order_words import not_found
from agentd.core.people import Person
from agentd.ports.desk import OrderRules
from agentd.ticketing_jobs import DocumentChange, Transaction
from agentd.ticketing_words import index_words

_decoder = msgspec.json.Decoder(WorkOrder)
_encode = msgspec.json.Encoder().encode

_document, _listed = tables.order_document.c, tables.order_listed.c
_NAMED = select(_document.seq, _document.doc).where(
    _document.id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
)
_NEXT_SEQ = select(func.coalesce(func.max(_document.seq), 0) + 1)
_PUT_DOCUMENT = schema.insert_text(tables.order_document, upsert_on=("seq",), without=())
_PUT_LISTED = schema.insert_text(tables.order_listed, upsert_on=("seq",), without=())
_ADD_HISTORY = schema.insert_text(tables.order_history)
_ADD_NUMBER = schema.insert_text(tables.order_number, without=())
_DROP_NUMBERS = "DELETE FROM order_number WHERE seq = ?"
_PUT_WORDS = "INSERT OR REPLACE INTO order_words (rowid, words) VALUES (?, ?)"

FOLLOWED = "documents_follow"
"""Key in ``meta``: up to which row of ``work_order_event`` the documents have followed."""
_NOTE_FOLLOWED = text(
    "INSERT INTO meta (key, value) VALUES (:key, "
    "(SELECT CAST(coalesce(max(seq), 0) AS TEXT) FROM work_order_event)) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_TO_FOLLOW = text(
    "SELECT seq, state FROM work_order_event "
    "WHERE seq > (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key = :key) "
    "ORDER BY seq LIMIT :pieces"
)
_NOTE_FOLLOWED_TO = text(
    "INSERT INTO meta (key, value) VALUES (:key, :seq) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_order_changed = msgspec.json.Decoder(OrderChanged)


def document_of(doc: str) -> WorkOrder:
    """The document in a row."""
    return _decoder.decode(doc)


def listed_row(seq: int, order: WorkOrder, wake_us: int | None) -> tuple[Any, ...]:
    """One row of ``order_listed``."""
    due_us = order.due_us
    if order.state != "open" and order.dispatch is not None and order.dispatch.due_us is not None:
        due_us = order.dispatch.due_us
    return (
        seq, order.id, order.pbx, order.kind, order.state, order.opened_us,
        tables.NO_DUE_US if due_us is None else due_us, wake_us, order.owner, order.category,
        order.seat, order.queue, order.team,
        None if order.dispatch is None else order.dispatch.unit,
        int(order.urgent is not None),
        # Nobody needs to acknowledge what is over.
        int(order.state in UNFINISHED and unacknowledged(order)), int(order.overdue),
        int(order.own_service),
        order.promise.due_us
        if order.promise is not None and order.state in LIVE and promised(order)
        else None,
    )  # fmt: skip


class Documents:
    """The documents of one transaction: each read once, changed here, written once."""

    def __init__(self, connection: Connection, rules: OrderRules) -> None:
        self._connection = connection
        self._rules = rules
        self._seqs: dict[str, int] = {}
        self._stored: dict[str, WorkOrder] = {}
        self._now: dict[str, WorkOrder] = {}
        self._looked: set[str] = set()
        self.changed: list[DocumentChange] = []
        """What was changed, in order."""

    @property
    def book(self) -> FormBook:
        """What complete means."""
        return self._rules.book

    def load(self, ids: Iterable[str]) -> None:
        """Read these in one go."""
        wanted = set(ids) - self._looked
        if not wanted:
            return
        self._looked |= wanted
        for seq, doc in self._connection.execute(_NAMED, {"ids": schema.json_list(wanted)}):
            order = document_of(doc)
            self._seqs[order.id] = seq
            self._stored[order.id] = self._now[order.id] = order

    def get(self, order_id: str) -> WorkOrder | None:
        """The document as it stands now."""
        self.load((order_id,))
        return self._now.get(order_id)

    def put(self, order: WorkOrder, change: Change) -> None:
        """``order`` as it stands after ``change``."""
        self._now[order.id] = order
        self.changed.append((order, change))

    # --- the engine's word -----------------------------------------------------------------

    def follow(self, steps: Sequence[OrderChanged | OrderContact]) -> None:
        """Keep the documents in step with what the engine said, in its order."""
        self.load(step.id if isinstance(step, OrderChanged) else step.order for step in steps)
        for step in steps:
            if isinstance(step, OrderChanged):
                before = self.get(step.id)
                order, change = workorder.follow(
                    before,
                    step,
                    owner=self._rules.owner(step.agent),
                    team=self._rules.team(step.pbx, step.seat),
                    numbers=self.book.numbers,
                )
                if order != before:
                    self.put(order, change)
            else:
                self._link(step)

    def _link(self, seen: OrderContact) -> None:
        order = self.get(seen.order)
        while order is not None and order.merged_into is not None:
            order = self.get(order.merged_into)
        if order is None or any((c.call, c.leg) == (seen.call, seen.leg) for c in order.contacts):
            return
        contact = Contact(
            call=seen.call,
            leg=seen.leg,
            kind=seen.kind,
            at_us=seen.at_us,
            number=seen.number,
            by=self._rules.owner(seen.agent) or seen.agent,
            talk_us=seen.talk_us,
            in_time=seen.in_time,
        )
        now_us = max(order.updated_us, seen.at_us)
        outcome = workorder.apply(order, LinkContact(contact=contact), None, now_us, self.book)
        # Refused where the order takes no more contacts; the contact's own row says it all.
        if isinstance(outcome, Done):
            self._take(outcome)

    # --- people's word ---------------------------------------------------------------------

    def apply(
        self,
        order_id: str,
        command: AnyCommand,
        by: Person | None,
        now_us: int,
        expected: int | None,
    ) -> Done | OrderRefusal:
        """Do ``command``, and then what follows from it; whoever calls undoes a refused rest."""
        order = self.get(order_id)
        if order is None or (by is not None and not workorder.sees(order, by)):
            return not_found()
        if expected is not None and expected != order.version:
            return OrderRefusal(
                code="conflict",
                text_zh="工单刚被他人修改,请核对差异后再保存",
                text_en="somebody else has just changed this order; compare and save again",
                order=order,
            )
        target = self.get(command.into) if isinstance(command, Merge) else None
        outcome = workorder.apply(order, command, by, now_us, self.book, target=target)
        if isinstance(outcome, Done):
            self._take(outcome)
            for other, follow_up in outcome.follow_up:
                rest = self.apply(other, follow_up, None, now_us, None)
                if isinstance(rest, OrderRefusal):
                    return rest
        return outcome

    def _take(self, done: Done) -> None:
        if done.order != self._now.get(done.order.id):
            self.put(done.order, done.change)

    # --- written ---------------------------------------------------------------------------

    def write(self) -> None:
        """Write what was changed."""
        if not self.changed:
            return
        changed = {order.id: self._now[order.id] for order, _ in self.changed}
        if any(id_ not in self._seqs for id_ in changed):
            seq = self._connection.execute(_NEXT_SEQ).scalar_one()
            for id_ in changed:
                if id_ not in self._seqs:
                    self._seqs[id_] = seq
                    seq += 1
        run = self._connection.exec_driver_sql
        documents, listed, renumbered, numbers, words = [], [], [], [], []
        for id_, order in changed.items():
            seq, before = self._seqs[id_], self._stored.get(id_)
            doc = _encode(order).decode()
            documents.append((seq, id_, order.pbx, order.kind, order.call, order.version, doc))
            listed.append(listed_row(seq, order, workorder.wake_us(order, self.book)))
            if before is None or before.numbers != order.numbers:
                renumbered.append((seq,))
                numbers += [(norm, seq) for norm in {n.norm for n in order.numbers}]
            found_by = index_words(order)
            if found_by != ("" if before is None else index_words(before)):
                words.append((seq, found_by))
            self._stored[id_] = order
        run(_PUT_DOCUMENT, documents)
        run(_PUT_LISTED, listed)
        run(_ADD_HISTORY, [_history_row(change) for _, change in self.changed])
        if renumbered:
            run(_DROP_NUMBERS, renumbered)
        if numbers:
            run(_ADD_NUMBER, numbers)
        if words:
            run(_PUT_WORDS, words)


def _history_row(change: Change) -> tuple[Any, ...]:
    return (
        change.order, change.version, change.at_us, change.by, change.do,
        _encode(change.changed).decode(),
    )  # fmt: skip


def apply_command(
    transaction: Transaction,
    rules: OrderRules,
    order_id: str,
    command: AnyCommand,
    by: Person | None,
    now_us: int,
    *,
    expected: int | None = None,
) -> Done | OrderRefusal:
    """``command`` and what follows from it, written; a refusal changes nothing."""
    documents = Documents(transaction.connection, rules)
    outcome = documents.apply(order_id, command, by, now_us, expected)
    if isinstance(outcome, Done):
        documents.write()
        transaction.changed += documents.changed
    return outcome


def now_of(told: Sequence[OrderChanged | OrderContact | Violation], order_id: str) -> int | None:
    """PBX time of the latest change of this order among ``told``."""
    for change in reversed(told):
        if isinstance(change, OrderChanged) and change.id == order_id:
            return change.at_us
    return None


def follow_new(
    connection: Connection, rules: OrderRules, steps: Sequence[OrderChanged | OrderContact]
) -> list[DocumentChange]:
    """The documents follow what was just stored."""
    documents = Documents(connection, rules)
    documents.follow(steps)
    documents.write()
    connection.execute(_NOTE_FOLLOWED, {"key": FOLLOWED})
    return documents.changed


def catch_up(connection: Connection, rules: OrderRules, pieces: int) -> list[DocumentChange] | None:
    """Follow up to ``pieces`` changes that were stored while nobody kept documents; None when
    there are none left."""
    found = connection.execute(_TO_FOLLOW, {"key": FOLLOWED, "pieces": pieces}).all()
    if not found:
        return None
    documents = Documents(connection, rules)
    steps = [_order_changed.decode(state) for _, state in found]
    documents.load(step.id for step in steps)
    unknown = schema.json_list({step.id for step in steps if documents.get(step.id) is None})
    stand = connection.execute(schema.ORDERS_NAMED, {"ids": unknown, "calls": "[]"})
    # What was completed before there were documents is completed: nobody can fill it in now.
    over = {order.id: order for order in map(schema.order_of, stand) if order.completed_us}
    documents.follow([over.get(step.id, step) for step in steps])
    documents.write()
    connection.execute(_NOTE_FOLLOWED_TO, {"key": FOLLOWED, "seq": str(found[-1][0])})
    return documents.changed


def refresh(connection: Connection, rules: OrderRules) -> list[DocumentChange]:
    """Orders that somebody still owes find their owner where the account came later, and what
    waits for a time waits by today's configuration."""
    unfinished = select(_listed.seq, _listed.id, _listed.wake_us).where(
        or_(_listed.state.in_((*OWED, "forwarded", "dispatched")), _listed.wake_us.is_not(None))
    )
    waiting = connection.execute(unfinished).all()
    documents = Documents(connection, rules)
    documents.load(id_ for _, id_, _ in waiting)
    owed = [d for d in (documents.get(id_) for _, id_, _ in waiting) if d is not None]
    lost = [d for d in owed if d.state in OWED and d.owner is None and rules.owner(d.agent)]
    if lost:
        ids = schema.json_list(document.id for document in lost)
        stand = connection.execute(schema.ORDERS_NAMED, {"ids": ids, "calls": "[]"})
        documents.follow([schema.order_of(row) for row in stand])
        documents.write()
    times = [
        (wake_us, seq)
        for (seq, _, was_us), document in zip(waiting, owed, strict=True)
        if (wake_us := workorder.wake_us(document, rules.book)) != was_us
    ]
    if times:
        connection.exec_driver_sql("UPDATE order_listed SET wake_us = ? WHERE seq = ?", times)
    return documents.changed
