"""Figures in the whole daemon beside the embedded PBX: live, restored, by REST and on the board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from agentd import clock
from agentd.core.people import Person
from agentd.simulator import SimConfig, SimulatedPbx
from tests.adapters.test_app import (
    ADMIN,
    TOKENS,
    Board,
    access_to,
    board_until,
    build,
    running,
)

PLAYED = SimConfig(seats=6, calls_per_s=4.0)


def figures_of(board: Board, scope: str) -> dict[str, Any]:
    found: dict[str, Any] = board[f"figures:{scope}"]["figures"]
    return found


def answered(board: Board) -> int:
    site = board.get("figures:site/*")
    if site is None or "today@last_week" not in site["figures"]:
        return 0
    count: int = site["figures"]["today"]["answered"]["value"]
    return count


async def get(url: str, way: str, **query: Any) -> Any:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {TOKENS[url]}"}
        response = await client.get(way, params=query, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()


async def test_figures_move_with_the_calls_and_survive_a_restart(tmp_path: Path) -> None:
    async with SimulatedPbx(PLAYED, lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            board = await board_until(url, lambda b: answered(b) >= 3)
            site = figures_of(board, "site/*")
            queues = {key: o for key, o in board.items() if key.startswith("figures:queue/")}
            assert {o["name"] for o in queues.values()} == {
                o["name"] for o in board.values() if o["kind"] == "queue"
            }
            in_queues = sum(o["figures"]["today"]["answered"]["value"] for o in queues.values())
            assert in_queues == site["today"]["answered"]["value"]
            assert site["today"]["service_level"]["num"] <= site["today"]["service_level"]["den"]
            # Nobody was here yesterday.
            assert site["today@yesterday"]["offered"]["value"] == 0
            shown = await get(url, "/api/figures", kind="site", window="today,last_30_min")
            assert not shown["restoring"]
            today = shown["figures"]["today"]
            assert today["answered"]["value"] >= site["today"]["answered"]["value"]
            # We came when the day was under way.
            assert today["answered"]["gap"]
            calls = await get(url, "/api/figures/calls", kind="site", metric="answered")
            assert len(calls["items"]) >= 3
            before = daemon.staff.figures.metrics
            await daemon.store.flush()
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            board = await board_until(url, lambda b: answered(b) > 0)
            again = daemon.staff.figures.metrics
            since_us = before.now_us - 1
            old = before.intervals(("site", ""), before.window("today").from_us, since_us)
            new = again.intervals(("site", ""), before.window("today").from_us, since_us)
            for name in ("offered", "answered", "abandoned", "legs_answered", "talk_us"):
                was = sum(sums.get(name) for _, sums in old)
                # What went on while it stopped has come in since.
                assert was <= sum(sums.get(name) for _, sums in new)
            assert figures_of(board, "site/*")["today"]["answered"]["gap"]
            health = await get(url, "/api/health/feed")
            [feed] = health["items"]
            assert feed["link"] == "up"
            assert feed["gaps"]
            leader = Person("zhang", "张三", "shift_leader", queues=("nowhere",))
            await daemon.staff.accounts.put_people(ADMIN, [(leader, None)], "")
