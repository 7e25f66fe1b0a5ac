"""REST: what supervisors do to calls, seats and people's desks; and messages at the desk."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from agentd.http_json import model_of
from agentd.http_parts import Id, Page, Who, answer, page_of, router_of
from agentd.http_problems import documented
from agentd.ports.supervision import (
    TEXT_MAX_CHARS,
    CallActed,
    Control,
    DeskMessage,
    Listening,
    MovedUp,
    OwnPhone,
    SeatActed,
    Supervision,
)

Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ControlSeat(_Body):
    """Which seat."""

    pbx: Name
    seat: Name


class ControlPause(ControlSeat):
    """``reason``: the key of a pause reason of the form."""

    reason: Name


class ControlLogout(ControlSeat):
    """``queue`` null, or left out: all of them."""

    queue: Name | None = None


class ControlCall(_Body):
    """Which call, as the board names it."""

    pbx: Name
    call: Name


class ControlHangup(ControlCall):
    """``seat``: end only that seat's part of the call."""

    seat: Name | None = None


class ControlRedirect(ControlCall):
    """``to``: the extension that the customer is sent to."""

    to: Annotated[str, Field(min_length=1, max_length=40)]


class ControlPhone(_Body):
    """``device`` null: no own phone; then it is the seat where one signs in."""

    pbx: Name
    device: Name | None


class MessageBody(_Body):
    """A message to a person's desk."""

    login: Annotated[str, Field(min_length=1, max_length=64)]
    text: Annotated[str, Field(min_length=1, max_length=TEXT_MAX_CHARS)]
    level: Literal["info", "urgent"] = "info"


def control_router(supervision: Supervision) -> APIRouter:
    """The routes of ``/api/control`` and ``/api/messages``."""
    router = router_of("control")
    reading = documented(401, 403, 404, 422, 503)
    acting = documented(400, 401, 403, 404, 409, 413, 415, 422, 503)

    @router.get("/control", response_model=model_of(Control), responses=reading)
    async def control(
        who: Who,
        pbx: Annotated[str, Query(min_length=1, max_length=200)],
        seat: Annotated[
            str | None, Query(min_length=1, max_length=200, description="tell of its queues too")
        ] = None,
    ) -> Response:
        """What I may do there now, and why not; my phone, and what I may choose as my phone."""
        return answer(await supervision.control(who, pbx, seat))

    @router.put("/control/phone", response_model=model_of(OwnPhone) | None, responses=acting)
    async def phone(who: Who, body: ControlPhone) -> Response:
        """Choose my own phone; the answer is the phone that would ring now, or null."""
        return answer(await supervision.choose_phone(who, body.pbx, body.device))

    @router.post("/control/listen", response_model=model_of(Listening), responses=acting)
    async def listen(who: Who, body: ControlSeat) -> Response:
        """Ring my phone and let it hear the call of the seat."""
        return answer(await supervision.spy(who, "listen", body.pbx, body.seat))

    @router.post("/control/whisper", response_model=model_of(Listening), responses=acting)
    async def whisper(who: Who, body: ControlSeat) -> Response:
        """The same, and the agent hears me; the customer does not."""
        return answer(await supervision.spy(who, "whisper", body.pbx, body.seat))

    @router.post("/control/barge", response_model=model_of(Listening), responses=acting)
    async def barge(who: Who, body: ControlSeat) -> Response:
        """The same, and both hear me."""
        return answer(await supervision.spy(who, "barge", body.pbx, body.seat))

    @router.post("/control/pause", response_model=model_of(SeatActed), responses=acting)
    async def pause(who: Who, body: ControlPause) -> Response:
        """Let a seat take no calls."""
        return answer(await supervision.pause(who, body.pbx, body.seat, body.reason))

    @router.post("/control/unpause", response_model=model_of(SeatActed), responses=acting)
    async def unpause(who: Who, body: ControlSeat) -> Response:
        """Let a seat take calls again."""
        return answer(await supervision.unpause(who, body.pbx, body.seat))

    @router.post("/control/logout", response_model=model_of(SeatActed), responses=acting)
    async def logout(who: Who, body: ControlLogout) -> Response:
        """Take a seat out of a queue, or of all; ``how`` says what became of each place."""
        return answer(await supervision.log_out(who, body.pbx, body.seat, body.queue))

    @router.post("/control/move-up", response_model=model_of(MovedUp), responses=acting)
    async def move_up(who: Who, body: ControlCall) -> Response:
        """Put a waiting caller at the head of the queue."""
        return answer(await supervision.move_up(who, body.pbx, body.call))

    @router.post("/control/redirect", response_model=model_of(CallActed), responses=acting)
    async def redirect(who: Who, body: ControlRedirect) -> Response:
        """Send a customer, waiting or talking, to an extension."""
        return answer(await supervision.redirect(who, body.pbx, body.call, body.to))

    @router.post("/control/hangup", response_model=model_of(CallActed), responses=acting)
    async def hangup(who: Who, body: ControlHangup) -> Response:
        """End a call. It is not held against the agent."""
        return answer(await supervision.hang_up(who, body.pbx, body.call, body.seat))

    @router.post(
        "/control/message",
        response_model=model_of(DeskMessage),
        status_code=HTTPStatus.CREATED,
        responses=acting,
    )
    async def message(who: Who, body: MessageBody) -> Response:
        """Leave a message on a person's desk; it stands there until it is read."""
        left = await supervision.message(who, body.login, body.text, body.level)
        return answer(left, status=HTTPStatus.CREATED)

    @router.get(
        "/messages", response_model=page_of(DeskMessage), responses=documented(401, 403, 422, 503)
    )
    async def messages(who: Who) -> Response:
        """The last messages to me, unread ones first."""
        return answer(Page(await supervision.messages(who)))

    @router.post(
        "/messages/{id}/read",
        response_model=model_of(DeskMessage),
        responses=documented(401, 403, 404, 422, 503),
    )
    async def read(who: Who, id: Id) -> Response:  # noqa: A002
        """I have read it."""
        return answer(await supervision.read(who, id))

    return router
