"""The PBX's clock is set while agentd looks on: nobody is charged, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from agentd.core import events as e
from agentd.core.effects import Alert, Anomaly, LegEnded, OrderChanged, Violation
from agentd.core.pbx_clock import OurClock
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from tests.core.ami import BANNER, LOGIN, event, stamp
from tests.core.story import length, s, us
from tests.core.test_pipeline import (
    CUSTOMER,
    OPENING,
    PHONE,
    TO_PHONE,
    Feed,
    answered,
    channel,
    customer_ends,
    lists,
)

HOUR = 3600.0
DAY = 86400.0


class Live:
    """A pipeline beside a PBX whose clock is ``ahead`` of ours by so many seconds. Times are
    seconds of the story by our clock, which nobody sets."""

    def __init__(
        self,
        memory: Mapping[str, bytes] | None = None,
        orders: Iterable[OrderChanged] = (),
        *,
        boot: str = "boot 1",
        ahead: float = 0.0,
    ) -> None:
        self.pipeline = Pipeline("pbx", PolicyBook(), ours=OurClock(boot, us(-500)))
        self.effects: list[Any] = []
        self.ahead = ahead
        if memory is not None:
            self.effects += self.pipeline.restore(memory, list(orders))

    def hears(self, data: bytes, real: float) -> None:
        """``data`` arrives at ``real``."""
        self.effects += self.pipeline.feed(data, us(real))

    def event(self, name: str, real: float, **headers: object) -> None:
        """The PBX sends an event, dated by its clock."""
        self.hears(event(name, real + self.ahead, **headers), real)

    def pinged(self, real: float, *, since: float | None = None) -> None:
        """The listener has measured the PBX's clock."""
        self.effects += self.pipeline.link_info(
            us(self.ahead) - us(0),
            "22.1.0",
            [],
            us(real),
            since_us=None if since is None else us(since),
            uncertain_us=500,
        )

    def until(self, real: float) -> None:
        """Time passes, by our clock."""
        now_us = self.pipeline.clock.now_us(us(real))
        assert now_us is not None
        self.effects += self.pipeline.advance(now_us)

    def said(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def anomalies(self) -> list[str]:
        return [a.what for a in self.said(Anomaly)]

    @property
    def leg(self) -> LegEnded:
        (leg,) = self.said(LegEnded)
        return leg  # type: ignore[no-any-return]

    @property
    def memory(self) -> dict[str, bytes]:
        return {k: v for k, v in self.pipeline.take_memory().items() if v is not None}

    @property
    def board(self) -> dict[str, Any]:
        self.pipeline.take_board()
        return self.pipeline.board()

    @property
    def order(self) -> OrderChanged:
        return self.said(OrderChanged)[-1]  # type: ignore[no-any-return]


def talking() -> Live:
    live = Live()
    live.pinged(0)
    live.hears(OPENING, 0)
    live.hears(answered(), 3)
    return live


def owing() -> Live:
    """A call that ended at 20: its order is due at 920."""
    live = talking()
    live.hears(customer_ends(20), 20)
    live.event("VarSet", 30)
    assert s(live.order.due_us) == 920
    return live


def notice_event(live: Live, real: float) -> None:
    live.event("VarSet", real)


def notice_ping_answer(live: Live, real: float) -> None:
    answer = f"Response: Success\r\nPing: Pong\r\nTimestamp: {stamp(real + live.ahead)}\r\n\r\n"
    live.hears(answer.encode(), real)


def notice_measurement(live: Live, real: float) -> None:
    live.pinged(real)


def notice_reconnection(live: Live, real: float) -> None:
    live.effects += live.pipeline.link_changed("down", "closed", "the PBX closed the link")
    live.hears(BANNER + LOGIN, real)
    live.event("FullyBooted", real, Uptime=100)
    live.hears(lists(), real)


NOTICED = [notice_event, notice_ping_answer, notice_measurement, notice_reconnection]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, 3 * DAY, -3 * DAY])
@pytest.mark.parametrize("notice", NOTICED)
def test_an_order_keeps_the_time_that_was_left(notice: Any, ahead: float) -> None:
    live = owing()
    live.ahead = ahead
    notice(live, 60)
    assert s(live.order.due_us) == 920 + ahead
    live.pinged(61)
    live.event("VarSet", 919)
    live.until(919.9)
    assert live.said(Violation) == []
    assert [a.level for a in live.said(Alert)] == ["warning", "warning"], "the reminders, in time"
    live.event("VarSet", 921)
    (violation,) = live.said(Violation)
    assert (violation.rule, s(violation.at_us)) == ("work_order", 920 + ahead)
    way = "forward" if ahead > 0 else "back"
    assert live.anomalies == [f"the PBX's clock was set {way} by {abs(ahead):.3f} s"]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
@pytest.mark.parametrize("notice", NOTICED[:3])
def test_a_hold_that_goes_on_is_a_gap(notice: Any, ahead: float) -> None:
    live = talking()
    live.event("Hold", 10, **PHONE)
    live.until(35)
    assert [a.level for a in live.said(Alert)] == ["warning"]
    live.ahead = ahead
    notice(live, 36)
    assert [a.level for a in live.said(Alert)] == ["warning", "cleared"]
    live.event("Unhold", 50, **PHONE)
    live.event("Hold", 60, **PHONE)
    live.event("Unhold", 70, **PHONE)
    live.hears(customer_ends(100 + ahead), 100)
    live.event("VarSet", 110)
    leg = live.leg
    assert live.said(Violation) == []
    spells = [(s(spell.at_us), length(spell.seconds_us)) for spell in leg.holds]
    assert spells == [(10 + ahead, None), (60 + ahead, 10)]
    assert (leg.gap, leg.estimated, leg.ended_by) == (True, False, "caller")
    assert leg.talk_us == 97_000_000, "what the clock said does not make it longer"


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_hold_after_the_step_is_judged_as_ever(ahead: float) -> None:
    live = talking()
    live.ahead = ahead
    live.event("Hold", 10, **PHONE)
    live.event("Unhold", 44, **PHONE)
    assert [(v.rule, s(v.at_us)) for v in live.said(Violation)] == [("hold", 40 + ahead)]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_ring_that_goes_on_is_a_gap(ahead: float) -> None:
    live = Live()
    live.pinged(0)
    ringing, _ = answered().split(b"Event: DialEnd")
    live.hears(OPENING + ringing, 0)
    live.until(6)
    assert [a.level for a in live.said(Alert)] == ["warning"]
    live.ahead = ahead
    live.event("VarSet", 7)
    assert [a.level for a in live.said(Alert)] == ["warning", "cleared"]
    live.event("DialEnd", 14, **CUSTOMER, **TO_PHONE, DialStatus="ANSWER")
    live.hears(customer_ends(20 + ahead), 20)
    live.event("VarSet", 30)
    assert (live.leg.gap, live.leg.ring_us) == (True, 14_000_000)
    assert live.said(Violation) == []


def test_what_was_charged_by_the_clock_alone_is_not_proved_by_a_leap() -> None:
    live = talking()
    live.event("Hold", 10, **PHONE)
    live.until(41)
    assert [a.level for a in live.said(Alert)] == ["warning", "breach"]
    live.ahead = HOUR
    live.event("VarSet", 41.2)
    assert live.said(Violation) == []


def test_an_order_that_was_overdue_stays_so() -> None:
    live = owing()
    live.until(921)
    live.ahead = -HOUR
    live.event("VarSet", 921.5)
    (violation,) = live.said(Violation)
    assert s(violation.at_us) == 920 - HOUR
    live.event("VarSet", 5000)
    assert len(live.said(Violation)) == 1


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_who_hung_up_across_the_step_is_nobodys_fault(ahead: float) -> None:
    live = talking()
    live.event("HangupRequest", 20, **PHONE, Cause=16)
    live.event("BridgeLeave", 20, **PHONE, BridgeUniqueid="b")
    live.ahead = ahead
    live.event("BridgeLeave", 20.2, **CUSTOMER, BridgeUniqueid="b")
    live.event("Hangup", 20.2, **PHONE, Cause=16)
    live.event("Hangup", 20.2, **CUSTOMER, Cause=16)
    live.event("VarSet", 30)
    assert live.leg.estimated
    assert live.said(Violation) == []


def test_a_leg_that_is_over_but_not_judged_yet_is_not_charged_either() -> None:
    live = talking()
    live.event("HangupRequest", 20, **PHONE, Cause=16)
    live.event("BridgeLeave", 20, **PHONE, BridgeUniqueid="b")
    live.event("BridgeLeave", 20, **CUSTOMER, BridgeUniqueid="b")
    live.event("Hangup", 20, **PHONE, Cause=16)
    live.event("Hangup", 20, **CUSTOMER, Cause=16)
    live.until(20.5)
    live.ahead = HOUR
    live.event("VarSet", 20.6)
    live.event("VarSet", 30)
    assert live.leg.estimated
    assert live.said(Violation) == []
    assert s(live.order.due_us) == 920 + HOUR


# --- what is no step ----------------------------------------------------------------------


def test_a_link_that_stood_still_is_no_step() -> None:
    live = owing()
    for at in (31, 500, 919, 1500):
        live.hears(event("VarSet", at), HOUR)
    assert live.anomalies == []
    assert [s(v.at_us) for v in live.said(Violation)] == [920]


def test_a_machine_that_slept_is_no_step() -> None:
    """Our clock goes on meanwhile: the order is overdue."""
    live = owing()
    live.event("VarSet", HOUR)
    assert live.anomalies == []
    assert [s(v.at_us) for v in live.said(Violation)] == [920]


def test_a_little_disorder_is_no_step() -> None:
    live = owing()
    live.hears(event("VarSet", 40) + event("VarSet", 39.1) + event("VarSet", 40.2), 40)
    live.hears(event("VarSet", 41.2), 41)
    assert live.anomalies == []


def test_drift_over_a_long_outage_is_no_step() -> None:
    live = owing()
    live.ahead = 1.5
    live.pinged(3 * HOUR)
    assert live.anomalies == []
    assert live.pipeline.clock.offset_us == 1_500_000


def test_a_measurement_from_before_the_step_changes_nothing() -> None:
    live = owing()
    live.ahead = HOUR
    live.event("VarSet", 60)
    live.ahead = 0
    live.pinged(61, since=50)
    assert live.pipeline.clock.offset_us == us(HOUR) - us(0)
    live.ahead = HOUR
    live.pinged(62, since=61)
    assert len(live.anomalies) == 1


def test_one_wild_timestamp_costs_nobody_anything() -> None:
    live = owing()
    live.hears(event("VarSet", 60 + HOUR), 60)
    live.hears(event("VarSet", 60), 60.02)
    assert s(live.order.due_us) == 920
    assert live.pipeline.clock.offset_us == 0
    assert len(live.anomalies) == 2
    live.event("VarSet", 921)
    assert [s(v.at_us) for v in live.said(Violation)] == [920]


# --- a restart ----------------------------------------------------------------------------


def restarted(before: Live, *, boot: str = "boot 1", ahead: float) -> Live:
    orders = [before.order]
    return Live(before.memory, orders, boot=boot, ahead=ahead)


def connects(live: Live, real: float) -> None:
    live.hears(BANNER + LOGIN, real)
    live.event("FullyBooted", real, Uptime=100)
    live.hears(lists(), real)
    live.event("VarSet", real + 1)
    live.pinged(real + 2)
    live.event("VarSet", real + 2)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_clock_that_was_set_while_agentd_was_down(ahead: float) -> None:
    live = restarted(owing(), ahead=ahead)
    connects(live, 100)
    assert s(live.order.due_us) == 920 + ahead
    live.event("VarSet", 919)
    assert live.said(Violation) == []
    live.event("VarSet", 921)
    assert [s(v.at_us) for v in live.said(Violation)] == [920 + ahead]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_restart_right_after_the_step(ahead: float) -> None:
    before = owing()
    before.ahead = ahead
    before.event("VarSet", 60)
    live = restarted(before, ahead=ahead)
    connects(live, 100)
    assert live.anomalies == []
    live.event("VarSet", 919)
    assert live.said(Violation) == []
    live.event("VarSet", 921)
    assert [s(v.at_us) for v in live.said(Violation)] == [920 + ahead]


def test_time_in_which_agentd_was_down_counts() -> None:
    live = restarted(owing(), ahead=0)
    connects(live, 2000)
    live.event("VarSet", 2010)
    assert live.anomalies == []
    assert [s(v.at_us) for v in live.said(Violation)] == [920]


def test_after_another_boot_only_more_time_is_believed() -> None:
    """Our own clock may have been wrong by then."""
    live = restarted(owing(), boot="boot 2", ahead=HOUR)
    connects(live, 100)
    assert s(live.order.due_us) == 920 + HOUR
    assert live.anomalies == ["the PBX's clock was set forward by 3600.000 s (about)"]
    before = owing()
    due_us = before.order.due_us
    live = restarted(before, boot="boot 2", ahead=-HOUR)
    connects(live, 100)
    assert live.order.due_us == due_us if live.said(OrderChanged) else True
    assert live.anomalies == []
    live.event("VarSet", 925)
    assert live.said(Violation) == []


# --- the rest of the picture ----------------------------------------------------------------


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_who_waits_in_a_queue_waits_as_long_as_it_was(ahead: float) -> None:
    live = Live()
    live.pinged(0)
    live.hears(OPENING + channel(0, "1.0", CUSTOMER["Channel"], "138"), 0)
    live.event("QueueCallerJoin", 0, **CUSTOMER, Queue="hotline", CallerIDNum="138")
    live.event("MixMonitorStart", 0, **CUSTOMER)
    live.ahead = ahead
    live.event("VarSet", 10)
    queue = live.board["queue:pbx/hotline"]
    assert (queue["gap"], [w["joined_at"] for w in queue["waiting"]]) == (
        True,
        [(us(0) + us(ahead) - us(0)) / 1e6],
    )
    pbx = live.board["pbx:pbx"]
    assert pbx["clock_step"] == {"at": us(10 + ahead) / 1e6, "seconds": ahead}
    assert live.pipeline.take_step_us() == us(ahead) - us(0)
    assert live.pipeline.take_step_us() == 0


def test_a_new_day_that_the_clock_leaps_into_begins() -> None:
    live = owing()
    live.ahead = DAY
    live.event("VarSet", 60)
    live.event("VarSet", 61)
    queue = live.board["queue:pbx/hotline"]
    assert queue["offered"] == 0


def test_a_command_that_waits_for_its_moment_is_done_before() -> None:
    live = owing()
    command = e.CompleteOrder(us(60.5), 1, "pbx-1.0", "1017")
    live.effects += live.pipeline.command(command)
    live.ahead = -HOUR
    live.event("VarSet", 60.6)
    assert (live.order.status, s(live.order.completed_us)) == ("completed", 60.5)
    live.event("VarSet", 2000)
    assert live.said(Violation) == []


def test_a_call_back_of_a_completed_order_is_in_time_as_before() -> None:
    live = owing()
    live.effects += live.pipeline.command(e.CompleteOrder(us(40), 1, "pbx-1.0", "1017"))
    live.event("VarSet", 50)
    live.ahead = HOUR
    live.event("VarSet", 60)
    (done,) = live.pipeline._engine.state.done.values()
    assert s(done.first_due_us) == 920 + HOUR


def test_a_clock_set_back_is_no_restart_of_the_pbx() -> None:
    """Asterisk counts its uptime by that clock: it looks as if it had begun anew."""
    live = Live()
    live.pinged(0)
    live.hears(BANNER + LOGIN, 0)
    live.event("FullyBooted", 0, Uptime=600)
    live.hears(lists() + answered(), 3)
    live.effects += live.pipeline.link_changed("down", "closed", "the PBX closed the link")
    live.ahead = -500
    live.hears(BANNER + LOGIN, 100)
    live.event("FullyBooted", 100, Uptime=200)
    live.event("VarSet", 101)
    assert live.said(LegEnded) == []
    assert live.pipeline.live_counts()["open_legs"] == 1


def test_a_leg_that_was_judged_already_is_left_alone() -> None:
    """Of two seats that had the customer the first is done with."""
    live = talking()
    (call,) = live.pipeline._engine.state.calls.values()
    (leg,) = live.pipeline._engine.state.legs.values()
    leg.settled = True
    live.ahead = HOUR
    live.event("VarSet", 10)
    assert (leg.gap, call.gap) == (False, True)


# --- a recording: nobody knows when it arrived --------------------------------------------------


def test_in_a_recording_a_clock_set_back_loses_nothing_and_charges_nobody() -> None:
    feed = Feed(OPENING + answered() + event("Hold", 10, **PHONE))
    feed.feed(event("Unhold", 50 - HOUR, **PHONE) + customer_ends(100 - HOUR))
    feed.feed(event("VarSet", 110 - HOUR))
    (leg,) = feed.said(LegEnded)
    assert [(spell.seconds_us) for spell in leg.holds] == [None]
    assert (leg.gap, leg.estimated, leg.ended_by) == (True, True, "caller")
    assert feed.said(Violation) == []
    assert [a.what for a in feed.said(Anomaly)] == [
        "the PBX's clock was set back by 3560.000 s (about)"
    ]


def test_in_a_recording_a_clock_set_back_between_two_streams() -> None:
    feed = Feed(OPENING + answered() + customer_ends(20) + event("VarSet", 30))
    feed.feed(BANNER + LOGIN + event("FullyBooted", 60 - HOUR, Uptime=100) + lists())
    feed.feed(event("VarSet", 61 - HOUR))
    due_us = feed.said(OrderChanged)[-1].due_us
    assert s(due_us) == 920 + 30 - HOUR, "the silence does not count against anybody"


def test_in_a_recording_a_leap_forward_is_silence() -> None:
    feed = Feed(OPENING + answered() + customer_ends(20) + event("VarSet", 30))
    feed.feed(event("VarSet", 60 + HOUR))
    assert feed.said(Anomaly) == []
    assert [s(v.at_us) for v in feed.said(Violation)] == [920]
