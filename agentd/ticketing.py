"""The store: work orders, violations, telemetry and the engine's memory, in one ordered writer.

What the engine says is queued by :meth:`Store.submit`, which never waits and never fails. One task
takes everything that is queued into one transaction, and only when that is committed are the
obligations in it announced. A commit may take as long as the disk likes: it happens in aiosqlite's
thread, so the AMI reader and the timers go on. A commit that fails is tried again, whole, until it
succeeds; meanwhile nothing that rests on it is announced.

Doing a thing twice changes nothing: a change of an order, a violation, a leg or a call that is
already stored is neither stored nor announced again.

With ``rules`` the documents of orders follow the engine's word in the same transaction, and what
people do (:mod:`agentd.ticketing_desk`) is work for the same writer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from agentd import __version__
from agentd import ticketing_schema as schema
from agentd.clock import monotonic
from agentd.core.effects import Effect
from agentd.ports import Restored
from agentd.ports.desk import Job, OrderRules
from agentd.ticketing_batch import Announce, Batch
from agentd.ticketing_desk import DeskMethods
from agentd.ticketing_file import (
    SYNCHRONOUS,
    FileLock,
    StoreError,
    is_trouble,
    make_engine,
    make_tables,
    prepare,
    trouble_words,
)
from agentd.ticketing_health import StoreHealth, Trouble, stalled
from agentd.ticketing_history import HistoryMethods
from agentd.ticketing_history_writing import read_heard
from agentd.ticketing_jobs import DocumentChange, Transaction, Work
from agentd.ticketing_orders import read_restored
from agentd.ticketing_readers import Readers
from agentd.ticketing_reports import ReportMethods
from agentd.ticketing_writing import catch_up_some, is_committed, write_batch

_RETRY_MIN_S = 0.1
_RETRY_MAX_S = 5.0
_HANG_S = 1.5
"""How long a step of closing may take (longer than SQLite waits for another's lock)."""
_PATIENCE_S = 5.0
"""So long what a person asked for waits for a disk that refuses; then the person is told."""

T = TypeVar("T")
Changed = Callable[[Sequence[DocumentChange]], None]
"""Told on the event loop, after the commit, which documents changed: each as it stood after its
change, and the change."""


class Store(DeskMethods, HistoryMethods, ReportMethods):
    """The store of one daemon (implements :class:`agentd.ports.Store`,
    :class:`agentd.ports.desk.DeskStore` and :class:`agentd.ports.history.HistoryStore`).

    ``async with Store(path) as store`` or :meth:`start` and :meth:`close`. :meth:`watch` belongs in
    the daemon's task group: it raises if the writer dies of a bug.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        rules: OrderRules | None = None,
        changed: Changed | None = None,
        batch_max: int = 2_000,
        linger_s: float = 0.1,
        telemetry_max: int = 200_000,
    ) -> None:
        """``path``: the database file; None for a throw-away one (:meth:`throwaway`).

        ``rules``: what documents of orders are judged by; None keeps none. ``changed``: who is told
        of them, see :meth:`on_change`.

        ``batch_max``: effects in one transaction. ``linger_s``: how long telemetry and memory wait
        for company; obligations never do. ``telemetry_max``: legs, calls and alerts that wait at
        most while the disk refuses them; beyond it the oldest are given up, obligations never.
        """
        self._path = path
        self._durable = path is not None
        self._log = structlog.get_logger("agentd.store")
        self._batch_max = batch_max
        self._linger_s = linger_s
        self._telemetry_max = telemetry_max
        self._rules = rules
        self._caught_up = rules is None
        self._listeners: list[Changed] = [] if changed is None else [changed]
        self._engine = make_engine(path)
        self._readers = None if path is None else Readers(path)
        self._lock = None if path is None else FileLock(path)
        self._connection: AsyncConnection | None = None
        self._connection_use = asyncio.Lock()
        self._queue: deque[Batch] = deque()
        self._writing: Batch | None = None
        self._writing_since = 0.0
        self._something = asyncio.Event()
        self._at_once = asyncio.Event()
        self._closing = asyncio.Event()
        self._give_up = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._trouble = Trouble(path, self._log)
        self._dropped = 0
        self._heard_us: dict[str, int] | None = None

    @classmethod
    def throwaway(cls, *, batch_max: int = 5_000) -> Self:
        """A store that is gone when closed: same code, no durability, larger transactions.

        It commits when ``batch_max`` effects are queued, 50 ms after the first, or at
        :meth:`flush`; ``agentd replay`` flushes whenever it wants its announcements.
        """
        return cls(None, batch_max=batch_max, linger_s=0.05)

    # --- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Lock, check and, where needed, upgrade the database; then start the writer. With
        ``rules``, :meth:`catch_up` comes next, once they know all accounts.

        Raises :class:`StoreError` with plain words when that cannot be done; nothing is changed
        then. :class:`~agentd.ticketing_file.DaemonRunningError` when another process holds it.
        """
        try:
            if self._path is not None and self._lock is not None:
                self._lock.acquire()
                await prepare(self._path, self._engine, self._log)
            connection = await self._connect()
            if self._path is None:
                await connection.run_sync(make_tables)
            await connection.exec_driver_sql(
                schema.PUT_META, [("written_by", f"agentd {__version__}")]
            )
            if self._durable:
                self._heard_us = await connection.run_sync(read_heard)
            await connection.commit()
        except BaseException as error:
            await self._disconnect()
            await self._release()
            if isinstance(error, DBAPIError) and is_trouble(error):
                raise StoreError(
                    f"cannot open the database {self._path}: {trouble_words(error.orig or error)}"
                ) from error
            raise
        self._writer = asyncio.create_task(self._write_on(), name="store-writer")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def watch(self) -> None:
        """Wait until the store is closed; raise what its writer died of, if it dies."""
        assert self._writer is not None, "start() comes first"
        await asyncio.shield(self._writer)

    async def close(self, *, flush_max_s: float = 5.0) -> bool:
        """Store what is queued, for ``flush_max_s`` at most, and let go of the database.

        True when everything was stored. What was not was not announced either.
        """
        self._closing.set()
        self._something.set()
        self._at_once.set()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=flush_max_s)
            self._give_up.set()
            await asyncio.wait({self._writer}, timeout=_HANG_S)
        left = self.health.queued
        if left:
            self._log.error("store_closed_with_losses", effects=left, reason=self._trouble.last)
        if self._writer is None or self._writer.done():
            # A task of its own, since its last checkpoint may hang, too.
            ending = asyncio.create_task(self._disconnect(), name="store-disconnect")
            await asyncio.wait({ending}, timeout=_HANG_S)
        else:
            # A thread in a hung disk cannot be called back. It closes the connection when it can;
            # being a daemon thread it keeps no process from ending.
            self._writer.cancel()
        await self._release()
        return not left

    async def _release(self) -> None:
        if self._readers is not None:
            await self._readers.close(_HANG_S)
        await self._engine.dispose()
        if self._lock is not None:
            self._lock.release()

    # --- the way in ------------------------------------------------------------------------

    def submit(
        self,
        effects: Sequence[Effect],
        memory: Mapping[str, bytes | None],
        announce: Announce,
        *,
        pbx: str,
        jobs: Sequence[Job] = (),
    ) -> None:
        """Queue one batch; returns at once, whatever the disk does.

        It is stored whole, in one transaction. If there are obligations in it, ``announce`` is then
        called on the event loop with those that changed something, in order (perhaps none).
        ``memory`` values None are forgotten. ``jobs`` (of :meth:`apply_job`) come last.
        """
        if self._closing.is_set():
            raise RuntimeError("the store is closed")
        queue = self._queue
        if queue and queue[-1].size < self._batch_max:
            batch = queue[-1]
            batch.add(effects, memory, announce, pbx)
        else:
            batch = Batch()
            batch.add(effects, memory, announce, pbx)
            if not batch.size and not batch.memory and not jobs:
                return
            queue.append(batch)
            self._something.set()
            if len(queue) > 1:
                self._bound_telemetry()
        for job in jobs:
            assert isinstance(job, Work), "only the store makes jobs"
            batch.add_work(job)
        if batch.size >= self._batch_max or (self._durable and (batch.announcements or batch.work)):
            self._at_once.set()

    async def _do(self, do: Callable[[Transaction], T]) -> T:
        """Have the writer do it, in a transaction; what it returned, once that is committed.

        Raises what ``do`` raised, alone, and :class:`StoreError` when the disk refuses: nothing was
        changed then.
        """
        assert self._writer is not None, "start() comes first"
        if self._closing.is_set() or self._writer.done():
            raise StoreError(f"the database {self._path} is closed; start agentd again")
        work = Work(do, wait_until=monotonic() + _PATIENCE_S)
        self.submit((), {}, _nobody, pbx="", jobs=[work])
        self._at_once.set()
        await work.ended.wait()
        return work.result()

    async def catch_up(self) -> None:
        """Have the documents follow what was stored while nobody kept them: by an older agentd, or
        by ``agentd ticket complete`` without a daemon; and give what is owed, and what can still be
        appealed against, to accounts that came later. To be called once after the start, when
        ``rules`` know all accounts (otherwise it happens with the first obligation), and when
        accounts were added."""
        if self._rules is None:
            return
        rules = self._rules
        while await self._do(lambda t: catch_up_some(t, rules)):
            pass
        self._caught_up = True

    def on_change(self, listener: Changed) -> None:
        """Have ``listener`` told of every change of a document, after its commit."""
        self._listeners.append(listener)

    async def flush(self) -> None:
        """Wait until everything that was submitted so far is committed and announced.

        Raises what the writer died of, if it died.
        """
        batch = self._queue[-1] if self._queue else self._writing
        if batch is None:
            return
        assert self._writer is not None, "start() comes first"
        self._at_once.set()
        done = asyncio.ensure_future(batch.done.wait())
        try:
            await asyncio.wait({done, self._writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done.cancel()
        if not batch.done.is_set():
            await asyncio.shield(self._writer)
            raise RuntimeError("the store was closed before everything was stored")

    @property
    def health(self) -> StoreHealth:
        """How the store is now."""
        queued = sum(batch.size for batch in self._queue)
        error = self._trouble.last
        if self._writing is not None:
            queued += self._writing.size
            error = error or stalled(monotonic() - self._writing_since)
        died = self._writer is not None and self._writer.done() and not self._closing.is_set()
        return StoreHealth(error is None and not died, queued, error, self._dropped)

    def _bound_telemetry(self) -> None:
        waiting = sum(batch.telemetry for batch in self._queue)
        if waiting <= self._telemetry_max:
            return
        dropped = 0
        for batch in self._queue:
            dropped += batch.drop_telemetry()
            if waiting - dropped <= self._telemetry_max // 2:
                break
        self._dropped += dropped
        self._log.error("store_telemetry_dropped", effects=dropped, reason=self._trouble.last)

    # --- the writer ------------------------------------------------------------------------

    async def _write_on(self) -> None:
        try:
            await self._write_all()
        finally:
            words = self._trouble.last or "its writer has stopped"
            error = StoreError(f"the database {self._path} was closed before it was done: {words}")
            for batch in (*self._queue, *([self._writing] if self._writing is not None else [])):
                batch.fail_work(error)

    async def _write_all(self) -> None:
        while not (self._closing.is_set() and not self._queue):
            await self._something.wait()
            if not self._at_once.is_set():
                await _wait_for(self._at_once, self._linger_s)
            self._something.clear()
            self._at_once.clear()
            while self._queue:
                batch = self._writing = self._queue.popleft()
                self._writing_since = monotonic()
                if not await self._store(batch):
                    return
                self._writing = None
                batch.end_work()
                batch.announce()
                batch.done.set()
                if batch.changed:
                    for listener in self._listeners:
                        listener(batch.changed)

    async def _store(self, batch: Batch) -> bool:
        """Commit one batch, however often it takes; False when :meth:`close` gave up on it."""
        pause_s = _RETRY_MIN_S
        while True:
            try:
                async with self._connection_use:
                    await self._write(batch)
            except DBAPIError as error:
                await self._disconnect()
                if not is_trouble(error):
                    raise
                self._trouble.note(error.orig or error, queued=self.health.queued)
                batch.refuse_work(
                    StoreError(f"nothing was changed, the database refuses: {self._trouble.last}"),
                    monotonic(),
                )
            else:
                self._trouble.over()
                return True
            if self._closing.is_set():
                await _wait_for(self._give_up, _RETRY_MIN_S)
            else:
                await _wait_for(self._closing, pause_s)
            if self._give_up.is_set():
                return False
            pause_s = min(2 * pause_s, _RETRY_MAX_S)

    async def _write(self, batch: Batch) -> None:
        connection = await self._connect()
        assert connection.sync_connection is not None
        if self._durable:
            level = "FULL" if batch.obligations or batch.work else "NORMAL"
            connection.sync_connection.info[SYNCHRONOUS] = level
        if batch.in_doubt:
            if await is_committed(connection, batch):
                await connection.rollback()
                return
            batch.in_doubt = False
        behind = not self._caught_up
        rivals = await write_batch(
            connection, batch, self._rules, behind=behind, heard_us=self._heard_us
        )
        for change, holder in rivals:
            self._log.error("second_order_refused", order=change.id, stands=holder)
        batch.in_doubt = bool(batch.mark)
        await connection.commit()
        batch.in_doubt = False
        if batch.obligations:
            self._caught_up = True

    async def _connect(self) -> AsyncConnection:
        if self._connection is None:
            self._connection = await self._engine.connect()
        return self._connection

    async def _disconnect(self) -> None:
        """Let go of the connection; a transaction that was not committed has never been."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()

    # --- the way out -----------------------------------------------------------------------

    async def restore(self, pbx: str) -> Restored:
        """What the engine of ``pbx`` needs to go on: its memory and the open orders, oldest first.

        Raises :class:`StoreError` when the database cannot be read.
        """
        await self.flush()
        return await self._ask_writer(lambda connection: read_restored(connection, pbx))

    async def _read(self, question: Callable[[Connection], T]) -> T:
        """Ask what is committed, beside the writer. Raises :class:`StoreError` when the database
        cannot be read."""
        if self._closing.is_set():
            raise StoreError(f"the database {self._path} is closed; start agentd again")
        if self._readers is not None:
            return await self._readers.ask(question)
        return await self._ask_writer(lambda connection: connection.run_sync(question))

    async def _ask_writer(self, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Ask between two transactions, on the writer's own connection."""
        try:
            async with self._connection_use:
                connection = await self._connect()
                answer = await question(connection)
                await connection.commit()
        except DBAPIError as error:
            await self._disconnect()
            if not is_trouble(error):
                raise
            raise StoreError(
                f"cannot read the database {self._path}: {trouble_words(error.orig or error)}"
            ) from error
        return answer


def _nobody(_: Sequence[Effect]) -> None:
    """There is nothing to tell."""


async def _wait_for(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for ``event``, ``timeout_s`` at most."""
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return


__all__ = ["Announce", "Store", "StoreError", "StoreHealth"]
