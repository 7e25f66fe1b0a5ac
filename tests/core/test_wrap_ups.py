"""After-call work and who works (:mod:`agentd.core.wrap_ups`)."""

from __future__ import annotations

import pytest

from agentd.core.effects import LegEnded, WorkBegan, WrapUpEnded
from agentd.core.policy import PolicyBook
from agentd.core.seat import SeatConfig
from tests.core.story import Story, restarted, s
from tests.core.test_contact import consults

Told = tuple[str, float | None, float | None, str]


def wraps(story: Story) -> list[Told]:
    """(leg, from, to, ended by) of all after-call work that is over."""
    return [(w.leg, s(w.from_us), s(w.to_us), w.ended_by) for w in story.said(WrapUpEnded)]


def work(story: Story) -> list[tuple[str, str, float | None]]:
    return [(w.kind, w.leg, s(w.at_us)) for w in story.said(WorkBegan)]


def talked(**policy: float) -> Story:
    """A call of 3 s to 20 s, with a wrap-up of 30 s."""
    story = Story(**policy)
    leg = story.talk()
    story.customer_ends(leg, at=20)
    return story


def test_after_call_work_lasts_as_long_as_configured() -> None:
    story = talked()
    story.until(30)
    assert work(story) == [("talk", "li>1001", 3), ("wrap_up", "li>1001", 20)]
    assert wraps(story) == []
    story.until(51)
    assert wraps(story) == [("li>1001", 20, 50, "limit")]
    (wrap,) = story.said(WrapUpEnded)
    assert (wrap.seat, wrap.call, wrap.queue) == ("PJSIP/1001", "li", "hotline")


def test_it_is_told_after_its_leg() -> None:
    story = talked(wrap_up_s=1)
    story.settled()
    kinds = [type(x) for x in story.effects if isinstance(x, LegEnded | WrapUpEnded)]
    assert kinds == [LegEnded, WrapUpEnded]
    assert wraps(story) == [("li>1001", 20, 21, "limit")]
    assert [kind for kind, _, _ in work(story)] == ["talk"], "over before it was certain"


def test_no_wrap_up_no_after_call_work() -> None:
    story = talked(wrap_up_s=0)
    story.settled()
    assert wraps(story) == []


def test_it_ends_with_the_order() -> None:
    story = talked()
    story.complete(at=31.5)
    story.settled()
    assert wraps(story) == [("li>1001", 20, 31.5, "order")]


def test_who_completed_the_order_in_the_call_has_nothing_left_to_do() -> None:
    story = Story()
    leg = story.talk()
    story.complete(at=10)
    story.customer_ends(leg, at=20)
    story.settled()
    assert wraps(story) == []


def test_the_order_of_another_call_changes_nothing() -> None:
    story = talked()
    leg = story.talk("wang", "1002", at=21)
    story.complete("wang", at=30)
    story.customer_ends(leg, at=35)
    story.until(80)
    assert wraps(story) == [("li>1001", 20, 50, "limit")]


def test_the_next_call_ends_it_when_it_is_answered_not_when_it_rings() -> None:
    story = talked()
    story.joins("wang", at=22)
    leg = story.offers("wang", "1001", at=22)
    story.rings(leg, at=22)
    story.until(27)
    assert wraps(story) == []
    story.answers(leg, at=28)
    assert wraps(story) == [("li>1001", 20, 28, "next_call")]


def test_a_call_within_the_settle_time_ends_it_before_it_was_told() -> None:
    story = talked()
    story.talk("wang", "1001", at=20.5, answer=0.5)
    story.until(30)
    assert wraps(story) == [("li>1001", 20, 21, "next_call")]


def test_an_offer_that_comes_to_nothing_ends_nothing() -> None:
    story = talked()
    story.joins("wang", at=22)
    leg = story.offers("wang", "1001", at=22)
    story.rings(leg, at=22)
    story.gives_up("wang", leg, at=26)
    story.until(27)
    assert story.state() == "wrap_up", "and so it is shown"
    story.until(60)
    assert wraps(story) == [("li>1001", 20, 50, "limit")]


def test_a_call_outward_ends_it_and_has_its_own() -> None:
    story = talked()
    story.calls_back(at=30, answer=35, end=60)
    story.until(100)
    assert wraps(story) == [("li>1001", 20, 30, "next_call"), ("out", 60, 90, "limit")]
    assert work(story)[2:] == [("outbound", "out", 35), ("wrap_up", "out", 60)]


def test_a_call_outward_that_nobody_took_is_followed_by_none() -> None:
    story = Story()
    story.calls_back(at=30, answer=None, end=60)
    story.until(100)
    assert wraps(story) == []


def test_calling_a_colleague_ends_it() -> None:
    story = talked()
    story.channel("ask", "PJSIP/1001", at=30)
    story.channel("ask>1002", "PJSIP/1002", at=30)
    story.dials("ask", "ask>1002", at=30)
    assert wraps(story) == [("li>1001", 20, 30, "next_call")]


def test_a_call_among_colleagues_is_followed_by_none() -> None:
    story = Story()
    story.channel("ask", "PJSIP/1001", at=0)
    story.channel("ask>1002", "PJSIP/1002", at=0)
    story.dials("ask", "ask>1002", at=0)
    story.picks_up("ask>1002", at=4, source="ask")
    story.enters("ask>1002", "b", at=4)
    story.enters("ask", "b", at=4)
    story.hangup_request("ask", at=30)
    story.hangup("ask", "ask>1002", at=30)
    story.settled()
    assert (wraps(story), work(story)) == ([], [])


def test_whoever_leaves_the_seat_works_no_longer() -> None:
    story = Story()
    story.signs_in("1001", "0001", "王芳", at=0)
    story.customer_ends(story.talk(), at=20)
    story.signs_out("1001", at=33)
    story.settled()
    assert wraps(story) == [("li>1001", 20, 33, "left")]
    assert story.said(WrapUpEnded)[0].agent == "0001"


def test_whoever_logs_out_of_all_queues_left() -> None:
    story = talked()
    story.member("1001", at=20.5, change="added", queue="vip")
    story.member("1001", at=25, change="removed")
    assert wraps(story) == []
    story.member("1001", at=28, change="removed", queue="vip")
    story.settled()
    assert wraps(story) == [("li>1001", 20, 28, "left")]


def test_a_seat_without_queues_may_be_removed_from_one() -> None:
    story = Story(book=PolicyBook(seats=(SeatConfig("PJSIP/1001", queueless=True),)))
    story.customer_ends(story.talk(), at=20)
    story.member("1001", at=28, change="removed")
    story.until(60)
    assert wraps(story) == [("li>1001", 20, 50, "limit")]


def test_who_talks_on_another_line_wraps_up_nothing() -> None:
    story = Story()
    first = story.talk()
    story.talk("wang", "1001", at=5)
    story.customer_ends(first, at=20)
    story.settled()
    assert wraps(story) == []


def test_a_leg_that_is_opened_again_had_no_after_call_work() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=20)
    story.leaves("li", at=20)
    story.parks("li", at=20.5)
    story.until(30)
    assert work(story) == [("talk", leg, 3)]
    assert wraps(story) == []
    assert story.engine.state.wrapping == {}


def test_one_that_was_over_already_is_forgotten_as_well_when_its_leg_is_opened_again() -> None:
    for complete_at in (10.0, 20.2):
        story = Story()
        leg = story.talk()
        story.until(complete_at)
        if complete_at < 20:
            story.complete(at=complete_at)
        story.blind_transfer(leg, at=20)
        story.leaves("li", at=20)
        if complete_at > 20:
            story.complete(at=complete_at)
        story.parks("li", at=20.5)
        story.until(30)
        assert wraps(story) == []
        assert story.engine.state.wrap_ups == {}


def test_everybody_who_had_the_customer_has_theirs() -> None:
    story = Story()
    first = story.talk()
    _, second = consults(story, first, "1002", at=10)
    story.attended_transfer(first, first, at=20)
    story.leaves("1002.1", at=20)
    story.enters("1002.1", f"b:{first}", at=20)
    story.hangup(first, at=20)
    story.hangup_request("li", at=60)
    story.hangup("li", "1002.1", "1002.2", second, at=60)
    story.until(100)
    assert wraps(story) == [(first, 20, 50, "limit"), (second, 60, 90, "limit")]
    assert [(k, leg, at) for k, leg, at in work(story) if k == "talk"] == [
        ("talk", first, 3),
        ("talk", second, 12),
    ]
    assert "ring" not in story.leg(second).judged


# --- gaps and restarts --------------------------------------------------------------------


def test_a_lost_link_hides_the_end() -> None:
    story = talked()
    story.until(25)
    story.link_down(at=30)
    assert wraps(story) == [("li>1001", 20, 30, "gap")]


def test_a_link_that_was_lost_before_it_was_certain_tells_it_after() -> None:
    story = talked()
    story.link_down(at=21)
    story.link_up(at=60)
    story.lists(at=60)
    story.settled()
    assert wraps(story) == [("li>1001", 20, 21, "gap")]


def test_the_end_of_a_recording_is_a_lost_link() -> None:
    story = talked()
    story.until(25)
    ((_, _, to, by),) = wraps(story.ends())
    assert to is not None
    assert (20 < to <= 25, by) == (True, "gap")


def test_what_was_over_when_a_recording_ended_was_over_in_time() -> None:
    story = talked(wrap_up_s=3)
    story.until(22.5)
    assert wraps(story.ends()) == [("li>1001", 20, 23, "limit")]


def test_a_restart_ends_it_when_the_daemon_was_last_alive() -> None:
    story = talked()
    story.until(25)
    story.member("1002", at=26, paused=True, change="status")
    again = restarted(story, at=60)
    assert wraps(again) == [("li>1001", 20, 26, "gap")]
    assert again.engine.take_memory()["wrap:li>1001"] is None


def test_a_restart_before_it_was_certain_forgets_nothing() -> None:
    story = talked()
    story.complete(at=21)
    again = restarted(story, at=60)
    again.settled()
    assert wraps(again) == [("li>1001", 20, 21, "order")]


def test_a_restart_says_again_who_talks() -> None:
    story = Story()
    leg = story.talk()
    again = restarted(story, at=10)
    assert work(again) == [("talk", leg, 3)]


# --- which rules a leg could have broken ------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "judged"),
    [
        ({}, {"ring", "hold", "park", "hangup_order"}),
        ({"agent_may_end": True}, {"ring", "hold", "park"}),
        (
            {"hold_sum_max_s": 60.0, "consult_max_s": 60.0},
            {"ring", "hold", "park", "hangup_order", "hold_sum", "consult"},
        ),
    ],
)
def test_a_leg_says_by_which_rules_it_was_judged(
    policy: dict[str, float], judged: set[str]
) -> None:
    story = talked(**policy)
    assert set(story.settled().leg("li>1001").judged) == judged


def test_who_never_answered_is_judged_by_the_ring_alone() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.gives_up("li", leg, at=6)
    assert story.settled().leg(leg).judged == ("ring",)


def test_what_nobody_saw_whole_is_judged_by_no_rule() -> None:
    story = Story()
    leg = story.talk()
    story.link_down(at=10)
    story.link_up(at=11)
    story.lists(
        at=11,
        channels=[
            story.listed("li", at=11, bridge=story.bridge_of["li"]),
            story.listed(leg, at=11, bridge=story.bridge_of[leg]),
        ],
    )
    story.customer_ends(leg, at=20)
    assert story.settled().leg(leg).judged == ()


def test_who_ended_it_must_be_known() -> None:
    story = Story()
    leg = story.talk()
    story.hangup("li", leg, at=20)
    judged = story.settled().leg(leg)
    assert judged.ended_by == "unknown"
    assert "hangup_order" not in judged.judged


def test_a_call_among_colleagues_is_judged_by_no_rule() -> None:
    story = Story()
    story.channel("ask", "PJSIP/1001", at=0)
    story.channel("ask>1002", "PJSIP/1002", at=0)
    story.dials("ask", "ask>1002", at=0)
    story.rings("ask>1002", at=0)
    story.picks_up("ask>1002", at=4, source="ask")
    story.hangup("ask", "ask>1002", at=30)
    assert {leg.judged for leg in story.settled().legs.values()} == {()}
