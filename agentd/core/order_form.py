"""The form of a work order: categories, key fields, and what "complete" means, as configuration.

Labels are pairs (zh, en). ``config/orders.toml`` is read into these; rule R4 in the product rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from agentd.core.phone import NumberRules

FieldKind = Literal["text", "choice", "place", "phone", "date"]
Label = tuple[str, str]


class FieldSpec(Struct, frozen=True):
    """One key field of a category."""

    key: str
    label: Label
    kind: FieldKind = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    max_chars: int = 500
    in_title: bool = False
    """Part of the composed title, in the order of the fields (place, then event)."""


class CategorySpec(Struct, frozen=True):
    """One category, and where its orders go on completion."""

    key: str
    label: Label
    hotkey: str = ""
    fields: tuple[FieldSpec, ...] = ()
    needs_reply: bool = False
    """Reply mode and content belong to completeness (consult)."""
    forward: bool = False
    """To the shift leader on completion (complaint, help)."""
    owner: str = ""
    """Login that is told on completion (suggestions)."""
    director: str = ""
    """Login of the director, for enquiries about the centre itself."""


class Unit(Struct, frozen=True):
    """A responsible unit (承办单位)."""

    key: str
    label: Label
    contact: str = ""
    phone: str = ""
    due_days: int = 5
    """Working days an order may take there."""


class PauseReason(Struct, frozen=True):
    """Why a seat is not ready; the class decides how the time counts."""

    key: str
    label: Label
    kind: Literal["rest", "work", "training"] = "rest"


class WorkCalendar(Struct, frozen=True):
    """Which days are working days."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    holidays: frozenset[str] = frozenset()
    """ISO dates that are free although a weekday."""
    extra_days: frozenset[str] = frozenset()
    """ISO dates that are worked although a weekend (调休)."""
    day_ends_s: int = 17 * 3600 + 1800
    """A due date falls at this local time."""
    utc_offset_s: int = 8 * 3600


class FormBook(Struct, frozen=True):
    """Everything that the life of a work order is judged by."""

    categories: tuple[CategorySpec, ...]
    queues: Mapping[str, tuple[CategorySpec, ...]] = field(default_factory=dict)
    """A queue's own categories replace those above, by key."""
    units: tuple[Unit, ...] = ()
    pauses: tuple[PauseReason, ...] = ()
    calendar: WorkCalendar = WorkCalendar()
    numbers: NumberRules = NumberRules()
    pre_approved: frozenset[str] = frozenset()
    """R3 exceptions that nobody needs to confirm."""
    appeal_days: int = 7
    """Within so many days a violation can be appealed."""
    urgent_repeat_s: int = 60
    urgent_deputy_after: int = 3
    """After so many unanswered calls to the leader the deputy is told as well."""
    dispatch_remind_s: tuple[int, ...] = (86_400, 3_600)
    """Before the dispatched order is due."""
    promise_warn_s: int = 600
    call_back_within_s: int = 900
    call_back_report_s: int = 600
    """How long after that a missing call-back is reported: one that began in time is known to us
    only when it has ended."""
    external: bool = False
    """The city's platform holds the form: completion by API, only the number is required."""
    teams: tuple[str, ...] = ()

    def category(self, key: str | None, queue: str | None) -> CategorySpec | None:
        """The category ``key`` as ``queue`` has it."""
        return next((c for c in self.offered(queue) if c.key == key), None)

    def offered(self, queue: str | None) -> tuple[CategorySpec, ...]:
        """The categories that an order of ``queue`` can have."""
        own = {c.key: c for c in self.queues.get(queue or "", ())}
        known = {c.key for c in self.categories}
        return (
            *(own.get(c.key, c) for c in self.categories),
            *(c for key, c in own.items() if key not in known),
        )

    def unit(self, key: str) -> Unit | None:
        """The unit ``key``."""
        return next((unit for unit in self.units if unit.key == key), None)
