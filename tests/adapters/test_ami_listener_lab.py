"""The listener on a real Asterisk: what the fake must never be the only one to say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import pytest

from agentd.core.wire import Banner, Framer
from agentd.ports import LinkChanged, LinkInfo
from agentd.record import record
from agentd.testing import FakeInbox
from asterisk_lab.ami import AmiError
from asterisk_lab.config import Member, Queue
from asterisk_lab.native import NativePbx
from tests.adapters import ami_rig

pytestmark = pytest.mark.lab

SEATS = [("1001", "张三"), ("1002", "Li Si")]
QUEUES = [Queue("hotline", "4000", [Member("1001"), Member("1002")])]


@contextlib.asynccontextmanager
async def asterisk(version: str = "22") -> AsyncIterator[NativePbx]:
    async with NativePbx(SEATS, QUEUES, version=version) as pbx:
        yield pbx


@pytest.fixture
async def pbx() -> AsyncIterator[NativePbx]:
    async with asterisk() as running:
        yield running


def account(pbx: NativePbx, **changed: Any) -> dict[str, Any]:
    """What differs from the rig's settings: a real PBX's port and password, and its pace."""
    given = {
        "port": pbx.config.ami_port,
        "secret": pbx.secrets["agentd"],
        "backoff_min_s": 0.2,
        "backoff_max_s": 1.0,
    }
    return given | changed


@contextlib.asynccontextmanager
async def listening(pbx: NativePbx, **changed: Any) -> AsyncIterator[FakeInbox]:
    inbox = FakeInbox()
    async with ami_rig.listening(inbox=inbox, **account(pbx, **changed)):
        yield inbox


class Proxy:
    """Between listener and PBX: passes everything on until it is told to stall or to trickle."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._ends: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.piece_bytes = 65_536

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.go_on()
        for task, writer in list(self._ends.items()):
            writer.transport.abort()
            await asyncio.wait({task})

    def stall(self) -> None:
        self._flowing.clear()

    def go_on(self) -> None:
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._ends[task] = back
        ways = [
            asyncio.create_task(self._pass_on(reader, back)),
            asyncio.create_task(self._pass_on(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            writer.close()
            back.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            del self._ends[task]

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(self.piece_bytes):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)


@pytest.mark.parametrize("version", ["22", "16"])
async def test_link_up(version: str) -> None:
    async with asterisk(version) as pbx, listening(pbx) as inbox:
        await inbox.until_state("up")
        info = inbox.of(LinkInfo)[-1]
        assert (info.version or "").startswith(f"{version}.")
        assert set(inbox.warnings) <= {"pbx_out_of_support"}
        # One machine, one clock; a round trip here never takes seconds.
        assert info.clock_offset_us is not None
        assert abs(info.clock_offset_us) < 5_000_000
        for wanted in (
            b"Uptime: ",
            b"Event: CoreShowChannelsComplete",
            b"Event: QueueParams\r\nQueue: hotline",
            "Name: 张三".encode(),
            b"Event: DeviceStateListComplete",
        ):
            assert wanted in inbox.data


async def test_a_wrong_password(pbx: NativePbx) -> None:
    async with listening(pbx, secret="wrong") as inbox:
        await inbox.until_state("down", "auth")
    assert b"Authentication failed" in inbox.data


async def test_a_password_that_can_do_anything(pbx: NativePbx) -> None:
    async with listening(pbx, username="lab", secret=pbx.secrets["lab"]) as inbox:
        await inbox.until_state("up")
        text = inbox.warnings["account_too_powerful"]
    assert "write=originate,command,config,system" in text


async def test_a_frozen_pbx_is_found_and_its_return_too(pbx: NativePbx) -> None:
    async with listening(pbx, ping_every_s=0.5, ping_timeout_s=1.0, login_timeout_s=1.0) as inbox:
        await inbox.until_state("up")
        assert pbx._process is not None
        group = pbx._process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            await inbox.until_state("down", "silent")
            await inbox.until_state("down", "timeout")
        finally:
            os.killpg(group, signal.SIGCONT)
        await inbox.until_state("up", times=2)


async def test_a_restart_of_asterisk(pbx: NativePbx) -> None:
    async with listening(pbx) as inbox:
        await inbox.until_state("up")
        await pbx.restart()
        await inbox.until_state("up", times=2)
        await inbox.until(lambda: "no_queue_list" not in inbox.warnings)
    assert inbox.data.count(b"Asterisk Call Manager/") >= 2


async def test_a_shutdown_is_called_by_its_name(pbx: NativePbx) -> None:
    async with listening(pbx) as inbox:
        await inbox.until_state("up")
        # The answer may be lost with the link.
        with contextlib.suppress(AmiError):
            await pbx.ami.action("Command", Command="core stop now")
        await inbox.until_state("down", "closed")
        (down,) = [s for s in inbox.of(LinkChanged) if s.state == "down" and s.code == "closed"]
    assert "shutting down or restarting" in (down.reason or "")


async def test_a_trickle(pbx: NativePbx) -> None:
    async with Proxy(pbx.config.ami_port) as proxy:
        proxy.piece_bytes = 3
        async with listening(pbx, port=proxy.port) as inbox:
            await inbox.until_state("up")
    frames = Framer().feed(inbox.data)
    assert isinstance(frames[0], Banner)
    assert any(isinstance(frame, bytes) and "Name: 张三".encode() in frame for frame in frames)


async def test_a_network_that_swallows_everything(pbx: NativePbx) -> None:
    async with (
        Proxy(pbx.config.ami_port) as proxy,
        listening(
            pbx, port=proxy.port, ping_every_s=0.2, ping_timeout_s=1.0, login_timeout_s=1.0
        ) as inbox,
    ):
        await inbox.until_state("up")
        proxy.stall()
        await inbox.until_state("down", "silent")
        proxy.go_on()
        await inbox.until_state("up", times=2)


async def rewrite_manager_conf(pbx: NativePbx, pattern: str, text: str) -> None:
    """Change manager.conf and have it read again."""
    conf = pbx.directory / "etc" / "manager.conf"
    changed, count = re.subn(pattern, text, conf.read_text())
    assert count == 1
    conf.write_text(changed)
    await pbx.ami.action("Command", Command="manager reload")


async def place_a_call(pbx: NativePbx) -> None:
    """A channel that lives for a while, without any phone."""
    await pbx.ami.action(
        "Originate",
        Channel="Local/700@seats/n",
        Application="Wait",
        Data="30",
        Async="true",
    )


async def test_events_without_time(pbx: NativePbx) -> None:
    await rewrite_manager_conf(pbx, "timestampevents=yes", "timestampevents=no")
    async with listening(pbx, ping_every_s=0.1) as inbox:
        await inbox.until_state("up")
        await place_a_call(pbx)
        await inbox.until(lambda: "no_timestamps" in inbox.warnings)


async def test_an_account_without_calls(pbx: NativePbx) -> None:
    least = "read=system,call,agent\nwrite=reporting\n"
    await rewrite_manager_conf(pbx, least, "read=agent\nwrite=reporting\n")
    inbox = FakeInbox()
    async with ami_rig.listening(inbox=inbox, **account(pbx, ping_every_s=0.1)) as listener:
        await inbox.until_state("up")
        assert list(inbox.warnings) == ["no_system_events"]
        await place_a_call(pbx)
        await pbx.ami.wait_for(lambda e: e["Event"] == "Newchannel")
        listener.resync()
        await inbox.until(lambda: "no_call_events" in inbox.warnings)


async def test_an_account_that_may_list_nothing(pbx: NativePbx) -> None:
    await rewrite_manager_conf(pbx, "write=reporting\n", "write=\n")
    async with listening(pbx) as inbox:
        await inbox.until_state("up")
        assert list(inbox.warnings) == ["no_channel_list"]
        # CoreSettings is not permitted either: from AMI's own version.
        assert inbox.of(LinkInfo)[-1].version == "22"
        assert b"Event: QueueStatusComplete" in inbox.data


async def test_a_queue_module_that_comes_later(pbx: NativePbx) -> None:
    await pbx.ami.action("ModuleLoad", Module="app_queue.so", LoadType="unload")
    async with listening(pbx) as inbox:
        await inbox.until_state("up")
        assert "no_queue_list" in inbox.warnings
        await pbx.ami.action("ModuleLoad", Module="app_queue.so", LoadType="load")
        await inbox.until(lambda: "no_queue_list" not in inbox.warnings)
    assert "Name: 张三".encode() in inbox.data


async def test_a_recording_over_a_restart(pbx: NativePbx, tmp_path: Path) -> None:
    path = tmp_path / "calls.ami"
    stop = asyncio.Event()
    task = asyncio.create_task(record(ami_rig.settings(**account(pbx)), path, stop))

    async def until_snapshots(count: int) -> bytes:
        while not task.done():
            data = path.read_bytes() if path.exists() else b""
            if data.count(b"Event: DeviceStateListComplete") >= count:
                return data
            await asyncio.sleep(0.05)
        raise AssertionError(task.result())

    try:
        await until_snapshots(1)
        await place_a_call(pbx)
        await pbx.ami.wait_for(lambda e: e["Event"] == "Newchannel")
        await pbx.restart()
        data = await until_snapshots(2)
    finally:
        stop.set()
        done = await task
    assert done.bytes_written == len(path.read_bytes())
    assert b"Event: Newchannel\r\nPrivilege: call,all\r\nTimestamp: " in data
    assert sum(isinstance(frame, Banner) for frame in Framer().feed(data)) >= 2
