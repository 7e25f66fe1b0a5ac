"""Reports over a service of figures, put together as the daemon does it."""

from __future__ import annotations

from agentd.core.order_form import FormBook
from agentd.core.people import Directory
from agentd.core.policy import PolicyBook
from agentd.core.report_periods import SiteDays
from agentd.figures import FigureService
from agentd.figures_reports import PeriodSums
from agentd.reports import ReportService, labels
from agentd.ticketing import Store


def reports_over(
    figures: FigureService, store: Store, directory: Directory, book: FormBook
) -> ReportService:
    return ReportService(
        days=SiteDays(figures.metrics.book, book.calendar.utc_offset_s),
        source=PeriodSums(figures.held, store, figures.counted),
        store=store,
        sight=figures.sight,
        label_of=labels(directory, {"main": PolicyBook()}),
        now_us=figures.now_us,
        pbxs=("main",),
    )
