"""A surge on the wallboard: announced first, its queue's warnings folded into it; and what the feed
says of a PBX whose clock was set."""

from __future__ import annotations

import pytest

from tests.browser import scenes
from tests.browser.conftest import OpenPage
from tests.browser.every_world import surge
from tests.browser.fake_daemon import FakeDaemon

pytestmark = pytest.mark.browser

LEVEL = "二级话务预警"


async def test_a_surge_comes_first_and_stands_for_its_queues_warnings(
    open_page: OpenPage, now: float
) -> None:
    board = scenes.trouble(now, 24)
    # Two seats are warned in the queue, one is past its limit there.
    for number, trouble in ((1003, "warning"), (1004, "warning"), (1005, "breach")):
        clock = scenes.hold_clock(now - 22)
        board[f"seat:main/PJSIP/{number}"].update(
            state="holding", call=f"s{number}", queue="sales", clock=clock, trouble=trouble
        )
    board |= scenes.keyed(
        scenes.alert(30, now - 2, "warning", "hold", seat="PJSIP/1003", queue="sales"),
        scenes.alert(31, now - 1, "breach", "hold", seat="PJSIP/1005", queue="sales"),
    )
    async with FakeDaemon(board) as daemon, open_page(daemon.url) as shown:
        page = shown.page
        cards = page.locator(".lane .card")
        troubled = await cards.count()
        await daemon.change({"surge:main/sales": surge("sales", now - 90)})
        card = page.locator('.lane [data-surge="queue:main/sales"]')
        await card.wait_for()
        assert LEVEL in await card.inner_text()
        assert "已折叠 2 条预警" in (await card.text_content() or "")
        # Before everything but urgent cases; the breach is still shown for itself.
        assert await cards.first.get_attribute("data-surge") == "queue:main/sales"
        assert await cards.count() == troubled - 2 + 1
        assert await page.locator('.lane [data-trouble$="1005"]').count() == 1
        assert await page.locator('.lane [data-trouble$="1003"]').count() == 0
        assert LEVEL in await shown.text('[data-queue="sales"] .queue-top')
        alerts = await shown.text(".alert-list")
        assert "已折叠 1 条预警" in alerts
        assert await page.locator('[data-alert="alert:main/spell-30"]').count() == 0
        assert await page.locator('[data-alert="alert:main/spell-31"]').count() == 1
        said = await page.locator(".alerts [role=log]").text_content()
        assert said is not None
        assert f"{LEVEL}: 业务咨询" in said
        # It is over: everything is shown for itself again.
        await daemon.alter("surge:main/sales", level=0, reached=[])
        await card.wait_for(state="detached")
        assert await cards.count() == troubled
        assert await page.locator('[data-alert="alert:main/spell-30"]').count() == 1


async def test_a_clock_that_was_set_is_said_in_plain_words(open_page: OpenPage, now: float) -> None:
    async with (
        FakeDaemon(scenes.calm(now, 4)) as daemon,
        open_page(daemon.url, timezone="America/New_York") as shown,
    ):
        assert await shown.page.locator(".feed-step").count() == 0
        await daemon.alter("pbx:main", clock_step={"at": now - 60, "seconds": -2.0})
        await shown.page.wait_for_selector(".feed-step")
        assert "时钟被拨 −2.00 s" in await shown.text(".feed-step")
        why = await shown.page.locator(".feed-step .unseen").text_content()
        assert why is not None
        assert "拨慢 2.0 s" in why
        assert "不计责" in why
