"""A person is not a seat: who sits where, and whose calls and orders these are."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agentd.core.board import Board
from agentd.core.effects import Alert, OrderChanged, SeatChanged, Violation
from tests.core.story import Story, restarted


def call_over(story: Story, call: str = "li", seat: str = "1001", *, at: float = 0) -> None:
    leg = story.talk(call, seat, at=at)
    story.customer_ends(leg, at=at + 100)
    story.until(at + 105)


def sits(story: Story, seat: str = "1001") -> str | None:
    return story.engine.state.seats[f"PJSIP/{seat}"].agent


def alerted(story: Story) -> list[tuple[str, str | None, str | None]]:
    """(level, seat, agent) of every alert on an order."""
    return [(a.level, a.seat, a.agent) for a in story.said(Alert) if a.rule == "work_order"]


class Wall:
    """The board beside a story."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._board = Board("pbx", story.engine.state.book, story.engine.state)
        self._noted = 0

    def __getitem__(self, key: str) -> Any:
        return self.whole()[key]

    def whole(self) -> dict[str, Any]:
        effects = self._story.effects
        self._board.note(effects[self._noted :])
        self._noted = len(effects)
        self._board.take(0)
        return self._board.whole()

    def seat(self, seat: str = "1001") -> Any:
        return self[f"seat:pbx/PJSIP/{seat}"]

    def owed(self, seat: str = "1001") -> list[str]:
        return [order["id"] for order in self.seat(seat)["owed"]]


# --- signing in and out -------------------------------------------------------------------


def test_calls_that_are_offered_after_it_are_the_persons() -> None:
    story = Story()
    assert story.signs_in("1001", "1017", "李娜", at=-5) is None
    call_over(story)
    assert story.leg("li>1001").agent == "1017"
    assert {o.agent for o in story.said(OrderChanged)} == {"1017"}


def test_sign_in_is_a_change_of_the_seat() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    changed = story.said(SeatChanged)[-1]
    assert (changed.seat, changed.agent, changed.state) == ("PJSIP/1001", "1017", "available")
    seat = Wall(story).seat()
    assert (seat["agent"], seat["person"]) == ("李娜", "1017")


def test_what_the_queue_calls_its_member_does_not_overrule_who_signed_in() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    story.member("1001", at=-4, name="王芳")
    assert sits(story) == "1017"
    story.signs_out("1001", at=-3)
    assert sits(story) == "王芳"
    seat = Wall(story).seat()
    assert (seat["agent"], seat["person"]) == ("王芳", None)


def test_a_queue_that_gives_no_name_takes_none_away() -> None:
    story = Story()
    story.member("1001", at=-5, name="王芳")
    story.member("1001", at=-4, queue="second", name="")
    assert sits(story) == "王芳"


def test_who_left_every_queue_does_not_sit_there_any_more() -> None:
    """By the phone: the queue's member is removed. What that phone does next is nobody's."""
    story = Story()
    story.member("1001", at=-9, name="王芳")
    story.member("1001", at=-8, queue="second", name="王芳")
    leg = story.talk()
    story.member("1001", at=10, change="removed")
    assert sits(story) == "王芳"
    story.member("1001", at=11, queue="second", change="removed")
    assert sits(story) is None
    assert Wall(story).seat()["agent"] is None
    assert story.said(SeatChanged)[-1].agent is None
    story.agent_ends(leg, at=20)
    assert story.settled().leg(leg).agent == "王芳", "the call is whose it was"
    story.member("1001", at=30, name="李娜")
    assert sits(story) == "李娜"


def test_signing_in_replaces_whoever_was_there() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    story.signs_in("1001", "1018", "赵敏", at=-4)
    assert sits(story) == "1018"
    assert story.engine.state.signed_in == {"1018": "PJSIP/1001"}


def test_a_person_sits_at_one_seat() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    story.signs_in("1002", "1017", "李娜", at=-4)
    assert (sits(story, "1001"), sits(story, "1002")) == (None, "1017")


def test_a_sign_out_that_comes_late_signs_nobody_else_out() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    story.signs_in("1001", "1018", "赵敏", at=-4)
    assert story.signs_out("1001", "1017", at=-3) is None
    assert sits(story) == "1018"
    assert story.signs_out("1001", "1018", at=-2) is None
    assert sits(story) is None


def test_signing_out_of_an_empty_or_unknown_seat_is_as_wanted() -> None:
    story = Story()
    assert story.signs_out("1001", at=-5) is None
    assert story.signs_out("nowhere", at=-5) is None
    assert "PJSIP/nowhere" not in story.engine.state.seats


def test_nobody_cannot_sign_in() -> None:
    story = Story()
    assert story.signs_in("1001", " ", at=-5) == "say who signs in, and to which seat"
    assert sits(story) is None


def test_without_a_name_the_login_is_shown() -> None:
    story = Story()
    story.signs_in("1001", "1017", " ", at=-5)
    assert Wall(story).seat()["agent"] == "1017"


def test_a_seat_that_no_queue_names_is_logged_out_until_one_does() -> None:
    story = Story()
    story.signs_in("1009", "1017", "李娜", at=-5)
    assert story.states("1009") == ["logged_out"]
    assert Wall(story).seat("1009")["person"] == "1017"
    story.member("1009", at=-4)
    assert story.states("1009") == ["logged_out", "available"]


def test_in_mid_call_the_call_stays_with_who_had_it() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    leg = story.talk()
    story.signs_in("1001", "1018", "赵敏", at=50)
    story.agent_ends(leg, at=100)
    story.settled()
    assert story.leg(leg).agent == "1017"
    assert [v.agent for v in story.said(Violation)] == ["1017"]
    assert story.said(OrderChanged)[-1].agent == "1017"


def test_a_consulted_person_who_left_before_the_transfer_keeps_the_call() -> None:
    story = Story()
    story.signs_in("1002", "1018", "赵敏", at=-5)
    leg = story.talk()
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("colleague", "PJSIP/1002", at=11)
    story.dials("second", "colleague", at=11)
    story.picks_up("colleague", at=12, source="second")
    story.signs_in("1002", "1019", "孙丽", at=13)
    story.leaves("li", at=14)
    story.leaves(leg, at=14)
    story.enters("colleague", "b2", at=14)
    story.enters("li", "b2", at=14)
    assert story.orders()[-1][:2] == ("handed_over", "PJSIP/1002")
    assert story.said(OrderChanged)[-1].agent == "1018"


# --- what a person owes -------------------------------------------------------------------


def test_who_comes_next_to_the_phone_is_not_charged_and_not_warned() -> None:
    """An agent signs out owing orders."""
    story = Story()
    wall = Wall(story)
    story.signs_in("1001", "1017", "李娜", at=-5)
    call_over(story)
    assert wall.owed() == ["pbx-li"]
    story.signs_out("1001", at=200)
    story.signs_in("1001", "1018", "赵敏", at=201)
    assert wall.owed() == []
    story.until(2000)
    assert alerted(story) == [
        ("warning", None, "1017"),
        ("warning", None, "1017"),
        ("breach", None, "1017"),
    ]
    assert [(v.agent, v.seat) for v in story.said(Violation)] == [("1017", "PJSIP/1001")]
    assert wall.seat()["trouble"] == "calm"
    alert = wall["alert:pbx/work_order:pbx-li"]
    assert (alert["seat"], alert["agent"], alert["person"]) == (None, "李娜", "1017")


def test_alerts_follow_the_person_to_another_seat() -> None:
    story = Story()
    wall = Wall(story)
    story.signs_in("1001", "1017", "李娜", at=-5)
    call_over(story)
    story.signs_in("1002", "1017", "李娜", at=200)
    assert (wall.owed("1001"), wall.owed("1002")) == ([], ["pbx-li"])
    story.until(750)
    assert alerted(story) == [("warning", "PJSIP/1002", "1017")]
    assert (wall.seat("1001")["trouble"], wall.seat("1002")["trouble"]) == ("calm", "warning")


def test_a_running_alert_moves_with_the_person() -> None:
    story = Story()
    wall = Wall(story)
    story.signs_in("1001", "1017", "李娜", at=-5)
    call_over(story)
    story.until(750)
    assert wall.seat("1001")["trouble"] == "warning"
    story.signs_in("1003", "1017", "李娜", at=760)
    assert wall.seat("1001")["trouble"] == "calm"
    assert wall.seat("1003")["trouble"] == "warning"
    assert wall["alert:pbx/work_order:pbx-li"]["seat"] == "PJSIP/1003"
    story.signs_out("1003", at=770)
    assert wall.seat("1003")["trouble"] == "calm"
    assert wall["alert:pbx/work_order:pbx-li"]["seat"] is None
    story.complete(at=800)
    assert wall["alert:pbx/work_order:pbx-li"]["cleared_at"] is not None
    story.signs_in("1001", "1017", "李娜", at=810)
    assert wall.seat("1001")["trouble"] == "calm"


def test_an_alert_that_is_shown_no_more_moves_all_the_same() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    call_over(story)
    story.until(750)
    wall = Wall(story)
    assert wall.seat()["trouble"] == "warning"
    (running,) = (a for a in story.said(Alert) if a.rule == "work_order")
    story.effects += [replace(running, spell=f"hold:{n}") for n in range(300)]
    assert "alert:pbx/work_order:pbx-li" not in wall.whole()
    story.signs_in("1003", "1017", "李娜", at=760)
    assert wall.seat("1003")["trouble"] == "warning"


def test_what_nobody_owes_by_name_is_the_seats() -> None:
    story = Story()
    wall = Wall(story)
    call_over(story)
    story.signs_in("1001", "1017", "李娜", at=200)
    assert wall.owed() == ["pbx-li"]
    story.until(750)
    assert alerted(story) == [("warning", "PJSIP/1001", None)]


def test_an_order_in_a_members_name_follows_the_name() -> None:
    """Without sign-in the queue's member name stands for the person."""
    story = Story()
    wall = Wall(story)
    story.member("1001", at=-5, name="王芳")
    call_over(story)
    story.member("1001", at=200, name="赵敏")
    assert wall.owed() == []
    story.until(750)
    story.member("1002", at=800, name="王芳")
    assert wall.owed("1002") == ["pbx-li"]
    story.until(890)
    assert [seat for _, seat, _ in alerted(story)] == [None, "PJSIP/1002"]
    story.member("1003", at=900, name="王芳")
    story.until(1100)
    assert alerted(story)[-1][1] is None, "two seats of one name say nothing"


def test_after_a_restart_before_the_snapshot_the_seat_is_still_the_members() -> None:
    story = Story()
    story.member("1001", at=-5, name="王芳")
    call_over(story)
    again = restarted(story, at=750)
    again.until(751)
    assert alerted(again) == [("warning", "PJSIP/1001", "王芳")]


def test_another_person_at_the_same_phone_who_takes_the_same_customer_takes_the_order() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    leg = story.talk()
    story.blind_transfer(leg, at=50)
    story.leaves("li", at=50)
    story.hangup(leg, at=50)
    story.signs_in("1001", "1018", "赵敏", at=55)
    story.joins("li", at=60)
    again = story.offers("li", "1001", at=60, leg="li>1001 again")
    story.picks_up(again, at=62, source="li")
    assert story.orders()[-1] == ("handed_over", "PJSIP/1001", None)
    assert story.said(OrderChanged)[-1].agent == "1018"


def test_two_orders_are_owed_while_a_third_call_rings() -> None:
    story = Story()
    wall = Wall(story)
    story.signs_in("1001", "1017", "李娜", at=-5)
    call_over(story, "li")
    call_over(story, "wang", at=200)
    story.joins("zhao", at=400)
    leg = story.offers("zhao", "1001", at=400)
    story.rings(leg, at=400)
    seat = wall.seat()
    assert (seat["state"], seat["clock"]["rule"]) == ("ringing", "ring")
    assert wall.owed() == ["pbx-li", "pbx-wang"]
    story.answers(leg, at=403)
    story.complete("li", at=420)
    assert wall.owed() == ["pbx-wang", "pbx-zhao"]


# --- restarts -----------------------------------------------------------------------------


def test_who_signed_in_is_known_after_a_restart_of_the_daemon() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    story.signs_in("1009", "1019", "孙丽", at=-5)
    story.signs_in("1002", "1018", "赵敏", at=-4)
    story.signs_out("1002", at=-3)
    again = restarted(story, at=10)
    assert again.said(SeatChanged) == [], "what a seat does now is for the snapshot to say"
    again.lists(at=10)
    wall = Wall(again)
    assert (wall.seat()["agent"], wall.seat()["person"]) == ("李娜", "1017")
    assert wall.seat("1009")["state"] == "logged_out"
    assert wall.seat("1002")["person"] is None
    assert again.engine.state.people["1018"] == "赵敏", "for alerts on what is still owed"


def test_who_signed_in_stays_over_a_restart_of_the_pbx() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    story.link_down(at=10)
    story.link_up(at=20, uptime=1)
    story.lists(at=20)
    assert sits(story) == "1017"


def test_signing_out_is_remembered_too() -> None:
    story = Story()
    story.signs_in("1001", "1017", "李娜", at=-5)
    assert story.engine.take_memory()["seat:PJSIP/1001"] is not None
    story.signs_out("1001", at=0)
    assert story.engine.take_memory()["seat:PJSIP/1001"] is None
