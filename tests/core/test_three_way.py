"""Calls of three: recognised, and the order stays with whoever stays."""

from __future__ import annotations

from agentd.core import events as e
from agentd.core.effects import OrderContact
from tests.core.story import Story, s, us


def third(story: Story, uid: str = "third", *, at: float, num: str | None = "13900139000") -> None:
    """Somebody from outside enters the customer's bridge."""
    story.channel(uid, at=at, num=num)
    story.enters(uid, "b:li>1001", at=at)


def contacts(story: Story) -> list[tuple[str, str, str | None, float | None]]:
    return [(c.kind, c.order, c.number, s(c.at_us)) for c in story.said(OrderContact)]


def test_somebody_from_outside_joins_the_call() -> None:
    story = Story()
    leg = story.talk()
    third(story, at=50)
    story.customer_ends(leg, at=100)
    story.hangup("third", at=100)
    story.settled()
    assert contacts(story) == [("three_way", "pbx-li", "+8613900139000", 50)]


def test_a_third_party_that_leaves_first_was_there_all_the_same() -> None:
    story = Story()
    leg = story.talk()
    third(story, at=50)
    story.hangup("third", at=60)
    third(story, "again", at=70)
    story.hangup("again", at=80)
    story.customer_ends(leg, at=100)
    story.settled()
    assert [kind for kind, *_ in contacts(story)] == ["three_way"], "once for a call"


def test_a_party_without_a_number() -> None:
    story = Story()
    leg = story.talk()
    third(story, at=50, num=None)
    story.leaves(leg, at=60)
    story.hangup(leg, "third", at=60)
    story.settled()
    assert contacts(story)[0][2] is None


def test_three_in_one_bridge_for_a_moment_are_a_transfer_in_the_making() -> None:
    story = Story()
    leg = story.talk()
    third(story, at=50)
    story.attended_transfer(leg, "other", at=50.2)
    story.leaves(leg, at=50.2)
    story.hangup(leg, at=50.2)
    story.hangup("third", "li", at=100)
    story.settled()
    assert contacts(story) == []


def test_who_listens_in_and_what_asterisk_plays_is_no_third_party() -> None:
    story = Story()
    leg = story.talk()
    story.channel("cbann", "CBAnn/room", at=20)
    story.enters("cbann", "b:li>1001", at=20)
    story.channel("boss", "PJSIP/boss", at=20)
    story.say(e.ChanSpyStart(us(20), "boss"))
    story.enters("boss", "b:li>1001", at=20)
    story.customer_ends(leg, at=100)
    story.settled()
    assert contacts(story) == []


def test_a_consultation_that_is_merged_is_told_by_its_event_too() -> None:
    story = Story()
    leg = story.talk()
    story.attended_transfer(leg, "second", at=50, dest_type="Threeway")
    story.customer_ends(leg, at=100)
    story.settled()
    assert contacts(story) == [("three_way", "pbx-li", None, 50)]


def test_where_the_call_has_no_order_there_is_nothing_to_note() -> None:
    story = Story()
    story.dials_out("1001", "13800138000", at=0)
    story.far_answers(at=5)
    story.attended_transfer("out", "second", at=50, dest_type="Threeway")
    story.far_ends(at=60)
    story.settled()
    assert contacts(story) == []


def joined_by_colleague(story: Story) -> str:
    """A colleague is asked, and brought into the call."""
    leg = story.talk()
    story.channel("second", "PJSIP/1001", at=40)
    story.channel("colleague", "PJSIP/1002", at=40)
    story.dials("second", "colleague", at=40)
    story.picks_up("colleague", at=42, source="second")
    story.enters("colleague", "b:li>1001", at=50)
    return leg


def test_while_the_owner_stays_the_order_stays() -> None:
    story = Story()
    leg = joined_by_colleague(story)
    story.hangup("colleague", at=80)
    story.customer_ends(leg, at=100)
    story.settled()
    assert story.orders() == [("opened", "PJSIP/1001", None), ("due", "PJSIP/1001", 1000)]
    assert [kind for kind, *_ in contacts(story)] == ["three_way"]


def test_when_the_owner_leaves_the_order_follows_the_customer() -> None:
    story = Story()
    leg = joined_by_colleague(story)
    story.hangup_request(leg, at=80)
    story.hangup(leg, at=80)
    assert story.orders()[-1] == ("handed_over", "PJSIP/1002", None)
    story.hangup_request("li", at=100)
    story.hangup("li", "colleague", at=100)
    story.settled()
    assert story.orders()[-1] == ("due", "PJSIP/1002", 1000)


def test_of_three_who_serve_him_one_who_stays_takes_the_order_over() -> None:
    story = Story()
    leg = joined_by_colleague(story)
    story.channel("third", "PJSIP/1003", at=60)
    story.dials("second", "third", at=60)
    story.picks_up("third", at=61, source="second")
    story.enters("third", "b:li>1001", at=62)
    story.hangup("colleague", at=80)
    story.hangup(leg, at=90)
    assert story.orders()[-1] == ("handed_over", "PJSIP/1003", None)


def test_a_call_of_three_that_is_over_is_remembered_at_once() -> None:
    story = Story()
    story.talk()
    third(story, at=50)
    story.engine.take_memory()
    story.hangup("third", at=60)
    assert {"leg:li>1001", "call:li"} <= story.engine.take_memory().keys()
