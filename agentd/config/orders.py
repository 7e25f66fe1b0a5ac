"""``orders.toml``: the form of a work order, read into a :class:`FormBook`.

A site writes what differs; categories and pause reasons that it does not name are the built-in
ones, which are those of the shipped ``config/orders.toml``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from agentd.config.mistakes import place
from agentd.config.orders_model import CalendarSection, CategorySection, OrdersFile
from agentd.config.reading import SHIPPED, validated
from agentd.config.toml_source import KeyPath, TomlFile, read_toml
from agentd.core.order_form import (
    CategorySpec,
    FieldSpec,
    FormBook,
    PauseReason,
    Unit,
    WorkCalendar,
)
from agentd.core.phone import NumberRules
from agentd.errors import ConfigError, Problem


def load_form(path: Path | None, problems: list[Problem]) -> FormBook | None:
    """The form that ``path`` describes (None: the built-in one); what is wrong goes to
    ``problems``, and None comes back."""
    built_in = OrdersFile(**read_toml(SHIPPED / "orders.toml").data)
    if path is None:
        return _book(built_in, built_in)
    try:
        source = read_toml(path)
    except ConfigError as error:
        problems.extend(error.problems)
        return None
    found: list[Problem] = []
    file = validated(OrdersFile, source, found)
    if file is not None:
        found.extend(_check(file, source))
    problems.extend(
        Problem(p.file, p.line, p.key, p.what, p.mend.replace("agentd.toml", "orders.toml"))
        for p in found
    )
    return _book(file, built_in) if file is not None and not found else None


# --- into the core's terms -------------------------------------------------------------------


def _book(file: OrdersFile, built_in: OrdersFile) -> FormBook:
    return FormBook(
        categories=_categories(file.category or built_in.category),
        queues={name: _categories(forms.category) for name, forms in file.queue.items()},
        units=tuple(
            Unit(unit.key, unit.label.pair, unit.contact, unit.phone, unit.due_days)
            for unit in file.unit
        ),
        pauses=tuple(
            PauseReason(pause.key, pause.label.pair, pause.kind)
            for pause in file.pause or built_in.pause
        ),
        calendar=_calendar(file.calendar),
        numbers=NumberRules(
            country=file.numbers.country,
            trunk_zero=file.numbers.trunk_zero,
            outside_line=tuple(file.numbers.outside_line),
            area=file.numbers.area,
            local_digits=tuple(file.numbers.local_digits),
            mobile=file.numbers.mobile,
            mobile_digits=file.numbers.mobile_digits,
        ),
        pre_approved=frozenset(file.pre_approved),
        appeal_days=file.appeal_days,
        urgent_repeat_s=file.urgent.repeat_s,
        urgent_deputy_after=file.urgent.deputy_after,
        dispatch_remind_s=tuple(file.dispatch.remind_s),
        promise_warn_s=file.promise.warn_s,
        call_back_within_s=file.call_back_within_s,
        call_back_report_s=file.call_back_report_s,
        external=file.external,
    )


def _categories(sections: Sequence[CategorySection]) -> tuple[CategorySpec, ...]:
    return tuple(
        CategorySpec(
            key=section.key,
            label=section.label.pair,
            hotkey=section.hotkey,
            fields=tuple(
                FieldSpec(
                    key=field.key,
                    label=field.label.pair,
                    kind=field.kind,
                    required=field.required,
                    choices=tuple(field.choices),
                    max_chars=field.max_chars,
                    in_title=field.in_title,
                )
                for field in section.field
            ),
            needs_reply=section.needs_reply,
            forward=section.forward,
            owner=section.owner,
            director=section.director,
        )
        for section in sections
    )


def _calendar(section: CalendarSection) -> WorkCalendar:
    hours, minutes = (int(part) for part in section.day_ends.split(":"))
    sign = -1 if section.utc_offset.startswith("-") else 1
    off_hours, off_minutes = (int(part) for part in section.utc_offset[1:].split(":"))
    return WorkCalendar(
        weekdays=tuple(sorted({day - 1 for day in section.weekdays})),
        holidays=frozenset(section.holidays),
        extra_days=frozenset(section.extra_days),
        day_ends_s=hours * 3600 + minutes * 60,
        utc_offset_s=sign * (off_hours * 3600 + off_minutes * 60),
    )


def with_teams(book: FormBook, teams: Sequence[str]) -> FormBook:
    """``book`` with the teams that the seats are in."""
    return replace(book, teams=tuple(dict.fromkeys(teams)))


# --- mistakes of sense -----------------------------------------------------------------------


def _check(file: OrdersFile, source: TomlFile) -> Iterator[Problem]:
    yield from _check_categories(file.category, ("category",), source)
    for name, forms in file.queue.items():
        yield from _check_categories(forms.category, ("queue", name, "category"), source)
    yield from _twice([unit.key for unit in file.unit], ("unit",), "key", source)
    yield from _twice([pause.key for pause in file.pause], ("pause",), "key", source)
    for key in ("holidays", "extra_days"):
        for index, day in enumerate(getattr(file.calendar, key)):
            yield from _check_day(day, ("calendar", key, index), source)
    for day in set(file.calendar.holidays) & set(file.calendar.extra_days):
        yield place(
            source,
            ("calendar", "extra_days"),
            f"{day} is a holiday too",
            "leave it in one of holidays and extra_days",
        )


def _check_day(day: str, path: KeyPath, source: TomlFile) -> Iterator[Problem]:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        yield place(source, path, f'must be a date, is "{day}"', 'write it like "2026-10-01"')
        return
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        yield place(source, path, f'"{day}" is no day of the calendar', "correct the date")


def _check_categories(
    categories: Sequence[CategorySection], path: KeyPath, source: TomlFile
) -> Iterator[Problem]:
    yield from _twice([category.key for category in categories], path, "key", source)
    yield from _twice([category.hotkey for category in categories], path, "hotkey", source)
    for n, category in enumerate(categories):
        fields = (*path, n, "field")
        yield from _twice([field.key for field in category.field], fields, "key", source)
        if not any(field.in_title for field in category.field):
            yield place(
                source,
                (*path, n),
                f'"{category.key}" has no field for the title',
                "write in_title = true in one of its fields, such as the place or the event",
            )
        for m, field in enumerate(category.field):
            if field.kind == "choice" and not field.choices:
                yield place(source, (*fields, m), "offers no choices", 'add choices = ["…", "…"]')
            if field.kind != "choice" and field.choices:
                yield place(
                    source,
                    (*fields, m, "choices"),
                    f"has no effect on a field of the kind {field.kind}",
                    'write kind = "choice", or remove this line',
                )


def _twice(values: Sequence[str], path: KeyPath, key: str, source: TomlFile) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value and value in seen:
            yield place(
                source,
                (*path, index, key),
                f'"{value}" stands in an earlier [[{_spelt(path)}]] too',
                "give each its own",
            )
        seen.add(value)


def _spelt(path: KeyPath) -> str:
    return re.sub(r"\.\d+", "", ".".join(str(part) for part in path))
