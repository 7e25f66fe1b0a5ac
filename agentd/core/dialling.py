"""Dialling: whose phone is dialled, by whom, and how that ends.

A queue offers a caller, a customer dials a seat, a seat dials a colleague or out, Asterisk dials a
seat for a click; through Local channels it is all the same. Here a leg begins, and here its offer
is answered or comes to nothing.
"""

from __future__ import annotations

from agentd.core import clocks, contacts, legs, orders, wrap_ups
from agentd.core import events as e
from agentd.core.calls import Call, Channel, Leg, device_of
from agentd.core.effects import Direction
from agentd.core.state import State


def offered(st: State, ev: e.AgentCalled) -> None:
    """A queue offers a caller to one of its members."""
    device = st.interfaces.get(ev.interface)
    if device is None:
        device = device_of(ev.dest_name) if not ev.dest_name.startswith("Local/") else None
    if device is not None:
        seat = st.seat(device)
        st.join(seat, ev.queue, ev.interface, ev.member)
    customer = st.channel(ev.uid, ev.name)
    dest = st.channel(ev.dest, ev.dest_name)
    dest.dialled, dest.dialled_by = True, ev.uid
    if dest.is_local:
        st.offers[ev.dest] = (ev.queue, ev.interface, ev.member)
        return
    st.belongs(dest, ev.interface)
    leg = st.legs.get(ev.dest)
    if leg is None:
        leg = legs.new_leg(st, dest, "inbound", ev.queue, legs.call_of(st, customer), None)
    leg.queue = ev.queue
    leg.agent = st.seats[leg.seat].agent
    clocks.note(leg, "AgentCalled", ev.at_us)


def dialled(st: State, ev: e.DialBegin) -> None:
    """A channel is dialled: a seat's phone, or by a seat's phone."""
    dest = st.channel(ev.dest, ev.dest_name)
    dest.dialled = True
    dest.dialled_by = ev.uid
    source = st.channels.get(ev.uid) if ev.uid is not None else None
    if source is not None:
        source.dials = ev.dest
        source.moved_us = ev.at_us
    origin = st.origin(ev.uid)
    if dest.is_local:
        return
    offer = _offer_through(st, source, dest)
    if st.seat_of(dest) is not None and not dest.spies:
        _seat_dialled(st, ev, dest, origin, offer)
    elif origin is not None and st.seat_of(origin) is not None:
        _dials_out(st, ev, origin, dest)
    elif source is not None and source.is_local:
        half = st.other_half(source)
        leg = st.legs.get(half.dials or "") if half is not None else None
        if leg is not None and leg.call is None and leg.far is None and leg.ended_us is None:
            # A click that Asterisk dials over a Local channel: first the seat, then the customer.
            leg.direction = "outbound"
            leg.answered_us = None
            _far_end(st, leg, ev)


def _offer_through(st: State, source: Channel | None, dest: Channel) -> tuple[str, str, str] | None:
    """The queue's offer that leads through a Local channel to ``dest``; None where none does."""
    if source is None or not source.is_local:
        return None
    offer = None
    for local in (source, st.other_half(source)):
        if local is not None:
            st.through[local.uid] = dest.uid
            offer = offer or st.offers.get(local.uid)
    if offer is not None:
        st.belongs(dest, offer[1])
    return offer


def _seat_dialled(
    st: State,
    ev: e.DialBegin,
    dest: Channel,
    origin: Channel | None,
    offer: tuple[str, str, str] | None,
) -> None:
    leg = st.legs.get(ev.dest)
    if leg is not None:
        clocks.note(leg, "DialBegin", ev.at_us)
        return
    if origin is None:
        direction: Direction = "outbound" if ev.uid is None else "internal"
        leg = legs.new_leg(st, dest, direction, None, None, None)
        leg.consulted = True
        leg.begun_us = ev.at_us
    elif st.is_customer(origin):
        queue = offer[0] if offer is not None else None
        leg = legs.new_leg(st, dest, "inbound", queue, legs.call_of(st, origin), None)
    else:
        leg = legs.new_leg(st, dest, "internal", None, None, origin.num)
        leg.consulted = True
        if st.seat_of(origin) is not None:
            _internal_caller(st, ev, origin, dest)
    clocks.note(leg, "DialBegin", ev.at_us)


def _internal_caller(st: State, ev: e.DialBegin, origin: Channel, dest: Channel) -> None:
    """A seat dials a colleague: a consultation where it has a customer, else an internal call."""
    if _consults(st, origin, ev.at_us):
        return
    wrap_ups.next_call(st, st.seat_of(origin) or origin.device, ev.at_us)
    leg = st.legs.get(origin.uid)
    if leg is None:
        leg = legs.new_leg(st, origin, "internal", None, None, dest.num)
        leg.consulted = True
        leg.offered_us = None
        leg.far = dest.uid
        st.far_ends[dest.uid] = leg.uid
        clocks.note(leg, "DialBegin", ev.at_us)
    elif leg.direction == "outbound" and leg.far is None:
        leg.direction = "internal"
        leg.far = dest.uid
        leg.caller = dest.num
        st.far_ends[dest.uid] = leg.uid


def _dials_out(st: State, ev: e.DialBegin, origin: Channel, dest: Channel) -> None:
    if _consults(st, origin, ev.at_us):
        return
    leg = st.legs.get(origin.uid)
    if leg is None:
        leg = legs.new_leg(st, origin, "outbound", None, None, None)
        leg.consulted = True
        leg.begun_us = ev.at_us
        leg.offered_us = None
    if leg.direction == "outbound" and leg.answered_us is None:
        _far_end(st, leg, ev)


def _far_end(st: State, leg: Leg, ev: e.DialBegin) -> None:
    if leg.far is not None:
        st.far_ends.pop(leg.far, None)
    leg.far = ev.dest
    wrap_ups.next_call(st, leg.seat, ev.at_us)
    dest = st.channels[ev.dest]
    leg.caller = ev.number or dest.num
    st.far_ends[ev.dest] = leg.uid
    clocks.note(leg, "DialBegin", ev.at_us)
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)
    contacts.dialled_out(st, leg, ev.at_us)


def _consults(st: State, origin: Channel, at_us: int) -> bool:
    """The seat behind ``origin`` dials while a customer of its waits: that is a consultation."""
    seat = st.seats[st.seat_of(origin) or origin.device]
    for leg in seat.legs.values():
        if legs.is_answered(leg) and leg.direction == "inbound" and leg.call is not None:
            waiting = leg.spell is not None or leg.left_us is not None
            if leg.uid != origin.uid or waiting:
                if leg.spell is None:
                    clocks.spell_started(st, leg, "consult", leg.left_us or at_us)
                clocks.becomes_consult(st, leg)
                return True
    return False


def dial_ended(st: State, ev: e.DialEnd) -> None:
    """A dial was answered, or came to nothing."""
    far_leg = st.legs.get(st.far_ends.get(ev.dest, ""))
    if far_leg is not None and far_leg.far == ev.dest and far_leg.ended_us is None:
        if ev.status == "ANSWER" and far_leg.answered_us is None:
            far_leg.answered_us = ev.at_us
            clocks.note(far_leg, "DialEnd ANSWER", ev.at_us)
            contacts.far_end_answered(st, far_leg)
            _answered_outward(st, far_leg)
        elif far_leg.answered_us is None:
            far_leg.dial_status = ev.status
        st.touched_seats.add(far_leg.seat)
    leg = st.legs.get(ev.dest)
    if leg is None:
        return
    if ev.status == "ANSWER":
        if leg.direction != "outbound":
            legs.answered(st, leg, ev.at_us, "DialEnd ANSWER")
        return
    if ev.forward:
        leg.moved = True
    legs.offer_ended(st, leg, ev.at_us, ev.status)


def _answered_outward(st: State, leg: Leg) -> None:
    st.dirty.add(f"leg:{leg.uid}")
    legs.work_began(st, leg)
    policy = st.policy(None, leg.seat)
    if leg.direction != "outbound" or not policy.outbound_opens_order:
        return
    call = st.calls[leg.uid] = Call(leg.uid, leg.caller, leg.offered_us)
    call.legs.append(leg.uid)
    call.open_legs.append(leg.uid)
    call.first_answer_us = leg.answered_us
    orders.open_for(st, call, leg)


def connected(st: State, ev: e.AgentConnect) -> None:
    """Late by announcements, but proof of an answer where no DialEnd said so."""
    leg = st.legs.get(ev.dest) or st.legs.get(st.through.get(ev.dest, ""))
    if leg is not None and leg.answered_us is None and leg.direction == "inbound":
        legs.answered(st, leg, leg.up_us or ev.at_us, "AgentConnect")


def picked_up(st: State, ev: e.Pickup) -> None:
    """Another phone takes the ringing call."""
    leg = st.legs.get(ev.target)
    picker = st.channel(ev.uid, ev.name)
    if leg is None or leg.answered_us is not None:
        return
    call = st.calls.get(leg.call) if leg.call is not None else None
    leg.pickup = True
    clocks.note(leg, f"Pickup {picker.device}", ev.at_us)
    legs.offer_ended(st, leg, ev.at_us, None)
    if call is not None and st.seat_of(picker) is not None and picker.uid not in st.legs:
        taker = legs.new_leg(st, picker, "inbound", leg.queue, call, None)
        taker.consulted = True
        legs.answered(st, taker, ev.at_us, "Pickup")
