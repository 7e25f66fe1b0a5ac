"""Questions to the database file, answered beside the writer by a few connections of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from agentd.ticketing_file import StoreError, is_trouble, make_read_engine, trouble_words

T = TypeVar("T")


class Readers:
    """A small pool of connections that can change nothing; each question sees one moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.engine: AsyncEngine = make_read_engine(path)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """What ``question`` returns. Raises :class:`StoreError` when the file cannot be read."""
        self._asked += 1
        self._idle.clear()
        try:
            async with self.engine.connect() as reader:
                return await reader.run_sync(question)
        except DBAPIError as error:
            if not is_trouble(error):
                raise
            raise StoreError(
                f"cannot read the database {self._path}: {trouble_words(error.orig or error)}"
            ) from error
        finally:
            self._asked -= 1
            if not self._asked:
                self._idle.set()

    async def close(self, wait_max_s: float) -> None:
        """Let go of the file once the last answer is given, after ``wait_max_s`` in any case."""
        waiting = asyncio.create_task(self._idle.wait())
        await asyncio.wait({waiting}, timeout=wait_max_s)
        waiting.cancel()
        await self.engine.dispose()
