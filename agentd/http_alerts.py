"""REST: alerts with what was said to them, and what was set for everybody's board."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query, Response
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from agentd import clock
from agentd.core.effects import Rule
from agentd.history_columns import Columns
from agentd.history_view import AlertLine, HistoryView, SettingLine
from agentd.http_json import micros, model_of
from agentd.http_parts import (
    BY_TOKEN,
    Cursor,
    Exporter,
    Id,
    IfMatch,
    IfNoneMatch,
    Language,
    Limit,
    Moment,
    Who,
    answer,
    at_us,
    expected,
    page_of,
    router_of,
    unchanged,
)
from agentd.http_problems import Problem, documented
from agentd.http_session import Caller, allow
from agentd.http_tables import EITHER, FileKind, Tables, said
from agentd.ports.history import AlertLoad, AlertSearch

SETTING_MAX_BYTES: Final = 64 << 10
_KEY: Final = r"^[a-z][a-z0-9_.-]{0,63}$"

Watcher = Annotated[Caller, Depends(allow("board", "desk"))]
"""Who may see the board, or has own alerts."""
Text = Annotated[str | None, Query(max_length=200)]
Key = Annotated[str, Path(pattern=_KEY, description="as thresholds, surge, floor.day")]
PersonLogin = Annotated[str | None, Query(max_length=200, description="a login")]


class NoteBody(BaseModel):
    """What a leader says to an alert; may be empty."""

    model_config = ConfigDict(extra="forbid", strict=True)
    note: Annotated[str, Field(max_length=2000)] = ""


class SettingBody(BaseModel):
    """Whatever the pages keep under the key."""

    model_config = ConfigDict(extra="forbid", strict=True)
    value: Any


class Loads(msgspec.Struct, frozen=True):
    items: tuple[AlertLoad, ...]


def alert_filters(
    pbx: Text = None,
    level: Literal["warning", "breach", "escalation"] | None = None,
    rule: Rule | None = None,
    seat: Text = None,
    queue: Text = None,
    call: Text = None,
    acknowledged: bool | None = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Annotated[Moment | None, Query()] = None,
) -> AlertSearch:
    """The filters of a list of alerts: a dependency."""
    return AlertSearch(
        pbx=pbx,
        level=level,
        rule=rule,
        seat=seat,
        queue=queue,
        call=call,
        acknowledged=acknowledged,
        from_us=at_us(from_),
        to_us=at_us(to),
    )


Alerts = Annotated[AlertSearch, Depends(alert_filters)]


def alerts_router(
    view: HistoryView,
    tables: Tables,
    utc_offset_s: int,
    now_us: Callable[[], int] = clock.wall_us,
) -> APIRouter:
    """The routes of ``/api/alerts`` and ``/api/board/settings``."""
    router = router_of("alerts")

    @router.get(
        "/alerts",
        response_model=page_of(AlertLine),
        responses=documented(401, 403, 422),
        dependencies=BY_TOKEN,
    )
    async def alerts(
        who: Watcher,
        query: Alerts,
        person: PersonLogin = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """Alerts of my scope (an agent: own ones), the latest first."""
        query = replace(query, cursor=cursor, limit=limit)
        return answer(await view.alerts(who.acting, query, person))

    @router.get(
        "/alerts.{kind}",
        response_class=StreamingResponse,
        responses={**EITHER, **documented(401, 403, 422)},
        dependencies=BY_TOKEN,
    )
    async def alerts_file(
        who: Exporter,
        kind: FileKind,
        query: Alerts,
        person: PersonLogin = None,
        lang: Language = "zh",
    ) -> StreamingResponse:
        """The same as CSV or as an Excel workbook."""
        await tables.note(who, "alerts.export", kind, said(query, AlertSearch()))
        return await tables.file(
            kind,
            Columns(lang, utc_offset_s, tables.name_of).alerts(),
            view.each_alert(who.acting, query, person),
            name="alerts",
            title="告警" if lang == "zh" else "alerts",
        )

    @router.get("/alerts/load", response_model=model_of(Loads), responses=documented(401, 403, 422))
    async def load(
        who: Who, from_: Annotated[Moment, Query(alias="from")], to: Annotated[Moment, Query()]
    ) -> Response:
        """How many alerts of each kind the seats of my scope had. At most 32 days."""
        found = await view.alert_load(who, micros(from_), micros(to))
        return answer(Loads(tuple(found)))

    @router.post(
        "/alerts/{id}/acknowledge",
        response_model=model_of(AlertLine),
        responses=documented(400, 401, 403, 404, 413, 415, 422, 503),
    )
    async def acknowledge(who: Who, id: Id, body: NoteBody) -> Response:  # noqa: A002
        """Seen; what is said a second time is a further note."""
        return answer(await view.acknowledge(who, id, body.note, now_us()))

    setting_model = model_of(SettingLine)

    @router.get(
        "/board/settings/{key}",
        response_model=setting_model,
        responses={304: {"description": "Not changed"}, **documented(401, 403, 404, 422)},
    )
    async def setting(who: Who, key: Key, if_none_match: IfNoneMatch = None) -> Response:
        """What was set for everybody's board under this key; "v0" and null: nothing yet."""
        found = await view.setting(who, key)
        etag = f'"v{found.version}"'
        return unchanged(etag, if_none_match) or answer(found, etag=etag, cache="no-cache")

    @router.put(
        "/board/settings/{key}",
        response_model=setting_model,
        responses=documented(400, 401, 403, 412, 413, 415, 422, 428, 503),
    )
    async def put_setting(
        who: Who, key: Key, body: Annotated[SettingBody, Body()], if_match: IfMatch = None
    ) -> Response:
        """Set it (supervisors): If-Match names the version that the change rests on, "v0" where
        there is none yet."""
        if if_match is None:
            raise Problem(
                HTTPStatus.PRECONDITION_REQUIRED,
                "precondition",
                'Say with If-Match which version the change rests on ("v0": there is none yet).',
                '请用 If-Match 说明修改所依据的版本（尚无版本时为 "v0"）。',
            )
        if len(msgspec.json.encode(body.value)) > SETTING_MAX_BYTES:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid",
                "A setting has at most 64 KiB.",
                "每项设置最多 64 KiB。",
                field="value",
            )
        put = await view.put_setting(who, key, body.value, expected(if_match), now_us())
        return answer(put, etag=f'"v{put.version}"')

    return router
