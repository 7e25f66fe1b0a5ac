"""A person at a simulated phone: signs in, answers, holds, dials; agentd hears it all."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentd import clock
from agentd.core.effects import LegEnded
from agentd.core.policy import PolicyBook
from agentd.errors import Refused
from agentd.pipeline import Pipeline
from agentd.ports import RecordingFile
from agentd.ports.telephony import PbxRefused
from agentd.presence import PresenceService
from agentd.presence_rules import PbxDesk
from agentd.simulator import Program, SimConfig, SimulatedPbx
from agentd.simulator.manned import Phone
from agentd.simulator.traffic import start_call
from agentd.testing import FakeInbox
from tests.adapters.ami_rig import listening
from tests.adapters.presence_rig import BOOK, ZHANG, Directory, FakeEngine, MemoryStore, Told
from tests.adapters.simulator_tools import TRANSCRIPTS, frames

A = "PJSIP/1001"
QUIET = SimConfig(seats=3, calls_per_s=0.0, opening=False, break_every_s=0.0, manned=frozenset({A}))


class Desk:
    """One simulated PBX, the link to it, and presence over that."""

    def __init__(self, sim: SimulatedPbx, inbox: FakeInbox, presence: PresenceService) -> None:
        self.sim = sim
        self.inbox = inbox
        self.presence = presence

    @property
    def phone(self) -> Phone:
        return self.sim.phone(A)

    def call(self, program: Program = Program.NORMAL) -> None:
        """A customer calls."""
        start_call(self.sim.world, program, self.sim.world.queue_of["hotline"])
        self.sim._nudged.set()

    async def until(self, happened: Callable[[], bool]) -> None:
        """Looked at whenever something comes over the link."""
        await self.inbox.until(happened)

    def legs(self) -> list[LegEnded]:
        """What agentd concludes of everything so far."""
        pipeline = Pipeline("main", PolicyBook())
        effects = pipeline.feed(self.inbox.data) + pipeline.finish(run_out=True)
        return [effect for effect in effects if isinstance(effect, LegEnded)]


@asynccontextmanager
async def desk(config: SimConfig = QUIET, **board: Any) -> AsyncIterator[Desk]:
    async with SimulatedPbx(config, lambda: clock.wall_us() / 1e6) as sim:
        inbox = FakeInbox()
        async with listening(sim.port, inbox, secret=sim.secret, dials=True) as listener:
            await inbox.until_state("up")
            presence = PresenceService(
                store=MemoryStore(), engine=FakeEngine("main"),
                pbxs={"main": PbxDesk(listener, dial_context="agentd-dial")},
                book=BOOK, people=Directory((ZHANG,)), hints=Told(),
            )  # fmt: skip
            yield Desk(sim, inbox, presence)


async def test_a_person_takes_a_call_holds_and_the_customer_leaves() -> None:
    async with desk() as room:
        assert room.phone.state == "idle"
        seat = await room.presence.sign_in(ZHANG, "main", A)
        assert (seat.drives, seat.dials, seat.ready, seat.reachable) == (True, True, False, True)
        assert (await room.presence.ready(ZHANG)).ready
        room.call()
        # The robots' phones are free as well, but the queue calls who has been free longest.
        for seat_ in room.sim.world.seats[1:]:
            room.sim.world.withhold(seat_)
        await room.until(lambda: room.phone.state == "ringing")
        assert room.phone.number is not None
        assert not room.phone.hold()
        assert room.phone.answer()
        await room.until(lambda: room.phone.state == "talking")
        assert not room.phone.answer()
        assert room.phone.hold()
        await room.until(lambda: room.phone.state == "holding")
        assert room.phone.unhold()
        await room.until(lambda: room.phone.state == "talking")
        assert room.phone.customer_hangs_up()
        await room.until(lambda: room.phone.state == "idle")
        await room.until(lambda: b"AgentComplete" in room.inbox.data)
        (leg,) = room.legs()
        (truth,) = room.sim.truth.legs
        assert (leg.outcome, leg.ended_by, leg.agent) == ("answered", "caller", "张三")
        assert (truth.outcome, truth.ended_by, truth.agent) == ("answered", "caller", "张三")
        assert [spell.kind for spell in leg.holds] == ["hold"]
        assert leg.ring_us == pytest.approx(truth.ring_s * 1e6, abs=50_000)


@pytest.mark.parametrize(("key", "outcome", "by"), [
    ("hang_up", "answered", "agent"), ("refuse", "rejected", None),
])  # fmt: skip
async def test_a_person_hangs_up_or_refuses(key: str, outcome: str, by: str | None) -> None:
    async with desk() as room:
        await room.presence.sign_in(ZHANG, "main", A)
        await room.presence.ready(ZHANG)
        for seat in room.sim.world.seats[1:]:
            room.sim.world.withhold(seat)
        room.call()
        await room.until(lambda: room.phone.state == "ringing")
        if key == "hang_up":
            room.phone.answer()
            await room.until(lambda: room.phone.state == "talking")
        room.phone.hang_up()
        await room.until(lambda: room.phone.state == "idle")
        assert [(t.outcome, t.ended_by) for t in room.sim.truth.legs] == [(outcome, by)]


async def test_a_call_is_placed_and_given_up() -> None:
    async with desk() as room:
        await room.presence.sign_in(ZHANG, "main", A)
        assert await room.presence.dial(ZHANG, "13800001111") == "placed"
        await room.until(lambda: room.phone.state == "ringing")
        await room.until(lambda: room.phone.state == "talking")
        assert room.phone.number == "13800001111"
        await room.until(lambda: b"trunk/sip:13800001111@trunk" in room.inbox.data)
        room.phone.hang_up()
        await room.until(lambda: room.phone.state == "idle")
        (leg,) = room.legs()
        assert (leg.direction, leg.outcome, leg.caller) == ("outbound", "no_answer", "13800001111")


async def test_a_call_that_is_placed_is_answered() -> None:
    async with desk() as room:
        await room.presence.sign_in(ZHANG, "main", A)
        await room.presence.dial(ZHANG, "13800001111")
        await room.until(lambda: room.inbox.data.count(b"Event: BridgeEnter") == 2)
        room.phone.customer_hangs_up()
        await room.until(lambda: room.phone.state == "idle")
        (leg,) = room.legs()
        assert (leg.direction, leg.outcome, leg.ended_by) == ("outbound", "answered", "caller")


async def test_nobody_is_called_at_a_seat_that_is_paused_or_left() -> None:
    async with desk() as room:
        await room.presence.sign_in(ZHANG, "main", A)
        await room.presence.ready(ZHANG)
        await room.presence.pause(ZHANG, "lunch")
        free = room.sim.world.queue_of["hotline"].free
        assert "1001" not in free
        await room.presence.ready(ZHANG)
        assert "1001" in free
        await room.presence.sign_out(ZHANG)
        assert "1001" not in free
        assert room.sim.world.seats[0].person is None


async def test_the_answers_are_those_of_asterisk() -> None:
    async with desk() as room:
        pbx = room.presence._pbxs["main"].telephony
        phone = {"Interface": A, "StateInterface": A, "MemberName": "张三", "Paused": "true"}
        for action, headers, message in [
            ("QueueAdd", {**phone, "Queue": "nope"}, "No such queue"),
            ("QueueRemove", {"Queue": "hotline", "Interface": A}, "Not there"),
            ("QueuePause", {"Interface": A, "Paused": "true"}, "Interface not found"),
            ("Getvar", {"Channel": "x", "Variable": "MIXMONITOR_FILENAME"}, "No such channel"),
        ]:
            with pytest.raises(PbxRefused, match=message):
                await pbx.ask(action, headers)
        await pbx.ask("QueueAdd", {**phone, "Queue": "hotline"})
        with pytest.raises(PbxRefused, match="Already there"):
            await pbx.ask("QueueAdd", {**phone, "Queue": "hotline"})
        with pytest.raises(Refused):
            await pbx.ask("Originate", {"Channel": A, "Application": "System"})
        await room.until(lambda: b"QueueMemberAdded" in room.inbox.data)
        real = (TRANSCRIPTS / "pause_and_login.ami").read_bytes()
        (expected, *_) = [f for f in frames(real) if f.name == "QueueMemberAdded"]
        (added,) = [f for f in frames(room.inbox.data) if f.name == "QueueMemberAdded"]
        assert added.keys == expected.keys
        assert added.get("MemberName") == "张三"


async def test_calls_are_recorded_where_a_folder_is_named(tmp_path: Path) -> None:
    async with desk(replace(QUIET, recordings=tmp_path)) as room:
        room.call()
        await room.until(lambda: any(isinstance(i, RecordingFile) for i in room.inbox.items))
        (told,) = [item for item in room.inbox.items if isinstance(item, RecordingFile)]
        assert told.file == str(tmp_path / f"{told.uid}.wav")
        with wave.open(told.file) as file:
            assert file.getframerate() == 8_000
        real = (TRANSCRIPTS / "recorded.ami").read_bytes()
        (expected,) = [f for f in frames(real) if f.name == "MixMonitorStart"]
        (started,) = [f for f in frames(room.inbox.data) if f.name == "MixMonitorStart"]
        assert started.keys == expected.keys


async def test_where_nobody_sits_nobody_presses_keys() -> None:
    async with SimulatedPbx(QUIET, lambda: clock.wall_us() / 1e6) as sim:
        with pytest.raises(LookupError, match="no manned seat"):
            sim.phone("PJSIP/1002")
        assert not sim.phone(A).answer()
        await asyncio.sleep(0)


@pytest.mark.parametrize("manned", [{"PJSIP/9"}, {"PJSIP/1001", "PJSIP/1002", "PJSIP/1003"}])
def test_seats_of_people_are_some_of_those_there_are(manned: set[str]) -> None:
    with pytest.raises(ValueError, match="manned names"):
        SimConfig(seats=3, manned=frozenset(manned))
