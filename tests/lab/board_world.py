"""What is known of a run that the wallboard is held against, and what follows for single calls and
seats: when work after a call was over, who was signed in, what had to be alerted.

Two clocks that look at the same moment differ a little. So what is not known better is a range: a
time is known to ``TOLERANCE_S``, and what lies within that of a limit may be on either side of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from asterisk_lab.witness import Instant, Part, Seen

TOLERANCE_S = 0.05
RING_SLACK_S = 0.25
"""Nobody answers a phone that it rings: on a busy machine the PBX takes note that much later."""
DAY_S = 86_400.0
NEVER = math.inf
TOLD_S = 4.0
"""So much later, at most, agentd tells what is over: the settle time, and its own second."""


@dataclass(frozen=True)
class Range:
    """A number that is not known better than this."""

    lo: float
    hi: float

    def __add__(self, other: Range) -> Range:
        return Range(self.lo + other.lo, self.hi + other.hi)

    def __sub__(self, other: Range) -> Range:
        return Range(self.lo - other.hi, self.hi - other.lo)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.lo - 1e-6 <= value <= self.hi + 1e-6

    @property
    def exact(self) -> bool:
        return self.lo == self.hi

    def __str__(self) -> str:
        return f"{self.lo:g}" if self.exact else f"{self.lo:.3f} to {self.hi:.3f}"


NONE, ONE = Range(0, 0), Range(1, 1)


def total(ranges: Iterable[Range]) -> Range:
    return sum(ranges, NONE)


@dataclass(frozen=True)
class Rules:
    """The limits that agentd was given, in seconds."""

    ring_warn_s: float
    ring_max_s: float
    hold_warn_s: float
    hold_max_s: float
    hold_escalate_s: float
    wrap_up_s: float
    answered_within_s: float
    short_abandon_s: float
    order_due_s: float


@dataclass(frozen=True)
class Paused:
    """What the runner told the PBX about a seat; `at` spans from asking to the answer."""

    seat: str
    at: Instant
    reason: str | None
    """None: not paused any more."""


@dataclass(frozen=True)
class Member:
    """A seat in a queue came (`signed_in`) or went, as the runner told the PBX."""

    seat: str
    at: Instant
    signed_in: bool


@dataclass(frozen=True)
class Completed:
    """An order that the runner completed."""

    call: str
    at: Instant
    category: str
    own_service: bool


@dataclass
class World:
    """All that is known of the run: what was seen, what the runner did, whose each seat is."""

    rules: Rules
    seen: Seen
    people: dict[str, str]
    """Who sits at each seat (device)."""
    teams: dict[str, str]
    heard_at: Instant
    """When agentd began to hear the PBX."""
    static: frozenset[str]
    """The seats that were in a queue from the beginning."""
    rest: frozenset[str]
    """The reasons of pauses that are rest."""
    words: dict[str, str]
    """What the page calls reasons."""
    pauses: list[Paused] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    completed: list[Completed] = field(default_factory=list)
    ended_by_us: set[str] = field(default_factory=set)
    """Calls that the supervisor ended."""


# --- one seat's part -------------------------------------------------------------------------


def about(seconds: float) -> Range:
    """A time between two moments."""
    return Range(max(0.0, seconds - TOLERANCE_S), seconds + TOLERANCE_S)


def near(at: float) -> Instant:
    return at - TOLERANCE_S / 2, at + TOLERANCE_S / 2


def talk_s(part: Part) -> float:
    assert part.answered_at is not None
    assert part.ended_at is not None
    return part.ended_at - part.answered_at


def ring_s(part: Part) -> Range | None:
    if part.ringing_at is None or part.rung_until is None:
        return None
    seconds = part.rung_until - part.ringing_at
    return Range(seconds - RING_SLACK_S, seconds + TOLERANCE_S)


def lasted(since: Instant, until: Instant) -> Range:
    """How long it was from one to the other."""
    return Range(
        max(0.0, until[0] - since[1] - TOLERANCE_S), max(0.0, until[1] - since[0]) + TOLERANCE_S
    )


def holds_s(part: Part) -> list[Range]:
    """How long each hold was that is over."""
    return [lasted(since, until) for since, until in part.holds if until is not None]


def wrapped_until(world: World, part: Part) -> Instant:
    """When the work after a call was over: the order completed, the time over, or the next call
    taken or made, whichever was first."""
    assert part.ended_at is not None
    ends = [near(part.ended_at + world.rules.wrap_up_s)]
    for other in world.seen.parts:
        taken_at = other.offered_at if other.outbound else other.answered_at
        if other.seat != part.seat or other.uid == part.uid or taken_at is None:
            continue
        # Who talks on another line has taken the next call already.
        if taken_at > part.ended_at or (other.ended_at or NEVER) > part.ended_at:
            ends.append(near(taken_at))
    ends += [done.at for done in world.completed if done.call == part.call]
    ends += [
        gone.at for gone in world.members
        if gone.seat == part.seat and not gone.signed_in and gone.at[1] > part.ended_at
    ]  # fmt: skip
    low = max(min(lo for lo, _ in ends), part.ended_at - TOLERANCE_S / 2)
    return low, max(min(hi for _, hi in ends), low)


def acw_s(world: World, part: Part, now: float) -> Range:
    """It counts when it is over."""
    assert part.ended_at is not None
    low, high = wrapped_until(world, part)
    if low > now:
        return NONE
    least = low - part.ended_at - TOLERANCE_S / 2 if high < now - TOLD_S else 0.0
    return Range(max(0.0, least), high - part.ended_at + TOLERANCE_S)


# --- seats' time ------------------------------------------------------------------------------

Piece = tuple[Instant, Instant]


def signed_in(world: World, seat: str) -> list[Piece]:
    changes = [m for m in world.members if m.seat == seat]
    found: list[Piece] = []
    since: Instant | None = world.heard_at if seat in world.static else None
    for change in changes:
        if change.signed_in and since is None:
            since = change.at
        elif not change.signed_in and since is not None:
            found.append((since, change.at))
            since = None
    if since is not None:
        found.append((since, (NEVER, NEVER)))
    return found


def resting(world: World, seat: str) -> list[Piece]:
    """Paused for rest, without the time in which a call was offered there, or went on."""
    found: list[Piece] = []
    since: Instant | None = None
    for pause in world.pauses:
        if pause.seat != seat:
            continue
        resting = pause.reason in world.rest
        if since is not None and not resting:
            found += _without_calls(world, seat, (since, pause.at))
            since = None
        elif since is None and resting:
            since = pause.at
    if since is not None:
        found += _without_calls(world, seat, (since, (NEVER, NEVER)))
    return found


def _without_calls(world: World, seat: str, piece: Piece) -> list[Piece]:
    since, until = piece
    found = []
    for part in (p for p in world.seen.parts if p.seat == seat):
        end = NEVER if part.ended_at is None else part.ended_at
        if end <= since[0] or part.offered_at >= until[1]:
            continue
        if part.offered_at > since[0]:
            found.append((since, near(part.offered_at)))
        since = near(end)
    if since[0] < until[1]:
        found.append((since, until))
    return found


# --- alerts ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Raised:
    """An alert. `sure` False: the limit was passed by no more than the clocks differ."""

    rule: str
    level: str
    limit: float | None
    """The time that it is about; None: it is about a moment."""
    since: float
    seat: str
    queue: str | None
    at: float
    sure: bool
    spell: tuple[str, str, int]
    """Those of one spell follow one another: (leg, rule, nth)."""
    cleared: bool


def alerts(world: World) -> list[Raised]:
    """All that the rules call for, oldest first."""
    rules, found = world.rules, []
    now = max((p.offered_at for p in world.seen.parts), default=0.0) + DAY_S

    def spell(
        part: Part, rule: str, nth: int, seconds: Range, since: float, over: bool,
        *steps: tuple[str, float],
    ) -> None:  # fmt: skip
        for level, limit in steps:
            if seconds.hi > limit:
                found.append(
                    Raised(rule, level, limit, since, part.seat, part.queue, since + limit,
                           seconds.lo > limit, (part.uid, rule, nth), over)
                )  # fmt: skip

    for part in world.seen.parts:
        if part.outbound:
            continue
        if part.ringing_at is not None:
            rang, over = ring_s(part), part.rung_until is not None
            spell(part, "ring", 0, rang or Range(now, now), part.ringing_at, over,
                  ("warning", rules.ring_warn_s), ("breach", rules.ring_max_s))  # fmt: skip
        for nth, (since, until) in enumerate(part.holds):
            seconds = Range(now, now) if until is None else lasted(since, until)
            spell(part, "hold", nth, seconds, since[1], until is not None,
                  ("warning", rules.hold_warn_s), ("breach", rules.hold_max_s),
                  ("escalation", rules.hold_escalate_s))  # fmt: skip
        if part.ended_by == "agent" and part.ended_at is not None:
            found.append(
                Raised("hangup_order", "breach", None, part.ended_at, part.seat, part.queue,
                       part.ended_at, True, (part.uid, "hangup_order", 0), True)
            )  # fmt: skip
    return sorted(found, key=lambda raised: raised.at)
