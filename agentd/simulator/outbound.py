"""Calls past the queues: direct calls to a seat, calls dialled by hand, and click-to-dial."""

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
from agentd.simulator.manned import talk
from agentd.simulator.model import Seat
from agentd.simulator.pbx import Steps, World
from agentd.simulator.transfers import answer_dial, ring_by_dial
from agentd.simulator.truth import Direction
from agentd.simulator.wire import (
    CALL,
    Channel,
    event,
    new_caller_id,
    new_exten,
    on_channel,
    on_pair,
    var_set,
)

OUTSIDE_LINE = "9"


def _leg(world: World, seat: Seat, channel: Channel, direction: Direction) -> Leg:
    agent = seat.person.label if seat.person else seat.device
    return Leg(seat, channel, agent, None, direction, offered_us=world.last_us)


def _talk_s(world: World) -> float:
    return world.rng.uniform(6.0, 30.0) * world.config.talk_scale


def direct(world: World, call: Call, seat: Seat) -> Steps:
    """A caller dials a seat's own number; no queue takes part."""
    customer = world.new_channel(
        TRUNK,
        state=4,
        number=call.caller,
        name="<unknown>",
        context="incoming",
        exten=seat.number,
    )
    call.channel = customer
    customer.application = "Dial"
    customer.application_data = f"{seat.device},30"
    world.emit(new_exten(customer, "Dial", customer.application_data), *world.device_changed(TRUNK))
    yield from ring_seat(world, call, seat)


def ring_seat(world: World, call: Call, seat: Seat) -> Steps:
    """Dial() rings an idle seat for the customer, until the customer hangs up again."""
    customer = call.customer
    leg = _leg(world, seat, new_seat_channel(world, seat, customer.linkedid), "inbound")
    call.legs.append(leg)
    ring_by_dial(world, customer, leg)
    yield world.rng.uniform(1.5, 7.0)
    answer_dial(world, customer, leg)
    call.answered_us = call.answered_us or leg.answered_us or 0
    yield _talk_s(world)
    finish(world, call, leg, end_by_customer(world, call, leg), "caller")


def click_to_dial(
    world: World, call: Call, seat: Seat, *, exten: str = "", ident: str = ""
) -> Steps:
    """Originate: the seat's own phone rings first, then its channel dials the customer.

    `exten` is what is dialled, `ident` the action's, where a client asked for it.
    """
    seat.line = call if seat.manned else None
    phone = new_seat_channel(world, seat, None)
    leg = _leg(world, seat, phone, "outbound")
    call.legs.append(leg)
    world.emit(new_exten(phone, "AppDial2", "(Outgoing Line)"))
    phone.show_as(call.caller, phone.caller_name)
    world.emit(new_caller_id(phone))
    phone.connected_number = call.caller
    phone.rendered.clear()
    world.emit(on_channel("NewConnectedLine", phone))
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
    yield world.rng.uniform(0.8, 3.0)
    phone.set_state(6)
    world.emit(on_channel("Newstate", phone))
    device, members = world.seat_changed(seat, "INUSE")
    number = exten or OUTSIDE_LINE + call.caller
    response = (
        f"ActionID: {ident or f'dial{phone.uniqueid}'}\r\nResponse: Success\r\n"
        f"Channel: {phone.name}\r\n"
        f"Context: agents\r\nExten: {number}\r\nReason: 4\r\nUniqueid: {phone.uniqueid}\r\n"
        f"CallerIDNum: {call.caller}\r\nCallerIDName: <unknown>\r\n"
    ).encode()
    world.race(
        [event("OriginateResponse", CALL, response)],
        [event("DialEnd", CALL, phone.block("Dest"), b"DialStatus: ANSWER\r\n")],
        device,
        members,
    )
    phone.goto("agents", number, 1)
    yield from _dial_out(world, call, leg)


def dialled_by_hand(world: World, call: Call, seat: Seat) -> Steps:
    """The agent dials the customer on the phone itself."""
    number = OUTSIDE_LINE + call.caller
    phone = world.new_channel(
        seat.device,
        state=4,
        number=seat.number,
        name=f"Seat {seat.number}",
        context="agents",
        exten=number,
    )
    leg = _leg(world, seat, phone, "outbound")
    call.legs.append(leg)
    world.race(*world.seat_changed(seat, "INUSE"))
    yield from _dial_out(world, call, leg)


def _dial_out(world: World, call: Call, leg: Leg) -> Steps:
    """The seat's channel dials the customer, who answers; one of them hangs up in the end."""
    rng, phone = world.rng, leg.channel
    string = f"trunk/sip:{call.caller}@trunk"
    phone.application = "Dial"
    phone.application_data = f"PJSIP/{string},60"
    world.emit(new_exten(phone, "Dial", phone.application_data))
    customer = world.new_channel(
        TRUNK,
        state=0,
        number="<unknown>",
        name="<unknown>",
        context="incoming",
        exten="s",
        linkedid=phone.linkedid,
    )
    call.channel = customer
    world.emit(var_set(customer, "DIALEDPEERNUMBER", string))
    customer.show_as(phone.exten, "<unknown>")
    customer.connect_to(phone)
    customer.goto("incoming", phone.exten, 1)
    world.emit(
        new_exten(customer, "AppDial", "(Outgoing Line)"),
        new_caller_id(customer),
        on_channel("NewConnectedLine", customer),
        on_pair("DialBegin", CALL, phone, customer, f"DialString: {string}\r\n".encode()),
    )
    phone.connect_to(customer)
    world.emit(on_channel("NewConnectedLine", phone))
    customer.set_state(5)
    world.race(
        [
            on_channel("Newstate", customer),
            on_pair("DialState", CALL, phone, customer, b"DialStatus: RINGING\r\n"),
        ],
        world.device_changed(TRUNK),
    )
    answers_us = world.last_us + round(rng.uniform(3.0, 9.0) * 1e6)
    while (woken := (yield max(0.0, (answers_us - world.clock_us) / 1e6))) is not None:
        if woken[0] == "hang_up":
            _give_up(world, call, leg, customer)
            return
    customer.set_state(6)
    world.emit(on_channel("Newstate", customer))
    customer.goto("incoming", "", 1)
    leg.answered_us = world.emit(
        on_pair("DialEnd", CALL, phone, customer, b"DialStatus: ANSWER\r\n")
    )
    if phone.state != 6:
        phone.set_state(6)
        world.emit(on_channel("Newstate", phone))
    world.emit(*world.device_changed(TRUNK))
    join_bridge(world, customer, phone)
    if leg.seat.manned:
        yield from talk(
            world, call, leg, lambda by: _end(world, leg, customer, by_agent=by == "agent")
        )
        return
    yield _talk_s(world)
    by_agent = rng.random() < 0.5
    at_us = _end(world, leg, customer, by_agent=by_agent)
    finish(world, call, leg, at_us, "agent" if by_agent else "caller")


def _give_up(world: World, call: Call, leg: Leg, customer: Channel) -> None:
    """The seat hangs up before the far end answered."""
    phone = leg.channel
    world.emit(hangup_request(phone, dialled=True))
    world.emit(on_pair("DialEnd", CALL, phone, customer, b"DialStatus: CANCEL\r\n"))
    world.emit(*world.gone(customer, 0), *world.device_changed(TRUNK))
    device, members = world.seat_changed(leg.seat, "NOT_INUSE")
    at_us = world.emit(soft_hangup(phone, 16), *world.gone(phone, 16))
    world.race(device, members)
    call.close_leg(leg, at_us, "no_answer")
    world.release_seat(leg.seat)


def _end(world: World, leg: Leg, customer: Channel, *, by_agent: bool) -> int:
    phone = leg.channel
    first, second = (phone, customer) if by_agent else (customer, phone)
    at_us = world.emit(hangup_request(first, dialled=True))
    world.emit(*world.leave(first), *world.leave(second))
    trunk = [*world.gone(customer, 16), *world.device_changed(TRUNK)]
    device, members = world.seat_changed(leg.seat, "NOT_INUSE")
    world.race(trunk, [soft_hangup(phone, 16), *world.gone(phone, 16)])
    world.race(device, members)
    return at_us
