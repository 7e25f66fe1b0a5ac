"""A seat: one phone, the queues that it serves, and what it does now.

A seat's state is not a variable that events push around; it is read off from facts, the first row
of :data:`STATES` whose fact holds. So no order of events can leave a seat in a state that its calls
do not justify. The diagram in ``docs/states.md`` is generated from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from agentd.core.calls import Leg
from agentd.core.effects import SeatState
from agentd.core.policy import SeatConfig

_UNREACHABLE_STATUS = (4, 5)
"""AST_DEVICE_INVALID and AST_DEVICE_UNAVAILABLE in a member's Status."""
_UNREACHABLE_STATE = ("UNAVAILABLE", "INVALID")


class Membership(Struct):
    """A seat's place in one queue."""

    interface: str
    member: str | None
    paused: bool
    reason: str
    since_us: int


class Seat(Struct):
    """One phone. ``legs`` are the Uniqueids of its open legs: a seat can hold several."""

    device: str
    config: SeatConfig
    person: str | None = None
    """Login of who is signed in here."""
    name: str | None = None
    """That person's name."""
    member: str | None = None
    """The name that the queues give their member here."""
    queues: dict[str, Membership] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    unreachable: bool = False
    unreachable_us: int | None = None
    wrap_until_us: int | None = None
    wrap_order: str | None = None
    last_call_s: int = 0
    state: SeatState | None = None
    since_us: int = 0
    shown: tuple[object, ...] = ()
    """What was announced last: state, agent, queues, pause reason."""

    @property
    def group(self) -> str | None:
        return self.config.group

    @property
    def agent(self) -> str | None:
        """Whose calls and orders these are: who signed in, else the queue's member, else whom the
        site named."""
        return self.person or self.member or self.config.agent

    @property
    def shown_agent(self) -> str | None:
        """The name that people see."""
        return self.name if self.person is not None else self.agent

    @property
    def paused(self) -> bool:
        """Paused in all of its queues."""
        return bool(self.queues) and all(m.paused for m in self.queues.values())

    @property
    def pause_reason(self) -> str | None:
        if not self.paused:
            return None
        return next((m.reason for m in self.queues.values() if m.reason), None)

    def set_status(self, status: int, now_us: int) -> bool:
        """Take the device state that a queue reports of the phone; True when that changed it."""
        return self._reachable(status not in _UNREACHABLE_STATUS, now_us)

    def set_device_state(self, state: str, now_us: int) -> bool:
        """Take the phone's own device state; True when that changed whether it is reachable."""
        return self._reachable(state not in _UNREACHABLE_STATE, now_us)

    def _reachable(self, reachable: bool, now_us: int) -> bool:
        if self.unreachable != reachable:
            return False
        self.unreachable = not reachable
        if self.unreachable:
            self.unreachable_us = now_us
        return True

    def read_state(self, now_us: int) -> SeatState:
        """The first state of :data:`STATES` whose fact holds."""
        return next(row.state for row in STATES if row.holds(self, now_us))


class StateRow(Struct, frozen=True):
    """One state: the fact that makes it, and the events that begin and end it."""

    state: SeatState
    holds: Callable[[Seat, int], bool]
    fact: str
    begins: str
    ends: str


def _logged_out(seat: Seat, now_us: int) -> bool:
    return not seat.queues and not seat.config.queueless


def _holding(seat: Seat, now_us: int) -> bool:
    return any(leg.spell is not None and leg.ended_us is None for leg in seat.legs.values())


def _talking(seat: Seat, now_us: int) -> bool:
    return any(
        leg.ended_us is None
        and (
            leg.answered_us is not None
            or leg.found
            or (leg.direction == "outbound" and leg.far is not None)
        )
        for leg in seat.legs.values()
    )


def _ringing(seat: Seat, now_us: int) -> bool:
    return any(
        leg.ended_us is None and leg.ringing_us is not None and leg.answered_us is None
        for leg in seat.legs.values()
    )


def _offered(seat: Seat, now_us: int) -> bool:
    return any(leg.ended_us is None and leg.answered_us is None for leg in seat.legs.values())


def _unreachable(seat: Seat, now_us: int) -> bool:
    return seat.unreachable


def _paused(seat: Seat, now_us: int) -> bool:
    return seat.paused


def _wrap_up(seat: Seat, now_us: int) -> bool:
    return seat.wrap_until_us is not None and now_us < seat.wrap_until_us


STATES: tuple[StateRow, ...] = (
    StateRow("logged_out", _logged_out, "in no queue", "QueueMemberRemoved", "QueueMemberAdded"),
    StateRow(
        "holding",
        _holding,
        "a customer waits: hold, consultation or parking",
        "Hold, consultation, ParkedCall",
        "Unhold, transfer, end of the leg",
    ),
    StateRow(
        "talking",
        _talking,
        "an answered leg, or a call dialled out",
        "DialEnd ANSWER, DialBegin outward",
        "end of the leg",
    ),
    StateRow(
        "ringing",
        _ringing,
        "the phone rings",
        "DialState RINGING, Newstate Ringing",
        "answer, end of the offer",
    ),
    StateRow(
        "offered",
        _offered,
        "a call is offered and the phone does not ring yet",
        "AgentCalled, DialBegin",
        "ringing, end of the offer",
    ),
    StateRow(
        "unreachable",
        _unreachable,
        "the phone is off the network",
        "device UNAVAILABLE or INVALID",
        "any other device state",
    ),
    StateRow(
        "paused",
        _paused,
        "paused in all of its queues",
        "QueueMemberPause",
        "QueueMemberPause in one queue",
    ),
    StateRow(
        "wrap_up",
        _wrap_up,
        "after a customer's call, until its order is complete or the time is over",
        "end of the leg",
        "wrap_up_s, order completed, next call",
    ),
    StateRow("available", lambda seat, now_us: True, "none of these", "", ""),
)


def state_diagram() -> str:
    """The table as a Mermaid state diagram: every state against ``available``, from which and to
    which the next fact that still holds leads."""
    lines = ["stateDiagram-v2", "    [*] --> logged_out"]
    for row in STATES[:-1]:
        lines.append(f"    available --> {row.state}: {row.begins}")
        lines.append(f"    {row.state} --> available: {row.ends}")
    return "\n".join(lines)


def state_table() -> str:
    """The table as Markdown, in order of precedence."""
    lines = [
        "| precedence | state | holds while | begins with | ends with |",
        "|---|---|---|---|---|",
    ]
    for n, row in enumerate(STATES, 1):
        lines.append(f"| {n} | `{row.state}` | {row.fact} | {row.begins} | {row.ends} |")
    return "\n".join(lines)


def configured(devices: Mapping[str, SeatConfig], device: str) -> SeatConfig:
    """What the site says of ``device``; an empty entry where it says nothing."""
    return devices.get(device) or SeatConfig(device)
