"""The desk on the real runtime and engine: clock and document stop in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentd import clock
from agentd.core.effects import Effect, OrderChanged
from agentd.core.order_model import AddNumber, Assign, Complete
from agentd.core.people import Directory
from agentd.core.policy import PolicyBook
from agentd.desk import DeskService
from agentd.pipeline import Pipeline
from agentd.ports import LinkInfo
from agentd.ports.desk import Desk, OrderView
from agentd.runtime import Runtime
from agentd.ticketing import Store
from tests.adapters.desk_service_rig import BOOK, FILLED, MINUTE_US, PEOPLE, WANG, ZHAO, Rig, Rules
from tests.adapters.store_rig import ignore, order, rows

HOUR_US = 60 * MINUTE_US


def owed(number: int) -> OrderChanged:
    """An order whose call was over a minute ago."""
    now_us = clock.wall_us()
    return replace(
        order(number), opened_us=now_us - 2 * MINUTE_US, at_us=now_us - MINUTE_US,
        due_us=now_us + 14 * MINUTE_US, change="due",
    )  # fmt: skip


@asynccontextmanager
async def daemon(path: Path) -> AsyncIterator[tuple[Rig, Runtime, DeskService]]:
    """Store, runtime, engine and desk, wired as in the daemon."""
    directory = Directory(PEOPLE)
    async with Store(path, rules=Rules(BOOK, directory)) as store:
        rig = Rig(store, directory, BOOK)

        def told(effects: Sequence[Effect]) -> None:
            service.on_effects(effects)

        runtime = Runtime(
            {"main": Pipeline("main", PolicyBook())},
            store,
            rig,
            announce=told,
            resync=lambda _pbx: None,
        )
        service = DeskService(
            store=store,
            engine=runtime,
            directory=directory,
            book=BOOK,
            pbxs=("main",),
            hints=rig,
            audit=rig,
            notices=rig,
            live=rig,
            announce=rig.hear,
        )
        desk: Desk = service
        assert desk.book is BOOK
        store.on_change(service.on_changed)
        runtime.restore("main", await store.restore("main"))
        await service.start()
        runtime.inbox.put_nowait(LinkInfo("main", clock_offset_us=0))
        working = [asyncio.create_task(service.run()), asyncio.create_task(runtime.run())]
        try:
            yield rig, runtime, service
        finally:
            runtime.stop()
            await working[1]
            working[0].cancel()
            await asyncio.wait([working[0]])
            await service.close()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    found = tmp_path / "agentd.db"
    async with Store(found, rules=Rules(BOOK, Directory(PEOPLE))) as store:
        store.submit([owed(1), owed(2)], {}, ignore, pbx="main")
    return found


async def test_the_obligation_and_the_document_are_completed_together(path: Path) -> None:
    id_ = order(1).id
    async with daemon(path) as (rig, _, service):
        refusal = await service.command(WANG, id_, Complete(category="complaint"))
        assert getattr(refusal, "code", None) == "invalid"
        assert rows(path, "SELECT status FROM work_order ORDER BY id") == [("open",), ("open",)]
        view = await service.command(WANG, id_, Complete(**FILLED))
        assert isinstance(view, OrderView)
        assert (view.order.state, view.order.completed_by) == ("forwarded", "1001")
        stored = rows(path, f"SELECT status, completed_by FROM work_order WHERE id = '{id_}'")  # noqa: S608
        assert stored == [("completed", "1001")]
        history = await service.history(WANG, id_)
        assert not hasattr(history, "code")
        assert [line.do for line in history][-2:] == ["completed", "complete"]  # type: ignore[union-attr]
        # By the engine's clock, both of them.
        assert view.order.completed_us == view.order.updated_us
        again = await service.command(WANG, id_, Complete(**FILLED))
        assert getattr(again, "code", None) == "wrong_state"
        assert [line.action for line in rig.audit] == ["order.complete"]


async def test_the_engine_learns_numbers_and_a_restart_keeps_all(path: Path) -> None:
    id_ = order(2).id
    async with daemon(path) as (_, _, service):
        view = await service.command(WANG, id_, AddNumber("0571-87654321"))
        assert isinstance(view, OrderView)
    async with Store(path) as store:
        (held,) = [o for o in (await store.restore("main")).open_orders if o.id == id_]
        assert "+8657187654321" in held.numbers
    async with daemon(path) as (_, _, service):
        answers: Any = await asyncio.gather(
            *(service.command(WANG, order(n).id, Complete(**FILLED)) for n in (1, 2))
        )
        assert [answer.order.state for answer in answers] == ["forwarded", "forwarded"]


async def test_clock_and_document_go_to_somebody_else_together(path: Path) -> None:
    id_ = order(1).id
    async with daemon(path) as (rig, _, service):
        before = await rig.now(id_)
        view = await service.command(ZHAO, id_, Assign(to="1002"))
        assert isinstance(view, OrderView)
        assert (view.order.owner, view.order.agent) == ("1002", "1002")
        assert before.due_us is not None
        assert view.order.due_us is not None
        assert view.order.due_us > before.due_us
    async with Store(path) as store:
        restored = await store.restore("main")
        (held,) = [o for o in restored.open_orders if o.id == id_]
        assert (held.agent, held.due_us) == ("1002", view.order.due_us)
        assert b'"assigned":true' in restored.memory[f"order:{id_}"]
