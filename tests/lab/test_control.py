"""Supervision on a real Asterisk: who is rung, who hears whom, and that nobody pays for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentd.ami_link import AmiSettings
from agentd.ami_listener import AmiListener
from agentd.core.effects import Effect, LegEnded, SeatChanged, Violation
from agentd.core.order_form import PauseReason
from agentd.core.people import Directory, Person
from agentd.core.policy import PolicyBook, SeatConfig
from agentd.errors import Refused
from agentd.pipeline import Pipeline
from agentd.ports.accounts import AuditEntry
from agentd.ports.supervision import Allowed
from agentd.runtime import Runtime
from agentd.supervision import SupervisionService
from agentd.supervision_rules import PbxControl
from agentd.ticketing import Store
from asterisk_lab.config import TRUNK_HOST
from asterisk_lab.native import NativePbx
from asterisk_lab.phones import answer, bye, ring, until_bye, wait
from asterisk_lab.stage import Cast, Numbers, QueueSpec, Scenario, Stage
from asterisk_lab.truth import Truth

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

BOSS = Person("7001", "沈国平", "supervisor")
AGENT_HZ, CUSTOMER_HZ, BOSS_HZ = 440, 1000, 1720
ALL_HZ = {AGENT_HZ, CUSTOMER_HZ, BOSS_HZ}
PATIENCE_S = 20.0


class Room:
    """A real PBX with three seats, and everything of agentd that supervision needs. Seat S is the
    supervisor's own phone: a seat like the others, in the queue ``sales`` as B is."""

    def __init__(self, pbx: NativePbx, stage: Stage, database: Path) -> None:
        self.pbx = pbx
        self.stage = stage
        self.database = database
        self.effects: list[Effect] = []
        self.audit: list[AuditEntry] = []
        self.kept: Mapping[str, Any] = {
            "phone": {"pbx": "main", "device": stage.device("S")}
        }  # fmt: skip
        self._news = asyncio.Event()
        self.runtime: Runtime

    @asynccontextmanager
    async def daemon(
        self, account: str = "control", context: str = "agentd-redirect"
    ) -> AsyncIterator[SupervisionService]:
        """The parts of a daemon, over the account `account` of the PBX; linked."""
        store = Store(self.database)
        await store.start()
        seats = tuple(SeatConfig(self.stage.device(letter)) for letter in "ABS")
        runtime = self.runtime = Runtime(
            {"main": Pipeline("main", PolicyBook(seats=seats))}, store, self,
            announce=self.announce, resync=lambda _: listener.resync(),
        )  # fmt: skip
        listener = AmiListener(
            AmiSettings(
                pbx="main", username=account, secret=self.pbx.secrets[account],
                port=self.pbx.config.ami_port, dials=account != "agentd",
            ),
            runtime.inbox,
        )  # fmt: skip
        runtime.restore("main", await store.restore("main"))
        tasks = [asyncio.create_task(runtime.run()), asyncio.create_task(listener.run())]
        control = PbxControl(listener, listening=True, redirect_context=context, seats=seats)
        try:
            await self.until(lambda: runtime.links["main"] == "up")
            yield SupervisionService(
                engine=runtime, pbxs={"main": control}, people=Directory((BOSS,)), store=store,
                pauses=(PauseReason("lunch", ("午休", "lunch")),),
                accounts=self, presence=self, hints=self,
            )  # fmt: skip
        finally:
            await listener.stop()
            runtime.stop()
            await asyncio.gather(*tasks)
            await store.flush()
            await store.close(flush_max_s=5)

    # what the parts tell
    def announce(self, effects: Sequence[Effect]) -> None:
        self.effects += effects
        self._news.set()

    def publish(self, changed: Any, removed: Any) -> None:
        self._news.set()

    def hint(self, *topics: str) -> None:
        pass

    def my_seat(self, who: Person) -> None:
        return None

    async def settings(self, who: Person) -> Mapping[str, Any]:
        return self.kept

    async def put_settings(self, who: Person, settings: Mapping[str, Any]) -> None:
        self.kept = settings

    async def note(self, entry: AuditEntry) -> None:
        self.audit.append(entry)

    # what is looked at
    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not happened():
                await self._news.wait()
                self._news.clear()

    def legs(self) -> list[LegEnded]:
        return [effect for effect in self.effects if isinstance(effect, LegEnded)]

    async def leg_of(self, seat: str) -> LegEnded:
        """The first leg that ended at that seat."""
        device = self.stage.device(seat)
        await self.until(lambda: any(leg.seat == device for leg in self.legs()))
        return next(leg for leg in self.legs() if leg.seat == device)

    @property
    def violations(self) -> list[Violation]:
        return [effect for effect in self.effects if isinstance(effect, Violation)]

    def states(self, seat: str) -> list[str]:
        """The states that the board showed of a seat, in order."""
        device = self.stage.device(seat)
        return [e.state for e in self.effects if isinstance(e, SeatChanged) and e.seat == device]

    def shown(self, seat: str) -> dict[str, Any]:
        """The seat on the board; empty values before it is there."""
        key = f"seat:main/{self.stage.device(seat)}"
        nothing = {"state": None, "call": None, "queues": []}
        shown: dict[str, Any] = self.runtime.board("main").get(key, nothing)
        return shown

    async def talks(self, seat: str) -> str:
        """Wait until the board shows the seat talking; its call."""
        await self.until(lambda: self.shown(seat)["state"] == "talking")
        return str(self.shown(seat)["call"])

    def waiting(self) -> list[str]:
        queue = self.runtime.board("main").get(f"queue:main/{self.stage.queue('hotline')}")
        return [] if queue is None else [w["call"] for w in queue["waiting"]]


async def _nothing(stage: Stage) -> Truth:
    return Truth()


@pytest.fixture
async def room(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    version = getattr(request, "param", "22")
    queues = (QueueSpec("hotline", "A"), QueueSpec("sales", "SB"))
    cast = Cast(Scenario("room", "", _nothing, seats="ABS", queues=queues), Numbers())
    async with NativePbx(cast.pbx_seats(), cast.pbx_queues(), version=version) as pbx:
        stage = Stage(cast, pbx, tmp_path)
        try:
            yield Room(pbx, stage, tmp_path / "agentd.db")
        finally:
            await stage.close()


both = pytest.mark.parametrize("room", ["22", "16"], indirect=True)


# --- listening --------------------------------------------------------------------------------


@both
async def test_listen_whisper_and_barge_are_heard_by_whom_they_should(room: Room) -> None:
    stage = room.stage
    agent, boss = await stage.voice(AGENT_HZ), await stage.voice(BOSS_HZ)
    customer = await stage.voice(CUSTOMER_HZ, TRUNK_HOST)
    async with room.daemon() as supervision:
        await stage.phone("A", ring(1), answer(), until_bye(), voice=agent)
        await stage.phone("S", ring(1), answer(), until_bye(), voice=boss)
        caller = await stage.caller("c", "hotline", wait(120), bye(), voice=customer)
        channel = await stage.connected("A")
        await stage.speaks(agent, channel)
        await stage.speaks(customer, await stage.caller_channel("c"))
        call = await room.talks("A")
        assert await agent.until_it_hears({CUSTOMER_HZ}, ALL_HZ, PATIENCE_S) == {CUSTOMER_HZ}
        assert await customer.until_it_hears({AGENT_HZ}, ALL_HZ, PATIENCE_S) == {AGENT_HZ}

        heard_by = {
            "listen": ({CUSTOMER_HZ}, {AGENT_HZ}),
            "whisper": ({CUSTOMER_HZ, BOSS_HZ}, {AGENT_HZ}),
            "barge": ({CUSTOMER_HZ, BOSS_HZ}, {AGENT_HZ, BOSS_HZ}),
        }
        for nth, mode in enumerate(("listen", "whisper", "barge")):
            packets = boss.packets
            done = await supervision.spy(BOSS, mode, "main", stage.device("A"))  # type: ignore[arg-type]
            assert (done.call, done.phone) == (call, stage.device("S"))
            # The INVITE arrived: the phone rang and was answered.
            spy = await stage.channel(stage.device("S"), nth=nth)
            assert spy["Uniqueid"].startswith(f"agentd-spy-{mode}-")
            await stage.event("ChanSpyStart", SpyerUniqueid=spy["Uniqueid"])
            await stage.speaks(boss, spy["Channel"])
            for voice in (agent, customer, boss):
                voice.deaf()
            both_talk = {AGENT_HZ, CUSTOMER_HZ}
            assert await boss.until_it_hears(both_talk, ALL_HZ, PATIENCE_S) == both_talk
            assert boss.packets - packets >= 20, "audio flows"
            by_agent, by_customer = heard_by[mode]
            assert await agent.until_it_hears(by_agent, ALL_HZ, PATIENCE_S) == by_agent, mode
            # Whoever should not hear it is asked after those who should did.
            assert await customer.until_it_hears(by_customer, ALL_HZ, PATIENCE_S) == by_customer

        # It ends with the call.
        await caller.stop()
        await stage.action("Hangup", Channel=call)
        await stage.event("Hangup", Uniqueid=spy["Uniqueid"])
        leg = await room.leg_of("A")
        assert any("barges in" in line for line in leg.evidence)
        assert room.violations == []
        assert [x.seat for x in room.legs()] == [stage.device("A")], "the own phone had no call"
        assert set(room.states("S")) == {"available"}, "it rings and is in use, and is no call"
        outcomes = [(note.action, note.detail["outcome"]) for note in room.audit]
        assert outcomes == [(f"control.{mode}", "done") for mode in heard_by]


async def test_the_supervisor_hangs_up_and_the_call_goes_on(room: Room) -> None:
    stage = room.stage
    async with room.daemon() as supervision:
        await stage.phone("A", ring(1), answer(), until_bye())
        await stage.phone("S", ring(1), answer(), wait(1), bye())
        caller = await stage.caller("c", "hotline", wait(9), bye())
        await stage.connected("A")
        await room.talks("A")
        await supervision.spy(BOSS, "barge", "main", stage.device("A"))
        await stage.gone("S")
        assert room.shown("A")["state"] == "talking"
        await caller.finished()
        leg = await room.leg_of("A")
        assert (leg.outcome, leg.ended_by) == ("answered", "caller")
        assert room.violations == []


async def test_nobody_answers_and_the_call_is_over_first(room: Room) -> None:
    """The phone still rings when the call ends: whoever takes it then hears nobody else."""
    stage = room.stage
    async with room.daemon() as supervision:
        await stage.phone("A", ring(1), answer(), until_bye())
        await stage.phone("S", ring(5), answer(), until_bye())
        caller = await stage.caller("c", "hotline", wait(0.5 + 1 + 2), bye())
        await stage.connected("A")
        await room.talks("A")
        await supervision.spy(BOSS, "listen", "main", stage.device("A"))
        await caller.finished()
        # Answered after 5 s, and hung up by the PBX at once.
        await stage.gone("S")
        assert [x.seat for x in room.legs()] == [stage.device("A")]
        with pytest.raises(Refused, match="Nobody talks"):
            await supervision.spy(BOSS, "listen", "main", stage.device("A"))


# --- calls ------------------------------------------------------------------------------------


@both
async def test_a_call_that_a_supervisor_ends_is_nobodys_fault(room: Room) -> None:
    stage = room.stage
    async with room.daemon() as supervision:
        await stage.phone("A", ring(1), answer(), until_bye())
        caller = await stage.caller("c", "hotline", until_bye())
        await stage.connected("A")
        call = await room.talks("A")
        await supervision.hang_up(BOSS, "main", call)
        await caller.finished()
        leg = await room.leg_of("A")
        assert (leg.outcome, leg.ended_by) == ("answered", "supervisor")
        assert room.violations == []
        # Only the seat's part: the phone's channel is ended.
        caller = await stage.caller("d", "hotline", until_bye())
        await stage.connected("A", nth=1)
        call = await room.talks("A")
        await supervision.hang_up(BOSS, "main", call, stage.device("A"))
        await caller.finished()
        await room.until(lambda: len(room.legs()) == 2)
        assert [leg.ended_by for leg in room.legs()] == ["supervisor", "supervisor"]
        assert room.violations == []


@both
async def test_a_customer_is_sent_to_a_colleague(room: Room) -> None:
    stage = room.stage
    async with room.daemon() as supervision:
        await stage.phone("A", ring(1), answer(), until_bye())
        await stage.phone("B", ring(1), answer(), until_bye())
        caller = await stage.caller("c", "hotline", wait(8), bye())
        await stage.connected("A")
        call = await room.talks("A")
        with pytest.raises(Refused, match="There is no 77777"):
            await supervision.redirect(BOSS, "main", call, "77777")
        assert room.shown("A")["state"] == "talking"
        await supervision.redirect(BOSS, "main", call, stage.extension("B"))
        await stage.connected("B")
        await caller.finished()
        first, second = await room.leg_of("A"), await room.leg_of("B")
        assert (first.outcome, first.ended_by) == ("answered", "supervisor")
        assert (second.outcome, second.ended_by) == ("answered", "caller")
        assert second.call == call
        assert room.violations == []


@both
async def test_a_waiting_caller_goes_ahead_where_the_pbx_can(room: Room) -> None:
    stage = room.stage
    async with room.daemon() as supervision:
        await stage.phone("A", ring(1), answer(), until_bye())
        first = await stage.caller("c0", "hotline", until_bye())
        await room.talks("A")
        for n in (1, 2, 3):
            await stage.caller(f"c{n}", "hotline", until_bye())
            await room.until(lambda n=n: len(room.waiting()) == n)  # type: ignore[misc]
        last = room.waiting()[-1]
        told = (await supervision.control(BOSS, "main")).actions["move_up"]
        if room.pbx.version == "16":
            assert told.why_not is not None
            assert "Asterisk 16 cannot" in told.why_not[1]
            with pytest.raises(Refused, match="Asterisk 16 cannot"):
                await supervision.move_up(BOSS, "main", last)
            return
        assert told == Allowed(True)
        moved = await supervision.move_up(BOSS, "main", last)
        assert (moved.position, moved.waiting) == (1, 3)
        # One who waits can be ended and sent on as well.
        ended, sent = room.waiting()[:2]
        await supervision.hang_up(BOSS, "main", ended)
        await stage.phone("B", ring(1), answer(), until_bye())
        await supervision.redirect(BOSS, "main", sent, stage.extension("B"))
        await room.until(lambda: room.waiting() == [last])
        assert await room.talks("B") == sent
        # And it is the moved one who gets the seat.
        await supervision.hang_up(BOSS, "main", str(room.shown("A")["call"]))
        await first.finished()
        await room.until(lambda: room.shown("A")["call"] == last)
        assert await room.talks("A") == last
        assert room.violations == []


async def test_a_ring_that_a_supervisor_ends_is_nobodys_fault(room: Room) -> None:
    stage = room.stage
    async with room.daemon() as supervision:
        await stage.phone("A", ring(30), answer(), until_bye())
        await stage.phone("B", ring(1), answer(), until_bye())
        caller = await stage.caller("c", "hotline", wait(8), bye())
        await room.until(lambda: room.shown("A")["state"] == "ringing")
        call = str(room.shown("A")["call"])
        await supervision.redirect(BOSS, "main", call, stage.extension("B"))
        await caller.finished()
        leg = await room.leg_of("A")
        assert leg.outcome == "redirected"
        assert room.violations == []


# --- seats ------------------------------------------------------------------------------------


@both
async def test_pause_unpause_and_log_out(room: Room) -> None:
    stage = room.stage
    seat, hotline, sales = stage.device("A"), stage.queue("hotline"), stage.queue("sales")

    async def members() -> dict[str, tuple[str, str]]:
        items = await room.pbx.ami.action("QueueStatus")
        return {
            item["Queue"]: (item["Paused"], item["PausedReason"])
            for item in items
            if item.get("Event") == "QueueMember" and item["Location"] == seat
        }

    async with room.daemon() as supervision:
        await stage.action("QueueAdd", Queue=sales, Interface=seat)
        await room.until(lambda: set(room.shown("A")["queues"]) == {hotline, sales})
        await supervision.pause(BOSS, "main", seat, "lunch")
        assert await members() == {hotline: ("1", "午休"), sales: ("1", "午休")}
        await room.until(lambda: room.shown("A")["state"] == "paused")
        await supervision.unpause(BOSS, "main", seat)
        assert await members() == {hotline: ("0", ""), sales: ("0", "")}
        places = (await supervision.control(BOSS, "main", seat)).places
        assert places is not None
        assert {p.queue: p.how for p in places} == {hotline: "paused", sales: "removed"}
        done = await supervision.log_out(BOSS, "main", seat)
        assert {p.queue: p.how for p in done.places} == {hotline: "paused", sales: "removed"}
        assert await members() == {hotline: ("1", "主管签出")}
        await room.until(lambda: room.shown("A")["queues"] == [hotline])


# --- what is told before ----------------------------------------------------------------------


async def test_the_accounts_missing_rights_are_told_before(room: Room) -> None:
    lacks = {
        "agentd": {
            "listen": "originate", "whisper": "originate", "barge": "originate", "pause": "agent",
            "unpause": "agent", "logout": "agent", "redirect": "call", "hangup": "call",
        },
        "desk": {"redirect": "call", "hangup": "call"},
        "control": {},
    }  # fmt: skip
    for account, missing in lacks.items():
        async with room.daemon(account) as supervision:
            actions = (await supervision.control(BOSS, "main")).actions
            assert {act for act, told in actions.items() if not told.may} == set(missing)
            for act, write in missing.items():
                why = actions[act].why_not
                assert why is not None
                assert f"write={write}" in why[0]
                assert f"write={write}" in why[1]


async def test_a_dialplan_without_the_context_is_told_before(room: Room) -> None:
    async with room.daemon(context="nowhere") as supervision:
        told = (await supervision.control(BOSS, "main")).actions["redirect"]
        assert told.why_not is not None
        assert "has no context [nowhere]" in told.why_not[1]
