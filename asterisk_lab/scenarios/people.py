"""Who sits at the phone, and whether for us."""

from __future__ import annotations

import asyncio

from ..phones import answer, bye, ring, until_bye, wait
from ..stage import QueueSpec, Scenario, Stage
from ..truth import Call, Leg, Truth


async def _sign_in(stage: Stage, person: str) -> None:
    device = stage.device("A")
    await stage.action(
        "QueueAdd", Queue=stage.queue("hotline"), Interface=device, MemberName=person,
        StateInterface=device,
    )  # fmt: skip


async def pause_and_login(stage: Stage) -> Truth:
    device, queue = stage.device("A"), stage.queue("hotline")
    await _sign_in(stage, "张三")
    await asyncio.sleep(2)
    await stage.action("QueuePause", Interface=device, Paused="true", Reason="午休")
    await asyncio.sleep(2)
    await stage.action("QueuePause", Interface=device, Paused="true", Reason="培训: 第二组")
    await asyncio.sleep(2)
    await stage.action("QueuePause", Interface=device, Paused="false")
    await asyncio.sleep(2)
    await stage.action("QueueRemove", Queue=queue, Interface=device)
    await asyncio.sleep(2)
    await _sign_in(stage, "李雷")
    await asyncio.sleep(1)
    return Truth(
        states={
            "A": [
                ("available", "张三", None),
                ("paused", "张三", "午休"),
                ("paused", "张三", "培训: 第二组"),
                ("available", "张三", None),
                ("logged_out", None, None),
                ("available", "李雷", None),
            ]
        }
    )


async def paused_in_one_of_two(stage: Stage) -> Truth:
    device = stage.device("A")
    await asyncio.sleep(1)
    await stage.action(
        "QueuePause", Interface=device, Paused="true", Queue=stage.queue("sales"), Reason="售后"
    )
    await asyncio.sleep(2)
    await stage.action("QueuePause", Interface=device, Paused="true", Reason="午休")
    await asyncio.sleep(2)
    await stage.action("QueuePause", Interface=device, Paused="false", Queue=stage.queue("hotline"))
    await asyncio.sleep(1)
    return Truth(
        states={
            "A": [
                ("available", "张三", None),
                ("paused", "张三", "午休"),
                ("available", "张三", None),
            ]
        }
    )


async def second_person(stage: Stage) -> Truth:
    device, queue = stage.device("A"), stage.queue("hotline")
    await _sign_in(stage, "张三")
    await stage.phone("A", ring(2), answer(), until_bye())
    first = await stage.caller("c1", "hotline", wait(0.5 + 2 + 3), bye())
    await first.finished()
    await asyncio.sleep(1)
    await stage.action("QueueRemove", Queue=queue, Interface=device)
    await asyncio.sleep(1)
    await _sign_in(stage, "李雷")
    await asyncio.sleep(1)
    second = await stage.caller("c2", "hotline", wait(0.5 + 2 + 3), bye())
    await second.finished()
    return Truth(
        legs=[
            Leg("A", "answered", call="c1", queue="hotline", ring_s=2.0, talk_s=3.0,
                ended_by="caller"),
            Leg("A", "answered", call="c2", queue="hotline", ring_s=2.0, talk_s=3.0,
                ended_by="caller", nth=1, person="李雷"),
        ],
        calls=[
            Call("c1", "answered", "hotline", 1, wait_s=2.0, order_seat="A"),
            Call("c2", "answered", "hotline", 1, wait_s=2.0, order_seat="A"),
        ],
    )  # fmt: skip


# Display names as they stand in From: what SIP lets through, an AMI reader must survive.
_NAMES = (
    '"Zoe \\"Q\\" O\'Neil"',
    '"Event: Hangup"',
    '"x\\\\r\\\\nEvent: Hangup\\\\r\\\\nChannel: PJSIP/1001"',
    '"😀 客户: 王先生"',
    '"bad \udcff\udcfe\udcc3( bytes"',
    '"  Response: Error  "',
)


async def caller_ids(stage: Stage) -> Truth:
    await stage.phone("A", ring(1), answer(), until_bye())
    for index, name in enumerate(_NAMES):
        caller = await stage.caller(f"c{index}", "hotline", wait(0.5 + 1 + 2), bye(), name=name)
        await caller.finished()
        await asyncio.sleep(0.5)
    return Truth(
        legs=[
            Leg("A", "answered", call=f"c{n}", queue="hotline", ring_s=1.0, talk_s=2.0,
                ended_by="caller", nth=n)
            for n in range(len(_NAMES))
        ],
        calls=[
            Call(f"c{n}", "answered", "hotline", 1, wait_s=1.0, order_seat="A")
            for n in range(len(_NAMES))
        ],
    )  # fmt: skip


SCENARIOS = [
    Scenario("pause_and_login", "signs in, pauses in Chinese twice, signs off; another signs in",
             pause_and_login, queues=(QueueSpec("hotline", ""),)),
    Scenario("paused_in_one_of_two", "paused in one queue, then in both, then back in one",
             paused_in_one_of_two, queues=(QueueSpec("hotline", "A"), QueueSpec("sales", "A"))),
    Scenario("second_person", "a call for each of two persons at the same phone", second_person,
             queues=(QueueSpec("hotline", ""),)),
    Scenario("caller_ids", "six display names: quotes, colons, emoji, bad UTF-8, AMI headers",
             caller_ids, versions=("22", "16")),
]  # fmt: skip
