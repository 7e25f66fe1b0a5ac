"""Incoming queue calls: joining, offers to one seat or to several, answer, and every way out."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from agentd.simulator.config import Program
from agentd.simulator.consult import attended_transfer
from agentd.simulator.legs import (
    TRUNK,
    Call,
    Leg,
    begin_ringing,
    dial_fields,
    dial_rings,
    end_by_customer,
    end_by_seat,
    finish,
    hangup_request,
    hold_for,
    join_bridge,
    member_fields,
    new_seat_channel,
    queue_left,
    soft_hangup,
    unhold,
)
from agentd.simulator.manned import talk
from agentd.simulator.model import Queue, Seat
from agentd.simulator.pbx import Steps, World
from agentd.simulator.transfers import blind_transfer
from agentd.simulator.wire import AGENT, CALL, Event, event, new_exten, on_channel, on_pair, var_set

Behaviour = Literal["answer", "reject", "ignore", "dead", "person"]
RoundResult = Literal["answered", "again", "over"]

MAX_RINGALL = 4
# A phone that answers the INVITE at once rings before the queue has said that it called it.
EARLY_RING_SHARE = 0.1


def incoming(world: World, call: Call) -> Steps:
    """The whole life of a customer's call to a queue."""
    queue = call.queue
    assert queue is not None
    spec = queue.spec
    customer = world.new_channel(
        TRUNK, state=4, number=call.caller, name=call.caller, context="incoming", exten=spec.exten
    )
    call.channel = customer
    call.started_us = customer.created_us
    world.emit(var_set(customer, "SIPDOMAIN", "127.0.0.1"), new_exten(customer, "NoOp", spec.name))
    customer.goto("incoming", spec.exten, 2)
    world.emit(new_exten(customer, "Answer", ""))
    customer.set_state(6)
    world.emit(on_channel("Newstate", customer), *world.device_changed(TRUNK))
    if world.config.recordings is not None:
        world.emit(on_channel("MixMonitorStart", customer))
    yield 0.5
    yield from queued(world, call, queue)


def queued(world: World, call: Call, queue: Queue) -> Steps:
    """The life of a customer's call from joining ``queue`` on."""
    spec = queue.spec
    _join(world, call, queue)
    while True:
        seats = _pick(queue)
        if not seats:
            call.wants_seat = True
            woken = yield _until_limit_s(world, call)
            call.wants_seat = False
            if woken is None:
                _leave_waiting(world, call)
                return
            continue
        result, leg = yield from _round(world, call, queue, seats)
        if result == "over":
            return
        if result == "answered":
            assert leg is not None
            yield from _conversation(world, call, leg)
            return
        yield min(spec.retry_s, _until_limit_s(world, call))
        if _until_limit_s(world, call) <= 0:
            _leave_waiting(world, call)
            return


def _until_limit_s(world: World, call: Call) -> float:
    return max(0.0, (min(call.give_up_us, call.expire_us) - world.clock_us) / 1e6)


def _join(world: World, call: Call, queue: Queue) -> None:
    customer, rng = call.customer, world.rng
    customer.goto("incoming", queue.spec.exten, 3)
    customer.application = "Queue"
    customer.application_data = f"{queue.spec.name},tT,,,{queue.spec.max_wait_s:.0f}"
    world.emit(
        new_exten(customer, "Queue", customer.application_data),
        *(
            var_set(customer, name, "")
            for name in (
                "ANSWEREDTIME",
                "ANSWEREDTIME_MS",
                "DIALEDTIME",
                "DIALEDTIME_MS",
                "QUEUEWAIT",
                "QUEUEWAIT_MS",
            )
        ),
    )
    if not queue.callers:
        world.emit(*world.pseudo_device(f"Queue:{queue.spec.name}", "RINGING"))
    queue.callers.append(call)
    call.joined_us = world.emit(
        event("QueueCallerJoin", AGENT, customer.block(), queue.caller_block(call))
    )
    world.emit(on_channel("MusicOnHoldStart", customer, b"Class: default\r\n"))
    patience_s = rng.uniform(30.0, 90.0)
    expire_s = queue.spec.max_wait_s
    if call.program is Program.QUEUE_TIMEOUT:
        expire_s = min(expire_s, rng.uniform(6.0, 15.0))
        patience_s = expire_s + 60.0
    call.give_up_us = call.joined_us + round(patience_s * 1e6)
    call.expire_us = call.joined_us + round(expire_s * 1e6)


def _pick(queue: Queue) -> list[Seat]:
    """The seats to ring now: the longest free one, or up to four for `ringall`."""
    count = MAX_RINGALL if queue.spec.strategy == "ringall" else 1
    return [seat for seat, _ in zip(queue.free.values(), range(count), strict=False)]


# -- a round of ringing ---------------------------------------------------------------------------


def _plan(world: World, call: Call, seats: list[Seat]) -> list[tuple[float, Behaviour]]:
    """What each phone will do, and after how long."""
    rng, program, first = world.rng, call.program, call.offers == 0
    call.offers += 1
    plan: list[tuple[float, Behaviour]] = []
    quick = call.ring_s if call.ring_s is not None and first else rng.uniform(1.2, 6.5)
    for index, seat in enumerate(seats):
        if seat.manned:
            plan.append((0.0, "person"))
            continue
        if not first:
            plan.append((quick + 2.0 * index, "answer"))
            continue
        match program:
            case Program.LATE_ANSWER:
                late = call.ring_s if call.ring_s is not None else rng.uniform(10.8, 14.5)
                plan.append((late + 2.0 * index, "answer"))
            case Program.ABANDON | Program.ABANDON_LATE | Program.RING_OUT | Program.QUEUE_TIMEOUT:
                plan.append((0.0, "ignore"))
            case Program.REJECT if index == 0:
                plan.append((rng.uniform(1.5, 4.0), "reject"))
            case Program.UNREACHABLE if index == 0:
                plan.append((0.0, "dead"))
            case _:
                plan.append((quick + 2.0 * index, "answer"))
    if first and program is Program.ABANDON:
        call.give_up_us = world.clock_us + round(rng.uniform(2.5, 9.0) * 1e6)
    elif first and program is Program.ABANDON_LATE:
        call.give_up_us = world.clock_us + round(rng.uniform(10.8, 16.0) * 1e6)
    return plan


def _round(
    world: World, call: Call, queue: Queue, seats: list[Seat]
) -> Generator[float, Any, tuple[RoundResult, Leg | None]]:
    """Ring `seats` together until one answers, all are out, or the caller's limit comes."""
    plan = _plan(world, call, seats)
    legs = _dial(world, call, queue, seats, plan)
    begun_us = world.clock_us
    limit_us = min(call.give_up_us, call.expire_us)
    out_us = begun_us + round(queue.spec.ring_timeout_s * 1e6)
    steps: list[tuple[int, str, Leg | None]] = [
        (begun_us + round(after_s * 1e6), behaviour, leg)
        for leg, (after_s, behaviour) in zip(legs, plan, strict=True)
        if behaviour in ("answer", "reject")
    ]
    steps.append((limit_us, "limit", None))
    steps.append((out_us, "out", None))
    steps.sort(key=lambda step: step[0])
    ringing = list(legs)
    while steps:
        at_us, what, leg = steps[0]
        woken = yield max(0.0, (at_us - world.clock_us) / 1e6)
        if woken is None:
            steps.pop(0)
        else:
            # A person at one of the phones, who takes the call or refuses it.
            at_us, what = world.clock_us, "answer" if woken[0] == "answer" else "reject"
            leg = next((one for one in ringing if one.seat is woken[1]), None)
            if leg is None:
                continue
        if what == "limit" and at_us == call.give_up_us:
            _give_up(world, call, ringing)
            return "over", None
        if what in ("limit", "out"):
            ring_ms = (at_us - begun_us) // 1000
            if what == "out":
                _ring_out(world, call, ringing, ring_ms, "no_answer")
                return "again", None
            _ring_out(world, call, ringing, ring_ms, "queue_gave_up")
            _leave_waiting(world, call)
            return "over", None
        assert leg is not None
        steps = [step for step in steps if step[2] is not leg]
        if what == "reject":
            ringing.remove(leg)
            _reject(world, call, leg, (at_us - begun_us) // 1_000_000 * 1000)
            if not ringing:
                return "again", None
            continue
        ringing.remove(leg)
        _answer(world, call, queue, leg, ringing)
        return "answered", leg
    raise AssertionError("a round ends by its limit at the latest")


def _dial(
    world: World,
    call: Call,
    queue: Queue,
    seats: list[Seat],
    plan: list[tuple[float, Behaviour]],
) -> list[Leg]:
    customer = call.customer
    legs: list[Leg] = []
    threads: list[list[Event]] = []
    for seat, (_, behaviour) in zip(seats, plan, strict=True):
        world.take_seat(seat)
        seat.line = call if seat.manned else None
        channel = new_seat_channel(world, seat, customer.linkedid)
        before = channel.block("Dest")
        channel.connect_to(customer)
        channel.goto("agents", customer.exten, 1)
        agent = seat.person.label if seat.person else seat.device
        leg = Leg(seat, channel, agent, queue, "inbound", offered_us=0)
        legs.append(leg)
        call.legs.append(leg)
        if behaviour != "dead" and world.rng.random() < EARLY_RING_SHARE:
            leg.ringing_us = world.last_us
            world.emit(*begin_ringing(channel))
            before = channel.block("Dest")
        leg.offered_us = world.emit(
            on_pair("AgentCalled", AGENT, customer, channel, member_fields(leg))
        )
        world.emit(event("DialBegin", CALL, customer.block(), before, dial_fields(seat.device)))
        if len(seats) == 1:
            customer.connect_to(channel)
            world.emit(on_channel("NewConnectedLine", customer))
        if behaviour == "dead":
            continue
        rings: list[Event] = []
        if leg.ringing_us is None:
            leg.ringing_us = world.last_us
            rings = begin_ringing(channel)
        device, members = world.seat_changed(seat, "RINGING")
        threads += [[*rings, dial_rings(customer, channel)], device, members]
    world.race(*threads)
    return legs


def _answer(world: World, call: Call, queue: Queue, leg: Leg, losers: list[Leg]) -> None:
    customer, seat = call.customer, leg.channel
    seat.set_state(6)
    world.emit(on_channel("Newstate", seat))
    now_us = world.emit(on_pair("DialEnd", CALL, customer, seat, b"DialStatus: ANSWER\r\n"))
    leg.answered_us = call.answered_us = now_us
    call.overtakes(now_us, "answered_elsewhere")
    cancelled = b"DialStatus: CANCEL\r\n"
    for loser in losers:
        world.emit(on_pair("DialEnd", CALL, customer, loser.channel, cancelled))
    if customer.connected_number != seat.caller_number:
        customer.connect_to(seat)
        world.emit(on_channel("NewConnectedLine", customer))
    for loser in losers:
        world.emit(on_pair("DialEnd", CALL, customer, loser.channel, cancelled))
    device, members = world.seat_changed(leg.seat, "INUSE")
    wait_s = (now_us - call.joined_us) // 1_000_000
    ring_s = (now_us - leg.offered_us) // 1_000_000
    gone = [said for loser in losers for said in world.gone(loser.channel, 26)]
    left = queue_left(world, call)
    world.race(
        [
            on_channel("MusicOnHoldStop", customer),
            *gone,
            *left,
            var_set(customer, "QUEUEPOSITION", 1),
            var_set(customer, "QUEUEWAIT", wait_s),
            var_set(customer, "QUEUEWAIT_MS", wait_s * 1000),
        ],
        device,
        members,
    )
    tail = f"HoldTime: {wait_s}\r\nRingTime: {ring_s}\r\n".encode()
    world.emit(on_pair("AgentConnect", AGENT, customer, seat, member_fields(leg), tail))
    member = leg.member
    if member is not None:
        member.in_call = True
    join_bridge(world, seat, customer)
    for loser in losers:
        _free_unanswered(world, call, loser, "answered_elsewhere")


def _free_unanswered(
    world: World,
    call: Call,
    leg: Leg,
    outcome: Literal[
        "answered_elsewhere", "caller_gave_up", "rejected", "queue_gave_up", "no_answer"
    ],
) -> None:
    world.race(*world.seat_changed(leg.seat, "NOT_INUSE"))
    ended_us = world.last_us
    silent = leg.ringing_us is None and ended_us - leg.offered_us >= 1_000_000
    call.close_leg(leg, ended_us, "unreachable" if silent else outcome)
    world.release_seat(leg.seat)


def _reject(world: World, call: Call, leg: Leg, ring_ms: int) -> None:
    """486 from the phone."""
    customer, seat = call.customer, leg.channel
    world.emit(on_channel("HangupRequest", seat, b"Cause: 17\r\nTechCause: 486\r\n"))
    world.emit(on_pair("DialEnd", CALL, customer, seat, b"DialStatus: NOANSWER\r\n"))
    _no_answer(world, call, leg, ring_ms)
    world.emit(*world.gone(seat, 17, "486"))
    _free_unanswered(world, call, leg, "rejected")


def _no_answer(world: World, call: Call, leg: Leg, ring_ms: int) -> None:
    tail = f"RingTime: {ring_ms}\r\n".encode()
    world.emit(
        on_pair("AgentRingNoAnswer", AGENT, call.customer, leg.channel, member_fields(leg), tail)
    )


def _ring_out(
    world: World,
    call: Call,
    legs: list[Leg],
    ring_ms: int,
    outcome: Literal["no_answer", "queue_gave_up"],
) -> None:
    for leg in legs:
        _no_answer(world, call, leg, ring_ms)
    for leg in legs:
        world.emit(
            on_pair("DialEnd", CALL, call.customer, leg.channel, b"DialStatus: NOANSWER\r\n")
        )
    for leg in legs:
        world.emit(
            on_pair("DialEnd", CALL, call.customer, leg.channel, b"DialStatus: CANCEL\r\n"),
            *world.gone(leg.channel, 0),
        )
        if leg.ringing_us is None:
            world.emit(on_channel("NewConnectedLine", leg.channel))
        _free_unanswered(world, call, leg, outcome)


def _give_up(world: World, call: Call, legs: list[Leg]) -> None:
    """The caller hangs up while phones ring."""
    customer = call.customer
    at_us = world.emit(hangup_request(customer, dialled=False))
    cancelled = [
        on_pair("DialEnd", CALL, customer, leg.channel, b"DialStatus: CANCEL\r\n") for leg in legs
    ]
    world.emit(on_channel("MusicOnHoldStop", customer), *cancelled, *cancelled)
    for leg in legs:
        world.emit(*world.gone(leg.channel, 0))
    leave_queue(world, call, music=False)
    for leg in legs:
        _free_unanswered(world, call, leg, "caller_gave_up")
    world.emit(*_customer_goes(world, call, 0))
    call.close(at_us, at_us, "abandoned")


def _leave_waiting(world: World, call: Call) -> None:
    """The caller hangs up, or the queue lets the call go, while no phone rings."""
    gives_up = call.give_up_us <= call.expire_us
    at_us = world.last_us
    if gives_up:
        at_us = world.emit(hangup_request(call.customer, dialled=False))
        call.overtakes(at_us, "caller_gave_up")
    leave_queue(world, call)
    if not gives_up:
        call.customer.goto("incoming", call.customer.exten, 4)
    world.emit(*_customer_goes(world, call, 0 if gives_up else 16))
    call.close(at_us, at_us, "abandoned" if gives_up else "queue_gave_up")


def leave_queue(world: World, call: Call, *, music: bool = True) -> None:
    """The caller leaves the queue without having been answered."""
    queue, customer = call.queue, call.customer
    assert queue is not None
    position = queue.callers.index(call) + 1
    waited_s = (world.clock_us - call.joined_us) // 1_000_000
    tail = (
        f"Queue: {queue.spec.name}\r\nPosition: {position}\r\nOriginalPosition: {position}\r\n"
        f"HoldTime: {waited_s}\r\n"
    ).encode()
    queue.abandoned += 1
    world.emit(
        event("QueueCallerAbandon", AGENT, customer.block(), tail),
        *([on_channel("MusicOnHoldStop", customer)] if music else []),
        *queue_left(world, call),
    )


def _customer_goes(world: World, call: Call, cause: int) -> list[Event]:
    customer = call.customer
    return [
        soft_hangup(customer, 16),
        *world.gone(customer, cause),
        *world.device_changed(customer.device),
    ]


# -- the conversation -----------------------------------------------------------------------------


def _talk_s(world: World, call: Call) -> float:
    if call.talk_s is not None:
        return call.talk_s
    return world.rng.uniform(8.0, 45.0) * world.config.talk_scale


def _conversation(world: World, call: Call, leg: Leg) -> Steps:
    rng, program = world.rng, call.program
    if leg.seat.manned:
        ends = {"caller": end_by_customer, "agent": end_by_seat}
        yield from talk(world, call, leg, lambda by: ends[by](world, call, leg))
        return
    talk_s = _talk_s(world, call)
    holds = _holds(world, call)
    if program is Program.BLIND_TRANSFER or program is Program.ATTENDED_TRANSFER:
        yield min(talk_s, 12.0)
        target = world.any_free_seat(but=leg.seat)
        if target is not None:
            transfer = blind_transfer if program is Program.BLIND_TRANSFER else attended_transfer
            yield from transfer(world, call, leg, target, talk_s)
            return
    piece_s = talk_s / (len(holds) + 1)
    for hold_s in holds:
        yield piece_s if program is not Program.SHORT_HOLDS else rng.uniform(1.5, 4.0)
        hold_for(world, call, leg)
        yield hold_s
        if program is Program.LEAVES_IN_HOLD:
            finish(world, call, leg, end_by_customer(world, call, leg), "caller")
            return
        unhold(world, call, leg)
    yield piece_s
    if program is Program.AGENT_HANGS_UP:
        finish(world, call, leg, end_by_seat(world, call, leg), "agent")
    elif program is Program.SYSTEM_HANGUP:
        finish(world, call, leg, end_by_seat(world, call, leg, system=True), "system")
    else:
        finish(world, call, leg, end_by_customer(world, call, leg), "caller")


def _holds(world: World, call: Call) -> list[float]:
    rng = world.rng
    if call.hold_s is not None:
        return [call.hold_s]
    match call.program:
        case Program.LEAVES_IN_HOLD:
            return [rng.uniform(6.0, 40.0)]
        case Program.HOLD:
            return [rng.uniform(4.0, 28.0)]
        case Program.HOLD_BREACH:
            return [rng.uniform(32.0, 45.0)]
        case Program.HOLD_LONG:
            return [rng.uniform(62.0, 72.0)]
        case Program.SHORT_HOLDS:
            return [rng.uniform(5.0, 14.0) for _ in range(3)]
        case _:
            return []
