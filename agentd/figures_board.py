"""Figures as pages get them: values of the live stream and of the REST API. No socket, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agentd.core.metric_figures import Figure, Sums, figure_of
from agentd.core.metric_row import Metric, ScopeKind
from agentd.core.metric_table import TABLE
from agentd.core.metric_windows import WindowName
from agentd.core.metrics import SITE, Metrics, Scope
from agentd.ports.figures import FigureShown, IntervalShown, MetricShown

COUNTS_IN_US: Final = frozenset({"complaints_us"})
"""Complaints about *us*, not microseconds."""
US: Final = 1_000_000

ON_BOARD: Final[Mapping[ScopeKind, tuple[str, ...]]] = {
    "queue": (
        "offered", "answered", "abandoned", "short_abandons", "let_go", "connect_rate",
        "service_level", "asa", "within_rings", "aht", "legs_answered", "alerts",
    ),
    "site": (
        "offered", "answered", "abandoned", "short_abandons", "let_go", "connect_rate",
        "service_level", "asa", "within_rings", "aht", "legs_answered", "occupancy",
        "calls_per_hour", "alerts",
    ),
}  # fmt: skip
"""What the live stream tells of each scope; the REST API tells all. Who waits now is in ``queue:``
already, and needs no object every second."""


def is_time(name: str) -> bool:
    """Whether the sum ``name`` is microseconds."""
    return name.endswith("_us") and name.removeprefix("-") not in COUNTS_IN_US


def shown(row: Metric, figure: Figure) -> FigureShown:
    """A figure, with times in seconds."""
    num, den = figure.of
    return FigureShown(
        figure.value,
        num / US if any(map(is_time, row.num)) else num,
        den / US if any(map(is_time, row.den)) else den,
        figure.gap,
        figure.estimated,
    )


def figures_shown(metrics: Metrics, scope: Scope, window: WindowName) -> dict[str, FigureShown]:
    """Every figure of a scope over a window."""
    sums = metrics.sums(scope, window)
    return {row.key: shown(row, figure_of(row, sums)) for row in metrics.rows(scope)}


def interval_shown(rows: Sequence[Metric], at_us: int, sums: Sums) -> IntervalShown:
    """The sums that ``rows`` add, all of them, with times in seconds and named so."""
    names = {name.removeprefix("-") for row in rows for name in (*row.num, *row.den)}
    values: dict[str, int | float] = {}
    for name in sorted(names - {"longest_wait_us", "waiting"}):
        value = sums.values.get(name, 0)
        if is_time(name):
            values[f"{name.removesuffix('_us')}_s"] = value / US
        else:
            values[name] = value
    return IntervalShown(at_us, values, sums.gap)


def board_key(scope: Scope) -> str:
    """The key of a scope's object."""
    return f"figures:{scope[0]}/{'*' if scope == SITE else scope[1]}"


def board_figures(metrics: Metrics, scope: Scope, window: WindowName) -> dict[str, Any]:
    """The figures of one window of a scope's object."""
    wanted = ON_BOARD[scope[0]]
    sums = metrics.sums(scope, window)
    return {
        row.key: _plain(shown(row, figure_of(row, sums)))
        for row in metrics.rows(scope)
        if row.key in wanted
    }


def board_object(scope: Scope, figures: Mapping[str, Any]) -> dict[str, Any]:
    """A scope's object (docs/live-stream.md), with its figures by window."""
    kind, name = scope
    pbx, _, queue = name.partition("/")
    return {
        "kind": "figures",
        "scope": kind,
        "pbx": pbx or None,
        "name": queue or None,
        "figures": figures,
    }


def _plain(figure: FigureShown) -> dict[str, Any]:
    return {
        "value": figure.value,
        "num": figure.num,
        "den": figure.den,
        "gap": figure.gap,
        "estimated": figure.estimated,
    }


def table_shown(hidden: Sequence[str]) -> list[MetricShown]:
    """The metrics' table, without the ``hidden`` keys."""
    return [
        MetricShown(
            row.key, row.name, row.formula, row.example, row.left_out, row.unit, row.kinds,
            row.num, row.den, row.source,
        )
        for row in TABLE
        if row.key not in hidden
    ]  # fmt: skip
