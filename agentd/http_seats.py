"""REST: signing in to a seat, ready and pause, click to dial, faulty phones."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import GenericAlias
from typing import Annotated, Any

from fastapi import APIRouter, Response
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from agentd.core.people import Person
from agentd.http_json import model_of, to_json
from agentd.http_parts import Id, Page, Who, answer, page_of, router_of
from agentd.http_problems import documented
from agentd.ports.presence import Fault, MySeat, Presence, SeatView

Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SeatBody(_Body):
    """Which seat."""

    pbx: Name
    seat: Name


class SignOutBody(_Body):
    """``login``: whom a leader signs out; left out: oneself."""

    login: Annotated[str | None, Field(max_length=64)] = None


class PauseBody(_Body):
    """The key of a pause reason of the form."""

    reason: Name


class DialBody(_Body):
    """The number to call."""

    number: Annotated[str, Field(min_length=1, max_length=64)]


class FaultBody(SeatBody):
    """What is wrong with a phone."""

    text: Annotated[str, Field(min_length=1, max_length=2000)]


class SignedOut(Struct, frozen=True):
    """The orders that are still owed, by their ids."""

    owed: tuple[str, ...]


class Dialled(Struct, frozen=True):
    """``placed``: the phone of the seat rings first; ``link``: the page offers a tel: link."""

    how: str
    number: str


_SEATS: Any = GenericAlias(list, (model_of(SeatView),))


def my_seat_json(presence: Presence, who: Person) -> Mapping[str, Any] | None:
    """Where ``who`` is signed in, as in ``/api/me``."""
    seat = presence.my_seat(who)
    return None if seat is None else to_json(seat)


def seats_router(presence: Presence) -> APIRouter:
    """The routes of ``/api/seats``, ``/api/seat`` and ``/api/faults``."""
    router = router_of("seats")
    reading = documented(401, 403, 422)
    changing = documented(400, 401, 403, 404, 409, 413, 415, 422, 503)
    telling = documented(401, 403, 404, 409, 422, 503)

    @router.get("/seats", response_model=_SEATS, responses=reading)
    async def seats(who: Who) -> Response:
        """The seats that one can sign in to, and who sits there."""
        return answer(presence.seats(who))

    @router.post("/seat/sign-in", response_model=model_of(MySeat), responses=changing)
    async def sign_in(who: Who, body: SeatBody) -> Response:
        """Sign in; who is signed in there is signed out, and so am I elsewhere."""
        return answer(await presence.sign_in(who, body.pbx, body.seat))

    @router.post("/seat/sign-out", response_model=model_of(SignedOut), responses=changing)
    async def sign_out(who: Who, body: SignOutBody) -> Response:
        """Sign out; the answer names what is still owed."""
        return answer(SignedOut(tuple(await presence.sign_out(who, body.login))))

    @router.post("/seat/ready", response_model=model_of(MySeat), responses=telling)
    async def ready(who: Who) -> Response:
        """Calls may come."""
        return answer(await presence.ready(who))

    @router.post("/seat/pause", response_model=model_of(MySeat), responses=changing)
    async def pause(who: Who, body: PauseBody) -> Response:
        """No calls for now, with the reason."""
        return answer(await presence.pause(who, body.reason))

    @router.post("/seat/dial", response_model=model_of(Dialled), responses=changing)
    async def dial(who: Who, body: DialBody) -> Response:
        """Call a number from one's seat."""
        how = await presence.dial(who, body.number)
        return answer(Dialled(how, body.number))

    @router.post(
        "/seat/faults",
        response_model=model_of(Fault),
        status_code=HTTPStatus.CREATED,
        responses=changing,
    )
    async def report(who: Who, body: FaultBody) -> Response:
        """Report a faulty phone."""
        fault = await presence.report_fault(who, body.pbx, body.seat, body.text)
        return answer(fault, status=HTTPStatus.CREATED)

    @router.get("/faults", response_model=page_of(Fault), responses=reading)
    async def faults(who: Who) -> Response:
        """The phones that were reported and are not mended yet."""
        return answer(Page(await presence.faults(who)))

    @router.post("/faults/{id}/done", response_model=model_of(Fault), responses=telling)
    async def done(who: Who, id: Id) -> Response:  # noqa: A002
        """It is mended."""
        return answer(await presence.fault_done(who, id))

    return router
