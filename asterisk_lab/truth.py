"""Ground truth: what agentd must conclude from a scenario, and the comparison with what it did.

A scenario declares nominal figures (what the phones were told to do). `resolve` replaces them by
the PBX's own timestamps of the same run and refuses a run in which the phones did otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .timeline import Channel, Timeline

TOLERANCE_S = 0.05
NOMINAL_SLACK_S = 0.75

RING_WARNING_S, RING_LIMIT_S = 5.0, 10.0
HOLD_WARNING_S, HOLD_LIMIT_S, HOLD_ESCALATION_S = 20.0, 30.0, 60.0
CONSULT_WARNING_S = 30.0
ORDER_LIMIT_S = 900.0

Record = dict[str, Any]


class RunInvalid(AssertionError):
    """The phones or the PBX did not do what the scenario says, so the run proves nothing."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A customer's wait: nominal seconds, and where its two ends are when not Hold and Unhold."""

    kind: str
    seconds: float
    start: float | None = None
    end: float | None = None


@dataclass(slots=True)
class Leg:
    """One seat's part. `seat` and `call` are the scenario's names; `nth` of the phone's channels.

    `ring_s`/`talk_s` are nominal seconds, None for null. `call` names a caller or, for an internal
    or outbound leg, is None: then the call is the seat's own channel (or `call_of`'s), and
    `customer` names who was called. `person` is who sat there when it was not the first.
    """

    seat: str
    outcome: str
    call: str | None = None
    queue: str | None = None
    direction: str = "inbound"
    ring_s: float | None = None
    talk_s: float | None = None
    ended_by: str | None = None
    holds: Sequence[Spell] = ()
    nth: int = 0
    call_of: tuple[str, int] | None = None
    judged_ring: bool = True
    estimated: bool = False
    ended_at: float | None = None
    unchecked: Sequence[str] = ()
    person: str | None = None
    customer: str | None = None


@dataclass(slots=True)
class Call:
    """A customer's call: outcome, nominal wait and who answered in the end (None: a missed one)."""

    caller: str
    outcome: str
    queue: str | None
    legs: int
    wait_s: float | None = None
    visits: Sequence[str] | None = None
    order_seat: str | None = None
    unchecked: Sequence[str] = ()
    nth: int = 0
    folded: bool = False
    """Missed like an earlier one of the same caller: no order of its own."""
    order_done: bool = False
    """Its missed-call order closed itself."""
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """A call beside an order's own. `order` names the caller whose call the order is of; the call
    beside it is the seat's nth channel's, or another caller's (`caller`). Kept live only."""

    order: str
    kind: str
    leg: tuple[str, int] | None = None
    caller: str | None = None
    in_time: bool | None = None


@dataclass(slots=True)
class Truth:
    """Everything a scenario declares. `no_alerts`: nobody may be alerted or charged, whatever the
    figures say (work orders aside). `states` maps a seat to its states in order:
    (state, person, pause reason)."""

    legs: list[Leg] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    states: dict[str, list[tuple[str, str | None, str | None]]] = field(default_factory=dict)
    contacts: list[Contact] = field(default_factory=list)
    no_alerts: bool = False
    alerts_unchecked: bool = False
    order_limit_s: float = ORDER_LIMIT_S
    notes: str = ""


@dataclass(slots=True)
class Names:
    """The scenario's own names, as they are on this PBX."""

    seats: dict[str, str]
    people: dict[str, str]
    queues: dict[str, str]
    callers: dict[str, str]


def _near(what: str, nominal: float | None, exact: float | None, slack: float) -> None:
    if (nominal is None) != (exact is None) or (
        nominal is not None and exact is not None and abs(nominal - exact) > slack
    ):
        raise RunInvalid(f"{what}: the scenario says {nominal} s, the PBX saw {exact} s")


def _gap(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


def resolve(truth: Truth, names: Names, timeline: Timeline, slack: float) -> Record:
    """The truth of one run, with PBX timestamps, as the lists that `compare` and readers use.

    Raises RunInvalid where a nominal figure is off by more than `slack` seconds.
    """
    legs: list[Record] = []
    alerts: list[Record] = []
    violations: list[Record] = []
    for leg in truth.legs:
        record, channel = _resolve_leg(leg, names, timeline, slack)
        legs.append(record)
        if not truth.no_alerts:
            _judge(leg, record, channel, alerts, violations)
    calls, orders = [], []
    for call in truth.calls:
        record = _resolve_call(call, names, timeline, slack)
        calls.append(record)
        order = _order(call, record, legs, names, truth.order_limit_s)
        if order:
            orders.append(order)
            if order["kind"] == "call" and order["due_at"] is not None:
                violations.append(
                    {"rule": "work_order", "call": order["call"], "at": order["due_at"],
                     "limit": truth.order_limit_s}
                )  # fmt: skip
    return {
        "tolerance_s": TOLERANCE_S,
        "seats": sorted(names.seats.values()),
        "callers": sorted(names.callers.values()),
        "legs": legs,
        "calls": calls,
        **({} if truth.alerts_unchecked else {"alerts": alerts}),
        "violations": violations,
        "work_orders": orders,
        "contacts": [_resolve_contact(one, names, timeline) for one in truth.contacts],
        "recordings": [
            {
                "call": record["call"],
                "channel": record["call"],
                "file": f"/lab/spool/monitor/{record['call']}.wav",
            }
            for call, record in zip(truth.calls, calls, strict=True)
            if call.recorded
        ],
        "seat_states": {
            names.seats[seat]: [
                {"state": state}
                | ({} if person is None else {"agent": person})
                | ({} if reason is None else {"pause_reason": reason})
                for state, person, reason in states
            ]
            for seat, states in truth.states.items()
        },
    }


def _nth(channels: list[Channel], nth: int, what: str) -> Channel:
    if nth >= len(channels):
        raise RunInvalid(f"{what}: only {len(channels)} channels")
    return channels[nth]


def _resolve_leg(
    leg: Leg, names: Names, timeline: Timeline, slack: float
) -> tuple[Record, Channel]:
    device = names.seats[leg.seat]
    channel = _nth(timeline.of_device(device), leg.nth, f"{device} leg {leg.nth}")
    answered = leg.outcome == "answered"
    number = names.callers.get(leg.call or leg.customer or "")
    if leg.call is not None:
        call = _nth(timeline.of_caller(str(number)), 0, f"caller {number}").uniqueid
    elif leg.call_of is not None:
        call = _nth(
            timeline.of_device(names.seats[leg.call_of[0]]), leg.call_of[1], "call"
        ).uniqueid
    else:
        call = channel.uniqueid
    outbound = leg.direction == "outbound"
    answered_at = (
        (channel.far_answered_at if outbound else channel.answered_at) if answered else None
    )
    ended_at = leg.ended_at or channel.ended_at
    if not answered:
        # An offer ends when its dialling does; a phone that was never told has no DialEnd.
        ended_at = channel.dial_ended_at or channel.hangup_at
    ringing_at = None if leg.ring_s is None else channel.ringing_at
    ring_s = _gap(ringing_at, answered_at or ended_at)
    talk_s = _gap(answered_at, ended_at) if answered else None
    what = f"{device} leg {leg.nth}"
    if "ring_s" not in leg.unchecked:
        _near(f"{what} ring", leg.ring_s, ring_s, slack)
    if "talk_s" not in leg.unchecked:
        _near(f"{what} talk", leg.talk_s, talk_s, slack)
    holds = _resolve_holds(leg, channel, ended_at, slack)
    record: Record = {
        "leg": channel.uniqueid,
        "call": call,
        "seat": device,
        "agent": leg.person or names.people[leg.seat],
        "queue": names.queues[leg.queue] if leg.queue else None,
        "direction": leg.direction,
        **({} if number is None else {"caller": number}),
        "outcome": leg.outcome,
        "ended_by": leg.ended_by,
        "offered_at": channel.offered_at,
        "ringing_at": ringing_at,
        "answered_at": answered_at,
        "ended_at": ended_at,
        "ring_s": ring_s,
        "talk_s": talk_s,
        "hold_s": sum(hold["seconds"] for hold in holds),
        "holds": holds,
        "estimated": leg.estimated,
    }
    for key in leg.unchecked:
        record.pop(key, None)
    return record, channel


def _resolve_holds(
    leg: Leg, channel: Channel, ended_at: float | None, slack: float
) -> list[Record]:
    holds: list[Record] = []
    if "holds" in leg.unchecked:
        return holds
    own = [s for s in leg.holds if s.start is None]
    if own and len(own) != len(channel.holds):
        raise RunInvalid(
            f"{channel.name}: {len(channel.holds)} holds, the scenario says {len(own)}"
        )
    events = iter(channel.holds)
    for spell in leg.holds:
        start, end = (spell.start, None) if spell.start is not None else next(events)
        end = spell.end or end or ended_at
        seconds = _gap(start, end)
        _near(f"{channel.name} {spell.kind}", spell.seconds, seconds, slack)
        holds.append({"kind": spell.kind, "at": start, "seconds": seconds})
    return holds


def _judge(
    leg: Leg, record: Record, channel: Channel, alerts: list[Record], violations: list[Record]
) -> None:
    """The alerts and violations that the nominal figures call for, at the moments they are due."""
    seat = record["seat"]

    def alert(level: str, rule: str, at: float) -> None:
        alerts.append(
            {"level": level, "rule": rule, "seat": seat, "call": record["call"], "at": at}
        )

    def violation(rule: str, at: float, value: float | None) -> None:
        violations.append(
            {"rule": rule, "seat": seat, "call": record["call"], "leg": record["leg"], "at": at}
            | ({} if value is None else {"value": value, "limit": value})
        )

    if leg.judged_ring and leg.ring_s is not None and leg.direction == "inbound":
        start = record["ringing_at"]
        if leg.ring_s > RING_WARNING_S:
            alert("warning", "ring", start + RING_WARNING_S)
            if leg.ring_s > RING_LIMIT_S:
                alert("breach", "ring", start + RING_LIMIT_S)
                violation("ring", start + RING_LIMIT_S, RING_LIMIT_S)
            alert("cleared", "ring", start + record["ring_s"])
    for spell, hold in zip(leg.holds, record.get("holds", ()), strict=False):
        start, end = hold["at"], hold["at"] + hold["seconds"]
        if spell.kind == "consult":
            if spell.seconds > CONSULT_WARNING_S:
                alert("warning", "consult", start + CONSULT_WARNING_S)
                alert("cleared", "consult", end)
            continue
        if spell.seconds <= HOLD_WARNING_S:
            continue
        alert("warning", spell.kind, start + HOLD_WARNING_S)
        if spell.seconds > HOLD_LIMIT_S:
            alert("breach", spell.kind, start + HOLD_LIMIT_S)
            violation(spell.kind, start + HOLD_LIMIT_S, HOLD_LIMIT_S)
        if spell.seconds > HOLD_ESCALATION_S:
            alert("escalation", spell.kind, start + HOLD_ESCALATION_S)
        alert("cleared", spell.kind, end)
    if leg.direction == "inbound" and leg.ended_by == "agent":
        at = channel.hangup_request_at
        if at is None:
            raise RunInvalid(f"{seat}: the phone sent no BYE")
        violation("hangup_order", at, None)


def _resolve_call(call: Call, names: Names, timeline: Timeline, slack: float) -> Record:
    number = names.callers[call.caller]
    channel = _nth(timeline.of_caller(number), call.nth, f"caller {number}")
    wait_s = None
    if channel.joins and "wait_s" not in call.unchecked:
        joined = channel.joins[0][1]
        # Asterisk lets a caller leave the queue within a millisecond of the phone's answer.
        wait_s = _gap(joined, channel.queue_leaves[-1] if channel.queue_leaves else None)
        _near(f"caller {number} wait", call.wait_s, wait_s, slack)
    visits = (
        [names.queues[q] for q in call.visits]
        if call.visits is not None
        else ([names.queues[call.queue]] if call.queue else [])
    )
    record: Record = {
        "call": channel.uniqueid,
        "queue": names.queues[call.queue] if call.queue else None,
        "visits": visits,
        "caller": number,
        "ended_at": channel.hangup_at,
        "wait_s": wait_s,
        "outcome": call.outcome,
        "legs": call.legs,
    }
    for key in call.unchecked:
        record.pop(key, None)
    return record


def _resolve_contact(contact: Contact, names: Names, timeline: Timeline) -> Record:
    order = _nth(timeline.of_caller(names.callers[contact.order]), 0, f"caller {contact.order}")
    record: Record = {
        "order_call": order.uniqueid, "kind": contact.kind, "in_time": contact.in_time
    }  # fmt: skip
    if contact.leg is not None:
        seat, nth = contact.leg
        record["leg"] = _nth(timeline.of_device(names.seats[seat]), nth, f"{seat} {nth}").uniqueid
    if contact.caller is not None:
        number = names.callers[contact.caller]
        record["call"] = _nth(timeline.of_caller(number), 0, f"caller {number}").uniqueid
    return record


def _order(
    call: Call, record: Record, legs: list[Record], names: Names, limit_s: float
) -> Record | None:
    if call.outcome != "answered":
        if call.outcome == "failed" or call.folded:
            return None
        status = "completed" if call.order_done else "open"
        return {
            "kind": "missed",
            "call": record["call"],
            "seat": None,
            "status": status,
            "due_at": None,
        }
    parts = [leg for leg in legs if leg["call"] == record["call"] and leg["outcome"] == "answered"]
    last = max((leg["ended_at"] for leg in parts if leg.get("ended_at")), default=None)
    first = min((leg["answered_at"] for leg in parts if leg.get("answered_at")), default=None)
    return {
        "kind": "call",
        "call": record["call"],
        "seat": names.seats[call.order_seat] if call.order_seat else None,
        **({} if first is None else {"opened_at": first}),
        "due_at": None if last is None else last + limit_s,
    }
