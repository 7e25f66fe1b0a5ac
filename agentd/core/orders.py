"""Work orders as obligations: how one comes about, changes hands and is completed.

Rule R4: every answered customer call gets one order, opened at answer, due ``order_due_s`` after
the last seat left the call (:mod:`agentd.core.order_clock`). A call that nobody answered gets a
missed-call order, one for a caller, which nobody is charged for and which closes itself when that
caller is spoken to.
"""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core import sign_in, wrap_ups
from agentd.core.calls import Call, Leg
from agentd.core.deadlines import Deadline
from agentd.core.effects import OrderChanged, OrderContact
from agentd.core.order_clock import awaited, change_order, charge, cleared, plan, withdraw
from agentd.core.state import Done, Owed, State, us

DONE_KEPT_US = us(24 * 3600)
"""How long after its completion call-backs of an order are looked for."""


def order_id(pbx: str, uid: str) -> str:
    """The same call has the same order, whatever is replayed or restarted."""
    return f"{pbx}-{uid}"


def open_for(st: State, call: Call, leg: Leg) -> None:
    """``leg`` answered ``call``: open its order, or hand the open one over to that seat."""
    oid = order_id(st.pbx, call.uid)
    owed = st.orders.get(oid)
    if owed is not None:
        order = owed.order
        other_person = leg.agent is not None and order.agent not in (None, leg.agent)
        handed_over = order.seat != leg.seat or other_person
        if handed_over and _with_customer(st, call, order):
            return  # It is a call of three: the order stays until its owner leaves.
        if order.due_us is not None or handed_over:
            cleared(st, owed)
            owed.alerts_sent = 0
            owed.first_due_us = None
            st.dirty.add(f"order:{oid}")
            change = "handed_over" if handed_over else "resumed"
            change_order(
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
    caller = call.caller if leg.direction == "inbound" else leg.caller
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
            caller,
            "open",
            st.now_us,
            None,
            numbers=_numbers(st, caller),
        ),
    )


def _numbers(st: State, caller: str | None) -> tuple[str, ...]:
    number = st.number_of(caller)
    return () if number is None else (number,)


def _with_customer(st: State, call: Call, order: OrderChanged) -> bool:
    """Whether the owner of ``order`` still talks to the customer of ``call``."""
    open_legs = (st.legs[uid] for uid in call.open_legs)
    return any(
        x.in_contact and (x.seat, x.agent) == (order.seat, order.agent or x.agent)
        for x in open_legs
    )


def seat_left(st: State, call: Call, leg: Leg) -> None:
    """``leg`` left ``call``: who stays with the customer takes the order over."""
    owed = st.orders.get(order_id(st.pbx, call.uid))
    if owed is None or (owed.order.seat, owed.order.agent) != (leg.seat, leg.agent):
        return
    for uid in call.open_legs:
        other = st.legs[uid]
        if other is not leg and other.in_contact:
            open_for(st, call, other)
            return


def call_left(st: State, call: Call, at_us: int) -> None:
    """The last seat left ``call`` at ``at_us``: its order's clock starts there."""
    oid = order_id(st.pbx, call.uid)
    owed, done = st.orders.get(oid), st.done.get(oid)
    if done is not None and done.first_due_us is None:
        # Completed while the call went on: a call-back may have been promised all the same.
        done.first_due_us = at_us + us(st.policy(done.queue, done.seat).order_due_s)
        st.dirty.add(f"done:{oid}")
    if owed is None or owed.order.due_us is not None:
        return
    policy = st.policy(owed.order.queue, owed.order.seat)
    due_us = owed.first_due_us = at_us + us(policy.order_due_s)
    change_order(st, owed, due_us=due_us, change="due", at_us=at_us)
    plan(st, owed)


def open_missed(st: State, call: Call, at_us: int) -> str | None:
    """Nobody answered ``call``: somebody has to call back. The order that was opened; None where
    one waits already."""
    queue = call.visits[-1].queue if call.visits else None
    due_us = at_us + us(st.policy(queue, None).missed_order_due_s)
    call.order = True
    st.dirty.add(f"call:{call.uid}")
    numbers = _numbers(st, call.caller)
    if _folded(st, call, numbers, at_us):
        return None
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
            numbers=numbers,
        ),
    )
    owed.first_due_us = due_us
    plan(st, owed)
    return owed.order.id


def _folded(st: State, call: Call, numbers: tuple[str, ...], at_us: int) -> bool:
    """A caller who waits for one call-back waits for one, however often he tries."""
    for number in numbers:
        for oid in sorted(st.by_number.get(number, ())):
            owed = st.orders.get(oid)
            if owed is None or owed.order.kind != "missed":
                continue
            # Changes of one order are told apart by their moment.
            changed_us = max(at_us, owed.order.at_us + 1)
            folded = owed.order.folded + 1
            change_order(st, owed, folded=folded, change="folded", at_us=changed_us)
            begun_us = call.started_us if call.started_us is not None else at_us
            st.emit(
                OrderContact(
                    st.pbx,
                    begun_us,
                    oid,
                    call.uid,
                    call.uid,
                    "missed_again",
                    number,
                    None,
                    None,
                    None,
                )
            )
            return True
    return False


def close_missed(st: State, order: str, change: str) -> None:
    """The caller of a missed call was spoken to: nobody need call back any more."""
    owed = st.orders.get(order)
    if owed is not None and owed.order.kind == "missed":
        now_us = st.now_us
        complete(
            st,
            replace(
                owed.order, at_us=now_us, status="completed", completed_us=now_us, change=change
            ),
        )


def renumber(st: State, order: str, numbers: tuple[str, ...]) -> bool:
    """The caller of ``order`` can be reached under ``numbers`` (in normal form) from now on; False
    where no such order is known any more."""
    owed, done = st.orders.get(order), st.done.get(order)
    if done is not None:
        st.know_no_more(order, done.numbers)
        done.numbers = numbers
        st.know_by(order, numbers)
        st.dirty.add(f"done:{order}")
        return True
    if owed is None:
        return False
    if numbers != owed.order.numbers:
        # Changes of one order are told apart by their moment.
        at_us = max(st.now_us, owed.order.at_us + 1)
        change_order(st, owed, numbers=numbers, change="numbers", at_us=at_us)
    return True


def assign(st: State, order: str, person: str, name: str) -> bool:
    """``person`` (a login) is to finish ``order`` from now on; False where no such order is known
    any more.

    Whoever gets it has the whole time that an order gives, from now; what was late before is whose
    it was, and is nobody's where that was not proved yet.
    """
    owed, done = st.orders.get(order), st.done.get(order)
    if done is not None:
        sign_in.known(st, person, name)
        done.agent = person
        st.dirty.add(f"done:{order}")
        return True
    if owed is None:
        return False
    sign_in.known(st, person, name)
    if person == owed.order.agent or owed.order.kind == "missed":
        return True  # A missed caller is everybody's.
    # Changes of one order are told apart by their moment.
    at_us = max(st.now_us, owed.order.at_us + 1)
    cleared(st, owed)
    withdraw(st, order)
    owed.alerts_sent = 0
    due_us = None
    if owed.order.due_us is not None:
        due_us = at_us + us(st.policy(owed.order.queue, owed.order.seat).order_due_s)
        owed.first_due_us, owed.assigned = due_us, True
    change_order(st, owed, agent=person, due_us=due_us, change="assigned", at_us=at_us)
    st.dirty.add(f"order:{order}")
    plan(st, owed)
    return True


def complete(st: State, completed: OrderChanged) -> None:
    """Take an order that a person completed off the list, and end its alerts."""
    owed = st.orders[completed.id]
    due_us = completed.due_us
    if due_us is not None and completed.at_us > due_us and awaited(st, owed):
        # Nobody can say that it is late while a call-back goes on that was begun in time.
        completed = replace(completed, due_us=completed.at_us)
    st.owe_no_more(owed)
    st.dirty.add(f"order:{completed.id}")
    st.emit(completed)
    wrap_ups.order_completed(st, completed.id)
    cleared(st, owed)
    if completed.kind == "call":
        remember(
            st,
            completed.id,
            Done(
                completed.agent,
                completed.seat,
                completed.queue,
                completed.numbers,
                owed.first_due_us,
                st.now_us + DONE_KEPT_US,
            ),
        )
    seat = st.seats.get(completed.seat or "")
    if seat is not None:
        if seat.wrap_order == completed.id and seat.wrap_until_us is not None:
            seat.wrap_until_us = min(seat.wrap_until_us, st.now_us)
        st.touched_seats.add(seat.device)


def remember(st: State, order: str, done: Done) -> None:
    """Go on looking for call-backs of a completed order for a while."""
    st.done[order] = done
    st.know_by(order, done.numbers)
    st.dirty.add(f"done:{order}")
    st.deadlines.plan(done.until_us, "done", order)


def forget_due(st: State, deadline: Deadline) -> None:
    """Nobody waits for a call-back of this order any more."""
    done = st.done.pop(deadline.key)
    st.know_no_more(deadline.key, done.numbers)
    st.dirty.add(f"done:{deadline.key}")


def restore(st: State, order: OrderChanged, clock: Owed | None, *, charge_waits: bool) -> None:
    """An open order from the store; its deadlines go on, those that passed fire at once. ``clock``
    as it was remembered; ``charge_waits``: its violation waited for the PBX's own word."""
    owed = Owed(order) if clock is None else clock
    owed.order = order if order.numbers else replace(order, numbers=_numbers(st, order.caller))
    if order.alerts_sent > owed.alerts_sent:
        owed.alerts_sent, owed.told = order.alerts_sent, True
    if order.due_us is not None and owed.first_due_us is None:
        owed.first_due_us = order.due_us
    st.owe(owed)
    plan(st, owed)
    if charge_waits and order.due_us is not None:
        charge(st, owed, order.due_us)


def _add(st: State, order: OrderChanged) -> Owed:
    owed = Owed(order)
    st.owe(owed)
    st.emit(order)
    return owed
