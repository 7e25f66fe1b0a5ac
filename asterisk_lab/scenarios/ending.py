"""Rule R3: who hung up first."""

from __future__ import annotations

import asyncio

from ..phones import answer, bye, ring, until_bye, wait
from ..stage import Scenario, Stage
from ..truth import Call, Leg, Truth


def _truth(ended_by: str, talk_s: float) -> Truth:
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=talk_s,
                ended_by=ended_by)
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=2.0, order_seat="A")],
    )  # fmt: skip


async def agent_hangs_up(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), wait(4), bye())
    caller = await stage.caller("c", "hotline", until_bye())
    await caller.finished()
    return _truth("agent", 4.0)


async def customer_hangs_up(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 4), bye())
    await caller.finished()
    return _truth("caller", 4.0)


async def system_hangup(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    caller = await stage.caller("c", "hotline", until_bye())
    channel = await stage.connected("A")
    await asyncio.sleep(4)
    await stage.action("Command", Command=f"channel request hangup {channel}")
    await caller.finished()
    return _truth("system", 4.0)


async def ami_hangup(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    caller = await stage.caller("c", "hotline", until_bye())
    channel = await stage.connected("A")
    await asyncio.sleep(4)
    await stage.action("Hangup", Channel=channel)
    await caller.finished()
    truth = _truth("unknown", 4.0)
    truth.notes = "AMI's Hangup publishes no request: nobody can be blamed, Asterisk says caller"
    return truth


SCENARIOS = [
    Scenario("agent_hangs_up", "the seat's phone sends BYE after 4 s", agent_hangs_up,
             versions=("22", "16")),
    Scenario("customer_hangs_up", "the customer sends BYE after 4 s", customer_hangs_up),
    Scenario("system_hangup", "`channel request hangup` on the seat's channel", system_hangup),
    Scenario("ami_hangup", "AMI action Hangup on the seat's channel", ami_hangup),
]  # fmt: skip
