"""The only reader of time. Everybody else is handed a clock, or a time."""

from __future__ import annotations

import datetime as dt
import time

_START_WALL_US = time.time_ns() // 1_000
_START_MONOTONIC_NS = time.monotonic_ns()


def wall_us() -> int:
    """Now, in microseconds since the epoch, by a clock that never jumps.

    The wall clock is read once, at the start, and carried on by the monotonic clock: when somebody
    sets this machine's clock by a minute, the offset to the PBX that was measured before still
    holds and nobody's hold becomes a minute longer. It is therefore as right as the machine's
    clock was at the start; what needs the PBX's time adds the measured offset.
    """
    return _START_WALL_US + (time.monotonic_ns() - _START_MONOTONIC_NS) // 1_000


def monotonic() -> float:
    """Seconds on a clock that only goes forward; for time-outs and intervals."""
    return time.monotonic()


def today() -> dt.date:
    """The date in UTC."""
    return dt.datetime.now(dt.UTC).date()
