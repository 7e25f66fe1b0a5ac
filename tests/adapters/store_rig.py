"""Effects to store, and a look into the file beside the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from agentd.core.effects import (
    Alert,
    CallEnded,
    Effect,
    LegEnded,
    OrderChanged,
    Spell,
    Violation,
)

T0_US = 1_732_320_000_000_000


def order(number: int, *, pbx: str = "main", **changes: Any) -> OrderChanged:
    """The order of call ``number``, as opened."""
    values: dict[str, Any] = {
        "pbx": pbx,
        "at_us": T0_US + number,
        "id": f"{pbx}-17323200.{number}",
        "kind": "call",
        "call": f"17323200.{number}",
        "seat": "PJSIP/1001",
        "agent": "王芳",
        "queue": "hotline",
        "caller": "13900000000",
        "status": "open",
        "opened_us": T0_US + number,
        "due_us": None,
    }
    return OrderChanged(**{**values, **changes})


def violation(number: int, *, pbx: str = "main") -> Violation:
    """A hold of call ``number`` that was too long."""
    return Violation(
        pbx=pbx,
        id=f"{pbx}-17323200.{number}-hold-1",
        at_us=T0_US + number,
        rule="hold",
        seat="PJSIP/1001",
        agent="王芳",
        call=f"17323200.{number}",
        leg=f"17323200.{number}1",
        value_us=30_000_000,
        limit_us=30_000_000,
        evidence=("Hold 1732320000.000000",),
    )


def alert(number: int, *, pbx: str = "main") -> Alert:
    """The alert of that hold."""
    return Alert(
        pbx=pbx,
        at_us=T0_US + number,
        level="breach",
        rule="hold",
        seat="PJSIP/1001",
        agent="王芳",
        call=f"17323200.{number}",
        queue="hotline",
        to=("seat",),
        value_us=30_000_000,
        limit_us=30_000_000,
        spell=f"17323200.{number}1:hold:1",
    )


def leg(number: int, *, pbx: str = "main") -> LegEnded:
    """The seat's part of call ``number``."""
    return LegEnded(
        pbx=pbx,
        call=f"17323200.{number}",
        leg=f"17323200.{number}1",
        seat="PJSIP/1001",
        agent="王芳",
        queue="hotline",
        direction="inbound",
        caller='"Bob: 😀\r\n" <139>',
        offered_us=None,
        ringing_us=T0_US,
        answered_us=T0_US + 5_000_000,
        ended_us=T0_US + 60_000_000,
        ring_us=5_000_000,
        talk_us=55_000_000,
        hold_us=31_000_000,
        holds=(Spell("hold", None, None), Spell("hold", T0_US + 9_000_000, 31_000_000)),
        outcome="answered",
        ended_by="caller",
        estimated=False,
        gap=True,
        evidence=("DialEnd 1732320005.000000",),
    )


def call(number: int, *, pbx: str = "main") -> CallEnded:
    """Call ``number``, over."""
    return CallEnded(
        pbx=pbx,
        call=f"17323200.{number}",
        queue="hotline",
        visits=("hotline",),
        caller="13900000000",
        started_us=T0_US,
        ended_us=T0_US + 60_000_000,
        wait_us=6_000_000,
        outcome="answered",
        legs=(f"17323200.{number}1",),
        gap=False,
    )


def ids(effects: Iterable[Effect]) -> list[str]:
    """The ids of obligations."""
    return [effect.id for effect in effects if isinstance(effect, OrderChanged | Violation)]


def ignore(_: Sequence[Effect]) -> None:
    """Nobody to tell."""


def rows(path: Path, sql: str) -> list[Any]:
    """What another process would read now."""
    connection = sqlite3.connect(path, timeout=5)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


Log = list[Any]
"""What structlog's capture_logs collects."""


def said(log: Log, what: str) -> list[Any]:
    """The log's lines with this event."""
    return [entry for entry in log if entry["event"] == what]


def counts(path: Path) -> dict[str, int]:
    """How many rows each table has."""
    tables = ("work_order", "work_order_event", "violation", "alert", "leg", "call")
    return {name: rows(path, f"SELECT count(*) FROM {name}")[0][0] for name in tables}  # noqa: S608
