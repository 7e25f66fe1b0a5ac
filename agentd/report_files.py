"""Reports as files and letters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

from agentd.core.report_periods import SiteDays
from agentd.core.reports import Report
from agentd.export_columns import Lang
from agentd.exports import XLSX_TYPE, Workbooks, csv_pieces
from agentd.ports.mail import Enclosure, Letter
from agentd.report_columns import TableRow, rows_of, table_columns
from agentd.report_html import html_of
from agentd.report_words import file_name, minutes, say, shown, title, zone

FileFormat = Literal["html", "xlsx", "csv"]
_TYPES: Final[dict[FileFormat, str]] = {
    "html": "text/html",
    "xlsx": XLSX_TYPE,
    "csv": "text/csv",
}
_IN_LETTER: Final = (
    "offered", "answered", "abandoned", "connect_rate", "service_level", "asa", "legs_answered",
    "aht", "occupancy", "calls_per_hour", "dialled", "orders",
)  # fmt: skip
"""What the letter itself says, as far as the report has it."""


class ReportFiles:
    """Makes files of reports. ``site``: what stands above them."""

    def __init__(self, days: SiteDays, site: str) -> None:
        self._days = days
        self._site = site
        self._workbooks = Workbooks()

    async def made(self, report: Report, kind: FileFormat, lang: Lang, *, by: str = "") -> bytes:
        """The file. ``by``: who made it."""
        if kind == "html":
            return html_of(report, self._days, lang, site=self._site, by=by).encode()
        columns = table_columns(report, lang, self._days.utc_offset_s)
        if kind == "csv":
            return b"".join([piece async for piece in csv_pieces(columns, _at_once(report, lang))])
        sheet = "报表" if lang == "zh" else "report"
        with await self._workbooks.make(columns, _at_once(report, lang), title=sheet) as file:
            return file.read()

    async def letter(
        self,
        report: Report,
        to: Sequence[str],
        kinds: Sequence[FileFormat],
        lang: Lang,
        *,
        message_id: str | None = None,
    ) -> Letter:
        """The letter with the report in it, and as files of these kinds."""
        enclosures = [
            Enclosure(
                f"{file_name(report)}.{kind}", _TYPES[kind], await self.made(report, kind, lang)
            )
            for kind in dict.fromkeys(kinds)
        ]
        head = title(report.by, report.period, lang)
        return Letter(
            to=tuple(to),
            subject=f"{self._site or say('site', lang)}: {head}",
            text=self.summary(report, lang),
            html=html_of(report, self._days, lang, site=self._site),
            enclosures=tuple(enclosures),
            message_id=message_id,
        )

    def summary(self, report: Report, lang: Lang) -> str:
        """All together in a few lines of plain text."""
        offset_s = self._days.utc_offset_s
        lines = [
            title(report.by, report.period, lang),
            f"{say('made', lang)}: {minutes(report.made_us, offset_s)} ({zone(offset_s)})",
            "",
        ]
        if not report.lines:
            lines.append(say("nothing", lang))
        for row in report.columns:
            if row.key in _IN_LETTER and report.lines:
                now = shown(row, report.total.figures[row.key])
                before = shown(row, report.total.before[row.key])
                name = row.name[lang == "en"]
                lines.append(f"{name}: {now}  ({say('before', lang)}: {before})")
        return "\n".join(lines) + "\n"


async def _at_once(report: Report, lang: Lang) -> AsyncIterator[Sequence[TableRow]]:
    yield list(rows_of(report, lang))
