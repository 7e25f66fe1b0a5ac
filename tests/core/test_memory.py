"""What is remembered over a restart (:mod:`agentd.core.memory`)."""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.effects import Anomaly, OrderChanged
from agentd.core.policy import PolicyBook
from agentd.script_guard import Engine
from tests.core.story import Story, restarted, s


def test_nothing_changed_nothing_to_remember() -> None:
    story = Story()
    story.engine.take_memory()
    assert story.engine.take_memory() == {}


def test_what_changed_is_handed_out_once_and_what_is_over_is_forgotten() -> None:
    story = Story()
    leg = story.talk()
    first = story.engine.take_memory()
    assert {"clock", "call:li", f"leg:{leg}", "queue:hotline"} <= set(first)
    assert all(blob is not None for blob in first.values())

    story.customer_ends(leg, at=20)
    story.settled()
    second = story.engine.take_memory()
    assert second["call:li"] is second[f"leg:{leg}"] is None


def test_every_step_of_a_call_is_remembered_as_it_happens() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)

    def changed() -> set[str]:
        return set(story.engine.take_memory())

    changed()
    story.rings(leg, at=0)
    assert f"leg:{leg}" in changed(), "since when it rings"
    story.until(6)
    assert f"leg:{leg}" in changed(), "that it was warned"
    story.answers(leg, at=7)
    assert {f"leg:{leg}", "call:li", "queue:hotline"} <= changed(), "the answer"
    story.holds(leg, at=10)
    assert f"leg:{leg}" in changed(), "since when the customer waits"
    story.until(31)
    assert f"leg:{leg}" in changed(), "that it was warned"
    story.unholds(leg, at=35)
    assert f"leg:{leg}" in changed(), "the hold"
    story.customer_ends(leg, at=50)
    assert {f"leg:{leg}", "call:li"} <= changed(), "the end"
    story.settled()
    assert {f"leg:{leg}", "call:li"} <= changed(), "that it is over"


def test_who_gave_up_is_remembered_when_it_is_counted() -> None:
    story = Story()
    story.joins("li", at=0)
    story.gives_up("li", at=20)
    story.engine.take_memory()
    story.settled()
    assert {"queue:hotline", "call:li"} <= set(story.engine.take_memory())


def test_counters_and_who_waits_survive() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.joins("wang", at=25)
    again = restarted(story, at=30)
    queue = again.engine.state.queues["hotline"]
    assert (queue.offered, queue.answered, list(queue.waiting)) == (2, 1, ["wang"])
    assert queue.gap


def test_alerts_of_an_order_are_not_raised_again() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=100)
    story.until(750)
    assert story.alerts("work_order") == [("warning", 700)]
    again = restarted(story, at=760)
    again.until(1100)
    assert again.alerts("work_order") == [("warning", 880), ("breach", 1000)]


def test_alerts_that_the_store_knew_of_are_not_raised_again() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=100)
    story.until(110)
    stored = replace(story.said(OrderChanged)[-1], alerts_sent=1)
    again = Story(seats=())
    again.engine.restore({}, [stored])
    again.link_up(at=760)
    again.until(1100)
    assert again.alerts("work_order") == [("warning", 880), ("breach", 1000)]


def test_an_order_that_is_completed_is_forgotten() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=100)
    story.until(750)
    story.complete(at=760)
    assert story.engine.take_memory()["order:pbx-li"] is None


def test_an_order_completed_before_the_restart_is_never_opened_again() -> None:
    """Even where the call's own memory was lost: the store knows its completed orders."""
    story = Story()
    leg = story.talk()
    story.complete(at=50)
    done = story.said(OrderChanged)[-1]
    again = Story(seats=())
    again.seats = ("1001",)
    again.devices, again.bridge_of = dict(story.devices), dict(story.bridge_of)
    again.engine.restore({}, [], [done])
    again.link_up(at=60)
    bridge = again.bridge_of[leg]
    again.lists(
        at=60,
        channels=[
            again.listed("li", at=60, bridge=bridge),
            again.listed(leg, at=60, bridge=bridge, application="AppQueue"),
        ],
    )
    assert again.state() == "talking"
    assert again.said(OrderChanged) == []


def test_an_entry_that_cannot_be_read_is_left_out_and_named() -> None:
    engine = Engine("pbx", PolicyBook())
    effects = engine.restore(
        {
            "call:li": b"{not json",
            "leg:x": b'{"uid": 7}',
            "order:pbx-li": b"many",
            "clock": b"[]",
        },
        [],
    )
    named = [effect.what.split()[1] for effect in effects if isinstance(effect, Anomaly)]
    assert named == ["call:li", "leg:x", "order:pbx-li", "clock"]
    assert engine.state.calls == engine.state.legs == {}


def test_a_leg_that_cannot_be_read_does_not_keep_its_call_open() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    memory = {k: v for k, v in story.engine.take_memory().items() if v is not None}
    again = Story(seats=())
    again.effects += again.engine.restore({**memory, f"leg:{leg}": b"?"}, [])
    again.link_up(at=30)
    again.settled()
    assert list(again.calls) == ["li"]
    assert again.engine.state.calls == {}


def test_a_leg_that_was_judged_is_not_judged_again() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=20)
    story.leaves("li", at=20)
    story.hangup(leg, at=20)
    story.until(25)
    assert story.leg(leg).ended_by == "transfer"
    again = restarted(story, at=30)
    again.lists(at=30, channels=[again.listed("li", at=30)])
    again.hangup_request("li", at=40)
    again.hangup("li", at=40)
    again.settled()
    assert again.legs == {}
    assert again.calls["li"].legs == (leg,)


def test_what_is_restored_is_what_was_taken() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.joins("wang", at=12)
    memory = {k: v for k, v in story.engine.take_memory().items() if v is not None}
    twin = Engine("pbx", PolicyBook())
    twin.restore(memory, [])
    (visit,) = story.engine.state.calls["wang"].visits
    assert twin.state.calls["wang"].visits == [replace(visit, gap=True)]
    restored, original = twin.state.legs[leg], story.engine.state.legs[leg]
    assert restored.answered_us == original.answered_us
    assert restored.evidence == original.evidence
    assert restored.spell is not None
    assert s(restored.spell.at_us) == 10
    assert restored.spell.stopped, "the time since then is a gap"
