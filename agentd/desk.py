"""The desk service (implements :class:`agentd.ports.desk.Desk`): orders, their clocks, appeals,
shifts, and how whoever asks stands.

What people may do is asked here, once, whichever door they come through; what they may not see
does not exist for them. What follows from a change of an order (its clocks, the urgent ones on the
board, hints to pages, exceptions of R3) hangs on the store's word that it is committed, so it makes
no difference who changed it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog

from agentd import clock
from agentd.core.effects import Effect, Violation
from agentd.core.order_form import FormBook
from agentd.core.order_model import (
    Change,
    Complete,
    Done,
    OrderRefusal,
    PersonCommand,
    WorkOrder,
)
from agentd.core.people import Directory, Person
from agentd.desk_appeals import Appeals
from agentd.desk_clock import OrderClock, UrgentBoard
from agentd.desk_figures import standing
from agentd.desk_orders import Orders
from agentd.desk_scope import Around, Auditor, Engine, need
from agentd.desk_shift import Shift
from agentd.errors import AgentdError, Refused
from agentd.ports import LiveSink
from agentd.ports.desk import (
    DeskStore,
    Duty,
    Handover,
    Hints,
    JudgedViolation,
    NoticeSink,
    OrderPage,
    OrderQuery,
    OrderView,
    Standing,
    ViolationPage,
    ViolationQuery,
)

TROUBLE_S: Final = 5.0
"""How soon follow-up work is tried again when the database refused."""
_FOR_LEADERS: Final = frozenset({"forwarded", "dispatched", "answered"})

_log = structlog.get_logger(__name__)


class DeskService:
    """Everything that people do beside the phone.

    :meth:`start` after the store and the accounts are there; :meth:`run` in a task of its own;
    :meth:`on_changed` is to be told of changed documents, :meth:`on_effects` of committed effects.

    ``engine`` is the runtime. ``announce`` hears of alerts (MQTT). ``wall_us`` is our clock, which
    the roster goes by.
    """

    def __init__(
        self,
        *,
        store: DeskStore,
        engine: Engine,
        directory: Directory,
        book: FormBook,
        pbxs: Sequence[str],
        hints: Hints,
        audit: Auditor,
        notices: NoticeSink,
        live: LiveSink,
        announce: Callable[[Sequence[Effect]], None],
        wall_us: Callable[[], int] = clock.wall_us,
    ) -> None:
        around = Around(
            store=store,
            engine=engine,
            directory=directory,
            book=book,
            pbxs=tuple(pbxs),
            hints=hints,
            audit=audit,
            notices=notices,
            live=live,
            announce=announce,
            wall_us=wall_us,
        )
        self._around = around
        self._shift = Shift(around)
        self._appeals = Appeals(around)
        self._orders = Orders(around, self._on_done)
        self._clock = OrderClock(around, self._shift.on_duty, self._on_done)
        self._urgent = UrgentBoard(around)
        self._follow_up: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()

    @property
    def book(self) -> FormBook:
        """What complete means."""
        return self._around.book

    def now_us(self, pbx: str) -> int:
        """What time it is at ``pbx``."""
        return self._around.engine.pbx_now_us(pbx)

    def on_judged(self, listener: Callable[[Iterable[str]], None]) -> None:
        """Have ``listener`` told of violations (ids) that somebody decided about, or appealed
        against, after the commit."""
        self._around.judged.append(listener)

    # --- life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take over what was pending before the restart. Raises ``StoreError``."""
        await self._clock.restore()
        await self._urgent.restore()
        await self._appeals.catch_up()

    async def run(self) -> None:
        """Wake orders and do what follows from changes, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._clock.run(), name="desk-clock")
            group.create_task(self._work_off(), name="desk-follow-up")

    async def close(self) -> None:
        """Wait for commands on their way."""
        await self._orders.close()

    async def _work_off(self) -> None:
        while True:
            work = await self._follow_up.get()
            told = False
            while True:
                try:
                    await work()
                    break
                except AgentdError as error:
                    if not told:
                        _log.error("desk_follow_up_waits", reason=str(error))
                    told = True
                    await asyncio.sleep(TROUBLE_S)

    # --- what the store and the engine tell ---------------------------------------------------

    def on_changed(self, documents: Sequence[tuple[WorkOrder, Change]]) -> None:
        """These documents were changed, and are committed."""
        latest: dict[str, WorkOrder] = {}
        topics: dict[str, None] = {}
        for order, change in documents:
            latest[order.id] = order
            topics |= dict.fromkeys(_topics(order, change))
            if any(path.split(".")[0] == "exemption" for path in change.changed):
                self._follow_up.put_nowait(partial(self._appeals.on_exemption, order, change))
        for order in latest.values():
            self._clock.changed(order)
            self._urgent.changed(order)
        if topics:
            self._around.hints.hint(*topics)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """These effects are committed where they must be."""
        for effect in effects:
            if isinstance(effect, Violation):
                person = self._around.directory.whose(effect.agent)
                if person is not None:
                    self._around.hints.hint(f"violations:{person.login}")
                if effect.rule == "hangup_order":
                    self._follow_up.put_nowait(partial(self._appeals.on_violation, effect))

    async def _on_done(self, done: Done) -> None:
        if not done.notices:
            return
        self._around.notices.notify([(notice, done.order) for notice in done.notices])
        topics = dict.fromkeys(f"orders:{to}" for notice in done.notices for to in notice.to)
        topics[f"inbox:{done.order.team or ''}"] = None
        self._around.hints.hint(*topics)

    # --- orders ------------------------------------------------------------------------------

    async def view(self, who: Person, order_id: str) -> OrderView | OrderRefusal:
        return await self._orders.view(who, order_id)

    async def orders(self, who: Person, query: OrderQuery) -> OrderPage:
        return await self._orders.orders(who, query)

    def each_order(self, who: Person, query: OrderQuery) -> AsyncIterator[Sequence[WorkOrder]]:
        return self._orders.each_order(who, query)

    async def earlier(self, who: Person, number: str, limit: int) -> Sequence[WorkOrder]:
        return await self._orders.earlier(who, number, limit)

    async def history(self, who: Person, order_id: str) -> Sequence[Change] | OrderRefusal:
        return await self._orders.history(who, order_id)

    async def command(
        self,
        who: Person,
        order_id: str,
        command: PersonCommand,
        *,
        expected: int | None = None,
    ) -> OrderView | OrderRefusal:
        return await self._orders.command(who, order_id, command, expected=expected)

    async def draft(self, who: Person, order_id: str) -> Mapping[str, Any] | None:
        return await self._orders.draft(who, order_id)

    async def put_draft(self, who: Person, order_id: str, draft: Mapping[str, Any] | None) -> None:
        await self._orders.put_draft(who, order_id, draft)

    async def complete_as(self, by: str, order_id: str, command: Complete) -> WorkOrder:
        """For whoever is at the machine itself: complete an order in the name of ``by``, a login
        or a name, with that person's rights. Where no account has the name that the queue gives
        the order's agent, that name stands for itself. Raises :class:`Refused`."""
        order = await self._around.store.order(order_id)
        if order is None:
            raise Refused(
                f"there is no work order {order_id}",
                code="not_found",
                text_zh=f"没有工单 {order_id}",
            )
        done = await self.command(self._named(by.strip(), order), order_id, command)
        if isinstance(done, OrderRefusal):
            more = [m for m in done.missing if m.text_en not in done.text_en]
            raise Refused(
                f"work order {order_id}: {' '.join([done.text_en, *(m.text_en for m in more)])}",
                code=done.code,
                text_zh=f"工单 {order_id}:{''.join([done.text_zh, *(m.text_zh for m in more)])}",
                missing=done.missing,
            )
        return done.order

    def _named(self, by: str, order: WorkOrder) -> Person:
        directory = self._around.directory
        person = directory.get(by) or directory.whose(by)
        if person is not None:
            return person
        if by and by == order.agent:
            return Person(login=by, name=by, role="shift_leader")
        raise Refused(
            f"{by!r} is nobody's login or name here (agentd user list), nor the agent of this "
            f"order ({order.agent or 'none'})",
            code="invalid",
            text_zh=f"“{by}”不是任何账号的工号或姓名(见 agentd user list),"
            f"也不是该工单的话务员({order.agent or '无'})",
            field="by",
        )

    # --- violations and appeals --------------------------------------------------------------

    async def standing(self, who: Person, from_us: int) -> Standing:
        need(who, "desk")
        return await standing(self._around, who, from_us)

    async def violations(self, who: Person, query: ViolationQuery) -> ViolationPage:
        return await self._appeals.violations(who, query)

    async def appeal(self, who: Person, violation_id: str, reason: str) -> JudgedViolation:
        return await self._appeals.appeal(who, violation_id, reason)

    async def decide(
        self, who: Person, violation_ids: Sequence[str], *, grant: bool, reason: str
    ) -> Sequence[JudgedViolation]:
        return await self._appeals.decide(who, violation_ids, grant=grant, reason=reason)

    async def excuse_window(
        self, who: Person, query: ViolationQuery, reason: str
    ) -> Sequence[JudgedViolation]:
        return await self._appeals.excuse_window(who, query, reason)

    # --- the shift ---------------------------------------------------------------------------

    async def duties(self, who: Person, from_us: int, to_us: int) -> Sequence[Duty]:
        return await self._shift.duties(who, from_us, to_us)

    async def put_duties(
        self, who: Person, put: Sequence[Duty], delete: Sequence[str]
    ) -> Sequence[Duty]:
        return await self._shift.put_duties(who, put, delete)

    async def import_duties(self, who: Person, csv: str) -> Sequence[Duty]:
        return await self._shift.import_duties(who, csv)

    async def on_duty(
        self, team: str | None, at_us: int
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return await self._shift.on_duty(team, at_us)

    async def hand_over(self, who: Person, team: str, log: str, to: str | None) -> Handover:
        return await self._shift.hand_over(who, team, log, to)

    async def confirm_handover(self, who: Person, handover_id: str) -> Handover:
        return await self._shift.confirm_handover(who, handover_id)

    async def handovers(self, who: Person, team: str | None) -> Sequence[Handover]:
        return await self._shift.handovers(who, team)


def _topics(order: WorkOrder, change: Change) -> list[str]:
    """Whose pages show this order, before the change and after it."""
    owners = [order.owner, *(change.changed.get("owner") or ())]
    topics = [f"orders:{owner}" for owner in dict.fromkeys(owners) if isinstance(owner, str)]
    leads = (
        order.urgent is not None
        or order.kind == "missed"
        or order.overdue
        or order.own_service
        or order.state in _FOR_LEADERS
        or any(path.split(".")[0] in ("state", "urgent", "forwarded") for path in change.changed)
    )
    return [*topics, f"inbox:{order.team or ''}"] if leads else topics
