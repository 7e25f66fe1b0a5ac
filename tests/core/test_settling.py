"""What a call came to, and the counters of its queues (:mod:`agentd.core.settling`)."""

from __future__ import annotations

import pytest

from agentd.core.policy import Policy, PolicyBook
from agentd.core.queues import Queue
from tests.core.story import Story, length, restarted, s


def queue(story: Story, name: str = "hotline") -> Queue:
    return story.engine.state.queues[name]


def counters(story: Story, name: str = "hotline") -> tuple[int, int, int, int]:
    """(offered, answered, abandoned, let go)."""
    q = queue(story, name)
    return q.offered, q.answered, q.abandoned, q.let_go


def test_an_answered_call() -> None:
    story = Story()
    leg = story.talk(at=0, answer=3)
    story.customer_ends(leg, at=60)
    story.settled()
    call = story.calls["li"]
    assert (call.outcome, call.queue, call.visits, call.legs) == (
        "answered",
        "hotline",
        ("hotline",),
        (leg,),
    )
    assert (s(call.started_us), s(call.ended_us), length(call.wait_us)) == (0, 60, 3)
    assert counters(story) == (1, 1, 0, 0)
    assert queue(story).service_level == 1


def test_the_wait_is_from_the_first_joining_to_the_first_answer_over_all_queues() -> None:
    story = Story()
    story.joins("li", at=0, queue="vip")
    story.leaves_queue("li", at=20, queue="vip")
    story.joins("li", at=25, queue="hotline")
    leg = story.offers("li", "1001", at=30)
    story.rings(leg, at=30)
    story.answers(leg, at=33)
    story.customer_ends(leg, at=60)
    story.settled()
    call = story.calls["li"]
    assert (call.queue, call.visits) == ("vip", ("vip", "hotline"))
    assert length(call.wait_us) == 33
    assert counters(story, "vip") == (1, 0, 0, 1)
    assert counters(story, "hotline") == (1, 1, 0, 0)


def test_the_customer_abandoned() -> None:
    story = Story()
    story.joins("li", at=0)
    story.gives_up("li", at=12)
    story.settled()
    call = story.calls["li"]
    assert (call.outcome, length(call.wait_us)) == ("abandoned", 12)
    assert counters(story) == (1, 0, 1, 0)
    assert queue(story).short_abandons == 0


def test_an_abandon_within_five_seconds_is_short_and_not_in_the_service_level() -> None:
    story = Story()
    story.joins("wang", at=0)
    story.gives_up("wang", at=5)
    story.talk(at=10, answer=3)
    story.settled()
    assert queue(story).short_abandons == 1
    assert queue(story).service_level == 1


def test_the_queue_gave_up_is_no_abandon_though_the_caller_hangs_up_later() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=30)
    story.hangup_request("li", at=36)
    story.hangup("li", at=36)
    story.settled()
    call = story.calls["li"]
    assert (call.outcome, length(call.wait_us)) == ("queue_gave_up", 30)
    assert counters(story) == (1, 0, 0, 1)


def test_a_channel_that_dies_in_the_queue_leaves_it() -> None:
    story = Story()
    story.joins("li", at=0)
    story.hangup("li", at=9)
    story.settled()
    assert (story.calls["li"].outcome, length(story.calls["li"].wait_us)) == ("queue_gave_up", 9)
    assert queue(story).waiting == {}


def test_a_leaving_told_twice_is_the_first() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=10)
    story.leaves_queue("li", at=12)
    story.hangup("li", at=20)
    story.settled()
    assert length(story.calls["li"].wait_us) == 10
    assert not story.calls["li"].gap


def test_a_call_that_begins_before_the_snapshot_after_a_gap_is_marked() -> None:
    story = Story()
    story.link_down(at=0)
    story.link_up(at=5)
    story.joins("li", at=5.1)
    story.lists(
        at=5.2,
        channels=[story.listed("li", at=5.2)],
        callers=[story.waits("li", at=5.2, wait=0)],
    )
    story.gives_up("li", at=9)
    story.settled()
    assert story.calls["li"].gap


def test_a_direct_call_that_nobody_took_failed() -> None:
    story = Story()
    story.channel("li", at=0, num="13800138000")
    story.channel("li>1001", "PJSIP/1001", at=0)
    story.dials("li", "li>1001", at=0)
    story.rings("li>1001", at=0)
    story.offer_ends("li>1001", "NOANSWER", at=8)
    story.hangup("li", at=8.1)
    story.settled()
    call = story.calls["li"]
    assert (call.outcome, call.queue, call.wait_us, call.visits) == ("failed", None, None, ())
    assert story.orders() == [("opened", None, 908.1)]


def test_a_direct_caller_who_hung_up_abandoned() -> None:
    story = Story()
    story.channel("li", at=0, num="13800138000")
    story.channel("li>1001", "PJSIP/1001", at=0)
    story.dials("li", "li>1001", at=0)
    story.hangup_request("li", at=4)
    story.offer_ends("li>1001", "CANCEL", at=4)
    story.hangup("li", at=4)
    story.settled()
    assert story.calls["li"].outcome == "abandoned"


def test_answered_after_fifteen_seconds_is_not_in_the_service_level() -> None:
    story = Story()
    for number, answer in enumerate((15, 15.000001)):
        leg = story.talk(f"caller{number}", at=number * 100, answer=answer)
        story.customer_ends(leg, at=number * 100 + 50)
    story.settled()
    assert queue(story).in_time == 1
    assert queue(story).service_level == 0.5


def test_the_service_level_has_its_time_per_queue() -> None:
    story = Story(book=PolicyBook(Policy(), queues={"hotline": {"service_level_s": 30.0}}))
    story.talk(answer=20)
    assert queue(story).in_time == 1


def test_every_visit_counts_once_and_in_its_own_queue() -> None:
    story = Story()
    for at in (0, 20):
        story.joins("li", at=at, queue="hotline")
        story.leaves_queue("li", at=at + 8, queue="hotline")
    story.joins("li", at=30, queue="vip")
    story.leaves_queue("li", at=30.5, queue="vip")
    story.hangup("li", at=31)
    story.settled()
    assert counters(story, "hotline") == (2, 0, 0, 1), "the second time the caller went on to vip"
    assert counters(story, "vip") == (1, 0, 0, 1)


@pytest.mark.parametrize(("late", "outcome"), [(0.05, "abandoned"), (0.050001, "queue_gave_up")])
def test_a_request_that_races_with_the_leaving_is_still_the_customers(
    late: float, outcome: str
) -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=20)
    story.hangup_request("li", at=20 + late)
    story.hangup("li", at=21)
    story.settled()
    assert story.calls["li"].outcome == outcome
    assert counters(story) == ((1, 0, 1, 0) if outcome == "abandoned" else (1, 0, 0, 1))


def test_joining_the_same_queue_twice_at_once_is_one_visit() -> None:
    story = Story()
    story.joins("li", at=0)
    story.joins("li", at=0)
    assert counters(story) == (1, 0, 0, 0)


def test_a_call_that_is_over_waits_for_its_last_leg() -> None:
    """The leg of a parked customer's seat is open while the customer's channel dies."""
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.until(21)
    assert story.calls == {}
    story.until(23)
    assert story.calls["li"].legs == (leg,)


def test_a_customer_who_dies_before_the_phones_that_ring_for_him() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.hangup("li", at=4)
    story.hangup(leg, at=4.1)
    story.settled()
    assert s(story.leg(leg).ended_us) == 4
    assert story.violations == []


def test_hung_up_without_leaving_the_bridge_first() -> None:
    story = Story()
    leg = story.talk()
    story.hangup_request("li", at=20)
    story.bridge_of.clear()
    story.hangup("li", leg, at=20)
    story.settled()
    assert (story.leg(leg).ended_by, s(story.leg(leg).ended_us)) == ("caller", 20)
    assert story.engine.state.bridges == {}


def test_a_seat_that_calls_its_own_hotline_is_the_customer_of_that_call() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.dials(None, "own", at=0)
    story.picks_up("own", at=1)
    story.joins("own", at=1, num="1001")
    leg = story.offers("own", "1002", at=1)
    story.rings(leg, at=1)
    story.answers(leg, at=4)
    story.customer_ends(leg, at=30)
    story.settled()
    assert story.leg(leg).call == "own"
    assert story.calls["own"].outcome == "answered"
    assert story.leg("own").direction == "outbound"
    assert story.engine.state.calls == story.engine.state.legs == {}


def test_news_of_a_caller_who_is_gone_already() -> None:
    story = Story()
    story.joins("li", at=0)
    story.gives_up("li", at=5)
    story.joins("li", at=6.5)
    story.leaves_queue("li", at=6.6)
    story.settled()
    story.joins("li", at=60)
    assert story.calls["li"].outcome == "abandoned"


def test_a_channel_that_comes_back_from_the_dead_after_a_restart_ends_its_call_once() -> None:
    story = Story()
    story.joins("li", at=0)
    story.gives_up("li", at=5)
    again = restarted(story, at=5.5)
    again.enters("li", "b", at=6)
    again.hangup("li", at=6.5)
    again.settled()
    assert len(again.calls) == 1


def test_a_channel_that_enters_a_bridge_after_its_end_is_forgotten_with_it() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.enters("li", "b", at=20.1)
    story.settled()
    assert story.engine.state.bridges == {}


def test_everything_is_forgotten_in_the_end() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.until(60)
    state = story.engine.state
    assert state.channels == {} == state.calls == state.legs == state.bridges == state.names
    assert state.offers == state.through == state.far_ends == {}
    assert all(seat.legs == {} for seat in state.seats.values())


def test_a_new_day_counts_anew_and_keeps_who_waits() -> None:
    book = PolicyBook(day_starts_s=((1_790_000_000 + 100) % 86_400))
    story = Story(book=book)
    leg = story.talk("wang", "1002")
    story.customer_ends(leg, at=20)
    story.joins("li", at=90)
    story.until(101)
    assert counters(story) == (0, 0, 0, 0), "a stay counts on the day on which it began"
    assert s(queue(story).counted_since_us) == 100
    assert list(queue(story).waiting) == ["li"]
    story.gives_up("li", at=110)
    story.settled()
    story.until(100 + 86_401)
    assert counters(story) == (0, 0, 0, 0)
