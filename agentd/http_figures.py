"""REST: figures of the site, queues, seats, people and teams, the calls behind them, the table that
explains them, and how well the PBXs are heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Query, Response
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, create_model

from agentd.core.metric_row import ScopeKind
from agentd.history_view import CallLine, HistoryView
from agentd.http_json import micros, model_of, to_json
from agentd.http_parts import (
    BY_TOKEN,
    Cursor,
    Limit,
    Moment,
    Page,
    answer,
    page_of,
    router_of,
)
from agentd.http_problems import Problem, documented
from agentd.http_session import Caller, allow
from agentd.ports.figures import (
    FeedHealth,
    FiguresShown,
    FiguresSource,
    FigureWindow,
    IntervalsShown,
    MetricShown,
)

Watcher = Annotated[Caller, Depends(allow("board", "desk"))]
"""Who may see the board, or has own figures."""
Kind = Annotated[ScopeKind, Query(description="whose figures")]
Name = Annotated[
    str,
    Query(
        max_length=200,
        description="a queue or seat as PBX/NAME, a login, a team; of the site: left out, or *",
    ),
]
WINDOWS: Final[tuple[FigureWindow, ...]] = get_args(FigureWindow)


class FigureCall(Struct, frozen=True):
    """A call that counts for a figure. ``line`` null: it goes on, or is not kept."""

    pbx: str
    call: str
    line: CallLine | None


class Feeds(Struct, frozen=True):
    """How well each PBX is heard."""

    items: tuple[FeedHealth, ...]


class MetricRows(Struct, frozen=True):
    """The metrics' table, in its order."""

    items: tuple[MetricShown, ...]


class _Row(BaseModel):
    """When it begins, every sum of the scope by name (times in seconds, named `_s`), whether a PBX
    was not heard in some of it."""

    model_config = ConfigDict(extra="allow")
    at: float
    gap: bool


Intervals = create_model(
    "Intervals",
    __config__=ConfigDict(extra="forbid"),
    step_s=(int, ...),
    as_of_at=(float, ...),
    rows=(list[_Row], ...),
)


def figures_router(source: FiguresSource, view: HistoryView) -> APIRouter:
    """The routes of ``/api/figures``, ``/api/metrics`` and ``/api/health``."""
    router = router_of("figures")
    reading = documented(401, 403, 404, 422, 503)

    @router.get(
        "/figures",
        response_model=model_of(FiguresShown),
        responses=reading,
        dependencies=BY_TOKEN,
    )
    async def figures(
        who: Watcher,
        kind: Kind,
        name: Name = "*",
        window: Annotated[
            str, Query(max_length=300, description=f"several, with commas: {', '.join(WINDOWS)}")
        ] = "today",
    ) -> Response:
        """Every figure of a scope, over each of these windows."""
        return answer(source.figures(who.acting, kind, name, _windows(window)))

    @router.get(
        "/figures/intervals", response_model=Intervals, responses=reading, dependencies=BY_TOKEN
    )
    async def intervals(
        who: Watcher,
        kind: Kind,
        from_: Annotated[Moment, Query(alias="from")],
        to: Moment,
        name: Name = "*",
    ) -> Response:
        """The sums of a scope by quarters of an hour. At most 32 days."""
        if to <= from_:
            raise _invalid("to", "The time must end after it begins.", "结束时间须晚于开始时间。")
        found = await source.intervals(who.acting, kind, name, micros(from_), micros(to))
        return answer(_intervals(found))

    @router.get(
        "/figures/calls",
        response_model=page_of(FigureCall),
        responses=reading,
        dependencies=BY_TOKEN,
    )
    async def calls(
        who: Watcher,
        kind: Kind,
        metric: Annotated[str, Query(max_length=60, description="a key of /api/metrics")],
        name: Name = "*",
        window: FigureWindow = "today",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """The calls that count for a figure, the last one to count first."""
        behind = source.calls_behind(who.acting, kind, name, window, metric, cursor, limit)
        lines = await view.lines(who.acting, behind.calls)
        items = [FigureCall(pbx, call, lines.get((pbx, call))) for pbx, call in behind.calls]
        return answer(Page(items, behind.next_cursor))

    @router.get(
        "/metrics",
        response_model=model_of(MetricRows),
        responses=documented(401, 403, 422),
        dependencies=BY_TOKEN,
    )
    async def metrics(_: Watcher) -> Response:
        """Names, formulas, units and examples of all figures."""
        return answer(MetricRows(tuple(source.table())))

    @router.get(
        "/health/feed",
        response_model=model_of(Feeds),
        responses=documented(401, 403, 422, 503),
        dependencies=BY_TOKEN,
    )
    async def feed(_: Annotated[Caller, Depends(allow("board"))]) -> Response:
        """Link, lag, last event, clock offset and gaps of each PBX."""
        return answer(Feeds(tuple(await source.feed())))

    return router


def _windows(text: str) -> Sequence[FigureWindow]:
    asked = text.split(",")
    known: dict[str, FigureWindow] = {window: window for window in WINDOWS}
    for window in asked:
        if window not in known:
            raise _invalid(
                "window",
                f"There is no window {window[:40]!r}; there are: {', '.join(WINDOWS)}.",
                f"没有时间窗“{window[:40]}”；可用：{'、'.join(WINDOWS)}。",
            )
    return [known[window] for window in asked]


def _intervals(found: IntervalsShown) -> dict[str, Any]:
    return {
        "step_s": found.step_s,
        "as_of_at": found.as_of_us / 1_000_000,
        "rows": [
            {"at": row.at_us / 1_000_000, **to_json(row.sums), "gap": row.gap} for row in found.rows
        ],
    }


def _invalid(field: str, text_en: str, text_zh: str) -> Problem:
    return Problem(422, "invalid", text_en, text_zh, field=field)
