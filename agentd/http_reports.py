"""REST: reports of shifts, days, months and spans of days, for the page and as files. Every file is
in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from msgspec import Struct
from starlette.responses import StreamingResponse

from agentd.core.metric_figures import Figure
from agentd.core.metric_row import Metric, Unit
from agentd.core.report_periods import Period, PeriodAsk, PeriodKind, SiteDays, Step
from agentd.core.reports import GroupKey, Report, ReportBy, ReportLine, group_of
from agentd.figures_board import shown
from agentd.http_json import model_of
from agentd.http_parts import BY_TOKEN, Language, answer, router_of
from agentd.http_problems import documented
from agentd.http_session import Caller, allow
from agentd.http_tables import EITHER, FileKind, Tables, at_once
from agentd.ports.figures import FigureShown
from agentd.ports.reports import ReportAsk, Reports
from agentd.report_columns import rows_of, table_columns
from agentd.report_words import file_name, period_words, title

Reader = Annotated[Caller, Depends(allow("board", "desk"))]
"""Who may see the board, or has own figures."""
Text = Annotated[str | None, Query(max_length=200)]
Date = Annotated[str | None, Query(max_length=10, description="as 2026-10-05")]


class ReportColumn(Struct, frozen=True):
    """A metric of the report. ``group``: the table in which it stands."""

    key: str
    group: GroupKey
    name: tuple[str, str]
    formula: tuple[str, str]
    unit: Unit


class Spell(Struct, frozen=True):
    """From then until then."""

    from_us: int
    to_us: int


class PeriodShown(Struct, frozen=True):
    """A period. ``words``: as people write it. ``unfinished``: it ends here for now."""

    kind: PeriodKind
    first: str
    last: str
    hours: str
    spells: tuple[Spell, ...]
    step: Step
    words: tuple[str, str]
    unfinished: bool


class PieceShown(Struct, frozen=True):
    """A piece of the period. ``label``: 09:00, 2026-10-05 or 2026-10."""

    label: str
    from_us: int
    to_us: int


class LineShown(Struct, frozen=True):
    """A queue, team or person; all together have no name. ``figures`` by metric, ``pieces`` in the
    order of the report's."""

    name: str
    label: str
    figures: Mapping[str, FigureShown]
    before: Mapping[str, FigureShown]
    pieces: tuple[Mapping[str, FigureShown], ...]


class UnheardShown(Struct, frozen=True):
    """Nothing was heard of a PBX then."""

    pbx: str
    from_us: int
    to_us: int


class ReportShown(Struct, frozen=True):
    """A report. ``shifts``: what may be asked for. ``site``: the name of the call centre, or ""."""

    title: tuple[str, str]
    site: str
    by: ReportBy
    period: PeriodShown
    before: PeriodShown
    columns: tuple[ReportColumn, ...]
    pieces: tuple[PieceShown, ...]
    total: LineShown
    lines: tuple[LineShown, ...]
    gaps: tuple[UnheardShown, ...]
    made_us: int
    shifts: tuple[str, ...]


def asked(
    by: Annotated[ReportBy, Query(description="whose figures")],
    period: Annotated[PeriodKind, Query(description="span: from and to")] = "day",
    at: Annotated[
        str | None,
        Query(max_length=10, description="the date (a month: 2026-10); without: the last one over"),
    ] = None,
    shift: Annotated[
        str | None, Query(max_length=100, description="08:00-16:00, or 08:00-12:00+14:00-18:00")
    ] = None,
    from_: Annotated[Date, Query(alias="from")] = None,
    to: Date = None,
    name: Annotated[
        str | None, Query(max_length=200, description="one queue (PBX/NAME), team or login")
    ] = None,
    details: Annotated[
        Literal["yes", "no"], Query(description="yes: each line broken down as well")
    ] = "no",
) -> ReportAsk:
    """Which report: a dependency."""
    when = PeriodAsk(kind=period, at=at, shift=shift, first=from_, last=to)
    return ReportAsk(period=when, by=by, name=name, details=details == "yes")


Asked = Annotated[ReportAsk, Depends(asked)]


def reports_router(reports: Reports, tables: Tables, days: SiteDays, site: str) -> APIRouter:
    """The routes of ``/api/reports``."""
    router = router_of("reports")
    wrong = documented(401, 403, 404, 422, 503)

    @router.get(
        "/reports", response_model=model_of(ReportShown), responses=wrong, dependencies=BY_TOKEN
    )
    async def report(who: Reader, ask: Asked) -> Response:
        """The figures of a period, for each queue, team or person that I may see, and the period
        before."""
        made = await reports.report(who.acting, ask)
        return answer(report_shown(made, days, site))

    @router.get(
        "/reports.{kind}",
        response_class=StreamingResponse,
        responses={**EITHER, **wrong},
        dependencies=BY_TOKEN,
    )
    async def file(
        who: Reader, kind: FileKind, ask: Asked, lang: Language = "zh"
    ) -> StreamingResponse:
        """The same as CSV or as an Excel workbook: a row for each line, its pieces, and the period
        before."""
        made = await reports.report(who.acting, ask)
        about = {"kind": kind, "period": period_words(made.period, "en"), "name": ask.name}
        await tables.note(who, "reports.export", ask.by, about)
        return await tables.file(
            kind,
            table_columns(made, lang, days.utc_offset_s),
            at_once(list(rows_of(made, lang))),
            name=file_name(made),
            title="报表" if lang == "zh" else "report",
        )

    return router


def report_shown(report: Report, days: SiteDays, site: str) -> ReportShown:
    """The report as pages get it."""

    def figures(of: Mapping[str, Figure]) -> dict[str, FigureShown]:
        return {row.key: shown(row, of[row.key]) for row in report.columns}

    def line(of: ReportLine) -> LineShown:
        pieces = tuple(figures(piece) for piece in of.pieces)
        return LineShown(of.name, of.label, figures(of.figures), figures(of.before), pieces)

    return ReportShown(
        title=(title(report.by, report.period, "zh"), title(report.by, report.period, "en")),
        site=site,
        by=report.by,
        period=_period(report.period),
        before=_period(report.before),
        columns=tuple(_column(row) for row in report.columns),
        pieces=tuple(
            PieceShown(days.piece_label(report.period, from_us), from_us, to_us)
            for from_us, to_us in report.pieces
        ),
        total=line(report.total),
        lines=tuple(line(of) for of in report.lines),
        gaps=tuple(UnheardShown(gap.pbx, gap.from_us, gap.to_us) for gap in report.gaps),
        made_us=report.made_us,
        shifts=days.shifts,
    )


def _column(row: Metric) -> ReportColumn:
    return ReportColumn(row.key, group_of(row), row.name, row.formula, row.unit)


def _period(period: Period) -> PeriodShown:
    return PeriodShown(
        kind=period.kind,
        first=period.first.isoformat(),
        last=period.last.isoformat(),
        hours=period.hours,
        spells=tuple(Spell(from_us, to_us) for from_us, to_us in period.spells),
        step=period.step,
        words=(period_words(period, "zh"), period_words(period, "en")),
        unfinished=period.unfinished,
    )
