"""Live, our clock warns; only what the PBX itself was heard to say charges."""

from __future__ import annotations

from agentd.core.effects import Alert, Violation
from tests.core.ami import event
from tests.core.story import us
from tests.core.test_pipeline import OPENING, PHONE, Feed, answered


def held_since_10() -> Feed:
    feed = Feed(OPENING + answered() + event("Hold", 10, **PHONE))
    feed.effects += feed.pipeline.advance(us(41))
    assert [a.level for a in feed.said(Alert)] == ["warning", "breach"]
    assert feed.said(Violation) == [], "the clock alone charges nobody"
    return feed


def test_a_breach_is_charged_once_the_pbx_was_heard_after_it() -> None:
    feed = held_since_10()
    feed.feed(event("SomethingElse", 40.01))
    assert feed.said(Violation) == [], "what happened before may still be on its way"
    feed.feed(event("SomethingElse", 40.06))
    (violation,) = feed.said(Violation)
    assert (violation.rule, violation.at_us) == ("hold", us(40))
    feed.feed(event("Unhold", 45, **PHONE))
    feed.effects += feed.pipeline.advance(us(60))
    assert len(feed.said(Violation)) == 1


def test_the_return_itself_proves_a_hold_that_was_too_long() -> None:
    feed = held_since_10()
    feed.feed(event("Unhold", 45, **PHONE))
    feed.effects += feed.pipeline.advance(us(46))
    assert [v.rule for v in feed.said(Violation)] == ["hold"]


def test_a_link_that_was_slow_to_tell_of_the_return_charges_nobody() -> None:
    feed = held_since_10()
    feed.feed(event("Unhold", 35, **PHONE) + event("SomethingElse", 45))
    feed.effects += feed.pipeline.advance(us(60))
    assert feed.said(Violation) == []
    assert [a.level for a in feed.said(Alert)][-1] == "cleared"


def test_a_link_that_was_dead_already_charges_nobody() -> None:
    feed = held_since_10()
    feed.effects += feed.pipeline.link_changed("down", "silent", "nothing heard for 9 s")
    feed.feed(OPENING + event("SomethingElse", 60))
    feed.effects += feed.pipeline.advance(us(61))
    assert feed.said(Violation) == []


def test_a_ring_that_was_answered_in_time_but_told_late_is_not_charged() -> None:
    ringing, answer = answered().split(b"Event: DialEnd")
    feed = Feed(OPENING + ringing)
    feed.effects += feed.pipeline.advance(us(12))
    assert [a.level for a in feed.said(Alert)] == ["warning", "breach"]
    feed.feed(b"Event: DialEnd" + answer + event("SomethingElse", 13))
    feed.effects += feed.pipeline.advance(us(14))
    assert feed.said(Violation) == []
    cleared = feed.said(Alert)[-1]
    assert (cleared.level, cleared.to) == ("cleared", ("seat", "supervisor"))
