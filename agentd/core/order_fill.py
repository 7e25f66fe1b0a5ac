"""What people fill in: edit, complete, numbers, notes, urgent, exceptions, promises.

Each function takes what was asked (:class:`Asked`) and gives the order as it then stands with its
notices (:class:`Step`), or a refusal; whether the person may do it was decided before.
"""

from __future__ import annotations

from msgspec import UNSET, Struct
from msgspec.structs import replace

from agentd.core.order_check import (
    MAX_SHORT,
    MAX_TEXT,
    called_back,
    clean,
    missing,
    text_problem,
    time_problem,
    values_given,
)
from agentd.core.order_clocks import about
from agentd.core.order_form import FormBook
from agentd.core.order_model import (
    Absorb,
    AddNote,
    AddNumber,
    CalmDown,
    Complete,
    Consent,
    ContactNumber,
    Edit,
    Exempt,
    Exemption,
    Forwarded,
    HandleUrgent,
    KeepPromise,
    MakePromise,
    MarkUrgent,
    Missing,
    Note,
    NoteConsent,
    Notice,
    OrderRefusal,
    OrderState,
    Promise,
    RemoveNumber,
    Reply,
    Urgent,
    WorkOrder,
)
from agentd.core.order_notices import notice
from agentd.core.order_title import titled, without_prefix
from agentd.core.order_words import invalid, lacking, refused
from agentd.core.phone import normalise


class Asked(Struct, frozen=True):
    """A command's surroundings. ``by``: a login, else ``system``; ``to``: the state that the table
    leads to, None where it stays."""

    order: WorkOrder
    by: str
    now_us: int
    book: FormBook
    to: OrderState | None
    target: WorkOrder | None = None


class Step(Struct, frozen=True):
    """The order as it then stands, who hears of it, and what other orders take from it."""

    order: WorkOrder
    notices: tuple[Notice, ...] = ()
    follow_up: tuple[tuple[str, Absorb], ...] = ()


Outcome = Step | OrderRefusal


def problems(*found: Missing | None) -> tuple[Missing, ...]:
    """Those that are problems."""
    return tuple(problem for problem in found if problem is not None)


# --- the form --------------------------------------------------------------------------------


def edit(asked: Asked, command: Edit) -> Outcome:
    filled = _filled(asked, command)
    if isinstance(filled, OrderRefusal):
        return filled
    if filled.state in ("open", "returned"):
        return Step(filled)
    # What is complete stays so; an editor who takes something away is told.
    before = missing(asked.order, asked.book)
    lacks = [lack for lack in missing(filled, asked.book) if lack not in before]
    if lacks:
        return invalid(asked.order, *lacks)
    filled = _replied(filled, asked)
    if filled.state != "completed" or not _routes_differ(asked, filled):
        return Step(filled)
    return _routed(asked, filled)


def complete(asked: Asked, command: Complete) -> Outcome:
    filled = _filled(asked, command)
    if isinstance(filled, OrderRefusal):
        return filled
    lacks = missing(filled, asked.book)
    if lacks:
        return invalid(asked.order, *lacks)
    order = asked.order
    completed_us = order.completed_us if order.completed_us is not None else asked.now_us
    filled = _replied(
        replace(
            filled,
            state="completed",
            completed_us=completed_us,
            completed_by=order.completed_by or asked.by,
            overdue=order.overdue or (order.due_us is not None and completed_us > order.due_us),
            returned_from=None,
        ),
        asked,
    )
    if order.returned_from == "forwarded" and filled.forwarded is not None:
        return _back_to_leader(asked, filled, filled.forwarded)
    return _routed(asked, filled)


def _filled(asked: Asked, command: Edit) -> WorkOrder | OrderRefusal:
    """The order with what ``command`` brings, or what of it does not fit."""
    order = asked.order
    concerned = order.state == "returned" and asked.by == order.owner
    if order.own_service and command.own_service is False and concerned:
        return refused(
            "forbidden",
            order,
            (
                "「涉及本中心服务」的标记只能由其他值班长取消。",
                "That it is about our own service can be taken back by another leader only.",
            ),
        )
    category = order.category if command.category is UNSET else command.category
    filled = replace(order, category=category or None)
    given = {key: clean(value) for key, value in command.fields.items()}
    titles = {
        spec.key
        for spec_of in asked.book.offered(order.queue)
        for spec in spec_of.fields
        if spec.in_title
    }
    given = {k: without_prefix(v) if k in titles else v for k, v in given.items()}
    wrong = list(values_given(filled, given, asked.book))
    if category and asked.book.category(category, order.queue) is None:
        offered = "、".join(c.label[0] for c in asked.book.offered(order.queue))
        wrong.insert(0, lacking("category", "not_a_choice", limit=offered))
    reply = order.reply if command.reply is UNSET else command.reply
    if reply is not None:
        reply = replace(reply, content=clean(reply.content), basis=clean(reply.basis))
        wrong += problems(
            text_problem("reply.content", reply.content, required=False),
            text_problem("reply.basis", reply.basis, required=False),
        )
    external_no = order.external_no if command.external_no is UNSET else clean(command.external_no)
    wrong += problems(text_problem("external_no", external_no, required=False, max_chars=MAX_SHORT))
    if wrong:
        return invalid(order, *wrong)
    fields = {key: value for key, value in {**order.fields, **given}.items() if value}
    own_service = order.own_service if command.own_service is UNSET else command.own_service
    filled = replace(
        filled, own_service=own_service, fields=fields, reply=reply, external_no=external_no
    )
    return titled(filled, asked.book)


def _replied(order: WorkOrder, asked: Asked) -> WorkOrder:
    """What is left to see of the reply that the completed ``order`` names."""
    category = asked.book.category(order.category, order.queue)
    reply: Reply | None = order.reply
    if asked.book.external or category is None or not category.needs_reply:
        reply = None
    by_word = (
        reply is not None
        and reply.mode == "three_way"
        and not any(contact.kind == "three_way" for contact in order.contacts)
    )
    pending = reply is not None and reply.mode == "delayed" and not called_back(order)
    return replace(order, reply_by_word=by_word, pending_call_back=pending)


def _why_forwarded(asked: Asked, order: WorkOrder) -> tuple[str, tuple[str, ...]]:
    """(why, to whom by login) a completed order goes on; ("", ()) where it does not."""
    category = asked.book.category(order.category, order.queue)
    if order.own_service:
        return "own_service", ()
    if category is None:
        return "", ()
    if category.forward:
        return category.key, ()
    if category.director:
        return "director", (category.director,)
    if category.owner:
        return "owner", (category.owner,)
    return "", ()


def _routes_differ(asked: Asked, filled: WorkOrder) -> bool:
    return _why_forwarded(asked, filled) != _why_forwarded(asked, asked.order)


def _routed(asked: Asked, order: WorkOrder) -> Step:
    """A completed order goes where its category, or our own service, sends it."""
    why, to = _why_forwarded(asked, order)
    if not why:
        return Step(order)
    forwarded = Forwarded(asked.now_us, asked.by, to, why)
    order = replace(order, state="forwarded", forwarded=forwarded)
    return Step(order, forward_notices(order, asked.now_us))


def _back_to_leader(asked: Asked, order: WorkOrder, before: Forwarded) -> Step:
    """A returned order that is complete again lies before those who returned it, unseen."""
    forwarded = replace(
        before, at_us=asked.now_us, by=asked.by, acknowledged_us=None, acknowledged_by=None
    )
    why, to = _why_forwarded(asked, order)
    if why:
        forwarded = replace(forwarded, why=why, to=to)
    order = replace(order, state="forwarded", forwarded=forwarded)
    return Step(order, forward_notices(order, asked.now_us))


def forward_notices(order: WorkOrder, now_us: int) -> tuple[Notice, ...]:
    """Who hears of an order that was just forwarded."""
    forwarded = order.forwarded
    assert forwarded is not None
    bypass = about(order)
    match forwarded.why:
        case "own_service":
            return (
                notice("own_service", order, now_us, role="shift_leader", without=bypass),
                notice("own_service", order, now_us, role="qa", without=bypass),
            )
        case "director":
            return (notice("director", order, now_us, to=forwarded.to),)
        case "owner":
            return (notice("told_owner", order, now_us, to=forwarded.to),)
        case _:
            return (
                notice("forwarded", order, now_us, to=forwarded.to)
                if forwarded.to
                else notice("forwarded", order, now_us, role="shift_leader", without=bypass),
            )


# --- urgent ----------------------------------------------------------------------------------


def mark_urgent(asked: Asked, command: MarkUrgent) -> Outcome:
    """The clock does the telling: :func:`agentd.core.order_clocks.wake_us` is now."""
    order = replace(asked.order, urgent=Urgent(asked.now_us, asked.by))
    return Step(titled(order, asked.book))


def calm_down(asked: Asked, command: CalmDown) -> Outcome:
    wrong = problems(text_problem("reason", command.reason))
    if wrong:
        return invalid(asked.order, *wrong)
    note = Note(asked.now_us, asked.by, f"取消急件:{clean(command.reason)}")
    order = replace(asked.order, urgent=None, notes=(*asked.order.notes, note))
    return Step(titled(order, asked.book))


def handle_urgent(asked: Asked, command: HandleUrgent) -> Outcome:
    wrong = problems(
        text_problem("unit", command.unit, max_chars=MAX_SHORT),
        text_problem("process", command.process),
        text_problem("method", command.method),
    )
    if wrong:
        return invalid(asked.order, *wrong)
    urgent = asked.order.urgent
    assert urgent is not None
    handled = replace(
        urgent,
        unit_called=clean(command.unit),
        process=clean(command.process),
        method=clean(command.method),
        handled_by=asked.by,
    )
    return Step(replace(asked.order, urgent=handled))


# --- the rest --------------------------------------------------------------------------------


def promise(asked: Asked, command: MakePromise) -> Outcome:
    wrong = problems(
        text_problem("text", command.text),
        time_problem(command.due_us, asked.now_us),
    )
    if wrong:
        return invalid(asked.order, *wrong)
    made = Promise(asked.now_us, asked.by, clean(command.text), command.due_us)
    return Step(replace(asked.order, promise=made))


def keep_promise(asked: Asked, command: KeepPromise) -> Outcome:
    return Step(promise_kept(asked.order, asked))


def promise_kept(order: WorkOrder, asked: Asked) -> WorkOrder:
    """``order`` with its promise kept now, where one was open."""
    if order.promise is None or order.promise.kept_us is not None:
        return order
    return replace(order, promise=replace(order.promise, kept_us=asked.now_us, kept_by=asked.by))


def add_note(asked: Asked, command: AddNote) -> Outcome:
    wrong = problems(text_problem("text", command.text, max_chars=MAX_TEXT))
    if wrong:
        return invalid(asked.order, *wrong)
    note = Note(asked.now_us, asked.by, clean(command.text))
    return Step(replace(asked.order, notes=(*asked.order.notes, note)))


def add_number(asked: Asked, command: AddNumber) -> Outcome:
    number, label = clean(command.number), clean(command.label)
    norm = normalise(number, asked.book.numbers)
    wrong = problems(
        text_problem("number", number, max_chars=MAX_SHORT),
        lacking("number", "not_a_number") if number and norm is None else None,
        text_problem("label", label, required=False, max_chars=MAX_SHORT),
    )
    if wrong or norm is None:
        return invalid(asked.order, *wrong)
    numbers = asked.order.numbers
    if any(known.norm == norm for known in numbers):
        numbers = tuple(
            replace(known, label=label) if known.norm == norm and label else known
            for known in numbers
        )
    else:
        numbers = (*numbers, ContactNumber(number, norm, label))
    return Step(replace(asked.order, numbers=numbers))


def remove_number(asked: Asked, command: RemoveNumber) -> Outcome:
    norm = normalise(command.number, asked.book.numbers)
    numbers = tuple(known for known in asked.order.numbers if known.norm != norm)
    if len(numbers) == len(asked.order.numbers):
        return invalid(asked.order, lacking("number", "unknown"))
    return Step(replace(asked.order, numbers=numbers))


def exempt(asked: Asked, command: Exempt) -> Outcome:
    current = asked.order.exemption
    if command.kind is None:
        return Step(titled(replace(asked.order, exemption=None), asked.book))
    if current is not None and current.kind == command.kind:
        return Step(asked.order)
    exemption = Exemption(asked.now_us, asked.by, command.kind)
    return Step(titled(replace(asked.order, exemption=exemption), asked.book))


def consent(asked: Asked, command: NoteConsent) -> Outcome:
    noted = Consent(asked.now_us, asked.by)
    return Step(replace(asked.order, consents=(*asked.order.consents, noted)))
