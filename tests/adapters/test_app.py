"""The whole daemon in one process, beside the embedded PBX: up, working, down in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from agentd import clock, demo
from agentd.ami_link import AmiSettings
from agentd.app import ANOMALIES_PER_PERIOD, ANOMALY_PERIOD_S, Daemon, EffectLog
from agentd.config import load_config
from agentd.control import CompleteRequest, ControlError, ask, socket_path
from agentd.core.effects import Alert, Anomaly, Violation
from agentd.core.order_model import Reply, WorkOrder
from agentd.core.people import Person
from agentd.demo_clerk import clerk_completion
from agentd.errors import AgentdError
from agentd.http_api import WebSettings
from agentd.simulator import SimConfig, SimulatedPbx
from agentd.testing import FakeAmi

Board = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})


def access_to(pbx: SimulatedPbx | FakeAmi, name: str = "pbx") -> AmiSettings:
    return AmiSettings(
        pbx=name,
        username=pbx.username,
        secret=pbx.secret,
        port=pbx.port,
        backoff_min_s=0.05,
        backoff_max_s=0.1,
    )


def build(access: AmiSettings, folder: Path, *, port: int = 0) -> Daemon:
    return Daemon(
        load_config(secrets=False),
        {access.pbx: access},
        WebSettings(port=port),
        folder / "agentd.db",
    )


ADMIN = Person("admin", "admin", "admin")
TOKENS: dict[str, str] = {}
"""The way in, by the daemon's URL."""


@contextlib.asynccontextmanager
async def running(daemon: Daemon) -> AsyncIterator[str]:
    """The daemon's URL while it runs; leaving stops it and waits for it."""
    stop = asyncio.Event()
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(daemon.run(stop, lambda at, _: url.set_result(at)))
    try:
        await asyncio.wait({task, url}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        made = await daemon.staff.accounts.add_token(ADMIN, "board", ["board"], [], None)
        TOKENS[await url] = made[1]
        yield await url
    finally:
        stop.set()
        await task


async def board_until(url: str, enough: Callable[[Board], bool]) -> Board:
    """The board as a client sees it, followed until it is ``enough``."""
    board: Board = {}
    token = {"Authorization": f"Bearer {TOKENS[url]}"}
    way = url.replace("http", "ws") + "/ws"
    async with connect(way, compression=None, additional_headers=token) as stream:
        async for text in stream:
            message = json.loads(text)
            match message["type"]:
                case "snapshot":
                    board = message["board"]
                case "delta":
                    board |= message["set"]
                    for key in message["del"]:
                        del board[key]
            if message["type"] == "hello":
                continue
            await stream.send(json.dumps({"type": "ack", "seq": message["seq"]}))
            if enough(board):
                break
    return board


async def healthz(url: str) -> tuple[int, dict[str, Any]]:
    async with httpx.AsyncClient() as client:
        token = {"Authorization": f"Bearer {TOKENS[url]}"}
        response = await client.get(f"{url}/healthz", headers=token)
        return response.status_code, response.json()


async def _order(daemon: Daemon, order_id: str) -> WorkOrder:
    order = await daemon.store.order(order_id)
    assert order is not None
    return order


def seats(board: Board) -> list[dict[str, Any]]:
    return [value for value in board.values() if value["kind"] == "seat"]


def stored(folder: Path, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(folder / "agentd.db")) as database:
        return database.execute(query).fetchall()


# --- working -----------------------------------------------------------------------------------


async def test_calls_move_the_board_and_owe_work_orders(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=6), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            board = await board_until(
                url,
                lambda board: any(seat["owed"] for seat in seats(board)),
            )
            assert len(seats(board)) == 6
            assert board["pbx:pbx"]["link"] == "up"
            status, health = await healthz(url)
            assert (status, health["ok"], health["links"]) == (200, True, {"pbx": "up"})
            # What the board owes is in the database already.
            shown = {order["id"] for seat in seats(board) for order in seat["owed"]}
            kept = {order_id for (order_id,) in stored(tmp_path, "SELECT id FROM work_order")}
            assert shown <= kept


async def test_a_person_completes_an_order(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=6), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            board = await board_until(url, lambda b: any(seat["owed"] for seat in seats(b)))
            order_id = next(seat["owed"] for seat in seats(board) if seat["owed"])[0]["id"]
            way = socket_path(tmp_path / "agentd.db")
            leader = Person("zhang", "张三", "shift_leader")
            await daemon.staff.accounts.put_people(ADMIN, [(leader, None)], "")
            with pytest.raises(ControlError, match="category"):
                await ask(way, CompleteRequest("pbx", order_id, "张三"))
            form = daemon.staff.desk.book
            filled = clerk_completion(await _order(daemon, order_id), form, random.Random(1))
            assert isinstance(filled.category, str)
            reply = filled.reply if isinstance(filled.reply, Reply) else None
            request = CompleteRequest(
                "pbx", order_id, "张三", filled.category, fields=filled.fields, reply=reply
            )
            done = await ask(way, request)
            assert done is not None
            assert done["order"]["completed_by"] == "zhang"
            await board_until(
                url,
                lambda b: all(o["id"] != order_id for seat in seats(b) for o in seat["owed"]),
            )
            with pytest.raises(ControlError, match=order_id):
                await ask(way, request)
        assert not way.exists()
    query = f"SELECT status, completed_by FROM work_order WHERE id = '{order_id}'"  # noqa: S608
    assert stored(tmp_path, query) == [("completed", "zhang")]


async def test_a_restart_goes_on_with_the_same_orders(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=6), lambda: clock.wall_us() / 1e6) as pbx:
        async with running(build(access_to(pbx), tmp_path)) as url:
            await board_until(url, lambda b: any(seat["owed"] for seat in seats(b)))
        before = stored(tmp_path, "SELECT id, opened_us FROM work_order ORDER BY id")
        assert before
        async with running(build(access_to(pbx), tmp_path)) as url:
            known = {order_id for order_id, _ in before}
            await board_until(
                url,
                lambda b: known <= {o["id"] for seat in seats(b) for o in seat["owed"]},
            )
        after = stored(tmp_path, "SELECT id, opened_us FROM work_order ORDER BY id")
        assert set(before) <= set(after)
    calls = stored(tmp_path, "SELECT call, kind FROM work_order")
    assert len(calls) == len(set(calls))


async def test_a_wrong_password_is_said_in_plain_words_and_tried_again(tmp_path: Path) -> None:
    async with FakeAmi(secret="right") as pbx:
        access = access_to(pbx)
        pbx.secret = "changed"
        async with running(build(access, tmp_path)) as url:
            board = await board_until(url, lambda b: b.get("pbx:pbx", {}).get("code") == "auth")
            assert board["pbx:pbx"]["link"] == "down"
            assert board["pbx:pbx"]["reason"]
            status, health = await healthz(url)
            assert (status, health["ok"]) == (503, False)
            await pbx.until_connections(pbx.connections + 3)
            board = await board_until(url, bool)
            assert board["pbx:pbx"]["code"] == "auth", "further tries have the same answer"
            pbx.secret = "right"
            await board_until(url, lambda b: b["pbx:pbx"]["link"] == "up")


async def test_two_pbxs_on_one_board(tmp_path: Path) -> None:
    config = tmp_path / "agentd.toml"
    config.write_text('[[pbx]]\nid = "north"\n[[pbx]]\nid = "south"\n', encoding="utf-8")
    async with (
        SimulatedPbx(SimConfig(seats=3), lambda: clock.wall_us() / 1e6) as north,
        SimulatedPbx(SimConfig(seats=2, seed=2), lambda: clock.wall_us() / 1e6) as south,
    ):
        daemon = Daemon(
            load_config(config, secrets=False),
            {"north": access_to(north, "north"), "south": access_to(south, "south")},
            WebSettings(port=0),
            tmp_path / "agentd.db",
        )
        async with running(daemon) as url:
            board = await board_until(url, lambda b: len(seats(b)) == 5)
            assert {"seat:north/PJSIP/1001", "seat:south/PJSIP/1001"} <= set(board)


# --- starting and stopping ---------------------------------------------------------------------


async def test_a_taken_port_is_told_and_nothing_is_left_running(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with FakeAmi() as pbx:
        with pytest.raises(AgentdError, match=str(port)):
            async with running(build(access_to(pbx), tmp_path, port=port)):
                pass
        assert pbx.connections == 0
    server.close()
    await server.wait_closed()


async def test_a_control_socket_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    socket_path(tmp_path / "agentd.db").mkdir()
    async with FakeAmi() as pbx:
        with pytest.raises(ControlError, match=r"agentd\.db\.sock"):
            async with running(build(access_to(pbx), tmp_path)):
                pass
        assert pbx.connections == 0


async def test_a_second_daemon_on_the_same_database_is_refused(tmp_path: Path) -> None:
    async with FakeAmi() as pbx, running(build(access_to(pbx), tmp_path)):
        with pytest.raises(AgentdError, match="another agentd"):
            async with running(build(access_to(pbx), tmp_path)):
                pass


async def test_what_was_read_is_stored_before_the_daemon_ends(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=6), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            await board_until(url, lambda b: any(seat["owed"] for seat in seats(b)))
        assert daemon.runtime.inbox.held_bytes == 0
        assert daemon.store.health.queued == 0


@pytest.mark.parametrize("part", ["pump", "ami-pbx"])
async def test_a_task_that_ends_by_itself_stops_the_daemon_loudly(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ends() -> None:
        return

    async with FakeAmi() as pbx:
        daemon = build(access_to(pbx), tmp_path)
        victim = daemon.runtime if part == "pump" else daemon.listeners["pbx"]
        monkeypatch.setattr(victim, "run", ends)
        with capture_logs() as logs, pytest.raises(BaseExceptionGroup) as caught:
            await daemon.run(asyncio.Event(), lambda *_: None)
        assert f"the task {part} ended" in str(caught.value.exceptions[0])
        assert {"task_ended"} == {log["event"] for log in logs if log["log_level"] == "critical"}


async def test_a_bug_stops_the_daemon_and_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_data: bytes, _our_us: int | None = None) -> None:
        raise ZeroDivisionError

    async with FakeAmi() as pbx:
        daemon = build(access_to(pbx), tmp_path)
        monkeypatch.setattr(daemon.runtime._pipelines["pbx"], "feed", bug)
        with pytest.raises(BaseExceptionGroup) as caught:
            await daemon.run(asyncio.Event(), lambda *_: None)
        assert caught.value.subgroup(ZeroDivisionError) is not None


async def test_the_demo_ends_after_its_duration(tmp_path: Path) -> None:
    urls: list[str] = []
    options = demo.DemoOptions(seats=3, port=18_440, duration_s=0.2, database=tmp_path / "d.db")
    await demo.demo(load_config(secrets=False), options, lambda url, *_: urls.append(url))
    assert len(urls) == 1
    assert (tmp_path / "d.db").exists()


async def test_a_demo_that_cannot_be_played_is_told(tmp_path: Path) -> None:
    options = demo.DemoOptions(seats=0, database=tmp_path / "d.db")
    with pytest.raises(AgentdError, match="seats is 0"):
        await demo.demo(load_config(secrets=False), options, lambda *_: None)


# --- what the log is told ----------------------------------------------------------------------


def anomaly(what: str) -> Anomaly:
    return Anomaly(pbx="pbx", at_us=1, what=what, event="Hold")


def test_violations_and_alerts_are_logged_with_their_call() -> None:
    violation = Violation(
        pbx="pbx", id="v1", at_us=1, rule="hold", seat="PJSIP/1", agent="张三", call="c1",
        leg="l1", value_us=30_000_000, limit_us=30_000_000, evidence=(),
    )  # fmt: skip
    alert = Alert(
        pbx="pbx", at_us=1, level="warning", rule="hold", seat="PJSIP/1", agent="张三", call="c1",
        queue=None, to=("seat",), value_us=20_000_000, limit_us=30_000_000, spell="s",
    )  # fmt: skip
    with capture_logs() as logs:
        EffectLog()([violation, alert])
    assert [(log["event"], log["call"], log["limit_s"]) for log in logs] == [
        ("violation", "c1", 30.0),
        ("alert", "c1", 30.0),
    ]


def test_a_flood_of_anomalies_is_counted_not_shown() -> None:
    now_s = 100.0
    told = EffectLog(lambda: now_s)
    with capture_logs() as logs:
        told([anomaly(str(index)) for index in range(1000)])
        assert len(logs) == ANOMALIES_PER_PERIOD
        now_s += ANOMALY_PERIOD_S
        told([anomaly("again")])
    assert [log["event"] for log in logs[-2:]] == ["anomalies_not_shown", "anomaly"]
    assert logs[-2]["count"] == 1000 - ANOMALIES_PER_PERIOD
