"""What a seat does now, and who sits there (:mod:`agentd.core.seat`)."""

from __future__ import annotations

from agentd.core import events as e
from agentd.core.effects import SeatChanged, Violation
from agentd.core.policy import Policy, PolicyBook, SeatConfig
from agentd.core.seat import STATES, state_diagram, state_table
from tests.core.story import Story, us


def device(story: Story, state: str, *, at: float, seat: str = "1001") -> None:
    story.say(e.DeviceState(us(at), f"PJSIP/{seat}", state))


# --- states -------------------------------------------------------------------------------


def test_a_seat_goes_through_a_call() -> None:
    story = Story()
    leg = story.talk(at=0, answer=3)
    story.holds(leg, at=10)
    story.unholds(leg, at=20)
    story.customer_ends(leg, at=30)
    story.until(70)
    assert story.states() == [
        "available",
        "offered",
        "ringing",
        "talking",
        "holding",
        "talking",
        "wrap_up",
        "available",
    ]


def test_being_discovered_is_a_change() -> None:
    story = Story()
    (found,) = [c for c in story.said(SeatChanged) if c.seat == "PJSIP/1001"]
    assert (found.state, found.queues, found.agent) == ("available", ("hotline",), None)


def test_wrap_up_lasts_its_time_or_until_the_order_is_complete_or_the_next_call() -> None:
    story = Story(wrap_up_s=30.0)
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.until(49.9)
    assert story.state() == "wrap_up"
    story.until(51)
    assert story.state() == "available"

    leg = story.talk("wang", at=100)
    story.customer_ends(leg, at=120)
    story.complete("wang", at=125)
    assert story.state() == "available"

    leg = story.talk("zhao", at=200)
    story.customer_ends(leg, at=220)
    story.talk("sun", at=225, answer=2)
    assert story.states()[-4:] == ["wrap_up", "offered", "ringing", "talking"]


def test_completing_an_older_order_does_not_end_the_wrap_up() -> None:
    story = Story()
    for number, call in enumerate(("li", "wang")):
        leg = story.talk(call, at=number * 100)
        story.customer_ends(leg, at=number * 100 + 20)
    story.complete("li", at=125)
    assert story.state() == "wrap_up"


def test_a_phone_that_rings_again_after_the_hold_is_holding_first() -> None:
    """Ringinuse: a second call rings while the first customer waits."""
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.joins("wang", at=11)
    other = story.offers("wang", "1001", at=11)
    story.rings(other, at=11)
    assert story.state() == "holding"
    story.unholds(leg, at=12)
    assert story.state() == "talking"
    story.customer_ends(leg, at=13)
    assert story.state() == "ringing"


def test_an_unreachable_phone_comes_before_paused_and_after_its_calls() -> None:
    story = Story()
    story.member("1001", at=0, change="pause", paused=True, reason="小休")
    device(story, "UNAVAILABLE", at=1)
    assert story.state() == "unreachable"
    device(story, "NOT_INUSE", at=2)
    assert story.state() == "paused"
    leg = story.talk(at=10)
    device(story, "UNAVAILABLE", at=15)
    assert story.state() == "talking"
    story.customer_ends(leg, at=20)
    assert story.state() == "unreachable"


def test_paused_comes_before_wrap_up() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    story.member("1001", at=21, change="pause", paused=True)
    assert story.state() == "paused"


def test_the_device_of_no_seat_is_nobodys() -> None:
    story = Story()
    device(story, "UNAVAILABLE", at=1, seat="trunk")
    assert "PJSIP/trunk" not in story.engine.state.seats


def test_a_queues_status_of_the_phone_counts_as_its_state() -> None:
    story = Story()
    story.member("1001", at=1, status=5)
    assert story.state() == "unreachable"
    story.member("1001", at=2, status=1)
    assert story.state() == "available"


def test_dialling_out_is_talking_at_once() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("far", at=0)
    story.dials("own", "far", at=0, number="13900139000")
    assert story.state() == "talking"


# --- pause, login, logout -----------------------------------------------------------------


def test_paused_in_one_of_two_queues_is_not_paused() -> None:
    story = Story()
    story.member("1001", at=0, queue="vip")
    story.member("1001", at=1, change="pause", queue="hotline", paused=True, reason="小休")
    assert story.state() == "available"
    story.member("1001", at=2, change="pause", queue="vip", paused=True, reason="小休")
    changed = story.said(SeatChanged)[-1]
    assert (changed.state, changed.pause_reason) == ("paused", "小休")
    assert changed.queues == ("hotline", "vip")
    story.member("1001", at=3, change="pause", queue="hotline", paused=False, reason="回来了")
    changed = story.said(SeatChanged)[-1]
    assert (changed.state, changed.pause_reason) == ("available", None)


def test_another_reason_for_the_same_pause_is_a_change() -> None:
    story = Story()
    for at, reason in ((0, "小休"), (1, "培训")):
        story.member("1001", at=at, change="pause", paused=True, reason=reason)
    assert [c.pause_reason for c in story.said(SeatChanged)][-2:] == ["小休", "培训"]
    story.member("1001", at=2, change="pause", paused=True, reason="培训")
    assert len(story.said(SeatChanged)) == 5


def test_a_pause_may_have_no_reason() -> None:
    story = Story()
    story.member("1001", at=0, change="pause", paused=True)
    assert story.said(SeatChanged)[-1].pause_reason is None


def test_logout_and_login() -> None:
    story = Story()
    story.member("1001", at=0, change="removed")
    assert story.state() == "logged_out"
    story.member("1001", at=1, change="removed")
    story.member("1001", at=10)
    assert story.states() == ["available", "logged_out", "available"]


def test_who_logs_out_in_mid_call_is_logged_out_and_still_judged() -> None:
    story = Story()
    leg = story.talk()
    story.member("1001", at=10, change="removed")
    assert story.state() == "logged_out"
    story.agent_ends(leg, at=20)
    assert story.settled().leg(leg).ended_by == "agent"


def test_leaving_one_of_two_queues_is_no_logout() -> None:
    story = Story()
    story.member("1001", at=0, queue="vip")
    story.member("1001", at=1, change="removed")
    assert story.state() == "available"
    assert story.said(SeatChanged)[-1].queues == ("vip",)


def test_a_member_that_was_never_seen_may_be_removed() -> None:
    story = Story()
    story.member("9999", at=0, change="removed")
    assert "PJSIP/9999" not in story.engine.state.seats


# --- persons ------------------------------------------------------------------------------


def test_a_person_is_not_a_seat_calls_belong_to_who_sat_there() -> None:
    story = Story()
    story.member("1001", at=0, name="王芳")
    leg = story.talk(at=10)
    story.customer_ends(leg, at=20)
    story.member("1001", at=30, change="removed", name="王芳")
    story.member("1001", at=40, name="李强")
    late = story.talk("wang", at=50, answer=12)
    story.customer_ends(late, at=70)
    story.settled()
    assert (story.leg(leg).agent, story.leg(late).agent) == ("王芳", "李强")
    assert story.said(SeatChanged)[-1].agent == "李强"
    assert [v.agent for v in story.said(Violation)] == ["李强"]


def test_the_name_may_change_while_the_member_stays() -> None:
    story = Story()
    story.member("1001", at=0, name="王芳")
    story.member("1001", at=10, change="pause", name="李强")
    assert story.said(SeatChanged)[-1].agent == "李强"
    leg = story.talk(at=20)
    story.customer_ends(leg, at=30)
    assert story.settled().leg(leg).agent == "李强"


def test_a_member_name_that_is_only_the_interface_is_no_person() -> None:
    story = Story()
    story.member("1001", at=0, name="PJSIP/1001")
    assert story.said(SeatChanged)[-1].agent is None


def test_the_site_may_say_who_sits_there() -> None:
    book = PolicyBook(Policy(), seats=(SeatConfig("PJSIP/1001", agent="王芳"),))
    story = Story(book=book)
    leg = story.talk()
    story.customer_ends(leg, at=20)
    assert story.settled().leg(leg).agent == "王芳"


def test_a_seat_without_a_queue_is_there_where_the_site_says_so() -> None:
    book = PolicyBook(Policy(), seats=(SeatConfig("PJSIP/8001", queueless=True),))
    story = Story(book=book)
    assert story.state("8001") == "available"


def test_a_named_seat_that_no_queue_lists_yet_is_not_shown() -> None:
    book = PolicyBook(Policy(), seats=(SeatConfig("PJSIP/8001"),))
    assert Story(book=book).states("8001") == []


def test_app_agent_pool_is_refused_in_plain_words() -> None:
    story = Story()
    story.say(e.AgentPool(us(0), "AgentLogin"))
    (anomaly,) = story.anomalies
    assert anomaly.event == "AgentLogin"
    assert "permanent channel" in anomaly.what


# --- the table ----------------------------------------------------------------------------


def test_the_diagram_and_the_table_name_every_state() -> None:
    diagram, table = state_diagram(), state_table()
    for row in STATES:
        assert row.state in diagram
        assert f"| `{row.state}` |" in table
    assert diagram.startswith("stateDiagram-v2\n    [*] --> logged_out\n")
    assert "| 1 | `logged_out` |" in table
