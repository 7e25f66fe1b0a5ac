"""Tables as files: CSV as it comes, XLSX from a temporary file. Whoever makes one notes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import IO, Any, Literal, TypeVar

from starlette.responses import StreamingResponse

from agentd.core.people import Directory
from agentd.export_columns import Column
from agentd.exports import CSV_TYPE, XLSX_TYPE, Workbooks, csv_pieces
from agentd.http_session import Caller
from agentd.ports.accounts import Accounts, AuditEntry

FileKind = Literal["csv", "xlsx"]
TYPES: Mapping[FileKind, str] = {"csv": "text/csv", "xlsx": XLSX_TYPE}

_PIECE_BYTES = 256 * 1024

T = TypeVar("T")


class Tables:
    """Makes files of tables, each with its line in the audit log."""

    def __init__(
        self,
        accounts: Accounts,
        directory: Directory,
        workbooks: Workbooks,
        now_us: Callable[[], int],
    ) -> None:
        self._accounts = accounts
        self._directory = directory
        self._workbooks = workbooks
        self._now_us = now_us

    def name_of(self, agent: str) -> str:
        """How a person is written: the name, with the login beside it."""
        person = self._directory.get(agent)
        return agent if person is None else f"{person.name} ({agent})"

    async def note(self, who: Caller, action: str, target: str, detail: Mapping[str, Any]) -> None:
        """A line in the audit log."""
        await self._accounts.note(
            AuditEntry(
                at_us=self._now_us(),
                who=who.name,
                action=action,
                target=target,
                address=who.address,
                detail=dict(detail),
            )
        )

    async def file(
        self,
        kind: FileKind,
        columns: Sequence[Column[T]],
        pieces: AsyncIterator[Sequence[T]],
        *,
        name: str,
        title: str,
    ) -> StreamingResponse:
        """The table as an answer. Raises :class:`~agentd.errors.Refused` before anything is sent.

        ``name``: of the file, without its ending; ``title``: of the sheet.
        """
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        }
        if kind == "csv":
            lines = csv_pieces(columns, await _begun(pieces))
            return StreamingResponse(lines, headers=headers, media_type=CSV_TYPE)
        file = await self._workbooks.make(columns, pieces, title=title)
        return _FileResponse(file, headers=headers, media_type=XLSX_TYPE)


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


async def _begun(pieces: AsyncIterator[Sequence[T]]) -> AsyncIterator[Sequence[T]]:
    """``pieces`` with the first one read already: what is refused is refused before the answer
    begins, when it can still be said."""
    first = await anext(pieces, None)

    async def rest() -> AsyncIterator[Sequence[T]]:
        if first is not None:
            yield first
            async for piece in pieces:
                yield piece

    return rest()


def described(*kinds: FileKind) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of the file."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys((TYPES[kind] for kind in kinds), schema)
    return {200: {"description": "The file", "content": content}}


EITHER = described("csv", "xlsx")


def said(query: Any, default: Any) -> dict[str, Any]:
    """The filters of a query that were set, for the audit log."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in query.__struct_fields__
        if (value := getattr(query, name)) != getattr(default, name)
    }


async def at_once(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """A table that is there already, as pieces."""
    yield items
