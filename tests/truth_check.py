"""Compare what a replay printed with a transcript's ``NAME.truth.json``.

Written apart from the lab that made the truth, so that a mistake in one shows against the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]

ORDER_KEYS = ("kind", "call", "seat", "status")
"""What a truth says of a missed call's order."""


def differences(truth: Record, records: Iterable[Record]) -> list[str]:
    """What the replay got wrong, one line each; empty when it told the truth.

    ``truth`` and ``records`` as in tests/transcripts/README.md and the replay format.
    """
    tolerance = truth.get("tolerance_s", 0.05)
    by_type: dict[str, list[Record]] = {}
    for record in records:
        by_type.setdefault(record["type"], []).append(record)
    found: list[str] = []

    legs = by_type.get("leg", [])
    listed = {leg["leg"] for leg in truth["legs"]}
    judged = [leg for leg in legs if leg["direction"] != "internal" or leg["leg"] in listed]
    found += _compare("leg", "leg", truth["legs"], judged, tolerance)
    if "calls" in truth:
        found += _compare("call", "call", truth["calls"], by_type.get("call", []), tolerance)
    if "violations" in truth:
        found += _match("violation", truth["violations"], by_type.get("violation", []), tolerance)
    if "alerts" in truth:
        rules = ("ring", "hold", "consult", "park")
        alerts = {}
        for alert in by_type.get("alert", []):
            if alert["rule"] in rules:
                key = (alert["rule"], alert["level"], alert["seat"], alert["call"], alert["at"])
                alerts[key] = alert
        found += _match("alert", truth["alerts"], list(alerts.values()), tolerance)
    if "work_orders" in truth:
        last: dict[str, Record] = {}
        for order in by_type.get("work_order", []):
            last[order["id"]] = order
        expected = [
            {key: order[key] for key in ORDER_KEYS if key in order}
            if order["kind"] == "missed"
            else order
            for order in truth["work_orders"]
        ]
        found += _match("work_order", expected, list(last.values()), tolerance)
    for seat, states in (truth.get("seat_states") or {}).items():
        seen = [record for record in by_type.get("seat", []) if record["seat"] == seat]
        rest = iter(seen)
        for state in states:
            expected = state if isinstance(state, dict) else {"state": state}
            if not any(not _differ(expected, record, tolerance) for record in rest):
                found.append(f"seat {seat}: {expected} not in its place; seen: {seen}")
                break
    return found


def _compare(
    what: str, key: str, expected: list[Record], seen: list[Record], tolerance: float
) -> list[str]:
    found = []
    by_key = {record[key]: record for record in seen}
    if len(by_key) != len(seen):
        found.append(f"{what}: printed more than once")
    for record in expected:
        mine = by_key.pop(record[key], None)
        if mine is None:
            found.append(f"{what} {record[key]} ({record.get('seat')}): missing")
            continue
        found += [f"{what} {record[key]}: {d}" for d in _differ(record, mine, tolerance)]
    found += [f"{what} {key}: not in the truth: {by_key[key]}" for key in by_key]
    return found


def _match(what: str, expected: list[Record], seen: list[Record], tolerance: float) -> list[str]:
    left = list(seen)
    found = []
    for record in expected:
        match = next((m for m in left if not _differ(record, m, tolerance)), None)
        if match is None:
            found.append(f"{what}: expected {record}")
        else:
            left.remove(match)
    return found + [f"{what}: not in the truth: {m}" for m in left]


def _differ(expected: Any, seen: Any, tolerance: float, path: str = "") -> list[str]:
    if isinstance(expected, dict):
        if not isinstance(seen, dict):
            return [f"{path} is {seen!r}"]
        found = []
        for key, value in expected.items():
            if key == "to":
                continue
            if key == "legs" and isinstance(value, int) and isinstance(seen.get(key), list):
                seen = {**seen, key: len(seen[key])}
            found += _differ(value, seen.get(key), tolerance, f"{path}.{key}")
        return found
    if isinstance(expected, list):
        if not isinstance(seen, list) or len(seen) != len(expected):
            return [f"{path}: expected {expected}, is {seen}"]
        pairs = zip(sorted(expected, key=str), sorted(seen, key=str), strict=True)
        if all(isinstance(x, str) for x in expected):
            return [f"{path}: expected {a}, is {b}" for a, b in pairs if a != b]
        found = []
        for i, (a, b) in enumerate(zip(expected, seen, strict=True)):
            found += _differ(a, b, tolerance, f"{path}[{i}]")
        return found
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return [] if expected == seen else [f"{path}: expected {expected!r}, is {seen!r}"]
    if not isinstance(seen, (int, float)) or abs(seen - expected) > tolerance:
        return [f"{path}: expected {expected}, is {seen!r}"]
    return []
