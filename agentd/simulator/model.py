"""Seats, persons, queues and their members: the standing parts of the simulated call centre."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agentd.simulator.config import QueueSpec, SimConfig
from agentd.simulator.wire import AGENT, Event, event

if TYPE_CHECKING:
    from agentd.simulator.legs import Call

_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN: Final = (
    *"伟芳娜敏静丽强磊军洋艳杰娟涛明霞",
    *("秀英", "建国", "晓燕", "志强", "海燕", "雪梅", "俊杰", "思雨", "子涵", "欣怡"),
)

PAUSE_REASONS: Final = ("小休", "培训", "就餐", "会议")

DEVICE_STATUS: Final = {
    "NOT_INUSE": 1,
    "INUSE": 2,
    "BUSY": 3,
    "UNAVAILABLE": 5,
    "RINGING": 6,
    "RINGINUSE": 7,
    "ONHOLD": 8,
}


@dataclass(frozen=True)
class Person:
    """Somebody who sits at a seat for a while; `label` is the member name that Asterisk shows."""

    number: str
    name: str

    @property
    def label(self) -> str:
        return f"{self.name} {self.number}".rstrip()


@dataclass(slots=True)
class Member:
    """A seat's membership of one queue, with the figures that Asterisk keeps for it."""

    queue: Queue
    seat: Seat
    calls_taken: int = 0
    last_call: int = 0
    in_call: bool = False

    def block(self) -> bytes:
        """The body of QueueMemberStatus and its kin (without the queue's own figures)."""
        seat = self.seat
        person = seat.person
        return (
            f"Queue: {self.queue.spec.name}\r\n"
            f"MemberName: {person.label if person else seat.device}\r\n"
            f"Interface: {seat.device}\r\n"
            f"StateInterface: {seat.device}\r\n"
            f"Membership: dynamic\r\n"
            f"Penalty: 0\r\n"
            f"CallsTaken: {self.calls_taken}\r\n"
            f"LastCall: {self.last_call}\r\n"
            f"LastPause: {seat.last_pause}\r\n"
            f"LoginTime: {seat.login_time}\r\n"
            f"InCall: {int(self.in_call)}\r\n"
            f"Status: {DEVICE_STATUS[seat.device_state]}\r\n"
            f"Paused: {int(seat.paused)}\r\n"
            f"PausedReason: {seat.pause_reason}\r\n"
            f"Ringinuse: 0\r\n"
            f"Wrapuptime: 0\r\n"
        ).encode()

    def said(self, name: str = "QueueMemberStatus") -> Event:
        return event(name, AGENT, self.block())


@dataclass(slots=True, eq=False)
class Seat:
    """A phone. It is offered calls while somebody is signed in, it is not paused and it is idle."""

    number: str
    device: str
    person: Person | None
    members: list[Member] = field(default_factory=list)
    device_state: str = "NOT_INUSE"
    paused: bool = False
    pause_reason: str = ""
    last_pause: int = 0
    login_time: int = 0
    busy: bool = False
    manned: bool = False
    """Somebody real sits there."""
    line: Call | None = None
    """The call that rings or talks on a manned seat's phone."""

    @property
    def can_take(self) -> bool:
        return self.person is not None and not self.paused and not self.busy


@dataclass(slots=True, eq=False)
class Queue:
    """A queue: callers in order of joining, seats free for it in order of becoming free."""

    spec: QueueSpec
    members: list[Member] = field(default_factory=list)
    callers: list[Call] = field(default_factory=list)
    free: dict[str, Seat] = field(default_factory=dict)
    available: int = 0
    completed: int = 0
    abandoned: int = 0
    holdtime_s: int = 0
    talktime_s: int = 0

    def caller_block(self, call: Call) -> bytes:
        """`Queue`, `Position`, `Count` as they are with `call` still in the queue."""
        position = self.callers.index(call) + 1
        return (
            f"Queue: {self.spec.name}\r\nPosition: {position}\r\nCount: {len(self.callers)}\r\n"
        ).encode()


def make_people(count: int, rng: random.Random) -> list[Person]:
    """`count` persons with numbers from 8001 on."""
    return [
        Person(str(8001 + index), rng.choice(_SURNAMES) + rng.choice(_GIVEN))
        for index in range(count)
    ]


def make_floor(
    config: SimConfig, rng: random.Random
) -> tuple[list[Queue], list[Seat], list[Person]]:
    """Queues, seats with a person each, and the persons who are not on shift.

    Every seat is a member of one queue by its share; every fifth seat of a second one too. A
    `ringall` queue gets at most four members.
    """
    queues = [Queue(spec) for spec in config.queues]
    people = make_people(config.seats + max(2, config.seats // 5), rng)
    seats = [
        Seat(str(config.first_seat + i), f"PJSIP/{config.first_seat + i}", people[i])
        for i in range(config.seats)
    ]
    for seat in seats:
        if seat.device in config.manned:
            seat.manned, seat.person = True, None
    staffed = [seat for seat in seats if not seat.manned]
    wide = [queue for queue in queues if queue.spec.strategy != "ringall"] or queues[:1]
    total = sum(queue.spec.share for queue in wide) or 1.0
    bounds: list[float] = []
    for queue in wide:
        bounds.append((bounds[-1] if bounds else 0.0) + queue.spec.share / total)
    for i, seat in enumerate(seats):
        if seat.manned:
            continue
        place = (i + 0.5) / len(seats)
        chosen = [next((q for q, top in zip(wide, bounds, strict=True) if place < top), wide[-1])]
        if i % 5 == 4 and len(wide) > 1:
            chosen.append(wide[(wide.index(chosen[0]) + 1) % len(wide)])
        for queue in chosen:
            _enlist(queue, seat)
    for number, queue in enumerate(q for q in queues if q not in wide):
        size = min(4, max(1, len(staffed) // 3))
        for k in range(size):
            _enlist(queue, staffed[(number * size + k * 3 + 1) % len(staffed)])
    for queue in wide:
        if not queue.members:
            _enlist(queue, staffed[0])
    return queues, seats, people[config.seats :]


def _enlist(queue: Queue, seat: Seat) -> None:
    if all(member.queue is not queue for member in seat.members):
        member = Member(queue, seat)
        queue.members.append(member)
        seat.members.append(member)
