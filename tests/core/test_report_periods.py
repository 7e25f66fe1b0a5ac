"""Periods of reports: shift days, split shifts, months, and what was before them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentd.core.metric_windows import DailyShift, MetricBook
from agentd.core.report_periods import (
    SPAN_MAX_DAYS,
    Period,
    PeriodAsk,
    PeriodProblem,
    SiteDays,
)

CHINA = 8 * 3600
H = 3600


def site(*shifts: tuple[int, int], day_starts_h: int = 0, offset_s: int = CHINA) -> SiteDays:
    """``shifts``: (begins, ends) as local hours."""
    book = MetricBook(
        day_starts_s=(day_starts_h * H - offset_s) % 86_400,
        shifts=tuple(
            DailyShift((a * H - offset_s) % 86_400, ((b - a) % 24 or 24) * H) for a, b in shifts
        ),
    )
    return SiteDays(book, offset_s)


def us(text: str, offset_s: int = CHINA) -> int:
    zone = dt.timezone(dt.timedelta(seconds=offset_s))
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000


def made(days: SiteDays, now: str, kind: str, **ask: Any) -> Period:
    found = days.period(PeriodAsk(kind, **ask), us(now, days.utc_offset_s))  # type: ignore[arg-type]
    assert isinstance(found, Period), found
    return found


def wrong(days: SiteDays, now: str, kind: str, **ask: Any) -> str:
    found = days.period(PeriodAsk(kind, **ask), us(now, days.utc_offset_s))  # type: ignore[arg-type]
    assert isinstance(found, PeriodProblem), found
    assert all(found.text)
    return found.field


def times(period: Period) -> list[tuple[str, str]]:
    zone = dt.timezone(dt.timedelta(seconds=CHINA))

    def said(at_us: int) -> str:
        return dt.datetime.fromtimestamp(at_us // 1_000_000, zone).strftime("%m-%d %H:%M")

    return [(said(a), said(b)) for a, b in period.spells]


def test_a_day_begins_when_the_first_shift_does() -> None:
    days = site(day_starts_h=6)
    day = made(days, "2026-10-06 05:59", "day")
    assert day.first == dt.date(2026, 10, 4)
    assert times(day) == [("10-04 06:00", "10-05 06:00")]
    assert made(days, "2026-10-06 06:00", "day").first == dt.date(2026, 10, 5)
    assert days.before(day).first == dt.date(2026, 10, 3)
    pieces = days.pieces(day)
    assert len(pieces) == 24
    assert [days.piece_label(day, at) for at, _ in pieces][-2:] == ["04:00", "05:00"]


def test_a_day_that_goes_on_is_compared_with_as_much_of_the_one_before() -> None:
    days = site()
    day = made(days, "2026-10-06 08:30", "day", at="2026-10-06")
    assert day.unfinished
    assert times(day) == [("10-06 00:00", "10-06 08:30")]
    assert len(days.pieces(day)) == 9
    before = days.before(day)
    assert times(before) == [("10-05 00:00", "10-05 08:30")]
    assert not before.unfinished
    assert wrong(days, "2026-10-06 08:30", "day", at="2026-10-07") == "at"


@pytest.mark.parametrize(
    "text", ["2026-13-01", "2026-02-30", "x", "2026-1-1", "1066-10-14", "2026-10"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert wrong(site(), "2026-10-06 08:30", "day", at=text) == "at"
    assert wrong(site(), "2026-10-06 08:30", "shift", at=text) == "at"
    assert wrong(site(), "2026-10-06 08:30", "span", first=text, last="2026-10-01") == "from"
    assert wrong(site(), "2026-10-06 08:30", "span", first="2026-10-01", last=text) == "to"


def test_months_are_whole_shift_days() -> None:
    days = site(day_starts_h=6)
    month = made(days, "2026-11-01 05:00", "month")
    assert month.first == dt.date(2026, 9, 1)  # October's last day goes on.
    month = made(days, "2026-11-01 06:00", "month")
    assert times(month) == [("10-01 06:00", "11-01 06:00")]
    assert (month.days, month.step, len(days.pieces(month))) == (31, "day", 31)
    assert days.piece_label(month, month.from_us) == "2026-10-01"
    assert times(days.before(month)) == [("09-01 06:00", "10-01 06:00")]
    assert made(days, "2026-11-01 06:00", "month", at="2026-10").spells == month.spells
    assert made(days, "2026-11-01 06:00", "month", at="2026-10-17").spells == month.spells
    assert wrong(days, "2026-11-01 06:00", "month", at="2026-1") == "at"
    assert wrong(days, "2026-11-01 06:00", "month", at="2026-12") == "at"
    january = made(days, "2026-02-05 06:00", "month")
    assert days.before(january).first == dt.date(2025, 12, 1)


def test_spans_are_whole_days_up_to_a_year_and_a_bit() -> None:
    days = site()
    now = "2026-10-06 08:30"
    span = made(days, now, "span", first="2026-09-01", last="2026-09-10")
    assert (span.days, span.step) == (10, "day")
    assert days.before(span).first == dt.date(2026, 8, 22)
    assert made(days, now, "span", first="2026-09-01", last="2026-09-01").step == "hour"
    assert wrong(days, now, "span", first="2026-09-02", last="2026-09-01") == "to"
    assert wrong(days, now, "span", first="2026-10-07", last="2026-10-07") == "from"
    first = dt.date(2025, 9, 1)
    last = first + dt.timedelta(days=SPAN_MAX_DAYS)
    assert wrong(days, now, "span", first=str(first), last=str(last)) == "to"
    long = made(days, now, "span", first="2025-09-16", last="2026-09-10")
    pieces = days.pieces(long)
    assert (long.step, len(pieces)) == ("month", 13)
    labels = [days.piece_label(long, at) for at, _ in pieces]
    assert (labels[0], labels[-1]) == ("2025-09", "2026-09")
    assert (pieces[0][0], pieces[-1][1]) == (long.from_us, long.to_us)
    # As far as it has passed: months that have not begun are none.
    cut = made(days, now, "span", first="2026-08-16", last="2026-12-31")
    assert len(days.pieces(cut)) == 3


def test_the_last_shift_is_the_one_that_ended_last() -> None:
    days = site((8, 16), (16, 24), (0, 8))
    assert days.shifts == ("08:00-16:00", "16:00-24:00", "00:00-08:00")
    for now, hours, day in [
        ("2026-10-06 15:59", "00:00-08:00", 6),
        ("2026-10-06 16:00", "08:00-16:00", 6),
        ("2026-10-07 00:00", "16:00-24:00", 6),
        ("2026-10-07 07:59", "16:00-24:00", 6),
    ]:
        shift = made(days, now, "shift")
        assert (shift.hours, shift.first.day, shift.step) == (hours, day, "hour"), now
    asked = made(days, "2026-10-06 15:59", "shift", shift="08:00-16:00")
    assert times(asked) == [("10-05 08:00", "10-05 16:00")]
    assert wrong(days, "2026-10-06 15:59", "shift", at="2026-10-05") == "shift"


def test_a_shift_belongs_to_the_day_in_which_it_begins() -> None:
    days = site((22, 6), day_starts_h=8)
    night = made(days, "2026-10-07 09:00", "shift")
    assert times(night) == [("10-06 22:00", "10-07 06:00")]
    early = made(days, "2026-10-07 09:00", "shift", at="2026-10-06", shift="02:00-04:00")
    assert times(early) == [("10-07 02:00", "10-07 04:00")]


def test_without_shifts_a_shift_is_the_day() -> None:
    days = site(day_starts_h=6)
    assert days.shifts == ("06:00-06:00",)
    assert times(made(days, "2026-10-07 09:00", "shift")) == [("10-06 06:00", "10-07 06:00")]
    assert made(days, "2026-10-07 09:00", "shift", at="2026-10-01").first.day == 1


def test_a_split_shift_is_without_what_lies_between() -> None:
    days = site((8, 16))
    shift = made(days, "2026-10-07 09:00", "shift", shift="14:00-18:00, 08:00-12:00")
    assert shift.hours == "14:00-18:00+08:00-12:00"
    assert times(shift) == [("10-06 08:00", "10-06 12:00"), ("10-06 14:00", "10-06 18:00")]
    assert len(days.pieces(shift)) == 8
    assert times(days.before(shift)) == [
        ("10-05 08:00", "10-05 12:00"), ("10-05 14:00", "10-05 18:00"),
    ]  # fmt: skip
    # Between its halves: the first is over, the second has not begun.
    now = "2026-10-07 13:00"
    half = made(days, now, "shift", at="2026-10-07", shift="08:00-12:00+14:00-18:00")
    assert half.unfinished
    assert times(half) == [("10-07 08:00", "10-07 12:00")]
    assert len(days.before(half).spells) == 1
    for text in ("08:00-12:00+11:00-14:00", "x", "", "24:00-08:00", "08:00-24:30", "08:00-12:60"):
        assert wrong(days, now, "shift", shift=text) == "shift", text
        assert wrong(days, now, "shift", shift=text, at="2026-10-01") == "shift", text


@given(
    st.integers(0, 23),
    st.sampled_from([-5 * H, 0, 5 * H + 2_700, 8 * H]),
    st.integers(0, 4_000),
    st.sampled_from(["day", "month", "shift"]),
)
def test_the_pieces_are_the_period_and_periods_follow_one_another(
    day_starts_h: int, offset_s: int, day: int, kind: Any
) -> None:
    days = site((9, 17), day_starts_h=day_starts_h, offset_s=offset_s)
    at = (dt.date(2020, 1, 1) + dt.timedelta(days=day)).isoformat()
    period = days.period(PeriodAsk(kind, at=at), 1 << 62)
    assert isinstance(period, Period)
    pieces = days.pieces(period)
    assert sum(b - a for a, b in pieces) == sum(b - a for a, b in period.spells)
    before = days.before(period)
    if kind != "shift":
        assert before.to_us == period.from_us
    assert days.day_of(period.from_us) == period.first
