"""A scripted agentd for the page: serves the built pages and plays ``/ws`` as docs/live-stream.md
says, and, when told, as it must not: falling silent, cutting lines, sending rubbish.

The real live stream never does the latter; what the page makes of the real one is tested with the
real one (test_real_server.py). To look at a scene by hand::

    python -m tests.browser.fake_daemon --scene trouble --seats 24
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import mimetypes
import time
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from agentd.http_pages import SECURITY_HEADERS

STATIC = Path(__file__).resolve().parents[2] / "agentd" / "static"
BEAT_S = 1.0
PAGES = ("alerts", "desk", "login", "settings", "shift", "wall")

Object = dict[str, Any]

LEADER: Object = {
    "login": "2001",
    "name": "王班长",
    "role": "shift_leader",
    "queues": [],
    "teams": [],
    "rights": ["board", "desk", "orders.read", "orders.lead", "shift"],
    "settings": {},
    "seat": None,
}

ANSWERS: Object = {
    "/api/form": {
        "categories": {},
        "pauses": [],
        "teams": [],
        "order_clocks": [],
        "utc_offset_s": 28_800,
    },
    "/api/metrics": {"items": []},
    "/api/health/feed": {"items": []},
    "/api/board/settings/floor_plan": {"key": "floor_plan", "value": None, "version": 0},
    "/api/board/settings/thresholds": {"key": "thresholds", "value": None, "version": 0},
}


class FakeDaemon:
    """Use as ``async with FakeDaemon(board) as daemon``; then ``daemon.url``.

    ``shift_s``: how far the clock of this "server" is from the browser's.
    """

    def __init__(
        self,
        board: Mapping[str, Object],
        *,
        shift_s: float = 0.0,
        lang: str = "zh-CN",
        port: int = 0,
        static: Path = STATIC,
    ) -> None:
        self.board: dict[str, Object] = dict(board)
        self.shift_s = shift_s
        self.lang = lang
        self.version = "0.1.0"
        self.protocol = 1
        self.seq = 1
        self.silent = False
        """Say nothing at all, with the line left open."""
        self.refusing = False
        """Answer 503 to whoever wants the stream."""
        self.me: Object | None = dict(LEADER)
        """Who is logged in, as ``/api/me`` says; None: nobody."""
        self.answers: dict[str, Any] = dict(ANSWERS)
        """What ``GET`` of an API path answers, as JSON; who wants more of it routes the page."""
        self.acked: list[int] = []
        self.resyncs = 0
        self.visits = 0
        self.asked: list[str] = []
        """What of the live stream was asked for, as path and query."""
        self._port = port
        self._static = static
        self._server: Server | None = None
        self._beats: asyncio.Task[None] | None = None
        self._clients: set[ServerConnection] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    def now(self) -> float:
        """The server's time, seconds since the epoch."""
        return time.time() + self.shift_s

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._visit,
            "127.0.0.1",
            self._port,
            process_request=self._page,
            ping_interval=None,
            compression=None,
            close_timeout=1,
        )
        self._beats = asyncio.create_task(self._beat(), name="beats")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._beats is not None
        self._beats.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._beats
        await self.cut()
        self._server.close()
        await self._server.wait_closed()

    # --- what the test says -------------------------------------------------------------------

    async def change(self, set_: Mapping[str, Object] | None = None, *del_: str) -> None:
        """One delta: objects to set by key, keys to delete."""
        changed = dict(set_ or {})
        self.board.update(changed)
        for key in del_:
            self.board.pop(key, None)
        self.seq += 1
        await self.say(
            {
                "type": "delta",
                "seq": self.seq,
                "server_time": self.now(),
                "set": changed,
                "del": list(del_),
            }
        )

    async def alter(self, key: str, **fields: Any) -> None:
        """One delta that changes some fields of an object."""
        await self.change({key: {**self.board[key], **fields}})

    async def say(self, message: Mapping[str, Any] | str) -> None:
        """Send to everybody, unless silent; a string goes out as it is."""
        if self.silent:
            return
        text = message if isinstance(message, str) else json.dumps(message)
        for client in list(self._clients):
            with contextlib.suppress(ConnectionClosed):
                await client.send(text)

    async def cut(self) -> None:
        """Cut every line, without a word."""
        for client in list(self._clients):
            client.transport.abort()
        while self._clients:
            await asyncio.sleep(0.01)

    async def part(self, code: int) -> None:
        """Close every line with a close code."""
        for client in list(self._clients):
            await client.close(code)

    async def beat_now(self) -> None:
        await self.say({"type": "beat", "seq": self.seq, "server_time": self.now()})

    # --- serving ------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self.beat_now()

    def _snapshot(self) -> str:
        return json.dumps(
            {
                "type": "snapshot",
                "seq": self.seq,
                "server_time": self.now(),
                "board": self.board,
            }
        )

    async def _visit(self, client: ServerConnection) -> None:
        self.visits += 1
        hello = {
            "type": "hello",
            "protocol": self.protocol,
            "version": self.version,
            "lang": self.lang,
        }
        with contextlib.suppress(ConnectionClosed):
            if not self.silent:
                await client.send(json.dumps(hello))
                await client.send(self._snapshot())
            self._clients.add(client)
            async for text in client:
                said = json.loads(text)
                if said["type"] == "ack":
                    self.acked.append(said["seq"])
                elif said["type"] == "resync":
                    self.resyncs += 1
                    await client.send(self._snapshot())
        self._clients.discard(client)

    def _page(self, _client: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/ws":
            self.asked.append(request.path)
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE) if self.refusing else None
        if path == "/api/me" and self.me is None:
            return _answer(HTTPStatus.UNAUTHORIZED, b"{}", "application/problem+json")
        if path == "/api/me":
            return _answer(HTTPStatus.OK, json.dumps(self.me).encode(), "application/json")
        if path in self.answers:
            body = json.dumps(self.answers[path]).encode()
            return _answer(HTTPStatus.OK, body, "application/json")
        name = path.strip("/") or "index.html"
        file = (self._static / (f"{name}.html" if name in PAGES else name)).resolve()
        if not file.is_relative_to(self._static.resolve()) or not file.is_file():
            return _answer(HTTPStatus.NOT_FOUND)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return _answer(HTTPStatus.OK, file.read_bytes(), kind)


def _answer(status: HTTPStatus, body: bytes = b"", kind: str = "text/plain") -> Response:
    headers = Headers(
        {
            **SECURITY_HEADERS,
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
    )
    return Response(status.value, status.phrase, headers, body)


@contextlib.asynccontextmanager
async def _shown(scene: str, seats: int, port: int) -> AsyncIterator[FakeDaemon]:
    from tests.browser import scenes

    build = scenes.SCENES[scene]
    async with FakeDaemon(build(time.time(), seats), port=port) as daemon:
        yield daemon


async def _main() -> None:
    from tests.browser import scenes

    parser = argparse.ArgumentParser(description="Serve the pages with a scripted board.")
    parser.add_argument("--scene", choices=sorted(scenes.SCENES), default="trouble")
    parser.add_argument("--seats", type=int, default=24)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    async with _shown(options.scene, options.seats, options.port) as daemon:
        print(daemon.url, flush=True)  # noqa: T201  the URL is this program's output
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
