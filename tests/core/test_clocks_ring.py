"""R1 while it happens: a phone that rings (:mod:`agentd.core.clocks`)."""

from __future__ import annotations

from agentd.core import events as e
from agentd.core.effects import LegEnded, Violation
from agentd.core.policy import Policy, PolicyBook
from tests.core.story import Story, length, restarted, s, us


def ringing(story: Story, call: str = "li", seat: str = "1001", *, at: float = 0) -> str:
    story.joins(call, at=at)
    leg = story.offers(call, seat, at=at)
    story.rings(leg, at=at)
    return leg


def test_answered_before_the_last_permitted_ring_is_silence() -> None:
    story = Story()
    leg = story.talk(answer=4.999)
    story.customer_ends(leg, at=20)
    story.settled()
    assert story.alerts("ring") == []
    assert story.violations == []
    assert length(story.leg(leg).ring_us) == 4.999


def test_the_last_permitted_ring_warns_the_seat_and_the_answer_clears_it() -> None:
    story = Story()
    story.talk(answer=6)
    assert story.alerts("ring") == [("warning", 5), ("cleared", 6)]
    assert story.told("ring", "warning") == ("seat",)
    assert story.told("ring", "cleared") == ("seat",)
    assert story.violations == []


def test_answered_exactly_at_the_limit_is_in_time() -> None:
    story = Story()
    story.talk(answer=10)
    assert story.violations == []


def test_answered_a_microsecond_past_the_limit_is_a_violation_dated_at_the_limit() -> None:
    story = Story()
    leg = story.talk(answer=10.000001)
    assert story.violations == [("ring", leg, 10)]


def test_the_breach_is_said_while_it_still_rings() -> None:
    story = Story()
    leg = ringing(story)
    story.until(10.5)
    assert story.alerts("ring") == [("warning", 5), ("breach", 10)]
    assert story.told("ring", "breach") == ("seat", "supervisor")
    assert story.violations == [("ring", leg, 10)]
    violation = story.said(Violation)[0]
    assert length(violation.value_us) == length(violation.limit_us) == 10
    assert violation.id == f"pbx-ring:{leg}"
    assert [part.split()[0] for part in violation.evidence][-2:] == ["Ringing", "ring"]


def test_late_and_then_not_answered_is_one_violation_not_two() -> None:
    story = Story()
    leg = ringing(story)
    story.until(12)
    story.gives_up("li", leg, at=12)
    story.settled()
    assert story.violations == [("ring", leg, 10)]
    assert story.alerts("ring") == [("warning", 5), ("breach", 10), ("cleared", 12)]
    assert story.told("ring", "cleared") == ("seat", "supervisor")


def test_the_clock_runs_from_the_ringing_not_from_the_dialling() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=4)
    story.answers(leg, at=13)
    story.customer_ends(leg, at=20)
    story.settled()
    assert story.violations == []
    assert length(story.leg(leg).ring_us) == 9


def test_the_first_sign_of_ringing_counts() -> None:
    story = Story()
    leg = ringing(story)
    story.rings(leg, at=3)
    story.answers(leg, at=11)
    assert story.violations == [("ring", leg, 10)]


def test_a_phone_that_never_rang_is_nobodys_late_answer() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.offer_ends(leg, "NOANSWER", at=20)
    story.settled()
    assert story.alerts("ring") == []
    assert story.violations == []


def test_up_at_the_phone_stops_the_clock_even_if_the_dial_is_reported_later() -> None:
    story = Story()
    leg = ringing(story)
    story.say_up(leg, at=9.99)
    story.until(10.2)
    assert story.violations == []


def test_gone_before_the_limit_charges_nobody() -> None:
    story = Story()
    leg = ringing(story)
    story.gives_up("li", leg, at=9.9)
    story.settled()
    assert story.violations == []
    assert story.alerts("ring") == [("warning", 5), ("cleared", 9.9)]


# --- ringall ------------------------------------------------------------------------------


def ringall(story: Story) -> tuple[str, str]:
    story.joins("li", at=0)
    first = story.offers("li", "1001", at=0)
    second = story.offers("li", "1002", at=0)
    story.rings(first, at=0)
    story.rings(second, at=0)
    return first, second


def test_the_late_winner_of_a_ringall_is_charged_and_the_losers_are_not() -> None:
    story = Story()
    winner, loser = ringall(story)
    story.until(12)
    assert story.violations == [], "who is late is known when one of them answers"
    story.answers(winner, at=12)
    story.offer_ends(loser, "CANCEL", at=12)
    story.customer_ends(winner, at=20)
    story.settled()
    assert story.violations == [("ring", winner, 10)]
    assert story.leg(loser).outcome == "answered_elsewhere"
    assert story.alerts("ring").count(("breach", 10)) == 2
    assert story.alerts("ring").count(("cleared", 12)) == 2


def test_everyone_who_let_it_ring_is_charged_when_the_caller_gives_up() -> None:
    story = Story()
    legs = ringall(story)
    story.until(12)
    story.gives_up("li", *legs, at=12)
    story.settled()
    assert sorted(story.violations) == [("ring", leg, 10) for leg in legs]


def test_a_pickup_by_a_third_phone_charges_nobody_of_a_ringall() -> None:
    story = Story()
    picked, other = ringall(story)
    story.until(12)
    story.channel("fetcher", "PJSIP/1003", at=12)
    story.say(e.Pickup(us(12), "fetcher", story.devices["fetcher"], picked))
    story.hangup(picked, at=12)
    story.offer_ends(other, "CANCEL", at=12)
    story.settled()
    assert story.leg(picked).outcome == story.leg(other).outcome == "answered_elsewhere"
    assert story.violations == []


def test_losers_are_charged_where_the_policy_says_so() -> None:
    story = Story(charge_ringall_losers=True)
    winner, loser = ringall(story)
    story.until(12)
    story.answers(winner, at=12)
    story.offer_ends(loser, "CANCEL", at=12)
    story.settled()
    assert sorted(story.violations) == [("ring", winner, 10), ("ring", loser, 10)]


def test_a_colleague_who_is_called_but_does_not_ring_excuses_nobody() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.offers("li", "1002", at=0)
    story.rings(leg, at=0)
    story.until(11)
    assert story.violations == [("ring", leg, 10)]


def test_an_offer_that_a_colleague_has_refused_excuses_nobody() -> None:
    story = Story()
    first, second = ringall(story)
    story.hangup_request(first, at=5, cause=17)
    story.offer_ends(first, "NOANSWER", at=5)
    story.until(11)
    assert story.violations == [("ring", second, 10)]


# --- the policy ---------------------------------------------------------------------------


def test_each_queue_has_its_own_rings() -> None:
    book = PolicyBook(Policy(), queues={"vip": {"ring_max": 1}})
    story = Story(book=book)
    story.joins("li", at=0, queue="vip")
    leg = story.offers("li", "1001", at=0, queue="vip")
    story.rings(leg, at=0)
    story.answers(leg, at=6, queue="vip")
    assert story.violations == [("ring", leg, 5)]


def test_a_direct_call_to_a_seat_is_judged_too() -> None:
    story = Story()
    story.channel("li", at=0, num="13800138000")
    story.channel("li>1001", "PJSIP/1001", at=0)
    story.dials("li", "li>1001", at=0)
    story.rings("li>1001", at=0)
    story.answers("li>1001", at=11, queue=None)
    assert story.violations == [("ring", "li>1001", 10)]


# --- lost links ---------------------------------------------------------------------------


def test_a_ring_clock_that_the_lost_link_stopped_charges_nothing() -> None:
    story = Story()
    leg = ringing(story)
    story.link_down(at=7)
    story.link_up(at=9)
    story.until(15)
    story.answers(leg, at=15)
    story.customer_ends(leg, at=20)
    story.settled()
    assert story.violations == []
    assert story.alerts("ring") == [("warning", 5), ("cleared", 7)]


def test_a_ring_that_was_over_before_the_link_was_lost_is_cleared_once() -> None:
    story = Story()
    leg = ringing(story)
    story.link_down(at=11)
    story.link_up(at=12)
    story.answers(leg, at=13)
    story.customer_ends(leg, at=20)
    story.settled()
    assert story.violations == [("ring", leg, 10)]
    assert story.alerts("ring") == [("warning", 5), ("breach", 10), ("cleared", 11)]


def test_a_gap_before_the_winner_is_known_charges_none_of_a_ringall() -> None:
    story = Story()
    winner, loser = ringall(story)
    story.link_down(at=12)
    story.link_up(at=13)
    story.answers(winner, at=14)
    story.offer_ends(loser, "CANCEL", at=14)
    story.customer_ends(winner, at=20)
    story.settled()
    assert story.violations == []
    assert [level for level, _ in story.alerts("ring")].count("cleared") == 2


def test_a_gap_before_the_caller_gives_up_charges_none_of_a_ringall() -> None:
    story = Story()
    legs = ringall(story)
    story.link_down(at=12)
    story.link_up(at=13)
    story.gives_up("li", *legs, at=14)
    story.settled()
    assert story.violations == []


def test_a_restart_of_the_daemon_ends_the_alert_of_a_ring_and_charges_nothing() -> None:
    story = Story()
    leg = ringing(story)
    story.until(6)
    again = restarted(story, at=20)
    assert again.alerts("ring") == [("cleared", 5)], "when the daemon lived last"
    again.lists(
        at=20,
        channels=[
            again.listed("li", at=20),
            again.listed(leg, at=20, state=5, application="AppQueue"),
        ],
    )
    again.answers(leg, at=21)
    again.customer_ends(leg, at=30)
    again.settled()
    assert again.violations == []
    judged = again.said(LegEnded)[0]
    assert s(judged.ringing_us) == 0
    assert s(judged.answered_us) == 21
