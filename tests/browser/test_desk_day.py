"""The agent's own day, both languages, a lost feed, every width: in a real Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.conftest import PATIENCE_MS, OpenPage
from tests.browser.desk_hands import at_desk, entry, in_hand, open_order, place, rest
from tests.browser.desk_world import AGENT, judged_call, signed_in

pytestmark = pytest.mark.browser


async def test_a_violation_is_shown_with_evidence_in_words_and_appealed(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        await made.submit(*judged_call(made, 0))
        async with at_desk(open_page, made) as shown:
            await rest(shown)
            await shown.page.keyboard.press("g")
            await shown.page.wait_for_selector(".violation")
            assert "41.0 s，上限 30 s" in await shown.text(".violation")
            await shown.page.click(".violation summary")
            assert "按下保持" in await shown.text(".violation .lines")
            await shown.until(
                "[...document.querySelectorAll('audio')].some(a => a.src.includes('recordings'))",
                "the call can be played",
            )
            await shown.page.evaluate(
                "(() => { const a = document.querySelector('audio');"
                " a.preload = 'metadata'; a.load(); })()"
            )
            await shown.until(
                "document.querySelector('audio').duration > 1", "the recording is loaded"
            )
            await shown.page.click(".violation .violation-actions .button:has-text('申诉')")
            await shown.page.fill("#dialog-text", "客户要求查询，已征得同意")
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(".violation-appeal:has-text('申诉待审')")


async def test_english_says_everything_and_every_key_is_listed(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        await made.order(made.next_call(), "13800001111", ended_ago_s=1000, opened_ago_s=1090)
        async with at_desk(open_page, made) as shown:
            assert "坐席工作台" in await shown.text(".title")
            await shown.page.click(".control:has-text('EN')")
            await shown.page.wait_for_selector(".title:has-text('desk')")
            order = await made.answers(made.rings())
            await in_hand(shown, order)
            await rest(shown)
            await shown.page.keyboard.press("3")
            await shown.page.wait_for_selector(place("fields.demand"))
            text = await shown.text(".order")
            assert "Complaint" in text
            assert "overdue" in await shown.text(".owed")
            left = re.sub(r"张三|服务热线|中文|一组", "", await shown.text("#app"))
            assert re.findall(r"[一-鿿]+", left) == []
            await rest(shown)
            await shown.page.keyboard.press("Shift+?")
            listed = await shown.text(".help")
            for word in ("Ctrl+Enter", "Complaint", "mark as urgent", "silent call"):
                assert word in listed
            await shown.page.keyboard.press("Escape")
            await shown.page.wait_for_selector(".help", state="detached")


async def test_a_lost_feed_greys_the_desk_says_since_when_and_keeps_what_is_typed(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("4")
            await shown.page.context.set_offline(True)
            await made.live.close()
            await shown.page.wait_for_selector(".app[data-stale=yes] .banner", timeout=PATIENCE_MS)
            assert re.search(r"自 \d\d:\d\d:\d\d 起", await shown.text(".banner"))
            await shown.page.fill(entry("fields.place"), "断线时录入")
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(".order .problem:has-text('连接不到')")
            assert await shown.page.input_value(entry("fields.place")) == "断线时录入"
            await shown.page.context.set_offline(False)
            await shown.page.wait_for_selector(".draft-state[data-kept=server]")
        kept = await made.store.draft(owed, AGENT.login)
        assert kept is not None
        assert kept["mine"]["fields.place"] == "断线时录入"


async def test_no_page_scrolls_sideways(open_page: OpenPage, tmp_path: Path) -> None:
    async with signed_in(tmp_path) as made:
        await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        async with at_desk(open_page, made) as shown:
            order = await made.answers(made.rings())
            await in_hand(shown, order)
            await rest(shown)
            await shown.page.keyboard.press("3")
            for width, height in ((1366, 768), (1920, 1080), (1024, 768), (390, 844)):
                await shown.page.set_viewport_size({"width": width, "height": height})
                await shown.until(
                    "document.documentElement.scrollWidth <= innerWidth", f"fits {width}"
                )
