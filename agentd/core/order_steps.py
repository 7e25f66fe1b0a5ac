"""The steps of a work order's way through the house: forward, dispatch, answer, tell, close,
return, merge, assign; and what the system does: contacts, the other half of a merge.

Functions as in :mod:`agentd.core.order_fill`.
"""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.order_check import MAX_SHORT, clean, text_problem, time_problem
from agentd.core.order_clocks import about, tick
from agentd.core.order_fill import (
    Asked,
    Outcome,
    Step,
    forward_notices,
    problems,
    promise_kept,
)
from agentd.core.order_form import Unit
from agentd.core.order_model import (
    Absorb,
    Acknowledge,
    AnswerOrder,
    Assign,
    Close,
    Contact,
    Dispatch,
    DispatchTo,
    Forward,
    Forwarded,
    LinkContact,
    Merge,
    Missing,
    Promise,
    Return,
    Revisit,
    RevisitCaller,
    Tell,
    Tick,
    Urge,
    WorkOrder,
)
from agentd.core.order_model import Step as Said
from agentd.core.order_notices import notice
from agentd.core.order_title import titled
from agentd.core.order_words import invalid, lacking, not_found, refused, wrong_state
from agentd.core.workdays import MAX_DAYS
from agentd.core.workdays import due_us as end_of_working_day_us


def _said(asked: Asked, text: str) -> Said:
    return Said(asked.now_us, asked.by, clean(text))


def _seen(asked: Asked) -> WorkOrder:
    """Who takes the order further has seen it; an urgent one of one's own is for others to see."""
    order = asked.order
    if order.forwarded is not None and order.forwarded.acknowledged_us is None:
        order = replace(
            order,
            forwarded=replace(
                order.forwarded, acknowledged_us=asked.now_us, acknowledged_by=asked.by
            ),
        )
    urgent = order.urgent
    if urgent is None or urgent.acknowledged_us is not None or asked.by == order.owner:
        return order
    return replace(
        order,
        urgent=replace(urgent, acknowledged_us=asked.now_us, acknowledged_by=asked.by),
    )


def acknowledge(asked: Asked, command: Acknowledge) -> Outcome:
    order = _seen(asked)
    if order.urgent == asked.order.urgent or order.owner is None:
        return Step(order)
    return Step(order, (notice("urgent_acknowledged", order, asked.now_us, to=(order.owner,)),))


def forward(asked: Asked, command: Forward) -> Outcome:
    wrong = problems(text_problem("reason", command.reason))
    if wrong:
        return invalid(asked.order, *wrong)
    forwarded = Forwarded(asked.now_us, asked.by, (), clean(command.reason))
    order = replace(asked.order, state="forwarded", forwarded=forwarded)
    return Step(order, forward_notices(order, asked.now_us))


def dispatch(asked: Asked, command: DispatchTo) -> Outcome:
    book, unit = asked.book, asked.book.unit(command.unit)
    person = clean(command.person) or (unit.contact if unit is not None else "")
    known = "、".join(each.label[0] for each in book.units)
    wrong = problems(
        text_problem("unit", command.unit, max_chars=MAX_SHORT),
        lacking("unit", "not_a_choice", limit=known)
        if clean(command.unit) and book.units and unit is None
        else None,
        text_problem("person", person, max_chars=MAX_SHORT),
        text_problem("text", command.text, required=False),
        _wrong_time(asked, command),
    )
    if wrong:
        return invalid(asked.order, *wrong)
    made = Dispatch(
        at_us=asked.now_us,
        by=asked.by,
        unit=clean(command.unit),
        person=person,
        due_us=_due_us(asked, command, unit),
        text=clean(command.text),
    )
    return Step(replace(_seen(asked), state="dispatched", dispatch=made, answer=None))


def _wrong_time(asked: Asked, command: DispatchTo) -> Missing | None:
    if command.due_us is not None:
        if command.due_days is not None:
            return lacking("due_days", "only_one")
        return time_problem(command.due_us, asked.now_us)
    if command.due_days is not None and not 0 <= command.due_days <= MAX_DAYS:
        return lacking("due_days", "out_of_range", limit=f"0–{MAX_DAYS}")
    return None


def _due_us(asked: Asked, command: DispatchTo, unit: Unit | None) -> int:
    if command.due_us is not None:
        return command.due_us
    days = command.due_days
    if days is None:
        days = unit.due_days if unit is not None else Unit("", ("", "")).due_days
    return end_of_working_day_us(asked.now_us, days, asked.book.calendar)


def urge(asked: Asked, command: Urge) -> Outcome:
    wrong = problems(text_problem("text", command.text, required=False))
    current = asked.order.dispatch
    if wrong or current is None:
        return invalid(asked.order, *wrong)
    urged = (*current.urged, _said(asked, command.text))
    return Step(replace(asked.order, dispatch=replace(current, urged=urged)))


def answer(asked: Asked, command: AnswerOrder) -> Outcome:
    wrong = problems(text_problem("text", command.text))
    if wrong:
        return invalid(asked.order, *wrong)
    return Step(replace(asked.order, state="answered", answer=_said(asked, command.text)))


def tell(asked: Asked, command: Tell) -> Outcome:
    """Telling the caller keeps the promise to do so."""
    wrong = problems(text_problem("text", command.text))
    if wrong:
        return invalid(asked.order, *wrong)
    order = promise_kept(asked.order, asked)
    return Step(replace(order, state="told", told=_said(asked, command.text)))


def give_back(asked: Asked, command: Return) -> Outcome:
    """To the agent, from the unit to the leader, or to the unit, whose answer does not do."""
    wrong = problems(text_problem("reason", command.reason))
    if wrong:
        return invalid(asked.order, *wrong)
    order, to = _seen(asked), asked.to
    assert to is not None
    returned = _said(asked, command.reason)
    if to != "returned":
        order = replace(order, state=to, returned=returned)
        if to == "forwarded" and order.forwarded is None:
            order = replace(order, forwarded=Forwarded(asked.now_us, asked.by, (), returned.text))
        news = notice(
            "returned",
            order,
            asked.now_us,
            role="shift_leader",
            without=about(order),
            reason=returned.text,
        )
        return Step(order, (news,))
    order = replace(order, state="returned", returned=returned, returned_from=asked.order.state)
    owner = (order.owner,) if order.owner is not None else ()
    news = (
        notice("returned", order, asked.now_us, to=owner, reason=returned.text)
        if owner
        else notice("returned", order, asked.now_us, role="shift_leader", reason=returned.text)
    )
    return Step(order, (news,))


def close(asked: Asked, command: Close) -> Outcome:
    wrong = problems(text_problem("text", command.text, required=False))
    if wrong:
        return invalid(asked.order, *wrong)
    return Step(replace(_seen(asked), state="closed", closing=_said(asked, command.text)))


def revisit(asked: Asked, command: RevisitCaller) -> Outcome:
    wrong = problems(
        lacking("satisfaction", "out_of_range", limit="1–5")
        if not 1 <= command.satisfaction <= 5
        else None,
        text_problem("text", command.text, required=False),
    )
    if wrong:
        return invalid(asked.order, *wrong)
    made = Revisit(asked.now_us, asked.by, command.satisfaction, clean(command.text))
    return Step(replace(asked.order, state="revisited", revisit=made))


def merge(asked: Asked, command: Merge) -> Outcome:
    """The caller made sure that the person may lead, or owns, the target."""
    order, target = asked.order, asked.target
    if target is None or target.id != command.into:
        return not_found()
    if target.id == order.id:
        return refused(
            "wrong_state",
            order,
            ("不能与自己合并。", "An order cannot be merged into itself."),
        )
    if target.state in ("merged", "closed", "revisited"):
        return wrong_state(target, "absorb")
    open_promise = order.promise is not None and order.promise.kept_us is None
    absorb = Absorb(
        order=order.id,
        numbers=order.numbers,
        contacts=order.contacts,
        notes=order.notes,
        urgent=order.urgent,
        promise=order.promise if open_promise else None,
        own_service=order.own_service,
    )
    merged = replace(order, state="merged", merged_into=target.id)
    return Step(merged, follow_up=((target.id, absorb),))


def assign(asked: Asked, command: Assign) -> Outcome:
    wrong = problems(text_problem("to", command.to, max_chars=MAX_SHORT))
    if wrong:
        return invalid(asked.order, *wrong)
    to = clean(command.to)
    if to == asked.order.owner:
        return Step(asked.order)
    order = replace(asked.order, owner=to)
    return Step(order, (notice("assigned", order, asked.now_us, to=(to,)),))


# --- the system ------------------------------------------------------------------------------


def link(asked: Asked, command: LinkContact) -> Outcome:
    """A contact that is known already changes nothing. A call-back that began in time takes back
    the report that none was seen: it was on its way; and that the order was late, where it was
    completed while that call went on."""
    order, contact = asked.order, command.contact
    if contact in order.contacts:
        return Step(order)
    order = replace(order, contacts=(*order.contacts, contact))
    if contact.kind in ("call_back", "attempt"):
        order = replace(order, pending_call_back=False)
        if contact.in_time:
            order = replace(order, call_back_missed_us=None)
            order = _completed_during(order, contact)
    if contact.kind == "three_way":
        order = replace(order, reply_by_word=False)
    return Step(order)


def _completed_during(order: WorkOrder, contact: Contact) -> WorkOrder:
    ended_us = contact.at_us + (contact.talk_us or 0)
    if order.completed_us is None or not contact.at_us <= order.completed_us <= ended_us:
        return order
    return replace(order, overdue=False)


def absorb(asked: Asked, command: Absorb) -> Outcome:
    """Twice is once. Nothing of the order that is taken in is lost, and nothing comes double."""
    order = asked.order
    if command.order in order.merged_from:
        return Step(order)
    known = {number.norm for number in order.numbers}
    notes = dict.fromkeys((*order.notes, *command.notes))
    contacts = dict.fromkeys((*order.contacts, *command.contacts))
    return Step(
        titled(
            replace(
                order,
                merged_from=(*order.merged_from, command.order),
                numbers=(*order.numbers, *(n for n in command.numbers if n.norm not in known)),
                contacts=tuple(sorted(contacts, key=lambda contact: contact.at_us)),
                notes=tuple(sorted(notes, key=lambda note: note.at_us)),
                urgent=order.urgent if order.urgent is not None else command.urgent,
                promise=_promise(order, command),
                own_service=order.own_service or command.own_service,
            ),
            asked.book,
        )
    )


def _promise(order: WorkOrder, command: Absorb) -> Promise | None:
    mine, other = order.promise, command.promise
    if mine is None or mine.kept_us is not None:
        return other or mine
    if other is None:
        return mine
    return min(mine, other, key=lambda promise: promise.due_us)


def clock(asked: Asked, command: Tick) -> Outcome:
    return Step(*tick(asked.order, command, asked.now_us, asked.book))
