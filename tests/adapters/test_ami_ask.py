"""What services have a PBX do: asked once, answered plainly; and where calls are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agentd.ami_recordings import MAX_OUTSTANDING
from agentd.errors import Refused
from agentd.ports import RecordingFile
from agentd.ports.telephony import NoAnswer, PbxRefused
from agentd.testing import DESK_PRIVILEGES, FakeAmi, FakeInbox, item
from tests.adapters.ami_rig import listening

PAUSE = {"Interface": "PJSIP/1001", "Paused": "true", "Reason": "午休"}
CHANNEL = {"Channel": "PJSIP/trunk-0000000a", "Uniqueid": "1790000000.7"}
FILE = "/var/spool/asterisk/monitor/1790000000.7.wav"


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as fake:
        fake.privileges = DESK_PRIVILEGES
        yield fake


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


def asked(ami: FakeAmi, action: str) -> list[dict[str, str]]:
    return [one for one in ami.actions if one["Action"] == action]


def files(inbox: FakeInbox) -> list[RecordingFile]:
    return [one for one in inbox.items if isinstance(one, RecordingFile)]


async def test_an_action_is_done_and_its_answer_told(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.lists["QueueStatus"] = [
        item(
            [
                ("Event", "QueueMember"),
                ("Queue", "hotline"),
                ("Name", "张三"),
                ("Location", "PJSIP/1001"),
                ("StateInterface", "PJSIP/1001"),
                ("Membership", "static"),
                ("Paused", "0"),
            ]
        )
    ]
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        assert listener.may("QueuePause")
        assert [member.paused for member in listener.members("PJSIP/1001")] == [False]
        answer = await listener.ask("QueuePause", PAUSE)
        assert answer["message"] == "Interface paused successfully"
        (member,) = listener.members("PJSIP/1001")
        assert (member.paused, member.reason, member.dynamic) == (True, "午休", False)
    (sent,) = asked(ami, "QueuePause")
    assert {name: sent[name] for name in PAUSE} == PAUSE


async def test_what_the_pbx_refuses_is_told_in_its_own_word(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.errors["QueuePause"] = "Interface not found"
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        with pytest.raises(PbxRefused, match="refused QueuePause: Interface not found") as refusal:
            await listener.ask("QueuePause", PAUSE)
    assert refusal.value.message == "Interface not found"


async def test_what_the_account_may_not_is_not_even_sent(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.privileges = [one for one in DESK_PRIVILEGES if "agent" not in one[1]]
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        assert not listener.may("QueuePause")
        assert listener.may("Originate")
        with pytest.raises(Refused, match="may not QueuePause: give it write=agent"):
            await listener.ask("QueuePause", PAUSE)
    assert asked(ami, "QueuePause") == []


@pytest.mark.parametrize("action", ["Logoff", "Events", "Ping", "Command"])
async def test_nobody_else_speaks_for_the_listener(
    ami: FakeAmi, inbox: FakeInbox, action: str
) -> None:
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        with pytest.raises(Refused):
            await listener.ask(action, {})


async def test_without_a_link_nothing_is_sent(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox) as listener:
        with pytest.raises(Refused, match="no link to PBX 'main'"):
            await listener.ask("QueuePause", PAUSE)
        await inbox.until_state("up")
    with pytest.raises(Refused, match="no link"):
        await listener.ask("QueuePause", PAUSE)
    # What the account may is remembered: a page shows the same while the link is away.
    assert listener.may("QueuePause")


async def test_no_answer_in_time_leaves_the_link_alone(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.unanswered.add("QueuePause")
    async with listening(ami.port, inbox, action_timeout_s=0.2) as listener:
        await inbox.until_state("up")
        with pytest.raises(NoAnswer, match="may have done it, or not"):
            await listener.ask("QueuePause", PAUSE)
        assert inbox.states[-1] == ("up", None)
        await listener.ask("Originate", ORIGINATE)
    assert len(asked(ami, "QueuePause")) == 1


ORIGINATE = {
    "Channel": "PJSIP/1001", "Context": "agentd-dial", "Exten": "139", "Priority": "1",
    "Async": "true",
}  # fmt: skip


async def test_a_link_lost_meanwhile_repeats_nothing(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.unanswered.add("Originate")
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        asking = asyncio.create_task(listener.ask("Originate", ORIGINATE))
        await ami.until_asked("Originate")
        ami.cut()
        with pytest.raises(NoAnswer, match="did not answer Originate: the link was lost"):
            await asking
        await inbox.until_state("up", times=2)
    assert len(asked(ami, "Originate")) == 1


# --- recordings ---


async def test_the_file_of_a_recording_is_asked_for(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.variables[CHANNEL["Channel"]] = FILE
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        await ami.send_event("MixMonitorStart", "call,all", **CHANNEL)
        await inbox.until(lambda: bool(files(inbox)))
        assert listener.recordings.missed == 0
    assert files(inbox) == [RecordingFile("main", CHANNEL["Uniqueid"], FILE)]


async def test_a_channel_that_is_gone_is_counted(ami: FakeAmi, inbox: FakeInbox) -> None:
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        await ami.send_event("MixMonitorStart", "call,all", **CHANNEL)
        await ami.until_asked("Getvar")
        ami.variables["b"] = FILE
        await ami.send_event("MixMonitorStart", "call,all", Channel="b", Uniqueid="8.8")
        await inbox.until(lambda: bool(files(inbox)))
        assert listener.recordings.missed == 1
    assert [one.uid for one in files(inbox)] == ["8.8"]


async def test_an_account_that_may_not_ask_is_not_heard_asking(
    ami: FakeAmi, inbox: FakeInbox
) -> None:
    ami.privileges = [one for one in DESK_PRIVILEGES if one[0] != "Getvar"]
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        await ami.send_event("MixMonitorStart", "call,all", **CHANNEL)
        await inbox.until(lambda: b"MixMonitorStart" in inbox.data)
        assert listener.recordings.missed == 1
    assert asked(ami, "Getvar") == []


async def test_no_more_than_so_many_questions_at_once(ami: FakeAmi, inbox: FakeInbox) -> None:
    ami.unanswered.add("Getvar")
    async with listening(ami.port, inbox) as listener:
        await inbox.until_state("up")
        for number in range(MAX_OUTSTANDING + 3):
            channel = {"Channel": f"PJSIP/trunk-{number:08x}", "Uniqueid": f"1.{number}"}
            await ami.send_event("MixMonitorStart", "call,all", **channel)
        await ami.until_asked("Getvar", times=MAX_OUTSTANDING)
        await inbox.until(lambda: listener.recordings.missed == 3)
    assert len(asked(ami, "Getvar")) == MAX_OUTSTANDING
