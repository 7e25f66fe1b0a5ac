"""Dial() to a seat, and the blind transfer that ends in it."""

from __future__ import annotations

from agentd.simulator.legs import (
    Call,
    Leg,
    agent_complete,
    end_by_customer,
    finish,
    join_bridge,
    new_seat_channel,
    quality,
    unbridge_variables,
)
from agentd.simulator.model import Seat
from agentd.simulator.pbx import Steps, World
from agentd.simulator.wire import (
    CALL,
    Channel,
    Event,
    event,
    fields,
    new_exten,
    on_channel,
    on_pair,
    var_set,
)


def ring_by_dial(world: World, caller: Channel, leg: Leg) -> None:
    """Dial() rings a seat on behalf of `caller`."""
    channel = leg.channel
    channel.connect_to(caller)
    channel.goto("agents", leg.seat.number, 1)
    world.emit(
        new_exten(channel, "AppDial", "(Outgoing Line)"), on_channel("NewConnectedLine", channel)
    )
    dial_string = f"DialString: {leg.seat.number}\r\n".encode()
    leg.offered_us = world.emit(on_pair("DialBegin", CALL, caller, channel, dial_string))
    caller.connect_to(channel)
    world.emit(on_channel("NewConnectedLine", caller))
    leg.ringing_us = world.last_us
    channel.set_state(5)
    device, members = world.seat_changed(leg.seat, "RINGING")
    world.race(
        [
            on_channel("Newstate", channel),
            var_set(caller, "RINGTIME", 0),
            var_set(caller, "RINGTIME_MS", 1),
            on_pair("DialState", CALL, caller, channel, b"DialStatus: RINGING\r\n"),
        ],
        device,
        members,
    )


def answer_dial(world: World, caller: Channel, leg: Leg) -> None:
    """The seat that Dial() rang answers; `caller` is answered with it and they are bridged."""
    channel = leg.channel
    channel.set_state(6)
    world.emit(on_channel("Newstate", channel))
    device, members = world.seat_changed(leg.seat, "INUSE")
    channel.goto("agents", "", 1)
    leg.answered_us = world.emit(
        var_set(caller, "DIALSTATUS", "ANSWER"),
        var_set(caller, "DIALEDPEERNAME", channel.name),
        var_set(caller, "DIALEDPEERNUMBER", leg.seat.number),
        on_pair("DialEnd", CALL, caller, channel, b"DialStatus: ANSWER\r\n"),
    )
    answered: list[Event] = []
    if caller.state != 6:
        caller.set_state(6)
        answered.append(on_channel("Newstate", caller))
    world.race(answered, device, members)
    join_bridge(world, channel, caller)


def blind_transfer(world: World, call: Call, leg: Leg, target: Seat, talk_s: float) -> Steps:
    """REFER from the seat's phone; the caller's channel then dials the second seat."""
    customer, seat = call.customer, leg.channel
    bridge = seat.bridge
    assert bridge is not None
    world.take_seat(target)
    world.emit(
        on_channel("Unhold", seat),
        var_set(seat, "BLINDTRANSFER", customer.name),
        var_set(customer, "BLINDTRANSFER", seat.name),
        var_set(customer, "SIPTRANSFER", "yes"),
        *unbridge_variables(customer, seat),
    )
    transferee = customer.block("Transferee")
    bridge_before = bridge.block()
    customer.goto("agents", target.number, 1)
    customer.application = "Dial"
    customer.application_data = f"{target.device},60"
    left = world.leave(customer)
    at_us = world.emit(*left)
    world.emit(
        event(
            "BlindTransfer",
            CALL,
            b"Result: Success\r\n",
            seat.block("Transferer"),
            transferee,
            bridge_before,
            fields(IsExternal="Yes", Context="agents", Extension=target.number),
        )
    )
    world.emit(*agent_complete(world, call, leg, "transfer"))
    world.emit(*world.leave(seat), *quality(seat, None))
    second = Leg(
        target,
        new_seat_channel(world, target, customer.linkedid),
        target.person.label if target.person else target.device,
        None,
        "inbound",
        offered_us=world.last_us,
    )
    call.legs.append(second)
    gone = world.gone(seat, 16)
    device, members = world.seat_changed(leg.seat, "NOT_INUSE")
    world.race([*gone, *device], members)
    call.close_leg(leg, at_us, "answered", "transfer")
    world.release_seat(leg.seat, leg.queue.spec.wrapup_s if leg.queue else 0.5)
    ring_by_dial(world, customer, second)
    yield world.rng.uniform(1.5, 6.0)
    answer_dial(world, customer, second)
    yield talk_s
    finish(world, call, second, end_by_customer(world, call, second), "caller")
