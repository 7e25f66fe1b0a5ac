"""A scenario's view of a PBX: its seats, queues and callers under its own names."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .ami import Frame, Recorder
from .config import PHONE_HOST, TRUNK_HOST, Member, Queue
from .daemon import Daemon, Link
from .native import NativePbx
from .phones import Sipp, Step, call
from .timeline import Timeline
from .truth import Names, Truth
from .voice import Voice

PEOPLE = ("张三", "Li Si", "Wang Wu", "赵六", 'O\'Neil, "Sam"', "Ana Müller")


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A queue as a scenario wants it; members are the scenario's seats."""

    name: str
    members: str
    strategy: str = "rrmemory"
    ring_timeout_s: int = 25
    give_up_s: int | None = None
    local: bool = False
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """What phones do (`play`), on what (`seats`, one letter each; `queues`), and how it is run.

    `play` returns the truth, or a function of the run's timeline that does.
    `alone`: needs an Asterisk of its own. `late_recorder`: `play` starts the recorder itself.
    `versions`: on which Asterisk it is recorded. `live`: it is about the daemon itself, which runs
    with this additional TOML; it is not recorded.
    """

    name: str
    about: str
    play: Callable[[Stage], Awaitable[Truth | Callable[[Timeline], Truth]]]
    seats: str = "A"
    queues: tuple[QueueSpec, ...] = (QueueSpec("hotline", "A"),)
    alone: bool = False
    late_recorder: bool = False
    versions: tuple[str, ...] = ("22",)
    people: tuple[str, ...] = PEOPLE
    live: str | None = None


class Numbers:
    """Hands out extensions, dialled numbers and callers' numbers, so that scenarios do not meet."""

    def __init__(self) -> None:
        self._seats = itertools.count(1001)
        self._queues = itertools.count(8001)
        self._callers = itertools.count(1)

    def seat(self) -> str:
        return str(next(self._seats))

    def queue(self) -> str:
        return str(next(self._queues))

    def caller(self) -> str:
        return f"138{next(self._callers) * 1237 % 100000000:08d}"


class Cast:
    """One scenario's place on a PBX, decided before the PBX is configured."""

    def __init__(self, scenario: Scenario, numbers: Numbers, suffix: str = "") -> None:
        self.scenario = scenario
        self.numbers = numbers
        self.seats = {letter: numbers.seat() for letter in scenario.seats}
        self.people = dict(zip(scenario.seats, itertools.cycle(scenario.people), strict=False))
        self.dialled = {spec.name: numbers.queue() for spec in scenario.queues}
        self.queue_names = {spec.name: f"{spec.name}{suffix}" for spec in scenario.queues}

    def pbx_seats(self) -> list[tuple[str, str]]:
        return [(number, self.people[letter]) for letter, number in self.seats.items()]

    def pbx_queues(self) -> list[Queue]:
        return [
            Queue(
                name=self.queue_names[spec.name],
                number=self.dialled[spec.name],
                members=[
                    Member(
                        self.seats[letter],
                        f"Local/{self.seats[letter]}@agents/n" if spec.local else None,
                    )
                    for letter in spec.members
                ],
                strategy=spec.strategy,
                ring_timeout_s=spec.ring_timeout_s,
                give_up_s=spec.give_up_s,
                recorded=spec.recorded,
            )
            for spec in self.scenario.queues
        ]


class Stage:
    """Plays one scenario on a PBX: phones by letter, callers by name, AMI actions."""

    def __init__(
        self, cast: Cast, pbx: NativePbx, directory: Path, recorder: Recorder | None = None
    ) -> None:
        self.cast = cast
        self.pbx = pbx
        self.recorder = recorder
        self.daemon: Daemon | None = None
        self.link: Link | None = None
        self.callers: dict[str, str] = {}
        self._dir = directory
        self._phones: dict[str, Sipp] = {}
        self._all: list[Sipp] = []
        self._voices: list[Voice] = []

    @property
    def names(self) -> Names:
        return Names(
            seats={letter: f"PJSIP/{n}" for letter, n in self.cast.seats.items()},
            people=dict(self.cast.people),
            queues=dict(self.cast.queue_names),
            callers=dict(self.callers),
        )

    def extension(self, seat: str) -> str:
        return self.cast.seats[seat]

    def device(self, seat: str) -> str:
        return f"PJSIP/{self.cast.seats[seat]}"

    def queue(self, name: str) -> str:
        return self.cast.queue_names[name]

    async def _sipp(
        self, host: str, port: int, user: str, steps: Sequence[Step], calls: int | None,
        keys: dict[str, str] | None = None, voice: Voice | None = None,
    ) -> Sipp:  # fmt: skip
        sipp = Sipp(
            self._dir, host=host, port=port, user=user, steps=steps, calls=calls, keys=keys,
            voice_port=None if voice is None else voice.port,
            control_port=self.pbx.ports.take(), media_port=self.pbx.ports.take(4),
            pbx=f"{PHONE_HOST}:{self.pbx.config.sip_port}",
        )  # fmt: skip
        self._all.append(sipp)
        return await sipp.start()

    async def phone(self, seat: str, *steps: Step, voice: Voice | None = None) -> Sipp:
        """Switch the seat's phone on (or over to other steps): it does `steps` with every call."""
        if seat in self._phones:
            await self._phones[seat].stop()
        number = self.cast.seats[seat]
        port = self.pbx.seats[number].sip_port
        self._phones[seat] = await self._sipp(PHONE_HOST, port, number, steps, None, voice=voice)
        return self._phones[seat]

    async def dial(
        self, seat: str, target: str, *steps: Step, keys: dict[str, str] | None = None
    ) -> Sipp:
        """The seat's phone makes a call by hand."""
        number = self.cast.seats[seat]
        port = self.pbx.ports.take()
        return await self._sipp(PHONE_HOST, port, number, [call(target), *steps], 1, keys)

    async def caller(
        self, who: str, target: str, *steps: Step, name: str = "", voice: Voice | None = None
    ) -> Sipp:
        """A customer calls a queue (by the scenario's name) or a number."""
        number = self.callers.setdefault(who, self.cast.numbers.caller())
        dialled = self.cast.dialled.get(target, target)
        port = self.pbx.ports.take()
        return await self._sipp(
            TRUNK_HOST, port, number, [call(dialled, name=name), *steps], 1, voice=voice
        )

    async def outside(self, who: str, *steps: Step) -> str:
        """A customer's phone that can be called; what a seat dials for it."""
        number = self.callers.setdefault(who, self.cast.numbers.caller())
        port = self.pbx.ports.take()
        await self._sipp(TRUNK_HOST, port, number, list(steps), None)
        await self.pbx.ami.action("DBPut", Family="far", Key=number, Val=f"{TRUNK_HOST}:{port}")
        return f"9{number}"

    def same_caller(self, who: str, as_before: str, prefix: str) -> None:
        """`who` calls with the number of `as_before`, written with `prefix` before it."""
        self.callers[who] = f"{prefix}{self.callers[as_before]}"

    async def click_to_dial(self, seat: str, who: str) -> None:
        """The desk places a call: the seat's own phone first, then that customer's."""
        number = self.callers[who]
        await self.action(
            "Originate", Channel=self.device(seat), Context="agentd-dial", Exten=number,
            Priority="1", CallerID=f"<{number}>", Timeout="30000", Async="true",
        )  # fmt: skip

    async def voice(self, tone_hz: int, host: str = PHONE_HOST) -> Voice:
        """Somebody's mouth and ear, speaking one tone; `host` as the phone's."""
        voice = Voice(host, self.pbx.ports.take(2), tone_hz)
        self._voices.append(voice)
        return await voice.open()

    async def speaks(self, voice: Voice, channel: str) -> None:
        """`voice` speaks into the PBX's `channel` from now on."""
        answer = await self.action("Getvar", Channel=channel, Variable="CHANNEL(rtp,src)")
        host, _, port = answer[0]["Value"].rpartition(":")
        voice.speak_to(PHONE_HOST if host == "0.0.0.0" else host, int(port))

    async def event(
        self, name: str, *, timeout: float = 60.0, since: int = 0, **headers: str
    ) -> Frame:
        """The first event of that name with those headers since the PBX's start."""
        return await self.pbx.ami.wait_for(
            lambda e: e["Event"] == name and all(e.get(k) == v for k, v in headers.items()),
            timeout=timeout, since=since,
        )  # fmt: skip

    async def channel(self, device: str, *, timeout: float = 60.0, nth: int = 0) -> Frame:
        """The Newchannel event of that device's nth channel."""
        seen: list[str] = []

        def wanted(event: Frame) -> bool:
            if event["Event"] == "Newchannel" and event["Channel"].startswith(f"{device}-"):
                seen.append(event["Channel"])
            return len(seen) > nth

        return await self.pbx.ami.wait_for(wanted, timeout=timeout)

    async def caller_channel(self, who: str) -> str:
        """The channel name of that customer's call."""
        number = self.callers[who]
        event = await self.pbx.ami.wait_for(
            lambda e: (
                e["Event"] == "Newchannel"
                and e["Channel"].startswith("PJSIP/trunk-")
                and e.get("CallerIDNum") == number
            )
        )
        return event["Channel"]

    async def gone(self, seat: str, nth: int = 0) -> None:
        """Wait until the seat's nth channel is gone."""
        await self.event(
            "Hangup", Uniqueid=(await self.channel(self.device(seat), nth=nth))["Uniqueid"]
        )

    async def connected(self, seat: str, nth: int = 0, timeout: float = 60.0) -> str:
        """Wait until the seat's nth channel is bridged; its name."""
        event = await self.channel(self.device(seat), nth=nth, timeout=timeout)
        await self.event("BridgeEnter", Channel=event["Channel"], Uniqueid=event["Uniqueid"],
                         timeout=timeout)  # fmt: skip
        return event["Channel"]

    async def action(self, name: str, **headers: str) -> list[Frame]:
        return await self.pbx.ami.action(name, headers)

    async def close(self) -> None:
        await asyncio.gather(*(sipp.stop() for sipp in self._all))
        for voice in self._voices:
            voice.close()
