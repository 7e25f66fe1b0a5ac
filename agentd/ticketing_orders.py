"""Questions to the store: what the engine restores, and orders for people to read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Select, and_, create_engine, exists, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import StaticPool

from agentd import ticketing_schema as schema
from agentd import ticketing_tables as tables
from agentd.core.effects import OrderChanged
from agentd.core.order_model import WorkOrder
from agentd.ports import Restored
from agentd.ticketing_file import StoreError, revision_of, trouble_code, trouble_words

_RECENT_US = 24 * 3_600 * 1_000_000


def _in_order(query: Select[Any]) -> Select[Any]:
    return query.order_by(schema.work_order.c.opened_us, schema.work_order.c.id)


async def read_restored(connection: AsyncConnection, pbx: str) -> Restored:
    """What the engine of ``pbx`` needs to go on: its memory and its orders, oldest first."""
    orders, memory, calls = schema.work_order, schema.engine_memory, schema.call
    mine = orders.c.pbx == pbx
    newest = select(func.max(orders.c.opened_us)).where(mine).scalar_subquery()
    over = exists().where(and_(calls.c.call == orders.c.call, calls.c.pbx == pbx))
    remembered = await connection.execute(
        select(memory.c.key, memory.c.value).where(memory.c.pbx == pbx)
    )
    opened = await connection.execute(
        _in_order(select(orders).where(mine, orders.c.status == "open"))
    )
    completed = await connection.execute(
        _in_order(
            select(orders).where(
                mine,
                orders.c.status == "completed",
                orders.c.opened_us > newest - _RECENT_US,
                ~over,
            )
        )
    )
    return Restored(
        memory={row.key: row.value for row in remembered},
        open_orders=[schema.order_of(row) for row in opened],
        completed_orders=[schema.order_of(row) for row in completed],
    )


class Change(Struct, frozen=True):
    """One line of an order's history."""

    at_us: int
    change: str
    by: str | None
    """The person who did it; None for the system."""
    order: OrderChanged
    """The order after it."""


_order_decoder = msgspec.json.Decoder(OrderChanged)
_document_decoder = msgspec.json.Decoder(WorkOrder)


class OrderReader:
    """Reads the orders in a database file, beside a running daemon or without one.

    Changes nothing, not even where the file is read-only. Use as a context manager. Raises
    :class:`StoreError` with plain words.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = self._open()
        # Handed over, since SQLAlchemy's own URL cannot say "read-only, whatever is in the name".
        self._engine = create_engine("sqlite://", creator=self._hand_over, poolclass=StaticPool)
        self._connection: Connection = self._engine.connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._engine.dispose()

    def _hand_over(self) -> sqlite3.Connection:
        return self._raw

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            raise StoreError(f"there is no database {self._path}; start agentd once, or name it")
        uri = f"file:{quote(str(self._path.absolute()))}?mode=ro"
        try:
            try:
                return self._checked(uri)
            except sqlite3.OperationalError as error:
                # Where no file may be made beside it, SQLite can still read a database that
                # nobody is writing to.
                beside = self._path.with_name(self._path.name + "-wal")
                if trouble_code(error) not in {"SQLITE_CANTOPEN", "SQLITE_READONLY"} or (
                    beside.exists() and beside.stat().st_size
                ):
                    raise
                return self._checked(uri + "&immutable=1")
        except sqlite3.Error as error:
            raise StoreError(
                f"cannot read the database {self._path}: {trouble_words(error)}"
            ) from error

    def _checked(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=5.0)
        try:
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        try:
            revision = revision_of(connection)
        except StoreError as error:
            raise StoreError(f"cannot read the database {self._path}: {error}") from error
        if revision is None:
            raise StoreError(f"the database {self._path} is empty; start agentd once")
        if revision != schema.HEAD_REVISION:
            raise StoreError(
                f"the database {self._path} belongs to another version of agentd (its revision "
                f"{revision}, ours {schema.HEAD_REVISION}); use that version, or start the newer "
                f"one once"
            )

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        try:
            return self._connection.execute(query).all()
        except DBAPIError as error:
            raise StoreError(
                f"cannot read the database {self._path}: {trouble_words(error.orig or error)}"
            ) from error

    def find(self, order_id: str) -> OrderChanged | None:
        """The order with this id, as it stands."""
        found = self._rows(select(schema.work_order).where(schema.work_order.c.id == order_id))
        return schema.order_of(found[0]) if found else None

    def documents(self, order_ids: Sequence[str]) -> dict[str, WorkOrder]:
        """The documents of these orders, by id; orders that have none yet are left out."""
        found: dict[str, WorkOrder] = {}
        table = tables.order_document
        for start in range(0, len(order_ids), 500):
            some = order_ids[start : start + 500]
            query = select(table.c.id, table.c.doc).where(table.c.id.in_(some))
            found |= {id_: _document_decoder.decode(doc) for id_, doc in self._rows(query)}
        return found

    def search(
        self,
        *,
        status: Literal["open", "completed"] | None = None,
        seat: str | None = None,
        limit: int = 50,
    ) -> list[OrderChanged]:
        """The newest ``limit`` orders that fit, newest first."""
        orders = schema.work_order.c
        query = select(schema.work_order).order_by(orders.opened_us.desc(), orders.id.desc())
        if status is not None:
            query = query.where(orders.status == status)
        if seat is not None:
            query = query.where(orders.seat == seat)
        return [schema.order_of(row) for row in self._rows(query.limit(limit))]

    def history(self, order_id: str) -> list[Change]:
        """Every change of an order, in the order in which they were stored."""
        events = schema.work_order_event.c
        query = (
            select(events.at_us, events.change, events.by, events.state)
            .where(events.order_id == order_id)
            .order_by(events.seq)
        )
        return [
            Change(at_us=at_us, change=change, by=by, order=_order_decoder.decode(state))
            for at_us, change, by, state in self._rows(query)
        ]
