"""REST: accounts, tokens, the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from agentd.core.people import Directory, Person, Role
from agentd.http_json import model_of
from agentd.http_parts import Id, Page, Who, answer, page_of, router_of
from agentd.http_problems import Problem, documented
from agentd.http_session import caller, require
from agentd.ports.accounts import Accounts, ApiToken, AuditEntry

AUDIT_PAGE = 100

Admin = Annotated[Person, Depends(require("people"))]
Auditor = Annotated[Person, Depends(require("audit"))]
Names = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PersonBody(_Body):
    """An account. What is left out stays as it is; a new account needs name and role."""

    name: Annotated[str | None, Field(max_length=64)] = None
    role: Role | None = None
    queues: Names | None = None
    teams: Names | None = None
    member_names: Names | None = None
    disabled: bool | None = None
    password: Annotated[str | None, Field(max_length=1024)] = None


class TokenBody(_Body):
    """A token for a machine. ``queues``: [] all; ``days``: how long it lasts, null for ever."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    rights: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=20)]
    queues: Names = []
    days: Annotated[int | None, Field(ge=1, le=3660)] = None


class PersonView(Struct, frozen=True):
    """An account; who does not manage accounts is told login and name, the rest is null."""

    login: str
    name: str
    role: Role | None = None
    queues: tuple[str, ...] | None = None
    teams: tuple[str, ...] | None = None
    member_names: tuple[str, ...] | None = None
    disabled: bool | None = None


class TokenView(Struct, frozen=True):
    """A token, without what opens doors."""

    id: str
    name: str
    rights: tuple[str, ...]
    queues: tuple[str, ...]
    created_us: int
    created_by: str
    expires_us: int | None
    revoked_us: int | None
    seen_us: int | None


class NewToken(Struct, frozen=True):
    """A token that was just made. ``secret`` is told this once."""

    token: TokenView
    secret: str


def people_router(accounts: Accounts, directory: Directory) -> APIRouter:
    """The routes of ``/api/people``, ``/api/tokens`` and ``/api/audit``."""
    router = router_of("people")

    @router.get("/people", response_model=page_of(PersonView), responses=documented(401, 403, 422))
    async def people(who: Who) -> Response:
        """Everybody, for those who manage accounts; for leaders login and name of their people."""
        shown = _whole if who.may("people") else _name
        return answer(Page([shown(person) for person in accounts.people(who)]))

    @router.put(
        "/people/{login}",
        response_model=model_of(PersonView),
        responses=documented(400, 401, 403, 409, 413, 415, 422, 503),
    )
    async def put_person(who: Admin, request: Request, login: Id, body: PersonBody) -> Response:
        """Make an account, or change it. Another password or role, or being disabled, ends the
        person's sessions."""
        said: Mapping[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name in body.model_fields_set - {"password"}
            if (value := getattr(body, name)) is not None
        }
        before = directory.get(login)
        if before is None:
            for name in ("name", "role"):
                if name not in said:
                    raise Problem(
                        HTTPStatus.UNPROCESSABLE_ENTITY,
                        "invalid",
                        f"A new account needs a {name}.",
                        "新账号须填写姓名和角色。",
                        field=name,
                    )
            person = Person(login=login, **said)
        else:
            kept = {name: getattr(before, name) for name in before.__struct_fields__}
            person = Person(**{**kept, **said})
        address = caller(request).address
        return answer(_whole(await accounts.put_person(who, person, body.password, address)))

    @router.get("/tokens", response_model=page_of(TokenView), responses=documented(401, 403, 422))
    async def tokens(who: Admin) -> Response:
        """All tokens, those that are revoked or over as well."""
        return answer(Page([_token(token) for token in await accounts.tokens(who)]))

    @router.post(
        "/tokens",
        response_model=model_of(NewToken),
        status_code=HTTPStatus.CREATED,
        responses=documented(400, 401, 403, 413, 415, 422, 503),
    )
    async def add_token(who: Admin, body: TokenBody) -> Response:
        """Make a token. Its secret is told this once."""
        token, secret = await accounts.add_token(
            who, body.name, body.rights, body.queues, body.days
        )
        return answer(NewToken(_token(token), secret), status=HTTPStatus.CREATED)

    @router.delete(
        "/tokens/{id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(401, 403, 404, 422, 503),
    )
    async def revoke(who: Admin, id: Id) -> None:  # noqa: A002
        """From now on it opens nothing."""
        await accounts.revoke_token(who, id)

    @router.get("/audit", response_model=page_of(AuditEntry), responses=documented(401, 403, 422))
    async def audit(
        auditor: Auditor,
        who: Annotated[
            str | None, Query(max_length=100, description="login, token:ID, cli:USER, system")
        ] = None,
        action: Annotated[str | None, Query(max_length=100)] = None,
        before: Annotated[
            int | None, Query(ge=1, le=2**53, description="seq; next_cursor of the page before")
        ] = None,
    ) -> Response:
        """The audit log, the newest line first, 100 at a time."""
        lines = await accounts.audit(auditor, by=who, action=action, before_seq=before)
        more = str(lines[-1].seq) if len(lines) >= AUDIT_PAGE else None
        return answer(Page(lines, more))

    return router


def _whole(person: Person) -> PersonView:
    return PersonView(**{name: getattr(person, name) for name in person.__struct_fields__})


def _name(person: Person) -> PersonView:
    return PersonView(person.login, person.name)


def _token(token: ApiToken) -> TokenView:
    return TokenView(**{name: getattr(token, name) for name in TokenView.__struct_fields__})
