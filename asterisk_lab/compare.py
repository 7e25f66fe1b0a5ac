"""Holds what agentd concluded against a scenario's truth.

The records may come from a PBX on which other scenarios ran too: only those of the truth's seats
and callers count, and of those every one must be in the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Record = dict[str, Any]

LIVE_RULES = ("ring", "hold", "hold_sum", "consult", "park")


def differences(
    truth: Record, records: Iterable[Record], *, until: float | None = None
) -> list[str]:
    """One line for each thing that agentd got wrong, made up or left out.

    `until`: the records are a live daemon's up to that moment: later violations are still to come,
    and what it does not keep (the seats' states) is not asked for.
    """
    all_records = list(records)
    tolerance = float(truth["tolerance_s"])
    seats = set(truth["seats"])
    legs = [r for r in all_records if r["type"] == "leg" and r["seat"] in seats]
    calls = [r for r in all_records if r["type"] == "call" and r["caller"] in truth["callers"]]
    known = {r["leg"] for r in truth["legs"]}
    wrong = _pair(
        "leg", "leg", truth["legs"],
        [r for r in legs if r["direction"] != "internal" or r["leg"] in known], tolerance,
    )  # fmt: skip
    inbound = {r["call"] for r in truth["calls"]}
    wrong += _pair(
        "call", "call", truth["calls"], [r for r in calls if r["call"] in inbound], tolerance
    )
    mine = [r for r in all_records if r.get("seat") in seats or r.get("call") in inbound]
    violations = [r for r in mine if r["type"] == "violation"]
    due = [v for v in truth["violations"] if until is None or v["at"] < until]
    wrong += _match("violation", due, violations, tolerance)
    alerts = [r for r in mine if r["type"] == "alert" and r["rule"] in LIVE_RULES]
    if "alerts" in truth:
        wrong += _match("alert", truth["alerts"], alerts, tolerance)
    orders: dict[str, Record] = {}
    for record in mine:
        if record["type"] == "work_order":
            orders[record["id"]] = record
    expected = [
        {k: order[k] for k in ("kind", "call", "seat", "status") if k in order}
        if order["kind"] == "missed"
        else order
        for order in truth["work_orders"]
    ]
    wrong += _match("work_order", expected, list(orders.values()), tolerance)
    if until is not None:
        # Replay has no listener who asks for a recording's file, and prints no contacts.
        wrong += _beside(truth, all_records, inbound, tolerance)
    for seat, states in truth["seat_states"].items() if until is None else ():
        seen = [r for r in all_records if r["type"] == "seat" and r["seat"] == seat]
        wrong += _states(seat, states, seen)
    return wrong


def _beside(
    truth: Record, records: Sequence[Record], calls: set[str], tolerance: float
) -> list[str]:
    """What a live daemon keeps beside calls and legs: contacts of orders, and recordings."""
    order_call = {r["id"]: r["call"] for r in records if r["type"] == "work_order"}
    contacts = [
        {**r, "order_call": order_call.get(r["order_id"])}
        for r in records
        if r["type"] == "order_contact"
    ]
    mine = [r for r in contacts if r["order_call"] in calls]
    wrong = _match("contact", truth.get("contacts", []), mine, tolerance)
    recordings = [r for r in records if r["type"] == "recording" and r["call"] in calls]
    return wrong + _match("recording", truth.get("recordings", []), recordings, tolerance)


def _pair(
    what: str, key: str, expected: Sequence[Record], seen: Sequence[Record], tolerance: float
) -> list[str]:
    wrong = []
    left: dict[str, Record] = {}
    for record in seen:
        if record[key] in left:
            wrong.append(f"{what} {record[key]}: printed twice")
        left[record[key]] = record
    for record in expected:
        found = left.pop(record[key], None)
        if found is None:
            wrong.append(
                f"{what} {record[key]} ({record.get('seat', record.get('caller'))}): missing"
            )
        else:
            wrong += [f"{what} {record[key]} {d}" for d in _unlike(record, found, tolerance)]
    return wrong + [f"{what} {key}: made up: {record}" for key, record in left.items()]


def _match(
    what: str, expected: Sequence[Record], seen: Sequence[Record], tolerance: float
) -> list[str]:
    left = list(seen)
    wrong = []
    for record in expected:
        found = [r for r in left if not _unlike(record, r, tolerance)]
        if not found:
            wrong.append(f"{what} missing: {record}")
        for r in found[:1]:
            left.remove(r)
    return wrong + [f"{what} made up: {record}" for record in left]


def _states(seat: str, expected: Sequence[Record], seen: Sequence[Record]) -> list[str]:
    told: list[Record] = []
    for record in seen:
        state = {key: record.get(key) for key in ("state", "agent", "pause_reason")}
        # A seat is also told anew when only its queues changed.
        if not told or told[-1] != state:
            told.append(state)
    if len(expected) == len(told) and not any(
        _unlike(e, s, 0.0) for e, s in zip(expected, told, strict=True)
    ):
        return []
    return [f"seat {seat}: {told} instead of {list(expected)}"]


def _unlike(expected: Any, seen: Any, tolerance: float, path: str = "") -> list[str]:
    if isinstance(expected, dict):
        if not isinstance(seen, dict):
            return [f"{path}: {seen!r} instead of {expected!r}"]
        return [
            line
            for key, value in expected.items()
            for line in _unlike(value, seen.get(key), tolerance, f"{path}.{key}".lstrip("."))
        ]
    if isinstance(expected, list):
        if not isinstance(seen, list) or len(seen) != len(expected):
            return [f"{path}: {seen!r} instead of {expected!r}"]
        return [
            line
            for index, (e, s) in enumerate(zip(expected, seen, strict=True))
            for line in _unlike(e, s, tolerance, f"{path}[{index}]")
        ]
    if isinstance(expected, int) and isinstance(seen, list):
        seen = len(seen)
    if isinstance(expected, (int, float)) and not isinstance(expected, bool):
        if isinstance(seen, (int, float)) and abs(expected - seen) <= tolerance:
            return []
    elif expected == seen:
        return []
    return [f"{path}: {seen!r} instead of {expected!r}"]
