"""Everything that the engine knows of one PBX, and the small questions asked of it.

The rules live elsewhere (script_guard and its neighbours in ``core``); here are the channels with
their bridges, the calls, legs, seats and queues, the deadlines, and the effects not yet handed out.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from agentd.core.calls import SPY_UID, Call, Channel, Leg, Recording, WrapUp, device_of
from agentd.core.deadlines import NEVER_US, Deadlines
from agentd.core.effects import (
    Anomaly,
    Effect,
    OrderChanged,
    ResyncWanted,
    SeatChanged,
    Violation,
)
from agentd.core.pbx_clock import Reference
from agentd.core.phone import normalise
from agentd.core.policy import Policy, PolicyBook
from agentd.core.queues import Queue, day_start_us
from agentd.core.seat import Membership, Seat, configured

US = 1_000_000


def us(seconds: float) -> int:
    """Seconds of configuration in microseconds."""
    return round(seconds * US)


class Owed(Struct):
    """An open work order, and how far its clock has come."""

    order: OrderChanged
    alerts_sent: int = 0
    """How many of its alerts were raised, or passed over while a call-back ran."""
    told: bool = False
    """One of them is not cleared yet."""
    first_due_us: int | None = None
    """When it was due before any call-back moved that; None while its call goes on."""
    assigned: bool = False
    """A leader gave it to somebody else, and its clock began anew there."""
    charged: bool = False
    """That it was not complete in time was said of somebody. It is said once."""


class Done(Struct):
    """A completed order: its owner may still owe the caller a call-back."""

    agent: str | None
    seat: str | None
    queue: str | None
    numbers: tuple[str, ...]
    first_due_us: int | None
    until_us: int
    """When it can be forgotten."""


class Answer(Struct, frozen=True):
    """What became of a command: ``refused`` says why it was not done, in one sentence."""

    ticket: int
    refused: str | None = None
    order: OrderChanged | None = None
    """The order as it stands, where the command was about one."""


class State:
    """The world of one PBX. ``now_us`` is the moment that is being applied, in PBX time."""

    def __init__(self, pbx: str, book: PolicyBook) -> None:
        self.pbx = pbx
        self.book = book
        self.settle_us = us(book.settle_s)
        self.lag_us = us(book.event_lag_s)
        self.now_us = 0
        self.channels: dict[str, Channel] = {}
        self.names: dict[str, str] = {}
        self.bridges: dict[str, set[str]] = {}
        self.calls: dict[str, Call] = {}
        self.legs: dict[str, Leg] = {}
        self.far_ends: dict[str, str] = {}
        """Far end of an outbound call → its leg."""
        self.offers: dict[str, tuple[str, str, str]] = {}
        """A queue's offer to a Local channel: (queue, interface, member)."""
        self.through: dict[str, str] = {}
        """Local channel → the leg that it leads to."""
        self.recordings: dict[str, list[Recording]] = {}
        """By channel."""
        self.wrap_ups: dict[str, WrapUp] = {}
        """After-call work that was not told to be over yet, by leg (core.wrap_ups)."""
        self.wrapping: dict[str, str] = {}
        """Seat → the leg of which it goes on there."""
        self.seats: dict[str, Seat] = {}
        self.queues: dict[str, Queue] = {}
        self.interfaces: dict[str, str] = {}
        """Queue interface → the seat's device."""
        self.phones: dict[str, str] = {}
        """Phone → its seat, where a queue names the seat by a hint or a Local channel."""
        self.orders: dict[str, Owed] = {}
        self.owed: dict[str, dict[str, Owed]] = {}
        """The same orders by the seat at which they arose."""
        self.owed_by: dict[str, dict[str, Owed]] = {}
        """And by whoever owes them."""
        self.done: dict[str, Done] = {}
        """Completed orders for whose call-backs we look."""
        self.by_number: dict[str, set[str]] = {}
        """All these orders by their callers' numbers."""
        self.awaiting: set[str] = set()
        """Orders whose clock stands while a call-back that was begun in time goes on."""
        self.owed_shown: dict[str, list[dict[str, Any]]] = {}
        """What the board shows of them, until it changes."""
        self.completed: set[str] = set()
        """Orders that were completed before a restart, of calls that may still go on."""
        self.signed_in: dict[str, str] = {}
        """Login → the seat where that person is signed in."""
        self.people: dict[str, str] = {}
        """Login → name, of everybody who ever signed in."""
        self.moved = False
        """Somebody came to a seat or left one since the board last looked."""
        self.answers: list[Answer] = []
        """To commands, not yet handed out."""
        self.deadlines = Deadlines()
        self.out: list[Effect] = []
        self.heard_us = NEVER_US
        """Live: the greatest Timestamp that the PBX sent. What lies after it is only our clock's
        word: enough for a warning, not for a charge."""
        self.unproved: list[Violation] = []
        """Violations that wait until the PBX was heard again."""
        self.over = False
        """The recording has ended: nothing more can be heard."""
        self.linked_us = 0
        """When the stream began."""
        self.touched_seats: set[str] = set()
        self.touched_queues: set[str] = set()
        self.shown_seats: set[str] = set()
        """Seats whose board object may have changed since the board last looked."""
        self.dirty: set[str] = set()
        """Memory keys that changed (core.memory says which there are)."""
        self.linked = False
        self.down_us: int | None = None
        """When the feed stopped, until a snapshot has been applied again."""
        self.uptime: tuple[int, int] | None = None
        """(the PBX's uptime in seconds, PBX time) when it was told last."""
        self.reference: Reference | None = None
        """The PBX's clock beside ours, to be remembered."""
        self.synced = False
        """A snapshot was applied since the stream began."""
        self.anomalies = 0
        self._sitting: dict[str | None, list[Seat]] | None = None
        """Seats by who sits there; None where it must be looked up anew."""
        self._policies: dict[tuple[str | None, str | None], Policy] = {}
        self._configured = {seat.device: seat for seat in book.seats}

    # --- saying ---------------------------------------------------------------------------

    def emit(self, effect: Effect) -> None:
        self.out.append(effect)

    def proved(self, at_us: int) -> bool:
        """Whether all that happened until ``at_us`` was heard from the PBX itself."""
        return self.heard_us >= at_us + self.lag_us

    def charge(self, violation: Violation) -> None:
        """Say that a rule was broken, as soon as that is proved."""
        self.unproved.append(violation)
        self.prove()

    def prove(self) -> None:
        """Say the violations of which all was heard that could speak against them."""
        if self.unproved:
            waiting = self.unproved
            self.unproved = [v for v in waiting if not self._conclusive(v)]
            proved = [v for v in waiting if self._conclusive(v)]
            self.out += proved
            for violation in proved:
                if violation.rule == "work_order":
                    self.overdue(violation.id.removesuffix("-work_order"), violation.at_us)

    def overdue(self, order: str, due_us: int) -> None:
        """Say that an order was not completed by ``due_us``; of one that is completed by now its
        completion tells."""
        # A charge that waited is remembered with its order.
        self.dirty.add(f"order:{order}")
        owed = self.orders.get(order)
        if owed is not None:
            owed.order = replace(owed.order, change="overdue", at_us=due_us)
            self.out.append(owed.order)

    def _conclusive(self, violation: Violation) -> bool:
        if not self.proved(violation.at_us):
            return False
        if violation.rule != "work_order" or self.over:
            return True
        # A call-back may go on that was begun while the link was lost: the snapshot tells.
        told = self.down_us is None or self.now_us >= self.linked_us + self.settle_us
        return self.linked and told

    def anomaly(self, what: str, event: str | None, *, resync: bool = False) -> None:
        """Refuse to guess: say so, and ask for a snapshot where the picture may be wrong."""
        self.anomalies += 1
        self.out.append(Anomaly(self.pbx, self.now_us or None, what, event))
        if resync and self.linked and self.synced:
            self.out.append(ResyncWanted(self.pbx, self.now_us or None, what))

    # --- policy ---------------------------------------------------------------------------

    def policy(self, queue: str | None, seat: str | None) -> Policy:
        group = self.seats[seat].group if seat in self.seats else None
        key = (queue, group)
        policy = self._policies.get(key)
        if policy is None:
            policy = self._policies[key] = self.book.resolve(queue, group)
        return policy

    def number_of(self, raw: str | None) -> str | None:
        """A telephone number in the form in which equal ones are equal; None for withheld ones."""
        return normalise(raw, self.book.numbers)

    # --- work orders ----------------------------------------------------------------------

    def owe(self, owed: Owed) -> None:
        """Put an open order on the lists of its seat, its owner and its numbers."""
        order = owed.order
        self.orders[order.id] = owed
        self.know_by(order.id, order.numbers)
        if order.seat is not None:
            self.owed.setdefault(order.seat, {})[order.id] = owed
            if order.agent is not None:
                self.owed_by.setdefault(order.agent, {})[order.id] = owed
            self._owes_otherwise(order)

    def owe_no_more(self, owed: Owed) -> None:
        """Take an order off these lists."""
        order = owed.order
        self.orders.pop(order.id, None)
        self.know_no_more(order.id, order.numbers)
        if order.seat is not None:
            for lists, key in ((self.owed, order.seat), (self.owed_by, order.agent)):
                mine = lists.get(key or "", {})
                mine.pop(order.id, None)
                if not mine:
                    lists.pop(key or "", None)
            self._owes_otherwise(order)

    def _owes_otherwise(self, order: OrderChanged) -> None:
        for device in {order.seat, self.present_seat(order.agent, order.seat)} - {None}:
            assert device is not None
            self.owed_shown.pop(device, None)
            self.touched_seats.add(device)

    def know_by(self, order: str, numbers: tuple[str, ...]) -> None:
        for number in numbers:
            self.by_number.setdefault(number, set()).add(order)

    def know_no_more(self, order: str, numbers: tuple[str, ...]) -> None:
        for number in numbers:
            known = self.by_number.get(number, set())
            known.discard(order)
            if not known:
                self.by_number.pop(number, None)

    def present_seat(self, agent: str | None, seat: str | None) -> str | None:
        """Where ``agent`` sits now, who owes something since sitting at ``seat``: there, where
        nobody else is known to have taken the place, else wherever that is; None: not known."""
        if agent is None or seat is None:
            return seat
        if agent in self.signed_in:
            return self.signed_in[agent]
        known = self.seats.get(seat)
        here = known.agent if known is not None else None
        if here is not None and not self.names_of(agent).isdisjoint(self.names_of(here)):
            return seat
        if here is None and agent not in self.people:
            return seat
        if self._sitting is None:
            self._sitting = {}
            for known in self.seats.values():
                self._sitting.setdefault(known.agent, []).append(known)
        others = {
            s.device
            for name in self.names_of(agent)
            for s in self._sitting.get(name, ())
            if s.queues
        }
        return others.pop() if len(others) == 1 else None

    def names_of(self, agent: str) -> set[str]:
        """What ``agent`` may be called: by a login after sign-in, by a queue without."""
        return {agent, self.people.get(agent, agent)}

    def somebody_moved(self, device: str) -> None:
        """Who sits at ``device`` changed, and with it what is shown where."""
        self.touched_seats.add(device)
        self.shown_seats.update(self.owed, self.owed_shown)
        self.owed_shown.clear()
        self.moved = True
        self._sitting = None

    # --- channels and bridges -------------------------------------------------------------

    def channel(self, uid: str, name: str) -> Channel:
        """The channel ``uid``; one never heard of is taken note of from now on."""
        chan = self.channels.get(uid)
        if chan is None:
            chan = Channel(
                uid, name, device_of(name), 0, None, uid, self.now_us,
                is_local=name[:6] == "Local/", spies=uid.startswith(SPY_UID),
            )  # fmt: skip
            self.channels[uid] = chan
            self.names[name] = uid
        return chan

    def other_half(self, chan: Channel) -> Channel | None:
        """The other half of a Local channel: ``;1`` and ``;2`` of one name."""
        if chan.name[-2:] == ";1":
            uid = self.names.get(chan.name[:-1] + "2")
        elif chan.name[-2:] == ";2":
            uid = self.names.get(chan.name[:-1] + "1")
        else:
            return None
        return self.channels.get(uid) if uid is not None else None

    def origin(self, uid: str | None) -> Channel | None:
        """Who really dials: through Local channels back to a phone or trunk; None when nobody
        known does (an Originate, a consultation that Asterisk dials for a transferer)."""
        seen = 0
        while uid is not None and seen < 8:
            chan = self.channels.get(uid)
            if chan is None or not chan.is_local:
                return chan
            half = self.other_half(chan)
            uid = (half.dialled_by if half is not None else None) or chan.dialled_by
            seen += 1
        return None

    def connected(self, uid: str) -> set[str]:
        """All channels that hear ``uid``: through bridges and Local channels."""
        reached = {uid}
        todo = [uid]
        while todo:
            chan = self.channels[todo.pop()]
            near = set(self.bridges.get(chan.bridge, ())) if chan.bridge is not None else set()
            if chan.is_local:
                half = self.other_half(chan)
                if half is not None:
                    near.add(half.uid)
            for other in near - reached:
                reached.add(other)
                todo.append(other)
        return reached

    def seat_of(self, chan: Channel) -> str | None:
        """The device of the seat that ``chan`` belongs to; None where it is no seat's."""
        if chan.device in self.seats:
            return chan.device
        return chan.seat or self.phones.get(chan.device)

    def belongs(self, chan: Channel, interface: str) -> None:
        """A queue reached ``chan`` through the Local channel ``interface``: it is that seat's. Its
        phone is known by the same extension; another one (a mobile, say) only for this call."""
        device = self.interfaces.get(interface)
        if device is None or device not in self.seats or chan.device in self.seats:
            return
        chan.seat = device
        extension = interface.partition("/")[2].partition("@")[0]
        if extension and chan.device.rpartition("/")[2] == extension:
            self.phones[chan.device] = device

    def is_customer(self, chan: Channel) -> bool:
        """Who waits in a queue or comes from outside: no seat, no Local channel, no phone that the
        site calls its own, and none that calls with its own name as its number, as extensions do
        and trunks do not."""
        if chan.uid in self.calls:
            return True
        if chan.is_local or chan.spies or self.seat_of(chan) is not None:
            return False
        if chan.num is not None and chan.device.endswith(f"/{chan.num}"):
            return False
        return not any(fnmatchcase(chan.device, p) for p in self.book.internal_devices)

    def drop_channel(self, uid: str) -> None:
        chan = self.channels.pop(uid)
        if self.names.get(chan.name) == uid:
            del self.names[chan.name]
        self.leave_bridge(chan)
        self.offers.pop(uid, None)
        self.through.pop(uid, None)
        self.far_ends.pop(uid, None)
        self.forget_recordings(uid)

    def forget_recordings(self, uid: str) -> None:
        if self.recordings.pop(uid, None) is not None:
            self.dirty.add(f"recording:{uid}")

    def leave_bridge(self, chan: Channel) -> None:
        if chan.bridge is not None:
            members = self.bridges[chan.bridge]
            members.discard(chan.uid)
            if not members:
                del self.bridges[chan.bridge]
            chan.bridge = None

    # --- seats and queues -----------------------------------------------------------------

    def seat(self, device: str) -> Seat:
        """The seat at ``device``, discovered now where it is new."""
        seat = self.seats.get(device)
        if seat is None:
            config = configured(self._configured, device)
            seat = self.seats[device] = Seat(device, config)
            self._sitting = None
            self.touched_seats.add(device)
        return seat

    def queue(self, name: str) -> Queue:
        queue = self.queues.get(name)
        if queue is None:
            day_us = day_start_us(self.now_us, self.book.day_starts_s)
            queue = self.queues[name] = Queue(name, counted_since_us=self.now_us, day_us=day_us)
        self.touched_queues.add(name)
        return queue

    def join(self, seat: Seat, queue: str, interface: str, member: str) -> Membership:
        """The seat is a member of ``queue``; ``member`` is the name that the queue gives."""
        self.interfaces[interface] = seat.device
        name = member if member and member != interface else None
        known = seat.queues.get(queue)
        if known is None or known.interface != interface:
            known = seat.queues[queue] = Membership(interface, name, False, "", self.now_us)
            self.touched_seats.add(seat.device)
        known.member = name
        self.call_member(seat, name)
        return known

    def call_member(self, seat: Seat, name: str | None) -> None:
        """A queue calls whoever sits at the seat so, or the seat is a member no more (None)."""
        # A queue that gives no name does not take the name away that another one gives.
        shown = name or next((m.member for m in seat.queues.values() if m.member), None)
        if shown != seat.member:
            seat.member = shown
            self.somebody_moved(seat.device)

    def settle_seats(self) -> None:
        """Read the state of every touched seat and announce what changed."""
        if not self.touched_seats:
            return
        for device in sorted(self.touched_seats):
            seat = self.seats.get(device)
            if seat is None:
                continue
            state = seat.read_state(self.now_us)
            queues = tuple(sorted(seat.queues))
            shown = (state, seat.agent, queues, seat.pause_reason)
            if shown == seat.shown:
                continue
            seat.shown = shown
            if state != seat.state:
                seat.state = state
                seat.since_us = self.now_us
            # What was told was heard: a gap begins later.
            self.dirty.add("clock")
            self.out.append(
                SeatChanged(
                    self.pbx, self.now_us, device, seat.agent, state, queues, seat.pause_reason
                )
            )
        self.shown_seats |= self.touched_seats
        self.touched_seats.clear()
