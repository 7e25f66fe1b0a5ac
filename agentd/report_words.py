"""Reports in words: titles, periods and figures as people read them, in Chinese and English."""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

from agentd.core.metric_figures import Figure
from agentd.core.metric_row import Metric, Unit
from agentd.core.order_form import Label
from agentd.core.report_periods import Period, PeriodKind, Step
from agentd.core.reports import Report, ReportBy
from agentd.export_columns import Lang

NOTHING: Final = "–"
_BY: Final[dict[ReportBy, Label]] = {
    "queue": ("队列", "Queues"),
    "team": ("班组", "Teams"),
    "person": ("个人", "People"),
}
_ONE: Final[dict[ReportBy, Label]] = {
    "queue": ("队列", "queue"),
    "team": ("班组", "team"),
    "person": ("话务员", "person"),
}
_KIND: Final[dict[PeriodKind, Label]] = {
    "shift": ("班报表", "shift report"),
    "day": ("日报表", "daily report"),
    "month": ("月报表", "monthly report"),
    "span": ("区间报表", "report"),
}
_STEP: Final[dict[Step, Label]] = {
    "hour": ("时段", "hour"),
    "day": ("日期", "day"),
    "month": ("月份", "month"),
}
WORDS: Final[dict[str, Label]] = {
    "site": ("话务中心", "Call centre"),
    "total": ("合计", "All together"),
    "before": ("上期", "before"),
    "line": ("全时段", "whole period"),
    "compared": ("上期：{period}", "Before: {period}"),
    "period": ("统计时段", "Period"),
    "made": ("制表时间", "Made at"),
    "by": ("制表人", "Made by"),
    "unfinished": ("时段未结束，统计到制表时间", "The period goes on: counted up to then"),
    "appeals": (
        "违规按制表时的申诉结果统计。",
        "Violations count as appeals about them were decided up to then.",
    ),
    "gap": (
        "* 含未收到 PBX 事件的时间，数字可能偏小。",
        "* Nothing was heard of the PBX in a part of it: figures may be too small.",
    ),
    "estimated": (
        "≈ 含按快照估算的通话。",
        "≈ Calls with times that were estimated from a snapshot are among them.",
    ),
    "gaps": ("未收到事件的时间", "Nothing was heard"),
    "formulas": ("统计口径", "Formulas"),
    "nothing": ("该时段没有数据。", "Nothing counts in this period."),
    "broken_down": ("分时明细", "Broken down"),
    "from": ("起", "from"),
    "to": ("止", "to"),
    "row": ("行", "row"),
    "name": ("名称", "name"),
    "id": ("标识", "id"),
    "marked": ("含断线", "gap"),
    "print": ("打印", "Print"),
    "page": ("页", "page"),
}


def say(key: str, lang: Lang) -> str:
    """A word of :data:`WORDS`."""
    return WORDS[key][lang == "en"]


def pick(label: Label, lang: Lang) -> str:
    """The half of a pair that ``lang`` reads."""
    return label[lang == "en"]


def by_words(by: ReportBy, lang: Lang) -> str:
    """Whose figures: 队列, 班组, 个人."""
    return pick(_BY[by], lang)


def one_words(by: ReportBy, lang: Lang) -> str:
    """One of them, as a column is headed."""
    return pick(_ONE[by], lang)


def step_words(step: Step, lang: Lang) -> str:
    """In what a period is broken down, as a column is headed."""
    return pick(_STEP[step], lang)


def title(by: ReportBy, period: Period, lang: Lang) -> str:
    """队列月报表 2026-10."""
    head = by_words(by, lang) + (", " if lang == "en" else "") + pick(_KIND[period.kind], lang)
    return f"{head} {period_words(period, lang)}"


def period_words(period: Period, lang: Lang) -> str:
    """A period as people write it: 2026-10, 2026-10-05 08:00-16:00."""
    if period.kind == "month":
        return period.first.isoformat()[:7]
    if period.kind == "shift":
        return f"{period.first} {period.hours}"
    if period.first == period.last:
        return period.first.isoformat()
    return f"{period.first} {'至' if lang == 'zh' else 'to'} {period.last}"


def file_name(report: Report) -> str:
    """Without an ending: report-queue-month-2026-10."""
    dates = [report.period.first.isoformat(), report.period.last.isoformat()]
    if report.period.kind == "month":
        dates = [dates[0][:7]]
    hours = report.period.hours.replace(":", "")
    parts = ["report", report.by, report.period.kind, *dict.fromkeys(dates), hours]
    return "-".join(part for part in parts if part)


def moment(at_us: int, utc_offset_s: int) -> dt.datetime:
    """The time on site, without a zone."""
    zone = dt.timezone(dt.timedelta(seconds=utc_offset_s))
    return dt.datetime.fromtimestamp(at_us // 1_000_000, zone).replace(tzinfo=None)


def minutes(at_us: int, utc_offset_s: int) -> str:
    """The time on site, to the minute."""
    return f"{moment(at_us, utc_offset_s):%Y-%m-%d %H:%M}"


def zone(utc_offset_s: int) -> str:
    """UTC+08:00."""
    sign = "-" if utc_offset_s < 0 else "+"
    hours, rest = divmod(abs(utc_offset_s) // 60, 60)
    return f"UTC{sign}{hours:02d}:{rest:02d}"


def shown(row: Metric, figure: Figure) -> str:
    """A figure as people read it, with its marks: 92.3%, 1:45, 12.5*."""
    if figure.value is None:
        return NOTHING + ("*" if figure.gap else "")
    marks = ("≈" if figure.estimated else "") + ("*" if figure.gap else "")
    return _value(row.unit, figure.value) + marks


def _value(unit: Unit, value: float) -> str:
    """As the pages write it: nothing is rounded up."""
    match unit:
        case "count":
            return str(value)
        case "share":
            return f"{math.floor(value * 1000 + 1e-6) / 10:.1f}%"
        case "per_hour":
            return f"{value:.1f}"
        case "seconds":
            if value < 100:
                return f"{value:.1f} s"
            hours, rest = divmod(int(value), 3600)
            if hours:
                return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
            return f"{rest // 60}:{rest % 60:02d}"


def heading(row: Metric, lang: Lang) -> str:
    """A column's name with its unit, for files."""
    name = pick(row.name, lang)
    match row.unit:
        case "share":
            return f"{name}(%)" if lang == "zh" else f"{name} (%)"
        case "seconds":
            return f"{name}(秒)" if lang == "zh" else f"{name} (s)"
        case _:
            return name
