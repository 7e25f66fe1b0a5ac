"""Frames to events (:mod:`agentd.core.decode`)."""

from __future__ import annotations

from typing import Any

import pytest

from agentd.core import events as e
from agentd.core.decode import decode, timestamp_us
from tests.core.ami import frame
from tests.core.story import us

CHANNEL = {
    "Channel": "PJSIP/trunk-00000000",
    "ChannelState": 4,
    "ChannelStateDesc": "Ring",
    "CallerIDNum": "13800138000",
    "CallerIDName": "<unknown>",
    "Uniqueid": "1790000000.0",
    "Linkedid": "1790000000.0",
}


def event(name: str, **headers: object) -> Any:
    """The typed event of a frame that must be one."""
    decoded = decode(frame(name, 1.5, **headers))
    assert isinstance(decoded, e.Event), decoded
    assert decoded.at_us == us(1.5)
    return decoded


def malformed(data: bytes) -> e.Malformed:
    decoded = decode(data)
    assert isinstance(decoded, e.Malformed), decoded
    return decoded


# --- what an event says -------------------------------------------------------------------


def test_a_new_channel() -> None:
    assert event("Newchannel", **CHANNEL) == e.Newchannel(
        us(1.5), "1790000000.0", "PJSIP/trunk-00000000", 4, "13800138000", "1790000000.0"
    )


@pytest.mark.parametrize("nobody", ["<unknown>", "unknown", ""])
def test_a_withheld_number_is_nobodys(nobody: str) -> None:
    assert event("Newchannel", **{**CHANNEL, "CallerIDNum": nobody}).num is None


def test_headers_that_older_versions_leave_out() -> None:
    headers = {name: value for name, value in CHANNEL.items() if name != "Linkedid"}
    assert event("Newchannel", **headers).linkedid == ""
    assert event("HangupRequest", **CHANNEL).cause == 0
    assert event("HangupRequest", **CHANNEL, Cause=17).cause == 17
    assert event("HangupRequest", **CHANNEL, Cause="").cause == 0


def test_chinese_names_and_emoji_arrive_whole() -> None:
    headers = {"Queue": "投诉", "Interface": "PJSIP/1001", "MemberName": '张三 "小张": 🙂'}
    member = event("QueueMemberAdded", **headers)
    assert (member.queue, member.member) == ("投诉", '张三 "小张": 🙂')


def test_invalid_utf8_becomes_a_replacement_character() -> None:
    data = frame("QueueMemberAdded", 0, Queue="q", Interface="PJSIP/1001")
    decoded = decode(data + b"\r\nMemberName: \xff\xfe\xe5")
    assert isinstance(decoded, e.QueueMember)
    assert "\ufffd" in decoded.member


def test_a_value_may_hold_colons() -> None:
    assert event("Hold", Uniqueid="a: b: c").uid == "a: b: c"


def test_a_members_device_is_its_state_interface() -> None:
    headers = {"Queue": "q", "Interface": "Local/1001@agents/n", "MemberName": "张三"}
    assert event("QueueMemberAdded", **headers, StateInterface="PJSIP/1001", Status=6) == (
        e.QueueMember(
            us(1.5), "added", "q", "Local/1001@agents/n", "张三", "PJSIP/1001", 6, False, "", 0
        )
    )
    assert event("QueueMemberAdded", **headers).state_interface == "Local/1001@agents/n"


def test_a_pause_with_its_reason() -> None:
    headers = {"Queue": "q", "Interface": "PJSIP/1001", "MemberName": "张三", "LastCall": 1790}
    paused = event("QueueMemberPause", **headers, Paused=1, PausedReason="小休")
    assert (paused.change, paused.paused, paused.reason) == ("pause", True, "小休")
    assert paused.last_call_s == 1790
    assert not event("QueueMemberPause", **headers, Paused=0, PausedReason="").paused


def test_a_listed_member_has_other_headers() -> None:
    listed = event("QueueMember", Queue="q", Name="张三", Location="PJSIP/1001", Status=5)
    assert (listed.change, listed.member, listed.interface) == ("listed", "张三", "PJSIP/1001")
    assert listed.status == 5


@pytest.mark.parametrize(
    ("dial_string", "number"),
    [
        ("13900139000@trunk", "13900139000"),
        ("trunk/13900139000", "13900139000"),
        ("trunk/sip:13900139000@203.0.113.1", "13900139000"),
        ("1001", "1001"),
        ("reception", None),
        ("", None),
    ],
)
def test_the_dialled_number_is_cut_out_of_the_dial_string(
    dial_string: str, number: str | None
) -> None:
    headers = {"DestUniqueid": "2", "DestChannel": "PJSIP/trunk-1", "DialString": dial_string}
    assert event("DialBegin", **headers).number == number


def test_an_originate_is_dialled_by_nobody() -> None:
    begun = event("DialBegin", DestUniqueid="2", DestChannel="PJSIP/1001-1")
    assert (begun.uid, begun.number) == (None, None)


@pytest.mark.parametrize(
    ("duration", "seconds"), [("00:00:07", 7), ("01:02:03", 3723), ("123:00:00", 442_800)]
)
def test_a_listed_channels_age(duration: str, seconds: int) -> None:
    listed = event("CoreShowChannel", **CHANNEL, Duration=duration, BridgeId="")
    assert listed.duration_s == seconds
    assert listed.bridge is None


@pytest.mark.parametrize(
    "name", ["UnParkedCall", "ParkedCallTimeOut", "ParkedCallGiveUp", "ParkedCallSwap"]
)
def test_however_parking_ends(name: str) -> None:
    assert event(name, ParkeeUniqueid="1.0") == e.ParkingEnded(us(1.5), "1.0")


@pytest.mark.parametrize("name", ["AgentLogin", "AgentLogoff"])
def test_the_agent_pool_is_named(name: str) -> None:
    assert event(name, Agent="1001") == e.AgentPool(us(1.5), name)


def test_an_uptime_that_is_not_told() -> None:
    assert event("FullyBooted", Status="Fully Booted").uptime_s == -1
    assert event("FullyBooted", Uptime=7).uptime_s == 7


# --- what says nothing of seats -----------------------------------------------------------


def test_an_event_that_says_nothing_of_seats_still_tells_the_time() -> None:
    assert decode(frame("VarSet", 1.5, Variable="x")) == e.Ignored(us(1.5), list_ends=False)


def test_the_end_of_a_list_is_noticed() -> None:
    ended = decode(frame("DeviceStateListComplete", None, EventList="Complete"))
    assert ended == e.Ignored(0, list_ends=True)


def test_the_states_of_queues_are_no_devices() -> None:
    assert event("DeviceStateChange", Device="PJSIP/1001", State="RINGING") == e.DeviceState(
        us(1.5), "PJSIP/1001", "RINGING"
    )
    pseudo = decode(frame("DeviceStateChange", 1.5, Device="Queue:hotline_avail", State="INUSE"))
    assert pseudo == e.Ignored(us(1.5), list_ends=False)


def test_answers_to_actions() -> None:
    begun = decode(b"Response: Success\r\nEventList: start\r\nMessage: will follow")
    assert begun == e.Response(0, list_starts=True)
    pong = decode(b"Response: Success\r\nPing: Pong\r\nTimestamp: 1790000001.500000\r\n")
    assert pong == e.Response(us(1.5), list_starts=False)


# --- Timestamps ---------------------------------------------------------------------------


def test_a_timestamp_that_is_the_last_header_keeps_its_last_digit() -> None:
    pong = decode(b"Response: Success\r\nPing: Pong\r\nTimestamp: 1790000001.500007")
    assert pong == e.Response(us(1.500007), list_starts=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1790000000.123456", 1_790_000_000_123_456),
        ("1790000000.5", 1_790_000_000_500_000),
        ("1790000000", 1_790_000_000_000_000),
        ("1790000000.12345678", 1_790_000_000_123_456),
    ],
)
def test_timestamps_of_any_precision(value: str, expected: int) -> None:
    assert timestamp_us(value) == expected
    ignored = decode(f"Event: VarSet\r\nTimestamp: {value}\r\nVariable: x".encode())
    assert ignored == e.Ignored(expected, list_ends=False)


@pytest.mark.parametrize("value", ["soon", "1790000000.12x456", "", "17900\xff0000.123456"])
def test_a_timestamp_that_is_no_number_is_none(value: str) -> None:
    data = f"Event: VarSet\r\nTimestamp: {value}\r\nVariable: x".encode("latin-1")
    assert decode(data) == e.Ignored(0, list_ends=False)


# --- frames that cannot be trusted --------------------------------------------------------


def test_a_missing_header_is_named_and_the_event_is_left_out_whole() -> None:
    assert malformed(frame("BridgeEnter", 1.5, BridgeUniqueid="b", Channel="c")) == e.Malformed(
        us(1.5), "Uniqueid is missing", "BridgeEnter"
    )


def test_a_missing_header_of_a_listed_caller_is_named_too() -> None:
    bad = malformed(frame("QueueEntry", None, Queue="hotline", Channel="PJSIP/trunk-1", Wait=7))
    assert (bad.what, bad.event) == ("Uniqueid is missing", "QueueEntry")


def test_a_number_that_is_none() -> None:
    bad = malformed(frame("Newchannel", 1.5, **{**CHANNEL, "ChannelState": "up"}))
    assert bad.what == "ChannelState is not a whole number: 'up'"
    bad = malformed(frame("CoreShowChannel", None, **CHANNEL, Duration="7"))
    assert bad.what == "Duration is not HH:MM:SS: '7'"


def test_a_header_without_a_colon() -> None:
    bad = malformed(frame("Hold", 1.5, Uniqueid="1.0") + b"\r\nnonsense")
    assert bad == e.Malformed(us(1.5), "a header without a colon: b'nonsense'", "Hold")


def test_an_empty_value_may_come_without_its_space() -> None:
    data = frame("Hold", 1.5, Uniqueid="1.0") + b"\r\nMusicClass:"
    assert decode(data) == e.Hold(us(1.5), "1.0")


def test_garbage_is_no_frame() -> None:
    assert malformed(b"GET / HTTP/1.1\r\nHost: x") == e.Malformed(
        0, "not an AMI frame: b'GET / HTTP/1.1\\r\\nHost: x'", None
    )
    assert malformed(b"\r\n").event is None
    assert malformed(b"no colon\r\nEvent: Hold").event is None


def test_a_blank_line_too_many_before_an_event_is_passed_over() -> None:
    assert decode(b"\r\n" + frame("Hold", 1.5, Uniqueid="1.0")) == e.Hold(us(1.5), "1.0")


def test_headers_before_the_events_name() -> None:
    data = b"ActionID: 7\r\n" + frame("Hold", 1.5, Uniqueid="1.0")
    assert decode(data) == e.Hold(us(1.5), "1.0")


# --- callers who write headers ------------------------------------------------------------


def test_a_number_that_smuggles_headers_into_an_event_changes_nothing() -> None:
    """A channel's number stands before its Uniqueid: the last of two headers is the real one."""
    evil = "1\r\nUniqueid: 9.9\r\nLinkedid: 9.9\r\nChannel: PJSIP/1001-1"
    channel = event("Newstate", **{**CHANNEL, "CallerIDNum": evil})
    assert channel.uid == "1790000000.0"


def test_a_name_that_smuggles_headers_into_a_list_changes_nothing() -> None:
    """Names are raw in lists, and there they stand after what they would replace."""
    evil = "x\r\nQueue: vip\r\nUniqueid: 9.9\r\nChannel: PJSIP/1001-1\r\nWait: 999"
    entry = event(
        "QueueEntry",
        Queue="hotline",
        Position=1,
        Channel="PJSIP/trunk-00000000",
        Uniqueid="1790000000.0",
        CallerIDNum="13800138000",
        CallerIDName=evil,
        Wait=7,
    )
    assert (entry.queue, entry.uid, entry.name, entry.wait_s) == (
        "hotline",
        "1790000000.0",
        "PJSIP/trunk-00000000",
        7,
    )
