"""Facts of every kind, at random, late, twice and amended: material for the metrics' properties."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from msgspec.structs import replace

from agentd.core.effects import (
    Alert,
    Judged,
    LegEnded,
    Level,
    LinkSpan,
    OrderChanged,
    SeatChanged,
    SeatState,
    Violation,
    VisitBegan,
    VisitEnded,
    VisitOutcome,
    WorkBegan,
    WrapUpEnded,
)
from agentd.core.metric_windows import DailyShift, MetricBook
from agentd.core.order_model import Contact, ContactNumber, Dispatch, Reply, Step, WorkOrder
from tests.slow_metrics import DAY, MINUTE, SECOND, Told

END = 1_790_000_123 * SECOND
HOUR = 60 * MINUTE
BOOK = MetricBook(
    day_starts_s=(END // SECOND - 5_000) % 86_400,
    shifts=(
        DailyShift((END // SECOND - 7_000) % 86_400, 6_500),
        DailyShift((END // SECOND - 1_200) % 86_400, 3_000),
    ),
    pauses={"lunch": "rest", "mail": "work", "course": "training"},
    rules=("ring", "hold", "hangup_order", "work_order"),
)
TEAMS = {"1": "early", "2": "late", "3": None}
RULES = ("ring", "hold", "hangup_order")

_edges = st.sampled_from([0, 1, -1, 1_200 * SECOND, 30 * MINUTE, 5_000 * SECOND, 7_000 * SECOND])
_ago = st.one_of(st.integers(0, 3 * HOUR), _edges, st.integers(0, 40 * MINUTE))
moments = st.builds(lambda days, ago: END - days * DAY - ago, st.sampled_from([0, 0, 1, 7]), _ago)
waits = st.one_of(
    st.integers(0, 60 * SECOND),
    st.sampled_from([0, 5 * SECOND, 5 * SECOND + 1, 15 * SECOND, 15 * SECOND + 1]),
)
pbxs = st.sampled_from(["a", "a", "b"])
queues = st.sampled_from(["hotline", "vip"])
seats = st.sampled_from(["1", "2", "3"])
agents = st.sampled_from(["wang", "li", None])
names = st.sampled_from(["x", "y", "z"])
delays = st.one_of(st.just(0), st.integers(0, 40 * MINUTE))
flags = st.sampled_from([False, False, False, True])


@st.composite
def told_visits(draw: st.DrawFn) -> list[Told]:
    pbx, call, queue = draw(pbxs), draw(names), draw(queues)
    joined, wait = draw(moments), draw(waits)
    began = VisitBegan(pbx, call, queue, None, joined, draw(flags))
    ended = VisitEnded(
        pbx, call, queue, None, joined, joined + wait, wait,
        draw(st.sampled_from(get_args(VisitOutcome))), None, None, 15 * SECOND, 5 * SECOND,
        draw(flags), draw(flags),
    )  # fmt: skip
    return draw(st.sampled_from([[Told(began)], [Told(began), Told(ended)], [Told(ended)]]))


@st.composite
def told_legs(draw: st.DrawFn) -> list[Told]:
    pbx, seat, agent, leg = draw(pbxs), draw(seats), draw(agents), draw(names)
    queue = draw(st.one_of(queues, st.none()))
    answered = draw(moments)
    talk, wrap = draw(waits), draw(waits)
    direction = draw(st.sampled_from(["inbound", "inbound", "inbound", "outbound", "internal"]))
    outcome = draw(
        st.sampled_from(["answered"] * 4 + ["no_answer", "rejected", "caller_gave_up", "failed"])
    )
    whole = draw(st.sampled_from([True, True, True, False]))
    took = outcome == "answered" and whole
    ended = answered + talk
    kind: Any = "outbound" if direction == "outbound" else "talk"
    whose: dict[str, Any] = {"team": TEAMS[seat], "person": draw(st.sampled_from([None, "0001"]))}
    began = WorkBegan(pbx, seat, agent, "c", leg, queue, answered, kind)
    over = LegEnded(
        pbx, "c", leg, seat, agent, queue, direction, draw(st.sampled_from([None, "138"])),
        None, None, answered if took else None, ended, None, talk if took else None,
        draw(st.integers(0, talk)), (), outcome, None, draw(flags), draw(flags), ("x",),
        draw(st.sampled_from([(), RULES, ("ring",), ("hold", "hangup_order")])),
    )  # fmt: skip
    wrapping = WorkBegan(pbx, seat, agent, "c", leg, queue, ended, "wrap_up")
    wrapped = WrapUpEnded(pbx, seat, agent, "c", leg, queue, ended, ended + wrap, "limit")
    charges = draw(st.lists(st.sampled_from(RULES), max_size=2))
    violations = [
        Violation(
            pbx, f"{pbx}-{leg}-{rule}-{n}", ended, rule, seat, agent, "c", leg, None, None, ()
        )
        for n, rule in enumerate(charges)
    ]
    facts: list[Any] = [began, over, wrapping, wrapped][: draw(st.integers(1, 4))]
    if took is False and wrapped in facts:
        facts = [over]
    return [Told(fact, **whose) for fact in facts] + [Told(violation) for violation in violations]


@st.composite
def told_seats(draw: st.DrawFn) -> list[Told]:
    seat = draw(seats)
    change = SeatChanged(
        draw(pbxs), draw(moments), seat, draw(agents), draw(st.sampled_from(get_args(SeatState))),
        ("hotline",), draw(st.sampled_from([None, "lunch", "mail", "course", "else"])),
    )  # fmt: skip
    return [Told(change, TEAMS[seat], draw(st.sampled_from([None, "0001"])))]


@st.composite
def told_links(draw: st.DrawFn) -> list[Told]:
    at = draw(moments)
    return [Told(LinkSpan(draw(pbxs), at, draw(st.booleans())))]


@st.composite
def told_orders(draw: st.DrawFn) -> list[Told]:
    name, opened = draw(names), draw(moments)
    order = OrderChanged(
        draw(pbxs), opened + draw(waits), name, draw(st.sampled_from(["call", "call", "missed"])),
        "c", draw(seats), draw(agents), draw(queues), None,
        draw(st.sampled_from(["open", "completed"])), opened, None,
        change=draw(st.sampled_from(["opened", "overdue"])),
    )  # fmt: skip
    late = Violation(
        order.pbx, f"{name}-work_order", opened, "work_order", None, None, "c", None, None, None, ()
    )
    told = [Told(order, TEAMS[order.seat or "3"])]
    return [*told, Told(late)] if draw(flags) else told


@st.composite
def told_documents(draw: st.DrawFn) -> list[Told]:
    opened = draw(moments)
    due = draw(st.one_of(st.none(), moments))
    state = draw(st.sampled_from(["open", "completed", "closed", "closed", "merged", "returned"]))
    numbers = draw(st.lists(st.sampled_from(["138", "139", ""]), max_size=2, unique=True))
    order = WorkOrder(
        draw(st.sampled_from(["o1", "o2", "o3", "o4"])), draw(pbxs),
        draw(st.sampled_from(["call", "call", "missed"])), "c", draw(st.integers(1, 4)), state,
        opened, opened, queue=draw(queues), seat=draw(seats), agent=draw(agents),
        owner=draw(st.sampled_from([None, "0001"])), team=draw(st.sampled_from([None, "early"])),
        category=draw(st.sampled_from(["complaint", "complaint", "consult", None])),
        own_service=draw(st.booleans()),
        numbers=tuple(ContactNumber(number, number) for number in numbers),
        dispatch=None if due is None else Dispatch(opened, "w", "u", due_us=due),
        closing=None if state != "closed" else Step(opened + 30 * MINUTE, "w"),
        contacts=(Contact("c", "l", draw(st.sampled_from(["call_back", "three_way"])), opened),)
        if draw(flags) else (),
        reply=Reply("delayed") if draw(flags) else None,
        merged_from=("o9",) if draw(flags) else (),
        pending_call_back=draw(flags),
    )  # fmt: skip
    return [Told(order, draw(st.sampled_from([None, "late"])))]


@st.composite
def told_alerts(draw: st.DrawFn) -> list[Told]:
    seat = draw(seats)
    alert = Alert(
        draw(pbxs), draw(moments), draw(st.sampled_from(get_args(Level))), "hold", seat,
        draw(agents), draw(st.sampled_from(["c", None])), draw(queues), (), None, None, "s",
    )  # fmt: skip
    return [Told(alert, TEAMS[seat])]


@st.composite
def told_judged(draw: st.DrawFn) -> list[Told]:
    violation = draw(st.sampled_from(["a-x-ring-0", "a-y-hold-1", "b-z-hold-0", "x-work_order"]))
    return [Told(Judged("a", violation, draw(moments), draw(st.booleans())))]


def at_us(fact: Any) -> int:
    """When a fact can be known at the earliest."""
    match fact:
        case VisitBegan():
            return fact.joined_us
        case VisitEnded():
            return fact.left_us
        case LegEnded():
            return fact.ended_us
        case WrapUpEnded():
            return fact.to_us
        case WorkOrder():
            return fact.opened_us
        case _:
            at: int = fact.at_us
            return at


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[int, Told]]:
    """(when it is told, fact), in that order; some are told again."""
    kinds = draw(
        st.sampled_from(
            [
                st.one_of(
                    told_visits(), told_legs(), told_legs(), told_seats(), told_seats(),
                    told_links(), told_orders(), told_documents(), told_alerts(), told_judged(),
                ),
                told_visits(),
                told_documents(),
                st.one_of(told_legs(), told_legs(), told_judged()),
                st.one_of(told_seats(), told_seats(), told_legs(), told_links()),
                st.one_of(told_orders(), told_judged()),
            ]
        )
    )  # fmt: skip
    start = END - 8 * DAY
    told = [(start, Told(LinkSpan(pbx, start, True))) for pbx in ("a", "b")]
    for group in draw(st.lists(kinds, min_size=5, max_size=25)):
        for one in group:
            when = at_us(one.fact) + draw(delays)
            again = when + draw(delays), replaced(one, draw(flags))
            told += [(when, one), again] if draw(flags) else [(when, one)]
    return sorted(told, key=lambda entry: entry[0])


def replaced(told: Told, estimated: bool) -> Told:
    """The same fact again, or amended."""
    if isinstance(told.fact, LegEnded | VisitEnded):
        return Told(replace(told.fact, estimated=estimated), told.team, told.person)
    return told
