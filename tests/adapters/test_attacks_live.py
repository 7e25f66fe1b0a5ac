"""The real daemon beside the simulated PBX, under attack: streams and sessions that should end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentd import clock
from agentd.app import Daemon
from agentd.core.people import Person
from agentd.simulator import SimConfig, SimulatedPbx
from tests.adapters.test_app import access_to, board_until, build, running

ADMIN = Person("9000", "管理员", "admin")
AGENT = Person("1001", "新来的", "agent")
ELSEWHERE = Person("2001", "别组班长", "shift_leader", queues=("no-such-queue",), teams=("none",))
AUDITOR = Person("5001", "审计", "auditor")
PEOPLE = (ADMIN, AGENT, ELSEWHERE, AUDITOR)
PASSWORD = "correct horse 7"
PATIENCE_S = 60.0

Ending = Callable[[Daemon, httpx.AsyncClient], Awaitable[object]]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[tuple[Daemon, str]]:
    async with SimulatedPbx(SimConfig(seats=4), lambda: clock.wall_us() / 1e6) as pbx:
        built = build(access_to(pbx), tmp_path)
        async with running(built) as url:
            for person in PEOPLE:
                await built.staff.accounts.put_person(ADMIN, person, PASSWORD, "")
            yield built, url


@asynccontextmanager
async def logged_in(url: str, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False) as client:
        said = {"login": person.login, "password": PASSWORD}
        (await client.post("/api/session", json=said)).raise_for_status()
        yield client


def stream(url: str, client: httpx.AsyncClient, **options: Any) -> connect:
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"Cookie": cookie, **options.pop("headers", {})}
    way = url.replace("http", "ws", 1) + "/ws"
    return connect(way, additional_headers=headers, compression=None, **options)


async def snapshot(socket: ClientConnection) -> dict[str, Any]:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "snapshot":
            board: dict[str, Any] = message["board"]
            return board
    raise AssertionError("closed without a snapshot")


async def told_code(socket: ClientConnection) -> int:
    """The code with which the server ends the stream; 0 where it gives none. What comes until
    then is acknowledged: who reads nothing is cut, which says nothing of sessions."""
    try:
        async for text in socket:
            message = json.loads(text)
            if "seq" in message:
                await socket.send(json.dumps({"type": "ack", "seq": message["seq"]}))
    except ConnectionClosed:
        pass
    return socket.close_code or 0


async def test_each_hears_of_the_board_what_is_theirs(daemon: tuple[Daemon, str]) -> None:
    _, url = daemon
    whole = await board_until(
        url, lambda board: {"queue", "seat"} <= {value["kind"] for value in board.values()}
    )
    names = {value["agent"] for value in whole.values() if value["kind"] == "seat"} - {None}
    assert names
    for person, kinds in ((AGENT, {"pbx"}), (ELSEWHERE, {"pbx"})):
        async with logged_in(url, person) as client, stream(url, client) as socket:
            board = await snapshot(socket)
        assert {value["kind"] for value in board.values()} == kinds
        assert not [name for name in names if name in json.dumps(board, ensure_ascii=False)]
    async with logged_in(url, AUDITOR) as client:
        with pytest.raises(InvalidStatus) as refused:
            async with stream(url, client):
                pass
        assert refused.value.response.status_code == 403
        with pytest.raises(InvalidStatus):
            async with stream(url, client, origin="http://evil.example"):
                pass


async def _log_out(_: Daemon, client: httpx.AsyncClient) -> None:
    cookies = {"Cookie": "; ".join(f"{k}={v}" for k, v in client.cookies.items())}
    async with httpx.AsyncClient(base_url=client.base_url, headers=cookies) as other:
        assert (await other.delete("/api/session")).status_code == 204


async def _changed(daemon: Daemon, password: str | None = None, **changes: Any) -> None:
    await daemon.staff.accounts.put_person(ADMIN, replace(AGENT, **changes), password, "")


ENDINGS: dict[str, Ending] = {
    "log-out": _log_out,
    "password": lambda daemon, _: _changed(daemon, "another one 8"),
    "disabled": lambda daemon, _: _changed(daemon, disabled=True),
    "role": lambda daemon, _: _changed(daemon, role="manager"),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_what_ends_a_session_ends_it_everywhere(daemon: tuple[Daemon, str], how: str) -> None:
    built, url = daemon
    async with logged_in(url, AGENT) as client:
        seat = next(iter((await client.get("/api/seats")).json()))
        where = {"pbx": seat["pbx"], "seat": seat["seat"]}
        (await client.post("/api/seat/sign-in", json=where)).raise_for_status()
        async with stream(url, client) as socket:
            await snapshot(socket)
            ends = asyncio.create_task(told_code(socket))
            await ENDINGS[how](built, client)
            assert (await client.get("/api/me")).status_code == 401
            assert (await client.get("/api/orders")).status_code == 401
            async with asyncio.timeout(PATIENCE_S):
                assert await ends in (4001, 4003)
            with pytest.raises(InvalidStatus) as refused:
                async with stream(url, client):
                    pass
            assert refused.value.response.status_code == 401
    # Who may sit nowhere any more sits nowhere: only then is the seat free for the next.
    sits = how in ("log-out", "password")
    async with asyncio.timeout(PATIENCE_S):
        while (built.staff.my_seat(AGENT) is not None) is not sits:
            await asyncio.sleep(0.02)
