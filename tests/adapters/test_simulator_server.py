"""The simulated PBX on its socket, driven by a client that knows nothing but the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from agentd.simulator import SimConfig, SimulatedPbx
from agentd.simulator.server import event_mask
from agentd.simulator.wire import AGENT, ALL_CLASSES, CALL
from tests.adapters.simulator_tools import Followed, Frame, frames

EPOCH_S = 1_795_000_000.0
QUIET = SimConfig(seats=3, calls_per_s=0.0, opening=False, break_every_s=0.0)
LIVELY = SimConfig(seats=200, calls_per_s=60.0, talk_scale=0.05, break_every_s=20.0)


def pbx_clock() -> Callable[[], float]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    return lambda: EPOCH_S + loop.time() - begun


class Client:
    """A raw AMI client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, **headers: str) -> None:
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        self.writer.write(f"{lines}\r\n".encode())

    async def frame(self) -> Frame:
        data = await self.reader.readuntil(b"\r\n\r\n")
        (frame,) = frames(data)
        return frame

    async def until(self, wanted: Callable[[Frame], bool]) -> list[Frame]:
        got = [await self.frame()]
        while not wanted(got[-1]):
            got.append(await self.frame())
        return got

    async def ask(self, **headers: str) -> Frame:
        """Send an action and return its response; events that come before it are dropped."""
        self.send(**headers, ActionID="ask")
        return (await self.until(lambda f: bool(f.get("Response"))))[-1]

    async def login(
        self, sim: SimulatedPbx, secret: str | None = None, events: str = "on"
    ) -> Frame:
        return await self.ask(
            Action="Login",
            Username=sim.username,
            Secret=sim.secret if secret is None else secret,
            Events=events,
        )


@asynccontextmanager
async def connected(sim: SimulatedPbx) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(sim.host, sim.port)
    try:
        assert await reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
        yield Client(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_login_ping_settings_and_logoff() -> None:
    now = pbx_clock()
    async with SimulatedPbx(QUIET, now) as sim, connected(sim) as client:
        answer = await client.login(sim)
        assert answer.get("Message") == "Authentication accepted"
        booted = await client.frame()
        assert booted.name == "FullyBooted"
        assert int(booted.get("Uptime")) > 0
        before = now()
        pong = await client.ask(Action="Ping")
        assert pong.keys == ("Response", "ActionID", "Ping", "Timestamp")
        assert before <= float(pong.get("Timestamp")) <= now()
        assert (await client.ask(Action="CoreSettings")).get("AsteriskVersion").startswith("22.")
        assert (await client.ask(Action="CoreStatus")).get("CoreCurrentCalls") == "0"
        refused = await client.ask(Action="Originate")
        assert refused.get("Response") == "Error"
        assert "Originate" in refused.get("Message")
        assert (await client.ask(Foo="bar")).get("Message") == "Missing action in request"
        assert (await client.ask(Action="Logoff")).get("Response") == "Goodbye"
        assert await client.reader.read() == b""


@pytest.mark.parametrize("secret", ["wrong", ""])
async def test_a_wrong_password_is_refused_and_the_connection_closed(secret: str) -> None:
    async with SimulatedPbx(QUIET, pbx_clock()) as sim, connected(sim) as client:
        answer = await client.login(sim, secret)
        assert (answer.get("Response"), answer.get("Message")) == ("Error", "Authentication failed")
        assert await client.reader.read() == b""


async def test_nothing_is_told_before_login() -> None:
    config = replace(LIVELY, wait_for_login=False)
    async with SimulatedPbx(config, pbx_clock()) as sim, connected(sim) as client:
        await asyncio.sleep(0.2)
        client.send(Action="QueueStatus")
        answer = await client.frame()
        assert (answer.get("Response"), answer.get("Message")) == ("Error", "Permission denied")


async def test_lists_agree_with_the_events_before_and_after_them() -> None:
    """What a list and the events before it disagree on is told by the events right after it."""
    async with SimulatedPbx(LIVELY, pbx_clock()) as sim, connected(sim) as client:
        await client.login(sim)
        known = Followed()
        for _ in range(8):
            for frame in await client.until(lambda f: f.name == "BridgeEnter"):
                known.apply(frame)
            client.send(Action="CoreShowChannels")
            for frame in await client.until(lambda f: f.get("EventList") == "start"):
                known.apply(frame)
            listed = await client.until(lambda f: f.get("EventList") == "Complete")
            assert all(f.name == "CoreShowChannel" for f in listed[:-1])
            assert listed[-1].get("ListItems") == str(len(listed) - 1)
            client.send(Action="Ping")
            after = await client.until(lambda f: f.get("Ping") == "Pong")
            told = {f.get("Uniqueid") for f in after} | {f.get("DestUniqueid") for f in after}
            channels = {
                (f.get("Uniqueid"), f.get("Channel"), f.get("ChannelState"))
                for f in listed
                if f.get("Uniqueid")
            }
            followed = {(uid, *state) for uid, state in known.channels.items()}
            assert {uid for uid, *_ in channels ^ followed} <= told
            assert len(channels & followed) > len(channels) // 2
            for frame in after:
                known.apply(frame)


async def test_events_wait_while_a_list_is_sent() -> None:
    config = replace(LIVELY, wait_for_login=False)
    async with SimulatedPbx(config, pbx_clock()) as sim, connected(sim) as client:
        await client.login(sim)
        await client.until(lambda f: f.name == "BridgeEnter")
        for _ in range(40):
            client.send(Action="QueueStatus", ActionID="q")
        complete = 0
        inside = False
        while complete < 40:
            frame = await client.frame()
            if frame.get("EventList") == "start":
                inside = True
            elif frame.get("EventList") == "Complete":
                inside = False
                complete += 1
            else:
                assert bool(frame.get("Timestamp")) is not inside
        stamped = await client.until(lambda f: f.name == "Hangup")
        assert stamped


async def test_event_masks_choose_what_is_sent() -> None:
    config = replace(LIVELY, dialplan=True)
    async with SimulatedPbx(config, pbx_clock()) as sim, connected(sim) as client:
        await client.login(sim, events="off")
        answer = await client.ask(Action="Events", EventMask="agent")
        assert answer.get("Events") == "On"
        got = [await client.frame() for _ in range(50)]
        assert {f.get("Privilege") for f in got} == {"agent,all"}
        assert (await client.ask(Action="Events", EventMask="off")).get("Events") == "Off"
        assert (await client.ask(Action="Events", EventMask="nonsense")).get("Response") == "Error"
        await client.ask(Action="Events", EventMask="on")
        assert "dialplan,all" in {(await client.frame()).get("Privilege") for _ in range(200)}


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("on", ALL_CLASSES),
        ("all", ALL_CLASSES),
        ("off", 0),
        ("call, agent", CALL | AGENT),
        ("call,dtmf", CALL),
        ("nonsense", None),
    ],
)
def test_event_mask(text: str, mask: int | None) -> None:
    assert event_mask(text) == mask


async def test_two_clients_see_the_same_events() -> None:
    async with (
        SimulatedPbx(LIVELY, pbx_clock()) as sim,
        connected(sim) as one,
        connected(sim) as two,
    ):
        await one.login(sim)
        await two.login(sim)
        first = await two.until(lambda f: bool(f.get("Timestamp")))
        mark = first[-1].lines
        await one.until(lambda f: f.lines == mark)
        assert [(await one.frame()).lines for _ in range(100)] == [
            (await two.frame()).lines for _ in range(100)
        ]


async def test_a_client_that_vanishes_disturbs_nobody() -> None:
    async with SimulatedPbx(LIVELY, pbx_clock()) as sim, connected(sim) as stays:
        await stays.login(sim)
        async with connected(sim) as goes:
            await goes.login(sim)
            await goes.frame()
            goes.writer.transport.abort()
        await stays.until(lambda f: f.name == "Hangup")


async def test_a_taken_port_is_said() -> None:
    async with SimulatedPbx(QUIET, pbx_clock()) as sim:
        with pytest.raises(OSError, match="address already in use"):
            async with SimulatedPbx(replace(QUIET, port=sim.port), pbx_clock()):
                pass


async def test_late_waking_stamps_events_when_they_are_sent() -> None:
    """A server that slept through a second does not send events a second old."""
    late_s = 0.0
    clock = pbx_clock()
    async with (
        SimulatedPbx(replace(LIVELY, opening=True), lambda: clock() + late_s) as sim,
        connected(sim) as client,
    ):
        await client.login(sim)
        await client.until(lambda f: bool(f.get("Timestamp")))
        late_s = 30.0
        jumped_at = clock() + late_s
        got = await client.until(lambda f: float(f.get("Timestamp") or 0) > jumped_at - 1.0)
        between = [f for f in got if EPOCH_S + 20.0 < float(f.get("Timestamp")) < jumped_at - 1.0]
        assert between == []
