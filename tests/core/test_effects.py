"""Effects as ``agentd replay`` prints them (:mod:`agentd.core.effects`)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentd.core import events as e
from agentd.core.effects import (
    OBLIGATIONS,
    OrderChanged,
    OrderContact,
    ResyncWanted,
    Violation,
    to_record,
)
from tests.core.story import Story, us

# The table of the replay format: these keys keep their names.
KEYS = {
    "leg": "call leg seat agent queue direction caller offered_at ringing_at answered_at ended_at "
    "ring_s talk_s hold_s holds outcome ended_by estimated",
    "call": "call queue visits caller started_at ended_at wait_s outcome legs",
    "alert": "at level rule seat agent call to value limit",
    "violation": "at rule seat agent call leg value limit evidence",
    "work_order": "at id kind call seat status opened_at due_at",
    "seat": "at seat agent state queues pause_reason",
    "anomaly": "at what event",
}


def whole_story() -> list[dict[str, Any]]:
    story = Story()
    story.say(e.AgentPool(us(-1), "AgentLogin"))
    leg = story.talk(answer=3)
    story.holds(leg, at=10)
    story.unholds(leg, at=44.25)
    story.agent_ends(leg, at=60)
    story.settled()
    records = [to_record(effect) for effect in story.effects]
    return [record for record in records if record is not None]


@pytest.mark.parametrize("kind", KEYS)
def test_every_record_has_its_keys(kind: str) -> None:
    records = [record for record in whole_story() if record["type"] == kind]
    assert records
    for record in records:
        assert set(KEYS[kind].split()) <= set(record)
        json.dumps(record)


def test_times_are_seconds_with_microseconds_and_durations_seconds() -> None:
    (leg,) = [record for record in whole_story() if record["type"] == "leg"]
    assert leg["ended_at"] == 1_790_000_060.0
    assert (leg["ring_s"], leg["talk_s"], leg["hold_s"]) == (3.0, 57.0, 34.25)
    assert leg["holds"] == [{"kind": "hold", "at": 1_790_000_010.0, "seconds": 34.25}]
    assert leg["estimated"] is False


def test_unknown_is_null() -> None:
    records = whole_story()
    order = next(record for record in records if record["type"] == "work_order")
    assert (order["due_at"], order["agent"]) == (None, None)
    hangup = next(r for r in records if r["type"] == "violation" and r["rule"] == "hangup_order")
    assert (hangup["value"], hangup["limit"]) == (None, None)


def test_a_wish_for_a_snapshot_is_not_printed() -> None:
    assert to_record(ResyncWanted("pbx", 1, "why")) is None


def test_what_somebody_owes_is_an_obligation() -> None:
    assert set(OBLIGATIONS) == {OrderChanged, OrderContact, Violation}
