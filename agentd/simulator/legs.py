"""One call and its legs while they are alive, and the event sequences that every program shares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from agentd.simulator.config import Program
from agentd.simulator.model import Member, Queue, Seat
from agentd.simulator.pbx import FAR_FUTURE_US, Process, World
from agentd.simulator.truth import (
    CallOutcome,
    CallTruth,
    Direction,
    EndedBy,
    HoldTruth,
    LegTruth,
    Outcome,
)
from agentd.simulator.wire import (
    AGENT,
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

TRUNK: Final = "PJSIP/trunk"
SAME_MOMENT_US: Final = 50_000
LATE_COMPLETE_SHARE: Final = 0.1

_QOS: Final = tuple("RTPAUDIOQOS" + kind for kind in ("", "JITTER", "LOSS", "RTT", "MES"))
_QOS_VALUE: Final = (
    "ssrc=464100170;themssrc=0;lp=1;rxjitter=0.000000;rxcount=0;txjitter=0.000000;"
    "txcount=550;rlp=0;rtt=0.000000;rxmes=0.000000;txmes=87.675903"
)


@dataclass(slots=True, eq=False)
class Leg:
    """A seat's part of a call in the making; `close` turns it into truth."""

    seat: Seat
    channel: Channel
    agent: str
    queue: Queue | None
    direction: Direction
    offered_us: int
    ringing_us: int | None = None
    answered_us: int | None = None
    held_us: int | None = None
    holds: list[HoldTruth] = field(default_factory=list)

    @property
    def member(self) -> Member | None:
        return next((m for m in self.seat.members if m.queue is self.queue), None)


@dataclass(slots=True, eq=False, weakref_slot=True)
class Call:
    """A call in progress. The `*_s` fields fix what a program otherwise draws."""

    world: World
    program: Program
    caller: str
    queue: Queue | None = None
    ring_s: float | None = None
    talk_s: float | None = None
    hold_s: float | None = None
    process: Process = field(default_factory=Process)
    channel: Channel | None = None
    started_us: int = 0
    joined_us: int = 0
    answered_us: int = 0
    give_up_us: int = FAR_FUTURE_US
    expire_us: int = FAR_FUTURE_US
    offers: int = 0
    wants_seat: bool = False
    priority: int = 0
    legs: list[Leg] = field(default_factory=list)
    """Those that are not over."""

    def __post_init__(self) -> None:
        self.world.calls.add(self)

    @property
    def root(self) -> Channel | None:
        """The channel that all others of the call are linked to; None before the first one."""
        return self.channel or (self.legs[0].channel if self.legs else None)

    @property
    def customer(self) -> Channel:
        assert self.channel is not None, "the call has not begun"
        return self.channel

    def close_leg(
        self, leg: Leg, ended_us: int, outcome: Outcome, ended_by: EndedBy | None = None
    ) -> None:
        """Write the leg's truth down."""
        end_hold(leg, ended_us)
        if leg in self.legs:
            self.legs.remove(leg)
        ring_end_us = leg.answered_us or ended_us
        # On a call of the seat's own nobody waits for it.
        ringing_us = leg.ringing_us if leg.direction != "outbound" else None
        owner = self.customer if leg.direction == "inbound" else leg.channel
        self.world.truth.legs.append(
            LegTruth(
                call=owner.uniqueid,
                leg=leg.channel.uniqueid,
                seat=leg.seat.device,
                agent=leg.agent,
                queue=leg.queue.spec.name if leg.queue else None,
                direction=leg.direction,
                caller=self.caller,
                program=self.program.value,
                offered_at=leg.offered_us / 1e6,
                ringing_at=ringing_us / 1e6 if ringing_us else None,
                answered_at=leg.answered_us / 1e6 if leg.answered_us else None,
                ended_at=ended_us / 1e6,
                ring_s=(ring_end_us - ringing_us) / 1e6 if ringing_us else None,
                talk_s=(ended_us - leg.answered_us) / 1e6 if leg.answered_us else None,
                holds=tuple(leg.holds),
                outcome=outcome,
                ended_by=ended_by,
            )
        )

    def overtakes(
        self, at_us: int, outcome: Literal["answered_elsewhere", "caller_gave_up"]
    ) -> None:
        """Another phone answered, or the customer hung up. Whether that or the phone's own refusal
        ended an offer that ended a moment before cannot be told, and a refusal is the last among
        these outcomes."""
        legs = self.world.truth.legs
        for n in reversed(range(len(legs))):
            leg = legs[n]
            if leg.ended_at * 1e6 + SAME_MOMENT_US < at_us:
                break
            if leg.call == self.customer.uniqueid and leg.outcome == "rejected":
                legs[n] = replace(leg, outcome=outcome)

    def close(self, ended_us: int, left_us: int, outcome: CallOutcome) -> None:
        """Write the call's truth down; `left_us` is when it was answered or left the queue."""
        assert self.queue is not None
        self.world.truth.calls.append(
            CallTruth(
                call=self.customer.uniqueid,
                queue=self.queue.spec.name,
                caller=self.caller,
                program=self.program.value,
                started_at=self.started_us / 1e6,
                ended_at=ended_us / 1e6,
                wait_s=(left_us - self.joined_us) / 1e6,
                outcome=outcome,
            )
        )


def end_hold(leg: Leg, at_us: int, kind: Literal["hold", "consult"] = "hold") -> None:
    """Close a running hold, if there is one."""
    if leg.held_us is not None:
        leg.holds.append(HoldTruth(kind, leg.held_us / 1e6, (at_us - leg.held_us) / 1e6))
        leg.held_us = None


def member_fields(leg: Leg) -> bytes:
    assert leg.queue is not None
    return (
        f"Queue: {leg.queue.spec.name}\r\nInterface: {leg.seat.device}\r\n"
        f"MemberName: {leg.agent}\r\n"
    ).encode()


def new_seat_channel(world: World, seat: Seat, linkedid: str | None) -> Channel:
    """The phone's channel as a dial makes it: Down, in its own context."""
    channel = world.new_channel(
        seat.device,
        state=0,
        number=seat.number,
        name=f"Seat {seat.number}",
        context="agents",
        exten="s",
        linkedid=linkedid,
    )
    world.emit(var_set(channel, "DIALEDPEERNUMBER", seat.number))
    return channel


def quality(channel: Channel, peer: Channel | None) -> list[Event]:
    """The RTP statistics that a channel leaves behind as variables."""
    said: list[Event] = []
    for name in _QOS:
        said.append(var_set(channel, name, _QOS_VALUE))
        if peer is not None:
            said.append(var_set(peer, name + "BRIDGED", _QOS_VALUE))
    return said


def join_bridge(world: World, seat: Channel, customer: Channel) -> None:
    """Bridge two answered channels, the dialled one first."""
    world.new_bridge(seat, customer)
    world.emit(
        var_set(seat, "BRIDGEPEER", customer.name),
        var_set(seat, "BRIDGEPVTCALLID", customer.uniqueid),
        var_set(customer, "BRIDGEPEER", seat.name),
        var_set(customer, "BRIDGEPVTCALLID", seat.uniqueid),
    )


def unbridge_variables(*channels: Channel) -> list[Event]:
    return [
        var_set(channel, name, "")
        for channel in channels
        for name in ("BRIDGEPEER", "BRIDGEPVTCALLID")
    ]


def hangup_request(channel: Channel, *, dialled: bool) -> Event:
    """The far end hangs up; Asterisk names the cause where Dial(), not a queue, made the call."""
    return on_channel("HangupRequest", channel, fields(Cause=16) if dialled else b"")


def soft_hangup(channel: Channel, cause: int) -> Event:
    return on_channel("SoftHangupRequest", channel, fields(Cause=cause))


def agent_complete(
    world: World, call: Call, leg: Leg, reason: str, *, alone: bool = False
) -> list[Event]:
    """AgentComplete and the member's figures; nothing for a leg that no queue offered.

    `alone`: the queue comes to it when both channels are gone, so that it names neither.
    """
    member = leg.member
    if leg.queue is None or member is None or leg.answered_us is None:
        return []
    now_us = world.clock_us
    hold_s = (call.answered_us - call.joined_us) // 1_000_000
    talk_s = (now_us - leg.answered_us) // 1_000_000
    member.calls_taken += 1
    member.last_call = now_us // 1_000_000
    member.in_call = False
    queue = leg.queue
    queue.completed += 1
    queue.holdtime_s = (queue.holdtime_s * 3 + hold_s) // 4
    queue.talktime_s = (queue.talktime_s * 3 + talk_s) // 4
    tail = f"HoldTime: {hold_s}\r\nTalkTime: {talk_s}\r\nReason: {reason}\r\n".encode()
    if alone:
        return [event("AgentComplete", AGENT, member_fields(leg), tail)]
    return [on_pair("AgentComplete", AGENT, call.customer, leg.channel, member_fields(leg), tail)]


def hold_for(world: World, call: Call, leg: Leg) -> None:
    """The seat's phone puts the customer on hold."""
    seat, customer = leg.channel, call.customer
    leg.held_us = world.emit(on_channel("Hold", seat, b"MusicClass: default\r\n"))
    customer.held = True
    world.race(
        [on_channel("MusicOnHoldStart", customer, b"Class: default\r\n")],
        world.device_changed(customer.device),
    )


def unhold(world: World, call: Call, leg: Leg) -> None:
    """The seat's phone takes the customer back."""
    customer = call.customer
    end_hold(leg, world.emit(on_channel("Unhold", leg.channel)))
    customer.held = False
    world.race(
        [on_channel("MusicOnHoldStop", customer)],
        world.device_changed(customer.device),
    )


def end_by_customer(world: World, call: Call, leg: Leg) -> int:
    """The customer's far end hangs up a bridged call; returns when."""
    customer, seat = call.customer, leg.channel
    world.emit(*quality(customer, seat))
    at_us = world.emit(hangup_request(customer, dialled=leg.queue is None))
    if customer.held:
        customer.held = False
        world.emit(on_channel("MusicOnHoldStop", customer))
    world.emit(*unbridge_variables(customer, seat), *world.leave(customer))
    late = world.rng.random() < LATE_COMPLETE_SHARE
    complete = agent_complete(world, call, leg, "caller", alone=late)
    world.race(
        world.leave(seat),
        [soft_hangup(customer, 16), *quality(seat, None)],
        [] if late else complete,
    )
    gone = world.gone(customer, 16)
    device, members = world.seat_changed(leg.seat, "NOT_INUSE")
    world.race([*gone, *world.device_changed(customer.device)], world.gone(seat, 16))
    world.race(device, members, complete if late else [])
    return at_us


def end_by_seat(world: World, call: Call, leg: Leg, *, system: bool = False) -> int:
    """The seat's phone, or a command on its channel (`system`), ends a bridged call."""
    customer, seat = call.customer, leg.channel
    if system:
        at_us = world.emit(soft_hangup(seat, 32))
    else:
        world.emit(*quality(seat, customer))
        at_us = world.emit(hangup_request(seat, dialled=leg.queue is None))
    customer.held = False
    world.emit(*unbridge_variables(customer, seat))
    left = world.leave(seat)
    last = world.leave(customer)
    world.race([*left, last[0]], agent_complete(world, call, leg, "agent"))
    gone = world.gone(seat, 16)
    trunk = world.gone(customer, 16)
    device, members = world.seat_changed(leg.seat, "NOT_INUSE")
    world.race(
        [*gone, *last[1:]],
        [soft_hangup(customer, 16), *quality(customer, None), *trunk],
    )
    world.race(device, members, world.device_changed(customer.device))
    return at_us


def dial_fields(string: str) -> bytes:
    return f"DialString: {string}\r\n".encode()


def begin_ringing(seat: Channel) -> list[Event]:
    """The phone rings: what its own channel says of it."""
    seat.set_state(5)
    return [
        on_channel("Newstate", seat),
        new_exten(seat, "AppQueue", "(Outgoing Line)"),
        on_channel("NewConnectedLine", seat),
    ]


def dial_rings(customer: Channel, seat: Channel) -> Event:
    """What the queue says of the same, in a thread of its own."""
    return on_pair("DialState", CALL, customer, seat, b"DialStatus: RINGING\r\n")


def queue_left(world: World, call: Call) -> list[Event]:
    """QueueCallerLeave with the queue's own pseudo device before it, if it empties."""
    queue = call.queue
    assert queue is not None
    block = queue.caller_block(call)
    position = block.rpartition(b"Count: ")[0]
    queue.callers.remove(call)
    count = len(queue.callers)
    left = event(
        "QueueCallerLeave", AGENT, call.customer.block(), position, f"Count: {count}\r\n".encode()
    )
    if count:
        return [left]
    return [*world.pseudo_device(f"Queue:{queue.spec.name}", "NOT_INUSE"), left]


def finish(
    world: World, call: Call, leg: Leg, at_us: int, by: Literal["caller", "agent", "system"]
) -> None:
    """Free the seat and write down an answered call that is over."""
    call.close_leg(leg, at_us, "answered", by)
    if call.queue is not None and call.joined_us:
        call.close(at_us, call.answered_us, "answered")
    wrapup_s = leg.queue.spec.wrapup_s if leg.queue else 0.5
    world.release_seat(leg.seat, wrapup_s)
