"""Endless realistic traffic: late answers, long holds, transfers, abandons, agents who hang up
first, phones that nobody answers, pauses, outbound calls."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .ami import AmiClient, AmiError
from .config import PHONE_HOST, TRUNK_HOST, Member, Queue, Seat
from .phones import (
    Sipp,
    SippError,
    Step,
    answer,
    bye,
    call,
    hold,
    refer,
    ring,
    ring_on,
    unhold,
    until_bye,
    wait,
)  # fmt: skip

PEOPLE = (
    "张三", "李四", "王芳", "赵敏", "陈晨", "刘洋", "黄丽", "周杰", "吴倩", "徐静", "孙涛", "马超",
    "朱琳", "胡军", "林娜", "何伟",
)  # fmt: skip
PAUSE_REASONS = ("午休", "小休", "培训", "会议", "外呼回访")

# What a seat's phone does with its next call, and how often.
_PLANS = (
    (46, "plain"), (18, "hold"), (9, "late"), (8, "long_hold"), (7, "agent_ends"), (6, "transfer"),
    (3, "silent"), (3, "two_holds"),
)  # fmt: skip


def seats(count: int) -> list[tuple[str, str]]:
    """Extension and person of each seat."""
    return [
        (str(1001 + n), PEOPLE[n % len(PEOPLE)] + (str(n // len(PEOPLE) + 1) if n >= 16 else ""))
        for n in range(count)
    ]


def queues(count: int) -> list[Queue]:
    """A hotline with most seats, sales whose phones ring together, and one for complaints."""
    numbers = [number for number, _ in seats(count)]
    third = max(1, count // 3)
    return [
        Queue("hotline", "8001", [Member(n) for n in numbers[: 2 * third]], ring_timeout_s=20),
        Queue("sales", "8002", [Member(n) for n in numbers[2 * third :] or numbers[-1:]],
              strategy="ringall", ring_timeout_s=20),
        Queue("complaints", "8003", [Member(n) for n in numbers[::third]], ring_timeout_s=20,
              give_up_s=60),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """Where the traffic goes: a PBX, its seats by extension, its queues, a source of free ports."""

    sip_port: int
    seats: Mapping[str, Seat]
    queues: Sequence[Queue]
    ami: AmiClient
    take_ports: Callable[[int], int]


class Traffic:
    """Plays until it is cancelled. `calls_per_s` defaults to what keeps the seats fairly busy."""

    def __init__(
        self,
        world: World,
        directory: Path,
        *,
        calls_per_s: float | None = None,
        seed: int | None = None,
    ) -> None:
        self._world = world
        self._dir = directory
        self._random = random.Random(seed)
        self._rate = calls_per_s or 0.022 * len(world.seats)
        slots = 10 + 3 * len(world.seats)
        self._slots = [world.take_ports(6) for _ in range(slots)]
        self._paused: set[str] = set()
        self.calls = 0

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for seat in self._world.seats.values():
                    group.create_task(self._seat(seat), name=f"seat-{seat.number}")
                group.create_task(self._callers(group), name="callers")
                group.create_task(self._pauses(), name="pauses")
                group.create_task(self._outbound(), name="outbound")
        finally:
            for path in self._dir.glob("*"):
                path.unlink(missing_ok=True)

    def _steps(self, seat: Seat) -> list[Step]:
        r = self._random
        names = [name for _, name in _PLANS]
        plan = r.choices(names, [weight for weight, _ in _PLANS])[0]
        ringing = ring(r.uniform(1.0, 7.0))
        talk = wait(r.uniform(4, 20))
        if plan == "late":
            return [ring(r.uniform(10.2, 15)), answer(), until_bye()]
        if plan == "silent":
            return [ring_on()]
        if plan == "agent_ends":
            return [ringing, answer(), talk, bye()]
        if plan == "transfer":
            others = [n for n in self._world.seats if n != seat.number]
            return [ringing, answer(), talk, refer(r.choice(others or [seat.number])), until_bye()]
        holding = {
            "hold": [r.uniform(5, 25)],
            "long_hold": [r.uniform(31, 70)],
            "two_holds": [r.uniform(5, 15), r.uniform(5, 24)],
        }.get(plan, [])
        steps = [ringing, answer()]
        for seconds in holding:
            steps += [wait(r.uniform(3, 8)), hold(), wait(seconds), unhold()]
        return [*steps, until_bye()]

    async def _play(self, sipp: Sipp, timeout: float) -> None:
        try:
            await sipp.start()
            await sipp.finished(timeout)
        except (SippError, TimeoutError):
            # A call that went another way than the steps say is traffic, too.
            pass
        finally:
            await sipp.stop()
            sipp.discard_files()

    async def _seat(self, seat: Seat) -> None:
        slot = self._slots.pop()
        while True:
            sipp = Sipp(
                self._dir, host=PHONE_HOST, port=seat.sip_port, control_port=slot,
                media_port=slot + 1, pbx=f"{PHONE_HOST}:{self._world.sip_port}",
                user=seat.number, steps=self._steps(seat), calls=1,
            )  # fmt: skip
            await self._play(sipp, 600)

    async def _callers(self, group: asyncio.TaskGroup) -> None:
        weights = [len(queue.members) for queue in self._world.queues]
        while True:
            await asyncio.sleep(self._random.expovariate(self._rate))
            if not self._slots:
                continue
            queue = self._random.choices(self._world.queues, weights)[0]
            group.create_task(self._caller(queue.number, self._slots.pop()))

    async def _caller(self, number: str, slot: int) -> None:
        r = self._random
        self.calls += 1
        gives_up = r.random() < 0.12
        stay = r.uniform(3, 16) if gives_up else r.uniform(25, 100)
        sipp = Sipp(
            self._dir, host=TRUNK_HOST, port=slot + 5, control_port=slot, media_port=slot + 1,
            pbx=f"{PHONE_HOST}:{self._world.sip_port}", user=f"13{r.randrange(10**9):09d}",
            steps=[call(number), wait(stay), bye()], calls=1,
        )  # fmt: skip
        try:
            await self._play(sipp, 300)
        finally:
            self._slots.append(slot)

    async def _pauses(self) -> None:
        world, r = self._world, self._random
        while True:
            await asyncio.sleep(r.uniform(8, 25))
            free = [n for n in world.seats if n not in self._paused]
            if len(self._paused) < max(1, len(world.seats) // 5) and free:
                number = r.choice(free)
                self._paused.add(number)
                await self._pause(number, "true", r.choice(PAUSE_REASONS))
            elif self._paused:
                number = r.choice(sorted(self._paused))
                self._paused.discard(number)
                await self._pause(number, "false", "")

    async def _pause(self, number: str, paused: str, reason: str) -> None:
        with contextlib.suppress(AmiError):
            await self._world.ami.action(
                "QueuePause", Interface=f"PJSIP/{number}", Paused=paused, Reason=reason
            )

    async def _outbound(self) -> None:
        world, r = self._world, self._random
        slot = self._slots.pop()
        number = "13800138000"
        await world.ami.action("DBPut", Family="far", Key=number, Val=f"{TRUNK_HOST}:{slot + 5}")
        while True:
            await asyncio.sleep(r.uniform(20, 60))
            seat = r.choice(sorted(world.seats))
            sipp = Sipp(
                self._dir, host=TRUNK_HOST, port=slot + 5, control_port=slot, media_port=slot + 1,
                pbx=f"{PHONE_HOST}:{world.sip_port}", user=number, calls=1,
                steps=[ring(r.uniform(2, 8)), answer(), wait(r.uniform(5, 30)), bye()],
            )  # fmt: skip
            try:
                await sipp.start()
                with contextlib.suppress(AmiError):
                    await world.ami.action(
                        "Originate", Channel=f"PJSIP/{seat}", Context="seats", Exten=f"9{number}",
                        Priority="1", CallerID=f"<{number}>", Async="true", Timeout="15000",
                    )  # fmt: skip
                with contextlib.suppress(SippError, TimeoutError):
                    await sipp.finished(90)
            except SippError:
                continue
            finally:
                await sipp.stop()
                sipp.discard_files()
