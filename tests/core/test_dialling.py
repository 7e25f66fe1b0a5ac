"""Whose phone is dialled, by whom, and how that ends (:mod:`agentd.core.dialling`, ``legs``)."""

from __future__ import annotations

import pytest

from agentd.core import events as e
from agentd.core.effects import Alert, OrderChanged, Violation
from agentd.core.policy import PolicyBook, SeatConfig
from tests.core.story import Story, length, s, us

# --- the customer comes to us -------------------------------------------------------------


def test_a_leg_of_a_queue_call() -> None:
    story = Story()
    story.member("1001", at=-5, name="王芳")
    leg = story.talk(at=0, answer=3)
    story.customer_ends(leg, at=20)
    judged = story.settled().leg(leg)
    assert (judged.call, judged.leg, judged.seat) == ("li", "li>1001", "PJSIP/1001")
    assert (judged.agent, judged.queue, judged.direction) == ("王芳", "hotline", "inbound")
    assert judged.caller == "13800138000"
    assert [s(t) for t in (judged.offered_us, judged.ringing_us, judged.answered_us)] == [0, 0, 3]
    assert (s(judged.ended_us), length(judged.ring_us), length(judged.talk_us)) == (20, 3, 17)
    assert not judged.estimated
    assert not judged.gap


def test_the_dial_may_be_told_before_the_offer() -> None:
    story = Story()
    story.joins("li", at=0)
    story.channel("leg", "PJSIP/1001", at=0)
    story.dials("li", "leg", at=0)
    story.say(
        e.AgentCalled(
            us(0),
            "li",
            story.devices["li"],
            "leg",
            story.devices["leg"],
            "hotline",
            "PJSIP/1001",
            "",
        )
    )
    story.rings("leg", at=0)
    story.hangup("leg", at=5)
    story.settled()
    assert list(story.legs) == ["leg"]
    assert story.leg("leg").queue == "hotline"


def test_a_member_never_listed_is_discovered_by_being_called() -> None:
    story = Story(seats=())
    story.joins("li", at=0)
    leg = story.offers("li", "1007", at=0, name="新人")
    story.rings(leg, at=0)
    assert story.states("1007") == ["offered", "ringing"]
    story.offer_ends(leg, "NOANSWER", at=8)
    assert story.settled().leg(leg).agent == "新人"


def test_a_local_member_never_listed_is_known_once_its_phone_is() -> None:
    """Nothing says which phone is behind ``Local/…`` until a list does: no seat is invented."""
    story = Story(seats=())
    story.joins("li", at=0)
    story.channel("half", at=0, name="Local/1001@agents-1;1")
    story.say(
        e.AgentCalled(
            us(0),
            "li",
            story.devices["li"],
            "half",
            story.devices["half"],
            "hotline",
            "Local/1001@agents/n",
            "张三",
        )
    )
    story.settled()
    assert story.engine.state.seats == {}


def test_answered_where_only_agent_connect_says_so() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.say_up(leg, at=3)
    story.say(e.AgentConnect(us(5), "li", leg, "hotline", "PJSIP/1001"))
    story.customer_ends(leg, at=20)
    assert s(story.settled().leg(leg).answered_us) == 3, "late by announcements, but proof"


def test_answered_where_only_the_bridge_says_so() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.enters(leg, "b", at=4)
    story.enters("li", "b", at=4)
    story.customer_ends(leg, at=20)
    assert s(story.settled().leg(leg).answered_us) == 4


def test_agent_connect_of_an_answered_or_unknown_leg_changes_nothing() -> None:
    story = Story()
    leg = story.talk(answer=3)
    story.say(e.AgentConnect(us(9), "li", leg, "hotline", "PJSIP/1001"))
    story.say(e.AgentConnect(us(9), "li", "nobody", "hotline", "PJSIP/1001"))
    story.customer_ends(leg, at=20)
    assert s(story.settled().leg(leg).answered_us) == 3


def test_an_answer_told_twice_is_one_answer() -> None:
    story = Story()
    leg = story.talk(answer=3)
    story.dial_ends("li", leg, "ANSWER", at=3.5)
    story.customer_ends(leg, at=20)
    assert s(story.settled().leg(leg).answered_us) == 3
    assert len(story.said(OrderChanged)) == 2


def test_an_end_of_the_offer_after_the_answer_ends_nothing() -> None:
    story = Story()
    leg = story.talk()
    story.dial_ends("li", leg, "CANCEL", at=5)
    story.say(e.AgentRingNoAnswer(us(6), leg, "hotline"))
    story.say(e.AgentRingNoAnswer(us(6), None, "hotline"))
    story.customer_ends(leg, at=20)
    assert length(story.settled().leg(leg).talk_us) == 17


def test_the_loser_of_a_ringall_is_told_off_twice_and_judged_once() -> None:
    story = Story()
    story.joins("li", at=0)
    legs = [story.offers("li", seat, at=0) for seat in ("1001", "1002")]
    for leg in legs:
        story.rings(leg, at=0)
    story.answers(legs[0], at=3)
    story.dial_ends("li", legs[1], "CANCEL", at=3)
    story.dial_ends("li", legs[1], "CANCEL", at=3.0002)
    story.hangup(legs[1], at=3.0002, cause=26)
    story.customer_ends(legs[0], at=20)
    story.settled()
    assert s(story.leg(legs[1]).ended_us) == 3
    assert story.leg(legs[1]).ended_by is None
    assert story.calls["li"].legs == tuple(legs)


def test_the_reason_of_no_answer_counts_though_the_queue_told_the_end_before() -> None:
    """AgentRingNoAnswer comes before the DialEnd that says why."""
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.say(e.AgentRingNoAnswer(us(8), leg, "hotline"))
    story.dial_ends("li", leg, "NOANSWER", at=8)
    story.hangup(leg, at=8)
    assert story.settled().leg(leg).outcome == "no_answer"


def test_a_number_that_becomes_known_later() -> None:
    story = Story()
    story.joins("li", at=0, num=None)
    story.say(e.NewCallerid(us(0.1), "li", "13800138000"))
    story.say(e.NewCallerid(us(0.2), "li", None))
    story.say(e.NewCallerid(us(0.2), "nobody", "1"))
    story.say(e.NewCallerid(us(0.3), "li", "10086"))
    leg = story.offers("li", "1001", at=1)
    story.gives_up("li", leg, at=2)
    story.settled()
    assert story.calls["li"].caller == "13800138000"


def test_a_number_that_becomes_known_before_the_queue() -> None:
    story = Story()
    story.channel("li", at=0)
    story.say(e.Newstate(us(0.1), "li", story.devices["li"], 4, "13800138000"))
    story.say(e.Newstate(us(0.2), "li", story.devices["li"], 6, "10086"))
    story.channel("wang", at=0)
    story.say(e.NewCallerid(us(0.1), "wang", "13700137000"))
    for call in ("li", "wang"):
        story.joins(call, at=1, num=None)
        story.gives_up(call, at=2)
    story.settled()
    assert [story.calls[c].caller for c in ("li", "wang")] == ["13800138000", "13700137000"]


# --- pickup -------------------------------------------------------------------------------


def picked_up(story: Story, device: str) -> str:
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.channel("fetcher", device, at=4)
    story.say(e.Pickup(us(4), "fetcher", story.devices["fetcher"], leg))
    story.enters("fetcher", "b", at=4)
    story.enters("li", "b", at=4)
    story.hangup(leg, at=4.5)
    return leg


def test_the_seat_that_picks_up_has_the_call() -> None:
    story = Story()
    leg = picked_up(story, "PJSIP/1002")
    story.hangup_request("li", at=20)
    story.hangup("li", "fetcher", at=20)
    story.settled()
    assert (story.leg(leg).outcome, s(story.leg(leg).ended_us)) == ("answered_elsewhere", 4)
    taker = story.leg("fetcher")
    assert (taker.seat, taker.call, taker.queue, taker.outcome) == (
        "PJSIP/1002",
        "li",
        "hotline",
        "answered",
    )
    assert taker.ring_us is None
    assert length(taker.talk_us) == 16
    assert [change for change, _, _ in story.orders()] == ["opened", "due"]
    assert story.calls["li"].outcome == "answered"


def test_a_phone_that_is_no_seat_may_pick_up_and_owes_nothing() -> None:
    story = Story()
    leg = picked_up(story, "PJSIP/reception")
    assert "fetcher" not in story.settled().legs
    assert story.leg(leg).outcome == "answered_elsewhere"
    assert story.orders() == []


def test_a_pickup_of_nothing_that_rings() -> None:
    story = Story()
    leg = story.talk()
    story.say(e.Pickup(us(5), "fetcher", "PJSIP/1002-f", leg))
    story.say(e.Pickup(us(5), "fetcher", "PJSIP/1002-f", "nobody"))
    story.customer_ends(leg, at=20)
    assert story.settled().leg(leg).outcome == "answered"


# --- a seat dials -------------------------------------------------------------------------


def dials_out(story: Story, *, at: float = 0) -> None:
    story.channel("own", "PJSIP/1001", at=at)
    story.channel("far", at=at)
    story.dials("own", "far", at=at, number="13900139000")
    story.rings("far", at=at + 1)


def test_an_outbound_leg_begins_to_talk_when_the_far_end_answers() -> None:
    story = Story()
    dials_out(story)
    story.picks_up("far", at=8, source="own")
    story.enters("far", "b", at=8)
    story.enters("own", "b", at=8)
    story.hangup_request("own", at=30)
    story.hangup("own", "far", at=30)
    leg = story.settled().leg("own")
    assert (leg.direction, leg.call, leg.caller) == ("outbound", "own", "13900139000")
    assert (leg.ring_us, leg.ringing_us, s(leg.answered_us)) == (None, None, 8)
    assert length(leg.talk_us) == 22
    assert leg.ended_by == "agent"
    assert story.violations == []
    assert story.calls == {}


def test_a_hold_on_an_outbound_call_is_a_customer_who_waits() -> None:
    story = Story()
    dials_out(story)
    story.picks_up("far", at=8, source="own")
    story.enters("far", "b", at=8)
    story.enters("own", "b", at=8)
    story.holds("own", at=10)
    story.until(41)
    assert story.violations == [("hold", "own", 40)]
    assert {a.call for a in story.said(Alert)} == {v.call for v in story.said(Violation)} == {"own"}


def test_a_second_try_over_another_trunk_is_the_same_call() -> None:
    story = Story()
    dials_out(story)
    story.dial_ends("own", "far", "CHANUNAVAIL", at=2)
    story.hangup("far", at=2)
    story.channel("far2", "PJSIP/trunk2", at=2)
    story.dials("own", "far2", at=2, number="13900139000")
    story.picks_up("far2", at=8, source="own")
    story.hangup_request("far2", at=30)
    story.hangup("far2", "own", at=30)
    leg = story.settled().leg("own")
    assert (leg.outcome, s(leg.answered_us), leg.ended_by) == ("answered", 8, "caller")


def test_click_to_dial_rings_the_seats_own_phone_and_nobody_waits() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.dials(None, "own", at=0)
    story.rings("own", at=0)
    assert story.state() == "ringing"
    story.picks_up("own", at=15)
    story.channel("far", at=15)
    story.dials("own", "far", at=15, number="13900139000")
    story.picks_up("far", at=20, source="own")
    story.hangup_request("far", at=60)
    story.hangup("far", "own", at=60)
    leg = story.settled().leg("own")
    assert (leg.direction, leg.ring_us, s(leg.answered_us)) == ("outbound", None, 20)
    assert leg.ended_by == "caller"
    assert story.alerts("ring") == []


def test_click_to_dial_over_a_local_channel() -> None:
    """An Originate to ``Local/…``: one half rings the seat, the other dials the customer."""
    story = Story()
    story.channel("one", at=0, name="Local/1001@dial-1;1")
    story.channel("two", at=0, name="Local/1001@dial-1;2")
    story.channel("own", "PJSIP/1001", at=0)
    story.dials(None, "one", at=0)
    story.dials("two", "own", at=0)
    story.rings("own", at=0)
    story.picks_up("own", at=3, source="two")
    story.channel("far", at=3)
    story.dials("one", "far", at=3, number="13900139000")
    story.picks_up("far", at=9, source="one")
    story.hangup("far", "own", "one", "two", at=30)
    leg = story.settled().leg("own")
    assert (leg.direction, leg.caller, s(leg.answered_us)) == ("outbound", "13900139000", 9)


def test_a_colleague_called_after_a_click_is_an_internal_call() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.dials(None, "own", at=0)
    story.picks_up("own", at=2)
    story.channel("peer", "PJSIP/1002", at=2)
    story.dials("own", "peer", at=2)
    story.picks_up("peer", at=4, source="own")
    story.hangup("peer", "own", at=20)
    story.settled()
    assert story.leg("own").direction == story.leg("peer").direction == "internal"
    assert story.said(OrderChanged) == []


def test_an_internal_call_has_two_internal_legs() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0, num="1001")
    story.channel("peer", "PJSIP/1002", at=0, num="1002")
    story.dials("own", "peer", at=0)
    story.rings("peer", at=0)
    story.until(12)
    story.picks_up("peer", at=12, source="own")
    story.enters("peer", "b", at=12)
    story.enters("own", "b", at=12)
    story.hangup_request("own", at=30)
    story.hangup("own", "peer", at=30)
    story.settled()
    assert {leg.direction for leg in story.legs.values()} == {"internal"}
    assert story.leg("peer").call == "peer"
    assert story.leg("peer").caller == "1001"
    assert story.violations == []
    assert story.said(OrderChanged) == []
    assert story.state("1002") == "available", "no wrap-up after a colleague's call"


def test_a_phone_of_the_house_that_is_no_seat_calls_inside() -> None:
    book = PolicyBook(internal_devices=("PJSIP/office-*",))
    story = Story(book=book)
    story.channel("boss", "PJSIP/office-1", at=0)
    story.channel("peer", "PJSIP/1002", at=0)
    story.dials("boss", "peer", at=0)
    story.rings("peer", at=0)
    story.picks_up("peer", at=15, source="boss")
    story.hangup("boss", "peer", at=20)
    story.settled()
    assert story.leg("peer").direction == "internal"
    assert story.violations == []


def test_a_supervisor_who_listens_is_no_party_of_the_call() -> None:
    book = PolicyBook(seats=(SeatConfig("PJSIP/9001", queueless=True),))
    story = Story(book=book)
    leg = story.talk()
    story.channel("ear", "PJSIP/9001", at=10)
    story.say(e.ChanSpyStart(us(10), "ear"))
    story.say(e.ChanSpyStart(us(10), "nobody"))
    story.enters("ear", story.bridge_of[leg], at=10)
    story.customer_ends(leg, at=20)
    story.hangup("ear", at=20)
    story.settled()
    assert list(story.legs) == [leg]


@pytest.mark.parametrize("known", [True, False])
def test_a_dial_by_a_channel_that_was_never_seen(known: bool) -> None:
    """The first thing heard after connecting: nobody knows who dials the seat."""
    story = Story()
    if known:
        story.channel("half", at=0, name="Local/x@y-1;1")
    story.channel("leg", "PJSIP/1001", at=0)
    story.dials("half" if known else "stranger", "leg", at=0)
    story.rings("leg", at=0)
    story.until(15)
    story.hangup("leg", at=15)
    assert story.settled().leg("leg").direction in ("internal", "outbound")
    assert story.violations == []


def test_a_dial_between_two_strangers_is_none_of_our_business() -> None:
    story = Story()
    story.channel("a", "PJSIP/trunk", at=0)
    story.channel("b", "PJSIP/trunk2", at=0)
    story.dials("a", "b", at=0)
    story.channel("half", at=0, name="Local/x@y-1;1")
    story.dials("half", "b", at=0)
    story.dial_ends("a", "b", "ANSWER", at=3)
    story.hangup("a", "b", at=9)
    story.settled()
    assert story.legs == {}


def test_a_renamed_channel_is_still_the_same() -> None:
    story = Story()
    leg = story.talk()
    story.say(e.Rename(us(10), leg, "PJSIP/1001-renamed<ZOMBIE>"))
    story.say(e.Rename(us(10), "nobody", "PJSIP/1009-1"))
    story.customer_ends(leg, at=20)
    assert story.settled().leg(leg).ended_by == "caller"
