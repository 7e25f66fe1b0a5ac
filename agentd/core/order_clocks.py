"""The clocks of a work order: what it waits for, and what happens when the time has come.

Nothing here ticks: :func:`wake_us` says when something is due next, and :func:`tick` does all that
is due by then. After a tick at or past ``wake_us`` the next one is always later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec.structs import replace

from agentd.core.order_form import FormBook
from agentd.core.order_model import Notice, Tick, Told, WorkOrder
from agentd.core.order_notices import notice

US = 1_000_000
_RESTING = ("merged", "closed", "revisited")


def wake_us(order: WorkOrder, book: FormBook) -> int | None:
    """When the order next wants a :class:`~agentd.core.order_model.Tick`; None: never, as it
    stands. It may have passed already (a restart, a mark that was just set): tick at once."""
    return min(_moments(order, book), default=None)


def _moments(order: WorkOrder, book: FormBook) -> Iterator[int]:
    clocks = (
        _urgent_us(order, book),
        _dispatch_us(order, book),
        _promise_us(order, book),
        _call_back_us(order, book),
    )
    return (at_us for at_us in clocks if at_us is not None)


def _urgent_us(order: WorkOrder, book: FormBook) -> int | None:
    urgent = order.urgent
    if urgent is None or urgent.acknowledged_us is not None or order.state in _RESTING:
        return None
    if not urgent.told:
        return urgent.since_us
    last = urgent.told[-1]
    if last.how == "nobody" and urgent.handled_by is not None:
        return None
    return last.at_us + max(1, book.urgent_repeat_s) * US


def _dispatch_us(order: WorkOrder, book: FormBook) -> int | None:
    dispatch = order.dispatch
    if dispatch is None or dispatch.due_us is None or order.state != "dispatched":
        return None
    since_us = max((dispatch.at_us, *dispatch.reminded_us))
    moments = [dispatch.due_us, *(dispatch.due_us - s * US for s in book.dispatch_remind_s)]
    return min((at_us for at_us in moments if at_us > since_us), default=None)


def _promise_us(order: WorkOrder, book: FormBook) -> int | None:
    promise = order.promise
    if promise is None or promise.kept_us is not None or promise.broken or order.state == "merged":
        return None
    if promise.reminded:
        return promise.due_us
    # A promise for a moment that is nearer than the warning is warned of at once.
    return max(promise.at_us, promise.due_us - book.promise_warn_s * US)


def _call_back_us(order: WorkOrder, book: FormBook) -> int | None:
    """When a missing call-back is reported."""
    if not order.pending_call_back or order.call_back_missed_us is not None:
        return None
    if order.state == "merged":
        return None
    began_us = order.left_us if order.left_us is not None else order.completed_us
    if began_us is None:
        return None
    return began_us + (book.call_back_within_s + book.call_back_report_s) * US


def moved(order: WorkOrder, step_us: int) -> WorkOrder:
    """``order`` when the PBX's clock was set by ``step_us``: what it waits for comes after the same
    time as before. A dispatch is due on a date, which does not move."""
    urgent, promise = order.urgent, order.promise
    if urgent is not None and urgent.acknowledged_us is None:
        told = tuple(replace(each, at_us=each.at_us + step_us) for each in urgent.told)
        urgent = replace(urgent, since_us=urgent.since_us + step_us, told=told)
        order = replace(order, urgent=urgent)
    if promise is not None and promise.kept_us is None and not promise.broken:
        at_us, due_us = promise.at_us + step_us, promise.due_us + step_us
        order = replace(order, promise=replace(promise, at_us=at_us, due_us=due_us))
    if order.pending_call_back and order.call_back_missed_us is None:
        began_us = order.left_us if order.left_us is not None else order.completed_us
        if began_us is not None:
            order = replace(order, left_us=began_us + step_us)
    return order


def tick(
    order: WorkOrder, command: Tick, now_us: int, book: FormBook
) -> tuple[WorkOrder, tuple[Notice, ...]]:
    """``order`` once all that is due at ``now_us`` is done, and who hears of it. Nothing due:
    ``order`` itself."""
    notices: list[Notice] = []
    if _is_due(_urgent_us(order, book), now_us):
        order = _tell_urgent(order, command, now_us, book, notices)
    if _is_due(_dispatch_us(order, book), now_us):
        order = _remind(order, now_us, notices)
    if _is_due(_promise_us(order, book), now_us):
        order = _promise(order, now_us, notices)
    if _is_due(_call_back_us(order, book), now_us):
        order = replace(order, call_back_missed_us=now_us)
        notices += _to_owner_and_leader("no_call_back", order, now_us)
    return order, tuple(notices)


def _is_due(at_us: int | None, now_us: int) -> bool:
    return at_us is not None and at_us <= now_us


def _tell_urgent(
    order: WorkOrder, command: Tick, now_us: int, book: FormBook, notices: list[Notice]
) -> WorkOrder:
    urgent = order.urgent
    assert urgent is not None
    # Whoever the order is about cannot be the one who takes care of it.
    leaders = tuple(login for login in command.leaders if login != order.owner)
    deputies = tuple(
        login for login in command.deputies if login != order.owner and login not in leaders
    )
    times = len(urgent.told) + 1
    unanswered = sum(1 for told in urgent.told if told.how != "nobody")
    how: Literal["leader", "deputy", "nobody"]
    if leaders and (unanswered < book.urgent_deputy_after or not deputies):
        how, to = "leader", leaders
    elif deputies:
        how, to = "deputy", (*leaders, *deputies)
    else:
        how, to = "nobody", ()
    told = (*urgent.told, Told(now_us, to, how))
    order = replace(order, urgent=replace(urgent, told=told))
    if how == "nobody":
        owner = (order.owner,) if order.owner is not None else ()
        notices.append(notice("nobody_on_duty", order, now_us, to=owner, times=times))
        return order
    if leaders:
        notices.append(notice("urgent", order, now_us, to=leaders, times=times))
    if how == "deputy":
        notices.append(notice("urgent_deputy", order, now_us, to=deputies, times=times))
    return order


def _remind(order: WorkOrder, now_us: int, notices: list[Notice]) -> WorkOrder:
    dispatch = order.dispatch
    assert dispatch is not None
    reminded = (*dispatch.reminded_us, now_us)
    order = replace(order, dispatch=replace(dispatch, reminded_us=reminded))
    notices.append(
        notice(
            "dispatch_due",
            order,
            now_us,
            role="shift_leader",
            without=about(order),
            times=len(reminded),
        )
    )
    return order


def _promise(order: WorkOrder, now_us: int, notices: list[Notice]) -> WorkOrder:
    promise = order.promise
    assert promise is not None
    if promise.due_us <= now_us:
        order = replace(order, promise=replace(promise, reminded=True, broken=True))
        notices += _to_owner_and_leader("promise_broken", order, now_us)
        return order
    order = replace(order, promise=replace(promise, reminded=True))
    owner = (order.owner,) if order.owner is not None else ()
    role: Literal["", "shift_leader"] = "" if owner else "shift_leader"
    notices.append(notice("promise_soon", order, now_us, to=owner, role=role))
    return order


def about(order: WorkOrder) -> tuple[str, ...]:
    """Whom an order about our own service must bypass."""
    return (order.owner,) if order.own_service and order.owner is not None else ()


def _to_owner_and_leader(
    kind: Literal["no_call_back", "promise_broken"], order: WorkOrder, now_us: int
) -> list[Notice]:
    owner = (order.owner,) if order.owner is not None else ()
    notices = [notice(kind, order, now_us, to=owner)] if owner else []
    return [*notices, notice(kind, order, now_us, role="shift_leader", without=owner)]
