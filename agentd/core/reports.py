"""Reports: from sums per queue, team or person to the tables that people read. Pure.

Sums are added up, then the figures are made of them: a total is never a mean of rates. The longest
wait is the longest of all. What is compared is the period before, as whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from agentd.core.metric_figures import Figure, Sums, figure_of
from agentd.core.metric_row import Metric
from agentd.core.metric_table import BY_KEY, RULES, rows_for
from agentd.core.order_form import Label
from agentd.core.report_periods import Period, Span

ReportBy = Literal["queue", "team", "person"]
LONGEST: Final = "longest_wait_us"
"""The one sum that is no sum: of several the longest counts."""

_LONGEST_ROW: Final = replace(
    BY_KEY["longest_wait"],
    name=("最长等待", "longest wait"),
    formula=(
        "期间内进入队列的来电者中等待最久的",
        "the longest that a caller who joined in the period waited",
    ),
    example=("等待 4、12、95 秒:95 秒。", "They waited 4, 12 and 95 s: 95 s."),
    left_out=("", ""),
)

GroupKey = Literal["waiting", "calls", "hours", "outbound", "orders", "rules"]
GROUPS: Final[Mapping[GroupKey, Label]] = {
    "waiting": ("排队", "Waiting callers"),
    "calls": ("通话", "Calls of seats"),
    "hours": ("工时", "Hours"),
    "outbound": ("呼出", "Outbound"),
    "orders": ("工单", "Work orders"),
    "rules": ("服务规则", "Service rules"),
}
_OUTBOUND: Final = frozenset(
    {"dialled", "connected", "reach_rate", "dialled_per_hour", "connected_per_hour"}
)
_HOURS: Final = frozenset({"signed_in", "rest", "occupancy", "calls_per_hour"})
_RULES: Final = frozenset({"within_rings", "alerts", "legs_estimated", "legs_gap"})


def group_of(row: Metric) -> GroupKey:
    """In which table of a report a metric stands."""
    if row.key in _RULES or row.key.startswith("compliance:"):
        return "rules"
    if row.key in _OUTBOUND:
        return "outbound"
    if row.key in _HOURS:
        return "hours"
    if row.rests_on == "orders":
        return "orders"
    return "waiting" if row.rests_on == "stays" else "calls"


def columns_of(by: ReportBy, rules: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of a report, group by group. ``rules``: whose compliance is shown."""
    hidden = {f"compliance:{rule}" for rule in RULES} - {f"compliance:{rule}" for rule in rules}
    rows = [
        _LONGEST_ROW if row.key == "longest_wait" else row
        for row in rows_for(by)
        # Nobody waits now in a period that is over.
        if row.key != "waiting" and row.key not in hidden
    ]
    order = tuple(GROUPS)
    return tuple(sorted(rows, key=lambda row: order.index(group_of(row))))


class ReportLine(Struct, frozen=True):
    """One queue, team or person, or (name "") all of them. ``figures`` by metric; ``before``: of
    the period before; ``pieces``: by piece of the period, in order, () where nobody asked."""

    name: str
    label: str
    figures: Mapping[str, Figure]
    before: Mapping[str, Figure]
    pieces: tuple[Mapping[str, Figure], ...] = ()


class ReportGap(Struct, frozen=True):
    """Nothing was heard of a PBX then."""

    pbx: str
    from_us: int
    to_us: int


class Report(Struct, frozen=True):
    """A report. ``total`` is made of the sums of ``lines``. ``made_us``: when; decisions about
    appeals count as they stood then."""

    by: ReportBy
    period: Period
    before: Period
    columns: tuple[Metric, ...]
    pieces: tuple[Span, ...]
    total: ReportLine
    lines: tuple[ReportLine, ...]
    gaps: tuple[ReportGap, ...]
    made_us: int


def merge(parts: Iterable[Sums]) -> Sums:
    """Sums of several scopes or times as one."""
    values: dict[str, int] = {}
    gap = False
    for part in parts:
        gap = gap or part.gap
        for name, number in part.values.items():
            known = values.get(name, 0)
            values[name] = max(known, number) if name == LONGEST else known + number
    return Sums(values, gap)


class ScopeSums(Struct, frozen=True):
    """What one scope did: by piece of the period, and by spell of the period before."""

    name: str
    label: str
    pieces: Sequence[Sums]
    before: Sequence[Sums]


class Wanted(Struct, frozen=True):
    """What a report is to be of. ``details``: broken down for each line, not only in all."""

    by: ReportBy
    period: Period
    before: Period
    pieces: tuple[Span, ...]
    columns: tuple[Metric, ...]
    details: bool = False


def build(
    wanted: Wanted, scopes: Sequence[ScopeSums], gaps: Sequence[ReportGap], made_us: int
) -> Report:
    """The report of ``scopes``, in their order. ``gaps``: of both periods."""
    columns = wanted.columns

    def figures(sums: Sums) -> dict[str, Figure]:
        return {row.key: figure_of(row, sums) for row in columns}

    def line(scope: ScopeSums, *, broken_down: bool) -> ReportLine:
        return ReportLine(
            scope.name,
            scope.label,
            figures(merge(scope.pieces)),
            figures(merge(scope.before)),
            tuple(map(figures, scope.pieces)) if broken_down else (),
        )

    nothing = [Sums({}, _heard_not(gaps, span)) for span in wanted.pieces]
    both = ScopeSums(
        "",
        "",
        [
            merge((nothing[index], *(scope.pieces[index] for scope in scopes)))
            for index in range(len(wanted.pieces))
        ],
        [
            *(Sums({}, _heard_not(gaps, span)) for span in wanted.before.spells),
            *(merge(scope.before) for scope in scopes),
        ],
    )
    return Report(
        wanted.by,
        wanted.period,
        wanted.before,
        columns,
        wanted.pieces,
        line(both, broken_down=True),
        tuple(line(scope, broken_down=wanted.details) for scope in scopes),
        _within(gaps, wanted.period),
        made_us,
    )


def _heard_not(gaps: Iterable[ReportGap], span: Span) -> bool:
    return any(gap.from_us < span[1] and gap.to_us > span[0] for gap in gaps)


def _within(gaps: Iterable[ReportGap], period: Period) -> tuple[ReportGap, ...]:
    """The gaps of that period, cut to it."""
    return tuple(
        ReportGap(gap.pbx, max(gap.from_us, period.from_us), min(gap.to_us, period.to_us))
        for gap in gaps
        if any(gap.from_us < to_us and gap.to_us > from_us for from_us, to_us in period.spells)
    )


def marked(sums: Sums, gaps: Iterable[ReportGap], span: Span, pbx: str | None) -> Sums:
    """``sums`` of that time, marked where a PBX was not heard in it; ``pbx`` None: whichever."""
    mine = (gap for gap in gaps if pbx is None or gap.pbx == pbx)
    return Sums(sums.values, _heard_not(mine, span))
