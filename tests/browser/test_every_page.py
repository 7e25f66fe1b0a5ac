"""Every page, opened as a person would in Chinese and in English, in light and in dark, with its
menus and dialogs: what ``page_checks`` asks has to hold of all of them.

One Chromium and one world for all of it. A page that is not in the table below fails the suite.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    Response,
    async_playwright,
)
from playwright.async_api import TimeoutError as TooLate

from agentd.http_pages import PAGES
from tests.browser import desk_world, every_world, history_world, scenes, shift_world
from tests.browser.conftest import FLAGS, PATIENCE_MS
from tests.browser.desk_world import ADMIN, AGENT, LEADER, PASSWORD, SITE_OFFSET_S
from tests.browser.every_world import SUPERVISOR, EveryWorld
from tests.browser.fake_daemon import STATIC
from tests.browser.page_checks import (
    NOTE_LISTENERS,
    axe_faults,
    bring_axe,
    keyboard_faults,
    motion_faults,
    untranslated,
    width_faults,
)
from tests.browser.test_wallboard_control import FORBIDDEN, control

pytestmark = pytest.mark.browser

LANGS = ("zh-CN", "en")
PHONE = 390
DESKTOP = (1366, 1920)

Told = Callable[[str], str]
"""A text with ``{name}`` in it, with what the world calls by that name."""
Step = Callable[[Page, Told], Awaitable[None]]


def press(key: str, shown: str) -> Step:
    """A key, and what then appears."""

    async def step(page: Page, told: Told) -> None:
        await page.keyboard.press(key)
        await page.wait_for_selector(told(shown))

    return step


def click(selector: str, shown: str) -> Step:
    """A press with the mouse, and what then appears."""

    async def step(page: Page, told: Told) -> None:
        await page.click(told(selector))
        await page.wait_for_selector(told(shown))

    return step


def focus(selector: str, shown: str) -> Step:
    """The focus, and what then appears."""

    async def step(page: Page, told: Told) -> None:
        await page.locator(told(selector)).first.focus()
        await page.wait_for_selector(told(shown))

    return step


def chain(*steps: Step) -> Step:
    """One after the other."""

    async def step(page: Page, told: Told) -> None:
        for one in steps:
            await one(page, told)

    return step


@dataclass(frozen=True)
class State:
    """Something that is opened on a page. ``closes``: by Escape, which gives the focus back."""

    name: str
    open: Step
    closes: str | None = None


@dataclass(frozen=True)
class Look:
    """A page as somebody has it before them. ``path`` may name things of the world."""

    path: str
    ready: str
    who: str | None = None
    states: tuple[State, ...] = ()
    phone: bool = False
    """It promises to fit a phone."""
    allowed: str = r"$^"
    """Complaints of the browser that belong to what is shown."""
    prepare: Callable[[Page], Awaitable[None]] | None = None

    @property
    def page(self) -> str:
        return urlsplit(self.path).path


def dialog(name: str, opens: Step) -> State:
    return State(name, opens, "[role=dialog]")


MENU = ".menu [data-act][aria-disabled=false]"
SEAT = '[data-seat="seat:main/PJSIP/1003"]'


def act(name: str) -> State:
    return dialog(
        name, chain(click(SEAT, MENU), click(f".menu [data-act={name}]", f"[data-asks={name}]"))
    )


async def _fake_phone(page: Page) -> None:
    # Only `agentd demo` has one.
    body = json.dumps({"seat": "PJSIP/8001", "state": "ringing", "number": "13912345678"})
    await page.route(
        "**/api/demo/phone", lambda route: route.fulfill(body=body, content_type="application/json")
    )


async def _may_control(page: Page) -> None:
    # Nobody has connected this world's PBX; what the menu offers is asked of a scripted one.
    body = json.dumps(control(barge=FORBIDDEN))
    await page.route(
        "**/api/control?*", lambda route: route.fulfill(body=body, content_type="application/json")
    )


ACCOUNT = State("account", click(".account-name", "#account:not([hidden])"))
LOOKS = (
    Look(
        "/login",
        "#login",
        states=(State("refused", click(".login-submit", ".login-said .problem")),),
        phone=True,
        # Whether somebody is logged in already is asked by asking.
        allowed=r"status of 401",
    ),
    Look(
        "/",
        ".tile",
        SUPERVISOR.login,
        states=(
            ACCOUNT,
            State("notices", click(".notices .control", "#notices:not([hidden])")),
            State("a seat's menu", click(SEAT, MENU), ".menu"),
            State(
                "a caller's menu",
                click('[data-queue="hotline"] .caller', MENU),
                ".menu",
            ),
            State("all callers", click('[data-queue="hotline"] .callers-more', ".callers-all")),
            act("pause"),
            act("logout"),
            act("redirect"),
            act("hangup"),
            act("message"),
            act("phone"),
            dialog("thresholds", click("[data-does=thresholds]", "[role=dialog] table")),
            State("a figure's note", focus('[data-queue="hotline"] .count', ".floating")),
            State("the plan", click("[data-view=plan]", ".plan-empty, .plan")),
            State("the plan's editor", click("[data-does=arrange]", ".plan-squares")),
        ),
        phone=True,
        prepare=_may_control,
    ),
    Look(
        "/desk",
        ".strip .strip-state",
        AGENT.login,
        states=(
            State(
                "an order",
                click("[data-order='{now}']", ".choices [data-category]"),
            ),
            State("its form", press("3", "[data-field]")),
            dialog("note", press("Alt+n", "[role=dialog]")),
            dialog("promise", press("Alt+p", "[role=dialog]")),
            dialog("merge", press("Alt+m", "[role=dialog]")),
            dialog("keys", click("[data-does=help]", "[role=dialog]")),
            dialog("sounds", click(".controls [data-does=sound]", "[role=dialog]")),
            State("my day", press("Alt+g", ".violation")),
        ),
    ),
    Look("/desk", ".seat-choice", desk_world.COLLEAGUE.login),
    Look(
        "/shift",
        "[data-row]",
        LEADER.login,
        states=(
            State("an order", click("[data-row='{forwarded}'] [data-row-main]", "[data-step]")),
            dialog("dispatch", press("d", "[role=dialog]")),
            dialog("keys", press("?", "[role=dialog]")),
            State("all orders", click("[data-tab=orders]", ".sl-results")),
            State("appeals", click("[data-tab=appeals]", ".sl-case")),
            dialog("window", click(".sl-page-top .button", "[role=dialog]")),
            dialog(
                "decide",
                chain(
                    click(".sl-bar input", ".sl-bar [data-act=grant]:enabled"),
                    click("[data-act=grant]", "[role=dialog]"),
                ),
            ),
            State("the roster", click("[data-tab=roster]", ".sl-duty-chip")),
            dialog("a duty", click(".sl-duty-chip", "[role=dialog]")),
            dialog("import", click(".sl-page-top .button:last-child", "[role=dialog]")),
            State("handover", click("[data-tab=handover]", ".sl-give-body")),
        ),
    ),
    Look(
        "/alerts?open=0&span=all",
        ".inbox-line",
        LEADER.login,
        states=(
            ACCOUNT,
            dialog("note", press("n", "#note")),
        ),
        phone=True,
    ),
    Look("/settings", "[data-setting=wall] form", SUPERVISOR.login, phone=True),
    Look("/settings", "[data-setting=wall] form", LEADER.login),
    Look(
        "/calls",
        ".hx-calls tbody tr",
        LEADER.login,
        states=(State("all filters", click("[aria-controls=hx-more-fields]", "#hx-more-fields")),),
        phone=True,
    ),
    Look(
        "/calls?call=main/{call}",
        ".hx-timeline",
        LEADER.login,
        states=(State("a leg's evidence", click('[data-leg="leg-1"] summary', "details[open]")),),
        phone=True,
    ),
    Look("/people", ".hx-names a", LEADER.login, phone=True),
    Look("/people?login=8001", ".hx-totals", LEADER.login, phone=True),
    Look("/people?seat=main/PJSIP/8001", ".hx-totals", LEADER.login),
    Look("/queues", ".hx-names a", LEADER.login, phone=True),
    Look("/queues?name=hotline", ".hx-day tbody tr", LEADER.login, phone=True),
    Look("/calls?list=stays&queue=hotline&from={from}&to={to}", "table", LEADER.login),
    Look("/orders", ".sl-results tbody tr", history_world.QA.login, phone=True),
    Look("/orders?id={forwarded}", ".sl-panel", history_world.QA.login),
    Look("/reports?period=day&at={today}", ".rp-page table", LEADER.login, phone=True),
    Look("/reports?by=person&period=day&at={today}", ".rp-page table", LEADER.login),
    Look("/wall", "#token", allowed=r"status of 401"),
    Look("/wall?lang={lang}&seconds=600", ".wall-table", "wall"),
    Look("/wall?lang={lang}&seconds=600&masked=1", ".wall-table", "wall"),
    Look("/wall?lang={lang}&seconds=5", ".wall-chart canvas", "wall"),
    Look("/demo-phone.html", ".phone-keys button", AGENT.login, phone=True, prepare=_fake_phone),
)

# --- what pages may say in letters of another language -----------------------------------------


PEOPLE = (
    AGENT, desk_world.COLLEAGUE, LEADER, ADMIN, SUPERVISOR, shift_world.NEXT_LEADER,
    history_world.QA,
)  # fmt: skip
NAMED = {
    *scenes.PEOPLE, "午餐", *(person.name for person in PEOPLE),
    "市民热线", "业务咨询", "投诉建议", "服务热线", "一组", "二组", "投诉组",
    "中文", "夜班", "王工",
}  # fmt: skip
"""What people have named, in Chinese."""
DEVICES = {
    "Hold", "Unhold", "manager.conf", "[general]", "timestampevents=yes", "manager",
    "PJSIP", "hotline", "sales", "complaints", "main", "Asterisk 22.10.1", "lobby",
    "/wall?seconds=30&queues=hotline",
}  # fmt: skip
"""What the PBX has named, in Latin letters."""
WRITTEN = {
    "解放路12号", "煤气泄漏", "人民路3号", "整栋停水超过十小时", "滨江花园3幢", "餐馆油烟直排",
    "建设新村18号", "水管爆裂", "和平小区", "公交改线时间", "查到线路后告知",
    "查到后回复", "请今天抢修", "物业公司", "尽快处理并答复",
    "客户同意等待，已说明原因", "客户同意等待", "听筒有杂音",
    "【急件】",
}  # fmt: skip
"""What people have written; an urgent order's mark is a part of its title."""
TERMS = frozenset(
    """agentd ami pbx csv xlsx sl en english tab esc enter delete ctrl shift alt home end ms
    id api url https http tls wav utc""".split()
)


# --- the world ---------------------------------------------------------------------------------


class Bench:
    """The browser, the world, and a context for each person and language."""

    def __init__(self, browser: Browser, made: EveryWorld) -> None:
        self._browser = browser
        self._contexts: dict[tuple[str | None, str], BrowserContext] = {}
        self.made = made

    async def context(self, who: str | None, lang: str) -> BrowserContext:
        """Where ``who`` is logged in; None: nobody."""
        found = self._contexts.get((who, lang))
        if found is not None:
            return found
        context = await self._browser.new_context(
            viewport={"width": DESKTOP[0], "height": 768},
            locale="de-DE",
            timezone_id="America/New_York",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        url = self.made.url
        if who == "wall":
            answer = await context.request.post(
                f"{url}api/wall/session", data={"token": self.made.wall_token}
            )
            assert answer.ok, await answer.text()
        elif who is not None:
            answer = await context.request.post(
                f"{url}api/session", data={"login": who, "password": PASSWORD}
            )
            assert answer.ok, await answer.text()
        await context.add_init_script(f"localStorage.setItem('agentd.lang', '{lang}')")
        await context.add_init_script(NOTE_LISTENERS)
        self._contexts[who, lang] = context
        return context

    def told(self, text: str, lang: str) -> str:
        """``text`` with what it names of the world, which are orders but for a few."""
        past = self.made.past
        names = self.made.orders | {
            "lang": lang,
            "call": past.call,
            "from": str(past.joined_us // 1_000_000 - 60),
            "to": str(past.joined_us // 1_000_000 + 900),
            "today": time.strftime("%Y-%m-%d", time.gmtime(time.time() + SITE_OFFSET_S)),
        }
        return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(
    chromium_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Bench]:
    assert (STATIC / "index.html").is_file(), "the pages are not built (make web)"
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(
            every_world.every_world(tmp_path_factory.mktemp("every"))
        )
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=str(chromium_path), args=list(FLAGS)
        )
        stack.push_async_callback(browser.close)
        yield Bench(browser, made)


@asynccontextmanager
async def opened(bench: Bench, look: Look, lang: str, faults: list[str]) -> AsyncIterator[Page]:
    """The page as ``look`` says; what the browser complains of meanwhile is among ``faults``."""
    context = await bench.context(look.who, lang)
    page = await context.new_page()
    await bring_axe(page)

    def complain(text: str) -> None:
        if not re.search(look.allowed, text):
            faults.append(text)

    def failed(request: Request) -> None:
        # What is left unanswered when a page is left is no failure.
        if request.failure != "net::ERR_ABORTED":
            complain(f"request failed: {request.url} {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            complain(f"status of {response.status}: {response.url}")

    page.on(
        "console",
        lambda said: (
            complain(f"{said.type}: {said.text} {said.location.get('url', '')}")
            if said.type in {"warning", "error"}
            else None
        ),
    )
    page.on("pageerror", lambda error: complain(f"uncaught: {error}"))
    page.on("requestfailed", failed)
    page.on("response", answered)
    if look.prepare is not None:
        await look.prepare(page)
    try:
        await page.goto(bench.made.url.rstrip("/") + bench.told(look.path, lang))
        await page.wait_for_selector(look.ready)
        yield page
    finally:
        await page.close()


async def looked_at(
    page: Page, lang: str, faults: list[str], where: str, *, within: str | None = None
) -> None:
    """What holds of everything that is shown; ``within``: what is open over a page that was looked
    at already."""
    data = [*NAMED, *WRITTEN] if lang == "en" else [*DEVICES]
    found = [
        *await untranslated(page, lang, data=data, terms=TERMS),
        *await motion_faults(page),
    ]
    # Names, roles and colours are the same in both languages: they are weighed in one.
    if lang == LANGS[0]:
        found += await axe_faults(page, within=within)
        await page.emulate_media(color_scheme="dark")
        dark = await axe_faults(page, within=within, only=["color-contrast"])
        found += [f"dark: {one}" for one in dark]
        await page.emulate_media(color_scheme="light")
    faults += [f"{where}: {one}" for one in found]


async def closed(page: Page, state: State, faults: list[str]) -> None:
    """Escape closes what is open, and the focus is somewhere on the page again."""
    assert state.closes is not None
    await page.keyboard.press("Escape")
    await page.wait_for_selector(state.closes, state="detached")
    if await page.evaluate("document.activeElement === document.body"):
        faults.append(f"{state.name}: the focus is lost when it closes")


def test_every_page_is_looked_at() -> None:
    listed = {look.page for look in LOOKS}
    assert set(PAGES) <= listed
    built = {file.name for file in STATIC.glob("*.html")}
    assert built == {PAGES.get(page, page.lstrip("/")) for page in listed}


def _id(look: Look) -> str:
    return f"{look.path} of {look.who}"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("look", LOOKS, ids=_id)
async def test_a_page_is_for_everybody(bench: Bench, look: Look, lang: str) -> None:
    faults: list[str] = []
    async with opened(bench, look, lang, faults) as page:
        assert await page.evaluate("document.documentElement.lang") == lang
        await looked_at(page, lang, faults, "page")
        widths = (*DESKTOP, PHONE) if look.phone else DESKTOP
        faults += await width_faults(page, widths)
        if lang != LANGS[0]:
            faults += await axe_faults(page)
            faults += await keyboard_faults(page)
        for state in look.states:
            try:
                await state.open(page, lambda text: bench.told(text, lang))
            except TooLate as error:
                faults.append(f"{state.name}: does not open: {error.message.splitlines()[:4]}")
                break
            await looked_at(page, lang, faults, state.name, within=state.closes)
            if state.closes is not None:
                await closed(page, state, faults)
            elif state is ACCOUNT:
                await page.keyboard.press("Escape")
    assert not faults, "\n".join(faults)
