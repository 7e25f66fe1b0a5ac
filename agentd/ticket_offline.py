"""Completing a work order without a running daemon: by the same code, with the daemon's lock held.

There is no engine then, and none is needed: nothing happens meanwhile that it could be in order
with. Whoever would be told at once is told by the pages when the daemon runs again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentd import clock
from agentd.config import Config
from agentd.control import CompleteRequest, form_of
from agentd.core.effects import Effect, OrderChanged
from agentd.core.obligation import complete
from agentd.core.order_model import Notice, WorkOrder
from agentd.core.people import Directory
from agentd.desk import DeskService
from agentd.errors import Refused
from agentd.order_rules import ConfiguredRules
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import Job
from agentd.ticketing import Store, StoreError

STORED_MAX_S = 10.0


class _NoEngine:
    """Stands in for the runtime: completes what is stored, by our clock."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def complete_order(
        self, pbx: str, order_id: str, by: str, *, job: Job | None = None
    ) -> OrderChanged:
        restored = await self._store.restore(pbx)
        held = next((order for order in restored.open_orders if order.id == order_id), None)
        if held is None:
            raise Refused(f"there is no open work order {order_id}")
        done = complete(held, by, clock.wall_us())
        if not isinstance(done, OrderChanged):
            raise Refused(done.message)
        jobs = () if job is None else (job,)
        self._store.submit([done], {}, _tell_nobody, pbx=pbx, jobs=jobs)
        try:
            async with asyncio.timeout(STORED_MAX_S):
                await self._store.flush()
        except TimeoutError:
            reason = self._store.health.last_error
            raise StoreError(f"the work order could not be stored: {reason}") from None
        return done

    async def assign_order(
        self, pbx: str, order_id: str, person: str, name: str, *, job: Job | None = None
    ) -> None:
        raise Refused("start agentd first: who finishes an order is for its clock to know")

    async def order_numbers(self, pbx: str, order_id: str, numbers: Sequence[str]) -> None:
        return

    def pbx_now_us(self, pbx: str) -> int:
        return clock.wall_us()

    def knows_clock(self, pbx: str) -> bool:
        return False

    def board(self, pbx: str) -> Mapping[str, Any]:
        return {}


class _NobodyThere:
    """Pages, chat robots and lamps: none of them listens to this process."""

    def hint(self, *topics: str) -> None:
        return

    def notify(self, notices: Sequence[tuple[Notice, WorkOrder]]) -> None:
        return

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        return


class _Audit:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, entry: AuditEntry) -> None:
        await self._store.add_audit([entry])


def _tell_nobody(_: Sequence[Effect]) -> None:
    return


async def complete_offline(config: Config, path: Path, request: CompleteRequest) -> WorkOrder:
    """Complete the order in the database ``path``; returns it as it stands then.

    Raises :class:`Refused` when it cannot be done as things stand, ``DaemonRunningError`` when a
    daemon holds the database, ``StoreError`` when it cannot be stored.
    """
    directory = Directory()
    books = {pbx: config.policy_book(pbx) for pbx in config.pbx_ids}
    rules = ConfiguredRules(config.form_book, directory, books)
    store = Store(path, rules=rules)
    await store.start()
    try:
        directory.put(*(account.person for account in await store.accounts()))
        await store.catch_up()
        nobody = _NobodyThere()
        desk = DeskService(
            store=store,
            engine=_NoEngine(store),
            directory=directory,
            book=rules.book,
            pbxs=config.pbx_ids,
            hints=nobody,
            audit=_Audit(store),
            notices=nobody,
            live=nobody,
            announce=_tell_nobody,
        )
        return await desk.complete_as(request.by, request.order, form_of(request))
    finally:
        await store.close(flush_max_s=STORED_MAX_S)
