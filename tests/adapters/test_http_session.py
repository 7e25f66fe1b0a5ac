"""The door: who comes in, who does not, and every trick that we know of, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends
from msgspec import structs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agentd.core.people import Person
from agentd.errors import AgentdError, Refused
from agentd.http_api import WebServer, WebSettings
from agentd.http_session import BODY_MAX_BYTES, Caller, allow, current, require, same_origin
from agentd.monitor_ws import LiveStream
from tests.adapters.accounts_rig import (
    ADMIN,
    AGENT,
    AUDITOR,
    LEADER,
    PASSWORD,
    AccountsRig,
    accounts_of,
)
from tests.adapters.live_rig import PATIENCE_S

TLS = Path(__file__).parent / "tls"
AUTHORITY, CERTIFICATE, KEY = TLS / "ca.pem", TLS / "server.pem", TLS / "server.key"


def routes() -> APIRouter:
    """Routes as the REST API has them."""
    router = APIRouter(prefix="/api")

    @router.get("/mine")
    async def mine(person: Annotated[Person, Depends(current)]) -> dict[str, Any]:
        return {"login": person.login}

    @router.post("/lead")
    async def lead(
        body: dict[str, Any], person: Annotated[Person, Depends(require("orders.lead"))]
    ) -> dict[str, Any]:
        return {"login": person.login, "body": body}

    @router.get("/read")
    async def read(who: Annotated[Caller, Depends(allow("orders.read"))]) -> dict[str, Any]:
        return {"name": who.name, "queues": who.acting.queues, "address": who.address}

    @router.get("/refused/{code}")
    async def refused(code: str) -> None:
        raise Refused("no such luck", code=code, text_zh="没有", field="luck")

    @router.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @router.get("/disk")
    async def disk() -> None:
        raise AgentdError("the disk is full")

    return router


@dataclass
class Door:
    accounts: AccountsRig
    web: WebServer
    url: str
    stack: AsyncExitStack

    async def browser(self, **options: Any) -> httpx.AsyncClient:
        """A browser with a cookie jar of its own."""
        client = httpx.AsyncClient(
            base_url=self.url, timeout=PATIENCE_S, trust_env=False, **options
        )
        return await self.stack.enter_async_context(client)

    async def logged_in(self, login: str, **options: Any) -> httpx.AsyncClient:
        client = await self.browser(**options)
        answer = await client.post("/api/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws"


@asynccontextmanager
async def door_of(tmp_path: Path, settings: WebSettings, *people: Person) -> AsyncIterator[Door]:
    async with accounts_of(tmp_path / "a.db") as accounts:
        await accounts.add(*people)
        health: Callable[[], dict[str, Any]] = lambda: {"ok": True, "links": {"main": "up"}}  # noqa: E731
        web = WebServer(settings, LiveStream(), health, accounts.accounts, routers=[routes()])
        url = await web.start()
        serving = asyncio.create_task(web.serve_until_stopped())
        try:
            async with AsyncExitStack() as stack:
                yield Door(accounts, web, url, stack)
        finally:
            await web.stop()
            await serving


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    built = tmp_path / "static"
    (built / "assets").mkdir(parents=True)
    for name in ("index", "desk", "shift"):
        (built / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>")
        (built / "assets" / f"{name}-AbCdEf12.js").write_text(f"'{name}'")
    (built / "login.html").write_text(
        '<!doctype html><script type=module src="./assets/login-AbCdEf12.js"></script>'
        '<link rel="stylesheet" href="./assets/base-AbCdEf12.css">'
    )
    (built / "assets" / "login-AbCdEf12.js").write_text('import"./shared-AbCdEf12.js";')
    (built / "assets" / "shared-AbCdEf12.js").write_text("1")
    (built / "assets" / "base-AbCdEf12.css").write_text("body{}")
    return built


@pytest.fixture
async def door(tmp_path: Path, pages: Path) -> AsyncIterator[Door]:
    settings = WebSettings(port=0, static_dir=pages)
    async with door_of(tmp_path, settings, ADMIN, LEADER, AGENT, AUDITOR) as door:
        yield door


def trust() -> ssl.SSLContext:
    """Verifies the certificate, which is for another name."""
    context = ssl.create_default_context(cafile=AUTHORITY)
    context.check_hostname = False
    return context


# --- without a login ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/desk", "/shift", "/desk.html", "/assets/desk-AbCdEf12.js", "/nothing"]
)
async def test_without_a_login_pages_lead_to_the_login(door: Door, path: str) -> None:
    browser = await door.browser()
    answer = await browser.get(f"{path}?a=1", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/login?next={path}%3Fa%3D1"
    # What is no navigation is told so.
    answer = await browser.get(path)
    assert answer.status_code == 401
    assert answer.json()["code"] == "login"


@pytest.mark.parametrize(
    ("path", "wished"),
    [("//evil.example.com/x", "/evil.example.com/x"), ("/\\evil.example.com", "/evil.example.com")],
)
async def test_the_way_back_never_leads_elsewhere(door: Door, path: str, wished: str) -> None:
    port = int(door.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    answer = (await asyncio.wait_for(reader.read(), PATIENCE_S)).decode().lower()
    writer.close()
    await writer.wait_closed()
    assert f"location: /login?next={wished}\r\n" in answer


async def test_the_login_page_and_what_it_loads_answer_without_a_login(door: Door) -> None:
    browser = await door.browser()
    for path in (
        "/login",
        "/assets/login-AbCdEf12.js",
        "/assets/shared-AbCdEf12.js",
        "/assets/base-AbCdEf12.css",
    ):
        assert (await browser.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/me"),
        ("GET", "/api/mine"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/nothing"),
        ("GET", "/api"),
        ("POST", "/api/lead"),
        ("DELETE", "/api/session"),
        ("PUT", "/api/me/password"),
        ("GET", "/api/session"),
        ("HEAD", "/api/me"),
        ("OPTIONS", "/api/me"),
    ],
)
async def test_without_a_login_no_route_answers(door: Door, method: str, path: str) -> None:
    answer = await (await door.browser()).request(method, path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_login_health_says_little(door: Door) -> None:
    said = (await (await door.browser()).get("/healthz")).json()
    assert set(said) == {"ok", "version"}
    said = (await (await door.logged_in("1001")).get("/healthz")).json()
    assert said["links"] == {"main": "up"}


async def test_without_a_login_there_is_no_stream(door: Door) -> None:
    for headers in (
        {},
        {"Cookie": "agentd_session=guessed"},
        {"Authorization": "Bearer agentd_x_y"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic OTAwMDp4"},
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(door.ws_url(), additional_headers=headers):
                pass
        assert refused.value.response.status_code == 401


async def test_an_agentd_without_accounts_says_how_to_make_the_first(
    tmp_path: Path, pages: Path
) -> None:
    async with door_of(tmp_path, WebSettings(port=0, static_dir=pages)) as door:
        browser = await door.browser()
        page = await browser.get("/login")
        assert page.status_code == 200
        assert page.text.count("agentd user add") == 2
        assert "还没有任何账号" in page.text
        assert "There is no account yet" in page.text
        answer = await browser.post("/api/session", json={"login": "x", "password": "y"})
        assert (answer.status_code, answer.json()["code"]) == (503, "no_accounts")
        await door.accounts.add(ADMIN)
        assert "AbCdEf12" in (await browser.get("/login")).text


# --- logging in and out -------------------------------------------------------------------------


async def test_logging_in_gives_a_cookie_that_scripts_and_other_sites_do_not_get(
    door: Door,
) -> None:
    browser = await door.browser()
    answer = await browser.post("/api/session", json={"login": "1001", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("agentd_session=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie
    assert "Domain" not in cookie
    me = answer.json()
    assert me == {
        "login": "1001",
        "name": "王芳",
        "role": "agent",
        "queues": ["support"],
        "teams": ["A"],
        "rights": ["desk"],
        "settings": {},
        "seat": None,
    }
    again = await browser.get("/api/me")
    assert again.json() == me
    assert again.headers["cache-control"] == "no-store"


async def test_logging_out_ends_the_session_itself(door: Door) -> None:
    browser = await door.logged_in("1001")
    stolen = browser.cookies["agentd_session"]
    answer = await browser.delete("/api/session")
    assert answer.status_code == 204
    assert "agentd_session" not in browser.cookies
    thief = await door.browser(cookies={"agentd_session": stolen})
    assert (await thief.get("/api/me")).status_code == 401


async def test_a_cookie_that_was_planted_is_not_taken_over(door: Door) -> None:
    victim = await door.browser(cookies={"agentd_session": "planted-by-somebody"})
    answer = await victim.post("/api/session", json={"login": "1001", "password": PASSWORD})
    assert "planted-by-somebody" not in answer.headers["set-cookie"]
    attacker = await door.browser(cookies={"agentd_session": "planted-by-somebody"})
    assert (await attacker.get("/api/me")).status_code == 401


async def test_a_session_of_the_attackers_does_not_become_the_victims(door: Door) -> None:
    attacker = await door.logged_in("1001")
    planted = attacker.cookies["agentd_session"]
    victim = await door.browser(cookies={"agentd_session": planted})
    await victim.post("/api/session", json={"login": "9000", "password": PASSWORD})
    # The planted session ended, and the victim's is a new one.
    assert (await attacker.get("/api/me")).status_code == 401


@pytest.mark.parametrize(
    "change",
    [structs.replace(AGENT, disabled=True), structs.replace(AGENT, role="shift_leader")],
)
async def test_the_cookie_of_a_person_disabled_or_promoted_is_worth_nothing(
    door: Door, change: Person
) -> None:
    browser = await door.logged_in("1001")
    await door.accounts.accounts.put_person(ADMIN, change, None, "")
    assert (await browser.get("/api/me")).status_code == 401


async def test_wrong_slow_and_disabled_are_told_apart_only_as_far_as_is_safe(door: Door) -> None:
    browser = await door.browser()

    async def attempt(login: str, password: str) -> tuple[int, str]:
        body = {"login": login, "password": password}
        answer = await browser.post("/api/session", json=body)
        assert answer.headers["content-type"] == "application/problem+json"
        said = answer.json()
        assert said["text_zh"]
        assert said["text_en"] == said["detail"]
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
        return answer.status_code, said["code"]

    assert await attempt("nobody", "wrong password") == (401, "wrong")
    for _ in range(5):
        assert await attempt("1001", "wrong password") == (401, "wrong")
    assert await attempt("1001", "wrong password") == (429, "slow")
    assert await attempt("1001", PASSWORD) == (429, "slow")
    await door.accounts.accounts.put_person(ADMIN, structs.replace(LEADER, disabled=True), None, "")
    assert await attempt("2000", PASSWORD) == (403, "disabled")


async def test_a_new_password_ends_the_other_browsers_and_keeps_this_one(door: Door) -> None:
    here, there = await door.logged_in("1001"), await door.logged_in("1001")
    wrong = await here.put("/api/me/password", json={"old": "x", "new": "a new long one"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "old")
    weak = await here.put("/api/me/password", json={"old": PASSWORD, "new": "short"})
    assert (weak.status_code, weak.json()["field"]) == (422, "password")
    done = await here.put("/api/me/password", json={"old": PASSWORD, "new": "a new long one"})
    assert done.status_code == 204
    assert (await here.get("/api/me")).status_code == 200
    assert (await there.get("/api/me")).status_code == 401


async def test_settings_are_the_persons_own(door: Door) -> None:
    browser = await door.logged_in("1001")
    assert (await browser.put("/api/me/settings", json={"sound": "bell"})).status_code == 204
    assert (await browser.get("/api/me")).json()["settings"] == {"sound": "bell"}
    assert (await (await door.logged_in("2000")).get("/api/me")).json()["settings"] == {}


async def test_pages_by_their_short_names_and_by_what_one_may_see(door: Door) -> None:
    leader, agent = await door.logged_in("2000"), await door.logged_in("1001")
    for path, title in (("/", "index"), ("/desk", "desk"), ("/shift", "shift")):
        assert f"<title>{title}</title>" in (await leader.get(path)).text
    answer = await agent.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/desk")
    assert (await agent.get("/desk")).status_code == 200
    missing = await agent.get("/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/calls/main/1700.1", "../../calls?call=main/1700.1"),
        ("/calls/main/1700.1?queue=a%26b", "../../calls?call=main/1700.1&queue=a%26b"),
        ("/people/8001", "../people?login=8001"),
        ("/queues/%E7%83%AD%E7%BA%BF", "../queues?name=%E7%83%AD%E7%BA%BF"),
        ("/queues/a%26pbx=b%3Fc", "../queues?name=a%26pbx%3Db%3Fc"),
        ("/orders/main-1700.1", "../orders?id=main-1700.1"),
    ],
)
async def test_pages_of_one_thing_by_its_name(door: Door, path: str, location: str) -> None:
    leader = await door.logged_in("2000")
    answer = await leader.get(path)
    assert (answer.status_code, answer.headers["location"]) == (302, location)
    assert answer.headers["cache-control"] == "no-store"


# --- rights and tokens --------------------------------------------------------------------------


async def test_a_route_wants_its_right(door: Door) -> None:
    agent, leader = await door.logged_in("1001"), await door.logged_in("2000")
    refused = await agent.post("/api/lead", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    done = await leader.post("/api/lead", json={"a": 1})
    assert done.json() == {"login": "2000", "body": {"a": 1}}


async def test_a_token_opens_what_its_rights_say_and_is_nobody(door: Door) -> None:
    accounts = door.accounts.accounts
    reads, secret = await accounts.add_token(ADMIN, "report", ["orders.read"], ["support"], None)
    _, other = await accounts.add_token(ADMIN, "wall", ["board"], [], None)
    browser = await door.browser()

    async def get(path: str, token: str) -> httpx.Response:
        return await browser.get(path, headers={"Authorization": f"Bearer {token}"})

    answer = await get("/api/read", secret)
    assert answer.json() == {
        "name": f"token:{reads.id}",
        "queues": ["support"],
        "address": "127.0.0.1",
    }
    assert (await get("/api/read", other)).status_code == 403
    for path in ("/api/mine", "/api/me"):
        assert (await get(path, secret)).status_code == 403
    assert (await get("/healthz", secret)).json()["links"] == {"main": "up"}
    await accounts.revoke_token(ADMIN, reads.id)
    revoked = await get("/api/read", secret)
    assert (revoked.status_code, revoked.json()["code"]) == (401, "token")


async def test_a_wrong_token_is_not_mended_by_a_good_cookie(door: Door) -> None:
    browser = await door.logged_in("2000")
    answer = await browser.get("/api/read", headers={"Authorization": "Bearer agentd_x_y"})
    assert answer.status_code == 401


async def test_a_token_without_the_right_hears_no_stream(door: Door) -> None:
    _, secret = await door.accounts.accounts.add_token(ADMIN, "x", ["metrics"], [], None)
    with pytest.raises(InvalidStatus) as refused:
        async with connect(door.ws_url(), additional_headers={"Authorization": f"Bearer {secret}"}):
            pass
    assert refused.value.response.status_code == 403


# --- other sites, odd bodies --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("{url}", 200),
        ("https://evil.example.com", 403),
        ("http://127.0.0.1:1", 403),
        ("http://localhost.evil.example.com", 403),
        ("{url}.evil.example.com", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_other_sites_change_nothing(door: Door, origin: str | None, status: int) -> None:
    leader = await door.logged_in("2000")
    headers = {} if origin is None else {"Origin": origin.format(url=door.url)}
    answer = await leader.post("/api/lead", json={}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "origin"
    # Nor do they log anybody in or out.
    body = {"login": "1001", "password": PASSWORD}
    browser = await door.browser()
    answer = await browser.post("/api/session", json=body, headers=headers)
    assert answer.status_code == status
    assert (await leader.delete("/api/session", headers=headers)).status_code in {204, status}


async def test_a_stream_with_a_cookie_is_for_our_own_pages(door: Door) -> None:
    leader = await door.logged_in("2000")
    cookie = {"Cookie": f"agentd_session={leader.cookies['agentd_session']}"}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            door.ws_url(), additional_headers=cookie, origin="https://evil.example.com"
        ):
            pass
    assert refused.value.response.status_code == 403
    async with connect(door.ws_url(), additional_headers=cookie, origin=door.url) as websocket:
        assert "hello" in await websocket.recv()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_what_a_form_could_send_is_refused(door: Door, kind: str) -> None:
    leader = await door.logged_in("2000")
    answer = await leader.post("/api/lead", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")


async def test_bodies_are_bounded_however_they_come(door: Door) -> None:
    leader = await door.logged_in("2000")
    headers = {"Content-Type": "application/json"}
    large = b'{"a":"' + b"x" * BODY_MAX_BYTES + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    for content in (large, in_pieces()):
        answer = await leader.post("/api/lead", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    # Who is not logged in may send less.
    browser = await door.browser()
    body = {"login": "x", "password": "y" * 5000}
    assert (await browser.post("/api/session", json=body)).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        b"/api/../api/me", b"/%61pi/me", b"/api%2fme", b"//api/me", b"/api/./me", b"/API/me",
        b"/api/me/", b"/api/me%00", b"/%00", b"/assets/%00.js", b"/login/../api/me",
        b"/login%2f..%2fapi%2fme", b"/healthz/../api/me", b"/assets/login-AbCdEf12.js/../../desk",
        b"/%252e%252e/a.db", b"/..%2f..%2fa.db", b"/..%5c..%5ca.db", b"/desk%0d%0aSet-Cookie:x=y",
        b"/\xff\xfe", b"/" + b"a" * 9000, b"http://localhost/api/me", b"*",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_path_is_a_way_in(door: Door, path: bytes) -> None:
    leader = await door.logged_in("2000")
    cookie = "; ".join(f"{name}={value}" for name, value in leader.cookies.items())

    async def ask(*headers: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(door.url.split(":")[2]))
        lines = ["Host: localhost", "Connection: close", *headers, "", ""]
        writer.write(b"GET " + path + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode())
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    assert (await ask())[9:12] in (b"400", b"401", b"404")
    page = await ask("Accept: text/html")
    assert page[9:12] in (b"302", b"400", b"401", b"404")
    assert b"\r\nset-cookie:" not in page.lower()
    assert (await ask(f"Cookie: {cookie}"))[9:10] in (b"2", b"3", b"4")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nX: ",
    ],
    ids=["nothing", "a login by drops", "a second request by drops"],
)
async def test_who_never_says_what_for_is_cut_off(
    door: Door, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentd.http_api._HttpProtocol.headers_max_s", 0.3)
    slow = [
        await asyncio.open_connection("127.0.0.1", int(door.url.rsplit(":", 1)[1]))
        for _ in range(50)
    ]

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        while not writer.is_closing():
            with contextlib.suppress(ConnectionError):
                if begun:
                    writer.write(b"x")
                await writer.drain()
            await asyncio.sleep(0.05)
            if reader.at_eof() or reader.exception() is not None:
                break
        writer.close()

    # Meanwhile everybody else is served, and a stream that is quiet for as long stays.
    leader = await door.logged_in("2000")
    cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in leader.cookies.items())}
    async with connect(door.ws_url(), additional_headers=cookie) as stream:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(drip(*pair) for pair in slow))
        assert "hello" in await stream.recv()
        assert (await leader.get("/api/me")).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{garbage", 400, "bad_json"),
        (b"[]", 422, "invalid"),
        (b"", 422, "invalid"),
        (b'{"login":"1001"}', 422, "invalid"),
        (b'{"login":1,"password":"x"}', 422, "invalid"),
    ],
)
async def test_what_is_no_login_is_named(
    door: Door, content: bytes, status: int, code: str
) -> None:
    answer = await (await door.browser()).post(
        "/api/session", content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_every_refusal_is_a_problem(door: Door) -> None:
    leader = await door.logged_in("2000")
    for code, status in (
        ("wrong_state", 409),
        ("forbidden", 403),
        ("not_found", 404),
        ("invalid", 422),
        ("conflict", 412),
    ):
        answer = await leader.get(f"/api/refused/{code}")
        said = answer.json()
        assert answer.status_code == said["status"] == status
        assert said["code"] == code
        assert (said["text_en"], said["text_zh"], said["field"]) == ("no such luck", "没有", "luck")
    assert (await leader.get("/api/disk")).status_code == 503
    unknown = await leader.get("/api/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (await leader.patch("/api/me")).status_code == 405


async def test_a_fault_of_ours_tells_nothing_of_itself(door: Door) -> None:
    answer = await (await door.logged_in("2000")).get("/api/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "ZeroDivision" not in answer.text


async def test_the_openapi_document_is_for_who_is_logged_in(door: Door) -> None:
    document = (await (await door.logged_in("1001")).get("/api/openapi.json")).json()
    assert {"/api/session", "/api/me", "/api/lead"} <= set(document["paths"])


# --- proxies and TLS ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind_proxy", "told", "address"),
    [
        (False, "192.0.2.7", "127.0.0.1"),
        (True, "192.0.2.7", "192.0.2.7"),
        (True, "203.0.113.9, 192.0.2.7", "192.0.2.7"),
        (True, "2001:db8::7", "2001:db8::7"),
        (True, "192.0.2.7, garbage", "127.0.0.1"),
        (True, "", "127.0.0.1"),
        (True, None, "127.0.0.1"),
    ],
)
async def test_only_our_own_proxys_word_is_believed(
    tmp_path: Path, pages: Path, behind_proxy: bool, told: str | None, address: str
) -> None:
    settings = WebSettings(port=0, static_dir=pages, behind_proxy=behind_proxy)
    async with door_of(tmp_path, settings, ADMIN) as door:
        headers = {} if told is None else {"X-Forwarded-For": told}
        browser = await door.browser()
        body = {"login": "9000", "password": PASSWORD}
        answer = await browser.post("/api/session", json=body, headers=headers)
        assert ("Secure" in answer.headers["set-cookie"]) == behind_proxy
        assert (await door.accounts.store.sessions())[0].address == address


async def test_another_machine_cannot_speak_for_a_proxy() -> None:
    from starlette.datastructures import Headers

    from agentd.http_pages import Pages
    from agentd.http_session import Door as RealDoor
    from agentd.http_session import DoorSettings

    async def nothing(*_: object) -> None: ...

    door = RealDoor(nothing, Pages(Path("/nowhere")), None, DoorSettings(behind_proxy=True))
    headers = Headers({"x-forwarded-for": "10.0.0.1"})
    assert door._address({"client": ("192.0.2.50", 1)}, headers) == "192.0.2.50"
    assert door._address({"client": ("::1", 1)}, headers) == "10.0.0.1"


async def test_spoofed_addresses_do_not_escape_the_backoff(door: Door) -> None:
    browser = await door.browser()
    codes = []
    for n in range(35):
        answer = await browser.post(
            "/api/session",
            json={"login": f"guess{n}", "password": "wrong password"},
            headers={"X-Forwarded-For": f"10.0.0.{n}"},
        )
        codes.append(answer.status_code)
    assert codes[:30] == [401] * 30
    assert codes[30:] == [429] * 5


@pytest.mark.parametrize(
    ("origin", "host", "secure", "ours"),
    [
        ("https://wall.example.com", "wall.example.com", True, True),
        ("http://wall.example.com", "wall.example.com", True, False),
        ("https://WALL.example.com", "wall.example.com", True, True),
        ("https://wall.example.com:8440", "wall.example.com", True, False),
        ("https://", "", True, False),
        ("file://wall.example.com", "wall.example.com", False, False),
    ],
)
def test_what_is_our_own_origin(origin: str, host: str, secure: bool, ours: bool) -> None:
    assert same_origin(origin, host, secure=secure) == ours


async def test_with_tls_pages_and_the_stream_are_served_by_https_on_any_address(
    tmp_path: Path, pages: Path
) -> None:
    settings = WebSettings(
        host="0.0.0.0",
        port=0,
        static_dir=pages,
        tls_cert_file=CERTIFICATE,
        tls_key_file=KEY,
    )
    trusting = trust()
    async with door_of(tmp_path, settings, LEADER) as door:
        assert door.url.startswith("https://localhost:")
        browser = await door.logged_in("2000", verify=trusting)
        assert (await browser.get("/api/me")).json()["login"] == "2000"
        cookie = f"agentd_session={browser.cookies['agentd_session']}"
        async with connect(
            door.ws_url(), additional_headers={"Cookie": cookie}, ssl=trusting
        ) as websocket:
            assert "hello" in await websocket.recv()
        # By the address that one connected to, but by no name that is not ours.
        port = door.url.rsplit(":", 1)[1]
        for host, status in ((f"127.0.0.1:{port}", 200), ("10.1.2.3", 421), ("evil.test", 421)):
            answer = await browser.get("/healthz", headers={"Host": host})
            assert answer.status_code == status, host
        leaks = await browser.post(
            "/api/lead", json={}, headers={"Origin": door.url.replace("https", "http")}
        )
        assert leaks.status_code == 403


async def test_a_session_by_https_has_a_cookie_for_https_only(tmp_path: Path, pages: Path) -> None:
    settings = WebSettings(port=0, static_dir=pages, tls_cert_file=CERTIFICATE, tls_key_file=KEY)
    trusting = trust()
    async with door_of(tmp_path, settings, LEADER) as door:
        browser = await door.browser(verify=trusting)
        body = {"login": "2000", "password": PASSWORD}
        answer = await browser.post("/api/session", json=body)
        assert "Secure" in answer.headers["set-cookie"]


async def test_a_certificate_that_is_none_is_named_with_the_mend(
    tmp_path: Path, pages: Path
) -> None:
    settings = WebSettings(
        port=0, static_dir=pages, tls_cert_file=pages / "desk.html", tls_key_file=tmp_path / "none"
    )
    with pytest.raises(AgentdError, match=r"certificate .*desk\.html.*PEM"):
        async with door_of(tmp_path, settings):
            pass


async def test_a_connection_that_is_reset_after_its_answer_leaves_no_timer(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(door.url.split(":")[2]))
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(PATIENCE_S):
        assert (await reader.readuntil(b"\r\n\r\n"))[9:12] in (b"200", b"503")
    # Closed with a reset; that no timer is left running is checked after every test.
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    await asyncio.sleep(0.05)
