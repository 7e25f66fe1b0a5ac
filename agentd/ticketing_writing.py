"""What the writer does with one batch: every statement of one transaction, commit excluded."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from agentd import ticketing_people as people
from agentd import ticketing_schema as schema
from agentd import ticketing_tables as tables
from agentd.core.effects import OrderChanged, OrderContact, Violation
from agentd.core.phone import CHINA
from agentd.ports.desk import OrderRules
from agentd.ticketing_batch import Batch
from agentd.ticketing_documents import catch_up, follow_new, refresh
from agentd.ticketing_history_writing import list_batch, teams_of, write_facts
from agentd.ticketing_jobs import DocumentChange, Transaction
from agentd.ticketing_schema import ObligationPlan

_MARK = "last_batch"
_QUEUED = "violations_queued"
"""Key in ``meta``: violations of an older agentd were given their queues."""
CATCH_UP_PIECES = 500

_ADD_CONTACT = schema.insert_text(tables.order_contact)


async def is_committed(connection: AsyncConnection, batch: Batch) -> bool:
    """Whether an earlier attempt, whose commit reported an error, happened all the same."""
    found = await connection.execute(schema.META_NAMED, {"key": _MARK})
    return found.scalar() == batch.mark


async def write_batch(
    connection: AsyncConnection,
    batch: Batch,
    rules: OrderRules | None,
    *,
    behind: bool,
    heard_us: Mapping[str, int] | None,
) -> list[tuple[OrderChanged, str]]:
    """Write everything in ``batch`` and do its work; orders that were refused, and what stands.

    ``behind``: the documents may not have followed everything that was stored before. ``heard_us``:
    up to when each PBX was heard before this process; None: nobody will ask for the history.
    """
    run = connection.exec_driver_sql
    batch.changed = []
    documents = rules is not None and bool(batch.obligations)
    if documents or batch.work:
        # Doing these twice would be wrong, and a commit may report an error and happen.
        batch.mark = batch.mark or secrets.token_hex(16)
        await run(schema.PUT_META, [(_MARK, batch.mark)])
    if rules is not None and batch.obligations and behind:
        batch.changed += await connection.run_sync(_catch_up_whole, rules)
    plan, news = await _write_obligations(connection, batch, rules)
    if batch.news is None:
        # Only the first look tells: a commit that reported an error may have happened all the
        # same, and then the second attempt finds its own changes.
        batch.news = news
    await _write_telemetry(connection, batch, teams_of(rules))
    if heard_us is not None:
        await write_facts(connection, batch, heard_us)
        await list_batch(connection, batch, CHINA if rules is None else rules.book.numbers)
    if rules is not None:
        await _tell_queues(connection, batch)
    if batch.work or (rules is not None and plan is not None and plan.steps):
        await connection.run_sync(_do_work, batch, plan, rules)
    return [] if plan is None else plan.rivals


async def _write_obligations(
    connection: AsyncConnection, batch: Batch, rules: OrderRules | None
) -> tuple[ObligationPlan | None, list[bool]]:
    """Write orders, contacts and violations; for each whether it changed anything."""
    if not batch.obligations:
        return None, []
    orders = [o for o in batch.obligations if isinstance(o, OrderChanged)]
    contacts = [o for o in batch.obligations if isinstance(o, OrderContact)]
    violations = [o for o in batch.obligations if isinstance(o, Violation)]
    stored: Iterable[OrderChanged] = ()
    changes_seen: Iterable[tuple[Any, ...]] = ()
    contacts_seen: Iterable[tuple[Any, ...]] = ()
    violations_seen: Iterable[str] = ()
    # Every statement costs two changes of thread; most batches hold one kind only.
    if orders:
        ids = {"ids": schema.json_list(order.id for order in orders)}
        calls = schema.json_list(order.call for order in orders)
        found = await connection.execute(schema.ORDERS_NAMED, {**ids, "calls": calls})
        stored = map(schema.order_of, found)
        changes_seen = map(tuple, await connection.execute(schema.EVENTS_NAMED, ids))
    if contacts:
        ids = {"ids": schema.json_list(contact.order for contact in contacts)}
        contacts_seen = map(tuple, await connection.execute(schema.CONTACTS_NAMED, ids))
    if violations:
        ids = {"ids": schema.json_list(violation.id for violation in violations)}
        violations_seen = (await connection.execute(schema.VIOLATIONS_NAMED, ids)).scalars()
    judge = None
    if rules is not None:
        asked = rules

        def judge(violation: Violation) -> tuple[str | None, str | None]:
            return asked.owner(violation.agent), asked.team(violation.pbx, violation.seat)

    plan = ObligationPlan(stored, changes_seen, violations_seen, contacts_seen, judge)
    news = [plan.apply(obligation) for obligation in batch.obligations]
    run = connection.exec_driver_sql
    if plan.events:
        await run(schema.PUT_ORDER, plan.order_rows)
        await run(schema.ADD_EVENT, plan.events)
    if plan.contacts:
        await run(_ADD_CONTACT, plan.contacts)
    if plan.violations:
        await run(schema.ADD_VIOLATION, plan.violations)
    return plan, news


async def _write_telemetry(
    connection: AsyncConnection, batch: Batch, team: Callable[[str, str | None], str | None]
) -> None:
    run = connection.exec_driver_sql
    if batch.legs:
        await run(
            schema.ADD_LEG, [schema.leg_row(leg, team(leg.pbx, leg.seat)) for leg in batch.legs]
        )
    if batch.calls:
        await run(schema.ADD_CALL, [schema.call_row(call) for call in batch.calls])
    if batch.alerts:
        await run(
            schema.ADD_ALERT,
            [schema.alert_row(alert, team(alert.pbx, alert.seat)) for alert in batch.alerts],
        )
    if batch.recordings:
        await run(people.SEE_RECORDING, people.recording_rows(batch.recordings))
    put, forget = schema.memory_rows(batch.memory)
    if put:
        await run(schema.PUT_MEMORY, put)
    if forget:
        await run(schema.FORGET_MEMORY, forget)


async def _tell_queues(connection: AsyncConnection, batch: Batch) -> None:
    """A violation belongs to the queue of its order or leg, whichever is known first."""
    ids = [o.id for o in batch.obligations if isinstance(o, Violation)]
    if ids:
        await connection.execute(people.QUEUES_OF_VIOLATIONS, {"ids": schema.json_list(ids)})
    legs = [(e.queue, e.call, e.leg, e.pbx) for e in batch.legs if e.queue is not None]
    if legs:
        await connection.exec_driver_sql(people.QUEUE_OF_LEG, legs)


def _do_work(
    connection: Connection, batch: Batch, plan: ObligationPlan | None, rules: OrderRules | None
) -> None:
    """What the engine said and what people want, in the order in which it came."""
    followed = 0
    for work, known in (*batch.work, (None, len(batch.obligations))):
        if rules is not None and plan is not None:
            upto = plan.steps_after[known]
            if upto > followed:
                batch.changed += follow_new(connection, rules, plan.steps[followed:upto])
                followed = upto
        if work is not None:
            work.run(connection, batch.obligations[:known])
            batch.changed += work.changed


# --- what was stored while nobody kept documents ----------------------------------------------


def _catch_up_whole(connection: Connection, rules: OrderRules) -> list[DocumentChange]:
    changed: list[DocumentChange] = []
    transaction = Transaction(connection)
    while catch_up_some(transaction, rules):
        changed += transaction.changed
        transaction = Transaction(connection)
    return changed + transaction.changed


def catch_up_some(transaction: Transaction, rules: OrderRules) -> bool:
    """Follow some of what the documents missed; False when there was nothing left."""
    changed = catch_up(transaction.connection, rules, CATCH_UP_PIECES)
    if changed is None:
        _own_violations(transaction.connection, rules)
        transaction.changed += refresh(transaction.connection, rules)
        return False
    transaction.changed += changed
    return True


def _own_violations(connection: Connection, rules: OrderRules) -> None:
    """Who can still appeal against a violation must see it, also when the account is newer. What
    is older stays nobody's: the same name may have been another person's then."""
    recent = {"recent_us": rules.book.appeal_days * 86_400_000_000}
    for pbx, agent, seat in connection.execute(people.UNOWNED, recent).all():
        owner = rules.owner(agent)
        if owner is not None:
            values = {"pbx": pbx, "agent": agent, "seat": seat, "owner": owner}
            connection.execute(people.OWN, {**values, **recent, "team": rules.team(pbx, seat)})
    if not connection.execute(schema.META_NAMED, {"key": _QUEUED}).scalar():
        connection.execute(people.ALL_QUEUES_OF_VIOLATIONS)
        connection.exec_driver_sql(schema.PUT_META, [(_QUEUED, "1")])
