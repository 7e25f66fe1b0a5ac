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
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from agentd import clock
from agentd.core import events as e
from agentd.core.acts import OnTheLine
from agentd.core.effects import OBLIGATIONS, Effect, OrderChanged, ResyncWanted
from agentd.core.state import Answer
from agentd.errors import Refused
from agentd.pipeline import Pipeline
from agentd.ports import (
    AmiBytes,
    Command,
    CompleteOrder,
    InboxItem,
    LinkChanged,
    LinkInfo,
    LiveSink,
    OrderAssigned,
    OrderNumbers,
    RecordingFile,
    Restored,
    SeatLeft,
    SeatTaken,
    Store,
    SupervisorActs,
)
from agentd.ports.desk import Job
from agentd.ports.figures import FeedState
from agentd.runtime_inbox import OrderedInbox, OwedGate
from agentd.runtime_lag import Lag

PIECE_BYTES = 32 << 10
"""The pipelines are fed in pieces of this size, so that one piece fits into a slice."""
SLICE_S = 0.005
"""How long the pump keeps the event loop before sockets and timers get their turn."""
STANDSTILL_S = 0.05
"""How soon a deadline is tried again that a pipeline did not act on (a list answer is pending)."""
LAST_COMMANDS_S = 1.0
"""How long stopping waits for commands that time has not reached yet."""
STOPPING = "agentd is stopping; try again when it runs"

NO_CLOCK = "the PBX was not reached yet, so its time is not known; try again when it is connected"
NO_CLOCK_ZH = "尚未连上 PBX,不知道它的时间;请在连接后再试。"

Announce = Callable[[Sequence[Effect]], None]


class _Asked:
    """A command on its way: who waits for its answer, and what is stored with what it does."""

    def __init__(self, answer: asyncio.Future[OrderChanged | None], jobs: tuple[Job, ...]) -> None:
        self.answer = answer
        self.jobs = jobs

    def tell(self, answer: Answer) -> None:
        if self.answer.done():
            return  # Whoever asked has gone.
        if answer.refused is not None:
            self.answer.set_exception(Refused(answer.refused))
        else:
            self.answer.set_result(answer.order)


def _event(item: Command, at_us: int, ticket: int) -> e.Command:
    match item:
        case CompleteOrder():
            return e.CompleteOrder(at_us, ticket, item.order_id, item.by)
        case SeatTaken():
            return e.SeatTaken(at_us, ticket, item.seat, item.person, item.name)
        case SeatLeft():
            return e.SeatLeft(at_us, ticket, item.seat, item.person)
        case OrderAssigned():
            return e.OrderAssigned(at_us, ticket, item.order_id, item.person, item.name)
        case OrderNumbers():
            return e.OrderNumbers(at_us, ticket, item.order_id, item.numbers)
        case SupervisorActs():
            return e.SupervisorActs(at_us, ticket, item.act, item.call, item.seat)


class Runtime:
    """Moves everything from the inbox through the pipelines into the sinks.

    ``announce`` hears every effect: obligations after their commit, all others at once.
    ``resync`` asks the listener of a PBX for a snapshot. ``clock_set`` gives the job that moves
    what is stored of a PBX whose clock was set by so many microseconds and says so much now.
    ``wall_us`` is our clock in microseconds since the epoch, ``monotonic`` a clock in seconds for
    the slices.
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
        clock_set: Callable[[str, int, int], Job] | None = None,
        wall_us: Callable[[], int] = clock.wall_us,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.inbox = OrderedInbox() if inbox is None else inbox
        self._pipelines = pipelines
        self._store = store
        self._live = live
        self._announce = announce
        self._resync = resync
        self._clock_set = clock_set
        self._wall_us = wall_us
        self._monotonic = monotonic
        self.links = dict.fromkeys(pipelines, "down")
        """The state of every PBX's link, as its listener said last."""
        self._lags = {pbx: Lag() for pbx in pipelines}
        self._standing_still: set[str] = set()
        self._effects: dict[str, list[Effect]] = {pbx: [] for pbx in pipelines}
        self._jobs: dict[str, list[Job]] = {pbx: [] for pbx in pipelines}
        self._gate = OwedGate()
        self._asked: dict[int, _Asked] = {}
        """Commands on their way, by ticket."""
        self._by_item: dict[int, int] = {}
        """Their tickets, by the identity of the inbox item (two may be equal)."""
        self._tickets = count(1)
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
            now_us, event_us = self._clock_us(pbx), pipeline.last_event_us
            known = now_us is not None and event_us > 0
            ages[pbx] = round((now_us - event_us) / 1e6, 3) if known and now_us else None
        return ages

    def feed_state(self, pbx: str) -> FeedState:
        """How ``pbx`` is heard now."""
        return FeedState(
            self.links[pbx],
            self._pipelines[pbx].last_event_us or None,
            self._pipelines[pbx].clock.offset_us,
            self._lags[pbx].worst_us(self._monotonic()),
        )

    # --- what people want ----------------------------------------------------------------------
    #
    # Each command is done in order with everything else. It returns once its consequences, its
    # jobs among them, are committed together; a command that is refused (:class:`Refused`, also
    # where there is no such PBX) changes nothing and runs no job. Whoever asked may go away: what
    # was asked for is done all the same.

    async def complete_order(
        self, pbx: str, order_id: str, by: str, *, job: Job | None = None
    ) -> OrderChanged:
        """Complete a work order; returns it. Refused when it is unknown or complete already."""
        item = CompleteOrder(pbx, order_id, by, self._given_us(pbx))
        order = await self._command(item, () if job is None else (job,))
        assert order is not None
        return order

    async def seat_taken(
        self, pbx: str, seat: str, person: str, name: str, *, jobs: Sequence[Job] = ()
    ) -> None:
        """``person`` (a login) signs in at ``seat``, in place of whoever was there, and leaves any
        other seat of this PBX."""
        await self._command(SeatTaken(pbx, seat, person, name, self._given_us(pbx)), jobs)

    async def seat_left(
        self, pbx: str, seat: str, *, person: str | None = None, jobs: Sequence[Job] = ()
    ) -> None:
        """Nobody is signed in at ``seat`` any more; ``person``: unless it is somebody else by
        now. That nobody was there is no refusal."""
        await self._command(SeatLeft(pbx, seat, person, self._given_us(pbx)), jobs)

    async def assign_order(
        self, pbx: str, order_id: str, person: str, name: str, *, job: Job | None = None
    ) -> None:
        """``person`` (a login) is to finish the order from now on, and has the whole time for it.
        Refused when the order is unknown or too old, and while the PBX's time is not known: nobody
        could say then until when it is due."""
        if pbx in self._pipelines and not self.knows_clock(pbx):
            raise Refused(NO_CLOCK, code="wrong_state", text_zh=NO_CLOCK_ZH)
        jobs = () if job is None else (job,)
        await self._command(OrderAssigned(pbx, order_id, person, name, self._given_us(pbx)), jobs)

    async def order_numbers(self, pbx: str, order_id: str, numbers: Sequence[str]) -> None:
        """All numbers of an order's caller. Refused when the order is unknown or too old for its
        call-backs to be watched."""
        await self._command(OrderNumbers(pbx, order_id, tuple(numbers), self._given_us(pbx)), ())

    async def supervisor_acts(
        self, pbx: str, act: str, call: str, *, seat: str | None = None
    ) -> None:
        """A supervisor is about to end or move ``call`` (``act``: hangup, redirect), or only the
        part of ``seat``. Refused where it is over already."""
        await self._command(SupervisorActs(pbx, act, call, seat, self._given_us(pbx)), ())

    def _given_us(self, pbx: str) -> int:
        return self._clock_us(pbx) or 0

    async def _command(self, item: Command, jobs: Sequence[Job]) -> OrderChanged | None:
        if item.pbx not in self._pipelines:
            raise Refused(f"there is no PBX {item.pbx!r} here")
        if self._stopping:
            raise Refused(STOPPING)
        ticket = next(self._tickets)
        asked = _Asked(asyncio.get_running_loop().create_future(), tuple(jobs))
        self._asked[ticket] = asked
        self._by_item[id(item)] = ticket
        self.inbox.put_nowait(item)
        order = await asked.answer
        try:
            await self._store.flush()
        except RuntimeError as error:
            raise Refused("agentd stopped before this was stored; it was not done") from error
        return order

    async def run(self) -> None:
        """Work until :meth:`stop`; then the inbox is empty and all effects are with the sinks."""
        while len(self.inbox) or not self._stopping:
            await self._wait()
            our_us = self._wall_us()
            due = self._due(our_us)
            if due and not await self._all_read():
                due = []
            await self._work_off(len(self.inbox))
            for pbx in due:
                await self._advance(pbx, our_us)
        await self._last_commands()

    async def _last_commands(self) -> None:
        """Commands wait until everything before them is known: the last ones are waited for."""
        until_s = self._monotonic() + LAST_COMMANDS_S
        while self._asked and self._monotonic() < until_s:
            await asyncio.sleep(LAST_COMMANDS_S / 100)
            our_us = self._wall_us()
            for pbx in self._pipelines:
                await self._advance(pbx, our_us)
        for asked in self._asked.values():
            asked.tell(Answer(0, STOPPING))
        self._asked.clear()

    def stop(self) -> None:
        """Let :meth:`run` work off what is in the inbox and return."""
        self._stopping = True
        self.inbox.wake()

    def board(self, pbx: str) -> Mapping[str, Any]:
        """The board objects of ``pbx`` by key (docs/live-stream.md), orders that are not committed
        yet among them."""
        return self._pipelines[pbx].board()

    @property
    def calls(self) -> int:
        """How many calls there are now, at all PBXs."""
        return sum(pipeline.live_counts()["calls"] for pipeline in self._pipelines.values())

    def lines(self, pbx: str, seat: str) -> tuple[OnTheLine, ...]:
        """What the phone of ``seat`` does now: who is talked to first."""
        return self._pipelines[pbx].lines(seat)

    def channel_name(self, pbx: str, uid: str) -> str | None:
        """The name of a channel that lives now; None where there is none."""
        return self._pipelines[pbx].channel_name(uid)

    def pbx_now_us(self, pbx: str) -> int:
        """What time it is at ``pbx``, as far as is known: by its own clock, else by ours."""
        return self._clock_us(pbx) or self._wall_us()

    def knows_clock(self, pbx: str) -> bool:
        """Whether :meth:`pbx_now_us` is the PBX's own clock."""
        return self._pipelines[pbx].clock.offset_us is not None if pbx in self._pipelines else False

    def _clock_us(self, pbx: str) -> int | None:
        """The estimated clock of ``pbx``; None while its offset is unknown."""
        pipeline = self._pipelines.get(pbx)
        return None if pipeline is None else pipeline.clock.now_us(self._wall_us())

    # --- time ----------------------------------------------------------------------------------

    def _due(self, our_us: int) -> list[str]:
        """The PBXs that have a deadline behind them at ``our_us`` by our clock."""
        due: list[str] = []
        for pbx, pipeline in self._pipelines.items():
            now_us = pipeline.clock.now_us(our_us)
            deadline_us = pipeline.next_deadline_us()
            if now_us is not None and deadline_us is not None and deadline_us <= now_us:
                due.append(pbx)
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

    async def _advance(self, pbx: str, our_us: int) -> None:
        pipeline = self._pipelines[pbx]
        # What was read meanwhile may have told that the PBX's clock was set.
        now_us = pipeline.clock.now_us(our_us)
        if now_us is None:
            return
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
            now_us = self._clock_us(pbx)
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
                before_us = pipeline.last_event_us
                our_us = self._wall_us() if item.arrived_us is None else item.arrived_us
                for start in range(0, len(item.data), PIECE_BYTES):
                    yield pipeline.feed(item.data[start : start + PIECE_BYTES], our_us)
                now_us = self._clock_us(item.pbx)
                if now_us is not None and pipeline.last_event_us > before_us:
                    # The clock is an estimate: a little early is on time.
                    lag_us = max(now_us - pipeline.last_event_us, 0)
                    self._lags[item.pbx].note(lag_us, self._monotonic())
            case LinkChanged():
                self.links[item.pbx] = item.state
                yield pipeline.link_changed(item.state, item.code, item.reason)
            case LinkInfo():
                # While nothing new is known, the PBX's clock goes on as it went: work orders are
                # due although the link is down.
                yield pipeline.link_info(
                    item.clock_offset_us,
                    item.version,
                    item.warnings,
                    self._wall_us(),
                    since_us=item.measured_since_us,
                    uncertain_us=item.uncertain_us,
                )
            case RecordingFile():
                yield pipeline.recording_file(item.uid, item.file)
            case _:
                at_us = now_us = self._clock_us(item.pbx)
                if now_us is not None and item.now_us:
                    # Since it was given the PBX's clock may have been set back.
                    at_us = min(item.now_us, now_us)
                event = _event(item, at_us or self._wall_us(), self._by_item.pop(id(item), 0))
                yield pipeline.command(event, clock_known=at_us is not None)

    def _answered(self, pbx: str, pipeline: Pipeline) -> list[tuple[_Asked, Answer]]:
        """Commands that were done or refused; the jobs of those that were done go along."""
        answered: list[tuple[_Asked, Answer]] = []
        for answer in pipeline.take_answers():
            asked = self._asked.pop(answer.ticket, None)
            if asked is None:
                continue  # It was put into the inbox by somebody who waits for no answer.
            answered.append((asked, answer))
            if answer.refused is None:
                self._jobs[pbx] += asked.jobs
        return answered

    # --- the sinks -----------------------------------------------------------------------------

    def _send_on(self) -> None:
        """Hand everything that the pipelines concluded to the sinks."""
        for pbx, pipeline in self._pipelines.items():
            effects, self._effects[pbx] = self._effects[pbx], []
            step_us = pipeline.take_step_us()
            if step_us and self._clock_set is not None:
                self._jobs[pbx].append(self._clock_set(pbx, step_us, self.pbx_now_us(pbx)))
            memory = pipeline.take_memory()
            answered = self._answered(pbx, pipeline)
            if effects or memory or answered:
                self._submit(pbx, effects, memory)
            for asked, answer in answered:
                asked.tell(answer)
            at_once = [effect for effect in effects if not isinstance(effect, OBLIGATIONS)]
            pipeline.lag(self._lags[pbx].worst_us(self._monotonic()))
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
        jobs, self._jobs[pbx] = self._jobs[pbx], []
        self._gate.submitted(order.id for order in orders)
        committed = partial(self._committed, orders)
        self._store.submit(effects, memory, committed, pbx=pbx, jobs=jobs)

    def _committed(self, orders: Sequence[OrderChanged], news: Sequence[Effect]) -> None:
        """``orders`` are in the store, and with them ``news``, the obligations new to it."""
        released = self._gate.committed(order.id for order in orders)
        if released:
            self._live.publish(released, ())
        if news:
            self._announce(news)
