"""The agent's desk and the login page, in a real Chromium, before the real server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from agentd.core.order_model import Edit
from tests.browser.conftest import PATIENCE_MS, OpenPage, eventually
from tests.browser.desk_hands import (
    at_desk,
    at_login,
    entry,
    in_hand,
    log_in,
    open_order,
    place,
    rest,
)
from tests.browser.desk_world import (
    AGENT,
    LEADER,
    World,
    signed_in,
    world,
)

pytestmark = pytest.mark.browser

# Of a hold of 30 s that began 5 s ago: what is shown is rounded up and a tenth of a second late.
MOST_LEFT = 26


# --- login -----------------------------------------------------------------------------------


async def test_wrong_password_then_right_one_leads_where_one_wanted(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with world(tmp_path) as made, at_login(open_page, made) as shown:
        await log_in(shown, password="wrong")
        await shown.page.wait_for_selector(".problem")
        assert "工号或密码不对" in await shown.text(".login-said")
        assert await shown.page.input_value("#login") == AGENT.login
        await log_in(shown)
        await shown.page.wait_for_url(f"{made.url}desk")
        await shown.page.wait_for_selector(".sign-in")


async def test_too_many_tries_are_told_in_plain_words(open_page: OpenPage, tmp_path: Path) -> None:
    async with world(tmp_path) as made, at_login(open_page, made) as shown:
        for _ in range(30):
            await log_in(shown, password="wrong")
            await shown.until(
                "document.querySelector('.login-submit').textContent === '登录'", "answered"
            )
            if "请等" in await shown.text(".login-said"):
                break
        assert re.search(r"请等 \d+ 秒", await shown.text(".login-said"))
        assert await shown.page.is_disabled(".login-submit")


async def test_a_stranger_is_not_sent_to_another_site(open_page: OpenPage, tmp_path: Path) -> None:
    async with (
        world(tmp_path) as made,
        at_login(open_page, made, next_="//evil.example/desk") as shown,
    ):
        await log_in(shown)
        await shown.page.wait_for_url(f"{made.url}desk")


async def test_log_out_ends_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    async with signed_in(tmp_path) as made, at_desk(open_page, made) as shown:
        await shown.page.click(".account-name")
        await shown.page.click(".account-panel [data-does=log_out]")
        await shown.page.wait_for_selector("#login")
        await shown.page.goto(f"{made.url}desk")
        await shown.page.wait_for_selector("#login")


# --- the seat --------------------------------------------------------------------------------


async def test_sign_in_after_the_phone_check_pause_and_sign_out_with_what_is_owed(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with world(tmp_path) as made:
        order = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        async with at_login(open_page, made) as shown:
            await log_in(shown)
            await shown.page.wait_for_selector(".seat-choice")
            await shown.page.click(".seat-choice:has-text('8003')")
            assert "话机未注册" in await shown.text(".checks")
            await shown.page.click(".seat-choice:has-text('8001')")
            assert "话机已注册" in await shown.text(".checks")
            await shown.page.click(".sign-in-actions [data-kind=primary]")
            await shown.page.wait_for_selector(".seat-bar")
            made.seat(person=AGENT.login, agent=AGENT.name, since=made.now())
            await rest(shown)
            await shown.page.keyboard.press("r")
            await shown.page.wait_for_selector(".seat-bar[data-ready=yes]")
            await shown.page.keyboard.press("z")
            await shown.page.wait_for_selector("#pauses:not([hidden])")
            await shown.page.click("#pauses >> text=就餐")
            await shown.page.wait_for_selector(".seat-bar[data-ready=no]")
            assert "就餐" in await shown.text(".pause > button")
            await shown.page.click(".seat-bar >> text=签出")
            assert "1 张工单" in await shown.text(".dialog")
            await shown.page.click(".dialog [data-kind=primary]")
            await shown.page.wait_for_selector(".sign-in")
            assert made.presence.my_seat(AGENT) is None
            found = await made.store.order(order)
            assert found is not None
            assert found.owner == AGENT.login


# --- the call --------------------------------------------------------------------------------


async def test_a_call_rings_is_answered_and_its_order_is_open(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        earlier = await made.order(made.next_call(), opened_ago_s=900, ended_ago_s=800)
        await made.done(AGENT, earlier, Edit(category="praise", fields={"event": "热心"}))
        async with at_desk(open_page, made) as shown:
            call = made.rings(ago_s=1)
            await shown.page.wait_for_selector(".strip[data-state=ringing]")
            assert "13912345678" in await shown.text(".strip-caller")
            await shown.page.wait_for_selector(f'[data-earlier="{earlier}"]')
            assert "热心" in await shown.text(".earlier")
            await shown.until("document.title.includes('振铃')", "the title says that it rings")
            before = await shown.seconds(".strip-figure")
            await shown.until(
                f"Number(document.querySelector('.strip-figure').textContent) < {before}",
                "the ring limit counts down",
            )
            order = await made.answers(call)
            await in_hand(shown, order)
            # The words for a hold are there before the hold.
            assert "请您稍等一下" in await shown.text(".strip-words")
            await shown.page.keyboard.press("y")
            await eventually(lambda: made.live.seq > 0, "the stream runs")
            await shown.page.wait_for_selector(".said-line:has-text('同意')")
            found = await made.store.order(order)
            assert found is not None
            assert [consent.by for consent in found.consents] == [AGENT.login]
            await shown.page.keyboard.press("s")
            await shown.page.wait_for_selector("[data-exception=silent_call][aria-pressed=true]")


async def test_the_hold_counts_down_warns_and_is_breached(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made, at_desk(open_page, made) as shown:
        await made.answers(made.rings())
        strip = await shown.page.locator(".strip").bounding_box()
        made.holds(ago_s=5)
        await shown.page.wait_for_selector(".strip[data-state=holding][data-strength=calm]")
        assert "让您久等了" in await shown.text(".strip-words")
        assert 0 < await shown.seconds("[data-testid=countdown]") <= MOST_LEFT
        made.holds(ago_s=21)
        made.alert("warning", "hold", value=20.0)
        await shown.page.wait_for_selector(".strip[data-strength=warning]")
        await shown.until("document.title.startsWith('⚠ 预警')", "the title warns")
        await shown.until("document.documentElement.dataset.sounded === 'warning'", "one hears it")
        made.holds(ago_s=32)
        made.alert("breach", "hold", value=30.0)
        await shown.page.wait_for_selector(".strip[data-strength=breach]")
        assert "请立即回到客户" in await shown.text(".strip-clock")
        await shown.until("document.title.startsWith('‼ 超时')", "the title says so")
        await shown.until("document.documentElement.dataset.sounded === 'breach'", "one hears it")
        assert await shown.page.locator(".strip").bounding_box() == strip
        made.seat(state="talking", since=made.now() - 60, clock=None)
        await shown.page.wait_for_selector(".strip-words[data-moment=after_hold]")


async def test_the_chosen_sound_is_kept_with_the_account(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made, at_desk(open_page, made) as shown:
        await shown.page.click("[aria-label='声音与通知']")
        await shown.page.click("[data-sound=off]")
        await shown.page.wait_for_selector("[data-sound=off][aria-pressed=true]")
        await shown.page.wait_for_load_state("networkidle")
        await shown.page.reload()
        await shown.page.wait_for_selector(".strip")
        made.alert("breach", "hold")
        await shown.page.click("[aria-label='声音与通知']")
        await shown.page.wait_for_selector("[data-sound=off][aria-pressed=true]")
        assert await shown.page.evaluate("document.documentElement.dataset.sounded") is None


async def test_typing_keeps_the_focus_and_the_form_when_a_call_comes(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), "13800001111", ended_ago_s=60, opened_ago_s=90)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("3")
            await shown.page.click(entry("fields.event"))
            await shown.page.keyboard.type("yu1")
            call = made.rings()
            await shown.page.wait_for_selector(".strip[data-state=ringing]")
            await shown.page.keyboard.type("suo")
            order = await made.answers(call)
            await shown.page.wait_for_selector(".strip-open")
            await shown.page.keyboard.type("2")
            assert await shown.page.input_value(entry("fields.event")) == "yu1suo2"
            # The key inside a text field, when the agent wants it.
            await shown.page.keyboard.press("Alt+o")
            await in_hand(shown, order)
            await open_order(shown, owed)
            assert await shown.page.input_value(entry("fields.event")) == "yu1suo2"


async def test_a_browser_clock_that_is_an_hour_wrong_changes_no_clock(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=300, opened_ago_s=400)
        async with at_login(open_page, made) as shown:
            await shown.page.add_init_script(
                "{ const now = Date.now; Date.now = () => now() + 3600_000; }"
            )
            await log_in(shown)
            await shown.page.wait_for_selector(f'[data-order="{owed}"] .owed-due')
            await shown.until("document.querySelector('.owed-due').textContent !== ''", "due time")
            due = await shown.text(f'[data-order="{owed}"] .owed-due')
            left = re.fullmatch(r"剩 (\d+):(\d\d)", due)
            assert left is not None, due
            # Ten minutes are left; however slow the machine, it is not an hour off.
            assert 0 < int(left[1]) < 10 or left[0] == "剩 10:00"
            made.holds(ago_s=5)
            await shown.page.wait_for_selector(".strip[data-state=holding]")
            assert 0 < await shown.seconds("[data-testid=countdown]") <= MOST_LEFT


# --- the order -------------------------------------------------------------------------------


async def test_an_incomplete_order_names_the_field_and_keeps_the_draft(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("3")
            await shown.page.fill(entry("fields.place"), "建国路 88 号")
            await shown.page.fill(entry("fields.event"), "停水两天")
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(f"{place('fields.against')}[data-wrong=yes]")
            assert "被投诉单位或人员" in await shown.text(place("fields.against"))
            assert "还差 2 项" in await shown.text(".order-missing")
            await shown.until(
                "document.activeElement.closest('[data-field]')?.dataset.field"
                " === 'fields.against'",
                "the focus is where something is missing",
            )
            assert await shown.page.input_value(entry("fields.event")) == "停水两天"
            found = await made.store.order(owed)
            assert found is not None
            assert (found.state, found.version) == ("open", 2)
            await shown.page.fill(entry("fields.against"), "某物业")
            await shown.page.fill(entry("fields.demand"), "尽快恢复供水")
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(".said-line:has-text('已完成')")
            await shown.page.wait_for_selector(f'[data-order="{owed}"]', state="detached")
        found = await made.store.order(owed)
        assert found is not None
        assert found.state == "forwarded"
        assert found.title == "建国路 88 号 停水两天"
        await eventually_no_draft(made, owed)


async def eventually_no_draft(made: World, order: str) -> None:
    """The server's draft goes with the order's completion."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while await made.store.draft(order, AGENT.login) is not None:
            await asyncio.sleep(0.05)


async def test_a_draft_survives_a_reload_and_is_on_the_server_too(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("4")
            await shown.page.fill(entry("fields.place"), "第一次")
            # At once: nothing is waited for.
            await shown.page.reload()
            await open_order(shown, owed)
            assert await shown.page.input_value(entry("fields.place")) == "第一次"
            await shown.page.wait_for_selector(".draft-state[data-kept=server]")
            # As on another computer, where this browser's memory is not.
            await shown.page.evaluate("localStorage.clear()")
            await shown.page.reload()
            await open_order(shown, owed)
            assert await shown.page.input_value(entry("fields.place")) == "第一次"
        found = await made.store.order(owed)
        assert found is not None
        assert found.category is None


async def test_two_editors_see_the_difference_and_nothing_is_overwritten(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        start = {"place": "建国路", "event": "停水", "demand": "供水"}
        await made.done(AGENT, owed, Edit(category="complaint", fields=start))
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await shown.page.fill(entry("fields.event"), "停水三天")
            await shown.page.fill(entry("fields.place"), "建国路 88 号")
            theirs = {"event": "停水两天", "place": "光华路", "against": "某物业"}
            await made.done(LEADER, owed, Edit(fields=theirs))
            await shown.page.wait_for_selector(".order-clash")
            assert await shown.page.input_value(entry("fields.event")) == "停水三天"
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(".conflict")
            assert LEADER.login in await shown.text(".conflict")
            event = await shown.text("[data-clash='fields.event']")
            for word in ("事件", "停水", "停水三天", "停水两天"):
                assert word in event
            assert "某物业" in await shown.text(".conflict .lines")
            assert await shown.page.is_disabled(".conflict [data-kind=primary]")
            await shown.page.check("[data-clash='fields.event'] input[value=mine]")
            await shown.page.check("[data-clash='fields.place'] input[value=theirs]")
            await shown.page.click(".conflict [data-kind=primary]")
            await shown.page.wait_for_selector(".said-line:has-text('已完成')")
        found = await made.store.order(owed)
        assert found is not None
        assert found.state == "forwarded"
        assert found.fields == {
            "place": "光华路",
            "event": "停水三天",
            "demand": "供水",
            "against": "某物业",
        }


async def test_what_others_changed_elsewhere_is_told_and_taken_in(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        await made.done(AGENT, owed, Edit(category="help", fields={"place": "建国路"}))
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await shown.page.fill(entry("fields.event"), "老人走失")
            await made.done(LEADER, owed, Edit(fields={"place": "光华路"}))
            await shown.until(
                "document.querySelector('[data-field=\"fields.place\"] input').value === '光华路'",
                "their change is shown",
            )
            assert "他人已修改：地点" in await shown.text(".order .notice")
            await shown.page.keyboard.press("Control+s")
            await shown.page.wait_for_selector(".said-line:has-text('已保存')")
        found = await made.store.order(owed)
        assert found is not None
        assert found.fields == {"place": "光华路", "event": "老人走失"}


async def test_a_consultation_asks_for_what_its_reply_mode_needs(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("1")
            await shown.page.fill(entry("fields.event"), "社保怎么办理")
            await shown.page.click("[data-mode=direct]")
            await shown.page.fill(entry("reply.content"), "带身份证到窗口办理")
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(f"{place('reply.basis')}[data-wrong=yes]")
            await shown.page.fill(entry("reply.basis"), "知识库 1024")
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(".said-line:has-text('已完成')")
        found = await made.store.order(owed)
        assert found is not None
        assert found.reply is not None
        assert (found.state, found.reply.basis) == ("completed", "知识库 1024")


async def test_urgent_with_nobody_on_duty_call_back_promise_and_note(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await made.order(made.next_call(), ended_ago_s=60, opened_ago_s=90)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("u")
            await shown.page.wait_for_selector(".urgent-handle", timeout=PATIENCE_MS)
            await shown.page.select_option("#urgent-unit", "water")
            assert "01087654321" in await shown.text(".urgent-handle")
            await shown.page.fill("#urgent-process", "已致电自来水公司王工")
            await shown.page.fill("#urgent-method", "抢修队一小时内到场")
            await shown.page.click(".urgent-handle [type=submit]")
            await shown.page.wait_for_selector(".urgent-part:has-text('抢修队')")
            await rest(shown)
            await shown.page.keyboard.press("p")
            await shown.page.fill("#promise-text", "告知抢修进度")
            await shown.page.click(".dialog .choices .button:has-text('2 小时后')")
            await shown.page.click(".dialog [type=submit]")
            await shown.page.wait_for_selector(".part:has-text('告知抢修进度')")
            await rest(shown)
            await shown.page.keyboard.press("n")
            await shown.page.fill("#dialog-text", "来电人情绪激动")
            await shown.page.keyboard.press("Control+Enter")
            await shown.page.wait_for_selector(".part:has-text('来电人情绪激动')")
            await rest(shown)
            await shown.page.keyboard.press("d")
            await shown.page.wait_for_selector(".said-line:has-text('电话程序')")
        found = await made.store.order(owed)
        assert found is not None
        assert found.urgent is not None
        assert found.urgent.handled_by == AGENT.login
        assert found.promise is not None
        assert 5400 < found.promise.due_us / 1_000_000 - made.now() < 7300
