"""The shift leader's desk in a real Chromium, before the real server."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentd.core.order_model import AddNote, Close, Edit, MarkUrgent
from agentd.ports.desk import ViolationQuery
from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.browser.desk_world import (
    AGENT,
    COLLEAGUE,
    LEADER,
    PASSWORD,
    SITE_OFFSET_S,
    world,
)
from tests.browser.shift_world import NEXT_LEADER, appealed, shift_world

pytestmark = pytest.mark.browser

# What Chromium says of every refusal that a page gets; the page itself tells the person.
REFUSALS = r"status of (401|403|404|409|412|422)"
BAD_ROSTER = """日期,时段,工号,班组,角色
2026-03-02,08:00-12:00 14:00-18:00,2001,,值班长
2026-03-02,8点到12点,2002,,值班长
2026-03-03,20:00-08:00,2002,,副值班长
"""


@asynccontextmanager
async def at_shift(
    open_page: OpenPage,
    url: str,
    *,
    login: str = LEADER.login,
    locale: str = "zh-CN",
    wait_for: str = ".sl-list",
) -> AsyncIterator[Shown]:
    """The shift leader's desk, in the language of ``locale``."""
    async with open_page(
        f"{url}login?next=/shift", wait_for="#login", allowed=REFUSALS, locale=locale
    ) as shown:
        lang = "en" if locale.startswith("en") else "zh-CN"
        await shown.page.evaluate(f"localStorage.setItem('agentd.lang', '{lang}')")
        await shown.page.fill("#login", login)
        await shown.page.fill("#password", PASSWORD)
        await shown.page.press("#password", "Enter")
        await shown.page.wait_for_selector(wait_for, timeout=PATIENCE_MS)
        yield shown


def row(order: str) -> str:
    return f'[data-row="{order}"]'


async def open_order(shown: Shown, order: str) -> None:
    """Open an order of the list and wait until its steps are there."""
    await shown.page.click(f"{row(order)} [data-row-main]")
    await shown.page.wait_for_selector(f'.sl-panel[data-order="{order}"] [data-step]')


async def said(shown: Shown, words: str) -> None:
    """Wait until the page says ``words`` about what was done."""
    await shown.page.wait_for_selector(f'.said-line:has-text("{words}")', timeout=PATIENCE_MS)


async def test_urgent_comes_first_counts_and_is_acknowledged_by_one_key(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        urgent = made.orders["urgent"]
        await shown.page.wait_for_selector(row(urgent))
        first = shown.page.locator("[data-row]").first
        assert await first.get_attribute("data-row") == urgent
        card = await shown.text(row(urgent))
        assert "【急件】解放路12号 煤气泄漏" in card
        assert "已通知 1 次：王班长 2001" in card
        assert (await shown.page.title()).startswith("急件 1")
        before = await shown.seconds(f"{row(urgent)} .sl-clock")
        await shown.until(
            f"document.querySelector('.sl-urgent .sl-clock').textContent > '0:0{before}'",
            "it counts",
        )
        await shown.page.keyboard.press("j")
        await shown.page.keyboard.press("a")
        await said(shown, "已确认收到，用时 0:")
        working = '[data-section="working"]'
        await shown.page.wait_for_selector(f"{working} {row(urgent)}")
        assert re.search(r"王班长 2001 用 \d+:\d\d 确认", await shown.text(working))
        assert await shown.page.locator(".sl-urgent").count() == 0
        order = await made.made.store.order(urgent)
        assert order is not None
        assert order.urgent is not None
        assert order.urgent.acknowledged_by == LEADER.login


async def test_a_new_urgent_order_sounds_and_appears_without_asking(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        await shown.page.click(f"{row(made.orders['urgent'])} [data-act=acknowledge]")
        await said(shown, "已确认收到")
        await shown.page.evaluate("delete document.documentElement.dataset.sounded")
        await made.made.done(COLLEAGUE, made.orders["promised"], MarkUrgent())
        await shown.page.wait_for_selector(f".sl-urgent{row(made.orders['promised'])}")
        await shown.until("document.documentElement.dataset.sounded === 'breach'", "it sounds")


async def test_dispatch_with_a_due_date_shows_the_unit_and_its_number(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        order = made.orders["forwarded"]
        await open_order(shown, order)
        await shown.page.keyboard.press("d")
        await shown.page.keyboard.press("Control+Enter")
        wrong = '[data-place="unit"][data-wrong=yes]'
        assert "请填写这一项" in await shown.text(wrong)
        await shown.page.select_option("#sl-step-unit", "water")
        assert await shown.page.input_value("#sl-step-person") == "王工"
        call = shown.page.locator('[data-place="unit"] a[href="tel:01087654321"]')
        assert await call.count() == 1
        assert "默认" in (await shown.page.get_attribute("#sl-step-days", "placeholder") or "")
        await shown.page.fill("#sl-step-due", "2020-01-01T10:00")
        await shown.page.fill("#sl-step-text", "请今天派人查看")
        await shown.page.keyboard.press("Control+Enter")
        await shown.page.wait_for_selector('[data-place="due"][data-wrong=yes] .field-error')
        assert await shown.page.input_value("#sl-step-text") == "请今天派人查看"
        await shown.page.fill("#sl-step-due", "2031-05-20T10:00")
        await shown.page.keyboard.press("Control+Enter")
        await said(shown, "已派单")
        await shown.page.wait_for_selector('[data-step="answer"][data-kind=primary]')
        assert "请今天派人查看" in await shown.text(".sl-panel")
        done = await made.made.store.order(order)
        assert done is not None
        assert done.dispatch is not None
        assert done.dispatch.unit == "water"
        due = dt.datetime(2031, 5, 20, 10, tzinfo=dt.timezone(dt.timedelta(seconds=SITE_OFFSET_S)))
        assert done.dispatch.due_us == int(due.timestamp()) * 1_000_000


async def test_what_somebody_else_did_meanwhile_is_shown_before_going_on(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        order = made.orders["forwarded"]
        await open_order(shown, order)
        await shown.page.keyboard.press("r")
        await shown.page.fill("#sl-step-text", "请补充具体地址")
        await made.made.done(NEXT_LEADER, order, AddNote("已电话核实地址"))
        await shown.page.keyboard.press("Control+Enter")
        await shown.page.wait_for_selector(".sl-clash")
        clash = await shown.text(".sl-clash")
        assert "陈班长 2002" in clash
        assert "已电话核实地址" in clash
        before = await made.made.store.order(order)
        assert before is not None
        assert before.state == "forwarded"
        await shown.page.click(".sl-step [type=submit]")
        await said(shown, "已退回")


async def test_a_step_that_is_no_longer_possible_says_so_and_keeps_the_words(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        order = made.orders["dispatched"]
        await open_order(shown, order)
        await shown.page.keyboard.press("u")
        await shown.page.fill("#sl-step-text", "已第二次电话催促")
        await made.made.done(NEXT_LEADER, order, Close("已处理"))
        await shown.page.keyboard.press("Control+Enter")
        await shown.page.wait_for_selector(".sl-clash, .sl-step .problem")
        assert await shown.page.input_value("#sl-step-text") == "已第二次电话催促"


async def test_two_appeals_are_decided_at_once_and_both_versions_stay(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made:
        ids = [await appealed(made.made, f"线路故障{n}", 600 + n * 300) for n in range(3)]
        async with at_shift(open_page, made.url) as shown:
            await shown.page.click("[data-tab=appeals]")
            for violation in ids[:2]:
                await shown.page.check(f"{row(violation)} input[type=checkbox]")
            case = await shown.text(row(ids[0]))
            assert "41.0 s，上限 30 s" in case
            assert "按下保持" in case
            assert "线路故障0" in case
            await shown.page.keyboard.press("Shift+A")
            await shown.page.fill("#sl-reason", "核实为线路故障")
            await shown.page.keyboard.press("Control+Enter")
            await said(shown, "已裁定 2 条")
            await shown.page.wait_for_selector(f'.sl-decided[data-violation="{ids[1]}"]')
            decided = await shown.text(f'.sl-decided[data-violation="{ids[1]}"]')
            assert "已撤销，不计入" in decided
            assert "线路故障1" in decided
            assert "核实为线路故障" in decided
            await shown.until(
                "document.querySelectorAll('.sl-case').length === 1", "one case is left to decide"
            )
        page = await made.made.store.violations(ViolationQuery())
        standing = {judged.violation.id: judged.standing for judged in page.items}
        assert standing == {ids[0]: False, ids[1]: False, ids[2]: True}


async def test_an_incident_is_counted_before_it_is_excused(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made:
        for ago_s in (300, 600):
            await appealed(made.made, "故障", ago_s)
        async with at_shift(open_page, made.url) as shown:
            await shown.page.click("[data-tab=appeals]")
            await shown.page.click(".sl-page-top .button")
            await shown.page.fill("#sl-window-reason", "中继故障")
            await shown.page.click("[data-act=count]")
            await shown.page.wait_for_selector(".dialog .notice")
            assert "2 条成立的违规" in await shown.text(".dialog .notice")
            await shown.page.select_option("#sl-rule", "ring")
            await shown.page.click("[data-act=count]")
            await shown.page.wait_for_selector('.dialog .notice:has-text("没有成立的违规")')
            await shown.page.select_option("#sl-rule", "")
            await shown.page.click("[data-act=count]")
            await shown.page.click('.dialog [type=submit]:has-text("2")')
            await said(shown, "已撤销 2 条")


async def test_a_roster_with_a_mistake_in_line_3_is_told_and_imports_nothing(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        before = len(await made.made.store.duties(0, 1 << 62))
        await shown.page.click("[data-tab=roster]")
        await shown.page.click('.sl-page-top .button:has-text("导入 CSV")')
        file = {"name": "值班表.csv", "mimeType": "text/csv"}
        await shown.page.set_input_files(
            ".sl-file input", {**file, "buffer": BAD_ROSTER.encode("gb18030")}
        )
        await shown.page.wait_for_selector('.sl-mistakes [data-line="3"]')
        mistakes = await shown.text(".sl-mistakes")
        assert "1 处错误，什么都没有导入" in mistakes
        assert "3 | 2026-03-02,8点到12点,2002" in mistakes
        assert len(await made.made.store.duties(0, 1 << 62)) == before
        mended = BAD_ROSTER.replace("8点到12点", "08:00-12:00")
        await shown.page.set_input_files(".sl-file input", {**file, "buffer": mended.encode()})
        await said(shown, "已导入 4 个班次")
        assert len(await made.made.store.duties(0, 1 << 62)) == before + 4


async def test_a_split_shift_is_added_and_taken_out_in_the_week(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        await shown.page.click("[data-tab=roster]")
        await shown.page.wait_for_selector(".sl-week")
        await shown.page.click('[data-team=""] td:last-child .sl-add')
        await shown.page.select_option("#sl-duty-login", NEXT_LEADER.login)
        await shown.page.fill("#sl-duty-hours", "8点")
        await shown.page.press("#sl-duty-hours", "Enter")
        await shown.page.wait_for_selector('[data-place="hours"][data-wrong=yes] .field-error')
        await shown.page.fill("#sl-duty-hours", "08:00-12:00 14:00-18:00")
        await shown.page.press("#sl-duty-hours", "Enter")
        await said(shown, "值班表已保存")
        chips = shown.page.locator('[data-team=""] td:last-child .sl-duty-chip')
        assert await chips.count() == 2
        await chips.first.click()
        await shown.page.click(".sl-remove")
        await said(shown, "已从值班表删除")
        assert await chips.count() == 1


async def test_a_handover_keeps_its_draft_and_is_confirmed_by_another(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made:
        async with at_shift(open_page, made.url) as shown:
            await shown.page.click("[data-tab=handover]")
            await shown.page.fill("#sl-log", "煤气泄漏已通知燃气公司，等待答复。")
            await shown.page.reload()
            await shown.page.wait_for_selector("[data-tab=handover]")
            await shown.page.click("[data-tab=handover]")
            assert "煤气泄漏" in await shown.page.input_value("#sl-log")
            await shown.page.wait_for_selector(f".sl-open-list {row(made.orders['urgent'])}")
            await shown.page.select_option("#sl-give-to", NEXT_LEADER.login)
            await shown.page.click(".sl-give [type=submit]")
            await said(shown, "已交班")
            assert await shown.page.locator("[data-act=confirm]").count() == 0
            assert "等待接班人确认" in await shown.text(".sl-earlier")
        async with at_shift(open_page, made.url, login=NEXT_LEADER.login) as shown:
            assert "王班长 2001 向您交班" in await shown.text(".sl-errand")
            await shown.page.click(".sl-errand .button")
            assert "煤气泄漏已通知燃气公司" in await shown.text(".sl-take")
            await shown.page.click("[data-act=confirm]")
            await said(shown, "已接班")
        handovers = await made.made.store.handovers(None, 10)
        assert [one.confirmed_by for one in handovers] == [NEXT_LEADER.login]


async def log_out(shown: Shown) -> None:
    await shown.page.click(".account-name")
    await shown.page.click("[data-does=log_out]")
    await shown.page.wait_for_selector("#login", timeout=PATIENCE_MS)


async def log_in(shown: Shown, login: str) -> None:
    await shown.page.fill("#login", login)
    await shown.page.fill("#password", PASSWORD)
    await shown.page.press("#password", "Enter")
    await shown.page.wait_for_selector(".sl-list", timeout=PATIENCE_MS)


async def test_who_logs_out_leaves_nothing_typed_and_finds_it_again(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        order = made.orders["forwarded"]
        await open_order(shown, order)
        await shown.page.keyboard.press("d")
        await shown.page.fill("#sl-step-text", "请今天派人查看")
        await shown.page.keyboard.press("Escape")
        await shown.page.click("[data-tab=handover]")
        await shown.page.fill("#sl-log", "煤气泄漏已通知燃气公司")
        await log_out(shown)
        kept = await shown.page.evaluate("JSON.stringify({...localStorage})")
        assert "请今天派人查看" not in kept
        assert "煤气泄漏" not in kept
        await log_in(shown, NEXT_LEADER.login)
        await shown.page.click("[data-tab=handover]")
        assert await shown.page.input_value("#sl-log") == ""
        await log_out(shown)
        await log_in(shown, LEADER.login)
        await shown.page.click("[data-tab=handover]")
        assert await shown.page.input_value("#sl-log") == "煤气泄漏已通知燃气公司"
        await shown.page.click("[data-tab=inbox]")
        await open_order(shown, order)
        await shown.page.keyboard.press("d")
        assert await shown.page.input_value("#sl-step-text") == "请今天派人查看"
        # What was sent is nowhere any more.
        await shown.page.select_option("#sl-step-unit", "water")
        await shown.page.keyboard.press("Control+Enter")
        await said(shown, "已派单")
        me = await shown.page.request.get(f"{made.url}api/me")
        assert list((await me.json())["settings"]["drafts"]) == ["log "]


async def test_search_finds_chinese_words_and_offers_the_files(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        await shown.page.keyboard.press("/")
        await shown.page.wait_for_selector("#sl-q:focus")
        await shown.page.keyboard.type("停水")
        await shown.page.keyboard.press("Enter")
        await shown.until(
            "document.querySelectorAll('.sl-results tbody tr').length === 1", "one is found"
        )
        assert "整栋停水" in await shown.text(".sl-results tbody")
        async with shown.page.expect_download() as download:
            await shown.page.click('.sl-filter-acts a[download="orders.csv"]')
        path = await (await download.value).path()
        content = await asyncio.to_thread(Path(path).read_text, encoding="utf-8-sig")
        assert "整栋停水" in content
        assert "煤气泄漏" not in content


async def test_a_leader_mends_an_order_and_is_shown_what_another_wrote(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        order = made.orders["urgent"]
        await open_order(shown, order)
        await shown.page.keyboard.press("e")
        entry = '[data-field="fields.event"] :is(input, textarea)'
        await shown.page.fill(entry, "煤气泄漏，有异味")
        await made.made.done(AGENT, order, Edit(fields={"event": "煤气泄漏三小时"}))
        await shown.page.keyboard.press("Control+Enter")
        await shown.page.wait_for_selector('.conflict [data-clash="fields.event"]')
        assert "煤气泄漏三小时" in await shown.text(".conflict")


async def test_who_leads_no_shift_is_told_and_led_on(open_page: OpenPage, tmp_path: Path) -> None:
    async with (
        world(tmp_path) as made,
        at_shift(open_page, made.url, login=AGENT.login, wait_for=".sl-no-right") as shown,
    ):
        assert "话务员" in await shown.text(".sl-no-right")
        assert await shown.page.locator('.sl-no-right a[href="./desk"]').count() == 1
        assert await shown.page.locator('.sl-no-right a[href="./"]').count() == 0


async def test_all_of_it_in_english(open_page: OpenPage, tmp_path: Path) -> None:
    async with shift_world(tmp_path) as made:
        await appealed(made.made, "线路故障")
        async with at_shift(open_page, made.url, locale="en-GB") as shown:
            await shown.page.wait_for_selector(".sl-urgent")
            assert "told 1 time: 王班长 2001" in await shown.text(".sl-urgent")
            for tab in ("orders", "appeals", "roster", "handover", "inbox"):
                await shown.page.click(f"[data-tab={tab}]")
                await shown.page.wait_for_selector(".sl-body main h2, .sl-filters")
            await open_order(shown, made.orders["forwarded"])
            await shown.page.keyboard.press("d")
            assert "Responsible unit" in await shown.text(".dialog")
            await shown.page.keyboard.press("Escape")
            await shown.page.keyboard.press("?")
            assert "Acknowledge" in await shown.text(".dialog")


async def test_a_lost_feed_greys_the_page_and_says_since_when(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        await shown.page.wait_for_selector(".sl-urgent")
        await shown.page.context.set_offline(True)
        await made.made.live.close()
        await shown.page.wait_for_selector(".app[data-stale=yes] .banner", timeout=PATIENCE_MS)
        assert re.search(r"\d\d:\d\d:\d\d", await shown.text(".banner"))


async def test_a_leader_completes_an_urgent_order_and_what_is_missing_is_named(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with shift_world(tmp_path) as made, at_shift(open_page, made.url) as shown:
        order = made.orders["urgent"]
        await open_order(shown, order)
        await shown.page.keyboard.press("d")
        await said(shown, "现在不能派单")
        await shown.page.keyboard.press("f")
        await shown.page.wait_for_selector('.sl-panel .order-missing:has-text("诉求")')
        entry = '[data-field="fields.demand"] :is(input, textarea)'
        await shown.page.wait_for_selector(f"{entry}:focus")
        await shown.page.keyboard.type("立即抢修")
        await shown.page.keyboard.press("Escape")
        await shown.page.keyboard.press("f")
        await said(shown, "工单已完成")
        await shown.page.wait_for_selector('[data-step="dispatch"]')
        done = await made.made.store.order(order)
        assert done is not None
        assert done.state == "forwarded"
        assert done.fields["demand"] == "立即抢修"


async def test_a_faulty_phone_is_mended_by_one_press(open_page: OpenPage, tmp_path: Path) -> None:
    async with shift_world(tmp_path) as made:
        await made.made.presence.report_fault(AGENT, "main", "PJSIP/8003", "听筒有杂音")
        async with at_shift(open_page, made.url) as shown:
            faults = '[data-section="faults"]'
            await shown.page.wait_for_selector(f"{faults} .sl-row")
            assert "听筒有杂音" in await shown.text(faults)
            await shown.page.click(f"{faults} .button")
            await said(shown, "已修好")
            await shown.until(
                f"document.querySelector('{faults}') === null", "nothing waits for repair"
            )
        assert not await made.made.store.faults(open_only=True)
