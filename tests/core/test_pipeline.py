"""From bytes to effects (:mod:`agentd.pipeline`)."""

from __future__ import annotations

from typing import Any

import pytest

from agentd.core import events as e
from agentd.core.effects import (
    Alert,
    Anomaly,
    Effect,
    LegEnded,
    OrderChanged,
    ResyncWanted,
    SeatChanged,
    Violation,
)
from agentd.core.policy import PolicyBook
from agentd.core.state import Answer
from agentd.pipeline import Pipeline
from tests.core.ami import BANNER, LOGIN, event
from tests.core.story import s, us

CUSTOMER = {"Channel": "PJSIP/trunk-00000000", "Uniqueid": "1.0"}
PHONE = {"Channel": "PJSIP/1001-00000001", "Uniqueid": "1.1"}
TO_PHONE = {"DestChannel": "PJSIP/1001-00000001", "DestUniqueid": "1.1"}


def channel(at: float, uid: str, name: str, num: str = "<unknown>") -> bytes:
    return event(
        "Newchannel", at, Channel=name, ChannelState=0, CallerIDNum=num, Uniqueid=uid, Linkedid=uid
    )


def lists(*channels: bytes) -> bytes:
    """What the daemon asks for at every connect, answered."""
    return b"".join(
        [
            b"Response: Success\r\nActionID: 1\r\nEventList: start\r\n\r\n",
            *channels,
            event("CoreShowChannelsComplete", EventList="Complete"),
            b"Response: Success\r\nActionID: 2\r\nEventList: start\r\n\r\n",
            event("QueueParams", Queue="hotline"),
            event("QueueMember", Queue="hotline", Name="张三", Location="PJSIP/1001"),
            event("QueueStatusComplete", EventList="Complete"),
        ]
    )


def answered(number: str = "13800138000") -> bytes:
    """A queue call, answered at 3."""
    return b"".join(
        [
            channel(0, "1.0", CUSTOMER["Channel"], number),
            event("QueueCallerJoin", 0, **CUSTOMER, Queue="hotline", CallerIDNum=number),
            channel(0, "1.1", PHONE["Channel"]),
            event(
                "AgentCalled",
                0,
                **CUSTOMER,
                **TO_PHONE,
                Queue="hotline",
                Interface="PJSIP/1001",
                MemberName="张三",
            ),
            event("DialState", 0, **TO_PHONE, DialStatus="RINGING"),
            event("DialEnd", 3, **CUSTOMER, **TO_PHONE, DialStatus="ANSWER"),
            event("QueueCallerLeave", 3, **CUSTOMER, Queue="hotline"),
            event("BridgeEnter", 3, **PHONE, BridgeUniqueid="b"),
            event("BridgeEnter", 3, **CUSTOMER, BridgeUniqueid="b"),
        ]
    )


def customer_ends(at: float) -> bytes:
    return b"".join(
        [
            event("HangupRequest", at, **CUSTOMER, Cause=16),
            event("BridgeLeave", at, **CUSTOMER, BridgeUniqueid="b"),
            event("BridgeLeave", at, **PHONE, BridgeUniqueid="b"),
            event("Hangup", at, **CUSTOMER, Cause=16),
            event("Hangup", at, **PHONE, Cause=16),
        ]
    )


OPENING = BANNER + LOGIN + lists()
CALL = OPENING + answered() + event("Hold", 10, **PHONE) + event("Unhold", 44, **PHONE)


class Feed:
    """A pipeline and everything that it said."""

    def __init__(self, *pieces: bytes, **limits: Any) -> None:
        self.pipeline = Pipeline("pbx", PolicyBook(), **limits)
        self.effects: list[Effect] = []
        for piece in pieces:
            self.feed(piece)

    def feed(self, data: bytes) -> None:
        self.effects += self.pipeline.feed(data)

    def said(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def ends(self, *, run_out: bool = False) -> Feed:
        self.effects += self.pipeline.finish(run_out=run_out)
        return self

    @property
    def legs(self) -> dict[str, LegEnded]:
        return {leg.leg: leg for leg in self.said(LegEnded)}


# --- a whole call -------------------------------------------------------------------------


def test_a_call_from_its_bytes() -> None:
    feed = Feed(CALL, customer_ends(60)).ends(run_out=True)
    leg = feed.legs["1.1"]
    assert (leg.seat, leg.agent, leg.caller) == ("PJSIP/1001", "张三", "13800138000")
    assert (leg.ended_by, leg.hold_us) == ("caller", 34_000_000)
    rules = [(v.rule, s(v.at_us)) for v in feed.said(Violation)]
    assert rules == [("hold", 40), ("work_order", 960)]


@pytest.mark.parametrize("size", [1, 2, 13, 100, 4096])
def test_any_split_of_the_bytes_says_the_same(size: int) -> None:
    data = CALL + b"garbage\r\n\r\n" + event("VarSet", 50) + b"x\r\n\r\n" + customer_ends(60)
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    assert Feed(*pieces).ends(run_out=True).effects == Feed(data).ends(run_out=True).effects


def test_anomalies_of_a_split_stream_have_their_own_moment() -> None:
    """Ignored events carry the time on too, wherever the bytes were cut."""
    pieces = [CALL, event("VarSet", 200), b"garbage\r\n\r\n"]
    whole = Feed(b"".join(pieces))
    assert Feed(*pieces).effects == whole.effects


# --- time ---------------------------------------------------------------------------------


def test_events_that_arrive_out_of_order_within_the_lag_are_applied_in_order() -> None:
    held = event("Hold", 10, **PHONE)
    late = event("Unhold", 39.99, **PHONE)
    feed = Feed(OPENING + answered() + held + event("VarSet", 40.03) + late).ends()
    assert feed.said(Violation) == []


def test_beyond_the_lag_it_is_too_late() -> None:
    held = event("Hold", 10, **PHONE)
    late = event("Unhold", 39.99, **PHONE)
    feed = Feed(OPENING + answered() + held + event("VarSet", 40.06) + late).ends()
    assert [s(v.at_us) for v in feed.said(Violation)] == [40]


def test_the_watermark_must_pass_a_deadline() -> None:
    feed = Feed(OPENING + answered() + event("Hold", 10, **PHONE) + event("VarSet", 40.05))
    assert feed.said(Violation) == [], "the watermark stands exactly at the limit"
    feed.feed(event("VarSet", 40.050001))
    assert len(feed.said(Violation)) == 1


def test_live_the_clock_of_the_pbx_carries_time_on() -> None:
    feed = Feed(OPENING + answered() + event("Hold", 10, **PHONE))
    assert feed.pipeline.advance(us(40.05)) != []
    assert [type(x) for x in feed.pipeline.advance(us(40.051))] == [Alert]
    assert feed.pipeline.advance(us(40.06)) == []


def test_time_stands_still_while_the_answer_to_a_list_is_pending() -> None:
    feed = Feed(OPENING + answered() + event("Hold", 10, **PHONE))
    feed.pipeline.advance(us(30))
    feed.feed(b"Response: Success\r\nActionID: 3\r\nEventList: start\r\n\r\n")
    assert feed.pipeline.advance(us(50)) == []
    feed.feed(event("Unhold", 39, **PHONE) + event("SomeListComplete", EventList="Complete"))
    feed.effects += feed.pipeline.advance(us(50))
    assert [a.level for a in feed.said(Alert)] == ["warning", "cleared"]
    assert feed.said(Violation) == []


def test_the_next_deadline_is_when_advance_has_something_to_do() -> None:
    feed = Feed()
    assert feed.pipeline.next_deadline_us() is None
    feed.feed(OPENING + answered())
    feed.pipeline.advance(us(20))
    feed.feed(event("Hold", 20.01, **PHONE))
    assert feed.pipeline.next_deadline_us() == us(20.01) + 50_000 + 1, "the event itself waits"
    feed.pipeline.advance(us(20.1))
    assert feed.pipeline.next_deadline_us() == us(40.01) + 50_000 + 1
    assert feed.pipeline.seen_us == us(20.1)


def test_what_waits_at_the_end_is_still_applied() -> None:
    feed = Feed(OPENING + answered() + customer_ends(20))
    assert feed.legs == {}
    assert feed.ends().legs["1.1"].ended_by == "caller"


def test_a_recording_without_any_timestamp_has_no_time() -> None:
    feed = Feed(OPENING).ends()
    assert feed.pipeline.saw_ami
    assert not feed.pipeline.saw_timestamp
    assert not Feed(b"GET / HTTP/1.1\r\n\r\n").pipeline.saw_ami


def test_lists_before_the_first_timestamp_take_that_first_one() -> None:
    feed = Feed(OPENING + event("VarSet", 5), event("VarSet", 6))
    (seat,) = feed.said(SeatChanged)
    assert s(seat.at_us) == 5


# --- second streams in one recording ------------------------------------------------------


def relinked(uptime: int | None = None, *channels: bytes) -> bytes:
    booted = b"" if uptime is None else event("FullyBooted", Uptime=uptime)
    return BANNER + LOGIN + booted + lists(*channels)


def alive(at_name: dict[str, str], application: str = "") -> bytes:
    return event(
        "CoreShowChannel",
        Channel=at_name["Channel"],
        ChannelState=6,
        CallerIDNum="13800138000",
        Uniqueid=at_name["Uniqueid"],
        Linkedid="1.0",
        Application=application,
        Duration="00:00:30",
        BridgeId="b",
    )


def test_a_second_banner_is_link_down_and_link_up() -> None:
    start = OPENING + answered() + event("Hold", 10, **PHONE) + event("VarSet", 31)
    again = relinked(None, alive(CUSTOMER), alive(PHONE, "AppQueue"))
    feed = Feed(start + again + event("Unhold", 44, **PHONE) + customer_ends(60)).ends()
    leg = feed.legs["1.1"]
    assert leg.gap
    assert not leg.estimated
    assert [(h.kind, s(h.at_us), h.seconds_us) for h in leg.holds] == [("hold", 10, None)]
    assert leg.ended_by == "caller"
    assert [(a.level, s(a.at_us)) for a in feed.said(Alert)] == [("warning", 30), ("cleared", 31)]
    assert feed.said(Violation) == []


def test_a_second_banner_in_mid_frame_loses_only_that_frame() -> None:
    cut = event("Hangup", 20, **PHONE, Cause=16)[:40]
    again = relinked(None, alive(CUSTOMER), alive(PHONE, "AppQueue"))
    feed = Feed(OPENING + answered() + cut + again + customer_ends(60)).ends()
    assert feed.said(Anomaly) == []
    assert s(feed.legs["1.1"].ended_us) == 60


def test_an_uptime_that_shrank_ends_the_earlier_calls_at_the_last_event() -> None:
    start = BANNER + LOGIN + event("FullyBooted", Uptime=500) + lists() + answered()
    again = relinked(5) + event("VarSet", 300) + event("VarSet", 310)
    feed = Feed(start + event("VarSet", 30) + again).ends()
    leg = feed.legs["1.1"]
    assert (s(leg.ended_us), leg.ended_by, leg.estimated) == (30, "system", True)
    assert feed.said(Violation) == []


def test_names_that_repeat_after_a_restart_are_other_channels() -> None:
    start = BANNER + LOGIN + event("FullyBooted", Uptime=500) + lists() + answered()
    second = answered().replace(b"Uniqueid: 1.", b"Uniqueid: 9.").replace(b"id: 1.", b"id: 9.")
    second = second.replace(b"Timestamp: 17900000", b"Timestamp: 17900009")
    feed = Feed(start + relinked(5) + second).ends()
    assert list(feed.legs) == ["1.1"]
    assert len({o.id for o in feed.said(OrderChanged)}) == 2


def test_the_link_breaks_live_in_mid_frame() -> None:
    feed = Feed(OPENING + answered() + event("Hold", 10, **PHONE)[:30])
    feed.effects += feed.pipeline.link_changed("down", "timeout", "nothing heard for 10 s")
    assert feed.pipeline.board() == {}
    changed, _ = feed.pipeline.take_board()
    assert changed["pbx:pbx"]["link"] == "down"
    feed.feed(relinked(None, alive(CUSTOMER), alive(PHONE, "AppQueue")) + event("VarSet", 20))
    feed.effects += feed.pipeline.link_changed("up", None, None)
    feed.feed(customer_ends(30))
    leg = feed.ends().legs["1.1"]
    assert (leg.gap, leg.ended_by, leg.holds) == (True, "caller", ())
    assert feed.said(Anomaly) == []


def test_the_link_may_be_told_down_twice() -> None:
    feed = Feed(OPENING + answered() + event("VarSet", 8))
    feed.effects += feed.pipeline.link_changed("down", None, None)
    assert feed.pipeline.link_changed("down", None, "still") == []


def test_a_stream_whose_login_is_refused_is_no_link() -> None:
    feed = Feed(OPENING + answered() + event("VarSet", 8))
    feed.effects += feed.pipeline.link_changed("down", "auth", "wrong password")
    feed.pipeline.take_board()
    for _ in range(3):
        feed.feed(BANNER + b"Response: Error\r\nMessage: Authentication failed\r\n\r\n")
        assert feed.pipeline.take_board() == ({}, []), "the board still says why it is down"
        assert feed.pipeline.link_changed("down", "auth", "wrong password") == []
    assert feed.pipeline.take_board() == ({}, [])


# --- what cannot be trusted ---------------------------------------------------------------


def test_a_broken_frame_changes_nothing_is_counted_and_asks_for_a_snapshot() -> None:
    broken = event("BridgeEnter", 5, BridgeUniqueid="b", Channel="PJSIP/1001-00000001")
    feed = Feed(OPENING + answered() + event("VarSet", 4.9) + broken + customer_ends(20)).ends()
    (anomaly,) = feed.said(Anomaly)
    assert (anomaly.what, anomaly.event) == ("Uniqueid is missing", "BridgeEnter")
    assert [r.why for r in feed.said(ResyncWanted)] == ["Uniqueid is missing"]
    assert feed.pipeline.malformed == 1
    assert feed.legs["1.1"].ended_by == "caller"


def test_garbage_before_the_first_timestamp_has_no_moment() -> None:
    (anomaly,) = Feed(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").said(Anomaly)
    assert anomaly.at_us is None


def test_garbage_is_said_and_passed_over() -> None:
    feed = Feed(OPENING + answered() + b"\x00\xff\r\n\r\n" + customer_ends(20)).ends()
    assert len(feed.said(Anomaly)) == 1
    assert feed.said(ResyncWanted) == [], "what it replaced, if anything, is not known"
    assert feed.legs["1.1"].ended_by == "caller"


def test_an_oversized_frame_is_said_and_passed_over() -> None:
    monster = b"Event: Monster\r\nData: " + b"x" * 5000 + b"\r\n\r\n"
    feed = Feed(OPENING + answered() + monster + customer_ends(20), max_frame_bytes=2048).ends()
    (anomaly,) = feed.said(Anomaly)
    assert anomaly.what.startswith("a frame of more than the limit: b'Event: Monster")
    assert feed.legs["1.1"].ended_by == "caller"


@pytest.mark.parametrize(
    "number",
    [
        "Asterisk Call Manager/11.0.0",
        "Event: Hangup",
        '"李: 雷" 🙂',
        "1\r\nUniqueid: 6.6\r\nEvent: Hangup",
        "Response: Success",
    ],
)
def test_callers_may_call_themselves_what_they_like(number: str) -> None:
    feed = Feed(OPENING + answered(number) + customer_ends(20)).ends()
    leg = feed.legs["1.1"]
    assert (leg.call, leg.ended_by) == ("1.0", "caller")
    assert feed.said(Anomaly) == []


# --- commands, memory, counts -------------------------------------------------------------


DUE = OPENING + answered() + customer_ends(20)
"""A call whose order is due at 920."""


def completes(feed: Feed, at: float, *, clock_known: bool = True) -> None:
    command = e.CompleteOrder(us(at), 1, "pbx-1.0", "王芳")
    feed.effects += feed.pipeline.command(command, clock_known=clock_known)


def test_a_person_completes_an_order() -> None:
    feed = Feed(DUE + event("VarSet", 30))
    completes(feed, 31)
    assert feed.pipeline.take_answers() == [], "something may have come before it"
    assert feed.pipeline.next_deadline_us() == us(31.05) + 1
    feed.effects += feed.pipeline.advance(us(31.1))
    (answer,) = feed.pipeline.take_answers()
    order = feed.said(OrderChanged)[-1]
    assert answer == Answer(1, None, order)
    assert (order.status, order.completed_by, s(order.completed_us)) == ("completed", "王芳", 31)


def test_a_command_that_cannot_be_done_is_answered_with_the_reason() -> None:
    feed = Feed(DUE + event("VarSet", 30))
    feed.pipeline.command(e.CompleteOrder(us(31), 1, "pbx-nobody", "王芳"))
    feed.pipeline.command(e.CompleteOrder(us(31), 2, "pbx-1.0", ""))
    feed.feed(event("VarSet", 32))
    assert [(a.ticket, a.refused) for a in feed.pipeline.take_answers()] == [
        (1, "there is no open work order pbx-nobody"),
        (2, "work order pbx-1.0: say who completed it"),
    ]


@pytest.mark.parametrize(("at", "late"), [(919.96, False), (920, False), (920.01, True)])
def test_whether_an_order_was_completed_in_time_is_exact(at: float, late: bool) -> None:
    """Also within the lag that judging stays behind the PBX."""
    feed = Feed(DUE + event("VarSet", 919.9))
    feed.effects += feed.pipeline.advance(us(at))
    completes(feed, at)
    feed.feed(event("VarSet", 921))
    assert bool(feed.said(Violation)) is late
    assert s(feed.said(OrderChanged)[-1].completed_us) == at


def test_an_event_before_a_command_is_applied_before_it_although_it_comes_later() -> None:
    feed = Feed(OPENING + answered())
    feed.effects += feed.pipeline.advance(us(20.02))
    completes(feed, 20.02)
    feed.feed(customer_ends(20) + event("VarSet", 30))
    ended = feed.legs["1.1"]
    assert s(ended.ended_us) == 20
    assert feed.said(OrderChanged)[-1].status == "completed"


def test_a_command_that_our_clock_dates_before_the_pbxs_own_word_happens_now() -> None:
    feed = Feed(DUE + event("VarSet", 930))
    assert len(feed.said(Violation)) == 1
    completes(feed, 915)
    assert s(feed.said(OrderChanged)[-1].completed_us) == 929.95


def test_before_the_pbxs_clock_is_known_a_command_is_done_at_once_and_no_time_passes() -> None:
    first = Feed(DUE + event("VarSet", 30))
    memory = {k: v for k, v in first.pipeline.take_memory().items() if v is not None}
    second = Feed()
    second.pipeline.restore(memory, [first.said(OrderChanged)[-1]])
    completes(second, 5000, clock_known=False)
    assert s(second.said(OrderChanged)[-1].completed_us) == 5000
    second.feed(OPENING + event("VarSet", 200) + event("VarSet", 201))
    assert s(second.said(SeatChanged)[-1].at_us) == 200
    assert second.said(Violation) == []


def test_a_restart_in_mid_call() -> None:
    first = Feed(OPENING + answered() + event("VarSet", 8))
    memory = {k: v for k, v in first.pipeline.take_memory().items() if v is not None}
    open_orders = [o for o in first.said(OrderChanged) if o.status == "open"]
    second = Feed()
    second.effects += second.pipeline.restore(memory, open_orders)
    again = relinked(None, alive(CUSTOMER), alive(PHONE, "AppQueue"))
    second.feed(again + event("VarSet", 20) + customer_ends(60))
    second.ends()
    assert second.legs["1.1"].ended_by == "caller"
    assert [o.change for o in second.said(OrderChanged)] == ["due"]


def test_what_the_listener_learnt_of_the_pbx_is_shown() -> None:
    feed = Feed(OPENING + answered() + event("VarSet", 8))
    feed.pipeline.link_info(1_500, "22.1.0", [])
    changed, gone = feed.pipeline.take_board()
    assert (changed["pbx:pbx"]["version"], changed["pbx:pbx"]["clock_offset_s"]) == (
        "22.1.0",
        0.0015,
    )
    assert s(round(changed["pbx:pbx"]["last_event_at"] * 1_000_000)) == 3
    assert gone == []
    assert feed.pipeline.board() == changed


def test_counts_for_health_pages() -> None:
    feed = Feed(OPENING + answered() + event("VarSet", 8))
    counts = feed.pipeline.live_counts()
    assert (counts["channels"], counts["calls"], counts["legs"], counts["open_legs"]) == (
        2,
        1,
        1,
        1,
    )
    assert (counts["seats"], counts["orders"], counts["bridges"]) == (1, 1, 1)
    feed.feed(customer_ends(20) + event("VarSet", 100))
    counts = feed.pipeline.live_counts()
    assert (counts["channels"], counts["calls"], counts["legs"], counts["bridges"]) == (0, 0, 0, 0)
