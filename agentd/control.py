"""The control socket: how a command on the same machine reaches the running daemon.

A unix-domain socket beside the database, for its owner alone (mode 0600). One JSON object per line
each way, one answer per request; ``do`` names one of the handlers that the server was given::

    -> {"do": "complete", "pbx": "main", "order": "main-1732320000.7", "by": "1001"}
    <- {"ok": true, "order": {...}}
    <- {"ok": false, "code": "refused", "message": "work order ... was already completed by ..."}

Codes: ``refused`` (it cannot be done as things stand; ``message_zh`` and ``missing`` say more where
there is more to say), ``late`` (it is on its way, but not stored yet: the disk), ``bad_request``
(the line is no such object).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import msgspec
import structlog
from msgspec import UNSET, Struct

from agentd.core.order_model import Complete, Reply
from agentd.errors import AgentdError, Refused

LINE_MAX_BYTES = 1 << 20
"""An import of people is one line."""
CLIENTS_MAX = 16
IDLE_MAX_S = 30.0
"""A client that says nothing for this long is sent away."""
STORED_MAX_S = 10.0
"""How long an answer waits for the store."""
_PATH_MAX_BYTES = 100
"""A little below what a socket's address can hold."""


class Handler(Struct, frozen=True):
    """One command: the shape of its request, and what does it."""

    request: type[Struct]
    """Tagged (``tag_field="do"``) with the command's name."""
    act: Callable[[Any], Awaitable[Mapping[str, Any]]]
    """From the request to the members of the answer, once all is stored; raises
    :class:`Refused`."""


class CompleteRequest(Struct, frozen=True, tag_field="do", tag="complete"):
    """A person completed a work order; the rest is what the command can bring along."""

    pbx: str
    order: str
    by: str
    """Login or name."""
    category: str | None = None
    own_service: bool = False
    fields: dict[str, str] = {}
    reply: Reply | None = None
    external_no: str = ""


def completion(complete: Callable[[CompleteRequest], Awaitable[object]]) -> Handler:
    """The handler of ``complete``; what ``complete`` returns is the answer's ``order``."""

    async def act(request: CompleteRequest) -> Mapping[str, Any]:
        return {"order": await complete(request)}

    return Handler(CompleteRequest, act)


def form_of(request: CompleteRequest) -> Complete:
    """The command that ``request`` stands for; what it leaves out stays as it is."""
    return Complete(
        category=request.category if request.category is not None else UNSET,
        own_service=True if request.own_service else UNSET,
        fields=request.fields,
        reply=request.reply if request.reply is not None else UNSET,
        external_no=request.external_no or UNSET,
    )


class _Asked(Struct, frozen=True):
    do: str


class ControlError(AgentdError):
    """The daemon could not be asked, or did not do it. ``code`` as in an answer, or None;
    ``answer`` is the whole of it."""

    def __init__(
        self, message: str, code: str | None = None, answer: Mapping[str, Any] | None = None
    ) -> None:
        self.code = code
        self.answer = answer or {}
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

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        """``path`` as of :func:`socket_path`; ``handlers`` by the name of their command."""
        self._path = path
        self._handlers = dict(handlers)
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
            if answer.get("code") == "bad_request":
                return

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            name = msgspec.json.decode(line, type=_Asked).do
            handler = self._handlers.get(name)
            if handler is None:
                return self._bad_request(f"there is no command {name[:40]!r}")
            request = msgspec.json.decode(line, type=handler.request)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._bad_request(str(error))
        doing = asyncio.ensure_future(handler.act(request))
        try:
            # Whoever stops waiting does not take the command back.
            async with asyncio.timeout(STORED_MAX_S):
                result = await asyncio.shield(doing)
        except Refused as error:
            return _refusal(error)
        except TimeoutError:
            doing.add_done_callback(partial(self._on_late, name))
            return {
                "ok": False,
                "code": "late",
                "message": "agentd has it, but could not store it yet (see its log); do not "
                "repeat it",
            }
        except asyncio.CancelledError:
            doing.add_done_callback(partial(self._on_late, name))
            raise
        self._log.info("command_done", do=name)
        return {"ok": True, **result}

    def _bad_request(self, reason: str) -> dict[str, Any]:
        self._log.warning("control_bad_request", reason=reason)
        return {"ok": False, "code": "bad_request", "message": reason}

    def _on_late(self, name: str, doing: asyncio.Future[Mapping[str, Any]]) -> None:
        """Nobody waits any more; the log is told what came of it."""
        if doing.cancelled():
            return
        error = doing.exception()
        if error is None:
            self._log.info("command_done", do=name)
        else:
            self._log.warning("control_late_refusal", do=name, reason=str(error))


def _refusal(error: Refused) -> dict[str, Any]:
    answer: dict[str, Any] = {"ok": False, "code": "refused", "message": str(error)}
    if error.text_zh:
        answer["message_zh"] = error.text_zh
    if error.missing:
        answer["missing"] = error.missing
    return answer


async def ask(path: Path, request: Struct) -> dict[str, Any] | None:
    """Have the daemon behind the socket ``path`` do what ``request`` (a handler's) says.

    Returns its answer, or None when no daemon listens there. Raises :class:`ControlError` when it
    refuses, or cannot be understood.
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
        answer = msgspec.json.decode(line, type=dict[str, Any])
    except (ConnectionError, TimeoutError, ValueError, msgspec.DecodeError) as error:
        raise ControlError(
            f"agentd on {path} gave no answer that can be understood; look before trying "
            f"again whether it was done"
        ) from error
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    if answer.get("ok") is not True:
        said = answer.get("message") or "agentd refused"
        raise ControlError(str(said), answer.get("code"), answer)
    return answer


__all__: list[Any] = [
    "CompleteRequest", "ControlError", "ControlServer", "Handler", "ask", "completion",
    "form_of", "socket_path",
]  # fmt: skip
