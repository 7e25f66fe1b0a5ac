"""Whatever people and callers write stays text: on both desks, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentd.core.order_model import AddNote, Edit, MarkUrgent
from agentd.ports.desk import Duty
from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.browser.desk_world import (
    AGENT,
    LEADER,
    PASSWORD,
    TEAM,
    World,
    judged_call,
    signed_in,
)
from tests.browser.test_shift import at_shift, open_order

pytestmark = pytest.mark.browser

TAGS = (
    "<img src=x data-pwned onerror='window.pwned=1'><script data-pwned>window.pwned=1</script>"
    "<a data-pwned href='javascript:window.pwned=1'>x</a><style data-pwned>*{display:none}</style>"
)
EVIL = f"\"'><b data-pwned>{TAGS}</b>{{{{7*7}}}}${{7*7}}\u202e" + "W" * 150
SHORT = "<u data-pwned>"
FITS = "document.documentElement.scrollWidth <= innerWidth"


async def hostile(made: World) -> str:
    """Everything that somebody can set, set; returns the urgent order that the agent owes."""
    made.seat(agent=EVIL, label=SHORT)
    order = await made.order(made.next_call(), SHORT, opened_ago_s=90, ended_ago_s=60)
    spec = next(spec for spec in made.desk.book.categories if spec.key == "complaint")
    texts = {field.key: EVIL for field in spec.fields if field.kind in ("text", "place")}
    await made.done(AGENT, order, Edit(category="complaint", fields=texts))
    await made.done(AGENT, order, AddNote(text=EVIL))
    await made.done(AGENT, order, MarkUrgent())
    await made.submit(*judged_call(made, 900, caller=SHORT))
    await made.presence.report_fault(AGENT, "main", "PJSIP/8001", EVIL)
    now_us = made.desk.now_us("main")
    hour_us = 3_600_000_000
    duty = Duty("", TEAM, LEADER.login, "leader", now_us - hour_us, now_us + hour_us)
    await made.desk.put_duties(LEADER, [duty], [])
    await made.desk.hand_over(LEADER, TEAM, EVIL, None)
    return order


async def harmless(shown: Shown, where: str) -> None:
    """Nothing ran, nothing became a part of the page, and the page keeps its width."""
    assert await shown.page.evaluate("window.pwned") is None, where
    assert await shown.page.locator("[data-pwned]").count() == 0, where
    await shown.until(FITS, f"{where} fits")


async def every_tab(shown: Shown) -> None:
    tabs = shown.page.locator("nav.tabs button")
    assert await tabs.count() >= 2
    for number in range(await tabs.count()):
        await tabs.nth(number).click()
        await shown.page.wait_for_load_state("networkidle")
        await harmless(shown, f"tab {number}")


async def test_the_agents_desk_shows_hostile_text_as_text(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        order = await hostile(made)
        login = f"{made.url}login?next=/desk"
        async with open_page(login, wait_for="#login", allowed="status of 40[14]") as shown:
            await shown.page.fill("#login", AGENT.login)
            await shown.page.fill("#password", PASSWORD)
            await shown.page.press("#password", "Enter")
            await shown.page.click(f'[data-order="{order}"]', timeout=PATIENCE_MS)
            await shown.page.wait_for_selector(f'[data-order="{order}"][aria-current=true]')
            await shown.page.wait_for_selector(".choices [data-category]", timeout=PATIENCE_MS)
            await shown.until("document.body.innerText.includes('data-pwned')", "is shown")
            await harmless(shown, "the order")
            made.seat(state="ringing", caller=SHORT, call=made.next_call(), direction="inbound")
            await shown.page.wait_for_selector(".strip:has-text('振铃')", timeout=PATIENCE_MS)
            await harmless(shown, "the strip")
            await every_tab(shown)


async def test_the_leaders_desk_shows_hostile_text_as_text(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        order = await hostile(made)
        async with at_shift(open_page, made.url) as shown:
            await open_order(shown, order)
            await shown.until("document.body.innerText.includes('data-pwned')", "is shown")
            await harmless(shown, "the inbox and the order")
            await shown.page.keyboard.press("Escape")
            await every_tab(shown)
