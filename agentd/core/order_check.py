"""What a complete work order needs (rule R4), and whether what was typed fits the form."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from agentd.core.order_form import FieldSpec, FormBook
from agentd.core.order_model import Missing, WorkOrder
from agentd.core.order_words import lacking
from agentd.core.phone import normalise

MAX_TEXT = 4000
"""Characters of a reply, a note, a reason."""
MAX_SHORT = 100
"""Characters of a name, a label, a number."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


MAX_AHEAD_US = 3653 * 86_400 * 1_000_000
"""Ten years: whoever types a later moment mistook the unit."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """``text`` without the space around it, and without characters that nobody types and neither a
    screen nor a spreadsheet can show."""
    return _CONTROL.sub("", text).strip()


def time_problem(due_us: int, now_us: int) -> Missing | None:
    """What is wrong with ``due_us`` as a moment to come; None: nothing."""
    if due_us <= now_us:
        return lacking("due_us", "not_later")
    if due_us > now_us + MAX_AHEAD_US:
        return lacking("due_us", "out_of_range", limit="10 年 (10 years)")
    return None


def text_problem(
    path: str, text: str, *, required: bool = True, max_chars: int = MAX_TEXT
) -> Missing | None:
    """What is wrong with a text that a command brings; None: nothing."""
    if required and not clean(text):
        return lacking(path, "required")
    if len(text) > max_chars:
        return lacking(path, "too_long", limit=str(max_chars))
    return None


def value_problem(spec: FieldSpec, value: str, book: FormBook) -> Missing | None:
    """What is wrong with ``value`` as the field's; None: nothing. An empty one is for
    :func:`missing` to judge."""
    path = f"fields.{spec.key}"
    if not value:
        return None
    if len(value) > spec.max_chars:
        return lacking(path, "too_long", spec.label, limit=str(spec.max_chars))
    match spec.kind:
        case "choice" if value not in spec.choices:
            return lacking(path, "not_a_choice", spec.label, limit="、".join(spec.choices))
        case "phone" if normalise(value, book.numbers) is None:
            return lacking(path, "not_a_number", spec.label)
        case "date" if not _is_date(value):
            return lacking(path, "not_a_date", spec.label)
        case _:
            return None


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def missing(order: WorkOrder, book: FormBook) -> tuple[Missing, ...]:
    """Everything that prevents the completion of ``order``, in the order of the form; () when it
    is complete.

    Where the city's platform holds the form only its number is needed. A call that an exception
    ended (silent, wrong number …) needs no form; a missed call needs a call-back, a try, or a note.
    """
    return tuple(_missing(order, book))


def _missing(order: WorkOrder, book: FormBook) -> Iterator[Missing]:
    if book.external:
        if not order.external_no:
            yield lacking("external_no", "required")
        return
    if order.kind == "missed" and not called_back(order) and not order.notes:
        yield lacking("contacts", "no_call_back")
    yield from _form(order, book)
    yield from _urgent(order)


def called_back(order: WorkOrder) -> bool:
    """Whether the caller was called back, or it was tried."""
    return any(c.kind in ("call_back", "attempt") for c in order.contacts)


def _form(order: WorkOrder, book: FormBook) -> Iterator[Missing]:
    if order.category is None:
        if order.kind == "call" and order.exemption is None:
            yield lacking("category", "required")
        return
    category = book.category(order.category, order.queue)
    if category is None:
        yield lacking("category", "not_a_choice", limit=_labels(book, order.queue))
        return
    excused = order.exemption is not None
    for spec in category.fields:
        value = order.fields.get(spec.key, "")
        problem = value_problem(spec, value, book)
        if problem is not None:
            yield problem
        elif spec.required and not value and not excused:
            yield lacking(f"fields.{spec.key}", "required", spec.label)
    if category.needs_reply and not excused:
        yield from _reply(order)


def _labels(book: FormBook, queue: str | None) -> str:
    return "、".join(category.label[0] for category in book.offered(queue))


def _reply(order: WorkOrder) -> Iterator[Missing]:
    reply = order.reply
    if reply is None:
        yield lacking("reply.mode", "required")
        yield lacking("reply.content", "required")
        return
    if not reply.content:
        yield lacking("reply.content", "required")
    if reply.mode == "direct" and not reply.basis:
        yield lacking("reply.basis", "required")


def _urgent(order: WorkOrder) -> Iterator[Missing]:
    if owes_handling(order):
        for key in ("unit", "process", "method"):
            yield lacking(f"urgent.{key}", "required")


def owes_handling(order: WorkOrder) -> bool:
    """Whether the order is urgent, nobody who leads was on duty when it was last told, and what
    the agent did instead is not written down."""
    urgent = order.urgent
    return (
        urgent is not None
        and urgent.acknowledged_us is None
        and urgent.handled_by is None
        and bool(urgent.told)
        and urgent.told[-1].how == "nobody"
    )


def values_given(order: WorkOrder, given: dict[str, str], book: FormBook) -> Iterator[Missing]:
    """What is wrong with the fields ``given`` to an order of this category; while it has none, any
    category's fields will do. What it has from another category may stay or be emptied."""
    specs = _specs(order, book)
    for key, value in given.items():
        spec = specs.get(key)
        if spec is not None:
            problem = value_problem(spec, value, book)
            if problem is not None:
                yield problem
        elif value and order.fields.get(key) != value:
            shown = key[:MAX_SHORT]
            yield lacking(f"fields.{shown}", "unknown", (shown, shown))


def _specs(order: WorkOrder, book: FormBook) -> dict[str, FieldSpec]:
    offered = book.offered(order.queue)
    categories = [c for c in offered if order.category in (None, c.key)]
    return {spec.key: spec for c in reversed(categories) for spec in c.fields}
