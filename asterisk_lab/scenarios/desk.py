"""What the desk's calls do to work orders: folding, call-backs, recordings."""

from __future__ import annotations

import asyncio

from ..phones import answer, bye, ring, ring_on, until_bye, wait
from ..stage import QueueSpec, Scenario, Stage
from ..truth import Call, Contact, Leg, RunInvalid, Truth

JOIN_S = 0.5


async def _give_up(stage: Stage, who: str, ring_s: float) -> None:
    caller = await stage.caller(who, "hotline", wait(JOIN_S + ring_s), bye())
    await caller.finished()


def _missed(who: str, ring_s: float, nth: int = 0) -> Leg:
    return Leg("A", "caller_gave_up", call=who, queue="hotline", ring_s=ring_s, nth=nth)


async def missed_then_through(stage: Stage) -> Truth:
    await stage.phone("A", ring_on())
    await _give_up(stage, "c", 3)
    stage.same_caller("c_plus", "c", "+86")
    await _give_up(stage, "c_plus", 2)
    await stage.phone("A", ring(2), answer(), until_bye())
    stage.same_caller("c_zeros", "c", "0086")
    caller = await stage.caller("c_zeros", "hotline", wait(JOIN_S + 2 + 3), bye())
    await caller.finished()
    return Truth(
        legs=[
            _missed("c", 3.0),
            _missed("c_plus", 2.0, nth=1),
            Leg("A", "answered", call="c_zeros", queue="hotline", ring_s=2.0, talk_s=3.0,
                ended_by="caller", nth=2),
        ],
        calls=[
            Call("c", "abandoned", "hotline", 1, wait_s=3.0, order_done=True),
            Call("c_plus", "abandoned", "hotline", 1, wait_s=2.0, folded=True),
            Call("c_zeros", "answered", "hotline", 1, wait_s=2.0, order_seat="A"),
        ],
        contacts=[
            Contact("c", "missed_again", caller="c_plus"),
            Contact("c", "called_again", leg=("A", 2), caller="c_zeros"),
        ],
    )  # fmt: skip


async def missed_called_back(stage: Stage) -> Truth:
    await stage.phone("A", ring_on())
    await _give_up(stage, "c", 3)
    # A verdict waits two seconds for its evidence; nobody calls back that fast.
    await asyncio.sleep(3)
    await stage.phone("A", ring(1), answer(), wait(4), bye())
    await stage.outside("c", ring_on())
    await stage.click_to_dial("A", "c")
    await stage.gone("A", nth=1)
    await stage.phone("A", ring(1), answer(), until_bye())
    await stage.outside("c", ring(2), answer(), wait(3), bye())
    await stage.click_to_dial("A", "c")
    await stage.gone("A", nth=2)
    return Truth(
        legs=[
            _missed("c", 3.0),
            Leg("A", "no_answer", direction="outbound", customer="c", nth=1,
                unchecked=["ended_at"]),
            Leg("A", "answered", direction="outbound", customer="c", nth=2, talk_s=3.0,
                ended_by="caller"),
        ],
        calls=[Call("c", "abandoned", "hotline", 1, wait_s=3.0, order_done=True)],
        contacts=[
            Contact("c", "attempt", leg=("A", 1), in_time=True),
            Contact("c", "call_back", leg=("A", 2), in_time=True),
        ],
    )  # fmt: skip


async def answered_called_back(stage: Stage) -> Truth:
    await stage.phone("A", ring(1), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + 1 + 3), bye())
    await caller.finished()
    await asyncio.sleep(1)
    await stage.outside("c", ring(2), answer(), wait(3), bye())
    await stage.click_to_dial("A", "c")
    await stage.gone("A", nth=1)
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=1.0, talk_s=3.0,
                ended_by="caller"),
            Leg("A", "answered", direction="outbound", customer="c", nth=1, talk_s=3.0,
                ended_by="caller"),
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=1.0, order_seat="A")],
        contacts=[Contact("c", "call_back", leg=("A", 1), in_time=True)],
    )  # fmt: skip


async def recorded(stage: Stage) -> Truth:
    await stage.phone("A", ring(1), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + 1 + 4), bye())
    event = await stage.event("MixMonitorStart", Channel=await stage.caller_channel("c"))
    await caller.finished()
    file = stage.pbx.directory / "spool" / "monitor" / f"{event['Uniqueid']}.wav"
    if not file.exists():
        raise RunInvalid(f"Asterisk wrote no {file.name}")
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=1.0, talk_s=4.0,
                ended_by="caller")
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=1.0, order_seat="A", recorded=True)],
        notes="MixMonitorStart names no file and no Stop comes at the hang-up",
    )  # fmt: skip


SCENARIOS = [
    Scenario("missed_then_through",
             "missed from 138…, again from +86138…, gets through from 0086138…: one order, closed",
             missed_then_through),
    Scenario("missed_called_back",
             "missed, called back from the desk: first nobody answers, then the customer does",
             missed_called_back),
    Scenario("answered_called_back", "a caller is called back from the desk, the order still owed",
             answered_called_back),
    Scenario("recorded", "MixMonitor records the call", recorded,
             queues=(QueueSpec("hotline", "A", recorded=True),), versions=("22", "16")),
]  # fmt: skip
