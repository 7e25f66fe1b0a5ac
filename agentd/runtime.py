"""The pump: one inbox, one timer, a pipeline per PBX, and the sinks in their order.

Everything that ever changes a state comes through :class:`OrderedInbox`, in one order. What the
pipelines conclude goes to the store first; what somebody owes something for is announced only when
the store has committed it, everything else at once.

**Time.** Live, a pipeline's time is carried on by the estimated clock of its PBX (our clock plus
the offset that the listener measured). Carrying it on is dangerous: if this process was held up,
the Unhold that ends a hold in time may still be in the socket. So the pump first notes the time,
then lets the event loop read whatever had arrived by then, feeds all of that, and only then moves
the pipelines to the noted time.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from agentd import clock
from agentd.core.effects import OBLIGATIONS, Effect, OrderChanged, ResyncWanted
from agentd.errors import Refused
from agentd.pipeline import Pipeline
from agentd.ports import (
    AmiBytes,
    CompleteOrder,
    InboxItem,
    LinkChanged,
    LinkInfo,
    LiveSink,
    Restored,
    Store,
)

HIGH_WATER_BYTES = 4 << 20
LOW_WATER_BYTES = 1 << 20
CONTROL_ITEM_BYTES = 256
"""What an item without bytes counts for."""
PIECE_BYTES = 32 << 10
"""The pipelines are fed in pieces of this size, so that one piece fits into a slice."""
SLICE_S = 0.005
"""How long the pump keeps the event loop before sockets and timers get their turn."""
STANDSTILL_S = 0.05
"""How soon a deadline is tried again that a pipeline did not act on (a list answer is pending)."""

Announce = Callable[[Sequence[Effect]], None]


class OrderedInbox:
    """The one ordered, bounded way in (:class:`agentd.ports.Inbox`); bounded by bytes."""

    def __init__(
        self, *, high_bytes: int = HIGH_WATER_BYTES, low_bytes: int = LOW_WATER_BYTES
    ) -> None:
        self._high_bytes = high_bytes
        self._low_bytes = low_bytes
        self._items: deque[InboxItem] = deque()
        self._bytes = 0
        self._resume: list[Callable[[], None]] = []
        self._filled = asyncio.Event()
        self.arrived = 0
        """How many items were ever put in."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def holding_back(self) -> bool:
        """Whether somebody has stopped reading until the inbox is drained."""
        return bool(self._resume)

    @property
    def held_bytes(self) -> int:
        """What waits, in bytes."""
        return self._bytes

    def put_nowait(self, item: InboxItem) -> bool:
        """Take ``item``; False: above the high-water mark, pause reading."""
        self._items.append(item)
        self._bytes += _weight(item)
        self.arrived += 1
        self._filled.set()
        return self._bytes <= self._high_bytes

    def on_drained(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` once, as soon as the inbox is below its low-water mark."""
        if self._bytes <= self._low_bytes:
            asyncio.get_running_loop().call_soon(resume)
        else:
            self._resume.append(resume)

    def take(self) -> InboxItem:
        """The oldest item. It counts until :meth:`done` is called for it."""
        item = self._items.popleft()
        if not self._items:
            self._filled.clear()
        return item

    def done(self, item: InboxItem) -> None:
        """``item`` was worked off."""
        self._bytes -= _weight(item)
        if self._resume and self._bytes <= self._low_bytes:
            waiting, self._resume = self._resume, []
            for resume in waiting:
                resume()

    async def filled(self) -> None:
        """Return as soon as there is an item."""
        await self._filled.wait()

    def wake(self) -> None:
        """Make :meth:`filled` return although there may be no item."""
        self._filled.set()


def _weight(item: InboxItem) -> int:
    return len(item.data) if isinstance(item, AmiBytes) else CONTROL_ITEM_BYTES


class OwedGate:
    """Keeps orders off the board until they are committed.

    A seat's board object lists the orders that it owes; who reads that has been told of them.
    """

    def __init__(self) -> None:
        self._uncommitted: Counter[str] = Counter()
        self._held_back: dict[str, Any] = {}

    def submitted(self, order_ids: Iterable[str]) -> None:
        """Changes of these orders are on their way into the store."""
        self._uncommitted.update(order_ids)

    def committed(self, order_ids: Iterable[str]) -> dict[str, Any]:
        """They are in the store: the board objects that may now show what was held back."""
        self._uncommitted.subtract(order_ids)
        self._uncommitted = +self._uncommitted
        held_back, self._held_back = self._held_back, {}
        return self.screen(held_back, ())

    def screen(self, changed: Mapping[str, Any], removed: Sequence[str]) -> dict[str, Any]:
        """``changed`` as it may be shown now."""
        for key in removed:
            self._held_back.pop(key, None)
        shown = dict(changed)
        for key, value in changed.items():
            self._held_back.pop(key, None)
            owed = value.get("owed") or ()
            known = [order for order in owed if order["id"] not in self._uncommitted]
            if len(known) < len(owed):
                self._held_back[key] = value
                shown[key] = {**value, "owed": known}
        return shown


class Runtime:
    """Moves everything from the inbox through the pipelines into the sinks.

    ``announce`` hears every effect: obligations after their commit, all others at once.
    ``resync`` asks the listener of a PBX for a snapshot. ``wall_us`` is our clock in microseconds
    since the epoch, ``monotonic`` a clock in seconds for the slices.
    """

    def __init__(
        self,
        pipelines: Mapping[str, Pipeline],
        store: Store,
        live: LiveSink,
        *,
        announce: Announce,
        resync: Callable[[str], None],
        inbox: OrderedInbox | None = None,
        wall_us: Callable[[], int] = clock.wall_us,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.inbox = OrderedInbox() if inbox is None else inbox
        self._pipelines = pipelines
        self._store = store
        self._live = live
        self._announce = announce
        self._resync = resync
        self._wall_us = wall_us
        self._monotonic = monotonic
        self.links = dict.fromkeys(pipelines, "down")
        """The state of every PBX's link, as its listener said last."""
        self._offset_us: dict[str, int] = {}
        self._standing_still: set[str] = set()
        self._effects: dict[str, list[Effect]] = {pbx: [] for pbx in pipelines}
        self._gate = OwedGate()
        # Commands on their way, by the identity of their inbox item (two may be equal).
        self._asked: dict[int, asyncio.Future[OrderChanged]] = {}
        self._answers: dict[tuple[str, str], list[asyncio.Future[OrderChanged]]] = {}
        self._stopping = False

    def restore(self, pbx: str, restored: Restored) -> None:
        """Give the pipeline of ``pbx`` what the store knew; before anything is fed."""
        pipeline = self._pipelines[pbx]
        self._effects[pbx] += pipeline.restore(
            restored.memory, restored.open_orders, restored.completed_orders
        )
        self._send_on()

    def last_event_age_s(self) -> dict[str, float | None]:
        """Seconds since the newest event, by PBX; None where none was told yet."""
        ages: dict[str, float | None] = {}
        for pbx, pipeline in self._pipelines.items():
            now_us, event_us = self.pbx_now_us(pbx), pipeline.last_event_us
            known = now_us is not None and event_us > 0
            ages[pbx] = round((now_us - event_us) / 1e6, 3) if known and now_us else None
        return ages

    async def complete_order(self, pbx: str, order_id: str, by: str) -> OrderChanged:
        """Complete a work order, in order with everything else; returns it once it is stored.

        Raises :class:`Refused` when there is no such PBX or order, or it is complete already.
        """
        if pbx not in self._pipelines:
            raise Refused(f"there is no PBX {pbx!r} here")
        if self._stopping:
            raise Refused("agentd is stopping; try again when it runs")
        item = CompleteOrder(pbx, order_id, by)
        answer: asyncio.Future[OrderChanged] = asyncio.get_running_loop().create_future()
        self._asked[id(item)] = answer
        try:
            self.inbox.put_nowait(item)
            return await answer
        finally:
            self._asked.pop(id(item), None)

    async def run(self) -> None:
        """Work until :meth:`stop`; then the inbox is empty and all effects are with the sinks."""
        while len(self.inbox) or not self._stopping:
            await self._wait()
            due = self._due()
            if due and not await self._all_read():
                due = {}
            await self._work_off(len(self.inbox))
            for pbx, now_us in due.items():
                await self._advance(pbx, now_us)

    def stop(self) -> None:
        """Let :meth:`run` work off what is in the inbox and return."""
        self._stopping = True
        self.inbox.wake()

    def pbx_now_us(self, pbx: str) -> int | None:
        """The estimated clock of ``pbx``; None while its offset is unknown."""
        offset_us = self._offset_us.get(pbx)
        return None if offset_us is None else self._wall_us() + offset_us

    # --- time ----------------------------------------------------------------------------------

    def _due(self) -> dict[str, int]:
        """The PBXs that have a deadline behind them, with their estimated time."""
        due: dict[str, int] = {}
        for pbx, pipeline in self._pipelines.items():
            now_us = self.pbx_now_us(pbx)
            deadline_us = pipeline.next_deadline_us()
            if now_us is not None and deadline_us is not None and deadline_us <= now_us:
                due[pbx] = now_us
        return due

    async def _all_read(self) -> bool:
        """Let the event loop read what has arrived; False when a listener holds back reading."""
        arrived = -1
        while arrived != self.inbox.arrived and not self.inbox.holding_back:
            arrived = self.inbox.arrived
            # Two turns: one in which the sockets are asked, one in which their data has come.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return not self.inbox.holding_back

    async def _advance(self, pbx: str, now_us: int) -> None:
        pipeline = self._pipelines[pbx]
        self._effects[pbx] += pipeline.advance(now_us)
        deadline_us = pipeline.next_deadline_us()
        if deadline_us is not None and deadline_us <= now_us:
            self._standing_still.add(pbx)
        else:
            self._standing_still.discard(pbx)
        self._send_on()
        await asyncio.sleep(0)

    async def _wait(self) -> None:
        """Until there is an item, a deadline has come, or we stop."""
        if len(self.inbox) or self._stopping:
            return
        delays_s: list[float] = []
        for pbx, pipeline in self._pipelines.items():
            now_us = self.pbx_now_us(pbx)
            deadline_us = pipeline.next_deadline_us()
            if now_us is not None and deadline_us is not None:
                at_least_s = STANDSTILL_S if pbx in self._standing_still else 0.0
                delays_s.append(max(at_least_s, (deadline_us - now_us) / 1e6))
        try:
            async with asyncio.timeout(min(delays_s, default=None)):
                await self.inbox.filled()
        except TimeoutError:
            return

    # --- the inbox -----------------------------------------------------------------------------

    async def _work_off(self, count: int) -> None:
        """Work off the ``count`` oldest items, in slices."""
        slice_ends_s = self._monotonic() + SLICE_S
        for _ in range(count):
            item = self.inbox.take()
            for effects in self._handle(self._pipelines[item.pbx], item):
                self._effects[item.pbx] += effects
                if self._monotonic() >= slice_ends_s:
                    self._send_on()
                    await asyncio.sleep(0)
                    slice_ends_s = self._monotonic() + SLICE_S
            self.inbox.done(item)
        self._send_on()

    def _handle(self, pipeline: Pipeline, item: InboxItem) -> Iterator[list[Effect]]:
        match item:
            case AmiBytes():
                for start in range(0, len(item.data), PIECE_BYTES):
                    yield pipeline.feed(item.data[start : start + PIECE_BYTES])
            case LinkChanged():
                self.links[item.pbx] = item.state
                yield pipeline.link_changed(item.state, item.code, item.reason)
            case LinkInfo():
                # While nothing new is known, the PBX's clock goes on as it went: work orders are
                # due although the link is down.
                if item.clock_offset_us is not None:
                    self._offset_us[item.pbx] = item.clock_offset_us
                pipeline.link_info(self._offset_us.get(item.pbx), item.version, item.warnings)
                yield []
            case CompleteOrder():
                yield self._complete(pipeline, item)

    def _complete(self, pipeline: Pipeline, item: CompleteOrder) -> list[Effect]:
        answer = self._asked.pop(id(item), None)
        now_us = self.pbx_now_us(item.pbx) or self._wall_us()
        done = pipeline.complete_order(item.order_id, item.by, now_us)
        if isinstance(done, list):
            if answer is not None:
                self._answers.setdefault((item.pbx, item.order_id), []).append(answer)
            return done
        if answer is not None and not answer.done():
            answer.set_exception(
                Refused(done.message if done else f"there is no open work order {item.order_id}")
            )
        return []

    # --- the sinks -----------------------------------------------------------------------------

    def _send_on(self) -> None:
        """Hand everything that the pipelines concluded to the sinks."""
        for pbx, pipeline in self._pipelines.items():
            effects, self._effects[pbx] = self._effects[pbx], []
            memory = pipeline.take_memory()
            if effects or memory:
                self._submit(pbx, effects, memory)
            at_once = [effect for effect in effects if not isinstance(effect, OBLIGATIONS)]
            changed, removed = pipeline.take_board()
            if changed or removed:
                self._live.publish(self._gate.screen(changed, removed), removed)
            if at_once:
                self._announce(at_once)
            if any(isinstance(effect, ResyncWanted) for effect in at_once):
                self._resync(pbx)

    def _submit(
        self, pbx: str, effects: Sequence[Effect], memory: Mapping[str, bytes | None]
    ) -> None:
        orders = tuple(effect for effect in effects if isinstance(effect, OrderChanged))
        self._gate.submitted(order.id for order in orders)
        self._store.submit(effects, memory, partial(self._committed, orders), pbx=pbx)

    def _committed(self, orders: Sequence[OrderChanged], news: Sequence[Effect]) -> None:
        """``orders`` are in the store, and with them ``news``, the obligations new to it."""
        released = self._gate.committed(order.id for order in orders)
        if released:
            self._live.publish(released, ())
        if news:
            self._announce(news)
        for order in orders:
            if order.status == "completed":
                for answer in self._answers.pop((order.pbx, order.id), ()):
                    if not answer.done():
                        answer.set_result(order)
