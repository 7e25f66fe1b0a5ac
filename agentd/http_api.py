"""The web server: pages, health and the live stream on one port, for this machine only.

Until people can log in, whoever reaches the port sees the whole board; so it binds to loopback
only, and answers only to names of this machine, which keeps a page elsewhere from reaching it by
pointing a name of its own here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog
import uvicorn
from fastapi import FastAPI, Response, WebSocket
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from agentd.errors import AgentdError

INCOMING_MAX_BYTES = 4096
PORTS_TRIED = 50
LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# What Vite names after its content: assets/index-DiwrgTda.js.
_HASHED_ASSET = re.compile(r"^assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+(\.map)?$")

_NOT_BUILT = """\
网页尚未构建。请在 agentd 的源码目录中运行:  make web
然后重新加载本页。终端看板:  agentd watch

The pages are not built. In agentd's source tree, run:  make web
Then reload this page. The wallboard in a terminal:  agentd watch
"""

_log = structlog.get_logger(__name__)


class WebSettings(Struct, frozen=True, kw_only=True):
    """Where the web server listens and what it serves."""

    host: str = "127.0.0.1"
    """A loopback address or a name of one."""
    port: int = 8440
    """0: any free port."""
    port_auto: bool = False
    """When ``port`` is taken, use the next free one instead of refusing to start."""
    static_dir: Path = Path(__file__).parent / "static"
    """The built pages; may be missing."""
    allowed_hosts: tuple[str, ...] = ()
    """Names, beside those of loopback, under which a proxy on this machine publishes us."""
    shutdown_s: int = 2
    """How long requests under way may take when we stop."""


class Live(Protocol):
    """The live stream, as far as the web server needs it (``monitor_ws.LiveStream``)."""

    @property
    def seq(self) -> int: ...

    @property
    def clients(self) -> int: ...

    async def run(self) -> None: ...

    async def serve(self, websocket: WebSocket) -> None: ...

    async def close(self) -> None: ...

    def cut_parting(self) -> None: ...


class WebServer:
    """Serves the pages, ``/ws`` and ``/healthz``.

    ``health`` gives what ``/healthz`` shows, JSON types only; its ``ok`` (a bool) decides between
    200 and 503. Order of use: :meth:`start`, then :meth:`serve_until_stopped` in a task of its
    own, :meth:`stop` from another.
    """

    def __init__(
        self, settings: WebSettings, live: Live, health: Callable[[], dict[str, Any]]
    ) -> None:
        self._settings = settings
        self._live = live
        self._health = health
        self._sockets: list[socket.socket] = []
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    async def start(self) -> str:
        """Take the port and return the URL; who connects now is served as soon as
        :meth:`serve_until_stopped` runs. Raises :class:`AgentdError` when the address is not a
        loopback one or its port is taken."""
        addresses = await _loopback_addresses(self._settings.host)
        self._sockets = _listen(addresses, self._settings)
        host, port = self._sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def serve_until_stopped(self) -> None:
        """Serve until :meth:`stop` is called (returns) or the task is cancelled."""
        self._done.clear()
        server = _Server(
            Config(
                self._app(),
                ws=_LineProtocol,
                ws_max_size=INCOMING_MAX_BYTES,
                # Beats and acknowledgements find a dead client, and sooner.
                ws_ping_interval=None,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=self._settings.shutdown_s,
            )
        )
        ended_by_itself = False
        try:
            async with asyncio.TaskGroup() as group:
                stream = group.create_task(self._live.run(), name="live-stream")
                watcher = group.create_task(self._stop_when_told(server), name="web-stop")
                await server.serve(sockets=self._sockets)
                ended_by_itself = True
                stream.cancel()
                watcher.cancel()
        finally:
            if server.started and not ended_by_itself:
                # Cancelled: uvicorn would leave its connections and their tasks behind.
                await self._live.close()
                await server.shutdown(sockets=self._sockets)
            self._live.cut_parting()
            self._close_sockets()
            self._done.set()

    async def stop(self) -> None:
        """Send the live stream's clients away, finish the requests under way, free the port."""
        self._stopping.set()
        await self._done.wait()
        self._close_sockets()

    async def _stop_when_told(self, server: _Server) -> None:
        await self._stopping.wait()
        # First the stream, which knows how to part from a client that does not read.
        await self._live.close()
        server.should_exit = True

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()
        self._sockets = []

    def _app(self) -> ASGIApp:
        app = FastAPI(title="agentd", openapi_url=None, docs_url=None, redoc_url=None)

        @app.get("/healthz")
        async def healthz() -> Response:
            body = self._health()
            return Response(
                msgspec.json.encode(body | {"seq": self._live.seq, "clients": self._live.clients}),
                HTTPStatus.OK if body["ok"] else HTTPStatus.SERVICE_UNAVAILABLE,
                {"Cache-Control": "no-store"},
                "application/json",
            )

        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            await self._live.serve(websocket)

        app.mount("/", _Pages(directory=self._settings.static_dir, html=True, check_dir=False))
        return _Guard(app, (*LOOPBACK_NAMES, *self._settings.allowed_hosts))


class _Server(uvicorn.Server):
    """uvicorn inside our own task group: the signals belong to ``app.py``."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _LineProtocol(WebSocketsSansIOProtocol):
    """uvicorn's engine over ``websockets``, which puts the transport into the ASGI state:
    ASGI itself has no way to cut a client that does not read."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._line: dict[str, Any] = {**app_state}
        super().__init__(config, server_state, self._line, _loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line["transport"] = transport
        super().connection_made(transport)


class _Pages(StaticFiles):
    """The built pages, with the caching that their names allow."""

    async def check_config(self) -> None:
        """A missing directory is no error: it may be built while we run."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == HTTPStatus.NOT_FOUND and path == ".":
                return PlainTextResponse(
                    _NOT_BUILT, HTTPStatus.SERVICE_UNAVAILABLE, {"Cache-Control": "no-store"}
                )
            raise
        hashed = _HASHED_ASSET.match(path) is not None
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if hashed else "no-cache"
        )
        return response


class _Guard:
    """Refuses foreign names in ``Host`` and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._headers = [
            (name.lower().encode(), value.encode()) for name, value in _SECURITY_HEADERS.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        app = self._app
        if _host_name(host) not in self._hosts:
            _log.warning("web_host_refused", host=host)
            app = PlainTextResponse(
                f"agentd does not serve the name {host!r}. Open it as localhost, or add the name "
                "to allowed_hosts.\n",
                HTTPStatus.MISDIRECTED_REQUEST,
            )
        await app(scope, receive, send_guarded)


def _host_name(host: str) -> str:
    """``Host`` without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


async def _loopback_addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AgentdError(
            f"The web server cannot listen on {host!r}: {error}. Use 127.0.0.1."
        ) from error
    addresses = [(family, str(address[0])) for family, _, _, _, address in found]
    for _, address in addresses:
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise AgentdError(
                f"The web server refuses to listen on {host} ({address}): it has no login yet, "
                "and whoever reached the port would see every call. Use 127.0.0.1; from another "
                "machine, use an SSH tunnel."
            )
    return list(dict.fromkeys(addresses))


def _listen(
    addresses: list[tuple[socket.AddressFamily, str]], settings: WebSettings
) -> list[socket.socket]:
    """Listening sockets, all on one port: the wished one, or with ``port_auto`` the next free."""
    last = settings.port
    if settings.port_auto and settings.port:
        last = min(settings.port + PORTS_TRIED - 1, 65535)
    for port in range(settings.port, last + 1):
        try:
            return _listen_on(addresses, port)
        except OSError as error:
            reason = error.strerror or str(error)
    tried = f"port {settings.port}" if last == settings.port else f"ports {settings.port} to {last}"
    raise AgentdError(
        f"The web server cannot listen on {settings.host}, {tried}: {reason}. Stop what uses it "
        f"(see: ss -ltnp), or choose another port."
    )


def _listen_on(addresses: list[tuple[socket.AddressFamily, str]], port: int) -> list[socket.socket]:
    with contextlib.ExitStack() as undo:
        sockets: list[socket.socket] = []
        for family, address in addresses:
            sock = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            sock.listen(1024)
            port = sock.getsockname()[1]
            sockets.append(sock)
        undo.pop_all()
    return sockets
