"""Commands with the real pipeline and the real store: what was answered is in the file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentd.core.effects import Effect, OrderChanged
from agentd.core.policy import PolicyBook
from agentd.errors import Refused
from agentd.pipeline import Pipeline
from agentd.ports import AmiBytes, LinkInfo
from agentd.runtime import Runtime
from agentd.ticketing import Store
from tests.core.ami import event
from tests.core.story import T0
from tests.core.test_pipeline import OPENING, answered, customer_ends

CALL = OPENING + answered() + customer_ends(20) + event("VarSet", 30)


class Nobody:
    """Nobody looks at the board."""

    def publish(self, changed: Any, removed: Any) -> None: ...


class Daemon:
    """A pump between a real pipeline and a real store; our clock stands until a test moves it."""

    def __init__(self, store: Store) -> None:
        self.announced: list[Effect] = []
        self.at = 30.0
        self.pipeline = Pipeline("pbx", PolicyBook())
        self.runtime = Runtime(
            {"pbx": self.pipeline},
            store,
            Nobody(),
            announce=self.announced.extend,
            resync=lambda pbx: None,
            wall_us=self.wall_us,
        )

    def wall_us(self) -> int:
        # It creeps on, so that a command's moment comes.
        self.at += 0.001
        return round((T0 + self.at) * 1e6)


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[Daemon]:
    async with Store(path) as store:
        daemon = Daemon(store)
        daemon.runtime.restore("pbx", await store.restore("pbx"))
        pump = asyncio.create_task(daemon.runtime.run())
        daemon.runtime.inbox.put_nowait(LinkInfo("pbx", 0))
        try:
            yield daemon
        finally:
            daemon.runtime.stop()
            await pump


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as database:
        return database.execute(query).fetchall()


async def until_fed(daemon: Daemon) -> None:
    while len(daemon.runtime.inbox) or daemon.runtime.inbox.held_bytes:
        await asyncio.sleep(0)


async def test_what_a_command_did_is_in_the_file_when_it_returns(tmp_path: Path) -> None:
    path = tmp_path / "agentd.db"
    async with running(path) as daemon:
        daemon.runtime.inbox.put_nowait(AmiBytes("pbx", CALL))
        await until_fed(daemon)
        done = await daemon.runtime.complete_order("pbx", "pbx-1.0", "1017")
        stored = rows(path, "select status, completed_by, completed_us from work_order")
        assert stored == [("completed", "1017", done.completed_us)]
        assert done in daemon.announced
        with pytest.raises(Refused, match="no open work order"):
            await daemon.runtime.complete_order("pbx", "pbx-1.0", "1018")


async def test_who_signed_in_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "agentd.db"
    async with running(path) as daemon:
        daemon.runtime.inbox.put_nowait(AmiBytes("pbx", OPENING + event("VarSet", 29)))
        await daemon.runtime.seat_taken("pbx", "PJSIP/1001", "1017", "李娜")
        assert ("seat:PJSIP/1001",) in rows(path, "select key from engine_memory")
    async with running(path) as daemon:
        daemon.runtime.inbox.put_nowait(AmiBytes("pbx", OPENING + event("VarSet", 29)))
        await until_fed(daemon)
        while "seat:pbx/PJSIP/1001" not in daemon.runtime.board("pbx"):
            await asyncio.sleep(0)
        seat = daemon.runtime.board("pbx")["seat:pbx/PJSIP/1001"]
        assert (seat["agent"], seat["person"]) == ("李娜", "1017")
        await daemon.runtime.seat_left("pbx", "PJSIP/1001")
        assert ("seat:PJSIP/1001",) not in rows(path, "select key from engine_memory")


async def test_numbers_are_stored_with_their_order(tmp_path: Path) -> None:
    path = tmp_path / "agentd.db"
    async with running(path) as daemon:
        daemon.runtime.inbox.put_nowait(AmiBytes("pbx", CALL))
        await until_fed(daemon)
        await daemon.runtime.order_numbers("pbx", "pbx-1.0", ["139 0013 9000"])
    async with Store(path) as store:
        (order,) = (await store.restore("pbx")).open_orders
        assert isinstance(order, OrderChanged)
        assert order.numbers == ("+8613900139000",)
