"""What a row of the metrics' table is. Pure.

A figure is the quotient of two sums (or one sum) over a window; each side adds named sums, those
that begin with ``-`` are taken off. Sums ending in ``_us`` are microseconds.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from msgspec import Struct

ScopeKind = Literal["site", "queue", "seat", "person", "team"]
Unit = Literal["count", "share", "seconds", "per_hour"]

KINDS: Final[tuple[ScopeKind, ...]] = get_args(ScopeKind)
WAITING: Final[tuple[ScopeKind, ...]] = ("site", "queue")
"""Callers wait in queues, not at seats."""
WORKING: Final[tuple[ScopeKind, ...]] = ("site", "seat", "person", "team")
"""A seat serves several queues at a time: its hours belong to none of them."""


class Metric(Struct, frozen=True):
    """One metric. Pairs are (zh, en). ``den`` () : the figure is ``num`` itself."""

    key: str
    name: tuple[str, str]
    formula: tuple[str, str]
    unit: Unit
    num: tuple[str, ...]
    den: tuple[str, ...] = ()
    kinds: tuple[ScopeKind, ...] = KINDS
    """For which scopes it is defined; where it is not, it would say something else."""
    source: str = "product rules, section 3"
    example: tuple[str, str] = ("", "")
    left_out: tuple[str, str] = ("", "")
    """What does not count, and why."""
    rests_on: Literal["stays", "legs", "time", "orders", "alerts"] = "legs"
    """Facts of which kind it is made: their gaps and estimates mark the figure."""
