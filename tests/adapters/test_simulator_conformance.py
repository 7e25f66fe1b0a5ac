"""The simulator against recordings of a real Asterisk, so that it cannot drift into fiction.

Two things are held: every event that the simulator sends has header names in an order that a real
recording has for that event, and the ordered events of each channel (customer, first seat, second
seat) are those of the recording of the same happening.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

import pytest

from agentd.simulator import Program, SimConfig, render_recording
from tests.adapters.simulator_tools import TRANSCRIPTS, Frame, events, frames, play

# These come from a thread of their own, so their place among the channel's other events varies
# from call to call on a real PBX; they must be there, in the right number.
RACING = {
    "AgentComplete",
    "DialEnd CANCEL",
    "DialState",
    "MusicOnHoldStop",
    "NewConnectedLine",
    "Newstate 5",
    "OriginateResponse",
}

# What tells one event of a name from another of the same name.
DETAILS = ("ChannelState", "DialStatus", "Reason", "Result")
STATEFUL = {"Newchannel", "Newstate"}

# (recording, program, queue strategy)
COUNTERPARTS = [
    ("late_answer", Program.LATE_ANSWER, "leastrecent"),
    ("agent_hangs_up", Program.AGENT_HANGS_UP, "leastrecent"),
    ("ringall", Program.NORMAL, "ringall"),
    ("blind_transfer", Program.BLIND_TRANSFER, "leastrecent"),
    ("hold_34s", Program.HOLD_BREACH, "leastrecent"),
    ("attended_by_ami", Program.ATTENDED_TRANSFER, "leastrecent"),
]


# Nothing in tests/transcripts shows these yet; their headers are those of Asterisk's own
# documentation. A recording that shows one takes its place without a change here.
UNRECORDED = {
    "AgentRingNoAnswer",
    "Hold",
    "QueueCallerAbandon",
    "QueueMemberAdded",
    "QueueMemberPause",
    "QueueMemberRemoved",
    "DialBegin",
    "DialEnd",
    "DialState",
    "Hangup",
    "HangupRequest",
    "OriginateResponse",
}


@cache
def recorded(name: str) -> tuple[Frame, ...]:
    return tuple(events((TRANSCRIPTS / f"{name}.ami").read_bytes()))


@cache
def real_headers() -> dict[str, set[tuple[str, ...]]]:
    """Every header order that a real Asterisk 22 used, by event name (without Timestamp)."""
    known: dict[str, set[tuple[str, ...]]] = {}
    for path in sorted(TRANSCRIPTS.glob("*.ami")):
        for frame in frames(path.read_bytes()):
            if frame.name:
                known.setdefault(frame.name, set()).add(frame.keys)
    return known


def token(frame: Frame) -> str:
    words = [frame.name]
    for key in DETAILS:
        if key == "ChannelState" and frame.name not in STATEFUL:
            continue
        if frame.get(key):
            words.append(frame.get(key))
    if frame.name in {"SoftHangupRequest", "Hangup"}:
        words.append(frame.get("Cause"))
    return " ".join(words)


def owner(frame: Frame) -> str:
    """The channel whose story the event belongs to: the dialled one where there is one."""
    return (
        frame.get("DestUniqueid")
        or frame.get("Uniqueid")
        or frame.get("TransfererUniqueid")
        or frame.get("OrigTransfererUniqueid")
        or frame.get("LocalOneUniqueid")
    )


def story(of: Iterable[Frame]) -> list[list[str]]:
    """Per channel, in order of appearance, its events as tokens."""
    channels: dict[str, list[str]] = {}
    for frame in of:
        uniqueid = owner(frame)
        if uniqueid:
            channels.setdefault(uniqueid, []).append(token(frame))
    return list(channels.values())


def in_order(tokens: list[str]) -> list[str]:
    return [word for word in tokens if not _races(word)]


def _races(word: str) -> bool:
    return word in RACING or word.partition(" ")[0] in RACING


def racing(tokens: list[str]) -> Counter[str]:
    return Counter(word for word in tokens if _races(word))


@pytest.mark.parametrize(("name", "program", "strategy"), COUNTERPARTS)
def test_channels_tell_the_same_story(name: str, program: Program, strategy: str) -> None:
    seats = 6 if strategy == "ringall" else 2
    simulated = story(events(play(program, strategy=strategy, seats=seats)[0]))
    real = story(recorded(name))
    assert [in_order(tokens) for tokens in simulated] == [in_order(tokens) for tokens in real]
    assert [racing(tokens) for tokens in simulated] == [racing(tokens) for tokens in real]


def test_every_event_has_header_names_in_an_order_that_asterisk_uses() -> None:
    data = render_recording(3, 900, config=SimConfig(seats=10, dialplan=True))
    known = real_headers()
    unknown = {
        (frame.name, frame.keys)
        for frame in frames(data)
        if frame.name and frame.keys not in known.get(frame.name, set())
    }
    assert {name for name, _ in unknown} <= UNRECORDED
