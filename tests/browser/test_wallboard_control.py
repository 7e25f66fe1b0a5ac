"""Acting from the wallboard: what is offered, what is refused before the click, what is sent."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.browser import scenes
from tests.browser.conftest import OpenPage
from tests.browser.fake_daemon import FakeDaemon
from tests.browser.test_wallboard import tile

pytestmark = pytest.mark.browser

ACTS = (
    "listen whisper barge pause unpause logout move_up redirect hangup message".split()
)  # as ports/supervision.py names them
FORBIDDEN = {"zh": "您无权进行此操作。", "en": "You may not do this."}
TALKS, FREE, PAUSED = 1003, 1001, 1011


def control(**not_allowed: dict[str, str]) -> dict[str, Any]:
    return {
        "pbx": "main",
        "actions": {
            name: {"may": name not in not_allowed, "why_not": not_allowed.get(name)}
            for name in ACTS
        },
        "phone": {"pbx": "main", "device": "PJSIP/2001", "chosen": True, "reachable": True},
        "phones": ["PJSIP/2001", "PJSIP/2002"],
        "places": [
            {"queue": "hotline", "dynamic": True, "paused": False, "how": "removed", "note": None}
        ],
    }


def board(seats: int = 24) -> scenes.Board:
    found = scenes.trouble(time.time(), seats)
    found[f"seat:main/PJSIP/{TALKS}"]["person"] = "8003"
    return found


class Desk:
    """Takes what the page posts, and answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}

    async def prepare(self, page: Page) -> None:
        await page.route("**/api/control/**", self._answer)

    async def _answer(self, route: Route) -> None:
        request = route.request
        name = request.url.rpartition("/")[2]
        self.asked.append((request.method, name, json.loads(request.post_data or "{}")))
        status, body = self.answers.get(name, (200, {}))
        await route.fulfill(status=status, json=body)


def daemon_of(lang: str = "zh-CN", **not_allowed: dict[str, str]) -> FakeDaemon:
    daemon = FakeDaemon(board(), lang=lang)
    daemon.answers["/api/control"] = control(**not_allowed)
    daemon.answers["/api/form"] = {
        "categories": {},
        "pauses": [
            {"key": "lunch", "label": {"zh": "午餐", "en": "Lunch"}, "kind": "rest"},
            {"key": "training", "label": {"zh": "培训", "en": "Training"}, "kind": "training"},
        ],
    }
    return daemon


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_what_is_not_permitted_says_why_before_the_click(
    open_page: OpenPage, lang: str
) -> None:
    desk = Desk()
    async with (
        daemon_of(lang, barge=FORBIDDEN) as daemon,
        open_page(daemon.url, prepare=desk.prepare) as shown,
    ):
        await shown.page.click(tile(TALKS))
        barge = shown.page.locator('.menu [data-act="barge"]')
        await barge.locator("small").wait_for()
        assert await barge.get_attribute("aria-disabled") == "true"
        said = FORBIDDEN["en" if lang == "en" else "zh"]
        await shown.until(
            f"document.querySelector('[data-act=barge] small')?.textContent === '{said}'", "why"
        )
        # What the seat's state forbids has its reason too; clicking either sends nothing.
        assert await shown.page.get_attribute('[data-act="unpause"]', "aria-disabled") == "true"
        await barge.click(force=True)
        await shown.page.click('[data-act="unpause"]', force=True)
        assert desk.asked == []
        assert await shown.page.locator(".menu").count() == 1
        assert await shown.page.get_attribute('[data-act="listen"]', "aria-disabled") == "false"
        await shown.page.keyboard.press("Escape")
        assert await shown.page.locator(".menu").count() == 0


async def test_a_free_seat_has_no_call_to_listen_to(open_page: OpenPage) -> None:
    async with daemon_of() as daemon, open_page(daemon.url) as shown:
        await shown.page.click(tile(FREE))
        await shown.page.locator('[data-act="pause"][aria-disabled="false"]').wait_for()
        for name in ("listen", "whisper", "barge", "redirect", "hangup"):
            assert "没有通话" in await shown.text(f'[data-act="{name}"]')
        # The menu follows the seat: a call begins, and can be listened to.
        await daemon.alter(
            f"seat:main/PJSIP/{FREE}", state="talking", call="c77", direction="inbound"
        )
        await shown.page.locator('[data-act="listen"][aria-disabled="false"]').wait_for()


async def test_everything_by_keyboard(open_page: OpenPage) -> None:
    desk = Desk()
    desk.answers["listen"] = (200, {"phone": "PJSIP/2001"})
    async with daemon_of() as daemon, open_page(daemon.url, prepare=desk.prepare) as shown:
        await shown.page.focus(tile(TALKS))
        await shown.page.keyboard.press("Enter")
        await shown.page.locator('[data-act="listen"][aria-disabled="false"]').wait_for()
        focused = "document.activeElement.dataset.act"
        assert await shown.page.evaluate(focused) == "listen"
        await shown.page.keyboard.press("ArrowDown")
        assert await shown.page.evaluate(focused) == "whisper"
        await shown.page.keyboard.press("End")
        await shown.page.keyboard.press("ArrowDown")
        assert await shown.page.evaluate(focused) == "listen"
        await shown.page.keyboard.press("Enter")
        await shown.page.locator(".said", has_text="PJSIP/2001").wait_for()
        assert desk.asked == [
            ("POST", "listen", {"pbx": "main", "seat": f"PJSIP/{TALKS}"}),
        ]
        # The focus is back where it was.
        assert (
            await shown.page.evaluate("document.activeElement.dataset.seat")
            == f"seat:main/PJSIP/{TALKS}"
        )


async def test_pausing_asks_for_a_reason(open_page: OpenPage) -> None:
    desk = Desk()
    async with daemon_of() as daemon, open_page(daemon.url, prepare=desk.prepare) as shown:
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="pause"][aria-disabled="false"]').click()
        dialog = shown.page.locator('[data-asks="pause"]')
        go = dialog.locator("button[type=submit]")
        await dialog.get_by_label("培训").wait_for()
        assert await go.is_disabled()
        await dialog.get_by_label("培训").check()
        await go.click()
        await shown.page.locator(".said", has_text="已示忙").wait_for()
        body = {"pbx": "main", "seat": f"PJSIP/{TALKS}", "reason": "training"}
        assert desk.asked == [("POST", "pause", body)]


async def test_hanging_up_is_asked_twice_and_redirecting_needs_an_extension(
    open_page: OpenPage,
) -> None:
    desk = Desk()
    problem = {
        "code": "telephony",
        "detail": "no",
        "text_zh": "分机 999 不存在。",
        "text_en": "There is no extension 999.",
    }
    desk.answers["redirect"] = (409, problem)
    async with (
        daemon_of() as daemon,
        open_page(daemon.url, prepare=desk.prepare, allowed="status of 409") as shown,
    ):
        call = daemon.board[f"seat:main/PJSIP/{TALKS}"]["call"]
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="hangup"][aria-disabled="false"]').click()
        await shown.page.locator('[data-asks="hangup"]').wait_for()
        assert desk.asked == []
        # Enter at once does nothing: the focus is on the way out.
        await shown.page.keyboard.press("Enter")
        await shown.page.locator('[data-asks="hangup"]').wait_for(state="detached")
        assert desk.asked == []
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="hangup"][aria-disabled="false"]').click()
        # It means the call that was seen, also when the seat has another by now.
        await daemon.alter(f"seat:main/PJSIP/{TALKS}", call="another")
        await shown.page.click('[data-asks="hangup"] button[type=submit]')
        await shown.page.locator(".said", has_text="已挂断").wait_for()
        assert desk.asked == [("POST", "hangup", {"pbx": "main", "call": call})]
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="redirect"][aria-disabled="false"]').click()
        await shown.page.fill('[data-asks="redirect"] input', "999")
        await shown.page.keyboard.press("Enter")
        await shown.page.locator(".problem", has_text="分机 999 不存在").wait_for()
        assert desk.asked[-1] == (
            "POST",
            "redirect",
            {"pbx": "main", "call": "another", "to": "999"},
        )


async def test_logging_out_names_the_queues_and_a_message_goes_to_the_person(
    open_page: OpenPage,
) -> None:
    desk = Desk()
    async with daemon_of() as daemon, open_page(daemon.url, prepare=desk.prepare) as shown:
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="logout"][aria-disabled="false"]').click()
        await shown.page.locator("[data-asks=logout]").get_by_label("市民热线").check()
        await shown.page.click('[data-asks="logout"] button[type=submit]')
        await shown.page.locator(".said", has_text="已签出").wait_for()
        seat = f"PJSIP/{TALKS}"
        assert desk.asked == [
            ("POST", "logout", {"pbx": "main", "seat": seat, "queue": "hotline"}),
        ]
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="message"][aria-disabled="false"]').click()
        await shown.page.fill('[data-asks="message"] textarea', "请提前十分钟下班")
        await shown.page.locator("[data-asks=message]").get_by_label("紧急").check()
        await shown.page.click('[data-asks="message"] button[type=submit]')
        await shown.page.locator(".said", has_text="工作台").wait_for()
        body = {"login": "8003", "text": "请提前十分钟下班", "level": "urgent"}
        assert desk.asked[-1] == ("POST", "message", body)
        # Nobody is signed in there: nothing to write to.
        await shown.page.click(tile(PAUSED))
        await shown.page.locator('[data-act="unpause"][aria-disabled="false"]').wait_for()
        assert "无人签入" in await shown.text('[data-act="message"]')


async def test_a_waiting_caller_is_moved_up(open_page: OpenPage) -> None:
    desk = Desk()
    desk.answers["move-up"] = (200, {"position": 1, "queue": "hotline", "waiting": 5})
    async with daemon_of() as daemon, open_page(daemon.url, prepare=desk.prepare) as shown:
        first, second = (f'[data-queue="hotline"] [data-call="w{n}"]' for n in (0, 1))
        await shown.page.click(first)
        await shown.page.locator('[data-act="redirect"][aria-disabled="false"]').wait_for()
        assert "已在队首" in await shown.text('[data-act="move_up"]')
        await shown.page.keyboard.press("Escape")
        await shown.page.click(second)
        await shown.page.locator('[data-act="move_up"][aria-disabled="false"]').click()
        await shown.page.locator(".said", has_text="第 1 位").wait_for()
        assert desk.asked == [("POST", "move-up", {"pbx": "main", "call": "w1"})]
        # All of them are one click away, and the menu closes when its caller is answered.
        await shown.page.click('[data-queue="hotline"] .callers-more')
        assert await shown.page.locator(".callers-all li").count() == 5
        await shown.page.click(".callers-all [data-call=w4]")
        await shown.page.locator(".menu").wait_for()
        waiting = daemon.board["queue:main/hotline"]["waiting"]
        await daemon.alter("queue:main/hotline", waiting=waiting[:-1])
        await shown.page.locator(".menu").wait_for(state="detached")


async def test_ones_own_phone_is_chosen(open_page: OpenPage) -> None:
    desk = Desk()
    async with daemon_of() as daemon, open_page(daemon.url, prepare=desk.prepare) as shown:
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="phone"]', has_text="PJSIP/2001").click()
        await shown.page.select_option('[data-asks="phone"] select', "PJSIP/2002")
        await shown.page.click('[data-asks="phone"] button[type=submit]')
        await shown.page.locator(".said", has_text="PJSIP/2002").wait_for()
        assert desk.asked == [("PUT", "phone", {"pbx": "main", "device": "PJSIP/2002"})]


async def test_an_agentd_without_control_says_so(open_page: OpenPage) -> None:
    async with (
        FakeDaemon(board()) as daemon,
        open_page(daemon.url, allowed="status of 404") as shown,
    ):
        await shown.page.click(tile(TALKS))
        await shown.page.locator('[data-act="listen"]', has_text="没有提供此操作").wait_for()
        assert await shown.page.locator('.menu [aria-disabled="false"]').count() == 0
