"""The only reader of time. Everybody else is handed a clock, or a time."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _since_boot_ns() -> int:
    """Nanoseconds on a clock that nobody sets and that, where the system has such a one, goes on
    while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


_START_WALL_US = time.time_ns() // 1_000
_START_BOOT_NS = _since_boot_ns()


def wall_us() -> int:
    """Now, in microseconds since the epoch, by a clock that never jumps.

    The wall clock is read once, at the start, and carried on by a clock that nobody can set: when
    somebody sets this machine's clock by a minute, the offset to the PBX that was measured before
    still holds and nobody's hold becomes a minute longer. Nor does it stand still while the machine
    sleeps, which would look as if the PBX's clock had been set. It is therefore as right as the
    machine's clock was at the start; what needs the PBX's time adds the measured offset.
    """
    return _START_WALL_US + (_since_boot_ns() - _START_BOOT_NS) // 1_000


def this_boot() -> tuple[str, int]:
    """(which boot of this machine this is, what :func:`wall_us` said when it began): the same
    moment can be told by a later process of the same boot. "" where the system does not tell."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return boot, _START_WALL_US - _START_BOOT_NS // 1_000


def monotonic() -> float:
    """Seconds on a clock that only goes forward; for time-outs and intervals."""
    return time.monotonic()


def today() -> dt.date:
    """The date in UTC."""
    return dt.datetime.now(dt.UTC).date()


def utc_now() -> dt.datetime:
    """Now by the wall clock, for what carries a date of its own (a letter)."""
    return dt.datetime.fromtimestamp(wall_us() // 1_000_000, dt.UTC)
