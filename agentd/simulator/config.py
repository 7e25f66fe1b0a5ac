"""What to simulate: seats, queues, load and the mix of call programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final


class Program(StrEnum):
    """The kinds of call that the simulator can play."""

    NORMAL = "normal"
    LATE_ANSWER = "late_answer"
    HOLD = "hold"
    HOLD_BREACH = "hold_breach"
    HOLD_LONG = "hold_long"
    SHORT_HOLDS = "short_holds"
    LEAVES_IN_HOLD = "leaves_in_hold"
    BLIND_TRANSFER = "blind_transfer"
    ATTENDED_TRANSFER = "attended_transfer"
    ABANDON = "abandon"
    ABANDON_LATE = "abandon_late"
    AGENT_HANGS_UP = "agent_hangs_up"
    RING_OUT = "ring_out"
    REJECT = "reject"
    UNREACHABLE = "unreachable"
    QUEUE_TIMEOUT = "queue_timeout"
    SYSTEM_HANGUP = "system_hangup"
    DIALLED_BY_HAND = "dialled_by_hand"
    CLICK_TO_DIAL = "click_to_dial"
    DIRECT = "direct"


DEFAULT_MIX: Final[Mapping[Program, float]] = MappingProxyType(
    {
        Program.NORMAL: 46,
        Program.LATE_ANSWER: 6,
        Program.HOLD: 6,
        Program.HOLD_BREACH: 4,
        Program.HOLD_LONG: 1.5,
        Program.SHORT_HOLDS: 4,
        Program.LEAVES_IN_HOLD: 1.5,
        Program.BLIND_TRANSFER: 5,
        Program.ATTENDED_TRANSFER: 4,
        Program.ABANDON: 4,
        Program.ABANDON_LATE: 1.5,
        Program.AGENT_HANGS_UP: 4,
        Program.RING_OUT: 1.5,
        Program.REJECT: 3,
        Program.UNREACHABLE: 1,
        Program.QUEUE_TIMEOUT: 1,
        Program.SYSTEM_HANGUP: 0.5,
        Program.DIALLED_BY_HAND: 2,
        Program.CLICK_TO_DIAL: 2,
        Program.DIRECT: 3,
    }
)


@dataclass(frozen=True)
class QueueSpec:
    """One queue. `share` weighs its part of the seats; `ringall` has and rings at most four.

    Callers come in proportion to the members.
    """

    name: str
    exten: str
    strategy: str = "leastrecent"
    share: float = 1.0
    ring_timeout_s: float = 25.0
    retry_s: float = 5.0
    wrapup_s: float = 3.0
    max_wait_s: float = 60.0


DEFAULT_QUEUES: Final = (
    QueueSpec("hotline", "12345", share=6),
    QueueSpec("complaints", "12346", share=2.5),
    QueueSpec("sales", "12347", strategy="ringall", share=1),
)


@dataclass(frozen=True)
class SimConfig:
    """Parameters of a simulated PBX.

    `calls_per_s` None means a rate that keeps about 60 % of the seats busy. `talk_scale` stretches
    talk times (1.0: 8 to 45 s, so that a board moves); rings and holds keep their real lengths,
    because the service rules count in seconds. `break_every_s` is the mean time between two things
    that a seat does besides calls (pause, logout, person change); 0 switches them off. `opening`
    begins with a fixed set of telling calls in the first second. `dialplan` adds the events of
    that class. `wait_for_login` starts the traffic at the first successful login. `manned` are
    seats (devices) of people: in no queue until somebody signs in there, and their phones do what
    `SimulatedPbx.phone` is told. `offices` are phones beside the seats (devices), for supervisors:
    they take what they are rung for. `recordings`: queue calls are recorded, into this folder.
    """

    seats: int = 12
    queues: tuple[QueueSpec, ...] = DEFAULT_QUEUES
    calls_per_s: float | None = None
    seed: int = 1
    talk_scale: float = 1.0
    mix: Mapping[Program, float] = field(default_factory=lambda: DEFAULT_MIX)
    break_every_s: float = 180.0
    opening: bool = True
    dialplan: bool = False
    first_seat: int = 1001
    username: str = "agentd"
    secret: str = "simulated"  # noqa: S105  not a secret: it guards nothing but this simulator
    wait_for_login: bool = True
    manned: frozenset[str] = frozenset()
    offices: tuple[str, ...] = ()
    recordings: Path | None = None
    port: int = 0

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.seats <= 8000:
            problems.append(f"seats is {self.seats}; it must be 1 to 8000")
        if not self.queues:
            problems.append("queues is empty; at least one queue is needed")
        if self.calls_per_s is not None and self.calls_per_s < 0:
            problems.append(f"calls_per_s is {self.calls_per_s}; it must not be negative")
        if self.talk_scale <= 0:
            problems.append(f"talk_scale is {self.talk_scale}; it must be greater than 0")
        if not any(weight > 0 for weight in self.mix.values()):
            problems.append("mix has no program with a weight above 0")
        played = {f"PJSIP/{self.first_seat + n}" for n in range(self.seats)}
        if self.manned - played:
            problems.append(f"manned names {min(self.manned - played)}; there is no such seat")
        elif self.manned == played:
            problems.append("manned names every seat; at least one must be the simulator's")
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def rate(self) -> float:
        """Calls per second that will be played."""
        if self.calls_per_s is not None:
            return self.calls_per_s
        return self.seats * 0.6 / (8.0 + 28.0 * self.talk_scale)
