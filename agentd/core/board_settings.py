"""What supervisors may set for everybody's board: ``thresholds`` (when figures take colour) and
``surge`` (when a surge is announced). Pure; values are JSON types.

Every mistake is told with its place, so that nothing is half set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from msgspec.structs import replace

from agentd.core.metric_table import BY_KEY
from agentd.core.order_model import Missing
from agentd.core.surge import LEVELS, SurgeLimits, SurgeRules

KEYS: Final = frozenset({"thresholds", "surge", "floor_plan", "wall"})
"""What the pages keep; before anybody has set one of them, it is null in version 0."""
QUEUES_MAX: Final = 500
CALM_MAX_S: Final = 3600.0
_MEASURES: Final = ("waiting", "longest_wait_s", "service_level")
_LIMITS: Final = {"waiting": 100_000.0, "longest_wait_s": 86_400.0, "service_level": 1.0}
_SURGE_KEYS: Final = ("default", "queues", "service_level_min_calls", "calm_s", "fold_level")


def check_setting(key: str, value: Any) -> tuple[Missing, ...]:
    """All that is wrong with ``value`` as the setting ``key``; () where nothing is, and for keys
    that only pages read."""
    match key:
        case "thresholds":
            return tuple(_check_thresholds(value))
        case "surge":
            return tuple(_check_surge(value))
    return ()


def surge_rules(value: Any, base: SurgeRules) -> SurgeRules:
    """The rules that a checked setting makes of the configured ones. A queue's limits go before
    the default ones, measure by measure."""
    default = _limits(value.get("default", {}), base.default)
    queues = {name: _limits(changes, default) for name, changes in value.get("queues", {}).items()}
    numbers = {name: value[name] for name in _SURGE_KEYS[2:] if name in value}
    return replace(base, default=default, queues=queues, **numbers)


def surge_setting(rules: SurgeRules) -> dict[str, Any]:
    """``rules`` as the setting that says the same: ``surge_rules(surge_setting(r), any) == r``."""
    numbers = {name: getattr(rules, name) for name in _SURGE_KEYS[2:]}
    queues = {name: _steps(limits) for name, limits in rules.queues.items()}
    return {"default": _steps(rules.default), "queues": queues, **numbers}


def _steps(limits: SurgeLimits) -> dict[str, list[float] | None]:
    return {name: list(getattr(limits, name)) or None for name in _MEASURES}


def _limits(changes: Mapping[str, Any], base: SurgeLimits) -> SurgeLimits:
    return replace(base, **{name: tuple(steps or ()) for name, steps in changes.items()})


# --- thresholds ------------------------------------------------------------------------------


def _check_thresholds(value: Any) -> Iterator[Missing]:
    if not isinstance(value, dict) or set(value) != {"metrics"}:
        yield _wrong("", "须为 {metrics: …}", 'must be {"metrics": …}')
        return
    metrics = value["metrics"]
    if not isinstance(metrics, dict):
        yield _wrong("metrics", "须为对象", "must be an object")
        return
    for name, limits in metrics.items():
        at = f"metrics.{name}"
        row = BY_KEY.get(name)
        if row is None:
            yield _wrong(at, "没有这个指标，见 /api/metrics", "no such metric: see /api/metrics")
        elif not isinstance(limits, dict) or set(limits) != {"warn", "breach"}:
            yield _wrong(at, "须为 {warn, breach}", "must be {warn, breach}")
        else:
            most = 1.0 if row.unit == "share" else 1e9
            bad = [step for step in ("warn", "breach") if not _fits(limits[step], 0, most)]
            for step in bad:
                words = f"须为 0 至 {most:g} 的数", f"must be a number from 0 to {most:g}"
                yield _wrong(f"{at}.{step}", *words)
            if not bad and limits["warn"] == limits["breach"]:
                yield _wrong(
                    f"{at}.breach",
                    "须与 warn 不同：更大表示高为坏，更小表示低为坏",
                    "must differ from warn: above it where high is bad, below where low is",
                )


# --- surge -----------------------------------------------------------------------------------


def _check_surge(value: Any) -> Iterator[Missing]:
    if not isinstance(value, dict):
        yield _wrong("", "须为对象", "must be an object")
        return
    for name in value:
        if name not in _SURGE_KEYS:
            known = ", ".join(_SURGE_KEYS)
            yield _wrong(name, f"没有这一项，可用：{known}", f"no such key; there are: {known}")
    yield from _check_limits("default", value.get("default", {}))
    queues = value.get("queues", {})
    if not isinstance(queues, dict) or len(queues) > QUEUES_MAX:
        yield _wrong(
            "queues",
            f"须为对象，至多 {QUEUES_MAX} 个队列",
            f"must be an object of at most {QUEUES_MAX} queues",
        )
    else:
        for name, limits in queues.items():
            yield from _check_limits(f"queues.{name}", limits)
    if not _fits(value.get("calm_s", 1), 0, CALM_MAX_S):
        words = f"须为 0 至 {CALM_MAX_S:g} 的数", f"must be a number from 0 to {CALM_MAX_S:g}"
        yield _wrong("calm_s", *words)
    for name, most in (("service_level_min_calls", 100_000), ("fold_level", LEVELS)):
        number = value.get(name, 0)
        if not isinstance(number, int) or not _fits(number, 0, most):
            words = f"须为 0 至 {most} 的整数", f"must be a whole number from 0 to {most}"
            yield _wrong(name, *words)


def _check_limits(at: str, limits: Any) -> Iterator[Missing]:
    if not isinstance(limits, dict) or not set(limits) <= set(_MEASURES):
        known = ", ".join(_MEASURES)
        yield _wrong(at, f"须为对象，可用：{known}", f"must be an object of: {known}")
        return
    for name, steps in limits.items():
        if steps is None:
            continue
        if not is_steps(name, steps):
            order = ("降", "descending") if name == "service_level" else ("升", "ascending")
            most = _LIMITS[name]
            yield _wrong(
                f"{at}.{name}",
                f"须为 {LEVELS} 个{order[0]}序的数，至多 {most:g}；或 null",
                f"must be {LEVELS} {order[1]} numbers, at most {most:g}, or null",
            )


def is_steps(measure: str, steps: Any) -> bool:
    """Whether ``steps`` are limits of the levels 1 to 3 of a measure."""
    if not isinstance(steps, list | tuple) or len(steps) != LEVELS:
        return False
    if not all(_fits(step, 0, _LIMITS[measure]) and step > 0 for step in steps):
        return False
    if measure == "waiting" and not all(isinstance(step, int) for step in steps):
        return False
    ordered = reversed(steps) if measure == "service_level" else steps
    return all(low < high for low, high in pairwise(ordered))


def _fits(value: Any, least: float, most: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and least <= value <= most


def _wrong(place: str, text_zh: str, text_en: str) -> Missing:
    field = f"value.{place}" if place else "value"
    return Missing(field, "invalid", text_zh, text_en)
