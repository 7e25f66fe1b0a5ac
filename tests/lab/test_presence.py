"""Sign-in, pause, ready and click to dial on a real Asterisk: what it does with our actions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentd.ami_link import AmiSettings
from agentd.ami_listener import AmiListener
from agentd.core.effects import Effect, LegEnded, SeatChanged
from agentd.core.order_form import FormBook, PauseReason
from agentd.core.people import Directory, Person
from agentd.core.policy import PolicyBook, SeatConfig
from agentd.errors import Refused
from agentd.pipeline import Pipeline
from agentd.presence import PresenceService
from agentd.presence_rules import PbxDesk
from agentd.runtime import Runtime
from agentd.ticketing import Store
from asterisk_lab.native import NativePbx
from asterisk_lab.phones import answer, bye, ring, until_bye, wait
from asterisk_lab.stage import Cast, Numbers, QueueSpec, Scenario, Stage
from asterisk_lab.truth import Truth

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

BOOK = FormBook(categories=(), pauses=(PauseReason("lunch", ("午休", "lunch")),))


class Room:
    """A real PBX with phones, and everything of agentd that presence needs."""

    def __init__(self, pbx: NativePbx, stage: Stage, database: Path) -> None:
        self.pbx = pbx
        self.stage = stage
        self.database = database
        self.seat = stage.device("A")
        self.zhang = Person(
            "8001", "张三", "agent", queues=(stage.queue("hotline"), stage.queue("sales"))
        )
        self.effects: list[Effect] = []
        self._news = asyncio.Event()

    @asynccontextmanager
    async def daemon(self, account: str = "desk") -> AsyncIterator[PresenceService]:
        """The parts of a daemon, over the account `account` of the PBX; linked."""
        store = Store(self.database)
        await store.start()
        runtime = Runtime(
            {"main": Pipeline("main", PolicyBook())}, store, self,
            announce=self.announce, resync=lambda _: listener.resync(),
        )  # fmt: skip
        listener = AmiListener(
            AmiSettings(
                pbx="main", username=account, secret=self.pbx.secrets[account],
                port=self.pbx.config.ami_port, dials=account == "desk",
            ),
            runtime.inbox,
        )  # fmt: skip
        runtime.restore("main", await store.restore("main"))
        tasks = [asyncio.create_task(runtime.run()), asyncio.create_task(listener.run())]
        desk = PbxDesk(listener, dial_context="agentd-dial", seats=(SeatConfig(self.seat),))
        presence = PresenceService(
            store=store, engine=runtime, pbxs={"main": desk}, book=BOOK,
            people=Directory((self.zhang,)), hints=self,
        )  # fmt: skip
        try:
            await self.until(lambda: runtime.links["main"] == "up")
            await presence.start()
            yield presence
        finally:
            await listener.stop()
            runtime.stop()
            await asyncio.gather(*tasks)
            await store.flush()
            await store.close(flush_max_s=5)

    def announce(self, effects: Sequence[Effect]) -> None:
        self.effects += effects
        self._news.set()

    def publish(self, changed: Any, removed: Any) -> None:
        self._news.set()

    def hint(self, *topics: str) -> None:
        pass

    async def until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            await self._news.wait()
            self._news.clear()

    async def leg(self, nth: int = 0) -> LegEnded:
        """The nth leg that was told."""

        def legs() -> list[LegEnded]:
            return [effect for effect in self.effects if isinstance(effect, LegEnded)]

        await self.until(lambda: len(legs()) > nth)
        return legs()[nth]

    async def members(self) -> dict[str, tuple[str, str, str]]:
        """The scenario's queues on the PBX: name, paused and reason of the seat in each."""
        items = await self.pbx.ami.action("QueueStatus")
        return {
            item["Queue"]: (item["Name"], item["Paused"], item["PausedReason"])
            for item in items
            if item.get("Event") == "QueueMember" and item["Location"] == self.seat
        }


async def _nothing(stage: Stage) -> Truth:
    return Truth()


@pytest.fixture
async def room(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    """One seat, member of the queue ``sales`` by the PBX's own configuration."""
    version = getattr(request, "param", "22")
    queues = (QueueSpec("hotline", ""), QueueSpec("sales", "A"))
    cast = Cast(Scenario("room", "", _nothing, queues=queues), Numbers())
    async with NativePbx(cast.pbx_seats(), cast.pbx_queues(), version=version) as pbx:
        stage = Stage(cast, pbx, tmp_path)
        try:
            yield Room(pbx, stage, tmp_path / "agentd.db")
        finally:
            await stage.close()


@pytest.mark.parametrize("room", ["22", "16"], indirect=True)
async def test_a_day_at_a_seat(room: Room) -> None:
    hotline, sales = room.stage.queue("hotline"), room.stage.queue("sales")
    person = room.stage.cast.people["A"]
    async with room.daemon() as presence:
        seat = await presence.sign_in(room.zhang, "main", room.seat)
        assert (seat.drives, seat.dials, seat.ready, seat.reachable) == (True, True, True, True)
        assert await room.members() == {
            hotline: ("张三", "0", ""), sales: (person, "0", "")
        }  # fmt: skip
        seat = await presence.pause(room.zhang, "lunch")
        assert (seat.ready, seat.pause_reason) == (False, "lunch")
        assert {m[1:] for m in (await room.members()).values()} == {("1", "午休")}
        await room.until(
            lambda: any(isinstance(e, SeatChanged) and e.state == "paused" for e in room.effects)
        )
        assert (await presence.ready(room.zhang)).ready

        # A customer of the queue that was joined is the person's, by login.
        await room.stage.phone("A", ring(1), answer(), until_bye())
        caller = await room.stage.caller("c", "hotline", wait(0.5 + 1 + 2), bye())
        await caller.finished()
        leg = await room.leg()
        assert (leg.agent, leg.queue, leg.outcome) == ("8001", hotline, "answered")
        seen = presence.my_seat(room.zhang)
        assert seen is not None
        assert seen.rang_us == pytest.approx(leg.ringing_us, abs=100_000)

    # agentd restarts; the person sits where they sat.
    async with room.daemon() as presence:
        assert presence.my_seat(room.zhang) is not None
        await presence.sign_out(room.zhang)
        # Out of what agentd joined; the PBX's own membership stays, and calls nobody.
        assert await room.members() == {sales: (person, "1", "签出")}
        assert presence.my_seat(room.zhang) is None


async def test_a_queue_that_refuses_leaves_the_seat_as_it_was(room: Room) -> None:
    before = await room.members()
    who = Person("8001", "张三", "agent", queues=(room.stage.queue("hotline"), "nowhere"))
    async with room.daemon() as presence:
        with pytest.raises(Refused, match=r"nothing was changed: .*No such queue"):
            await presence.sign_in(who, "main", room.seat)
        assert presence.my_seat(who) is None
    assert await room.members() == before


async def test_the_least_account_binds_and_drives_nothing(room: Room) -> None:
    before = await room.members()
    async with room.daemon("agentd") as presence:
        seat = await presence.sign_in(room.zhang, "main", room.seat)
        assert (seat.drives, seat.dials, seat.ready) == (False, False, True)
        with pytest.raises(Refused, match="use the phone"):
            await presence.pause(room.zhang, "lunch")
        assert await presence.dial(room.zhang, "13900001111") == "link"
        await room.stage.phone("A", ring(1), answer(), until_bye())
        caller = await room.stage.caller("c", "sales", wait(0.5 + 1 + 1), bye())
        await caller.finished()
        assert (await room.leg()).agent == "8001"
        await presence.sign_out(room.zhang)
    assert await room.members() == before


async def test_a_call_is_placed_from_the_desk(room: Room) -> None:
    async with room.daemon() as presence:
        await presence.sign_in(room.zhang, "main", room.seat)
        await room.stage.phone("A", ring(1), answer(), until_bye())
        await room.stage.outside("c", ring(1), answer(), wait(2), bye())
        number = room.stage.callers["c"]
        assert await presence.dial(room.zhang, f"+86 {number}") == "placed"
        leg = await room.leg()
    assert (leg.direction, leg.outcome, leg.agent) == ("outbound", "answered", "8001")
    assert leg.caller == number
    assert leg.ended_by == "caller"
