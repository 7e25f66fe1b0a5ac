"""From sums to figures: one row of the table over one window. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from agentd.core.metric_row import Metric

HOUR_US: Final = 3_600_000_000


class Sums(Struct, frozen=True):
    """Named sums over a window, those that are not 0. ``gap``: a PBX of the scope was not heard in
    a part of it."""

    values: Mapping[str, int]
    gap: bool

    def get(self, name: str) -> int:
        """The sum ``name``; ``-name`` gives its negative."""
        return -self.values.get(name[1:], 0) if name[0] == "-" else self.values.get(name, 0)


class Figure(Struct, frozen=True):
    """One metric over a window. ``value``: an int (count), a share (0..1), seconds, or calls per
    hour; None where nothing counts yet. ``of``: numerator and denominator (1 where there is none),
    times among them in microseconds. ``gap``: something of it was not seen. ``estimated``: how many
    of the stays or legs that it rests on have a time that was rebuilt from a snapshot."""

    value: int | float | None
    of: tuple[int, int]
    gap: bool
    estimated: int


def figure_of(row: Metric, sums: Sums) -> Figure:
    """One row of the table over these sums."""
    num = sum(sums.get(name) for name in row.num)
    den = sum(sums.get(name) for name in row.den) if row.den else 1
    facts = row.rests_on if row.rests_on in ("stays", "legs") else ""
    gap = sums.gap or sums.get(f"{facts}_gap") > 0
    estimated = sums.get(f"{facts}_estimated")
    value: int | float | None
    if (row.key == "longest_wait" and "longest_wait_us" not in sums.values) or den <= 0:
        value = None
    elif row.unit == "count":
        value = num
    elif row.unit == "share":
        value = num / den
    elif row.unit == "seconds":
        value = num / (den * 1_000_000)
    else:
        value = num * HOUR_US / den
    return Figure(value, (num, den), gap, estimated)
