"""The windows of time that figures are given for, and what a site settles for its metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from msgspec import Struct, field

from agentd.core.effects import Rule
from agentd.core.queues import DAY_US, day_start_us

US: Final = 1_000_000
MINUTE_US: Final = 60 * US
HALF_HOUR_US: Final = 30 * MINUTE_US
QUARTER_US: Final = 15 * MINUTE_US

WindowName = Literal[
    "last_30_min",
    "shift",
    "today",
    "last_30_min@yesterday",
    "shift@yesterday",
    "today@yesterday",
    "last_30_min@last_week",
    "shift@last_week",
    "today@last_week",
]
WINDOWS: Final[tuple[WindowName, ...]] = get_args(WindowName)
_BACK_US: Final = {"": 0, "yesterday": DAY_US, "last_week": 7 * DAY_US}

PauseKind = Literal["rest", "work", "training"]


class DailyShift(Struct, frozen=True):
    """A shift that begins every day ``starts_s`` seconds after midnight UTC and lasts ``lasts_s``.

    It may reach over midnight, and over the start of the day; shifts may overlap, and a split shift
    (两头班) is two of them."""

    starts_s: int
    lasts_s: int


class MetricBook(Struct, frozen=True):
    """What a site settles for its metrics."""

    day_starts_s: int = 57_600
    """When the day begins, in seconds after midnight UTC (as ``PolicyBook.day_starts_s``)."""
    shifts: tuple[DailyShift, ...] = ()
    """None: a shift is the whole day."""
    pauses: Mapping[str, PauseKind] = field(default_factory=dict)
    """The classes of the pause reasons, by what the queue reports; others are rest."""
    rules: tuple[Rule, ...] = ("ring", "hold", "park", "hangup_order", "work_order")
    """Whose compliance is shown; ``hold_sum`` and ``consult`` where their limits are on."""
    complaint: str = "complaint"
    """The key of the complaint category."""
    fcr_days: int = 7
    keep_days: int = 9
    """How long facts are kept; 9 reaches over every window."""


class Window(Struct, frozen=True):
    """From ``from_us`` on, before ``to_us``, in PBX time."""

    from_us: int
    to_us: int


def shift_at(book: MetricBook, now_us: int) -> Window:
    """The shift that began last before ``now_us``, up to there or to its end."""
    if not book.shifts:
        return Window(day_start_us(now_us, book.day_starts_s), now_us)
    shift, from_us = max(
        ((shift, day_start_us(now_us, shift.starts_s)) for shift in book.shifts),
        key=lambda begun: begun[1],
    )
    return Window(from_us, min(now_us, from_us + shift.lasts_s * US))


def windows_at(book: MetricBook, now_us: int) -> dict[WindowName, Window]:
    """Every window as it is at ``now_us``. Those ``@yesterday`` and ``@last_week`` are the same
    ones a day and seven days before, up to the same time of day."""
    shift = shift_at(book, now_us)
    today_us = day_start_us(now_us, book.day_starts_s)
    now = {
        "last_30_min": Window(now_us - HALF_HOUR_US, now_us),
        "shift": shift,
        "today": Window(today_us, now_us),
    }
    found: dict[WindowName, Window] = {}
    for name in WINDOWS:
        base, _, when = name.partition("@")
        window, back_us = now[base], _BACK_US[when]
        found[name] = Window(window.from_us - back_us, window.to_us - back_us)
    return found
