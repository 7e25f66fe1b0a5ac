"""The clock of a work order: reminders, the limit, and call-backs that keep it from running out.

Who owes an order is told where that person sits now. A call-back that was begun before the order
was first due is in time however long it lasts: while it goes on nobody can say that the order is
overdue, and when it is over there is a while left. One that was begun later moves nothing, so that
repeated tries put off nothing for ever.
"""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.calls import Leg
from agentd.core.deadlines import Deadline
from agentd.core.effects import Alert, Level, OrderChanged, Violation
from agentd.core.state import Owed, State, us

SHIFT_LEADER = ("shift_leader",)
SEAT = ("seat",)
BOTH = ("seat", "shift_leader")


def change_order(st: State, owed: Owed, **changes: object) -> None:
    st.owe_no_more(owed)
    owed.order = replace(owed.order, **changes)
    st.owe(owed)
    st.emit(owed.order)


def owes(st: State, agent: str | None, seat: str | None, leg: Leg) -> bool:
    """Whether who owes something since sitting at ``seat`` is who makes the call ``leg``."""
    if agent is None or leg.agent is None:
        return seat == leg.seat
    return not st.names_of(agent).isdisjoint(st.names_of(leg.agent))


def awaited(st: State, owed: Owed) -> bool:
    """Whether a call that may be this order's call-back, begun in time, is not over yet."""
    order, first_due_us = owed.order, owed.first_due_us
    for leg in st.legs.values():
        if leg.settled:
            continue
        if any(c.order == order.id and c.in_time for c in leg.contacts):
            return True
        if leg.direction != "outbound" or leg.far is not None or leg.ended_us is not None:
            continue
        # Asterisk rings the owner's phone first, and dials the number then.
        begun_us = leg.begun_us or 0
        in_time = first_due_us is not None and begun_us <= first_due_us
        if in_time and owes(st, order.agent, order.seat, leg):
            return True
    return False


def _stages(st: State, order: OrderChanged) -> list[int]:
    """The moments of its alerts: reminders, then the limit."""
    if order.due_us is None:
        return []
    if order.kind == "missed":
        return [order.due_us]
    policy = st.policy(order.queue, order.seat)
    start = order.due_us - us(policy.order_due_s)
    return [start + us(s) for s in policy.order_remind_s] + [order.due_us]


def _limit_us(st: State, order: OrderChanged) -> int:
    policy = st.policy(order.queue, order.seat)
    return us(policy.order_due_s if order.kind == "call" else policy.missed_order_due_s)


def plan(st: State, owed: Owed) -> None:
    for stage, at_us in enumerate(_stages(st, owed.order)):
        if stage >= owed.alerts_sent:
            st.deadlines.plan(at_us, "order", owed.order.id, str(stage))


def fire(st: State, deadline: Deadline) -> None:
    """A reminder or the limit of an order is due."""
    owed = st.orders.get(deadline.key)
    if owed is None:
        return
    order = owed.order
    stages = _stages(st, order)
    stage = int(deadline.mark)
    if stage < owed.alerts_sent or stage >= len(stages) or stages[stage] != deadline.due_us:
        return
    if awaited(st, owed):
        st.awaiting.add(order.id)
        return
    owed.alerts_sent = stage + 1
    owed.told = True
    st.dirty.add(f"order:{order.id}")
    assert order.due_us is not None
    limit_us = _limit_us(st, order)
    over = stage == len(stages) - 1
    value_us = limit_us - (order.due_us - deadline.due_us)
    _alert(st, order, deadline.due_us, "breach" if over else "warning", value_us, over=over)
    if over and order.kind == "call" and not owed.charged:
        charge(st, owed, order.due_us)
    elif over:
        st.overdue(order.id, order.due_us)


def charge(st: State, owed: Owed, due_us: int) -> None:
    """Who owes the order did not complete it by ``due_us``: a violation, once that is proved."""
    owed.charged = True
    order, limit_us = owed.order, _limit_us(st, owed.order)
    first_us = owed.first_due_us or due_us
    began = "given to them" if owed.assigned else "last seat left"
    evidence = [f"{began} {(first_us - limit_us) / 1e6:.6f}"]
    if due_us > first_us:
        evidence.append(f"due again after a call-back {due_us / 1e6:.6f}")
    st.charge(
        Violation(
            st.pbx,
            _violation_id(order.id),
            due_us,
            "work_order",
            order.seat,
            order.agent,
            order.call,
            None,
            limit_us,
            limit_us,
            (*evidence, "order still open"),
        )
    )


def _violation_id(order: str) -> str:
    return f"{order}-work_order"


def charge_waits(st: State, order: str) -> bool:
    """Whether the violation of an order waits for its proof."""
    return any(v.id == _violation_id(order) for v in st.unproved)


def withdraw(st: State, order: str) -> None:
    """What waited for its proof is not charged: a call-back was begun in time after all, or nobody
    will know."""
    if not charge_waits(st, order):
        return
    st.unproved = [v for v in st.unproved if v.id != _violation_id(order)]
    owed = st.orders.get(order)
    if owed is not None:
        owed.charged = False
        st.dirty.add(f"order:{order}")


def call_back_ended(st: State, order: str, ended_us: int) -> None:
    """A call-back (or a try) that was begun in time is over: there is a while left to complete the
    order, and what would have been said meanwhile stays unsaid."""
    owed = st.orders.get(order)
    if owed is None or owed.order.due_us is None:
        return
    grace_us = us(st.policy(owed.order.queue, owed.order.seat).order_callback_grace_s)
    if ended_us + grace_us > owed.order.due_us:
        cleared(st, owed)
        change_order(st, owed, due_us=ended_us + grace_us, change="due", at_us=st.now_us)
        owed.alerts_sent = 0
    passed = sum(at_us < ended_us for at_us in _stages(st, owed.order))
    owed.alerts_sent = max(owed.alerts_sent, passed)
    st.dirty.add(f"order:{order}")
    plan(st, owed)


def go_on(st: State) -> None:
    """A call that may have been some order's call-back turned out to be none, or is over."""
    for order in sorted(st.awaiting):
        owed = st.orders.get(order)
        if owed is None or not awaited(st, owed):
            st.awaiting.discard(order)
            if owed is not None:
                plan(st, owed)


def _alert(
    st: State, order: OrderChanged, at_us: int, level: Level, value_us: int | None, *, over: bool
) -> None:
    """To whoever owes the order, where that person sits now; the next one there owes nothing."""
    seat = st.present_seat(order.agent, order.seat)
    st.emit(
        Alert(
            st.pbx,
            at_us,
            level,
            "work_order",
            seat,
            order.agent,
            order.call,
            order.queue,
            SEAT if not over else SHIFT_LEADER if order.seat is None else BOTH,
            value_us,
            _limit_us(st, order),
            f"work_order:{order.id}",
        )
    )
    if seat is not None:
        st.touched_seats.add(seat)


def cleared(st: State, owed: Owed) -> None:
    """End the alerts that were raised, for all who were told."""
    if not owed.told:
        return
    owed.told = False
    order = owed.order
    since_us = None if order.due_us is None else st.now_us - order.due_us + _limit_us(st, order)
    over = owed.alerts_sent >= len(_stages(st, order))
    _alert(st, order, st.now_us, "cleared", since_us, over=over)
