"""The attended transfer: the customer hears music while the seat consults through a Local channel.

The order of events is that of a recording of `Atxfer`; the transferer hangs up a moment before the
transfer is announced.
"""

from __future__ import annotations

from agentd.simulator.legs import (
    Call,
    Leg,
    agent_complete,
    end_hold,
    finish,
    hangup_request,
    join_bridge,
    new_seat_channel,
    soft_hangup,
)
from agentd.simulator.model import Seat
from agentd.simulator.pbx import Steps, World
from agentd.simulator.wire import (
    CALL,
    Bridge,
    Channel,
    event,
    fields,
    new_caller_id,
    new_exten,
    on_channel,
    on_pair,
    var_set,
)

RINGING = b"DialStatus: RINGING\r\n"
ANSWERED = b"DialStatus: ANSWER\r\n"


def attended_transfer(world: World, call: Call, leg: Leg, target: Seat, talk_s: float) -> Steps:
    """Hold, consult, hand over by hanging up; the second seat then talks for `talk_s`."""
    rng = world.rng
    world.take_seat(target)
    _hold(world, call, leg)
    yield 0.25
    second, near, far = _begin_consultation(world, call, leg, target)
    yield rng.uniform(1.5, 5.0)
    _answer_consultation(world, second, near, far)
    yield rng.uniform(4.0, 12.0)
    _hand_over(world, call, leg, second, near)
    yield talk_s
    at_us = _end(world, call, second, near, far)
    finish(world, call, second, at_us, "caller")


def _hold(world: World, call: Call, leg: Leg) -> None:
    customer = call.customer
    leg.held_us = world.emit(on_channel("Hold", leg.channel))
    customer.held = True
    world.race(
        [on_channel("MusicOnHoldStart", customer, b"Class: default\r\n")],
        world.device_changed(customer.device),
    )


def _begin_consultation(
    world: World, call: Call, leg: Leg, target: Seat
) -> tuple[Leg, Channel, Channel]:
    """Returns the second seat's leg and the two halves of the Local channel."""
    seat, linkedid = leg.channel, call.customer.linkedid
    near, far = world.local_pair(f"Local/{target.number}@agents", target.number, linkedid)
    for half in (near, far):
        world.emit(
            var_set(half, "TRANSFERERNAME", seat.name), var_set(half, "ATTENDEDTRANSFER", seat.name)
        )
    consultation = world.open_bridge()
    far.show_as(seat.caller_number, seat.caller_name)
    world.emit(
        new_caller_id(far),
        event(
            "LocalBridge",
            CALL,
            near.block("LocalOne"),
            far.block("LocalTwo"),
            fields(Context="agents", Exten=target.number, LocalOptimization="Yes"),
        ),
        new_exten(far, "Dial", f"{target.device},60"),
    )
    far.application = "Dial"
    far.application_data = f"{target.device},60"
    phone = new_seat_channel(world, target, linkedid)
    phone.connect_to(seat)
    phone.goto("agents", target.number, 1)
    near.connect_to(seat)
    world.emit(
        new_exten(phone, "AppDial", "(Outgoing Line)"),
        on_channel("NewConnectedLine", phone),
        on_channel("NewConnectedLine", near),
        world.enter(consultation, near),
        *world.leave(seat),
        world.enter(consultation, seat),
    )
    agent = target.person.label if target.person else target.device
    second = Leg(target, phone, agent, None, "inbound", offered_us=0)
    call.legs.append(second)
    dial_string = f"DialString: {target.number}\r\n".encode()
    second.offered_us = world.emit(on_pair("DialBegin", CALL, far, phone, dial_string))
    far.connect_to(phone)
    world.emit(on_channel("NewConnectedLine", far))
    _ring(world, leg, second, near, far)
    return second, near, far


def _ring(world: World, leg: Leg, second: Leg, near: Channel, far: Channel) -> None:
    seat, phone = leg.channel, second.channel
    second.ringing_us = world.last_us
    phone.set_state(5)
    near.set_state(5)
    rings = [on_channel("Newstate", phone), on_channel("Newstate", near)]
    near.show_as(phone.caller_number, phone.caller_name)
    rings += [new_caller_id(near), on_pair("DialState", CALL, far, phone, RINGING)]
    seat.connected_number = seat.connected_name = "<unknown>"
    seat.rendered.clear()
    rings.append(on_channel("NewConnectedLine", seat))
    rings.append(event("DialState", CALL, near.block("Dest"), RINGING))
    seat.connect_to(phone)
    rings.append(on_channel("NewConnectedLine", seat))
    device, members = world.seat_changed(second.seat, "RINGING")
    world.race(rings, [*device, *world.device_changed(near.device)], members)


def _answer_consultation(world: World, second: Leg, near: Channel, far: Channel) -> None:
    phone = second.channel
    phone.set_state(6)
    world.emit(on_channel("Newstate", phone))
    phone.goto("agents", "", 1)
    second.answered_us = world.emit(on_pair("DialEnd", CALL, far, phone, ANSWERED))
    near.set_state(6)
    answered = [
        on_channel("Newstate", near),
        event("DialEnd", CALL, near.block("Dest"), ANSWERED),
    ]
    far.set_state(6)
    answered.append(on_channel("Newstate", far))
    device, members = world.seat_changed(second.seat, "INUSE")
    world.race(answered, device, members)
    join_bridge(world, phone, far)


def _merge(target: Bridge, source: Bridge) -> bytes:
    return target.block("To") + source.block("From")


def _hand_over(world: World, call: Call, leg: Leg, second: Leg, near: Channel) -> None:
    customer, seat, phone = call.customer, leg.channel, second.channel
    main, consultation = customer.bridge, seat.bridge
    assert main is not None
    assert consultation is not None
    world.emit(hangup_request(seat, dialled=False))
    customer.held = False
    world.emit(
        on_channel("MusicOnHoldStop", customer),
        event("BridgeMerge", CALL, _merge(main, consultation)),
        *world.leave(near),
        world.enter(main, near),
        *world.device_changed(customer.device),
    )
    near.connect_to(customer)
    at_us = world.emit(
        on_channel("NewConnectedLine", near),
        event(
            "AttendedTransfer",
            CALL,
            b"Result: Success\r\n",
            seat.block("OrigTransferer"),
            main.block("Orig"),
            seat.block("SecondTransferer"),
            consultation.block("Second"),
            customer.block("Transferee"),
            near.block("TransferTarget"),
            fields(IsExternal="No", DestType="Bridge", DestBridgeUniqueid=main.uniqueid),
        ),
    )
    end_hold(leg, at_us, "consult")
    customer.connect_to(phone)
    world.emit(on_channel("NewConnectedLine", customer))
    left = world.leave(seat)
    phone.connect_to(customer)
    world.race(
        left,
        [on_channel("NewConnectedLine", phone)],
        agent_complete(world, call, leg, "transfer"),
    )
    device, members = world.seat_changed(leg.seat, "NOT_INUSE")
    world.emit(*world.gone(seat, 16))
    world.race(device, members)
    call.close_leg(leg, at_us, "answered", "transfer")
    world.release_seat(leg.seat, leg.queue.spec.wrapup_s if leg.queue else 0.5)


def _end(world: World, call: Call, second: Leg, near: Channel, far: Channel) -> int:
    """The customer hangs up; the Local channel carries it on to the second seat."""
    customer, phone = call.customer, second.channel
    at_us = world.emit(hangup_request(customer, dialled=False))
    world.emit(*world.leave(customer))
    near_left = world.leave(near)
    world.race([soft_hangup(customer, 16)], [near_left[0], hangup_request(far, dialled=True)])
    gone = [*world.gone(near, 16), *near_left[1:]]
    trunk = world.gone(customer, 16)
    world.race(gone, [*trunk, *world.device_changed(customer.device)])
    far.show_as(customer.caller_number, customer.caller_name)
    world.emit(new_caller_id(far), *world.leave(far))
    phone_left = world.leave(phone)
    world.race([soft_hangup(far, 16), *world.gone(far, 16)], phone_left)
    world.emit(*world.gone(phone, 16))
    device, members = world.seat_changed(second.seat, "NOT_INUSE")
    world.race(device, members, world.device_changed(near.device))
    return at_us
