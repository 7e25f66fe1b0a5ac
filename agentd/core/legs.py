"""Legs: how one begins, is answered and ends, whatever brought it about.

The events that bring it about stand in :mod:`agentd.core.dialling` and
:mod:`agentd.core.contact`; what a leg comes to is judged in :mod:`agentd.core.settling`.
"""

from __future__ import annotations

from agentd.core import clocks, contacts, orders, recordings, stays, wrap_ups
from agentd.core.calls import Call, Channel, Leg
from agentd.core.deadlines import Deadline
from agentd.core.effects import Direction, WorkBegan
from agentd.core.state import State, us


def is_answered(leg: Leg) -> bool:
    """In progress with the customer; a leg found in a snapshot has no known answer time."""
    return leg.ended_us is None and (leg.answered_us is not None or leg.found)


def concerned(st: State, chan: Channel) -> list[Leg]:
    """The open legs that ``chan`` is a side of, or leads to."""
    found: list[Leg] = []
    own = st.legs.get(chan.uid)
    if own is not None and not own.settled:
        found.append(own)
    call = st.calls.get(chan.uid)
    if call is not None:
        found += [st.legs[uid] for uid in call.open_legs if uid in st.legs]
    for uid in (st.far_ends.get(chan.uid), st.through.get(chan.uid)):
        leg = st.legs.get(uid) if uid is not None else None
        if leg is not None and not leg.settled and leg not in found:
            found.append(leg)
    return found


def call_of(st: State, chan: Channel) -> Call:
    """The customer's call on ``chan``, begun now where it is new."""
    call = st.calls.get(chan.uid)
    if call is None:
        call = st.calls[chan.uid] = Call(
            chan.uid, chan.num, chan.since_us, estimated=chan.listed, gap=st.down_us is not None
        )
        st.dirty.add(f"call:{chan.uid}")
        recordings.tell(st, chan.uid)
    return call


def new_leg(
    st: State,
    chan: Channel,
    direction: Direction,
    queue: str | None,
    call: Call | None,
    caller: str | None,
) -> Leg:
    """A leg on the seat's channel ``chan``, of ``call`` where a customer is known."""
    uid, device = chan.uid, st.seat_of(chan) or chan.device
    seat = st.seat(device)
    st.touched_seats.add(device)
    leg = Leg(uid, device, seat.agent, queue, direction, None, caller, st.now_us)
    st.legs[uid] = leg
    seat.legs[uid] = leg
    if call is not None:
        attach(st, leg, call)
    else:
        recordings.tell(st, uid)
    st.dirty.add(f"leg:{uid}")
    return leg


def attach(st: State, leg: Leg, call: Call) -> None:
    leg.call = call.uid
    leg.caller = call.caller
    leg.direction = "inbound"
    call.legs.append(leg.uid)
    call.open_legs.append(leg.uid)
    st.dirty.update((f"call:{call.uid}", f"leg:{leg.uid}"))
    recordings.tell(st, leg.uid)


def answered(st: State, leg: Leg, at_us: int, evidence: str) -> None:
    """The seat's phone took the call."""
    if leg.answered_us is not None or leg.found or leg.ended_us is not None:
        return
    leg.answered_us = at_us
    clocks.note(leg, evidence, at_us)
    clocks.ring_stopped(st, leg, at_us)
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)
    wrap_ups.next_call(st, leg.seat, at_us)
    call = st.calls.get(leg.call) if leg.call is not None else None
    if call is not None:
        taken(st, call, leg, at_us)


def taken(st: State, call: Call, leg: Leg, at_us: int) -> None:
    """``call`` has a seat from ``at_us``: count it once, and see to its order."""
    st.dirty.add(f"call:{call.uid}")
    if call.first_answer_us is None:
        call.first_answer_us = at_us
    stays.answered(st, call, leg, at_us)
    work_began(st, leg)
    contacts.got_through(st, call, leg)
    orders.open_for(st, call, leg)


def offer_ended(st: State, leg: Leg, at_us: int, status: str | None) -> None:
    """The offer is over without an answer of this phone."""
    if leg.answered_us is not None or leg.found:
        return
    if status is not None and leg.dial_status in (None, "CANCEL"):
        leg.dial_status = status
    if leg.ended_us is not None:
        return
    leg.ended_us = at_us
    clocks.note(leg, f"DialEnd {status}" if status else "Hangup", at_us)
    clocks.ring_stopped(st, leg, at_us)
    _over(st, leg)


def work_began(st: State, leg: Leg) -> None:
    """``leg`` is answered, by its far end where the seat dialled: say that somebody works on it."""
    if leg.direction != "internal" and leg.answered_us is not None and leg.ended_us is None:
        st.emit(
            WorkBegan(
                st.pbx,
                leg.seat,
                leg.agent,
                leg.call or leg.uid,
                leg.uid,
                leg.queue,
                leg.answered_us,
                "outbound" if leg.direction == "outbound" else "talk",
            )
        )


def end(st: State, leg: Leg, at_us: int) -> None:
    """The seat's part of an answered call is over."""
    leg.ended_us = at_us
    clocks.spell_ended(st, leg, at_us)
    leg.in_contact = False
    contacts.third_party(st, leg, at_us)
    call = st.calls.get(leg.call) if leg.call is not None else None
    if call is not None:
        call.last_left_us = max(call.last_left_us or 0, at_us)
        st.dirty.add(f"call:{call.uid}")
        orders.seat_left(st, call, leg)
    seat = st.seats[leg.seat]
    if leg.direction != "internal":
        policy = clocks.policy_of(st, leg)
        until_us = at_us + us(policy.wrap_up_s)
        seat.wrap_order = orders.order_id(st.pbx, leg.call) if leg.call is not None else None
        order = orders.order_id(st.pbx, leg.call or leg.uid)
        wrap_ups.begin(st, leg, order, at_us, until_us)
        seat.wrap_until_us = until_us
        st.deadlines.plan(until_us, "wrap", leg.seat)
    _over(st, leg)


def reopen(st: State, leg: Leg) -> None:
    """The seat's part of an answered call is not over after all; it was not judged yet."""
    leg.ended_us = leg.transfer_us = None
    wrap_ups.reopened(st, leg)
    seat = st.seats[leg.seat]
    seat.legs[leg.uid] = leg
    seat.wrap_until_us = None
    st.touched_seats.add(leg.seat)
    st.dirty.add(f"leg:{leg.uid}")


def _over(st: State, leg: Leg) -> None:
    st.seats[leg.seat].legs.pop(leg.uid, None)
    st.touched_seats.add(leg.seat)
    st.dirty.add(f"leg:{leg.uid}")
    st.deadlines.plan(st.now_us + st.settle_us, "settle", leg.uid)


def wrap_due(st: State, deadline: Deadline) -> None:
    st.touched_seats.add(deadline.key)
    wrap_ups.limit_due(st, deadline.key)
