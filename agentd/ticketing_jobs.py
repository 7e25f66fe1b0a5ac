"""Work inside the writer's transactions: done whole or not at all, and each fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentd.core.effects import OrderChanged, OrderContact, Violation
from agentd.core.order_model import Change, WorkOrder
from agentd.ticketing_file import is_trouble

Obligation = OrderChanged | OrderContact | Violation
DocumentChange = tuple[WorkOrder, Change]
"""A document as it stands after a change, and the change."""


class Transaction:
    """What one piece of work is given."""

    __slots__ = ("changed", "connection", "told")

    def __init__(self, connection: Connection, told: Sequence[Obligation] = ()) -> None:
        self.connection = connection
        self.told = told
        """The obligations that were submitted before the work, or with it, and are in the same
        transaction."""
        self.changed: list[DocumentChange] = []
        """Filled by the work: documents that it changed."""


T = TypeVar("T")


class Work(Generic[T]):
    """One piece of work (implements :class:`agentd.ports.desk.Job`).

    ``do`` may be called more than once, each time in a new transaction: what it did before has
    never been then.
    """

    def __init__(self, do: Callable[[Transaction], T], *, wait_until: float | None = None) -> None:
        """``wait_until`` (monotonic seconds): a disk that refuses until then ends the work; None:
        it is tried for as long as it takes."""
        self._do = do
        self.wait_until = wait_until
        self.ended = asyncio.Event()
        self.changed: list[DocumentChange] = []
        self._value: list[T] = []
        self._error: BaseException | None = None

    def run(self, connection: Connection, told: Sequence[Obligation]) -> None:
        """Do it, and undo it alone if it raises. Trouble with the disk is everybody's: raised."""
        transaction = Transaction(connection, told)
        self._value, self._error, self.changed = [], None, []
        savepoint = connection.begin_nested()
        try:
            value = self._do(transaction)
        except Exception as error:
            if isinstance(error, DBAPIError) and is_trouble(error):
                raise
            savepoint.rollback()
            self._error = error
        else:
            savepoint.commit()
            self._value = [value]
            self.changed = transaction.changed

    def end(self) -> None:
        """What :meth:`run` did is committed."""
        self.ended.set()

    def fail(self, error: BaseException) -> None:
        """It was not done, and will not be."""
        self._value, self._error, self.changed = [], error, []
        self.ended.set()

    def result(self) -> T:
        """What the work returned, once that is committed; raises what it raised."""
        if not self.ended.is_set():
            raise RuntimeError("the work is not committed yet")
        if self._error is not None:
            raise self._error
        return self._value[0]


AnyWork = Work[Any]
