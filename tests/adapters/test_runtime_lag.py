"""How far behind we were: the worst of the last seconds, and then forgotten."""

from __future__ import annotations

from agentd.runtime_lag import PERIOD_S, Lag


def test_the_worst_of_the_last_seconds_counts() -> None:
    lag = Lag()
    assert lag.worst_us(100.0) is None
    lag.note(20_000, 100.0)
    lag.note(420_001, 101.0)
    lag.note(0, 102.0)
    assert lag.worst_us(102.0) == 450_000
    lag.note(1, 100.0 + PERIOD_S)
    assert lag.worst_us(100.0 + PERIOD_S) == 450_000
    assert lag.worst_us(100.0 + 2 * PERIOD_S) == 50_000
    assert lag.worst_us(100.0 + 4 * PERIOD_S) is None


def test_on_time_is_no_lag() -> None:
    lag = Lag()
    lag.note(0, 7.0)
    assert lag.worst_us(7.0) == 0
