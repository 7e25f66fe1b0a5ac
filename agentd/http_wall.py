"""REST of the walls: a screen's own access, and the little that it asks for beside the live stream.

A wall is a browser that nobody sits at. It is let in by a token with no right but ``wall`` or
``board``, which is typed in once and kept as a cookie that scripts cannot read: neither addresses
nor logs ever hold it. The cookie is good for these routes and the wall's live stream only.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, create_model

from agentd.core.people import Person
from agentd.http_json import model_of
from agentd.http_parts import answer, router_of
from agentd.http_problems import Problem, documented
from agentd.http_session import WALL_COOKIE, Caller, DoorSettings, WebAccounts, allow
from agentd.monitor_audience import WALL_RIGHTS
from agentd.ports.figures import IntervalsShown
from agentd.ports.history import BoardSetting

KEPT_S: Final = 400 * 86_400
"""How long a wall's access lasts without being used: the longest that browsers keep a cookie."""
SHOWN: Final = (
    "offered",
    "answered",
    "abandoned",
    "short_abandons",
    "let_go",
    "in_time",
    "sl_of",
)
"""The sums of a chart: nothing in them tells of a person or a broken rule."""
SETTINGS: Final = ("wall", "thresholds", "surge")
"""What is set for the board and concerns a wall."""

Watcher = Annotated[Caller, Depends(allow("board", "wall"))]


class WallBody(BaseModel):
    """What a wall is let in with."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, Field(min_length=1, max_length=200)]


class WallView(Struct, frozen=True):
    """What a wall is, and how it is to look. ``name``: of its token, or of the person who looks.
    ``masked``: names, numbers and violations are kept from it. ``utc_offset_s``: the site's time
    minus UTC. ``shift_from_us`` to ``shift_to_us``: the shift, or the day, up to now. ``settings``:
    by key, null where nothing was set."""

    name: str
    masked: bool
    utc_offset_s: int
    shift_from_us: int
    shift_to_us: int
    settings: dict[str, Any]


class Intervals(Protocol):
    """What walls need of the figures (``ports.figures.FiguresSource``)."""

    async def intervals(
        self, who: Person, kind: Any, name: str, from_us: int, to_us: int
    ) -> IntervalsShown: ...


class Settings(Protocol):
    """What walls need of the store."""

    async def setting(self, key: str) -> BoardSetting | None: ...


_Row = create_model(
    "WallRow",
    __config__=ConfigDict(extra="forbid"),
    at=(float, ...),
    gap=(bool, ...),
    **dict.fromkeys(SHOWN, (int, ...)),  # type: ignore[call-overload]
)
_Chart = create_model(
    "WallChart",
    __config__=ConfigDict(extra="forbid"),
    step_s=(int, ...),
    as_of_at=(float, ...),
    rows=(list[_Row], ...),  # type: ignore[valid-type]
)


def wall_router(
    figures: Intervals,
    settings: Settings,
    utc_offset_s: int,
    shift_us: Callable[[], tuple[int, int]],
) -> APIRouter:
    """What a wall asks for. ``utc_offset_s``: the site's time minus UTC. ``shift_us``: from when
    to when the shift lasts, or the day."""
    router = router_of("wall", tokens=True)

    @router.get("/wall", response_model=model_of(WallView), responses=documented(401, 403, 422))
    async def wall(who: Watcher) -> Response:
        """Who I am, and how I am to look."""
        kept = {key: await settings.setting(key) for key in SETTINGS}
        said = {key: None if found is None else found.value for key, found in kept.items()}
        name = who.token.name if who.token is not None else who.acting.name
        return answer(WallView(name, not who.may("board"), utc_offset_s, *shift_us(), said))

    @router.get("/wall/intervals", response_model=_Chart, responses=documented(401, 403, 404, 422))
    async def intervals(
        who: Watcher, queue: Annotated[str, Query(max_length=200, description="as PBX/NAME")]
    ) -> Response:
        """A queue's shift by quarters of an hour, up to now."""
        found = await figures.intervals(who.acting, "queue", queue, *shift_us())
        rows = [
            {
                "at": row.at_us / 1_000_000,
                "gap": row.gap,
                **{name: row.sums.get(name, 0) for name in SHOWN},
            }
            for row in found.rows
        ]
        return answer(
            {"step_s": found.step_s, "as_of_at": found.as_of_us / 1_000_000, "rows": rows}
        )

    return router


def wall_session_router(accounts: WebAccounts, settings: DoorSettings) -> APIRouter:
    """Let a wall in, and out."""
    router = APIRouter(prefix="/api", tags=["wall"])

    def give(response: Response, secret: str) -> None:
        response.set_cookie(
            WALL_COOKIE,
            secret,
            max_age=KEPT_S,
            path="/",
            secure=settings.secure,
            httponly=True,
            samesite="strict",
        )

    @router.post(
        "/wall/session",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(400, 401, 403, 413, 415, 422),
    )
    async def let_in(body: WallBody, response: Response) -> None:
        """Let this browser be a wall; sets the cookie ``agentd_wall``."""
        token = await accounts.by_token(body.token.strip())
        if token is None:
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "token",
                "This token is unknown, revoked or over.",
                "令牌无效、已吊销或已过期。",
                field="token",
            )
        if not WALL_RIGHTS.issuperset(token.rights):
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid",
                "This token may do more than look, which a screen that nobody watches must not. "
                "Make one for it: agentd token add NAME --right wall",
                "此令牌的权限不只是查看，不能放在无人看管的大屏上。"
                "请为大屏单独生成：agentd token add 名称 --right wall",
                field="token",
            )
        give(response, body.token.strip())

    @router.post(
        "/wall/keep",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(400, 401, 403, 413, 415, 422),
    )
    async def keep(request: Request, response: Response) -> None:
        """Keep a wall's cookie for as long as it was first given."""
        who: Caller = request.scope["agentd.caller"]
        if who.token is not None and who.secret and WALL_COOKIE in request.cookies:
            give(response, who.secret)

    @router.delete(
        "/wall/session", status_code=HTTPStatus.NO_CONTENT, responses=documented(400, 403)
    )
    async def let_out(response: Response) -> None:
        """This browser is no wall any more; its token stays what it is."""
        response.delete_cookie(
            WALL_COOKIE, path="/", secure=settings.secure, httponly=True, samesite="strict"
        )

    return router
