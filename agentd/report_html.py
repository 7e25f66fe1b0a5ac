"""A report as one file that is its own page: for printing, for mail, for the archive.

Nothing is loaded and nothing runs. Black on white, A4 across; a browser prints it as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from agentd.core.metric_figures import Figure
from agentd.core.metric_row import Metric
from agentd.core.report_periods import SiteDays
from agentd.core.reports import GROUPS, GroupKey, Report, ReportLine, group_of
from agentd.export_columns import Lang
from agentd.report_words import (
    NOTHING,
    minutes,
    one_words,
    period_words,
    pick,
    say,
    shown,
    step_words,
    title,
    zone,
)

_STYLE: Final = """
@page { size: A4 landscape; margin: 12mm 10mm 14mm;
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 277mm; padding: 8mm 4mm; background: #fff; color: #000;
  font: 9.5pt/1.4 "Noto Sans SC", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC",
    "Source Han Sans SC", "Segoe UI", system-ui, sans-serif; }
header { border-bottom: 2px solid #000; margin-bottom: 4mm; padding-bottom: 2mm; }
h1 { font-size: 15pt; margin: 0; } h2 { font-size: 11.5pt; margin: 5mm 0 1mm; }
h3 { font-size: 10pt; margin: 3mm 0 1mm; }
header p { margin: 0.5mm 0 0; } .site { font-size: 10pt; }
table { border-collapse: collapse; width: 100%; margin: 0 0 3mm; page-break-inside: auto; }
thead { display: table-header-group; } tr { page-break-inside: avoid; }
h2, h3 { page-break-after: avoid; } main.short table { page-break-inside: avoid; }
th, td { border: 0.5pt solid #777; padding: 0.6mm 1.4mm; text-align: right; vertical-align: top;
  font-variant-numeric: tabular-nums; }
th { background: #eee; font-weight: 600; text-align: right; }
th:first-child, td:first-child, tbody th { text-align: left; overflow-wrap: anywhere; }
tbody th { background: none; font-weight: 400; }
tr.total th, tr.total td { font-weight: 700; border-top: 1.2pt solid #000; }
small { display: block; color: #444; font-size: 7.5pt; }
section.line { page-break-before: always; } section.line table { page-break-inside: avoid; }
.notes { font-size: 8.5pt; margin-top: 4mm; } .notes p, .notes dl { margin: 0 0 1mm; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 3mm; } dd { margin: 0; }
@media print { body { padding: 0; max-width: none; }
  th { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
"""


_SHORT: Final = 12


def html_of(report: Report, days: SiteDays, lang: Lang, *, site: str = "", by: str = "") -> str:
    """The whole file. ``site``: what stands above it; ``by``: who made it, "" nobody in person."""
    head = title(report.by, report.period, lang)
    body = "".join((*_head(report, days, lang, site, by), *_tables(report, days, lang)))
    notes = "".join(_notes(report, days, lang))
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(head)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{body}{notes}</body>\n</html>\n"
    )


def _head(report: Report, days: SiteDays, lang: Lang, site: str, by: str) -> Iterator[str]:
    offset_s = days.utc_offset_s
    period = report.period
    spells = ", ".join(
        f"{minutes(from_us, offset_s)} – {minutes(to_us, offset_s)}"
        for from_us, to_us in period.spells
    )
    made = [f"{say('made', lang)} {minutes(report.made_us, offset_s)} ({zone(offset_s)})"]
    if by:
        made.append(f"{say('by', lang)} {by}")
    compared = say("compared", lang).format(period=period_words(report.before, lang))
    yield f'<header>\n<p class="site">{escape(site or say("site", lang))}</p>\n'
    yield f"<h1>{escape(title(report.by, period, lang))}</h1>\n"
    yield f"<p>{escape(say('period', lang))}: {escape(spells)} · {escape(compared)}</p>\n"
    yield f"<p>{escape(' · '.join(made))}</p>\n"
    if period.unfinished:
        yield f"<p><strong>{escape(say('unfinished', lang))}</strong></p>\n"
    yield "</header>\n"


def _tables(report: Report, days: SiteDays, lang: Lang) -> Iterator[str]:
    if not report.lines:
        yield f"<p>{escape(say('nothing', lang))}</p>\n"
        return
    groups = _groups(report)
    # A small table is not torn apart on paper.
    yield '<main class="short">\n' if len(report.lines) <= _SHORT else "<main>\n"
    for key, columns in groups:
        yield f"<h2>{escape(pick(GROUPS[key], lang))}</h2>\n"
        rows = [_row(line.label, line, columns) for line in report.lines]
        rows.append(_row(say("total", lang), report.total, columns, total=True))
        yield _table(one_words(report.by, lang), columns, rows, lang)
    yield from _broken_down(report, report.total, say("total", lang), days, lang)
    for line in report.lines:
        if line.pieces:
            yield from _broken_down(report, line, line.label, days, lang)
    yield "</main>\n"


def _groups(report: Report) -> list[tuple[GroupKey, list[Metric]]]:
    found: list[tuple[GroupKey, list[Metric]]] = []
    for key in GROUPS:
        columns = [row for row in report.columns if group_of(row) == key]
        if columns:
            found.append((key, columns))
    return found


def _broken_down(
    report: Report, line: ReportLine, label: str, days: SiteDays, lang: Lang
) -> Iterator[str]:
    """One queue, team or person on a page of its own, hour by hour or day by day."""
    step = step_words(report.period.step, lang)
    yield f'<section class="line">\n<h2>{escape(label)} · {escape(say("broken_down", lang))}</h2>\n'
    for key, columns in _groups(report):
        if not any(_counts(line.figures, row) for row in columns):
            continue
        yield f"<h3>{escape(pick(GROUPS[key], lang))}</h3>\n"
        rows = []
        for index in _worked(report, line):
            figures = line.pieces[index]
            at = days.piece_label(report.period, report.pieces[index][0])
            mark, cells = _marked(figures, columns)
            tds = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            rows.append(f'<tr><th scope="row">{escape(at)}{mark}</th>{tds}</tr>\n')
        rows.append(_row(say("line", lang), line, columns, total=True))
        yield _table(step, columns, rows, lang)
    yield "</section>\n"


def _counts(figures: Mapping[str, Figure], row: Metric) -> bool:
    figure = figures[row.key]
    return figure.value not in (None, 0)


def _table(first: str, columns: Sequence[Metric], rows: Sequence[str], lang: Lang) -> str:
    heads = "".join(
        f'<th scope="col" title="{escape(pick(row.formula, lang))}">'
        f"{escape(pick(row.name, lang))}</th>"
        for row in columns
    )
    return (
        f'<table>\n<thead><tr><th scope="col">{escape(first)}</th>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody>\n</table>\n"
    )


def _row(label: str, line: ReportLine, columns: Sequence[Metric], *, total: bool = False) -> str:
    cells = []
    mark, values = _marked(line.figures, columns)
    for row, value in zip(columns, values, strict=True):
        before = shown(row, line.before[row.key])
        small = "" if before.startswith(NOTHING) else f"<small>{escape(before)}</small>"
        cells.append(f"<td>{escape(value)}{small}</td>")
    kind = ' class="total"' if total else ""
    return f'<tr{kind}><th scope="row">{escape(label)}{mark}</th>{"".join(cells)}</tr>\n'


def _marked(figures: Mapping[str, Figure], columns: Sequence[Metric]) -> tuple[str, list[str]]:
    """(the mark of the whole row, its figures): a gap in all of it is said once."""
    values = [shown(row, figures[row.key]) for row in columns]
    if not all(figures[row.key].gap for row in columns):
        return "", values
    return "*", [value.removesuffix("*") for value in values]


def _worked(report: Report, line: ReportLine) -> range:
    """The pieces in which something counts, and those between: hours before the first call and
    after the last one are left out, days never."""
    count = len(report.pieces)
    if report.period.step != "hour":
        return range(count)
    busy = [n for n in range(count) if any(f.value for f in line.pieces[n].values())]
    return range(busy[0], busy[-1] + 1) if busy else range(count)


def _notes(report: Report, days: SiteDays, lang: Lang) -> Iterator[str]:
    offset_s = days.utc_offset_s
    yield '<footer class="notes">\n'
    small = {"zh": "小字为上期数字。", "en": "In small type: the period before."}[lang]
    for text in (say("appeals", lang), small, say("gap", lang), say("estimated", lang)):
        yield f"<p>{escape(text)}</p>\n"
    if report.gaps:
        told = "; ".join(
            f"{gap.pbx} {minutes(gap.from_us, offset_s)} – {minutes(gap.to_us, offset_s)}"
            for gap in report.gaps
        )
        yield f"<p>{escape(say('gaps', lang))}: {escape(told)}</p>\n"
    yield f"<h3>{escape(say('formulas', lang))}</h3>\n<dl>\n"
    for row in report.columns:
        formula = escape(pick(row.formula, lang))
        yield f"<dt>{escape(pick(row.name, lang))}</dt><dd>{formula}</dd>\n"
    yield "</dl>\n</footer>\n"
