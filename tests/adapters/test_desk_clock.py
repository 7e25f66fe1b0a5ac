"""Urgent orders and the other clocks of orders: on a real database file, across restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agentd.core.order_model import (
    Acknowledge,
    Assign,
    CalmDown,
    Edit,
    HandleUrgent,
    MakePromise,
    MarkUrgent,
)
from agentd.errors import AgentdError
from tests.adapters.desk_service_rig import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    WANG,
    ZHAO,
    Rig,
    desk,
)
from tests.adapters.store_rig import said

ON_DUTY = ("day", "9001", "leader", -HOUR_US, 8 * HOUR_US)
DEPUTY = ("day", "9003", "deputy", -HOUR_US, 8 * HOUR_US)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


def alert_of(rig: Rig, id_: str) -> dict[str, Any]:
    return dict(rig.board[f"alert:main/desk-{id_}"])


async def urgent(rig: Rig) -> str:
    id_ = await rig.opened()
    await rig.done(WANG, id_, MarkUrgent())
    return id_


async def test_an_urgent_order_goes_to_the_leader_on_duty_at_once(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        id_ = await urgent(rig)
        await rig.until(lambda: rig.told("urgent"))
        (notice,) = rig.told("urgent")
        assert (notice.to, notice.times) == (("9001",), 1)
        assert {"orders:9001", "inbox:day"} <= set(rig.hints)
        # Before completion, and with the mark in front.
        order = await rig.now(id_)
        assert order.state == "open"
        assert order.title.startswith("【急件】")
        shown = alert_of(rig, id_)
        assert (shown["rule"], shown["level"], shown["to"]) == (
            "urgent", "escalation", ["shift_leader"],
        )  # fmt: skip
        # The owner's, not of who sits at that phone by now.
        assert (shown["agent"], shown["person"], shown["cleared_at"]) == ("王芳", "1001", None)
        (alert,) = rig.alerts
        assert (alert.rule, alert.level, alert.spell) == ("urgent", "escalation", f"desk-{id_}")


async def test_an_urgent_order_about_ourselves_is_no_alert_for_the_person_concerned(
    path: Path,
) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        id_ = await rig.opened()
        await rig.done(WANG, id_, Edit(own_service=True))
        await rig.done(ZHAO, id_, MarkUrgent())
        await rig.until(lambda: rig.told("urgent"))
        # An agent's page shows alerts of the own person, or at the own seat those of nobody.
        assert (alert_of(rig, id_)["agent"], alert_of(rig, id_)["person"]) == ("", None)


async def test_an_urgent_order_of_nobodys_account_names_whom_the_queue_names(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        id_ = await rig.opened(agent="陌生人")
        await rig.done(ZHAO, id_, MarkUrgent())
        await rig.until(lambda: rig.told("urgent"))
        assert (alert_of(rig, id_)["agent"], alert_of(rig, id_)["person"]) == ("陌生人", None)


@pytest.mark.parametrize("ahead_us", [HOUR_US, -HOUR_US])
async def test_a_pbx_whose_clock_is_an_hour_wrong_sends_nobody_off_duty(
    path: Path, ahead_us: int
) -> None:
    """The roster goes by our clock, what is told and when by the PBX's."""
    async with desk(path) as rig:
        rig.wall_ahead_us = ahead_us
        await rig.duty(("day", "9001", "leader", ahead_us - MINUTE_US, ahead_us + 10 * MINUTE_US))
        id_ = await urgent(rig)
        await rig.until(lambda: rig.told("urgent"))
        assert [(n.to, n.at_us) for n in rig.told("urgent")] == [(("9001",), rig.engine.time_us)]
        rig.pass_time(MINUTE_US)
        await rig.until(lambda: len(rig.told("urgent")) == 2)
        await rig.done(WANG, id_, MakePromise("回电", rig.engine.time_us + 5 * MINUTE_US))
        rig.pass_time(5 * MINUTE_US)
        await rig.until(lambda: rig.told("promise_broken"))


async def test_whoever_gets_an_urgent_order_does_not_take_care_of_it(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY, DEPUTY)
        id_ = await urgent(rig)
        await rig.until(lambda: rig.told("urgent"))
        await rig.done(ZHAO, id_, Assign(to=ZHAO.login))
        rig.pass_time(MINUTE_US)
        await rig.until(lambda: rig.told("urgent_deputy"))
        assert rig.told("urgent_deputy")[0].to == ("9003",)
        assert (await rig.refused(ZHAO, id_, Acknowledge())).code in ("forbidden", "wrong_state")


async def test_it_is_told_every_minute_until_it_is_acknowledged(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        id_ = await urgent(rig)
        for times in (1, 2, 3, 4):
            await rig.until(lambda times=times: len(rig.told("urgent")) == times)
            rig.pass_time(59 * SECOND_US)
            await rig.settled()
            assert len(rig.told("urgent")) == times
            rig.pass_time(SECOND_US)
        await rig.until(lambda: len(rig.told("urgent")) == 5)
        assert [n.times for n in rig.told("urgent")] == [1, 2, 3, 4, 5]
        rig.pass_time(10 * SECOND_US)
        view = await rig.done(ZHAO, id_, Acknowledge())
        assert view.order.urgent is not None
        waited_us = rig.engine.time_us - view.order.urgent.since_us
        assert (view.order.urgent.acknowledged_us or 0) - view.order.urgent.since_us == waited_us
        assert alert_of(rig, id_)["cleared_at"] == rig.engine.time_us / 1e6
        assert [alert.level for alert in rig.alerts] == ["escalation"] * 5 + ["cleared"]
        rig.pass_time(HOUR_US)
        await rig.settled()
        assert len(rig.told("urgent")) == 5
        assert [n.to for n in rig.told("urgent_acknowledged")] == [("1001",)]


async def test_a_leader_who_never_acknowledges_gets_the_deputy(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY, DEPUTY)
        await urgent(rig)
        for times in (1, 2, 3):
            await rig.until(lambda times=times: len(rig.told("urgent")) == times)
            assert rig.told("urgent_deputy") == []
            rig.pass_time(MINUTE_US)
        await rig.until(lambda: rig.told("urgent_deputy"))
        assert rig.told("urgent_deputy")[0].to == ("9003",)
        rig.pass_time(MINUTE_US)
        await rig.until(lambda: len(rig.told("urgent_deputy")) == 2)


async def test_with_nobody_on_duty_that_is_an_alarm_of_its_own(path: Path) -> None:
    async with desk(path) as rig:
        # Off duty since an hour, and tomorrow's.
        await rig.duty(
            ("day", "9001", "leader", -9 * HOUR_US, -HOUR_US),
            ("night", "9002", "leader", -HOUR_US, HOUR_US),
            ("day", "9003", "leader", DAY_US, 2 * DAY_US),
        )
        id_ = await urgent(rig)
        await rig.until(lambda: rig.told("nobody_on_duty"))
        assert rig.told("nobody_on_duty")[0].to == ("1001",)
        rig.pass_time(MINUTE_US)
        await rig.until(lambda: len(rig.told("nobody_on_duty")) == 2)
        assert rig.told("urgent") == []
        refusal = await rig.refused(WANG, id_, HandleUrgent("water", "", ""))
        assert {lacking.field for lacking in refusal.missing} == {"process", "method"}
        await rig.done(WANG, id_, HandleUrgent("water", "已致电赵工", "今晚抢修"))
        rig.pass_time(5 * MINUTE_US)
        await rig.settled()
        assert len(rig.told("nobody_on_duty")) == 2


async def test_a_leader_whose_account_is_disabled_is_not_on_duty(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        rig.directory.put(replace(ZHAO, disabled=True))
        await urgent(rig)
        await rig.until(lambda: rig.told("nobody_on_duty"))


async def test_a_restart_goes_on_where_it_was(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY, DEPUTY)
        id_ = await urgent(rig)
        await rig.until(lambda: rig.told("urgent"))
        time_us = rig.engine.time_us
    # Down for 30 s: nothing is told twice, the next one comes at its minute.
    async with desk(path, time_us=time_us + 30 * SECOND_US) as rig:
        assert alert_of(rig, id_)["cleared_at"] is None
        assert rig.alerts == []
        await rig.settled()
        assert rig.notices == []
        rig.pass_time(30 * SECOND_US)
        await rig.until(lambda: rig.told("urgent"))
        assert rig.told("urgent")[0].times == 2
        time_us = rig.engine.time_us
    # Down for ten minutes: once, at once, not ten times.
    async with desk(path, time_us=time_us + 10 * MINUTE_US) as rig:
        await rig.until(lambda: rig.told("urgent"))
        await rig.settled()
        assert [n.times for n in rig.told("urgent")] == [3]
        await rig.done(ZHAO, id_, Acknowledge())
        time_us = rig.engine.time_us
    async with desk(path, time_us=time_us + HOUR_US) as rig:
        await rig.settled()
        assert rig.notices == []
        assert rig.board == {}


async def test_the_shift_changes_at_midnight_while_an_order_is_urgent(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(
            ("day", "9001", "leader", -8 * HOUR_US, 90 * SECOND_US),
            ("day", "9003", "leader", 90 * SECOND_US, 8 * HOUR_US),
        )
        await urgent(rig)
        await rig.until(lambda: len(rig.told("urgent")) == 1)
        rig.pass_time(MINUTE_US)
        await rig.until(lambda: len(rig.told("urgent")) == 2)
        rig.pass_time(MINUTE_US)
        await rig.until(lambda: len(rig.told("urgent")) == 3)
        assert [n.to for n in rig.told("urgent")] == [("9001",), ("9001",), ("9003",)]


async def test_marked_by_mistake(path: Path) -> None:
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        id_ = await urgent(rig)
        await rig.until(lambda: rig.told("urgent"))
        await rig.done(WANG, id_, CalmDown("标错了"))
        assert alert_of(rig, id_)["cleared_at"] is not None
        rig.pass_time(HOUR_US)
        await rig.settled()
        assert len(rig.told("urgent")) == 1


async def test_a_promise_has_a_clock_of_its_own(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        due_us = rig.engine.time_us + HOUR_US
        await rig.done(WANG, id_, MakePromise("今天回电", due_us))
        rig.pass_time(50 * MINUTE_US)
        await rig.until(lambda: rig.told("promise_soon"))
        rig.pass_time(10 * MINUTE_US)
        await rig.until(lambda: rig.told("promise_broken"))
        order = await rig.now(id_)
        assert order.promise is not None
        assert order.promise.broken
        # Late is what the engine calls late; it alone knows of a call-back that goes on.
        assert not order.overdue
        held = (await rig.store.restore("main")).open_orders[0]
        await rig.engine_says(replace(held, at_us=held.due_us or 0, change="overdue"))
        assert (await rig.now(id_)).overdue


async def test_nobody_is_late_by_a_clock_that_is_not_the_pbxs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentd.desk_clock.UNKNOWN_CLOCK_S", 0.02)
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        late, alarming = await rig.opened(1), await rig.opened(2)
        await rig.done(WANG, late, MakePromise("回电", rig.engine.time_us + 50 * MINUTE_US))
        await rig.done(WANG, alarming, MarkUrgent())
        await rig.until(lambda: rig.told("urgent"))
        rig.engine.clock_known = False
        rig.pass_time(HOUR_US)
        # An urgent case waits for no clock.
        await rig.until(lambda: len(rig.told("urgent")) == 2)
        await rig.settled()
        assert rig.told("promise_broken") == []
        # The PBX says that it is an hour earlier; then time passes there too.
        rig.engine.clock_known = True
        rig.pass_time(-HOUR_US)
        await rig.settled()
        assert rig.told("promise_broken") == []
        rig.pass_time(HOUR_US)
        await rig.until(lambda: rig.told("promise_broken"))


async def test_clocks_of_two_pbxs_are_kept_apart(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(path) as rig:
        await rig.duty(("", "9001", "leader", -HOUR_US, 8 * HOUR_US))
        base = rig.engine.pbx_now_us
        monkeypatch.setattr(
            rig.engine,
            "pbx_now_us",
            lambda pbx: base(pbx) + (HOUR_US if pbx == "ahead" else 0),
        )
        first = await rig.opened(1)
        other = await rig.opened(2, pbx="ahead", id="ahead-1")
        for id_ in (first, other):
            await rig.done(WANG, id_, MarkUrgent())
        await rig.until(lambda: len(rig.told("urgent")) == 2)
        rig.pass_time(MINUTE_US)
        await rig.until(lambda: len(rig.told("urgent")) == 4)
        told = {n.order: n.at_us for n in rig.told("urgent")}
        assert told[other] - told[first] == HOUR_US


async def test_a_database_that_refuses_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentd.desk_clock.TROUBLE_S", 0.01)
    async with desk(path) as rig:
        await rig.duty(ON_DUTY)
        id_ = await rig.opened()
        works = rig.store.apply
        tries = 0

        async def apply(order_id: str, command: Any, *rest: Any, **more: Any) -> Any:
            nonlocal tries
            if type(command).__name__ == "Tick":
                tries += 1
                if tries <= 3:
                    raise AgentdError("the disk is full")
            return await works(order_id, command, *rest, **more)

        monkeypatch.setattr(rig.store, "apply", apply)
        with capture_logs() as log:
            await rig.done(WANG, id_, MarkUrgent())
            await rig.until(lambda: rig.told("urgent"))
        assert len(said(log, "clocks_stand_still")) == 1
