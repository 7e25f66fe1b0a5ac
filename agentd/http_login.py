"""The routes of the login itself: log in, log out, who am I, my settings, my password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from agentd.core.people import RIGHTS, Person
from agentd.http_problems import Problem, documented
from agentd.http_session import COOKIE, DoorSettings, WebAccounts, caller, current
from agentd.ports.accounts import LoginRefused


class LoginBody(BaseModel):
    """What one logs in with."""

    login: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1024)


class PasswordBody(BaseModel):
    """A change of one's own password."""

    old: str = Field(min_length=1, max_length=1024)
    new: str = Field(min_length=1, max_length=1024)


class Me(BaseModel):
    """The person who asks. ``seat``: where the person is signed in, as of the seat's routes."""

    login: str
    name: str
    role: str
    queues: list[str]
    teams: list[str]
    rights: list[str]
    settings: dict[str, Any]
    seat: dict[str, Any] | None


MySeatOf = Callable[[Person], Mapping[str, Any] | None]
"""Where a person is signed in, as plain JSON."""

CurrentPerson = Annotated[Person, Depends(current)]


def session_router(
    accounts: WebAccounts, settings: DoorSettings, my_seat: MySeatOf = lambda _: None
) -> APIRouter:
    """Log in, log out, who am I, my settings, my password."""
    router = APIRouter(prefix="/api", tags=["session"])

    async def me_of(person: Person) -> Me:
        seat = my_seat(person)
        return Me(
            login=person.login,
            name=person.name,
            role=person.role,
            queues=list(person.queues),
            teams=list(person.teams),
            rights=sorted(RIGHTS[person.role]),
            settings=dict(await accounts.settings(person)),
            seat=None if seat is None else dict(seat),
        )

    def give(response: Response, cookie: str) -> None:
        response.set_cookie(
            COOKIE, cookie, path="/", secure=settings.secure, httponly=True, samesite="strict"
        )

    @router.post("/session", responses=documented(400, 401, 403, 413, 415, 422, 429, 503))
    async def log_in(body: LoginBody, request: Request, response: Response) -> Me:
        """Log in; sets the cookie ``agentd_session``."""
        if not accounts.has_people:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "no_accounts",
                "There is no account yet: agentd user add LOGIN --name NAME --role admin",
                "还没有任何账号:agentd user add 工号 --name 姓名 --role admin",
            )
        who = caller(request)
        person, cookie = await accounts.log_in(body.login, body.password, who.address, who.browser)
        if who.cookie:
            await accounts.log_out(who.cookie)
        give(response, cookie)
        return await me_of(person)

    @router.delete("/session", status_code=HTTPStatus.NO_CONTENT, responses=documented(401, 403))
    async def log_out(request: Request, response: Response) -> None:
        """Log out; the cookie is worth nothing from now on."""
        await accounts.log_out(caller(request).cookie)
        response.delete_cookie(
            COOKIE, path="/", secure=settings.secure, httponly=True, samesite="strict"
        )

    @router.get("/me", responses=documented(401, 403))
    async def me(person: CurrentPerson) -> Me:
        """Who I am, what I may do, where I sit."""
        return await me_of(person)

    @router.put(
        "/me/settings",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(400, 401, 403, 413, 415, 422),
    )
    async def put_settings(body: dict[str, Any], person: CurrentPerson) -> None:
        """What the pages keep for me; replaces what was kept before."""
        await accounts.put_settings(person, body)

    @router.put(
        "/me/password",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(400, 401, 403, 413, 415, 422, 429),
    )
    async def put_password(
        body: PasswordBody, request: Request, response: Response, person: CurrentPerson
    ) -> None:
        """Change my password. All my sessions end; this browser gets a new one."""
        who = caller(request)
        try:
            await accounts.change_password(person, body.old, body.new, who.address)
        except LoginRefused as refused:
            if refused.code != "wrong":
                raise
            # Not 401: the person is logged in.
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "wrong",
                "The old password is wrong.",
                "原密码不对。",
                field="old",
            ) from refused
        _, cookie = await accounts.log_in(person.login, body.new, who.address, who.browser)
        give(response, cookie)

    return router
