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

import pytest

from tests.browser.conftest import PATIENCE_MS, OpenPage

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def demo(*options: str) -> AsyncIterator[str]:
    """The URL of an `agentd demo` of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agentd",
        "demo",
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
            while (found := re.search(r"http://[\d.]+:\d+", said)) is None:
                line = await process.stdout.readline()
                assert line, f"the demo ended: {said}"
                said += line.decode()
        yield f"{found[0]}/"
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        # Reads the rest too, so that the pipe is closed with the process.
        await process.communicate()


async def test_the_demos_board_moves(open_page: OpenPage) -> None:
    async with demo("--seats", "12") as url, open_page(url) as shown:
        await shown.until("document.querySelectorAll('.tile').length === 12", "twelve seats")
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
        url = await daemon.enter_async_context(demo("--seats", "4"))
        shown = await browser.enter_async_context(open_page(url, allowed=lost))
        await shown.until("document.querySelectorAll('.tile').length === 4", "four seats")
        await daemon.aclose()
        await shown.page.wait_for_selector(".banner", timeout=PATIENCE_MS)
        assert "数据已停止更新" in await shown.text(".banner")
        before = await shown.page.locator(".tile-time").all_inner_texts()
        await asyncio.sleep(1.5)
        assert await shown.page.locator(".tile-time").all_inner_texts() == before
