"""The lists of orders with ten times as many orders: what that costs.

    python -m benchmarks.order_lists [ORDERS]

Two databases are filled through the store, one with ORDERS (10,000) and one with ten times as
many, and the desks' common lists are asked of each in turn. The ratio is what counts: 1 means that
a list costs what its page costs, 10 that the whole table was read. Milliseconds stand beside it.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from agentd.core.effects import OrderChanged
from agentd.core.order_form import CategorySpec, FieldSpec, FormBook
from agentd.core.order_model import Edit
from agentd.core.people import Person
from agentd.logs import set_up_logs
from agentd.ports.desk import OrderQuery
from agentd.ticketing import Store

T0_US = 1_732_320_000_000_000
LEADER = Person(login="9001", name="", role="shift_leader")
EVENTS = "路灯不亮 噪音扰民 垃圾清运 停水停电 占道经营 公交线路 社保查询 医保报销".split()
LISTS = {
    "newest": OrderQuery(),
    "an agent's own": OrderQuery(owner="a5"),
    "an agent's owed, soonest due": OrderQuery(owner="a5", states=("open", "returned"), sort="due"),
    "a leader's scope": OrderQuery(queues=("q1", "q2"), teams=("t1",)),
    "unacknowledged in a scope": OrderQuery(unacknowledged=True, teams=("t1",)),
    "overdue": OrderQuery(overdue=True),
    "two states": OrderQuery(states=("open", "completed")),
    "a caller's": OrderQuery(number="+86 139 0000 0007"),
    "a word of two characters": OrderQuery(text="路灯"),
}


class Rules:
    book = FormBook(
        categories=(
            CategorySpec(key="help", label=("求助", "Help"), fields=(
                FieldSpec(key="event", label=("事件", "Event"), in_title=True),
            )),
        )
    )  # fmt: skip

    def owner(self, agent: str | None) -> str | None:
        return agent

    def team(self, pbx: str, seat: str | None) -> str | None:
        return f"t{int((seat or '0')[-1]) % 4}"


async def fill(path: Path, orders: int) -> None:
    async with Store(path, rules=Rules()) as store:
        for n in range(orders):
            at_us = T0_US + n * 1_000_000
            opened = OrderChanged(
                pbx="main", at_us=at_us, id=f"o{n}", kind="call", call=f"{n}",
                seat=f"PJSIP/10{n % 40:02}", agent=f"a{n % 60}", queue=f"q{n % 6}",
                caller=f"139{n * 7_919 % 30_000:08}", status="open", opened_us=at_us, due_us=None,
            )  # fmt: skip
            store.submit([opened], {}, lambda _: None, pbx="main")
            if n % 2_000 == 0:
                await store.flush()
        await store.flush()
        for n in range(0, orders, 10):
            edit = Edit(category="help", fields={"event": EVENTS[n // 10 % len(EVENTS)]})
            await store.apply(f"o{n}", edit, LEADER, T0_US)


async def ask(path: Path, query: OrderQuery, times: int) -> float:
    async with Store(path, rules=Rules()) as store:
        await store.orders(query)
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            await store.orders(query)
            took.append(time.perf_counter() - begun)
    return statistics.median(took)


async def main(orders: int) -> None:
    set_up_logs(level="error")
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.db", Path(folder) / "large.db"
        await fill(small, orders)
        await fill(large, 10 * orders)
        print(f"{'list':<32} {orders:>10,} {10 * orders:>12,}  ratio")
        for name, query in LISTS.items():
            few, many = await ask(small, query, 20), await ask(large, query, 20)
            print(f"{name:<32} {few * 1e3:7.2f} ms {many * 1e3:9.2f} ms  {many / few:5.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
