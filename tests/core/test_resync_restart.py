"""Lost links, a PBX that restarts, a daemon that restarts (:mod:`agentd.core.resync`)."""

from __future__ import annotations

from agentd.core.effects import OrderChanged
from tests.core.story import Story, holds, restarted, s

# --- the PBX restarts ---------------------------------------------------------------------


def test_an_uptime_that_shrank_ends_all_earlier_calls_at_the_last_event() -> None:
    story = Story(seats=())
    story.seats = ("1001",)
    story.link_up(at=-10, uptime=5000)
    story.lists(at=-10)
    leg = story.talk()
    story.holds(leg, at=10)
    story.joins("wang", at=12)
    story.link_down(at=20)
    story.link_up(at=90, uptime=30)
    story.lists(at=90)
    story.settled()
    judged = story.leg(leg)
    assert (s(judged.ended_us), judged.ended_by, judged.estimated) == (20, "system", True)
    assert holds(judged) == [("hold", 10, None)]
    assert story.calls["wang"].outcome == "queue_gave_up"
    assert s(story.calls["wang"].ended_us) == 20
    assert story.violations == []
    assert story.orders()[-1] == ("due", "PJSIP/1001", 920)


def test_an_offer_that_the_restart_ended_is_over_too() -> None:
    story = Story()
    story.link_up(at=-9, uptime=5000)
    story.joins("li", at=0)
    leg = story.offers("li", "1001", at=0)
    story.rings(leg, at=0)
    story.link_down(at=11)
    story.link_up(at=90, uptime=30)
    story.lists(at=90)
    judged = story.settled().leg(leg)
    assert judged.outcome != "answered"
    assert judged.ended_by is None
    assert s(judged.ended_us) == 11


def test_an_uptime_that_grew_is_the_same_pbx() -> None:
    story = Story()
    story.link_up(at=-9, uptime=5000)
    leg = story.talk()
    bridge = story.bridge_of[leg]
    story.link_down(at=20)
    story.link_up(at=25, uptime=5034)
    story.lists(
        at=25,
        channels=[
            story.listed("li", at=25, bridge=bridge),
            story.listed(leg, at=25, bridge=bridge),
        ],
    )
    story.customer_ends(leg, at=40)
    judged = story.settled().leg(leg)
    assert (s(judged.ended_us), judged.ended_by, judged.estimated) == (40, "caller", False)


def test_an_uptime_told_again_on_the_same_stream_proves_nothing_new() -> None:
    story = Story()
    story.link_up(at=-9, uptime=5000)
    leg = story.talk()
    story.link_up(at=10, uptime=-1)
    story.link_up(at=11, uptime=5019)
    story.customer_ends(leg, at=40)
    assert story.settled().leg(leg).ended_by == "caller"


def test_channel_names_that_repeat_tell_of_a_restart_where_no_uptime_does() -> None:
    story = Story()
    leg = story.talk()
    story.link_down(at=20)
    story.link_up(at=60)
    story.channel("new", at=61, name=story.devices["li"])
    story.lists(at=62, channels=[story.listed("new", at=62)])
    judged = story.settled().leg(leg)
    assert (s(judged.ended_us), judged.ended_by, judged.estimated) == (20, "system", True)


def test_without_a_gap_a_name_that_comes_again_is_only_a_name() -> None:
    story = Story()
    leg = story.talk()
    story.channel("new", at=10, name=story.devices["li"])
    story.customer_ends(leg, at=20)
    judged = story.settled().leg(leg)
    assert (judged.ended_by, judged.estimated) == ("caller", False)


def test_new_calls_on_names_that_repeat_are_calls_of_their_own() -> None:
    story = Story()
    story.link_up(at=-9, uptime=5000)
    old = story.talk()
    names = dict(story.devices)
    story.link_down(at=20)
    story.link_up(at=90, uptime=30)
    story.lists(at=90)
    story.channel("wang", at=100, name=names["li"], num="13700137000", state=4)
    story.devices["wang>1001"] = names[old]
    new = story.talk("wang", at=100)
    story.agent_ends(new, at=130)
    story.settled()
    assert story.leg(old).ended_by == "system"
    assert story.leg(new).ended_by == "agent"
    assert story.violations == [("hangup_order", new, 130)]


# --- the daemon restarts ------------------------------------------------------------------


def test_killed_in_mid_call_and_started_again() -> None:
    story = Story()
    leg = story.talk()
    bridge = story.bridge_of[leg]
    again = restarted(story, at=30)
    again.lists(
        at=30,
        channels=[
            again.listed("li", at=30, bridge=bridge),
            again.listed(leg, at=30, bridge=bridge, application="AppQueue"),
        ],
    )
    again.agent_ends(leg, at=60)
    again.settled()
    judged = again.leg(leg)
    assert (s(judged.ringing_us), s(judged.answered_us)) == (0, 3)
    assert (s(judged.ended_us), judged.ended_by, judged.estimated) == (60, "agent", False)
    assert judged.gap
    assert again.violations == [("hangup_order", leg, 60)]
    assert [o.change for o in again.said(OrderChanged)] == ["due"]


def test_what_ended_while_the_daemon_was_down_ended_unseen() -> None:
    story = Story()
    leg = story.talk()
    again = restarted(story, at=30)
    again.lists(at=30)
    again.settled()
    judged = again.leg(leg)
    assert (s(judged.ended_us), judged.ended_by, judged.estimated) == (30, "unknown", True)
    assert again.calls["li"].outcome == "answered"
    assert again.orders()[-1] == ("due", "PJSIP/1001", 930)
    assert again.violations == []


def test_a_waiting_caller_of_before_who_is_gone_is_closed() -> None:
    story = Story()
    story.joins("li", at=0)
    again = restarted(story, at=30)
    again.lists(at=30)
    again.settled()
    assert again.calls["li"].gap
    assert again.engine.state.queues["hotline"].waiting == {}
    assert again.engine.state.calls == {}


def test_an_outbound_call_goes_on_over_a_restart() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("far", at=0)
    story.dials("own", "far", at=0, number="13900139000")
    story.picks_up("far", at=5, source="own")
    again = restarted(story, at=30)
    again.lists(
        at=30,
        channels=[
            again.listed("own", at=30, bridge="b"),
            again.listed("far", at=30, bridge="b", application="AppDial"),
        ],
    )
    again.hangup_request("far", at=40)
    again.hangup("far", "own", at=40)
    again.settled()
    judged = again.leg("own")
    assert (judged.direction, s(judged.answered_us), judged.ended_by) == ("outbound", 5, "caller")


def test_a_leg_that_was_over_but_not_judged_is_judged_after_the_restart() -> None:
    story = Story()
    leg = story.talk()
    story.agent_ends(leg, at=20)
    again = restarted(story, at=30)
    again.lists(at=30)
    again.settled()
    judged = again.leg(leg)
    assert s(judged.ended_us) == 20
    assert judged.ended_by == "unknown", "the evidence was in the channels, which are forgotten"
    assert again.violations == []
    assert again.calls["li"].outcome == "answered"


def test_a_pbx_that_restarted_while_the_daemon_was_down() -> None:
    story = Story(seats=())
    story.seats = ("1001",)
    story.link_up(at=-10, uptime=5000)
    story.lists(at=-10)
    leg = story.talk()
    again = restarted(story, at=60, uptime=20)
    again.lists(at=60)
    again.settled()
    judged = again.leg(leg)
    assert (judged.ended_by, judged.estimated) == ("system", True)
    assert s(judged.ended_us) == 3, "the last event that was seen"
    assert again.violations == []
    assert again.orders()[-1] == ("due", "PJSIP/1001", 903)


def test_a_pbx_that_restarts_after_the_daemon_did() -> None:
    story = Story(seats=())
    story.seats = ("1001",)
    story.link_up(at=-10, uptime=5000)
    story.lists(at=-10)
    leg = story.talk()
    bridge = story.bridge_of[leg]
    again = restarted(story, at=30, uptime=5040)
    again.lists(
        at=30,
        channels=[
            again.listed("li", at=30, bridge=bridge),
            again.listed(leg, at=30, bridge=bridge),
        ],
    )
    again.link_down(at=50)
    again.link_up(at=120, uptime=15)
    again.lists(at=120)
    again.settled()
    judged = again.leg(leg)
    assert (s(judged.ended_us), judged.ended_by) == (50, "system")


# --- links --------------------------------------------------------------------------------


def test_two_losses_of_the_link_in_a_row_are_one_gap() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.until(31)
    story.link_down(at=31)
    story.link_down(at=40)
    story.link_up(at=41)
    story.unholds(leg, at=44)
    story.customer_ends(leg, at=50)
    judged = story.settled().leg(leg)
    assert [level for level, _ in story.alerts("hold")] == ["warning", "cleared"]
    assert holds(judged) == [("hold", 10, None)]


def test_a_leg_that_was_over_when_the_link_was_lost_is_doubted_not_marked() -> None:
    story = Story()
    leg = story.talk()
    story.agent_ends(leg, at=20)
    story.link_down(at=20.5)
    story.link_up(at=21)
    on = story.talk("wang", "1002", at=22)
    story.link_down(at=30)
    story.link_up(at=31)
    story.customer_ends(on, at=40)
    judged = story.settled().leg(leg)
    assert not judged.gap
    assert not story.calls["li"].gap
    assert story.calls["wang"].gap
    assert judged.ended_by == "unknown"
    assert story.violations == []


def test_the_queues_figures_that_span_a_gap_are_marked() -> None:
    story = Story()
    story.joins("li", at=0)
    story.link_down(at=5)
    assert story.engine.state.queues["hotline"].gap


def test_killed_again_after_the_end_of_a_call_that_was_handed_over() -> None:
    """The order is due from the end of the last part, not of the first."""
    story = Story()
    first = story.talk()
    bridge = story.bridge_of[first]
    story.channel("second", "PJSIP/1002", at=10)
    story.dials("li", "second", at=10)
    story.blind_transfer(first, at=10)
    story.leaves(first, at=10)
    story.hangup(first, at=10)
    story.dial_ends("li", "second", "ANSWER", at=12)
    story.enters("second", bridge, at=12)
    story.until(30)
    # The store holds what was remembered so far, and then what changed since.
    memory = {k: v for k, v in story.engine.take_memory().items() if v is not None}
    story.hangup("second", at=40)
    again = restarted(story, at=41, before=memory)
    again.lists(at=41)
    again.settled()
    assert [s(o.due_us or 0) for o in again.said(OrderChanged) if o.change == "due"] == [940]
