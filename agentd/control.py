"""The control socket: how a command on the same machine reaches the running daemon.

A unix-domain socket beside the database, for its owner alone (mode 0600). One JSON object per line
each way, one answer per request::

    -> {"do": "complete", "pbx": "main", "order": "main-1732320000.7", "by": "王芳"}
    <- {"ok": true, "order": {...}}
    <- {"ok": false, "code": "refused", "message": "work order ... was already completed by ..."}

Codes: ``refused`` (it cannot be done as things stand), ``late`` (it is on its way, but not stored
yet: the disk), ``bad_request`` (the line is not such an object).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec
import structlog
from msgspec import Struct

from agentd.core.effects import OrderChanged
from agentd.errors import AgentdError, Refused

LINE_MAX_BYTES = 64 << 10
CLIENTS_MAX = 16
IDLE_MAX_S = 30.0
"""A client that says nothing for this long is sent away."""
STORED_MAX_S = 10.0
"""How long an answer waits for the store."""
_PATH_MAX_BYTES = 100
"""A little below what a socket's address can hold."""

Complete = Callable[[str, str, str], Awaitable[OrderChanged]]
"""``(pbx, order, by)`` to the completed order once it is stored; raises :class:`Refused`."""


class Request(Struct, frozen=True, tag_field="do", tag="complete"):
    """A person completed a work order."""

    pbx: str
    order: str
    by: str


class Answer(Struct, frozen=True):
    """What came of a request."""

    ok: bool
    order: OrderChanged | None = None
    code: str | None = None
    message: str | None = None


class ControlError(AgentdError):
    """The daemon could not be asked, or did not do it. ``code`` as in :class:`Answer`, or None."""

    def __init__(self, message: str, code: str | None = None) -> None:
        self.code = code
        super().__init__(message)


def socket_path(database: Path) -> Path:
    """Where the socket of the daemon on ``database`` is."""
    return database.with_name(database.name + ".sock")


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """``path`` as a socket's address, also where it is too long for one."""
    absolute = path.absolute()
    if len(os.fsencode(absolute)) <= _PATH_MAX_BYTES:
        yield str(absolute)
        return
    directory = os.open(absolute.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{absolute.name}"
    finally:
        os.close(directory)


class ControlServer:
    """Answers on the control socket. Use between the store's start and its close.

    The database's lock guards the socket as well: whoever holds it may replace a socket that a
    killed daemon left behind.
    """

    def __init__(self, path: Path, complete: Complete) -> None:
        """``path`` as of :func:`socket_path`; ``complete`` does it, in order with the events."""
        self._path = path
        self._complete = complete
        self._log = structlog.get_logger("agentd.control")
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> None:
        """Listen. Raises :class:`ControlError` when the socket cannot be made."""
        try:
            listening = self._bind()
        except OSError as error:
            raise ControlError(
                f"cannot make the control socket {self._path}: {error.strerror or error}"
            ) from error
        self._server = await asyncio.start_unix_server(
            self._on_client, sock=listening, limit=LINE_MAX_BYTES
        )

    async def close(self) -> None:
        """Stop listening and send the clients away."""
        if self._server is None:
            return
        self._closing = True
        self._server.close()
        for client in self._clients:
            client.cancel()
        if self._clients:
            await asyncio.wait(self._clients)
        await self._server.wait_closed()
        self._server = None
        self._path.unlink(missing_ok=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _bind(self) -> socket.socket:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self._path.lstat().st_mode):
                raise FileExistsError(17, "there is a file of that name that is no socket")
            self._path.unlink()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # From the first moment on nobody else can connect.
            old = os.umask(0o177)
            try:
                with _address(self._path) as address:
                    listening.bind(address)
            finally:
                os.umask(old)
        except OSError:
            listening.close()
            raise
        return listening

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            if len(self._clients) <= CLIENTS_MAX:
                await self._serve(reader, writer)
        except (ConnectionError, TimeoutError):
            # It went away, or says nothing; it can come again.
            return
        except asyncio.CancelledError:
            # asyncio's streams take a cancelled client for an error that nobody saw.
            if not self._closing:
                raise
        finally:
            self._clients.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE_MAX_S):
                try:
                    line = await reader.readline()
                except ValueError:
                    line = b"longer than allowed"
            if not line:
                return
            answer = await self._answer(line)
            writer.write(msgspec.json.encode(answer) + b"\n")
            async with asyncio.timeout(IDLE_MAX_S):
                await writer.drain()
            if answer.code == "bad_request":
                return

    async def _answer(self, line: bytes) -> Answer:
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._log.warning("control_bad_request", reason=str(error))
            return Answer(ok=False, code="bad_request", message=str(error))
        doing = asyncio.ensure_future(self._complete(request.pbx, request.order, request.by))
        try:
            # Whoever stops waiting does not take the command back.
            async with asyncio.timeout(STORED_MAX_S):
                order = await asyncio.shield(doing)
        except Refused as error:
            return Answer(ok=False, code="refused", message=str(error))
        except TimeoutError:
            doing.add_done_callback(self._on_late)
            return Answer(
                ok=False,
                code="late",
                message="agentd has it, but could not store it yet (see its log); do not repeat it",
            )
        except asyncio.CancelledError:
            doing.add_done_callback(self._on_late)
            raise
        self._log.info("order_completed_by_command", order=order.id, by=order.completed_by)
        return Answer(ok=True, order=order)

    def _on_late(self, doing: asyncio.Future[OrderChanged]) -> None:
        """Nobody waits any more; the log is told what came of it."""
        if doing.cancelled():
            return
        error = doing.exception()
        if error is None:
            order = doing.result()
            self._log.info("order_completed_by_command", order=order.id, by=order.completed_by)
        else:
            self._log.warning("control_late_refusal", reason=str(error))


async def ask(path: Path, request: Request) -> OrderChanged | None:
    """Have the daemon behind the socket ``path`` complete an order.

    Returns the completed order, or None when no daemon listens there. Raises :class:`ControlError`
    when it refuses, or cannot be understood.
    """
    try:
        with _address(path) as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=LINE_MAX_BYTES)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        raise ControlError(
            f"cannot reach agentd on {path}: {error.strerror or error}; run this command as the "
            f"user that agentd runs as"
        ) from error
    try:
        async with asyncio.timeout(STORED_MAX_S + IDLE_MAX_S):
            writer.write(msgspec.json.encode(request) + b"\n")
            await writer.drain()
            line = await reader.readline()
        answer = msgspec.json.decode(line, type=Answer)
    except (ConnectionError, TimeoutError, ValueError, msgspec.DecodeError) as error:
        raise ControlError(
            f"agentd on {path} gave no answer that can be understood; look up the order before "
            f"trying again"
        ) from error
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    if not answer.ok or answer.order is None:
        raise ControlError(answer.message or "agentd refused", answer.code)
    return answer.order


__all__: list[Any] = [
    "Answer", "Complete", "ControlError", "ControlServer", "Request", "ask", "socket_path",
]  # fmt: skip
