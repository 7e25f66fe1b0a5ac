"""The simulated world: its snapshot, its events and its truth must tell one story."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from agentd.simulator import (
    LegTruth,
    Program,
    QueueSpec,
    SimConfig,
    render_recording,
    render_with_truth,
)
from agentd.simulator.recording import DEFAULT_START_S, opening_bytes
from agentd.simulator.snapshot import core_show_channels, device_state_list, queue_status
from agentd.simulator.traffic import build
from tests.adapters.simulator_tools import Followed, Frame, frames, member, play

START_US = DEFAULT_START_S * 1_000_000
BUSY = SimConfig(seats=9, calls_per_s=0.5, talk_scale=0.6, break_every_s=40.0)


@pytest.mark.parametrize("seed", range(6))
def test_snapshot_at_any_moment_is_what_the_events_said(seed: int) -> None:
    world = build(replace(BUSY, seed=seed), START_US)
    known = Followed()
    for frame in frames(opening_bytes(world)):
        if frame.name == "QueueMember":
            known.members[frame.get("Queue"), frame.get("Location")] = member(frame, "Name")
    moments = random.Random(seed)
    at_us = START_US
    for _ in range(300):
        at_us += moments.randrange(1, 2_500_000)
        for frame in frames(b"".join(frame for _, _, frame in world.advance(at_us))):
            known.apply(frame)
        listed = {
            frame.get("Uniqueid"): frame
            for chunk in core_show_channels(world, "c")
            for frame in frames(chunk)
            if frame.name == "CoreShowChannel"
        }
        assert known.channels == {
            uniqueid: (frame.get("Channel"), frame.get("ChannelState"))
            for uniqueid, frame in listed.items()
        }
        assert known.bridge_of == {
            uniqueid: frame.get("BridgeId")
            for uniqueid, frame in listed.items()
            if frame.get("BridgeId")
        }
        items = [frame for chunk in queue_status(world, "q") for frame in frames(chunk)]
        members = {
            (frame.get("Queue"), frame.get("Location")): member(frame, "Name")
            for frame in items
            if frame.name == "QueueMember"
        }
        assert known.members == members
        entries = [
            (frame.get("Queue"), frame.get("Uniqueid"))
            for frame in items
            if frame.name == "QueueEntry"
        ]
        assert [(q, uid) for q, uids in known.waiting.items() for uid in uids] == sorted(
            entries, key=lambda entry: list(known.waiting).index(entry[0])
        )
        states = {
            frame.get("Device"): frame.get("State")
            for chunk in device_state_list(world, "d")
            for frame in frames(chunk)
            if frame.name == "DeviceStateChange"
        }
        assert known.devices.items() <= states.items()


def test_same_seed_same_bytes_and_another_seed_another_stream() -> None:
    config = replace(BUSY, dialplan=True)
    assert render_recording(5, 120, config=config) == render_recording(5, 120, config=config)
    assert render_recording(5, 120, config=config) != render_recording(6, 120, config=config)


def test_a_stream_is_the_same_however_often_the_world_is_asked() -> None:
    whole = build(BUSY, START_US).advance(START_US + 60_000_000)
    stepped = build(BUSY, START_US)
    pieces = [stepped.advance(START_US + ms * 1000) for ms in range(0, 60_001, 7)]
    pieces.append(stepped.advance(START_US + 60_000_000))
    assert [emission for piece in pieces for emission in piece] == whole


def test_timestamps_rise_and_every_frame_ends_where_it_should() -> None:
    data = render_recording(2, 300, config=BUSY)
    assert data.endswith(b"\r\n\r\n")
    stamps = [float(f.get("Timestamp")) for f in frames(data) if f.get("Timestamp")]
    assert stamps == sorted(stamps)
    assert len(set(stamps)) == len(stamps)


# -- truth ----------------------------------------------------------------------------------------


class Seen:
    """One leg as its own channel's events show it."""

    def __init__(self) -> None:
        self.ringing: float | None = None
        self.answered: float | None = None
        self.ended: float | None = None
        self.hold_s = 0.0
        self._held: float | None = None

    def apply(self, frame: Frame) -> None:
        at = float(frame.get("Timestamp"))
        match frame.name, frame.get("ChannelState"):
            case "Newstate", "5":
                self.ringing = at
            case "DialEnd", _ if frame.get("DialStatus") == "ANSWER":
                self.answered = at
            case "Hold", _:
                self._held = at
            case "Unhold" | "BridgeLeave" | "Hangup", _:
                if self._held is not None:
                    self.hold_s += at - self._held
                    self._held = None
                if frame.name == "Hangup":
                    self.ended = at
            case _:
                pass


def legs_seen(data: bytes) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}
    for frame in frames(data):
        if frame.get("Timestamp"):
            uniqueid = frame.get("DestUniqueid") or frame.get("Uniqueid")
            seen.setdefault(uniqueid, Seen()).apply(frame)
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_truth_is_what_the_events_show(seed: int) -> None:
    data, truth = render_with_truth(replace(BUSY, seed=seed), 900)
    assert len(truth.legs) > 200
    seen = legs_seen(data)
    for leg in truth.legs:
        shown = seen[leg.leg]
        if leg.direction == "outbound":
            assert leg.ring_s is None
            continue
        assert (shown.ringing is None) == (leg.ringing_at is None), leg
        assert (shown.answered is None) == (leg.answered_at is None), leg
        if shown.ringing is not None:
            end = shown.answered or shown.ended
            assert end is not None
            assert leg.ring_s == pytest.approx(end - shown.ringing, abs=0.01), leg
        if leg.answered_at is not None:
            assert leg.answered_at == pytest.approx(shown.answered, abs=1e-6)
        held_s = sum(hold.seconds for hold in leg.holds if hold.kind == "hold")
        if leg.program != Program.ATTENDED_TRANSFER:
            assert held_s == pytest.approx(shown.hold_s, abs=0.01), leg


@pytest.mark.parametrize(
    ("program", "outcomes", "ended_by"),
    [
        (Program.NORMAL, ["answered"], ["caller"]),
        (Program.LATE_ANSWER, ["answered"], ["caller"]),
        (Program.HOLD, ["answered"], ["caller"]),
        (Program.HOLD_BREACH, ["answered"], ["caller"]),
        (Program.HOLD_LONG, ["answered"], ["caller"]),
        (Program.SHORT_HOLDS, ["answered"], ["caller"]),
        (Program.LEAVES_IN_HOLD, ["answered"], ["caller"]),
        (Program.AGENT_HANGS_UP, ["answered"], ["agent"]),
        (Program.SYSTEM_HANGUP, ["answered"], ["system"]),
        (Program.BLIND_TRANSFER, ["answered", "answered"], ["transfer", "caller"]),
        (Program.ATTENDED_TRANSFER, ["answered", "answered"], ["transfer", "caller"]),
        (Program.ABANDON, ["caller_gave_up"], [None]),
        (Program.ABANDON_LATE, ["caller_gave_up"], [None]),
        (Program.RING_OUT, ["no_answer", "answered"], [None, "caller"]),
        (Program.REJECT, ["rejected", "answered"], [None, "caller"]),
        (Program.UNREACHABLE, ["unreachable", "answered"], [None, "caller"]),
        (Program.QUEUE_TIMEOUT, ["queue_gave_up"], [None]),
        (Program.DIRECT, ["answered"], ["caller"]),
    ],
)
def test_each_program_does_what_its_name_says(
    program: Program, outcomes: list[str], ended_by: list[str | None]
) -> None:
    _, truth = play(program)
    assert [leg.outcome for leg in truth.legs] == outcomes
    assert [leg.ended_by for leg in truth.legs] == ended_by
    first = truth.legs[0]
    longest_s = max((hold.seconds for hold in first.holds), default=0.0)
    match program:
        case Program.LATE_ANSWER | Program.ABANDON_LATE:
            assert first.ring_s is not None
            assert first.ring_s > 10.0
        case Program.ABANDON:
            assert first.ring_s is not None
            assert first.ring_s < 10.0
        case Program.HOLD:
            assert 0 < longest_s < 30
        case Program.HOLD_BREACH:
            assert 30 < longest_s < 60
        case Program.HOLD_LONG:
            assert longest_s > 60
        case Program.SHORT_HOLDS:
            assert len(first.holds) == 3
            assert longest_s < 20
        case Program.UNREACHABLE:
            assert first.ring_s is None
        case _:
            pass


@pytest.mark.parametrize("program", [Program.DIALLED_BY_HAND, Program.CLICK_TO_DIAL])
def test_outbound_is_the_seats_own_call(program: Program) -> None:
    _, truth = play(program)
    (leg,) = truth.legs
    assert (leg.direction, leg.call, leg.ring_s) == ("outbound", leg.leg, None)


def test_ringall_has_one_winner_and_blameless_losers() -> None:
    _, truth = play(Program.NORMAL, strategy="ringall", seats=6)
    assert sorted(leg.outcome for leg in truth.legs) == ["answered", "answered_elsewhere"]


def test_the_opening_shows_trouble_within_forty_seconds() -> None:
    data, _ = render_with_truth(SimConfig(), 40)
    begun = float(DEFAULT_START_S)
    stamped = [frame for frame in frames(data) if frame.get("Timestamp")]
    first_ring = next(f for f in stamped if f.name == "Newstate" and f.get("ChannelState") == "5")
    assert float(first_ring.get("Timestamp")) - begun < 2.0
    hold = next(f for f in stamped if f.name == "Hold")
    assert float(hold.get("Timestamp")) - begun < 9.0
    held = hold.get("Uniqueid")
    assert not any(
        f.name in {"Unhold", "Hangup"}
        and f.get("Uniqueid") == held
        and float(f.get("Timestamp")) < float(hold.get("Timestamp")) + 30.0
        for f in stamped
    )
    seen = legs_seen(data).values()
    assert any(leg.ringing and leg.answered and leg.answered - leg.ringing > 10 for leg in seen)


def test_people_change_and_pause_reasons_are_chinese() -> None:
    data = render_recording(4, 1200, config=SimConfig(seats=6, break_every_s=30.0))
    reasons = {f.get("PausedReason") for f in frames(data) if f.name == "QueueMemberPause"}
    assert {"小休", "培训", "就餐"} <= reasons
    people: dict[str, set[str]] = {}
    for frame in frames(data):
        if frame.name == "QueueMemberAdded":
            people.setdefault(frame.get("Interface"), set()).add(frame.get("MemberName"))
    assert any(len(names) > 1 for names in people.values())


def test_a_seat_is_never_on_two_calls() -> None:
    _, truth = render_with_truth(replace(BUSY, seed=9), 1200)
    by_seat: dict[str, list[LegTruth]] = {}
    for leg in truth.legs:
        by_seat.setdefault(leg.seat, []).append(leg)
    for legs in by_seat.values():
        legs.sort(key=lambda leg: leg.offered_at)
        for earlier, later in pairwise(legs):
            assert earlier.ended_at <= later.offered_at


@pytest.mark.parametrize("seats", [1, 2, 3, 40])
def test_rooms_of_any_size_take_calls(seats: int) -> None:
    _, truth = render_with_truth(SimConfig(seats=seats), 300)
    assert any(leg.outcome == "answered" for leg in truth.legs)


def test_a_configuration_names_all_its_mistakes() -> None:
    with pytest.raises(ValueError, match=r"seats is 0.*talk_scale is 0.*mix has no program"):
        SimConfig(seats=0, talk_scale=0, mix={})


def test_only_ringall_queues_still_take_calls() -> None:
    config = SimConfig(seats=4, queues=(QueueSpec("sales", "12347", strategy="ringall"),))
    _, truth = render_with_truth(config, 200)
    assert any(leg.outcome == "answered" for leg in truth.legs)
