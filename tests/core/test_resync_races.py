"""Snapshots against events that race with them (:mod:`agentd.core.resync`)."""

from __future__ import annotations

from agentd.core.board import Board
from tests.core.story import Story, restarted, s


def test_a_list_that_still_names_a_channel_that_hung_up_revives_nothing() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.lists(
        at=20,
        channels=[
            story.listed("li", at=20, bridge="b"),
            story.listed(leg, at=20, bridge="b", application="AppQueue"),
        ],
    )
    story.settled()
    assert story.leg(leg).ended_by == "caller"
    assert not story.leg(leg).estimated
    assert story.engine.state.channels == {}


def test_a_caller_listed_as_waiting_between_answer_and_leaving_waits_no_more() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.picks_up(leg, at=3, source="li")
    story.lists(
        at=3,
        channels=[story.listed("li", at=3), story.listed(leg, at=3)],
        callers=[story.waits("li", at=3, wait=3)],
    )
    queue = story.engine.state.queues["hotline"]
    assert queue.waiting == {}
    assert (queue.offered, queue.answered) == (1, 1)


def test_a_seat_that_hangs_up_behind_a_list_without_its_customer() -> None:
    """The customer's end fell into the gap; the seat's was seen, just before that is concluded."""
    story = Story()
    leg = story.talk()
    story.link_down(at=20)
    story.link_up(at=21)
    story.lists(at=21, channels=[story.listed(leg, at=21)])
    story.hangup(leg, at=22)
    story.settled()
    assert s(story.leg(leg).ended_us) == 22
    assert story.leg(leg).ended_by == "unknown"
    assert story.calls["li"].gap


def test_a_second_line_known_before_the_gap_is_no_call_of_its_own_after_it() -> None:
    story = Story()
    leg = story.talk()
    bridge = story.bridge_of[leg]
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("peer", "PJSIP/1002", at=11)
    story.dials("second", "peer", at=11)
    story.picks_up("peer", at=13, source="second")
    story.link_down(at=15)
    story.link_up(at=16)
    story.lists(
        at=16,
        channels=[
            story.listed("li", at=16, bridge=bridge),
            story.listed(leg, at=16, bridge=bridge),
            story.listed("second", at=16, bridge="b2"),
            story.listed("peer", at=16, bridge="b2", application="AppDial"),
        ],
    )
    story.hangup("second", "peer", at=20)
    story.unholds(leg, at=20)
    story.customer_ends(leg, at=30)
    story.settled()
    assert "second" not in story.legs
    assert story.leg(leg).ended_by == "caller"
    assert story.violations == []


def test_a_phone_that_outlives_its_part_of_the_call_is_not_asked_again() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=10)
    story.leaves("li", at=10)
    story.link_down(at=10.1)
    story.link_up(at=10.2)
    story.lists(at=10.2, channels=[story.listed("li", at=10.2), story.listed(leg, at=10.2)])
    story.hangup(leg, at=11)
    assert story.settled().leg(leg).ended_by == "transfer"
    assert s(story.leg(leg).ended_us) == 10


def test_a_restart_of_the_pbx_leaves_calls_alone_that_were_over() -> None:
    story = Story()
    story.link_up(at=-9, uptime=5000)
    over = story.talk()
    story.customer_ends(over, at=19.5)
    on = story.talk("wang", "1002", at=10)
    story.link_down(at=20)
    story.link_up(at=20.5, uptime=0)
    story.lists(at=20.5)
    story.settled()
    assert (story.leg(over).ended_by, story.leg(over).estimated) == ("caller", False)
    assert (story.leg(on).ended_by, story.leg(on).estimated) == ("system", True)


def test_a_vanished_channel_does_not_take_the_name_of_its_successor() -> None:
    story = Story()
    story.channel("old", at=0, name="PJSIP/trunk-00000007")
    story.channel("new", at=1, name="PJSIP/trunk-00000007")
    story.lists(at=5, channels=[story.listed("new", at=5)])
    story.settled()
    assert story.engine.state.names == {"PJSIP/trunk-00000007": "new"}


def test_a_restored_seat_is_not_shown_before_the_list_says_that_it_is_there() -> None:
    story = Story()
    story.talk()
    again = restarted(story, at=30)
    board = Board("pbx", again.engine.state.book, again.engine.state)
    changed, _ = board.take(0)
    assert not [key for key in changed if key.startswith("seat:")]
