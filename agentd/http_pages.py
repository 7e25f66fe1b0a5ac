"""The built pages, and what every answer of the web server carries."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
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

PAGES = {
    "/": "index.html",
    "/desk": "desk.html",
    "/shift": "shift.html",
    "/login": "login.html",
    "/wall": "wall.html",
    "/alerts": "alerts.html",
    "/settings": "settings.html",
    "/calls": "history.html",
    "/people": "history.html",
    "/queues": "history.html",
    "/orders": "history.html",
    "/reports": "reports.html",
}
PUBLIC = ("/login", "/wall")
"""Pages without anything in them, which ask who is there: a person, or a wall with its token."""
_NAMED = {"calls": "call", "people": "login", "queues": "name", "orders": "id"}
"""Pages about one thing may be asked for by its name as the path's end: /people/8001; the built
pages want it in the question, for what they load is named relative to one level."""

# What Vite names after its content: assets/index-DiwrgTda.js.
_HASHED_ASSET = re.compile(r"^assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+(\.map)?$")
# A file's name in a page or a script: "./index-DiwrgTda.js", assets/login.css.
_FILE_NAME = re.compile(r"[\w@-][\w.@-]*\.(?:css|ico|js|png|svg|webmanifest|woff2)\b")

_NOT_BUILT = """\
网页尚未构建。请在 agentd 的源码目录中运行:  make web
然后重新加载本页。终端看板:  agentd watch

The pages are not built. In agentd's source tree, run:  make web
Then reload this page. The wallboard in a terminal:  agentd watch
"""

_NO_ACCOUNTS = """\
<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><title>agentd</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body>
<h1>还没有任何账号</h1>
<p>请在运行 agentd 的机器上,以 agentd 的用户身份建立第一个管理员:</p>
<pre>agentd user add 工号 --name 姓名 --role admin</pre>
<p>然后重新加载本页。</p>
<div lang="en">
<h1>There is no account yet</h1>
<p>On the machine that agentd runs on, as the user it runs as, make the first admin:</p>
<pre>agentd user add LOGIN --name NAME --role admin</pre>
<p>Then reload this page.</p>
</div>
</body>
</html>
"""

_log = structlog.get_logger(__name__)


class Pages(StaticFiles):
    """The built pages of a directory, which may be missing, with the caching that names allow."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, check_dir=False)
        self._root = directory
        self._public_files: tuple[tuple[int, ...], frozenset[str]] = ((), frozenset())

    async def check_config(self) -> None:
        """A missing directory is no error: it may be built while we run."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """``path`` relative to the directory; the pages by their short names."""
        short = "/" if path == "." else f"/{path}"
        page, _, name = path.partition("/")
        if name and page in _NAMED:
            return _to_named(page, name, scope)
        path = PAGES.get(short, path)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == HTTPStatus.NOT_FOUND and short in PAGES:
                return PlainTextResponse(
                    _NOT_BUILT, HTTPStatus.SERVICE_UNAVAILABLE, {"Cache-Control": "no-store"}
                )
            raise
        hashed = _HASHED_ASSET.match(path) is not None
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if hashed else "no-cache"
        )
        return response

    def is_public(self, path: str) -> bool:
        """Whether ``path`` (of a URL) is one of :data:`PUBLIC` or one of the files they load."""
        if path in PUBLIC:
            return True
        pages = [page for name in PUBLIC if (page := self._root / PAGES[name]).is_file()]
        try:
            built_ns = tuple(page.stat().st_mtime_ns for page in pages)
        except OSError:
            return False
        if self._public_files[0] != built_ns:
            files = (file for page in pages for file in _files_of(page, self._root))
            self._public_files = (built_ns, frozenset(files))
        return path in self._public_files[1]


def _to_named(page: str, name: str, scope: Scope) -> Response:
    """From /calls/main/1700000001.1 to /calls?call=main/1700000001.1, whatever stands before it."""
    asked = scope["query_string"].decode("latin-1")
    up = "../" * (name.count("/") + 1)
    query = f"{_NAMED[page]}={quote(name, safe='/')}" + (f"&{asked}" if asked else "")
    return Response(
        status_code=HTTPStatus.FOUND,
        headers={"Location": f"{up}{page}?{query}", "Cache-Control": "no-store"},
    )


def no_accounts_page() -> Response:
    """The login page of an agentd into which nobody can log in yet."""
    return HTMLResponse(_NO_ACCOUNTS, headers={"Cache-Control": "no-store"})


def _files_of(page: Path, root: Path) -> Iterable[str]:
    """URL paths of what ``page`` names, and of what that names in turn."""
    seen: set[Path] = set()
    to_read = [page]
    while to_read:
        text = to_read.pop().read_text(errors="replace")
        for name in set(_FILE_NAME.findall(text)):
            for found in (root / name, root / "assets" / name):
                if found not in seen and found.is_file():
                    seen.add(found)
                    yield f"/{found.relative_to(root).as_posix()}"
                    if found.suffix in {".js", ".css"}:
                        to_read.append(found)


class Guard:
    """Refuses foreign names in ``Host`` and adds the security headers to every answer.

    ``hosts``: names that are ours. ``by_address``: so is the address that was connected to.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, by_address: bool) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._by_address = by_address
        self._headers = [
            (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""

        async def send_guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        app = self._app
        if not self._ours(host_name(host), scope):
            _log.warning("web_host_refused", host=host)
            app = PlainTextResponse(
                f"agentd does not serve the name {host!r}. Open it as localhost, or add the name "
                "to allowed_hosts.\n",
                HTTPStatus.MISDIRECTED_REQUEST,
            )
        await app(scope, receive, send_guarded)

    def _ours(self, name: str, scope: Scope) -> bool:
        if name in self._hosts:
            return True
        server = scope.get("server")
        if not self._by_address or not server:
            return False
        # A page elsewhere can point a name of its own here, but not an address.
        try:
            return ipaddress.ip_address(name) == ipaddress.ip_address(server[0])
        except ValueError:
            return False


def host_name(host: str) -> str:
    """``Host`` without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
