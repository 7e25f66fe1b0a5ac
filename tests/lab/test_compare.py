"""The lab's comparison finds every kind of mistake: a scenario could not pass by accident."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentd.core.effects import to_record
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from asterisk_lab.compare import differences

Record = dict[str, Any]
TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"


def load(name: str) -> tuple[Record, list[Record]]:
    pipeline = Pipeline("pbx", PolicyBook())
    effects = pipeline.feed((TRANSCRIPTS / f"{name}.ami").read_bytes())
    effects += pipeline.finish(run_out=True)
    truth = json.loads((TRANSCRIPTS / f"{name}.truth.json").read_text(encoding="utf-8"))
    # As replay prints them: through JSON.
    records = [json.loads(json.dumps(r)) for r in map(to_record, effects) if r is not None]
    return truth, records


def first(records: list[Record], kind: str) -> Record:
    return next(r for r in records if r["type"] == kind)


def blame(records: list[Record]) -> None:
    first(records, "leg")["ended_by"] = "agent"


def late_by_60_ms(records: list[Record]) -> None:
    first(records, "leg")["ended_at"] += 0.06


def forget_the_hold(records: list[Record]) -> None:
    first(records, "leg")["holds"] = []


def forget_the_leg(records: list[Record]) -> None:
    records.remove(first(records, "leg"))


def print_the_leg_twice(records: list[Record]) -> None:
    records.append(copy.deepcopy(first(records, "leg")))


def forget_the_violation(records: list[Record]) -> None:
    records.remove(next(r for r in records if r["type"] == "violation" and r["rule"] == "hold"))


def make_up_a_violation(records: list[Record]) -> None:
    records.append({**first(records, "violation"), "rule": "ring"})


def clear_twice(records: list[Record]) -> None:
    records.append(next(r for r in records if r["type"] == "alert" and r["level"] == "cleared"))


def give_the_order_away(records: list[Record]) -> None:
    for record in records:
        if record["type"] == "work_order":
            record["seat"] = "PJSIP/1999"


def open_a_second_order(records: list[Record]) -> None:
    records.append({**first(records, "work_order"), "id": "pbx-again"})


def call_it_abandoned(records: list[Record]) -> None:
    first(records, "call")["outcome"] = "abandoned"


MISTAKES = [
    blame, late_by_60_ms, forget_the_hold, forget_the_leg, print_the_leg_twice,
    forget_the_violation, make_up_a_violation, clear_twice, give_the_order_away,
    open_a_second_order, call_it_abandoned,
]  # fmt: skip


def test_no_mistake_is_no_difference() -> None:
    truth, records = load("hold_34s")
    assert differences(truth, records) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_found(mistake: Callable[[list[Record]], None]) -> None:
    truth, records = load("hold_34s")
    mistake(records)
    assert differences(truth, records)


def test_a_wrong_pause_reason_is_found() -> None:
    truth, records = load("pause_and_login")
    assert differences(truth, records) == []
    next(r for r in records if r.get("state") == "paused")["pause_reason"] = "other"
    assert differences(truth, records)


def test_other_seats_do_not_matter() -> None:
    truth, records = load("hold_34s")
    stranger = {**first(records, "leg"), "seat": "PJSIP/1999", "leg": "9.9", "call": "9.8"}
    assert differences(truth, [*records, stranger]) == []


# --- what a live daemon keeps beside ---


def beside() -> tuple[Record, list[Record]]:
    truth, records = load("hold_34s")
    call = truth["calls"][0]["call"]
    truth["contacts"] = [{"order_call": call, "kind": "call_back", "leg": "9.9", "in_time": True}]
    truth["recordings"] = [{"call": call, "channel": call, "file": "/lab/a.wav"}]
    order = next(r["id"] for r in records if r["type"] == "work_order")
    contact = {"type": "order_contact", "order_id": order, "kind": "call_back", "leg": "9.9"}
    recording = {"type": "recording", "call": call, "channel": call, "file": "/lab/a.wav"}
    return truth, [*records, {**contact, "call": "9.9", "in_time": True}, recording]


def test_contacts_and_recordings_are_held_to_the_truth() -> None:
    truth, records = beside()
    assert differences(truth, records, until=1e12) == []
    # Replay keeps neither.
    assert differences(truth, records[:-2]) == []
    assert len(differences(truth, records[:-2], until=1e12)) == 2


@pytest.mark.parametrize(
    "changed", [{"kind": "attempt"}, {"leg": "9.8"}, {"in_time": False}, {"order_id": "pbx-1"}]
)
def test_a_wrong_contact_is_found(changed: Record) -> None:
    truth, records = beside()
    records[-2] = {**records[-2], **changed}
    assert differences(truth, records, until=1e12)


@pytest.mark.parametrize("changed", [{"file": "/lab/b.wav"}, {"channel": "9.9"}])
def test_a_wrong_recording_is_found(changed: Record) -> None:
    truth, records = beside()
    records[-1] = {**records[-1], **changed}
    assert differences(truth, records, until=1e12)


def test_a_missed_call_that_stays_owed_is_found() -> None:
    truth, records = load("gives_up_before_limit")
    assert differences(truth, records) == []
    truth["work_orders"][0]["status"] = "completed"
    assert differences(truth, records)
