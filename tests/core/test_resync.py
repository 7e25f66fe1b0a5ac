"""Snapshots: what a list says of what is not known (:mod:`agentd.core.resync`)."""

from __future__ import annotations

from agentd.core import events as e
from agentd.core.effects import OrderChanged
from tests.core.story import RINGING, Story, holds, length, s, us


def found(story: Story, *, at: float = 0, queue: bool = False) -> str:
    """The first snapshot shows a seat and a customer in one bridge."""
    story.lists(
        at=at,
        channels=[
            story.listed(
                "li",
                at=at,
                bridge="b",
                age=60,
                num="13800138000",
                application="Queue" if queue else "",
                data="hotline,t" if queue else "",
            ),
            story.listed("leg", at=at, device="1001", bridge="b", age=50, application="AppQueue"),
        ],
    )
    return "leg"


# --- calls in progress --------------------------------------------------------------------


def test_a_call_found_in_progress_gets_its_leg_and_its_order() -> None:
    story = Story()
    leg = found(story)
    assert story.state() == "talking"
    assert story.orders() == [("opened", "PJSIP/1001", None)]
    story.hangup_request("li", at=20)
    story.hangup("li", leg, at=20)
    judged = story.settled().leg(leg)
    assert (judged.outcome, judged.ended_by, judged.estimated) == ("answered", "caller", True)
    assert (judged.answered_us, judged.talk_us, judged.ring_us) == (None, None, None)
    assert s(judged.offered_us) == -50, "rebuilt from the channel's age"
    assert story.orders()[-1] == ("due", "PJSIP/1001", 920)
    call = story.calls["li"]
    assert (call.outcome, s(call.started_us), call.caller) == ("answered", -60, "13800138000")


def test_a_call_found_in_progress_is_its_queues() -> None:
    story = Story()
    leg = found(story, queue=True)
    story.hangup_request("li", at=20)
    story.hangup("li", leg, at=20)
    story.settled()
    assert story.leg(leg).queue == "hotline"
    call = story.calls["li"]
    assert (call.queue, call.visits, call.wait_us, call.gap) == (
        "hotline",
        ("hotline",),
        None,
        True,
    )


def test_a_call_found_in_progress_charges_no_hang_up() -> None:
    story = Story()
    leg = found(story)
    story.hangup_request(leg, at=20)
    story.hangup(leg, "li", at=20)
    assert story.settled().leg(leg).ended_by == "agent"
    assert story.violations == []


def test_connected_in_the_middle_of_a_hold() -> None:
    story = Story()
    leg = found(story)
    story.unholds(leg, at=40)
    story.holds(leg, at=50)
    story.unholds(leg, at=85)
    story.hangup_request("li", at=90)
    story.hangup("li", leg, at=90)
    judged = story.settled().leg(leg)
    assert holds(judged) == [("hold", None, None), ("hold", 50, 35)]
    assert length(judged.hold_us) == 35
    assert story.violations == [("hold", leg, 80)], "this one was seen from its start"


def test_a_ringing_phone_found_is_nobodys_late_answer() -> None:
    story = Story()
    story.lists(
        at=0,
        channels=[
            story.listed("li", at=0, age=20, num="13800138000"),
            story.listed(
                "leg",
                at=0,
                device="1001",
                state=RINGING,
                age=15,
                application="AppQueue",
                linkedid="li",
            ),
        ],
    )
    assert story.state() == "ringing"
    story.until(30)
    story.picks_up("leg", at=30, source="li")
    story.enters("leg", "b", at=30)
    story.enters("li", "b", at=30)
    story.hangup_request("li", at=50)
    story.hangup("li", "leg", at=50)
    judged = story.settled().leg("leg")
    assert judged.estimated
    assert story.alerts("ring") == []
    assert story.violations == []
    assert s(judged.answered_us) == 30


def test_a_ringing_phone_whose_caller_is_unknown_or_inside_is_left_alone() -> None:
    story = Story()
    story.lists(
        at=0,
        channels=[
            story.listed("own", at=0, device="1002"),
            story.listed(
                "leg", at=0, device="1001", state=RINGING, application="AppDial", linkedid="own"
            ),
            story.listed(
                "leg3", at=0, device="1003", state=RINGING, application="AppDial", linkedid="gone"
            ),
        ],
    )
    assert story.state("1001") == "available"
    assert story.said(OrderChanged) == []


def test_a_phone_that_is_up_alone_or_only_dials_gets_no_leg() -> None:
    story = Story()
    story.lists(
        at=0,
        channels=[
            story.listed("idle", at=0, device="1001"),
            story.listed("dialling", at=0, device="1002", state=4),
        ],
    )
    assert story.state("1001") == story.state("1002") == "available"


def test_an_outbound_call_found_in_progress_opens_no_order() -> None:
    story = Story()
    story.lists(
        at=0,
        channels=[
            story.listed("own", at=0, device="1001", bridge="b"),
            story.listed("far", at=0, bridge="b", application="AppDial", num="13900139000"),
        ],
    )
    assert story.state() == "talking"
    assert story.said(OrderChanged) == []
    story.hangup_request("far", at=20)
    story.hangup("far", "own", at=20)
    judged = story.settled().leg("own")
    assert (judged.direction, judged.caller, judged.ended_by) == (
        "outbound",
        "13900139000",
        "caller",
    )


def test_through_a_local_channel() -> None:
    story = Story()
    story.devices["one"] = "Local/1001@agents-1;1"
    story.devices["two"] = "Local/1001@agents-1;2"
    story.lists(
        at=0,
        channels=[
            story.listed("li", at=0, bridge="near", num="13800138000"),
            story.listed("one", at=0, bridge="near", application="AppQueue"),
            story.listed("two", at=0, bridge="far"),
            story.listed("leg", at=0, device="1001", bridge="far", application="AppDial"),
        ],
    )
    assert story.state() == "talking"
    assert story.orders() == [("opened", "PJSIP/1001", None)]


def test_seats_may_be_listed_after_the_channels() -> None:
    """CoreShowChannels is answered before QueueStatus says who is a seat."""
    story = Story(seats=())
    story.seats = ("1001",)
    story.link_up(at=0)
    found(story)
    assert story.state() == "talking"
    assert story.orders() == [("opened", "PJSIP/1001", None)]


def test_a_snapshot_twice_changes_nothing() -> None:
    story = Story()
    found(story)
    before = list(story.effects)
    for at in (1, 2):
        found(story, at=at)
        story.until(at + 0.9)
    assert story.effects == before


def test_a_snapshot_of_a_call_that_was_seen_from_its_start_changes_nothing() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    bridge = story.bridge_of[leg]
    story.lists(
        at=15,
        channels=[
            story.listed("li", at=15, bridge=bridge, age=15),
            story.listed(leg, at=15, bridge=bridge, age=15, application="AppQueue"),
        ],
    )
    story.unholds(leg, at=20)
    story.customer_ends(leg, at=30)
    judged = story.settled().leg(leg)
    assert not judged.estimated
    assert not judged.gap
    assert holds(judged) == [("hold", 10, 10)]


# --- what a list does not name ------------------------------------------------------------


def test_a_channel_that_the_snapshot_does_not_know_ended_unseen() -> None:
    story = Story()
    leg = story.talk()
    story.lists(at=30)
    story.until(31.9)
    assert story.legs == {}, "its hang-up may stand behind the list"
    judged = story.settled().leg(leg)
    assert (s(judged.ended_us), judged.ended_by, judged.estimated) == (30, "unknown", True)
    assert story.violations == []
    assert story.calls["li"].gap
    assert story.orders()[-1] == ("due", "PJSIP/1001", 930)


def test_a_hang_up_behind_the_list_is_the_evidence() -> None:
    story = Story()
    leg = story.talk()
    story.lists(at=30)
    story.agent_ends(leg, at=30.01)
    judged = story.settled().leg(leg)
    assert (judged.ended_by, judged.estimated) == ("agent", False)


def test_a_request_before_an_end_that_nobody_saw_proves_nothing() -> None:
    story = Story()
    leg = story.talk()
    story.hangup_request(leg, at=29.99)
    story.lists(at=30)
    assert story.settled().leg(leg).ended_by == "unknown"
    assert story.violations == []


def test_a_channel_younger_than_the_list_is_not_missed_though_its_stamp_is_older() -> None:
    """Events that queue up behind a list may be stamped a little before the last one ahead."""
    story = Story()
    leg = story.talk(at=29.98, answer=0.01)
    story.lists(at=30)
    story.customer_ends(leg, at=60)
    judged = story.settled().leg(leg)
    assert (s(judged.ended_us), judged.estimated) == (60, False)


def test_a_call_that_begins_while_the_list_is_made_is_not_missed() -> None:
    story = Story()
    story.lists(at=30)
    leg = story.talk(at=30)
    story.until(60)
    story.customer_ends(leg, at=60)
    assert not story.settled().leg(leg).estimated


def test_the_queues_last_call_tells_when_a_missed_call_ended() -> None:
    story = Story()
    leg = story.talk()
    story.link_down(at=10)
    story.link_up(at=40)
    story.member("1001", at=40, change="listed", last_call_s=us(25) // 1_000_000)
    story.lists(at=40)
    judged = story.settled().leg(leg)
    assert (s(judged.ended_us), judged.estimated) == (25, True)


def test_a_ringing_phone_that_vanished_is_not_judged() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.link_down(at=3)
    story.link_up(at=20)
    story.lists(at=20)
    story.settled()
    judged = story.leg(leg)
    assert judged.outcome != "answered"
    assert judged.estimated
    assert story.violations == []


def test_members_that_the_list_does_not_name_are_logged_out() -> None:
    story = Story()
    story.lists(at=10, members=["1002", "1003"])
    assert story.state("1001") == "logged_out"
    assert story.state("1002") == "available"


def test_an_end_of_a_list_without_its_queues_logs_nobody_out() -> None:
    """The beginning of the list was lost in a cut frame, or the account may see no queue."""
    story = Story()
    story.say(e.QueueListDone(us(10)))
    assert story.state("1001") == "available"


def test_pause_and_reachability_come_with_the_list() -> None:
    story = Story(seats=())
    story.link_up(at=0)
    story.say(e.ListedQueue(us(0), "hotline"))
    story.member("1001", at=0, change="listed", paused=True, reason="小休", name="张三")
    story.member("1002", at=0, change="listed", status=5)
    story.say(e.QueueListDone(us(0)))
    assert (story.state("1001"), story.state("1002")) == ("paused", "unreachable")


# --- callers who wait ---------------------------------------------------------------------


def waiting(story: Story, queue: str = "hotline") -> dict[str, float | None]:
    return {call: s(w.joined_us) for call, w in story.engine.state.queues[queue].waiting.items()}


def test_a_caller_found_waiting() -> None:
    story = Story()
    story.lists(at=0, callers=[story.waits("li", at=0, wait=7, num="13800138000")])
    assert waiting(story) == {"li": -7}
    leg = story.offers("li", "1001", at=1)
    story.rings(leg, at=1)
    story.answers(leg, at=4)
    story.customer_ends(leg, at=20)
    story.settled()
    assert story.calls["li"].wait_us is None, "the list tells whole seconds only"
    assert story.calls["li"].caller == "13800138000"
    assert story.engine.state.queues["hotline"].in_time == 0
    assert not story.leg(leg).estimated


def test_a_caller_known_to_wait_keeps_his_time() -> None:
    story = Story()
    story.joins("li", at=0)
    story.lists(
        at=5,
        channels=[story.listed("li", at=5, age=5)],
        callers=[story.waits("li", at=5, wait=4)],
    )
    assert waiting(story) == {"li": 0}
    assert story.engine.state.queues["hotline"].offered == 1


def test_a_caller_whose_leaving_stands_behind_the_list_is_not_counted_again() -> None:
    story = Story()
    leg = story.talk()
    story.lists(
        at=4,
        channels=[story.listed("li", at=4), story.listed(leg, at=4)],
        callers=[story.waits("li", at=4, wait=4)],
    )
    assert story.engine.state.queues["hotline"].offered == 1
    story.customer_ends(leg, at=20)
    story.lists(at=20.1, callers=[story.waits("li", at=20.1, wait=20)])
    assert waiting(story) == {}


def test_a_caller_who_came_back_in_the_gap_is_a_new_visit() -> None:
    story = Story()
    story.joins("li", at=0)
    story.leaves_queue("li", at=5)
    story.link_down(at=10)
    story.link_up(at=20)
    story.lists(
        at=20,
        channels=[story.listed("li", at=20)],
        callers=[story.waits("li", at=20, wait=3)],
    )
    assert waiting(story) == {"li": 17}


def test_a_caller_who_left_in_the_gap_waits_no_longer() -> None:
    story = Story()
    story.joins("li", at=0)
    story.link_down(at=10)
    story.link_up(at=20)
    story.lists(at=20, channels=[story.listed("li", at=20)])
    assert waiting(story) == {}


def test_a_number_that_only_the_list_knows() -> None:
    story = Story()
    story.joins("li", at=0, num=None)
    story.leaves_queue("li", at=1)
    story.lists(
        at=5,
        channels=[story.listed("li", at=5)],
        callers=[story.waits("li", at=5, wait=4, num="13800138000", queue="vip")],
        queues=("hotline", "vip"),
    )
    story.gives_up("li", at=8)
    story.settled()
    assert story.calls["li"].caller == "13800138000"


# --- calls that began in the gap ----------------------------------------------------------


def test_answered_in_the_gap() -> None:
    story = Story()
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=1)
    story.link_down(at=3)
    story.link_up(at=20)
    story.lists(
        at=20,
        channels=[
            story.listed("li", at=20, bridge="b"),
            story.listed(leg, at=20, bridge="b", application="AppQueue"),
        ],
    )
    assert story.state() == "talking"
    story.hangup_request(leg, at=40)
    story.hangup(leg, "li", at=40)
    judged = story.settled().leg(leg)
    assert judged.estimated, "its answer time had to be rebuilt"
    assert (judged.outcome, s(judged.answered_us)) == ("answered", 20)
    assert story.violations == []


def test_a_hold_that_began_in_a_gap_of_five_seconds() -> None:
    story = Story()
    leg = story.talk()
    bridge = story.bridge_of[leg]
    story.link_down(at=10)
    story.link_up(at=15)
    story.lists(
        at=15,
        channels=[
            story.listed("li", at=15, bridge=bridge),
            story.listed(leg, at=15, bridge=bridge, application="AppQueue"),
        ],
    )
    story.until(60)
    story.unholds(leg, at=60)
    story.customer_ends(leg, at=70)
    judged = story.settled().leg(leg)
    assert holds(judged) == [("hold", None, None)]
    assert not judged.estimated
    assert judged.gap
    assert judged.ended_by == "caller"
    assert story.violations == []


def test_parted_in_the_gap() -> None:
    """The customer was sent elsewhere meanwhile: the list shows both, apart."""
    story = Story()
    leg = story.talk()
    story.link_down(at=10)
    story.link_up(at=15)
    story.lists(
        at=15,
        channels=[
            story.listed("li", at=15, bridge="other"),
            story.listed("peer", at=15, device="1002", bridge="other", application="AppDial"),
        ],
    )
    story.hangup_request("li", at=30)
    story.hangup("li", "peer", at=30)
    story.settled()
    assert story.leg(leg).ended_by == "unknown"
    assert story.leg("peer").ended_by == "caller"
    assert story.orders()[-1][1] == "PJSIP/1002"
    assert story.violations == []
