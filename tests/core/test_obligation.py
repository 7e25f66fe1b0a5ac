"""The life of a work order."""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.effects import OrderChanged
from agentd.core.obligation import Refusal, change_key, complete, merge

OPEN = OrderChanged(
    pbx="main",
    at_us=1_000_000,
    id="main-1732320000.7",
    kind="call",
    call="1732320000.7",
    seat="PJSIP/1001",
    agent="王芳",
    queue="hotline",
    caller="13900000000",
    status="open",
    opened_us=1_000_000,
    due_us=None,
)


def completed(by: str = "王芳", now_us: int = 5_000_000) -> OrderChanged:
    done = complete(OPEN, by, now_us)
    assert isinstance(done, OrderChanged)
    return done


def test_completing_an_open_order() -> None:
    done = complete(OPEN, " 王芳 ", 5_000_000)
    assert done == replace(
        OPEN,
        at_us=5_000_000,
        status="completed",
        completed_us=5_000_000,
        completed_by="王芳",
        change="completed",
    )


def test_completing_twice_is_refused_and_says_who_was_first() -> None:
    refusal = complete(completed(), "李强", 6_000_000)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "already_completed"
    assert refusal.order == completed()
    assert refusal.message == "work order main-1732320000.7 was already completed by 王芳"


def test_completing_without_a_name_is_refused() -> None:
    refusal = complete(OPEN, "  ", 6_000_000)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "no_name"
    assert refusal.message == "work order main-1732320000.7: say who completed it"


def test_an_open_order_takes_its_deadline_and_keeps_when_it_was_opened() -> None:
    due = replace(OPEN, at_us=9_000_000, opened_us=2_000_000, due_us=909_000_000, change="due")
    assert merge(OPEN, due) == replace(due, opened_us=1_000_000)


def test_a_change_from_a_clock_set_back_still_counts() -> None:
    due = replace(OPEN, at_us=500_000, due_us=900_500_000, change="due")
    assert merge(OPEN, due) == due


def test_alerts_are_never_unsent() -> None:
    reminded = replace(OPEN, alerts_sent=2, at_us=3_000_000, change="due")
    resumed = replace(OPEN, alerts_sent=0, at_us=4_000_000, change="resumed")
    merged = merge(reminded, resumed)
    assert merged is not None
    assert merged.alerts_sent == 2


def test_a_completed_order_is_never_reopened() -> None:
    assert merge(completed(), replace(OPEN, at_us=9_000_000, change="handed_over")) is None


def test_the_first_completion_stands() -> None:
    again = completed(by="李强", now_us=8_000_000)
    merged = merge(completed(), again)
    assert merged is not None
    assert (merged.completed_by, merged.completed_us) == ("王芳", 5_000_000)
    assert merged.at_us == 8_000_000


def test_the_same_change_has_the_same_key_and_another_has_not() -> None:
    assert change_key(OPEN) == change_key(replace(OPEN, seat="PJSIP/1002"))
    others = [
        replace(OPEN, id="main-1732320000.8"),
        replace(OPEN, at_us=2),
        replace(OPEN, change="due"),
        replace(OPEN, alerts_sent=1),
    ]
    assert change_key(OPEN) not in {change_key(other) for other in others}


def test_what_the_system_completed_names_nobody() -> None:
    missed = replace(OPEN, status="completed", completed_us=5, change="got_through")
    refusal = complete(missed, "王芳", 9)
    assert isinstance(refusal, Refusal)
    assert refusal.message.endswith("was already completed")
