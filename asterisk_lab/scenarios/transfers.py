"""Calls that change hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..phones import answer, bye, hold, refer, refer_with_replaces, ring, until_bye, wait
from ..stage import QueueSpec, Scenario, Stage
from ..timeline import Timeline
from ..truth import Call, Leg, Spell, Truth

_AB = (QueueSpec("hotline", "A"), QueueSpec("second", "B"))


def _call(seat: str = "B") -> Call:
    return Call("c", "answered", "hotline", 2, wait_s=2.0, order_seat=seat)


async def blind_transfer(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), wait(3), refer(stage.extension("B")), until_bye())
    await stage.phone("B", ring(11), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 3 + 11 + 4), bye())
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=3.0,
                ended_by="transfer"),
            Leg("B", "answered", call="c", ring_s=11.0, talk_s=4.0, ended_by="caller"),
        ],
        calls=[_call()],
    )  # fmt: skip


async def blind_transfer_agent_ends(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), wait(3), refer(stage.extension("B")), until_bye())
    await stage.phone("B", ring(2), answer(), wait(3), bye())
    caller = await stage.caller("c", "hotline", until_bye())
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=3.0,
                ended_by="transfer"),
            Leg("B", "answered", call="c", ring_s=2.0, talk_s=3.0, ended_by="agent"),
        ],
        calls=[_call()],
    )  # fmt: skip


async def attended_by_ami(stage: Stage) -> Callable[[Timeline], Truth]:
    await stage.phone("A", ring(2), answer(), wait(3 + 12), bye())
    await stage.phone("B", ring(3), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 3 + 12 + 6), bye())
    channel = await stage.connected("A")
    await asyncio.sleep(3)
    await stage.action("Atxfer", Channel=channel, Context="seats", Exten=stage.extension("B"))
    await caller.finished()

    def truth(timeline: Timeline) -> Truth:
        trunk = timeline.of_caller(stage.callers["c"])[0]
        start = next(
            at
            for at, e in timeline.events
            if e["Event"] == "MusicOnHoldStart"
            and e["Uniqueid"] == trunk.uniqueid
            and at > (trunk.first_enter_at or 0)
        )
        end = timeline.first("AttendedTransfer", TransfereeUniqueid=trunk.uniqueid)
        return Truth(
            legs=[
                Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=15.0,
                    ended_by="transfer", holds=[Spell("consult", 12.0, start, end)]),
                Leg("B", "answered", call="c", ring_s=3.0, talk_s=14.0, ended_by="caller",
                    judged_ring=False, unchecked=["talk_s"]),
            ],
            calls=[_call()],
        )  # fmt: skip

    return truth


async def attended_by_phone(stage: Stage) -> Callable[[Timeline], Truth]:
    phone = await stage.phone("A", ring(2), answer(), wait(3), hold(), until_bye())
    await stage.phone("B", ring(3), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 3 + 33 + 6), bye())
    channel = await stage.connected("A")
    dialog = await phone.dialog()
    await stage.event("Hold", Channel=channel)
    await asyncio.sleep(2)
    keys = {
        "other_call_id": dialog["call_id"],
        "other_tag": dialog["tag"],
        "other_peer": dialog["peer"],
        "other_port": str(phone.port),
    }
    second = await stage.dial(
        "A", stage.extension("B"), wait(27), refer_with_replaces(stage.extension("B")),
        until_bye(), keys=keys,
    )  # fmt: skip
    await second.finished()
    await caller.finished()

    def truth(timeline: Timeline) -> Truth:
        trunk = timeline.of_caller(stage.callers["c"])[0]
        held = timeline.of_device(stage.device("A"))[0].holds[0][0]
        end = timeline.first(
            "AttendedTransfer", Result="Success", TransfereeUniqueid=trunk.uniqueid
        )
        return Truth(
            legs=[
                Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=36.0,
                    ended_by="transfer", holds=[Spell("consult", 33.0, held, end)]),
                Leg("B", "answered", call="c", ring_s=3.0, talk_s=33.0, ended_by="caller",
                    judged_ring=False),
            ],
            calls=[_call()],
        )  # fmt: skip

    return truth


async def redirected(stage: Stage) -> Truth:
    await stage.phone("A", ring(2), answer(), until_bye())
    await stage.phone("B", ring(2), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 4 + 2 + 5), bye())
    await stage.connected("A")
    await asyncio.sleep(4)
    await stage.action(
        "Redirect", Channel=await stage.caller_channel("c"), Context="seats",
        Exten=stage.extension("B"), Priority="1",
    )  # fmt: skip
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=4.0,
                ended_by="supervisor"),
            Leg("B", "answered", call="c", ring_s=2.0, talk_s=5.0, ended_by="caller"),
        ],
        calls=[_call()],
    )  # fmt: skip


async def parked(stage: Stage) -> Callable[[Timeline], Truth]:
    await stage.phone("A", ring(2), answer(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 3 + 34 + 5), bye())
    channel = await stage.connected("A")
    await asyncio.sleep(3)
    who = await stage.caller_channel("c")
    await stage.action("Park", Channel=who, AnnounceChannel=channel, TimeoutChannel=channel)
    space = (await stage.event("ParkedCall", ParkeeChannel=who))["ParkingSpace"]
    await asyncio.sleep(34)
    second = await stage.dial("B", space, until_bye())
    await second.finished()
    await caller.finished()

    def truth(timeline: Timeline) -> Truth:
        trunk = timeline.of_caller(stage.callers["c"])[0]
        start = timeline.first("ParkedCall", ParkeeUniqueid=trunk.uniqueid)
        end = timeline.first("UnParkedCall", ParkeeUniqueid=trunk.uniqueid)
        return Truth(
            legs=[Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=3.0,
                      holds=[Spell("park", 35.0, start, end)],
                      unchecked=["talk_s", "ended_at", "ended_by"]),
                  Leg("B", "answered", call="c", ended_by="caller",
                      unchecked=["offered_at", "ringing_at", "answered_at", "ring_s", "talk_s"])],
            calls=[_call()],
        )  # fmt: skip

    return truth


SCENARIOS = [
    Scenario("blind_transfer", "A refers the customer to B, whose phone rings 11 s",
             blind_transfer, seats="AB", queues=_AB, versions=("22", "16")),
    Scenario("blind_transfer_agent_ends", "A refers the customer to B; B hangs up on him",
             blind_transfer_agent_ends, seats="AB", queues=_AB),
    Scenario("attended_by_ami", "A consults B for 12 s by AMI Atxfer, hands over by hanging up",
             attended_by_ami, seats="AB", queues=_AB),
    Scenario("attended_by_phone",
             "A holds, calls B on a second line, and after 33 s joins them by REFER with Replaces",
             attended_by_phone, seats="AB", queues=_AB),
    Scenario("parked", "A's customer is parked for 35 s by AMI; B takes him out", parked,
             seats="AB", queues=_AB),
    Scenario("redirected", "a supervisor moves the customer to B in mid-call",
             redirected, seats="AB", queues=_AB),
]  # fmt: skip
