"""What the parts of the desk service share: what they work with, and who may see what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from agentd.core.effects import Effect, OrderChanged
from agentd.core.order_form import FormBook, Label
from agentd.core.order_model import Missing
from agentd.core.people import Directory, Person, Right
from agentd.errors import Refused
from agentd.ports import LiveSink
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import (
    DeskStore,
    Hints,
    Job,
    JudgedViolation,
    NoticeSink,
    OrderQuery,
    ViolationQuery,
)

US = 1_000_000
TEXT_MAX_CHARS = 4000


class Engine(Protocol):
    """What the desk needs of the runtime."""

    async def complete_order(
        self, pbx: str, order_id: str, by: str, *, job: Job | None = None
    ) -> OrderChanged: ...
    async def assign_order(
        self, pbx: str, order_id: str, person: str, name: str, *, job: Job | None = None
    ) -> None: ...
    async def order_numbers(self, pbx: str, order_id: str, numbers: Sequence[str]) -> None: ...
    def pbx_now_us(self, pbx: str) -> int: ...
    def knows_clock(self, pbx: str) -> bool: ...
    def board(self, pbx: str) -> Mapping[str, Any]: ...


class Auditor(Protocol):
    """Who keeps the audit log (a part of ``ports.accounts.Accounts``)."""

    async def note(self, entry: AuditEntry) -> None: ...


class Around(Struct, frozen=True):
    """Everything that the parts of the desk service work with."""

    store: DeskStore
    engine: Engine
    directory: Directory
    book: FormBook
    pbxs: tuple[str, ...]
    hints: Hints
    audit: Auditor
    notices: NoticeSink
    live: LiveSink
    announce: Callable[[Sequence[Effect]], None]
    """Who hears of alerts (MQTT)."""
    wall_us: Callable[[], int]
    judged: list[Callable[[Iterable[str]], None]] = field(default_factory=list)
    """Who is told of violations (ids) that were decided about, after the commit."""

    async def note(self, who: Person, action: str, target: str, **detail: Any) -> None:
        """A line for the audit log."""
        entry = AuditEntry(
            at_us=self.wall_us(), who=who.login, action=action, target=target, detail=detail
        )
        await self.audit.note(entry)


# --- refusals --------------------------------------------------------------------------------

FORBIDDEN: Label = ("您无权进行此操作。", "You may not do this.")


def refuse(code: str, words: Label, *, field: str | None = None) -> Refused:
    """The refusal that is to be raised."""
    zh, en = words
    missing = (Missing(field, code, zh, en),) if field is not None else ()
    return Refused(en, code=code, text_zh=zh, field=field, missing=missing)


def need(who: Person, right: Right) -> None:
    """Raise :class:`Refused` unless ``who`` has ``right``."""
    if not who.may(right):
        raise refuse("forbidden", FORBIDDEN)


def checked_text(text: str, field: str, *, required: bool = True) -> str:
    """``text`` as it is kept, or :class:`Refused`."""
    text = text.strip()
    if required and not text:
        raise refuse("invalid", ("请填写内容。", "Write something here."), field=field)
    if len(text) > TEXT_MAX_CHARS:
        words = (
            f"最多 {TEXT_MAX_CHARS} 个字。",
            f"At most {TEXT_MAX_CHARS} characters.",
        )
        raise refuse("invalid", words, field=field)
    return text


# --- scope -----------------------------------------------------------------------------------

Q = TypeVar("Q", OrderQuery, ViolationQuery)


def in_team(who: Person, team: str) -> bool:
    """Whether ``who`` leads ``team`` ("" is every team)."""
    return not who.teams or team in who.teams


def scoped(query: Q, who: Person) -> Q | None:
    """``query`` within the scope of ``who``; None when nothing can fit."""
    queues = _both(query.queues, who.queues)
    teams = _both(query.teams, who.teams)
    if queues is None or teams is None:
        return None
    return replace(query, queues=queues, teams=teams)


def _both(asked: Iterable[str], mine: Iterable[str]) -> tuple[str, ...] | None:
    """What is in both lists, () being everything; None: nothing is."""
    asked, mine = tuple(asked), tuple(mine)
    if not asked or not mine:
        return asked or mine
    return tuple(name for name in asked if name in mine) or None


def names_of(person: Person, directory: Directory) -> tuple[str, ...]:
    """Every name that stands for ``person`` in what the engine stored."""
    names = dict.fromkeys((person.login, person.name, *person.member_names))
    known = (name for name in names if directory.whose(name) is not None)
    return tuple(
        name for name in known if getattr(directory.whose(name), "login", None) == person.login
    ) or (person.login,)


def is_about(judged: JudgedViolation, who: Person, directory: Directory) -> bool:
    """Whether ``who`` is the person concerned."""
    if judged.owner is not None:
        return judged.owner == who.login
    whose = directory.whose(judged.violation.agent)
    return whose is not None and whose.login == who.login


def sees_violation(judged: JudgedViolation, who: Person, directory: Directory) -> bool:
    """Whether ``who`` may know of it."""
    if is_about(judged, who, directory):
        return not who.disabled
    return who.may("violations.read") and who.in_scope(judged.queue, judged.team)
