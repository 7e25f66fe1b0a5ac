"""REST: orders as files. Every export is in the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from agentd.export_columns import Lang, columns
from agentd.http_orders import Filters
from agentd.http_parts import Exporter, Language, router_of
from agentd.http_problems import documented
from agentd.http_session import Caller
from agentd.http_tables import FileKind, Tables, described, said
from agentd.ports.desk import Desk, OrderQuery

_TITLES: Mapping[Lang, str] = {"zh": "工单", "en": "orders"}


def exports_router(desk: Desk, tables: Tables) -> APIRouter:
    """The routes of ``/api/orders.csv`` and ``/api/orders.xlsx``."""
    router = router_of("exports", tokens=True)

    async def file(who: Caller, query: OrderQuery, lang: Lang, kind: FileKind) -> StreamingResponse:
        await tables.note(who, "orders.export", kind, said(query, OrderQuery()))
        return await tables.file(
            kind,
            columns(desk.book, lang, tables.name_of),
            desk.each_order(who.acting, query),
            name="orders",
            title=_TITLES[lang],
        )

    @router.get(
        "/orders.csv",
        response_class=StreamingResponse,
        responses={**described("csv"), **documented(401, 403, 422)},
    )
    async def as_csv(who: Exporter, query: Filters, lang: Language = "zh") -> StreamingResponse:
        """The orders that fit as CSV (UTF-8 with BOM), however many. Cells that a spreadsheet
        would calculate or take for a number begin with an apostrophe."""
        return await file(who, query, lang, "csv")

    @router.get(
        "/orders.xlsx",
        response_class=StreamingResponse,
        responses={**described("xlsx"), **documented(401, 403, 422)},
    )
    async def as_xlsx(who: Exporter, query: Filters, lang: Language = "zh") -> StreamingResponse:
        """The orders that fit as an Excel workbook; at most 200,000."""
        return await file(who, query, lang, "xlsx")

    return router
