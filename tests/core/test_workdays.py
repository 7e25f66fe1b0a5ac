"""Working days: holidays, days worked in exchange, and when something is due."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agentd.core.order_form import WorkCalendar
from agentd.core.workdays import due_us, local_day
from tests.core.order_rig import DAY, MIN, S

PLAIN = WorkCalendar()
GOLDEN_WEEK = WorkCalendar(
    holidays=frozenset({"2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"}),
    extra_days=frozenset({"2026-10-10"}),
)
SEPTEMBER_30 = 1_790_697_600 * S
"""2026-09-30 00:00 in China, a Wednesday."""
END = (17 * 60 + 30) * MIN


def test_the_local_day_begins_at_local_midnight() -> None:
    assert local_day(SEPTEMBER_30, PLAIN).isoformat() == "2026-09-30"
    assert local_day(SEPTEMBER_30 - 1, PLAIN).isoformat() == "2026-09-29"
    assert local_day(SEPTEMBER_30, replace(PLAIN, utc_offset_s=0)).isoformat() == "2026-09-29"


@pytest.mark.parametrize(
    ("calendar", "days", "lands_on"),
    [
        (PLAIN, 1, 1),  # Thursday
        (PLAIN, 3, 5),  # over the weekend: Monday
        (PLAIN, 5, 7),
        (GOLDEN_WEEK, 1, 8),  # the week is free
        (GOLDEN_WEEK, 3, 10),  # Saturday the 10th is worked
        (GOLDEN_WEEK, 4, 12),
        (replace(PLAIN, weekdays=()), 3, 3),
    ],
)
def test_so_many_working_days_later(calendar: WorkCalendar, days: int, lands_on: int) -> None:
    assert (
        due_us(SEPTEMBER_30 + 9 * 60 * MIN, days, calendar) == SEPTEMBER_30 + lands_on * DAY + END
    )


def test_no_days_is_today_while_it_lasts() -> None:
    assert due_us(SEPTEMBER_30, 0, PLAIN) == SEPTEMBER_30 + END
    assert due_us(SEPTEMBER_30 + END, 0, PLAIN) == SEPTEMBER_30 + DAY + END
    assert due_us(SEPTEMBER_30 + DAY, 0, GOLDEN_WEEK) == SEPTEMBER_30 + 8 * DAY + END
