"""The web server: pages, REST, health and the live stream on one port, behind the login.

Without TLS it binds to loopback only: passwords must not cross a network in plain text. It answers
only to names of this machine, which keeps a page elsewhere from reaching it by pointing a name of
its own here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import msgspec
import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response, WebSocket
from msgspec import Struct
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from agentd import __version__
from agentd.errors import AgentdError
from agentd.http_login import MySeatOf, session_router
from agentd.http_pages import Guard, Pages
from agentd.http_problems import install
from agentd.http_session import Caller, Door, DoorSettings, WebAccounts, caller
from agentd.http_wall import wall_session_router
from agentd.monitor_audience import Listener

INCOMING_MAX_BYTES = 4096
PORTS_TRIED = 50
LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")


class WebSettings(Struct, frozen=True, kw_only=True):
    """Where the web server listens and what it serves."""

    host: str = "127.0.0.1"
    """An address or a name of one; without TLS, of loopback."""
    port: int = 8440
    """0: any free port."""
    port_auto: bool = False
    """When ``port`` is taken, use the next free one instead of refusing to start."""
    static_dir: Path = Path(__file__).parent / "static"
    """The built pages; may be missing."""
    allowed_hosts: tuple[str, ...] = ()
    """Names, beside those of loopback, under which a proxy on this machine publishes us."""
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    """PEM; with both, pages are served by https."""
    behind_proxy: bool = False
    """A proxy on this machine publishes us by https and tells the callers' addresses."""
    shutdown_s: int = 2
    """How long requests under way may take when we stop."""

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """Certificate and key, if both are there."""
        if self.tls_cert_file is None or self.tls_key_file is None:
            return None
        return self.tls_cert_file, self.tls_key_file

    @property
    def door(self) -> DoorSettings:
        """What the door must know of it."""
        secure = self.tls is not None or self.behind_proxy
        return DoorSettings(secure=secure, behind_proxy=self.behind_proxy)


class Live(Protocol):
    """The live stream, as far as the web server needs it (``monitor_ws.LiveStream``)."""

    @property
    def seq(self) -> int: ...

    @property
    def clients(self) -> int: ...

    async def run(self) -> None: ...

    async def serve(
        self, websocket: WebSocket, watch: Callable[[], Listener | None], *, patches: bool = False
    ) -> None: ...

    async def close(self) -> None: ...

    def cut_parting(self) -> None: ...


class WebServer:
    """Serves the pages, the REST routes, ``/ws`` and ``/healthz``.

    ``health`` gives what ``/healthz`` shows, JSON types only; its ``ok`` (a bool) decides between
    200 and 503; who is not logged in is shown no more than ``ok`` and ``version``. ``accounts``
    says who may come in. ``routers``: the REST routes, with their ``/api``
    prefix. ``my_seat``: where a person is signed in, for ``/api/me``. ``exposition``: what
    ``/metrics`` shows, and its content type.

    Order of use: :meth:`start`, then :meth:`serve_until_stopped` in a task of its own,
    :meth:`stop` from another.
    """

    def __init__(
        self,
        settings: WebSettings,
        live: Live,
        health: Callable[[], dict[str, Any]],
        accounts: WebAccounts,
        *,
        routers: Sequence[APIRouter] = (),
        my_seat: MySeatOf = lambda _: None,
        exposition: Callable[[], tuple[bytes, str]] | None = None,
    ) -> None:
        self._settings = settings
        self._live = live
        self._health = health
        self._accounts = accounts
        self._routers = routers
        self._my_seat = my_seat
        self._exposition = exposition
        self._sockets: list[socket.socket] = []
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    async def start(self) -> str:
        """Take the port and return the URL; who connects now is served as soon as
        :meth:`serve_until_stopped` runs. Raises :class:`AgentdError` when the address is not a
        loopback one and there is no TLS, the certificate is none, or the port is taken."""
        tls = self._settings.tls
        if tls is not None:
            await asyncio.to_thread(_check_certificate, *tls)
        addresses = await _addresses(self._settings.host, anywhere=tls is not None)
        self._sockets = _listen(addresses, self._settings)
        host, port = self._sockets[0].getsockname()[:2]
        if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
            host = "localhost"
        scheme = "http" if tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def serve_until_stopped(self) -> None:
        """Serve until :meth:`stop` is called (returns) or the task is cancelled."""
        self._done.clear()
        certificate, key = self._settings.tls or (None, None)
        server = _Server(
            Config(
                self._app(),
                ssl_certfile=certificate,
                ssl_keyfile=key,
                http=_HttpProtocol,
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
        settings = self._settings
        app = FastAPI(
            title="agentd",
            version=__version__,
            openapi_url="/api/openapi.json",
            docs_url=None,
            redoc_url=None,
        )
        install(app)

        @app.get("/healthz", include_in_schema=False)
        async def healthz(request: Request) -> Response:
            body = self._health()
            if caller(request).known:
                shown = body | {"seq": self._live.seq, "clients": self._live.clients}
            else:
                shown = {"ok": body["ok"], "version": __version__}
            return Response(
                msgspec.json.encode(shown),
                HTTPStatus.OK if body["ok"] else HTTPStatus.SERVICE_UNAVAILABLE,
                {"Cache-Control": "no-store"},
                "application/json",
            )

        @app.get("/metrics", include_in_schema=False)
        async def metrics(request: Request) -> Response:
            if self._exposition is None:
                raise HTTPException(HTTPStatus.NOT_FOUND)
            if not _may_scrape(caller(request)):
                raise HTTPException(HTTPStatus.FORBIDDEN, "You lack the right 'metrics'.")
            text, kind = self._exposition()
            return Response(text, headers={"Cache-Control": "no-store", "Content-Type": kind})

        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            asked = websocket.query_params
            watch = self._watch(caller(websocket), masked=asked.get("masked") == "1")
            await self._live.serve(websocket, watch, patches=asked.get("patches") == "1")

        app.include_router(session_router(self._accounts, settings.door, self._my_seat))
        app.include_router(wall_session_router(self._accounts, settings.door))
        for router in self._routers:
            app.include_router(router)
        door = Door(app, Pages(settings.static_dir), self._accounts, settings.door)
        hosts = (*LOOPBACK_NAMES, settings.host, *settings.allowed_hosts)
        return Guard(door, hosts, by_address=settings.tls is not None)

    def _watch(self, who: Caller, *, masked: bool) -> Callable[[], Listener | None]:
        """Who listens on the connection of ``who``, asked anew each time: a login ends.
        ``masked``: a wall wants to be shown no more than visitors may see."""
        accounts = self._accounts

        def watch() -> Listener | None:
            if who.token is not None:
                listener = Listener.of_token(accounts.whose_token(who.secret))
            else:
                listener = Listener.of_person(accounts.whose_cookie(who.cookie))
            return listener.behind_mask() if masked and listener is not None else listener

        return watch


def _may_scrape(who: Caller) -> bool:
    """A token that was made for it, and whoever sees the whole board anyway. From this machine too:
    behind a proxy or an SSH tunnel everybody is from this machine."""
    if who.token is not None and "metrics" in who.token.rights:
        return True
    return who.may("board") and not who.acting.queues and not who.acting.teams


class _Server(uvicorn.Server):
    """uvicorn inside our own task group: the signals belong to ``app.py``."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _HttpProtocol(H11Protocol):
    """uvicorn's engine, which would wait for the rest of a request for ever: who opens connections
    and does not say what for is cut off."""

    headers_max_s = 20.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._cut_off: asyncio.TimerHandle | None = None
        super().__init__(config, server_state, app_state, _loop)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._cut_off = self.loop.call_later(self.headers_max_s, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # None before the first request, which uvicorn's types do not say.
        cycle: Any = self.cycle
        idle = cycle is None or cycle.response_complete
        # Some of the next request is here, and not all of its headers.
        partly = idle and bool(self.conn.trailing_data[0])
        if not partly or self.transport.get_protocol() is not self:
            self._wait_no_more()
        elif self._cut_off is None:
            self._cut_off = self.loop.call_later(self.headers_max_s, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)
        # uvicorn forgets this timer where the connection was reset.
        self._unset_keepalive_if_required()

    def _wait_no_more(self) -> None:
        if self._cut_off is not None:
            self._cut_off.cancel()
            self._cut_off = None


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


def _check_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise AgentdError(
            f"The web server cannot use the certificate {certificate} with the key {key}: {error}. "
            "Both must be PEM files that agentd's user may read, and belong together."
        ) from error


async def _addresses(host: str, *, anywhere: bool) -> list[tuple[socket.AddressFamily, str]]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AgentdError(
            f"The web server cannot listen on {host!r}: {error}. Use 127.0.0.1."
        ) from error
    addresses = [(family, str(address[0])) for family, _, _, _, address in found]
    for _, address in addresses:
        if not anywhere and not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            raise AgentdError(
                f"The web server refuses to listen on {host} ({address}) without TLS: passwords "
                "would cross the network in plain text. Set tls_cert_file and tls_key_file, or "
                "use 127.0.0.1 behind a reverse proxy or an SSH tunnel."
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
