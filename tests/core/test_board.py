"""What people see (:mod:`agentd.core.board`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentd.core.board import ALERTS_KEPT, Board
from agentd.core.policy import Policy, PolicyBook, SeatConfig
from agentd.pipeline import Pipeline
from tests.core.story import T0, Story


class Shown:
    """A story, and the board of somebody who has applied every delta since."""

    def __init__(self, story: Story | None = None) -> None:
        self.story = story or Story()
        state = self.story.engine.state
        self.board = Board("pbx", state.book, state)
        self.screen: dict[str, Any] = {}
        self._noted = 0
        self.gone: list[str] = []

    def look(self, seen_us: int = 0) -> dict[str, Any]:
        """Take what changed since the last look; gives only that."""
        self.board.note(self.story.effects[self._noted :])
        self._noted = len(self.story.effects)
        changed, self.gone = self.board.take(seen_us)
        self.screen.update(changed)
        for key in self.gone:
            del self.screen[key]
        assert self.screen == self.board.whole(), "apply(snapshot, deltas) is the new snapshot"
        return changed

    def seat(self, seat: str = "1001") -> dict[str, Any]:
        self.look()
        shown: dict[str, Any] = self.screen[f"seat:pbx/PJSIP/{seat}"]
        return shown

    def queue(self, name: str = "hotline") -> dict[str, Any]:
        self.look()
        shown: dict[str, Any] = self.screen[f"queue:pbx/{name}"]
        return shown

    def alerts(self) -> list[dict[str, Any]]:
        self.look()
        return [v for k, v in self.screen.items() if k.startswith("alert:")]


# --- deltas -------------------------------------------------------------------------------


def test_only_what_changed_is_handed_out() -> None:
    shown = Shown()
    shown.look()
    assert shown.look() == {}
    shown.story.member("1002", at=0, change="pause", paused=True, reason="小休")
    assert list(shown.look()) == ["seat:pbx/PJSIP/1002"]


def test_deltas_add_up_over_a_whole_call() -> None:
    shown = Shown()
    steps: list[Callable[[str], object]] = [
        lambda leg: shown.story.holds(leg, at=10),
        lambda leg: shown.story.until(45),
        lambda leg: shown.story.unholds(leg, at=46),
        lambda leg: shown.story.agent_ends(leg, at=60),
        lambda leg: shown.story.until(2000),
    ]
    leg = shown.story.talk(answer=12)
    shown.look()
    for step in steps:
        step(leg)
        shown.look()


# --- the PBX ------------------------------------------------------------------------------


def test_the_feeds_health() -> None:
    shown = Shown()
    assert shown.look()["pbx:pbx"]["link"] == "down"
    shown.board.link("up", None, None, shown.story.engine.state.now_us)
    shown.board.info(12_500, "20.5.0", [("out_of_support", "Asterisk 16 gets no fixes")])
    pbx = shown.look(seen_us=T0 * 1_000_000 + 1_700_000)["pbx:pbx"]
    assert (pbx["kind"], pbx["id"], pbx["link"], pbx["version"]) == ("pbx", "pbx", "up", "20.5.0")
    assert pbx["clock_offset_s"] == 0.0125
    assert pbx["warnings"] == [{"code": "out_of_support", "text": "Asterisk 16 gets no fixes"}]
    assert pbx["last_event_at"] == T0 + 1, "whole seconds: not every event is a change"


def test_a_link_is_dated_as_soon_as_the_pbx_told_its_time() -> None:
    shown = Shown()
    shown.board.link("syncing", None, None, 0)
    assert shown.look()["pbx:pbx"]["since"] is None
    shown.board.link("syncing", None, None, T0 * 1_000_000)
    assert shown.look()["pbx:pbx"]["since"] == T0


def test_since_when_the_link_is_as_it_is() -> None:
    shown = Shown()
    shown.story.until(5)
    shown.story.talk(at=5)
    shown.board.link("down", "timeout", "nothing heard", shown.story.engine.state.now_us)
    since = shown.look()["pbx:pbx"]["since"]
    shown.story.joins("wang", at=60)
    shown.board.link("down", "timeout", "nothing heard", shown.story.engine.state.now_us)
    assert "pbx:pbx" not in shown.look(), "the same news again is none"
    shown.board.link("down", "refused", "connection refused", shown.story.engine.state.now_us)
    assert shown.look()["pbx:pbx"]["since"] > since


# --- queues -------------------------------------------------------------------------------


def test_a_queues_card() -> None:
    book = PolicyBook(Policy(), queue_labels={"hotline": "市民热线"})
    shown = Shown(Story(book=book))
    shown.story.joins("li", at=0)
    shown.story.joins("wang", at=2, num=None)
    card = shown.queue()
    assert (card["label"], card["service_level_name"]) == ("市民热线", "SL(15)")
    assert card["waiting"] == [
        {"call": "li", "caller": "13800138000", "joined_at": T0 + 0.0},
        {"call": "wang", "caller": None, "joined_at": T0 + 2.0},
    ]
    assert (card["offered"], card["answered"]) == (2, 0)
    assert card["service_level"] is None, "who still waits is not judged yet"
    assert not card["gap"]
    shown.story.gives_up("wang", at=10)
    assert shown.queue()["abandoned"] == 0, "who gave up is known when the evidence is in"
    shown.story.settled()
    card = shown.queue()
    assert (len(card["waiting"]), card["abandoned"], card["short_abandons"]) == (1, 1, 0)


def test_a_new_day_is_shown() -> None:
    shown = Shown(Story(book=PolicyBook(day_starts_s=((T0 + 100) % 86_400))))
    shown.story.joins("li", at=0)
    shown.story.gives_up("li", at=20)
    shown.story.settled()
    assert shown.queue()["abandoned"] == 1
    shown.story.until(101)
    assert shown.queue()["abandoned"] == 0


def test_a_queue_without_a_label_has_its_name() -> None:
    assert Shown().queue()["label"] == "hotline"


# --- seats --------------------------------------------------------------------------------


def test_a_seat_that_is_free() -> None:
    book = PolicyBook(
        Policy(), seats=(SeatConfig("PJSIP/1001", label="1 号席", group="east", place=7),)
    )
    seat = Shown(Story(book=book)).seat()
    assert (seat["label"], seat["group"], seat["place"]) == ("1 号席", "east", 7)
    assert (seat["state"], seat["queues"], seat["agent"]) == ("available", ["hotline"], None)
    assert seat["call"] is seat["clock"] is seat["direction"] is None
    assert (seat["owed"], seat["trouble"], seat["gap"]) == ([], "calm", False)
    assert Shown().seat("1002")["label"] == "1002"


def test_a_ringing_phone_has_a_clock_with_its_limits() -> None:
    shown = Shown()
    shown.story.joins("li", at=0)
    leg = shown.story.offers("li", "1001", at=0)
    assert shown.seat()["clock"] is None
    shown.story.rings(leg, at=1)
    seat = shown.seat()
    assert seat["clock"] == {
        "rule": "ring",
        "from": T0 + 1.0,
        "warn_at": T0 + 6.0,
        "breach_at": T0 + 11.0,
        "ring_cycle_s": 5.0,
        "stopped": False,
    }
    assert (seat["call"], seat["caller"], seat["queue"]) == ("li", "13800138000", "hotline")
    shown.story.answers(leg, at=4)
    assert shown.seat()["clock"] is None


def test_a_ring_that_nobody_waits_for_has_no_clock() -> None:
    shown = Shown()
    shown.story.channel("own", "PJSIP/1001", at=0)
    shown.story.dials(None, "own", at=0)
    shown.story.rings("own", at=0)
    seat = shown.seat()
    assert (seat["state"], seat["clock"], seat["call"]) == ("ringing", None, "own")


def test_a_hold_has_its_clock_and_a_consultation_without_a_limit_has_no_breach() -> None:
    shown = Shown()
    leg = shown.story.talk()
    shown.story.holds(leg, at=10)
    clock = shown.seat()["clock"]
    assert (clock["rule"], clock["warn_at"], clock["breach_at"]) == ("hold", T0 + 30, T0 + 40)
    shown.story.channel("second", "PJSIP/1001", at=11)
    shown.story.channel("peer", "PJSIP/1002", at=11)
    shown.story.dials("second", "peer", at=11)
    clock = shown.seat()["clock"]
    assert (clock["rule"], clock["warn_at"], clock["breach_at"]) == ("consult", T0 + 40, None)


def test_a_clock_that_the_lost_link_stopped_says_so() -> None:
    shown = Shown()
    leg = shown.story.talk()
    shown.story.holds(leg, at=10)
    shown.story.link_down(at=15)
    seat = shown.seat()
    assert seat["clock"]["stopped"]
    assert seat["gap"]


def test_of_two_calls_the_one_that_waits_is_shown() -> None:
    shown = Shown()
    leg = shown.story.talk()
    shown.story.joins("wang", at=5)
    other = shown.story.offers("wang", "1001", at=5)
    shown.story.rings(other, at=5)
    assert shown.seat()["call"] == "li"
    shown.story.holds(leg, at=6)
    assert shown.seat()["clock"]["rule"] == "hold"


def test_orders_owed_stand_with_the_nearest_deadline_first() -> None:
    shown = Shown()
    assert shown.seat()["owed"] == []
    for number, call in enumerate(("li", "wang")):
        leg = shown.story.talk(call, at=number * 100)
        shown.story.customer_ends(leg, at=number * 100 + 50)
    shown.story.talk("zhao", at=200)
    assert shown.seat()["owed"] == [
        {"id": "pbx-li", "due_at": T0 + 950.0},
        {"id": "pbx-wang", "due_at": T0 + 1050.0},
        {"id": "pbx-zhao", "due_at": None},
    ]
    shown.story.complete("li", at=210)
    assert [order["id"] for order in shown.seat()["owed"]] == ["pbx-wang", "pbx-zhao"]


# --- alerts and trouble -------------------------------------------------------------------


def test_trouble_grows_and_ends_with_its_alerts() -> None:
    shown = Shown()
    leg = shown.story.talk()
    shown.story.holds(leg, at=10)
    seen = []
    for at in (15, 31, 41, 71):
        shown.story.until(at)
        seen.append(shown.seat()["trouble"])
    assert seen == ["calm", "warning", "breach", "breach"]
    shown.story.unholds(leg, at=80)
    assert shown.seat()["trouble"] == "calm"


def test_the_alerts_of_one_spell_are_one_object_that_ends() -> None:
    shown = Shown()
    leg = shown.story.talk()
    shown.story.holds(leg, at=10)
    shown.story.until(41)
    (alert,) = shown.alerts()
    assert (alert["level"], alert["rule"], alert["cleared_at"]) == ("breach", "hold", None)
    assert (alert["value"], alert["limit"], alert["seat"]) == (30.0, 30.0, "PJSIP/1001")
    shown.story.unholds(leg, at=44)
    (alert,) = shown.alerts()
    assert (alert["level"], alert["cleared_at"]) == ("breach", T0 + 44)


def test_who_hangs_up_first_is_no_lasting_trouble() -> None:
    shown = Shown()
    leg = shown.story.talk()
    shown.story.agent_ends(leg, at=20)
    shown.story.settled()
    (alert,) = shown.alerts()
    assert (alert["rule"], alert["cleared_at"]) == ("hangup_order", T0 + 20)
    assert shown.seat()["trouble"] == "calm"


def test_a_missed_calls_alert_is_no_seats() -> None:
    shown = Shown()
    shown.story.joins("li", at=0)
    shown.story.gives_up("li", at=20)
    shown.story.until(1000)
    (alert,) = shown.alerts()
    assert (alert["rule"], alert["seat"]) == ("work_order", None)


def test_old_alerts_go_away() -> None:
    shown = Shown()
    for number in range(ALERTS_KEPT + 1):
        leg = shown.story.talk(f"caller{number}", at=number * 100, answer=6)
        shown.story.customer_ends(leg, at=number * 100 + 20)
        shown.look()
        if shown.gone:
            break
    assert shown.gone == ["alert:pbx/ring:caller0>1001"]
    assert len(shown.alerts()) == ALERTS_KEPT


def test_an_alert_that_came_and_went_between_two_looks_was_never_shown() -> None:
    shown = Shown()
    shown.look()
    for number in range(ALERTS_KEPT + 1):
        leg = shown.story.talk(f"caller{number}", at=number * 100, answer=6)
        shown.story.customer_ends(leg, at=number * 100 + 20)
    shown.look()
    assert shown.gone == []
    assert len(shown.alerts()) == ALERTS_KEPT


def test_the_end_of_an_alert_that_is_not_kept_any_more_shows_nothing() -> None:
    shown = Shown()
    story = shown.story
    story.joins("first", at=0)
    ringing = story.offers("first", "1002", at=0)
    story.rings(ringing, at=0)
    story.until(6)
    for number in range(ALERTS_KEPT + 1):
        leg = story.talk(f"caller{number}", at=100 + number * 100, answer=6)
        story.customer_ends(leg, at=120 + number * 100)
    shown.look()
    story.gives_up("first", ringing, at=story.at + 1)
    shown.look()
    assert "alert:pbx/ring:first>1002" not in shown.screen
    assert shown.seat("1002")["trouble"] == "calm"


def test_how_far_behind_we_were_is_shown_with_the_link() -> None:
    pipeline = Pipeline("main", PolicyBook())
    changed, _ = pipeline.take_board()
    assert changed["pbx:main"]["lag_s"] is None
    pipeline.lag(150_000)
    changed, _ = pipeline.take_board()
    assert changed["pbx:main"]["lag_s"] == 0.15
    pipeline.lag(150_000)
    assert pipeline.take_board() == ({}, [])
