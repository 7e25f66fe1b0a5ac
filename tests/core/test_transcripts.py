"""Recordings of a real Asterisk, judged: what the engine concludes is what happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentd.core.effects import to_record
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from tests.truth_check import differences

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"
NAMES = sorted(path.name.removesuffix(".truth.json") for path in TRANSCRIPTS.glob("*.truth.json"))


def replay(data: bytes, chunk_bytes: int = 65536) -> list[dict[str, Any]]:
    pipeline = Pipeline("pbx", PolicyBook())
    effects = []
    for start in range(0, len(data), chunk_bytes):
        effects += pipeline.feed(data[start : start + chunk_bytes])
    effects += pipeline.finish(run_out=True)
    records = (to_record(effect) for effect in effects)
    return [record for record in records if record is not None]


def test_there_are_transcripts() -> None:
    assert len(NAMES) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_conclusions_are_the_truth(name: str) -> None:
    truth = json.loads((TRANSCRIPTS / f"{name}.truth.json").read_text(encoding="utf-8"))
    records = replay((TRANSCRIPTS / f"{name}.ami").read_bytes())
    assert differences(truth, records) == []


@pytest.mark.parametrize("name", NAMES)
def test_any_split_of_the_bytes_concludes_the_same(name: str) -> None:
    data = (TRANSCRIPTS / f"{name}.ami").read_bytes()
    assert replay(data, 997) == replay(data)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_behind(name: str) -> None:
    pipeline = Pipeline("pbx", PolicyBook())
    pipeline.feed((TRANSCRIPTS / f"{name}.ami").read_bytes())
    pipeline.advance(pipeline.seen_us + 60_000_000)
    live = pipeline.live_counts()
    assert live["legs"] == live["open_legs"]
    assert live["calls"] <= live["channels"] + live["open_legs"]


def test_a_seat_that_a_queue_knows_by_a_hint_is_judged_by_its_phone() -> None:
    """As FreePBX sets its queues up: a Local channel to reach the phone, a hint for its state."""
    data = (TRANSCRIPTS / "local_member.ami").read_bytes()
    truth = json.loads((TRANSCRIPTS / "local_member.truth.json").read_text(encoding="utf-8"))
    (seat,) = {leg["seat"] for leg in truth["legs"]}
    hint = f"hint:{seat.rpartition('/')[2]}@phones"
    hinted = data.replace(f"StateInterface: {seat}".encode(), f"StateInterface: {hint}".encode())
    assert hinted != data
    judged = [record for record in replay(hinted) if record["type"] == "leg"]
    plain = [record for record in replay(data) if record["type"] == "leg"]
    assert judged == [{**leg, "seat": hint} for leg in plain]
