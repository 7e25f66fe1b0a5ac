"""Working days: which days count, and when something is due in so many of them. Pure.

Holidays are free although a weekday, extra days (调休) are worked although a weekend; both are
configuration, since each year's are decreed. Times are microseconds since the epoch, days local.
"""

from __future__ import annotations

import datetime as dt

from agentd.core.order_form import WorkCalendar

US = 1_000_000
_DAY_S = 86_400
_EPOCH = dt.date(1970, 1, 1)
MAX_DAYS = 366
"""The longest time in working days that an order can be given."""


def local_day(at_us: int, calendar: WorkCalendar) -> dt.date:
    """The local date at ``at_us``."""
    return _EPOCH + dt.timedelta(days=(at_us // US + calendar.utc_offset_s) // _DAY_S)


def is_working_day(day: dt.date, calendar: WorkCalendar) -> bool:
    """Whether ``day`` is worked. A calendar without weekdays works every day but the holidays."""
    text = day.isoformat()
    if text in calendar.extra_days:
        return True
    if text in calendar.holidays:
        return False
    return not calendar.weekdays or day.weekday() in calendar.weekdays


def due_us(now_us: int, days: int, calendar: WorkCalendar) -> int:
    """The end of the ``days``-th working day after today; 0: of today, or where today is free or
    over already, of the next working day. ``days`` is at most :data:`MAX_DAYS`."""
    day = local_day(now_us, calendar)
    left = days
    if left == 0:
        if is_working_day(day, calendar) and _end_us(day, calendar) > now_us:
            return _end_us(day, calendar)
        left = 1
    while left:
        day += dt.timedelta(days=1)
        left -= is_working_day(day, calendar)
    return _end_us(day, calendar)


def _end_us(day: dt.date, calendar: WorkCalendar) -> int:
    since_epoch_s = (day - _EPOCH).days * _DAY_S
    return (since_epoch_s + calendar.day_ends_s - calendar.utc_offset_s) * US
