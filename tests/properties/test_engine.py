"""The rules for the middle, as properties over recorded and simulated traffic."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentd.core import events as e
from agentd.core.effects import Effect, LegEnded, OrderChanged, Violation
from agentd.core.policy import PolicyBook
from agentd.core.wire import Framer
from agentd.pipeline import Pipeline
from tests.properties import streams

NAMES = st.sampled_from(streams.transcript_names())
SEEDS = st.integers(min_value=1, max_value=6)
SOME = settings(max_examples=25)
STAYING = ("work_order",)
"""Rules whose deadline may fall on another moment when a part of the stream is missing."""


def uncharged(effects: list[Effect]) -> list[Effect]:
    return [e for e in effects if not isinstance(e, Violation)]


@SOME
@given(NAMES, st.data())
def test_a_stream_cut_at_any_byte_charges_nobody_who_was_not_charged_by_the_whole(
    name: str, data: st.DataObject
) -> None:
    whole = streams.transcript(name)
    cut = data.draw(st.integers(min_value=0, max_value=len(whole)))
    allowed = streams.charged(streams.run(whole))
    assert streams.charged(streams.run(whole[:cut])) <= allowed


@SOME
@given(NAMES, st.lists(st.integers(min_value=1, max_value=4000), min_size=1, max_size=40))
def test_any_split_of_the_bytes_gives_the_same_effects(name: str, sizes: list[int]) -> None:
    whole = streams.transcript(name)
    pieces, at, turn = [], 0, 0
    while at < len(whole):
        size = sizes[turn % len(sizes)]
        pieces.append(whole[at : at + size])
        at, turn = at + size, turn + 1
    streams.same(streams.run(*pieces), streams.run(whole))


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([b"A", b"\r\n", b"\r", b"\n", b"Event: X\r\n", b": "]), max_size=80),
    st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=20),
)
def test_any_split_of_any_bytes_gives_the_same_frames(
    pieces: list[bytes], sizes: list[int]
) -> None:
    data = b"".join(pieces) * 30
    whole, parts = Framer(512), Framer(512)
    seen, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        seen += parts.feed(data[at : at + size])
        at, turn = at + size, turn + 1
        assert parts.buffered_bytes <= 512 + 3
    assert seen == whole.feed(data)


@SOME
@given(NAMES, st.randoms(use_true_random=False))
def test_events_that_arrive_out_of_order_within_the_lag_conclude_the_same(
    name: str, random: object
) -> None:
    head, frames = streams.split_frames(streams.transcript(name))
    stamps = [streams.stamp_us(frame) for frame in frames]
    if 0 in stamps or len(set(stamps)) != len(stamps):
        # List items have no time, and equal times have no order, to be moved within.
        return
    jitter = [random.randint(0, 20_000) for _ in frames]  # type: ignore[attr-defined]
    order = sorted(range(len(frames)), key=lambda i: stamps[i] + jitter[i])
    # The lists before it take the first Timestamp that is seen, so the first frame keeps its place.
    moved = frames[0] + b"".join(frames[i] for i in order if i != 0)
    streams.same(streams.run(head + moved), streams.run(head + b"".join(frames)))


@SOME
@given(SEEDS, st.randoms(use_true_random=False))
def test_simulated_events_out_of_order_within_the_lag_conclude_the_same(
    seed: int, random: object
) -> None:
    opening, frames, _ = streams.simulated(seed)
    jitter = [random.randint(0, 20_000) for _ in frames]  # type: ignore[attr-defined]
    taken: set[int] = set()
    distinct = []
    for at_us, frame in frames:
        if at_us not in taken:
            taken.add(at_us)
            distinct.append((at_us, frame))
    order = sorted(range(len(distinct)), key=lambda i: distinct[i][0] + jitter[i])
    moved = distinct[0][1] + b"".join(distinct[i][1] for i in order if i != 0)
    straight = b"".join(frame for _, frame in distinct)
    streams.same(streams.run(opening + moved), streams.run(opening + straight))


@SOME
@given(SEEDS, st.lists(st.integers(min_value=0, max_value=119), min_size=1, max_size=5))
def test_a_snapshot_that_tells_what_is_known_changes_nothing(seed: int, seconds: list[int]) -> None:
    opening, frames, snapshots = streams.simulated(seed)
    pieces, second = [opening], 0
    for at_us, frame in frames:
        while at_us > streams.START_US + (second + 1) * 1_000_000:
            pieces += [snapshots[second]] * seconds.count(second)
            second += 1
        pieces.append(frame)
    streams.same(streams.run(b"".join(pieces)), streams.run(streams.simulated_bytes(seed)))


@SOME
@given(SEEDS, st.lists(st.integers(min_value=0, max_value=118), min_size=1, max_size=3))
def test_events_that_a_snapshot_contains_already_change_nothing(
    seed: int, seconds: list[int]
) -> None:
    """A list is made while events queue up behind it: it comes before what it already tells."""
    opening, frames, snapshots = streams.simulated(seed)
    held_us = 30_000
    pieces, waiting = [opening], sorted(set(seconds))
    behind: list[bytes] = []
    for at_us, frame in frames:
        if waiting:
            made_us = streams.START_US + (waiting[0] + 1) * 1_000_000
            if at_us > made_us:
                pieces += [snapshots[waiting.pop(0)], *behind]
                behind = []
            elif at_us > made_us - held_us:
                behind.append(frame)
                continue
        pieces.append(frame)
    effects = streams.run(b"".join([*pieces, *behind]))
    plain = streams.run(streams.simulated_bytes(seed))
    assert streams.charged(effects) <= streams.charged(plain)
    legs = {e.leg: e for e in plain if isinstance(e, LegEnded)}
    for leg in (x for x in effects if isinstance(x, LegEnded)):
        if not leg.estimated:
            assert leg == legs[leg.leg]


@SOME
@given(SEEDS, st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=60))
def test_how_often_time_is_told_changes_nothing(seed: int, when: list[float]) -> None:
    opening, frames, _ = streams.simulated(seed)
    pipeline = Pipeline("pbx", PolicyBook())
    effects = pipeline.feed(opening)
    for i, (at_us, frame) in enumerate(frames):
        following = frames[i + 1][0] if i + 1 < len(frames) else at_us
        effects += pipeline.feed(frame)
        tell = at_us + int((following - at_us) * when[i % len(when)])
        effects += pipeline.advance(tell)
    effects += pipeline.finish(run_out=False)
    # A charge waits for the PBX's own word, and may come a little after what else was due.
    told, straight = (
        streams.records(effects),
        streams.records(streams.run(streams.simulated_bytes(seed))),
    )
    assert sorted(map(repr, told)) == sorted(map(repr, straight))
    streams.same(uncharged(effects), uncharged(streams.run(streams.simulated_bytes(seed))))


@SOME
@given(SEEDS, st.lists(st.integers(min_value=1, max_value=3000), min_size=1, max_size=30))
def test_deltas_make_the_board(seed: int, sizes: list[int]) -> None:
    whole = streams.simulated_bytes(seed)
    pipeline = Pipeline("pbx", PolicyBook())
    board: dict[str, object] = {}
    at = turn = 0
    while at < len(whole):
        size = sizes[turn % len(sizes)] * 20
        pipeline.feed(whole[at : at + size])
        changed, gone = pipeline.take_board()
        for value in changed.items():
            assert board.get(value[0]) != value[1], "an object that did not change was sent"
        board.update(changed)
        for key in gone:
            del board[key]
        at, turn = at + size, turn + 1
        assert board == pipeline.board()


@settings(max_examples=40)
@given(SEEDS, st.integers(0, 100), st.floats(0, 40), st.booleans(), st.data())
def test_a_gap_charges_nobody_whom_the_truth_does_not(
    seed: int, start_s: int, length_s: float, snapshot: bool, data: st.DataObject
) -> None:
    opening, frames, snapshots = streams.simulated(seed)
    begin_us = streams.START_US + start_s * 1_000_000 + data.draw(st.integers(0, 999_999))
    end_us = begin_us + int(length_s * 1e6)
    second = min((end_us - streams.START_US) // 1_000_000, 119)
    end_us = max(end_us, streams.START_US + (second + 1) * 1_000_000)
    before = b"".join(frame for at_us, frame in frames if at_us <= begin_us)
    after = b"".join(frame for at_us, frame in frames if at_us > end_us)
    torn = before[: len(before) - data.draw(st.integers(0, 300))]
    relink = streams.RELINK + (snapshots[second] if snapshot else b"")
    effects = streams.run(opening + torn + relink + after, run_out=True)
    truth = streams.charged(streams.run(streams.simulated_bytes(seed), run_out=True))
    assert {c for c in streams.charged(effects) if c[0] not in STAYING} <= truth
    orders = [e for e in effects if isinstance(e, Violation) and e.rule in STAYING]
    assert len({o.id for o in orders}) == len(orders)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "Newchannel", "Newstate", "Hangup", "HangupRequest", "SoftHangupRequest",
                    "DialBegin", "DialState", "DialEnd", "BridgeEnter", "BridgeLeave", "Hold",
                    "Unhold", "BlindTransfer", "AttendedTransfer", "QueueCallerJoin",
                    "QueueCallerLeave", "QueueCallerAbandon", "AgentCalled", "AgentConnect",
                    "AgentComplete", "AgentRingNoAnswer", "QueueMemberAdded", "Rename", "Pickup",
                    "QueueMemberRemoved", "QueueMemberPause", "ParkedCall", "UnParkedCall",
                    "CoreShowChannel", "CoreShowChannelsComplete", "QueueEntry", "QueueMember",
                    "QueueParams", "QueueStatusComplete", "FullyBooted", "MusicOnHoldStart",
                    "BridgeDestroy", "ChanSpyStart", "DeviceStateChange", "AgentLogin",
                    "MixMonitorStart", "MixMonitorStop",
                ]
            ),
            st.integers(0, 5),
            st.integers(0, 5),
            st.integers(0, 6),
            st.sampled_from(["ANSWER", "CANCEL", "NOANSWER", "BUSY", "RINGING", "x"]),
            st.integers(0, 12_000_000),
        ),
        max_size=60,
    ),
    st.integers(0, 10),
)  # fmt: skip
def test_events_in_an_order_that_cannot_be_never_crash_and_blame_nobody_twice(
    events: list[tuple[str, int, int, int, str, int]], relink_every: int
) -> None:
    names = [
        "PJSIP/1001-00000001", "PJSIP/1002-00000002", "PJSIP/trunk-00000003",
        "Local/1001@x-00000004;1", "Local/1001@x-00000004;2", "PJSIP/trunk-00000006",
    ]  # fmt: skip
    now_us = streams.START_US
    out = [streams.RELINK]
    for n, (event, one, two, number, status, step_us) in enumerate(events):
        now_us += step_us
        stamp = f"Timestamp: {now_us // 1_000_000}.{now_us % 1_000_000:06d}"
        keys = (
            f"Event: {event}\r\nPrivilege: call,all\r\n{stamp}\r\nUniqueid: {one}.1\r\n"
            f"Channel: {names[one]}\r\nChannelState: {number}\r\nCallerIDNum: 13800138000\r\n"
            f"Linkedid: {one}.1\r\nDestUniqueid: {two}.1\r\nDestChannel: {names[two]}\r\n"
            f"DialString: 13800138000@trunk\r\nDialStatus: {status}\r\n"
            f"BridgeUniqueid: b{number % 3}\r\nQueue: q{number % 2}\r\n"
            f"Interface: PJSIP/100{1 + two % 2}\r\nLocation: PJSIP/100{1 + two % 2}\r\n"
            f"MemberName: m{number}\r\nName: m{number}\r\nPaused: {number % 2}\r\n"
            f"Status: {number}\r\nResult: Success\r\nTransfererUniqueid: {one}.1\r\n"
            f"OrigTransfererUniqueid: {one}.1\r\nSecondTransfererUniqueid: {two}.1\r\n"
            f"DestType: {('Bridge', 'Threeway')[number % 2]}\r\n"
            f"ParkeeUniqueid: {one}.1\r\nTargetUniqueid: {two}.1\r\n"
            f"SpyerUniqueid: {one}.1\r\nNewname: {names[two]}\r\nCause: {number * 8}\r\n"
            f"Duration: 00:00:0{number}\r\nBridgeId: b{number % 3}\r\nUptime: {number * 100}\r\n"
            f"Device: {names[one].rpartition('-')[0]}\r\nState: UNAVAILABLE\r\nWait: {number}"
        )
        out.append(keys.encode() + streams.END)
        if relink_every and n % (relink_every + 3) == 0:
            out.append(streams.RELINK)
    effects = streams.run(b"".join(out), run_out=True)
    violations = [e for e in effects if isinstance(e, Violation)]
    assert len({v.id for v in violations}) == len(violations)
    printed = [e.leg for e in effects if isinstance(e, LegEnded)]
    by_rule = {(v.rule, v.leg) for v in violations if v.leg is not None and v.rule == "ring"}
    assert len(by_rule) <= len(set(printed)) + 6


@settings(max_examples=60)
@given(NAMES, st.data())
def test_a_gap_in_a_recording_charges_nobody_whom_the_whole_does_not(
    name: str, data: st.DataObject
) -> None:
    """Also without any snapshot after it: the account may not be allowed to ask for one."""
    head, frames = streams.split_frames(streams.transcript(name))
    begin = data.draw(st.integers(min_value=0, max_value=len(frames)))
    length = data.draw(st.integers(min_value=0, max_value=len(frames) - begin))
    relink = b"" if data.draw(st.booleans()) else streams.RELINK
    cut = head + b"".join(frames[:begin])
    torn = cut[: len(cut) - data.draw(st.integers(0, 200))] if relink else cut
    effects = streams.run(torn + relink + b"".join(frames[begin + length :]))
    allowed = streams.charged(streams.run(streams.transcript(name)))
    if relink:
        assert streams.charged(effects) <= allowed
    else:
        # Events that were lost without a lost link cannot be known to be missing; the engine may
        # not crash on them, nor charge a leg twice.
        ids = [e.id for e in effects if isinstance(e, Violation)]
        assert len(ids) == len(set(ids))


def carried_over(pipeline: Pipeline) -> dict[str, object]:
    """What must be the same after a restart of the daemon."""
    state = pipeline._engine.state
    return {
        "orders": {oid: (o.order, o.alerts_sent, o.told) for oid, o in state.orders.items()},
        "due": {oid: o.first_due_us for oid, o in state.orders.items()},
        "done": state.done,
        "numbers": state.by_number,
        "recordings": state.recordings,
        "people": (state.people, state.signed_in),
        "contacts": {uid: leg.contacts for uid, leg in state.legs.items()},
        "calls": set(state.calls),
    }


@SOME
@given(SEEDS, st.integers(0, 118), st.data())
def test_a_restart_at_any_moment_forgets_nothing_and_charges_nobody_whom_the_truth_does_not(
    seed: int, second: int, data: st.DataObject
) -> None:
    """With people who come, go, and complete orders; effects and memory are stored as they come."""
    opening, frames, snapshots = streams.simulated(seed)
    cut_us = streams.START_US + second * 1_000_000 + data.draw(st.integers(0, 999_999))
    seats = [f"PJSIP/{number}" for number in data.draw(st.permutations(range(1001, 1007)))]
    pipeline, stored, memory = Pipeline("pbx", PolicyBook()), {}, {}
    effects: list[Effect] = []

    def keep(said: list[Effect]) -> None:
        effects.extend(said)
        stored.update({o.id: o for o in said if isinstance(o, OrderChanged)})
        memory.update(pipeline.take_memory())

    keep(pipeline.feed(opening))
    due = iter(range(streams.START_US, cut_us, 5_000_000))
    next_us = next(due, None)
    for n, (at_us, frame) in enumerate(frames):
        if at_us > cut_us:
            break
        if next_us is not None and at_us >= next_us:
            commands: list[e.Command] = [
                e.SeatTaken(at_us, n, seats[n % 6], f"10{n % 4}", f"name {n % 4}"),
                e.SeatLeft(at_us, n, seats[n % 5]),
                *[e.CompleteOrder(at_us, n, oid, "x") for oid in sorted(stored)[: n % 3]],
                *[
                    e.OrderAssigned(at_us, n, oid, f"10{n % 4}", f"name {n % 4}")
                    for oid in sorted(stored)[: n % 2]
                ],
                *[e.OrderNumbers(at_us, n, oid, (f"1380013{n:04d}",)) for oid in sorted(stored)],
            ]
            keep(pipeline.command(commands[n % len(commands)]))
            next_us = next(due, None)
        keep(pipeline.feed(frame))
    known = {key: value for key, value in memory.items() if value is not None}
    again = Pipeline("pbx", PolicyBook())
    again.restore(known, [o for o in stored.values() if o.status == "open"])
    assert carried_over(again) == carried_over(pipeline)

    made_us = streams.START_US + (second + 1) * 1_000_000
    rest = b"".join(frame for at_us, frame in frames if at_us > made_us)
    effects += again.feed(streams.RELINK + snapshots[second] + rest)
    effects += again.finish(run_out=True)
    truth = streams.charged(streams.run(streams.simulated_bytes(seed), run_out=True))
    assert {c for c in streams.charged(effects) if c[0] not in STAYING} <= truth
    charged = [v.id for v in effects if isinstance(v, Violation)]
    assert len(charged) == len(set(charged))
    owed = [v for v in effects if isinstance(v, Violation) and v.rule == "work_order"]
    completed = {o.id for o in effects if isinstance(o, OrderChanged) and o.status == "completed"}
    assert not {v.id for v in owed} & {f"{oid}-work_order" for oid in completed}
