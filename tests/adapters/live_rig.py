"""A web server with a live stream on a free port, and clients for it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Frame, Opcode

from agentd.http_api import WebServer, WebSettings
from agentd.http_session import WebAccounts
from agentd.monitor_mailbox import StreamSettings
from agentd.monitor_ws import LiveStream
from agentd.testing import OpenAccounts
from agentd.watch_view import apply

# Long for anybody, so that only what never comes fails a test.
PATIENCE_S = 60.0

HEALTHY: dict[str, Any] = {"ok": True, "links": {"main": "up"}, "store": {"ok": True}}


@dataclass
class Rig:
    live: LiveStream
    web: WebServer
    url: str
    serving: asyncio.Task[None]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"


@asynccontextmanager
async def served(
    stream: StreamSettings | None = None,
    *,
    web: WebSettings | None = None,
    health: Callable[[], dict[str, Any]] = lambda: HEALTHY,
    accounts: WebAccounts | None = None,
) -> AsyncIterator[Rig]:
    live = LiveStream(stream, now=asyncio.get_running_loop().time, version="0.0.test")
    server = WebServer(
        web or WebSettings(port=0, static_dir=Path("/nowhere/to/be/found")),
        live,
        health,
        accounts or OpenAccounts(),
    )
    url = await server.start()
    with _uvicorn_errors() as errors:
        serving = asyncio.create_task(server.serve_until_stopped())
        try:
            yield Rig(live, server, url, serving)
        finally:
            await server.stop()
            await serving
        assert not errors, "uvicorn met a fault of ours"


@contextmanager
def _uvicorn_errors() -> Iterator[list[str]]:
    """What uvicorn only logs: an exception in the application, a task that it had to cancel."""
    seen: list[str] = []

    def emit(record: logging.LogRecord) -> None:
        # uvicorn says this of every refusal that has a text.
        if record.getMessage() != "ASGI callable returned without completing handshake.":
            seen.append(f"{record.getMessage()} {record.exc_info}")

    handler = logging.Handler(logging.ERROR)
    handler.emit = emit  # type: ignore[method-assign]
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(handler)
    try:
        yield seen
    finally:
        logger.removeHandler(handler)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


class Listener:
    """A client that keeps the board; it acknowledges only when it is told to."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.board: Mapping[str, Mapping[str, Any]] = {}
        self.seq = -1
        self.seen: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            message: dict[str, Any] = json.loads(await self.websocket.recv())
        self.seen.append(message)
        if message["type"] == "delta":
            assert message["seq"] == self.seq + 1, "a delta was left out"
        self.board = apply(self.board, message)
        self.seq = message.get("seq", self.seq)
        return message

    async def next_of(self, *kinds: str) -> dict[str, Any]:
        while (message := await self.next())["type"] not in kinds:
            pass
        return message

    async def ack(self, seq: int | None = None) -> None:
        await self.websocket.send(
            json.dumps({"type": "ack", "seq": self.seq if seq is None else seq})
        )

    async def follow(self, seq: int) -> None:
        """Take over and acknowledge everything until ``seq`` is reached."""
        while self.seq < seq:
            if (await self.next())["type"] != "hello":
                await self.ack()

    async def until_closed(self) -> Close:
        """Read on to the end; why the server ended it."""
        closed: Close | None = None
        try:
            while True:
                await self.next()
        except ConnectionClosed as end:
            closed = end.rcvd
        assert closed is not None, "closed without a word"
        return closed

    def count(self, kind: str) -> int:
        return sum(message["type"] == kind for message in self.seen)


@asynccontextmanager
async def listening(rig: Rig, **options: Any) -> AsyncIterator[Listener]:
    async with connect(rig.ws_url, compression=None, max_size=None, **options) as websocket:
        yield Listener(websocket)


@asynccontextmanager
async def silent_socket(rig: Rig) -> AsyncIterator[socket.socket]:
    """A client that finishes the handshake and then reads nothing at all."""
    loop = asyncio.get_running_loop()
    key = base64.b64encode(bytes(16)).decode()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", rig.port))
        await loop.sock_sendall(
            sock,
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{rig.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode(),
        )
        yield sock


def frame(text: str) -> bytes:
    """``text`` as a client's WebSocket frame."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


async def drain(sock: socket.socket) -> tuple[int, bool]:
    """Read ``sock`` to its end: bytes that came, and whether it ended with a reset."""
    loop = asyncio.get_running_loop()
    received = 0
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                data = await loop.sock_recv(sock, 1 << 20)
            except ConnectionResetError:
                return received, True
            if not data:
                return received, False
            received += len(data)
