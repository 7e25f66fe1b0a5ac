"""Documents follow what was recorded on a real PBX, and following it twice changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentd.core.order_model import WorkOrder
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from agentd.ports.desk import OrderQuery, ViolationQuery
from agentd.ticketing import Store
from tests.adapters.desk_rig import desk_store
from tests.adapters.store_rig import ignore, rows

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
RECORDED = {
    name: (TRANSCRIPTS / f"{name}.ami").read_bytes()
    for name in (
        "answered_called_back",
        "blind_transfer",
        "caller_ids",
        "hold_34s",
        "member_of_two_queues",
        "missed_called_back",
        "missed_then_through",
        "pbx_restart",
        "second_person",
        "three_callers_two_seats",
    )
}


async def replay(store: Store, data: bytes, *, piece: int) -> None:
    """Everything that the engine says of a recording, ``piece`` bytes at a time."""
    pipeline = Pipeline("main", PolicyBook())
    for start in range(0, len(data), piece):
        store.submit(pipeline.feed(data[start : start + piece]), {}, ignore, pbx="main")
        await store.flush()
    store.submit(pipeline.finish(run_out=True), {}, ignore, pbx="main")
    await store.flush()


async def documents(store: Store) -> dict[str, WorkOrder]:
    pieces = [piece async for piece in store.each_order(OrderQuery())]
    return {document.id: document for piece in pieces for document in piece}


@pytest.mark.parametrize("name", RECORDED)
async def test_documents_follow_a_recording(tmp_path: Path, name: str) -> None:
    path = tmp_path / "agentd.db"
    data = RECORDED[name]
    async with desk_store(path) as store:
        await replay(store, data, piece=4_000)
        followed = await documents(store)
        engine = rows(path, "SELECT id, status, seat, agent, due_us, folded FROM work_order")
        assert [id_ for id_, *_ in engine] != []
        assert {id_: tuple(rest) for id_, *rest in engine} == {
            document.id: (
                "open" if document.completed_us is None else "completed",
                document.seat,
                document.agent,
                document.due_us,
                document.folded,
            )
            for document in followed.values()
        }
        contacts = rows(
            path, "SELECT order_id, call, leg, kind FROM order_contact ORDER BY 1, 2, 3"
        )
        assert contacts == sorted(
            (document.id, contact.call, contact.leg, contact.kind)
            for document in followed.values()
            for contact in document.contacts
        )
        judged = await store.violations(ViolationQuery(limit=500))
        assert {item.order for item in judged.items} <= followed.keys()
    # The same PBX says it all again, cut otherwise, to a daemon that was started anew.
    history = rows(path, "SELECT * FROM order_history")
    async with desk_store(path) as store:
        await store.catch_up()
        await replay(store, data, piece=100_000)
        assert await documents(store) == followed
        assert await store.violations(ViolationQuery(limit=500)) == judged
    assert rows(path, "SELECT * FROM order_history") == history
