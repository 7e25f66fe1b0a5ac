"""The seams of accounts: people who log in, machines with tokens, and the audit log.

Times are microseconds since the epoch by our clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Literal, Protocol

from msgspec import Struct

from agentd.core.people import Person


class Account(Struct, frozen=True):
    person: Person
    password_hash: str | None
    created_us: int
    settings: Mapping[str, Any] = {}
    """What the person chose on the pages: sounds, language, theme."""


class Session(Struct, frozen=True):
    """``id`` is the SHA-256 of the cookie's value, never the value."""

    id: str
    login: str
    created_us: int
    seen_us: int
    expires_us: int
    address: str
    browser: str


class ApiToken(Struct, frozen=True):
    """A machine's key. ``id`` is public, ``hash`` the SHA-256 of the secret."""

    id: str
    hash: str
    name: str
    rights: tuple[str, ...]
    """``orders.read``, ``orders.complete``, ``metrics`` …: see docs/api.md."""
    queues: tuple[str, ...]
    created_us: int
    created_by: str
    expires_us: int | None = None
    revoked_us: int | None = None
    seen_us: int | None = None


class AuditEntry(Struct, frozen=True):
    """One line of the audit log. ``action`` is stable: ``login``, ``login_failed``, ``order.edit``,
    ``recording.play``, ``person.put``, ``appeal.decide`` …"""

    at_us: int
    who: str
    """Login, ``token:ID``, ``cli:USER`` or ``system``."""
    action: str
    target: str = ""
    address: str = ""
    detail: Mapping[str, Any] = {}
    seq: int = 0


ASKED_FROM: ContextVar[str] = ContextVar("asked_from", default="")
"""Address of whoever asks, while their request is served: for lines that do not name one."""


class LoginRefused(Exception):
    """``code``: wrong (login or password, not told which), slow (too many tries), disabled."""

    def __init__(self, code: Literal["wrong", "slow", "disabled"], retry_after_s: int = 0) -> None:
        self.code = code
        self.retry_after_s = retry_after_s
        super().__init__(code)


class Accounts(Protocol):
    """Accounts, sessions, tokens, audit (``agentd/accounts.py``)."""

    async def log_in(
        self, login: str, password: str, address: str, browser: str
    ) -> tuple[Person, str]:
        """(person, cookie value). Raises :class:`LoginRefused`."""
        ...

    async def log_out(self, cookie: str) -> None: ...
    async def by_cookie(self, cookie: str) -> Person | None: ...
    async def by_token(self, secret: str) -> ApiToken | None: ...
    async def settings(self, who: Person) -> Mapping[str, Any]: ...
    async def put_settings(self, who: Person, settings: Mapping[str, Any]) -> None: ...
    async def change_password(self, who: Person, old: str, new: str, address: str) -> None: ...
    def people(self, who: Person) -> Sequence[Person]: ...
    async def put_person(
        self, who: Person, person: Person, password: str | None, address: str
    ) -> Person: ...
    async def tokens(self, who: Person) -> Sequence[ApiToken]: ...
    async def add_token(
        self,
        who: Person,
        name: str,
        rights: Sequence[str],
        queues: Sequence[str],
        days: int | None,
    ) -> tuple[ApiToken, str]:
        """(token, secret): the secret is told this once."""
        ...

    async def revoke_token(self, who: Person, token_id: str) -> None: ...
    async def note(self, entry: AuditEntry) -> None:
        """A line for the audit log; soon, not at once."""
        ...

    async def audit(
        self, who: Person, *, by: str | None, action: str | None, before_seq: int | None
    ) -> Sequence[AuditEntry]: ...
