"""Messages to people's desks, in the store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec.structs import replace
from sqlalchemy import Column, Connection, Index, Integer, Table, Text

from agentd.ports.supervision import DeskMessage
from agentd.ticketing_jobs import Transaction
from agentd.ticketing_people import Shelf
from agentd.ticketing_schema import metadata

T = TypeVar("T")

desk_message = Table(
    "desk_message",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("to", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("read_us", Integer, nullable=True),
    Index("desk_message_by_reader", "to", "read_us", "at_us"),
    sqlite_strict=True,
)
"""One row per message; ``read_us`` NULL while it stands on the desk."""

_messages = Shelf(desk_message, DeskMessage)


class MessageMethods(ABC):
    """The methods of :class:`agentd.ports.supervision.MessageStore`."""

    @abstractmethod
    async def _do(self, do: Callable[[Transaction], T]) -> T:
        """Have the writer do it; what it returned, once it is committed."""

    @abstractmethod
    async def _read(self, question: Callable[[Connection], T]) -> T:
        """Ask what is committed."""

    async def put_message(self, message: DeskMessage) -> None:
        """Keep it."""
        await self._do(lambda t: _messages.put(t.connection, [message]))

    async def messages(self, to: str, *, limit: int) -> Sequence[DeskMessage]:
        """Those to ``to``: unread ones first, the newest first among each."""
        at = desk_message.c
        return await self._read(
            lambda c: _messages.all(
                c, at.to == to, by=[at.read_us.is_not(None), at.at_us.desc()], limit=limit
            )
        )

    async def read_message(self, message_id: str, to: str, at_us: int) -> DeskMessage | None:
        """Mark it read, if it is one to ``to``; the first time counts. None: there is none."""

        def do(transaction: Transaction) -> DeskMessage | None:
            message = _messages.get(transaction.connection, message_id)
            if message is None or message.to != to or message.read_us is not None:
                return None if message is None or message.to != to else message
            message = replace(message, read_us=at_us)
            _messages.put(transaction.connection, [message])
            return message

        return await self._do(do)
