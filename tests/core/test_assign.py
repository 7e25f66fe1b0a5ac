"""A leader gives an order to somebody else: that charges nobody anew (R4)."""

from __future__ import annotations

from agentd.core.effects import Alert, OrderChanged, Violation
from tests.core.story import Story, restarted, s

DUE = 1000
"""When the order of :func:`owed` is due."""


def owed() -> Story:
    """王芳 (1001) owes the order of a call that ended at 100."""
    story = Story()
    story.signs_in("1001", "1001", "王芳", at=-5)
    leg = story.talk()
    story.customer_ends(leg, at=100)
    story.until(105)
    return story


def charged(story: Story) -> list[tuple[str | None, float | None]]:
    return [(v.agent, s(v.at_us)) for v in story.said(Violation)]


def said_alerts(story: Story) -> list[Alert]:
    return [alert for alert in story.said(Alert) if alert.rule == "work_order"]


def latest(story: Story) -> OrderChanged:
    return [o for o in story.said(OrderChanged) if o.id == "pbx-li"][-1]


def test_whoever_gets_an_order_has_the_whole_time_for_it() -> None:
    story = owed()
    assert story.assigns("1002", "李雷", at=990) is None
    given = latest(story)
    assert (given.change, given.agent, s(given.due_us)) == ("assigned", "1002", 1890)
    assert given.seat == "PJSIP/1001", "where the call was"
    story.until(1889)
    assert charged(story) == []
    story.until(1900)
    assert charged(story) == [("1002", 1890)]
    assert story.said(Violation)[0].evidence[0] == "given to them 1790000990.000000"


def test_whoever_finishes_it_in_time_is_not_charged_nor_is_who_had_it_before() -> None:
    story = owed()
    story.assigns("1002", "李雷", at=990)
    story.complete(by="1002", at=1880)
    story.until(9000)
    assert charged(story) == []


def test_what_was_late_before_is_charged_once_and_not_to_whoever_gets_it() -> None:
    story = owed()
    story.until(1100)
    story.assigns("1002", "李雷", at=1100)
    story.until(9000)
    assert charged(story) == [("1001", DUE)]
    assert ("breach", 2000) in story.alerts("work_order"), "told all the same, as it is due"
    assert [(o.change, s(o.due_us)) for o in story.said(OrderChanged)][2:] == [
        ("overdue", DUE),
        ("assigned", 2000),
        ("overdue", 2000),
    ]


def test_what_was_late_before_stays_so_over_a_restart() -> None:
    story = owed()
    story.until(1100)
    story.assigns("1002", "李雷", at=1100)
    again = restarted(story, at=1200)
    again.lists(at=1200)
    again.until(9000)
    assert charged(again) == []
    assert ("breach", 2000) in again.alerts("work_order")


def test_an_order_that_was_given_away_is_charged_after_a_restart_too() -> None:
    story = owed()
    story.assigns("1002", "李雷", at=500)
    again = restarted(story, at=600)
    again.lists(at=600)
    again.until(9000)
    assert charged(again) == [("1002", 1400)]
    assert again.said(Violation)[0].evidence[0].startswith("given to them")


def test_alerts_go_to_whoever_has_it_now() -> None:
    story = owed()
    story.signs_in("1002", "1002", "李雷", at=110)
    story.until(750)
    assert story.alerts("work_order") == [("warning", 700)]
    story.assigns("1002", at=800)
    assert story.alerts("work_order")[1:] == [("cleared", 800)]
    story.until(1401)
    warned = said_alerts(story)[-1]
    assert (warned.agent, warned.seat, s(warned.at_us)) == ("1002", "PJSIP/1002", 1400)
    assert story.engine.state.people["1002"] == "1002"


def test_the_next_person_at_the_phone_sees_nothing_of_it() -> None:
    story = owed()
    story.signs_in("1001", "1003", "韩梅", at=110)
    story.assigns("1002", "李雷", at=120)
    assert story.engine.state.present_seat("1002", "PJSIP/1001") is None
    story.until(1100)
    assert said_alerts(story)[-1].seat is None


def test_a_charge_that_was_not_proved_falls_when_the_order_is_given_away() -> None:
    story = owed()
    story.link_down(at=900)
    story.until(1010)
    assert charged(story) == []
    story.assigns("1002", "李雷", at=1010)
    story.link_up(at=1020)
    story.lists(at=1020)
    story.until(1910)
    assert charged(story) == []
    story.until(1920)
    assert charged(story) == [("1002", 1910)]


def test_the_new_owner_calls_back_in_time() -> None:
    story = owed()
    story.signs_in("1002", "1002", "李雷", at=110)
    story.assigns("1002", "李雷", at=900)
    story.calls_back("1002", at=1790, answer=1795, end=3000)
    assert story.contacts == [("call_back", "pbx-li", "out", True)]
    story.complete(by="1002", at=3100)
    story.until(9000)
    assert charged(story) == []


def test_a_call_of_whoever_had_it_before_is_no_call_back_any_more() -> None:
    story = owed()
    story.assigns("1002", "李雷", at=900)
    story.calls_back("1001", at=910, answer=920, end=930)
    assert story.contacts == []


def test_who_has_not_signed_in_is_known_by_the_name_that_the_queue_gives() -> None:
    story = owed()
    story.member("1002", at=110, name="李雷")
    story.assigns("1002", "李雷", at=900)
    assert story.engine.state.present_seat("1002", "PJSIP/1001") == "PJSIP/1002"
    story.calls_back("1002", at=1790, answer=1795, end=3000)
    assert story.contacts == [("call_back", "pbx-li", "out", True)]


def test_an_order_given_away_during_its_call_is_due_when_the_call_is_over() -> None:
    story = Story()
    story.signs_in("1001", "1001", "王芳", at=-5)
    leg = story.talk()
    story.assigns("1002", "李雷", at=50)
    assert latest(story).due_us is None
    story.customer_ends(leg, at=100)
    story.until(9000)
    assert charged(story) == [("1002", DUE)]
    assert story.said(Violation)[0].evidence[0].startswith("last seat left")


def test_a_call_back_that_goes_on_keeps_the_order_in_time_for_whoever_gets_it() -> None:
    story = owed()
    story.dials_out("1001", "13800138000", at=990)
    story.far_answers(at=995)
    story.assigns("1002", "李雷", at=1200)
    story.until(5000)
    assert charged(story) == []
    story.far_ends(at=5000)
    story.until(5010)
    assert s(latest(story).due_us) == 5120


def test_giving_it_to_who_has_it_changes_nothing() -> None:
    story = owed()
    assert story.assigns("1001", "王芳", at=500) is None
    assert latest(story).change == "due"


def test_two_assignments_are_two_changes_with_moments_of_their_own() -> None:
    story = owed()
    story.assigns("1002", "李雷", at=500)
    story.assigns("1003", "韩梅", at=500)
    given = [o for o in story.said(OrderChanged) if o.change == "assigned"]
    assert [o.agent for o in given] == ["1002", "1003"]
    assert given[0].at_us < given[1].at_us


def test_a_completed_order_waits_for_the_call_back_of_whoever_has_it_now() -> None:
    story = owed()
    story.signs_in("1002", "1002", "李雷", at=110)
    story.complete(at=200)
    assert story.assigns("1002", "李雷", at=300) is None
    story.calls_back("1002", at=400, answer=405, end=500)
    assert story.contacts == [("call_back", "pbx-li", "out", True)]
    again = restarted(story, at=600)
    again.lists(at=600)
    assert again.engine.state.done["pbx-li"].agent == "1002"


def test_a_missed_call_stays_everybodys() -> None:
    story = Story()
    story.joins("li", at=0)
    story.gives_up("li", at=40)
    story.until(50)
    assert story.assigns("1002", "李雷", at=60) is None
    story.calls_back("1001", at=100, answer=110, end=120)
    assert latest(story).change == "called_back"
    assert latest(story).agent is None


def test_what_nobody_knows_is_given_to_nobody() -> None:
    story = Story()
    assert "pbx-li" in (story.assigns("1002", at=10) or "")
    assert story.assigns(" ", at=10) == "say who is to finish the order"


# --- what a restart must not make of it ---------------------------------------------------


def forgetful(story: Story, *, at: float) -> Story:
    """A restart that finds the order in the store, and nothing of its clock remembered."""
    again = Story(book=story.engine.state.book, seats=())
    again.seats = story.seats
    again.effects += again.engine.restore({}, [latest(story)])
    again.link_up(at=at)
    again.lists(at=at)
    return again


def test_an_order_whose_clock_was_forgotten_was_first_due_when_it_is_due() -> None:
    again = forgetful(owed(), at=500)
    again.signs_in("1001", "1001", "王芳", at=510)
    again.calls_back("1001", at=DUE + 10, answer=DUE + 12, end=DUE + 20)
    assert again.contacts == [("call_back", "pbx-li", "out", False)]
    assert charged(again) == [("1001", DUE)]


def test_a_restart_clears_no_alert_that_was_never_raised() -> None:
    again = forgetful(owed(), at=500)
    again.complete(at=510)
    assert said_alerts(again) == []
