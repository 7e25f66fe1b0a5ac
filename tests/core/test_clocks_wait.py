"""R2 while it happens: a customer who waits (:mod:`agentd.core.clocks`)."""

from __future__ import annotations

import pytest

from agentd.core.effects import Alert, LegEnded, Violation
from agentd.core.policy import Policy, PolicyBook, SeatConfig
from tests.core.story import Story, holds, length, restarted, s


def talking(story: Story) -> str:
    return story.talk(at=0, answer=3)


# --- one hold -----------------------------------------------------------------------------


def test_a_short_hold_is_kept_and_said_nothing_of() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=29.5)
    story.customer_ends(leg, at=40)
    story.settled()
    assert holds(story.leg(leg)) == [("hold", 10, 19.5)]
    assert length(story.leg(leg).hold_us) == 19.5
    assert story.alerts("hold") == []


def test_a_hold_of_34_seconds_warns_breaches_and_is_cleared_at_the_return() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=44)
    assert story.alerts("hold") == [("warning", 30), ("breach", 40), ("cleared", 44)]
    assert story.violations == [("hold", leg, 40)]
    violation = story.said(Violation)[0]
    assert length(violation.value_us) == length(violation.limit_us) == 30
    assert story.told("hold", "warning") == ("seat",)
    assert story.told("hold", "breach") == ("seat", "supervisor")
    assert story.told("hold", "cleared") == ("seat", "supervisor")


def test_a_hold_of_exactly_thirty_seconds_is_in_time() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=40.000000)
    story.customer_ends(leg, at=50)
    story.settled()
    assert story.violations == []
    assert story.told("hold", "cleared") == ("seat",), "the supervisor was told nothing"
    assert length(story.leg(leg).hold_us) == 30


def test_a_microsecond_more_is_not() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=40.000001)
    assert story.violations == [("hold", leg, 40)]


def test_a_warned_hold_is_cleared_for_the_seat_alone() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=35)
    assert story.alerts("hold") == [("warning", 30), ("cleared", 35)]
    assert story.told("hold", "cleared") == ("seat",)


def test_after_sixty_seconds_the_shift_leader_is_told_and_told_when_it_is_over() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=75)
    assert story.alerts("hold") == [
        ("warning", 30),
        ("breach", 40),
        ("escalation", 70),
        ("cleared", 75),
    ]
    assert story.told("hold", "escalation") == ("shift_leader",)
    assert story.told("hold", "cleared") == ("seat", "supervisor", "shift_leader")
    assert len(story.violations) == 1


def test_alerts_and_violations_name_the_call_of_the_customer() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.until(41)
    assert {a.call for a in story.said(Alert)} == {v.call for v in story.said(Violation)} == {"li"}


def test_the_alerts_of_one_hold_share_its_name() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=45)
    story.holds(leg, at=50)
    story.unholds(leg, at=75)
    spells = [a.spell for a in story.said(Alert)]
    assert len(set(spells[:3])) == 1
    assert len(set(spells)) == 2


def test_the_end_of_the_call_ends_the_hold() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.customer_ends(leg, at=35)
    story.settled()
    assert holds(story.leg(leg)) == [("hold", 10, 25)]
    assert story.alerts("hold") == [("warning", 30), ("cleared", 35)]
    story.until(200)
    assert len(story.alerts("hold")) == 2


# --- what begins and ends a spell ---------------------------------------------------------


def test_a_repeated_hold_keeps_the_first_start() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.holds(leg, at=25)
    story.unholds(leg, at=41)
    assert story.violations == [("hold", leg, 40)]
    assert [level for level, _ in story.alerts("hold")] == ["warning", "breach", "cleared"]


def test_unhold_without_hold_changes_nothing() -> None:
    story = Story()
    leg = talking(story)
    story.unholds(leg, at=10)
    story.customer_ends(leg, at=20)
    story.settled()
    assert story.leg(leg).holds == ()
    assert story.leg(leg).hold_us == 0
    assert story.violations == []


def test_hold_before_the_answer_or_after_the_end_is_nobodys_wait() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.holds(leg, at=1)
    story.unholds(leg, at=2)
    story.answers(leg, at=3)
    story.customer_ends(leg, at=10)
    story.holds(leg, at=10.5)
    story.settled()
    assert story.leg(leg).holds == ()


def test_a_customer_who_holds_us_is_not_the_agents_hold() -> None:
    story = Story()
    leg = talking(story)
    story.holds("li", at=10)
    story.until(60)
    story.unholds("li", at=60)
    story.customer_ends(leg, at=70)
    story.settled()
    assert story.leg(leg).holds == ()
    assert story.violations == []


def test_music_alone_proves_no_hold() -> None:
    story = Story()
    leg = talking(story)
    story.music("li", at=10)
    story.until(60)
    story.music("li", at=60, on=False)
    story.customer_ends(leg, at=70)
    story.settled()
    assert story.leg(leg).holds == ()


def test_two_holds_are_two_spells_each_with_its_own_limit() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=41)
    story.holds(leg, at=50)
    story.customer_ends(leg, at=90)
    story.settled()
    assert holds(story.leg(leg)) == [("hold", 10, 31), ("hold", 50, 40)]
    assert length(story.leg(leg).hold_us) == 71
    assert story.violations == [("hold", leg, 40), ("hold", leg, 80)]
    assert story.leg(leg).ended_by == "caller"


def test_holding_a_colleague_is_judged_by_no_rule() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("peer", "PJSIP/1002", at=0)
    story.dials("own", "peer", at=0)
    story.rings("peer", at=0)
    story.picks_up("peer", at=2, source="own")
    story.enters("peer", "b", at=2)
    story.enters("own", "b", at=2)
    story.holds("peer", at=5)
    story.until(100)
    story.unholds("peer", at=100)
    assert story.violations == []
    assert story.said(Alert) == []


# --- the sum of many short holds ----------------------------------------------------------


def three_short_holds(story: Story) -> str:
    leg = talking(story)
    for start in (10, 30, 50):
        story.holds(leg, at=start)
        story.unholds(leg, at=start + 15)
    return leg


def test_many_short_holds_break_no_rule_by_default_but_their_sum_is_kept() -> None:
    story = Story()
    leg = three_short_holds(story)
    story.customer_ends(leg, at=80)
    story.settled()
    assert length(story.leg(leg).hold_us) == 45
    assert story.violations == []


def test_where_the_sum_is_limited_it_is_broken_while_the_last_hold_runs() -> None:
    story = Story(hold_sum_max_s=40.0)
    leg = three_short_holds(story)
    assert story.violations == [("hold_sum", leg, 60)]
    assert story.alerts("hold_sum") == [("breach", 60), ("cleared", 65)]
    assert story.told("hold_sum", "cleared") == ("seat", "supervisor")
    assert length(story.said(Alert)[-1].value_us) == 45


def test_the_sum_is_broken_once() -> None:
    story = Story(hold_sum_max_s=20.0)
    leg = three_short_holds(story)
    story.holds(leg, at=70)
    story.unholds(leg, at=80)
    assert [rule for rule, _, _ in story.violations] == ["hold_sum"]


def test_the_sum_is_broken_once_even_if_two_deadlines_were_planned() -> None:
    """A hold ends at the very moment at which the sum is reached, and the next begins there."""
    story = Story(hold_sum_max_s=15.0)
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=25)
    assert story.violations == []
    story.holds(leg, at=25)
    story.until(26)
    assert story.violations == [("hold_sum", leg, 25)]


def test_waiting_in_a_consultation_is_not_in_the_sum_that_is_judged() -> None:
    story = Story(hold_sum_max_s=40.0)
    leg = consultation(story, start=10, back=45)
    story.holds(leg, at=50)
    story.unholds(leg, at=60)
    assert story.violations == []


def test_a_sum_that_a_gap_made_uncertain_charges_nobody() -> None:
    story = Story(hold_sum_max_s=20.0)
    leg = talking(story)
    story.holds(leg, at=10)
    story.unholds(leg, at=25)
    story.link_down(at=30)
    story.link_up(at=31)
    story.holds(leg, at=40)
    story.until(50)
    story.link_down(at=50)
    assert story.alerts("hold_sum") == [("breach", 45), ("cleared", 50)]
    assert story.violations == []


# --- consultations ------------------------------------------------------------------------


def consultation(story: Story, *, start: float, back: float | None) -> str:
    """The agent holds the customer and asks a colleague on the phone's second line."""
    leg = talking(story)
    story.holds(leg, at=start)
    story.channel("second", "PJSIP/1001", at=start + 1)
    story.channel("peer", "PJSIP/1002", at=start + 1)
    story.dials("second", "peer", at=start + 1)
    story.rings("peer", at=start + 1)
    story.picks_up("peer", at=start + 3, source="second")
    story.enters("peer", "b2", at=start + 3)
    story.enters("second", "b2", at=start + 3)
    if back is not None:
        story.hangup_request("second", at=back)
        story.hangup("second", "peer", at=back)
        story.unholds(leg, at=back)
    return leg


def test_a_hold_followed_by_a_consultation_is_one_consultation_from_its_start() -> None:
    story = Story()
    leg = consultation(story, start=10, back=60)
    story.customer_ends(leg, at=70)
    story.settled()
    assert holds(story.leg(leg)) == [("consult", 10, 50)]
    assert story.violations == []
    assert story.alerts("hold") == []
    assert story.alerts("consult") == [("warning", 40), ("cleared", 60)]
    assert story.told("consult", "cleared") == ("seat",)


def test_a_consultation_is_limited_where_the_policy_limits_it() -> None:
    story = Story(consult_max_s=45.0)
    leg = consultation(story, start=10, back=60)
    assert story.violations == [("consult", leg, 55)]
    assert story.told("consult", "cleared") == ("seat", "supervisor")


def test_a_consultation_after_a_breach_of_the_hold_leaves_the_breach() -> None:
    """What was charged before the colleague was called stands."""
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=45)
    story.channel("peer", "PJSIP/1002", at=45)
    story.dials("second", "peer", at=45)
    story.unholds(leg, at=60)
    assert story.violations == [("hold", leg, 40)]
    assert story.alerts("consult") == [("cleared", 60)]
    assert story.alerts("hold") == [("warning", 30), ("breach", 40)]
    assert story.told("consult", "cleared") == ("seat", "supervisor"), "who was told is told"


# --- lost links and restarts --------------------------------------------------------------


def test_a_hold_clock_that_the_lost_link_stopped_charges_nothing() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.link_down(at=31)
    story.link_up(at=36)
    story.unholds(leg, at=44)
    story.customer_ends(leg, at=50)
    story.settled()
    assert story.violations == []
    assert story.alerts("hold") == [("warning", 30), ("cleared", 31)]
    assert holds(story.leg(leg)) == [("hold", 10, None)]
    assert story.leg(leg).hold_us == 0
    assert story.leg(leg).gap


def test_a_hold_whose_beginning_the_gap_hid_has_no_start_and_no_length() -> None:
    story = Story()
    leg = talking(story)
    story.link_down(at=10)
    story.link_up(at=15)
    story.unholds(leg, at=20)
    story.unholds(leg, at=21)
    story.holds(leg, at=30)
    story.unholds(leg, at=40)
    story.customer_ends(leg, at=50)
    story.settled()
    assert holds(story.leg(leg)) == [("hold", None, None), ("hold", 30, 10)]
    assert length(story.leg(leg).hold_us) == 10


def test_a_hold_pressed_after_the_gap_says_that_none_was_on() -> None:
    story = Story()
    leg = talking(story)
    story.link_down(at=10)
    story.link_up(at=15)
    story.holds(leg, at=20)
    story.unholds(leg, at=25)
    story.unholds(leg, at=26)
    story.customer_ends(leg, at=50)
    assert holds(story.settled().leg(leg)) == [("hold", 20, 5)]


def test_a_hold_pressed_after_the_gap_is_a_spell_of_its_own_and_is_judged() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.link_down(at=15)
    story.link_up(at=20)
    story.holds(leg, at=30)
    story.unholds(leg, at=61)
    assert story.violations == [("hold", leg, 60)]
    story.customer_ends(leg, at=70)
    story.settled()
    assert holds(story.leg(leg)) == [("hold", 10, None), ("hold", 30, 31)]


def test_a_hold_that_becomes_a_consultation_after_the_gap_warns_nobody() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.link_down(at=15)
    story.link_up(at=20)
    story.channel("second", "PJSIP/1001", at=21)
    story.channel("peer", "PJSIP/1002", at=21)
    story.dials("second", "peer", at=21)
    story.until(100)
    assert story.said(Alert) == []


def test_a_daemon_killed_in_mid_hold_charges_nothing_for_it() -> None:
    story = Story()
    leg = talking(story)
    story.holds(leg, at=10)
    story.until(35)
    again = restarted(story, at=50)
    assert [level for level, _ in again.alerts("hold")] == ["cleared"]
    again.lists(
        at=50,
        channels=[again.listed("li", at=50, bridge="b"), again.listed(leg, at=50, bridge="b")],
    )
    again.unholds(leg, at=60)
    again.customer_ends(leg, at=70)
    again.settled()
    judged = again.said(LegEnded)[0]
    assert again.violations == []
    assert [(spell.kind, s(spell.at_us), spell.seconds_us) for spell in judged.holds] == [
        ("hold", 10, None)
    ]
    assert not judged.estimated, "no printed time had to be rebuilt"


@pytest.mark.parametrize(("seat", "breach"), [("1001", 55), ("1002", 40)])
def test_a_seat_groups_limits_apply_to_its_seats(seat: str, breach: float) -> None:
    book = PolicyBook(
        Policy(),
        groups={"trainees": {"hold_max_s": 45.0}},
        seats=(SeatConfig("PJSIP/1001", group="trainees"),),
    )
    story = Story(book=book)
    leg = story.talk(seat=seat)
    story.holds(leg, at=10)
    story.until(60)
    assert story.violations == [("hold", leg, breach)]
