"""Calls that no queue offered: outbound, direct, internal."""

from __future__ import annotations

from ..phones import answer, bye, ring, until_bye, wait
from ..stage import QueueSpec, Scenario, Stage
from ..truth import Call, Leg, Truth

_AB = (QueueSpec("hotline", "A"), QueueSpec("second", "B"))


def _outbound(ended_by: str) -> Truth:
    return Truth(
        legs=[
            Leg("A", "answered", direction="outbound", talk_s=5.0, ended_by=ended_by, customer="c")
        ]
    )


async def click_to_dial(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    target = await stage.outside("c", ring(3), answer(), wait(5), bye())
    await stage.action(
        "Originate", Channel=stage.device("A"), Context="seats", Exten=target, Priority="1",
        CallerID=f"<{target[1:]}>", Async="true",
    )  # fmt: skip
    await stage.event("Hangup", Channel=(await stage.channel(stage.device("A")))["Channel"])
    return _outbound("caller")


async def dialled_by_hand(stage: Stage) -> Truth:
    target = await stage.outside("c", ring(3), answer(), until_bye())
    phone = await stage.dial("A", target, wait(5), bye())
    await phone.finished()
    return _outbound("agent")


async def direct_call(stage: Stage) -> Truth:
    await stage.phone("A", ring(3), answer(), until_bye())
    caller = await stage.caller("c", stage.extension("A"), wait(4), bye())
    await caller.finished()
    return Truth(
        legs=[Leg("A", "answered", call="c", ring_s=3.0, talk_s=4.0, ended_by="caller")],
        calls=[Call("c", "answered", None, 1, order_seat="A", unchecked=["wait_s", "visits"])],
    )


async def internal_call(stage: Stage) -> Truth:
    await stage.phone("B", ring(12), answer(), until_bye())
    phone = await stage.dial("A", stage.extension("B"), wait(4), bye())
    await phone.finished()
    return Truth(
        legs=[
            Leg("B", "answered", call_of=("A", 0), direction="internal", ring_s=12.0, talk_s=4.0,
                unchecked=["ended_by", "call"]),
        ],
        notes="a colleague's call: nobody is judged; A's own leg is not held to anything here",
    )  # fmt: skip


SCENARIOS = [
    Scenario("click_to_dial", "Originate: A's phone rings 2 s, then the customer's 3 s",
             click_to_dial),
    Scenario("dialled_by_hand", "A dials a customer, who answers after 3 s; A hangs up",
             dialled_by_hand),
    Scenario("direct_call", "a customer dials A's own number past the queue", direct_call),
    Scenario("internal_call", "A calls B, whose phone rings 12 s", internal_call, seats="AB",
             queues=_AB),
]  # fmt: skip
