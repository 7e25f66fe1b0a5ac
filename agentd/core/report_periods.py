"""The periods that reports are made for: shifts, days, months, and spans of whole days. Pure.

Days are shift days: the day D begins at the site's ``day_starts_at`` on the local date D, and a
shift of the day D is the first one that begins then or later. A split shift (两头班) is several
spells of one day; what lies between them is not in the report.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from agentd.core.metric_windows import US, DailyShift, MetricBook
from agentd.core.order_form import Label
from agentd.core.queues import DAY_US, day_start_us

PeriodKind = Literal["shift", "day", "month", "span"]
Step = Literal["hour", "day", "month"]
Span = tuple[int, int]
"""From, and up to but without: microseconds of PBX time."""

HOUR_US: Final = 3_600 * US
SPAN_MAX_DAYS: Final = 400
_BY_MONTH_DAYS: Final = 62
"""A longer time is broken down by months."""
_DAY_S: Final = 86_400
_EPOCH: Final = dt.date(1970, 1, 1)
_FIRST: Final = dt.date(1990, 1, 1)
_LAST: Final = dt.date(2099, 12, 31)
_DATE: Final = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?", re.ASCII)
_HOURS: Final = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})", re.ASCII)
_BETWEEN: Final = re.compile(r"[+,\s]+")


class PeriodAsk(Struct, frozen=True):
    """What somebody asks for. ``at``: a date (of a month its first seven characters do); without
    it the last period that is over. ``shift``: hours as 08:00-16:00, a split shift's with + between
    them. ``first`` and ``last``: of a span, both within it."""

    kind: PeriodKind
    at: str | None = None
    shift: str | None = None
    first: str | None = None
    last: str | None = None


class PeriodProblem(Struct, frozen=True):
    """Why there is no such period: the field that is wrong, and (zh, en)."""

    field: str
    text: Label


class Period(Struct, frozen=True):
    """A period. ``spells`` in order; ``first`` and ``last`` are its dates; ``hours``: of a shift,
    as they are written. ``unfinished``: it goes on, and ends here for now."""

    kind: PeriodKind
    first: dt.date
    last: dt.date
    spells: tuple[Span, ...]
    hours: str = ""
    unfinished: bool = False

    @property
    def from_us(self) -> int:
        return self.spells[0][0]

    @property
    def to_us(self) -> int:
        return self.spells[-1][1]

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def step(self) -> Step:
        """In what pieces it is broken down."""
        if self.kind == "shift" or self.days == 1:
            return "hour"
        return "day" if self.days <= _BY_MONTH_DAYS else "month"


class SiteDays(Struct, frozen=True):
    """How time is cut on site."""

    book: MetricBook
    utc_offset_s: int

    @property
    def shifts(self) -> tuple[str, ...]:
        """The hours of the configured shifts, as people write them; without any, the whole day."""
        found = tuple(self._written(shift) for shift in self.book.shifts)
        return found or (self._written(DailyShift(self.book.day_starts_s, _DAY_S)),)

    def _written(self, shift: DailyShift) -> str:
        return _hours((shift.starts_s + self.utc_offset_s) % _DAY_S, shift.lasts_s)

    def day_us(self, day: dt.date) -> int:
        """When a day begins."""
        starts_s = (self.book.day_starts_s + self.utc_offset_s) % _DAY_S - self.utc_offset_s
        return ((day - _EPOCH).days * _DAY_S + starts_s) * US

    def day_of(self, at_us: int) -> dt.date:
        """The day in which a moment lies."""
        return self._date(day_start_us(at_us, self.book.day_starts_s))

    def _date(self, at_us: int) -> dt.date:
        return _EPOCH + dt.timedelta(days=(at_us // US + self.utc_offset_s) // _DAY_S)

    # --- periods ---------------------------------------------------------------------------

    def period(self, ask: PeriodAsk, now_us: int) -> Period | PeriodProblem:
        """The period that is asked for, as far as it has passed at ``now_us``."""
        match ask.kind:
            case "shift":
                found = self._shift(ask, now_us)
            case "day":
                at = _dated(ask.at, "at") if ask.at is not None else self._yesterday(now_us)
                found = at if isinstance(at, PeriodProblem) else self._whole("day", at, at)
            case "month":
                found = self._month(ask, now_us)
            case _:
                found = self._span(ask)
        if isinstance(found, PeriodProblem):
            return found
        if found.from_us >= now_us:
            field = "from" if ask.kind == "span" else "at"
            return PeriodProblem(field, ("该时段尚未开始。", "This period has not begun yet."))
        return _cut(found, now_us)

    def before(self, period: Period) -> Period:
        """The period before, to compare with; where ``period`` goes on, as much of it."""
        if period.kind == "shift":
            day = period.first - dt.timedelta(days=1)
            hours = _spells(period.hours)
            assert hours is not None, "its hours were read before"
            found = self._on(day, hours, period.hours)
        elif period.kind == "month":
            found = self._month_of(period.first - dt.timedelta(days=1))
        else:
            back = dt.timedelta(days=period.days)
            found = self._whole(period.kind, period.first - back, period.last - back)
        if period.unfinished:
            found = _cut(found, found.from_us + period.to_us - period.from_us)
        return replace(found, unfinished=False)

    def pieces(self, period: Period) -> tuple[Span, ...]:
        """What the period is broken down into, in order; what is cut off is shorter."""
        if period.step == "month":
            return self._months(period)
        step_us = HOUR_US if period.step == "hour" else DAY_US
        return tuple(
            (at_us, min(at_us + step_us, to_us))
            for from_us, to_us in period.spells
            for at_us in range(from_us, to_us, step_us)
        )

    def _months(self, period: Period) -> tuple[Span, ...]:
        found: list[Span] = []
        day = period.first
        while day <= period.last:
            after = _next_month(day)
            found.append((self.day_us(day), min(self.day_us(after), period.to_us)))
            day = after
        return tuple(span for span in found if span[0] < span[1])

    def piece_label(self, period: Period, at_us: int) -> str:
        """How a piece that begins then is named: 09:00, 2026-10-05, 2026-10."""
        if period.step == "hour":
            return _clock((at_us // US + self.utc_offset_s) % _DAY_S)
        text = self._date(at_us).isoformat()
        return text if period.step == "day" else text[:7]

    def _yesterday(self, now_us: int) -> dt.date:
        return self.day_of(now_us) - dt.timedelta(days=1)

    def _whole(self, kind: PeriodKind, first: dt.date, last: dt.date) -> Period:
        ends_us = self.day_us(last + dt.timedelta(days=1))
        return Period(kind, first, last, ((self.day_us(first), ends_us),))

    def _month(self, ask: PeriodAsk, now_us: int) -> Period | PeriodProblem:
        if ask.at is None:
            return self._month_of(self.day_of(now_us).replace(day=1) - dt.timedelta(days=1))
        at = _dated(ask.at, "at", month=True)
        return at if isinstance(at, PeriodProblem) else self._month_of(at)

    def _month_of(self, day: dt.date) -> Period:
        first = day.replace(day=1)
        return self._whole("month", first, _next_month(first) - dt.timedelta(days=1))

    def _span(self, ask: PeriodAsk) -> Period | PeriodProblem:
        first, last = _dated(ask.first, "from"), _dated(ask.last, "to")
        for day in (first, last):
            if isinstance(day, PeriodProblem):
                return day
        assert isinstance(first, dt.date), "the problems were sent back"
        assert isinstance(last, dt.date), "the problems were sent back"
        if last < first:
            return PeriodProblem("to", ("结束日期早于开始日期。", "It ends before it begins."))
        if (last - first).days >= SPAN_MAX_DAYS:
            return PeriodProblem(
                "to",
                (f"一次最多 {SPAN_MAX_DAYS} 天。", f"At most {SPAN_MAX_DAYS} days at once."),
            )
        return self._whole("span", first, last)

    # --- shifts ----------------------------------------------------------------------------

    def _shift(self, ask: PeriodAsk, now_us: int) -> Period | PeriodProblem:
        wanted = self.shifts if ask.shift is None else (ask.shift,)
        choices: list[tuple[tuple[tuple[int, int], ...], str]] = []
        for text in wanted:
            hours = _spells(text)
            if hours is None:
                return PeriodProblem(
                    "shift",
                    (
                        (
                            "班次写成 08:00-16:00，两头班写成 08:00-12:00+14:00-18:00；"
                            f"已配置：{'、'.join(self.shifts)}。"
                        ),
                        (
                            "A shift is written as 08:00-16:00, a split one as "
                            f"08:00-12:00+14:00-18:00; configured: {', '.join(self.shifts)}."
                        ),
                    ),
                )
            choices.append((hours, "+".join(_hours(*spell) for spell in hours)))
        if ask.at is None:
            return self._last_shift(choices, now_us)
        day = _dated(ask.at, "at")
        if isinstance(day, PeriodProblem):
            return day
        if len(choices) > 1:
            return PeriodProblem(
                "shift",
                (
                    f"请指明班次：{'、'.join(self.shifts)}。",
                    f"Say which shift: {', '.join(self.shifts)}.",
                ),
            )
        return self._fitting(self._on(day, *choices[0]))

    def _last_shift(
        self, choices: list[tuple[tuple[tuple[int, int], ...], str]], now_us: int
    ) -> Period | PeriodProblem:
        """The one that ended last."""
        today = self.day_of(now_us)
        over = [
            shift
            for back in range(3)
            for hours, written in choices
            if (shift := self._on(today - dt.timedelta(days=back), hours, written)).to_us <= now_us
        ]
        return self._fitting(max(over, key=lambda shift: (shift.to_us, shift.from_us)))

    def _on(self, day: dt.date, hours: tuple[tuple[int, int], ...], written: str) -> Period:
        """The shift of a day."""
        day_us = self.day_us(day)
        spells = []
        for local_s, lasts_s in hours:
            after_s = (local_s - self.utc_offset_s - self.book.day_starts_s) % _DAY_S
            spells.append((day_us + after_s * US, day_us + (after_s + lasts_s) * US))
        return Period("shift", day, day, tuple(sorted(spells)), written)

    @staticmethod
    def _fitting(shift: Period) -> Period | PeriodProblem:
        for (_, ends_us), (begins_us, _) in zip(shift.spells, shift.spells[1:], strict=False):
            if begins_us < ends_us:
                return PeriodProblem(
                    "shift", ("班次的时段重叠。", "The hours of this shift overlap.")
                )
        return shift


def _cut(period: Period, now_us: int) -> Period:
    if period.to_us <= now_us:
        return period
    spells = tuple((a, min(b, now_us)) for a, b in period.spells if a < now_us)
    return replace(period, spells=spells, unfinished=True)


def _next_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def _dated(text: str | None, field: str, *, month: bool = False) -> dt.date | PeriodProblem:
    match = _DATE.fullmatch(text or "")
    if match is not None and (month or match[3]):
        try:
            day = dt.date(int(match[1]), int(match[2]), int(match[3] or 1))
        except ValueError:
            day = dt.date.min
        if _FIRST <= day <= _LAST:
            return day
    example = "2026-10" if month else "2026-10-05"
    return PeriodProblem(field, (f"日期写成 {example}。", f"A date is written as {example}."))


def _spells(text: str) -> tuple[tuple[int, int], ...] | None:
    """(begins, lasts) in seconds, local time of day; None where the text says no hours."""
    found = []
    for part in _BETWEEN.split(text.strip()):
        match = _HOURS.fullmatch(part)
        if match is None:
            return None
        from_h, from_m, to_h, to_m = map(int, match.groups())
        if from_h > 23 or to_h > 24 or from_m > 59 or to_m > 59 or (to_h == 24 and to_m):
            return None
        begins_s = from_h * 3600 + from_m * 60
        lasts_s = (to_h * 3600 + to_m * 60 - begins_s) % _DAY_S or _DAY_S
        found.append((begins_s, lasts_s))
    return tuple(found)


def _hours(begins_s: int, lasts_s: int) -> str:
    ends_s = (begins_s + lasts_s) % _DAY_S or _DAY_S
    return f"{_clock(begins_s)}-{_clock(ends_s)}"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
