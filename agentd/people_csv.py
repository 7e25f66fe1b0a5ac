"""People from a spreadsheet saved as CSV: all lines, or every mistake with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from msgspec import Struct

from agentd.accounts_rules import check_password, check_person
from agentd.core.people import ROLES, Person, Role
from agentd.errors import AgentdError, Refused

MISTAKES_SHOWN = 50

_COLUMNS: Mapping[str, str] = {
    "login": "login", "工号": "login",
    "name": "name", "姓名": "name",
    "role": "role", "角色": "role",
    "queues": "queues", "队列": "queues",
    "teams": "teams", "班组": "teams",
    "member_names": "member_names", "队列成员名": "member_names",
    "password": "password", "密码": "password",
}  # fmt: skip
_ROLE_WORDS: Mapping[str, Role] = {
    "话务员": "agent", "座席": "agent", "坐席": "agent",
    "值班长": "shift_leader", "班长": "shift_leader",
    "主管": "supervisor", "现场管理": "supervisor",
    "品管": "qa", "质检": "qa",
    "经理": "manager", "主任": "manager",
    "管理员": "admin", "系统管理员": "admin",
    "审计员": "auditor",
}  # fmt: skip
_LISTS = ("queues", "teams", "member_names")


class CsvPerson(Struct, frozen=True):
    """One line. ``password`` None: none is given."""

    line: int
    person: Person
    password: str | None
    given: frozenset[str]
    """The columns that the file has; the others leave an account as it was."""


def read_people(data: bytes) -> list[CsvPerson]:
    """The people of a CSV file (UTF-8, else GB18030; comma, semicolon or tab), whose first line
    names the columns ``login,name,role,queues,teams,member_names,password`` or 工号,姓名,角色,
    队列,班组,队列成员名,密码; lists are separated by ; or 、 inside a field. Raises
    :class:`AgentdError` that names every mistake by its line."""
    text = _decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        head = [_COLUMNS.get(name.strip().lower(), name.strip()) for name in next(reader, [])]
        _check_head(head)
        people, mistakes = _read_rows(reader, head)
    except csv.Error as error:
        raise AgentdError(f"line {reader.line_num}: not CSV: {error}") from error
    if mistakes:
        more = len(mistakes) - MISTAKES_SHOWN
        rest = [f"… and {more} more"] if more > 0 else []
        raise AgentdError("\n".join([*mistakes[:MISTAKES_SHOWN], *rest]))
    if not people:
        raise AgentdError("the file names nobody")
    return people


def _read_rows(reader: Iterator[list[str]], head: list[str]) -> tuple[list[CsvPerson], list[str]]:
    people: list[CsvPerson] = []
    mistakes: list[str] = []
    lines: dict[str, int] = {}
    for row in reader:
        line: int = reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in row):
            continue
        try:
            found = _person(line, row, head)
        except AgentdError as mistake:
            mistakes.append(f"line {line}: {mistake}")
            continue
        login = found.person.login
        if login in lines:
            mistakes.append(f"line {line}: login: {login} stands in line {lines[login]} too")
        lines[login] = line
        people.append(found)
    return people, mistakes


def _person(line: int, row: list[str], head: list[str]) -> CsvPerson:
    if len(row) != len(head):
        raise AgentdError(f"{len(row)} fields, but {len(head)} columns")
    cells = dict(zip(head, row, strict=True))
    role = cells["role"].strip()
    known = _ROLE_WORDS.get(role, role)
    if known not in ROLES:
        raise AgentdError(f"role: there is no role {role!r}; write one of {', '.join(ROLES)}")
    queues, teams, member_names = (_split(cells.get(name, "")) for name in _LISTS)
    person = Person(
        cells["login"].strip(), cells["name"].strip(), known, queues, teams, member_names
    )
    check_person(person)
    password = cells.get("password", "").strip() or None
    if password is not None:
        check_password(person.login, password)
    return CsvPerson(line, person, password, frozenset(cells))


def _check_head(head: list[str]) -> None:
    columns = "login,name,role[,queues][,teams][,member_names][,password]"
    for name in ("login", "name", "role"):
        if name not in head:
            raise AgentdError(f"line 1: there is no column {name}; the columns are {columns}")
    for name in head:
        if name not in _COLUMNS.values():
            raise AgentdError(f"line 1: what is the column {name!r}? The columns are {columns}")
        if head.count(name) > 1:
            raise AgentdError(f"line 1: the column {name} stands twice")


def _split(cell: str) -> tuple[str, ...]:
    for mark in ("；", "、", "|"):
        cell = cell.replace(mark, ";")
    return tuple(dict.fromkeys(part.strip() for part in cell.split(";") if part.strip()))


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("the file is neither UTF-8 nor GB18030 text; save it as CSV UTF-8")
