"""REST: one's own calls and figures, any call of one's scope, and recordings, each play audited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from msgspec import structs

from agentd import clock
from agentd.call_records import CallDetail, CallRecords, Leg
from agentd.http_files import RecordingResponse
from agentd.http_json import model_of
from agentd.http_parts import (
    Cursor,
    Id,
    Limit,
    Moment,
    Who,
    answer,
    at_us,
    page_of,
    router_of,
)
from agentd.http_problems import Problem, documented
from agentd.http_session import Caller, caller
from agentd.ports.accounts import Accounts, AuditEntry
from agentd.ports.desk import Desk, Recording
from agentd.ports.figures import FiguresSource, OwnWork
from agentd.recordings import PBX_FOLDER, TYPES, NoRecording, open_recording

PLAY_US: Final = 300_000_000
"""A player asks for a recording piece by piece: what one person asks of one recording within this
time is one line of the audit log."""
_PLAYS_MAX: Final = 10_000

_NOT_THERE = {
    "no_folder": "这台 PBX 没有可用的录音目录，请联系系统管理员。",
    "outside": "该录音不在录音目录内，无法播放。",
    "missing": "录音文件已不在录音目录中。",
    "unreadable": "录音文件无法读取，请联系系统管理员。",
}

From = Annotated[Moment | None, Query(alias="from", description="ended then or later")]
To = Annotated[Moment | None, Query(description="ended before")]


class MyFigures(OwnWork, frozen=True):
    """What I did, what was judged of it, and what I owe now."""

    violations: int
    """That stand."""
    appeals_pending: int
    orders_owed: int


class _Plays:
    """Which plays the audit log knows already."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._noted_us: dict[tuple[str, str, str], int] = {}

    def is_new(self, who: Caller, recording: Recording) -> bool:
        key = (who.name, who.address, recording.id)
        now_us = self._now_us()
        if now_us - self._noted_us.pop(key, -PLAY_US) < PLAY_US:
            self._noted_us[key] = now_us
            return False
        self._noted_us[key] = now_us
        if len(self._noted_us) > _PLAYS_MAX:
            # The one that was asked for the longest ago; forgetting it costs a line too many.
            del self._noted_us[next(iter(self._noted_us))]
        return True


def calls_router(
    desk: Desk,
    calls: CallRecords,
    accounts: Accounts,
    figures: FiguresSource,
    now_us: Callable[[], int] = clock.wall_us,
) -> APIRouter:
    """The routes of calls and recordings."""
    router = router_of("calls")
    plays = _Plays(now_us)

    async def note(who: Caller, recording: Recording, action: str) -> None:
        await accounts.note(
            AuditEntry(
                at_us=now_us(),
                who=who.name,
                action=action,
                target=recording.id,
                address=who.address,
                detail={"pbx": recording.pbx, "call": recording.call},
            )
        )

    @router.get("/me/calls", response_model=page_of(Leg), responses=documented(401, 403, 422))
    async def my_calls(
        who: Who, from_: From = None, to: To = None, cursor: Cursor = None, limit: Limit = 50
    ) -> Response:
        """My own calls, the newest first, with recordings and order."""
        return answer(await calls.mine(who, at_us(from_), at_us(to), cursor, limit))

    @router.get(
        "/me/figures", response_model=model_of(MyFigures), responses=documented(401, 403, 422, 503)
    )
    async def my_figures(who: Who, from_: From = None) -> Response:
        """My own figures, of this shift where no time is given."""
        since_us = at_us(from_)
        if since_us is None:
            since_us = await calls.shift_began(who, now_us())
        standing = await desk.standing(who, since_us)
        work = await figures.own(who, since_us)
        return answer(MyFigures(**structs.asdict(work), **structs.asdict(standing)))

    @router.get(
        "/calls/{pbx}/{call}",
        response_model=model_of(CallDetail),
        responses=documented(401, 403, 404, 422),
    )
    async def call(who: Who, pbx: Id, call: Id) -> Response:
        """A call of mine, or of my scope."""
        return answer(await calls.call(who, pbx, call))

    @router.api_route(
        "/recordings/{id}",
        methods=["GET"],
        response_class=Response,
        responses={
            200: _sound("The recording"),
            206: _sound("The part that the Range header names"),
            304: {"description": "Not changed"},
            **documented(401, 403, 404, 416, 422, 503),
        },
    )
    @router.head("/recordings/{id}", include_in_schema=False)
    async def recording(who: Who, request: Request, id: Id) -> Response:  # noqa: A002
        """The sound of a recording; one Range is honoured."""
        asker = caller(request)
        found = await calls.recording(who, id)
        if plays.is_new(asker, found):
            await note(asker, found, "recording.play")
        folder = calls.folders.get(found.pbx)
        try:
            named = calls.named.get(found.pbx, PBX_FOLDER)
            file = await asyncio.to_thread(open_recording, folder, found.file, named)
        except NoRecording as error:
            raise Problem(
                HTTPStatus.NOT_FOUND, error.code, str(error), _NOT_THERE[error.code]
            ) from error
        return RecordingResponse(file, f"recording-{_plain(id)}", under_way=found.ended_us is None)

    return router


def _plain(text: str) -> str:
    """``text`` as a part of a file's name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "_" for c in text)


def _sound(description: str) -> dict[str, Any]:
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {"description": description, "content": dict.fromkeys(TYPES.values(), schema)}
