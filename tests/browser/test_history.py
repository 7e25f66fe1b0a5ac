"""Calls, a call's timeline, shifts, queues' days and orders to be read, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.browser.desk_world import AGENT, LEADER, PASSWORD, SITE_OFFSET_S
from tests.browser.history_world import NUMBER, QA, RECORDED_S, history_world
from tests.browser.test_real_daemon import demo

pytestmark = pytest.mark.browser

REFUSALS = r"status of (401|403|404)"


@asynccontextmanager
async def at(
    open_page: OpenPage,
    url: str,
    path: str,
    *,
    login: str = LEADER.login,
    password: str = PASSWORD,
    lang: str = "zh-CN",
    width: int = 1366,
    wait_for: str = ".hx-main",
) -> AsyncIterator[Shown]:
    """A page of history, logged in to by the page itself."""
    next_ = path.replace("&", "%26").replace("?", "%3F")
    async with open_page(
        f"{url}login?next=/{next_}", wait_for="#login", allowed=REFUSALS, width=width
    ) as shown:
        await shown.page.evaluate(f"localStorage.setItem('agentd.lang', '{lang}')")
        await shown.page.fill("#login", login)
        await shown.page.fill("#password", password)
        await shown.page.press("#password", "Enter")
        await shown.page.wait_for_selector(wait_for, timeout=PATIENCE_MS)
        yield shown


async def test_a_filter_stands_in_the_address_and_the_back_button_undoes_it(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, "calls", wait_for=".hx-calls") as shown,
    ):
        page = shown.page
        assert await page.locator(".hx-calls tbody tr").count() == 2
        await page.select_option("[data-field=outcome] select", "abandoned")
        await shown.until(
            "document.querySelectorAll('.hx-calls tbody tr').length === 1", "one gave up"
        )
        assert "outcome=abandoned" in page.url
        await page.go_back()
        await shown.until("document.querySelectorAll('.hx-calls tbody tr').length === 2", "both")
        assert "outcome" not in page.url
        await page.fill("[data-field=number] input", NUMBER)
        await page.press("[data-field=number] input", "Enter")
        await shown.until(
            "document.querySelectorAll('.hx-calls tbody tr').length === 1", "one number"
        )
        # Whoever is sent the address sees the same.
        await page.reload()
        await page.wait_for_selector(f'[data-call="main/{made.call}"]')
        assert await page.input_value("[data-field=number] input") == NUMBER


async def test_a_filter_that_is_none_is_said_at_its_field_and_not_asked(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, "calls", wait_for=".hx-calls") as shown,
    ):
        await shown.page.click("[aria-controls=hx-more-fields]")
        await shown.page.fill("[data-field=hold_min] input", "soon")
        assert "分:秒" in await shown.text("[data-field=hold_min] .field-error")
        assert await shown.page.is_disabled(".hx-filters [type=submit]")
        await shown.page.fill("[data-field=hold_min] input", "0:30")
        await shown.page.press("[data-field=hold_min] input", "Enter")
        await shown.until(
            "document.querySelectorAll('.hx-calls tbody tr').length === 1", "one was held"
        )


async def test_keys_go_through_the_list_open_a_call_and_come_back(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, "calls?queue=hotline", wait_for=".hx-calls") as shown,
    ):
        page = shown.page
        await page.focus(".hx-row-link >> nth=0")
        await page.keyboard.press("ArrowDown")
        row = "document.activeElement.closest('tr').dataset.call"
        second = await page.evaluate(row)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(f'.hx-page[data-call="{second}"] .hx-timeline')
        assert "queue=hotline" in page.url
        await page.go_back()
        await page.wait_for_selector(".hx-calls")


async def test_a_call_is_drawn_with_what_proves_it(open_page: OpenPage, tmp_path: Path) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, f"calls/main/{made.call}", wait_for=".hx-part") as shown,
    ):
        page = shown.page
        assert f"call=main/{made.call}" in page.url
        kinds = await page.evaluate(
            "[...document.querySelectorAll('.hx-part')].map(p => p.dataset.kind)"
        )
        assert kinds == ["wait", "ring", "talk", "hold", "wrap_up", "ring", "talk", "sound"]
        assert await page.locator(".hx-transfer").count() == 1
        # The alert's warning, and the violation.
        assert await page.locator(".hx-mark").count() == 2
        course = await shown.text(".hx-course")
        assert re.search(r"接起 5\.0 s 张三 8001.*保持 40\.0 s.*转接 1:40.*李思雨", course)
        violation = f'[data-violation="v-{made.call}"]'
        assert "客户同意等待" in await shown.text(violation)
        await page.click(f"{violation} summary")
        assert "Hold" in await shown.text(f"{violation} .hx-evidence")
        await page.click('[data-leg="leg-1"] summary')
        assert "话机响铃" in await shown.text('[data-leg="leg-1"] .hx-evidence')
        # Times are the site's, whatever the browser's are.
        hour = (made.joined_us // 1_000_000 + SITE_OFFSET_S) // 3600 % 24
        assert (await shown.text(".hx-course li >> nth=0")).startswith(f"{hour:02}:")
        await page.click(".hx-order a")
        await page.wait_for_selector(f'.sl-panel[data-order="{made.order}"]')


async def test_the_recording_is_in_step_with_the_drawing(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, f"calls?call=main/{made.call}", wait_for=".hx-slider") as shown,
    ):
        page = shown.page
        sound = "document.querySelector('.hx-player audio')"
        await shown.until(f"{sound}.duration === {RECORDED_S}", "the recording is there")
        # The recording began at the answer: 7 s after the call.
        head = "Number(document.querySelector('.hx-slider').getAttribute('aria-valuenow'))"
        assert await page.evaluate(head) == 7
        part = await page.locator(".hx-part[data-kind=hold] rect").first.bounding_box()
        assert part is not None
        await page.mouse.click(part["x"] + part["width"] / 2, part["y"] + 5)
        # The middle of the hold: 40 s after the answer.
        await shown.until(f"Math.abs({sound}.currentTime - 40) < 2", "a press goes there")
        before = await page.evaluate(head)
        await page.focus(".hx-slider")
        await page.keyboard.press("ArrowRight")
        await shown.until(f"Math.abs({head} - {before} - 5) <= 1", "a key goes on by 5 s")
        await page.keyboard.press("Home")
        await shown.until(f"{sound}.currentTime === 0", "before the recording is its beginning")
        await page.keyboard.press("Space")
        await shown.until(f"!{sound}.paused && {sound}.currentTime > 0.5", "it plays")
        await shown.until(f"{head} >= 8", "the head goes along")
        await page.keyboard.press("Space")
        await shown.until(f"{sound}.paused", "and stops")


async def test_a_shift_is_a_strip_of_states_with_its_gap(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, f"people/{AGENT.login}", wait_for=".hx-piece") as shown,
    ):
        page = shown.page
        states = await page.evaluate(
            "[...document.querySelectorAll('.hx-strip[data-seat] .hx-piece')]"
            ".map(p => p.dataset.state)"
        )
        assert states[:6] == ["available", "paused", "gap", "available", "ringing", "talking"]
        totals = await shown.text(".hx-totals")
        assert "保持 0:40 1 次" in totals
        assert "断线时段 2:00" in totals
        assert "示忙 (" in totals
        await page.wait_for_selector(".hx-figures")
        assert "客户同意等待" in await shown.text(".hx-judged")
        await page.wait_for_selector(f'[data-call="main/{made.call}"]')
        await page.click(".hx-strip-name a")
        await shown.until("location.search.includes('seat=main/PJSIP/8001')", "the seat's own page")
        assert "张三 8001" in await shown.text(".hx-strip-name")


async def test_a_queues_day_opens_the_stays_it_is_made_of(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, "queues/hotline", wait_for=".hx-day") as shown,
    ):
        page = shown.page
        await page.wait_for_selector(".hx-chart canvas")
        quarter = made.joined_us // 900_000_000 * 900
        row = f'tr[data-at="{quarter}"]'
        numbers = (await shown.text(row)).split()
        # offered, answered, within T, abandoned
        assert numbers[1:5] == ["2", "1", "1", "1"]
        assert "50.0%" in numbers
        assert "断线时段" in await shown.text(".hx-day tbody")
        await page.click(f"{row} a[href*='outcome=abandoned']")
        await page.wait_for_selector(".hx-stays")
        assert await page.locator(".hx-stays tbody tr").count() == 1
        assert "13900002222" in await shown.text(".hx-stays tbody")


async def test_qa_reads_an_order_and_notes_on_it_and_no_more(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(
            open_page, made.url, f"orders/{made.order}", login=QA.login, wait_for=".sl-panel-scroll"
        ) as shown,
    ):
        page = shown.page
        steps = await page.evaluate(
            "[...document.querySelectorAll('.order-actions [data-step]')].map(b => b.dataset.step)"
        )
        assert steps == ["note"]
        await page.keyboard.press("n")
        await page.fill(".dialog textarea", "抽检：答复有据")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_selector('.sl-panel :text("抽检：答复有据")', timeout=PATIENCE_MS)
        order = await made.made.store.order(made.order)
        assert order is not None
        assert [note.text for note in order.notes] == ["抽检：答复有据"]


async def test_the_pages_are_in_english_too_and_fit_a_phone(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with (
        history_world(tmp_path) as made,
        at(open_page, made.url, "calls", lang="en", width=390, wait_for=".hx-calls") as shown,
    ):
        for path, words in (
            ("calls", "Last 7 days"),
            (f"calls?call=main/{made.call}", "Evidence (PBX events)"),
            ("people", "Find by name"),
            (f"people?login={AGENT.login}", "Violations and appeals"),
            ("queues", "Queues"),
            ("queues?name=hotline", "Service level"),
        ):
            await shown.page.goto(f"{made.url}{path}")
            await shown.page.wait_for_selector(f".hx-main >> text={words}", timeout=PATIENCE_MS)
            await shown.until(
                "document.documentElement.scrollWidth <= innerWidth", f"{path} fits the width"
            )


async def test_what_the_simulator_played_is_found_drawn_and_counted(open_page: OpenPage) -> None:
    async with (
        demo("--seats", "8", "--calls-per-minute", "60") as there,
        at(open_page, there.url, "calls", login="supervisor", password=there.password) as shown,
    ):
        page = shown.page
        rows = "document.querySelectorAll('.hx-calls tbody tr').length"

        async def found() -> bool:
            await page.click(".hx-filters [type=submit]")
            return bool(await page.evaluate(f"{rows} >= 5"))

        for _ in range(120):
            if await found():
                break
            await page.wait_for_timeout(500)
        assert await found()
        await page.click(".hx-row-link >> nth=0")
        await page.wait_for_selector(".hx-part[data-kind=talk], .hx-part[data-kind=wait]")
        await page.goto(f"{there.url}queues?name=hotline")
        await page.wait_for_selector(".hx-chart canvas", timeout=PATIENCE_MS)
        # Every number of the table is the sum of its column.
        wrong = await page.evaluate(
            """() => {
              const numbers = row => [...row.querySelectorAll('td')].slice(0, 7)
                .map(cell => Number(cell.textContent));
              const sum = numbers(document.querySelector('.hx-day tfoot tr'));
              for (const row of document.querySelectorAll('.hx-day tbody tr'))
                numbers(row).forEach((one, at) => { sum[at] -= one; });
              return sum.filter(left => left !== 0).length;
            }"""
        )
        assert wrong == 0
        await page.goto(f"{there.url}calls?kind=queue&name=pbx/hotline&metric=answered")
        await page.wait_for_selector(".hx-big", timeout=PATIENCE_MS)
        await page.wait_for_selector(".hx-calls tbody tr", timeout=PATIENCE_MS)
