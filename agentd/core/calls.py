"""Channels, calls and legs: what the engine remembers of the telephony.

Everything is keyed by Uniqueid. Calls and legs are plain structs without references to one
another, so that they can be stored and restored as they are.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from agentd.core.effects import Direction, Spell, SpellKind, WrapUpEnd

UP = 6
RINGING = 5
CAUSED_US = 50_000
"""A request at most this long after something ended may have ended it: events race."""

SPY_UID = "agentd-spy-"
"""The Uniqueids of channels over which agentd has a supervisor listen, whisper or barge in begin
with this; ``listen``, ``whisper`` or ``barge`` and a random end follow."""


def device_of(name: str) -> str:
    """``PJSIP/1001-00000026`` → ``PJSIP/1001``."""
    device, dash, _ = name.rpartition("-")
    return device if dash else name


class Channel(Struct):
    """One channel of the PBX while it lives (and a settle time longer)."""

    uid: str
    name: str
    device: str
    state: int
    num: str | None
    linkedid: str
    since_us: int
    """Creation; estimated from a list's Duration where ``listed``."""
    listed: bool = False
    bridge: str | None = None
    dialled_by: str | None = None
    dialled: bool = False
    """Somebody (or an Originate) dialled it."""
    dials: str | None = None
    """The channel that it dialled last."""
    queue: str | None = None
    """The queue whose application it runs, as a list told."""
    is_local: bool = False
    spies: bool = False
    seat: str | None = None
    """The seat behind it, where its name does not tell: a queue reached it over a Local channel."""
    request_us: int | None = None
    request_cause: int = 0
    soft_us: int | None = None
    left_us: int | None = None
    """When it last left a bridge."""
    moved_us: int | None = None
    """Last sign that it lives on after a bridge: a new bridge, a dial, a queue."""
    gone_us: int | None = None


class Recording(Struct):
    """One recording of a channel."""

    start_us: int | None = None
    """None: its name came first."""
    file: str | None = None
    stop_us: int | None = None
    told: str | None = None
    """The call under which its beginning was told."""
    ended: bool = False
    """Its end was told, too."""


class OpenSpell(Struct):
    """A spell of waiting that goes on."""

    kind: SpellKind
    at_us: int
    stopped: bool = False
    """The link was lost meanwhile: its clock stopped and charges nothing."""
    told: list[str] = field(default_factory=list)
    """Whom its alerts went to so far."""
    id: str = ""


class Visit(Struct):
    """A customer's stay in one queue."""

    queue: str
    joined_us: int
    left_us: int | None = None
    answered: bool = False
    counted: bool = False
    estimated: bool = False
    gap: bool = False
    """The link was down during some of it."""
    unseen: bool = False
    """Nobody saw how it ended: the caller was gone when the link came back."""


class LegContact(Struct):
    """What a leg is to an order beside that of its own call."""

    order: str
    kind: Literal["call_back", "attempt", "called_again", "three_way"]
    at_us: int
    number: str | None
    in_time: bool | None
    """Of a call-back: begun before the order was first due."""


class Call(Struct):
    """A customer's call, from the customer's channel being seen until it is gone."""

    uid: str
    caller: str | None
    started_us: int | None
    visits: list[Visit] = field(default_factory=list)
    legs: list[str] = field(default_factory=list)
    """All legs so far, ended ones too."""
    open_legs: list[str] = field(default_factory=list)
    first_answer_us: int | None = None
    taken: bool = False
    """A seat has it, although since when is unknown."""
    last_left_us: int | None = None
    """When the last answered leg ended."""
    ended_us: int | None = None
    request_us: int | None = None
    order: bool = False
    """It has its work order."""
    through: bool = False
    """A seat took it, and orders that waited for its caller know."""
    three_way: bool = False
    gap: bool = False
    estimated: bool = False


class Leg(Struct):
    """One seat's part of one call."""

    uid: str
    """Uniqueid of the seat's phone channel."""
    seat: str
    agent: str | None
    queue: str | None
    direction: Direction
    call: str | None
    """The customer's channel; None while no customer is known (internal, outbound)."""
    caller: str | None
    offered_us: int | None
    ringing_us: int | None = None
    up_us: int | None = None
    answered_us: int | None = None
    offer_ended_us: int | None = None
    ended_us: int | None = None
    dial_status: str | None = None
    far: str | None = None
    """The far end of an outbound call."""
    consulted: bool = False
    """It began as a consultation or internal call: R1 is not judged."""
    in_contact: bool = False
    """Bridged with the customer (or far end) now."""
    had_contact: bool = False
    left_us: int | None = None
    """Contact was broken at this moment and has not come back."""
    left_first: str | None = None
    """Who broke it: ``customer``, ``seat`` or ``between`` (a Local channel)."""
    transfer_us: int | None = None
    acted_us: int | None = None
    """A supervisor was about to end or move it at this moment."""
    music_us: int | None = None
    """The customer hears music since then."""
    parks: bool = False
    """The customer is parked by this seat, which may have hung up."""
    pickup: bool = False
    moved: bool = False
    found: bool = False
    """Found in progress in a snapshot: its beginning is unknown."""
    estimated: bool = False
    gap: bool = False
    vanished: bool = False
    restarted: bool = False
    ring_over: bool = False
    """Its ring passed the limit (alerted)."""
    ring_warned: bool = False
    ring_charged: bool = False
    ring_stopped: bool = False
    contact_unseen: bool = False
    """The link was lost, and nothing proved since that seat and customer are still connected."""
    hold_unseen: bool = False
    """After a gap: whether a hold was on is unknown until the phone says so."""
    spell: OpenSpell | None = None
    spells: list[Spell] = field(default_factory=list)
    sum_charged: bool = False
    sum_told: bool = False
    """The alert on the sum of holds is not cleared yet."""
    evidence: list[str] = field(default_factory=list)
    settled: bool = False
    begun_us: int | None = None
    """When it began; at the latest then, where it was found in a snapshot."""
    contacts: list[LegContact] = field(default_factory=list)
    third_us: int | None = None
    """Since when a third party is in the call, and under which number ("": none)."""
    third_num: str | None = None

    @property
    def customer(self) -> str | None:
        """Uniqueid of the other side, where it is known."""
        return self.call if self.call is not None else self.far

    def held_us(self) -> int:
        """Sum of the finished spells whose length is known."""
        return sum(s.seconds_us or 0 for s in self.spells)


class WrapUp(Struct):
    """After-call work of one leg (:mod:`agentd.core.wrap_ups`)."""

    seat: str
    agent: str | None
    call: str
    leg: str
    queue: str | None
    order: str
    from_us: int
    until_us: int
    """When the configured wrap-up ends."""
    settled: bool = False
    """Its leg is settled: that it began is certain."""
    to_us: int | None = None
    ended_by: WrapUpEnd = "limit"
