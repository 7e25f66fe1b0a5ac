"""A call-back begun in time keeps its order from being overdue (:mod:`agentd.core.order_clock`)."""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.effects import OrderChanged, Violation
from tests.core.story import Story, restarted, s, us

DUE = 1000
"""When the order of :func:`call_over` is due."""


def call_over(story: Story, call: str = "li", seat: str = "1001", *, at: float = 0) -> Story:
    """A customer talked to a seat for 97 s; his order is due 900 s later."""
    leg = story.talk(call, seat, at=at)
    story.customer_ends(leg, at=at + 100)
    story.until(at + 105)
    return story


def violations(story: Story) -> list[float | None]:
    return [s(v.at_us) for v in story.said(Violation)]


# --- a call-back keeps the order from being overdue ---------------------------------------


def test_a_call_back_begun_in_time_is_in_time_however_long_it_lasts() -> None:
    """Begun ten minutes before the limit, talking for three hours."""
    story = call_over(Story())
    story.dials_out("1001", "13800138000", at=400)
    story.far_answers(at=410)
    story.until(10_800)
    assert story.alerts("work_order") == []
    story.far_ends(at=10_800)
    story.until(10_810)
    assert story.orders()[-1] == ("due", "PJSIP/1001", 10_920)
    assert story.alerts("work_order") == [("warning", 10_800)]
    story.complete(at=10_900)
    story.until(20_000)
    assert violations(story) == []
    assert story.contacts == [("call_back", "pbx-li", "out", True)]


def test_a_call_back_begun_too_late_extends_nothing() -> None:
    story = call_over(Story())
    story.dials_out("1001", "13800138000", at=DUE + 10)
    story.far_answers(at=DUE + 20)
    story.until(5000)
    story.far_ends(at=5000)
    story.settled()
    assert violations(story) == [DUE]
    assert story.contacts == [("call_back", "pbx-li", "out", False)]
    assert story.orders()[-1] == ("overdue", "PJSIP/1001", DUE)


def test_after_a_long_call_back_the_order_is_overdue_when_the_grace_is_over() -> None:
    story = call_over(Story())
    story.calls_back(at=990, answer=995, end=1500)
    story.until(5000)
    assert violations(story) == [1620]
    assert story.said(Violation)[0].evidence == (
        "last seat left 1790000100.000000",
        "due again after a call-back 1790001620.000000",
        "order still open",
    )


def test_the_grace_is_configured() -> None:
    story = call_over(Story(order_callback_grace_s=30.0))
    story.calls_back(at=990, answer=995, end=1500)
    story.until(5000)
    assert violations(story) == [1530]


def test_a_short_call_back_changes_no_limit_and_reminders_it_hid_stay_unsaid() -> None:
    story = call_over(Story())
    story.calls_back(at=690, answer=695, end=720)
    story.until(5000)
    assert story.orders()[-1] == ("overdue", "PJSIP/1001", DUE)
    assert story.alerts("work_order") == [("warning", 880), ("breach", DUE)]
    assert violations(story) == [DUE]


def test_a_reminder_that_ran_ends_when_a_call_back_moved_the_limit() -> None:
    story = call_over(Story())
    story.calls_back(at=900, answer=905, end=1200)
    assert story.alerts("work_order")[:3] == [("warning", 700), ("warning", 880), ("cleared", 1202)]
    story.until(5000)
    assert story.alerts("work_order")[3:] == [("warning", 1200), ("breach", 1320)]


def test_tries_put_off_the_limit_once_but_not_for_ever() -> None:
    story = call_over(Story())
    at = 980.0
    for n in range(20):
        story.calls_back(at=at, answer=None, end=at + 30, leg=f"try{n}")
        at += 40
    story.until(5000)
    # Only the one begun at 980 was begun before the limit.
    assert violations(story) == [980 + 30 + 120]
    assert [in_time for *_, in_time in story.contacts] == [True] + [False] * 19


def test_the_customer_who_comes_back_in_the_same_call_starts_the_clock_anew() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=50)
    story.hangup(leg, at=50)
    story.leaves("li", at=50)
    story.until(60)
    story.dials_out("1001", "13800138000", at=60)
    story.joins("li", at=61)
    again = story.offers("li", "1002", at=61)
    story.picks_up(again, at=63, source="li")
    story.far_ends(at=70)
    story.until(75)
    assert story.orders()[-1] == ("handed_over", "PJSIP/1002", None)
    story.hangup_request("li", at=100)
    story.hangup("li", again, at=100)
    story.settled()
    assert story.orders()[-1] == ("due", "PJSIP/1002", 1000)


def test_an_order_completed_while_its_call_back_goes_on_is_left_alone() -> None:
    story = call_over(Story())
    story.dials_out("1001", "13800138000", at=990)
    story.far_answers(at=995)
    story.until(1100)
    assert [change for change, *_ in story.orders()] == ["opened", "due"], "nobody says overdue"
    story.complete(at=1200)
    completed = story.said(OrderChanged)[-1]
    assert (completed.change, s(completed.due_us)) == ("completed", 1200), "it was not late"
    story.far_ends(at=1300)
    story.until(9000)
    assert violations(story) == []
    assert story.contacts == [("call_back", "pbx-li", "out", True)]


# --- click to dial ------------------------------------------------------------------------


def clicks(story: Story, *, at: float) -> None:
    """Asterisk rings the agent's own phone first."""
    story.channel("own", "PJSIP/1001", at=at)
    story.dials(None, "own", at=at)
    story.rings("own", at=at)


def clicked_through(story: Story, number: str, *, at: float) -> None:
    story.picks_up("own", at=at)
    story.channel("far", at=at)
    story.dials("own", "far", at=at, number=number)


def test_a_click_before_the_limit_is_a_call_back_begun_in_time() -> None:
    story = call_over(Story())
    clicks(story, at=995)
    story.until(1004)
    assert violations(story) == []
    clicked_through(story, "13800138000", at=1004)
    story.picks_up("far", at=1010, source="own")
    story.hangup("far", "own", at=1100)
    story.until(1110)
    assert story.contacts == [("call_back", "pbx-li", "own", True)]
    assert story.orders()[-1] == ("due", "PJSIP/1001", 1220)


def test_a_click_that_called_somebody_else_keeps_no_limit_from_passing() -> None:
    story = call_over(Story())
    clicks(story, at=995)
    story.until(1004)
    assert violations(story) == []
    clicked_through(story, "13900139000", at=1004)
    story.until(1004.1)
    assert violations(story) == [DUE]


def test_a_click_that_came_to_nothing_keeps_no_limit_from_passing() -> None:
    story = call_over(Story())
    clicks(story, at=995)
    story.until(1004)
    story.hangup("own", at=1004)
    story.until(1010)
    assert violations(story) == [DUE]


def test_a_click_on_another_seat_does_not_concern_the_order() -> None:
    story = call_over(Story(), seat="1002")
    clicks(story, at=995)
    story.until(1004)
    assert violations(story) == [DUE]


def test_of_two_calls_that_might_be_it_both_must_be_over() -> None:
    story = call_over(Story())
    clicks(story, at=990)
    story.dials_out("1001", "13800138000", at=992)
    story.until(1003)
    story.hangup("own", at=1003)
    story.until(1010)
    assert violations(story) == [], "the other one goes on"
    story.complete(at=1015)
    story.far_ends(at=1020)
    story.settled()
    assert violations(story) == []


# --- lost links and restarts --------------------------------------------------------------


def test_a_call_back_that_goes_on_over_a_lost_link_keeps_the_order_in_time() -> None:
    story = call_over(Story())
    story.dials_out("1001", "13800138000", at=900)
    story.far_answers(at=905)
    story.link_down(at=950)
    story.until(2000)
    assert violations(story) == []
    story.link_up(at=2000)
    story.lists(at=2000)
    story.until(2010)
    assert story.orders()[-1] == ("due", "PJSIP/1001", 2120)
    assert story.contacts == [("call_back", "pbx-li", "out", True)]


def test_a_call_back_that_goes_on_over_a_restart_keeps_the_order_in_time() -> None:
    story = call_over(Story())
    story.dials_out("1001", "13800138000", at=900)
    story.far_answers(at=905)
    again = restarted(story, at=2000)
    bridge = again.bridge_of["out"]
    again.lists(
        at=2000,
        channels=[
            again.listed("out", at=2000, bridge=bridge, age=1100),
            again.listed("out>far", at=2000, bridge=bridge, age=1100),
        ],
    )
    again.until(2500)
    assert violations(again) == []
    again.far_ends(at=2500)
    again.until(2510)
    assert again.orders()[-1] == ("due", "PJSIP/1001", 2620)
    assert again.contacts == [("call_back", "pbx-li", "out", True)]


def test_a_call_back_begun_unseen_before_the_limit_is_found_before_anybody_is_charged() -> None:
    """The order fell due while the link was lost; the snapshot shows an older call to him."""
    story = call_over(Story())
    story.link_down(at=950)
    story.until(1100)
    assert story.alerts("work_order")[-1] == ("breach", DUE), "our clock warns"
    assert violations(story) == []
    story.link_up(at=1100)
    found = [
        story.listed("out", at=1100, device="1001", bridge="b", age=110),
        story.listed("far", at=1100, bridge="b", age=110, num="13800138000", application="AppDial"),
    ]
    story.lists(at=1100, channels=found)
    story.until(1200)
    assert violations(story) == []
    story.hangup_request("far", at=1200)
    story.hangup("far", "out", at=1200)
    story.until(1210)
    assert story.contacts == [("call_back", "pbx-li", "out", True)]
    assert story.alerts("work_order")[3] == ("cleared", 1202)
    assert story.orders()[-1] == ("due", "PJSIP/1001", 1320)


def test_an_order_that_fell_due_while_the_link_was_lost_is_overdue_all_the_same() -> None:
    story = call_over(Story())
    story.link_down(at=950)
    story.until(1100)
    story.link_up(at=1100)
    assert violations(story) == []
    story.lists(at=1100)
    assert violations(story) == [DUE]


def test_without_a_snapshot_the_proof_is_waited_for_a_moment_only() -> None:
    story = call_over(Story())
    story.link_down(at=950)
    story.until(1100)
    story.link_up(at=1100)
    story.until(1101)
    assert violations(story) == []
    story.until(1102.1)
    assert violations(story) == [DUE]


def test_a_charge_that_waits_for_the_link_survives_a_restart() -> None:
    story = call_over(Story())
    story.link_down(at=950)
    story.until(1100)
    assert violations(story) == []
    again = restarted(story, at=1200)
    again.until(1201)
    assert violations(again) == []
    again.lists(at=1201)
    assert violations(again) == [DUE]
    assert again.alerts("work_order") == [], "it was told already"
    remembered = again.engine.take_memory()["order:pbx-li"]
    assert remembered is not None
    assert b'"charge_waits":false' in remembered, "it is charged once"


def test_a_recording_that_ends_in_the_gap_says_what_was_overdue() -> None:
    story = call_over(Story())
    story.link_down(at=950)
    story.until(1100)
    story.ends()
    assert violations(story) == [DUE]


def test_a_call_back_that_the_link_was_slow_to_tell_takes_the_charge_back() -> None:
    story = call_over(Story())
    engine = story.engine
    engine.heard(us(990))
    story.until(1005)
    assert story.alerts("work_order")[-1] == ("breach", DUE)
    story.dials_out("1001", "13800138000", at=999)
    story.effects += engine.heard(us(1010))
    assert violations(story) == []
    engine.heard(us(9000))
    story.far_ends(at=1030)
    story.until(1040)
    assert story.orders()[-1] == ("due", "PJSIP/1001", 1150)


def test_what_is_awaited_is_remembered_with_the_order() -> None:
    story = call_over(Story())
    story.calls_back(at=990, answer=995, end=1500)
    again = restarted(story, at=1550)
    again.lists(at=1550)
    again.calls_back(at=1555, answer=1560, end=3000, leg="late")
    again.until(5000)
    assert again.contacts == [("call_back", "pbx-li", "late", False)]
    assert violations(again) == [1620]


def test_completed_orders_are_remembered_for_their_call_backs() -> None:
    story = call_over(Story())
    story.complete(at=200)
    again = restarted(story, at=250)
    again.lists(at=250)
    again.calls_back(at=300, answer=305, end=400)
    assert again.contacts == [("call_back", "pbx-li", "out", True)]


def test_an_order_from_before_numbers_were_stored_is_called_back_all_the_same() -> None:
    story = call_over(Story())
    stored = story.said(OrderChanged)[-1]
    again = Story(seats=())
    again.seats = ("1001",)
    again.engine.restore({"order:pbx-li": b"1"}, [replace(stored, numbers=())])
    again.link_up(at=750)
    again.lists(at=750)
    again.calls_back(at=760, answer=765, end=800)
    again.until(2000)
    assert again.contacts == [("call_back", "pbx-li", "out", True)]
    assert again.alerts("work_order") == [("warning", 880), ("breach", DUE)]


def test_a_late_completion_is_not_charged_when_a_call_back_was_begun_in_time_unseen() -> None:
    story = call_over(Story())
    story.link_down(at=900)
    story.until(1010)
    story.complete(at=1010)
    story.link_up(at=1020)
    found = [
        story.listed("out", at=1020, device="1001", bridge="b", age=70),
        story.listed("far", at=1020, bridge="b", age=70, num="13800138000", application="AppDial"),
    ]
    story.lists(at=1020, channels=found)
    story.until(1100)
    assert violations(story) == []


def test_that_an_order_is_overdue_is_said_once_it_is_proved() -> None:
    story = call_over(Story())
    story.link_down(at=900)
    story.until(1100)
    assert story.orders()[-1][0] == "due"
    story.link_up(at=1100)
    story.lists(at=1100)
    story.until(1110)
    assert story.orders()[-1] == ("overdue", "PJSIP/1001", DUE)
    assert s(story.said(OrderChanged)[-1].at_us) == DUE
    story.until(3000)
    assert [change for change, *_ in story.orders()].count("overdue") == 1


def test_a_late_completion_says_by_itself_that_it_was_late() -> None:
    story = call_over(Story())
    story.link_down(at=900)
    story.until(1010)
    story.complete(at=1010)
    story.link_up(at=1020)
    story.lists(at=1020)
    story.until(1100)
    assert violations(story) == [DUE]
    assert [change for change, *_ in story.orders()] == ["opened", "due", "completed"]
    assert s(story.said(OrderChanged)[-1].due_us) == DUE


def test_a_missed_call_is_overdue_when_nobody_called_back() -> None:
    story = Story()
    story.joins("li", at=0)
    story.gives_up("li", at=40)
    story.until(2000)
    assert story.orders() == [("opened", None, 940), ("overdue", None, 940)]


def test_what_is_begun_or_completed_at_the_very_limit_is_in_time() -> None:
    story = call_over(Story())
    story.calls_back(at=DUE, answer=DUE + 5, end=1500)
    assert story.contacts == [("call_back", "pbx-li", "out", True)]
    story.complete(at=1620)
    clicked = call_over(Story())
    clicks(clicked, at=DUE)
    clicked.until(DUE + 3)
    assert violations(clicked) == []
    completed = call_over(Story())
    completed.complete(at=DUE)
    for each in (story, completed):
        each.until(5000)
        assert violations(each) == []
