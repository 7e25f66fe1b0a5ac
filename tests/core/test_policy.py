"""The numbers behind the rules (:mod:`agentd.core.policy`)."""

from __future__ import annotations

import pytest

from agentd.core.policy import Policy, PolicyBook


@pytest.mark.parametrize(
    ("cycle_s", "on_s", "rings", "basis", "limit_s", "warn_s"),
    [
        (5, 1, 2, "before_next_ring", 10, 5),
        (5, 1, 2, "end_of_ring", 6, 5),
        (6, 2, 2, "before_next_ring", 12, 6),
        (6, 2, 2, "end_of_ring", 8, 6),
        (3, 0.4, 3, "before_next_ring", 9, 6),
        (5, 1, 1, "before_next_ring", 5, 0),
    ],
)
def test_rings_become_seconds(
    cycle_s: float, on_s: float, rings: int, basis: str, limit_s: float, warn_s: float
) -> None:
    policy = Policy(ring_cycle_s=cycle_s, ring_on_s=on_s, ring_max=rings, ring_basis=basis)
    assert (policy.ring_limit_s, policy.ring_warn_s) == (limit_s, warn_s)


def test_the_queues_changes_come_after_the_groups() -> None:
    book = PolicyBook(
        Policy(hold_max_s=30.0),
        groups={"trainees": {"hold_max_s": 45.0, "ring_max": 3}},
        queues={"vip": {"hold_max_s": 15.0}},
    )
    assert book.resolve(None, None) is book.default
    assert book.resolve("hotline", "experts") is book.default
    assert book.resolve("hotline", "trainees").hold_max_s == 45
    both = book.resolve("vip", "trainees")
    assert (both.hold_max_s, both.ring_max) == (15, 3)
    assert book.resolve("vip", None).ring_max == 2


def test_the_defaults_are_those_of_the_service_rules() -> None:
    policy = Policy()
    assert (policy.ring_limit_s, policy.hold_warn_s, policy.hold_max_s) == (10, 20, 30)
    assert (policy.hold_escalate_s, policy.order_due_s) == (60, 900)
    assert policy.order_remind_s == (600, 780)
    assert policy.consult_max_s is policy.hold_sum_max_s is None
    assert policy.service_level_s == 15
