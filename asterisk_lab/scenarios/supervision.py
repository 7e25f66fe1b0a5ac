"""Supervisors who listen: their phone is a seat like the others, and has no call of its own."""

from __future__ import annotations

from ..phones import answer, bye, ring, until_bye, wait
from ..stage import QueueSpec, Scenario, Stage
from ..truth import Call, Leg, Truth


async def _listen(stage: Stage, **headers: str) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    await stage.phone("S", ring(2), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 8), bye())
    agent = await stage.channel(stage.device("A"))
    await stage.connected("A")
    await stage.action(
        "Originate", Channel=stage.device("S"), Application="ChanSpy",
        Data=f"{agent['Uniqueid']},quES", Async="true", Timeout="30000", **headers,
    )  # fmt: skip
    await stage.event("ChanSpyStart", SpyeeUniqueid=agent["Uniqueid"])
    await caller.finished()
    await stage.gone("S")
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=8.0,
                ended_by="caller")
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=2.0, order_seat="A")],
    )  # fmt: skip


async def listened(stage: Stage) -> Truth:
    truth = await _listen(stage, ChannelId="agentd-spy-listen-00000000000000aa")
    truth.states["S"] = [("available", stage.cast.people["S"], None)]
    return truth


async def listened_by_others(stage: Stage) -> Truth:
    truth = await _listen(stage)
    truth.notes = "somebody else's Originate: it looks like a click to dial until ChanSpy begins"
    return truth


_QUEUES = (QueueSpec("hotline", "A"), QueueSpec("sales", "S"))

SCENARIOS = [
    Scenario("listened", "agentd lets a supervisor at seat S listen to A's call", listened,
             seats="AS", queues=_QUEUES, versions=("22", "16")),
    Scenario("listened_by_others", "the same, by an Originate that is not agentd's",
             listened_by_others, seats="AS", queues=_QUEUES),
]  # fmt: skip
