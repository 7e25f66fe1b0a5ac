"""``agentd watch``: the wallboard in a terminal, a client of the live stream like any other."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException

from agentd.errors import AgentdError
from agentd.watch_board import clean, render
from agentd.watch_view import View
from agentd.words import Lang, say

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 15.0
FRAME_S = 0.25
# A snapshot of some ten thousand seats; more is not an agentd.
MESSAGE_MAX_BYTES = 16 * 1024 * 1024

# Refusals that no waiting mends, by status and whether we sent a token.
_REFUSED: dict[tuple[int, bool], str] = {
    (401, False): "watch.no_token",
    (401, True): "watch.token_refused",
    (403, True): "watch.token_without_right",
}


def token_from(file: Path | None, environment: Mapping[str, str]) -> str | None:
    """The token: of ``file``, which nobody else may read, else of ``AGENTD_TOKEN``; None without
    either. Never from the command line, where everybody on the machine could read it."""
    if file is None:
        return environment.get("AGENTD_TOKEN", "").strip() or None
    try:
        if file.stat().st_mode & 0o077:
            raise AgentdError(f"others may read {file}: run chmod 600 {file}")
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AgentdError(f"cannot read the token from {file}: {error}") from error
    if not token or len(token.split()) != 1:
        raise AgentdError(f"{file} must hold a token and nothing else")
    return token


async def follow(view: View, changed: Callable[[], None], token: str | None = None) -> None:
    """Keep ``view`` up to date for ever, reconnecting with a growing, jittered pause; ``changed``
    is called after every change. Raises :class:`AgentdError` when waiting cannot mend it."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        try:
            async with connect(
                f"{view.url}{'&' if '?' in view.url else '?'}patches=1",
                additional_headers=headers,
                compression=None,
                max_size=MESSAGE_MAX_BYTES,
                ping_interval=5,
                ping_timeout=5,
                open_timeout=5,
                close_timeout=1,
                proxy=None,
            ) as websocket:
                view.connect()
                changed()
                async for message in _messages(websocket):
                    answer = view.take(message, loop.time())
                    if answer is not None:
                        await websocket.send(answer)
                    if view.has_board:
                        failures = 0
                    changed()
                reason = clean(websocket.close_reason or "") or "closed"
        except InvalidURI as error:
            raise AgentdError(say(view.words, "watch.bad_url", url=view.url)) from error
        except (KeyError, TypeError, msgspec.DecodeError):
            reason = say(view.words, "watch.not_agentd")
        except InvalidStatus as error:
            refused = _REFUSED.get((error.response.status_code, token is not None))
            if refused is not None:
                raise AgentdError(say(view.words, refused)) from error
            text = error.response.body or b""
            reason = clean(f"HTTP {error.response.status_code} {text.decode(errors='replace')}")
        except (OSError, TimeoutError, WebSocketException) as error:
            reason = clean(error) or type(error).__name__
        pause_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2**failures)
        pause_s *= random.uniform(0.5, 1)  # noqa: S311 (spreads reconnects, guards nothing)
        failures = min(failures + 1, 10)
        view.lose(reason, loop.time() + pause_s)
        changed()
        await asyncio.sleep(pause_s)


async def watch(
    url: str,
    lang: Lang | None,
    console: Console,
    *,
    once: bool = False,
    token: str | None = None,
) -> None:
    """Show the board of ``url`` until cancelled; ``once``: print it one time, and end. ``token``
    lets us in."""
    loop = asyncio.get_running_loop()
    view = View(url, lang)
    news = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        feed = group.create_task(follow(view, news.set, token), name="watch-feed")
        if once:
            while not view.has_board:
                news.clear()
                await news.wait()
                if view.lost_reason:
                    raise AgentdError(clean(view.lost_reason))
            console.print(render(view, loop.time(), width=console.width))
            feed.cancel()
            return
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(
                    render(view, loop.time(), width=console.width, height=console.height),
                    refresh=True,
                )
                await asyncio.sleep(FRAME_S)


def run(
    url: str, lang: Lang | None = None, *, once: bool = False, token: str | None = None
) -> None:
    """The command: until Ctrl-C or SIGTERM, which leave the terminal as it was."""
    console = Console()

    async def until_told() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        failure: BaseException | None = None
        try:
            await watch(url, lang, console, once=once or not console.is_terminal, token=token)
        except* AgentdError as errors:
            failure = errors.exceptions[0]
        if failure is not None:
            raise failure

    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(until_told())


async def _messages(websocket: ClientConnection) -> AsyncIterator[dict[str, Any]]:
    async for text in websocket:
        yield msgspec.json.decode(text, type=dict[str, Any])
