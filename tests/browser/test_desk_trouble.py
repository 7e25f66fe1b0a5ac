"""The desk on a bad day: shared computers, two tabs, lost links, restarts, hundreds of orders."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agentd.clock import wall_us
from agentd.core.effects import OrderChanged
from agentd.core.people import Person
from tests.browser import scenes
from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.browser.desk_hands import (
    at_desk,
    at_login,
    entry,
    in_hand,
    log_in,
    open_order,
    rest,
)
from tests.browser.desk_world import (
    AGENT,
    CALLER,
    COLLEAGUE,
    DUE_US,
    PASSWORD,
    SECOND_US,
    World,
    signed_in,
    world,
)
from tests.free_ports import free_port

pytestmark = pytest.mark.browser

# Controls in sight that a screen reader could not name.
UNNAMED = """() => [...document.querySelectorAll(
  'button, a[href], input:not([type=hidden]), select, textarea, summary, audio')]
  .filter(e => e.offsetParent !== null)
  .filter(e => !(e.getAttribute('aria-label') || e.getAttribute('title')
    || [...(e.labels ?? [])].some(l => l.textContent.trim())
    || document.getElementById(e.getAttribute('aria-labelledby') ?? '')?.textContent.trim()
    || (!['INPUT', 'SELECT', 'TEXTAREA'].includes(e.tagName) && e.textContent.trim())))
  .map(e => e.outerHTML.slice(0, 200))"""

# How the focused element looks, and where it is.
FOCUSED = """() => { const e = document.activeElement, s = getComputedStyle(e);
  return { at: e.outerHTML.slice(0, 160), body: e === document.body,
    seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none',
    inside: e.closest('[data-dialog]') !== null }; }"""


def drafts_here(login: str) -> str:
    """JavaScript: how many drafts of ``login`` this browser keeps."""
    prefix = json.dumps(f"agentd.draft {login} ")
    return f"Object.keys(localStorage).filter(k => k.startsWith({prefix})).length"


async def owed_order(made: World, caller: str = CALLER, agent: Person = AGENT) -> str:
    return await made.order(made.next_call(), caller, agent=agent, ended_ago_s=60, opened_ago_s=90)


async def log_out(shown: Shown) -> None:
    await shown.page.click(".account-name")
    await shown.page.click("[data-does=log_out]")


# --- what the working day asks for -----------------------------------------------------------


async def test_several_numbers_and_orders_merged_into_one(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        first = await owed_order(made)
        again = await owed_order(made)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, again)
            await shown.page.fill(".inline-form [type=tel]", "010-87654321")
            await shown.page.fill(".inline-form input:not([type=tel])", "单位电话")
            await shown.page.press(".inline-form input:not([type=tel])", "Enter")
            await shown.page.wait_for_selector(".numbers li:has-text('单位电话')")
            await rest(shown)
            # Two numbers now: which one is asked.
            await shown.page.keyboard.press("d")
            await shown.page.wait_for_selector(".dialog .pick-list li:nth-child(2)")
            await shown.page.keyboard.press("Escape")
            await shown.page.click(".numbers li:has-text('单位电话') .control")
            await shown.page.wait_for_selector(".numbers li:has-text('单位电话')", state="detached")
            await rest(shown)
            await shown.page.keyboard.press("4")
            await shown.page.fill(entry("fields.event"), "再次来电催问")
            await rest(shown)
            await shown.page.keyboard.press("m")
            await shown.page.wait_for_selector(".dialog .pick-list")
            # The first choice has the focus; nothing else may be merged with.
            assert await shown.page.locator(".dialog .pick-list li").count() == 1
            await shown.page.keyboard.press("Enter")
            await shown.page.wait_for_selector(f'[data-order="{again}"]', state="detached")
            # The order that goes on is in hand, with what was typed into the other kept.
            await in_hand(shown, first)
        merged, whole = await made.store.order(again), await made.store.order(first)
        assert merged is not None
        assert whole is not None
        assert (merged.state, merged.merged_into) == ("merged", first)
        assert whole.state == "open"
        assert merged.fields == {"event": "再次来电催问"}


async def test_a_faulty_phone_is_reported_and_the_own_password_changed(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with world(tmp_path) as made, at_login(open_page, made) as shown:
        await log_in(shown)
        await shown.page.click(".seat-choice:has-text('8003')")
        await shown.page.click(".sign-in-actions >> text=报修话机")
        await shown.page.fill("#dialog-text", "听筒没有声音")
        await shown.page.keyboard.press("Control+Enter")
        await shown.page.wait_for_selector(".said-line:has-text('已报修')")
        faults = await made.store.faults(open_only=True)
        assert [(fault.seat, fault.text) for fault in faults] == [("PJSIP/8003", "听筒没有声音")]

        await shown.page.click(".account-name")
        await shown.page.click("[data-does=password]")
        for old, new, again, told in (
            (PASSWORD, "another horse 8", "another hose 8", "不一样"),
            ("wrong", "another horse 8", "another horse 8", "原密码不对"),
        ):
            await shown.page.fill("#password-old", old)
            await shown.page.fill("#password-new", new)
            await shown.page.fill("#password-again", again)
            await shown.page.keyboard.press("Enter")
            await shown.page.wait_for_selector(f".dialog .problem:has-text('{told}')")
        await shown.page.fill("#password-old", PASSWORD)
        await shown.page.keyboard.press("Enter")
        await shown.page.wait_for_selector(".dialog >> text=密码已修改")
        await shown.page.keyboard.press("Escape")
        # All sessions have ended, and this browser has a new one: the page goes on.
        await shown.page.wait_for_selector(".app[data-stale=no]", timeout=PATIENCE_MS)
        assert shown.page.url.endswith("/desk")
        await log_out(shown)
        await shown.page.wait_for_selector("#login")
        await log_in(shown, password="another horse 8")
        await shown.page.wait_for_selector(".sign-in")


async def test_the_wait_while_consulting_counts_up_and_accuses_nobody(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made, at_desk(open_page, made) as shown:
        await made.answers(made.rings())
        for ago_s, strength in ((12.0, "calm"), (31.0, "warning"), (300.0, "warning")):
            from_s = made.now() - ago_s
            clock = {
                "rule": "consult",
                "from": from_s,
                "warn_at": from_s + 30,
                "breach_at": None,
                "ring_cycle_s": None,
                "stopped": False,
            }
            made.seat(state="holding", since=from_s, clock=clock)
            await shown.page.wait_for_selector(f".strip[data-strength={strength}]")
            await shown.until(
                "document.querySelector('[data-testid=countdown]').textContent.split(':')"
                f".reduce((all, part) => all * 60 + Number(part), 0) >= {int(ago_s)}",
                "it counts up",
            )
            assert "客户等待您咨询" in await shown.text(".strip-clock")
            assert "上限" not in await shown.text(".strip-clock")


# --- shared computers, several tabs ----------------------------------------------------------


async def test_who_logs_out_leaves_no_draft_and_the_next_one_sees_none(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        owed = await owed_order(made)
        theirs = await owed_order(made, agent=COLLEAGUE)
        async with at_desk(open_page, made) as shown:
            await open_order(shown, owed)
            await rest(shown)
            await shown.page.keyboard.press("4")
            await shown.page.fill(entry("fields.event"), "老人走失")
            # At once: the draft is not on the server yet.
            await log_out(shown)
            await shown.page.wait_for_selector("#login")
            assert await shown.page.evaluate(drafts_here(AGENT.login)) == 0
            kept = await made.store.draft(owed, AGENT.login)
            assert kept is not None
            assert kept["mine"]["fields.event"] == "老人走失"

            await log_in(shown, COLLEAGUE.login)
            await shown.page.click(".tab >> text=工单")
            await open_order(shown, theirs)
            assert "老人走失" not in await shown.page.content()
            await log_out(shown)
            await shown.page.wait_for_selector("#login")

            await log_in(shown)
            await open_order(shown, owed)
            assert await shown.page.input_value(entry("fields.event")) == "老人走失"

            # The server does not take it: the person is told, and it stays.
            await shown.page.route("**/draft", lambda route: route.fulfill(status=503))
            await shown.page.fill(entry("fields.event"), "老人已找到")
            await log_out(shown)
            await shown.page.wait_for_selector(".dialog:has-text('1 份草稿')")
            await shown.page.click(".dialog >> text=仍然退出")
            await shown.page.wait_for_selector("#login")
            assert await shown.page.evaluate(drafts_here(AGENT.login)) == 1
            await shown.page.unroute("**/draft")
            await log_in(shown, COLLEAGUE.login)
            await shown.page.click(".tab >> text=工单")
            await open_order(shown, theirs)
            assert "老人已找到" not in await shown.page.content()
            # Nor does agentd answer at all: one is still logged in, and is told so.
            await shown.page.context.set_offline(True)
            await log_out(shown)
            await shown.page.wait_for_selector(".dialog:has-text('登录仍然有效')")
            await shown.page.context.set_offline(False)
            await shown.page.click(".dialog >> text=再试一次")
            await shown.page.wait_for_selector("#login")
            await log_in(shown)
            await open_order(shown, owed)
            assert await shown.page.input_value(entry("fields.event")) == "老人已找到"


async def test_two_tabs_of_one_desk_write_one_order(open_page: OpenPage, tmp_path: Path) -> None:
    async with signed_in(tmp_path) as made:
        owed = await owed_order(made)
        async with at_desk(open_page, made) as shown:
            other = Shown(await shown.page.context.new_page(), shown.notes)
            await other.page.goto(f"{made.url}desk")
            await other.page.wait_for_selector(".strip .strip-state")
            await open_order(shown, owed)
            await open_order(other, owed)
            await rest(shown)
            await shown.page.keyboard.press("4")
            await shown.page.fill(entry("fields.place"), "建国路")
            await other.until(
                "document.querySelector('[data-field=\"fields.place\"] input')?.value === '建国路'",
                "the other tab shows it",
            )
            await other.page.fill(entry("fields.event"), "老人走失")
            await shown.until(
                'document.querySelector(\'[data-field="fields.event"]'
                " :is(input, textarea)').value === '老人走失'",
                "and the first one what was typed there",
            )
            await shown.page.keyboard.press("Control+s")
            await shown.page.wait_for_selector(".said-line:has-text('已保存')")
            await other.page.wait_for_selector(".draft-state[data-kept=nothing]")
            assert await other.page.input_value(entry("fields.event")) == "老人走失"
            assert await other.page.locator(".order-clash, .order .problem").count() == 0
            await other.page.close()
        found = await made.store.order(owed)
        assert found is not None
        assert (found.fields["place"], found.fields["event"]) == ("建国路", "老人走失")


# --- lost links, wrong clocks, restarts ------------------------------------------------------


async def test_a_hold_goes_on_after_a_reload_and_greys_while_asterisk_is_away(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made, at_login(open_page, made) as shown:
        # A clock that is an hour slow; the fast one has a test of its own.
        await shown.page.add_init_script(
            "{ const now = Date.now; Date.now = () => now() - 3600_000; }"
        )
        await log_in(shown)
        await shown.page.wait_for_selector(".strip .strip-state")
        order = await made.answers(made.rings())
        await in_hand(shown, order)
        made.holds(ago_s=5)
        await shown.page.wait_for_selector(".strip[data-state=holding]")
        await shown.page.reload()
        await shown.page.wait_for_selector(".strip[data-state=holding]")
        assert 0 <= await shown.seconds("[data-testid=countdown]") <= 26
        await in_hand(shown, order)

        lost = made.now()
        made.show("pbx:main", scenes.pbx(link="down", since=lost, reason="closed"))
        clock = {**made.board["seat:main/PJSIP/8001"]["clock"], "stopped": True}
        made.seat(clock=clock, gap=True)
        await shown.page.wait_for_selector(".strip[data-stopped=yes]")
        assert re.search(r"自 \d\d:\d\d:\d\d 起", await shown.text(".banner"))
        assert await shown.page.locator("[data-testid=countdown]").count() == 0
        await shown.page.keyboard.press("3")
        await shown.page.fill(entry("fields.place"), "断线时录入")
        await shown.page.wait_for_selector(".draft-state[data-kept=server]")
        made.show("pbx:main", scenes.pbx())
        made.seat(state="talking", since=made.now(), clock=None, gap=False)
        await shown.page.wait_for_selector(".strip[data-stopped=no][data-state=talking]")
        await shown.page.wait_for_selector(".banner", state="detached")
        assert await shown.page.input_value(entry("fields.place")) == "断线时录入"


async def test_a_restarted_agentd_gets_what_was_typed_meanwhile(
    open_page: OpenPage, tmp_path: Path
) -> None:
    port = free_port()
    before = signed_in(tmp_path, port=port)
    made = await before.__aenter__()
    owed = await owed_order(made)
    async with at_desk(open_page, made) as shown:
        await open_order(shown, owed)
        await rest(shown)
        await shown.page.keyboard.press("4")
        await shown.page.fill(entry("fields.place"), "建国路")
        await before.__aexit__(None, None, None)
        await shown.page.wait_for_selector(".app[data-stale=yes] .banner", timeout=PATIENCE_MS)
        await shown.page.fill(entry("fields.event"), "老人走失")
        async with world(tmp_path, port=port) as again:
            again.seat(person=AGENT.login, agent=AGENT.name, state="available")
            await shown.page.wait_for_selector(".app[data-stale=no]", timeout=PATIENCE_MS)
            await shown.page.wait_for_selector(
                ".draft-state[data-kept=server]", timeout=PATIENCE_MS
            )
            assert await shown.page.input_value(entry("fields.place")) == "建国路"
            assert await shown.page.input_value(entry("fields.event")) == "老人走失"
            await shown.page.keyboard.press("Control+s")
            await shown.page.wait_for_selector(".said-line:has-text('已保存')")
            found = await again.store.order(owed)
            assert found is not None
            assert found.fields == {"place": "建国路", "event": "老人走失"}


# --- very many, and by keyboard alone --------------------------------------------------------


async def test_two_hundred_owed_orders_by_keyboard_and_every_control_has_a_name(
    open_page: OpenPage, tmp_path: Path
) -> None:
    async with signed_in(tmp_path) as made:
        now_us = wall_us()
        begun = [now_us - (200 - number) * 60 * SECOND_US for number in range(200)]
        await made.submit(
            *(
                OrderChanged(
                    pbx="main",
                    at_us=at_us,
                    id=f"main-many.{number}",
                    kind="call",
                    call=f"many.{number}",
                    seat="PJSIP/8001",
                    agent=AGENT.login,
                    queue="hotline",
                    caller=f"1380000{number:04}",
                    status="open",
                    opened_us=at_us,
                    due_us=at_us + DUE_US,
                    numbers=(f"+861380000{number:04}",),
                )
                for number, at_us in enumerate(begun)
            )
        )
        async with at_desk(open_page, made) as shown:
            await shown.page.wait_for_selector(".owed-list li:nth-child(200)")
            assert "200" in await shown.text("#owed-heading")
            assert await shown.page.locator(".owed-list li").count() == 200
            await rest(shown)
            await shown.page.keyboard.press("j")
            await in_hand(shown, "main-many.0")
            await rest(shown)
            await shown.page.keyboard.press("k")
            await in_hand(shown, "main-many.199")
            await shown.until(
                "(() => { const box = document.querySelector('[aria-current=true].owed-card')"
                ".getBoundingClientRect();"
                " return box.top >= 0 && box.bottom <= innerHeight; })()",
                "the order in hand is in sight",
            )
            await shown.page.keyboard.press("1")
            await shown.page.wait_for_selector("[data-mode=delayed]")
            assert await shown.page.evaluate(UNNAMED) == []
            unseen = []
            for _ in range(40):
                await shown.page.keyboard.press("Tab")
                focused = await shown.page.evaluate(FOCUSED)
                if not focused["body"] and not focused["seen"]:
                    unseen.append(focused["at"])
            assert unseen == []
            for key in ("p", "n", "m", "Shift+?"):
                await rest(shown)
                await shown.page.keyboard.press(key)
                await shown.page.wait_for_selector(".dialog")
                assert await shown.page.evaluate(UNNAMED) == []
                for step in ("Tab",) * 12 + ("Shift+Tab",) * 14:
                    await shown.page.keyboard.press(step)
                    focused = await shown.page.evaluate(FOCUSED)
                    assert focused["inside"], (key, step, focused["at"])
                await shown.page.keyboard.press("Escape")
                await shown.page.wait_for_selector(".dialog", state="detached")
            await rest(shown)
            await shown.page.keyboard.press("g")
            await shown.page.wait_for_selector(".mine")
            assert await shown.page.evaluate(UNNAMED) == []
