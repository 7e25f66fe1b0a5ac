"""The numbers behind the rules, as plain values. Every number is configuration.

Durations are seconds as the admin writes them (``*_s``); the engine turns them into microseconds
once. Defaults and their sources are those of the service rules: [seed] asked for by the call
centres' own documents, [std] a public standard, [ours] our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from agentd.core.phone import NumberRules


class Policy(Struct, frozen=True):
    """Everything that judges one leg: resolved per queue and seat group by :class:`PolicyBook`."""

    ring_cycle_s: float = 5.0
    """One full ringing cycle; China and Germany 1 s on, 4 s off (indications.conf, ITU)."""
    ring_on_s: float = 1.0
    ring_max: int = 2
    """Rings within which the call is answered [seed: two]."""
    ring_basis: Literal["before_next_ring", "end_of_ring"] = "before_next_ring"
    charge_ringall_losers: bool = False
    """Charge a seat that rang past the limit when another seat took the call after all."""

    hold_warn_s: float = 20.0
    hold_max_s: float = 30.0
    hold_escalate_s: float = 60.0
    hold_sum_max_s: float | None = None
    """Limit of all holds of one leg together; off by default."""
    consult_warn_s: float = 30.0
    consult_max_s: float | None = None
    """Off by default: consulting before a transfer charges nobody."""

    agent_may_end: bool = False
    """The agent may end the call (a hand-over to a satisfaction survey): R3 is not judged."""

    order_due_s: float = 900.0
    order_remind_s: tuple[float, ...] = (600.0, 780.0)
    """Reminders, after the last seat left the call."""
    missed_order_due_s: float = 900.0
    outbound_opens_order: bool = False
    order_callback_grace_s: float = 120.0
    """After a call-back that was begun in time and lasted past the limit: how long until the order
    is due [ours]."""

    wrap_up_s: float = 30.0
    service_level_s: float = 15.0
    """T of SL(T) [std GB/T 33358-2016]."""
    short_abandon_s: float = 5.0
    wait_warn_s: float = 15.0
    wait_max_s: float = 60.0
    """Colours of a waiting caller on the queue's card; nobody is charged."""

    @property
    def ring_limit_s(self) -> float:
        """Seconds of ringing after which R1 is broken."""
        if self.ring_basis == "before_next_ring":
            return self.ring_max * self.ring_cycle_s
        return (self.ring_max - 1) * self.ring_cycle_s + self.ring_on_s

    @property
    def ring_warn_s(self) -> float:
        """Seconds of ringing at which the last permitted ring starts."""
        return (self.ring_max - 1) * self.ring_cycle_s


class SeatConfig(Struct, frozen=True):
    """A seat that the site named, grouped or added (``config/seats.toml``)."""

    device: str
    label: str | None = None
    group: str | None = None
    place: int | None = None
    """Its fixed place on the board, ascending."""
    agent: str | None = None
    """Who sits there when the queue gives no member name."""
    queueless: bool = False
    """Takes direct calls only: signed in although no queue lists it."""


class PolicyBook(Struct, frozen=True):
    """All policies of one PBX: defaults, then the seat group's, then the queue's changes."""

    default: Policy = Policy()
    groups: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    queues: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    queue_labels: Mapping[str, str] = field(default_factory=dict)
    seats: tuple[SeatConfig, ...] = ()
    internal_devices: tuple[str, ...] = ()
    """fnmatch patterns of phones that are colleagues although no queue lists them."""
    numbers: NumberRules = NumberRules()
    """How telephone numbers are written here."""
    day_starts_s: int = 57_600
    """When the day of the counters begins, in seconds after midnight UTC: 00:00 in China."""
    settle_s: float = 2.0
    """How long a verdict waits for its evidence, in PBX time."""
    event_lag_s: float = 0.05
    """How far the watermark stays behind the PBX."""

    def resolve(self, queue: str | None, group: str | None) -> Policy:
        """The policy for a leg offered by ``queue`` to a seat of ``group`` (either may be None)."""
        changes: dict[str, object] = {}
        if group is not None:
            changes.update(self.groups.get(group, {}))
        if queue is not None:
            changes.update(self.queues.get(queue, {}))
        return replace(self.default, **changes) if changes else self.default
