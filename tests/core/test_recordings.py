"""Which file a call is recorded into (:mod:`agentd.core.recordings`)."""

from __future__ import annotations

from agentd.core import events as e
from agentd.core.effects import RecordingSeen
from tests.core.story import Story, restarted, s, us


def starts(story: Story, uid: str, *, at: float) -> None:
    story.say(e.MixMonitorStart(us(at), uid))


def stops(story: Story, uid: str, *, at: float) -> None:
    story.say(e.MixMonitorStop(us(at), uid))


def named(story: Story, uid: str, file: str, *, at: float) -> None:
    story.say(e.RecordingFile(us(at), uid, file))


def seen(story: Story) -> list[tuple[str, str, str, bool, float | None]]:
    """(call, channel, file, whether it ended, when) of everything that was told."""
    return [(r.call, r.channel, r.file, r.ended, s(r.at_us)) for r in story.said(RecordingSeen)]


def test_the_name_comes_after_the_event() -> None:
    story = Story()
    leg = story.talk()
    starts(story, "li", at=3)
    named(story, "li", "a.wav", at=3.1)
    stops(story, "li", at=60)
    story.customer_ends(leg, at=60)
    story.settled()
    assert seen(story) == [("li", "li", "a.wav", False, 3), ("li", "li", "a.wav", True, 60)]


def test_the_name_comes_before_the_event() -> None:
    story = Story()
    story.talk()
    named(story, "li", "a.wav", at=3)
    starts(story, "li", at=3.1)
    assert seen(story) == [("li", "li", "a.wav", False, 3.1)]


def test_the_seats_channel_may_be_the_one_that_is_recorded() -> None:
    story = Story()
    leg = story.talk()
    starts(story, leg, at=4)
    named(story, leg, "a.wav", at=4)
    assert seen(story) == [("li", leg, "a.wav", False, 4)]


def test_the_far_end_of_an_outbound_call_too() -> None:
    story = Story()
    story.dials_out("1001", "13800138000", at=0)
    story.far_answers(at=5)
    starts(story, "out>far", at=5)
    named(story, "out>far", "a.wav", at=5)
    assert seen(story) == [("out", "out>far", "a.wav", False, 5)]


def test_a_dialplan_that_records_before_it_queues() -> None:
    story = Story()
    story.channel("li", at=0, num="13800138000", state=4)
    starts(story, "li", at=0.1)
    named(story, "li", "a.wav", at=0.2)
    assert seen(story) == []
    story.joins("li", at=5)
    assert seen(story) == [("li", "li", "a.wav", False, 0.1)]


def test_a_phone_that_is_recorded_before_it_dials_out() -> None:
    story = Story()
    story.channel("out", "PJSIP/1001", at=0)
    starts(story, "out", at=0.1)
    named(story, "out", "a.wav", at=0.2)
    story.channel("far", at=1)
    story.dials("out", "far", at=1, number="13800138000")
    assert seen(story) == [("out", "out", "a.wav", False, 0.1)]


def test_a_colleague_who_takes_the_customer_brings_the_recording_along() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("colleague", "PJSIP/1002", at=11)
    story.dials("second", "colleague", at=11)
    story.picks_up("colleague", at=12, source="second")
    starts(story, "colleague", at=12)
    named(story, "colleague", "a.wav", at=12)
    stops(story, "colleague", at=13)
    assert seen(story)[0] == ("colleague", "colleague", "a.wav", False, 12)
    story.enters("colleague", "b2", at=14)
    story.enters("li", "b2", at=14)
    assert seen(story)[2:] == [
        ("li", "colleague", "a.wav", False, 12),
        ("li", "colleague", "a.wav", True, 13),
    ]


def test_a_recording_that_nobody_stopped_ends_with_its_channel() -> None:
    story = Story()
    leg = story.talk()
    for file, at in (("a.wav", 3.0), ("b.wav", 4.0)):
        starts(story, "li", at=at)
        named(story, "li", file, at=at)
    story.customer_ends(leg, at=60)
    ends = [(file, at) for _, _, file, ended, at in seen(story) if ended]
    assert sorted(ends) == [("a.wav", 60), ("b.wav", 60)]
    story.settled()
    assert story.engine.state.recordings == {}


def test_one_after_the_other_on_one_channel() -> None:
    story = Story()
    story.talk()
    starts(story, "li", at=3)
    named(story, "li", "a.wav", at=3)
    stops(story, "li", at=10)
    starts(story, "li", at=20)
    named(story, "li", "a.wav", at=20)
    named(story, "li", "b.wav", at=20)
    assert [(file, ended, at) for _, _, file, ended, at in seen(story)] == [
        ("a.wav", False, 3),
        ("a.wav", True, 10),
        ("b.wav", False, 20),
    ]


def test_the_name_may_come_when_it_is_over() -> None:
    story = Story()
    story.talk()
    starts(story, "li", at=3)
    stops(story, "li", at=10)
    named(story, "li", "a.wav", at=11)
    assert [(ended, at) for *_, ended, at in seen(story)] == [(False, 3), (True, 10)]


def test_an_end_without_a_beginning_says_nothing() -> None:
    story = Story()
    story.talk()
    stops(story, "li", at=3)
    named(story, "li", "a.wav", at=4)
    stops(story, "li", at=5)
    assert seen(story) == []


def test_a_name_for_a_channel_that_nobody_knows_is_kept_for_a_while() -> None:
    story = Story()
    named(story, "nobody", "a.wav", at=0)
    named(story, "li", "b.wav", at=0)
    story.talk(at=1)
    starts(story, "li", at=5)
    story.until(61)
    assert seen(story) == [("li", "li", "b.wav", False, 5)]
    assert list(story.engine.state.recordings) == ["li"]
    assert story.engine.take_memory()["recording:nobody"] is None


def test_a_recording_that_goes_on_is_remembered() -> None:
    story = Story()
    leg = story.talk()
    starts(story, "li", at=3)
    named(story, "li", "a.wav", at=3)
    again = restarted(story, at=30)
    bridge = again.bridge_of[leg]
    again.lists(
        at=30,
        channels=[
            again.listed("li", at=30, bridge=bridge),
            again.listed(leg, at=30, bridge=bridge, application="AppQueue"),
        ],
    )
    again.until(200)
    stops(again, "li", at=200)
    assert seen(again) == [("li", "li", "a.wav", True, 200)]


def test_a_recording_that_ended_while_nobody_looked_is_forgotten() -> None:
    story = Story()
    story.talk()
    starts(story, "li", at=3)
    again = restarted(story, at=30)
    again.lists(at=30)
    again.until(200)
    assert again.engine.state.recordings == {}
