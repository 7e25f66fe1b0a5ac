"""Who is a seat, a colleague, a customer (:mod:`agentd.core.state`)."""

from __future__ import annotations

from agentd.core import events as e
from agentd.core.effects import OrderChanged
from tests.core.story import Story, s, us

HINT = "hint:1001@ext-local"


def by_hint(story: Story, phone: str) -> None:
    """FreePBX's way: the member is ``Local/1001@queue`` and its state a hint, no phone."""
    story.say(
        e.QueueMember(
            us(-5), "added", "hotline", "Local/1001@queue/n", "张三", HINT, 1, False, "", 0
        )
    )
    story.joins("li", at=0)
    story.channel("one", at=0, name="Local/1001@queue-0001;1")
    story.channel("two", at=0, name="Local/1001@queue-0001;2")
    story.say(
        e.AgentCalled(
            us(0),
            "li",
            story.devices["li"],
            "one",
            story.devices["one"],
            "hotline",
            "Local/1001@queue/n",
            "张三",
        )
    )
    story.channel("phone", phone, at=0)
    story.dials("two", "phone", at=0)
    story.rings("phone", at=0)
    story.picks_up("phone", at=3, source="two")
    story.enters("phone", "far", at=3)
    story.enters("two", "far", at=3)
    story.enters("one", "near", at=3)
    story.enters("li", "near", at=3)
    story.hangup_request("li", at=20)
    story.hangup("li", "one", "two", "phone", at=20)
    story.settled()


def test_a_seat_known_by_a_hint_is_judged_by_the_phone_that_its_extension_names() -> None:
    story = Story(seats=("1002",))
    by_hint(story, "PJSIP/1001")
    leg = story.leg("phone")
    assert (leg.seat, leg.agent, leg.queue, leg.ended_by) == (HINT, "张三", "hotline", "caller")
    assert story.engine.state.phones == {"PJSIP/1001": HINT}
    assert story.engine.state.offers == story.engine.state.through == {}


def test_a_phone_of_another_name_is_that_seats_for_this_call_only() -> None:
    """The agent's mobile, reached over a trunk."""
    story = Story(seats=("1002",))
    by_hint(story, "PJSIP/trunk")
    assert story.leg("phone").seat == HINT
    assert s(story.leg("phone").answered_us) == 3
    assert story.engine.state.phones == {}
    story.channel("wang", at=100, num="13700137000")
    story.joins("wang", at=100)
    assert story.engine.state.is_customer(story.engine.state.channels["wang"])


def test_an_extension_that_calls_with_its_own_number_is_a_colleague() -> None:
    story = Story()
    story.channel("boss", "PJSIP/8001", at=0, num="8001")
    story.channel("peer", "PJSIP/1002", at=0)
    story.dials("boss", "peer", at=0)
    story.rings("peer", at=0)
    story.picks_up("peer", at=15, source="boss")
    story.hangup("boss", "peer", at=20)
    story.settled()
    assert story.leg("peer").direction == "internal"
    assert story.said(OrderChanged) == []
    assert story.violations == []


def test_who_waits_in_a_queue_is_a_customer_whatever_his_phone_is() -> None:
    story = Story()
    story.channel("boss", "PJSIP/8001", at=0, num="8001")
    story.joins("boss", at=0, num="8001")
    leg = story.offers("boss", "1001", at=0)
    story.rings(leg, at=0)
    story.answers(leg, at=12)
    assert story.violations == [("ring", leg, 10)]


def test_a_ring_of_local_channels_leads_to_nobody() -> None:
    """Two pairs that dial each other: no loop for ever."""
    story = Story()
    for uid, name in (
        ("a1", "Local/a@x-1;1"),
        ("a2", "Local/a@x-1;2"),
        ("b1", "Local/b@x-2;1"),
        ("b2", "Local/b@x-2;2"),
    ):
        story.channel(uid, at=0, name=name)
    story.dials("a2", "b1", at=0)
    story.dials("b2", "a1", at=0)
    assert story.engine.state.origin("b2") is None
