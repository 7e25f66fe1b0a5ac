"""Missed calls: one order for a caller, which closes itself when he is spoken to (R4)."""

from __future__ import annotations

from agentd.core.effects import OrderChanged, OrderContact
from tests.core.story import Story, restarted, s


def missed(
    story: Story, call: str = "li", *, at: float = 0, num: str | None = "13800138000"
) -> str:
    """A caller waits for 40 s and gives up."""
    story.joins(call, at=at, num=num)
    story.until(at + 40)
    story.gives_up(call, at=at + 40)
    story.until(at + 50)


def served(story: Story, call: str = "again", *, at: float, num: str = "13800138000") -> None:
    story.joins(call, at=at, num=num)
    leg = story.offers(call, "1001", at=at)
    story.answers(leg, at=at + 3)
    story.customer_ends(leg, at=at + 60)
    story.until(at + 65)


def changes(story: Story, call: str = "li") -> list[str]:
    return [change for change, _, _ in story.orders(call)]


# --- folding ------------------------------------------------------------------------------


def test_a_caller_who_is_missed_again_waits_for_one_call_back() -> None:
    story = Story()
    missed(story)
    missed(story, "wang", at=100, num="+8613800138000")
    missed(story, "zhao", at=200)
    assert changes(story) == ["opened", "folded", "folded"]
    assert story.orders("wang") == story.orders("zhao") == []
    last = story.said(OrderChanged)[-1]
    assert (last.folded, s(last.due_us)) == (2, 940), "it stays due when the first one was"
    assert story.contacts == [
        ("missed_again", "pbx-li", "wang", None),
        ("missed_again", "pbx-li", "zhao", None),
    ]
    contact = story.said(OrderContact)[0]
    assert (contact.call, contact.number, s(contact.at_us)) == ("wang", "+8613800138000", 100)


def test_callers_who_withhold_their_number_are_not_one_person() -> None:
    story = Story()
    missed(story, num="anonymous")
    missed(story, "wang", at=100, num="anonymous")
    assert changes(story) == changes(story, "wang") == ["opened"]


def test_two_callers_are_two_orders() -> None:
    story = Story()
    missed(story)
    missed(story, "wang", at=100, num="13900139000")
    assert changes(story) == changes(story, "wang") == ["opened"]


def test_after_the_order_is_complete_the_next_missed_call_opens_one() -> None:
    story = Story()
    missed(story)
    story.complete(at=60)
    missed(story, "wang", at=100)
    assert changes(story, "wang") == ["opened"]
    assert story.contacts == []


def test_an_order_of_an_answered_call_takes_no_missed_call_in() -> None:
    story = Story()
    served(story, "li", at=0)
    missed(story, "wang", at=100)
    assert changes(story, "wang") == ["opened"]


def test_missed_calls_fold_over_a_restart() -> None:
    story = Story()
    missed(story)
    again = restarted(story, at=90)
    again.lists(at=90)
    missed(again, "wang", at=100)
    assert changes(again) == ["folded"]


def test_two_that_gave_up_at_the_same_moment_are_two_changes() -> None:
    story = Story()
    missed(story)
    for call in ("wang", "zhao"):
        story.joins(call, at=100)
    for call in ("wang", "zhao"):
        story.gives_up(call, at=110)
    story.settled()
    folded = [o for o in story.said(OrderChanged) if o.change == "folded"]
    assert len({o.at_us for o in folded}) == 2


# --- closing ------------------------------------------------------------------------------


def test_it_closes_when_the_caller_gets_through() -> None:
    story = Story()
    missed(story)
    served(story, at=100)
    assert changes(story) == ["opened", "got_through"]
    closed = [o for o in story.said(OrderChanged) if o.id == "pbx-li"][-1]
    assert (closed.status, closed.change, closed.completed_by) == ("completed", "got_through", None)
    assert s(closed.completed_us) == 103
    assert story.contacts == [("called_again", "pbx-li", "again>1001", None)]
    story.until(2000)
    assert ("breach", 940) not in story.alerts("work_order")


def test_it_closes_when_anybody_calls_back_and_is_answered() -> None:
    story = Story()
    missed(story)
    story.calls_back("1002", "013800138000", at=100, answer=110, end=150)
    closed = story.said(OrderChanged)[-1]
    assert (closed.change, closed.completed_by, s(closed.completed_us)) == (
        "called_back",
        None,
        110,
    )
    assert story.contacts == [("call_back", "pbx-li", "out", True)]


def test_a_try_that_nobody_answers_leaves_it_open() -> None:
    story = Story()
    missed(story)
    story.calls_back("1002", at=100, answer=None, end=150)
    assert changes(story) == ["opened"]
    assert story.contacts == [("attempt", "pbx-li", "out", True)]


def test_closing_ends_its_alert() -> None:
    story = Story()
    missed(story)
    story.until(1000)
    assert story.alerts("work_order") == [("breach", 940)]
    story.calls_back(at=1000, answer=1010, end=1020)
    assert story.alerts("work_order") == [("breach", 940), ("cleared", 1010)]
    assert story.told("work_order", "cleared") == ("shift_leader",)
    assert story.contacts == [("call_back", "pbx-li", "out", False)]


def test_a_call_back_that_still_rings_at_the_limit_is_no_breach() -> None:
    story = Story()
    missed(story)
    story.dials_out("1001", "13800138000", at=930)
    story.until(950)
    assert story.alerts("work_order") == []
    story.far_answers(at=955)
    assert changes(story) == ["opened", "called_back"]


def test_another_caller_closes_nothing() -> None:
    story = Story()
    missed(story)
    served(story, at=100, num="13900139000")
    assert changes(story) == ["opened"]


def test_a_call_back_found_in_a_snapshot_closes_it() -> None:
    story = Story()
    missed(story)
    story.link_down(at=60)
    story.link_up(at=100)
    found = [
        story.listed("out", at=100, device="1001", bridge="b", age=10),
        story.listed("far", at=100, bridge="b", age=10, num="13800138000", application="AppDial"),
    ]
    story.lists(at=100, channels=found)
    assert changes(story) == ["opened", "called_back"]


# --- within the settle time, before it is known that nobody answered ----------------------


def given_up(story: Story) -> None:
    """A caller gave up at 40; his order is opened two seconds later."""
    story.joins("li", at=0)
    story.until(40)
    story.gives_up("li", at=40)


def test_who_is_called_back_at_once_is_called_back() -> None:
    story = Story()
    given_up(story)
    story.dials_out("1002", "13800138000", at=41)
    story.until(50)
    assert changes(story) == ["opened"]
    story.far_answers(at=55)
    story.far_ends(at=80)
    story.settled()
    assert changes(story) == ["opened", "called_back"]
    assert story.contacts == [("call_back", "pbx-li", "out", True)]
    contact = story.said(OrderContact)[0]
    assert (s(contact.at_us), contact.number) == (41, "+8613800138000")


def test_who_took_the_call_back_before_the_order_was_there_waits_for_nobody() -> None:
    story = Story()
    given_up(story)
    story.calls_back("1002", at=40.5, answer=41, end=60)
    assert changes(story) == ["opened", "called_back"]
    assert story.contacts == [("call_back", "pbx-li", "out", True)]
    assert story.said(OrderContact)[0].talk_us == 19_000_000
    story.until(2000)
    assert story.alerts("work_order") == []


def test_a_try_that_was_over_before_the_order_was_there_is_a_try() -> None:
    story = Story()
    given_up(story)
    story.calls_back("1002", at=40.5, answer=None, end=41)
    assert changes(story) == ["opened"]
    assert story.contacts == [("attempt", "pbx-li", "out", True)]


def test_who_gets_through_at_once_waits_for_nobody() -> None:
    story = Story()
    given_up(story)
    leg = story.talk("again", at=40.2, answer=1)
    story.until(50)
    assert changes(story) == ["opened", "got_through"]
    story.customer_ends(leg, at=90)
    story.settled()
    assert story.contacts == [("called_again", "pbx-li", "again>1001", None)]
    assert s(story.said(OrderContact)[0].at_us) == 40.2
    story.until(900)
    assert ("breach", 940) not in story.alerts("work_order")


def test_whom_somebody_else_calls_from_the_same_number_is_not_served_by_that() -> None:
    """A company has one number: the colleague who talks already is not who gave up."""
    story = Story()
    colleague = story.talk("colleague", at=-5, answer=2)
    given_up(story)
    story.until(50)
    assert changes(story) == ["opened"]
    story.customer_ends(colleague, at=60)
    story.settled()
    assert story.contacts == []


def test_a_call_to_the_caller_that_was_over_before_is_no_call_back() -> None:
    story = Story()
    story.joins("li", at=0)
    story.dials_out("1002", "13800138000", at=38)
    story.dial_ends("out", "out>far", "BUSY", at=39)
    story.far_ends(at=39.5)
    story.until(40)
    story.gives_up("li", at=40)
    story.settled()
    assert changes(story) == ["opened"]
    assert story.contacts == []


def test_other_calls_within_the_settle_time_change_nothing() -> None:
    story = Story()
    given_up(story)
    story.dials_out("1002", "13900139000", at=41)
    ringing = story.offers("wang", "1001", at=41)
    story.until(50)
    assert changes(story) == ["opened"]
    story.gives_up("wang", ringing, at=60)
    story.far_ends(at=60)
    story.settled()
    assert story.contacts == []


def test_a_withheld_number_within_the_settle_time_is_nobody() -> None:
    story = Story()
    story.joins("li", at=0, num="anonymous")
    story.gives_up("li", at=40)
    story.dials_out("1002", "anonymous", at=41)
    story.until(50)
    assert changes(story) == ["opened"]
    story.far_ends(at=60)
    story.settled()
    assert story.contacts == []


def test_who_rings_again_when_the_order_is_opened_got_through_only_when_answered() -> None:
    story = Story()
    given_up(story)
    story.joins("again", at=41)
    leg = story.offers("again", "1001", at=41)
    story.until(45)
    assert changes(story) == ["opened"]
    story.answers(leg, at=46)
    assert changes(story) == ["opened", "got_through"]
