"""MQTT out at a real Mosquitto: late subscribers, a broker that dies, a last will, a login."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agentd import clock
from agentd.alerts import MqttSettings
from agentd.app import Daemon
from agentd.config import load_config
from agentd.http_api import WebSettings
from agentd.simulator import SimConfig, SimulatedPbx
from asterisk_lab.daemon import Link
from asterisk_lab.phones import DIES_WITH_US
from tests.adapters import board_samples as samples
from tests.adapters.mqtt_rig import (
    HOST,
    Broker,
    Ear,
    check_against_the_manual,
    listening,
    until,
)
from tests.adapters.test_alerts import Clock, Counted, alert, impatient, order, trying
from tests.adapters.test_app import access_to, board_until, healthz, running, seats
from tests.free_ports import free_port

TLS = Path(__file__).parent / "tls"
SEAT = "agentd/main/seat/PJSIP%2F1001"
STATUS = "agentd/status"


@pytest.fixture
async def broker(mosquitto_path: Path, tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(mosquitto_path, tmp_path) as broker:
        yield broker


def patient(port: int, **values: Any) -> MqttSettings:
    return impatient(port, **({"answer_max_s": 30.0} | values))


def tried(out: Counted, times: int) -> bool:
    return out.tries >= times


def seat(**values: Any) -> dict[str, Any]:
    return {"seat:main/PJSIP/1001": samples.seat(**values)}


def status_of(ear: Ear) -> list[str]:
    return [heard.object["status"] for heard in ear.heard if heard.topic == STATUS]


@pytest.mark.broker
async def test_who_subscribes_late_sees_the_state_and_no_old_alert(broker: Broker) -> None:
    out = Counted(patient(broker.port))
    out.publish(seat(state="ringing"), ())
    out.announce([alert()])
    async with trying(out):
        out.publish(seat(state="talking") | {"pbx:main": samples.pbx()}, ())
        await until(lambda: out.health.published == 3)
        async with listening(broker.port) as late:
            await until(lambda: late.topics() == {STATUS, SEAT, "agentd/main/link"})
            assert all(heard.retained for heard in late.heard)
            assert late.last(SEAT) == samples.seat(state="talking")
            assert status_of(late) == ["online"]
            out.announce([alert(level="cleared")])
            await until(lambda: len(late.heard) == 4)
            assert late.heard[-1].topic == "agentd/main/alert/cleared"
            assert late.heard[-1].object["spell"] == "s1"
            assert not late.heard[-1].retained


@pytest.mark.broker
async def test_a_seat_that_went_away_is_gone_for_late_subscribers(broker: Broker) -> None:
    out = Counted(patient(broker.port))
    async with trying(out):
        out.publish(seat() | {"queue:main/service": samples.queue()}, ())
        await until(lambda: out.health.published == 2)
        out.publish({}, ["seat:main/PJSIP/1001"])
        await until(lambda: out.health.published == 3)
        async with listening(broker.port) as late:
            await until(lambda: late.topics() == {STATUS, "agentd/main/queue/service"})


@pytest.mark.broker
async def test_more_than_one_window_arrives_in_order(broker: Broker) -> None:
    out = Counted(patient(broker.port))
    async with trying(out), listening(broker.port) as ear:
        for number in range(500):
            out.announce([order(id=f"main-{number}")])
            out.publish(seat(since=float(number)), ())
        topic = "agentd/main/work_order/opened"
        await until(lambda: (ear.last(topic) or {}).get("id") == "main-499")
        ids = [heard.object["id"] for heard in ear.heard if heard.topic == topic]
        assert ids == [f"main-{number}" for number in range(500)]
        await until(lambda: (ear.last(SEAT) or {}).get("since") == 499.0)


@pytest.mark.broker
async def test_after_an_outage_the_newest_state_arrives_and_old_alerts_do_not(
    broker: Broker,
) -> None:
    clock_ = Clock()
    link = Link(free_port(), broker.port)
    await link.mend()
    out = Counted(patient(link.port), monotonic=clock_)
    with capture_logs() as logs:
        async with trying(out):
            out.publish(seat(state="available") | {"pbx:main": samples.pbx()}, ())
            await until(lambda: out.health.published == 2)
            await broker.kill()
            await until(lambda: not out.health.connected)
            await link.cut()
            out.publish(seat(state="ringing"), ())
            out.announce([alert(spell="old"), order(id="main-during")])
            out.publish(seat(state="talking"), ())
            clock_.now_s += 60
            await broker.start()
            # The subscriber is there before the publisher is back: it would hear an old alert.
            async with listening(broker.port) as ear:
                await link.mend()
                await until(lambda: out.health.connected)
                out.announce([alert(spell="new")])
                await until(lambda: ear.last("agentd/main/alert/breach") is not None)
                # The broker that came back remembers nothing, and still knows it all.
                await until(lambda: {SEAT, "agentd/main/link"} <= ear.topics())
                spells = [h.object["spell"] for h in ear.heard if "/alert/" in h.topic]
                assert spells == ["new"]
                states = [h.object["state"] for h in ear.heard if h.topic == SEAT]
                assert states == ["talking"]
                kept = ear.last("agentd/main/work_order/opened")
                assert kept is not None
                assert kept["id"] == "main-during"
                assert out.health.expired_alerts == 1
    await link.cut()
    told = [(log["event"], log.get("code")) for log in logs]
    assert told[:2] == [("mqtt_connected", None), ("mqtt_away", "lost")]
    # However many tries there were: each kind of trouble is said once.
    assert len(told) == len(set(told)) + 1
    assert told[-1] == ("mqtt_connected", None)
    assert logs[-1]["expired_alerts"] == 1


@pytest.mark.broker
async def test_who_stops_in_order_sends_what_waits_and_says_offline(broker: Broker) -> None:
    async with listening(broker.port) as ear:
        out = Counted(patient(broker.port))
        async with trying(out):
            await until(lambda: out.health.connected)
            out.announce([order(id=f"main-{number}") for number in range(50)])
        await until(lambda: status_of(ear) == ["online", "offline"])
        assert ear.heard[-1].topic == STATUS
        assert len(ear.heard) == 52
    assert not out.health.connected
    async with listening(broker.port) as late:
        await until(lambda: status_of(late) == ["offline"])


@pytest.mark.broker
async def test_a_publisher_that_is_cancelled_says_offline_too(broker: Broker) -> None:
    out = Counted(patient(broker.port))
    task = asyncio.create_task(out.run())
    await until(lambda: out.health.connected)
    task.cancel()
    await asyncio.wait({task})
    async with listening(broker.port) as late:
        await until(lambda: status_of(late) == ["offline"])


VICTIM = """
import asyncio, sys
from agentd.alerts import MqttOut, MqttSettings
async def main():
    await MqttOut(MqttSettings("127.0.0.1", int(sys.argv[1]))).run()
asyncio.run(main())
"""


@pytest.mark.broker
async def test_who_is_killed_leaves_its_last_will(broker: Broker) -> None:
    async with listening(broker.port) as ear:
        victim = await asyncio.create_subprocess_exec(
            *DIES_WITH_US, sys.executable, "-c", VICTIM, str(broker.port)
        )
        try:
            await until(lambda: status_of(ear) == ["online"])
        finally:
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
        await until(lambda: status_of(ear) == ["online", "offline"])
    async with listening(broker.port) as late:
        await until(lambda: status_of(late) == ["offline"])


@pytest.mark.broker
async def test_a_connection_that_the_broker_still_believes_in_does_not_say_offline_later(
    broker: Broker,
) -> None:
    out = Counted(patient(broker.port))
    will = aiomqtt.Will(STATUS, b'{"status":"offline"}', 1, retain=True)
    async with listening(broker.port) as ear:
        old = aiomqtt.Client(HOST, broker.port, identifier="agentd-agentd", will=will)
        # It is thrown out, and tells so when it wants to take its leave.
        with contextlib.suppress(aiomqtt.MqttError):
            async with old, trying(out):
                await until(lambda: "online" in status_of(ear))
                assert status_of(ear) == ["offline", "online"]


@pytest.mark.broker
async def test_a_wrong_password_is_said_once(mosquitto_path: Path, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    program = mosquitto_path.parent.parent / "bin" / "mosquitto_passwd"
    await asyncio.to_thread(
        subprocess.run, [program, "-b", "-c", passwords, "agentd", "right"], check=True
    )
    login = f"allow_anonymous false\npassword_file {passwords}"
    async with Broker(mosquitto_path, tmp_path, login) as broker:
        wrong = Counted(patient(broker.port, username="agentd", password="wrong"))
        with capture_logs() as logs:
            async with trying(wrong):
                await until(lambda: wrong.tries >= 4)
        assert [(log["event"], log["code"]) for log in logs] == [("mqtt_away", "auth")]
        assert "AGENTD_MQTT_PASSWORD" in logs[0]["reason"]
        assert "wrong" not in str(logs)
        right = Counted(patient(broker.port, username="agentd", password="right"))
        async with trying(right):
            await until(lambda: right.health.connected)


# paho leaves it to the interpreter to close the socket of a handshake that failed.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.broker
async def test_tls_takes_only_the_broker_whose_name_is_vouched_for(
    mosquitto_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The certificate is for a name that no resolver knows.
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda host, *rest, **more: resolve(HOST if host == "pbx.test" else host, *rest, **more),
    )
    listener = f"allow_anonymous true\ncertfile {TLS / 'server.pem'}\nkeyfile {TLS / 'server.key'}"
    async with Broker(mosquitto_path, tmp_path, listener) as broker:
        settings = patient(broker.port, tls=True, tls_ca_file=str(TLS / "ca.pem"))
        known = Counted(replace(settings, host="pbx.test"))
        async with trying(known):
            await until(lambda: known.health.connected)
        for wrong in (settings, replace(settings, host="pbx.test", tls_ca_file=None)):
            out = Counted(wrong)
            with capture_logs() as logs:
                async with trying(out):
                    await until(functools.partial(tried, out, 3))
            assert [(log["event"], log["code"]) for log in logs] == [("mqtt_away", "tls")]


# --- in the daemon -----------------------------------------------------------------------------


def daemon_of(pbx: SimulatedPbx, folder: Path, mqtt: MqttSettings | None) -> Daemon:
    return Daemon(
        load_config(secrets=False),
        {"pbx": access_to(pbx)},
        WebSettings(port=0),
        folder / "agentd.db",
        mqtt=mqtt,
    )


def tasks_named(name: str) -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(name)]


@pytest.mark.broker
async def test_the_daemon_publishes_what_its_calls_do(broker: Broker, tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=6), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = daemon_of(pbx, tmp_path, patient(broker.port))
        async with listening(broker.port) as ear:
            async with running(daemon) as url:
                await until(lambda: ear.last("agentd/pbx/work_order/opened") is not None)
                wanted = {f"agentd/pbx/seat/PJSIP%2F100{number}" for number in range(1, 7)}
                await until(lambda: wanted <= ear.topics())
                assert (ear.last("agentd/pbx/link") or {})["link"] == "up"
                _, health = await healthz(url)
                assert health["mqtt"]["connected"]
            await until(lambda: status_of(ear) == ["online", "offline"])
        for heard in ear.heard:
            levels = heard.topic.split("/")
            check_against_the_manual(levels[1] if len(levels) == 2 else levels[2], heard.object)


async def test_a_dead_broker_disturbs_nobody(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=6), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = daemon_of(pbx, tmp_path, impatient(free_port()))
        async with running(daemon) as url:
            await board_until(url, lambda b: any(seat["owed"] for seat in seats(b)))
            assert tasks_named("mqtt") == ["mqtt"]
            code, health = await healthz(url)
            assert (code, health["ok"], health["mqtt"]["connected"]) == (200, True, False)


async def test_without_a_broker_nothing_of_it_is_there(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=2), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = daemon_of(pbx, tmp_path, None)
        async with running(daemon) as url:
            await board_until(url, lambda b: len(seats(b)) == 2)
            assert tasks_named("mqtt") == []
            _, health = await healthz(url)
            assert "mqtt" not in health
