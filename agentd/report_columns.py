"""Reports as tables for spreadsheets: one row for each line, its pieces, and the period before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from agentd.core.metric_figures import Figure
from agentd.core.metric_row import Metric
from agentd.core.reports import Report, ReportLine
from agentd.export_columns import Column, Kind, Lang, Value
from agentd.report_words import heading, moment, one_words, say, step_words

RowKind = str
"""total, line, piece or before, in words."""


class TableRow(Struct, frozen=True):
    """One row: of whom, from when to when, and the figures."""

    what: RowKind
    name: str
    label: str
    from_us: int
    to_us: int
    figures: Mapping[str, Figure]


def rows_of(report: Report, lang: Lang) -> Iterator[TableRow]:
    """All rows: everything together, then each line; each with its pieces, then the period
    before."""
    yield from _rows(report, report.total, say("total", lang), lang)
    for line in report.lines:
        yield from _rows(report, line, "", lang)


def _rows(report: Report, line: ReportLine, label: str, lang: Lang) -> Iterator[TableRow]:
    period, before = report.period, report.before
    name, label = line.name, label or line.label
    whole = say("line", lang)
    yield TableRow(whole, name, label, period.from_us, period.to_us, line.figures)
    for (from_us, to_us), figures in zip(report.pieces, line.pieces, strict=False):
        yield TableRow(step_words(period.step, lang), name, label, from_us, to_us, figures)
    back = say("before", lang)
    yield TableRow(back, name, label, before.from_us, before.to_us, line.before)


def table_columns(report: Report, lang: Lang, utc_offset_s: int) -> tuple[Column[TableRow], ...]:
    """The columns: shares in percent, times in seconds, moments as times on site."""

    def cell(row: Metric) -> Callable[[TableRow], Value]:
        def value(of: TableRow) -> Value:
            figure = of.figures[row.key]
            if figure.value is None:
                return None
            if row.unit == "share":
                return round(figure.value * 100, 6)
            return figure.value

        return value

    def gap(row: TableRow) -> Value:
        marked = any(figure.gap for figure in row.figures.values())
        return ("是" if lang == "zh" else "yes") if marked else ""

    fixed: tuple[tuple[str, Kind, Callable[[TableRow], Value]], ...] = (
        (one_words(report.by, lang), "text", lambda row: row.label),
        (say("id", lang), "code", lambda row: row.name),
        (say("row", lang), "text", lambda row: row.what),
        (say("from", lang), "time", lambda row: moment(row.from_us, utc_offset_s)),
        (say("to", lang), "time", lambda row: moment(row.to_us, utc_offset_s)),
    )
    return (
        *(Column(*column) for column in fixed),
        *(Column(heading(row, lang), "number", cell(row)) for row in report.columns),
        Column(say("marked", lang), "text", gap),
    )
