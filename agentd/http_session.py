"""Who asks: the door before every page and route.

Nothing but the login page with its files, ``POST /api/session`` and a short ``/healthz`` answers
without a login. Routes learn who asks by the dependencies :func:`current`, :func:`require`,
:func:`allow` and :func:`caller`.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

import structlog
from fastapi import Request
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from agentd.core.people import Person, Right
from agentd.http_pages import Pages, no_accounts_page
from agentd.http_problems import Problem, problem_of
from agentd.ports.accounts import ASKED_FROM, Accounts, ApiToken

COOKIE = "agentd_session"
WALL_COOKIE = "agentd_wall"
"""Holds the token of a wall; good for the wall's own routes and its live stream only."""
BODY_MAX_BYTES = 256 << 10
UPLOAD_MAX_BYTES = 2 << 20
"""Of a CSV file."""
LOGIN_BODY_MAX_BYTES = 4 << 10
BODY_IGNORED_MAX_BYTES = 4 << 20
"""What is read of a body beyond its limit, so that the refusal is heard."""
DISCARDED_MAX_BYTES = 4 << 20
"""What is too long is read to its end up to here: who is cut off while sending hears no reason."""
BODY_MAX_S = 30.0

_OPEN = frozenset(
    {("POST", "/api/session"), ("POST", "/api/wall/session"), ("DELETE", "/api/wall/session")}
)
"""What answers without a login."""
_PROBES = frozenset({"/healthz", "/metrics"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON = "application/json"
_CSV = "text/csv"

_log = structlog.get_logger(__name__)


class WebAccounts(Accounts, Protocol):
    """What the web needs of the accounts beside what every service does."""

    @property
    def has_people(self) -> bool:
        """Whether anybody can log in at all."""
        ...

    def whose_cookie(self, cookie: str) -> Person | None:
        """Whose session it is, at once."""
        ...

    def whose_token(self, secret: str) -> ApiToken | None:
        """Which token it is, at once."""
        ...


class Caller(Struct, frozen=True):
    """Who asks: a person by the cookie, or a machine by its token."""

    person: Person | None
    token: ApiToken | None
    address: str
    cookie: str = ""
    secret: str = ""
    browser: str = ""

    @property
    def known(self) -> bool:
        """Whether anybody is logged in."""
        return self.person is not None or self.token is not None

    @property
    def name(self) -> str:
        """Login or ``token:ID``, for histories and the audit log."""
        if self.token is not None:
            return f"token:{self.token.id}"
        return self.person.login if self.person is not None else ""

    def may(self, right: Right) -> bool:
        """Whether the person's role, or the token, has ``right``."""
        if self.token is not None:
            return right in self.token.rights
        return self.person is not None and self.person.may(right)

    @property
    def acting(self) -> Person:
        """The person; for a token, who stands in for it where a service wants a person: one who
        reads in the token's queues. Ask :meth:`may` first: a token's rights are its own."""
        if self.token is not None:
            return Person(self.name, self.token.name, "manager", queues=self.token.queues)
        assert self.person is not None
        return self.person


class DoorSettings(Struct, frozen=True, kw_only=True):
    """How the door judges requests."""

    secure: bool = False
    """Pages are reached by https: cookies are for https only."""
    behind_proxy: bool = False
    """Believe X-Forwarded-For, from a proxy on this machine only."""


# --- the door --------------------------------------------------------------------------------


class Door:
    """Lets a request through to ``api`` or ``pages`` when its sender may come in."""

    def __init__(
        self, api: ASGIApp, pages: Pages, accounts: WebAccounts, settings: DoorSettings
    ) -> None:
        self._api = api
        self._pages = pages
        self._accounts = accounts
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        headers = Headers(scope=scope)
        who = await self._caller(scope, headers)
        scope["agentd.caller"] = who
        path: str = scope["path"]
        if scope["type"] == "websocket":
            if path == "/ws" and not who.known:
                refusal = PlainTextResponse(
                    "Log in first, or send a token: Authorization: Bearer …\n",
                    HTTPStatus.UNAUTHORIZED,
                )
                await WebSocket(scope, receive, send).send_denial_response(refusal)
                return
            await self._api(scope, receive, send)
        elif path in _PROBES or path == "/api" or path.startswith("/api/"):
            try:
                receive = await self._admit(who, scope, headers, receive)
            except Problem as problem:
                await problem.response()(scope, receive, send)
                return
            await self._api(scope, receive, _uncached(send))
        else:
            answer = self._page(who, scope, headers)
            try:
                await answer(scope, receive, send)
            except HTTPException as error:
                await problem_of(error).response()(scope, receive, send)

    def _page(self, who: Caller, scope: Scope, headers: Headers) -> ASGIApp:
        path: str = scope["path"]
        if path == "/login" and not self._accounts.has_people:
            return no_accounts_page()
        if who.known:
            if path == "/" and not who.may("board"):
                return RedirectResponse("/desk", HTTPStatus.FOUND)
            return self._pages
        if self._pages.is_public(path):
            return self._pages
        navigates = (
            headers.get("sec-fetch-mode") == "navigate" or "text/html" in headers.get("accept", "")
        ) and scope["method"] in {"GET", "HEAD"}
        if not navigates:
            return _not_logged_in().response()
        query = scope["query_string"].decode("latin-1")
        # "//host" would lead away from here.
        wished = "/" + path.lstrip("/\\") + (f"?{query}" if query else "")
        return RedirectResponse(
            f"/login?next={quote(wished, safe='/')}",
            HTTPStatus.FOUND,
            {"Cache-Control": "no-store"},
        )

    async def _caller(self, scope: Scope, headers: Headers) -> Caller:
        address = self._address(scope, headers)
        ASKED_FROM.set(address)
        browser = headers.get("user-agent", "")
        cookie = _cookie(headers)
        kind, _, secret = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            # A token that is wrong is not mended by a cookie beside it.
            token = await self._accounts.by_token(secret.strip())
            return Caller(None, token, address, "", secret.strip(), browser)
        if wall := _cookie(headers, WALL_COOKIE) if _is_walls(scope) else "":
            # Nor is a wall's access that has ended: somebody may be logged in on its machine, and
            # visitors would see what that person may.
            return Caller(None, await self._accounts.by_token(wall), address, "", wall, browser)
        person = await self._accounts.by_cookie(cookie)
        return Caller(person, None, address, cookie, "", browser)

    def _address(self, scope: Scope, headers: Headers) -> str:
        client = scope.get("client")
        peer: str = client[0] if client else ""
        if not self._settings.behind_proxy or not _is_loopback(peer):
            return peer
        # Our proxy added the last one; what stands before it is anybody's word.
        told = ",".join(headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(told))
        except ValueError:
            return peer

    async def _admit(
        self, who: Caller, scope: Scope, headers: Headers, receive: Receive
    ) -> Receive:
        """What the route may read its body from. Raises :class:`Problem`."""
        method, path = scope["method"], scope["path"]
        logging_in = (method, path) in _OPEN
        if method not in _SAFE:
            self._check_origin(headers)
        if not who.known and not logging_in and path != "/healthz":
            raise _not_logged_in(by_token=bool(who.secret))
        if method in _SAFE:
            return receive
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        limit = UPLOAD_MAX_BYTES if kind == _CSV else BODY_MAX_BYTES
        body = await _read(headers, receive, LOGIN_BODY_MAX_BYTES if logging_in else limit)
        # Neither kind can be sent by a form of another site.
        if body and kind not in {_JSON, _CSV}:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                f"Send {_JSON} (Content-Type), or {_CSV} where a file is imported.",
                f"请求内容须为 {_JSON}(导入文件时为 {_CSV})。",
            )
        return _replayed(body, receive)

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or same_origin(
            origin, headers.get("host", ""), secure=self._settings.secure
        ):
            return
        _log.warning("web_origin_refused", origin=origin)
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "origin",
            f"Pages of {origin} may not change anything here.",
            f"{origin} 的网页不能在此修改内容。",
        )


def same_origin(origin: str, host: str, *, secure: bool) -> bool:
    """Whether a page of ``origin`` was served under the name ``host`` (with its port), by us."""
    scheme, _, name = origin.lower().partition("://")
    if scheme not in ({"https"} if secure else {"http", "https"}):
        return False
    return bool(name) and name == host.lower()


def _not_logged_in(*, by_token: bool = False) -> Problem:
    if by_token:
        return Problem(
            HTTPStatus.UNAUTHORIZED,
            "token",
            "This token is unknown, revoked or over.",
            "令牌无效、已吊销或已过期。",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "login",
        "Log in first.",
        "请先登录。",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _is_walls(scope: Scope) -> bool:
    """Whether this is what a wall asks for."""
    path: str = scope["path"]
    if path == "/ws":
        return b"wall=1" in scope["query_string"].split(b"&")
    return path == "/api/wall" or path.startswith("/api/wall/")


def _cookie(headers: Headers, name: str = COOKIE) -> str:
    for line in headers.getlist("cookie"):
        value = cookie_parser(line).get(name)
        if value:
            return value[:128]
    return ""


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


async def _read(headers: Headers, receive: Receive, most_bytes: int) -> bytes:
    """The whole body. Raises :class:`Problem` when it is too long or does not come."""
    too_long = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_large",
        f"The body is longer than {most_bytes} bytes.",
        f"请求内容超过 {most_bytes} 字节。",
        headers={"Connection": "close"},
    )
    announced = headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > DISCARDED_MAX_BYTES:
        raise too_long
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_MAX_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                part: bytes = message.get("body", b"")
                size += len(part)
                if size <= most_bytes:
                    parts.append(part)
                if not message.get("more_body", False) or size > DISCARDED_MAX_BYTES:
                    break
    except TimeoutError:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT,
            "timeout",
            "The body did not come in time.",
            "请求内容未及时送达。",
            headers={"Connection": "close"},
        ) from None
    if size > most_bytes:
        raise too_long
    return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _uncached(send: Send) -> Send:
    """What a person sees is not for caches, unless a route says otherwise."""

    async def send_uncached(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", ())}
            if b"cache-control" not in names:
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"cache-control", b"no-store"),
                ]
        await send(message)

    return send_uncached


# --- dependencies ----------------------------------------------------------------------------


def caller(connection: HTTPConnection) -> Caller:
    """Who asks, person or token: a dependency of routes that are open to both."""
    found: Caller = connection.scope["agentd.caller"]
    return found


def current(request: Request) -> Person:
    """The person who asks: a dependency. A token is refused."""
    person = caller(request).person
    if person is None:
        raise Problem(
            HTTPStatus.FORBIDDEN, "forbidden", "This is for people, not tokens.", "令牌不能这样用。"
        )
    return person


def require(*rights: Right) -> Callable[[Request], Person]:
    """A dependency: the person who asks, if the role has one of ``rights``."""

    def having(request: Request) -> Person:
        person = current(request)
        if not any(person.may(right) for right in rights):
            raise _forbidden(rights[0])
        return person

    return having


def allow(*rights: Right | str) -> Callable[[Request], Caller]:
    """A dependency for routes that tokens may use: who asks, if the person or the token has one
    of ``rights``."""

    def having(request: Request) -> Caller:
        who = caller(request)
        if not any(who.may(right) for right in rights):  # type: ignore[arg-type]
            raise _forbidden(rights[0])
        return who

    return having


def _forbidden(right: str) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN, "forbidden", f"You lack the right {right!r}.", "没有权限。"
    )
