"""The engine as a whole (:mod:`agentd.script_guard`, :mod:`agentd.core.state`)."""

from __future__ import annotations

import pytest

from agentd.core import events as e
from agentd.core.effects import LegEnded
from agentd.core.policy import PolicyBook
from agentd.script_guard import Engine
from tests.core.story import Story, holds, us

# --- time ---------------------------------------------------------------------------------


def test_how_often_it_ticks_changes_nothing() -> None:
    def told(step: float) -> Story:
        story = Story()
        leg = story.talk(answer=11)
        story.holds(leg, at=20)
        at = 20.0
        while at < 90:
            at += step
            story.until(at)
        story.agent_ends(leg, at=90)
        return story.settled()

    assert told(0.25).effects == told(70).effects


def test_every_deadline_fires_at_its_own_moment_however_late_the_tick_comes() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.until(500)
    assert story.alerts("hold") == [("warning", 30), ("breach", 40), ("escalation", 70)]


def test_the_next_deadline_is_known_before_it_comes() -> None:
    engine = Engine("pbx", PolicyBook())
    assert engine.next_deadline() is None
    story = Story()
    leg = story.talk()
    story.until(50)
    story.holds(leg, at=60)
    assert story.engine.next_deadline() == us(80)


def test_an_event_from_before_does_not_turn_the_clock_back() -> None:
    """An Unhold that comes beyond the lag: too late to undo the breach, but not to end the hold."""
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.until(41)
    story.unholds(leg, at=39.9)
    assert story.violations == [("hold", leg, 40)]
    story.customer_ends(leg, at=60)
    assert holds(story.settled().leg(leg)) == [("hold", 10, 29.9)]


# --- surprising input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        e.Newstate(us(1), "x", "PJSIP/x-1", 6, None),
        e.NewCallerid(us(1), "x", "1"),
        e.Rename(us(1), "x", "PJSIP/y-1"),
        e.Hangup(us(1), "x", "PJSIP/x-1", 16),
        e.HangupRequest(us(1), "x", "PJSIP/x-1", 16),
        e.SoftHangupRequest(us(1), "x", 32),
        e.DialState(us(1), "x", "RINGING"),
        e.DialEnd(us(1), None, "x", "ANSWER", None),
        e.BridgeLeave(us(1), "b", "x"),
        e.Hold(us(1), "x"),
        e.Unhold(us(1), "x"),
        e.MusicOnHoldStart(us(1), "x"),
        e.MusicOnHoldStop(us(1), "x"),
        e.ParkedCall(us(1), "x", None),
        e.ParkingEnded(us(1), "x"),
        e.BlindTransfer(us(1), "Success", "x"),
        e.AttendedTransfer(us(1), "Success", "x", "y", "Bridge"),
        e.QueueCallerLeave(us(1), "x", "hotline"),
        e.AgentConnect(us(1), "x", "y", "hotline", "PJSIP/1001"),
        e.AgentComplete(us(1), "x", "hotline", "agent"),
        e.AgentRingNoAnswer(us(1), "x", "hotline"),
        e.DeviceState(us(1), "PJSIP/x", "BUSY"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_news_of_what_was_never_seen_changes_no_seat_and_no_call(event: e.Event) -> None:
    story = Story()
    before = list(story.effects)
    story.say(event)
    story.settled()
    assert story.effects == before
    assert story.engine.state.calls == story.engine.state.legs == {}


def test_a_channel_that_is_born_twice_is_one() -> None:
    story = Story()
    story.channel("li", at=0, num="13800138000")
    story.channel("li", at=1, num="10086")
    assert story.engine.state.channels["li"].num == "13800138000"


def test_a_name_that_comes_again_belongs_to_the_newer_channel() -> None:
    story = Story()
    story.channel("old", at=0, name="PJSIP/trunk-00000007")
    story.channel("new", at=1, name="PJSIP/trunk-00000007")
    story.say(e.Rename(us(2), "old", "PJSIP/trunk-00000007<ZOMBIE>"))
    names = story.engine.state.names
    assert names == {"PJSIP/trunk-00000007": "new", "PJSIP/trunk-00000007<ZOMBIE>": "old"}


def test_a_phone_that_goes_up_twice_went_up_at_the_first_time() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.say_up(leg, at=3)
    story.say_up(leg, at=4)
    story.enters(leg, "b", at=5)
    story.enters("li", "b", at=5)
    story.customer_ends(leg, at=20)
    assert story.settled().leg(leg).answered_us == us(3)


def test_a_channel_that_hangs_up_twice_ended_once() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.hangup(leg, "li", at=21)
    assert len(story.settled().said(LegEnded)) == 1


def test_leaving_a_bridge_that_it_is_not_in_changes_nothing() -> None:
    story = Story()
    leg = story.talk()
    story.say(e.BridgeLeave(us(10), "another", leg))
    story.enters(leg, story.bridge_of[leg], at=11)
    story.customer_ends(leg, at=20)
    assert story.settled().leg(leg).ended_by == "caller"


def test_moving_from_bridge_to_bridge_without_a_leave_is_no_end() -> None:
    """BridgeMerge: both are put into another bridge."""
    story = Story()
    leg = story.talk()
    story.enters(leg, "merged", at=10)
    story.enters("li", "merged", at=10)
    story.customer_ends(leg, at=20)
    assert story.settled().leg(leg).ended_by == "caller"
    assert story.leg(leg).holds == ()


# --- the end of a recording ---------------------------------------------------------------


def test_the_end_judges_what_is_over_and_prints_nothing_that_goes_on() -> None:
    story = Story()
    over = story.talk("li", "1001")
    story.agent_ends(over, at=20)
    on = story.talk("wang", "1002", at=10)
    story.holds(on, at=20)
    story.ends()
    assert list(story.legs) == [over]
    assert list(story.calls) == ["li"]
    assert story.violations == [("hangup_order", over, 20)]


def test_clocks_that_run_at_the_end_stop_and_charge_nothing() -> None:
    story = Story()
    leg = story.talk("li", "1001")
    story.holds(leg, at=10)
    story.joins("wang", at=34)
    ringing = story.offers("wang", "1002", at=34)
    story.rings(ringing, at=34)
    story.until(39.9)
    story.ends()
    story.until(5000)
    assert story.violations == []
    assert [level for level, _ in story.alerts("hold")] == ["warning", "cleared"]
    assert [level for level, _ in story.alerts("ring")] == ["warning", "cleared"]


def test_what_the_last_snapshot_showed_to_be_over_is_judged_too() -> None:
    story = Story()
    leg = story.talk()
    story.lists(at=30)
    story.ends()
    assert story.leg(leg).ended_by == "unknown"
    assert list(story.calls) == ["li"]


def test_run_out_lets_the_orders_fall_due() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=100)
    story.ends()
    assert story.orders()[-1] == ("due", "PJSIP/1001", 1000)
    assert story.alerts("work_order") == []
    story.until(86_400)
    assert story.alerts("work_order") == [("warning", 700), ("warning", 880), ("breach", 1000)]


def test_an_order_that_falls_due_within_the_settle_time_still_does_so_once() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=100)
    story.until(999)
    story.ends()
    story.until(86_400)
    assert story.alerts("work_order") == [("warning", 700), ("warning", 880), ("breach", 1000)]


# --- anomalies ----------------------------------------------------------------------------


def test_an_anomaly_asks_for_a_snapshot_only_where_one_can_come() -> None:
    story = Story(seats=())
    state = story.engine.state
    state.anomaly("a frame cut in two", "Hangup", resync=True)
    assert len(state.out) == 1, "no link: nobody to ask"
    story.seats = ("1001",)
    story.link_up(at=0)
    story.lists(at=0)
    state.anomaly("a frame cut in two", "Hangup", resync=True)
    state.anomaly("said only", "Hangup")
    story.until(1)
    assert len(story.anomalies) == 3
    assert [r.why for r in story.resyncs] == ["a frame cut in two"]
    assert state.anomalies == 3
