"""A page in a real Chromium, with everything it complains about or asks for noted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, async_playwright

from tests.browser.fake_daemon import STATIC

# No sandbox: tests run as root in CI. The rest keeps Chromium from calling home.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What Playwright adds when it starts a browser itself, as far as tests depend on it.
HEADLESS = (
    "--headless",
    "--hide-scrollbars",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-back-forward-cache",
    "--disable-ipc-flooding-protection",
    "--disable-extensions",
    "--password-store=basic",
    (
        "--blink-settings=primaryHoverType=2,availableHoverTypes=2,"
        "primaryPointerType=4,availablePointerTypes=4"
    ),
    "--remote-debugging-port=0",
    "--no-startup-window",
)
# A busy machine may be this slow; nothing is measured with it.
PATIENCE_MS = 60_000


async def eventually(condition: Callable[[], bool], why: str) -> None:
    """Wait until ``condition()`` holds."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {why}"
        await asyncio.sleep(0.05)


@dataclass
class Notes:
    """What the page said and asked for."""

    complaints: list[str] = field(default_factory=list)
    """Console warnings and errors, uncaught exceptions, violations of the CSP."""
    hosts: set[str] = field(default_factory=set)

    def asked(self, url: str) -> None:
        """The page asked for ``url``; a number for the telephone goes to no host."""
        if not url.startswith("tel:"):
            self.hosts.add(urlsplit(url).netloc)


@dataclass
class Shown:
    page: Page
    notes: Notes

    async def until(self, condition: str, why: str) -> None:
        """Wait until the JavaScript expression holds.

        Playwright's own wait_for_function evaluates inside the page, where the CSP forbids it.
        """
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not await self.page.evaluate(condition):
            assert time.monotonic() < deadline, f"never came true: {why} ({condition})"
            await asyncio.sleep(0.05)

    async def text(self, selector: str) -> str:
        return " ".join((await self.page.locator(selector).inner_text()).split())

    async def seconds(self, selector: str) -> int:
        """A time such as 1:02:03, in seconds."""
        text = await self.text(selector)
        total = 0
        for part in text.split(":"):
            total = total * 60 + int(part)
        return total


OpenPage = Callable[..., AbstractAsyncContextManager[Shown]]


@pytest.fixture(scope="session")
def chromium_url(chromium_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Chromium for all tests of this process; each opens contexts of its own in it.

    To start one takes longer than most of the tests.
    """
    profile = tmp_path_factory.mktemp("chromium")
    with (profile / "stderr").open("wb") as said:
        running = subprocess.Popen(
            [chromium_path, *FLAGS, *HEADLESS, f"--user-data-dir={profile}"],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        told = profile / "DevToolsActivePort"
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not told.is_file() or told.read_text().count("\n") < 1:
            words = f"Chromium did not start: {(profile / 'stderr').read_text()}"
            assert running.poll() is None, words
            assert time.monotonic() < deadline, words
            time.sleep(0.02)
        port, _, path = told.read_text().partition("\n")
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        running.terminate()
        running.wait()


@pytest.fixture
def open_page(chromium_url: str) -> OpenPage:
    """``async with open_page(url, width=…, …) as shown``: the page at ``url``, board shown.

    On leaving, fails when the page complained or asked another host for anything; ``allowed``
    is a pattern of complaints that belong to the test; ``prepare`` is given the page before it
    goes anywhere.
    """
    if not (STATIC / "index.html").is_file():
        reason = "the pages are not built (make web)"
        if os.environ.get("AGENTD_REQUIRE_BROWSER", "") not in {"", "0"}:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    @contextlib.asynccontextmanager
    async def opened(
        url: str,
        *,
        width: int = 1366,
        height: int = 768,
        dark: bool = False,
        locale: str = "zh-CN",
        timezone: str | None = None,
        allowed: str = r"$^",
        wait_for: str = ".seats",
        prepare: Callable[[Page], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Shown]:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(chromium_url)
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                locale=locale,
                timezone_id=timezone,
            )
            page = await context.new_page()
            notes = Notes()
            page.on(
                "console",
                lambda message: (
                    notes.complaints.append(message.text)
                    if message.type in {"warning", "error"}
                    else None
                ),
            )
            page.on("pageerror", lambda error: notes.complaints.append(str(error)))
            page.on("request", lambda request: notes.asked(request.url))
            page.on("websocket", lambda socket: notes.asked(socket.url))
            await page.add_init_script(
                "addEventListener('securitypolicyviolation',"
                " e => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))"
            )
            if prepare is not None:
                await prepare(page)
            await page.goto(url)
            await page.wait_for_selector(wait_for, timeout=PATIENCE_MS)
            try:
                yield Shown(page, notes)
            finally:
                await context.close()
        unasked = [text for text in notes.complaints if not re.search(allowed, text)]
        assert unasked == []
        assert notes.hosts == {urlsplit(url).netloc}

    return opened


@pytest.fixture
def now() -> float:
    return time.time()
