"""What the simulated phones really did, in the vocabulary of `agentd replay`.

Times are seconds since the epoch on the simulated PBX's clock, durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal[
    "answered",
    "unreachable",
    "answered_elsewhere",
    "caller_gave_up",
    "rejected",
    "queue_gave_up",
    "no_answer",
    "failed",
]
EndedBy = Literal["transfer", "supervisor", "system", "caller", "agent"]
Direction = Literal["inbound", "outbound", "internal"]
CallOutcome = Literal["answered", "abandoned", "queue_gave_up", "failed"]


@dataclass(frozen=True)
class HoldTruth:
    """One spell in which the customer waited: `kind` is `hold` or `consult`."""

    kind: Literal["hold", "consult"]
    at: float
    seconds: float


@dataclass(frozen=True)
class LegTruth:
    """One seat's part of one call."""

    call: str
    leg: str
    seat: str
    agent: str
    queue: str | None
    direction: Direction
    caller: str
    program: str
    offered_at: float
    ringing_at: float | None
    answered_at: float | None
    ended_at: float
    ring_s: float | None
    talk_s: float | None
    holds: tuple[HoldTruth, ...]
    outcome: Outcome
    ended_by: EndedBy | None


@dataclass(frozen=True)
class CallTruth:
    """One customer's call through a queue; `wait_s` is from joining to answer or to leaving."""

    call: str
    queue: str
    caller: str
    program: str
    started_at: float
    ended_at: float
    wait_s: float
    outcome: CallOutcome


@dataclass
class Truth:
    """Everything that is over, in the order in which it ended."""

    legs: list[LegTruth] = field(default_factory=list)
    calls: list[CallTruth] = field(default_factory=list)
