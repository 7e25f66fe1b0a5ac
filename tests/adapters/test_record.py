"""The recorder: every byte, in order, and nothing of a PBX that did not let us in."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from agentd.core.wire import Banner, Framer
from agentd.errors import AgentdError
from agentd.record import Recorded, record, record_until_interrupted
from agentd.testing import FakeAmi, item
from tests.adapters.ami_rig import settings


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as fake:
        fake.lists["QueueStatus"] = [item([("Event", "QueueMember"), ("Name", "张三")])]
        yield fake


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.ami"


async def until(happened: Callable[[], bool]) -> None:
    """Nothing tells when a file grows; the test's own limit ends a wait in vain."""
    while not happened():
        await asyncio.sleep(0.005)


def content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def exists(path: Path) -> bool:
    return path.exists()


@contextlib.asynccontextmanager
async def recording(ami: FakeAmi, path: Path) -> AsyncIterator[asyncio.Task[Recorded]]:
    stop = asyncio.Event()
    task = asyncio.create_task(record(settings(ami.port), path, stop))
    try:
        await until(lambda: b"Event: DeviceStateListComplete" in content(path) or task.done())
        yield task
    finally:
        stop.set()
        await asyncio.wait({task})


async def test_every_byte_and_the_closing_line(ami: FakeAmi, path: Path) -> None:
    async with recording(ami, path) as task:
        await ami.send(b"Event: Hold\r\nName: " + "李雷".encode()[:4])
        await ami.send("李雷".encode()[4:] + b"\r\n\r\n")
        await until(lambda: "李雷\r\n\r\n".encode() in content(path))
    done = task.result()
    recorded = content(path)
    assert recorded.startswith(ami.banner + b"Response: Success\r\n")
    assert done.bytes_written == len(recorded)
    # FullyBooted, the member, three ends of lists, the Hold.
    assert done.events == 6
    assert str(done).startswith(f"{path}: {len(recorded)} bytes, 6 events in ")
    assert b"fake" not in recorded
    # The same questions as the daemon's.
    asked = [action["Action"] for action in ami.actions]
    assert asked[-4:] == ["CoreShowChannels", "QueueStatus", "DeviceStateList", "Logoff"]


async def test_others_may_not_read_it(ami: FakeAmi, path: Path) -> None:
    async with recording(ami, path):
        pass
    assert mode(path) == 0o600


async def test_a_reconnect_appends_the_new_stream(ami: FakeAmi, path: Path) -> None:
    async with recording(ami, path):
        await ami.send(b"Event: Half\r\nUniqueid: 1.1")
        await until(lambda: content(path).endswith(b"1.1"))
        ami.cut()
        await until(lambda: content(path).count(b"Event: DeviceStateListComplete") == 2)
    recorded = content(path)
    assert b"Uniqueid: 1.1" + ami.banner in recorded
    assert [f for f in Framer().feed(recorded) if isinstance(f, Banner)] == [Banner("11.0.0")] * 2


async def test_a_second_recording_appends(ami: FakeAmi, path: Path) -> None:
    async with recording(ami, path) as task:
        pass
    first = content(path)
    async with recording(ami, path) as task:
        await until(lambda: content(path).count(b"Event: DeviceStateListComplete") == 2)
    assert content(path).startswith(first + ami.banner)
    assert task.result().bytes_written == len(content(path)) - len(first)


async def test_a_wrong_password_ends_it_and_leaves_no_file(ami: FakeAmi, path: Path) -> None:
    with pytest.raises(AgentdError, match="refused the login"):
        await record(settings(ami.port, secret="another"), path, asyncio.Event())
    assert not exists(path)


async def test_a_wrong_password_leaves_an_older_recording_as_it_is(
    ami: FakeAmi, path: Path
) -> None:
    write(path, b"older")
    with pytest.raises(AgentdError, match="refused the login"):
        await record(settings(ami.port, secret="another"), path, asyncio.Event())
    assert content(path) == b"older"


async def test_a_password_that_is_changed_later_does_not_end_it(ami: FakeAmi, path: Path) -> None:
    async with recording(ami, path):
        ami.secret = "another"
        ami.cut()
        await ami.until_connections(3)
        ami.secret = "fake"
        await until(lambda: content(path).count(b"Event: DeviceStateListComplete") == 2)


async def test_a_folder_that_is_not_there(ami: FakeAmi, tmp_path: Path) -> None:
    with pytest.raises(AgentdError, match=r"nowhere.*cannot be written: No such file"):
        await record(settings(ami.port), tmp_path / "nowhere" / "a.ami", asyncio.Event())
    assert ami.connections == 0


@contextlib.contextmanager
def room(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes, as if the disk ended there."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_when_no_more_fits_the_file_keeps_what_did(ami: FakeAmi, path: Path) -> None:
    async with recording(ami, path) as task:
        before = content(path)
        with room(len(before) + 100):
            await ami.send(b"Event: Long\r\nText: " + b"x" * 5_000 + b"\r\n\r\n")
            await asyncio.wait({task})
    with pytest.raises(AgentdError, match=r"cannot write.*bytes are in the file") as error:
        task.result()
    recorded = content(path)
    assert recorded.startswith(before)
    assert len(recorded) == len(before) + 100
    assert str(len(recorded)) in str(error.value)


async def test_a_full_disk(ami: FakeAmi) -> None:
    with pytest.raises(AgentdError, match="the disk is full"):
        await record(settings(ami.port), Path("/dev/full"), asyncio.Event())


async def test_cancelling_leaves_nothing_behind(ami: FakeAmi, path: Path) -> None:
    task = asyncio.create_task(record(settings(ami.port), path, asyncio.Event()))
    await until(lambda: b"Event: DeviceStateListComplete" in content(path))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert content(path).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_cleanly(ami: FakeAmi, path: Path, number: signal.Signals) -> None:
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from agentd.ami_link import AmiSettings
        from agentd.record import record_until_interrupted
        settings = AmiSettings(pbx="main", username="agentd", secret="fake", port={ami.port})
        print(asyncio.run(record_until_interrupted(settings, Path({str(path)!r}))))
    """)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    await until(lambda: b"Event: DeviceStateListComplete" in content(path))
    process.send_signal(number)
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    last = out.decode().splitlines()[-1]
    assert last.startswith(f"{path}: {len(content(path))} bytes, 5 events in ")


async def test_signal_handlers_are_put_back(ami: FakeAmi, path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(AgentdError):
        await record_until_interrupted(settings(ami.port, secret="another"), path)
    # asyncio puts Python's own handler back.
    assert signal.getsignal(signal.SIGINT) in (before, signal.default_int_handler)
