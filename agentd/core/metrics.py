"""Every metric of the product rules, live: facts in, figures out. Pure, incremental, exact.

Facts are what the engine says (:mod:`agentd.core.effects`), what was decided about violations, and
work orders as people filled them in. They may come late, twice, and be amended: what counts is
what is known in the end. ``tests/slow_metrics.py`` computes the same from a plain list of facts, by
the formulas; a test holds the two against each other.

How to use it::

    metrics = Metrics(MetricBook(day_starts_s=57_600))
    for fact in stored:                                  # ports.history.HistoryStore.facts
        metrics.take(fact, team=..., person=...)
    metrics.advance(now_us)
    metrics.figures(("queue", "pbx/hotline"), "today")["service_level"].value
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from agentd.core.effects import (
    Alert,
    CallEnded,
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
from agentd.core.metric_accounts import HOUR_US, Accounts, Key
from agentd.core.metric_facts import (
    NOBODY,
    SITE,
    Documents,
    LegCase,
    OrderCase,
    Stand,
    VisitCase,
    Whose,
    alert_points,
    stand_of,
    stand_points,
)
from agentd.core.metric_figures import Figure, Sums, figure_of
from agentd.core.metric_ledger import Ledger, Scope
from agentd.core.metric_row import KINDS, Metric, ScopeKind
from agentd.core.metric_table import RULES, rows_for
from agentd.core.metric_windows import (
    QUARTER_US,
    MetricBook,
    Window,
    WindowName,
    windows_at,
)
from agentd.core.order_model import WorkOrder
from agentd.core.queues import DAY_US

__all__ = ["SITE", "Figure", "MetricBook", "Metrics", "Scope", "Sums", "figure_of"]

Fact = (
    LegEnded
    | CallEnded
    | VisitBegan
    | VisitEnded
    | WorkBegan
    | WrapUpEnded
    | SeatChanged
    | LinkSpan
    | Violation
    | Judged
    | Alert
    | OrderChanged
    | WorkOrder
)
SETTLED_US: Final = 2 * HOUR_US
"""A seat's changes older than this are not expected to come late."""


_EMPTY: Final = Ledger()


class Metrics:
    """All figures of a site. ``now_us`` and all moments are PBX time in microseconds."""

    def __init__(self, book: MetricBook) -> None:
        self.book = book
        self.now_us = 0
        self._windows = windows_at(book, 0)
        self._accounts = Accounts()
        self._visits: dict[Key, VisitCase] = {}
        self._waiting: dict[Scope, dict[Key, int]] = {}
        """Who waits, and since when."""
        self._legs: dict[Key, LegCase] = {}
        self._orders: dict[Key, OrderCase] = {}
        self._documents = Documents(book)
        self._stands: dict[Key, list[Stand]] = {}
        """How each seat stood, in the order of time."""
        self._standing: dict[str, bool] = {}
        self._judged_us: dict[str, int] = {}
        self._about: dict[str, Key] = {}
        """Violation → the leg or order that it is about."""
        self._rows = {kind: self._rows_of(kind) for kind in KINDS}
        self._takes: dict[type, Callable[..., None]] = {
            VisitBegan: self._visit_began,
            VisitEnded: self._visit_ended,
            WorkBegan: self._work_began,
            LegEnded: self._leg_ended,
            WrapUpEnded: self._wrap_up_ended,
            Violation: self._violated,
            Judged: self._judged,
            OrderChanged: self._order_changed,
            WorkOrder: self._document,
            Alert: self._alert,
            SeatChanged: self._seat_changed,
            LinkSpan: self._link,
        }

    # --- in -------------------------------------------------------------------------------

    def take(self, fact: Fact, *, team: str | None = None, person: str | None = None) -> None:
        """Take a fact in. ``team``: the team of its seat (of a work order: its team); ``person``:
        the login of whose it is, where the fact's ``agent`` is only a name. Facts of any order are
        allowed, and the same one again changes nothing; those that are older than
        ``book.keep_days`` are ignored. Other kinds of facts (CallEnded) add nothing: they may be
        given all the same."""
        takes = self._takes.get(type(fact))
        if takes is not None:
            takes(fact, Whose(team, person) if team or person else NOBODY)

    def advance(self, now_us: int) -> None:
        """It is ``now_us``: the windows move on. Earlier moments change nothing. What is older than
        every window is forgotten, now and then."""
        if now_us <= self.now_us:
            return
        self.now_us = now_us
        self._windows = windows_at(self.book, now_us)
        before_us = now_us - self.book.keep_days * DAY_US
        if before_us - self._accounts.forgot_us >= HOUR_US:
            self._forget(before_us)

    # --- out ------------------------------------------------------------------------------

    def scopes(self) -> Iterable[Scope]:
        """Every scope of which a fact is known."""
        return self._accounts.ledgers.keys()

    def window(self, name: WindowName) -> Window:
        """That window as it is now."""
        return self._windows[name]

    def sums(self, scope: Scope, window: WindowName) -> Sums:
        """The named sums of ``scope`` over a window. A scope of which nothing is known has none."""
        span = self._windows[window]
        ledger = self._accounts.ledgers.get(scope)
        values: dict[str, int] = {}
        if ledger is not None:
            base, at, when = window.partition("@")
            start = ledger.up_to(f"{window}<", span.from_us)
            # All but the shift end at the same moment.
            end = ledger.up_to(f"{'shift' if base == 'shift' else 'now'}>{at}{when}", span.to_us)
            values = self._accounts.between(start, span.from_us, end, span.to_us)
        if "@" not in window:
            since_us = min(self._waiting.get(scope, {}).values(), default=None)
            if since_us is not None:
                values["longest_wait_us"] = max(self.now_us - since_us, 0)
        return Sums(values, self._accounts.has_gap(scope, span))

    def figures(self, scope: Scope, window: WindowName) -> dict[str, Figure]:
        """Every metric that is defined for ``scope``, by key, over a window."""
        sums = self.sums(scope, window)
        return {row.key: figure_of(row, sums) for row in self.rows(scope)}

    def rows(self, scope: Scope) -> tuple[Metric, ...]:
        """The rows of the table that ``scope`` has here."""
        return self._rows[scope[0]]

    def _rows_of(self, kind: ScopeKind) -> tuple[Metric, ...]:
        hidden = {f"compliance:{rule}" for rule in RULES if rule not in self.book.rules}
        return tuple(row for row in rows_for(kind) if row.key not in hidden)

    def intervals(
        self, scope: Scope, from_us: int, to_us: int, step_us: int = QUARTER_US
    ) -> list[tuple[int, Sums]]:
        """(start, sums) of every interval of ``step_us`` from ``from_us`` on, up to ``to_us``; the
        last one ends there. Not before what is kept."""
        spans = [(at_us, min(at_us + step_us, to_us)) for at_us in range(from_us, to_us, step_us)]
        return list(zip((start_us for start_us, _ in spans), self.spans(scope, spans), strict=True))

    def spans(self, scope: Scope, spans: Sequence[tuple[int, int]]) -> list[Sums]:
        """The sums of each of these times, (from, to). Not before what is kept."""
        if not spans:
            return []
        # Where one ends the next one often begins.
        moments = sorted({moment for span in spans for moment in span})
        ledger = self._accounts.ledgers.get(scope, _EMPTY)
        totals = dict(zip(moments, ledger.at(moments), strict=True))
        return [
            Sums(
                self._accounts.between(totals[from_us], from_us, totals[to_us], to_us),
                self._accounts.has_gap(scope, Window(from_us, to_us)),
            )
            for from_us, to_us in spans
        ]

    def calls_behind(self, scope: Scope, window: WindowName, key: str) -> list[tuple[str, str]]:
        """(PBX, call) of every call that counts for the metric ``key``, numerator or denominator,
        in the order in which they count, each once. Time (occupancy) has no calls."""
        span = self._windows[window]
        row = next(row for row in self.rows(scope) if row.key == key)
        names = {name.removeprefix("-") for name in (*row.num, *row.den)}
        ledger = self._accounts.ledgers.get(scope, _EMPTY)
        calls = (
            point.call
            for point in ledger.between(span.from_us, span.to_us)
            if point.call is not None and any(name in names for name, _ in point.adds)
        )
        return list(dict.fromkeys(calls))

    # --- facts ----------------------------------------------------------------------------

    def _visit_began(self, fact: VisitBegan, whose: Whose) -> None:
        key = "visit", fact.pbx, fact.call, fact.queue, str(fact.joined_us)
        case = self._visits.get(key)
        if case is None:
            case = self._visits[key] = VisitCase(fact)
            self._accounts.put(key, case.points(), fact.joined_us)
            for scope in case.scopes:
                self._waiting.setdefault(scope, {})[key] = fact.joined_us

    def _visit_ended(self, fact: VisitEnded, whose: Whose) -> None:
        key = "visit", fact.pbx, fact.call, fact.queue, str(fact.joined_us)
        case = self._visits.setdefault(key, VisitCase())
        case.began, case.ended = None, fact
        self._accounts.put(key, case.points(), fact.joined_us)
        for scope in case.scopes:
            self._waiting.get(scope, {}).pop(key, None)

    def _leg(self, pbx: str, leg: str, whose: Whose) -> tuple[Key, LegCase]:
        key = "leg", pbx, leg
        case = self._legs.get(key)
        if case is None:
            case = self._legs[key] = LegCase()
        if whose is not NOBODY:
            case.whose = whose
        return key, case

    def _leg_again(self, key: Key, case: LegCase, at_us: int) -> None:
        self._accounts.put(key, case.points(self._standing), at_us)

    def _work_began(self, fact: WorkBegan, whose: Whose) -> None:
        key, case = self._leg(fact.pbx, fact.leg, whose)
        if fact.kind == "wrap_up":
            case.wrapping = fact
        else:
            case.talk = fact
        self._leg_again(key, case, fact.at_us)

    def _leg_ended(self, fact: LegEnded, whose: Whose) -> None:
        key, case = self._leg(fact.pbx, fact.leg, whose)
        case.take(fact)
        self._leg_again(key, case, fact.ended_us)

    def _wrap_up_ended(self, fact: WrapUpEnded, whose: Whose) -> None:
        key, case = self._leg(fact.pbx, fact.leg, whose)
        case.wrapping, case.wrap = None, fact
        self._leg_again(key, case, fact.to_us)

    def _violated(self, fact: Violation, whose: Whose) -> None:
        if fact.leg is not None:
            key, case = self._leg(fact.pbx, fact.leg, NOBODY)
            case.broken[fact.id] = fact.rule
            self._about[fact.id] = key
            self._leg_again(key, case, fact.at_us)
            return
        order, _, _ = fact.id.rpartition("-")
        key, owed = self._order(order)
        owed.broken[fact.id] = fact.rule
        self._about[fact.id] = key
        self._order_again(key, owed, fact.at_us)

    def _judged(self, fact: Judged, whose: Whose) -> None:
        if fact.at_us < self._judged_us.get(fact.violation, 0):
            return
        self._judged_us[fact.violation] = fact.at_us
        self._standing[fact.violation] = fact.standing
        key = self._about.get(fact.violation)
        if key is None:
            return
        if key[0] == "leg":
            self._leg_again(key, self._legs[key], 0)
        else:
            self._order_again(key, self._orders[key], 0)

    def _order(self, order: str) -> tuple[Key, OrderCase]:
        key = "order", order
        return key, self._orders.setdefault(key, OrderCase())

    def _order_again(self, key: Key, case: OrderCase, at_us: int) -> None:
        self._accounts.put(key, case.points(self._standing), at_us)

    def _order_changed(self, fact: OrderChanged, whose: Whose) -> None:
        key, case = self._order(fact.id)
        if case.order is not None and case.order.at_us > fact.at_us:
            return
        case.order = fact
        case.whose = whose
        self._order_again(key, case, fact.opened_us)

    def _document(self, fact: WorkOrder, whose: Whose) -> None:
        for order in self._documents.put(fact, whose):
            self._document_again(order)

    def _document_again(self, order: str) -> None:
        points = self._documents.points(order)
        self._accounts.put(("document", order), points, self._documents.last_us(order))

    def _alert(self, fact: Alert, whose: Whose) -> None:
        key = "alert", fact.pbx, fact.spell, fact.level, fact.rule, str(fact.at_us)
        points = alert_points(fact, whose)
        if points:
            self._accounts.put(key, points, fact.at_us)

    def _seat_changed(self, fact: SeatChanged, whose: Whose) -> None:
        seat: Key = "seat", fact.pbx, fact.seat
        stands = self._stands.setdefault(seat, [])
        now = stand_of(fact, whose, self.book)
        index = bisect_right(stands, now.at_us, key=_moment)
        if index and stands[index - 1].at_us == now.at_us:
            index -= 1
            stands[index] = now
        else:
            stands.insert(index, now)
        for changed in (index, index + 1):
            if changed < len(stands):
                stand = stands[changed]
                points = stand_points(stands[changed - 1] if changed else None, stand)
                key = *seat, str(stand.at_us)
                if points or key in self._accounts.known:
                    self._accounts.put(key, points, stand.at_us)

    def _link(self, fact: LinkSpan, whose: Whose) -> None:
        self._accounts.link_changed(fact.pbx, fact.at_us, up=fact.up)

    # --- forgetting -----------------------------------------------------------------------

    def _forget(self, before_us: int) -> None:
        """Facts of before that moment lie in no window any more."""
        for key in self._accounts.forget(before_us):
            self._drop(key)
        for seat, stands in self._stands.items():
            self._stands[seat] = _thinned(stands, before_us, self.now_us - SETTLED_US)
        for violation, judged_us in list(self._judged_us.items()):
            if judged_us < before_us and violation not in self._about:
                del self._judged_us[violation], self._standing[violation]

    def _drop(self, key: Key) -> None:
        broken: Iterable[str] = ()
        if key[0] == "visit":
            self._visits.pop(key)
        elif key[0] == "leg":
            broken = self._legs.pop(key).broken
        elif key[0] == "order":
            broken = self._orders.pop(key).broken
        elif key[0] == "document":
            self._documents.forget(key[1])
        for violation in broken:
            del self._about[violation]


def _thinned(stands: list[Stand], before_us: int, settled_us: int) -> list[Stand]:
    """Without those that were over before ``before_us``, and, of those before ``settled_us``,
    without those that changed nothing."""
    first = max(bisect_right(stands, before_us, key=_moment) - 1, 0)
    kept = stands[first : first + 1]
    for stand in stands[first + 1 :]:
        if stand.at_us >= settled_us or stand.counts != kept[-1].counts:
            kept.append(stand)
    return kept


def _moment(stand: Stand) -> int:
    return stand.at_us
