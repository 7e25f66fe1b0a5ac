"""The whole daemon beside a PBX whose clock is set: by an hour, on and back, up and down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agentd import clock
from agentd.core.order_model import MakePromise, MarkUrgent, WorkOrder
from agentd.core.people import Person
from agentd.testing import FakeAmi, item
from agentd.ticketing import Store
from tests.adapters.test_app import (
    Board,
    access_to,
    board_until,
    build,
    running,
    seats,
    stored,
)
from tests.core.test_pipeline import CUSTOMER, PHONE, TO_PHONE

HOUR_US = 3_600_000_000
ORDER = "pbx-1.0"
LEADER = Person("zhang", "张三", "shift_leader")


class SetClock:
    """A PBX's clock that somebody sets."""

    def __init__(self) -> None:
        self.ahead_us = 0

    def __call__(self) -> int:
        return clock.wall_us() + self.ahead_us


def queue_of_one() -> dict[str, list[bytes]]:
    return {
        "QueueStatus": [
            item([("Event", "QueueParams"), ("Queue", "hotline")]),
            item([("Event", "QueueMember"), ("Queue", "hotline"), ("Location", "PJSIP/1001")]),
        ]
    }


async def call(ami: FakeAmi) -> None:
    """A queue call, answered."""

    async def newchannel(uid: str, name: str) -> None:
        about = {"Channel": name, "ChannelState": "0", "Uniqueid": uid, "Linkedid": uid}
        await ami.send_event("Newchannel", "call,all", **about, CallerIDNum="13800138000")

    queue = {"Queue": "hotline", "Interface": "PJSIP/1001", "MemberName": "李娜"}
    await newchannel("1.0", CUSTOMER["Channel"])
    await ami.send_event("QueueCallerJoin", "agent,all", **CUSTOMER, Queue="hotline")
    await newchannel("1.1", PHONE["Channel"])
    await ami.send_event("AgentCalled", "agent,all", **CUSTOMER, **TO_PHONE, **queue)
    await ami.send_event("DialState", "call,all", **TO_PHONE, DialStatus="RINGING")
    await ami.send_event("DialEnd", "call,all", **CUSTOMER, **TO_PHONE, DialStatus="ANSWER")
    await ami.send_event("QueueCallerLeave", "agent,all", **CUSTOMER, Queue="hotline")
    for who in (PHONE, CUSTOMER):
        await ami.send_event("BridgeEnter", "call,all", **who, BridgeUniqueid="b")


async def customer_ends(ami: FakeAmi) -> None:
    await ami.send_event("HangupRequest", "call,all", **CUSTOMER, Cause="16")
    for who in (CUSTOMER, PHONE):
        await ami.send_event("BridgeLeave", "call,all", **who, BridgeUniqueid="b")
    for who in (CUSTOMER, PHONE):
        await ami.send_event("Hangup", "call,all", **who, Cause="16")


def stepped(board: Board) -> float | None:
    step = board["pbx:pbx"]["clock_step"]
    return None if step is None else float(step["seconds"])


def owes(board: Board) -> bool:
    return any(order["due_at"] for seat in seats(board) for order in seat["owed"])


def due_us(folder: Path) -> int:
    ((due,),) = stored(folder, "SELECT due_us FROM work_order")
    return int(due)


def about(value: float | None, seconds: float) -> bool:
    return value is not None and abs(value - seconds) < 30


@pytest.mark.parametrize("step_us", [HOUR_US, -HOUR_US])
async def test_what_is_owed_is_owed_as_long_as_before(tmp_path: Path, step_us: int) -> None:
    async with FakeAmi() as ami:
        ami.clock_us = its = SetClock()
        ami.lists = queue_of_one()
        daemon = build(access_to(ami), tmp_path)
        with capture_logs() as logs:
            async with running(daemon) as url:
                await board_until(url, lambda b: b["pbx:pbx"]["link"] == "up" and bool(seats(b)))
                await call(ami)
                await customer_ends(ami)
                await board_until(url, owes)
                before_us = due_us(tmp_path)
                promise_us = await promises(daemon.store, its)
                its.ahead_us = step_us
                await ami.send_event("VarSet", "dialplan,all")
                board = await board_until(url, lambda b: stepped(b) is not None and owes(b))
                assert about(stepped(board), step_us / 1e6)
                order = await until_moved(daemon.store, promise_us)
                assert order.promise is not None
                assert about((order.promise.due_us - promise_us) / 1e6, step_us / 1e6)
                assert not order.promise.broken
                assert order.urgent is not None
                assert len(order.urgent.told) == 1, "nobody was told again before the minute"
                after_us = due_us(tmp_path)
                assert about((after_us - before_us) / 1e6, step_us / 1e6)
                # The PBX is heard again and again: what could be charged by now would be.
                for _ in range(3):
                    await ami.send_event("VarSet", "dialplan,all")
                    await asyncio.sleep(0.1)
        assert stored(tmp_path, "SELECT * FROM violation") == []
        said = [log["what"] for log in logs if log["event"] == "anomaly"]
        way = "forward" if step_us > 0 else "back"
        assert [what.startswith(f"the PBX's clock was set {way} by ") for what in said] == [True]

        # Down and up again, with the clock where it is now: nothing more is moved ...
        async with running(build(access_to(ami), tmp_path)) as url:
            await board_until(url, lambda b: b["pbx:pbx"]["link"] == "up" and owes(b))
            await ami.send_event("VarSet", "dialplan,all")
            await asyncio.sleep(0.1)
        assert due_us(tmp_path) == after_us
        # ... and set once more while agentd is down.
        its.ahead_us = 0
        async with running(build(access_to(ami), tmp_path)) as url:
            await board_until(url, lambda b: stepped(b) is not None)
            await board_until(url, lambda b: b["pbx:pbx"]["link"] == "up" and owes(b))
            await ami.send_event("VarSet", "dialplan,all")
            await asyncio.sleep(0.1)
        assert about((due_us(tmp_path) - before_us) / 1e6, 0)
        assert stored(tmp_path, "SELECT * FROM violation") == []
        assert stored(tmp_path, "SELECT * FROM alert WHERE level = 'breach'") == []


async def promises(store: Store, its: Callable[[], int]) -> int:
    """The order is urgent, and its caller was promised something in ten minutes: until when."""
    due = its() + HOUR_US // 6
    for command in (MakePromise("查到后告知", due), MarkUrgent()):
        await store.apply(ORDER, command, LEADER, its())
    while True:
        order = await store.order(ORDER)
        assert order is not None
        if order.urgent is not None and order.urgent.told:
            return due
        await asyncio.sleep(0.01)


async def until_moved(store: Store, promise_us: int) -> WorkOrder:
    while True:
        order = await store.order(ORDER)
        assert order is not None
        assert order.promise is not None
        if order.promise.due_us != promise_us:
            return order
        await asyncio.sleep(0.01)


def test_our_clock_counts_from_this_boot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    boot, zero_us = clock.this_boot()
    assert boot
    assert clock.this_boot() == (boot, zero_us)
    assert zero_us < clock.wall_us()
    monkeypatch.setattr(clock, "_BOOT_ID", tmp_path / "none")
    assert clock.this_boot() == ("", zero_us)
