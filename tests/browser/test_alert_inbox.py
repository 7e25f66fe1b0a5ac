"""The alert inbox and the board's settings in a real Chromium, before the real daemon with the
embedded PBX."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.browser.test_real_daemon import Demo, demo

pytestmark = pytest.mark.browser

REFUSED = r"status of (401|404|412|422)"
"""Nobody is logged in yet; nothing was set yet; what the tests do wrong on purpose."""


@asynccontextmanager
async def page_of(
    open_page: OpenPage, at: Demo, path: str, *, login: str, ready: str, **options: Any
) -> AsyncIterator[Shown]:
    """A page, logged in to by the login page."""
    async with open_page(
        f"{at.url}login?next=/{path}", wait_for="#login", allowed=REFUSED, **options
    ) as shown:
        await shown.page.fill("#login", login)
        await shown.page.fill("#password", at.password)
        await shown.page.press("#password", "Enter")
        await shown.page.wait_for_selector(ready, timeout=PATIENCE_MS)
        yield shown


@asynccontextmanager
async def api(at: Demo, login: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{at.url}api/", trust_env=False) as client:
        body = {"login": login, "password": at.password}
        (await client.post("session", json=body)).raise_for_status()
        yield client


async def test_a_leader_sees_to_alerts_by_single_keys(open_page: OpenPage) -> None:
    async with (
        demo("--seats", "16") as at,
        page_of(open_page, at, "alerts", login="leader", ready=".inbox-line") as shown,
        api(at, "leader") as rest,
    ):
        page = shown.page
        ids = "[...document.querySelectorAll('.inbox-line')].map(e => e.id)"
        chosen = "document.querySelector('.inbox-line[data-chosen=yes]')?.id"
        # They come by themselves, and the chosen one stays chosen.
        first = await page.evaluate(chosen)
        assert first in await page.evaluate(ids)
        before = len(await page.evaluate(ids))
        await shown.until(f"{ids}.length > {before}", "new alerts come by themselves")
        assert await page.evaluate(chosen) == first
        # A: seen, and out of the list of what nobody has seen.
        await page.keyboard.press("a")
        await shown.until(f"!{ids}.includes('{first}')", "what is acknowledged leaves the list")
        answer = (await rest.get("alerts", params={"acknowledged": True})).json()
        [line] = [line for line in answer["items"] if f"alert-{line['id']}" == first]
        assert [note["by"] for note in line["notes"]] == ["leader"]
        # The next one is chosen; N writes a note to it.
        second = await page.evaluate(chosen)
        assert second not in (None, first)
        await page.keyboard.press("n")
        await page.wait_for_selector("#note", timeout=PATIENCE_MS)
        # Letters that are typed are no commands.
        await page.keyboard.type("jan a: 已与坐席沟通 <b>")
        await page.keyboard.press("Control+Enter")
        await shown.until("document.querySelector('#note') === null", "the note is kept")
        await page.uncheck(".inbox-filters input[name=open]")
        await page.wait_for_selector(f"[id='{second}'] .inbox-notes", timeout=PATIENCE_MS)
        note = await shown.text(f"[id='{second}'] .inbox-notes")
        assert "jan a: 已与坐席沟通 <b>" in note
        assert "周敏" in note
        assert "open=0" in page.url


async def test_filters_and_the_load_of_each_seat(open_page: OpenPage) -> None:
    async with (
        demo("--seats", "16") as at,
        page_of(
            open_page, at, "alerts%3Frule=ring%26open=0", login="leader", ready=".inbox-load td"
        ) as shown,
    ):
        page = shown.page
        await page.wait_for_selector(".inbox-line", timeout=PATIENCE_MS)
        rules = "[...new Set([...document.querySelectorAll('.inbox-what strong')]"
        rules += ".map(e => e.textContent))].join()"
        assert await page.evaluate(rules) == "振铃接起"
        # The busiest seat of the load, listed by one click.
        button = page.locator(".inbox-load .link").first
        label = await button.inner_text()
        await button.click()
        await page.wait_for_selector(".inbox-line, .nothing", timeout=PATIENCE_MS)
        who = "[...document.querySelectorAll('.inbox-who > span')]"
        await shown.until(
            f"document.querySelector('#filter-seat').value.endsWith('{label}')"
            f" && {who}.every(e => e.textContent.startsWith('{label}'))",
            "only alerts of that seat",
        )
        await page.keyboard.press("Escape")
        await page.locator(".inbox-list").click(position={"x": 2, "y": 2})
        await page.keyboard.press("f")
        assert await page.evaluate("document.activeElement.id") == "filter-rule"


async def test_who_may_only_look_sees_no_buttons(open_page: OpenPage) -> None:
    async with (
        demo("--seats", "16") as at,
        page_of(open_page, at, "alerts", login="qa", ready=".inbox-line") as shown,
    ):
        assert await shown.page.locator("[data-does=acknowledge]").count() == 0
        await shown.page.keyboard.press("n")
        assert await shown.page.locator("#note").count() == 0


async def test_a_supervisor_sets_limits_and_hears_of_mistakes_and_of_others(
    open_page: OpenPage,
) -> None:
    async with (
        demo("--seats", "4") as at,
        page_of(
            open_page, at, "settings", login="supervisor", ready="[data-setting=wall] form"
        ) as shown,
        api(at, "supervisor") as rest,
    ):
        page = shown.page
        level = "metrics.service_level"
        await page.fill(f"[name='{level}.warn']", "80")
        await page.press(f"[name='{level}.warn']", "Enter")
        # Half a limit is told at the other half, which has the focus.
        wrong = f"[id='thresholds.{level}.breach.wrong']"
        await page.wait_for_selector(wrong, timeout=PATIENCE_MS)
        assert await shown.text(wrong) == "预警和超时须同时填写。"
        await shown.until(
            f"document.activeElement.name === '{level}.breach'", "the wrong field has the focus"
        )
        await page.fill(f"[name='{level}.breach']", "60")
        await page.press(f"[name='{level}.breach']", "Enter")
        await shown.until(
            "document.querySelector('[data-setting=thresholds] .setting-state')"
            ".textContent === '已保存'",
            "it is kept",
        )
        kept = (await rest.get("board/settings/thresholds")).json()
        assert kept["value"] == {"metrics": {"service_level": {"warn": 0.8, "breach": 0.6}}}
        # What only agentd can tell is told at the field as well.
        for n, text in enumerate(("20", "10", "5"), 1):
            await page.fill(f"[name='default.waiting.{n}']", text)
        await page.press("[name='default.waiting.3']", "Enter")
        wrong = "[id='surge.default.waiting.wrong']"
        await page.wait_for_selector(wrong, timeout=PATIENCE_MS)
        assert "升序" in await shown.text(wrong)
        unset = (await rest.get("board/settings/surge")).json()
        assert (unset["version"], unset["value"]) == (0, None)
        # What holds meanwhile can be read in the fields, and is kept by nobody.
        shown_default = await page.get_attribute("[name='default.waiting.1']", "placeholder")
        assert shown_default == str(unset["defaults"]["default"]["waiting"][0])
        # Somebody else is quicker.
        await page.fill("[data-setting=wall] [name=seconds]", "30")
        body = {"value": {"seconds": 45}}
        put = await rest.put("board/settings/wall", json=body, headers={"If-Match": '"v0"'})
        assert put.status_code == 200, put.text
        await page.press("[data-setting=wall] [name=seconds]", "Enter")
        await page.wait_for_selector(".setting-conflict", timeout=PATIENCE_MS)
        assert "沈国平" in await shown.text(".setting-conflict")
        assert await page.input_value("[data-setting=wall] [name=seconds]") == "30"
        await page.click(".setting-conflict button:nth-of-type(2)")
        await shown.until("document.querySelector('.setting-conflict') === null", "mine was kept")
        kept = (await rest.get("board/settings/wall")).json()
        assert (kept["version"], kept["value"]["seconds"]) == (2, 30)


async def test_a_leader_may_look_at_the_settings_only(open_page: OpenPage) -> None:
    async with (
        demo("--seats", "4") as at,
        page_of(
            open_page, at, "settings", login="leader", ready="[data-setting=wall] form"
        ) as shown,
    ):
        assert await shown.page.locator(".setting button[type=submit]").count() == 0
        assert await shown.page.locator("[name=seconds]").is_disabled()
