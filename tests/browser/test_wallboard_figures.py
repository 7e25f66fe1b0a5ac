"""The figures of the cards, what they were, their colours; and how late the picture is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.browser import scenes
from tests.browser.conftest import OpenPage
from tests.browser.fake_daemon import FakeDaemon
from tests.browser.test_wallboard import LOST

pytestmark = pytest.mark.browser

HOTLINE = '[data-queue="hotline"]'


def figure(value: float | None, **more: Any) -> dict[str, Any]:
    return {"value": value, "num": None, "den": None, "gap": False, **more}


def figures(**windows: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "figures", "figures": {k.replace("__", "@"): v for k, v in windows.items()}}


BOARD_FIGURES = figures(
    today={"answered": figure(298), "connect_rate": figure(0.934, num=298, den=319, gap=True)},
    today__yesterday={"answered": figure(275), "connect_rate": figure(0.905)},
    today__last_week={"answered": figure(None)},
    shift={"answered": figure(120)},
)
METRICS = {
    "items": [
        {
            "key": "connect_rate",
            "name": {"zh": "接通率", "en": "connect rate"},
            "formula": {"zh": "接通 / 呼入（官方）", "en": "answered / offered (official)"},
            "unit": "share",
        }
    ]
}


def daemon_of(now: float, **answers: Any) -> FakeDaemon:
    board = scenes.calm(now, 6) | {"figures:queue/main/hotline": BOARD_FIGURES}
    daemon = FakeDaemon(board)
    assert daemon.me is not None
    daemon.me |= {"role": "supervisor"}
    daemon.answers["/api/metrics"] = METRICS
    daemon.answers["/api/board/settings/thresholds"] = {
        "key": "thresholds",
        "value": {"metrics": {"connect_rate": {"warn": 0.95, "breach": 0.9}}},
        "version": 2,
    }
    daemon.answers.update(answers)
    return daemon


async def test_figures_stand_beside_what_they_were(open_page: OpenPage, now: float) -> None:
    async with daemon_of(now) as daemon, open_page(daemon.url) as shown:
        await shown.page.locator(f"{HOTLINE} .count", has_text="接通率").wait_for()
        shown_text = [
            " ".join(text.split())
            for text in await shown.page.locator(f"{HOTLINE} .count").all_inner_texts()
        ]
        assert shown_text[0].startswith("接通 298 昨 275 周 —")
        # Nothing is invented: what agentd does not say is a dash.
        assert shown_text[1].startswith("放弃 — 昨 — 周 —")
        assert shown_text[2].startswith("接通率 93% 昨 90 周 —")
        rate = shown.page.locator(f"{HOTLINE} .count", has_text="接通率")
        assert await rate.get_attribute("data-strength") == "warning"
        await rate.focus()
        note = await shown.page.wait_for_selector(".floating")
        said = await note.inner_text()
        for word in ("接通 / 呼入（官方）", "298 / 319", "曾中断", "预警 95%，超时 90%"):
            assert word in said, said
        await shown.page.get_by_role("button", name="本班").click()
        await shown.page.locator(f"{HOTLINE} .count", has_text="120").wait_for()
        # A queue of which there are no figures yet shows its own counts, compared with nothing.
        assert "接通 41 昨 — 周 —" in await shown.text('[data-queue="complaints"] .queue-counts')


async def test_a_figure_moves_with_the_stream(open_page: OpenPage, now: float) -> None:
    async with daemon_of(now) as daemon, open_page(daemon.url) as shown:
        count = shown.page.locator(f"{HOTLINE} .count", has_text="接通").first
        await count.wait_for()
        await daemon.change(
            {"figures:queue/main/hotline": figures(today={"answered": figure(299)})}
        )
        await shown.page.locator(f"{HOTLINE} .count", has_text="299").wait_for()


async def test_limits_are_set_and_colour_at_once(open_page: OpenPage, now: float) -> None:
    put: list[tuple[str, Any]] = []

    async def prepare(page: Page) -> None:
        async def answer(route: Route) -> None:
            if route.request.method != "PUT":
                await route.fallback()
                return
            body = json.loads(route.request.post_data or "")
            put.append((route.request.headers["if-match"], body["value"]))
            await route.fulfill(json={"key": "thresholds", "value": body["value"], "version": 3})

        await page.route("**/api/board/settings/thresholds", answer)

    async with daemon_of(now) as daemon, open_page(daemon.url, prepare=prepare) as shown:
        await shown.page.click("[data-does=thresholds]")
        rate = '[name="connect_rate.breach"]'
        assert await shown.page.input_value(rate) == "90"
        await shown.page.fill(rate, "")
        await shown.page.keyboard.press("Enter")
        await shown.page.locator(".problem", has_text="两格都要填").wait_for()
        await shown.page.fill(rate, "94")
        await shown.page.keyboard.press("Enter")
        await shown.page.locator(".said", has_text="已保存").wait_for()
        assert put == [('"v2"', {"metrics": {"connect_rate": {"warn": 0.95, "breach": 0.94}}})]
        colour = shown.page.locator(f'{HOTLINE} .count[data-strength="breach"]')
        await colour.wait_for()


async def test_gaps_and_lag_are_told(open_page: OpenPage, now: float) -> None:
    async with daemon_of(now) as daemon, open_page(daemon.url, allowed=LOST) as shown:
        assert "无断线" in await shown.text(".feed")
        lag = "document.querySelector('.feed-lag .ticking').textContent"
        await shown.until(f"/^延迟 [\\d.]+ (ms|s)$/.test({lag})", "the lag is measured")
        daemon.refusing = True
        await daemon.cut()
        await shown.page.wait_for_selector(".banner")
        await shown.page.locator('.feed-gaps[data-strength="breach"]', has_text="1 次").wait_for()
        daemon.refusing = False
        await shown.page.wait_for_selector(".banner", state="detached")
        await shown.page.locator('.feed-gaps[data-strength="calm"]').wait_for()
        await daemon.alter("pbx:main", link="down", since=daemon.now(), code="silent")
        await shown.page.locator(".feed-gaps", has_text="2 次").wait_for()
        why = await shown.page.locator(".feed-gaps .unseen").text_content()
        assert why is not None
        assert re.search(r"PBX main \d\d:\d\d:\d\d 至今; 本页与 agentd \S+ 至 \S+", why), why
