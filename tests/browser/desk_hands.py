"""What every test at the desk does: log in, take an order in hand, find a place of its form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.browser.desk_world import AGENT, PASSWORD, World

# What Chromium says of every refusal that a page gets; the page itself tells the person.
REFUSALS = (
    r"status of (401|403|404|412|422|429|503)|ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED"
    r"|WebSocket connection|Failed to launch 'tel:"
)


@asynccontextmanager
async def at_login(
    open_page: OpenPage,
    made: World,
    *,
    next_: str = "/desk",
    locale: str = "zh-CN",
    timezone: str | None = None,
) -> AsyncIterator[Shown]:
    """The login page; ``timezone``: where the browser believes to be."""
    async with open_page(
        f"{made.url}login?next={next_}",
        wait_for="#login",
        allowed=REFUSALS,
        locale=locale,
        timezone=timezone,
    ) as shown:
        yield shown


async def log_in(shown: Shown, login: str = AGENT.login, password: str = PASSWORD) -> None:
    """Fill in the form and send it."""
    await shown.page.fill("#login", login)
    await shown.page.fill("#password", password)
    await shown.page.press("#password", "Enter")


@asynccontextmanager
async def at_desk(
    open_page: OpenPage, made: World, *, timezone: str | None = None
) -> AsyncIterator[Shown]:
    """The desk of the agent, who is signed in to a seat."""
    async with at_login(open_page, made, timezone=timezone) as shown:
        await log_in(shown)
        await shown.page.wait_for_selector(".strip .strip-state", timeout=PATIENCE_MS)
        yield shown


async def open_order(shown: Shown, order: str) -> None:
    """Take an owed order in hand, by the mouse."""
    await shown.page.click(f'[data-order="{order}"]')
    await in_hand(shown, order)


async def in_hand(shown: Shown, order: str) -> None:
    """Wait until the order is open and its form is drawn."""
    await shown.page.wait_for_selector(
        f'[data-order="{order}"][aria-current=true]', timeout=PATIENCE_MS
    )
    await shown.page.wait_for_selector(".choices [data-category]", timeout=PATIENCE_MS)


async def rest(shown: Shown) -> None:
    """Take the hands off the text fields."""
    await shown.page.evaluate("document.activeElement.blur()")


def place(path: str) -> str:
    return f'[data-field="{path}"]'


def entry(path: str) -> str:
    return f"{place(path)} :is(input, textarea, select)"
