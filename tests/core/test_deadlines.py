"""Moments that are due (:mod:`agentd.core.deadlines`)."""

from __future__ import annotations

from agentd.core.deadlines import NEVER_US, Deadlines


def test_the_earliest_is_due_first_and_equal_ones_in_the_order_of_planning() -> None:
    deadlines = Deadlines()
    assert deadlines.next_us() == NEVER_US
    deadlines.plan(300, "wait", "late")
    deadlines.plan(100, "wait", "first")
    deadlines.plan(100, "ring_warn", "second", "mark")
    assert deadlines.next_us() == 100
    assert [deadlines.pop().key for _ in range(3)] == ["first", "second", "late"]
    assert len(deadlines) == 0


def test_a_deadline_tells_what_planned_it() -> None:
    deadlines = Deadlines()
    deadlines.plan(100, "wait", "leg", "hold:0:42")
    due = deadlines.pop()
    assert (due.due_us, due.kind, due.key, due.mark) == (100, "wait", "leg", "hold:0:42")


def test_the_end_of_a_recording_keeps_only_some_kinds_in_their_order() -> None:
    deadlines = Deadlines()
    for due_us, kind in ((300, "settle"), (100, "wait"), (200, "order"), (50, "settle")):
        deadlines.plan(due_us, kind, str(due_us))
    deadlines.keep(frozenset(("settle", "order")))
    assert [deadlines.pop().due_us for _ in range(len(deadlines))] == [50, 200, 300]
