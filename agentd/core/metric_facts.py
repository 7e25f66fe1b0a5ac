"""What each fact adds to which sums, when, and for whom: the metrics' formulas, fact by fact. Pure.

Several facts may speak of one thing: a leg, its wrap-up, its violations and what was decided about
them make one :class:`LegCase`, of which the points follow anew whenever one of them changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from agentd.core.effects import (
    Alert,
    LegEnded,
    OrderChanged,
    Rule,
    SeatChanged,
    VisitBegan,
    VisitEnded,
    WorkBegan,
    WrapUpEnded,
)
from agentd.core.metric_ledger import Point, Scope
from agentd.core.metric_windows import MetricBook
from agentd.core.order_model import WorkOrder

SITE: Final[Scope] = ("site", "")
_ROOM: Final = ("answered", "no_answer", "rejected")
"""Outcomes that count for the rings whether the limit was passed or not."""
_GAVE_UP: Final = ("caller_gave_up", "queue_gave_up")
_WORKS: Final = {1: (("work_us", 1),), -1: (("work_us", -1),)}
_CALLED_BACK: Final = ("call_back", "attempt")


class Whose(Struct, frozen=True, gc=False):
    """Whom a fact belongs to beside its seat and queue."""

    team: str | None = None
    person: str | None = None


NOBODY: Final = Whose()


def scopes_of(
    pbx: str, queue: str | None, seat: str | None, agent: str | None, whose: Whose
) -> tuple[Scope, ...]:
    """All scopes of a fact."""
    person = whose.person if whose.person is not None else agent
    return _scopes(pbx, queue, seat, person, whose.team)


@lru_cache(maxsize=1 << 16)
def _scopes(
    pbx: str, queue: str | None, seat: str | None, person: str | None, team: str | None
) -> tuple[Scope, ...]:
    # The same ones again and again: one copy of each is kept.
    found: list[Scope] = [SITE]
    if queue is not None:
        found.append(("queue", f"{pbx}/{queue}"))
    if seat is not None:
        found.append(("seat", f"{pbx}/{seat}"))
    if person is not None:
        found.append(("person", person))
    if team is not None:
        found.append(("team", team))
    return tuple(found)


@lru_cache(maxsize=1 << 10)
def _once(name: str) -> tuple[str, int]:
    return name, 1


def _nonzero(adds: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (name, number) if number != 1 else _once(name) for name, number in adds.items() if number
    )


# --- stays in queues -------------------------------------------------------------------------


class VisitCase(Struct, gc=False):
    """One stay of a caller in one queue: begun, and then ended."""

    began: VisitBegan | None = None
    ended: VisitEnded | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        fact = self.ended or self.began
        assert fact is not None
        return scopes_of(fact.pbx, fact.queue, None, None, NOBODY)

    def points(self) -> list[Point]:
        """A stay counts when the caller joined."""
        ended = self.ended
        if ended is None:
            began = self.began
            assert began is not None
            adds = {"offered": 1, "waiting": 1, "stays_estimated": int(began.estimated)}
            return [self._piece(began, adds)]
        adds = {
            "offered": 1,
            "stays_estimated": int(ended.estimated),
            "stays_gap": int(ended.gap),
        }
        judged = not ended.estimated
        match ended.outcome:
            case "answered":
                adds["answered"] = 1
                adds["wait_us"] = ended.wait_us
                adds["in_time"] = int(judged and ended.wait_us <= ended.limit_us)
            case "abandoned":
                short = judged and ended.wait_us <= ended.short_us
                adds["abandoned"] = 1
                adds["short_abandons"] = int(short)
                judged = judged and not short
            case "let_go":
                adds["let_go"] = 1
            case "moved":
                adds["moved"] = 1
            case _:
                adds["lost"] = 1
                judged = False
        adds["sl_of"] = int(judged)
        return [self._piece(ended, adds)]

    def _piece(self, fact: VisitBegan | VisitEnded, adds: Mapping[str, int]) -> Point:
        return Point(
            self.scopes, fact.joined_us, fact.pbx, _nonzero(adds), (), (fact.pbx, fact.call)
        )


# --- legs ------------------------------------------------------------------------------------


class LegCase(Struct, gc=False):
    """One leg, and what hangs on it."""

    talk: WorkBegan | None = None
    ended: LegEnded | None = None
    wrapping: WorkBegan | None = None
    wrap: WrapUpEnded | None = None
    whose: Whose = NOBODY
    broken: dict[str, Rule] = field(default_factory=dict)
    """Violations by id."""

    def take(self, leg: LegEnded) -> None:
        """The leg is over. What proves it is not needed for figures."""
        self.talk = None
        self.ended = replace(leg, evidence=(), holds=())

    def points(self, standing: Mapping[str, bool]) -> list[Point]:
        """A leg and its verdicts count when it ended, work while it went on. ``standing``: what
        was decided about violations."""
        leg = self.ended
        if leg is None:
            return [] if self.talk is None else [self._works(self.talk, self.talk.at_us, 1)]
        if leg.direction == "internal":
            return []
        answered = leg.outcome == "answered"
        adds = {"legs_estimated": int(leg.estimated), "legs_gap": int(leg.gap)}
        if leg.direction == "outbound":
            adds["dialled"] = int(answered or leg.caller is not None)
            adds["connected"] = int(answered)
        elif answered:
            adds["legs_answered"] = 1
            if leg.talk_us is not None:
                adds["legs_timed"] = 1
                adds["talk_us"] = leg.talk_us
                adds["hold_us"] = leg.hold_us
                adds["acw_us"] = self.wrap.to_us - self.wrap.from_us if self.wrap else 0
        self._verdicts(leg, adds, standing)
        call = leg.pbx, leg.call
        scopes = scopes_of(leg.pbx, leg.queue, leg.seat, leg.agent, self.whose)
        points = [Point(scopes, leg.ended_us, leg.pbx, _nonzero(adds), (), call)]
        if answered and leg.answered_us is not None:
            points.append(self._works(leg, leg.answered_us, 1))
            points.append(self._works(leg, leg.ended_us, -1))
        if self.wrap is not None:
            points.append(self._works(leg, self.wrap.from_us, 1))
            points.append(self._works(leg, self.wrap.to_us, -1))
        elif self.wrapping is not None:
            points.append(self._works(leg, self.wrapping.at_us, 1))
        return points

    def _verdicts(self, leg: LegEnded, adds: dict[str, int], standing: Mapping[str, bool]) -> None:
        judged = set(leg.judged)
        charged = set(self.broken.values())
        if "ring" in judged:
            late = "ring" in charged
            if leg.outcome in _ROOM or (late and leg.outcome in _GAVE_UP):
                adds["rings_of"] = 1
                adds["rings_in_time"] = int(leg.outcome == "answered" and not late)
            else:
                judged.discard("ring")
        for rule in judged | charged:
            adds[f"judged:{rule}"] = 1
        for violation, rule in self.broken.items():
            if standing.get(violation, True):
                adds[f"broken:{rule}"] = 1

    def _works(self, fact: LegEnded | WorkBegan, at_us: int, change: int) -> Point:
        scopes = scopes_of(fact.pbx, None, fact.seat, fact.agent, self.whose)
        return Point(scopes, at_us, fact.pbx, (), _WORKS[change])


# --- orders ----------------------------------------------------------------------------------


class OrderCase(Struct, gc=False):
    """What is owed for one call, and whether it was done in time."""

    order: OrderChanged | None = None
    whose: Whose = NOBODY
    broken: dict[str, Rule] = field(default_factory=dict)

    def points(self, standing: Mapping[str, bool]) -> list[Point]:
        """An order counts when it was opened; it is judged once it is complete or overdue."""
        order = self.order
        if order is None or order.kind != "call":
            return []
        judged = bool(self.broken) or order.status == "completed" or order.change == "overdue"
        adds = {
            "orders": 1,
            "judged:work_order": int(judged),
            "broken:work_order": int(any(standing.get(v, True) for v in self.broken)),
        }
        scopes = scopes_of(order.pbx, order.queue, order.seat, order.agent, self.whose)
        return [
            Point(scopes, order.opened_us, order.pbx, _nonzero(adds), (), (order.pbx, order.call))
        ]


class Documents:
    """Work orders as people filled them in, and who called again about the same."""

    def __init__(self, book: MetricBook) -> None:
        self._book = book
        self._within_us = book.fcr_days * 86_400_000_000
        self._orders: dict[str, tuple[WorkOrder, Whose]] = {}
        self._about: dict[tuple[str, str], dict[str, int]] = {}
        """(number, category) → the orders about it, and when they were opened."""

    def put(self, order: WorkOrder, whose: Whose) -> set[str]:
        """Take an order as it stands; gives the orders whose points may be others now. An older
        version than is known changes nothing."""
        known = self._orders.get(order.id)
        if known is not None and known[0].version > order.version:
            return set()
        touched = self.forget(order.id) if known is not None else set()
        self._orders[order.id] = order, whose
        for about in _about(order):
            self._about.setdefault(about, {})[order.id] = order.opened_us
        return touched | self._near(order) | {order.id}

    def forget(self, order: str) -> set[str]:
        """Needed no more; gives the orders whose points may be others now."""
        gone, _ = self._orders.pop(order)
        for about in _about(gone):
            same = self._about[about]
            del same[order]
            if not same:
                del self._about[about]
        return self._near(gone)

    def _near(self, order: WorkOrder) -> set[str]:
        return {
            other
            for about in _about(order)
            for other, opened_us in self._about.get(about, {}).items()
            if abs(opened_us - order.opened_us) <= self._within_us
        }

    def last_us(self, order: str) -> int:
        """The last moment at which it counts or makes others count."""
        known, _ = self._orders[order]
        due_us = known.dispatch.due_us if known.dispatch is not None else None
        return max(known.opened_us, due_us or 0)

    def points(self, order_id: str) -> list[Point]:
        """An order counts when it was opened, a complaint's timeliness when it fell due."""
        known = self._orders.get(order_id)
        if known is None or known[0].kind != "call" or known[0].state == "merged":
            return []
        order, whose = known
        call = order.pbx, order.call
        agent = order.owner if order.owner is not None else order.agent
        team = whose.team if whose.team is not None else order.team
        scopes = scopes_of(order.pbx, order.queue, order.seat, agent, Whose(team, whose.person))
        complaint = order.category == self._book.complaint
        rated = order.category is not None and order.state not in ("open", "returned")
        adds = {
            "complaints": int(complaint),
            "complaints_us": int(complaint and order.own_service),
            "fcr_of": int(rated),
            "fcr": int(rated and not self._came_back(order)),
        }
        points = [Point(scopes, order.opened_us, order.pbx, _nonzero(adds), (), call)]
        due_us = order.dispatch.due_us if order.dispatch is not None else None
        if complaint and due_us is not None:
            closed = order.closing is not None and order.state in ("closed", "revisited")
            in_time = closed and order.closing is not None and order.closing.at_us <= due_us
            timely = {"timely_of": 1, "timely": int(in_time)}
            points.append(Point(scopes, due_us, order.pbx, _nonzero(timely), (), call))
        return points

    def _came_back(self, order: WorkOrder) -> bool:
        if order.merged_from or order.pending_call_back:
            return True
        if order.reply is not None and order.reply.mode == "delayed":
            return True
        if any(contact.kind in _CALLED_BACK for contact in order.contacts):
            return True
        return any(
            order.opened_us < opened_us <= order.opened_us + self._within_us
            for about in _about(order)
            for other, opened_us in self._about.get(about, {}).items()
            if other != order.id
        )


def _about(order: WorkOrder) -> Iterable[tuple[str, str]]:
    if order.category is None or order.kind != "call":
        return ()
    return {(number.norm, order.category) for number in order.numbers if number.norm}


# --- alerts and seats ------------------------------------------------------------------------


def alert_points(alert: Alert, whose: Whose) -> list[Point]:
    """An alert counts when it is raised."""
    if alert.level == "cleared":
        return []
    scopes = scopes_of(alert.pbx, alert.queue, alert.seat, alert.agent, whose)
    call = (alert.pbx, alert.call) if alert.call is not None else None
    return [Point(scopes, alert.at_us, alert.pbx, (_once("alerts"),), (), call)]


class Stand(Struct, frozen=True, gc=False):
    """How a seat's time counts from ``at_us`` on, and for whom."""

    at_us: int
    pbx: str
    scopes: tuple[Scope, ...]
    signed_in: int
    rest: int

    @property
    def counts(self) -> tuple[tuple[Scope, ...], int, int]:
        return self.scopes, self.signed_in, self.rest


def stand_of(change: SeatChanged, whose: Whose, book: MetricBook) -> Stand:
    """How the seat's time counts from this change on."""
    scopes = scopes_of(change.pbx, None, change.seat, change.agent, whose)
    signed_in = change.state != "logged_out"
    kind = book.pauses.get(change.pause_reason or "", "rest")
    rest = change.state == "paused" and kind == "rest"
    return Stand(change.at_us, change.pbx, scopes, int(signed_in), int(rest))


def stand_points(before: Stand | None, now: Stand) -> list[Point]:
    """What changes where a seat stands as ``now`` after ``before``."""
    if before is not None and before.scopes == now.scopes:
        return _rates(now, now.scopes, now.signed_in - before.signed_in, now.rest - before.rest)
    points = _rates(now, now.scopes, now.signed_in, now.rest)
    if before is not None:
        points += _rates(now, before.scopes, -before.signed_in, -before.rest)
    return points


def _rates(now: Stand, scopes: tuple[Scope, ...], signed_in: int, rest: int) -> list[Point]:
    rates = tuple(
        (name, change)
        for name, change in (("signed_in_us", signed_in), ("rest_us", rest))
        if change
    )
    return [Point(scopes, now.at_us, now.pbx, (), rates)] if rates else []
