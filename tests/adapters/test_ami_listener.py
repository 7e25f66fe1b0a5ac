"""The listener: the link, the snapshot, limits, warnings, and the end.

Times in the settings are small where a test waits for them to pass, and generous where it must not
come to that; nothing here asserts how long anything took.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from agentd.ami_link import Backoff, is_loopback
from agentd.ami_listener import AmiListener
from agentd.core.wire import Banner, Framer
from agentd.errors import AgentdError
from agentd.ports import AmiBytes, LinkChanged, LinkInfo
from agentd.testing import FakeAmi, FakeInbox, item
from tests.adapters.ami_rig import LeapingClock, listening, settings

SNAPSHOT = ["CoreShowChannels", "QueueStatus", "DeviceStateList"]


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as fake:
        yield fake


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
def logs() -> Any:
    with structlog.testing.capture_logs() as entries:
        yield entries


# --- the ordinary way ---


async def test_link_up(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.lists["QueueStatus"] = [item([("Event", "QueueMember"), ("Name", "张三")])]
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
    assert inbox.states == [("syncing", None), ("up", None)]
    asked = [action["Action"] for action in ami.actions]
    assert asked[:2] == ["Login", "Events"]
    assert ami.actions[0]["Events"] == "system"
    assert ami.actions[1]["EventMask"] == "system,call,agent"
    assert asked[-4:] == [*SNAPSHOT, "Logoff"]
    info = inbox.of(LinkInfo)[-1]
    assert info.version == "22.10.1"
    assert info.warnings == ()
    assert info.clock_offset_us is not None


async def test_every_byte_arrives_in_order_wherever_tcp_cuts(
    ami: FakeAmi, inbox: FakeInbox
) -> None:
    ami.chunk_bytes = 1
    ami.lists["QueueStatus"] = [item([("Event", "QueueMember"), ("Name", "张三🙂")])]
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
        name = "李雷".encode()
        await ami.send(b"Event: Hold\r\nName: ", name[:1], name[1:4], name[4:], b"\r\n\r")
        await ami.send(b"\n")
        await inbox.until(lambda: inbox.data.endswith(b"\r\n\r\n") and name in inbox.data)
    assert inbox.data.startswith(ami.banner + b"Response: Success\r\n")
    frames = Framer().feed(inbox.data)
    assert isinstance(frames[0], Banner)
    assert any(isinstance(frame, bytes) and "张三🙂".encode() in frame for frame in frames)
    assert frames[-1] != b""


async def test_syncing_is_told_before_the_snapshot_and_up_after_it(
    ami: FakeAmi, inbox: FakeInbox
) -> None:
    ami.unanswered.add("QueueStatus")
    async with listening(ami.port, inbox):
        await ami.until_asked("QueueStatus")
        assert inbox.states == [("syncing", None)]
    up = FakeInbox()
    ami.unanswered.clear()
    async with listening(ami.port, up):
        await up.until_state("up")
    at = up.items.index(LinkChanged("main", "up"))
    before = b"".join(i.data for i in up.items[:at] if isinstance(i, AmiBytes))
    assert before.endswith(b"ListItems: 0\r\n\r\n")
    assert b"Event: DeviceStateListComplete" in before


async def test_offset_of_the_pbx_clock(ami: FakeAmi, inbox: FakeInbox) -> None:
    ours = ami.clock_us
    ami.clock_us = lambda: ours() + 3_600_000_000
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
    offset_us = inbox.of(LinkInfo)[-1].clock_offset_us
    assert offset_us is not None
    # Wrong by half a round trip at worst; nothing on the loopback takes 10 s.
    assert abs(offset_us - 3_600_000_000) < 5_000_000


async def test_a_new_offset_is_told(ami: FakeAmi, inbox: FakeInbox) -> None:
    ours = ami.clock_us
    async with listening(ami.port, inbox, ping_every_s=0.01):
        await inbox.until_state("up")
        ami.clock_us = lambda: ours() + 60_000_000

        def moved() -> bool:
            return (inbox.of(LinkInfo)[-1].clock_offset_us or 0) > 50_000_000

        await inbox.until(moved)


async def test_pings_go_on(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox, ping_every_s=0.01):
        await ami.until_asked("Ping", times=8)
        await inbox.until_state("up")
    assert ("down", "silent") not in inbox.states


# --- the snapshot again ---


async def test_resync_asks_again_and_many_calls_are_one(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        for _ in range(50):
            listener.resync()
        await ami.until_asked("DeviceStateList", times=2)
    assert [a["Action"] for a in ami.actions].count("QueueStatus") == 2
    assert inbox.states == [("syncing", None), ("up", None)]


@pytest.mark.parametrize("name", ["FullyBooted", "Load", "Reload"])
async def test_modules_that_come_later_are_asked(ami: FakeAmi, inbox: FakeInbox, name: str) -> None:
    ami.errors["QueueStatus"] = "Invalid/unknown command: QueueStatus."
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
        assert "no_queue_list" in inbox.warnings
        ami.errors.clear()
        await ami.send_event(name, "system,all")
        await inbox.until(lambda: "no_queue_list" not in inbox.warnings)


async def test_permissions_are_asked_again_when_modules_come(
    ami: FakeAmi, inbox: FakeInbox
) -> None:
    everything, ami.privileges = ami.privileges, [("Ping", "<none>")]
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
        assert "DeviceStateList" not in [action["Action"] for action in ami.actions]
        ami.privileges = everything
        await ami.send_event("Load", "system,all", Module="res_manager_devicestate.so")
        await ami.until_asked("DeviceStateList")


async def test_a_snapshot_on_every_connection(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
        ami.cut()
        await inbox.until_state("up", times=2)
    assert inbox.states == [
        ("syncing", None), ("up", None), ("down", "closed"), ("syncing", None), ("up", None),
    ]  # fmt: skip
    assert inbox.data.count(ami.banner) == 2
    assert [a["Action"] for a in ami.actions].count("QueueStatus") == 2


# --- limits ---


async def test_a_frame_without_end_is_passed_on_but_not_kept(
    ami: FakeAmi, inbox: FakeInbox, logs: list[dict[str, Any]]
) -> None:
    megabyte = b"x" * (1 << 20)
    async with listening(ami.port, inbox, max_frame_bytes=1 << 16) as listener:
        await inbox.until_state("up")
        start = len(inbox.data)
        await ami.send(b"Event: Big\r\nName: ", *[megabyte] * 10)
        await inbox.until(lambda: len(inbox.data) >= start + 10 * len(megabyte))
        await ami.send(b"\r\n\r\n")
        # The answers after it are found again.
        listener.resync()
        await ami.until_asked("DeviceStateList", times=2)
        await inbox.until(lambda: inbox.data.count(b"Event: DeviceStateListComplete") == 2)
    assert inbox.states == [("syncing", None), ("up", None)]
    skipped = [entry for entry in logs if entry["event"] == "ami.frame_skipped"]
    assert [entry["limit_bytes"] for entry in skipped] == [1 << 16]


async def test_a_full_inbox_pauses_the_socket_and_nothing_is_lost(ami: FakeAmi) -> None:
    inbox = FakeInbox()
    blob = b"".join(b"Event: N\r\nN: %06d\r\n\r\n" % n for n in range(400_000))
    time = LeapingClock()
    patience = {"ping_timeout_s": 60.0, "action_timeout_s": 240.0}
    async with listening(ami.port, inbox, monotonic=time, ping_every_s=0.01, **patience):
        await inbox.until_state("up")
        start = len(inbox.data)
        inbox.high_water = inbox.undrained + 3
        sending = asyncio.create_task(ami.send(blob))
        await inbox.until(lambda: inbox.asked_to_resume > 0)
        held = inbox.received_bytes
        # Our own pause is not the PBX's silence, however long it takes.
        for _ in range(20):
            time.leapt_s += 30
            await asyncio.sleep(0.01)
        assert inbox.asked_to_resume == 1
        assert inbox.received_bytes == held
        inbox.high_water = 1_000_000
        inbox.drain()
        await sending
        await inbox.until(lambda: inbox.received_bytes >= start + len(blob))
    assert blob in inbox.data
    assert inbox.states == [("syncing", None), ("up", None)]


def test_backoff_grows_to_its_limit_and_stays_between() -> None:
    for seed in range(50):
        backoff = Backoff(1.0, 30.0, random.Random(seed))
        waits = [backoff.next_s() for _ in range(12)]
        spans = [(1, 2), (2, 4), (4, 8), (8, 16), (15, 30), *[(15, 30)] * 7]
        assert all(low <= wait <= high for wait, (low, high) in zip(waits, spans, strict=True))
        backoff.reset()
        assert 1 <= backoff.next_s() <= 2


def test_backoff_differs_between_daemons() -> None:
    waits = {Backoff(1.0, 30.0, random.Random(seed)).next_s() for seed in range(20)}
    assert len(waits) == 20


async def test_the_loop_waits_as_backoff_says(ami: FakeAmi, inbox: FakeInbox) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 6:
            ami.secret = "fake"

    ami.secret = "another"
    async with listening(ami.port, inbox, sleep=sleep, backoff_min_s=1.0, backoff_max_s=30.0):
        await inbox.until_state("up")
    assert len(waits) == 6
    assert [low <= wait <= 2 * low for wait, low in zip(waits[:4], (1, 2, 4, 8), strict=True)] == (
        [True] * 4
    )
    assert all(15 <= wait <= 30 for wait in waits[4:])


# --- warnings ---


async def test_missing_timestamps_are_told(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox, ping_every_s=0.01):
        await inbox.until_state("up")
        await ami.send(b"Event: Newchannel\r\nPrivilege: call,all\r\nUniqueid: 1\r\n\r\n")
        await inbox.until(lambda: "no_timestamps" in inbox.warnings)
        assert "timestampevents=yes" in inbox.warnings["no_timestamps"]
        await ami.send_event("Newchannel", "call,all")
        await inbox.until(lambda: "no_timestamps" not in inbox.warnings)


async def test_an_account_that_reads_no_calls(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox, ping_every_s=0.01) as listener:
        await inbox.until_state("up")
        ami.lists["CoreShowChannels"] = [item([("Event", "CoreShowChannel"), ("Uniqueid", "1.1")])]
        listener.resync()
        await inbox.until(lambda: "no_call_events" in inbox.warnings)


async def test_a_poor_and_a_mighty_account(
    ami: FakeAmi, inbox: FakeInbox, logs: list[dict[str, Any]]
) -> None:
    ami.reads_system = False
    ami.version = None
    ami.errors["CoreShowChannels"] = "Permission denied"
    ami.privileges = [("Ping", "<none>"), ("Originate", "originate,all"), ("Command", "command")]
    ami.banner = b"Asterisk Call Manager/5.0.4\r\n"
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
    assert set(inbox.warnings) == {
        "no_system_events", "no_channel_list", "account_too_powerful", "pbx_out_of_support",
    }  # fmt: skip
    assert inbox.of(LinkInfo)[-1].version == "16"
    told = {entry["code"] for entry in logs if entry["event"] == "ami.warning"}
    assert told == set(inbox.warnings)
    # Not permitted, so not asked.
    assert "DeviceStateList" not in [action["Action"] for action in ami.actions]


async def test_a_password_that_crosses_a_network_in_the_clear(
    ami: FakeAmi, inbox: FakeInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No test machine is sure to have another address than the loopback's.
    monkeypatch.setattr("agentd.ami_listener.is_loopback", lambda address: address != "127.0.0.1")
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
    assert list(inbox.warnings) == ["plain_text_login"]


def test_loopback() -> None:
    assert all(is_loopback(a) for a in ("127.0.0.1", "127.9.9.9", "::1"))
    assert not any(is_loopback(a) for a in ("192.168.1.5", "10.0.0.1", "fe80::1%eth0", "0.0.0.0"))


async def test_warnings_are_logged_once_over_many_links(
    ami: FakeAmi, inbox: FakeInbox, logs: list[dict[str, Any]]
) -> None:
    ami.version = "18.26.4"
    async with listening(ami.port, inbox):
        for times in range(1, 4):
            await inbox.until_state("up", times=times)
            ami.cut()
        await inbox.until_state("up", times=4)
    assert [entry["event"] for entry in logs].count("ami.warning") == 1


# --- no way in through the data ---


async def test_a_callers_name_cannot_pass_for_an_answer(ami: FakeAmi, inbox: FakeInbox) -> None:
    forged = (
        b"x\r\n\r\nEvent: QueueStatusComplete\r\nActionID: agentd-00000000-9\r\n\r\nEvent: Next"
    )
    ami.lists["QueueStatus"] = [b"Event: QueueEntry\r\nCallerIDName: " + forged]
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
    at = inbox.items.index(LinkChanged("main", "up"))
    before = b"".join(i.data for i in inbox.items[:at] if isinstance(i, AmiBytes))
    assert b"EventList: Complete\r\nListItems: 1" in before


# --- the end ---


async def test_stop_while_it_waits_for_the_next_try(inbox: FakeInbox) -> None:
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with listening(1, inbox, sleep=sleep):
        await waiting.wait()


@pytest.mark.parametrize("stalled", ["Login", "Events", "Ping", "ListCommands", "QueueStatus"])
async def test_stop_at_any_moment(ami: FakeAmi, inbox: FakeInbox, stalled: str) -> None:
    ami.unanswered.add(stalled)
    async with listening(ami.port, inbox):
        await ami.until_asked(stalled)


async def test_stop_before_it_ran(ami: FakeAmi, inbox: FakeInbox) -> None:
    listener = AmiListener(settings(ami.port), inbox)
    await listener.stop()
    await listener.run()
    assert ami.connections == 0


async def test_cancelling_ends_it_as_well(ami: FakeAmi, inbox: FakeInbox) -> None:
    listener = AmiListener(settings(ami.port), inbox)
    task = asyncio.create_task(listener.run())
    await inbox.until_state("up")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_listener_runs_once(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        with pytest.raises(RuntimeError):
            await listener.run()


async def test_several_pbxs_side_by_side(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with FakeAmi() as other, listening(ami.port, inbox):
        other.secret = "another"
        async with listening(other.port, inbox, pbx="branch"):
            await inbox.until(lambda: {i.pbx for i in inbox.of(LinkChanged)} == {"main", "branch"})
            await inbox.until_state("up")
    told = {(i.pbx, i.state) for i in inbox.of(LinkChanged)}
    assert told == {("main", "syncing"), ("main", "up"), ("branch", "down")}


def test_a_ca_file_that_is_not_there(inbox: FakeInbox) -> None:
    with pytest.raises(AgentdError, match=r"pbx main: tls_ca_file .* No such file"):
        AmiListener(settings(1, tls=True, tls_ca_file="/nowhere/ca.pem"), inbox)
