"""What a supervisor does with calls: seen, and never charged to whoever sits there."""

from __future__ import annotations

import pytest

from agentd.core import events as e
from agentd.core.acts import lines
from agentd.core.calls import SPY_UID
from agentd.core.effects import SeatChanged
from agentd.core.policy import PolicyBook, SeatConfig
from tests.core.story import Story
from tests.core.story_effects import us

WHISPER = SPY_UID + "whisper-1"
LISTEN = SPY_UID + "listen-1"


def act(story: Story, call: str = "li", *, at: float, seat: str | None = None) -> str | None:
    """A supervisor hangs up; what the engine answers."""
    story.say(e.SupervisorActs(us(at), 7, "hangup", call, seat))
    [answer] = story.engine.take_answers()
    assert answer.ticket == 7
    return answer.refused


def seat_changes(story: Story, seat: str) -> list[str]:
    return [x.state for x in story.effects if isinstance(x, SeatChanged) and x.seat == seat]


def rings_for_a_supervisor(story: Story, uid: str, seat: str, *, at: float) -> None:
    """The phone ``seat`` is rung and answered, as Asterisk does it for an Originate."""
    story.channel(uid, f"PJSIP/{seat}", at=at)
    story.dials(None, uid, at=at)
    story.rings(uid, at=at)
    story.picks_up(uid, at=at + 2, source=None)


# --- hanging up -------------------------------------------------------------------------------


def test_what_a_supervisor_ends_is_the_supervisors() -> None:
    story = Story()
    leg = story.talk()
    assert act(story, at=10) is None
    # AMI's Hangup leaves no request behind.
    story.hangup("li", leg, at=10.2)
    story.settled()
    assert story.leg(leg).ended_by == "supervisor"
    assert story.violations == []
    assert any("supervisor: hangup" in line for line in story.leg(leg).evidence)


def test_the_phone_that_hung_up_in_the_same_moment_is_not_charged() -> None:
    story = Story()
    leg = story.talk()
    act(story, at=10)
    story.agent_ends(leg, at=10.05)
    story.settled()
    assert story.leg(leg).ended_by == "supervisor"
    assert story.violations == []


def test_who_had_hung_up_before_is_not_excused() -> None:
    story = Story()
    leg = story.talk()
    story.agent_ends(leg, at=9.5)
    assert act(story, at=10) is None
    story.settled()
    assert story.leg(leg).ended_by == "agent"
    assert len(story.violations) == 1


def test_what_was_refused_excuses_nobody_later() -> None:
    story = Story()
    leg = story.talk()
    act(story, at=10)
    story.agent_ends(leg, at=14)
    story.settled()
    assert story.leg(leg).ended_by == "agent"


def test_the_part_of_another_seat_is_not_concerned() -> None:
    story = Story()
    leg = story.talk()
    act(story, at=10, seat="PJSIP/1002")
    story.agent_ends(leg, at=10.5)
    story.settled()
    assert story.leg(leg).ended_by == "agent"


def test_a_call_that_is_over_is_refused() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=10)
    story.settled()
    assert act(story, at=40) == "there is no call li any more"


def test_a_call_that_waits_has_no_part_of_a_seat() -> None:
    story = Story(seats=())
    story.link_up(at=0)
    story.lists(at=0)
    story.joins("li", at=1)
    assert act(story, at=2) is None


# --- listening --------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", [LISTEN, WHISPER])
def test_a_seat_whose_phone_listens_has_no_call(uid: str) -> None:
    story = Story()
    leg = story.talk()
    before = seat_changes(story, "PJSIP/1003")
    rings_for_a_supervisor(story, uid, "1003", at=10)
    story.say(e.ChanSpyStart(us(12), uid, leg))
    assert lines(story.engine.state, "PJSIP/1003") == ()
    story.customer_ends(leg, at=20)
    story.hangup(uid, at=20)
    story.settled()
    assert list(story.legs) == [leg]
    assert seat_changes(story, "PJSIP/1003") == before
    helped = any("whispers" in line for line in story.leg(leg).evidence)
    assert helped == (uid == WHISPER), "listening alone is nothing that anybody heard"


def test_a_whisper_to_whom_no_seat_talks_is_noted_nowhere() -> None:
    story = Story()
    leg = story.talk()
    rings_for_a_supervisor(story, WHISPER, "1003", at=10)
    story.say(e.ChanSpyStart(us(12), WHISPER, "a stranger"))
    story.customer_ends(leg, at=20)
    story.hangup(WHISPER, at=20)
    story.settled()
    assert not any("whispers" in line for line in story.leg(leg).evidence)


def test_a_phone_that_others_have_listen_looks_like_a_click_until_it_does() -> None:
    story = Story()
    leg = story.talk()
    rings_for_a_supervisor(story, "other", "1003", at=10)
    assert "ringing" in seat_changes(story, "PJSIP/1003")
    story.say(e.ChanSpyStart(us(12), "other", leg))
    assert seat_changes(story, "PJSIP/1003")[-1] == "available"
    story.customer_ends(leg, at=20)
    story.hangup("other", at=20)
    story.settled()
    assert list(story.legs) == [leg]


def test_a_call_of_the_seat_is_not_forgotten_for_a_listening_one() -> None:
    story = Story(book=PolicyBook(seats=(SeatConfig("PJSIP/9001", queueless=True),)))
    leg = story.talk()
    story.say(e.ChanSpyStart(us(12), leg, "whoever"))
    assert lines(story.engine.state, "PJSIP/1001") != ()


# --- what a phone does now --------------------------------------------------------------------


def test_the_line_of_a_seat() -> None:
    story = Story()
    assert lines(story.engine.state, "PJSIP/1001") == ()
    assert lines(story.engine.state, "PJSIP/7777") == ()
    leg = story.talk()
    [line] = lines(story.engine.state, "PJSIP/1001")
    assert (line.leg, line.customer, line.call, line.queue) == (leg, "li", "li", "hotline")
    assert (line.answered, line.held) == (True, False)
    story.holds(leg, at=10)
    [line] = lines(story.engine.state, "PJSIP/1001")
    assert line.held
    # A second customer, on the same phone: who is talked to comes first.
    story.joins("wang", at=11)
    second = story.offers("wang", "1001", at=11)
    story.rings(second, at=11)
    assert [x.leg for x in lines(story.engine.state, "PJSIP/1001")] == [leg, second]
    story.answers(second, at=13)
    assert [x.leg for x in lines(story.engine.state, "PJSIP/1001")] == [second, leg]


def test_a_ring_that_a_supervisor_ends_is_nobodys_fault() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    act(story, at=4)
    story.leaves_queue("li", at=4.1)
    story.offer_ends(leg, "CANCEL", at=4.1)
    story.settled()
    assert story.leg(leg).outcome == "redirected"
    assert story.violations == []


def test_a_customer_taken_out_of_a_hold_waits_at_nobodys_charge() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.say(e.SupervisorActs(us(15), 7, "redirect", "li"))
    story.leaves("li", at=15.1)
    story.hangup(leg, at=15.2)
    story.joins("li", at=15.3, queue="sales")
    # It would have been a breach after 30 s.
    story.until(60)
    story.leaves_queue("li", at=61, queue="sales")
    story.hangup("li", at=61)
    story.settled()
    assert story.leg(leg).ended_by == "supervisor"
    assert story.violations == []
    assert story.alerts("hold") == []
