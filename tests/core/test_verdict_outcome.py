"""How an offer ended, first that fits (:func:`agentd.core.verdict.outcome`)."""

from __future__ import annotations

import pytest

from agentd.core import events as e
from tests.core.story import Story, us


def offered(story: Story, *, rings: float | None = 0.1, seat: str = "1001") -> str:
    """A caller in the queue, offered to a seat at 0; the phone rings at ``rings``."""
    if "li" not in story.devices:
        story.joins("li", at=0)
    leg = story.offers("li", seat, at=0)
    if rings is not None:
        story.rings(leg, at=rings)
    return leg


def outcome(story: Story, leg: str) -> str:
    return story.settled().leg(leg).outcome


def test_answered() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=10)
    assert outcome(story, leg) == "answered"


def test_answered_comes_first_whatever_happened_beside_it() -> None:
    """The caller and the phone hang up at the moment of the answer."""
    story = Story()
    leg = offered(story)
    story.hangup_request("li", at=3)
    story.picks_up(leg, at=3, source="li")
    story.hangup_request(leg, at=3)
    story.hangup("li", leg, at=3)
    assert outcome(story, leg) == "answered"


# --- unreachable --------------------------------------------------------------------------


def test_a_phone_off_the_network_is_unreachable() -> None:
    story = Story()
    leg = offered(story, rings=None)
    story.offer_ends(leg, "NOANSWER", at=10)
    assert outcome(story, leg) == "unreachable"


@pytest.mark.parametrize(("ended", "expected"), [(0.999999, "caller_gave_up"), (1, "unreachable")])
def test_a_second_without_ringing_says_that_the_phone_cannot_be_reached(
    ended: float, expected: str
) -> None:
    story = Story()
    leg = offered(story, rings=None)
    story.gives_up("li", leg, at=ended)
    assert outcome(story, leg) == expected


def test_never_rang_comes_before_answered_elsewhere() -> None:
    story = Story()
    dead = offered(story, rings=None)
    winner = offered(story, seat="1002")
    story.answers(winner, at=3)
    story.offer_ends(dead, "CANCEL", at=3)
    assert outcome(story, dead) == "unreachable"


def test_refused_by_the_phone_without_ringing_is_unreachable() -> None:
    story = Story()
    leg = offered(story, rings=None)
    story.hangup_request(leg, at=0.2, cause=17)
    story.offer_ends(leg, "NOANSWER", at=0.2)
    assert outcome(story, leg) == "unreachable"


@pytest.mark.parametrize("status", ["BUSY", "CONGESTION", "CHANUNAVAIL"])
def test_refused_by_the_network_without_ringing_is_unreachable(status: str) -> None:
    story = Story()
    leg = offered(story, rings=None)
    story.offer_ends(leg, status, at=0.2)
    assert outcome(story, leg) == "unreachable"


# --- answered elsewhere -------------------------------------------------------------------


def test_the_loser_of_a_ringall_was_answered_elsewhere() -> None:
    story = Story()
    loser = offered(story)
    winner = offered(story, seat="1002")
    story.answers(winner, at=3)
    story.offer_ends(loser, "CANCEL", at=3)
    assert outcome(story, loser) == "answered_elsewhere"
    story.customer_ends(winner, at=9)
    assert outcome(story, winner) == "answered"


def test_a_ringing_call_that_another_phone_picks_up_was_answered_elsewhere() -> None:
    story = Story()
    leg = offered(story)
    story.channel("fetcher", "PJSIP/1002", at=2)
    story.say(e.Pickup(us(3), "fetcher", story.devices["fetcher"], leg))
    story.hangup(leg, at=3)
    assert outcome(story, leg) == "answered_elsewhere"


def test_an_answer_long_before_this_offer_is_not_another_phone_taking_it() -> None:
    """Answered by one seat, sent on by it, and then offered to a second that lets it ring out."""
    story = Story()
    first = story.talk(answer=3)
    story.blind_transfer(first, at=10)
    story.leaves("li", at=10)
    story.hangup(first, at=10)
    story.channel("li>1002", "PJSIP/1002", at=10)
    story.dials("li", "li>1002", at=10)
    story.rings("li>1002", at=10)
    story.offer_ends("li>1002", "NOANSWER", at=25)
    assert outcome(story, "li>1002") == "no_answer"


# --- the caller, the phone, the queue -----------------------------------------------------


def test_the_caller_gave_up() -> None:
    story = Story()
    leg = offered(story)
    story.gives_up("li", leg, at=4)
    assert outcome(story, leg) == "caller_gave_up"


def test_a_caller_who_hangs_up_after_the_offer_was_over_did_not_end_it() -> None:
    story = Story()
    leg = offered(story)
    story.offer_ends(leg, "NOANSWER", at=8)
    story.gives_up("li", at=8.1)
    assert outcome(story, leg) == "queue_gave_up"


def test_rejected_by_the_phone_while_it_rang() -> None:
    story = Story()
    leg = offered(story)
    story.hangup_request(leg, at=2, cause=17)
    story.offer_ends(leg, "NOANSWER", at=2)
    story.say(e.AgentRingNoAnswer(us(2), leg, "hotline"))
    assert outcome(story, leg) == "rejected"


def test_a_request_of_the_phone_after_the_offer_ended_rejected_nothing() -> None:
    story = Story()
    leg = offered(story)
    story.dial_ends("li", leg, "NOANSWER", at=8)
    story.hangup_request(leg, at=8.2)
    story.hangup(leg, at=8.2)
    assert outcome(story, leg) == "no_answer"


@pytest.mark.parametrize(("after", "expected"), [(0.008, "caller_gave_up"), (0.06, "rejected")])
def test_who_refuses_while_the_caller_gives_up_is_not_blamed(after: float, expected: str) -> None:
    """Which of the two ended the offer cannot be told; the caller comes first in the format."""
    story = Story()
    leg = offered(story)
    story.hangup_request(leg, at=4, cause=17)
    story.dial_ends("li", leg, "BUSY", at=4)
    story.hangup(leg, at=4, cause=17)
    story.hangup_request("li", at=4 + after)
    story.leaves_queue("li", at=4 + after)
    story.hangup("li", at=4 + after)
    assert outcome(story, leg) == expected


def test_the_caller_comes_before_the_phone() -> None:
    story = Story()
    leg = offered(story)
    story.hangup_request(leg, at=4)
    story.gives_up("li", leg, at=4)
    assert outcome(story, leg) == "caller_gave_up"


def test_the_queue_gave_up_though_asterisk_calls_it_an_abandon() -> None:
    story = Story()
    leg = offered(story)
    story.offer_ends(leg, "NOANSWER", at=8)
    story.leaves_queue("li", at=8.002)
    assert outcome(story, leg) == "queue_gave_up"


def test_an_offer_that_ended_long_before_the_queue_let_go_timed_out() -> None:
    story = Story()
    leg = offered(story)
    story.offer_ends(leg, "NOANSWER", at=8)
    story.leaves_queue("li", at=12)
    assert outcome(story, leg) == "no_answer"


def test_leaving_another_queue_says_nothing_of_this_offer() -> None:
    story = Story()
    story.joins("li", at=-5, queue="vip")
    story.leaves_queue("li", at=7.9, queue="vip")
    leg = offered_again(story)
    story.offer_ends(leg, "NOANSWER", at=8)
    story.until(9)
    assert outcome(story, leg) == "no_answer"


def offered_again(story: Story) -> str:
    story.joins("li", at=0, queue="hotline")
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    return leg


# --- moved, timed out, failed -------------------------------------------------------------


def direct(story: Story) -> str:
    story.channel("li", at=0, num="13800138000")
    story.channel("li>1001", "PJSIP/1001", at=0)
    story.dials("li", "li>1001", at=0)
    story.rings("li>1001", at=0)
    return "li>1001"


def test_a_customer_who_was_moved_away_while_it_rang() -> None:
    story = Story()
    leg = direct(story)
    story.offer_ends(leg, "CANCEL", at=4)
    story.channel("li>1002", "PJSIP/1002", at=4.1)
    story.dials("li", "li>1002", at=4.1)
    assert outcome(story, leg) == "redirected"


def test_a_phone_that_forwards_its_calls_moved_the_customer() -> None:
    story = Story()
    leg = direct(story)
    story.dial_ends("li", leg, "CANCEL", at=1, forward="1002@seats")
    story.hangup(leg, at=1)
    assert outcome(story, leg) == "redirected"


def test_a_dial_that_timed_out_was_not_answered_though_the_dialplan_goes_on() -> None:
    story = Story()
    leg = direct(story)
    story.offer_ends(leg, "NOANSWER", at=8)
    story.channel("li>1002", "PJSIP/1002", at=8.1)
    story.dials("li", "li>1002", at=8.1)
    assert outcome(story, leg) == "no_answer"


def test_what_nothing_explains_failed() -> None:
    story = Story()
    leg = direct(story)
    story.hangup(leg, at=4, cause=38)
    story.hangup("li", at=4.5)
    assert outcome(story, leg) == "failed"


def test_a_colleague_who_does_not_answer_an_internal_call() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("peer", "PJSIP/1002", at=0)
    story.dials("own", "peer", at=0)
    story.rings("peer", at=0)
    story.dial_ends("own", "peer", "NOANSWER", at=9)
    story.hangup("peer", "own", at=9)
    assert outcome(story, "peer") == "no_answer"
    assert story.leg("peer").direction == "internal"


# --- outward ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"), [("NOANSWER", "no_answer"), ("CANCEL", "no_answer"), ("BUSY", "failed")]
)
def test_a_call_dialled_out_that_nobody_took(status: str, expected: str) -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("far", at=0)
    story.dials("own", "far", at=0, number="13900139000")
    story.dial_ends("own", "far", status, at=20)
    story.hangup("far", "own", at=20)
    assert outcome(story, "own") == expected
    assert story.leg("own").caller == "13900139000"
