"""Surge levels: raised at once, left after a while, by whichever measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentd.core.surge import (
    LEVELS,
    Measures,
    Surge,
    SurgeLimits,
    SurgeRules,
    follow,
    next_limits,
    reached_by,
)

S = 1_000_000
RULES = SurgeRules(
    SurgeLimits(
        waiting=(2, 4, 6), longest_wait_s=(10.0, 20.0, 30.0), service_level=(0.8, 0.6, 0.4)
    ),
    {"quiet": SurgeLimits((), (), ())},
    service_level_min_calls=5,
    calm_s=60.0,
)
CALM = Measures(0, 0, None, 0)


def waiting(count: int) -> Measures:
    return Measures(count, 0, None, 0)


@pytest.mark.parametrize(
    ("measures", "found"),
    [
        (CALM, {"waiting": 0, "longest_wait": 0}),
        (waiting(1), {"waiting": 0, "longest_wait": 0}),
        (waiting(4), {"waiting": 2, "longest_wait": 0}),
        (Measures(1, 30 * S, None, 0), {"waiting": 0, "longest_wait": 3}),
        (Measures(1, 30 * S - 1, None, 0), {"waiting": 0, "longest_wait": 2}),
        # Low, of enough calls, while somebody waits.
        (Measures(1, 0, 0.5, 5), {"waiting": 0, "longest_wait": 0, "service_level": 2}),
        (Measures(1, 0, 0.8, 5), {"waiting": 0, "longest_wait": 0, "service_level": 0}),
        (Measures(1, 0, 0.0, 4), {"waiting": 0, "longest_wait": 0}),
        (Measures(0, 0, 0.0, 9), {"waiting": 0, "longest_wait": 0}),
    ],
)
def test_each_measure_reaches_a_level(measures: Measures, found: dict[str, int]) -> None:
    assert reached_by(measures, RULES, "hotline") == found


def test_a_queue_without_limits_has_no_surge() -> None:
    assert not any(reached_by(Measures(99, 999 * S, 0.0, 99), RULES, "quiet").values())


def test_a_level_is_raised_at_once_with_what_reached_it() -> None:
    surge = follow(Surge(), waiting(2), RULES, "hotline", 100)
    assert surge == Surge(1, 100, ("waiting",))
    worse = follow(surge, Measures(6, 35 * S, None, 0), RULES, "hotline", 200)
    assert worse == Surge(3, 200, ("waiting", "longest_wait"))


def test_it_is_left_only_after_it_was_not_reached_for_a_while() -> None:
    surge = follow(Surge(), waiting(6), RULES, "hotline", 0)
    surge = follow(surge, CALM, RULES, "hotline", 10 * S)
    surge = follow(surge, waiting(4), RULES, "hotline", 20 * S)
    surge = follow(surge, CALM, RULES, "hotline", 69 * S)
    assert (surge.level, surge.since_us) == (3, 0)
    # The highest that was reached meanwhile comes next; nothing reaches that now any more.
    surge = follow(surge, CALM, RULES, "hotline", 70 * S)
    assert (surge.level, surge.since_us, surge.reached) == (2, 70 * S, ())
    surge = follow(surge, CALM, RULES, "hotline", 129 * S)
    assert surge.level == 2
    surge = follow(surge, CALM, RULES, "hotline", 130 * S)
    assert surge == Surge(0, 130 * S)


def test_reaching_it_again_begins_the_while_anew() -> None:
    surge = follow(Surge(), waiting(2), RULES, "hotline", 0)
    surge = follow(surge, CALM, RULES, "hotline", 1 * S)
    surge = follow(surge, waiting(3), RULES, "hotline", 60 * S)
    assert surge == Surge(1, 0, ("waiting",))
    surge = follow(surge, CALM, RULES, "hotline", 61 * S)
    assert follow(surge, CALM, RULES, "hotline", 120 * S).level == 1
    assert follow(surge, CALM, RULES, "hotline", 121 * S).level == 0


def test_a_lower_level_that_still_holds_names_its_measures() -> None:
    surge = follow(Surge(), waiting(6), RULES, "hotline", 0)
    surge = follow(surge, waiting(2), RULES, "hotline", 1 * S)
    surge = follow(surge, waiting(2), RULES, "hotline", 61 * S)
    assert surge == Surge(1, 61 * S, ("waiting",))


def test_what_the_next_level_takes() -> None:
    first = {"waiting": 2, "longest_wait_s": 10.0, "service_level": 0.8}
    assert next_limits(RULES, "hotline", 0) == first
    assert next_limits(RULES, "hotline", LEVELS) is None
    assert next_limits(RULES, "quiet", 0) == {}


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 90)), max_size=40))
def test_the_level_is_the_highest_of_the_last_while(steps: list[tuple[int, int]]) -> None:
    surge, now_us = Surge(), 0
    said: list[tuple[int, int]] = []
    for count, pause_s in steps:
        now_us += pause_s * S
        surge = follow(surge, waiting(count), RULES, "hotline", now_us)
        now = max(reached_by(waiting(count), RULES, "hotline").values())
        said.append((now_us, now))
        assert surge.level >= now
        # Never higher than what was reached since it began to fall, or when it was raised.
        assert surge.level <= max(level for _, level in said)
        assert surge.since_us <= now_us
        recent = [level for at_us, level in said if now_us - at_us < 60 * S]
        assert surge.level >= max(recent[-1:], default=0)
