"""Questions to the database file, answered beside the writer by a few connections of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from agentd.ticketing_file import StoreError, is_trouble, make_read_engine, trouble_words

T = TypeVar("T")


class Readers:
    """A small pool of connections that can change nothing; each question sees one moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answering: set[asyncio.Task[Any]] = set()
        self.engine: AsyncEngine = make_read_engine(path)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """What ``question`` returns. Raises :class:`StoreError` when the file cannot be read.

        Who is cancelled stops waiting; the question is answered all the same, since a connection
        that is cancelled while it is being made is left to the garbage collector.
        """
        answering = asyncio.create_task(self._answer(question), name="store-read")
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        return await asyncio.shield(answering)

    async def _answer(self, question: Callable[[Connection], T]) -> T:
        try:
            async with self.engine.connect() as reader:
                return await reader.run_sync(question)
        except DBAPIError as error:
            if not is_trouble(error):
                raise
            raise StoreError(
                f"cannot read the database {self._path}: {trouble_words(error.orig or error)}"
            ) from error

    async def close(self, wait_max_s: float) -> None:
        """Let go of the file once the last answer is given, after ``wait_max_s`` in any case."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=wait_max_s)
        await self.engine.dispose()
