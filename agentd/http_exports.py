"""REST: orders as files. Every export is in the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import IO, Any

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from agentd import clock
from agentd.core.order_model import WorkOrder
from agentd.core.people import Directory
from agentd.export_columns import Lang, columns
from agentd.exports import CSV_TYPE, XLSX_TYPE, Workbooks, csv_pieces
from agentd.http_orders import Filters
from agentd.http_parts import Exporter, Language, router_of
from agentd.http_problems import documented
from agentd.http_session import Caller
from agentd.ports.accounts import Accounts, AuditEntry
from agentd.ports.desk import Desk, OrderQuery

_PIECE_BYTES = 256 * 1024
_TITLES: Mapping[Lang, str] = {"zh": "工单", "en": "orders"}


def exports_router(
    desk: Desk,
    accounts: Accounts,
    directory: Directory,
    workbooks: Workbooks,
    now_us: Callable[[], int] = clock.wall_us,
) -> APIRouter:
    """The routes of ``/api/orders.csv`` and ``/api/orders.xlsx``."""
    router = router_of("exports", tokens=True)

    def name_of(login: str) -> str:
        person = directory.get(login)
        return login if person is None else f"{person.name} ({login})"

    async def note(who: Caller, kind: str, query: OrderQuery) -> None:
        await accounts.note(
            AuditEntry(
                at_us=now_us(),
                who=who.name,
                action="orders.export",
                target=kind,
                address=who.address,
                detail=_said(query),
            )
        )

    def headers(kind: str) -> dict[str, str]:
        return {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="orders.{kind}"',
        }

    @router.get(
        "/orders.csv",
        response_class=StreamingResponse,
        responses={200: _file("text/csv"), **documented(401, 403, 422)},
    )
    async def as_csv(who: Exporter, query: Filters, lang: Language = "zh") -> StreamingResponse:
        """The orders that fit as CSV (UTF-8 with BOM), however many. Cells that a spreadsheet
        would calculate or take for a number begin with an apostrophe."""
        await note(who, "csv", query)
        pieces = csv_pieces(
            columns(desk.book, lang, name_of), await _begun(desk.each_order(who.acting, query))
        )
        return StreamingResponse(pieces, headers=headers("csv"), media_type=CSV_TYPE)

    @router.get(
        "/orders.xlsx",
        response_class=StreamingResponse,
        responses={200: _file(XLSX_TYPE), **documented(401, 403, 422)},
    )
    async def as_xlsx(who: Exporter, query: Filters, lang: Language = "zh") -> StreamingResponse:
        """The orders that fit as an Excel workbook; at most 200,000."""
        await note(who, "xlsx", query)
        file = await workbooks.make(
            columns(desk.book, lang, name_of),
            desk.each_order(who.acting, query),
            title=_TITLES[lang],
        )
        return _FileResponse(file, headers=headers("xlsx"), media_type=XLSX_TYPE)

    return router


class _FileResponse(StreamingResponse):
    """A temporary file as an answer; it is closed when the answer is over, however it ends."""

    def __init__(self, file: IO[bytes], *, headers: Mapping[str, str], media_type: str) -> None:
        super().__init__(_read(file), headers=headers, media_type=media_type)
        self._file = file

    async def __call__(self, *asgi: Any) -> None:
        """Answer, as ASGI says."""
        try:
            await super().__call__(*asgi)
        finally:
            self._file.close()


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
        yield piece


async def _begun(
    pieces: AsyncIterator[Sequence[WorkOrder]],
) -> AsyncIterator[Sequence[WorkOrder]]:
    """``pieces`` with the first one read already: what is refused is refused before the answer
    begins, when it can still be said."""
    first = await anext(pieces, None)

    async def rest() -> AsyncIterator[Sequence[WorkOrder]]:
        if first is not None:
            yield first
            async for piece in pieces:
                yield piece

    return rest()


def _file(media_type: str) -> dict[str, Any]:
    return {
        "description": "The file",
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}}},
    }


def _said(query: OrderQuery) -> dict[str, Any]:
    """The filters that were set, for the audit log."""
    default = OrderQuery()
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in query.__struct_fields__
        if (value := getattr(query, name)) != getattr(default, name)
    }
