"""Rule R1: who rang, how long, and what became of the offer."""

from __future__ import annotations

import asyncio

from ..phones import answer, bye, reject, ring, ring_on, until_bye, wait
from ..stage import QueueSpec, Scenario, Stage
from ..truth import Call, Leg, Truth

# Answer() in the dialplan takes half a second before the caller joins the queue.
JOIN_S = 0.5


def _answered(ring_s: float, talk_s: float = 4.0) -> Truth:
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=ring_s, talk_s=talk_s,
                ended_by="caller")
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=ring_s, order_seat="A")],
    )  # fmt: skip


async def _ring_then_talk(stage: Stage, ring_s: float, talk_s: float = 4.0) -> Truth:
    await stage.phone("A", ring(ring_s), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + ring_s + talk_s), bye())
    await caller.finished()
    return _answered(ring_s, talk_s)


async def answered_in_time(stage: Stage) -> Truth:
    return await _ring_then_talk(stage, 4.0)


async def answered_after_warning(stage: Stage) -> Truth:
    return await _ring_then_talk(stage, 7.0)


async def answered_late(stage: Stage) -> Truth:
    return await _ring_then_talk(stage, 11.0)


async def let_ring_out(stage: Stage) -> Truth:
    await stage.phone("A", ring_on())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + 12 + 1 + 3), bye())
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "no_answer", call="c", queue="hotline", ring_s=12.0),
            Leg("A", "caller_gave_up", call="c", queue="hotline", ring_s=3.0, nth=1,
                unchecked=["ring_s"]),
        ],
        calls=[Call("c", "abandoned", "hotline", 2, wait_s=16.0)],
    )  # fmt: skip


async def rejected_by_one(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), reject(486))
    await stage.phone("B", ring(4), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + 4 + 3), bye())
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "rejected", call="c", queue="hotline", ring_s=2.0),
            Leg("B", "answered", call="c", queue="hotline", ring_s=4.0, talk_s=3.0,
                ended_by="caller"),
        ],
        calls=[Call("c", "answered", "hotline", 2, wait_s=4.0, order_seat="B")],
    )  # fmt: skip


async def unreachable(stage: Stage) -> Truth:
    # A's phone is never switched on: nothing listens on its port.
    await stage.phone("B", ring(2), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + 10 + 1 + 2 + 3), bye())
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "unreachable", call="c", queue="hotline"),
            Leg("B", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=3.0,
                ended_by="caller"),
        ],
        calls=[Call("c", "answered", "hotline", 2, wait_s=13.0, order_seat="B")],
    )  # fmt: skip


async def _gives_up(stage: Stage, ring_s: float) -> Truth:
    await stage.phone("A", ring_on())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + ring_s), bye())
    await caller.finished()
    return Truth(
        legs=[Leg("A", "caller_gave_up", call="c", queue="hotline", ring_s=ring_s)],
        calls=[Call("c", "abandoned", "hotline", 1, wait_s=ring_s)],
    )


async def gives_up_before_limit(stage: Stage) -> Truth:
    return await _gives_up(stage, 8.0)


async def gives_up_after_limit(stage: Stage) -> Truth:
    return await _gives_up(stage, 12.0)


async def ringall_losers(stage: Stage) -> Truth:
    await stage.phone("A", ring_on())
    await stage.phone("B", ring(3), answer(), until_bye())
    await stage.phone("C", ring_on())
    caller = await stage.caller("c", "hotline", wait(JOIN_S + 3 + 4), bye())
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered_elsewhere", call="c", queue="hotline", ring_s=3.0),
            Leg("B", "answered", call="c", queue="hotline", ring_s=3.0, talk_s=4.0,
                ended_by="caller"),
            Leg("C", "answered_elsewhere", call="c", queue="hotline", ring_s=3.0),
        ],
        calls=[Call("c", "answered", "hotline", 3, wait_s=3.0, order_seat="B")],
    )  # fmt: skip


async def queue_gives_up(stage: Stage) -> Truth:
    await stage.phone("A", ring_on())
    caller = await stage.caller("c", "hotline", until_bye())
    await caller.finished()
    return Truth(
        legs=[Leg("A", "queue_gave_up", call="c", queue="hotline", ring_s=8.0)],
        calls=[Call("c", "queue_gave_up", "hotline", 1, wait_s=8.0)],
    )


async def local_member(stage: Stage) -> Truth:
    return await _ring_then_talk(stage, 6.0)


async def member_of_two_queues(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    first = await stage.caller("c1", "sales", wait(JOIN_S + 2 + 3), bye())
    await first.finished()
    await asyncio.sleep(1)
    second = await stage.caller("c2", "hotline", wait(JOIN_S + 2 + 3), bye())
    await second.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call=who, queue=queue, ring_s=2.0, talk_s=3.0,
                ended_by="caller", nth=nth)
            for nth, (who, queue) in enumerate([("c1", "sales"), ("c2", "hotline")])
        ],
        calls=[
            Call("c1", "answered", "sales", 1, wait_s=2.0, order_seat="A"),
            Call("c2", "answered", "hotline", 1, wait_s=2.0, order_seat="A"),
        ],
    )  # fmt: skip


async def three_callers_two_seats(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    await stage.phone("B", ring(3), answer(), until_bye())
    first = await stage.caller("c1", "hotline", wait(10), bye())
    await stage.event(
        "AgentCalled", DestChannel=(await stage.channel(stage.device("A")))["Channel"]
    )
    second = await stage.caller("c2", "hotline", wait(18), bye())
    await stage.channel(stage.device("B"))
    third = await stage.caller("c3", "hotline", wait(18), bye())
    for caller in (first, second, third):
        await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c1", queue="hotline", ring_s=2.0, talk_s=7.5,
                ended_by="caller"),
            Leg("B", "answered", call="c2", queue="hotline", ring_s=3.0, talk_s=14.5,
                ended_by="caller"),
            Leg("A", "answered", call="c3", queue="hotline", ring_s=2.0, talk_s=7.2,
                ended_by="caller", nth=1, unchecked=["talk_s"]),
        ],
        calls=[
            Call("c1", "answered", "hotline", 1, wait_s=2.0, order_seat="A"),
            Call("c2", "answered", "hotline", 1, wait_s=3.0, order_seat="B"),
            Call("c3", "answered", "hotline", 1, wait_s=9.8, order_seat="A"),
        ],
    )  # fmt: skip


_BOTH = ("22", "16")
_RINGALL = (QueueSpec("hotline", "AB", strategy="ringall"),)

SCENARIOS = [
    Scenario("answered_in_time", "rings 4 s, is answered, the customer hangs up 4 s later",
             answered_in_time),
    Scenario("answered_after_warning", "rings 7 s: past the warning, within the limit",
             answered_after_warning),
    Scenario("answered_late", "rings 11 s: past the limit of 10 s", answered_late, versions=_BOTH),
    Scenario("let_ring_out", "rings out after 12 s, is offered again, the customer gives up",
             let_ring_out, queues=(QueueSpec("hotline", "A", ring_timeout_s=12),)),
    Scenario("rejected_by_one", "ringall: A refuses after 2 s, B answers after 4 s",
             rejected_by_one, seats="AB", queues=_RINGALL),
    Scenario("unreachable", "A's phone is off the network and never rings; B answers in its turn",
             unreachable, seats="AB",
             queues=(QueueSpec("hotline", "AB", strategy="linear", ring_timeout_s=10),)),
    Scenario("gives_up_before_limit", "the customer hangs up after 8 s of ringing",
             gives_up_before_limit),
    Scenario("gives_up_after_limit", "the customer hangs up after 12 s of ringing: late anyway",
             gives_up_after_limit),
    Scenario("ringall_losers", "three phones ring, B answers after 3 s", ringall_losers,
             seats="ABC", queues=(QueueSpec("hotline", "ABC", strategy="ringall"),),
             versions=_BOTH),
    Scenario("queue_gives_up", "the queue lets the customer go after 8 s; Asterisk says abandon",
             queue_gives_up, queues=(QueueSpec("hotline", "A", give_up_s=8),)),
    Scenario("local_member", "the member is Local/1001@agents/n; the phone rings 6 s",
             local_member, queues=(QueueSpec("hotline", "A", local=True),)),
    Scenario("member_of_two_queues", "A is in sales and hotline and takes one call from each",
             member_of_two_queues, queues=(QueueSpec("hotline", "A"), QueueSpec("sales", "A"))),
    Scenario("three_callers_two_seats", "the third customer waits until A is free again",
             three_callers_two_seats, seats="AB",
             queues=(QueueSpec("hotline", "AB", strategy="linear"),)),
]  # fmt: skip
