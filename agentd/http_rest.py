"""The REST API: all routers in one place. See docs/api.md; who may do what is decided by the
services behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import APIRouter
from msgspec import Struct

from agentd import clock
from agentd.call_records import CallRecords
from agentd.config.phrases import Phrases
from agentd.core.people import Directory
from agentd.core.policy import PolicyBook
from agentd.exports import Workbooks
from agentd.history_view import HistoryView
from agentd.http_alerts import alerts_router
from agentd.http_calls import calls_router
from agentd.http_control import control_router
from agentd.http_exports import exports_router
from agentd.http_external import external_router
from agentd.http_figures import figures_router
from agentd.http_form import day_starts_s, form_router
from agentd.http_history import history_router
from agentd.http_orders import orders_router
from agentd.http_people import people_router
from agentd.http_reports import reports_router
from agentd.http_retention import retention_router
from agentd.http_seats import my_seat_json, seats_router
from agentd.http_shift import shift_router, violations_router
from agentd.http_tables import Tables
from agentd.http_wall import wall_router
from agentd.ports.accounts import Accounts
from agentd.ports.desk import Desk, DeskStore
from agentd.ports.figures import FiguresSource
from agentd.ports.presence import Presence
from agentd.ports.supervision import Supervision
from agentd.reports import ReportService
from agentd.retention import Retention

__all__ = [
    "APIRouter",
    "CallRecords",
    "HistoryView",
    "RestServices",
    "Workbooks",
    "my_seat_json",
    "rest_routers",
]


class RestServices(Struct, frozen=True, kw_only=True):
    """What the API serves."""

    desk: Desk
    presence: Presence
    supervision: Supervision
    accounts: Accounts
    store: DeskStore
    calls: CallRecords
    history: HistoryView
    figures: FiguresSource
    directory: Directory
    phrases: Mapping[str, Phrases]
    """By language: zh, en."""
    policies: Mapping[str, PolicyBook]
    """By PBX."""
    workbooks: Workbooks
    retention: Retention
    reports: ReportService
    site: str = ""
    """What stands above reports."""
    now_us: Callable[[], int] = clock.wall_us


def rest_routers(services: RestServices) -> tuple[APIRouter, ...]:
    """The routers of everything below ``/api`` but the session's own."""
    s = services
    tables = Tables(s.accounts, s.directory, s.workbooks, s.now_us)
    offset_s = s.desk.book.calendar.utc_offset_s
    days = day_starts_s(s.policies)
    return (
        form_router(s.desk.book, s.phrases, s.policies),
        seats_router(s.presence),
        control_router(s.supervision),
        # Before the orders: /api/orders.csv is no order.
        exports_router(s.desk, tables),
        orders_router(s.desk, s.store),
        external_router(s.desk),
        calls_router(s.desk, s.calls, s.accounts, s.figures, s.now_us),
        violations_router(s.desk, s.calls, s.directory),
        shift_router(s.desk, s.directory, s.now_us),
        people_router(s.accounts, s.directory),
        history_router(s.history, tables, offset_s, days, s.now_us),
        figures_router(s.figures, s.history),
        reports_router(s.reports, tables, s.reports.days, s.site),
        wall_router(s.figures, s.history.store, offset_s, lambda: s.figures.span_us("shift")),
        alerts_router(s.history, tables, offset_s, s.now_us),
        retention_router(s.retention, tables, offset_s),
    )
