"""The wallboard page against a scripted stream: what it shows, how it moves, when it stops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.browser import scenes
from tests.browser.conftest import OpenPage, eventually
from tests.browser.fake_daemon import FakeDaemon

pytestmark = pytest.mark.browser

# What a page says that loses its server, in Chromium's words.
LOST = r"WebSocket connection to .* failed|503|ERR_CONNECTION_REFUSED"


def tile(number: int) -> str:
    return f'[data-seat="seat:main/PJSIP/{number}"]'


def card(number: int) -> str:
    return f'[data-trouble="seat:main/PJSIP/{number}"]'


async def test_snapshot_is_shown_in_full(open_page: OpenPage, now: float) -> None:
    async with (
        FakeDaemon(scenes.trouble(now, 24)) as daemon,
        open_page(daemon.url, width=1920, height=1080) as shown,
    ):
        assert await shown.page.locator(".tile").count() == 24
        assert await shown.page.locator(".queue").count() == 3
        assert await shown.page.locator(".alert").count() == 6
        ringing = await shown.text(tile(1008))
        for word in ("1008", "黄磊", "振铃", "声", "预警"):
            assert word in ringing
        assert "外呼" in await shown.text(tile(1020))
        assert "培训" in await shown.text(tile(1011))
        hotline = await shown.text('[data-queue="hotline"]')
        for figure in ("5 排队", "最长等待", "92%", "SL(15)", "接通 299", "放弃 11", "队列超时 1"):
            assert figure in hotline.replace(" %", "%"), hotline
        assert "含断线时段" in await shown.text('[data-queue="sales"]')
        assert "PBX 已连接" in await shown.text(".health")
        assert await shown.page.title() == "(3) 坐席看板 – agentd"
        await shown.page.click(".notices .control")
        assert "timestampevents=yes" in await shown.text("#notices")


async def test_deltas_move_the_board(open_page: OpenPage, now: float) -> None:
    async with FakeDaemon(scenes.calm(now, 10)) as daemon, open_page(daemon.url) as shown:
        assert await shown.page.locator(card(1004)).count() == 0
        places = await shown.page.locator(".tile").evaluate_all("t => t.map(e => e.dataset.seat)")
        box = await shown.page.locator(tile(1005)).bounding_box()
        await daemon.alter(
            "seat:main/PJSIP/1004",
            state="ringing",
            since=daemon.now() - 11,
            call="c9",
            caller="13900000000",
            queue="hotline",
            direction="inbound",
            clock=scenes.ring_clock(daemon.now() - 11),
            trouble="breach",
        )
        await shown.page.wait_for_selector(card(1004))
        assert "请立即接起" in await shown.text(card(1004))
        assert "声 · 上限 10 s" in await shown.text(card(1004))
        # Seats keep their places: in the list and on the screen.
        after = await shown.page.locator(".tile").evaluate_all("t => t.map(e => e.dataset.seat)")
        assert after == places
        assert await shown.page.locator(tile(1005)).bounding_box() == box
        await daemon.change(
            scenes.keyed(
                scenes.alert(77, daemon.now(), "breach", "ring", seat="PJSIP/1004", value=10.0)
            )
        )
        await shown.until(
            "document.querySelector('.alert')?.dataset.alert === 'alert:main/spell-77'",
            "the newest alert stands first",
        )
        assert "1004" in await shown.text(".alerts [role=log]")
        await daemon.alter(
            "seat:main/PJSIP/1004", state="talking", since=daemon.now(), clock=None, trouble="calm"
        )
        await daemon.alter("alert:main/spell-77", cleared_at=daemon.now())
        await shown.page.wait_for_selector(card(1004), state="detached")
        await shown.page.locator('[data-alert="alert:main/spell-77"]', has_text="已解除").wait_for()
        await daemon.change(None, "seat:main/PJSIP/1004")
        await shown.page.wait_for_selector(tile(1004), state="detached")


async def test_only_what_changed_is_drawn_anew(open_page: OpenPage, now: float) -> None:
    async with FakeDaemon(scenes.calm(now, 10)) as daemon, open_page(daemon.url) as shown:
        await shown.page.evaluate(
            """() => {
                window.touched = new Set();
                new MutationObserver(all => all.forEach(m => {
                    const tile = m.target.parentElement?.closest('.tile') ?? null;
                    if (m.type !== 'characterData' && tile) window.touched.add(tile.dataset.seat);
                })).observe(document.querySelector('.seats'),
                            {subtree: true, childList: true, characterData: true});
            }"""
        )
        await daemon.alter("seat:main/PJSIP/1001", pause_reason="午餐", state="paused")
        await shown.until(
            f"document.querySelector('{tile(1001)}').textContent.includes('午餐')", "paused"
        )
        assert await shown.page.evaluate("[...window.touched]") == ["seat:main/PJSIP/1001"]


@pytest.mark.parametrize("shift_s", [0.0, -7200.0, 86_400.0])
async def test_clocks_count_in_server_time(open_page: OpenPage, now: float, shift_s: float) -> None:
    """Whatever the browser's own clock is set to, and with the PBX in yet another clock."""
    offset_s = 100.0
    pbx_now = now + shift_s + offset_s
    talking_since = pbx_now - 300
    board = scenes.keyed(
        scenes.pbx(clock_offset_s=offset_s),
        scenes.seat(1001, state="talking", since=talking_since),
        scenes.seat(
            1002, state="ringing", since=pbx_now, call="c", clock=scenes.ring_clock(pbx_now)
        ),
    )
    async with (
        FakeDaemon(board, shift_s=shift_s) as daemon,
        open_page(daemon.url, width=1920, height=1080) as shown,
    ):
        time_of = f"{tile(1001)} .tile-time"
        low = daemon.now() + offset_s - talking_since
        before = await shown.text(time_of)
        seen = await shown.seconds(time_of)
        high = daemon.now() + offset_s - talking_since
        # Wide, for a machine that stalls; a clock taken from elsewhere is off by far more.
        assert low - 60 <= seen <= high
        await shown.until(
            f"document.querySelector('{time_of}').textContent !== '{before}'", "the clock goes on"
        )
        await shown.until(
            f"document.querySelector('{tile(1002)}').textContent.match(/第 [2-9] 声/) !== null",
            "the rings are counted",
        )
        # The bar fills through the DOM's own style object, which the CSP leaves alone: the
        # second of its backgrounds.
        fill = f"document.querySelector('{tile(1002)}').style.backgroundSize.split(',')[1]"
        await shown.until(f"parseFloat({fill}) > 40", "the bar fills")


async def test_a_lost_line_stops_the_clocks_and_comes_back(open_page: OpenPage, now: float) -> None:
    async with (
        FakeDaemon(scenes.calm(now, 10)) as daemon,
        open_page(daemon.url, allowed=LOST) as shown,
    ):
        daemon.refusing = True
        await daemon.cut()
        await shown.page.wait_for_selector(".banner")
        assert "数据已停止更新 自" in await shown.text(".banner")
        assert "状态未知" in await shown.text(".lane")
        clocks = ".tile-time, .longest b, .now"
        before = await shown.page.locator(clocks).all_inner_texts()
        await asyncio.sleep(2.5)
        assert await shown.page.locator(clocks).all_inner_texts() == before
        # What happened meanwhile comes with the snapshot.
        daemon.board["seat:main/PJSIP/1001"].update(state="paused", pause_reason="午餐")
        del daemon.board["seat:main/PJSIP/1002"]
        daemon.refusing = False
        await shown.page.wait_for_selector(".banner", state="detached")
        assert "午餐" in await shown.text(tile(1001))
        assert await shown.page.locator(tile(1002)).count() == 0
        await shown.until(
            f"document.querySelector('.now').textContent !== '{before[-1]}'", "time goes on"
        )


async def test_silence_is_noticed_although_the_line_stays_open(
    open_page: OpenPage, now: float
) -> None:
    async with FakeDaemon(scenes.calm(now, 10)) as daemon, open_page(daemon.url) as shown:
        daemon.silent = True
        await shown.page.wait_for_selector(".banner")
        assert "agentd 没有响应" in await shown.text(".banner")
        before = await shown.page.locator(".tile-time").all_inner_texts()
        await asyncio.sleep(2)
        assert await shown.page.locator(".tile-time").all_inner_texts() == before
        # It does not wait for ever: it opens another line by itself, and another.
        visits = daemon.visits
        await eventually(lambda: daemon.visits >= visits + 2, "two more lines")
        daemon.silent = False
        await shown.page.wait_for_selector(".banner", state="detached")


async def test_a_pbx_that_is_down_stops_its_own_clocks_only(
    open_page: OpenPage, now: float
) -> None:
    board = scenes.keyed(
        scenes.pbx(),
        scenes.pbx(id="branch"),
        scenes.seat(1001, state="talking", since=now - 5),
        scenes.seat(1001, pbx="branch", state="talking", since=now - 5),
    )
    theirs = '[data-seat="seat:branch/PJSIP/1001"]'
    async with FakeDaemon(board) as daemon, open_page(daemon.url) as shown:
        down_at = daemon.now()
        await daemon.alter("pbx:branch", link="down", since=down_at, code="silent")
        await shown.page.wait_for_selector(".banner")
        banner = await shown.text(".banner")
        for word in ("branch", "PBX 没有响应", "自"):
            assert word in banner
        assert await shown.page.get_attribute(theirs, "data-stopped") == "yes"
        assert await shown.page.get_attribute(tile(1001), "data-stopped") == "no"
        stopped = await shown.seconds(f"{theirs} .tile-time")
        assert stopped == int(down_at - (now - 5))
        mine = await shown.seconds(f"{tile(1001)} .tile-time")
        await shown.until(
            f"document.querySelector('{tile(1001)} .tile-time').textContent !== "
            f"'{mine // 60}:{mine % 60:02d}'",
            "the other PBX's clocks go on",
        )
        # Synchronising is not up: the board is still of before.
        await daemon.alter("pbx:branch", link="syncing", since=daemon.now(), code=None)
        await shown.page.wait_for_selector('.banner[data-soft="yes"]')
        assert await shown.seconds(f"{theirs} .tile-time") == stopped
        await daemon.alter("pbx:branch", link="up", since=daemon.now())
        await shown.page.wait_for_selector(".banner", state="detached")
        await shown.until(
            f"document.querySelector('{theirs}').dataset.stopped === 'no'", "runs again"
        )


async def test_trouble_lane_is_sorted_and_leads_to_the_seat(
    open_page: OpenPage, now: float
) -> None:
    async with FakeDaemon(scenes.storm(now, 60)) as daemon, open_page(daemon.url) as shown:
        strengths = await shown.page.locator(".card").evaluate_all(
            "cards => cards.map(card => card.dataset.strength)"
        )
        assert strengths == ["urgent", *["breach"] * (len(strengths) - 1)]
        # What does not fit is counted, and one click away.
        assert "另有" in await shown.text(".more")
        await shown.page.click(".more")
        await shown.until("document.querySelectorAll('.card').length === 23", "all are shown")
        await shown.page.focus(card(1002))
        await shown.page.keyboard.press("Enter")
        focused = "document.activeElement.dataset.seat"
        assert await shown.page.evaluate(focused) == "seat:main/PJSIP/1002"
        await shown.page.keyboard.press("ArrowRight")
        assert await shown.page.evaluate(focused) == "seat:main/PJSIP/1003"
        await shown.page.keyboard.press("End")
        assert await shown.page.evaluate(focused) == "seat:main/PJSIP/1060"


async def test_a_stopped_clock_says_so_and_counts_nothing(open_page: OpenPage, now: float) -> None:
    board = scenes.keyed(
        scenes.pbx(),
        scenes.seat(
            1001,
            state="holding",
            since=now - 40,
            call="c",
            clock=scenes.hold_clock(now - 40, stopped=True),
        ),
    )
    async with FakeDaemon(board) as daemon, open_page(daemon.url) as shown:
        assert "计时中断" in await shown.text(tile(1001))
        assert await shown.page.get_attribute(tile(1001), "data-bar") == "none"


async def test_bad_messages_break_nothing(open_page: OpenPage, now: float) -> None:
    async with FakeDaemon(scenes.calm(now, 10)) as daemon, open_page(daemon.url) as shown:
        asked = daemon.resyncs
        for text in ("", "{", "null", '{"type":"delta"}', '{"type":"beat","seq":"x"}'):
            await daemon.say(text)
        # A number that was skipped.
        daemon.seq += 5
        await daemon.change(
            {
                "seat:main/PJSIP/9": {"kind": "seat", "seat": 9, "state": "flying"},
                "seat:main/PJSIP/1001": {**daemon.board["seat:main/PJSIP/1001"], "agent": "新人"},
                "poem:1": {"kind": "poem"},
            }
        )
        await shown.until(
            f"document.querySelector('{tile(1001)}').textContent.includes('新人')",
            "a fresh snapshot brings what was missed",
        )
        assert daemon.resyncs > asked
        assert await shown.page.locator(".tile").count() == 10
        assert await shown.page.locator(".banner").count() == 0


async def test_everything_shown_is_acknowledged(open_page: OpenPage, now: float) -> None:
    async with FakeDaemon(scenes.calm(now, 10)) as daemon, open_page(daemon.url):
        await daemon.alter("seat:main/PJSIP/1001", agent="新人")
        await eventually(lambda: daemon.seq in daemon.acked, "the delta is acknowledged")
        assert daemon.acked == sorted(daemon.acked)


async def test_language_and_appearance_are_switched_and_remembered(
    open_page: OpenPage, now: float
) -> None:
    async with FakeDaemon(scenes.calm(now, 10)) as daemon, open_page(daemon.url) as shown:
        page = shown.page
        assert await page.get_attribute("html", "lang") == "zh-CN"
        await page.get_by_role("button", name="English").click()
        await page.get_by_role("heading", name="Wallboard").wait_for()
        assert "available" in await shown.text(".lane")
        assert "空闲" not in await page.inner_text("body")
        assert await page.get_attribute("html", "data-theme") == "light"
        await page.get_by_role("button", name="Appearance: as the system").click()
        await page.get_by_role("button", name="Appearance: light").click()
        await page.reload()
        await page.wait_for_selector(".seats")
        assert await page.get_attribute("html", "lang") == "en"
        assert await page.get_attribute("html", "data-theme") == "dark"


async def test_the_daemons_language_is_the_default(open_page: OpenPage, now: float) -> None:
    async with (
        FakeDaemon(scenes.calm(now, 10), lang="en") as daemon,
        open_page(daemon.url, dark=True) as shown,
    ):
        assert await shown.page.get_attribute("html", "lang") == "en"
        assert await shown.page.get_attribute("html", "data-theme") == "dark"


async def test_numbers_say_their_formula_by_pointer_and_keyboard(
    open_page: OpenPage, now: float
) -> None:
    async with FakeDaemon(scenes.calm(now, 10)) as daemon, open_page(daemon.url) as shown:
        level = '[data-queue="hotline"] .level'
        await shown.page.hover(level)
        note = await shown.page.wait_for_selector(".floating")
        assert "15 s 内接通 ÷（已结束等待的呼入 312 − 短放弃 4）" in (await note.inner_text())
        await shown.page.mouse.move(0, 0)
        await shown.page.wait_for_selector(".floating", state="detached")
        await shown.page.focus(level)
        await shown.page.wait_for_selector(".floating")
        await shown.page.keyboard.press("Escape")
        await shown.page.wait_for_selector(".floating", state="detached")


async def test_an_upgraded_daemon_brings_its_own_pages(open_page: OpenPage, now: float) -> None:
    async with (
        FakeDaemon(scenes.calm(now, 10)) as daemon,
        open_page(daemon.url, allowed=LOST) as shown,
    ):
        daemon.version = "0.2.0"
        async with shown.page.expect_event("load"):
            await daemon.cut()
        await shown.page.wait_for_selector(".seats")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (390, 844)])
@pytest.mark.parametrize("seats", [10, 24, 220])
async def test_nothing_overflows(
    open_page: OpenPage, now: float, lang: str, width: int, height: int, seats: int
) -> None:
    """No sideways scrolling, nothing outside its box, and no cut word where it counts."""
    async with (
        FakeDaemon(scenes.trouble(now, seats), lang=lang) as daemon,
        open_page(daemon.url, width=width, height=height) as shown,
    ):
        faults = await shown.page.evaluate(
            """() => {
                const found = [];
                const page = document.documentElement;
                if (page.scrollWidth > page.clientWidth) found.push('the page scrolls sideways');
                const clips = e => getComputedStyle(e).overflowX !== 'visible';
                for (const box of document.querySelectorAll('.tile, .card, .queue, .alert, .lane'))
                    for (const part of box.querySelectorAll('*')) {
                        if (part.closest('.unseen, svg, .bar')) continue;
                        let up = part.parentElement;
                        while (up !== box && !clips(up)) up = up.parentElement;
                        const outer = box.getBoundingClientRect();
                        const inner = part.getBoundingClientRect();
                        if (up === box && inner.width && (inner.right > outer.right + 1
                            || inner.left < outer.left - 1 || inner.bottom > outer.bottom + 1))
                            found.push(`outside: ${part.className} ${part.textContent}`);
                    }
                const whole = '.tile-label, .tile-word, .tile-time, .card-rule, .card-time,'
                    + '.card-todo, .queue-name, .alert-rule, .counts span';
                for (const part of document.querySelectorAll(whole))
                    if (part.scrollWidth > part.clientWidth && clips(part))
                        found.push(`cut: ${part.className} ${part.textContent}`);
                return found;
            }"""
        )
        assert faults == []


async def test_who_is_logged_in_and_the_pages_that_they_may_open(
    open_page: OpenPage, now: float
) -> None:
    async with FakeDaemon(scenes.calm(now, 4)) as daemon, open_page(daemon.url) as shown:
        await shown.page.click(".account-name")
        panel = await shown.text(".account-panel")
        for word in ("王班长", "工号 2001", "值班长", "坐席工作台", "值班长工作台", "退出登录"):
            assert word in panel
        hrefs = await shown.page.locator(".account-panel a").evaluate_all(
            "links => links.map(link => new URL(link.href).pathname)"
        )
        assert {"/desk", "/shift"} <= set(hrefs)


async def test_a_changed_audience_connects_again_and_a_log_out_leads_to_the_login(
    open_page: OpenPage, now: float
) -> None:
    async with (
        FakeDaemon(scenes.calm(now, 4)) as daemon,
        open_page(daemon.url, allowed=LOST + "|401") as shown,
    ):
        await eventually(lambda: daemon.visits == 1, "the page is connected")
        await daemon.part(4001)
        await eventually(lambda: daemon.visits == 2, "the page is connected again")
        await shown.page.wait_for_selector(".app[data-stale=no]")
        daemon.me = None
        await daemon.part(4003)
        await shown.page.wait_for_url("**/login?next=%2F")
        await shown.page.wait_for_selector("#login")


async def test_who_may_not_see_the_wallboard_is_sent_to_the_desk(
    open_page: OpenPage, now: float
) -> None:
    async with FakeDaemon(scenes.calm(now, 4)) as daemon:
        assert daemon.me is not None
        daemon.me |= {"role": "agent", "rights": ["desk"]}
        async with open_page(daemon.url, wait_for=".desk", allowed="404") as shown:
            assert shown.page.url == f"{daemon.url}desk"


async def test_who_came_to_a_long_queue_is_shown_and_who_went_is_not(
    open_page: OpenPage, now: float
) -> None:
    def caller(number: int) -> dict[str, Any]:
        joined_at = now - 60 + number
        return {"call": f"w{number}", "caller": f"1380000{number:04}", "joined_at": joined_at}

    board = scenes.calm(now, 6)
    key = "queue:main/hotline"
    board[key] = {**board[key], "waiting": [caller(number) for number in range(3)]}
    async with FakeDaemon(board) as daemon, open_page(daemon.url) as shown:
        card = '[data-queue="hotline"]'
        await shown.page.locator(card, has_text="13800000000").wait_for()
        rest = {name: value for name, value in board[key].items() if name != "waiting"}
        daemon.seq += 1
        patch = {key: {"set": rest, "gone": ["w0", "w1"], "came": [caller(3)]}}
        delta = {"type": "delta", "seq": daemon.seq, "server_time": daemon.now()}
        await daemon.say(delta | {"set": {}, "patch": patch, "del": []})
        await shown.page.locator(card, has_text="13800000003").wait_for()
        text = await shown.text(card)
        assert "13800000002" in text
        assert "13800000000" not in text
        assert "13800000001" not in text
        assert daemon.resyncs == 0
