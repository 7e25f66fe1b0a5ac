"""The floor plan: shown as it is kept, arranged by pointer and by keyboard, kept for everybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.browser import scenes
from tests.browser.conftest import OpenPage, Shown
from tests.browser.fake_daemon import FakeDaemon
from tests.browser.test_wallboard import tile

pytestmark = pytest.mark.browser

KEY = "/api/board/settings/floor_plan"
SUPERVISOR = {"role": "supervisor", "login": "3001", "name": "现场"}


def seat(number: int) -> str:
    return f"seat:main/PJSIP/{number}"


def piece(number: int) -> str:
    return f'[data-places="{seat(number)}"]'


class Keeper:
    """Keeps the plan as agentd does: by version."""

    def __init__(self, value: Any = None, version: int = 0) -> None:
        self.value, self.version = value, version
        self.puts = 0

    async def prepare(self, page: Page) -> None:
        await page.route(f"**{KEY}", self._answer)

    async def _answer(self, route: Route) -> None:
        if route.request.method == "PUT":
            self.puts += 1
            if route.request.headers["if-match"] != f'"v{self.version}"':
                await route.fulfill(status=412, json={"code": "version", "detail": "newer"})
                return
            self.value = json.loads(route.request.post_data or "null")["value"]
            self.version += 1
        kept = {"key": "floor_plan", "value": self.value, "version": self.version}
        await route.fulfill(json=kept, headers={"ETag": f'"v{self.version}"'})


def daemon_of(now: float, *, supervisor: bool = True) -> FakeDaemon:
    daemon = FakeDaemon(scenes.calm(now, 6))
    if supervisor:
        assert daemon.me is not None
        daemon.me |= SUPERVISOR
    return daemon


async def arrange(shown: Shown) -> None:
    await shown.page.click("[data-view=plan]")
    await shown.page.click("[data-does=arrange]")
    await shown.page.wait_for_selector(".plan-squares")


async def save(shown: Shown) -> None:
    await shown.page.click("[data-does=save-plan]")
    await shown.page.wait_for_selector(".plan-squares", state="detached")


async def test_a_plan_is_drawn_with_the_pointer(open_page: OpenPage, now: float) -> None:
    keeper = Keeper()
    async with daemon_of(now) as daemon, open_page(daemon.url, prepare=keeper.prepare) as shown:
        await arrange(shown)
        grid = await shown.page.locator(".plan-squares").bounding_box()
        assert grid is not None
        for number, column, row in ((1001, 0, 0), (1002, 3, 1)):
            await shown.page.locator(piece(number)).scroll_into_view_if_needed()
            box = await shown.page.locator(piece(number)).bounding_box()
            grid = await shown.page.locator(".plan-squares").bounding_box()
            assert box is not None
            assert grid is not None
            await shown.page.mouse.move(box["x"] + 10, box["y"] + 10)
            await shown.page.mouse.down()
            x = grid["x"] + (column + 0.5) * grid["width"] / 12
            y = grid["y"] + (row + 0.5) * grid["height"] / 6
            await shown.page.mouse.move(x, y, steps=4)
            await shown.page.mouse.up()
        await save(shown)
        assert keeper.value == {"columns": 12, "rows": 6, "seats": {
            seat(1001): [0, 0], seat(1002): [3, 1]}}  # fmt: skip
        # Shown as it was drawn, with the others below it.
        first = await shown.page.locator(f".plan {tile(1001)}").bounding_box()
        second = await shown.page.locator(f".plan {tile(1002)}").bounding_box()
        assert first is not None
        assert second is not None
        assert second["x"] > first["x"]
        assert second["y"] > first["y"]
        assert await shown.page.locator(".tiles .tile").count() == 4
        await shown.page.reload()
        await shown.page.wait_for_selector(".plan .tile")


async def test_a_plan_is_drawn_by_keyboard_alone(open_page: OpenPage, now: float) -> None:
    keeper = Keeper()
    async with daemon_of(now) as daemon, open_page(daemon.url, prepare=keeper.prepare) as shown:
        await arrange(shown)
        await shown.page.focus(piece(1001))
        for key in ("Enter", "ArrowRight", "ArrowDown"):
            await shown.page.keyboard.press(key)
            await shown.until(
                f"document.activeElement.dataset.places === '{seat(1001)}'", "the focus stays"
            )
        assert await shown.text(".plan-editor [role=status]") == "1001：第 2 排第 2 列"
        await shown.page.focus(piece(1003))
        await shown.page.keyboard.press("Enter")
        await shown.until(
            f"document.activeElement.dataset.places === '{seat(1003)}'", "the focus goes with it"
        )
        await shown.page.focus(piece(1002))
        await shown.page.keyboard.press("Enter")
        await shown.page.focus(piece(1003))
        await shown.page.keyboard.press("Delete")
        await save(shown)
        assert keeper.value["seats"] == {seat(1001): [1, 1], seat(1002): [1, 0]}


async def test_who_was_slower_hears_of_it_and_nothing_is_lost(
    open_page: OpenPage, now: float
) -> None:
    keeper = Keeper({"columns": 8, "rows": 4, "seats": {seat(1001): [0, 0]}}, 3)
    async with (
        daemon_of(now) as daemon,
        open_page(daemon.url, prepare=keeper.prepare, allowed="status of 412") as shown,
    ):
        await arrange(shown)
        await shown.page.focus(piece(1001))
        await shown.page.keyboard.press("ArrowRight")
        keeper.value = {"columns": 8, "rows": 4, "seats": {seat(1002): [5, 2]}}
        keeper.version = 4
        await shown.page.click("[data-does=save-plan]")
        await shown.page.locator(".said", has_text="别人刚改过").wait_for()
        assert keeper.value["seats"] == {seat(1002): [5, 2]}
        await shown.page.locator(f".plan-squares {piece(1002)}").wait_for()
        await save(shown)
        assert (keeper.puts, keeper.version) == (2, 5)


async def test_who_may_not_arrange_it_sees_it(open_page: OpenPage, now: float) -> None:
    keeper = Keeper({"columns": 8, "rows": 4, "seats": {seat(1001): [2, 1]}}, 1)
    async with (
        daemon_of(now, supervisor=False) as daemon,
        open_page(daemon.url, prepare=keeper.prepare) as shown,
    ):
        await shown.page.click("[data-view=plan]")
        await shown.page.wait_for_selector(f".plan {tile(1001)}")
        assert await shown.page.locator("[data-does=arrange]").count() == 0


async def test_without_settings_the_plan_is_empty_and_everybody_is_there(
    open_page: OpenPage, now: float
) -> None:
    async with daemon_of(now) as daemon:
        del daemon.answers[KEY]
        async with open_page(daemon.url, allowed="status of 404") as shown:
            await shown.page.click("[data-view=plan]")
            assert "还没有平面图" in await shown.text(".plan-empty")
            assert await shown.page.locator(".tile").count() == 6
            assert await shown.page.locator("[data-does=arrange]").count() == 0
