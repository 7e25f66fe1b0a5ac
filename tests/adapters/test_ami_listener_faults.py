"""The listener and a PBX that refuses, stalls, talks nonsense, or dies.

Times in the settings are small where a test waits for them to pass, and generous where it must not
come to that; nothing here asserts how long anything took.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from agentd.ami_listener import AmiListener
from agentd.errors import Refused
from agentd.ports import LinkChanged
from agentd.testing import FakeAmi, FakeInbox
from tests.adapters.ami_rig import LeapingClock, listening, settings


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


# --- refused, wrong, gone ---


async def test_a_wrong_password_is_said_once_in_plain_words_and_tried_again(
    ami: FakeAmi, inbox: FakeInbox, logs: list[dict[str, Any]]
) -> None:
    ami.secret = "another"
    async with listening(ami.port, inbox):
        await ami.until_connections(4)
        ami.secret = "fake"
        await inbox.until_state("up")
    assert inbox.states == [("down", "auth"), ("syncing", None), ("up", None)]
    (refused,) = [entry for entry in logs if entry["event"] == "ami.login_refused"]
    assert refused["log_level"] == "warning"
    assert "wrong user name or password" in refused["reason"]
    assert "fake" not in repr(logs)


def test_the_secret_is_in_no_repr() -> None:
    assert "hush" not in repr(settings(1, secret="hush"))


def test_credentials_that_cannot_be_sent_are_refused_at_once(inbox: FakeInbox) -> None:
    with pytest.raises(Refused, match="Secret contains a line break"):
        AmiListener(settings(1, secret="a\r\nAction: Originate"), inbox)
    with pytest.raises(Refused, match="EventMask contains a line break"):
        AmiListener(settings(1, event_mask="call\n"), inbox)


async def test_logged_in_already(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.errors["Login"] = "Login Already In Use"
    async with listening(ami.port, inbox):
        await inbox.until_state("down", "auth")
    assert "allowmultiplelogin" in (inbox.of(LinkChanged)[0].reason or "")


async def test_nothing_listens_then_it_does(ami: FakeAmi, inbox: FakeInbox) -> None:
    port = ami.port
    await ami.close()
    async with listening(port, inbox):
        await inbox.until_state("down", "refused")
        await ami.listen(port)
        await inbox.until_state("up")


async def test_a_name_with_several_addresses_of_which_none_answers(inbox: FakeInbox) -> None:
    # Port 1 of the loopback, by IPv4 and, where the machine has it, by IPv6.
    async with listening(1, inbox, host="localhost"):
        await inbox.until_state("down", "refused")
    assert "nothing listens at localhost:1" in (inbox.of(LinkChanged)[0].reason or "")


async def test_an_unknown_name(inbox: FakeInbox) -> None:
    # RFC 6761: no resolver knows it.
    async with listening(1, inbox, host="pbx.invalid"):
        await inbox.until_state("down", "dns")


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\xff\xfe" * 500, b"Aster!"])
async def test_garbage_on_the_port(
    ami: FakeAmi, inbox: FakeInbox, logs: list[dict[str, Any]], greeting: bytes
) -> None:
    good, ami.banner = ami.banner, greeting
    async with listening(ami.port, inbox):
        await ami.until_connections(3)
        assert inbox.states == [("down", "not_ami")]
        assert inbox.data == b""
        ami.banner = good
        await inbox.until_state("up")
    assert [entry["event"] for entry in logs].count("ami.not_ami") == 1


async def test_a_port_that_greets_nobody(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.banner = b""
    async with listening(ami.port, inbox, login_timeout_s=0.1):
        await inbox.until_state("down", "timeout")
    assert "nothing greets" in (inbox.of(LinkChanged)[0].reason or "")


async def test_a_login_that_is_never_answered(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.unanswered.add("Login")
    async with listening(ami.port, inbox, login_timeout_s=0.2):
        await inbox.until_state("down", "timeout")
        ami.unanswered.clear()
        await inbox.until_state("up")


@pytest.mark.parametrize("action", ["CoreSettings", "ListCommands", "QueueStatus"])
async def test_an_action_that_is_never_answered(
    ami: FakeAmi, inbox: FakeInbox, action: str
) -> None:
    ami.unanswered.add(action)
    async with listening(ami.port, inbox, action_timeout_s=0.3):
        await inbox.until_state("down", "timeout")
        assert action in (inbox.of(LinkChanged)[1].reason or "")
        ami.unanswered.clear()
        await inbox.until_state("up")
    assert inbox.states[:2] == [("syncing", None), ("down", "timeout")]


async def test_a_pbx_that_never_answers_the_event_mask_is_no_trouble(
    ami: FakeAmi, inbox: FakeInbox
) -> None:
    # As with brokeneventsaction in manager.conf.
    ami.unanswered.add("Events")
    async with listening(ami.port, inbox):
        await inbox.until_state("up")


async def test_an_event_mask_that_is_refused(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.errors["Events"] = "Invalid event mask"
    async with listening(ami.port, inbox, event_mask="nonsense"):
        await inbox.until_state("down", "refused")


async def test_a_silent_peer_is_found(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox, ping_every_s=0.05, ping_timeout_s=0.2):
        await inbox.until_state("up")
        ami.unanswered.add("Ping")
        await inbox.until_state("down", "silent")


async def test_a_peer_that_talks_but_never_answers_is_found_too(
    ami: FakeAmi, inbox: FakeInbox
) -> None:
    async with listening(
        ami.port, inbox, ping_every_s=0.05, ping_timeout_s=60, action_timeout_s=0.5
    ):
        await inbox.until_state("up")
        ami.unanswered.add("Ping")
        while ("down", "timeout") not in inbox.states:
            await ami.send(b"E")
            await asyncio.sleep(0.01)


async def test_a_slow_trickle_is_no_silence(ami: FakeAmi, inbox: FakeInbox) -> None:
    time = LeapingClock()
    async with listening(
        ami.port,
        inbox,
        monotonic=time,
        ping_every_s=0.01,
        ping_timeout_s=60,
        action_timeout_s=1e6,
    ):
        await inbox.until_state("up")
        ami.unanswered.add("Ping")
        for _ in range(50):
            # Each byte well within the time-out, the whole far beyond it.
            time.leapt_s += 20
            before = inbox.received_bytes
            await ami.send(b"E")
            await inbox.until(lambda before=before: inbox.received_bytes > before)
    assert inbox.states == [("syncing", None), ("up", None)]


async def test_asterisk_that_shuts_down_says_so(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
        await ami.send_event("Shutdown", "system,all", Shutdown="Cleanly", Restart="True")
        await inbox.until(lambda: b"Event: Shutdown" in inbox.data)
        ami.cut()
        await inbox.until_state("down", "closed")
    assert "restarting" in (inbox.of(LinkChanged)[-1].reason or "")


async def test_a_reset_in_the_middle_of_a_frame(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox):
        await inbox.until_state("up")
        await ami.send(b"Event: Hold\r\nUniqueid: 1")
        await inbox.until(lambda: inbox.data.endswith(b"Uniqueid: 1"))
        ami.cut()
        await inbox.until_state("up", times=2)
    assert b"Event: Hold\r\nUniqueid: 1" + ami.banner in inbox.data
