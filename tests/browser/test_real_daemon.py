"""The page and the real daemon together: `agentd demo` as a user starts it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.browser.conftest import PATIENCE_MS, OpenPage, Shown
from tests.free_ports import free_port

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


class Demo(NamedTuple):
    """Where an `agentd demo` is, and the password of all its accounts."""

    url: str
    password: str


@asynccontextmanager
async def demo(*options: str) -> AsyncIterator[Demo]:
    """An `agentd demo` of its own, at a port that no other takes when it is gone."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agentd",
        "demo",
        "--port",
        str(free_port()),
        *options,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            said = ""
            while "Work orders" not in said:
                line = await process.stdout.readline()
                assert line, f"the demo ended: {said}"
                said += line.decode()
        url, password = re.search(r"http://[\d.]+:\d+", said), re.search(r"demo-\d+", said)
        assert url is not None
        assert password is not None
        yield Demo(f"{url[0]}/", password[0])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        # Reads the rest too, so that the pipe is closed with the process.
        await process.communicate()


@asynccontextmanager
async def board(open_page: OpenPage, at: Demo, *, allowed: str = r"$^") -> AsyncIterator[Shown]:
    """The wallboard, logged in to by the page."""
    # 404: nobody has set anything for the board yet.
    refused = r"status of 40[14]"
    async with open_page(
        f"{at.url}login?next=/", wait_for="#login", allowed=f"{refused}|{allowed}"
    ) as shown:
        await shown.page.fill("#login", "supervisor")
        await shown.page.fill("#password", at.password)
        await shown.page.press("#password", "Enter")
        await shown.page.wait_for_selector(".seats", timeout=PATIENCE_MS)
        yield shown


async def test_the_demos_board_moves(open_page: OpenPage) -> None:
    async with demo("--seats", "12") as at, board(open_page, at) as shown:
        await shown.until(
            "document.querySelectorAll('.tile').length === 11",
            "all seats but the one that nobody has taken",
        )
        await shown.until(
            "document.querySelector('.tile[data-state=ringing] .tile-ring')"
            "?.textContent.startsWith('第') ?? false",
            "a phone rings, and its rings are counted",
        )
        await shown.until(
            "document.querySelector('.tile[data-state=talking]') !== null", "somebody talks"
        )
        states = "[...document.querySelectorAll('.tile')].map(t => t.dataset.state).join()"
        before = await shown.page.evaluate(states)
        await shown.until(f"{states} !== '{before}'", "the board goes on moving")
        assert "PBX 已连接" in await shown.text(".health")
        assert await shown.page.locator(".banner").count() == 0


async def test_a_daemon_that_is_gone_is_noticed(open_page: OpenPage) -> None:
    lost = r"WebSocket connection to .* failed|ERR_CONNECTION_REFUSED"
    async with AsyncExitStack() as daemon, AsyncExitStack() as browser:
        at = await daemon.enter_async_context(demo("--seats", "4"))
        shown = await browser.enter_async_context(board(open_page, at, allowed=lost))
        await shown.until("document.querySelectorAll('.tile').length === 3", "three of four seats")
        await daemon.aclose()
        await shown.page.wait_for_selector(".banner", timeout=PATIENCE_MS)
        assert "数据已停止更新" in await shown.text(".banner")
        before = await shown.page.locator(".tile-time").all_inner_texts()
        await asyncio.sleep(1.5)
        assert await shown.page.locator(".tile-time").all_inner_texts() == before
