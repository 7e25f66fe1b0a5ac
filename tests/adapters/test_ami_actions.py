"""The encoder: what may be said to a PBX, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentd.ami_actions import MAX_LINE_BYTES, SHAPES, AmiAction, encode, known_action
from agentd.errors import Refused


def login(**changed: str) -> bytes:
    headers = {"Username": "agentd", "Secret": "s3cret", "Events": "system", **changed}
    return encode(AmiAction.LOGIN, "x-1", headers)


def test_an_action_on_the_wire() -> None:
    assert encode(AmiAction.QUEUE_STATUS, "x-1", {"Queue": "热线"}) == (
        b"Action: QueueStatus\r\nActionID: x-1\r\nQueue: " + "热线".encode() + b"\r\n\r\n"
    )


def test_every_action_has_a_shape() -> None:
    assert set(SHAPES) == set(AmiAction)


@pytest.mark.parametrize("bad", ["a\r\nAction: Originate", "a\n", "a\r", "a\0b"])
def test_a_value_cannot_add_a_line(bad: str) -> None:
    with pytest.raises(Refused, match=r"Secret.*line break") as refusal:
        login(Secret=bad)
    assert bad not in str(refusal.value)


def test_a_line_that_asterisk_would_cut_is_refused() -> None:
    longest = MAX_LINE_BYTES - len("Secret: \r\n")
    assert login(Secret="x" * longest)
    with pytest.raises(Refused, match="Secret is too long"):
        login(Secret="x" * (longest + 1))
    # Bytes count, not characters.
    with pytest.raises(Refused, match="Secret is too long"):
        login(Secret="密" * (longest // 3 + 1))


def test_half_a_character_is_refused_without_telling_the_value() -> None:
    with pytest.raises(Refused, match="not valid Unicode") as refusal:
        login(Secret="hush\ud800")
    assert "hush" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_headers_are_those_of_the_action() -> None:
    with pytest.raises(Refused, match="has no header 'Channel'"):
        encode(AmiAction.PING, "x-1", {"Channel": "PJSIP/1"})
    with pytest.raises(Refused, match="needs the header EventMask"):
        encode(AmiAction.EVENTS, "x-1")


@pytest.mark.parametrize("name", ["Setvar", "Command", "QueueReset", "Atxfer", "Ping\r\n", ""])
def test_other_actions_do_not_exist(name: str) -> None:
    with pytest.raises(Refused):
        known_action(name)


ORIGINATE = {
    "Channel": "PJSIP/1001",
    "Context": "agentd-dial",
    "Exten": "13900001111",
    "Priority": "1",
    "Async": "true",
}
PAUSE = {"Interface": "Local/1001@agents/n", "Paused": "true"}


def test_a_call_is_placed_into_the_dialplan_only() -> None:
    sent = encode(AmiAction.ORIGINATE, "x-1", ORIGINATE | {"CallerID": "<139>", "Timeout": "30000"})
    assert b"\r\nExten: 13900001111\r\n" in sent
    for header in ("Data", "Variable", "Account", "Command"):
        with pytest.raises(Refused, match=f"has no header '{header}'"):
            encode(AmiAction.ORIGINATE, "x-1", ORIGINATE | {header: "System"})


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Exten", "139,1"),
        ("Exten", "s"),
        ("Exten", ""),
        ("Exten", "1" * 41),
        ("Exten", "139\n"),
        ("Channel", "PJSIP/1001&PJSIP/1002"),
        ("Channel", "1001"),
        ("Channel", "Local/1 @x"),
        ("Context", "from inside"),
        ("Priority", "2"),
        ("Async", "false"),
        ("CallerID", '"name" <139>'),
        ("Timeout", "-1"),
    ],
)
def test_values_of_a_placed_call_have_a_form(header: str, value: str) -> None:
    with pytest.raises(Refused, match=f"value of {header}"):
        encode(AmiAction.ORIGINATE, "x-1", ORIGINATE | {header: value})


def test_one_variable_can_be_asked_for_and_no_function() -> None:
    headers = {"Channel": "PJSIP/trunk-0000000a", "Variable": "MIXMONITOR_FILENAME"}
    assert encode(AmiAction.GETVAR, "x-1", headers)
    with pytest.raises(Refused, match="Variable"):
        encode(AmiAction.GETVAR, "x-1", headers | {"Variable": "SHELL(reboot)"})


@pytest.mark.parametrize("bad", [{"Paused": "maybe"}, {"Interface": "PJSIP/1&PJSIP/2"}])
def test_values_of_a_pause_have_a_form(bad: dict[str, str]) -> None:
    assert encode(AmiAction.QUEUE_PAUSE, "x-1", PAUSE | {"Reason": "午休", "Queue": "热线"})
    with pytest.raises(Refused, match=f"value of {next(iter(bad))}"):
        encode(AmiAction.QUEUE_PAUSE, "x-1", PAUSE | bad)


@given(st.text(max_size=400), st.sampled_from(["Queue", "Member"]))
def test_whatever_is_sent_is_one_action_of_four_lines(value: str, header: str) -> None:
    try:
        sent = encode(AmiAction.QUEUE_STATUS, "x-1", {header: value})
    except Refused:
        return
    lines = sent.split(b"\r\n")
    assert len(lines) == 5
    assert lines[3:] == [b"", b""]
    assert sent.count(b"\n") == sent.count(b"\r") == 4


# --- what supervisors have done ---------------------------------------------------------------

LISTEN = {
    "Channel": "PJSIP/1009",
    "Application": "ChanSpy",
    "Data": "1790000000.7,quES",
    "ChannelId": "agentd-spy-listen-0123456789abcdef",
    "Async": "true",
}


def test_one_application_is_started_and_no_other() -> None:
    for data in ("1790000000.7,quES", "pbx1-1790000000.7,quESw", "1790000000.7,quESB"):
        assert encode(AmiAction.ORIGINATE, "x-1", LISTEN | {"Data": data})
    assert encode(AmiAction.ORIGINATE, "x-1", LISTEN | {"CallerID": '"Listen" <1001>'})


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Application", "System"),
        ("Application", "ChanSpy,x"),
        ("Data", "1790000000.7,quESr(file)"),
        ("Data", "1790000000.7"),
        ("Data", "all"),
        ("Data", ",q"),
        ("Data", "PJSIP/1001,quES"),
        ("ChannelId", "1790000000.8"),
        ("CallerID", '"${SHELL(reboot)}" <1>'),
        ("Channel", "PJSIP/1009&PJSIP/1010"),
    ],
)
def test_values_of_a_listening_phone_have_a_form(header: str, value: str) -> None:
    with pytest.raises(Refused, match=f"value of {header}"):
        encode(AmiAction.ORIGINATE, "x-1", LISTEN | {header: value})


def test_an_application_leads_to_no_extension() -> None:
    with pytest.raises(Refused, match="has no header 'Exten'"):
        encode(AmiAction.ORIGINATE, "x-1", LISTEN | {"Exten": "1"})


@pytest.mark.parametrize("channel", ["/PJSIP.*/", "PJSIP/1001-00000001", "", "1.7,2"])
def test_channels_are_ended_and_moved_by_uniqueid(channel: str) -> None:
    assert encode(AmiAction.HANGUP, "x-1", {"Channel": "1790000000.7"})
    with pytest.raises(Refused, match="value of Channel"):
        encode(AmiAction.HANGUP, "x-1", {"Channel": channel})
    moved = {"Context": "agentd-redirect", "Exten": "1002", "Priority": "1"}
    assert encode(AmiAction.REDIRECT, "x-1", {"Channel": "1790000000.7", **moved})
    with pytest.raises(Refused, match="value of Channel"):
        encode(AmiAction.REDIRECT, "x-1", {"Channel": channel, **moved})
