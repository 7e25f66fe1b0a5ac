"""What an account must be like: pure checks, in the words that people are shown."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

from agentd.core.people import ROLES, Person
from agentd.errors import Refused

PASSWORD_MIN_CHARS = 10
PASSWORD_MAX_CHARS = 256
NAME_MAX_CHARS = 64

TOKEN_RIGHTS = ("board", "metrics", "orders.complete", "orders.export", "orders.read", "wall")
"""What a machine's token may be given. ``wall``: the board without names, numbers and violations,
for screens that visitors see."""

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,30}[A-Za-z0-9])?")
_RESERVED = frozenset({"system", "me", "replaced", "moved", "nobody"})


def invalid(field: str, text_en: str, text_zh: str) -> Refused:
    """The refusal of a value of ``field``."""
    return Refused(text_en, code="invalid", text_zh=text_zh, field=field)


def check_password(login: str, password: str) -> None:
    """Raise :class:`Refused` unless ``password`` may be the one of ``login``."""
    if len(password) < PASSWORD_MIN_CHARS:
        raise invalid(
            "password",
            f"the password must have at least {PASSWORD_MIN_CHARS} characters",
            f"密码至少要有 {PASSWORD_MIN_CHARS} 个字符",
        )
    if len(password) > PASSWORD_MAX_CHARS:
        raise invalid(
            "password",
            f"the password may have at most {PASSWORD_MAX_CHARS} characters",
            f"密码最多 {PASSWORD_MAX_CHARS} 个字符",
        )
    if login.lower() in {password.lower(), password.strip().lower()} or len(set(password)) < 4:
        raise invalid(
            "password",
            "the password must not be the login, nor the same few characters again and again",
            "密码不能是工号,也不能只由三个以内的字符重复组成",
        )


def check_person(person: Person) -> None:
    """Raise :class:`Refused` unless each value of ``person`` is fit by itself."""
    if not _LOGIN.fullmatch(person.login) or person.login.lower() in _RESERVED:
        raise invalid(
            "login",
            f"{person.login!r} cannot be a login: write 1 to 32 letters, digits and . _ @ -, "
            "beginning and ending with a letter or digit",
            f"“{person.login}”不能作为工号:请用 1 到 32 个字母、数字或 . _ @ -,首尾须为字母或数字",
        )
    if person.role not in ROLES:
        raise invalid(
            "role",
            f"there is no role {person.role!r}; write one of {', '.join(ROLES)}",
            f"没有“{person.role}”这个角色;可选:{'、'.join(ROLES)}",
        )
    for field, values in (
        ("name", (person.name,)),
        ("queues", person.queues),
        ("teams", person.teams),
        ("member_names", person.member_names),
    ):
        for value in values:
            if not value.strip() or len(value) > NAME_MAX_CHARS or not value.isprintable():
                raise invalid(
                    field,
                    f"{field}: {value!r} must have 1 to {NAME_MAX_CHARS} printable characters",
                    f"{field}:“{value}”须为 1 到 {NAME_MAX_CHARS} 个可见字符",
                )


class Names:
    """Whom every login, name and member name of some people stands for."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._folded: dict[str, list[Person]] = {}
        self._logins: dict[str, list[Person]] = {}
        self._names: dict[str, list[Person]] = {}
        self._members: dict[str, list[Person]] = {}
        for person in people:
            self._folded.setdefault(person.login.lower(), []).append(person)
            self._logins.setdefault(person.login, []).append(person)
            self._names.setdefault(person.name, []).append(person)
            for name in person.member_names:
                self._members.setdefault(name, []).append(person)

    def check(self, person: Person) -> None:
        """Raise :class:`Refused` when a name of ``person`` would stand for somebody else as well.
        Two people may share a ``name``: then queues must know them by their logins or member
        names."""
        for other in self._folded.get(person.login.lower(), ()):
            if other.login != person.login:
                raise invalid(
                    "login",
                    f"{person.login!r} differs from the login {other.login!r} by case only",
                    f"工号“{person.login}”与“{other.login}”只有大小写不同",
                )
        for field, values, taken in (
            ("login", (person.login,), (self._names, self._members)),
            ("name", (person.name,), (self._logins, self._members)),
            ("member_names", person.member_names, (self._logins, self._names, self._members)),
        ):
            for value in values:
                for index in taken:
                    for other in index.get(value, ()):
                        if other.login != person.login:
                            raise _taken(field, value, other)


def _taken(field: str, value: str, other: Person) -> Refused:
    return invalid(
        field,
        f"{field}: {value!r} already stands for {other.login} ({other.name}), "
        "so that calls could not be told apart",
        f"{field}:“{value}”已指 {other.login}({other.name}),通话会分不清是谁的",
    )


def check_admin_left(people: Mapping[str, Person]) -> None:
    """Raise :class:`Refused` when nobody could manage accounts any more. ``people``: as they
    would be, by login."""
    if not any(person.may("people") for person in people.values()):
        raise Refused(
            "this is the last admin: make another one first (agentd user add --role admin)",
            code="wrong_state",
            text_zh="这是最后一个管理员:请先另设一个管理员",
            field="role",
        )


def check_token(name: str, rights: Iterable[str]) -> None:
    """Raise :class:`Refused` unless a token may be called ``name`` and given ``rights``."""
    if not name.strip() or len(name) > NAME_MAX_CHARS or not name.isprintable():
        raise invalid(
            "name",
            f"a token needs a name of 1 to {NAME_MAX_CHARS} printable characters",
            f"令牌须有 1 到 {NAME_MAX_CHARS} 个可见字符的名称",
        )
    given = set(rights)
    unknown = sorted(given.difference(TOKEN_RIGHTS))
    if unknown or not given:
        what = f"there is no right {unknown[0]!r} for tokens" if unknown else "no right is given"
        raise invalid(
            "rights",
            f"{what}; write some of {', '.join(TOKEN_RIGHTS)}",
            f"令牌的权限可选:{'、'.join(TOKEN_RIGHTS)}",
        )


def placed(mistake: Refused, place: str) -> Refused:
    """``mistake`` with the place where it was made."""
    return Refused(
        f"{place}: {mistake}",
        code=mistake.code,
        text_zh=f"{place}:{mistake.text_zh}",
        field=mistake.field,
    )


def meet(who: Person, person: Person) -> bool:
    """Whether ``person`` is of the scope of ``who``."""
    by_queue = not who.queues or not person.queues or set(who.queues) & set(person.queues)
    by_team = not who.teams or not person.teams or set(who.teams) & set(person.teams)
    return bool(by_queue and by_team)


def network(address: str) -> str:
    """Whom failures are counted against: an IPv6 host has a whole /64 to itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
