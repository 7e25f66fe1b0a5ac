"""The figures once more, from what a run's phones and Asterisk's own account say: by the formulas
of docs/metrics.md, with nothing of agentd's.

A call counts for 0 or for 1, and for 0 to 1 only where it lies within ``TOLERANCE_S`` of a limit or
of a window's edge. A figure that agentd shows must lie in the range that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from asterisk_lab.witness import Part, Visit
from tests.lab.board_world import (
    DAY_S,
    NEVER,
    NONE,
    ONE,
    TOLERANCE_S,
    Completed,
    Instant,
    Range,
    World,
    about,
    acw_s,
    alerts,
    holds_s,
    near,
    resting,
    ring_s,
    signed_in,
    talk_s,
    total,
    wrapped_until,
)

HALF_HOUR_S = 1800.0
Thing = TypeVar("Thing")

ScopeKind = Literal["site", "queue", "seat", "person", "team"]


@dataclass(frozen=True)
class Scope:
    kind: ScopeKind
    name: str = ""


@dataclass(frozen=True)
class Span:
    """A window of time. `gap`: whether a part of it was not heard."""

    since: float
    until: float
    now: float
    past: bool = False


def spans(now: float, day_at: float, shift_at: float) -> dict[str, Span]:
    """All windows at `now`, the day having begun at `day_at` and the shift at `shift_at`."""
    found = {}
    for name, since in (
        ("last_30_min", now - HALF_HOUR_S),
        ("shift", shift_at),
        ("today", day_at),
    ):
        found[name] = Span(since, now, now)
        for when, back in (("yesterday", DAY_S), ("last_week", 7 * DAY_S)):
            found[f"{name}@{when}"] = Span(since - back, now - back, now, past=True)
    return found


@dataclass(frozen=True)
class Figure:
    """Numerator and denominator; `den` None: a count, which is its own value."""

    num: Range
    den: Range | None
    unit: str

    @property
    def value(self) -> Range | None:
        """None: nothing counts yet."""
        if self.den is None:
            return self.num
        if self.den.hi <= 0:
            return None
        scale = 3600 if self.unit == "per_hour" else 1
        low = max(self.den.lo, 1e-9)
        return Range(scale * self.num.lo / self.den.hi, scale * self.num.hi / low)


class Counted:
    """The figures of one scope in one window."""

    def __init__(self, world: World, scope: Scope, span: Span) -> None:
        self.world = world
        self.scope = scope
        self.span = span

    # --- what counts, and for whom ------------------------------------------------------------

    def _when(self, at: float, slack: float = TOLERANCE_S) -> Range:
        """Whether a moment lies in the window: 1, 0, or 0 to 1."""
        sure = self.span.since + slack <= at <= self.span.until - slack
        may = self.span.since - slack <= at <= self.span.until + slack
        return Range(int(sure), int(may))

    def _mine(self, seat: str | None = None, queue: str | None = None) -> bool:
        kind, name = self.scope.kind, self.scope.name
        world = self.world
        return (
            kind == "site"
            or (kind == "queue" and name == queue)
            or (kind == "seat" and name == seat)
            or (kind == "person" and seat is not None and world.people[seat] == name)
            or (kind == "team" and seat is not None and world.teams.get(seat) == name)
        )

    @staticmethod
    def _over(value: Range | None, limit: float) -> Range:
        """Whether a time is longer than a limit."""
        return NONE if value is None else Range(int(value.lo > limit), int(value.hi > limit))

    def _count(
        self,
        things: Iterable[Thing],
        at: Callable[[Thing], float | None],
        weight: Callable[[Thing], Range] = lambda _: ONE,
    ) -> Range:
        found = []
        for thing in things:
            moment = at(thing)
            if moment is None:
                continue
            sure, value = self._when(moment), weight(thing)
            found.append(Range(sure.lo * max(value.lo, 0), sure.hi * value.hi))
        return total(found)

    # --- stays in queues ----------------------------------------------------------------------

    def visits(self, *outcomes: str) -> list[Visit]:
        return [
            visit
            for visit in self.world.seen.visits
            if self._mine(queue=visit.queue) and (not outcomes or visit.outcome in outcomes)
        ]

    def stays(self) -> dict[str, Figure]:
        rules = self.world.rules

        def count(*outcomes: str, weight: Callable[[Visit], Range] = lambda _: ONE) -> Range:
            return self._count(self.visits(*outcomes), lambda v: v.joined_at, weight)

        def wait(visit: Visit) -> float:
            assert visit.left_at is not None
            return visit.left_at - visit.joined_at

        def short(visit: Visit) -> Range:
            late = self._over(about(wait(visit)), rules.short_abandon_s)
            return Range(1 - late.hi, 1 - late.lo)

        def in_time(visit: Visit) -> Range:
            late = self._over(about(wait(visit)), rules.answered_within_s)
            return Range(1 - late.hi, 1 - late.lo)

        answered = count("answered")
        offered = count()
        waiting = count("waiting")
        shorts = count("abandoned", weight=short)
        waited = count("answered", weight=lambda v: about(wait(v)))
        oldest = min((v.joined_at for v in self.visits("waiting")), default=None)
        found = {
            "offered": Figure(offered, None, "count"),
            "waiting": Figure(waiting, None, "count"),
            "answered": Figure(answered, None, "count"),
            "abandoned": Figure(count("abandoned"), None, "count"),
            "short_abandons": Figure(shorts, None, "count"),
            "let_go": Figure(count("let_go"), None, "count"),
            # Nobody's call goes on elsewhere without an answer here, and no link breaks.
            "moved": Figure(NONE, None, "count"),
            "lost": Figure(NONE, None, "count"),
            "connect_rate": Figure(answered, offered, "share"),
            "service_level": Figure(
                count("answered", weight=in_time), offered - shorts - waiting, "share"
            ),
            "asa": Figure(waited, answered, "seconds"),
        }
        if oldest is not None and not self.span.past:
            found["longest_wait"] = Figure(about(self.span.now - oldest), Range(1, 1), "seconds")
        else:
            found["longest_wait"] = Figure(NONE, NONE, "seconds")
        return found

    # --- seats' parts of calls ----------------------------------------------------------------

    def parts(self, *, outbound: bool) -> list[Part]:
        return [
            part
            for part in self.world.seen.parts
            if part.outbound == outbound and self._mine(part.seat, part.queue)
        ]

    def legs(self) -> dict[str, Figure]:
        world, rules = self.world, self.world.rules
        parts = self.parts(outbound=False)

        def count(of: list[Part], weight: Callable[[Part], Range] = lambda _: ONE) -> Range:
            return self._count(of, lambda p: p.ended_at, weight)

        answered = [part for part in parts if part.outcome == "answered"]
        legs = count(answered)
        talk = count(answered, lambda p: about(talk_s(p)))
        hold = count(answered, lambda p: total(holds_s(p)))
        acw = count(answered, lambda p: acw_s(world, p, self.span.now))

        def late(part: Part) -> Range:
            return self._over(ring_s(part), rules.ring_max_s)

        def rung(part: Part) -> Range:
            if part.outcome in ("answered", "no_answer", "rejected"):
                return Range(1, 1)
            gave_up = part.outcome in ("caller_gave_up", "queue_gave_up")
            return late(part) if gave_up else NONE

        def good(part: Part) -> Range:
            over = late(part)
            return Range(1 - over.hi, 1 - over.lo) if part.outcome == "answered" else NONE

        def kept(part: Part) -> Range:
            over = late(part)
            return Range(rung(part).lo * (1 - over.hi), rung(part).hi * (1 - over.lo))

        def held(part: Part) -> Range:
            spells = [self._over(seconds, rules.hold_max_s) for seconds in holds_s(part)]
            return Range(1 - max((s.hi for s in spells), default=0),
                         1 - max((s.lo for s in spells), default=0))  # fmt: skip

        dialled = self.parts(outbound=True)
        # Holding is judged on calls made as well: a customer waits there, too.
        held_to = answered + [part for part in dialled if part.answered_at is not None]
        out = count(dialled)
        connected = count([part for part in dialled if part.answered_at is not None])
        judged_end = [part for part in answered if part.ended_by is not None]
        polite = [part for part in judged_end if part.ended_by != "agent"]
        signed_in = self.signed_in()
        return {
            "legs_answered": Figure(legs, None, "count"),
            "within_rings": Figure(count(parts, good), count(parts, rung), "share"),
            "talk": Figure(talk, legs, "seconds"),
            "hold": Figure(hold, legs, "seconds"),
            "net_talk": Figure(talk - hold, legs, "seconds"),
            "acw": Figure(acw, legs, "seconds"),
            "aht": Figure(talk + acw, legs, "seconds"),
            "occupancy": Figure(self.work(), signed_in - self.rest(), "share"),
            "signed_in": Figure(signed_in, Range(1, 1), "seconds"),
            "rest": Figure(self.rest(), Range(1, 1), "seconds"),
            "calls_per_hour": Figure(legs, signed_in, "per_hour"),
            "dialled": Figure(out, None, "count"),
            "connected": Figure(connected, None, "count"),
            "reach_rate": Figure(connected, out, "share"),
            "dialled_per_hour": Figure(out, signed_in, "per_hour"),
            "connected_per_hour": Figure(connected, signed_in, "per_hour"),
            "legs_estimated": Figure(NONE, None, "count"),
            "legs_gap": Figure(NONE, None, "count"),
            "compliance:ring": Figure(count(parts, kept), count(parts, rung), "share"),
            "compliance:hold": Figure(count(held_to, held), count(held_to), "share"),
            "compliance:park": Figure(count(held_to), count(held_to), "share"),
            "compliance:hangup_order": Figure(count(polite), count(judged_end), "share"),
            "alerts": Figure(self.alerts(), None, "count"),
        }

    def alerts(self) -> Range:
        """Warnings, breaches and escalations, each when it was raised."""
        found = [
            self._when(alert.at, 2 * TOLERANCE_S)
            if alert.sure
            else Range(0, self._when(alert.at, 2 * TOLERANCE_S).hi)
            for alert in alerts(self.world)
            if self._mine(alert.seat, alert.queue)
        ]
        return total(found)

    # --- time ---------------------------------------------------------------------------------

    def _clipped(self, since: Instant, until: Instant) -> Range:
        """How much of a span lies in the window and was heard."""
        start, end = self.span.since, self.span.until
        heard = self.world.heard_at
        return Range(
            max(0.0, min(until[0], end) - max(since[1], start, heard[1])),
            max(0.0, min(until[1], end + TOLERANCE_S) - max(since[0], start, heard[0])),
        )

    def signed_in(self) -> Range:
        seats = [seat for seat in self.world.people if self._mine(seat)]
        return total(
            self._clipped(since, until)
            for seat in seats
            for since, until in signed_in(self.world, seat)
        )

    def rest(self) -> Range:
        seats = [seat for seat in self.world.people if self._mine(seat)]
        return total(
            self._clipped(since, until)
            for seat in seats
            for since, until in resting(self.world, seat)
        )

    def work(self) -> Range:
        """Talking, wrapping up, and calls made that were answered."""
        found = []
        for part in self.world.seen.parts:
            if part.answered_at is None or not self._mine(part.seat):
                continue
            until = NEVER if part.ended_at is None else part.ended_at
            found.append(self._clipped(near(part.answered_at), near(until)))
            if part.ended_at is not None:
                acw = wrapped_until(self.world, part)
                found.append(self._clipped(near(part.ended_at), acw))
        return total(found)

    # --- orders -------------------------------------------------------------------------------

    def orders(self) -> dict[str, Figure]:
        """One for each call that a seat answered; it belongs to whoever had the call last."""
        world = self.world
        opened: dict[str, Part] = {}
        last: dict[str, Part] = {}
        queues: dict[str, str] = {visit.call: visit.queue for visit in world.seen.visits}
        for part in world.seen.parts:
            if not part.outbound and part.answered_at is not None:
                opened.setdefault(part.call, part)
                last[part.call] = part
        done = {one.call: one for one in world.completed}
        mine = [call for call in opened if self._mine(last[call].seat, queues.get(call))]

        def count(calls: Iterable[str]) -> Range:
            return self._count(calls, lambda call: opened[call].answered_at)

        completed = [call for call in mine if call in done]
        complaints = [call for call in completed if done[call].category == "complaint"]
        resolved = [call for call in completed if not self._came_back(call, done, opened)]
        answered = self.stays()["answered"].num
        return {
            "orders": Figure(count(mine), None, "count"),
            "complaints": Figure(count(complaints), None, "count"),
            "complaints_us": Figure(
                count(call for call in complaints if done[call].own_service), answered, "share"
            ),
            # None was dispatched, so none has a limit.
            "complaint_timeliness": Figure(NONE, NONE, "share"),
            "fcr": Figure(count(resolved), count(completed), "share"),
            "compliance:work_order": Figure(count(completed), count(completed), "share"),
        }

    def _came_back(self, call: str, done: dict[str, Completed], opened: dict[str, Part]) -> bool:
        """The caller called again about the same."""
        first = opened[call]
        assert first.answered_at is not None
        return any(
            other != call
            and opened[other].number == first.number
            and done[other].category == done[call].category
            and (opened[other].answered_at or 0) > first.answered_at
            for other in done
            if other in opened
        )

    def figures(self) -> dict[str, Figure]:
        """Every figure that there is; not all are given for every scope."""
        return self.stays() | self.legs() | self.orders()
