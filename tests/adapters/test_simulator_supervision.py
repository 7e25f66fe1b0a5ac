"""Supervisors act on the simulated PBX as on a real one: agentd sees the same of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from agentd import clock
from agentd.ami_link import AmiSettings
from agentd.ami_listener import AmiListener
from agentd.core.effects import Effect, LegEnded, SeatChanged, Violation
from agentd.core.people import Directory, Person
from agentd.core.policy import PolicyBook
from agentd.errors import Refused
from agentd.pipeline import Pipeline
from agentd.ports.accounts import AuditEntry
from agentd.ports.supervision import Act
from agentd.runtime import Runtime
from agentd.simulator import Program, SimConfig, SimulatedPbx
from agentd.simulator.traffic import start_call
from agentd.supervision import SupervisionService
from agentd.supervision_rules import PbxControl
from agentd.ticketing import Store
from tests.adapters.presence_rig import BOOK

BOSS = Person("7001", "沈国平", "supervisor")
OFFICE, SEAT = "PJSIP/9001", "PJSIP/1001"
QUIET = SimConfig(
    seats=3, calls_per_s=0.0, opening=False, break_every_s=0.0, offices=(OFFICE,), talk_scale=9.0,
)  # fmt: skip


class Room:
    """A simulated PBX, and everything of agentd that supervision needs."""

    def __init__(self, sim: SimulatedPbx, runtime: Runtime, service: SupervisionService) -> None:
        self.sim = sim
        self.runtime = runtime
        self.supervision = service
        self.told = Told()

    def call(self, queue: str = "hotline") -> None:
        """A customer calls, and talks for long."""
        world = self.sim.world
        start_call(world, Program.NORMAL, world.queue_of[queue])
        self.sim._nudged.set()

    def seats(self) -> dict[str, dict[str, Any]]:
        board = self.runtime.board("main")
        return {obj["seat"]: obj for obj in board.values() if obj.get("kind") == "seat"}

    async def talks(self) -> tuple[str, str]:
        """(seat, call) of one that talks, as soon as there is one."""

        def talking() -> list[tuple[str, str]]:
            return [
                (s["seat"], s["call"]) for s in self.seats().values() if s["state"] == "talking"
            ]

        await self.told.until(lambda: bool(talking()))
        return talking()[0]

    def waiting(self, queue: str = "hotline") -> list[str]:
        shown = self.runtime.board("main").get(f"queue:main/{queue}")
        return [] if shown is None else [w["call"] for w in shown["waiting"]]


class Told:
    """Who hears of everything."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.audit: list[AuditEntry] = []
        self._news = asyncio.Event()

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
        return {"phone": {"pbx": "main", "device": OFFICE}}

    async def put_settings(self, who: Person, settings: Mapping[str, Any]) -> None:
        pass

    async def note(self, entry: AuditEntry) -> None:
        self.audit.append(entry)

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not happened():
                await self._news.wait()
                self._news.clear()

    def legs(self) -> list[LegEnded]:
        return [effect for effect in self.effects if isinstance(effect, LegEnded)]

    def violations(self) -> list[Violation]:
        return [effect for effect in self.effects if isinstance(effect, Violation)]


@asynccontextmanager
async def room(tmp_path: Path, config: SimConfig = QUIET) -> AsyncIterator[Room]:
    told = Told()
    async with SimulatedPbx(config, lambda: clock.wall_us() / 1e6) as sim:
        store = Store(tmp_path / "agentd.db")
        await store.start()
        runtime = Runtime(
            {"main": Pipeline("main", PolicyBook())}, store, told,
            announce=told.announce, resync=lambda _: listener.resync(),
        )  # fmt: skip
        listener = AmiListener(
            AmiSettings(
                pbx="main", username=sim.username, secret=sim.secret, host=sim.host,
                port=sim.port, dials=True,
            ),
            runtime.inbox,
        )  # fmt: skip
        runtime.restore("main", await store.restore("main"))
        tasks = [asyncio.create_task(runtime.run()), asyncio.create_task(listener.run())]
        control = PbxControl(listener, listening=True, redirect_context="agentd-redirect")
        service = SupervisionService(
            engine=runtime, pbxs={"main": control}, people=Directory((BOSS,)), store=store,
            pauses=BOOK.pauses, accounts=told, presence=told, hints=told,
        )  # fmt: skip
        try:
            await told.until(lambda: runtime.links["main"] == "up")
            made = Room(sim, runtime, service)
            made.told = told
            yield made
        finally:
            await listener.stop()
            runtime.stop()
            await asyncio.gather(*tasks)
            await store.flush()
            await store.close(flush_max_s=5)


async def test_everything_is_possible_there(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        control = await there.supervision.control(BOSS, "main")
        assert {act: told.why_not for act, told in control.actions.items()} == dict.fromkeys(
            get_args(Act)
        )
        assert control.phone is not None
        assert control.phone.device == OFFICE


async def test_a_supervisor_listens_and_hangs_up(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        there.call()
        seat, call = await there.talks()
        await there.supervision.spy(BOSS, "listen", "main", seat)
        [uid] = there.sim.world.spies
        await there.told.until(lambda: there.runtime.channel_name("main", uid) is not None)
        # Going over to another way of listening ends the first.
        await there.supervision.spy(BOSS, "barge", "main", seat)
        await there.told.until(lambda: there.runtime.channel_name("main", uid) is None)
        [uid] = there.sim.world.spies
        await asyncio.sleep(2)
        await there.supervision.hang_up(BOSS, "main", call)
        await there.told.until(lambda: len(there.told.legs()) == 1)
        await there.told.until(lambda: there.runtime.channel_name("main", uid) is None)
        [leg] = there.told.legs()
        assert (leg.outcome, leg.ended_by) == ("answered", "supervisor")
        assert any("barges in" in line for line in leg.evidence)
        assert there.told.violations() == []
        assert there.sim.truth.legs[-1].ended_by == "supervisor"
        assert not there.sim.world.spies


async def test_a_seat_can_be_the_own_phone(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        there.call()
        seat, call = await there.talks()
        own = next(device for device in there.seats() if device != seat)

        async def settings(who: Person) -> Mapping[str, Any]:
            return {"phone": {"pbx": "main", "device": own}}

        there.told.settings = settings  # type: ignore[method-assign]
        await there.supervision.spy(BOSS, "whisper", "main", seat)
        [uid] = there.sim.world.spies
        await asyncio.sleep(2)
        with pytest.raises(Refused, match="in use"):
            await there.supervision.spy(replace_person(BOSS), "listen", "main", seat)
        await there.supervision.hang_up(BOSS, "main", call)
        await there.told.until(lambda: len(there.told.legs()) == 1)
        await there.told.until(lambda: there.runtime.channel_name("main", uid) is None)
        states = [
            e.state for e in there.told.effects if isinstance(e, SeatChanged) and e.seat == own
        ]
        assert set(states) <= {"available"}
        assert [leg.seat for leg in there.told.legs()] == [seat]


def replace_person(person: Person) -> Person:
    """Somebody else with the same rights."""
    return Person("7009", "别人", person.role)


async def test_a_customer_is_sent_to_a_seat_and_to_a_queue(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        there.call()
        seat, call = await there.talks()
        other = next(device for device in there.seats() if device != seat)
        with pytest.raises(Refused, match="There is no 7777"):
            await there.supervision.redirect(BOSS, "main", call, "7777")
        await there.supervision.redirect(BOSS, "main", call, other.rpartition("/")[2])
        await there.told.until(
            lambda: there.seats()[other]["state"] == "talking" and bool(there.told.legs())
        )
        [leg] = there.told.legs()
        assert (leg.seat, leg.ended_by) == (seat, "supervisor")
        assert there.seats()[other]["call"] == call
        await there.supervision.redirect(BOSS, "main", call, "12345")
        await there.told.until(
            lambda: (
                any(s["call"] == call and s["seat"] != other for s in there.seats().values())
                or call in there.waiting()
            )
        )
        assert there.told.violations() == []


async def test_callers_who_wait(tmp_path: Path) -> None:
    config = replace(QUIET, seats=1)
    async with room(tmp_path, config) as there:
        there.call()
        seat, first = await there.talks()
        for n in (1, 2, 3):
            there.call()
            await there.told.until(lambda n=n: len(there.waiting()) == n)  # type: ignore[misc]
        last = there.waiting()[-1]
        moved = await there.supervision.move_up(BOSS, "main", last)
        assert (moved.position, moved.waiting) == (1, 3)
        await there.supervision.hang_up(BOSS, "main", there.waiting()[0])
        await there.told.until(lambda: len(there.waiting()) == 2)
        await there.supervision.hang_up(BOSS, "main", first)
        await there.told.until(lambda: there.seats()[seat]["call"] == last)
        assert there.told.violations() == []


async def test_pause_unpause_and_log_out(tmp_path: Path) -> None:
    async with room(tmp_path) as there:
        await there.told.until(lambda: SEAT in there.seats())
        await there.supervision.pause(BOSS, "main", SEAT, "lunch")
        await there.told.until(lambda: there.seats()[SEAT]["state"] == "paused")
        await there.supervision.unpause(BOSS, "main", SEAT)
        await there.told.until(lambda: there.seats()[SEAT]["state"] == "available")
        await there.supervision.log_out(BOSS, "main", SEAT)
        await there.told.until(lambda: there.seats()[SEAT]["state"] == "logged_out")
