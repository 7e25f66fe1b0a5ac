"""The metrics once more, slowly: from the whole list of facts, straight from the formulas.

Written from the product rules, section 3, and docs/metrics.md, without a look at
:mod:`agentd.core.metrics`: no sums that move along, no ledgers, every figure counted anew from all
facts. What the two say must be equal to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from agentd.core.effects import (
    Alert,
    Judged,
    LegEnded,
    LinkSpan,
    OrderChanged,
    SeatChanged,
    Violation,
    VisitBegan,
    VisitEnded,
    WorkBegan,
    WrapUpEnded,
)
from agentd.core.metric_windows import MetricBook
from agentd.core.order_model import WorkOrder

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
Scope = tuple[str, str]
Ratio = tuple[int, int]


@dataclass
class Told:
    """A fact, and whose it is."""

    fact: Any
    team: str | None = None
    person: str | None = None


@dataclass
class World:
    """What is known in the end, of each thing once."""

    book: MetricBook
    visits: dict[tuple[str, ...], VisitBegan | VisitEnded] = field(default_factory=dict)
    legs: dict[tuple[str, str], LegEnded] = field(default_factory=dict)
    talks: dict[tuple[str, str], WorkBegan] = field(default_factory=dict)
    wrapping: dict[tuple[str, str], WorkBegan] = field(default_factory=dict)
    wraps: dict[tuple[str, str], WrapUpEnded] = field(default_factory=dict)
    whose_leg: dict[tuple[str, str], tuple[str | None, str | None]] = field(default_factory=dict)
    violations: dict[str, Violation] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    orders: dict[str, Told] = field(default_factory=dict)
    documents: dict[str, Told] = field(default_factory=dict)
    alerts: dict[tuple[Any, ...], Told] = field(default_factory=dict)
    seats: dict[tuple[str, str], dict[int, Told]] = field(default_factory=dict)
    links: dict[str, dict[int, bool]] = field(default_factory=dict)

    def hear(self, told: Told) -> None:
        fact = told.fact
        match fact:
            case VisitBegan():
                self.visits.setdefault(_visit(fact), fact)
            case VisitEnded():
                self.visits[_visit(fact)] = fact
            case LegEnded() | WorkBegan() | WrapUpEnded():
                key = fact.pbx, fact.leg
                if told.team or told.person:
                    self.whose_leg[key] = told.team, told.person
                if isinstance(fact, LegEnded):
                    self.legs[key] = fact
                elif isinstance(fact, WrapUpEnded):
                    self.wraps[key] = fact
                elif fact.kind == "wrap_up":
                    self.wrapping[key] = fact
                else:
                    self.talks[key] = fact
            case Violation():
                self.violations[fact.id] = fact
            case Judged():
                before = self.judged.get(fact.violation)
                if before is None or before.at_us <= fact.at_us:
                    self.judged[fact.violation] = fact
            case OrderChanged():
                known = self.orders.get(fact.id)
                if known is None or known.fact.at_us <= fact.at_us:
                    self.orders[fact.id] = told
            case WorkOrder():
                known = self.documents.get(fact.id)
                if known is None or known.fact.version <= fact.version:
                    self.documents[fact.id] = told
            case Alert():
                self.alerts[fact.pbx, fact.spell, fact.level, fact.rule, fact.at_us] = told
            case SeatChanged():
                self.seats.setdefault((fact.pbx, fact.seat), {})[fact.at_us] = told
            case LinkSpan():
                self.links.setdefault(fact.pbx, {})[fact.at_us] = fact.up


def _visit(fact: VisitBegan | VisitEnded) -> tuple[str, ...]:
    return fact.pbx, fact.call, fact.queue, str(fact.joined_us)


# --- windows ---------------------------------------------------------------------------------


def window(book: MetricBook, name: str, now: int) -> tuple[int, int]:
    """(from, to) of a window at ``now``."""
    base, _, when = name.partition("@")
    today = _latest(book.day_starts_s, now)
    if base == "last_30_min":
        span = now - 30 * MINUTE, now
    elif base == "today" or not book.shifts:
        span = today, now
    else:
        begun = [(_latest(shift.starts_s, now), shift.lasts_s) for shift in book.shifts]
        start = max(at for at, _ in begun)
        lasts = next(lasts for at, lasts in begun if at == start)
        span = start, min(now, start + lasts * SECOND)
    back = {"": 0, "yesterday": DAY, "last_week": 7 * DAY}[when]
    return span[0] - back, span[1] - back


def _latest(starts_s: int, now: int) -> int:
    """The latest moment not after ``now`` that is ``starts_s`` after midnight UTC."""
    moment = (now // DAY + 1) * DAY + starts_s * SECOND
    while moment > now:
        moment -= DAY
    return moment


# --- counting --------------------------------------------------------------------------------


class Slow:
    """Figures of one scope in one span of time. ``now`` is where what goes on is cut."""

    def __init__(self, world: World, scope: Scope, span: tuple[int, int]) -> None:
        self.world = world
        self.scope = scope
        self.start, self.end = span

    def _in(self, at: int) -> bool:
        return self.start <= at < self.end

    def _mine(
        self,
        pbx: str,
        queue: str | None = None,
        seat: str | None = None,
        agent: str | None = None,
        team: str | None = None,
        person: str | None = None,
    ) -> bool:
        kind, name = self.scope
        if kind == "site":
            return True
        if kind == "queue":
            return queue is not None and name == f"{pbx}/{queue}"
        if kind == "seat":
            return seat is not None and name == f"{pbx}/{seat}"
        if kind == "person":
            return name == (person if person is not None else agent)
        return name == team

    # stays

    @cached_property
    def visits(self) -> list[VisitBegan | VisitEnded]:
        return [
            visit
            for visit in self.world.visits.values()
            if self._in(visit.joined_us) and self._mine(visit.pbx, visit.queue)
        ]

    def ended(self, outcome: str) -> list[VisitEnded]:
        return [v for v in self.visits if isinstance(v, VisitEnded) and v.outcome == outcome]

    def waiting(self) -> int:
        return sum(isinstance(v, VisitBegan) for v in self.visits)

    def short(self) -> list[VisitEnded]:
        abandoned = self.ended("abandoned")
        return [v for v in abandoned if not v.estimated and v.wait_us <= v.short_us]

    def in_time(self) -> int:
        answered = self.ended("answered")
        return sum(not v.estimated and v.wait_us <= v.limit_us for v in answered)

    def judged_by_sl(self) -> int:
        """offered − short abandons, of those of whom it can be said."""
        undecided = [
            v
            for v in self.visits
            if isinstance(v, VisitBegan) or v.estimated or v.outcome == "unknown"
        ]
        return len(self.visits) - len(undecided) - len(self.short())

    # legs

    @cached_property
    def legs(self) -> list[LegEnded]:
        return [
            leg
            for key, leg in self.world.legs.items()
            if leg.direction != "internal" and self._in(leg.ended_us) and self._my_leg(key, leg)
        ]

    def _my_leg(self, key: tuple[str, str], leg: LegEnded) -> bool:
        team, person = self.world.whose_leg.get(key, (None, None))
        return self._mine(leg.pbx, leg.queue, leg.seat, leg.agent, team, person)

    def answered_legs(self) -> list[LegEnded]:
        return [x for x in self.legs if x.direction == "inbound" and x.outcome == "answered"]

    def timed_legs(self) -> list[LegEnded]:
        return [leg for leg in self.answered_legs() if leg.talk_us is not None]

    def talk(self) -> int:
        return sum(leg.talk_us or 0 for leg in self.timed_legs())

    def hold(self) -> int:
        return sum(leg.hold_us for leg in self.timed_legs())

    def acw(self) -> int:
        wraps = [self.world.wraps.get((leg.pbx, leg.leg)) for leg in self.timed_legs()]
        return sum(wrap.to_us - wrap.from_us for wrap in wraps if wrap is not None)

    def charges(self, leg: LegEnded, rule: str, *, standing: bool = False) -> bool:
        return any(
            v.rule == rule
            and (v.pbx, v.leg) == (leg.pbx, leg.leg)
            and not (standing and self._excused(v.id))
            for v in self.world.violations.values()
        )

    def _excused(self, violation: str) -> bool:
        decided = self.world.judged.get(violation)
        return decided is not None and not decided.standing

    def judged_by_rings(self) -> list[LegEnded]:
        found = []
        for leg in self.legs:
            gave_up = leg.outcome in ("caller_gave_up", "queue_gave_up")
            counts = leg.outcome in ("answered", "no_answer", "rejected")
            if "ring" in leg.judged and (counts or (gave_up and self.charges(leg, "ring"))):
                found.append(leg)
        return found

    def within_rings(self) -> int:
        judged = self.judged_by_rings()
        return sum(x.outcome == "answered" and not self.charges(x, "ring") for x in judged)

    def compliance(self, rule: str) -> Ratio:
        if rule == "work_order":
            return self._orders_in_time()
        rung = {(leg.pbx, leg.leg) for leg in self.judged_by_rings()}
        judged = [
            leg
            for leg in self.legs
            if self.charges(leg, rule)
            or ((leg.pbx, leg.leg) in rung if rule == "ring" else rule in leg.judged)
        ]
        kept = sum(not self.charges(leg, rule, standing=True) for leg in judged)
        return kept, len(judged)

    def outbound(self) -> list[LegEnded]:
        return [leg for leg in self.legs if leg.direction == "outbound"]

    def dialled(self) -> int:
        return sum(leg.outcome == "answered" or leg.caller is not None for leg in self.outbound())

    def connected(self) -> int:
        return sum(leg.outcome == "answered" for leg in self.outbound())

    # time

    def _heard(self, pbx: str) -> list[tuple[int, int]]:
        """When the PBX was heard."""
        spans: list[tuple[int, int]] = []
        since: int | None = None
        for at, up in sorted(self.world.links.get(pbx, {}).items()):
            if up and since is None:
                since = at
            elif not up and since is not None:
                spans.append((since, at))
                since = None
        if since is not None:
            spans.append((since, 1 << 62))
        return spans

    def _time(self, pbx: str, start: int, end: int | None) -> int:
        """How much of a span lies in the window and was heard; None: it goes on."""
        start, end = max(start, self.start), min(self.end if end is None else end, self.end)
        spans = self._heard(pbx)
        return sum(max(min(end, to) - max(start, at), 0) for at, to in spans)

    def work(self) -> int:
        world, total = self.world, 0
        for key in {*world.legs, *world.talks, *world.wraps, *world.wrapping}:
            leg, talk = world.legs.get(key), world.talks.get(key)
            about: LegEnded | WorkBegan | None = leg or talk
            if about is None:
                continue
            team, person = world.whose_leg.get(key, (None, None))
            if not self._mine(about.pbx, None, about.seat, about.agent, team, person):
                continue
            if leg is None:
                assert talk is not None
                total += self._time(talk.pbx, talk.at_us, None)
                continue
            if leg.direction == "internal":
                continue
            if leg.outcome == "answered" and leg.answered_us is not None:
                total += self._time(leg.pbx, leg.answered_us, leg.ended_us)
            if key in world.wraps:
                total += self._time(leg.pbx, world.wraps[key].from_us, world.wraps[key].to_us)
            elif key in world.wrapping:
                total += self._time(leg.pbx, world.wrapping[key].at_us, None)
        return total

    def _at_seats(self, counts: Callable[[SeatChanged], bool]) -> int:
        total = 0
        for changes in self.world.seats.values():
            in_order = [told for _, told in sorted(changes.items())]
            ends: list[int | None] = [told.fact.at_us for told in in_order[1:]]
            for told, end in zip(in_order, [*ends, None], strict=True):
                change: SeatChanged = told.fact
                mine = self._mine(
                    change.pbx, None, change.seat, change.agent, told.team, told.person
                )
                if mine and counts(change):
                    total += self._time(change.pbx, change.at_us, end)
        return total

    def signed_in(self) -> int:
        return self._at_seats(lambda change: change.state != "logged_out")

    def rest(self) -> int:
        pauses = self.world.book.pauses
        return self._at_seats(
            lambda change: (
                change.state == "paused" and pauses.get(change.pause_reason or "", "rest") == "rest"
            )
        )

    # orders

    def orders(self) -> list[OrderChanged]:
        return [
            told.fact
            for told in self.world.orders.values()
            if told.fact.kind == "call"
            and self._in(told.fact.opened_us)
            and self._mine(
                told.fact.pbx,
                told.fact.queue,
                told.fact.seat,
                told.fact.agent,
                told.team,
                told.person,
            )
        ]

    def _orders_in_time(self) -> Ratio:
        kept = of = 0
        for order in self.orders():
            charges = [
                v for v in self.world.violations.values() if v.id == f"{order.id}-work_order"
            ]
            if charges or order.status == "completed" or order.change == "overdue":
                of += 1
                kept += all(self._excused(v.id) for v in charges)
        return kept, of

    def _documents(self) -> Iterator[WorkOrder]:
        for told in self.world.documents.values():
            order: WorkOrder = told.fact
            agent = order.owner if order.owner is not None else order.agent
            team = told.team if told.team is not None else order.team
            mine = self._mine(order.pbx, order.queue, order.seat, agent, team, told.person)
            if mine and order.kind == "call" and order.state != "merged":
                yield order

    def opened(self) -> list[WorkOrder]:
        return [order for order in self._documents() if self._in(order.opened_us)]

    def complaints(self) -> list[WorkOrder]:
        return [o for o in self.opened() if o.category == self.world.book.complaint]

    def rated(self) -> list[WorkOrder]:
        return [o for o in self.opened() if o.category and o.state not in ("open", "returned")]

    def resolved(self, order: WorkOrder) -> bool:
        called_back = (
            order.pending_call_back
            or (order.reply is not None and order.reply.mode == "delayed")
            or any(c.kind in ("call_back", "attempt") for c in order.contacts)
        )
        numbers = {number.norm for number in order.numbers} - {""}
        until = order.opened_us + self.world.book.fcr_days * DAY
        again = order.merged_from or any(
            other.id != order.id
            and other.kind == "call"
            and other.category == order.category
            and order.opened_us < other.opened_us <= until
            and numbers & {number.norm for number in other.numbers}
            for other in (told.fact for told in self.world.documents.values())
        )
        return not called_back and not again

    def timeliness(self) -> Ratio:
        timely = of = 0
        for order in self._documents():
            due = order.dispatch.due_us if order.dispatch is not None else None
            if order.category != self.world.book.complaint or due is None or not self._in(due):
                continue
            of += 1
            closed = order.closing if order.state in ("closed", "revisited") else None
            timely += closed is not None and closed.at_us <= due
        return timely, of

    def alerts(self) -> int:
        return sum(
            told.fact.level != "cleared"
            and self._in(told.fact.at_us)
            and self._mine(
                told.fact.pbx,
                told.fact.queue,
                told.fact.seat,
                told.fact.agent,
                told.team,
                told.person,
            )
            for told in self.world.alerts.values()
        )

    def figures(self) -> dict[str, Ratio]:
        """(numerator, denominator) of every metric, times in microseconds; counts over 1."""
        offered, answered = len(self.visits), len(self.ended("answered"))
        legs, timed = len(self.answered_legs()), len(self.timed_legs())
        signed_in, rest, work = self.signed_in(), self.rest(), self.work()
        complaints = self.complaints()
        rated = self.rated()
        found: dict[str, Ratio] = {
            "offered": (offered, 1),
            "waiting": (self.waiting(), 1),
            "answered": (answered, 1),
            "abandoned": (len(self.ended("abandoned")), 1),
            "short_abandons": (len(self.short()), 1),
            "let_go": (len(self.ended("let_go")), 1),
            "moved": (len(self.ended("moved")), 1),
            "lost": (len(self.ended("unknown")), 1),
            "connect_rate": (answered, offered),
            "service_level": (self.in_time(), self.judged_by_sl()),
            "asa": (sum(v.wait_us for v in self.ended("answered")), answered),
            "legs_answered": (legs, 1),
            "within_rings": (self.within_rings(), len(self.judged_by_rings())),
            "talk": (self.talk(), timed),
            "hold": (self.hold(), timed),
            "net_talk": (self.talk() - self.hold(), timed),
            "acw": (self.acw(), timed),
            "aht": (self.talk() + self.acw(), timed),
            "occupancy": (work, signed_in - rest),
            "signed_in": (signed_in, 1),
            "rest": (rest, 1),
            "calls_per_hour": (legs, signed_in),
            "dialled": (self.dialled(), 1),
            "connected": (self.connected(), 1),
            "reach_rate": (self.connected(), self.dialled()),
            "dialled_per_hour": (self.dialled(), signed_in),
            "connected_per_hour": (self.connected(), signed_in),
            "fcr": (sum(self.resolved(order) for order in rated), len(rated)),
            "complaints": (len(complaints), 1),
            "complaints_us": (sum(order.own_service for order in complaints), answered),
            "complaint_timeliness": self.timeliness(),
            "orders": (len(self.orders()), 1),
            "alerts": (self.alerts(), 1),
            "legs_estimated": (sum(leg.estimated for leg in self.legs), 1),
            "legs_gap": (sum(leg.gap for leg in self.legs), 1),
        }
        for rule in self.world.book.rules:
            found[f"compliance:{rule}"] = self.compliance(rule)
        return found

    def longest_wait(self, now: int) -> int | None:
        since = [
            visit.joined_us
            for visit in self.world.visits.values()
            if isinstance(visit, VisitBegan) and self._mine(visit.pbx, visit.queue)
        ]
        return max(now - min(since), 0) if since else None

    def in_gap(self, pbxs: Iterable[str]) -> bool:
        """Whether a part of the window was not heard."""
        return any(self._time(pbx, self.start, self.end) < self.end - self.start for pbx in pbxs)


PER_HOUR = ("calls_per_hour", "dialled_per_hour", "connected_per_hour")
SECONDS = ("asa", "talk", "hold", "net_talk", "acw", "aht", "signed_in", "rest", "longest_wait")
SHARES = (
    "connect_rate", "service_level", "within_rings", "occupancy", "reach_rate", "fcr",
    "complaints_us", "complaint_timeliness",
)  # fmt: skip


def value(key: str, ratio: Ratio) -> int | float | None:
    """The figure as people read it: a count, a share, seconds, or calls per hour."""
    num, den = ratio
    if den <= 0:
        return None
    if key in PER_HOUR:
        return float(Fraction(num, den) * 3600 * SECOND)
    if key in SECONDS:
        return float(Fraction(num, den * SECOND))
    if key in SHARES or key.startswith("compliance:"):
        return float(Fraction(num, den))
    return num
