"""The pump: order, time, slices, what is announced when, and commands with an answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Self

import pytest

from agentd.core import events as e
from agentd.core.effects import Anomaly, Effect, OrderChanged, ResyncWanted
from agentd.core.pbx_clock import PbxClock
from agentd.core.state import Answer
from agentd.errors import Refused
from agentd.ports import AmiBytes, CompleteOrder, LinkChanged, LinkInfo, RecordingFile, Restored
from agentd.ports.desk import Job
from agentd.runtime import PIECE_BYTES, Runtime
from agentd.runtime_inbox import OrderedInbox, OwedGate

WALL_US = 1_000_000_000
OFFSET_US = 5_000_000


def order(order_id: str = "o1", status: Any = "open", change: str = "opened") -> OrderChanged:
    return OrderChanged(
        pbx="pbx", at_us=1, id=order_id, kind="call", call="c1", seat="PJSIP/1", agent=None,
        queue=None, caller=None, status=status, opened_us=1, due_us=None, change=change,
    )  # fmt: skip


def anomaly(what: str) -> Anomaly:
    return Anomaly(pbx="pbx", at_us=None, what=what, event=None)


class FakePipeline:
    """Says what it was told to say, and writes down what it was given."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.deadline_us: int | None = None
        self.stands_still = False
        self.says: dict[bytes, list[Effect]] = {}
        self.at_deadline: list[Effect] = []
        self.shown: tuple[dict[str, Any], list[str]] = ({}, [])
        self.memory: dict[str, bytes | None] = {}
        self.orders: set[str] = set()
        self.answers: list[Answer] = []
        self.late: list[e.Command] = []
        self.clock = PbxClock()
        self.step_us = 0
        self.last_event_us = 0
        self.lags: list[int | None] = []

    def feed(self, data: bytes, our_us: int | None = None) -> list[Effect]:
        self.told.append(data)
        return self.says.get(data, [])

    def advance(self, pbx_now_us: int) -> list[Effect]:
        self.told.append(pbx_now_us)
        if self.stands_still:
            return []
        self.deadline_us = None
        late, self.late = self.late, []
        return [*self.at_deadline, *(effect for command in late for effect in self._do(command))]

    def link_changed(self, state: str, code: str | None, reason: str | None) -> list[Effect]:
        self.told.append(state)
        return []

    def link_info(
        self,
        offset_us: int | None,
        version: str | None,
        warnings: Sequence[tuple[str, str]],
        our_us: int,
        *,
        since_us: int | None,
        uncertain_us: int,
    ) -> list[Effect]:
        if offset_us is not None:
            self.clock.measured(offset_us, our_us)
        self.told.append(("info", self.clock.offset_us))
        return []

    def lag(self, lag_us: int | None) -> None:
        self.lags.append(lag_us)

    def take_step_us(self) -> int:
        step_us, self.step_us = self.step_us, 0
        return step_us

    def command(self, command: e.Command, *, clock_known: bool = True) -> list[Effect]:
        self.told.append((command, clock_known))
        if self.stands_still:
            self.late.append(command)
            return []
        return self._do(command)

    def _do(self, command: e.Command) -> list[Effect]:
        if not isinstance(command, e.CompleteOrder):
            self.answers.append(Answer(command.ticket))
            return []
        if command.order not in self.orders:
            self.answers.append(Answer(command.ticket, f"no open work order {command.order}"))
            return []
        self.orders.remove(command.order)
        done = order(command.order, "completed", "completed")
        self.answers.append(Answer(command.ticket, None, done))
        return [done]

    def take_answers(self) -> list[Answer]:
        taken, self.answers = self.answers, []
        return taken

    def recording_file(self, uid: str, file: str) -> list[Effect]:
        self.told.append((uid, file))
        return []

    def next_deadline_us(self) -> int | None:
        return self.deadline_us

    def restore(
        self,
        memory: Mapping[str, bytes],
        open_orders: Sequence[OrderChanged],
        completed_orders: Sequence[OrderChanged] = (),
    ) -> list[Effect]:
        self.told.append(("restore", dict(memory)))
        return [order(change="resumed") for _ in open_orders]

    def take_memory(self) -> dict[str, bytes | None]:
        taken, self.memory = self.memory, {}
        return taken

    def take_board(self) -> tuple[dict[str, Any], list[str]]:
        taken, self.shown = self.shown, ({}, [])
        return taken

    def board(self) -> dict[str, Any]:
        return {"pbx:pbx": {"kind": "pbx"}}


class FakeStore:
    """Commits when the test says so."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, list[Effect], dict[str, bytes | None]]] = []
        self.jobs: list[tuple[list[Effect], Job]] = []
        """What was in the same batch, and the job."""
        self.closed = False
        self._waiting: list[tuple[Callable[[Sequence[Effect]], None], list[Effect]]] = []
        self._flushed: list[asyncio.Event] = []

    async def restore(self, pbx: str) -> Restored:
        raise NotImplementedError

    def submit(
        self,
        effects: Sequence[Effect],
        memory: Mapping[str, bytes | None],
        announce: Callable[[Sequence[Effect]], None],
        *,
        pbx: str,
        jobs: Sequence[Job] = (),
    ) -> None:
        self.submitted.append((pbx, list(effects), dict(memory)))
        self.jobs += [(list(effects), job) for job in jobs]
        obligations = [effect for effect in effects if isinstance(effect, OrderChanged)]
        if obligations:
            self._waiting.append((announce, obligations))

    async def flush(self) -> None:
        if self.closed:
            raise RuntimeError("the store was closed before everything was stored")
        done = asyncio.Event()
        self._flushed.append(done)
        await done.wait()

    @property
    def asked_to_flush(self) -> int:
        return len(self._flushed)

    def commit(self, *, known: Sequence[str] = ()) -> None:
        """Commit everything; of the orders in ``known`` nothing was new."""
        waiting, self._waiting = self._waiting, []
        for announce, obligations in waiting:
            announce([o for o in obligations if o.id not in known])  # type: ignore[union-attr]
        for done in self._flushed:
            done.set()


class FakeLive:
    def __init__(self) -> None:
        self.board: dict[str, Any] = {}

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        self.board.update(changed)
        for key in removed:
            del self.board[key]


class Floor:
    """A runtime among fakes."""

    def __init__(self, *pbxs: str, **options: Any) -> None:
        self.pipelines = {pbx: FakePipeline() for pbx in pbxs or ("pbx",)}
        self.store = FakeStore()
        self.live = FakeLive()
        self.announced: list[Effect] = []
        self.resyncs: list[str] = []
        self.wall_us = WALL_US
        self.runtime = Runtime(
            self.pipelines,
            self.store,
            self.live,
            announce=self.announced.extend,
            resync=self.resyncs.append,
            wall_us=lambda: self.wall_us,
            **options,
        )
        self.inbox = self.runtime.inbox

    @property
    def pipeline(self) -> FakePipeline:
        return next(iter(self.pipelines.values()))

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.runtime.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.runtime.stop()
        await self.task

    async def settle(self) -> None:
        """Until everything in the inbox is worked off."""
        while len(self.inbox) or self.inbox.held_bytes:
            if self.task.done():
                self.task.result()
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)


class NoAnswers(dict[bytes, list[Effect]]):
    def get(self, *_: Any) -> Any:
        raise LookupError("a bug of ours")


async def eventually(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


# --- order -------------------------------------------------------------------------------------


async def test_everything_goes_through_in_the_order_in_which_it_came() -> None:
    async with Floor() as floor:
        floor.inbox.put_nowait(LinkChanged("pbx", "syncing"))
        floor.inbox.put_nowait(AmiBytes("pbx", b"one"))
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        floor.inbox.put_nowait(LinkChanged("pbx", "up"))
        floor.inbox.put_nowait(AmiBytes("pbx", b"two"))
        await floor.settle()
        assert floor.pipeline.told == ["syncing", b"one", ("info", OFFSET_US), "up", b"two"]


async def test_each_pbx_has_its_own_pipeline() -> None:
    async with Floor("a", "b") as floor:
        floor.inbox.put_nowait(AmiBytes("b", b"one"))
        floor.inbox.put_nowait(AmiBytes("a", b"two"))
        await floor.settle()
        assert floor.pipelines["a"].told == [b"two"]
        assert floor.pipelines["b"].told == [b"one"]


async def test_large_reads_are_fed_in_pieces() -> None:
    async with Floor() as floor:
        data = bytes(range(256)) * 1000
        floor.inbox.put_nowait(AmiBytes("pbx", data))
        await floor.settle()
        assert b"".join(floor.pipeline.told) == data
        assert max(map(len, floor.pipeline.told)) == PIECE_BYTES


async def test_the_event_loop_gets_its_turn_between_slices() -> None:
    ticks = iter(range(10_000))
    async with Floor(monotonic=lambda: float(next(ticks))) as floor:
        turns: list[int] = []

        async def other() -> None:
            while len(turns) < 5:
                turns.append(len(floor.pipeline.told))
                await asyncio.sleep(0)

        for _ in range(50):
            floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await other()
        assert turns[0] < turns[-1] < 50
        await floor.settle()


async def test_stopping_works_off_what_is_in_the_inbox() -> None:
    floor = Floor()
    async with floor:
        for index in range(100):
            floor.inbox.put_nowait(AmiBytes("pbx", b"%d" % index))
    assert len(floor.pipeline.told) == 100
    with pytest.raises(Refused, match="stopping"):
        await floor.runtime.complete_order("pbx", "o1", "me")


async def test_a_bug_in_a_pipeline_ends_the_pump() -> None:
    floor = Floor()
    floor.pipeline.says = NoAnswers()
    task = asyncio.create_task(floor.runtime.run())
    floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
    with pytest.raises(LookupError):
        await task


# --- the inbox ---------------------------------------------------------------------------------


async def test_the_inbox_asks_to_pause_and_tells_when_it_is_drained() -> None:
    inbox = OrderedInbox(high_bytes=10, low_bytes=4)
    first, second = AmiBytes("pbx", b"12345678"), AmiBytes("pbx", b"123")
    resumed: list[str] = []
    assert inbox.put_nowait(first)
    assert not inbox.put_nowait(second)
    inbox.on_drained(lambda: resumed.append("a"))
    inbox.on_drained(lambda: resumed.append("b"))
    assert inbox.holding_back
    assert inbox.take() is first
    assert resumed == []
    inbox.done(first)
    assert resumed == ["a", "b"]
    assert not inbox.holding_back
    inbox.on_drained(lambda: resumed.append("c"))
    await asyncio.sleep(0)
    assert resumed == ["a", "b", "c"]


# --- time --------------------------------------------------------------------------------------


async def test_a_deadline_fires_by_the_clock_of_the_pbx() -> None:
    async with Floor() as floor:
        floor.pipeline.deadline_us = WALL_US + OFFSET_US + 20_000
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        assert floor.pipeline.told == [("info", OFFSET_US)]
        floor.wall_us += 20_000
        await eventually(lambda: len(floor.pipeline.told) > 1)
        assert floor.pipeline.told[1:] == [WALL_US + OFFSET_US + 20_000]


async def test_time_stands_while_the_offset_is_unknown() -> None:
    async with Floor() as floor:
        floor.pipeline.deadline_us = 1
        floor.inbox.put_nowait(LinkInfo("pbx", None))
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        assert floor.pipeline.told == [("info", None), b"x"]


async def test_the_clock_of_the_pbx_goes_on_while_the_link_is_down() -> None:
    async with Floor() as floor:
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        floor.inbox.put_nowait(LinkChanged("pbx", "down", "closed", "gone"))
        floor.inbox.put_nowait(LinkInfo("pbx", None))
        await floor.settle()
        floor.pipeline.deadline_us = WALL_US
        floor.inbox.put_nowait(LinkChanged("pbx", "down", "refused", "still gone"))
        await eventually(lambda: WALL_US + OFFSET_US in floor.pipeline.told)
        assert ("info", OFFSET_US) in floor.pipeline.told
        assert ("info", None) not in floor.pipeline.told


async def test_what_had_arrived_is_fed_before_time_goes_on() -> None:
    """The process was held up: the deadline has passed, but what clears it lies in the socket."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    async with Floor() as floor:
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        floor.pipeline.told.clear()

        def read() -> None:
            floor.inbox.put_nowait(AmiBytes("pbx", ours.recv(100)))

        loop.add_reader(ours, read)
        # All in one turn of the loop, as after a stop of the whole machine.
        floor.pipeline.deadline_us = WALL_US + OFFSET_US
        theirs.send(b"Event: Unhold")
        floor.inbox.put_nowait(AmiBytes("pbx", b"earlier"))
        await eventually(lambda: len(floor.pipeline.told) == 3)
        assert floor.pipeline.told == [b"earlier", b"Event: Unhold", WALL_US + OFFSET_US]
        loop.remove_reader(ours)
    ours.close()
    theirs.close()


async def test_time_stands_while_a_listener_holds_back_reading() -> None:
    floor = Floor(inbox=OrderedInbox(high_bytes=600, low_bytes=10))
    floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
    async with floor:
        await floor.settle()
        floor.pipeline.deadline_us = WALL_US
        assert not floor.inbox.put_nowait(AmiBytes("pbx", b"x" * 700))
        resumed: list[int] = []

        def resume() -> None:
            resumed.append(len(floor.pipeline.told))
            floor.inbox.put_nowait(AmiBytes("pbx", b"late"))

        floor.inbox.on_drained(resume)
        await eventually(lambda: floor.pipeline.deadline_us is None)
        told = floor.pipeline.told
        assert resumed
        assert told.index(b"late") < told.index(WALL_US + OFFSET_US)


async def test_a_pipeline_that_stands_still_does_not_spin() -> None:
    async with Floor() as floor:
        floor.pipeline.deadline_us = WALL_US
        floor.pipeline.stands_still = True
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        told = len(floor.pipeline.told)
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(floor.pipeline.told) - told < 50
        floor.pipeline.stands_still = False
        await eventually(lambda: floor.pipeline.deadline_us is None)


# --- the sinks ---------------------------------------------------------------------------------


async def test_obligations_are_announced_after_their_commit_and_all_else_at_once() -> None:
    async with Floor() as floor:
        floor.pipeline.says[b"x"] = [anomaly("odd"), order()]
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        assert floor.announced == [anomaly("odd")]
        assert floor.store.submitted == [("pbx", [anomaly("odd"), order()], {})]
        floor.store.commit()
        assert floor.announced == [anomaly("odd"), order()]


async def test_the_engines_memory_is_stored_with_the_effects() -> None:
    async with Floor() as floor:
        floor.pipeline.memory = {"leg:1": b"state", "leg:0": None}
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        assert floor.store.submitted == [("pbx", [], {"leg:1": b"state", "leg:0": None})]


async def test_a_resync_is_asked_of_the_right_listener() -> None:
    async with Floor("a", "b") as floor:
        floor.pipelines["b"].says[b"x"] = [ResyncWanted(pbx="b", at_us=None, why="unknown leg")]
        floor.inbox.put_nowait(AmiBytes("b", b"x"))
        floor.inbox.put_nowait(AmiBytes("a", b"x"))
        await floor.settle()
        assert floor.resyncs == ["b"]


async def test_the_board_is_published_with_each_slice() -> None:
    async with Floor() as floor:
        floor.live.board = {"queue:pbx/old": {}}
        floor.pipeline.shown = ({"queue:pbx/hotline": {"kind": "queue"}}, ["queue:pbx/old"])
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        assert floor.live.board == {"queue:pbx/hotline": {"kind": "queue"}}


async def test_the_board_shows_an_order_only_when_it_is_committed() -> None:
    async with Floor() as floor:
        seat = {"kind": "seat", "state": "talking", "owed": [{"id": "o0"}, {"id": "o1"}]}
        floor.pipeline.says[b"x"] = [order("o1")]
        floor.pipeline.shown = ({"seat:pbx/PJSIP/1": seat}, [])
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        assert floor.live.board["seat:pbx/PJSIP/1"] == {**seat, "owed": [{"id": "o0"}]}
        floor.store.commit()
        assert floor.live.board["seat:pbx/PJSIP/1"] == seat


async def test_an_order_that_the_store_knew_is_shown_but_not_announced() -> None:
    async with Floor() as floor:
        seat = {"kind": "seat", "owed": [{"id": "o1"}]}
        floor.pipeline.says[b"x"] = [order("o1")]
        floor.pipeline.shown = ({"seat:pbx/PJSIP/1": seat}, [])
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        floor.store.commit(known=["o1"])
        assert floor.live.board["seat:pbx/PJSIP/1"] == seat
        assert floor.announced == []


def test_the_gate_holds_an_order_until_its_last_change_is_committed() -> None:
    gate = OwedGate()
    seat = {"owed": [{"id": "o1"}]}
    gate.submitted(["o1"])
    gate.submitted(["o1"])
    assert gate.screen({"s": seat}, ()) == {"s": {"owed": []}}
    assert gate.committed(["o1"]) == {"s": {"owed": []}}
    assert gate.committed(["o1"]) == {"s": seat}
    assert gate.committed(["o1"]) == {}


def test_the_gate_forgets_what_left_the_board() -> None:
    gate = OwedGate()
    gate.submitted(["o1"])
    gate.screen({"s": {"owed": [{"id": "o1"}]}}, ())
    assert gate.screen({}, ["s"]) == {}
    assert gate.committed(["o1"]) == {}


async def test_what_the_store_knew_goes_into_the_pipeline_first() -> None:
    floor = Floor()
    floor.runtime.restore("pbx", Restored({"k": b"v"}, (order(),)))
    assert floor.pipeline.told == [("restore", {"k": b"v"})]
    assert floor.store.submitted == [("pbx", [order(change="resumed")], {})]


# --- commands ----------------------------------------------------------------------------------


async def asked(floor: Floor, command: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """``command`` as far as it comes without a commit."""
    task = asyncio.create_task(command)
    await asyncio.sleep(0)
    await floor.settle()
    return task


class SomeJob:
    """What the store would do in the same transaction."""


async def test_a_command_is_answered_when_it_is_stored_together_with_its_job() -> None:
    async with Floor() as floor:
        floor.pipeline.orders = {"o1"}
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        job = SomeJob()
        answer = await asked(floor, floor.runtime.complete_order("pbx", "o1", "Li", job=job))
        assert not answer.done()
        done = order("o1", "completed", "completed")
        assert floor.store.jobs == [([done], job)]
        floor.store.commit()
        assert await answer == done
        told = e.CompleteOrder(WALL_US + OFFSET_US, 1, "o1", "Li")
        assert (told, True) in floor.pipeline.told


async def test_every_command_goes_through_in_order_with_what_happened() -> None:
    async with Floor() as floor:
        runtime, job = floor.runtime, SomeJob()
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        floor.pipeline.told.clear()
        tasks = [
            asyncio.create_task(runtime.seat_taken("pbx", "PJSIP/1", "li", "李", jobs=[job])),
            asyncio.create_task(runtime.order_numbers("pbx", "o1", ["+861"])),
            asyncio.create_task(runtime.assign_order("pbx", "o1", "li", "李", job=job)),
            asyncio.create_task(runtime.seat_left("pbx", "PJSIP/1", person="li")),
        ]
        await asyncio.sleep(0)
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        at_us = WALL_US + OFFSET_US
        assert floor.pipeline.told == [
            (e.SeatTaken(at_us, 1, "PJSIP/1", "li", "李"), True),
            (e.OrderNumbers(at_us, 2, "o1", ("+861",)), True),
            (e.OrderAssigned(at_us, 3, "o1", "li", "李"), True),
            (e.SeatLeft(at_us, 4, "PJSIP/1", "li"), True),
            b"x",
        ]
        assert floor.store.jobs == [([], job), ([], job)]
        assert not any(task.done() for task in tasks)
        floor.store.commit()
        await asyncio.gather(*tasks)


async def test_a_command_is_dated_when_it_is_given_however_late_it_is_worked_off() -> None:
    floor = Floor()
    floor.pipeline.orders = {"o1"}
    floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
    async with floor:
        await floor.settle()
        answer = asyncio.create_task(floor.runtime.complete_order("pbx", "o1", "Li"))
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await asyncio.sleep(0)
        floor.wall_us += 5_000_000
        await floor.settle()
        floor.store.commit()
        await answer
        assert (e.CompleteOrder(WALL_US + OFFSET_US, 1, "o1", "Li"), True) in floor.pipeline.told


async def test_while_the_pbxs_clock_is_not_known_ours_must_do() -> None:
    async with Floor() as floor:
        assert floor.runtime.pbx_now_us("pbx") == WALL_US
        answer = await asked(floor, floor.runtime.seat_left("pbx", "PJSIP/1"))
        assert floor.pipeline.told == [(e.SeatLeft(WALL_US, 1, "PJSIP/1"), False)]
        floor.store.commit()
        await answer
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        assert floor.runtime.pbx_now_us("pbx") == WALL_US + OFFSET_US


async def test_a_command_waits_until_time_has_reached_it() -> None:
    async with Floor() as floor:
        floor.pipeline.orders = {"o1"}
        floor.pipeline.stands_still = True
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        job = SomeJob()
        answer = await asked(floor, floor.runtime.complete_order("pbx", "o1", "Li", job=job))
        assert floor.store.jobs == []
        floor.pipeline.stands_still = False
        floor.pipeline.deadline_us = WALL_US
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await eventually(lambda: bool(floor.store.asked_to_flush))
        assert floor.store.jobs == [([order("o1", "completed", "completed")], job)]
        floor.store.commit()
        assert (await answer).status == "completed"


async def test_a_refusal_goes_back_to_who_asked_and_runs_no_job() -> None:
    async with Floor() as floor:
        with pytest.raises(Refused, match="no open work order o9"):
            await floor.runtime.complete_order("pbx", "o9", "Li", job=SomeJob())
        with pytest.raises(Refused, match="no PBX 'other'"):
            await floor.runtime.complete_order("other", "o1", "Li", job=SomeJob())
        assert floor.store.jobs == []


async def test_two_equal_commands_get_an_answer_each() -> None:
    async with Floor() as floor:
        floor.pipeline.orders = {"o1"}
        first = asyncio.create_task(floor.runtime.complete_order("pbx", "o1", "Li"))
        second = await asked(floor, floor.runtime.complete_order("pbx", "o1", "Li"))
        floor.store.commit()
        assert (await first).status == "completed"
        with pytest.raises(Refused):
            await second


async def test_what_was_asked_for_is_done_although_who_asked_has_gone() -> None:
    async with Floor() as floor:
        floor.pipeline.orders = {"o1"}
        job = SomeJob()
        for order_id in ("o1", "o9"):
            command = floor.runtime.complete_order("pbx", order_id, "Li", job=job)
            answer = asyncio.create_task(command)
            await asyncio.sleep(0)
            answer.cancel()
        await floor.settle()
        floor.store.commit()
        assert floor.announced == [order("o1", "completed", "completed")]
        assert floor.store.jobs == [(floor.announced, job)]


async def test_a_command_for_whose_answer_nobody_waits_is_done() -> None:
    async with Floor() as floor:
        floor.pipeline.orders = {"o1"}
        floor.inbox.put_nowait(CompleteOrder("pbx", "o1", "Li"))
        await floor.settle()
        floor.store.commit()
        assert floor.announced == [order("o1", "completed", "completed")]


async def test_a_command_that_the_store_did_not_take_any_more_was_not_done() -> None:
    async with Floor() as floor:
        floor.store.closed = True
        with pytest.raises(Refused, match="not done"):
            await floor.runtime.seat_left("pbx", "PJSIP/1")


async def test_stopping_waits_for_the_last_commands() -> None:
    async with Floor("a", "b") as floor:
        floor.inbox.put_nowait(LinkInfo("a", OFFSET_US))
        await floor.settle()
        floor.pipeline.stands_still = True
        answer = await asked(floor, floor.runtime.seat_left("a", "PJSIP/1"))
        floor.runtime.stop()
        floor.pipeline.stands_still = False
        await eventually(lambda: bool(floor.store.asked_to_flush))
        floor.store.commit()
        await answer


async def test_a_command_that_time_never_reaches_is_refused_at_the_end() -> None:
    ticks = iter(range(10_000))
    async with Floor(monotonic=lambda: float(next(ticks))) as floor:
        floor.pipeline.stands_still = True
        answer = await asked(floor, floor.runtime.seat_left("pbx", "PJSIP/1"))
    with pytest.raises(Refused, match="stopping"):
        await answer


async def test_the_name_of_a_recording_goes_to_its_pipeline() -> None:
    async with Floor() as floor:
        floor.inbox.put_nowait(RecordingFile("pbx", "1.1", "a.wav"))
        await floor.settle()
        assert floor.pipeline.told == [("1.1", "a.wav")]


async def test_services_can_look_at_the_board() -> None:
    assert Floor().runtime.board("pbx") == {"pbx:pbx": {"kind": "pbx"}}


async def test_no_order_is_given_away_while_the_time_of_the_pbx_is_not_known() -> None:
    async with Floor() as floor:
        with pytest.raises(Refused, match="its time is not known") as refused:
            await floor.runtime.assign_order("pbx", "o1", "li", "李")
        assert refused.value.code == "wrong_state"
        with pytest.raises(Refused, match="no PBX"):
            await floor.runtime.assign_order("elsewhere", "o1", "li", "李")
        assert floor.pipeline.told == []


# --- a PBX whose clock is set ------------------------------------------------------------------


async def test_bytes_are_dated_by_when_they_arrived() -> None:
    async with Floor() as floor:
        dated: list[int | None] = []
        floor.pipeline.feed = lambda data, our_us=None: dated.append(our_us) or []  # type: ignore[method-assign, func-returns-value]
        floor.inbox.put_nowait(AmiBytes("pbx", b"x", WALL_US - 7))
        floor.inbox.put_nowait(AmiBytes("pbx", b"y"))
        await floor.settle()
        assert dated == [WALL_US - 7, WALL_US]


async def test_a_command_that_was_given_by_the_clock_before_waits_no_longer() -> None:
    async with Floor() as floor:
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        given_us = WALL_US + OFFSET_US
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US - 3_600_000_000))
        floor.inbox.put_nowait(CompleteOrder("pbx", "o1", "Li", given_us))
        await floor.settle()
        told = e.CompleteOrder(given_us - 3_600_000_000, 0, "o1", "Li")
        assert (told, True) in floor.pipeline.told


async def test_what_is_stored_moves_with_the_engine_in_one_batch() -> None:
    asked_for: list[tuple[str, int, int]] = []
    job = SomeJob()

    def clock_set(pbx: str, step_us: int, now_us: int) -> Job:
        asked_for.append((pbx, step_us, now_us))
        return job

    async with Floor(clock_set=clock_set) as floor:
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        floor.pipeline.step_us = 42
        moved = order(change="clock")
        floor.pipeline.says = {b"x": [moved]}
        floor.inbox.put_nowait(AmiBytes("pbx", b"x"))
        await floor.settle()
        assert asked_for == [("pbx", 42, WALL_US + OFFSET_US)]
        assert floor.store.jobs == [([moved], job)]


async def test_a_deadline_of_the_old_clock_lets_no_time_pass_by_the_new_one() -> None:
    """It was due when the pump looked; then it read that the clock was set back."""
    async with Floor() as floor:
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US))
        await floor.settle()
        floor.pipeline.told.clear()
        floor.pipeline.deadline_us = WALL_US + OFFSET_US
        floor.inbox.put_nowait(LinkInfo("pbx", OFFSET_US - 3_600_000_000))
        await eventually(lambda: floor.pipeline.deadline_us is None)
        passed = [told for told in floor.pipeline.told if isinstance(told, int)]
        assert passed == [WALL_US + OFFSET_US - 3_600_000_000]
