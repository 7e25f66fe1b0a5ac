"""The seam of history: what was, as the store kept it.

Everything that the engine says of the past is a fact: figures are restored from facts, pages show
them. Times are microseconds since the epoch in PBX time, durations microseconds; who did what to
the history itself (acknowledgements, holds, purges, settings) is in our time.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from agentd.core.effects import (
    Alert,
    CallEnded,
    Direction,
    Judged,
    LegEnded,
    LinkSpan,
    OrderChanged,
    OrderContact,
    SeatChanged,
    SeatState,
    Violation,
    VisitEnded,
    WrapUpEnded,
)
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import JudgedViolation, Recording
from agentd.ports.retention import LegalHold, Purged, RetentionPolicy

# --- facts -----------------------------------------------------------------------------------


Fact = (
    LegEnded
    | CallEnded
    | VisitEnded
    | WrapUpEnded
    | SeatChanged
    | LinkSpan
    | Violation
    | Alert
    | OrderChanged
    | Judged
)


class Gap(Struct, frozen=True):
    """Nothing was heard of a PBX from then until then (None: up to now)."""

    pbx: str
    from_us: int
    to_us: int | None


# --- calls -----------------------------------------------------------------------------------


class CallSearch(Struct, frozen=True):
    """Which calls; every field narrows. ``queues``/``teams``: a reader's scope, () all."""

    number: str | None = None
    """The caller's, as somebody writes it; compared in its normal form."""
    queue: str | None = None
    """Waited in, or answered for."""
    pbx: str | None = None
    seat: str | None = None
    agents: tuple[str, ...] = ()
    """Any of the names that a person has (login, name, member names)."""
    direction: Direction | None = None
    outcome: str | None = None
    rule: str | None = None
    """That was broken in it, excused or not; ``any`` for whichever."""
    from_us: int | None = None
    """Ended then or later."""
    to_us: int | None = None
    """Ended before."""
    wait_min_us: int | None = None
    talk_min_us: int | None = None
    hold_min_us: int | None = None
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    cursor: str | None = None
    limit: int = 50


class CallFound(Struct, frozen=True):
    """One call of a list. ``talk_us``, ``hold_us``: of all its legs together.

    Calls that a seat made are here too; their ``caller`` is the number that was dialled."""

    call: CallEnded
    direction: Direction
    legs: tuple[LegEnded, ...]
    """The earliest first; without their evidence, which is the story's."""
    talk_us: int
    hold_us: int
    rules: tuple[str, ...]
    """Broken in it, excused or not."""
    order: str | None
    recordings: int


class CallsPage(Struct, frozen=True):
    """The latest end first."""

    items: tuple[CallFound, ...]
    next_cursor: str | None


class AlertNote(Struct, frozen=True):
    """What somebody said to an alert; the first one acknowledges it."""

    at_us: int
    by: str
    """Login."""
    note: str


class NotedAlert(Struct, frozen=True):
    """An alert of the store. ``id``: :func:`alert_id`."""

    id: str
    alert: Alert
    team: str | None
    """Of its seat, as it was when the alert was stored."""
    notes: tuple[AlertNote, ...]
    """The oldest first; empty: nobody has acknowledged it."""


class CallStory(Struct, frozen=True):
    """Everything that is kept of one call. Parts that retention removed are empty."""

    pbx: str
    id: str
    """The call's Uniqueid."""
    call: CallEnded | None
    """None while it goes on, or where only its parts are kept."""
    visits: tuple[VisitEnded, ...]
    legs: tuple[LegEnded, ...]
    """With their holds and the AMI events that prove them (``evidence``)."""
    wrap_ups: tuple[WrapUpEnded, ...]
    alerts: tuple[NotedAlert, ...]
    violations: tuple[JudgedViolation, ...]
    """Excused ones too, with their appeals."""
    contacts: tuple[OrderContact, ...]
    """Of this call with orders of others, and of others with this call's order."""
    order: str | None
    recordings: tuple[Recording, ...]
    gaps: tuple[Gap, ...]
    """In which some of it was not heard."""
    scope: tuple[tuple[str | None, str | None], ...]
    """(queue, team) of its legs, as they were then, or of its stays where no seat had a part: who
    may read it is judged by these."""
    held: bool
    """A legal hold keeps it from being purged and masked."""


# --- spans and days --------------------------------------------------------------------------


class SeatSpan(Struct, frozen=True):
    """A seat was in one state from then until then. ``state`` None: not heard (a gap)."""

    pbx: str
    seat: str
    agent: str | None
    state: SeatState | None
    pause_reason: str | None
    queues: tuple[str, ...]
    from_us: int
    to_us: int | None
    """None: it goes on, as far as is known."""


class Quarter(Struct, frozen=True):
    """Stays in a queue that began within one quarter of an hour, counted from their rows."""

    at_us: int
    offered: int
    answered: int
    within_limit: int
    """Answered within the service level's T as it was then."""
    abandoned: int
    short_abandons: int
    """Of the abandoned."""
    let_go: int
    moved: int
    unknown: int
    """Gone while nothing was heard."""
    wait_us: int
    """Of the answered together."""
    longest_us: int
    """The longest stay, whatever its end."""
    estimated: int
    gap: bool
    """The PBX was not heard during some of it, or one of its stays says so."""


class QueueDay(Struct, frozen=True):
    """A queue's day: its quarters in order, those without a stay left out."""

    queue: str
    from_us: int
    to_us: int
    quarters: tuple[Quarter, ...]
    gaps: tuple[Gap, ...]


class VisitSearch(Struct, frozen=True):
    """Which stays in queues; every field narrows. ``queues``: a reader's scope, () all."""

    queue: str | None = None
    pbx: str | None = None
    outcome: str | None = None
    from_us: int | None = None
    """Joined then or later."""
    to_us: int | None = None
    """Joined before."""
    queues: tuple[str, ...] = ()
    cursor: str | None = None
    limit: int = 50


class VisitsPage(Struct, frozen=True):
    """The latest to join first."""

    items: tuple[VisitEnded, ...]
    next_cursor: str | None


# --- alerts ----------------------------------------------------------------------------------


class AlertSearch(Struct, frozen=True):
    """Which alerts; every field narrows. ``queues``/``teams``: a reader's scope, () all."""

    pbx: str | None = None
    level: str | None = None
    rule: str | None = None
    seat: str | None = None
    queue: str | None = None
    call: str | None = None
    agents: tuple[str, ...] = ()
    acknowledged: bool | None = None
    from_us: int | None = None
    to_us: int | None = None
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    cursor: str | None = None
    limit: int = 50


class AlertsPage(Struct, frozen=True):
    """The latest first; an alert's ``cleared`` is no item of its own."""

    items: tuple[NotedAlert, ...]
    next_cursor: str | None


class AlertLoad(Struct, frozen=True):
    """How many alerts a seat had (warnings, breaches, escalations)."""

    pbx: str
    seat: str | None
    queue: str | None
    level: str
    rule: str
    count: int


def alert_id(alert: Alert) -> str:
    """The id of an alert: always the same for the same one, live and stored (32 hex digits)."""
    parts = (alert.pbx, alert.spell, alert.level, str(alert.at_us), alert.rule)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


# --- intervals and settings ------------------------------------------------------------------


class IntervalRow(Struct, frozen=True):
    """The named sums (core.metrics) of one scope over one interval of 15 minutes."""

    kind: str
    """``site``, ``queue``, ``seat``, ``person``, ``team``."""
    name: str
    at_us: int
    """When the interval begins."""
    sums: Mapping[str, int]
    gap: bool = False


class BoardSetting(Struct, frozen=True):
    """What people set for the board (thresholds, surge levels, a floor plan), as JSON types."""

    key: str
    value: Any
    version: int
    by: str
    """Login."""
    at_us: int


# --- the store -------------------------------------------------------------------------------


class HistoryStore(Protocol):
    """History in the database. Every change is one transaction of the one writer, committed when
    the call returns; reading happens beside it. Raises ``StoreError`` with plain words when the
    disk refuses, and :class:`agentd.errors.Refused` for a cursor that is none."""

    # facts
    def facts(
        self, from_us: int, to_us: int, pbx: str | None = None
    ) -> AsyncIterator[Sequence[Fact]]:
        """What counts within this time, in pieces, in the order of the moment at which it counts:
        stays when the caller joined; legs, their wrap-ups and violations when the leg ended (a
        violation without one, or whose leg is not over: at its own time), orders when they were
        opened (one fact each, as it stands). A :class:`Judged` follows its violation.

        The first piece begins with what held when the time began: the latest SeatChanged of every
        seat and LinkSpan of every PBX. Where the daemon was not there, a LinkSpan says ``up``
        False at the last moment that was heard."""
        ...

    async def heard(self, heard_us: Mapping[str, int]) -> None:
        """Each of these PBXs (its link is up) was heard up to then: a gap does not begin before."""
        ...

    async def gaps(self, from_us: int, to_us: int, pbx: str | None = None) -> Sequence[Gap]:
        """When nothing was heard, the earliest first; touching the time, not cut to it."""
        ...

    async def unheard(self, from_us: int, to_us: int, pbx: str | None = None) -> Sequence[Gap]:
        """The gaps, and what lies before the first that was heard of each PBX, as a gap that begins
        with the time asked for."""
        ...

    # calls
    async def list_older_calls(self) -> None:
        """Have the calls found that an older agentd stored: once after the start, beside
        everything else."""
        ...

    async def search_calls(self, query: CallSearch) -> CallsPage: ...
    async def calls_named(self, wanted: Sequence[tuple[str, str]]) -> Sequence[CallFound]:
        """The calls of these (pbx, call), in this order; unknown ones are left out."""
        ...

    async def call_story(self, pbx: str, call: str) -> CallStory | None: ...

    # spans and days
    async def seat_spans(self, pbx: str, seat: str, from_us: int, to_us: int) -> Sequence[SeatSpan]:
        """In order, cut to the time, gaps among them."""
        ...

    async def person_spans(
        self, agents: Sequence[str], from_us: int, to_us: int
    ) -> Sequence[SeatSpan]:
        """Where somebody of these names was, in order, cut to the time, gaps among them."""
        ...

    async def queue_day(
        self, queue: str, from_us: int, to_us: int, pbx: str | None = None
    ) -> QueueDay: ...
    async def visits(self, query: VisitSearch) -> VisitsPage: ...

    # alerts
    async def search_alerts(self, query: AlertSearch) -> AlertsPage: ...
    async def stored_alert(self, alert: str) -> NotedAlert | None:
        """The alert with this id (:func:`alert_id`)."""
        ...

    async def note_alert(self, alert: str, by: str, at_us: int, note: str = "") -> NotedAlert:
        """Acknowledge it, or say more; what was said stays. Refused (``not_found``) where there is
        none; one that was submitted before is found."""
        ...

    async def alert_load(self, from_us: int, to_us: int) -> Sequence[AlertLoad]: ...

    # intervals and settings
    async def put_intervals(self, rows: Sequence[IntervalRow]) -> None:
        """Add them, or replace those of the same scope and time."""
        ...

    async def intervals(
        self, kind: str, name: str | None, from_us: int, to_us: int
    ) -> Sequence[IntervalRow]:
        """By time, then name; ``name`` None: every scope of the kind."""
        ...

    async def setting(self, key: str) -> BoardSetting | None: ...
    async def settings(self) -> Sequence[BoardSetting]:
        """The newest version of each, by key."""
        ...

    async def put_setting(
        self, key: str, value: Any, expected: int | None, by: str, at_us: int
    ) -> BoardSetting:
        """A new version of it; older ones are kept. Refused (``conflict``) unless ``expected`` is
        its version (0: there is none yet; None: whatever it is)."""
        ...

    # retention
    async def put_hold(self, hold: LegalHold, audit: AuditEntry) -> None:
        """Add it, or replace the one with its id (lifted), with its line in the audit log."""
        ...

    async def holds(self, *, open_only: bool = False) -> Sequence[LegalHold]:
        """The newest first."""
        ...

    async def retain(
        self, policy: RetentionPolicy, now_us: int, *, by: str = "policy", dry: bool = False
    ) -> Sequence[Purged]:
        """Remove what is too old, in small transactions, each with its line in the purge log;
        alerts never wait for more than one. What is under a legal hold stays whole. ``dry``: only
        count. Kinds of which nothing was (or would be) removed or held are left out."""
        ...

    async def retained_us(self) -> int | None:
        """When :meth:`retain` was last done, whole."""
        ...

    async def purges(self, limit: int = 100, before_us: int | None = None) -> Sequence[Purged]:
        """The purge log, the newest first."""
        ...
