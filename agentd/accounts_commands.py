"""What the command line asks of the accounts: by the control socket of the running daemon, or of
the database's accounts directly. Requests carry hashes, never passwords.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from agentd.accounts import AccountService
from agentd.core.people import Person, Role
from agentd.errors import Refused
from agentd.ports.accounts import ApiToken

NAME = "accounts"


class PersonChange(Struct, frozen=True, omit_defaults=True):
    """What of one account is to be; None: as it was."""

    login: str
    name: str | None = None
    role: Role | None = None
    queues: tuple[str, ...] | None = None
    teams: tuple[str, ...] | None = None
    member_names: tuple[str, ...] | None = None
    disabled: bool | None = None
    password_hash: str | None = None
    place: str = ""
    """Where it stands, as "line 7", for mistakes."""


class AccountsRequest(
    Struct, frozen=True, tag_field="do", tag=NAME, omit_defaults=True, kw_only=True
):
    """One command. ``by``: as the audit log shows it, ``cli:USER``."""

    verb: Literal["add", "change", "import", "list", "token_add", "token_list", "token_revoke"]
    by: str
    people: tuple[PersonChange, ...] = ()
    """``add``: new ones only; ``change``: known ones only; ``import``: either."""
    token: str = ""
    """The new token's name, or the id of the one to revoke."""
    rights: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    days: int | None = None


class AccountCommands:
    """Does what the command line asks. Whoever may write to the socket or to the database may do
    all of it: both are the daemon's own user's."""

    def __init__(self, accounts: AccountService) -> None:
        self._accounts = accounts

    async def act(self, request: AccountsRequest) -> Mapping[str, Any]:
        """The members of the answer, plain JSON. Raises :class:`Refused`."""
        admin = Person(request.by, request.by, "admin")
        match request.verb:
            case "list":
                known = self._accounts.with_password
                return {
                    "people": [
                        {**structs.asdict(person), "password": person.login in known}
                        for person in self._accounts.people(admin)
                    ]
                }
            case "token_list":
                return {"tokens": [_shown(t) for t in await self._accounts.tokens(admin)]}
            case "token_add":
                token, secret = await self._accounts.add_token(
                    admin, request.token, request.rights, request.queues, request.days
                )
                return {"token": _shown(token), "secret": secret}
            case "token_revoke":
                await self._accounts.revoke_token(admin, request.token)
                return {}
            case "add" | "change" | "import":
                return await self._put(admin, request)

    async def _put(self, admin: Person, request: AccountsRequest) -> Mapping[str, Any]:
        known = {person.login: person for person in self._accounts.people(admin)}
        changes: list[tuple[Person, str | None]] = []
        for change in request.people:
            before = known.get(change.login)
            if before is None and request.verb == "change":
                raise Refused(
                    f"there is no account {change.login!r} (see: agentd user list)",
                    code="not_found",
                    text_zh=f"没有账号“{change.login}”(查看:agentd user list)",
                )
            if before is not None and request.verb == "add":
                raise Refused(
                    f"there is an account {change.login!r} already: {before.name}",
                    text_zh=f"账号“{change.login}”已存在:{before.name}",
                )
            person = before or Person(change.login, change.name or "", change.role or "agent")
            told = {
                name: value
                for name in ("name", "role", "queues", "teams", "member_names", "disabled")
                if (value := getattr(change, name)) is not None
            }
            changes.append((structs.replace(person, **told), change.password_hash))
        places = [change.place for change in request.people]
        await self._accounts.put_people(admin, changes, "", places=places if any(places) else ())
        new = sum(person.login not in known for person, _ in changes)
        return {"added": new, "changed": len(changes) - new}


def _shown(token: ApiToken) -> dict[str, Any]:
    """A token without its hash."""
    shown: dict[str, Any] = msgspec.to_builtins(token)
    del shown["hash"]
    return shown
