"""REST: the inbox of a leader who is the person concerned."""

from __future__ import annotations

from pathlib import Path

from agentd.core.order_model import Assign, Complete, MarkUrgent
from tests.adapters.rest_rig import ZHAO, order_id, rest


async def test_what_is_about_the_leader_is_not_in_the_leaders_inbox(tmp_path: Path) -> None:
    async with rest(tmp_path) as api, api.as_(ZHAO) as zhao:
        about_us, mine = order_id(1), order_id(3)
        for order in (about_us, mine):
            await api.done(ZHAO, order, Assign(to=ZHAO.login))
        filled = Complete(category="complaint", own_service=True, fields={"event": "态度差"})
        done = await api.done(ZHAO, about_us, filled)
        assert done.order.state == "forwarded"
        await api.done(ZHAO, mine, MarkUrgent())
        inbox = (await zhao.get("/api/inbox")).json()
        found = {kind: [o["id"] for o in inbox[kind]] for kind in ("urgent", "forwarded")}
        assert found == {"urgent": [], "forwarded": []}
        own = (await zhao.get("/api/orders?owner=me")).json()["items"]
        assert {order["id"] for order in own} == {about_us, mine}


async def test_what_is_about_somebody_else_is(tmp_path: Path) -> None:
    async with rest(tmp_path) as api, api.as_(ZHAO) as zhao:
        filled = Complete(category="complaint", own_service=True, fields={"event": "态度差"})
        await api.done(ZHAO, order_id(1), filled)
        await api.done(ZHAO, order_id(3), MarkUrgent())
        inbox = (await zhao.get("/api/inbox")).json()
        assert [order["id"] for order in inbox["forwarded"]] == [order_id(1)]
        assert [order["id"] for order in inbox["urgent"]] == [order_id(3)]
