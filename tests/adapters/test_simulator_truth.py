"""The engine must conclude from simulated traffic what the simulated phones really did.

Two independent accounts of the same thousand legs: the simulator's truth, written while it played,
and what the daemon's own pipeline makes of the bytes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from agentd.core.effects import to_record
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from agentd.simulator import SimConfig, Truth, render_with_truth

TOLERANCE_S = 0.05
RING_LIMIT_S = 10.0
HOLD_LIMIT_S = 30.0

Record = dict[str, Any]

ROOMS = [
    SimConfig(seats=9, calls_per_s=0.35, break_every_s=60.0, seed=11),
    SimConfig(seats=9, calls_per_s=0.35, break_every_s=60.0, seed=12, dialplan=True),
    SimConfig(seats=3, calls_per_s=0.4, talk_scale=0.5, break_every_s=20.0, seed=13),
    SimConfig(seats=40, calls_per_s=2.0, talk_scale=0.4, seed=14),
]


def judged(data: bytes) -> list[Record]:
    pipeline = Pipeline("pbx", PolicyBook())
    effects = pipeline.feed(data) + pipeline.finish(run_out=False)
    return [record for effect in effects if (record := to_record(effect)) is not None]


def by(records: list[Record], kind: str, key: str) -> dict[str, Record]:
    return {record[key]: record for record in records if record["type"] == kind}


def close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE_S


def wrong(record: Record, fact: object, exact: str, timed: str) -> list[str]:
    """Which of the named figures differ, with both values."""
    return [
        f"{name}: {getattr(fact, name)!r} in truth, {record[name]!r} concluded ({fact})"
        for names, same in ((exact, lambda a, b: a == b), (timed, close))
        for name in names.split()
        if not same(getattr(fact, name), record[name])
    ]


def expected_violations(truth: Truth) -> Counter[tuple[str, str]]:
    expected: Counter[tuple[str, str]] = Counter()
    for leg in truth.legs:
        if leg.direction != "inbound":
            continue
        late = leg.ring_s is not None and leg.ring_s > RING_LIMIT_S
        if late and leg.queue is not None and leg.outcome != "answered_elsewhere":
            expected["ring", leg.leg] += 1
        for hold in leg.holds:
            if hold.kind == "hold" and hold.seconds > HOLD_LIMIT_S:
                expected["hold", leg.leg] += 1
        if leg.ended_by == "agent":
            expected["hangup_order", leg.leg] += 1
    return expected


@pytest.mark.parametrize("config", ROOMS, ids=lambda config: f"seed{config.seed}")
def test_engine_and_simulator_agree(config: SimConfig) -> None:
    data, truth = render_with_truth(config, 600)
    records = judged(data)
    assert not [record for record in records if record["type"] == "anomaly"]

    legs, known = by(records, "leg", "leg"), {leg.leg: leg for leg in truth.legs}
    assert len(known) > 60
    assert legs.keys() == known.keys()
    differences: list[str] = []
    for uniqueid, leg in known.items():
        record = legs[uniqueid]
        differences += wrong(
            record,
            leg,
            "call seat agent queue direction caller outcome ended_by",
            "ringing_at answered_at ended_at ring_s talk_s",
        )
        spells = [(hold.kind, round(hold.seconds, 1)) for hold in leg.holds]
        if spells != [(hold["kind"], round(hold["seconds"], 1)) for hold in record["holds"]]:
            differences.append(f"holds: {leg.holds} in truth, {record['holds']} concluded")
    calls = by(records, "call", "call")
    for call in truth.calls:
        differences += wrong(
            calls[call.call], call, "queue caller outcome", "started_at ended_at wait_s"
        )
    assert differences == []

    # What is still going on at the end may have been breached already.
    violations = Counter(
        (record["rule"], record["leg"])
        for record in records
        if record["type"] == "violation" and record["leg"] in known
    )
    assert violations == expected_violations(truth)


def test_every_kind_of_violation_was_there_to_be_found() -> None:
    """So that the agreement above is not about nothing."""
    found: Counter[str] = Counter()
    for config in ROOMS:
        _, truth = render_with_truth(replace(config, dialplan=False), 600)
        for (rule, _), count in expected_violations(truth).items():
            found[rule] += count
    assert set(found) == {"ring", "hold", "hangup_order"}
    assert min(found.values()) >= 5
