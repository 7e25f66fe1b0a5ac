"""The live metrics (:mod:`agentd.core.metrics`): windows, amendments, forgetting."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agentd.core.effects import (
    Alert,
    CallEnded,
    Judged,
    LegEnded,
    LinkSpan,
    OrderChanged,
    SeatChanged,
    SeatState,
    Violation,
    VisitBegan,
    VisitEnded,
    WorkBegan,
    WrapUpEnded,
)
from agentd.core.metric_ledger import TRIM_AT, Heard
from agentd.core.metric_windows import DailyShift, MetricBook, windows_at
from agentd.core.metrics import SITE, Metrics, Scope
from agentd.core.order_model import Contact, ContactNumber, Reply, WorkOrder
from tests.slow_metrics import DAY, MINUTE, SECOND

T = 1_790_000_000 * SECOND
"""22:13:20 in China; the next day begins 6,400 s later."""
QUEUE: Scope = ("queue", "pbx/hotline")
SEAT: Scope = ("seat", "pbx/PJSIP/1001")
WANG: Scope = ("person", "王芳")


def at(seconds: float) -> int:
    return T + round(seconds * SECOND)


def visit(
    call: str = "li", *, joined: float = 0, wait: float = 4, outcome: str = "answered", **kw: Any
) -> VisitEnded:
    return VisitEnded(
        "pbx", call, "hotline", None, at(joined), at(joined + wait), round(wait * SECOND),
        outcome, None, None, 15 * SECOND, 5 * SECOND, kw.get("estimated", False), False,
    )  # type: ignore[arg-type]  # fmt: skip


def leg(uid: str = "leg", *, answered: float = 4, ended: float = 60, **kw: Any) -> LegEnded:
    return LegEnded(
        "pbx", kw.get("call", "li"), uid, "PJSIP/1001", "王芳", "hotline", "inbound", "138",
        at(0), at(0), at(answered), at(ended), 4 * SECOND, round((ended - answered) * SECOND), 0,
        (), "answered", "caller", False, False, ("AgentCalled",),
        kw.get("judged", ("ring", "hold", "hangup_order")),
    )  # fmt: skip


def seat(state: SeatState, when: float, *, reason: str | None = None) -> SeatChanged:
    return SeatChanged("pbx", at(when), "PJSIP/1001", "王芳", state, ("hotline",), reason)


def metrics(book: MetricBook | None = None, *, up: float = -DAY / SECOND * 8) -> Metrics:
    made = Metrics(book or MetricBook())
    made.take(LinkSpan("pbx", at(up), True))
    return made


def value(made: Metrics, key: str, scope: Scope = QUEUE, window: Any = "today") -> Any:
    return made.figures(scope, window)[key].value


# --- calls that wait --------------------------------------------------------------------------


def test_who_waits_is_offered_and_not_judged() -> None:
    made = metrics()
    made.take(VisitBegan("pbx", "li", "hotline", None, at(0), False))
    made.take(VisitBegan("pbx", "wang", "hotline", None, at(8), False))
    made.advance(at(31))
    assert value(made, "offered") == value(made, "waiting") == 2
    assert value(made, "longest_wait") == 31.0
    assert value(made, "service_level") is None
    assert value(made, "longest_wait", window="today@yesterday") is None
    made.take(visit(wait=31.5))
    made.take(VisitBegan("pbx", "li", "hotline", None, at(0), False))
    made.advance(at(40))
    assert (value(made, "offered"), value(made, "waiting")) == (2, 1)
    assert value(made, "longest_wait") == 32.0
    assert value(made, "service_level") == 0.0


def test_a_clock_that_is_slow_lets_nobody_wait_for_less_than_nothing() -> None:
    made = metrics()
    made.advance(at(0))
    made.take(VisitBegan("pbx", "li", "hotline", None, at(3), False))
    assert value(made, "longest_wait") == 0.0


def test_a_stay_counts_when_the_caller_joined() -> None:
    made = metrics(MetricBook(day_starts_s=(T // SECOND + 100) % 86_400))
    made.take(visit("li", joined=99, wait=5))
    made.take(visit("wang", joined=100, wait=5))
    made.advance(at(200))
    assert value(made, "answered") == 1
    assert value(made, "answered", window="last_30_min") == 2


def test_the_same_time_yesterday_and_last_week() -> None:
    made = metrics()
    for days in (0, 1, 7):
        made.take(visit(f"a{days}", joined=-days * 86_400 - 60))
        made.take(visit(f"b{days}", joined=-days * 86_400 + 60))
    made.advance(at(0))
    for window in ("today", "today@yesterday", "today@last_week", "last_30_min@last_week"):
        assert value(made, "answered", window=window) == 1, window
    made.advance(at(61))
    for window in ("today", "today@yesterday", "shift@yesterday", "last_30_min@last_week"):
        assert value(made, "answered", window=window) == 2, window


@pytest.mark.parametrize(
    ("outcome", "wait", "key", "counts"),
    [
        ("answered", 15.0, "service_level", 1.0),
        ("answered", 15.000001, "service_level", 0.0),
        ("abandoned", 5.0, "short_abandons", 1),
        ("abandoned", 5.000001, "short_abandons", 0),
    ],
)
def test_limits_hold_to_the_microsecond(outcome: str, wait: float, key: str, counts: float) -> None:
    made = metrics()
    made.take(visit(outcome=outcome, wait=wait))
    made.advance(at(60))
    assert value(made, key) == counts


def test_a_window_slides_to_the_microsecond() -> None:
    made = metrics()
    made.take(visit(joined=0))
    made.advance(at(0) + 30 * MINUTE)
    assert value(made, "answered", window="last_30_min") == 1
    made.advance(at(0) + 30 * MINUTE + 1)
    assert value(made, "answered", window="last_30_min") == 0
    made.advance(at(0))
    assert made.now_us == at(0) + 30 * MINUTE + 1, "time does not go back"


def test_a_shift_over_midnight_is_one_shift() -> None:
    start = T // SECOND % 86_400 - 3_600
    book = MetricBook(
        day_starts_s=T // SECOND % 86_400, shifts=(DailyShift(start, 7_200), DailyShift(0, 60))
    )
    shift = windows_at(book, at(1_800))["shift"]
    assert (shift.from_us, shift.to_us) == (at(-3_600), at(1_800))
    made = metrics(book)
    made.take(visit("li", joined=-1_800))
    made.take(visit("wang", joined=5_000))
    made.advance(at(1_800))
    assert value(made, "answered", window="shift") == 1
    assert value(made, "answered", window="today") == 0
    made.advance(at(6_000))
    assert value(made, "answered", window="shift") == 1, "the shift is over"


# --- legs and their verdicts ------------------------------------------------------------------


def test_an_appeal_that_is_granted_changes_the_compliance_and_not_the_fact() -> None:
    made = metrics()
    made.take(leg())
    broken = Violation(
        "pbx", "pbx-ring:leg", at(10), "ring", None, None, "li", "leg", None, None, ()
    )
    made.take(broken)
    made.advance(at(90))
    assert value(made, "compliance:ring", SEAT) == value(made, "within_rings", SEAT) == 0.0
    assert value(made, "compliance:hold", SEAT) == 1.0
    made.take(Judged("pbx", broken.id, at(500), False))
    assert value(made, "compliance:ring", SEAT) == 1.0
    assert value(made, "within_rings", SEAT) == 0.0
    made.take(Judged("pbx", broken.id, at(400), True))
    assert value(made, "compliance:ring", SEAT) == 1.0, "an older decision"
    made.take(Judged("pbx", broken.id, at(600), True))
    assert value(made, "compliance:ring", SEAT) == 0.0


def test_a_decision_that_is_known_before_its_violation() -> None:
    made = metrics()
    made.take(Judged("pbx", "v", at(500), False))
    made.take(leg())
    made.take(Violation("pbx", "v", at(10), "hold", None, None, "li", "leg", None, None, ()))
    made.advance(at(90))
    assert value(made, "compliance:hold", SEAT) == 1.0


def test_a_violation_of_a_leg_counts_when_the_leg_has_ended() -> None:
    made = metrics()
    made.take(Violation("pbx", "v", at(10), "hold", None, None, "li", "leg", None, None, ()))
    made.advance(at(30))
    assert value(made, "compliance:hold", SITE) is None
    made.take(leg())
    made.advance(at(90))
    assert value(made, "compliance:hold", SITE) == 0.0


def test_an_order_is_judged_with_what_was_decided_about_it() -> None:
    made = metrics()
    order = OrderChanged(
        "pbx", at(0), "pbx-li", "call", "li", "PJSIP/1001", "王芳", "hotline", None, "open", at(0),
        None,
    )  # fmt: skip
    made.take(order, team="early")
    made.advance(at(10))
    assert value(made, "orders", ("team", "early")) == 1
    assert value(made, "compliance:work_order", WANG) is None
    late = Violation(
        "pbx", "pbx-li-work_order", at(900), "work_order", None, None, "li", None, None, None, ()
    )
    made.take(late)
    assert value(made, "compliance:work_order", WANG) == 0.0
    made.take(Judged("pbx", late.id, at(950), False))
    assert value(made, "compliance:work_order", WANG) == 1.0
    assert made.calls_behind(WANG, "today", "compliance:work_order") == [("pbx", "li")]


def test_an_older_change_of_an_order_is_not_how_it_stands() -> None:
    made = metrics()
    changed = OrderChanged(
        "pbx", at(20), "pbx-li", "call", "li", None, None, "hotline", None, "completed", at(0), None
    )
    made.take(changed)
    made.take(replace(changed, at_us=at(10), status="open"))
    made.advance(at(30))
    assert value(made, "compliance:work_order") == 1.0


def test_after_call_work_is_added_when_it_is_over() -> None:
    made = metrics()
    made.take(leg())
    made.advance(at(70))
    assert value(made, "aht", WANG) == 56.0
    made.take(
        WrapUpEnded("pbx", "PJSIP/1001", "王芳", "li", "leg", None, at(60), at(66.5), "order")
    )
    assert (value(made, "acw", WANG), value(made, "aht", WANG)) == (6.5, 62.5)


# --- time -------------------------------------------------------------------------------------


def test_occupancy_counts_what_is_going_on_now() -> None:
    made = metrics()
    made.take(seat("available", 0))
    made.take(WorkBegan("pbx", "PJSIP/1001", "王芳", "li", "leg", None, at(10), "talk"))
    made.advance(at(40))
    assert value(made, "occupancy", SEAT) == 0.75
    made.take(leg(answered=10, ended=40))
    made.take(WorkBegan("pbx", "PJSIP/1001", "王芳", "li", "leg", None, at(40), "wrap_up"))
    made.advance(at(60))
    assert value(made, "occupancy", SEAT) == 50 / 60
    assert value(made, "occupancy", ("person", "王芳")) == 50 / 60


def test_rest_is_no_working_time_and_unknown_reasons_are_rest() -> None:
    made = metrics(MetricBook(pauses={"mail": "work", "course": "training"}))
    made.take(seat("available", 0))
    for start, reason in ((10, "mail"), (20, "course"), (30, "lunch"), (40, None)):
        made.take(seat("paused", start, reason=reason))
    made.take(seat("logged_out", 50))
    made.advance(at(100))
    assert value(made, "signed_in", SEAT) == 50.0
    assert value(made, "rest", SEAT) == 20.0


def test_three_people_on_one_phone_are_three_people() -> None:
    made = metrics()
    for start, login in ((0, "0001"), (10, "0002"), (30, "0003")):
        made.take(seat("available", start), person=login, team=f"team{login}")
    made.advance(at(60))
    assert [value(made, "signed_in", ("person", p)) for p in ("0001", "0002", "0003")] == [
        10.0,
        20.0,
        30.0,
    ]
    assert value(made, "signed_in", ("team", "team0002")) == 20.0
    assert value(made, "signed_in", SEAT) == value(made, "signed_in", SITE) == 60.0


def test_time_in_a_gap_counts_on_neither_side() -> None:
    made = metrics()
    made.take(seat("available", 0))
    made.take(leg(answered=0, ended=60))
    made.take(LinkSpan("pbx", at(20), False))
    made.take(LinkSpan("pbx", at(50), True))
    made.advance(at(100))
    figure = made.figures(SEAT, "today")["occupancy"]
    assert figure.of == (30 * SECOND, 70 * SECOND)
    assert figure.gap
    made.take(LinkSpan("pbx", at(10), False))
    assert value(made, "signed_in", SEAT) == 60.0, "a gap that is heard of late"


def test_a_gap_marks_the_figures_of_its_pbx_and_of_the_site() -> None:
    made = metrics()
    made.take(LinkSpan("other", at(-DAY / SECOND * 8), True))
    made.take(visit())
    made.take(VisitEnded("other", "x", "vip", None, at(0), at(1), SECOND, "answered", None, None,
                         15 * SECOND, 5 * SECOND, False, False))  # fmt: skip
    made.take(LinkSpan("other", at(20), False))
    made.advance(at(30))
    marked = {
        scope: made.figures(scope, "today")["offered"].gap
        for scope in (SITE, QUEUE, ("queue", "other/vip"), ("queue", "pbx/none"))
    }
    assert list(marked.values()) == [True, False, True, True]


def test_heard_time_stands_still_in_a_gap_whatever_is_told_first() -> None:
    told = [(10, True), (20, False), (30, True), (35, True), (40, False)]
    first = Heard()
    for moment, up in told:
        first.changed(moment, up=up)
    assert [first.us(t) for t in (0, 10, 15, 25, 34, 40, 99)] == [0, 0, 5, 10, 14, 20, 20]
    assert first.changed(40, up=False) is None
    assert first.changed(40, up=True) == 40
    assert first.us(45) == 25
    backwards = Heard()
    for moment, up in reversed(told):
        backwards.changed(moment, up=up)
    assert [backwards.us(b) - backwards.us(a) for a, b in ((0, 15), (15, 34), (34, 99))] == [
        5,
        9,
        6,
    ]


def test_heard_time_forgets_old_gaps_and_goes_on() -> None:
    heard = Heard()
    for moment, up in ((0, True), (100, False), (150, True)):
        heard.changed(moment, up=up)
    before = heard.us(300)
    heard.forget(200)
    assert heard.us(300) == before
    heard.changed(310, up=False)
    assert heard.us(400) == before + 10
    late = heard.changed(120, up=True)
    assert late == 120, "older than what is kept"
    assert heard.us(300) - heard.us(200) == 100


# --- work orders ------------------------------------------------------------------------------


def order(name: str, opened: float, **kw: Any) -> WorkOrder:
    numbers = tuple(ContactNumber(n, n) for n in kw.pop("numbers", ("138",)))
    given: dict[str, Any] = {"state": "completed", "category": "consult", "version": 1, **kw}
    return WorkOrder(
        id=name, pbx="pbx", kind="call", call=name, opened_us=at(opened), updated_us=at(opened),
        queue="hotline", numbers=numbers, **given,
    )  # fmt: skip


def test_whoever_calls_again_about_the_same_was_not_helped() -> None:
    made = metrics()
    made.take(order("a", 0))
    made.advance(at(1_000))
    assert value(made, "fcr") == 1.0
    made.take(order("b", 500))
    assert value(made, "fcr") == 0.5
    made.take(order("b", 500, category="help", version=2))
    assert value(made, "fcr") == 1.0, "about something else"
    made.take(order("b", 500, version=1))
    assert value(made, "fcr") == 1.0, "an older version"
    made.take(order("b", 500, version=3, numbers=("139",)))
    made.take(order("c", 400, numbers=()))
    assert value(made, "fcr") == 1.0
    assert made.figures(QUEUE, "today")["fcr"].of == (3, 3)


@pytest.mark.parametrize(
    "more",
    [
        {"contacts": (Contact("2.1", "2.2", "call_back", 0),)},
        {"contacts": (Contact("2.1", "2.2", "attempt", 0),)},
        {"merged_from": ("b",)},
        {"pending_call_back": True},
        {"reply": Reply("delayed")},
    ],
)
def test_who_had_to_be_called_back_was_not_helped_at_once(more: dict[str, Any]) -> None:
    made = metrics()
    made.take(replace(order("a", 0), **more))
    made.advance(at(1_000))
    assert value(made, "fcr") == 0.0


@pytest.mark.parametrize(("after_us", "resolved"), [(0, 1), (1, 0), (7 * DAY, 0), (7 * DAY + 1, 1)])
def test_again_is_later_and_within_seven_days(after_us: int, resolved: int) -> None:
    made = metrics()
    first = order("a", 0)
    made.take(first)
    made.take(replace(order("b", 0), opened_us=first.opened_us + after_us))
    made.advance(at(60) + 7 * DAY)
    ((_, sums),) = made.intervals(QUEUE, at(-1), at(0) + 1)
    assert sums.get("fcr") == resolved + (after_us == 0)


# --- out --------------------------------------------------------------------------------------


def test_each_figure_can_be_opened_to_its_calls() -> None:
    made = metrics()
    made.take(visit("li", joined=5))
    made.take(visit("wang", joined=2, outcome="abandoned", wait=20))
    made.take(leg(call="li"))
    made.take(leg("again", call="li", answered=61, ended=62))
    made.advance(at(100))
    assert made.calls_behind(QUEUE, "today", "abandoned") == [("pbx", "wang")]
    assert made.calls_behind(QUEUE, "today", "connect_rate") == [("pbx", "wang"), ("pbx", "li")]
    assert made.calls_behind(WANG, "today", "aht") == [("pbx", "li")]
    assert made.calls_behind(WANG, "today", "occupancy") == []
    assert made.calls_behind(("person", "nobody"), "today", "aht") == []


def test_nothing_is_known_of_a_scope_that_is_not_known() -> None:
    made = metrics()
    made.advance(at(0))
    assert made.sums(("team", "none"), "today").values == {}
    assert list(made.scopes()) == []
    assert made.intervals(SITE, at(0), at(0)) == []
    ((start, sums),) = made.intervals(SITE, at(0), at(60))
    assert (start, sums.values, sums.gap) == (at(0), {}, False)
    assert made.window("today").to_us == at(0)


def test_only_the_rules_of_the_site_are_shown() -> None:
    made = Metrics(MetricBook(rules=("hold",)))
    keys = {row.key for row in made.rows(SITE) if row.key.startswith("compliance:")}
    assert keys == {"compliance:hold"}


def test_what_adds_nothing_may_be_told() -> None:
    made = metrics()
    made.take(CallEnded("pbx", "li", None, (), None, None, at(0), None, "answered", (), False))
    cleared = Alert("pbx", at(1), "cleared", "hold", "s", None, None, None, (), None, None, "x")
    made.take(cleared)
    made.take(cleared)
    assert list(made.scopes()) == []


# --- bounded memory ---------------------------------------------------------------------------


def filled() -> Metrics:
    """A day of facts of every kind, and many more of one."""
    made = metrics(up=-60)
    made.take(seat("available", -50))
    for number in range(TRIM_AT + 10):
        made.take(visit(f"call{number}", joined=number))
    made.take(visit("long", joined=-5), person="x")
    made.take(leg())
    made.take(Violation("pbx", "v", at(10), "hold", None, None, "li", "leg", None, None, ()))
    made.take(Judged("pbx", "v", at(20), False))
    made.take(Judged("pbx", "never seen", at(20), False))
    made.take(WrapUpEnded("pbx", "PJSIP/1001", "王芳", "li", "leg", None, at(60), at(90), "limit"))
    made.take(order("a", 0))
    made.take(order("b", 100))
    made.take(Violation("pbx", "a-work_order", at(9), "work_order", None, None, "a", None, None,
                        None, ()))  # fmt: skip
    made.take(Alert("pbx", at(1), "breach", "hold", "PJSIP/1001", None, "li", None, (), 1, 1, "s"))
    for number in range(20):
        made.take(seat("talking" if number % 2 else "available", number))
    made.advance(at(1_000))
    return made


def test_what_is_older_than_every_window_is_forgotten() -> None:
    made = filled()
    for scope in list(made.scopes()):
        made.figures(scope, "today")
    assert len(made._accounts.known) > TRIM_AT
    for days in range(1, 12):
        made.advance(at(1_000) + days * DAY)
        if days < 8:
            assert value(made, "answered", window="today@last_week") == (
                TRIM_AT + 11 if days == 7 else 0
            )
    for kept in (
        made._visits, made._legs, made._orders, made._standing, made._judged_us, made._about,
        made._accounts.known, made._documents._orders, made._documents._about,
    ):  # fmt: skip
        assert kept == {}
    assert made._accounts._by_hour == {}
    assert all(ledger.points == [] for ledger in made._accounts.ledgers.values())
    assert [len(stands) for stands in made._stands.values()] == [1]
    assert value(made, "signed_in", SEAT) > 79_000.0, "who signed in eleven days ago is still there"


def test_facts_that_are_older_than_all_are_ignored_and_amendments_are_not() -> None:
    made = filled()
    made.figures(QUEUE, "today")
    made.advance(at(300) + 9 * DAY)
    before = made.sums(QUEUE, "today@last_week").values
    made.take(visit("too late", joined=-100))
    made.take(visit("call0", joined=0, wait=20))
    assert made.sums(QUEUE, "today@last_week").values == before
    known = len(made._visits)
    made.advance(at(300) + 9 * DAY + 2 * 3_600 * SECOND)
    assert len(made._visits) < known


def test_an_amendment_of_what_a_ledger_forgot_already() -> None:
    """One thing may have points on both sides of what is forgotten."""
    made = filled()
    made.take(leg("over", answered=-40, ended=2_000, call="over"))
    made.figures(SITE, "today")
    made.advance(at(1_000) + 9 * DAY)
    assert made._accounts.ledgers[SITE].points
    made.take(leg("over", answered=-30, ended=2_000, call="over"))
    made.take(leg("over", answered=-40, ended=2_000, call="over"))
    assert value(made, "talk", SITE, "today@last_week") is None
    assert made.sums(SITE, "today").values.get("work_us") is None


def test_what_hangs_on_a_leg_keeps_it() -> None:
    made = metrics()
    made.take(leg())
    made.take(
        WrapUpEnded("pbx", "PJSIP/1001", "王芳", "li", "leg", None, at(60), at(8_000), "order")
    )
    made.advance(at(4_000) + 9 * DAY)
    assert len(made._legs) == 1
    made.advance(at(12_000) + 9 * DAY)
    assert made._legs == {}


def test_changes_of_a_seat_that_changed_nothing_are_thinned_out() -> None:
    made = filled()
    assert len(made._stands[("seat", "pbx", "PJSIP/1001")]) == 21
    made.advance(at(1_000) + 3 * 3_600 * SECOND)
    assert len(made._stands[("seat", "pbx", "PJSIP/1001")]) == 1
    assert value(made, "signed_in", SEAT) == 5_400.0, "since the day began"


@pytest.mark.parametrize("back", [1, 3_600])
def test_a_window_that_goes_back_is_counted_anew(back: int) -> None:
    """Shifts that overlap may make it so."""
    made = filled()
    ledger = made._accounts.ledgers[QUEUE]
    later = dict(ledger.up_to("edge", at(300)).adds)
    assert ledger.up_to("edge", at(300) - back * SECOND).adds.get("answered", 0) < later["answered"]
    assert ledger.up_to("edge", at(300)).adds == later
