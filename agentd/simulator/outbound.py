"""Calls past the queues: click-to-dial from a seat, and direct calls to a seat."""

from __future__ import annotations

from agentd.simulator.legs import (
    TRUNK,
    Call,
    Leg,
    end_by_customer,
    finish,
    hangup_request,
    join_bridge,
    new_seat_channel,
    soft_hangup,
)
from agentd.simulator.model import Seat
from agentd.simulator.pbx import Steps, World
from agentd.simulator.transfers import answer_dial, ring_by_dial
from agentd.simulator.wire import CALL, event, new_exten, on_channel, on_pair


def direct(world: World, call: Call, seat: Seat) -> Steps:
    """A caller dials a seat's own number; no queue takes part."""
    customer = world.new_channel(
        TRUNK, state=4, number=call.caller, name=call.caller, context="incoming", exten=seat.number
    )
    call.channel = customer
    customer.application = "Dial"
    customer.application_data = f"{seat.device},30"
    world.emit(new_exten(customer, "Dial", customer.application_data), *world.device_changed(TRUNK))
    leg = _leg(world, seat, new_channel_of=customer.linkedid, direction_inbound=True)
    ring_by_dial(world, customer, leg)
    yield world.rng.uniform(1.5, 7.0)
    customer.set_state(6)
    answer_dial(world, customer, leg)
    world.emit(on_channel("Newstate", customer))
    yield world.rng.uniform(6.0, 30.0) * world.config.talk_scale
    finish(world, call, leg, end_by_customer(world, call, leg), "caller")


def _leg(world: World, seat: Seat, *, new_channel_of: str | None, direction_inbound: bool) -> Leg:
    channel = new_seat_channel(world, seat, new_channel_of)
    return Leg(
        seat,
        channel,
        seat.person.label if seat.person else seat.device,
        None,
        "inbound" if direction_inbound else "outbound",
        offered_us=world.last_us,
    )


def outbound(world: World, call: Call, seat: Seat) -> Steps:
    """Originate: the seat's own phone rings first, then its channel dials the customer."""
    rng = world.rng
    leg = _leg(world, seat, new_channel_of=None, direction_inbound=False)
    phone = leg.channel
    string = f"DialString: {seat.number}\r\n".encode()
    leg.offered_us = world.emit(event("DialBegin", CALL, phone.block("Dest"), string))
    leg.ringing_us = world.last_us
    phone.set_state(5)
    device, members = world.seat_changed(seat, "RINGING")
    world.race(
        [
            on_channel("Newstate", phone),
            event("DialState", CALL, phone.block("Dest"), b"DialStatus: RINGING\r\n"),
        ],
        device,
        members,
    )
    yield rng.uniform(0.8, 3.0)
    phone.set_state(6)
    world.emit(on_channel("Newstate", phone))
    device, members = world.seat_changed(seat, "INUSE")
    world.race(
        [event("DialEnd", CALL, phone.block("Dest"), b"DialStatus: ANSWER\r\n")], device, members
    )
    phone.goto("outbound", call.caller, 1)
    phone.application = "Dial"
    phone.application_data = f"PJSIP/{call.caller}@trunk,60"
    world.emit(new_exten(phone, "Dial", phone.application_data))
    customer = world.new_channel(
        TRUNK,
        state=0,
        number=call.caller,
        name=call.caller,
        context="incoming",
        exten="s",
        linkedid=phone.linkedid,
    )
    call.channel = customer
    customer.connect_to(phone)
    customer.goto("incoming", call.caller, 1)
    world.emit(*world.device_changed(TRUNK), on_channel("NewConnectedLine", customer))
    string = f"DialString: {call.caller}@trunk\r\n".encode()
    world.emit(on_pair("DialBegin", CALL, phone, customer, string))
    customer.set_state(5)
    world.emit(
        on_channel("Newstate", customer),
        on_pair("DialState", CALL, phone, customer, b"DialStatus: RINGING\r\n"),
    )
    yield rng.uniform(3.0, 9.0)
    customer.set_state(6)
    world.emit(on_channel("Newstate", customer))
    leg.answered_us = world.emit(
        on_pair("DialEnd", CALL, phone, customer, b"DialStatus: ANSWER\r\n")
    )
    join_bridge(world, customer, phone)
    yield rng.uniform(6.0, 30.0) * world.config.talk_scale
    by_agent = rng.random() < 0.5
    first, second = (phone, customer) if by_agent else (customer, phone)
    at_us = world.emit(hangup_request(first))
    world.emit(*world.leave(first), *world.leave(second))
    trunk = [*world.gone(customer, 16), *world.device_changed(TRUNK)]
    device, members = world.seat_changed(seat, "NOT_INUSE")
    world.race(trunk, [soft_hangup(phone, 16), *world.gone(phone, 16)])
    world.race(device, members)
    finish(world, call, leg, at_us, "agent" if by_agent else "caller")
