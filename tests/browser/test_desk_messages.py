"""Messages from leaders at the desk, in a real Chromium, before the real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import PATIENCE_MS, OpenPage
from tests.browser.desk_hands import at_desk
from tests.browser.desk_world import AGENT, LEADER, World, signed_in

pytestmark = pytest.mark.browser

HOSTILE = "请回队列 <img src=x onerror=alert(1)>"


async def test_a_message_stands_on_the_desk_until_it_is_read(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        early = await made.supervision.message(LEADER, AGENT.login, "班前会 17:00", "info")
        async with at_desk(open_page, made) as shown:
            page = shown.page
            await page.wait_for_selector(f'[data-message="{early.id}"]', timeout=PATIENCE_MS)
            sounded = "document.documentElement.dataset.sounded"
            assert await page.evaluate(sounded) is None, "it is no news"

            late = await made.supervision.message(LEADER, AGENT.login, HOSTILE, "urgent")
            line = f'[data-message="{late.id}"]'
            await page.wait_for_selector(f'{line}[data-level="urgent"]', timeout=PATIENCE_MS)
            text = await shown.text(line)
            assert "【紧急】" in text
            assert HOSTILE in text
            assert f"{LEADER.name} 发来消息" in text
            assert await page.evaluate(sounded) == "warning"

            await page.click(f"{line} button")
            await page.wait_for_selector(line, state="detached", timeout=PATIENCE_MS)
            assert await _read(made, late.id)
            await page.reload()
            await page.wait_for_selector(f'[data-message="{early.id}"]', timeout=PATIENCE_MS)
            assert await page.locator("[data-message]").count() == 1
            # In the other language.
            await page.click('button[lang="en"]')
            await shown.until(
                "document.querySelector('.message').textContent.includes('Message from')", "en"
            )


async def _read(made: World, message: str) -> bool:
    found = await made.supervision.messages(AGENT)
    return any(one.id == message and one.read_us is not None for one in found)
