"""What the engine says: values that sinks store, announce or print.

Times inside effects are integer microseconds since the epoch in PBX time (``*_us``), so that
durations are exact; :func:`to_record` turns an effect into the JSON shape of ``agentd replay``
(seconds, with microseconds).

An effect is an *obligation* (:data:`OBLIGATIONS`) when somebody owes something because of it: it
must be committed to the store before anybody hears of it.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Level = Literal["warning", "breach", "escalation", "cleared"]
Rule = Literal[
    "ring", "hold", "hold_sum", "consult", "park", "hangup_order", "work_order", "urgent"
]
Direction = Literal["inbound", "outbound", "internal"]
SpellKind = Literal["hold", "consult", "park"]
SeatState = Literal[
    "available",
    "offered",
    "ringing",
    "talking",
    "holding",
    "wrap_up",
    "paused",
    "unreachable",
    "logged_out",
]
WrapUpEnd = Literal["order", "limit", "next_call", "left", "gap"]
VisitOutcome = Literal["answered", "abandoned", "let_go", "moved", "unknown"]


class Spell(Struct, frozen=True, gc=False):
    """One spell in which the customer waited. ``at_us`` None: it began before our link."""

    kind: SpellKind
    at_us: int | None
    seconds_us: int | None


class LegEnded(Struct, frozen=True, gc=False):
    """One seat's part of one call, over and judged (keys as in ``agentd replay``)."""

    pbx: str
    call: str
    leg: str
    seat: str
    agent: str | None
    queue: str | None
    direction: Direction
    caller: str | None
    offered_us: int | None
    ringing_us: int | None
    answered_us: int | None
    ended_us: int
    ring_us: int | None
    talk_us: int | None
    hold_us: int
    holds: tuple[Spell, ...]
    outcome: str
    ended_by: str | None
    estimated: bool
    gap: bool
    """The link was down during some of it: not judged where it matters, figures are marked."""
    evidence: tuple[str, ...]
    judged: tuple[Rule, ...] = ()
    """Which rules could have been broken on it, by the policy as it was then; () also where that
    is not known: legs that earlier versions stored."""


class CallEnded(Struct, frozen=True, gc=False):
    """A customer's call that is over."""

    pbx: str
    call: str
    queue: str | None
    visits: tuple[str, ...]
    caller: str | None
    started_us: int | None
    ended_us: int
    wait_us: int | None
    outcome: str
    legs: tuple[str, ...]
    gap: bool


class VisitBegan(Struct, frozen=True, gc=False):
    """A caller joined a queue; said anew after a restart. Not stored: its VisitEnded is.

    ``estimated`` as in :class:`VisitEnded`."""

    pbx: str
    call: str
    queue: str
    caller: str | None
    joined_us: int
    estimated: bool


class VisitEnded(Struct, frozen=True, gc=False):
    """One stay of a caller in one queue is over, and what became of it is settled.

    ``answered`` is said at once, with ``left_us`` the moment of the answer; ``moved``: the caller
    was served elsewhere right after (another queue, a phone), by the dialplan or a person;
    ``unknown``: the link was lost and the caller is gone. ``limit_us`` and ``short_us`` are the
    service level's T and the longest short abandon, as the policy was then.
    """

    pbx: str
    call: str
    queue: str
    caller: str | None
    joined_us: int
    left_us: int
    wait_us: int
    outcome: VisitOutcome
    seat: str | None
    """Who answered: the phone, and the person there."""
    agent: str | None
    limit_us: int
    short_us: int
    estimated: bool
    """When the caller joined or was answered is a snapshot's word, not an event's."""
    gap: bool


class WorkBegan(Struct, frozen=True, gc=False):
    """A person's work on a leg began: ``talk`` and ``outbound`` when it was answered (there: by the
    far end), ``wrap_up`` when it ended. Said anew after a restart where it goes on. Not stored: the
    leg's LegEnded and WrapUpEnded are, and replace it."""

    pbx: str
    seat: str
    agent: str | None
    call: str
    leg: str
    queue: str | None
    at_us: int
    kind: Literal["talk", "outbound", "wrap_up"]


class WrapUpEnded(Struct, frozen=True, gc=False):
    """After-call work of one leg is over (product rules, section 3: ACW); none is said of a leg
    that had none. Never said before its LegEnded.

    ``ended_by``: the order was completed, the configured wrap-up ended, the person took the next
    call or made one, left the seat, or the lost link hid the end.
    """

    pbx: str
    seat: str
    agent: str | None
    call: str
    leg: str
    queue: str | None
    from_us: int
    to_us: int
    ended_by: WrapUpEnd


class LinkSpan(Struct, frozen=True, gc=False):
    """From ``at_us`` on the PBX is heard and its snapshot applied (``up``), or is not. What lies
    between, and before the first one, is a gap."""

    pbx: str
    at_us: int
    up: bool


class Alert(Struct, frozen=True, gc=False):
    """Something that a person should know while it happens.

    ``spell`` names what is alerted on (one ring, one hold, one order): the alerts of one spell
    share it, and its ``cleared`` ends them. ``value`` and ``limit`` are microseconds.
    """

    pbx: str
    at_us: int
    level: Level
    rule: Rule
    seat: str | None
    agent: str | None
    call: str | None
    queue: str | None
    to: tuple[str, ...]
    value_us: int | None
    limit_us: int | None
    spell: str


class Violation(Struct, frozen=True, gc=False):
    """A rule was broken, on conclusive evidence. ``id`` is stable over replays and restarts."""

    pbx: str
    id: str
    at_us: int
    rule: Rule
    seat: str | None
    agent: str | None
    call: str | None
    leg: str | None
    value_us: int | None
    limit_us: int | None
    evidence: tuple[str, ...]


class Judged(Struct, frozen=True, gc=False):
    """What was decided about a violation: whether it stands from then on."""

    pbx: str
    violation: str
    """Its id."""
    at_us: int
    """When it was decided, in our time."""
    standing: bool


class OrderChanged(Struct, frozen=True, gc=False):
    """A work order as it stands after a change; the same ``id`` is always the same order."""

    pbx: str
    at_us: int
    id: str
    kind: Literal["call", "missed"]
    call: str
    seat: str | None
    agent: str | None
    queue: str | None
    caller: str | None
    status: Literal["open", "completed"]
    opened_us: int
    due_us: int | None
    completed_us: int | None = None
    completed_by: str | None = None
    change: str = "opened"
    """Why it changed: ``opened``, ``due`` (also anew, after a call-back), ``handed_over``,
    ``resumed``, ``assigned`` (a leader gave it to somebody else), ``numbers``, ``folded``,
    ``overdue`` (its limit passed, which is proved), ``clock`` (the PBX's clock was set, and what
    it is due by with it),
    ``completed``; a missed call's order closes itself with ``got_through`` or ``called_back``."""
    alerts_sent: int = 0
    """How many of its reminder and overdue alerts were raised already (a restart repeats none)."""
    numbers: tuple[str, ...] = ()
    """All numbers of the caller's, in normal form (core.phone): call-backs are known by them."""
    folded: int = 0
    """A missed-call order: how many more calls of the same caller were missed since."""


class OrderContact(Struct, frozen=True, gc=False):
    """A call that belongs to an order beside its own, told when that call's leg has ended.

    ``call_back``: the owner called one of the order's numbers and was answered; ``attempt``: was
    not; ``called_again``: the caller of an unfinished order got through again; ``missed_again``:
    did not; ``three_way``: a third party was in the order's own call. ``at_us``: when it began.
    """

    pbx: str
    at_us: int
    order: str
    call: str
    leg: str
    kind: Literal["call_back", "attempt", "called_again", "missed_again", "three_way"]
    number: str | None
    agent: str | None
    talk_us: int | None
    in_time: bool | None
    """Of a call-back or attempt: begun before the order was first due."""


class RecordingSeen(Struct, frozen=True, gc=False):
    """MixMonitor records a channel of a call into ``file`` (as the PBX names it)."""

    pbx: str
    at_us: int
    call: str
    channel: str
    """Uniqueid."""
    file: str
    ended: bool


class SeatChanged(Struct, frozen=True, gc=False):
    """A seat's state changed (being discovered is a change)."""

    pbx: str
    at_us: int
    seat: str
    agent: str | None
    state: SeatState
    queues: tuple[str, ...]
    pause_reason: str | None


class SurgeChanged(Struct, frozen=True, gc=False):
    """The level of a queue's surge changed (:mod:`agentd.core.surge`); 0: it is over. Said by
    whoever watches the queues, not by the engine, and not stored: the audit log has it."""

    pbx: str
    at_us: int
    queue: str
    level: int
    was: int
    began_us: int
    """When the surge began, at whatever level."""
    reached: tuple[str, ...]
    """The measures that reach the level."""
    waiting: int
    longest_wait_us: int
    service_level: float | None
    """Of the last 30 minutes."""
    folded: int
    """Warnings of the queue that pages have folded into the surge since it began."""


class Anomaly(Struct, frozen=True, gc=False):
    """Something that cannot be, or that we refuse to guess about. State was left unchanged."""

    pbx: str
    at_us: int | None
    what: str
    event: str | None


class ResyncWanted(Struct, frozen=True, gc=False):
    """The engine's picture may be wrong: ask the PBX for a snapshot."""

    pbx: str
    at_us: int | None
    why: str


Effect = (
    LegEnded
    | CallEnded
    | VisitBegan
    | VisitEnded
    | WorkBegan
    | WrapUpEnded
    | LinkSpan
    | Alert
    | Violation
    | OrderChanged
    | OrderContact
    | RecordingSeen
    | SeatChanged
    | SurgeChanged
    | Anomaly
    | ResyncWanted
)

OBLIGATIONS = (OrderChanged, OrderContact, Violation)
"""Committed before they are announced."""


def seconds(us: int | None) -> float | None:
    """Microseconds to seconds, exact to the microsecond; None stays None."""
    return None if us is None else us / 1_000_000


def to_record(effect: Effect) -> dict[str, Any] | None:
    """The JSON object that ``agentd replay`` prints for ``effect``; None when it prints none."""
    match effect:
        case LegEnded():
            return {
                "type": "leg",
                "pbx": effect.pbx,
                "call": effect.call,
                "leg": effect.leg,
                "seat": effect.seat,
                "agent": effect.agent,
                "queue": effect.queue,
                "direction": effect.direction,
                "caller": effect.caller,
                "offered_at": seconds(effect.offered_us),
                "ringing_at": seconds(effect.ringing_us),
                "answered_at": seconds(effect.answered_us),
                "ended_at": seconds(effect.ended_us),
                "ring_s": seconds(effect.ring_us),
                "talk_s": seconds(effect.talk_us),
                "hold_s": seconds(effect.hold_us),
                "holds": [
                    {"kind": s.kind, "at": seconds(s.at_us), "seconds": seconds(s.seconds_us)}
                    for s in effect.holds
                ],
                "outcome": effect.outcome,
                "ended_by": effect.ended_by,
                "estimated": effect.estimated,
                "gap": effect.gap,
                "evidence": list(effect.evidence),
            }
        case CallEnded():
            return {
                "type": "call",
                "pbx": effect.pbx,
                "call": effect.call,
                "queue": effect.queue,
                "visits": list(effect.visits),
                "caller": effect.caller,
                "started_at": seconds(effect.started_us),
                "ended_at": seconds(effect.ended_us),
                "wait_s": seconds(effect.wait_us),
                "outcome": effect.outcome,
                "legs": list(effect.legs),
                "gap": effect.gap,
            }
        case Alert():
            return {
                "type": "alert",
                "pbx": effect.pbx,
                "at": seconds(effect.at_us),
                "level": effect.level,
                "rule": effect.rule,
                "seat": effect.seat,
                "agent": effect.agent,
                "call": effect.call,
                "queue": effect.queue,
                "to": list(effect.to),
                "value": seconds(effect.value_us),
                "limit": seconds(effect.limit_us),
                "spell": effect.spell,
            }
        case Violation():
            return {
                "type": "violation",
                "pbx": effect.pbx,
                "id": effect.id,
                "at": seconds(effect.at_us),
                "rule": effect.rule,
                "seat": effect.seat,
                "agent": effect.agent,
                "call": effect.call,
                "leg": effect.leg,
                "value": seconds(effect.value_us),
                "limit": seconds(effect.limit_us),
                "evidence": list(effect.evidence),
            }
        case OrderChanged():
            return {
                "type": "work_order",
                "pbx": effect.pbx,
                "at": seconds(effect.at_us),
                "id": effect.id,
                "kind": effect.kind,
                "call": effect.call,
                "seat": effect.seat,
                "agent": effect.agent,
                "queue": effect.queue,
                "caller": effect.caller,
                "status": effect.status,
                "opened_at": seconds(effect.opened_us),
                "due_at": seconds(effect.due_us),
                "change": effect.change,
            }
        case SeatChanged():
            return {
                "type": "seat",
                "pbx": effect.pbx,
                "at": seconds(effect.at_us),
                "seat": effect.seat,
                "agent": effect.agent,
                "state": effect.state,
                "queues": list(effect.queues),
                "pause_reason": effect.pause_reason,
            }
        case SurgeChanged():
            return {
                "type": "surge",
                "pbx": effect.pbx,
                "at": seconds(effect.at_us),
                "queue": effect.queue,
                "level": effect.level,
                "was": effect.was,
                "began_at": seconds(effect.began_us),
                "reached": list(effect.reached),
                "waiting": effect.waiting,
                "longest_wait_s": seconds(effect.longest_wait_us),
                "service_level": effect.service_level,
                "folded": effect.folded,
            }
        case Anomaly():
            return {
                "type": "anomaly",
                "pbx": effect.pbx,
                "at": seconds(effect.at_us),
                "what": effect.what,
                "event": effect.event,
            }
        case _:
            return None
