"""Rule R2: how long the customer was made to wait."""

from __future__ import annotations

from collections.abc import Sequence

from ..phones import Step, answer, bye, hold, ring, unhold, until_bye, wait
from ..stage import QueueSpec, Scenario, Stage
from ..truth import Call, Leg, Spell, Truth

LEAD_S = 0.5 + 2.0


async def _holds(
    stage: Stage, steps: Sequence[Step], talk_s: float, seconds: Sequence[float]
) -> Truth:
    await stage.phone("A", ring(2), answer(), *steps, until_bye())
    caller = await stage.caller("c", "hotline", wait(LEAD_S + talk_s), bye())
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=talk_s,
                ended_by="caller", holds=[Spell("hold", s) for s in seconds])
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=2.0, order_seat="A")],
    )  # fmt: skip


async def hold_34s(stage: Stage) -> Truth:
    return await _holds(stage, [wait(3), hold(), wait(34), unhold()], 40, [34])


async def hold_63s(stage: Stage) -> Truth:
    return await _holds(stage, [wait(2), hold(), wait(63), unhold()], 68, [63])


async def two_holds_leaves_in_second(stage: Stage) -> Truth:
    steps = [wait(2), hold(), wait(5), unhold(), wait(3), hold()]
    return await _holds(stage, steps, 17, [5, 7])


async def three_short_holds(stage: Stage) -> Truth:
    steps = [wait(2), hold(), wait(12), unhold(), wait(1), hold(), wait(12), unhold(), wait(1)]
    return await _holds(stage, [*steps, hold(), wait(12), unhold()], 42, [12, 12, 12])


async def local_member_holds(stage: Stage) -> Truth:
    return await _holds(stage, [wait(2), hold(), wait(22), unhold()], 28, [22])


SCENARIOS = [
    Scenario("hold_34s", "one hold of 34 s: warned at 20, broken at 30, cleared at the return",
             hold_34s, versions=("22", "16")),
    Scenario("hold_63s", "one hold of 63 s: the shift leader is told at 60", hold_63s),
    Scenario("two_holds_leaves_in_second", "a hold of 5 s; the customer leaves 7 s into the second",
             two_holds_leaves_in_second),
    Scenario("three_short_holds", "three holds of 12 s: 36 s in all, none too long",
             three_short_holds),
    Scenario("local_member_holds", "the member is a Local channel; its phone holds for 22 s",
             local_member_holds, queues=(QueueSpec("hotline", "A", local=True),)),
]  # fmt: skip
