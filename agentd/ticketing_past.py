"""The database for commands that only read it, beside a running daemon or without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from agentd.ports.desk import OrderRules
from agentd.ticketing_desk import DeskMethods
from agentd.ticketing_file import StoreError
from agentd.ticketing_history import HistoryMethods
from agentd.ticketing_jobs import Transaction
from agentd.ticketing_orders import OrderReader
from agentd.ticketing_readers import Readers
from agentd.ticketing_reports import ReportMethods

T = TypeVar("T")
_CLOSE_MAX_S = 5.0


class PastStore(DeskMethods, HistoryMethods, ReportMethods):
    """Answers questions, and changes nothing: whatever would raises ``StoreError``."""

    def __init__(self, path: Path, rules: OrderRules | None = None) -> None:
        """Raises ``StoreError`` where there is no database of this version of agentd."""
        with OrderReader(path):
            pass
        self._path = path
        self._rules = rules
        self._readers = Readers(path)

    def judge_by(self, rules: OrderRules) -> None:
        """What documents of orders are judged by, once the accounts are known."""
        self._rules = rules

    async def close(self) -> None:
        """Let go of the file."""
        await self._readers.close(_CLOSE_MAX_S)

    async def _do(self, do: Callable[[Transaction], T]) -> T:
        raise StoreError(f"the database {self._path} is open for reading only")

    async def _read(self, question: Callable[[Connection], T]) -> T:
        return await self._readers.ask(question)
