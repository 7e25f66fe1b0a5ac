"""Channels that are moved about: merged bridges, optimised Local channels, handed-over callers."""

from __future__ import annotations

from agentd.core import events as e
from tests.core.story import Story, holds, length, restarted, s, us


def test_a_colleague_calls_and_takes_over_the_customer() -> None:
    """1002 calls 1001, who has a customer on hold and transfers him to the caller."""
    story = Story()
    leg = story.talk()
    story.channel("asker", "PJSIP/1002", at=10)
    story.channel("second", "PJSIP/1001", at=10)
    story.dials("asker", "second", at=10)
    story.rings("second", at=10)
    story.holds(leg, at=12)
    story.picks_up("second", at=13, source="asker")
    story.enters("second", "b2", at=13)
    story.enters("asker", "b2", at=13)
    story.leaves("second", at=20)
    story.enters("li", "b2", at=20)
    story.attended_transfer(leg, "second", at=20)
    story.hangup(leg, "second", at=20)
    story.hangup_request("asker", at=50)
    story.hangup("asker", "li", at=50)
    story.settled()
    assert (story.leg(leg).ended_by, s(story.leg(leg).ended_us)) == ("transfer", 20)
    taker = story.leg("asker")
    assert (taker.direction, taker.call, taker.ended_by) == ("inbound", "li", "agent")
    assert s(taker.ended_us) == 50, "not when the colleague left"
    assert story.leg("second").direction == "internal"
    assert [seat for _, seat, _ in story.orders()] == ["PJSIP/1001", "PJSIP/1002", "PJSIP/1002"]
    assert story.violations == [("hangup_order", "asker", 50)]


def test_a_consulted_colleague_whose_answer_was_not_told() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=10)
    story.channel("peer", "PJSIP/1002", at=10)
    story.dials("second", "peer", at=10)
    story.rings("peer", at=10)
    story.say_up("peer", at=14)
    story.attended_transfer(leg, "second", at=20)
    story.hangup("second", leg, at=20)
    story.enters("peer", "b2", at=20)
    story.enters("li", "b2", at=20)
    story.hangup_request("li", at=40)
    story.hangup("li", "peer", at=40)
    story.settled()
    assert (story.leg("peer").call, s(story.leg("peer").answered_us)) == ("li", 14)


def test_a_consultation_on_a_second_line_without_pressing_hold() -> None:
    """The phone puts its first line on mute by itself: the wait begins with the dialling."""
    story = Story()
    leg = story.talk()
    story.channel("second", "PJSIP/1001", at=10)
    story.channel("peer", "PJSIP/1002", at=10)
    story.dials("second", "peer", at=10)
    story.attended_transfer(leg, "second", at=25)
    story.hangup("second", leg, at=25)
    assert holds(story.settled().leg(leg)) == [("consult", 10, 15)]


def test_the_wait_begins_with_the_music_and_not_with_the_leaving() -> None:
    """Asterisk plays music, and a moment later moves the agent away to consult."""
    story = Story()
    leg = story.talk()
    story.music("li", at=10)
    story.channel("half", at=10.2, name="Local/1002@seats-1;1")
    story.enters("half", "ask", at=10.2)
    story.leaves(leg, at=10.24)
    story.enters(leg, "ask", at=10.24)
    story.until(20)
    story.hangup("half", at=20)
    story.leaves(leg, at=20)
    story.music("li", at=20, on=False)
    story.enters(leg, f"b:{leg}", at=20)
    story.customer_ends(leg, at=30)
    assert holds(story.settled().leg(leg)) == [("consult", 10, 10)]


def test_music_that_was_over_before_the_consultation_is_not_its_beginning() -> None:
    story = Story()
    leg = story.talk()
    story.music("li", at=5)
    story.music("li", at=6, on=False)
    story.leaves(leg, at=10)
    story.enters(leg, "ask", at=10.1)
    story.leaves(leg, at=20)
    story.enters(leg, f"b:{leg}", at=20)
    story.customer_ends(leg, at=30)
    assert holds(story.settled().leg(leg)) == [("consult", 10, 10)]


def test_a_held_customer_is_held_until_unhold_though_the_bridge_is_made_anew() -> None:
    story = Story()
    leg = story.talk()
    bridge = story.bridge_of[leg]
    story.holds(leg, at=10)
    story.leaves(leg, at=12)
    story.enters(leg, bridge, at=12)
    story.unholds(leg, at=25)
    story.customer_ends(leg, at=30)
    assert holds(story.settled().leg(leg)) == [("hold", 10, 15)]


def test_a_transfer_on_the_second_line_moves_only_the_customer_who_waits() -> None:
    story = Story()
    waiting = story.talk()
    story.holds(waiting, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("peer", "PJSIP/1002", at=11)
    story.dials("second", "peer", at=11)
    other = story.talk("wang", at=12)
    story.attended_transfer("second", "second", at=30)
    story.hangup("second", waiting, at=30)
    story.until(35)
    assert story.leg(waiting).ended_by == "transfer"
    story.customer_ends(other, at=60)
    assert story.settled().leg(other).ended_by == "caller"


def test_a_seat_dials_on_from_a_call_with_a_customer_who_does_not_wait() -> None:
    """A feature that adds a trunk to the running call: no call of its own."""
    story = Story()
    leg = story.talk()
    story.channel("far", at=10)
    story.dials(leg, "far", at=10, number="02088880000")
    story.customer_ends(leg, at=30)
    story.settled()
    assert list(story.legs) == [leg]
    assert story.leg(leg).direction == "inbound"
    assert story.leg(leg).holds == ()


def test_the_transferer_may_still_be_in_the_bridge_when_the_next_seat_enters() -> None:
    story = Story()
    leg = story.talk()
    bridge = story.bridge_of[leg]
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("peer", "PJSIP/1002", at=11)
    story.dials("second", "peer", at=11)
    story.picks_up("peer", at=13, source="second")
    story.attended_transfer(leg, "second", at=20)
    story.enters("peer", bridge, at=20.001)
    story.hangup(leg, "second", at=20.002)
    story.hangup_request("li", at=40)
    story.hangup("li", "peer", at=40)
    story.settled()
    assert s(story.leg(leg).ended_us) == 20
    assert (story.leg("peer").call, story.leg("peer").ended_by) == ("li", "caller")


def test_a_consulted_seat_that_sends_its_asker_away_ends_no_customers_call() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("peer", "PJSIP/1002", at=11)
    story.dials("second", "peer", at=11)
    story.picks_up("peer", at=13, source="second")
    story.blind_transfer("peer", at=15)
    story.hangup("peer", at=15)
    story.unholds(leg, at=20)
    story.customer_ends(leg, at=30)
    story.settled()
    assert story.leg(leg).ended_by == "caller"
    assert story.leg("peer").direction == "internal"


def test_local_channels_that_are_optimised_away_part_nobody() -> None:
    """Customer and phone are put into one bridge; then the halves between them leave theirs."""
    story = Story()
    story.joins("li", at=0)
    story.channel("half1", at=0, name="Local/1001@agents-0001;1")
    story.channel("half2", at=0, name="Local/1001@agents-0001;2")
    story.dials("li", "half1", at=0)
    story.channel("phone", "PJSIP/1001", at=0)
    story.dials("half2", "phone", at=0)
    story.rings("phone", at=0)
    story.picks_up("phone", at=3, source="half2")
    for uid, bridge in (("phone", "far"), ("half2", "far"), ("half1", "near"), ("li", "near")):
        story.enters(uid, bridge, at=3)
    story.enters("li", "far", at=4)
    story.leaves("half2", at=4)
    story.hangup("half1", "half2", at=4)
    story.until(30)
    assert story.state() == "talking"
    story.hangup_request("phone", at=40)
    story.hangup("phone", "li", at=40)
    story.settled()
    leg = story.leg("phone")
    assert (leg.ended_by, length(leg.talk_us)) == ("agent", 37)
    assert forgotten(story)


def test_a_renamed_half_of_a_local_channel_leads_nowhere() -> None:
    story = Story()
    story.channel("half1", at=0, name="Local/1001@agents-0001;1")
    story.channel("half2", at=0, name="Local/1001@agents-0001;2")
    story.say(e.Rename(us(1), "half2", "Local/1001@agents-0001;2<ZOMBIE>"))
    story.enters("half2", "b", at=2)
    story.channel("li", at=2)
    story.enters("li", "b", at=2)
    assert story.engine.state.connected("li") == {"li", "half2"}


def test_who_consults_over_a_restart_is_not_judged_on_what_it_hid() -> None:
    """The seat enters a bridge before the list has told who the customer's channel is."""
    story = Story()
    leg = story.talk()
    story.leaves(leg, at=10)
    again = restarted(story, at=12)
    again.enters(leg, "ask", at=12)
    again.lists(
        at=12,
        channels=[
            again.listed("li", at=12, bridge="b"),
            again.listed(leg, at=12, bridge="ask", application="AppQueue"),
        ],
    )
    again.until(80)
    assert again.violations == []


def test_parked_by_the_dialplan_after_a_phone_rang_out() -> None:
    story = Story()
    story.channel("li", at=0)
    story.channel("li>1001", "PJSIP/1001", at=0)
    story.dials("li", "li>1001", at=0)
    story.rings("li>1001", at=0)
    story.offer_ends("li>1001", "NOANSWER", at=8)
    story.parks("li", at=8.1, by=None)
    story.until(60)
    assert story.leg("li>1001").holds == ()
    assert story.violations == []


def test_a_far_end_that_answers_twice_answered_at_the_first_time() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("far", at=0)
    story.dials("own", "far", at=0, number="13900139000")
    story.dial_ends("own", "far", "ANSWER", at=5)
    story.dial_ends("own", "far", "ANSWER", at=6)
    story.dial_ends("own", "far", "CANCEL", at=7)
    story.hangup("far", "own", at=20)
    leg = story.settled().leg("own")
    assert (s(leg.answered_us), leg.outcome) == (5, "answered")
    assert forgotten(story)


def forgotten(story: Story) -> bool:
    """Nothing is left of the calls that are over."""
    state = story.engine.state
    kept = (state.channels, state.calls, state.legs, state.bridges, state.names)
    ways = (state.offers, state.through, state.far_ends)
    return not any(kept) and not any(ways)
