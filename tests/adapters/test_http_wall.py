"""A wall's access: what its token opens, what it does not, and what visitors are never sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agentd.core.people import Person
from agentd.errors import Refused
from agentd.http_api import WebServer, WebSettings
from agentd.http_wall import wall_router
from agentd.monitor_ws import LiveStream
from agentd.ports.accounts import ApiToken
from agentd.ports.figures import IntervalShown, IntervalsShown
from agentd.ports.history import BoardSetting
from tests.adapters.accounts_rig import ADMIN, LEADER, PASSWORD, AccountsRig, accounts_of
from tests.adapters.board_samples import busy_board
from tests.adapters.live_rig import PATIENCE_S

SECRETS = ("张三", "13800138000", "1001", "13912345678", "breach", "warning")
"""Of the board: a name, callers, a phone; and what tells of broken rules."""


class Figures:
    """Answers with all kinds of sums."""

    async def intervals(
        self, who: Person, kind: Any, name: str, from_us: int, to_us: int
    ) -> IntervalsShown:
        if not who.in_scope(name.partition("/")[2], None):
            raise Refused("no", code="not_found", text_zh="无")
        sums = {"offered": 4, "answered": 3, "in_time": 2, "sl_of": 4, "broken:ring": 1}
        return IntervalsShown(900, to_us, [IntervalShown(from_us, sums, False)])


class Settings:
    async def setting(self, key: str) -> BoardSetting | None:
        return BoardSetting(key, {"seconds": 20}, 1, "2000", 0) if key == "wall" else None


@dataclass
class Site:
    accounts: AccountsRig
    live: LiveStream
    url: str
    stack: AsyncExitStack

    async def token(self, *rights: str, queues: tuple[str, ...] = ()) -> tuple[ApiToken, str]:
        return await self.accounts.accounts.add_token(ADMIN, "大厅", rights, queues, None)

    async def browser(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_S, trust_env=False)
        return await self.stack.enter_async_context(client)

    async def wall(self, secret: str) -> httpx.AsyncClient:
        browser = await self.browser()
        answer = await browser.post("/api/wall/session", json={"token": secret})
        assert answer.status_code == 204, answer.text
        return browser

    async def board(self, browser: httpx.AsyncClient, query: str = "wall=1") -> dict[str, Any]:
        """What the live stream shows this browser at once."""
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        url = f"{self.url.replace('http', 'ws', 1)}/ws?{query}"
        async with connect(url, additional_headers={"Cookie": cookies}) as socket:
            async with asyncio.timeout(PATIENCE_S):
                assert json.loads(await socket.recv())["type"] == "hello"
                board: dict[str, Any] = json.loads(await socket.recv())["board"]
        return board


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    live = LiveStream()
    async with accounts_of(tmp_path / "a.db") as accounts:
        await accounts.add(ADMIN, LEADER)
        web = WebServer(
            WebSettings(port=0, static_dir=tmp_path / "static"),
            live,
            lambda: {"ok": True},
            accounts.accounts,
            routers=[wall_router(Figures(), Settings(), 28_800, lambda: (0, 900_000_000))],
        )
        live.publish(
            busy_board()
            | {
                "figures:queue/main/service": {
                    "kind": "figures",
                    "scope": "queue",
                    "pbx": "main",
                    "name": "service",
                    "figures": {"today": {"offered": {}, "alerts": {}, "compliance:ring": {}}},
                }
            },
            (),
        )
        url = await web.start()
        serving = asyncio.create_task(web.serve_until_stopped())
        try:
            async with AsyncExitStack() as stack:
                yield Site(accounts, live, url, stack)
        finally:
            await web.stop()
            await serving


async def test_a_wall_comes_in_by_its_token_which_scripts_cannot_read(site: Site) -> None:
    _, secret = await site.token("wall")
    browser = await site.browser()
    assert (await browser.get("/api/wall")).status_code == 401
    answer = await browser.post("/api/wall/session", json={"token": f" {secret} "})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "max-age=34560000" in cookie
    answer = await browser.get("/api/wall")
    assert answer.json() == {
        "name": "大厅",
        "masked": True,
        "utc_offset_s": 28_800,
        "shift_from_at": 0.0,
        "shift_to_at": 900.0,
        "settings": {"wall": {"seconds": 20}, "thresholds": None, "surge": None},
    }
    again = await browser.post("/api/wall/keep")
    assert again.status_code == 204
    assert "agentd_wall=" in again.headers["set-cookie"]


async def test_its_cookie_opens_nothing_else(site: Site) -> None:
    _, secret = await site.token("board")
    wall = await site.wall(secret)
    assert (await wall.get("/api/wall")).status_code == 200
    for path in ("/api/me", "/", "/api/openapi.json", "/api/wallpaper"):
        answer = await wall.get(path)
        assert answer.status_code == 401, path
    with pytest.raises(InvalidStatus):
        await site.board(wall, "")


@pytest.mark.parametrize("secret", ["", "agentd_x_y", "agentd_é"])
async def test_a_wrong_token_is_told_so(site: Site, secret: str) -> None:
    browser = await site.browser()
    answer = await browser.post("/api/wall/session", json={"token": secret})
    assert answer.status_code == (422 if secret == "" else 401)
    assert "set-cookie" not in answer.headers


async def test_a_token_that_may_do_more_than_look_is_for_no_wall(site: Site) -> None:
    _, secret = await site.token("board", "orders.read")
    answer = await (await site.browser()).post("/api/wall/session", json={"token": secret})
    assert answer.status_code == 422
    assert answer.json()["field"] == "token"


async def test_other_sites_cannot_make_a_browser_a_wall(site: Site) -> None:
    _, secret = await site.token("wall")
    answer = await (await site.browser()).post(
        "/api/wall/session", json={"token": secret}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403


async def test_visitors_are_sent_no_names_numbers_or_violations(site: Site) -> None:
    _, secret = await site.token("wall")
    board = await site.board(await site.wall(secret))
    sent = json.dumps(list(board.values()), ensure_ascii=False)
    for text in SECRETS:
        assert f'"{text}"' not in sent, text
    assert not any(key.startswith("alert:") for key in board)
    seats = [value for key, value in board.items() if key.startswith("seat:")]
    assert {seat["state"] for seat in seats} >= {"holding"}
    assert {seat["trouble"] for seat in seats} == {"calm"}
    assert len(board["queue:main/service"]["waiting"]) == 2
    assert set(board["figures:queue/main/service"]["figures"]["today"]) == {"offered"}


async def test_a_wall_of_the_staff_sees_the_board_unless_it_asks_for_the_mask(site: Site) -> None:
    _, secret = await site.token("board")
    wall = await site.wall(secret)
    sent = json.dumps(await site.board(wall), ensure_ascii=False)
    assert "张三" in sent
    assert "alert:" in sent
    masked = json.dumps(await site.board(wall, "wall=1&masked=1"), ensure_ascii=False)
    assert "张三" not in masked
    assert "alert:" not in masked


async def test_whoever_is_logged_in_on_its_machine_shows_visitors_nothing_more(
    site: Site,
) -> None:
    token, secret = await site.token("wall")
    wall = await site.wall(secret)
    login = {"login": LEADER.login, "password": PASSWORD}
    assert (await wall.post("/api/session", json=login)).status_code == 200
    assert (await wall.get("/api/wall")).json()["masked"] is True
    assert "张三" not in json.dumps(await site.board(wall), ensure_ascii=False)
    # Nor when the wall's access has ended.
    await site.accounts.accounts.revoke_token(ADMIN, token.id)
    assert (await wall.get("/api/wall")).status_code == 401
    with pytest.raises(InvalidStatus):
        await site.board(wall)
    # The person is, once the wall is no wall any more.
    assert (await wall.delete("/api/wall/session")).status_code == 204
    answer = await wall.get("/api/wall")
    assert (answer.json()["name"], answer.json()["masked"]) == (LEADER.name, False)


async def test_a_charts_rows_hold_no_rules(site: Site) -> None:
    _, secret = await site.token("wall", queues=("service",))
    wall = await site.wall(secret)
    answer = await wall.get("/api/wall/intervals", params={"queue": "main/service"})
    assert answer.json() == {
        "step_s": 900,
        "as_of_at": 900.0,
        "rows": [
            {
                "at": 0.0,
                "gap": False,
                "offered": 4,
                "answered": 3,
                "abandoned": 0,
                "short_abandons": 0,
                "let_go": 0,
                "in_time": 2,
                "sl_of": 4,
            }
        ],
    }
    other = await wall.get("/api/wall/intervals", params={"queue": "main/sales"})
    assert other.status_code == 404
