"""The clocks of orders: one timer for all of them, and the board's picture of urgent ones.

What is due when is the document's own word (``workorder.wake_us``) and stored with it, so that a
restart goes on where it was. Times are PBX time, so that our clock and the PBX's may differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from agentd.core import workorder
from agentd.core.effects import Alert, seconds
from agentd.core.order_model import Done, OrderRefusal, Tick, WorkOrder
from agentd.desk_scope import US, Around
from agentd.errors import AgentdError
from agentd.ports.desk import OrderQuery

AGAIN_S: Final = 1.0
"""How soon an order is woken again whose time had come and that did not change."""
TROUBLE_S: Final = 5.0
"""How soon after the database refused."""
UNKNOWN_CLOCK_S: Final = 2.0
"""How soon after it turned out that nobody knows the PBX's time yet."""
LOOK_S: Final = 60.0
"""The PBX's clock is looked at again at least so often."""
CLEARED_KEPT: Final = 50

OnDuty = Callable[[str | None, int], Awaitable[tuple[tuple[str, ...], tuple[str, ...]]]]

_log = structlog.get_logger(__name__)


class OrderClock:
    """Wakes every order when its time has come. :meth:`run` belongs in a task of its own."""

    def __init__(
        self,
        around: Around,
        on_duty: OnDuty,
        ticked: Callable[[Done], Awaitable[None]],
    ) -> None:
        """``on_duty``: (leaders, deputies) of a team at a moment of our clock; ``ticked`` is told
        what came of a tick."""
        self._around = around
        self._on_duty = on_duty
        self._ticked = ticked
        self._planned: dict[str, tuple[int, str]] = {}
        """Order → (PBX time, PBX)."""
        self._heaps: dict[str, list[tuple[int, str]]] = {}
        self._parked: dict[str, tuple[int, str]] = {}
        """Those whose time has come by our clock only."""
        self._bell = asyncio.Event()
        self._in_trouble = False

    async def restore(self) -> None:
        """Take over what the database knows to be pending."""
        for wake_us, pbx, order_id in await self._around.store.waking():
            self.plan(pbx, order_id, wake_us)

    def changed(self, order: WorkOrder) -> None:
        """An order stands so now."""
        self.plan(order.pbx, order.id, workorder.wake_us(order, self._around.book))

    def plan(self, pbx: str, order_id: str, wake_us: int | None) -> None:
        """Wake this order then (PBX time), and not when it was planned before; None: never."""
        self._parked.pop(order_id, None)
        if wake_us is None:
            self._planned.pop(order_id, None)
            return
        if self._planned.get(order_id) != (wake_us, pbx):
            self._planned[order_id] = (wake_us, pbx)
            heapq.heappush(self._heaps.setdefault(pbx, []), (wake_us, order_id))
            self._bell.set()

    async def run(self) -> None:
        """Wake orders until cancelled."""
        while True:
            self._bell.clear()
            delay_s = await self._wake_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._bell.wait()

    async def _wake_due(self) -> float | None:
        """Wake what is due; seconds until the next one, None when nothing is planned."""
        for order_id, (wake_us, pbx) in list(self._parked.items()):
            if self._knows_time(pbx):
                self.plan(pbx, order_id, wake_us)
        while True:
            soonest_us: int | None = None
            for pbx, heap in self._heaps.items():
                while heap and self._planned.get(heap[0][1]) != (heap[0][0], pbx):
                    heapq.heappop(heap)
                if heap:
                    left_us = heap[0][0] - self._around.engine.pbx_now_us(pbx)
                    if left_us <= 0:
                        break
                    soonest_us = left_us if soonest_us is None else min(soonest_us, left_us)
            else:
                look_s = UNKNOWN_CLOCK_S if self._parked else LOOK_S
                if soonest_us is None:
                    return look_s if self._parked else None
                return min(soonest_us / US, look_s)
            wake_us, order_id = heapq.heappop(heap)
            del self._planned[order_id]
            if not await self._wake(order_id, pbx, wake_us):
                return TROUBLE_S

    async def _wake(self, order_id: str, pbx: str, wake_us: int) -> bool:
        """Tick one order; False: the database refuses, and it is planned again."""
        around = self._around
        now_us = around.engine.pbx_now_us(pbx)
        try:
            order = await around.store.order(order_id)
            if order is None:
                return True
            if not self._knows_time(pbx) and not _waits_for_a_leader(order):
                # By our clock an order might be called overdue that is not.
                self._parked[order_id] = (wake_us, pbx)
                return True
            leaders, deputies = await self._on_duty(order.team, around.wall_us())
            done = await around.store.apply(order_id, Tick(leaders, deputies), None, now_us)
        except AgentdError as error:
            if not self._in_trouble:
                _log.error("clocks_stand_still", reason=str(error))
            self._in_trouble = True
            self.plan(pbx, order_id, now_us)
            return False
        self._in_trouble = False
        if isinstance(done, OrderRefusal):
            _log.error("tick_refused", order=order_id, reason=done.text_en)
            return True
        next_us = workorder.wake_us(done.order, around.book)
        if next_us is not None and next_us <= now_us:
            next_us = now_us + int(AGAIN_S * US)
        self.plan(pbx, order_id, next_us)
        await self._ticked(done)
        return True

    def _knows_time(self, pbx: str) -> bool:
        # Of a PBX that is configured no more nobody will ever know.
        around = self._around
        return pbx not in around.pbxs or around.engine.knows_clock(pbx)


def _waits_for_a_leader(order: WorkOrder) -> bool:
    return order.urgent is not None and order.urgent.acknowledged_us is None


class UrgentBoard:
    """Urgent orders as alerts: on the live board while nobody acknowledged, and for lamps."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._shown: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._told: dict[str, int] = {}

    async def restore(self) -> None:
        """Show what was urgent before the restart."""
        query = OrderQuery(urgent=True, unacknowledged=True, limit=200)
        async for orders in self._around.store.each_order(query):
            for order in orders:
                if order.urgent is not None:
                    # A restart repeats no alert that lamps have had already.
                    self._told[order.id] = len(order.urgent.told)
                    self.changed(order)

    def changed(self, order: WorkOrder) -> None:
        """An order stands so now."""
        key = f"alert:{order.pbx}/desk-{order.id}"
        shown = self._shown.get(key)
        cleared_us = _cleared_us(order)
        if cleared_us is not None:
            if shown is not None and shown["cleared_at"] is None:
                self._clear(key, shown, order, cleared_us)
            return
        assert order.urgent is not None
        since_us = order.urgent.since_us
        value = {
            "kind": "alert",
            "id": f"desk-{order.id}",
            "pbx": order.pbx,
            "at": seconds(since_us),
            "level": "escalation",
            "rule": "urgent",
            "seat": order.seat,
            **self._whose(order),
            "call": order.call,
            "queue": order.queue,
            "to": ["shift_leader"],
            "value": None,
            "limit": None,
            "cleared_at": None,
        }
        if shown != value:
            self._shown[key] = value
            self._around.live.publish({key: value}, ())
        told = order.urgent.told
        if len(told) > self._told.get(order.id, 0):
            self._told[order.id] = len(told)
            self._alert(order, "escalation", told[-1].at_us, told[-1].at_us - since_us)

    def _whose(self, order: WorkOrder) -> dict[str, str | None]:
        """An alert of somebody's own, not of who sits at that phone by now; what is about our own
        service is nobody's but the leaders'."""
        if order.own_service:
            return {"agent": "", "person": None}
        person = self._around.directory.get(order.owner)
        return {"agent": person.name if person is not None else order.agent, "person": order.owner}

    def _clear(self, key: str, shown: dict[str, Any], order: WorkOrder, at_us: int) -> None:
        value = {**shown, "cleared_at": seconds(at_us)}
        self._shown[key] = value
        self._shown.move_to_end(key)
        self._told.pop(order.id, None)
        cleared = [name for name, each in self._shown.items() if each["cleared_at"] is not None]
        gone = cleared[: max(0, len(cleared) - CLEARED_KEPT)]
        for name in gone:
            del self._shown[name]
        self._around.live.publish({key: value}, gone)
        self._alert(order, "cleared", at_us, None)

    def _alert(self, order: WorkOrder, level: Any, at_us: int, value_us: int | None) -> None:
        alert = Alert(
            pbx=order.pbx,
            at_us=at_us,
            level=level,
            rule="urgent",
            seat=order.seat,
            agent=None,
            call=order.call,
            queue=order.queue,
            to=("shift_leader",),
            value_us=value_us,
            limit_us=None,
            spell=f"desk-{order.id}",
        )
        self._around.announce([alert])


def _cleared_us(order: WorkOrder) -> int | None:
    """Since when an order is no urgent matter (any more); None while it is one."""
    urgent = order.urgent
    if urgent is None or order.state in ("closed", "revisited", "merged"):
        return order.updated_us
    return urgent.acknowledged_us
