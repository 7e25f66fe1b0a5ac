"""What the configuration says of figures: days, shifts, pauses, and when a surge is announced."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import Final, get_args

from agentd.config.model import FiguresSection, SurgeSection
from agentd.core.effects import Rule
from agentd.core.metric_windows import DailyShift, MetricBook
from agentd.core.order_form import FormBook, WorkCalendar
from agentd.core.policy import PolicyBook
from agentd.core.surge import SurgeLimits, SurgeRules

_DAY_S: Final = 86_400


def day_starts_s(section: FiguresSection, calendar: WorkCalendar) -> int:
    """When the day begins, in seconds after midnight UTC."""
    return _utc_s(_seconds(section.day_starts_at), calendar)


def metric_book(
    section: FiguresSection, form: FormBook, policies: Mapping[str, PolicyBook]
) -> MetricBook:
    """What the figures are made by."""
    book = MetricBook()
    judged = {
        rule
        for policy_book in policies.values()
        for policy in (
            policy_book.default,
            *map(policy_book.resolve, policy_book.queues, repeat(None)),
            *map(policy_book.resolve, repeat(None), policy_book.groups),
        )
        for rule, limit in (("hold_sum", policy.hold_sum_max_s), ("consult", policy.consult_max_s))
        if limit is not None
    }
    return MetricBook(
        day_starts_s=day_starts_s(section, form.calendar),
        shifts=tuple(_shift(hours, form.calendar) for hours in section.shifts),
        # The queue reports what it was told: the key, or a label.
        pauses={name: pause.kind for pause in form.pauses for name in (pause.key, *pause.label)},
        rules=tuple(rule for rule in get_args(Rule) if rule in judged or rule in book.rules),
    )


def surge_rules(section: SurgeSection) -> SurgeRules:
    """When a surge is announced."""
    limits = SurgeLimits(
        tuple(section.waiting or ()),
        tuple(section.longest_wait_s or ()),
        tuple(section.service_level or ()),
    )
    return SurgeRules(
        limits, {}, section.service_level_min_calls, section.calm_s, section.fold_level
    )


def _shift(hours: str, calendar: WorkCalendar) -> DailyShift:
    begins_s, ends_s = map(_seconds, hours.split("-"))
    lasts_s = (ends_s - begins_s) % _DAY_S or _DAY_S
    return DailyShift(_utc_s(begins_s, calendar), lasts_s)


def _utc_s(local_s: int, calendar: WorkCalendar) -> int:
    return (local_s - calendar.utc_offset_s) % _DAY_S


def _seconds(time_of_day: str) -> int:
    hours, minutes = map(int, time_of_day.split(":"))
    return hours * 3600 + minutes * 60
