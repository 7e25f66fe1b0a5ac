"""Stories: what a PBX says, told in telephony's words, and what the engine concludes from it.

A :class:`Story` drives one :class:`~agentd.script_guard.Engine` with typed events in the order in
which a real Asterisk sends them (tests/transcripts). Times are seconds after :data:`T0`. Channels
have readable Uniqueids: a customer is ``li``, the phone 1001 that is offered ``li`` is
``li>1001``. Every step takes ``at``; before it is applied, all deadlines up to there fire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agentd.core import events as e
from agentd.core.effects import Effect, LegEnded, OrderChanged
from agentd.core.policy import Policy, PolicyBook
from agentd.script_guard import Engine
from tests.core.story_effects import SECOND, T0, Concluded, length, s, us

RINGING, UP = 5, 6


class Story(Concluded):
    """One PBX, one engine, and everything that the engine said.

    Keywords are fields of :class:`Policy`; ``book`` gives a whole book instead. With ``seats`` the
    story begins linked, with a snapshot that names these seats as members of ``hotline``.
    """

    def __init__(
        self,
        *,
        book: PolicyBook | None = None,
        seats: Iterable[str] = ("1001", "1002", "1003"),
        **policy: Any,
    ) -> None:
        self.engine = Engine("pbx", book or PolicyBook(Policy(**policy)))
        self.effects: list[Effect] = []
        self.devices: dict[str, str] = {}
        """Uniqueid → channel name."""
        self.bridge_of: dict[str, str] = {}
        self.names: dict[str, str] = {}
        """Seat → the name that its queues give its member."""
        self.seats = tuple(seats)
        self.at = -10.0
        if self.seats:
            self.link_up(at=-10)
            self.lists(at=-10)

    # --- the PBX speaks -------------------------------------------------------------------

    def say(self, event: e.Event) -> None:
        """Apply one event at its time."""
        self.effects += self.engine.tick(event.at_us)
        self.effects += self.engine.handle(event, event.at_us)
        self.at = max(self.at, (event.at_us - T0 * SECOND) / SECOND)

    def until(self, at: float) -> None:
        """Nothing is heard until ``at``: deadlines before it fire."""
        self.effects += self.engine.tick(us(at))
        self.at = max(self.at, at)

    def settled(self) -> Story:
        """Long enough for every verdict and for forgetting what is gone."""
        self.until(self.at + 20)
        return self

    def ends(self) -> Story:
        """The recording ends here."""
        self.effects += self.engine.settle_all()
        return self

    # --- members and lists ----------------------------------------------------------------

    def member(
        self,
        seat: str,
        *,
        at: float,
        change: str = "added",
        queue: str = "hotline",
        name: str = "",
        interface: str = "",
        status: int = 1,
        paused: bool = False,
        reason: str = "",
        last_call_s: int = 0,
    ) -> None:
        device = f"PJSIP/{seat}"
        name = self.names.setdefault(seat, name) if change == "listed" else name
        self.names[seat] = name
        self.say(
            e.QueueMember(
                us(at),
                change,
                queue,
                interface or device,
                name,
                device,
                status,
                paused,
                reason,
                last_call_s,
            )
        )

    def lists(
        self,
        *,
        at: float,
        channels: Iterable[e.ListedChannel] = (),
        callers: Iterable[e.ListedCaller] = (),
        members: Iterable[str] | None = None,
        queues: Iterable[str] = ("hotline",),
    ) -> None:
        """A snapshot: CoreShowChannels and QueueStatus, as the daemon asks for them."""
        for listed in channels:
            self.say(listed)
        self.say(e.ChannelListDone(us(at)))
        for queue in queues:
            self.say(e.ListedQueue(us(at), queue))
            for seat in self.seats if members is None else members:
                self.member(seat, at=at, change="listed", queue=queue)
        for caller in callers:
            self.say(caller)
        self.say(e.QueueListDone(us(at)))

    def listed(
        self,
        uid: str,
        *,
        at: float,
        device: str = "",
        state: int = UP,
        age: int = 60,
        bridge: str | None = None,
        application: str = "",
        data: str = "",
        linkedid: str = "",
        num: str | None = None,
    ) -> e.ListedChannel:
        """A channel as CoreShowChannels lists it; ``age`` is its Duration in seconds."""
        name = self.devices.get(uid) or f"PJSIP/{device or 'trunk'}-{uid}"
        self.devices[uid] = name
        if bridge is not None:
            self.bridge_of[uid] = bridge
        return e.ListedChannel(
            at_us=us(at),
            uid=uid,
            name=name,
            state=state,
            num=num,
            linkedid=linkedid or uid,
            application=application,
            data=data,
            duration_s=age,
            bridge=bridge,
        )

    def waits(
        self, uid: str, *, at: float, wait: int, queue: str = "hotline", num: str | None = None
    ) -> e.ListedCaller:
        """A caller as QueueStatus lists him, waiting since ``wait`` seconds."""
        return e.ListedCaller(us(at), queue, uid, self._name(uid), num, wait)

    # --- the link -------------------------------------------------------------------------

    def link_down(self, *, at: float) -> None:
        self.say(e.LinkDown(us(at)))

    def link_up(self, *, at: float, uptime: int | None = None) -> None:
        self.say(e.LinkUp(us(at)))
        if uptime is not None:
            self.say(e.FullyBooted(us(at), uptime))

    # --- channels -------------------------------------------------------------------------

    def _name(self, uid: str, device: str = "PJSIP/trunk") -> str:
        return self.devices.setdefault(uid, f"{device}-{uid}")

    def channel(
        self,
        uid: str,
        device: str = "PJSIP/trunk",
        *,
        at: float,
        num: str | None = None,
        state: int = 0,
        name: str = "",
    ) -> None:
        """A channel is born; ``name`` where its name is not made of device and Uniqueid."""
        if name:
            self.devices[uid] = name
        self.say(e.Newchannel(us(at), uid, self._name(uid, device), state, num, uid))

    def hangup_request(self, uid: str, *, at: float, cause: int = 16) -> None:
        """The phone behind this channel hangs up."""
        self.say(e.HangupRequest(us(at), uid, self._name(uid), cause))

    def soft_hangup(self, uid: str, *, at: float, flag: int = 32) -> None:
        """Asterisk itself ends this channel."""
        self.say(e.SoftHangupRequest(us(at), uid, flag))

    def hangup(self, *uids: str, at: float, cause: int = 16) -> None:
        """These channels are gone, after leaving their bridges in this order."""
        for uid in uids:
            if uid in self.bridge_of:
                self.leaves(uid, at=at)
        for uid in uids:
            self.say(e.Hangup(us(at), uid, self._name(uid), cause))

    def enters(self, uid: str, bridge: str, *, at: float) -> None:
        self.bridge_of[uid] = bridge
        self.say(e.BridgeEnter(us(at), bridge, uid, self._name(uid)))

    def leaves(self, uid: str, *, at: float) -> None:
        self.say(e.BridgeLeave(us(at), self.bridge_of.pop(uid), uid))

    # --- offering and answering -----------------------------------------------------------

    def joins(
        self, call: str, *, at: float, queue: str = "hotline", num: str | None = "13800138000"
    ) -> None:
        """A customer comes and joins a queue."""
        if call not in self.devices:
            self.channel(call, at=at, num=num, state=4)
        self.say(e.QueueCallerJoin(us(at), call, self._name(call), queue, num))

    def leaves_queue(self, call: str, *, at: float, queue: str = "hotline") -> None:
        self.say(e.QueueCallerLeave(us(at), call, queue))

    def offers(
        self,
        call: str,
        seat: str,
        *,
        at: float,
        queue: str = "hotline",
        leg: str = "",
        name: str = "",
    ) -> str:
        """The queue offers ``call`` to ``seat``; gives the leg's Uniqueid."""
        leg = leg or f"{call}>{seat}"
        self.channel(leg, f"PJSIP/{seat}", at=at)
        self.say(
            e.AgentCalled(
                us(at),
                call,
                self._name(call),
                leg,
                self._name(leg),
                queue,
                f"PJSIP/{seat}",
                name or self.names.get(seat, ""),
            )
        )
        self.dials(call, leg, at=at)
        return leg

    def dials(self, source: str | None, dest: str, *, at: float, number: str | None = None) -> None:
        """``source`` (None: an Originate) dials the channel ``dest``."""
        self.say(e.DialBegin(us(at), source, dest, self._name(dest), number))

    def rings(self, leg: str, *, at: float) -> None:
        """The phone's Ringing, in both of Asterisk's ways of saying it."""
        self.say(e.Newstate(us(at), leg, self._name(leg), RINGING, None))
        self.say(e.DialState(us(at), leg, "RINGING"))

    def dial_ends(
        self,
        source: str | None,
        dest: str,
        status: str,
        *,
        at: float,
        forward: str | None = None,
    ) -> None:
        self.say(e.DialEnd(us(at), source, dest, status, forward))

    def say_up(self, leg: str, *, at: float) -> None:
        """The phone goes up."""
        self.say(e.Newstate(us(at), leg, self._name(leg), UP, None))

    def picks_up(self, leg: str, *, at: float, source: str | None = None) -> None:
        """The phone goes up and the dial is answered; nobody is bridged yet."""
        self.say_up(leg, at=at)
        self.dial_ends(source, leg, "ANSWER", at=at)

    def answers(self, leg: str, *, at: float, queue: str | None = "hotline") -> None:
        """The seat answers and is connected with the customer of ``CUSTOMER>SEAT``."""
        call = leg.partition(">")[0]
        self.picks_up(leg, at=at, source=call)
        if queue is not None:
            self.leaves_queue(call, at=at, queue=queue)
            interface = self._name(leg).rpartition("-")[0]
            self.say(e.AgentConnect(us(at), call, leg, queue, interface))
        self.enters(leg, f"b:{leg}", at=at)
        self.enters(call, f"b:{leg}", at=at)

    def talk(
        self, call: str = "li", seat: str = "1001", *, at: float = 0, answer: float = 3
    ) -> str:
        """A queue call that is answered: joins at ``at``, rings, answered ``answer`` s later."""
        self.joins(call, at=at)
        leg = self.offers(call, seat, at=at)
        self.rings(leg, at=at)
        self.answers(leg, at=at + answer)
        return leg

    def offer_ends(self, leg: str, status: str, *, at: float) -> None:
        """Asterisk lets the ringing phone go, without a request of the phone."""
        self.dial_ends(leg.partition(">")[0], leg, status, at=at)
        self.hangup(leg, at=at)

    # --- calling out ----------------------------------------------------------------------

    def dials_out(self, seat: str, number: str, *, at: float, leg: str = "out") -> str:
        """The phone of ``seat`` dials ``number`` by hand; the far end is ``LEG>far``."""
        self.channel(leg, f"PJSIP/{seat}", at=at)
        self.channel(f"{leg}>far", at=at)
        self.dials(leg, f"{leg}>far", at=at, number=number)
        return leg

    def far_answers(self, leg: str = "out", *, at: float) -> None:
        self.picks_up(f"{leg}>far", at=at, source=leg)
        self.enters(f"{leg}>far", f"b:{leg}", at=at)
        self.enters(leg, f"b:{leg}", at=at)

    def far_ends(self, leg: str = "out", *, at: float) -> None:
        """The far end hangs up, or nobody answers there."""
        self.hangup_request(f"{leg}>far", at=at)
        self.hangup(f"{leg}>far", leg, at=at)

    def calls_back(
        self,
        seat: str = "1001",
        number: str = "13800138000",
        *,
        at: float,
        answer: float | None,
        end: float,
        leg: str = "out",
    ) -> None:
        """A whole call outward; ``answer`` None: nobody takes it."""
        self.dials_out(seat, number, at=at, leg=leg)
        if answer is not None:
            self.far_answers(leg, at=answer)
        else:
            self.dial_ends(leg, f"{leg}>far", "NOANSWER", at=end)
        self.far_ends(leg, at=end)
        self.until(end + 5)

    # --- waiting --------------------------------------------------------------------------

    def holds(self, leg: str, *, at: float) -> None:
        self.say(e.Hold(us(at), leg))

    def unholds(self, leg: str, *, at: float) -> None:
        self.say(e.Unhold(us(at), leg))

    def music(self, call: str, *, at: float, on: bool = True) -> None:
        event = e.MusicOnHoldStart if on else e.MusicOnHoldStop
        self.say(event(us(at), call))

    # --- endings --------------------------------------------------------------------------

    def customer_ends(self, leg: str, *, at: float) -> None:
        """The customer hangs up first."""
        call = leg.partition(">")[0]
        self.hangup_request(call, at=at)
        self.soft_hangup(call, at=at, flag=16)
        self.hangup(call, leg, at=at)

    def agent_ends(self, leg: str, *, at: float) -> None:
        """The agent hangs up first."""
        call = leg.partition(">")[0]
        self.hangup_request(leg, at=at)
        self.soft_hangup(call, at=at, flag=16)
        self.hangup(leg, call, at=at)

    def gives_up(self, call: str, *ringing: str, at: float) -> None:
        """The customer hangs up while these phones ring."""
        self.hangup_request(call, at=at)
        for leg in ringing:
            self.dial_ends(call, leg, "CANCEL", at=at)
            self.dial_ends(call, leg, "CANCEL", at=at)
        self.leaves_queue(call, at=at)
        self.hangup(*ringing, call, at=at)

    # --- transfers ------------------------------------------------------------------------

    def blind_transfer(self, leg: str, *, at: float, result: str = "Success") -> None:
        """The seat sends its customer away."""
        self.say(e.BlindTransfer(us(at), result, leg))

    def attended_transfer(
        self,
        orig: str,
        second: str,
        *,
        at: float,
        result: str = "Success",
        dest_type: str = "Bridge",
    ) -> None:
        self.say(e.AttendedTransfer(us(at), result, orig, second, dest_type))

    def parks(self, call: str, *, at: float, by: str | None = "PJSIP/1001") -> None:
        self.say(e.ParkedCall(us(at), call, by))

    def parking_ends(self, call: str, *, at: float) -> None:
        self.say(e.ParkingEnded(us(at), call))

    # --- people want --------------------------------------------------------------------

    def want(self, command: e.Command) -> str | None:
        """A person's command, at its moment; gives the refusal where it is refused."""
        self.say(command)
        (answer,) = self.engine.take_answers()
        assert answer.ticket == command.ticket
        return answer.refused

    def complete(self, call: str = "li", *, by: str = "王芳", at: float) -> str | None:
        """A person completes the order of ``call``; gives the refusal where it is refused."""
        return self.want(e.CompleteOrder(us(at), 7, f"pbx-{call}", by))

    def signs_in(self, seat: str, person: str, name: str = "", *, at: float) -> str | None:
        return self.want(e.SeatTaken(us(at), 8, f"PJSIP/{seat}", person, name))

    def signs_out(self, seat: str, person: str | None = None, *, at: float) -> str | None:
        return self.want(e.SeatLeft(us(at), 9, f"PJSIP/{seat}", person))

    def assigns(self, person: str, name: str = "", *, call: str = "li", at: float) -> str | None:
        """A leader gives the order of ``call`` to somebody else."""
        return self.want(e.OrderAssigned(us(at), 11, f"pbx-{call}", person, name))

    def numbers(self, *numbers: str, call: str = "li", at: float) -> str | None:
        """The numbers of the order of ``call`` are these now."""
        return self.want(e.OrderNumbers(us(at), 10, f"pbx-{call}", numbers))


def holds(leg: LegEnded) -> list[tuple[str, float | None, float | None]]:
    """(kind, start in seconds of the story, length in seconds) of every spell of a leg."""
    return [(spell.kind, s(spell.at_us), length(spell.seconds_us)) for spell in leg.holds]


def restarted(
    story: Story,
    *,
    at: float,
    uptime: int | None = None,
    before: Mapping[str, bytes | None] | None = None,
) -> Story:
    """The daemon was killed and starts again at ``at``, with what it remembered stored; ``before``
    is what was taken to be stored earlier."""
    memories = {**(before or {}), **story.engine.take_memory()}
    memory = {k: v for k, v in memories.items() if v is not None}
    stored = {o.id: o for o in story.said(OrderChanged)}
    again = Story(book=story.engine.state.book, seats=())
    again.seats = story.seats
    again.devices = dict(story.devices)
    again.bridge_of = dict(story.bridge_of)
    again.effects += again.engine.restore(
        memory, [o for o in stored.values() if o.status == "open"]
    )
    again.link_up(at=at, uptime=uptime)
    return again
