"""Work orders as people work on them: found, shown, and changed by commands.

Completing what the engine still waits for goes through the engine, so that its clock stops in the
order of events, and the document changes in the same transaction. Everything else is the
document's alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec
import structlog
from msgspec.structs import replace

from agentd.core import workorder
from agentd.core.order_model import (
    Assign,
    Change,
    Complete,
    Done,
    Merge,
    Missing,
    OrderRefusal,
    PersonCommand,
    WorkOrder,
)
from agentd.core.order_words import not_found
from agentd.core.people import Person
from agentd.core.phone import normalise
from agentd.desk_scope import FORBIDDEN, Around, refuse, scoped
from agentd.errors import AgentdError, Refused
from agentd.ports.desk import OrderPage, OrderQuery, OrderView

DRAFT_MAX_BYTES: Final = 64 << 10
EARLIER_MAX: Final = 50
STORED_MAX_S: Final = 15.0
"""So long whoever gave a command waits for the database."""

_log = structlog.get_logger(__name__)


class Orders:
    """Work orders for people. ``done`` is told of every command that changed something."""

    def __init__(self, around: Around, done: Callable[[Done], Awaitable[None]]) -> None:
        self._around = around
        self._done = done
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._working: set[asyncio.Task[Any]] = set()

    # --- reading -----------------------------------------------------------------------------

    async def _visible(self, who: Person, order_id: str) -> WorkOrder | None:
        order = await self._around.store.order(order_id)
        return order if order is not None and workorder.sees(order, who) else None

    def _view(self, order: WorkOrder, who: Person) -> OrderView:
        book = self._around.book
        return OrderView(
            order=order,
            missing=workorder.missing(order, book),
            allowed=workorder.allowed(order, who, book),
        )

    async def view(self, who: Person, order_id: str) -> OrderView | OrderRefusal:
        """The order as ``who`` sees it."""
        order = await self._visible(who, order_id)
        return not_found() if order is None else self._view(order, who)

    async def orders(self, who: Person, query: OrderQuery) -> OrderPage:
        """What fits and ``who`` may see."""
        narrowed = self._narrowed(who, query)
        if narrowed is None:
            return OrderPage((), None, 0)
        page = await self._around.store.orders(narrowed)
        seen = tuple(order for order in page.items if workorder.sees(order, who))
        return replace(page, items=seen)

    async def each_order(
        self, who: Person, query: OrderQuery
    ) -> AsyncIterator[Sequence[WorkOrder]]:
        """All that fit and ``who`` may see, in pieces."""
        narrowed = self._narrowed(who, query)
        if narrowed is None:
            return
        async for piece in self._around.store.each_order(narrowed):
            yield [order for order in piece if workorder.sees(order, who)]

    def _narrowed(self, who: Person, query: OrderQuery) -> OrderQuery | None:
        """``query`` as far as ``who`` may look; None: nothing can fit."""
        if query.owner == who.login and not who.disabled:
            return query
        if who.may("orders.read"):
            return scoped(query, who)
        if not who.may("desk"):
            raise refuse("forbidden", FORBIDDEN)
        return replace(query, owner=who.login) if query.owner is None else None

    async def earlier(self, who: Person, number: str, limit: int) -> Sequence[WorkOrder]:
        """The latest orders of a caller. Of those that are not theirs an agent sees, for the
        caller whom they have just now or an order of their own is about, what helps the caller."""
        around = self._around
        norm = normalise(number, around.book.numbers)
        if norm is None:
            return ()
        query = OrderQuery(number=number, limit=max(1, min(limit, EARLIER_MAX)))
        found = (await around.store.orders(query)).items
        concerned = self._has_now(who, norm) or any(
            order.owner == who.login and order.state in ("open", "returned") for order in found
        )
        told: list[WorkOrder] = []
        for order in found:
            if workorder.sees(order, who):
                told.append(order)
            elif concerned and who.may("desk") and not order.own_service:
                told.append(_outline(order))
        return told

    def _has_now(self, who: Person, norm: str) -> bool:
        """Whether this caller is at the seat of ``who``."""
        around = self._around
        return any(
            normalise(value.get("caller"), around.book.numbers) == norm
            for pbx in around.pbxs
            for key, value in around.engine.board(pbx).items()
            if key.startswith("seat:") and value.get("person") == who.login
        )

    async def history(self, who: Person, order_id: str) -> Sequence[Change] | OrderRefusal:
        """Everything that ever changed in the order."""
        if await self._visible(who, order_id) is None:
            return not_found()
        return await self._around.store.history(order_id)

    # --- drafts ------------------------------------------------------------------------------

    async def draft(self, who: Person, order_id: str) -> Mapping[str, Any] | None:
        """What ``who`` has typed and not saved."""
        if await self._visible(who, order_id) is None:
            raise _no_order()
        return await self._around.store.draft(order_id, who.login)

    async def put_draft(self, who: Person, order_id: str, draft: Mapping[str, Any] | None) -> None:
        """Keep it; None throws it away."""
        if await self._visible(who, order_id) is None:
            raise _no_order()
        if draft is not None and len(msgspec.json.encode(draft)) > DRAFT_MAX_BYTES:
            words = ("草稿太长,请分次保存。", "The draft is too long.")
            raise refuse("invalid", words, field="draft")
        await self._around.store.put_draft(order_id, who.login, draft)

    # --- commands ----------------------------------------------------------------------------

    async def command(
        self,
        who: Person,
        order_id: str,
        command: PersonCommand,
        *,
        expected: int | None = None,
    ) -> OrderView | OrderRefusal:
        """Do ``command``; the order as it stands then, or why not. Whoever stops waiting does not
        take it back. Raises :class:`AgentdError` when the database refuses, or takes too long."""
        doing = asyncio.create_task(
            self._command(who, order_id, command, expected), name="desk-command"
        )
        self._working.add(doing)
        doing.add_done_callback(self._working.discard)
        try:
            async with asyncio.timeout(STORED_MAX_S):
                return await asyncio.shield(doing)
        except asyncio.CancelledError:
            doing.add_done_callback(partial(_on_late, order_id))
            raise
        except TimeoutError:
            doing.add_done_callback(partial(_on_late, order_id))
            raise AgentdError(
                "agentd has it, but could not store it yet (see its log); look at the order "
                "before doing it again"
            ) from None

    async def close(self) -> None:
        """Wait for commands that nobody waits for any more."""
        if self._working:
            await asyncio.wait(self._working)

    async def _command(
        self, who: Person, order_id: str, command: PersonCommand, expected: int | None
    ) -> OrderView | OrderRefusal:
        ids = {order_id}
        if isinstance(command, Merge):
            ids.add(command.into)
        locks = [self._locks.setdefault(id_, asyncio.Lock()) for id_ in sorted(ids)]
        async with contextlib.AsyncExitStack() as stack:
            for lock in locks:
                await stack.enter_async_context(lock)
            before = await self._visible(who, order_id)
            if before is None:
                return not_found()
            wrong = self._wrong_person(command, before)
            if wrong is not None:
                return wrong
            if isinstance(command, Assign):
                done = await self._assign(who, before, command, expected)
            elif isinstance(command, Complete):
                done = await self._complete(who, before, command, expected)
            else:
                now_us = self._around.engine.pbx_now_us(before.pbx)
                done = await self._around.store.apply(
                    order_id, command, who, now_us, expected=expected
                )
            if isinstance(done, OrderRefusal):
                return _told_to(who, done)
            await self._after(who, before, command, done)
            return self._view(done.order, who)

    def _wrong_person(self, command: PersonCommand, order: WorkOrder) -> OrderRefusal | None:
        if not isinstance(command, Assign):
            return None
        person = self._around.directory.get(command.to.strip())
        if person is not None and person.may("desk"):
            return None
        zh = f"“{command.to}”不能接手工单:没有这个工号,或已停用。"
        en = f"“{command.to}” cannot take it: there is no such account, or it is disabled."
        lacking = Missing("to", "unknown", zh, en)
        return OrderRefusal("invalid", zh, en, missing=(lacking,), order=order)

    async def _complete(
        self, who: Person, before: WorkOrder, command: Complete, expected: int | None
    ) -> Done | OrderRefusal:
        around = self._around
        now_us = around.engine.pbx_now_us(before.pbx)
        if before.completed_us is not None or before.state != "open":
            return await around.store.apply(before.id, command, who, now_us, expected=expected)
        refusal = self._refusal(who, before, command, now_us, expected)
        if refusal is not None:
            return refusal
        job, outcome = around.store.apply_job(before.id, command, who)
        try:
            await around.engine.complete_order(before.pbx, before.id, who.login, job=job)
        except Refused:
            order = await around.store.order(before.id)
            if order is None or order.completed_us is None:
                raise
            # It was ended meanwhile (a missed caller got through): only the document is left.
            return await around.store.apply(before.id, command, who, now_us)
        return outcome()

    def _refusal(
        self,
        who: Person,
        before: WorkOrder,
        command: PersonCommand,
        now_us: int,
        expected: int | None,
    ) -> OrderRefusal | None:
        """Why ``command`` cannot be done; asked before the engine is told."""
        if expected is not None and before.version != expected:
            return OrderRefusal(
                "conflict",
                "工单刚被他人修改,请核对差异后再保存。",
                "Somebody has just changed this order: compare, and save again.",
                order=before,
            )
        tried = workorder.apply(before, command, who, now_us, self._around.book)
        return tried if isinstance(tried, OrderRefusal) else None

    async def _assign(
        self, who: Person, before: WorkOrder, command: Assign, expected: int | None
    ) -> Done | OrderRefusal:
        """The engine's clock goes over with the document, in one transaction."""
        around = self._around
        now_us = around.engine.pbx_now_us(before.pbx)
        person = around.directory.get(command.to.strip())
        assert person is not None
        # A missed caller is everybody's; of a PBX that is configured no more no clock runs.
        only_here = before.kind == "missed" or before.pbx not in around.pbxs
        if only_here or person.login == before.owner:
            return await around.store.apply(before.id, command, who, now_us, expected=expected)
        if before.completed_us is not None:
            done = await around.store.apply(before.id, command, who, now_us, expected=expected)
            # Whose call-backs count from now on. Refused: it is too old for any.
            with contextlib.suppress(Refused):
                if isinstance(done, Done):
                    await around.engine.assign_order(
                        before.pbx, before.id, person.login, person.name
                    )
            return done
        refusal = self._refusal(who, before, command, now_us, expected)
        if refusal is not None:
            return refusal
        job, outcome = around.store.apply_job(before.id, command, who)
        await around.engine.assign_order(before.pbx, before.id, person.login, person.name, job=job)
        return outcome()

    async def _after(
        self, who: Person, before: WorkOrder, command: PersonCommand, done: Done
    ) -> None:
        """What follows from a command that is done."""
        if done.order.version == before.version:
            return
        around = self._around
        await self._done(done)
        await around.note(
            who,
            f"order.{workorder.tag_of(command)}",
            before.id,
            version=done.order.version,
            changed=sorted(done.change.changed),
        )
        changed = [done.order] if done.order.numbers != before.numbers else []
        for other_id, _ in done.follow_up:
            other = await around.store.order(other_id)
            changed += [other] if other is not None else []
        for order in changed:
            # Refused: it is too old for its call-backs to be watched.
            with contextlib.suppress(Refused):
                await around.engine.order_numbers(
                    order.pbx, order.id, [number.norm for number in order.numbers]
                )


def _on_late(order_id: str, doing: asyncio.Task[Any]) -> None:
    """Nobody waits any more; the log is told what came of it."""
    if doing.cancelled():
        return
    error = doing.exception()
    if error is None:
        _log.info("command_done_late", order=order_id)
    else:
        _log.warning("command_failed_late", order=order_id, reason=str(error))


def _told_to(who: Person, refusal: OrderRefusal) -> OrderRefusal:
    """``refusal`` without an order that ``who`` may not see."""
    order = refusal.order
    if order is None or workorder.sees(order, who):
        return refusal
    return replace(refusal, order=None)


def _no_order() -> Refused:
    refusal = not_found()
    return Refused(refusal.text_en, code=refusal.code, text_zh=refusal.text_zh)


def _outline(order: WorkOrder) -> WorkOrder:
    """What a colleague may know of somebody else's order, to help its caller: no people, no
    notes, no further numbers."""
    return WorkOrder(
        id=order.id,
        pbx=order.pbx,
        kind=order.kind,
        call=order.call,
        version=order.version,
        state=order.state,
        opened_us=order.opened_us,
        updated_us=order.updated_us,
        queue=order.queue,
        completed_us=order.completed_us,
        category=order.category,
        title=order.title,
        fields=order.fields,
        reply=order.reply,
        promise=order.promise and replace(order.promise, by="", kept_by=None),
        answer=order.answer and replace(order.answer, by=""),
        told=order.told and replace(order.told, by=""),
    )
