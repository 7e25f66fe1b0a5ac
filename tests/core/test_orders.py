"""R4 while it happens: who owes which order, until when (:mod:`agentd.core.orders`)."""

from __future__ import annotations

from agentd.core.effects import Alert, OrderChanged, Violation
from agentd.core.policy import Policy, PolicyBook
from tests.core.story import Story, length, restarted, s


def call_over(story: Story, *, at: float = 100) -> str:
    """A customer talked to a seat until ``at``."""
    leg = story.talk(at=0, answer=3)
    story.customer_ends(leg, at=at)
    story.until(at + 5)
    return leg


# --- opening and falling due --------------------------------------------------------------


def test_an_order_is_opened_at_the_answer_and_due_after_the_last_seat_left() -> None:
    story = Story()
    story.member("1001", at=-5, name="王芳")
    call_over(story, at=100)
    assert story.orders() == [("opened", "PJSIP/1001", None), ("due", "PJSIP/1001", 1000)]
    opened, due = story.said(OrderChanged)
    assert (opened.kind, opened.id, opened.call) == ("call", "pbx-li", "li")
    assert (opened.agent, opened.queue, opened.caller) == ("王芳", "hotline", "13800138000")
    assert s(opened.opened_us) == s(opened.at_us) == 3
    assert s(due.at_us) == 100


def test_two_reminders_the_breach_and_the_shift_leader() -> None:
    story = Story()
    call_over(story, at=100)
    story.until(2000)
    assert story.alerts("work_order") == [("warning", 700), ("warning", 880), ("breach", 1000)]
    assert story.told("work_order", "warning") == ("seat",)
    assert story.told("work_order", "breach") == ("seat", "shift_leader")
    assert story.violations == [("work_order", None, 1000)]
    violation = story.said(Violation)[0]
    assert length(violation.value_us) == length(violation.limit_us) == 900
    assert violation.evidence == ("last seat left 1790000100.000000", "order still open")
    assert [length(a.value_us) for a in story.said(Alert)] == [600, 780, 900]


def test_completed_in_time_nothing_is_said() -> None:
    story = Story()
    call_over(story, at=100)
    assert story.complete(at=650) is None
    story.until(2000)
    assert story.said(Alert) == []
    assert story.orders()[-1] == ("completed", "PJSIP/1001", 1000)


def test_completing_ends_the_reminder() -> None:
    story = Story()
    call_over(story, at=100)
    story.until(750)
    story.complete(at=800)
    story.until(2000)
    assert story.alerts("work_order") == [("warning", 700), ("cleared", 800)]
    assert story.told("work_order", "cleared") == ("seat",)
    assert length(story.said(Alert)[-1].value_us) == 700
    assert story.violations == []


def test_completing_too_late_ends_the_breach_for_all_who_were_told() -> None:
    story = Story()
    call_over(story, at=100)
    story.until(1100)
    story.complete(at=1200)
    assert story.alerts("work_order")[-1] == ("cleared", 1200)
    assert story.told("work_order", "cleared") == ("seat", "shift_leader")
    assert len(story.violations) == 1


def test_an_order_may_be_completed_while_the_call_goes_on() -> None:
    story = Story()
    leg = story.talk()
    story.complete(at=50)
    story.customer_ends(leg, at=100)
    story.until(3000)
    assert [change for change, _, _ in story.orders()] == ["opened", "completed"]
    assert story.said(Alert) == []


def test_an_order_completed_in_mid_call_is_not_opened_again_by_the_next_seat() -> None:
    story = Story()
    leg = story.talk()
    story.complete(at=20)
    story.blind_transfer(leg, at=50)
    story.leaves("li", at=50)
    story.hangup(leg, at=50)
    story.channel("li>1002", "PJSIP/1002", at=50)
    story.dials("li", "li>1002", at=50)
    story.rings("li>1002", at=50)
    story.answers("li>1002", at=53, queue=None)
    story.customer_ends("li>1002", at=80)
    story.settled()
    assert [change for change, _, _ in story.orders()] == ["opened", "completed"]


def test_a_refused_completion_changes_nothing() -> None:
    story = Story()
    call_over(story)
    assert story.complete(by=" ", at=200) == "work order pbx-li: say who completed it"
    assert story.orders()[-1][0] == "due"


def test_no_such_order() -> None:
    assert Story().complete("nobody", at=1) == "there is no open work order pbx-nobody"


def test_several_orders_may_be_owed_at_once() -> None:
    story = Story()
    for number, call in enumerate(("li", "wang")):
        leg = story.talk(call, at=number * 50, answer=3)
        story.customer_ends(leg, at=number * 50 + 20)
    story.until(3000)
    assert [s(v.at_us) for v in story.said(Violation)] == [920, 970]
    assert len({v.id for v in story.said(Violation)}) == 2


# --- transfers ----------------------------------------------------------------------------


def transferred(story: Story, *, answer: float | None) -> None:
    leg = story.talk()
    story.blind_transfer(leg, at=50)
    story.leaves("li", at=50)
    story.hangup(leg, at=50)
    story.channel("li>1002", "PJSIP/1002", at=50)
    story.dials("li", "li>1002", at=50)
    story.rings("li>1002", at=50)
    if answer is not None:
        story.until(answer)
        story.answers("li>1002", at=answer, queue=None)


def test_on_transfer_the_order_is_handed_over_when_the_second_seat_answers() -> None:
    story = Story()
    transferred(story, answer=58)
    story.customer_ends("li>1002", at=100)
    story.settled()
    assert story.orders() == [
        ("opened", "PJSIP/1001", None),
        ("handed_over", "PJSIP/1002", None),
        ("due", "PJSIP/1002", 1000),
    ]


def test_a_transfer_that_nobody_takes_is_due_from_when_the_first_seat_left() -> None:
    story = Story()
    transferred(story, answer=None)
    story.gives_up("li", "li>1002", at=57)
    story.settled()
    assert story.orders()[-1] == ("due", "PJSIP/1001", 950)
    assert len([o for o in story.orders() if o[0] == "opened"]) == 1
    assert story.calls["li"].outcome == "answered"


def test_a_customer_who_comes_back_to_the_same_seat_stops_the_clock() -> None:
    """Sent to an announcement, back in the queue, and with the same seat again."""
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=50)
    story.hangup(leg, at=50)
    story.leaves("li", at=50)
    story.until(60)
    assert story.orders()[-1] == ("due", "PJSIP/1001", 950)
    story.joins("li", at=60)
    again = story.offers("li", "1001", at=60, leg="li>1001 again")
    story.rings(again, at=60)
    story.picks_up(again, at=62, source="li")
    assert story.orders()[-1] == ("resumed", "PJSIP/1001", None)
    story.hangup_request("li", at=100)
    story.hangup("li", again, at=100)
    story.settled()
    assert story.orders()[-1] == ("due", "PJSIP/1001", 1000)


def test_back_at_the_same_seat_before_it_was_judged_changes_no_order() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=50)
    story.hangup(leg, at=50)
    story.leaves("li", at=50)
    story.channel("again", "PJSIP/1001", at=50.5)
    story.dials("li", "again", at=50.5)
    story.picks_up("again", at=51, source="li")
    assert story.orders() == [("opened", "PJSIP/1001", None)]


def test_reminders_that_ran_end_when_a_seat_takes_the_customer_again() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=50)
    story.hangup(leg, at=50)
    story.leaves("li", at=50)
    story.until(660)
    story.joins("li", at=660)
    again = story.offers("li", "1002", at=660)
    story.picks_up(again, at=662, source="li")
    assert story.alerts("work_order") == [("warning", 650), ("cleared", 662)]
    story.until(3000)
    assert len(story.alerts("work_order")) == 2, "no deadline runs while a seat has the customer"


# --- missed calls -------------------------------------------------------------------------


def missed(story: Story) -> None:
    story.joins("li", at=0)
    story.until(40)
    story.gives_up("li", at=40)
    story.until(50)


def test_a_call_that_nobody_answered_opens_an_order_that_is_no_seats() -> None:
    story = Story()
    missed(story)
    assert story.orders() == [("opened", None, 940)]
    order = story.said(OrderChanged)[0]
    assert (order.kind, order.queue, order.caller) == ("missed", "hotline", "13800138000")


def test_a_missed_call_that_nobody_returns_is_told_to_the_leader_and_charged_to_nobody() -> None:
    story = Story()
    missed(story)
    story.until(2000)
    assert story.alerts("work_order") == [("breach", 940)]
    assert story.told("work_order", "breach") == ("shift_leader",)
    assert story.violations == []
    story.complete(at=2100)
    assert story.told("work_order", "cleared") == ("shift_leader",)


def test_a_customer_who_hung_up_before_any_queue_or_seat_owes_us_nothing() -> None:
    story = Story()
    story.channel("li", at=0, num="13800138000")
    story.hangup_request("li", at=5)
    story.hangup("li", at=5)
    story.settled()
    assert story.said(OrderChanged) == []
    assert story.calls == {}


# --- outbound -----------------------------------------------------------------------------


def outbound(story: Story) -> None:
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("far", at=0)
    story.dials("own", "far", at=0, number="13900139000")
    story.picks_up("far", at=5, source="own")
    story.enters("far", "b", at=5)
    story.enters("own", "b", at=5)
    story.hangup_request("far", at=60)
    story.hangup("far", "own", at=60)
    story.settled()


def test_an_outbound_call_opens_no_order() -> None:
    story = Story()
    outbound(story)
    assert story.said(OrderChanged) == []


def test_an_outbound_call_opens_one_where_configured() -> None:
    story = Story(outbound_opens_order=True)
    outbound(story)
    assert story.orders("own") == [("opened", "PJSIP/1001", None), ("due", "PJSIP/1001", 960)]
    assert story.said(OrderChanged)[0].caller == "13900139000"
    assert story.engine.state.calls == {}


# --- restarts -----------------------------------------------------------------------------


def test_after_a_restart_the_deadline_goes_on_and_no_second_order_is_opened() -> None:
    story = Story()
    call_over(story, at=100)
    story.until(750)
    again = restarted(story, at=800)
    again.lists(at=800)
    again.until(2000)
    assert [order.change for order in again.said(OrderChanged)] == ["overdue"]
    assert again.alerts("work_order") == [("warning", 880), ("breach", 1000)]
    assert again.violations == [("work_order", None, 1000)]


def test_a_deadline_that_passed_while_the_daemon_was_down_fires_at_once_at_its_moment() -> None:
    story = Story()
    call_over(story, at=100)
    again = restarted(story, at=5000)
    again.lists(at=5000)
    again.until(5000.1)
    assert again.alerts("work_order") == [("warning", 700), ("warning", 880), ("breach", 1000)]
    assert again.violations == [("work_order", None, 1000)]


def test_a_restart_in_mid_call_keeps_the_one_order() -> None:
    story = Story()
    leg = story.talk()
    again = restarted(story, at=50)
    bridge = again.bridge_of[leg]
    again.lists(
        at=50,
        channels=[
            again.listed("li", at=50, bridge=bridge),
            again.listed(leg, at=50, bridge=bridge, application="AppQueue"),
        ],
    )
    again.customer_ends(leg, at=100)
    again.settled()
    assert again.orders() == [("due", "PJSIP/1001", 1000)]
    assert not again.leg(leg).estimated


def test_each_queue_has_its_own_time_for_orders() -> None:
    book = PolicyBook(Policy(), queues={"hotline": {"order_due_s": 60.0, "order_remind_s": ()}})
    story = Story(book=book)
    call_over(story, at=100)
    story.until(500)
    assert story.alerts("work_order") == [("breach", 160)]
