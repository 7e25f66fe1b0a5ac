"""The counters of a queue's card (:mod:`agentd.core.queues`)."""

from __future__ import annotations

import pytest

from agentd.core.queues import DAY_US, Queue, Waiting, day_start_us

HOUR_US = 3_600_000_000


def test_no_service_level_before_the_first_call_that_counts() -> None:
    assert Queue("hotline", 0).service_level is None
    assert Queue("hotline", 0, offered=1, short_abandons=1).service_level is None


def test_short_abandons_do_not_count_in_the_service_level() -> None:
    queue = Queue("hotline", 0, offered=5, answered=3, in_time=2, short_abandons=1)
    assert queue.service_level == 0.5


def test_a_new_day_counts_who_still_waits() -> None:
    queue = Queue("hotline", 0, offered=9, answered=5, in_time=4, abandoned=2, let_go=1, gap=True)
    queue.waiting["li"] = Waiting("li", None, 5)
    queue.start_day(DAY_US)
    assert queue == Queue("hotline", DAY_US, waiting={"li": Waiting("li", None, 5)}, offered=1)


@pytest.mark.parametrize(
    ("now_h", "start_h"), [(15.99, -8), (16, 16), (20, 16), (39.99, 16), (40, 40)]
)
def test_midnight_in_china_is_at_sixteen_utc(now_h: float, start_h: int) -> None:
    assert day_start_us(round(now_h * HOUR_US), 57_600) == start_h * HOUR_US
