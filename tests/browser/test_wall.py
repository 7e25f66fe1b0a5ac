"""The wall in a real Chromium: before the real daemon with the embedded PBX, and before a scripted
one that falls silent, goes away, and comes back as another version."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from tests.browser import scenes
from tests.browser.conftest import PATIENCE_MS, OpenPage
from tests.browser.fake_daemon import FakeDaemon
from tests.browser.test_real_daemon import Demo, demo

pytestmark = pytest.mark.browser

WALL: dict[str, Any] = {
    "name": "大厅",
    "masked": False,
    "utc_offset_s": 28_800,
    "shift_from_at": 0,
    "shift_to_at": 0,
    "settings": {"wall": None, "thresholds": None, "surge": None},
}
UNLETIN = r"status of 401"


async def token(at: Demo, *rights: str) -> str:
    """A token that the demo's admin makes."""
    async with httpx.AsyncClient(base_url=at.url, trust_env=False) as client:
        login = {"login": "admin", "password": at.password}
        (await client.post("api/session", json=login)).raise_for_status()
        body = {"name": "大厅", "rights": list(rights), "queues": [], "days": None}
        answer = await client.post("api/tokens", json=body)
        assert answer.status_code == 201, answer.text
        secret: str = answer.json()["secret"]
        return secret


def chart(now: float) -> dict[str, Any]:
    """Two hours of a queue's shift, with a gap."""
    first = now // 900 * 900 - 7 * 900
    rows = [
        {
            "at": first + n * 900,
            "gap": n == 3,
            "offered": 12,
            "answered": 10,
            "abandoned": 2,
            "short_abandons": 0,
            "let_go": 0,
            "in_time": 9,
            "sl_of": 12,
        }
        for n in range(8)
    ]
    return {"step_s": 900, "as_of_at": now, "rows": rows}


def scripted(**wall: Any) -> FakeDaemon:
    now = time.time()
    daemon = FakeDaemon(scenes.trouble(now, 12))
    daemon.answers["/api/wall"] = WALL | wall
    daemon.answers["/api/wall/intervals"] = chart(now)
    daemon.answers["/api/wall/keep"] = {}
    daemon.answers["/healthz"] = {"ok": True}
    return daemon


async def test_a_wall_is_let_in_once_by_its_token_and_shows_visitors_no_names(
    open_page: OpenPage,
) -> None:
    async with demo("--seats", "12") as at:
        secret = await token(at, "wall")
        async with open_page(
            f"{at.url}wall?seconds=5",
            width=1920,
            height=1080,
            wait_for="#token",
            allowed=UNLETIN,
        ) as shown:
            page = shown.page
            # What is wrong is said at the field, in words.
            await page.fill("#token", "agentd_none_such")
            await page.press("#token", "Enter")
            await page.wait_for_selector("#token-wrong:not(:empty)", timeout=PATIENCE_MS)
            assert "令牌" in await shown.text("#token-wrong")
            await page.fill("#token", secret)
            await page.press("#token", "Enter")
            await page.wait_for_selector(".wall-table", timeout=PATIENCE_MS)
            assert secret not in page.url
            cookies = await page.context.cookies()
            [wall] = [cookie for cookie in cookies if cookie["name"] == "agentd_wall"]
            assert wall["httpOnly"]
            assert wall["sameSite"] == "Strict"
            assert await page.evaluate("document.cookie") == ""
            # It turns by itself, to a chart that was drawn.
            await page.wait_for_selector(".wall-chart canvas", timeout=PATIENCE_MS)
            await shown.until(
                "document.querySelector('.wall-counts [data-state=talking] dd')?.textContent > 0",
                "the seats are counted, though nobody is named",
            )
            text = await page.locator("#app").inner_text()
            for name in ("张军", "刘霞", "林小雨", "需要处理", "PJSIP"):
                assert name not in text
            # After a night: in again by the cookie alone.
            await page.reload()
            await page.wait_for_selector(".wall-table", timeout=PATIENCE_MS)
            assert await page.locator("#token").count() == 0


async def test_a_wall_whose_token_is_revoked_says_so(open_page: OpenPage) -> None:
    async with demo("--seats", "4") as at:
        secret = await token(at, "board")
        lost = r"WebSocket connection to .* failed"
        async with open_page(
            f"{at.url}wall", wait_for="#token", allowed=f"{UNLETIN}|{lost}"
        ) as shown:
            await shown.page.fill("#token", secret)
            await shown.page.press("#token", "Enter")
            await shown.page.wait_for_selector(".wall-table", timeout=PATIENCE_MS)
            async with httpx.AsyncClient(base_url=at.url, trust_env=False) as client:
                login = {"login": "admin", "password": at.password}
                (await client.post("api/session", json=login)).raise_for_status()
                listed = (await client.get("api/tokens")).json()["items"]
                [mine] = [one for one in listed if one["name"] == "大厅"]
                (await client.delete(f"api/tokens/{mine['id']}")).raise_for_status()
            await shown.page.wait_for_selector(".connect .notice", timeout=PATIENCE_MS)
            assert "失效" in await shown.text(".connect .notice")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_what_counts_is_large_and_nothing_can_be_pressed_or_scrolled(
    open_page: OpenPage, lang: str
) -> None:
    async with (
        scripted() as daemon,
        open_page(
            f"{daemon.url}wall?lang={lang}", width=1920, height=1080, wait_for=".wall-table"
        ) as shown,
    ):
        page = shown.page
        # More are in trouble than there is room for: the heading counts them all.
        for number in range(1001, 1010):
            key = f"seat:main/PJSIP/{number}"
            clock = scenes.hold_clock(daemon.now() - 40)
            await daemon.alter(key, state="holding", clock=clock, trouble="breach")
        await shown.until(
            "/ 9$/.test(document.querySelector('.wall-trouble h2')?.textContent)", "nine of them"
        )
        small = await page.evaluate(
            """() => [...document.querySelectorAll(
                 '.wall-value, .wall-name, .wall-who, .wall-why, .wall-counts dd, .wall-now, h1')]
               .filter(e => parseFloat(getComputedStyle(e).fontSize) < 48)
               .map(e => e.className + getComputedStyle(e).fontSize)"""
        )
        assert small == []
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollHeight <= innerHeight")
        assert await page.evaluate(f"{root}.scrollWidth <= innerWidth")
        assert await page.locator("button, a, input, [tabindex]").count() == 0
        assert await page.evaluate(
            "getComputedStyle(document.querySelector('.wall')).cursor === 'none'"
        )
        assert await page.evaluate(f"{root}.dataset.theme") == "dark"
        # Nothing that counts is cut off.
        cut = await page.evaluate(
            """() => {
              const wide = [...document.querySelectorAll('.wall-counts dt, .wall-big dt, th')]
                .filter(e => e.scrollWidth > e.clientWidth + 1);
              const out = [...document.querySelectorAll('.wall-value')].filter(e =>
                e.getBoundingClientRect().left < e.parentElement.getBoundingClientRect().left - 1);
              const low = [...document.querySelectorAll('.wall-card')].filter(e =>
                e.getBoundingClientRect().bottom
                  > e.closest('.wall-trouble').getBoundingClientRect().bottom + 1);
              return [...wide, ...out, ...low].map(e => e.className + ' ' + e.textContent);
            }"""
        )
        assert cut == []
        assert await page.locator(".wall-card").count() == 3


async def test_the_mask_is_asked_of_the_server(open_page: OpenPage) -> None:
    async with (
        scripted() as daemon,
        open_page(f"{daemon.url}wall?masked=1", wait_for=".wall-table") as shown,
    ):
        # Whatever the server sends: no trouble, no names.
        assert await shown.page.locator(".wall-trouble, .wall-calm").count() == 0
        assert daemon.asked[-1].endswith("/ws?patches=1&wall=1&masked=1")


async def test_a_silent_feed_greys_the_wall_and_it_comes_back_by_itself(
    open_page: OpenPage,
) -> None:
    async with (
        scripted() as daemon,
        open_page(
            f"{daemon.url}wall?seconds=5", width=1920, height=1080, wait_for=".wall-table"
        ) as shown,
    ):
        daemon.silent = True
        await shown.page.wait_for_selector(".wall-band", timeout=PATIENCE_MS)
        assert "数据已停止更新" in await shown.text(".wall-band")
        assert "自 " in await shown.text(".wall-band")
        grey = "getComputedStyle(document.querySelector('.wall-body')).filter"
        assert await shown.page.evaluate(grey) == "grayscale(1)"
        size = "parseFloat(getComputedStyle(document.querySelector('.wall-band')).fontSize)"
        assert await shown.page.evaluate(size) >= 48
        before = await shown.text(".wall-now")
        visits = daemon.visits
        daemon.silent = False
        await daemon.cut()
        await shown.until("document.querySelector('.wall-band') === null", "it is live again")
        assert daemon.visits > visits
        assert before != ""


async def test_a_new_version_is_loaded_by_itself(open_page: OpenPage) -> None:
    lost = r"WebSocket connection to .* failed"
    async with (
        scripted() as daemon,
        open_page(f"{daemon.url}wall", wait_for=".wall-table", allowed=lost) as shown,
    ):
        await shown.page.evaluate("window.before = true")
        async with shown.page.expect_navigation(timeout=PATIENCE_MS):
            daemon.version = "9.9.9"
            await daemon.cut()
        await shown.page.wait_for_selector(".wall-table", timeout=PATIENCE_MS)
        assert await shown.page.evaluate("window.before === undefined")


async def test_a_surge_comes_first_and_is_told_by_sign_and_word(open_page: OpenPage) -> None:
    async with (
        scripted() as daemon,
        open_page(
            f"{daemon.url}wall?seconds=600", width=1920, height=1080, wait_for=".wall-table"
        ) as shown,
    ):
        keys = [key for key in daemon.board if key.startswith("queue:")]
        names = await shown.page.locator(".wall-name").all_inner_texts()
        [last] = [key for key in keys if daemon.board[key]["label"] == names[-1]]
        queue = daemon.board[last]
        await daemon.change(
            {
                f"surge:{queue['pbx']}/{queue['name']}": {
                    "kind": "surge",
                    "pbx": queue["pbx"],
                    "name": queue["name"],
                    "level": 2,
                    "since": daemon.now(),
                    "reached": ["waiting"],
                    "waiting": 12,
                    "folds": True,
                }
            }
        )
        await shown.page.wait_for_selector(".wall-surge", timeout=PATIENCE_MS)
        assert await shown.text(".wall-surge") == "二级话务预警"
        assert await shown.page.locator(".wall-surge .icon").count() == 1
        after = await shown.page.locator(".wall-name").all_inner_texts()
        assert after[0] == names[-1]


async def test_a_shift_is_drawn_with_its_gap(open_page: OpenPage) -> None:
    async with (
        scripted(settings={"wall": {"overview": False, "seconds": 600}}) as daemon,
        open_page(
            f"{daemon.url}wall", width=1920, height=1080, wait_for=".wall-chart canvas"
        ) as shown,
    ):
        label = await shown.page.get_attribute(".intraday-plot", "aria-label")
        assert label is not None
        await shown.until(
            "document.querySelector('.intraday-plot').ariaLabel.includes('96')",
            "its figures are those of eight quarters of an hour",
        )
        assert await shown.page.locator(".intraday-key[data-is=gap]").count() == 1
        inks = await shown.page.evaluate(
            """() => {
              const canvas = document.querySelector('.wall-chart canvas');
              const {data} = canvas.getContext('2d')
                .getImageData(0, 0, canvas.width, canvas.height);
              const found = {};
              for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] === 255) {
                  const ink = [data[i], data[i + 1], data[i + 2]].join();
                  found[ink] = (found[ink] ?? 0) + 1;
                }
              return JSON.stringify(found);
            }"""
        )
        drawn = json.loads(inks)
        for ink in ("47,129,183", "232,113,42", "69,205,160", "233,237,240"):
            assert drawn.get(ink, 0) > 100, ink


async def test_a_server_that_is_away_at_the_start_is_waited_for(open_page: OpenPage) -> None:
    daemon = scripted()
    async with daemon:
        answer = daemon.answers.pop("/api/wall")
        async with open_page(
            f"{daemon.url}wall", wait_for=".wall-starting", allowed=r"status of 404"
        ) as shown:
            await asyncio.sleep(0.5)
            daemon.answers["/api/wall"] = answer
            await shown.page.wait_for_selector(".wall-table", timeout=PATIENCE_MS)
