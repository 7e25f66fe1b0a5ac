"""The simulated PBX: a discrete-event world that turns call programs into AMI frames.

Pure and deterministic: the same configuration and start time give the same frames and the same
truth. Programs are generators that yield how many seconds they wait; the world runs them off a
heap. All times inside are whole microseconds since the epoch.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from agentd.simulator.config import SimConfig
from agentd.simulator.model import Queue, Seat, make_floor
from agentd.simulator.truth import Truth
from agentd.simulator.wire import (
    CALL,
    Bridge,
    Channel,
    Event,
    device_state,
    event,
    hangup,
    on_channel,
    stamp,
)

if TYPE_CHECKING:
    from agentd.simulator.legs import Call
    from agentd.simulator.model import Member

Steps = Generator[float, Any, None]
"""A program: yields seconds to wait, is sent None when they are over or what woke it earlier."""

Emission = tuple[int, int, bytes]
"""Time in µs, class bit, whole frame."""

FAR_FUTURE_US: Final = 1 << 62


class Process:
    """A running program; `turn` makes a wake-up that lost its race a no-op."""

    __slots__ = ("steps", "turn")

    def __init__(self) -> None:
        self.steps: Steps | None = None
        self.turn = 0


class World:
    """State of the simulated call centre plus the clock and heap that move it.

    `advance` runs everything that is due and returns the frames sent meanwhile. `clock_us` is the
    time of the last thing that happened; frames carry strictly rising timestamps.
    """

    def __init__(self, config: SimConfig, start_us: int) -> None:
        self.config = config
        self.rng = random.Random(config.seed)  # noqa: S311  reproducible, not secret
        self.start_us = start_us
        self.clock_us = start_us
        self.truth = Truth()
        self.queues, self.seats, self.off_shift = make_floor(config, self.rng)
        self.queue_of = {queue.spec.name: queue for queue in self.queues}
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.calls: WeakSet[Call] = WeakSet()
        """Those that somebody still knows; over where their process has no steps."""
        self.spies: dict[str, Process] = {}
        """Channels over which somebody listens."""
        self.devices: dict[str, str] = dict.fromkeys(config.offices, "NOT_INUSE")
        self._device_channels: dict[str, list[Channel]] = {}
        self._heap: list[tuple[int, int, Process, int, Any]] = []
        self._order = 0
        self._channel_count = 0
        self._unique_count = 0
        self._local_count = 0
        self._out: list[Emission] = []
        self._gaps = [self.rng.randrange(4, 60) for _ in range(509)]
        self._gap = 0
        self._last_us = start_us
        for seat in self.seats:
            seat.login_time = start_us // 1_000_000
            self.devices[seat.device] = seat.device_state
            for member in seat.members:
                member.queue.free[seat.number] = seat
        for queue in self.queues:
            queue.available = sum(1 for m in queue.members if self.is_available(m.seat))

    # -- time ---------------------------------------------------------------------------------

    @property
    def last_us(self) -> int:
        """The time now, or of the last frame where a burst ran ahead of it."""
        return max(self.clock_us, self._last_us)

    def next_at_us(self) -> int:
        """When the next thing is due; FAR_FUTURE_US when nothing is."""
        return self._heap[0][0] if self._heap else FAR_FUTURE_US

    def advance(self, until_us: int, *, stamp_from_us: int = 0) -> list[Emission]:
        """Run all that is due up to `until_us` and return the frames, in order of time.

        A live server that woke late passes its own time as `stamp_from_us`: what was due before
        then happens then, as on a real PBX, where nothing is stamped long before it is sent.
        """
        while self._heap and self._heap[0][0] <= until_us:
            at_us, _, process, turn, value = heapq.heappop(self._heap)
            if turn != process.turn or process.steps is None:
                continue
            self.clock_us = max(self.clock_us, at_us, stamp_from_us)
            self._resume(process, value)
        self.clock_us = max(self.clock_us, until_us)
        out, self._out = self._out, []
        return out

    def spawn(self, program: Callable[[Process], Steps], after_s: float = 0.0) -> Process:
        process = Process()
        process.steps = program(process)
        self._schedule(process, after_s, None)
        return process

    def wake(self, process: Process, value: Any) -> None:
        """Resume a waiting process now, with `value`; its own timeout is forgotten."""
        process.turn += 1
        self._schedule(process, 0.0, value)

    def _schedule(self, process: Process, after_s: float, value: Any) -> None:
        self._order += 1
        at_us = self.last_us + max(0, round(after_s * 1e6))
        heapq.heappush(self._heap, (at_us, self._order, process, process.turn, value))

    def _resume(self, process: Process, value: Any) -> None:
        assert process.steps is not None
        process.turn += 1
        try:
            wait_s = process.steps.send(value)
        except StopIteration:
            process.steps = None
            return
        self._schedule(process, wait_s, None)

    # -- sending ------------------------------------------------------------------------------

    def emit(self, *events: Event) -> int:
        """Send events one after the other; returns the time of the last one in µs."""
        for event_ in events:
            if event_[0] == 8 and not self.config.dialplan:
                continue
            self._gap = (self._gap + 1) % 509
            self._last_us = max(self.clock_us, self._last_us + self._gaps[self._gap])
            self._out.append((self._last_us, event_[0], stamp(event_, self._last_us)))
        return self._last_us

    def race(self, *threads: list[Event]) -> None:
        """Send several ordered lists at once, in any interleaving, as Asterisk's threads do."""
        order = [index for index, thread in enumerate(threads) for _ in thread]
        self.rng.shuffle(order)
        heads = [iter(thread) for thread in threads]
        for index in order:
            self.emit(next(heads[index]))

    # -- channels and bridges -----------------------------------------------------------------

    def new_channel(
        self,
        device: str,
        *,
        state: int,
        number: str,
        name: str,
        context: str,
        exten: str,
        linkedid: str | None = None,
        full_name: str = "",
        uniqueid: str = "",
    ) -> Channel:
        """Make a channel and announce it; without `full_name` it is the device and a number, and
        `uniqueid` is one that a client has asked for."""
        uniqueid = uniqueid or f"{self.last_us // 1_000_000}.{self._unique_count}"
        channel = Channel(
            full_name or f"{device}-{self._channel_count:08x}",
            device=device,
            uniqueid=uniqueid,
            linkedid=linkedid or uniqueid,
            created_us=self.last_us,
            state=state,
            caller_number=number,
            caller_name=name,
            context=context,
            exten=exten,
        )
        self._channel_count += not full_name
        self._unique_count += 1
        self.channels[uniqueid] = channel
        self._device_channels.setdefault(device, []).append(channel)
        self.emit(on_channel("Newchannel", channel))
        return channel

    def local_pair(self, device: str, exten: str, linkedid: str) -> tuple[Channel, Channel]:
        """The two halves of a Local channel: `;1` faces the caller, `;2` runs the dialplan."""
        number = self._local_count
        self._local_count += 1
        first, second = (
            self.new_channel(
                device,
                state=state,
                number="<unknown>",
                name="<unknown>",
                context="agents",
                exten=exten,
                linkedid=linkedid,
                full_name=f"{device}-{number:08x};{half}",
            )
            for half, state in ((1, 0), (2, 4))
        )
        return first, second

    def gone(self, channel: Channel, cause: int, tech_cause: str = "") -> list[Event]:
        """Take a channel away; returns its Hangup to be sent."""
        self.channels.pop(channel.uniqueid, None)
        self._device_channels[channel.device].remove(channel)
        return [hangup(channel, cause, tech_cause)]

    def new_bridge(self, *channels: Channel) -> Bridge:
        """Create a bridge and let the channels enter it, first named first."""
        bridge = self.open_bridge()
        for channel in channels:
            self.emit(self.enter(bridge, channel))
        return bridge

    def open_bridge(self) -> Bridge:
        """Create a bridge in which nobody is yet."""
        rng = self.rng
        text = f"{rng.getrandbits(128):032x}"
        name = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
        bridge = Bridge(name)
        self.bridges[name] = bridge
        self.emit(event("BridgeCreate", CALL, bridge.block()))
        return bridge

    def enter(self, bridge: Bridge, channel: Channel) -> Event:
        bridge.channels.append(channel)
        channel.bridge = bridge
        return event("BridgeEnter", CALL, bridge.block(), channel.block())

    def leave(self, channel: Channel) -> list[Event]:
        """BridgeLeave, followed by BridgeDestroy when the bridge is empty then."""
        bridge = channel.bridge
        if bridge is None:
            return []
        bridge.channels.remove(channel)
        channel.bridge = None
        left = [event("BridgeLeave", CALL, bridge.block(), channel.block())]
        if not bridge.channels:
            del self.bridges[bridge.uniqueid]
            left.append(event("BridgeDestroy", CALL, bridge.block()))
        return left

    # -- device states ------------------------------------------------------------------------

    def device_changed(self, device: str) -> list[Event]:
        """DeviceStateChange of a device without a seat (a trunk), if its state changed."""
        channels = [c for c in self._device_channels.get(device, []) if c.state]
        if not channels:
            state = "NOT_INUSE"
        elif all(channel.held for channel in channels):
            state = "ONHOLD"
        elif all(channel.state == 5 for channel in channels):
            state = "RINGING"
        else:
            state = "INUSE"
        if self.devices.get(device, "NOT_INUSE") == state:
            return []
        self.devices[device] = state
        return [device_state(device, state)]

    def pseudo_device(self, device: str, state: str) -> list[Event]:
        """DeviceStateChange of a `Queue:` device, if its state changed."""
        if self.devices.get(device) == state:
            return []
        self.devices[device] = state
        return [device_state(device, state)]

    def seat_changed(self, seat: Seat, state: str) -> tuple[list[Event], list[Event]]:
        """A seat's device state: (its DeviceStateChange), (QueueMemberStatus of each queue)."""
        if seat.device_state == state:
            return [], []
        before = self.is_available(seat)
        seat.device_state = state
        if state == "NOT_INUSE":
            seat.line = None
        self.devices[seat.device] = state
        said: list[Event] = []
        if seat.person is not None:
            for member in seat.members:
                said.append(member.said())
                said.extend(self.availability(member.queue, before, self.is_available(seat)))
        return [device_state(seat.device, state)], said

    def availability(self, queue: Queue, before: bool, after: bool) -> list[Event]:
        """A member of the queue began (`after`) or ceased to be available."""
        queue.available += after - before
        if before != after and queue.available == int(after):
            pseudo = f"Queue:{queue.spec.name}_avail"
            state = "NOT_INUSE" if after else "INUSE"
            self.devices[pseudo] = state
            return [device_state(pseudo, state)]
        return []

    @staticmethod
    def is_available(seat: Seat) -> bool:
        """Whether Asterisk counts the seat's memberships as available."""
        return seat.person is not None and not seat.paused and seat.device_state == "NOT_INUSE"

    def membership_changed(
        self, seat: Seat, name: str, change: Callable[[], None], members: Iterable[Member]
    ) -> None:
        """Pause, add or remove: apply `change` and send `name` for each of the memberships."""
        was_available = self.is_available(seat)
        gone = [member.said(name) for member in members] if name == "QueueMemberRemoved" else []
        change()
        is_available = self.is_available(seat)
        for index, member in enumerate(members):
            said = gone[index] if gone else member.said(name)
            if name == "QueueMemberPause":
                pseudo = f"Queue:{member.queue.spec.name}_pause_{seat.device}"
                self.emit(*self.pseudo_device(pseudo, "INUSE" if seat.paused else "NOT_INUSE"))
            self.emit(said, *self.availability(member.queue, was_available, is_available))
        if seat.can_take:
            self.offer_seat(seat)
        else:
            self.withhold(seat)

    # -- who is free --------------------------------------------------------------------------

    def withhold(self, seat: Seat) -> None:
        """The seat takes no further calls until `offer_seat`."""
        for member in seat.members:
            member.queue.free.pop(seat.number, None)

    def offer_seat(self, seat: Seat) -> None:
        """The seat is free: hand it to the caller who has waited longest in one of its queues."""
        if not seat.can_take:
            return
        for member in seat.members:
            member.queue.free.setdefault(seat.number, seat)
        waiting = [call for m in seat.members for call in m.queue.callers if call.wants_seat]
        if waiting:
            first = min(waiting, key=lambda call: (-call.priority, call.joined_us))
            first.wants_seat = False
            self.wake(first.process, "seat")

    def take_seat(self, seat: Seat) -> None:
        seat.busy = True
        self.withhold(seat)

    def release_seat(self, seat: Seat, wrapup_s: float = 0.0) -> None:
        """The seat's call is over; after `wrapup_s` it is free again."""

        def later(_: Process) -> Steps:
            yield 0.0
            seat.busy = False
            self.offer_seat(seat)

        self.spawn(later, wrapup_s)

    def any_free_seat(self, but: Seat | None = None) -> Seat | None:
        """A free seat of any queue, the longest free first; never `but`, nor a person's."""
        for queue in self.queues:
            for seat in queue.free.values():
                if seat is not but and not seat.manned:
                    return seat
        return None
