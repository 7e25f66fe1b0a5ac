"""REST of figures: shapes, scope and refusals, against the real services."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.adapters.live_rig import PATIENCE_S
from tests.adapters.rest_rig import SUN, WANG, WU, ZHAO, rest


async def test_figures_by_rest(tmp_path: Path) -> None:
    async with rest(tmp_path) as api:
        async with asyncio.timeout(PATIENCE_S):
            while not api.figures.restored:
                await asyncio.sleep(0.1)
        async with api.as_(WANG) as wang, api.as_(ZHAO) as zhao, api.as_(SUN) as sun:
            mine = await wang.get("/api/figures", params={"kind": "person", "name": "1001"})
            assert mine.status_code == 200
            body = mine.json()
            assert body["restoring"] == []
            assert set(body["figures"]) == {"today"}
            figure = body["figures"]["today"]["legs_answered"]
            assert set(figure) == {"value", "num", "den", "gap", "estimated"}
            for kind, name, status in (
                ("person", "1002", 403),
                ("queue", "main/hotline", 403),
                ("site", "*", 403),
            ):
                refused = await wang.get("/api/figures", params={"kind": kind, "name": name})
                assert refused.status_code == status, (kind, name)
            for kind, name, status in (
                ("team", "day", 200),
                ("team", "night", 404),
                ("site", "*", 404),
                ("person", "1001", 200),
                ("person", "1002", 404),
            ):
                asked = await zhao.get("/api/figures", params={"kind": kind, "name": name})
                assert asked.status_code == status, (kind, name)
            asked = await sun.get("/api/figures?kind=site&window=today,last_week")
            assert asked.status_code == 422
            assert asked.json()["field"] == "window"

            began, ends = api.t0_us / 1e6, api.t0_us / 1e6 + 3600
            query = {"kind": "site", "from": began, "to": ends}
            rows = (await sun.get("/api/figures/intervals", params=query)).json()["rows"]
            assert len(rows) in (4, 5)
            assert {"at", "gap", "offered", "in_time", "sl_of", "talk_s"} <= set(rows[0])
            # Two calls of five minutes ended within that hour or just after.
            assert sum(row["talk_s"] for row in rows) in (600.0, 900.0)
            assert (
                await sun.get("/api/figures/intervals", params={**query, "to": began - 1})
            ).status_code == 422

            query = {"kind": "site", "metric": "legs_answered", "limit": 1}
            listed = (await sun.get("/api/figures/calls", params=query)).json()
            assert len(listed["items"]) <= 1
            table = (await wang.get("/api/metrics")).json()["items"]
            assert {"key", "name", "formula", "unit", "num", "den"} <= set(table[0])
            assert set(table[0]["name"]) == {"zh", "en"}
            [feed] = (await sun.get("/api/health/feed")).json()["items"]
            assert set(feed) == {
                "pbx", "link", "last_event_at", "clock_offset_s", "lag_s", "gaps",
            }  # fmt: skip
            assert (await wang.get("/api/health/feed")).status_code == 403
        async with api.as_(WU) as auditor:
            assert (await auditor.get("/api/metrics")).status_code == 403
        token = await api.token("board", queues=("hotline",))
        async with api.as_(None) as machine:
            query = {"kind": "queue", "name": "main/hotline"}
            asked = await machine.get("/api/figures", params=query, headers=token)
            assert asked.status_code == 200
            query = {"kind": "queue", "name": "main/night"}
            asked = await machine.get("/api/figures", params=query, headers=token)
            assert asked.status_code == 404
