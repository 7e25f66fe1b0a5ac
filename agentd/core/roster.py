"""The roster: who leads which team, from when to when. Pure.

:func:`on_duty` answers who is on duty; :func:`parse_roster` reads the CSV that a leader keeps in a
spreadsheet, in local time, split shifts (两头班) and shifts over midnight included.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Literal, Protocol

from msgspec import Struct

from agentd.core.order_form import Label

US = 1_000_000
_DAY_S = 86_400
MAX_LINES = 20_000
"""Lines of one file; a year of a large centre has fewer."""

DutyRole = Literal["leader", "deputy"]


class OnRoster(Protocol):
    """What :func:`on_duty` reads of a line of the roster. ``team`` "" is every team."""

    @property
    def team(self) -> str: ...
    @property
    def login(self) -> str: ...
    @property
    def role(self) -> DutyRole: ...
    @property
    def from_us(self) -> int: ...
    @property
    def to_us(self) -> int: ...


class DutyLine(Struct, frozen=True):
    """One duty as the file has it. Times are microseconds since the epoch, ``to_us`` excluded."""

    team: str
    login: str
    role: DutyRole
    from_us: int
    to_us: int
    note: str = ""


class RosterProblem(Struct, frozen=True):
    """What is wrong with a line of the file, and the mend. The header is line 1."""

    line: int
    text_zh: str
    text_en: str


def on_duty(
    duties: Iterable[OnRoster], team: str | None, at_us: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(leaders, deputies) that are on duty for ``team`` at ``at_us``, by login, each once, in the
    order of the roster. None, a seat that belongs to no team: whoever is on duty anywhere."""
    now = [
        duty
        for duty in duties
        if duty.from_us <= at_us < duty.to_us and (team is None or duty.team in ("", team))
    ]
    leaders = dict.fromkeys(duty.login for duty in now if duty.role == "leader")
    deputies = dict.fromkeys(duty.login for duty in now if duty.role == "deputy")
    return tuple(leaders), tuple(login for login in deputies if login not in leaders)


# --- the file --------------------------------------------------------------------------------

_COLUMNS: dict[str, tuple[str, ...]] = {
    "team": ("team", "班组", "组"),
    "date": ("date", "日期"),
    "hours": ("hours", "时段", "时间", "班次"),
    "login": ("login", "工号"),
    "role": ("role", "角色", "岗位"),
    "note": ("note", "备注"),
}
_NEEDED = ("date", "hours", "login")
_ROLES: dict[str, DutyRole] = {
    "": "leader",
    "leader": "leader",
    "shift_leader": "leader",
    "值班长": "leader",
    "班长": "leader",
    "deputy": "deputy",
    "副值班长": "deputy",
    "副班长": "deputy",
    "代班": "deputy",
}
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—~至到]+\s*(\d{1,2}):(\d{2})", re.ASCII)
_BETWEEN = re.compile(r"[\s,,、;;+]+")


def parse_roster(
    text: str,
    *,
    utc_offset_s: int,
    logins: Collection[str] | None = None,
    teams: Collection[str] | None = None,
) -> tuple[tuple[DutyLine, ...], tuple[RosterProblem, ...]]:
    """Read a roster: a header (date, hours, login; team, role, note where there are any; Chinese
    or English names, any order), then one line for each person and day. ``hours`` are one or more
    of ``08:00-12:00``; one that ends no later than it begins goes over midnight. Without a team the
    person leads all of them; without a role the person is leader.

    ``logins`` and ``teams`` are those that exist; None: not checked. All problems are told at
    once, and no duty comes back while there is one.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or not lines[0].strip():
        return (), (_problem(1, ("文件是空的。", "The file is empty.")),)
    if len(lines) > MAX_LINES:
        return (), (
            _problem(
                MAX_LINES + 1,
                (f"文件超过 {MAX_LINES} 行,请分几次导入。", "The file is too long: split it."),
            ),
        )
    delimiter = max(",;\t", key=lines[0].count)
    rows = csv.reader(lines, delimiter=delimiter)
    duties: dict[tuple[str, str], list[DutyLine]] = {}
    problems: list[RosterProblem] = []
    try:
        columns = _header(next(rows))
        if isinstance(columns, RosterProblem):
            return (), (columns,)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            cells = {name: row[n].strip() if n < len(row) else "" for name, n in columns.items()}
            for found in _line(rows.line_num, cells, utc_offset_s, logins, teams):
                if isinstance(found, RosterProblem):
                    problems.append(found)
                else:
                    _add(found, duties, rows.line_num, problems)
    except csv.Error:
        problems.append(
            _problem(
                rows.line_num,
                ("这一行不是有效的 CSV,请检查引号。", "This line is no CSV: look at its quotes."),
            )
        )
    return (() if problems else tuple(chain(*duties.values()))), tuple(problems)


def _problem(line: int, words: Label) -> RosterProblem:
    return RosterProblem(line, f"第 {line} 行:{words[0]}", f"line {line}: {words[1]}")


def _header(row: list[str]) -> dict[str, int] | RosterProblem:
    found: dict[str, int] = {}
    for n, cell in enumerate(row):
        name = next((k for k, names in _COLUMNS.items() if cell.strip().lower() in names), None)
        if name is not None:
            found.setdefault(name, n)
    absent = [name for name in _NEEDED if name not in found]
    if not absent:
        return found
    zh = "、".join(_COLUMNS[name][1] for name in absent)
    return _problem(
        1,
        (
            f"表头缺少列:{zh}。应有:日期、时段、工号,可有:班组、角色、备注。",
            f"missing in the header: {', '.join(absent)} (team, role, note may be there too).",
        ),
    )


def _line(
    line: int,
    cells: dict[str, str],
    utc_offset_s: int,
    logins: Collection[str] | None,
    teams: Collection[str] | None,
) -> Iterator[DutyLine | RosterProblem]:
    login, team = cells["login"], cells.get("team", "")
    role = _ROLES.get(cells.get("role", "").lower())
    day = _day(cells["date"])
    spells = _spells(cells["hours"])
    before: list[Label] = []
    if day is None:
        shown = cells["date"]
        before.append(
            (
                f"日期「{shown}」应写成 2026-03-01。",
                f"“{shown}” is no date: write 2026-03-01.",
            )
        )
    if spells is None:
        shown = cells["hours"]
        before.append(
            (
                f"时段「{shown}」应写成 08:00-12:00,两头班写成 08:00-12:00 14:00-18:00。",
                f"“{shown}” are no hours: write 08:00-12:00, or 08:00-12:00 14:00-18:00.",
            )
        )
    if not login:
        before.append(("缺少工号。", "the login is missing."))
    elif logins is not None and login not in logins:
        before.append((f"没有工号「{login}」。", f"there is no account “{login}”."))
    if team and teams is not None and team not in teams:
        before.append(
            (
                f"没有班组「{team}」,应为:{'、'.join(teams)}。",
                f"there is no team “{team}”: {', '.join(teams)}.",
            )
        )
    if role is None:
        shown = cells["role"]
        before.append(
            (
                f"角色「{shown}」应为 值班长 或 副值班长。",
                f"“{shown}” is no role: leader or deputy.",
            )
        )
    yield from (_problem(line, words) for words in before)
    if day is None or spells is None or role is None or before:
        return
    midnight_s = (day - dt.date(1970, 1, 1)).days * _DAY_S - utc_offset_s
    for from_s, to_s in spells:
        yield DutyLine(
            team,
            login,
            role,
            (midnight_s + from_s) * US,
            (midnight_s + to_s) * US,
            cells.get("note", ""),
        )


def _day(text: str) -> dt.date | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return dt.date(*(int(part) for part in match.groups()))
    except ValueError:
        return None


def _spells(text: str) -> tuple[tuple[int, int], ...] | None:
    """(from, to) in seconds after midnight, or None where the text says no hours."""
    found: list[tuple[int, int]] = []
    rest = _HOURS.sub(" ", text)
    for match in _HOURS.finditer(text):
        from_h, from_m, to_h, to_m = (int(part) for part in match.groups())
        if from_h > 23 or to_h > 24 or from_m > 59 or to_m > 59 or (to_h == 24 and to_m):
            return None
        from_s, to_s = from_h * 3600 + from_m * 60, to_h * 3600 + to_m * 60
        found.append((from_s, to_s if to_s > from_s else to_s + _DAY_S))
    if not found or _BETWEEN.sub("", rest):
        return None
    return tuple(found)


def _add(
    duty: DutyLine,
    duties: dict[tuple[str, str], list[DutyLine]],
    line: int,
    problems: list[RosterProblem],
) -> None:
    """A person can be listed for two teams at once, not twice for one."""
    others = duties.setdefault((duty.login, duty.team), [])
    if any(other.from_us < duty.to_us and duty.from_us < other.to_us for other in others):
        problems.append(
            _problem(
                line,
                (
                    f"工号「{duty.login}」在同一班组的时段重叠。",
                    f"“{duty.login}” is listed for the same team at the same time already.",
                ),
            )
        )
        return
    others.append(duty)
