"""Tables as CSV and XLSX: the only door to openpyxl.

What callers said ends up in spreadsheets of people who trust them: no cell is ever a formula, and
what looks like a number and is none (telephone numbers, ids) stays text. CSV has no types, so there
such a cell begins with an apostrophe; in XLSX every cell is stored as text.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import datetime as dt
import io
import re
import tempfile
import threading
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import IO, Any, Final, TypeVar

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from agentd.errors import Refused
from agentd.export_columns import Column, Value

CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_ROWS_MAX: Final = 200_000
T = TypeVar("T")
_BOM = "\ufeff".encode()
_IN_MEMORY_BYTES = 4 * 1024 * 1024
_CELL_MAX_CHARS = 32_767
"""Excel's own limit."""
_TIME_FORMAT = "yyyy-mm-dd hh:mm:ss"

# What a spreadsheet takes for a formula, or skips before one: the full-width signs as well, which
# programs set to Chinese or Japanese accept.
_FORMULA_START = re.compile(r"[\s\x00]*[=+\-@＝＋－＠]|[\t\r\n\x00]")
# What it would turn into a number, losing leading zeros and every digit after the fifteenth.
_NUMBER_LIKE = re.compile(r"[\d\s.,()/+-]+(e\d+)?", re.IGNORECASE)


def csv_cell(value: Value, *, code: bool = False) -> str:
    """``value`` for a CSV cell. Text that a spreadsheet would calculate, and a ``code`` that it
    would take for a number, begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    text = value.replace("\x00", "")
    if _FORMULA_START.match(value) or (code and _NUMBER_LIKE.fullmatch(text)):
        return f"'{text}"
    return text


async def csv_pieces(
    columns: Sequence[Column[T]], items: AsyncIterable[Sequence[T]]
) -> AsyncIterator[bytes]:
    """The file in pieces as the items come: UTF-8 with a BOM (Excel asks for it), RFC 4180."""
    yield _BOM + _csv_lines([[csv_cell(column.label) for column in columns]])
    async for piece in items:
        if piece:
            # In a thread: hundreds of rows would hold up everything else for a moment.
            yield await asyncio.to_thread(_csv_items, columns, piece)


def _csv_items(columns: Sequence[Column[T]], items: Sequence[T]) -> bytes:
    return _csv_lines(
        [
            [csv_cell(column.value(item), code=column.kind == "code") for column in columns]
            for item in items
        ]
    )


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


class Workbooks:
    """Makes XLSX files, one at a time: a big one takes a core for as long as it lasts."""

    def __init__(self, rows_max: int = XLSX_ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._one = asyncio.Semaphore(1)

    async def make(
        self,
        columns: Sequence[Column[T]],
        items: AsyncIterable[Sequence[T]],
        *,
        title: str,
    ) -> IO[bytes]:
        """The workbook in a temporary file, at its beginning; whoever takes it closes it.

        Raises :class:`Refused` when there are more rows than one file may have.
        """
        async with self._one:
            book = _Book(columns, title)
            try:
                async for piece in _bounded(items, self._rows_max):
                    await asyncio.to_thread(book.add, piece)
                return await asyncio.to_thread(book.finish)
            except BaseException:
                # Also when we are cancelled, while a thread of ours may still be writing.
                await asyncio.to_thread(book.give_up)
                raise


async def _bounded(items: AsyncIterable[Sequence[T]], rows_max: int) -> AsyncIterator[Sequence[T]]:
    seen = 0
    async for piece in items:
        seen += len(piece)
        if seen > rows_max:
            raise Refused(
                f"More than {rows_max} rows are too many for one XLSX file: narrow the filters "
                "(dates, queue …), or take the CSV file, which has no limit.",
                code="invalid",
                text_zh=f"超过 {rows_max} 行，无法导出为一个 XLSX 文件：请缩小筛选范围（日期、"
                "队列等），或改用没有条数限制的 CSV 文件。",
            )
        yield piece


class _Book:
    """A workbook that is written row by row to a temporary file, never held in memory."""

    def __init__(self, columns: Sequence[Column[Any]], title: str) -> None:
        self._columns = columns
        self._use = threading.Lock()
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet(title)
        self._sheet.freeze_panes = "A2"
        self._sheet.append([self._cell(column.label, "text") for column in columns])

    def add(self, items: Sequence[Any]) -> None:
        with self._use:
            for item in items:
                self._sheet.append(
                    [self._cell(column.value(item), column.kind) for column in self._columns]
                )

    def finish(self) -> IO[bytes]:
        with self._use, contextlib.ExitStack() as undo:
            file = undo.enter_context(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))
            self._book.save(file)
            file.seek(0)
            undo.pop_all()
            return file

    def give_up(self) -> None:
        """Remove what was written so far; openpyxl has no public way to do so."""
        with self._use, contextlib.suppress(FileNotFoundError):
            if not self._sheet.closed:
                self._sheet.close()
            self._sheet._writer.cleanup()  # noqa: SLF001

    def _cell(self, value: Value, kind: str) -> WriteOnlyCell | None:
        if value is None or value == "":
            return None
        if isinstance(value, str):
            text = ILLEGAL_CHARACTERS_RE.sub("", value).replace("\r\n", "\n")
            cell = WriteOnlyCell(
                self._sheet, text.encode("utf-8", "replace").decode()[:_CELL_MAX_CHARS]
            )
            # openpyxl makes a formula of "=…" and an error of "#N/A": here all of it is text, and
            # stays text when somebody edits the cell.
            cell.data_type = "s"
            cell.quotePrefix = _FORMULA_START.match(text) is not None
            if kind == "code":
                cell.number_format = "@"
            return cell
        cell = WriteOnlyCell(self._sheet, value)
        if isinstance(value, dt.datetime):
            cell.number_format = _TIME_FORMAT
        return cell
