"""Links that break, PBXs that die, and a daemon that comes late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..phones import answer, bye, hold, ring, unhold, until_bye, wait
from ..stage import Scenario, Stage
from ..timeline import Timeline
from ..truth import Call, Leg, Truth

# What cannot be known about a call that was found in progress.
_FOUND = ("offered_at", "ringing_at", "answered_at", "ring_s", "talk_s", "holds", "hold_s", "queue")


async def connect_in_hold(stage: Stage) -> Truth:
    assert stage.recorder
    await stage.phone("A", ring(2), answer(), wait(2), hold(), wait(34), unhold(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 2 + 34 + 4), bye())
    await stage.event("Hold", Channel=await stage.connected("A"))
    await asyncio.sleep(6)
    await stage.recorder.start()
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=40.0,
                ended_by="caller", estimated=True, unchecked=_FOUND)
        ],
        calls=[Call("c", "answered", "hotline", 1, order_seat="A",
                    unchecked=["wait_s", "queue", "visits"])],
        no_alerts=True,
        notes="the hold began before our link: nothing about it is known, nobody is charged",
    )  # fmt: skip


async def link_cut(stage: Stage) -> Truth:
    assert stage.recorder
    await stage.phone("A", ring(2), answer(), wait(5), hold(), wait(36), unhold(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 5 + 36 + 4), bye())
    await stage.connected("A")
    await asyncio.sleep(3)
    await stage.recorder.stop()
    await asyncio.sleep(5)
    await stage.recorder.start()
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=45.0,
                ended_by="caller", unchecked=["holds", "hold_s", "estimated"])
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=2.0, order_seat="A")],
        no_alerts=True,
        notes="link down from 3 s to 8 s of the talk; the hold began at 5 s: nobody is charged",
    )  # fmt: skip


async def pbx_restart(stage: Stage) -> Callable[[Timeline], Truth]:
    assert stage.recorder
    await stage.phone("A", ring(2), answer(), wait(2), hold(), until_bye())
    await stage.caller("c1", "hotline", until_bye())
    await stage.event("Hold", Channel=await stage.connected("A"))
    await asyncio.sleep(2)
    await stage.recorder.stop()
    before = max(float(e["Timestamp"]) for e in stage.pbx.history if "Timestamp" in e)
    await stage.pbx.restart()
    await stage.recorder.start()
    await stage.phone("A", ring(2), answer(), until_bye())
    caller = await stage.caller("c2", "hotline", wait(0.5 + 2 + 3), bye())
    await caller.finished()

    def truth(timeline: Timeline) -> Truth:
        return Truth(
            legs=[
                Leg("A", "answered", call="c1", queue="hotline", ring_s=2.0, talk_s=4.0,
                    ended_by="system", estimated=True, ended_at=before,
                    unchecked=["talk_s", "holds", "hold_s"]),
                Leg("A", "answered", call="c2", queue="hotline", ring_s=2.0, talk_s=3.0,
                    ended_by="caller", nth=1),
            ],
            calls=[
                Call("c1", "answered", "hotline", 1, wait_s=2.0, order_seat="A",
                     unchecked=["ended_at"]),
                Call("c2", "answered", "hotline", 1, wait_s=2.0, order_seat="A"),
            ],
            no_alerts=True,
            notes="killed in mid-hold; channel names after the restart repeat the first call's",
        )  # fmt: skip

    return truth


async def daemon_link_cut(stage: Stage) -> Truth:
    assert stage.link
    await stage.phone("A", ring(2), answer(), wait(5), hold(), wait(36), unhold(), until_bye())
    caller = await stage.caller("c", "hotline", wait(0.5 + 2 + 5 + 36 + 4), bye())
    await stage.connected("A")
    await asyncio.sleep(3)
    await stage.link.cut()
    await asyncio.sleep(5)
    await stage.link.mend()
    await caller.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c", queue="hotline", ring_s=2.0, talk_s=45.0,
                ended_by="caller", unchecked=["holds", "hold_s", "estimated"])
        ],
        calls=[Call("c", "answered", "hotline", 1, wait_s=2.0, order_seat="A")],
        no_alerts=True,
    )  # fmt: skip


async def daemon_killed(stage: Stage) -> Truth:
    assert stage.daemon
    await stage.phone("A", ring(1), answer(), until_bye())
    first = await stage.caller("c1", "hotline", wait(0.5 + 1 + 2), bye())
    await first.finished()
    await stage.phone("A", ring(1), answer(), wait(2), hold(), wait(34), unhold(), until_bye())
    second = await stage.caller("c2", "hotline", wait(0.5 + 1 + 2 + 34 + 3), bye())
    await stage.event("Hold", Channel=await stage.connected("A", nth=1))
    await asyncio.sleep(8)
    await stage.daemon.kill()
    await asyncio.sleep(3)
    await stage.daemon.start()
    await second.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c1", queue="hotline", ring_s=1.0, talk_s=2.0,
                ended_by="caller"),
            Leg("A", "answered", call="c2", queue="hotline", ring_s=1.0, talk_s=39.0, nth=1,
                ended_by="caller", unchecked=["holds", "hold_s", "estimated"]),
        ],
        calls=[
            Call("c1", "answered", "hotline", 1, wait_s=1.0, order_seat="A"),
            Call("c2", "answered", "hotline", 1, wait_s=1.0, order_seat="A"),
        ],
        no_alerts=True,
        alerts_unchecked=True,
        order_limit_s=25.0,
        notes="the first call's order falls due after the restart; the hold spans the gap",
    )  # fmt: skip


SCENARIOS = [
    Scenario("connect_in_hold", "the link comes up 6 s into a hold of 34 s", connect_in_hold,
             alone=True, late_recorder=True),
    Scenario("link_cut", "the AMI link is cut for 5 s in mid-call and a hold begins meanwhile",
             link_cut, alone=True),
    Scenario("pbx_restart", "Asterisk dies in mid-call and comes back; names repeat", pbx_restart,
             alone=True),
    Scenario("daemon_link_cut", "the daemon's own link is cut for 5 s and a hold begins meanwhile",
             daemon_link_cut, alone=True, live=""),
    Scenario("daemon_killed", "agentd is killed with -9 in mid-hold and started again 3 s later",
             daemon_killed, alone=True,
             live="[rules.work_order]\ndue_s = 25\nremind_s = []\n"),
]  # fmt: skip
