"""The life of a work order (rule R4): pure, command + now -> new state and notices, or a refusal.

The engine's :class:`~agentd.core.effects.OrderChanged` is the obligation, :class:`WorkOrder` the
document: :func:`follow` keeps the one in step with the other, :func:`apply` does what people and
the system ask. Who may do what in which state is one table, :data:`agentd.core.order_table.ACTS`.

Nothing here raises on what comes from outside, and nothing is half done: a refusal leaves the order
as it was. Every change makes the version grow by one and says field by field what was before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from agentd.core import order_clocks, order_fill, order_steps
from agentd.core.effects import OrderChanged
from agentd.core.order_check import missing
from agentd.core.order_clocks import wake_us
from agentd.core.order_diff import differences
from agentd.core.order_fill import Asked, Outcome
from agentd.core.order_form import FormBook
from agentd.core.order_model import (
    AnyCommand,
    Change,
    ContactNumber,
    Done,
    Merge,
    OrderRefusal,
    OrderState,
    Step,
    WorkOrder,
)
from agentd.core.order_table import SYSTEM, acts_of, allowed, sees
from agentd.core.order_words import forbidden, not_found, refused, wrong_state
from agentd.core.people import Person
from agentd.core.phone import NumberRules, normalise

__all__ = ["allowed", "apply", "follow", "missing", "sees", "wake_us"]


# --- what the engine says --------------------------------------------------------------------


def follow(
    order: WorkOrder | None,
    change: OrderChanged,
    *,
    owner: str | None,
    team: str | None,
    numbers: NumberRules,
) -> tuple[WorkOrder, Change]:
    """The document after the engine's ``change``, and the line of history.

    ``owner`` and ``team`` are those of ``change.agent`` and ``change.seat``. A change that brings
    nothing new (it came twice) leaves the order equal, version included, with nothing ``changed``.

    The engine's completion stops the clock; the document is complete when its form is
    (:class:`~agentd.core.order_model.Complete`, in the same transaction). An order that the engine
    ended by itself (a missed caller got through, was called back) is ``closed``.
    """
    if order is None:
        after = _opened(change, owner, team, numbers)
        told = differences(None, after)
        return after, Change(after.id, after.version, change.at_us, None, change.change, told)
    after = _followed(order, change, owner, team, numbers)
    return _counted(order, after, change.at_us, change.change, None)


def clock_set(order: WorkOrder, step_us: int, now_us: int) -> tuple[WorkOrder, Change]:
    """The document, and the line of history, when the PBX's clock was set by ``step_us`` and says
    ``now_us``. The engine's own limit (``due_us``) is moved by its own change."""
    return _counted(order, order_clocks.moved(order, step_us), now_us, "clock", None)


def _opened(
    change: OrderChanged, owner: str | None, team: str | None, rules: NumberRules
) -> WorkOrder:
    order = WorkOrder(
        id=change.id,
        pbx=change.pbx,
        kind=change.kind,
        call=change.call,
        version=1,
        state="open",
        opened_us=change.opened_us,
        updated_us=change.at_us,
    )
    after = _followed(order, change, owner, team, rules)
    if change.status == "completed" and after.state == "open":
        # It was completed when there was no document yet: nobody can fill it in now.
        after = replace(after, state="completed")
    return _with_numbers(after, change.numbers, rules)


def _followed(
    order: WorkOrder,
    change: OrderChanged,
    owner: str | None,
    team: str | None,
    rules: NumberRules,
) -> WorkOrder:
    if change.status == "completed":
        order = _ended(order, change)
    elif change.change == "reopened":
        order = _reopened(order)
    elif order.completed_us is not None:
        return order  # an old word about an order that is completed since
    moved = change.agent != order.agent or change.seat != order.seat
    if order.owner is None or (change.agent != order.agent and change.change != "assigned"):
        # Who gave it to whom is said by that person's own command, in the same transaction.
        order = replace(order, owner=owner)
    if moved or order.team is None:
        order = replace(order, team=team)
    if change.due_us is None:
        # The call goes on. What was late in other hands is not late in these.
        order = replace(order, left_us=None, overdue=order.overdue and not moved)
    elif change.change == "due" and order.left_us is None:
        order = replace(order, left_us=change.at_us)
    set_ = change.change == "clock"
    if not set_ and change.status == "open" and _is_later(change.due_us, order.due_us):
        # A call-back that was begun in time moved the limit: nothing was late.
        order = replace(order, overdue=False)
    if change.change == "overdue":
        order = replace(order, overdue=True)
    told = (change.caller,) if change.caller is not None and change.caller != order.caller else ()
    if change.change in ("folded", "reopened"):
        told = (*told, *change.numbers)
    order = replace(
        order,
        seat=change.seat,
        agent=change.agent,
        queue=change.queue if change.queue is not None else order.queue,
        caller=change.caller if change.caller is not None else order.caller,
        due_us=change.due_us,
        folded=max(order.folded, change.folded),
    )
    return _with_numbers(order, told, rules)


def _is_later(due_us: int | None, before_us: int | None) -> bool:
    return due_us is not None and before_us is not None and due_us > before_us


def _ended(order: WorkOrder, change: OrderChanged) -> WorkOrder:
    if order.completed_us is None:
        completed_us = change.completed_us if change.completed_us is not None else change.at_us
        due_us = change.due_us
        order = replace(
            order,
            completed_us=completed_us,
            completed_by=change.completed_by,
            overdue=order.overdue or (due_us is not None and completed_us > due_us),
        )
    if change.change == "completed" or order.state != "open":
        return order
    closing = Step(change.at_us, change.completed_by or "system", change.change)
    return replace(order, state="closed", closing=closing)


def _reopened(order: WorkOrder) -> WorkOrder:
    if order.completed_us is None:
        return order
    if order.state == "closed":
        order = replace(order, state="open", closing=None)
    return replace(order, completed_us=None, completed_by=None)


def _with_numbers(order: WorkOrder, told: Iterable[str], rules: NumberRules) -> WorkOrder:
    numbers = order.numbers
    for number in told:
        norm = normalise(number, rules)
        if norm is not None and all(known.norm != norm for known in numbers):
            numbers = (*numbers, ContactNumber(number, norm))
    return replace(order, numbers=numbers)


# --- what people and the system ask ----------------------------------------------------------

_DOES: dict[str, Callable[[Asked, Any], Outcome]] = {
    "edit": order_fill.edit,
    "complete": order_fill.complete,
    "urgent": order_fill.mark_urgent,
    "not_urgent": order_fill.calm_down,
    "handle_urgent": order_fill.handle_urgent,
    "acknowledge": order_steps.acknowledge,
    "forward": order_steps.forward,
    "dispatch": order_steps.dispatch,
    "urge": order_steps.urge,
    "answer": order_steps.answer,
    "tell": order_steps.tell,
    "promise": order_fill.promise,
    "keep_promise": order_fill.keep_promise,
    "return": order_steps.give_back,
    "close": order_steps.close,
    "revisit": order_steps.revisit,
    "merge": order_steps.merge,
    "note": order_fill.add_note,
    "add_number": order_fill.add_number,
    "remove_number": order_fill.remove_number,
    "assign": order_steps.assign,
    "exempt": order_fill.exempt,
    "consent": order_fill.consent,
    "link": order_steps.link,
    "absorb": order_steps.absorb,
    "tick": order_steps.clock,
}


def apply(
    order: WorkOrder,
    command: AnyCommand,
    by: Person | None,
    now_us: int,
    book: FormBook,
    *,
    target: WorkOrder | None = None,
) -> Done | OrderRefusal:
    """``order`` after ``command`` of ``by`` (None: the system) at ``now_us``, PBX time; or why not.

    ``target`` is the other order of a :class:`~agentd.core.order_model.Merge`, whose half of it
    comes back as ``follow_up``. A command that changes nothing is done with the version as it was
    and nothing ``changed``: there is nothing to store. Whoever may not see the order is told that
    there is none.
    """
    do = tag_of(command)
    if by is not None and not sees(order, by):
        return not_found()
    row = _row(order, do, by)
    if isinstance(row, OrderRefusal):
        return row
    if isinstance(command, Merge) and by is not None and target is not None:
        if not sees(target, by):
            return not_found()
        if not acts_of(do, target, by):
            return forbidden(order, do)
    asked = Asked(
        order=order,
        by=by.login if by is not None else SYSTEM_NAME,
        now_us=now_us,
        book=book,
        to=row,
        target=target,
    )
    outcome = _DOES[do](asked, command)
    if isinstance(outcome, OrderRefusal):
        return outcome
    after, line = _counted(order, outcome.order, now_us, do, by.login if by is not None else None)
    return Done(after, line, outcome.notices, outcome.follow_up)


SYSTEM_NAME = "system"
"""Who did it, in the order's parts, where nobody did; in the history it is None."""


def tag_of(command: AnyCommand) -> str:
    """The command's name in the table, the history and the REST API."""
    return str(command.__struct_config__.tag)


def _row(order: WorkOrder, do: str, by: Person | None) -> OrderState | OrderRefusal | None:
    """The state that the command leads to (None: it stays), or why it may not be given."""
    if do in SYSTEM:
        if by is not None:
            return forbidden(order, do)
        if do == "absorb" and order.state in ("merged", "closed", "revisited"):
            return wrong_state(order, do)
        return None
    acts = acts_of(do, order, by)
    if not acts:
        return forbidden(order, do)
    acts = tuple(act for act in acts if order.state in act.states)
    if not acts:
        return wrong_state(order, do)
    fitting = next((act for act in acts if act.when(order)), None)
    if fitting is None:
        return refused("wrong_state", order, acts[0].unless)
    return fitting.to


def _counted(
    before: WorkOrder, after: WorkOrder, at_us: int, do: str, by: str | None
) -> tuple[WorkOrder, Change]:
    changed = differences(before, after)
    if not changed:
        return before, Change(before.id, before.version, at_us, by, do, {})
    after = replace(after, version=before.version + 1, updated_us=at_us)
    return after, Change(after.id, after.version, at_us, by, do, changed)
