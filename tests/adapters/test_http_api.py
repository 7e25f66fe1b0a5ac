"""The web server over real sockets: pages and their headers, health, ports, starting and ending."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agentd.errors import AgentdError
from agentd.http_api import WebServer, WebSettings
from agentd.monitor_ws import LiveStream
from agentd.testing import OpenAccounts
from tests.adapters.live_rig import PATIENCE_S, Rig, listening, served, until

INDEX = "<!doctype html><script type=module src=./assets/index-DiwrgTda.js></script>"


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    built = tmp_path / "static"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(INDEX)
    (built / "favicon.svg").write_text("<svg/>")
    (built / "assets" / "index-DiwrgTda.js").write_text("1")
    (built / "assets" / "plain.js").write_text("2")
    (tmp_path / "secret.txt").write_text("secret")
    return built


@asynccontextmanager
async def browsing(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=rig.url, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


def server(settings: WebSettings) -> WebServer:
    return WebServer(settings, LiveStream(), lambda: {"ok": True}, OpenAccounts())


# --- pages --------------------------------------------------------------------------------------


async def test_pages_are_revalidated_and_hashed_assets_kept_for_good(pages: Path) -> None:
    async with served(web=WebSettings(port=0, static_dir=pages)) as rig, browsing(rig) as web:
        index = await web.get("/")
        assert index.status_code == 200
        assert index.text == INDEX
        assert index.headers["content-type"].startswith("text/html")
        assert index.headers["cache-control"] == "no-cache"
        again = await web.get("/", headers={"If-None-Match": index.headers["etag"]})
        assert again.status_code == 304
        assert again.headers["cache-control"] == "no-cache"

        hashed = await web.get("/assets/index-DiwrgTda.js")
        assert hashed.text == "1"
        assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
        for path in ("/assets/plain.js", "/favicon.svg"):
            assert (await web.get(path)).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/assets/index-DiwrgTda.js", 200),
        ("/missing.js", 404),
        ("/healthz", 200),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
async def test_every_answer_carries_the_security_headers(
    pages: Path, path: str, status: int
) -> None:
    async with served(web=WebSettings(port=0, static_dir=pages)) as rig, browsing(rig) as web:
        answer = await web.get(path)
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd"]
)
async def test_nothing_outside_the_pages_is_served(pages: Path, path: str) -> None:
    async with served(web=WebSettings(port=0, static_dir=pages)) as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"secret" not in answer.split(b"\r\n\r\n", 1)[1]
        assert b"root:" not in answer


async def test_pages_that_are_not_built_say_how_and_come_up_once_they_are(tmp_path: Path) -> None:
    built = tmp_path / "static"
    async with served(web=WebSettings(port=0, static_dir=built)) as rig, browsing(rig) as web:
        missing = await web.get("/")
        assert missing.status_code == 503
        assert "make web" in missing.text
        assert missing.headers["content-type"] == "text/plain; charset=utf-8"
        assert (await web.get("/assets/x.js")).status_code == 404
        built.mkdir()
        (built / "index.html").write_text(INDEX)
        assert (await web.get("/")).text == INDEX


# --- health -------------------------------------------------------------------------------------


async def test_health_is_what_the_daemon_says_and_the_stream_adds() -> None:
    health: dict[str, Any] = {"ok": True, "links": {"main": "up"}}
    async with served(health=lambda: health) as rig, browsing(rig) as web:
        rig.live.publish({"pbx:main": {"kind": "pbx"}}, [])
        await until(lambda: rig.live.seq == 1)
        good = await web.get("/healthz")
        assert good.status_code == 200
        assert good.headers["cache-control"] == "no-store"
        assert good.json() == {"ok": True, "links": {"main": "up"}, "seq": 1, "clients": 0}
        health |= {"ok": False, "links": {"main": "down"}}
        bad = await web.get("/healthz")
        assert bad.status_code == 503
        assert bad.json()["links"] == {"main": "down"}


# --- who may ask --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "served_there"),
    [
        ("127.0.0.1", True),
        ("localhost:{port}", True),
        ("LOCALHOST", True),
        ("[::1]:{port}", True),
        ("wall.example.com", True),
        ("evil.example.com:{port}", False),
        ("localhost.evil.example.com", False),
        ("", False),
    ],
)
async def test_only_names_of_this_machine_are_answered(host: str, served_there: bool) -> None:
    settings = WebSettings(port=0, allowed_hosts=("Wall.example.com",))
    async with served(web=settings) as rig, browsing(rig) as web:
        name = host.format(port=rig.port)
        answer = await web.get("/healthz", headers={"Host": name})
        assert answer.status_code == (200 if served_there else 421)
        if not served_there:
            assert "allowed_hosts" in answer.text


async def test_a_foreign_name_does_not_reach_the_stream_either() -> None:
    async with served() as rig:
        # A page of evil.example.com whose name was made to point here: its Origin fits its Host.
        name = f"evil.example.com:{rig.port}"
        with pytest.raises(InvalidStatus) as refused:
            async with connect(
                f"ws://{name}/ws", host="127.0.0.1", port=rig.port, origin=f"http://{name}"
            ):
                pass
        assert refused.value.response.status_code == 421
        assert rig.live.clients == 0


async def test_the_stream_is_never_compressed() -> None:
    async with served() as rig, connect(rig.ws_url, compression="deflate") as websocket:
        assert websocket.request is not None
        assert "Sec-WebSocket-Extensions" in websocket.request.headers
        assert websocket.response is not None
        assert "Sec-WebSocket-Extensions" not in websocket.response.headers


# --- ports ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"])
async def test_without_tls_only_this_machine_may_connect(host: str) -> None:
    with pytest.raises(AgentdError, match=r"plain text.*tls_cert_file.*127\.0\.0\.1.*SSH tunnel"):
        await server(WebSettings(host=host, port=0)).start()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "", "a" * 70])
async def test_a_host_that_is_none_is_refused_with_the_mend(host: str) -> None:
    with pytest.raises(AgentdError, match=r"Use 127\.0\.0\.1"):
        await server(WebSettings(host=host, port=0)).start()


async def test_loopback_by_name_listens_on_each_of_its_addresses() -> None:
    async with served(web=WebSettings(host="localhost", port=0)) as rig:
        addresses = {sock.getsockname()[0] for sock in rig.web._sockets}
        ports = {sock.getsockname()[1] for sock in rig.web._sockets}
        assert addresses <= {"127.0.0.1", "::1"}
        assert len(ports) == 1
        async with browsing(rig) as web:
            assert (await web.get("/healthz")).status_code == 200


async def test_a_taken_port_is_named_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AgentdError, match=rf"port {port}: .*in use.*choose another port"):
            await server(WebSettings(port=port)).start()


async def test_a_taken_port_is_avoided_where_that_is_wished() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with served(web=WebSettings(port=port, port_auto=True)) as rig:
            assert port < rig.port < port + 50
            async with browsing(rig) as web:
                assert (await web.get("/healthz")).status_code == 200


# --- starting and ending ------------------------------------------------------------------------


async def test_who_connects_between_start_and_serving_is_served() -> None:
    web = server(WebSettings(port=0))
    url = await web.start()
    async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client:
        asking = asyncio.create_task(client.get(f"{url}/healthz"))
        await asyncio.sleep(0)
        serving = asyncio.create_task(web.serve_until_stopped())
        assert (await asking).status_code == 200
    await web.stop()
    await serving


async def test_signals_stay_with_the_daemon() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with served() as rig, browsing(rig) as web:
        await web.get("/healthz")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_stopping_frees_the_port_and_ends_serving() -> None:
    async with served() as rig, listening(rig) as client:
        await client.next_of("snapshot")
        await rig.web.stop()
        await asyncio.wait_for(rig.serving, PATIENCE_S)
        with socket.create_server(("127.0.0.1", rig.port)):
            pass
        await rig.web.stop()


async def test_stopping_what_never_served_frees_the_port() -> None:
    web = server(WebSettings(port=0))
    port = int((await web.start()).rsplit(":", 1)[1])
    await web.stop()
    with socket.create_server(("127.0.0.1", port)):
        pass
    await asyncio.wait_for(web.serve_until_stopped(), PATIENCE_S)


async def test_cancelling_ends_the_clients_and_frees_the_port() -> None:
    web = server(WebSettings(port=0))
    url = await web.start()
    port = int(url.rsplit(":", 1)[1])
    serving = asyncio.create_task(web.serve_until_stopped())
    rig = Rig(LiveStream(), web, url, serving)
    async with listening(rig) as client:
        await client.next_of("snapshot")
        serving.cancel()
        assert (await client.until_closed()).code == 1001
        with pytest.raises(asyncio.CancelledError):
            await serving
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_a_fault_in_the_stream_ends_the_server_loudly() -> None:
    class Broken(LiveStream):
        async def run(self) -> None:
            raise ZeroDivisionError

    web = WebServer(WebSettings(port=0), Broken(), lambda: {"ok": True}, OpenAccounts())
    await web.start()
    with pytest.raises(ExceptionGroup) as failure:
        await web.serve_until_stopped()
    assert failure.group_contains(ZeroDivisionError)
    await web.stop()
