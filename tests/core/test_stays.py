"""Stays in queues as they are told (:mod:`agentd.core.stays`), and when the PBX was heard."""

from __future__ import annotations

from agentd.core import events as e
from agentd.core.effects import LinkSpan, VisitBegan, VisitEnded
from agentd.core.policy import Policy, PolicyBook
from tests.core.story import Story, length, restarted, s, us


def ended(story: Story, call: str = "li") -> list[tuple[str, str, float | None, float | None]]:
    """(queue, outcome, joined, seconds of waiting) of every stay of a caller that is over."""
    visits = [v for v in story.said(VisitEnded) if v.call == call]
    return [(v.queue, v.outcome, s(v.joined_us), length(v.wait_us)) for v in visits]


def began(story: Story) -> list[tuple[str, str, float | None]]:
    return [(v.call, v.queue, s(v.joined_us)) for v in story.said(VisitBegan)]


def links(story: Story) -> list[tuple[float | None, bool]]:
    return [(s(link.at_us), link.up) for link in story.said(LinkSpan)]


def test_an_answered_stay_is_over_at_once_and_names_who_took_it() -> None:
    book = PolicyBook(Policy(service_level_s=20, short_abandon_s=4))
    story = Story(book=book)
    story.names["1001"] = "王芳"
    story.talk(answer=7.25)
    assert began(story) == [("li", "hotline", 0)]
    (visit,) = story.said(VisitEnded)
    assert ended(story) == [("hotline", "answered", 0, 7.25)]
    assert (visit.seat, visit.agent, s(visit.left_us)) == ("PJSIP/1001", "王芳", 7.25)
    assert (visit.limit_us, visit.short_us) == (20_000_000, 4_000_000)
    assert (visit.estimated, visit.gap) == (False, False)
    story.customer_ends("li>1001", at=60)
    story.settled()
    assert len(story.said(VisitEnded)) == 1


def test_who_gives_up_is_told_when_that_is_certain() -> None:
    story = Story()
    story.joins("li", at=0)
    story.gives_up("li", at=12)
    assert ended(story) == []
    story.until(15)
    assert ended(story) == [("hotline", "abandoned", 0, 12)]
    (visit,) = story.said(VisitEnded)
    assert (visit.seat, visit.agent) == (None, None)


def test_a_queue_that_gives_up_lets_the_caller_go() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=30)
    story.hangup("li", at=31)
    story.settled()
    assert ended(story) == [("hotline", "let_go", 0, 30)]


def test_a_caller_who_goes_on_to_another_queue_was_moved() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=20)
    story.joins("li", at=20.1, queue="vip")
    leg = story.offers("li", "1002", at=20.5, queue="vip")
    story.rings(leg, at=20.5)
    story.answers(leg, at=24, queue="vip")
    story.customer_ends(leg, at=60)
    story.settled()
    assert sorted(ended(story)) == [
        ("hotline", "moved", 0, 20),
        ("vip", "answered", 20.1, 3.9),
    ]


def test_a_caller_who_is_bridged_with_somebody_else_was_moved() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=20)
    story.enters("li", "conference", at=20.2)
    story.until(25)
    assert ended(story) == [("hotline", "moved", 0, 20)]


def test_waiting_in_two_queues_one_after_the_other_is_two_stays() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=8)
    story.until(12)
    story.joins("li", at=20)
    story.gives_up("li", at=23)
    story.settled()
    assert ended(story) == [("hotline", "let_go", 0, 8), ("hotline", "abandoned", 20, 3)]


def test_of_many_phones_that_ring_one_takes_the_caller() -> None:
    story = Story()
    story.joins("li", at=0)
    rung = [story.offers("li", seat, at=0) for seat in ("1001", "1002", "1003")]
    for leg in rung:
        story.rings(leg, at=0.2)
    story.answers(rung[1], at=4)
    for leg in (rung[0], rung[2]):
        story.offer_ends(leg, "CANCEL", at=4)
    story.customer_ends(rung[1], at=30)
    story.settled()
    assert ended(story) == [("hotline", "answered", 0, 4)]
    assert story.said(VisitEnded)[0].seat == "PJSIP/1002"


def test_a_transfer_to_a_colleague_is_no_other_stay() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=20)
    story.leaves("li", at=20)
    story.hangup(leg, at=20)
    story.channel("li>1002", "PJSIP/1002", at=20.1)
    story.dials("li", "li>1002", at=20.1)
    story.rings("li>1002", at=20.2)
    story.answers("li>1002", at=24, queue=None)
    story.customer_ends("li>1002", at=40)
    story.settled()
    assert ended(story) == [("hotline", "answered", 0, 3)]


# --- gaps and restarts --------------------------------------------------------------------


def test_the_link_is_told_when_its_picture_is_true() -> None:
    story = Story(seats=())
    story.seats = ("1001",)
    story.link_up(at=-10)
    assert links(story) == []
    story.lists(at=-9.5)
    story.link_down(at=20)
    story.link_down(at=25)
    story.link_up(at=30)
    story.lists(at=31)
    story.lists(at=40)
    assert links(story) == [(-9.5, True), (20, False), (31, True)]


def test_a_pbx_without_queues_is_heard_as_well() -> None:
    story = Story(seats=())
    story.link_up(at=-10)
    story.lists(at=-9, queues=())
    assert links(story) == [(-9, True)]


def test_both_lists_are_awaited_in_whichever_order() -> None:
    story = Story()
    story.link_down(at=0)
    story.link_up(at=1)
    story.say(e.ListedQueue(us(2), "hotline"))
    story.say(e.QueueListDone(us(2)))
    assert links(story)[-1] == (0, False)
    story.say(e.ChannelListDone(us(3)))
    assert links(story)[-1] == (3, True)


def test_who_was_gone_after_a_gap_is_lost_from_sight() -> None:
    story = Story()
    story.joins("li", at=0)
    story.link_down(at=10)
    story.link_up(at=40)
    story.lists(at=40)
    story.settled()
    assert ended(story) == [("hotline", "unknown", 0, 40)]
    (visit,) = story.said(VisitEnded)
    assert (visit.estimated, visit.gap) == (False, True)


def test_who_still_waits_after_a_gap_is_judged_with_a_mark() -> None:
    story = Story()
    story.joins("li", at=0)
    story.link_down(at=10)
    story.link_up(at=12)
    story.lists(
        at=12,
        channels=[story.listed("li", at=12, age=12)],
        callers=[story.waits("li", at=12, wait=12)],
    )
    story.gives_up("li", at=20)
    story.settled()
    (visit,) = story.said(VisitEnded)
    assert ended(story) == [("hotline", "abandoned", 0, 20)]
    assert (visit.estimated, visit.gap) == (False, True)
    assert len(began(story)) == 1


def test_who_was_answered_before_a_gap_has_no_mark() -> None:
    story = Story()
    story.talk()
    story.link_down(at=10)
    (visit,) = story.said(VisitEnded)
    assert not visit.gap
    assert not story.engine.state.calls["li"].visits[0].gap


def test_who_was_answered_in_a_gap_waited_by_estimate() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=1)
    story.rings(leg, at=1)
    story.link_down(at=2)
    story.link_up(at=9)
    story.lists(
        at=9,
        channels=[
            story.listed("li", at=9, bridge="b", application="Queue", data="hotline"),
            story.listed(leg, at=9, bridge="b", application="AppQueue"),
        ],
    )
    (visit,) = story.said(VisitEnded)
    assert ended(story) == [("hotline", "answered", 0, 9)]
    assert (visit.estimated, visit.gap, visit.seat) == (True, True, "PJSIP/1001")
    assert story.engine.state.queues["hotline"].service_level is None


def test_a_caller_whom_the_first_snapshot_names_waits_by_the_pbxs_count() -> None:
    story = Story()
    story.lists(
        at=0,
        channels=[story.listed("li", at=0, age=30, application="Queue", data="hotline")],
        callers=[story.waits("li", at=0, wait=25)],
    )
    assert began(story) == [("li", "hotline", -25)]
    leg = story.offers("li", "1001", at=1)
    story.rings(leg, at=1)
    story.answers(leg, at=4)
    (visit,) = story.said(VisitEnded)
    assert (visit.outcome, visit.estimated, visit.gap) == ("answered", True, True)


def test_a_pbx_that_restarted_lost_all_who_waited() -> None:
    story = Story()
    story.link_up(at=-9, uptime=5000)
    story.joins("li", at=0)
    story.link_down(at=20)
    story.link_up(at=90, uptime=30)
    story.lists(at=90)
    story.settled()
    assert ended(story) == [("hotline", "unknown", 0, 20)]


def test_a_restart_says_again_who_waits_and_finishes_what_was_not_settled() -> None:
    story = Story()
    story.joins("li", at=0)
    story.joins("wang", at=5)
    story.gives_up("wang", at=9)
    talks = story.talk("zhao", at=5)
    again = restarted(story, at=9.5)
    assert sorted(began(again)) == [("li", "hotline", 0), ("wang", "hotline", 5)]
    assert links(again) == [(9, False)]
    again.lists(
        at=9.5,
        channels=[
            again.listed("li", at=9.5, age=10),
            again.listed("zhao", at=9.5, bridge=again.bridge_of["zhao"]),
            again.listed(talks, at=9.5, bridge=again.bridge_of["zhao"]),
        ],
        callers=[again.waits("li", at=9.5, wait=9)],
    )
    again.until(12)
    assert ended(again, "wang") == [("hotline", "abandoned", 5, 4)]
    assert links(again) == [(9, False), (9.5, True)]
    again.gives_up("li", at=20)
    again.settled()
    assert ended(again) == [("hotline", "abandoned", 0, 20)]
    assert ended(again, "zhao") == [], "told before the restart"


def test_what_was_told_of_a_seat_was_heard_before_a_restart() -> None:
    story = Story()
    story.engine.take_memory()
    story.member("1001", at=30, paused=True, change="status")
    again = restarted(story, at=50)
    assert links(again) == [(30, False)]


def test_leaving_a_queue_that_nobody_saw_joined_is_nothing() -> None:
    story = Story()
    story.leaves_queue("li", at=5)
    story.settled()
    assert ended(story) == []


def test_a_restart_that_lost_the_callers_channel_still_settles_the_stay() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=30)
    again = restarted(story, at=31)
    again.until(40)
    assert ended(again) == [("hotline", "let_go", 0, 30)]


def test_who_was_found_waiting_since_yesterday_is_not_on_todays_card() -> None:
    story = Story(book=PolicyBook(day_starts_s=(1_790_000_000 - 10) % 86_400))
    story.lists(
        at=0,
        channels=[story.listed("li", at=0, age=30, application="Queue", data="hotline")],
        callers=[story.waits("li", at=0, wait=25)],
    )
    queue = story.engine.state.queues["hotline"]
    assert (queue.offered, len(queue.waiting), queue.service_level) == (0, 1, None)
    story.gives_up("li", at=5)
    story.settled()
    assert (queue.offered, queue.abandoned) == (0, 0)
    assert ended(story) == [("hotline", "abandoned", -25, 30)]
