"""What the shift leader's desk is about, in the world of the desk's tests: urgent, forwarded and
dispatched orders, missed calls, appeals, a roster, two leaders.

To look at it by hand::

    python -m tests.browser.shift_world     # prints the URL; login 2001 or 2002 (leaders)
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from agentd.clock import wall_us
from agentd.core.effects import OrderChanged
from agentd.core.order_model import (
    Complete,
    DispatchTo,
    Edit,
    MakePromise,
    MarkUrgent,
    Reply,
)
from agentd.core.people import Person
from agentd.ports.desk import Duty
from tests.browser.desk_world import (
    ADMIN,
    AGENT,
    COLLEAGUE,
    LEADER,
    PASSWORD,
    SECOND_US,
    TEAM,
    World,
    judged_call,
    world,
)

NEXT_LEADER = Person("2002", "陈班长", "shift_leader")
HOUR_US = 3600 * SECOND_US
# A busy machine may be this slow; nothing is measured with it.
PATIENCE_S = 60.0


@dataclass
class ShiftWorld:
    """The world, and the orders that the tests speak of, by id."""

    made: World
    orders: dict[str, str]

    @property
    def url(self) -> str:
        return self.made.url


async def written(
    made: World, title: tuple[str, str], *, category: str, agent: Person = AGENT, ago_s: float = 300
) -> str:
    """An order of a call that is over, with its contents written but not completed."""
    order = await made.order(
        made.next_call(), "13800002222", agent=agent, opened_ago_s=ago_s, ended_ago_s=ago_s - 60
    )
    fields = {"place": title[0], "event": title[1]}
    if category == "complaint":
        fields |= {"against": "物业公司", "demand": "尽快处理并答复"}
    await made.done(agent, order, Edit(category=category, fields=fields))
    return order


async def forwarded(made: World, title: tuple[str, str], *, ago_s: float = 300) -> str:
    """A complaint that its agent completed: it is the shift leader's."""
    order = await written(made, title, category="complaint", ago_s=ago_s)
    await made.done(AGENT, order, Complete())
    return order


async def appealed(made: World, reason: str, ago_s: float = 900) -> str:
    """A violation against which the agent has appealed; its id."""
    effects = judged_call(made, ago_s)
    await made.submit(*effects)
    violation = next(e.id for e in effects if type(e).__name__ == "Violation")
    await made.desk.appeal(AGENT, violation, reason)
    return violation


async def missed(made: World, caller: str, ago_s: float) -> str:
    """A call that nobody answered, to be called back."""
    call = made.next_call()
    opened_us = wall_us() - int(ago_s * SECOND_US)
    order = OrderChanged(
        pbx="main",
        at_us=opened_us,
        id=f"main-{call}",
        kind="missed",
        call=call,
        seat=None,
        agent=None,
        queue="hotline",
        caller=caller,
        status="open",
        opened_us=opened_us,
        due_us=opened_us + 1800 * SECOND_US,
        numbers=(f"+86{caller}",),
    )
    await made.submit(order)
    return order.id


async def add_leader(made: World, person: Person = NEXT_LEADER) -> None:
    """An account for the next shift's leader, made by the admin over REST."""
    async with httpx.AsyncClient(base_url=made.url, timeout=PATIENCE_S) as client:
        login = {"login": ADMIN.login, "password": PASSWORD}
        (await client.post("api/session", json=login)).raise_for_status()
        body = {"name": person.name, "role": person.role, "password": PASSWORD}
        (await client.put(f"api/people/{person.login}", json=body)).raise_for_status()


async def on_roster(made: World) -> None:
    """The leader is on duty now, the next one six hours later, at whatever hour this is."""
    now_us = wall_us()
    day_us = 24 * HOUR_US
    # The working calendar's own day: China's.
    midnight_us = (now_us + 8 * HOUR_US) // day_us * day_us - 8 * HOUR_US
    await made.desk.put_duties(
        LEADER,
        [
            Duty("", "", LEADER.login, "leader", now_us - HOUR_US, now_us + 6 * HOUR_US),
            *(
                Duty("", TEAM, login, role, from_us + n * day_us, to_us + n * day_us, note)
                for n in range(-1, 3)
                for login, role, from_us, to_us, note in (
                    (NEXT_LEADER.login, "leader", now_us + 6 * HOUR_US,
                     now_us + 18 * HOUR_US, "夜班"),
                    (COLLEAGUE.login, "deputy", midnight_us + 8 * HOUR_US,
                     midnight_us + 12 * HOUR_US, ""),
                    (COLLEAGUE.login, "deputy", midnight_us + 14 * HOUR_US,
                     midnight_us + 18 * HOUR_US, ""),
                )
            ),
        ],
        [],
    )  # fmt: skip


async def furnish_shift(made: World) -> dict[str, str]:
    """A roster, and orders of every kind; their ids by what the tests call them."""
    await add_leader(made)
    await on_roster(made)
    orders = {
        "urgent": await written(made, ("解放路12号", "煤气泄漏"), category="help"),
        "forwarded": await forwarded(made, ("人民路3号", "整栋停水超过十小时")),
        "second": await forwarded(made, ("滨江花园3幢", "餐馆油烟直排"), ago_s=900),
        "dispatched": await forwarded(made, ("建设新村18号", "水管爆裂")),
        "missed": await missed(made, "13911112222", 600),
    }
    await made.done(AGENT, orders["urgent"], MarkUrgent())
    due = wall_us() + 3 * HOUR_US
    await made.done(
        LEADER, orders["dispatched"], DispatchTo("water", due_us=due, text="请今天抢修")
    )
    asked = await written(made, ("和平小区", "公交改线时间"), category="consult", agent=COLLEAGUE)
    reply = Reply("delayed", "查到后回复", "")
    await made.done(COLLEAGUE, asked, Edit(reply=reply))
    await made.done(COLLEAGUE, asked, MakePromise("查到线路后告知", wall_us() + HOUR_US // 2))
    late = await made.order(
        made.next_call(), "13700003333", agent=COLLEAGUE, opened_ago_s=1500, ended_ago_s=1320
    )
    return orders | {"promised": asked, "late": late}


@asynccontextmanager
async def shift_world(folder: Path, *, port: int = 0) -> AsyncIterator[ShiftWorld]:
    """A shift with a little of everything in it, and nobody at the leader's desk yet."""
    async with world(folder, port=port) as made:
        yield ShiftWorld(made, await furnish_shift(made))


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with shift_world(Path(folder)) as made:
            await appealed(made.made, "客户同意等待，已说明原因；系统把转接当成了保持。")
            await appealed(made.made, "话机按键失灵，保持无法恢复，已报修。", 1800)
            await appealed(made.made, "线路故障期间，取回客户后立即道歉。", 2400)
            await made.made.presence.report_fault(AGENT, "main", "PJSIP/8003", "听筒有杂音")
            print(made.url, f"password: {PASSWORD}", flush=True)  # noqa: T201  its output
            await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
