"""What happened, as typed values: the only thing that the engine is told.

``at_us`` is the PBX's ``Timestamp`` in integer microseconds since the epoch. List items and the
``FullyBooted`` of a login carry none; the timeline stamps those (see :mod:`agentd.core.timeline`).
Channels are named by Uniqueid (``uid``): names change and repeat after a PBX restart.
"""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, gc=False):
    """Base of all events. ``at_us`` is 0 until the timeline stamped an event without Timestamp."""

    at_us: int


# --- channels -------------------------------------------------------------------------------


class Newchannel(Event):
    uid: str
    name: str
    state: int
    num: str | None
    linkedid: str


class Newstate(Event):
    uid: str
    name: str
    state: int
    num: str | None


class NewCallerid(Event):
    uid: str
    num: str | None


class Rename(Event):
    uid: str
    new_name: str


class Hangup(Event):
    uid: str
    name: str
    cause: int


class HangupRequest(Event):
    """The far end of this channel hung up (BYE, CANCEL, error response)."""

    uid: str
    name: str
    cause: int


class SoftHangupRequest(Event):
    """Asterisk itself ends the channel; ``cause`` is an AST_SOFTHANGUP flag, not Q.850."""

    uid: str
    cause: int


# --- dialling -------------------------------------------------------------------------------


class DialBegin(Event):
    uid: str | None
    """None: originated, nobody dials."""
    dest: str
    dest_name: str
    number: str | None = None
    """The number that was dialled, from the dial string."""


class DialState(Event):
    dest: str
    status: str


class DialEnd(Event):
    uid: str | None
    dest: str
    status: str
    forward: str | None


class Pickup(Event):
    uid: str
    name: str
    target: str


# --- bridges --------------------------------------------------------------------------------


class BridgeEnter(Event):
    bridge: str
    uid: str
    name: str


class BridgeLeave(Event):
    bridge: str
    uid: str


# --- waiting --------------------------------------------------------------------------------


class Hold(Event):
    """The phone behind this channel pressed hold."""

    uid: str


class Unhold(Event):
    uid: str


class MusicOnHoldStart(Event):
    """This channel hears music; also while it waits in a queue."""

    uid: str


class MusicOnHoldStop(Event):
    uid: str


class ParkedCall(Event):
    uid: str
    """The parked channel."""
    parker: str | None
    """The parker's device, as Asterisk's ParkerDialString gives it."""


class ParkingEnded(Event):
    """The parked channel was fetched, timed out, gave up, or was swapped."""

    uid: str


# --- transfers ------------------------------------------------------------------------------


class BlindTransfer(Event):
    result: str
    transferer: str


class AttendedTransfer(Event):
    result: str
    orig: str
    second: str
    dest_type: str
    """Bridge, App, Link or Threeway."""


class ChanSpyStart(Event):
    spyer: str
    spyee: str = ""


# --- queues ---------------------------------------------------------------------------------


class QueueCallerJoin(Event):
    uid: str
    name: str
    queue: str
    num: str | None


class QueueCallerLeave(Event):
    uid: str
    queue: str


class AgentCalled(Event):
    uid: str
    name: str
    dest: str
    dest_name: str
    queue: str
    interface: str
    member: str


class AgentConnect(Event):
    uid: str
    dest: str
    queue: str
    interface: str


class AgentComplete(Event):
    """Corroborates; decides nothing alone (late and wrong after a redirect)."""

    dest: str | None
    queue: str
    reason: str


class AgentRingNoAnswer(Event):
    dest: str | None
    queue: str


class QueueMember(Event):
    """A member of a queue, as an event or a list item. ``change``: added, removed, pause, listed
    (from QueueStatus)."""

    change: str
    queue: str
    interface: str
    member: str
    state_interface: str
    status: int
    paused: bool
    reason: str
    last_call_s: int


class DeviceState(Event):
    device: str
    state: str


class AgentPool(Event):
    """AgentLogin or AgentLogoff of app_agent_pool, which agentd refuses to judge."""

    name: str


# --- the PBX and its lists ------------------------------------------------------------------


class FullyBooted(Event):
    uptime_s: int
    """-1: not told."""


class ListedQueue(Event):
    queue: str


class ListedCaller(Event):
    queue: str
    uid: str
    name: str
    num: str | None
    wait_s: int


class QueueListDone(Event):
    pass


class ListedChannel(Event):
    uid: str
    name: str
    state: int
    num: str | None
    linkedid: str
    application: str
    data: str
    """The application's arguments."""
    duration_s: int
    bridge: str | None


class ChannelListDone(Event):
    pass


# --- recordings -----------------------------------------------------------------------------


class MixMonitorStart(Event):
    """A recording of this channel begins; which file it goes to is not told."""

    uid: str


class MixMonitorStop(Event):
    uid: str


class RecordingFile(Event):
    """The file of this channel's recording, for which the listener asked."""

    uid: str
    file: str


# --- what people want ------------------------------------------------------------------------


class Command(Event):
    """Something that a person wants, in order with what happened: applied at its moment, after
    every event and deadline before it. ``ticket`` names it in its answer."""

    ticket: int


class CompleteOrder(Command):
    order: str
    by: str


class SeatTaken(Command):
    """A person (a login) signs in to a seat; ``name`` is what people are shown."""

    seat: str
    person: str
    name: str


class SeatLeft(Command):
    """Whoever is signed in there leaves; ``person``: only if it is still this one."""

    seat: str
    person: str | None = None


class OrderNumbers(Command):
    """All numbers under which an order's caller can be reached."""

    order: str
    numbers: tuple[str, ...]


class SupervisorActs(Command):
    """A supervisor is about to end or move a call (``act``); ``seat``: only that seat's part."""

    act: str
    call: str
    seat: str | None = None


class OrderAssigned(Command):
    """Somebody else is to finish an order: ``person`` is the login, ``name`` what the board
    shows."""

    order: str
    person: str
    name: str


# --- the link, and what is not an event -----------------------------------------------------


class LinkDown(Event):
    """The feed stopped: what happens from here on is unseen."""


class LinkUp(Event):
    """A new stream began."""


class Response(Struct, gc=False):
    """The answer to an action; of interest to whoever sent it."""

    at_us: int
    list_starts: bool


class Ignored(Struct, gc=False):
    """A well-formed frame that says nothing about seats. ``at_us`` 0: it had no Timestamp."""

    at_us: int
    list_ends: bool


class Malformed(Struct, gc=False):
    """A frame that cannot be trusted. ``what`` names the place, ``event`` the event's name."""

    at_us: int
    what: str
    event: str | None
