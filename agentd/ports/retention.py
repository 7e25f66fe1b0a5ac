"""How long history is kept, and what must be kept longer.

Times are microseconds since the epoch, our time.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

PurgeKind = Literal[
    "calls",
    "legs",
    "alerts",
    "spans",
    "intervals",
    "violations",
    "evidence",
    "messages",
    "audit",
    "numbers",
]
"""``calls``: with their stays in queues; ``legs``: with their wrap-ups; ``spans``: states of seats
and of links; ``violations``: with their appeals; ``evidence``: the AMI events of legs and
violations, which stay; ``messages``: to people's desks, read or not; ``numbers``: callers'
numbers, masked where they stand."""


class RetentionPolicy(Struct, frozen=True, kw_only=True):
    """How many days each kind is kept; None: for ever. Work orders and recordings always are."""

    calls_days: int | None = None
    legs_days: int | None = None
    alerts_days: int | None = None
    spans_days: int | None = None
    intervals_days: int | None = None
    violations_days: int | None = None
    evidence_days: int | None = None
    messages_days: int | None = None
    audit_days: int | None = None
    mask_numbers_days: int | None = None

    def days(self, kind: PurgeKind) -> int | None:
        """How many days ``kind`` is kept."""
        name = "mask_numbers_days" if kind == "numbers" else f"{kind}_days"
        days: int | None = getattr(self, name)
        return days


class Purged(Struct, frozen=True):
    """One kind of one run: a line of the purge log."""

    run: str
    """Id of the run."""
    at_us: int
    kind: PurgeKind
    before_us: int
    """What was older than this."""
    rows: int
    """Removed (of ``evidence`` and ``numbers``: emptied, masked)."""
    held: int
    """Calls (of ``violations`` and ``messages``: those) as old that a legal hold keeps."""
    by: str
    """``policy``, or a login."""


HoldKind = Literal["call", "order", "person", "number"]


class LegalHold(Struct, frozen=True):
    """What must be kept whatever the policy says, until somebody lifts it.

    ``target``: a call's Uniqueid (with its ``pbx``), an order's id, a login, a number in normal
    form. ``names``: of a person, the names under which calls are theirs.
    """

    id: str
    kind: HoldKind
    target: str
    why: str
    by: str
    at_us: int
    pbx: str | None = None
    names: tuple[str, ...] = ()
    lifted_by: str | None = None
    lifted_us: int | None = None
    lifted_why: str = ""
