"""What a client may do to calls that go on: listen, hang up, redirect, let a caller go ahead.

A call that is ended or moved is ended or moved whole: of several phones that ring for it, all stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from agentd.simulator.calls import leave_queue, queued
from agentd.simulator.legs import Call, agent_complete, soft_hangup
from agentd.simulator.model import Seat
from agentd.simulator.outbound import ring_seat
from agentd.simulator.pbx import Process, Steps, World
from agentd.simulator.snapshot import action_id, list_end, list_start
from agentd.simulator.wire import CALL, Channel, Event, event, fields, on_channel, on_pair

Headers = Mapping[str, str]

REDIRECT_CONTEXT: Final = "agentd-redirect"
"""Where the simulated dialplan has the numbers of its seats and queues."""
DIAL_CONTEXT: Final = "agents"
PICKS_UP_S: Final = 1.5
LOOKS_EVERY_S: Final = 0.2


class Unknown(LookupError):
    """There is no such thing; the message is what Asterisk says."""


# --- which call -------------------------------------------------------------------------------


def _call_of(world: World, uid: str) -> Call:
    channel = world.channels.get(uid)
    for call in world.calls:
        root = call.root
        alive = call.process.steps is not None
        if alive and channel is not None and root is not None and root.linkedid == channel.linkedid:
            return call
    raise Unknown("No such channel")


def _break_off(process: Process) -> None:
    """The program goes no further."""
    steps, process.steps = process.steps, None
    process.turn += 1
    if steps is not None:
        steps.close()


# --- ending and moving ------------------------------------------------------------------------


def hang_up(world: World, headers: Headers) -> str:
    """Hangup of a channel by its Uniqueid; the answer's message. Raises :class:`Unknown`."""
    uid = headers.get("channel", "")
    spy = world.spies.get(uid)
    if spy is not None:
        _break_off(spy)
        _spy_ends(world, uid)
        return "Channel Hungup"
    call = _call_of(world, uid)
    _break_off(call.process)
    _part(world, call, stays=False)
    return "Channel Hungup"


def redirect(world: World, headers: Headers) -> str:
    """Redirect of a customer's channel, by its Uniqueid, to a seat or a queue; as above."""
    call = _call_of(world, headers.get("channel", ""))
    exten = headers.get("exten", "")
    if call.channel is None or headers.get("channel") != call.channel.uniqueid:
        raise Unknown("Channel does not exist: " + headers.get("channel", ""))
    _break_off(call.process)
    _part(world, call, stays=True)
    call.customer.goto(headers.get("context", ""), exten, 1)
    call.process = world.spawn(lambda process: _goes_to(world, call, exten))
    return "Redirect successful"


def _goes_to(world: World, call: Call, exten: str) -> Steps:
    customer = call.customer
    yield 0.0
    queue = next((queue for queue in world.queues if queue.spec.exten == exten), None)
    seat = next((seat for seat in world.seats if seat.number == exten), None)
    if queue is not None:
        call.queue, call.offers, call.answered_us, call.priority = queue, 0, 0, 0
        yield from queued(world, call, queue)
    elif seat is not None and not seat.busy and seat.device_state == "NOT_INUSE":
        world.take_seat(seat)
        customer.application, customer.application_data = "Dial", f"{seat.device},30"
        yield from ring_seat(world, call, seat)
    else:
        # Nobody there, or busy: the dialplan has nothing more for the call.
        _customer_goes(world, call, 17)


def _part(world: World, call: Call, *, stays: bool) -> None:
    """End every seat's part of the call, and the customer's unless he stays."""
    root = call.root
    assert root is not None
    customer = call.channel
    legs = list(call.legs)
    linked = [
        channel
        for channel in world.channels.values()
        if channel.linkedid == root.linkedid and channel is not customer
    ]
    for leg in legs:
        if leg.answered_us is None and customer is not None:
            cancelled = b"DialStatus: CANCEL\r\n"
            world.emit(on_pair("DialEnd", CALL, customer, leg.channel, cancelled))
    if customer is not None:
        if customer.held:
            customer.held = False
            world.emit(on_channel("MusicOnHoldStop", customer))
        if call.queue is not None and call in call.queue.callers:
            leave_queue(world, call)
        world.emit(*world.leave(customer))
        if not stays:
            world.emit(soft_hangup(customer, 16))
    at_us = world.last_us
    for leg in legs:
        if leg.answered_us is not None and customer is not None:
            world.emit(*agent_complete(world, call, leg, "caller"))
    for channel in linked:
        world.emit(*world.leave(channel), *world.gone(channel, 16))
    for leg in legs:
        world.race(*world.seat_changed(leg.seat, "NOT_INUSE"))
        if leg.answered_us is not None:
            call.close_leg(leg, at_us, "answered", "supervisor")
        else:
            call.close_leg(leg, at_us, "failed")
        world.release_seat(leg.seat)
    call.wants_seat = False
    if customer is not None and not stays:
        _customer_goes(world, call, 16, requested=True)


def _customer_goes(world: World, call: Call, cause: int, *, requested: bool = False) -> None:
    customer = call.customer
    if not requested:
        world.emit(soft_hangup(customer, 16))
    world.emit(*world.gone(customer, cause), *world.device_changed(customer.device))


# --- queues -----------------------------------------------------------------------------------


def change_priority(world: World, headers: Headers) -> str:
    """QueueChangePriorityCaller; as above."""
    failed = "Unable to change priority caller on queue: No such "
    queue = world.queue_of.get(headers.get("queue", ""))
    if queue is None:
        raise Unknown(failed + "queue")
    name = headers.get("caller", "")
    call = next((one for one in queue.callers if one.customer.name == name), None)
    if call is None:
        raise Unknown(failed + "caller")
    call.priority = int(headers.get("priority", "0"))
    if headers.get("immediate", "").lower() in ("1", "true", "yes"):
        queue.callers.sort(key=lambda one: (-one.priority, one.joined_us))
    return "Priority change for caller on queue"


# --- listening --------------------------------------------------------------------------------


def spy(world: World, headers: Headers) -> str:
    """Originate of a phone that ChanSpy connects to another channel; as above."""
    device, uid = headers.get("channel", ""), headers.get("channelid", "")
    seat = next((seat for seat in world.seats if seat.device == device), None)
    if (seat is None and device not in world.config.offices) or not uid:
        raise Unknown("Channel not specified")
    if seat is not None and seat.busy:
        # It is queued all the same; a phone in use does not take it.
        return "Originate successfully queued"
    target = headers.get("data", "").partition(",")[0]
    ident = headers.get("actionid", "")
    world.spies[uid] = world.spawn(lambda process: _spies(world, device, seat, uid, target, ident))
    return "Originate successfully queued"


def _spies(
    world: World, device: str, seat: Seat | None, uid: str, target: str, ident: str
) -> Steps:
    number = device.rpartition("/")[2]
    if seat is not None:
        world.take_seat(seat)
    phone = world.new_channel(
        device, state=0, number=number, name=f"Seat {number}", context=DIAL_CONTEXT, exten="s",
        uniqueid=uid,
    )  # fmt: skip
    dialled = f"DialString: {number}\r\n".encode()
    world.emit(event("DialBegin", CALL, phone.block("Dest"), dialled))
    phone.set_state(5)
    world.emit(on_channel("Newstate", phone), *_in_use(world, device, seat, "RINGING"))
    yield PICKS_UP_S
    phone.set_state(6)
    phone.application, phone.application_data = "ChanSpy", f"{target},quES"
    world.emit(
        on_channel("Newstate", phone),
        event("DialEnd", CALL, phone.block("Dest"), b"DialStatus: ANSWER\r\n"),
        event(
            "OriginateResponse",
            CALL,
            fields(ActionID=ident, Response="Success", Channel=phone.name, Application="ChanSpy"),
            fields(Reason=4, Uniqueid=uid, CallerIDNum=number, CallerIDName="<unknown>"),
        ),
        *_in_use(world, device, seat, "INUSE"),
    )
    spied = world.channels.get(target)
    if spied is not None:
        both = (phone.block("Spyer"), spied.block("Spyee"))
        world.emit(event("ChanSpyStart", CALL, *both))
        while world.channels.get(target) is spied:
            yield LOOKS_EVERY_S
        world.emit(event("ChanSpyStop", CALL, *both))
    _spy_ends(world, uid)


def _in_use(world: World, device: str, seat: Seat | None, state: str) -> list[Event]:
    if seat is None:
        return world.device_changed(device)
    changed, members = world.seat_changed(seat, state)
    return [*changed, *members]


def _spy_ends(world: World, uid: str) -> None:
    world.spies.pop(uid, None)
    phone: Channel | None = world.channels.get(uid)
    if phone is None:
        return
    seat = next((seat for seat in world.seats if seat.device == phone.device), None)
    world.emit(*world.gone(phone, 16), *_in_use(world, phone.device, seat, "NOT_INUSE"))
    if seat is not None:
        world.release_seat(seat)


# --- the dialplan -----------------------------------------------------------------------------


def show_dialplan(world: World, ident: str, headers: Headers) -> Iterator[bytes]:
    """The list that ShowDialPlan answers with for one extension. Raises :class:`Unknown`."""
    context, exten = headers.get("context", ""), headers.get("extension", "")
    if context != REDIRECT_CONTEXT:
        raise Unknown(f"Did not find context {context}")
    known = {queue.spec.exten for queue in world.queues} | {seat.number for seat in world.seats}
    if exten not in known:
        raise Unknown(f"Did not find extension {exten}@{context}")
    item = (
        f"Event: ListDialplan\r\n{action_id(ident)}Context: {context}\r\nExtension: {exten}\r\n"
        f"Priority: 1\r\nApplication: Goto\r\nAppData: {exten},1\r\nRegistrar: pbx_config\r\n\r\n"
    ).encode()
    return iter(
        (
            list_start(ident, "DialPlan list will follow"),
            item,
            list_end("ShowDialPlanComplete", ident, 1),
        )
    )
