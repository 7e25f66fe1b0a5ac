"""Reports in a real Chromium: chosen by the address, in both languages, on screen and on paper."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from agentd.clock import wall_us
from tests.browser.conftest import PATIENCE_MS, OpenPage
from tests.browser.desk_world import AGENT, SITE_OFFSET_S
from tests.browser.history_world import QA, history_world
from tests.browser.test_history import at

pytestmark = pytest.mark.browser


def today() -> str:
    """On site, where the rig's calls are of some minutes ago, or of yesterday's last ones."""
    return _date(wall_us())


def _date(at_us: int) -> str:
    days = (at_us // 1_000_000 + SITE_OFFSET_S) // 86_400
    return (dt.date(1970, 1, 1) + dt.timedelta(days=days)).isoformat()


async def test_a_report_is_chosen_read_and_taken_along(open_page: OpenPage, tmp_path: Path) -> None:
    first, last = _date(wall_us() - 86_400_000_000), today()
    async with history_world(tmp_path) as made:
        # A part of the address is this page's; the rest the person chooses.
        where = f"reports?by=queue&period=span&from={first}&to={last}"
        async with at(open_page, made.url, where, login=QA.login, wait_for=".rp-table") as shown:
            page = shown.page
            await page.goto(f"{made.url}{where}")
            row = page.locator(".rp-group tr[data-line^='main/'] [data-metric=offered]").first
            await row.wait_for(timeout=PATIENCE_MS)
            assert re.match(r"[1-9]", await row.inner_text())
            heading = page.locator(".rp-report h2")
            assert (await heading.inner_text()).startswith("队列区间报表")
            assert await page.locator(".rp-group th .figure").first.is_visible()
            # Others than queues, by the hour, each on a page of its own.
            await page.select_option("select >> nth=0", "person")
            await shown.until("location.search.includes('by=person')", "the address says so")
            await page.locator(".rp-choose input[type=checkbox]").check()
            await page.locator(".rp-broken-down").nth(1).wait_for(timeout=PATIENCE_MS)
            assert "details=yes" in page.url
            csv = await page.locator(".rp-files a").first.get_attribute("href") or ""
            assert "reports.csv?" in csv
            assert "details=yes" in csv
            async with page.expect_download() as download:
                await page.locator(".rp-files a").first.click()
            name = (await download.value).suggested_filename
            assert name.startswith("report-person-span-")
            # A day, the one before it, and back.
            await page.select_option("select >> nth=1", "day")
            await shown.until("!location.search.includes('from=')", "no span any more")
            await page.locator(".rp-at button").first.click()
            await shown.until("/[?&]at=/.test(location.search)", "a date in the address")
            await page.go_back()
            await shown.until("!/[?&]at=/.test(location.search)", "and back")
            # In English, to the last word but names.
            await page.evaluate("localStorage.setItem('agentd.lang', 'en')")
            await page.goto(f"{made.url}{where}")
            await shown.until(
                "document.querySelector('.rp-report h2')?.textContent.startsWith('Queues, report')",
                "English",
            )
            text = await page.locator(".rp-report thead").first.inner_text()
            assert not re.search("[\u4e00-\u9fff]", text)


async def test_paper_is_white_and_shows_nothing_to_press(
    open_page: OpenPage, tmp_path: Path
) -> None:
    first, last = _date(wall_us() - 86_400_000_000), today()
    async with history_world(tmp_path) as made:
        where = f"reports?by=queue&period=span&from={first}&to={last}"
        async with at(open_page, made.url, where, login=QA.login, wait_for=".rp-table") as shown:
            page = shown.page
            await page.goto(f"{made.url}{where}")
            await page.evaluate("document.documentElement.dataset.theme = 'dark'")
            await page.locator(".rp-table").first.wait_for(timeout=PATIENCE_MS)
            await page.emulate_media(media="print")
            for hidden in (".header", ".rp-choose", ".rp-files"):
                assert not await page.locator(hidden).first.is_visible(), hidden
            assert await page.locator(".rp-head").is_visible()
            colours = await page.evaluate(
                "(() => { const s = getComputedStyle(document.querySelector('.rp-table td'));"
                " return [getComputedStyle(document.body).backgroundColor, s.color]; })()"
            )
            assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
            # Nothing is cut off at the right.
            assert await page.evaluate(
                "[...document.querySelectorAll('.hx-scroll')].every("
                "(box) => getComputedStyle(box).overflow === 'visible')"
            )
            paper = await page.pdf(prefer_css_page_size=True)
            assert paper.startswith(b"%PDF")
            box = re.search(rb"MediaBox \[0 0 ([\d.]+) ([\d.]+)", paper)
            assert box is not None
            assert [round(float(side)) for side in box.groups()] == [842, 595]


async def test_an_agent_sees_the_own_figures_and_nobody_elses(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with history_world(tmp_path) as made:
        first, last = _date(wall_us() - 86_400_000_000), today()
        where = f"reports?period=span&from={first}&to={last}"
        async with at(open_page, made.url, where, login=AGENT.login, wait_for=".app") as shown:
            page = shown.page
            await page.goto(f"{made.url}{where}")
            await page.locator(".rp-report").wait_for(timeout=PATIENCE_MS)
            lines = await page.eval_on_selector_all(
                ".rp-report > .rp-group tbody tr",
                "(rows) => [...new Set(rows.map((r) => r.dataset.line))]",
            )
            assert lines == [AGENT.login]
            assert await page.locator(".rp-choose select").first.locator("option").count() == 1
