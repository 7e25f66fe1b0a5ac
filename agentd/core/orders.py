"""Work orders as obligations: who owes which order, until when, and who is told.

Rule R4: every answered customer call gets one order, opened at answer, due ``order_due_s`` after
the last seat left the call; reminders before, a violation and the shift leader after. A call that
nobody answered gets a missed-call order, which nobody is charged for.
"""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.calls import Call, Leg
from agentd.core.deadlines import Deadline
from agentd.core.effects import Alert, OrderChanged, Violation
from agentd.core.state import Owed, State, us

SHIFT_LEADER = ("shift_leader",)
SEAT = ("seat",)
BOTH = ("seat", "shift_leader")


def order_id(pbx: str, uid: str) -> str:
    """The same call has the same order, whatever is replayed or restarted."""
    return f"{pbx}-{uid}"


def open_for(st: State, call: Call, leg: Leg) -> None:
    """``leg`` answered ``call``: open its order, or hand the open one over to that seat."""
    oid = order_id(st.pbx, call.uid)
    owed = st.orders.get(oid)
    if owed is not None:
        order = owed.order
        if order.due_us is not None or order.seat != leg.seat:
            if owed.alerts_sent:
                _cleared(st, owed)
                owed.alerts_sent = 0
            change = "handed_over" if order.seat != leg.seat else "resumed"
            _change(
                st,
                owed,
                seat=leg.seat,
                agent=leg.agent,
                due_us=None,
                change=change,
                at_us=st.now_us,
            )
        return
    if call.order or oid in st.completed:
        return
    call.order = True
    st.dirty.add(f"call:{call.uid}")
    _add(
        st,
        OrderChanged(
            st.pbx,
            st.now_us,
            oid,
            "call",
            call.uid,
            leg.seat,
            leg.agent,
            leg.queue or (call.visits[0].queue if call.visits else None),
            call.caller if leg.direction == "inbound" else leg.caller,
            "open",
            st.now_us,
            None,
        ),
    )


def call_left(st: State, call: Call, at_us: int) -> None:
    """The last seat left ``call`` at ``at_us``: its order's clock starts there."""
    owed = st.orders.get(order_id(st.pbx, call.uid))
    if owed is None or owed.order.due_us is not None:
        return
    policy = st.policy(owed.order.queue, owed.order.seat)
    _change(st, owed, due_us=at_us + us(policy.order_due_s), change="due", at_us=at_us)
    plan(st, owed)


def open_missed(st: State, call: Call, at_us: int) -> None:
    """Nobody answered ``call``: somebody has to call back."""
    queue = call.visits[-1].queue if call.visits else None
    due_us = at_us + us(st.policy(queue, None).missed_order_due_s)
    call.order = True
    st.dirty.add(f"call:{call.uid}")
    owed = _add(
        st,
        OrderChanged(
            st.pbx,
            at_us,
            order_id(st.pbx, call.uid),
            "missed",
            call.uid,
            None,
            None,
            queue,
            call.caller,
            "open",
            at_us,
            due_us,
        ),
    )
    plan(st, owed)


def renumber(st: State, order: str, numbers: tuple[str, ...]) -> OrderChanged | None:
    """The caller of ``order`` can be reached under ``numbers`` (in normal form) from now on; gives
    the order as it stands, None where no such order is owed."""
    owed = st.orders.get(order)
    if owed is None:
        return None
    if numbers != owed.order.numbers:
        # Changes of one order are told apart by their moment.
        at_us = max(st.now_us, owed.order.at_us + 1)
        _change(st, owed, numbers=numbers, change="numbers", at_us=at_us)
    return owed.order


def complete(st: State, completed: OrderChanged) -> None:
    """Take an order that a person completed off the list, and end its alerts."""
    owed = st.orders[completed.id]
    st.owe_no_more(owed)
    st.dirty.add(f"order:{completed.id}")
    st.emit(completed)
    if owed.alerts_sent:
        owed.order = completed
        _cleared(st, owed)
    seat = st.seats.get(completed.seat or "")
    if seat is not None:
        if seat.wrap_order == completed.id and seat.wrap_until_us is not None:
            seat.wrap_until_us = min(seat.wrap_until_us, st.now_us)
        st.touched_seats.add(seat.device)


def restore(st: State, order: OrderChanged, alerts_sent: int) -> None:
    """An open order from the store; its deadlines go on, those that passed fire at once."""
    owed = Owed(order, alerts_sent)
    st.owe(owed)
    plan(st, owed)


def _add(st: State, order: OrderChanged) -> Owed:
    owed = Owed(order)
    st.owe(owed)
    st.emit(order)
    return owed


def _change(st: State, owed: Owed, **changes: object) -> None:
    st.owe_no_more(owed)
    owed.order = replace(owed.order, **changes)
    st.owe(owed)
    st.emit(owed.order)


def _stages(st: State, order: OrderChanged) -> list[int]:
    """The moments of its alerts: reminders, then the limit."""
    if order.due_us is None:
        return []
    if order.kind == "missed":
        return [order.due_us]
    policy = st.policy(order.queue, order.seat)
    start = order.due_us - us(policy.order_due_s)
    return [start + us(s) for s in policy.order_remind_s] + [order.due_us]


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
    owed.alerts_sent = stage + 1
    st.dirty.add(f"order:{order.id}")
    assert order.due_us is not None
    policy = st.policy(order.queue, order.seat)
    limit_us = us(policy.order_due_s if order.kind == "call" else policy.missed_order_due_s)
    over = deadline.due_us >= order.due_us
    value_us = limit_us - (order.due_us - deadline.due_us)
    to = SEAT if not over else BOTH if order.seat is not None else SHIFT_LEADER
    st.emit(
        Alert(
            st.pbx,
            deadline.due_us,
            "breach" if over else "warning",
            "work_order",
            order.seat,
            order.agent,
            order.call,
            order.queue,
            to,
            value_us,
            limit_us,
            f"work_order:{order.id}",
        )
    )
    if over and order.kind == "call":
        st.emit(
            Violation(
                st.pbx,
                f"{order.id}-work_order",
                deadline.due_us,
                "work_order",
                order.seat,
                order.agent,
                order.call,
                None,
                limit_us,
                limit_us,
                (f"last seat left {(order.due_us - limit_us) / 1e6:.6f}", "order still open"),
            )
        )
    if order.seat is not None:
        st.touched_seats.add(order.seat)


def _cleared(st: State, owed: Owed) -> None:
    order = owed.order
    policy = st.policy(order.queue, order.seat)
    limit_us = us(policy.order_due_s if order.kind == "call" else policy.missed_order_due_s)
    over = order.due_us is not None and owed.alerts_sent >= len(_stages(st, order))
    st.emit(
        Alert(
            st.pbx,
            st.now_us,
            "cleared",
            "work_order",
            order.seat,
            order.agent,
            order.call,
            order.queue,
            BOTH if over and order.seat else SHIFT_LEADER if over else SEAT,
            st.now_us - order.due_us + limit_us if order.due_us is not None else None,
            limit_us,
            f"work_order:{order.id}",
        )
    )
