"""Settings of the board: right ones are taken, wrong ones are explained with their place."""

from __future__ import annotations

from typing import Any

import pytest

from agentd.core.board_settings import check_setting, surge_rules, surge_setting
from agentd.core.surge import SurgeLimits, SurgeRules


def wrong(key: str, value: Any) -> list[str]:
    return [missing.field for missing in check_setting(key, value)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("thresholds", {"metrics": {}}),
        ("thresholds", {"metrics": {"service_level": {"warn": 0.9, "breach": 0.8}}}),
        ("thresholds", {"metrics": {"asa": {"warn": 10, "breach": 20.5}}}),
        ("surge", {}),
        ("surge", {"default": {"waiting": [1, 2, 3], "longest_wait_s": None}}),
        ("surge", {"queues": {"hotline": {"service_level": [0.9, 0.8, 0.5]}}}),
        ("surge", {"calm_s": 0, "service_level_min_calls": 1, "fold_level": 3}),
        ("floor_plan", "whatever the pages keep"),
    ],
)
def test_what_is_right_is_taken(key: str, value: Any) -> None:
    assert check_setting(key, value) == ()


@pytest.mark.parametrize(
    ("value", "places"),
    [
        (None, ["value"]),
        ({"metric": {}}, ["value"]),
        ({"metrics": []}, ["value.metrics"]),
        ({"metrics": {"luck": {"warn": 1, "breach": 2}}}, ["value.metrics.luck"]),
        ({"metrics": {"asa": 3}}, ["value.metrics.asa"]),
        ({"metrics": {"asa": {"warn": 1}}}, ["value.metrics.asa"]),
        (
            {"metrics": {"asa": {"warn": "1", "breach": float("nan")}}},
            ["value.metrics.asa.warn", "value.metrics.asa.breach"],
        ),
        (
            {"metrics": {"service_level": {"warn": 80, "breach": True}}},
            ["value.metrics.service_level.warn", "value.metrics.service_level.breach"],
        ),
        ({"metrics": {"asa": {"warn": 5, "breach": 5}}}, ["value.metrics.asa.breach"]),
        ({"metrics": {"asa": {"warn": 10**400, "breach": 5}}}, ["value.metrics.asa.warn"]),
    ],
)
def test_thresholds_that_are_wrong(value: Any, places: list[str]) -> None:
    assert wrong("thresholds", value) == places


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ([], ["value"]),
        ({"waiting": [1, 2, 3]}, ["value.waiting"]),
        ({"default": [1, 2, 3]}, ["value.default"]),
        ({"default": {"wating": [1, 2, 3]}}, ["value.default"]),
        ({"default": {"waiting": 3}}, ["value.default.waiting"]),
        ({"default": {"waiting": [1, 2]}}, ["value.default.waiting"]),
        ({"default": {"waiting": [1, 2, 2]}}, ["value.default.waiting"]),
        ({"default": {"waiting": [0, 2, 3]}}, ["value.default.waiting"]),
        ({"default": {"waiting": [1.5, 2, 3]}}, ["value.default.waiting"]),
        ({"default": {"longest_wait_s": [1, 2, "3"]}}, ["value.default.longest_wait_s"]),
        ({"default": {"service_level": [0.4, 0.6, 0.8]}}, ["value.default.service_level"]),
        ({"queues": []}, ["value.queues"]),
        ({"queues": {str(n): {} for n in range(501)}}, ["value.queues"]),
        ({"queues": {"a": {"waiting": [3, 2, 1]}}}, ["value.queues.a.waiting"]),
        ({"calm_s": -1}, ["value.calm_s"]),
        ({"calm_s": None}, ["value.calm_s"]),
        ({"fold_level": 4}, ["value.fold_level"]),
        ({"service_level_min_calls": 1.5}, ["value.service_level_min_calls"]),
    ],
)
def test_surge_rules_that_are_wrong(value: Any, places: list[str]) -> None:
    assert wrong("surge", value) == places


def test_every_mistake_has_words_in_both_languages() -> None:
    value = {"x": 1, "default": [], "queues": 1, "calm_s": "", "fold_level": ""}
    found = check_setting("surge", value)
    assert len(found) == 5
    assert all(missing.text_zh and missing.text_en for missing in found)


def test_a_setting_goes_before_the_configuration_measure_by_measure() -> None:
    base = SurgeRules(calm_s=30.0, fold_level=2)
    value = {
        "default": {"waiting": [1, 2, 3]},
        "queues": {"hotline": {"longest_wait_s": None}},
        "service_level_min_calls": 3,
    }
    rules = surge_rules(value, base)
    assert rules.of("sales") == SurgeLimits(waiting=(1, 2, 3))
    assert rules.of("hotline") == SurgeLimits(waiting=(1, 2, 3), longest_wait_s=())
    assert (rules.service_level_min_calls, rules.calm_s, rules.fold_level) == (3, 30.0, 2)
    assert surge_rules({}, base) == base


@pytest.mark.parametrize(
    "rules",
    [
        SurgeRules(),
        SurgeRules(
            default=SurgeLimits(waiting=(), service_level=()),
            queues={"hotline": SurgeLimits((1, 2, 3), (), (0.9, 0.5, 0.1))},
            service_level_min_calls=3,
            calm_s=7.5,
            fold_level=0,
        ),
    ],
)
def test_rules_as_a_setting_say_the_same(rules: SurgeRules) -> None:
    value = surge_setting(rules)
    assert check_setting("surge", value) == ()
    assert surge_rules(value, SurgeRules(calm_s=1.0)) == rules
