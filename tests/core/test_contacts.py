"""Calls that belong to an order beside its own (:mod:`agentd.core.contacts`)."""

from __future__ import annotations

import pytest

from agentd.core.effects import OrderChanged, OrderContact, Violation
from agentd.core.phone import NumberRules
from agentd.core.policy import Policy, PolicyBook
from tests.core.story import Story, length, s

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


# --- the owner calls back -----------------------------------------------------------------


def test_a_call_back_is_evidence_for_the_order() -> None:
    story = call_over(Story())
    story.calls_back(at=300, answer=305, end=400)
    (contact,) = story.said(OrderContact)
    assert story.contacts == [("call_back", "pbx-li", "out", True)]
    assert (s(contact.at_us), contact.call, contact.number) == (300, "out", "+8613800138000")
    assert length(contact.talk_us) == 95


def test_a_try_that_nobody_answers_counts_as_tried() -> None:
    story = call_over(Story())
    story.calls_back(at=300, answer=None, end=330)
    assert story.contacts == [("attempt", "pbx-li", "out", True)]
    assert story.said(OrderContact)[0].talk_us is None


@pytest.mark.parametrize("number", ["+8613800138000", "008613800138000", "913800138000"])
def test_the_same_caller_is_known_however_his_number_is_dialled(number: str) -> None:
    book = PolicyBook(numbers=NumberRules(outside_line=("9",)))
    story = call_over(Story(book=book))
    story.calls_back(number=number, at=300, answer=305, end=400)
    assert [kind for kind, *_ in story.contacts] == ["call_back"]


def test_a_call_to_somebody_else_is_no_call_back() -> None:
    story = call_over(Story())
    story.calls_back(number="13900139000", at=300, answer=305, end=400)
    assert story.contacts == []


def test_a_call_by_somebody_else_is_no_call_back() -> None:
    story = call_over(Story())
    story.calls_back("1002", at=300, answer=305, end=400)
    assert story.contacts == []


def test_the_owner_may_call_back_from_another_phone() -> None:
    story = Story()
    story.signs_in("1001", "li.na", "李娜", at=-5)
    call_over(story)
    story.signs_in("1002", "li.na", "李娜", at=200)
    story.calls_back("1002", at=300, answer=305, end=400)
    assert [kind for kind, *_ in story.contacts] == ["call_back"]
    assert story.said(OrderContact)[0].agent == "li.na"


def test_who_owed_an_order_by_name_before_signing_in_is_the_same_person() -> None:
    story = Story()
    story.member("1001", at=-5, name="李娜")
    call_over(story)
    story.signs_in("1002", "li.na", "李娜", at=200)
    story.calls_back("1002", at=300, answer=305, end=400)
    assert [kind for kind, *_ in story.contacts] == ["call_back"]


def test_a_withheld_number_is_nobodys() -> None:
    story = Story()
    story.joins("li", at=0, num="anonymous")
    leg = story.offers("li", "1001", at=0)
    story.answers(leg, at=3)
    story.customer_ends(leg, at=100)
    story.calls_back(number="anonymous", at=300, answer=305, end=400)
    assert story.said(OrderChanged)[0].numbers == ()
    assert story.contacts == []


def test_every_number_of_the_order_counts() -> None:
    story = call_over(Story())
    assert story.numbers("13800138000", "+8613900139000", "withheld", at=200) is None
    changed = story.said(OrderChanged)[-1]
    assert (changed.change, changed.numbers) == ("numbers", ("+8613800138000", "+8613900139000"))
    story.calls_back(number="13900139000", at=300, answer=305, end=400)
    assert [kind for kind, *_ in story.contacts] == ["call_back"]


def test_a_number_that_was_taken_away_counts_no_more() -> None:
    story = call_over(Story())
    story.numbers("13900139000", at=200)
    story.calls_back(at=300, answer=305, end=400)
    assert story.contacts == []


def test_the_same_numbers_again_change_nothing() -> None:
    story = call_over(Story())
    changes = len(story.orders())
    assert story.numbers("13800138000", at=200) is None
    assert len(story.orders()) == changes


def test_two_changes_of_the_numbers_at_one_moment_are_two() -> None:
    story = call_over(Story())
    story.numbers("13900139000", at=200)
    story.numbers("13900139001", at=200)
    assert len({o.at_us for o in story.said(OrderChanged) if o.change == "numbers"}) == 2


def test_numbers_of_an_order_that_nobody_knows_are_refused() -> None:
    assert Story().numbers("13900139000", call="nobody", at=1) == (
        "no work order pbx-nobody is open or was completed of late"
    )


def test_two_orders_of_one_caller_are_both_called_back() -> None:
    story = call_over(Story())
    call_over(story, "li2", at=200)
    story.effects.clear()
    story.calls_back(at=400, answer=405, end=450)
    assert story.contacts == [
        ("call_back", "pbx-li", "out", True),
        ("call_back", "pbx-li2", "out", True),
    ]


def test_another_number_dialled_on_the_same_line_makes_the_first_a_try() -> None:
    story = call_over(Story())
    story.numbers("13800138000", "13900139000", at=200)
    story.dials_out("1001", "13800138000", at=300)
    story.dial_ends("out", "out>far", "BUSY", at=310)
    story.channel("second", at=311)
    story.dials("out", "second", at=311, number="13900139000")
    story.picks_up("second", at=320, source="out")
    story.hangup("second", "out", at=350)
    story.settled()
    assert story.contacts == [
        ("attempt", "pbx-li", "out", True),
        ("call_back", "pbx-li", "out", True),
    ]
    assert [s(c.at_us) for c in story.said(OrderContact)] == [300, 311]


def test_a_second_trunk_for_the_same_number_is_the_same_call_back() -> None:
    story = call_over(Story())
    story.dials_out("1001", "13800138000", at=300)
    story.dial_ends("out", "out>far", "CONGESTION", at=300.2)
    story.channel("second", at=300.3)
    story.dials("out", "second", at=300.3, number="013800138000")
    story.picks_up("second", at=310, source="out")
    story.hangup("second", "out", at=350)
    story.settled()
    assert story.contacts == [("call_back", "pbx-li", "out", True)]


# --- completed orders ---------------------------------------------------------------------


def test_a_delayed_reply_is_linked_although_the_order_was_completed_before() -> None:
    story = call_over(Story())
    story.complete(at=200)
    story.calls_back(at=300, answer=305, end=400)
    story.calls_back(at=1500, answer=1505, end=1600, leg="late")
    assert story.contacts == [
        ("call_back", "pbx-li", "out", True),
        ("call_back", "pbx-li", "late", False),
    ]


def test_an_order_completed_in_mid_call_is_due_from_the_hang_up_for_its_call_back() -> None:
    story = Story()
    leg = story.talk()
    story.complete(at=50)
    story.customer_ends(leg, at=100)
    story.until(110)
    story.calls_back(at=990, answer=995, end=998)
    story.calls_back(at=1010, answer=1015, end=1020, leg="late")
    assert [in_time for *_, in_time in story.contacts] == [True, False]


def test_numbers_of_a_completed_order_count_too() -> None:
    story = call_over(Story())
    story.complete(at=200)
    changes = len(story.orders())
    assert story.numbers("13900139000", at=210) is None
    assert len(story.orders()) == changes
    story.calls_back(number="13900139000", at=300, answer=305, end=400)
    assert [kind for kind, *_ in story.contacts] == ["call_back"]


def test_a_day_after_its_completion_nobody_waits_any_more() -> None:
    story = call_over(Story())
    story.complete(at=200)
    story.until(200 + 24 * 3600 + 1)
    state = story.engine.state
    assert state.done == state.by_number == {}
    assert story.engine.take_memory()["done:pbx-li"] is None


# --- the caller again ---------------------------------------------------------------------


def test_the_caller_of_an_unfinished_order_gets_through_again() -> None:
    """From 139… and from +86139…, within the hour: one caller, an order each."""
    story = call_over(Story())
    story.joins("again", at=400, num="+8613800138000")
    leg = story.offers("again", "1002", at=400)
    story.answers(leg, at=404)
    story.customer_ends(leg, at=450)
    story.settled()
    assert story.contacts == [("called_again", "pbx-li", "again>1002", None)]
    contact = story.said(OrderContact)[0]
    assert (s(contact.at_us), length(contact.talk_us)) == (400, 46)
    assert [change for change, *_ in story.orders("again")] == ["opened", "due"]
    assert story.orders()[-1] == ("due", "PJSIP/1001", DUE)


def test_a_transfer_is_not_the_caller_coming_again_twice() -> None:
    story = call_over(Story())
    leg = story.talk("again", "1002", at=400)
    story.blind_transfer(leg, at=420)
    story.leaves("again", at=420)
    story.hangup(leg, at=420)
    story.channel("again>1003", "PJSIP/1003", at=420)
    story.dials("again", "again>1003", at=420)
    story.answers("again>1003", at=425, queue=None)
    story.customer_ends("again>1003", at=450)
    story.settled()
    assert [leg for _, _, leg, _ in story.contacts] == ["again>1002"]


def test_the_caller_of_a_completed_order_has_nothing_open() -> None:
    story = call_over(Story())
    story.complete(at=200)
    call_over(story, "again", at=400)
    assert story.contacts == []


def test_a_caller_found_in_a_snapshot_got_through_too() -> None:
    story = call_over(Story())
    story.link_down(at=300)
    story.link_up(at=400)
    found = [
        story.listed("again", at=400, bridge="b", num="13800138000"),
        story.listed("leg", at=400, device="1002", bridge="b", application="AppQueue"),
    ]
    story.lists(at=400, channels=found)
    story.hangup_request("again", at=450)
    story.hangup("again", "leg", at=450)
    story.settled()
    assert story.contacts == [("called_again", "pbx-li", "leg", None)]


# --- policies -----------------------------------------------------------------------------


def test_the_limit_of_a_call_back_for_an_order_completed_in_mid_call_is_the_queues() -> None:
    book = PolicyBook(Policy(), queues={"hotline": {"order_due_s": 60.0, "order_remind_s": ()}})
    story = Story(book=book)
    leg = story.talk()
    story.complete(at=50)
    story.customer_ends(leg, at=100)
    story.until(110)
    story.calls_back(at=170, answer=175, end=180)
    assert [in_time for *_, in_time in story.contacts] == [False]
