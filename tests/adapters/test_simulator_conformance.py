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

# (recording, program, queue strategy, seats in the room)
COUNTERPARTS = [
    ("answered_in_time", Program.NORMAL, "leastrecent", 2),
    ("answered_late", Program.LATE_ANSWER, "leastrecent", 2),
    ("customer_hangs_up", Program.NORMAL, "leastrecent", 2),
    ("agent_hangs_up", Program.AGENT_HANGS_UP, "leastrecent", 2),
    ("system_hangup", Program.SYSTEM_HANGUP, "leastrecent", 2),
    ("hold_34s", Program.HOLD_BREACH, "leastrecent", 2),
    ("three_short_holds", Program.SHORT_HOLDS, "leastrecent", 2),
    ("blind_transfer", Program.BLIND_TRANSFER, "leastrecent", 2),
    ("attended_by_ami", Program.ATTENDED_TRANSFER, "leastrecent", 2),
    ("gives_up_before_limit", Program.ABANDON, "leastrecent", 2),
    ("gives_up_after_limit", Program.ABANDON_LATE, "leastrecent", 2),
    ("queue_gives_up", Program.QUEUE_TIMEOUT, "leastrecent", 2),
    ("unreachable", Program.UNREACHABLE, "leastrecent", 2),
    ("ringall_losers", Program.NORMAL, "ringall", 9),
    ("rejected_by_one", Program.REJECT, "ringall", 6),
    ("direct_call", Program.DIRECT, "leastrecent", 2),
]

# (recording, program, who hangs up in it)
OUTBOUND = [
    ("click_to_dial", Program.CLICK_TO_DIAL, "caller"),
    ("dialled_by_hand", Program.DIALLED_BY_HAND, "agent"),
]


@cache
def recorded(name: str) -> tuple[Frame, ...]:
    return tuple(events((TRANSCRIPTS / f"{name}.ami").read_bytes()))


@cache
def real_headers() -> set[tuple[str, str, tuple[str, ...]]]:
    """Every event name, event class and header order that a real Asterisk 22 used together."""
    known: set[tuple[str, str, tuple[str, ...]]] = set()
    for path in sorted(TRANSCRIPTS.glob("*.ami")):
        for frame in frames(path.read_bytes()):
            if frame.name:
                known.add((frame.name, frame.get("Privilege"), frame.keys))
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
    """Per channel, in order of appearance, its events as tokens.

    Without AgentComplete, which may come when the channels are gone and then names none.
    """
    channels: dict[str, list[str]] = {}
    for frame in of:
        uniqueid = owner(frame)
        if uniqueid and frame.name != "AgentComplete":
            channels.setdefault(uniqueid, []).append(token(frame))
    return list(channels.values())


def completions(of: Iterable[Frame]) -> list[str]:
    return [token(frame) for frame in of if frame.name == "AgentComplete"]


def in_order(tokens: list[str]) -> list[str]:
    return [word for word in tokens if not _races(word)]


def _races(word: str) -> bool:
    return word in RACING or word.partition(" ")[0] in RACING


def racing(tokens: list[str]) -> Counter[str]:
    return Counter(word for word in tokens if _races(word))


@pytest.mark.parametrize(("name", "program", "strategy", "seats"), COUNTERPARTS)
@pytest.mark.parametrize("seed", range(3))
def test_channels_tell_the_same_story(
    name: str, program: Program, strategy: str, seats: int, seed: int
) -> None:
    played = events(play(program, strategy=strategy, seats=seats, seed=seed)[0])
    assert completions(played) == completions(recorded(name))
    simulated, real = story(played), story(recorded(name))
    if strategy == "ringall":
        # Which of the phones answers first is not the queue's doing.
        simulated, real = sorted(simulated, key=in_order), sorted(real, key=in_order)
    assert [in_order(tokens) for tokens in simulated] == [in_order(tokens) for tokens in real]
    assert [racing(tokens) for tokens in simulated] == [racing(tokens) for tokens in real]


@pytest.mark.parametrize(("name", "program", "ended_by"), OUTBOUND)
def test_outbound_channels_tell_the_same_story(name: str, program: Program, ended_by: str) -> None:
    compared = 0
    for seed in range(12):
        played, truth = play(program, seed=seed)
        if truth.legs[0].ended_by == ended_by:
            simulated, real = story(events(played)), story(recorded(name))
            assert [in_order(tokens) for tokens in simulated] == [
                in_order(tokens) for tokens in real
            ]
            assert [racing(tokens) for tokens in simulated] == [racing(tokens) for tokens in real]
            compared += 1
    assert compared > 0


@pytest.mark.parametrize("seed", range(3))
def test_a_phone_left_ringing_tells_the_same_story(seed: int) -> None:
    """The recording goes on differently afterwards, so only the first offer is compared."""
    simulated = story(events(play(Program.RING_OUT, seed=seed)[0]))[1]
    real = story(recorded("let_ring_out"))[1]
    assert in_order(simulated) == in_order(real)
    assert racing(simulated) == racing(real)


@pytest.mark.parametrize("seed", range(3))
def test_a_customer_who_leaves_in_hold_tells_the_same_story(seed: int) -> None:
    """The recording has a second hold before the end, so only the ends are compared."""
    simulated = story(events(play(Program.LEAVES_IN_HOLD, seed=seed)[0]))
    real = story(recorded("two_holds_leaves_in_second"))
    for mine, theirs in zip(simulated, real, strict=True):
        ends = [
            in_order(tokens)[-list(reversed(in_order(tokens))).index(start) - 1 :]
            for tokens in (mine, theirs)
            for start in ("MusicOnHoldStart", "Hold")
            if start in tokens
        ]
        assert len(ends) == 2
        assert ends[0] == ends[1]


def test_every_event_has_header_names_in_an_order_that_asterisk_uses() -> None:
    data = render_recording(3, 900, config=SimConfig(seats=10, dialplan=True))
    known = real_headers()
    unknown = {
        (frame.name, frame.get("Privilege"), frame.keys)
        for frame in frames(data)
        if frame.name and (frame.name, frame.get("Privilege"), frame.keys) not in known
    }
    assert unknown == set()
