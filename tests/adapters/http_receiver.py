"""A receiver of webhooks: a real HTTP server on a local port that answers as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Self

from msgspec import Struct


class Got(Struct, frozen=True):
    """One request."""

    target: str
    """Path and query."""
    headers: dict[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answer(Struct, frozen=True):
    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b'{"errcode": 0, "code": 0}'
    slow: bool = False
    """Never answers."""


class Receiver:
    """Takes POSTs; ``answers`` are used up one by one, the last one for good."""

    def __init__(
        self, answers: Sequence[Answer] = (Answer(),), *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tls = tls
        self.answers = list(answers)
        self.got: list[Got] = []
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for client in self._clients:
            client.cancel()
        if self._clients:
            await asyncio.wait(self._clients)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")[:-2]
                headers = {
                    name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                self.got.append(Got(first.split(" ")[1], headers, body))
                if answer.slow:
                    await reader.read()
                    return
                said = {"Content-Length": str(len(answer.body)), **answer.headers}
                text = "".join(f"{name}: {value}\r\n" for name, value in said.items())
                writer.write(f"HTTP/1.1 {answer.status} X\r\n{text}\r\n".encode() + answer.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except asyncio.CancelledError:
            # asyncio's streams take a cancelled client for an error that nobody saw.
            return
        finally:
            self._clients.discard(task)
            writer.close()

    async def until(self, enough: int | Callable[[], bool]) -> None:
        """Return when so many requests came, or when ``enough`` says so."""
        async with asyncio.timeout(20):
            while not (enough() if callable(enough) else len(self.got) >= enough):
                await asyncio.sleep(0.005)
