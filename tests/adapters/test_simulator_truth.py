"""The engine must conclude from simulated traffic what the simulated phones really did.

Two independent accounts of the same thousand legs: the simulator's truth, written while it played,
and what the daemon's own pipeline makes of the bytes.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from agentd.core.effects import to_record
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from agentd.simulator import SimConfig, Truth, render_with_truth
from agentd.simulator.actions import originate, queue_add, queue_pause
from agentd.simulator.manned import Phone
from agentd.simulator.pbx import Steps
from agentd.simulator.recording import DEFAULT_START_S, opening_bytes, stream
from agentd.simulator.traffic import build

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


def people_at_phones(config: SimConfig, duration_s: float) -> tuple[bytes, Truth]:
    """The same with people at the manned seats, who press whatever key makes sense."""
    world = build(config, DEFAULT_START_S * 1_000_000)
    rng = random.Random(config.seed)
    phones = {
        seat.device: Phone(seat, lambda at, key: world.wake(at.line.process, (key, at)))
        for seat in world.seats
        if seat.manned
    }

    def sit(device: str, name: str) -> Steps:
        for queue in world.queues:
            queue_add(
                world,
                {
                    "queue": queue.spec.name, "interface": device, "membername": name,
                    "paused": "true",
                },
            )  # fmt: skip
        queue_pause(world, {"interface": device, "paused": "false"})
        while True:
            # Not in the same moment as what it answers to: nobody is that fast.
            yield rng.uniform(0.5, 9.0)
            phone = phones[device]
            keys = {
                "idle": [lambda: originate(world, {"channel": device, "exten": "13800001111"})],
                "ringing": [phone.answer, phone.answer, phone.hang_up],
                "talking": [*[phone.hold] * 4, phone.hang_up, *[phone.customer_hangs_up] * 2],
                "holding": [phone.unhold, phone.unhold, phone.unhold, phone.customer_hangs_up],
            }[phone.state]
            if phone.state != "idle" or rng.random() < 0.2:
                rng.choice(keys)()

    head = opening_bytes(world)
    for number, device in enumerate(sorted(phones)):
        world.spawn(lambda _, d=device, n=number: sit(d, f"张{n}"), 1.0 + number)
    return b"".join([head, *stream(world, duration_s)]), world.truth


@pytest.mark.parametrize("seed", [21, 22, 23, 24, 101, 207])
def test_engine_and_people_at_phones_agree(seed: int) -> None:
    manned = frozenset({"PJSIP/1001", "PJSIP/1004"})
    config = SimConfig(
        seats=7, calls_per_s=0.2, break_every_s=60.0, seed=seed, talk_scale=0.3, manned=manned
    )
    data, truth = people_at_phones(config, 1_200)
    agree(data, truth)
    theirs = [leg for leg in truth.legs if leg.seat in manned]
    kinds = {(leg.direction, leg.outcome) for leg in theirs}
    assert len(theirs) > 40
    assert {("inbound", "answered"), ("inbound", "rejected"), ("outbound", "answered")} <= kinds
    assert {leg.ended_by for leg in theirs} >= {"agent", "caller"}


@pytest.mark.parametrize("config", ROOMS, ids=lambda config: f"seed{config.seed}")
def test_engine_and_simulator_agree(config: SimConfig) -> None:
    agree(*render_with_truth(config, 600))


def agree(data: bytes, truth: Truth) -> None:
    """Both accounts say the same."""
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
        spells = zip(leg.holds, record["holds"], strict=False)
        same = len(leg.holds) == len(record["holds"]) and all(
            one.kind == other["kind"] and close(one.seconds, other["seconds"])
            for one, other in spells
        )
        if not same:
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
