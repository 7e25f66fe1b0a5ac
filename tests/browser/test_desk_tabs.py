"""The desk in several tabs, in a browser of another zone; what it says of orders and seats."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Route

from agentd.core.order_model import AddNumber, Complete, DispatchTo, Edit, MakePromise, MarkUrgent
from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.browser.desk_hands import at_desk, at_login, log_in, open_order, rest
from tests.browser.desk_world import AGENT, LEADER, SITE_OFFSET_S, World, signed_in, world

pytestmark = pytest.mark.browser

SOUNDED = "document.documentElement.dataset.sounded ?? null"
SITE = dt.timezone(dt.timedelta(seconds=SITE_OFFSET_S))
# Longer than tabs wait for each other (web/src/live/onetab.ts).
ALL_HAVE_WAITED_S = 4.5


# --- one sound -------------------------------------------------------------------------------


async def another_tab(shown: Shown, url: str) -> Shown:
    """The same page once more, in the same browser."""
    other = Shown(await shown.page.context.new_page(), shown.notes)
    await other.page.goto(url)
    await other.page.wait_for_selector(".strip .strip-state", timeout=PATIENCE_MS)
    return other


async def sounds(made: World, spell: str, tabs: Sequence[Shown]) -> list[str | None]:
    """What each of the tabs sounds at a breach that all of them show."""
    made.holds(ago_s=5)
    for tab in tabs:
        await tab.page.wait_for_selector(".strip[data-strength=calm]", timeout=PATIENCE_MS)
        await tab.page.evaluate("delete document.documentElement.dataset.sounded")
    made.alert("breach", "hold", spell)
    for tab in tabs:
        await tab.page.wait_for_selector(".strip[data-strength=breach]", timeout=PATIENCE_MS)
    await asyncio.sleep(ALL_HAVE_WAITED_S)
    made.alert("breach", "hold", spell, cleared_at=made.now())
    return [await tab.page.evaluate(SOUNDED) for tab in tabs]


async def test_of_several_tabs_only_one_sounds(open_page: OpenPage, tmp_path: Path) -> None:
    async with signed_in(tmp_path) as made, at_desk(open_page, made) as first:
        second = await another_tab(first, f"{made.url}desk")
        third = await another_tab(first, f"{made.url}desk")
        assert await sounds(made, "s1", [first, second, third]) == ["breach", None, None]
        # It goes elsewhere, and another takes over.
        await first.page.goto(f"{made.url}healthz")
        heard = await sounds(made, "s2", [second, third])
        assert sorted(heard, key=str) == [None, "breach"]
        await third.page.close()
        assert await sounds(made, "s3", [second]) == ["breach"]
        await second.page.close()


async def test_a_pushed_alert_stands_at_once_whatever_the_pages_clock_says(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made, at_desk(open_page, made) as shown:
        made.holds(ago_s=2)
        await shown.page.wait_for_selector(".strip[data-state=holding][data-strength=calm]")
        made.alert("warning", "hold")
        await shown.page.wait_for_selector(".strip[data-strength=warning]")
        made.alert("breach", "hold", "s2")
        await shown.page.wait_for_selector(".strip[data-strength=breach]")
        await shown.until("document.title.startsWith('‼ 超时')", "the title says so")
        # An alert of an earlier hold is not about this one.
        made.holds(ago_s=0)
        await shown.page.wait_for_selector(".strip[data-strength=calm]")


# --- the site's zone -------------------------------------------------------------------------


@pytest.mark.parametrize("timezone", ["America/New_York", "Pacific/Auckland"])
async def test_dates_are_of_the_site_in_a_browser_of_another_zone(
    open_page: OpenPage, tmp_path: Path, timezone: str
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        day = dt.datetime.fromtimestamp(made.now(), SITE).date() + dt.timedelta(days=1)
        async with at_desk(open_page, made, timezone=timezone) as shown:
            zone = await shown.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
            assert zone == timezone
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("p")
            await shown.page.click(".dialog .choices .button:has-text('明天 10:00')")
            assert await shown.page.input_value("#promise-until") == f"{day}T10:00"
            await shown.page.fill("#promise-until", f"{day}T09:45")
            await shown.page.fill("#promise-text", "告知结果")
            await shown.page.click(".dialog [type=submit]")
            await shown.page.wait_for_selector(".part:has-text('告知结果')")
            assert f"{day.month}月{day.day}日 09:45" in await shown.text(
                ".part:has-text('告知结果')"
            )
            shows = await shown.text(".now")
        found = await made.store.order(owed)
        assert found is not None
        assert found.promise is not None
        wanted = dt.datetime(day.year, day.month, day.day, 9, 45, tzinfo=SITE)
        assert found.promise.due_us == int(wanted.timestamp()) * 1_000_000
        hour = dt.datetime.fromtimestamp(made.now(), SITE).hour
        assert int(shows[:2]) in (hour, (hour - 1) % 24)


# --- words -----------------------------------------------------------------------------------


async def told(made: World) -> str:
    """An order with a history of every kind of place."""
    order = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
    fields = {
        "place": "建国路 88 号",
        "event": "停水两天",
        "against": "某物业",
        "demand": "尽快恢复供水",
    }
    due_us = int((made.now() + 7200) * 1_000_000)
    await made.done(AGENT, order, Edit(category="complaint", own_service=True, fields=fields))
    await made.done(AGENT, order, AddNumber(number="01087654321", label="单位"))
    await made.done(AGENT, order, MakePromise(text="两小时内回电", due_us=due_us))
    await made.done(AGENT, order, Complete(own_service=False))
    await made.done(AGENT, order, MarkUrgent())
    await made.done(LEADER, order, DispatchTo(unit="water", person="王工", text="请派人"))
    return order


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "zh-CN",
            ["类别：投诉", "事件：停水两天", "涉及本中心服务（", "承办单位：自来水公司",
             "承诺内容：两小时内回电", "联系电话：01087654321", "已派单", "状态："],
        ),
        (
            "en",
            ["Category: Complaint", ": 停水两天", "Unit: Water works", "Promise: 两小时内回电",
             "Number: 01087654321", "State: ", "→ dispatched", "marked urgent"],
        ),
    ],
)  # fmt: skip
async def test_history_is_told_in_words(
    open_page: OpenPage, tmp_path: Path, locale: str, words: list[str]
) -> None:
    async with signed_in(tmp_path) as made:
        order = await told(made)
        earlier = await made.order(made.next_call(), ended_ago_s=30, opened_ago_s=60)
        async with at_login(open_page, made, locale=locale) as shown:
            lang = "en" if locale == "en" else "zh-CN"
            await shown.page.evaluate(f"localStorage.setItem('agentd.lang', '{lang}')")
            await log_in(shown)
            await shown.page.wait_for_selector(".strip .strip-state", timeout=PATIENCE_MS)
            # Of the same caller: the order that is done is opened from beside.
            await open_order(shown, earlier)
            await shown.page.click(f'[data-earlier="{order}"]')
            await shown.page.wait_for_selector("#order-title:has-text('停水两天')")
            await shown.page.click(".order-more details summary")
            await shown.page.wait_for_selector(".history-change", timeout=PATIENCE_MS)
            text = await shown.text("details[open]")
            for word in words:
                assert word in text, (word, text)
            # No path, no JSON, no bare number of microseconds.
            assert re.findall(r"\w+_us|\w+\.\w+_|fields\.|[{}\[\]\"]|\d{13,}", text) == []


async def in_the_queue(route: Route, name: str) -> None:
    """The seats as the server says them, one of them with a queue's member."""
    answer = await route.fetch()
    seats = await answer.json()
    for seat in seats:
        if seat["seat"] == "PJSIP/8002":
            seat |= {"agent": name, "state": "available", "signed_in": None}
    await route.fulfill(response=answer, json=seats)


async def test_a_name_that_only_the_queue_knows_is_not_signed_in(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with world(tmp_path) as made, at_login(open_page, made) as shown:
        await shown.page.route("**/api/seats", lambda route: in_the_queue(route, "张小明"))
        await log_in(shown)
        await shown.page.wait_for_selector(".seat-choice:has-text('8002')")
        said = await shown.text(".seat-choice:has-text('8002')")
        assert "队列成员 张小明" in said
        assert "已签入" not in said
