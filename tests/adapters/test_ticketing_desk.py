"""Documents of orders in the store: they follow the engine, obey people, and stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentd.core.order_model import (
    Done,
    Edit,
    OrderRefusal,
    WorkOrder,
)
from agentd.ticketing import Store
from tests.adapters.desk_rig import (
    MINUTE_US,
    WANG,
    desk_store,
    due,
    tell,
)
from tests.adapters.store_rig import T0_US, order


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with desk_store(path) as made:
        yield made


def done(outcome: Done | OrderRefusal) -> WorkOrder:
    assert isinstance(outcome, Done), outcome
    return outcome.order


async def held(store: Store, number: int) -> WorkOrder:
    found = await store.order(order(number).id)
    assert found is not None
    return found


async def test_a_document_follows_the_engine(store: Store) -> None:
    await tell(store, order(1))
    opened = await held(store, 1)
    assert (opened.state, opened.version, opened.agent) == ("open", 1, "王芳")
    assert (opened.owner, opened.team, opened.queue) == ("1001", "day", "hotline")
    assert [number.norm for number in opened.numbers] == ["+8613900000000"]
    await tell(store, due(order(1)))
    later = await held(store, 1)
    assert later.due_us == T0_US + 1 + 16 * MINUTE_US
    assert later.version == 2
    assert [line.do for line in await store.history(opened.id)] == ["opened", "due"]
    # Told again it is as it was.
    await tell(store, order(1), due(order(1)))
    assert await held(store, 1) == later


async def test_what_people_do_is_kept(store: Store, path: Path) -> None:
    await tell(store, order(1))
    edit = Edit(category="consult", fields={"place": "中山路", "event": "路灯不亮"})
    after = done(await store.apply(order(1).id, edit, WANG, T0_US + 10))
    assert (after.version, after.category, after.title) == (2, "consult", "中山路 路灯不亮")
    assert await held(store, 1) == after
    history = await store.history(order(1).id)
    assert [(line.version, line.by, line.do) for line in history] == [
        (1, None, "opened"),
        (2, "1001", "edit"),
    ]
    assert history[1].changed["category"] == [None, "consult"]
    assert await store.close()
    async with desk_store(path) as again:
        assert await held(again, 1) == after
        assert await again.history(order(1).id) == history
        assert await again.order_of_call("main", order(1).call) == after
        assert await again.order_of_call("branch", order(1).call) is None
        assert await again.order("nobody's") is None
