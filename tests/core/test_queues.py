"""The counters of a queue's card (:mod:`agentd.core.queues`)."""

from __future__ import annotations

import pytest

from agentd.core.effects import VisitEnded, VisitOutcome
from agentd.core.queues import DAY_US, Queue, Waiting, day_start_us

HOUR_US = 3_600_000_000


def visit(outcome: VisitOutcome, *, wait_us: int, estimated: bool = False) -> VisitEnded:
    return VisitEnded(
        "pbx", "li", "hotline", None, 0, wait_us, wait_us, outcome, None, None,
        15_000_000, 5_000_000, estimated, False,
    )  # fmt: skip


def test_no_service_level_before_the_first_call_that_counts() -> None:
    assert Queue("hotline", 0).service_level is None
    assert Queue("hotline", 0, offered=1, short_abandons=1).service_level is None


def test_short_abandons_do_not_count_in_the_service_level() -> None:
    queue = Queue("hotline", 0, offered=5, answered=3, in_time=2, short_abandons=1)
    assert queue.service_level == 0.5


def test_who_still_waits_on_a_new_day_belongs_to_the_day_before() -> None:
    queue = Queue(
        "hotline", 0, offered=9, answered=5, in_time=4, abandoned=2, let_go=1, unjudged=1, gap=True
    )
    waiting = {"li": Waiting("li", None, 5)}
    queue.waiting.update(waiting)
    queue.start_day(DAY_US)
    assert queue == Queue("hotline", DAY_US, waiting=waiting, day_us=DAY_US)
    assert (queue.counts(5), queue.counts(DAY_US)) == (False, True)
    assert queue.service_level is None


def test_what_is_not_judged_is_left_out_of_the_service_level() -> None:
    queue = Queue("hotline", 0, offered=4)
    queue.count(visit("answered", wait_us=5_000_000))
    queue.count(visit("answered", wait_us=5_000_000, estimated=True))
    queue.count(visit("unknown", wait_us=5_000_000))
    queue.count(visit("moved", wait_us=5_000_000))
    assert (queue.answered, queue.in_time, queue.unjudged) == (2, 1, 2)
    assert queue.service_level == 0.5


@pytest.mark.parametrize(
    ("now_h", "start_h"), [(15.99, -8), (16, 16), (20, 16), (39.99, 16), (40, 40)]
)
def test_midnight_in_china_is_at_sixteen_utc(now_h: float, start_h: int) -> None:
    assert day_start_us(round(now_h * HOUR_US), 57_600) == start_h * HOUR_US
