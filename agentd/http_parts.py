"""What the REST routes share: answers, refusals, ETags, pages, and a route that takes no more than
it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPBearer
from msgspec import Struct
from pydantic import BaseModel, create_model
from starlette.types import Receive, Scope, Send

from agentd.core.order_model import OrderRefusal
from agentd.core.people import Person
from agentd.http_json import LATEST_S, encode, micros, model_of, to_json
from agentd.http_problems import Problem
from agentd.http_session import COOKIE, Caller, allow, caller, current, require

PAGE_MAX = 200

_STATUS = {
    "wrong_state": HTTPStatus.CONFLICT,
    "forbidden": HTTPStatus.FORBIDDEN,
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "conflict": HTTPStatus.PRECONDITION_FAILED,
    "not_found": HTTPStatus.NOT_FOUND,
}

Id = Annotated[str, Path(min_length=1, max_length=200)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="how many at most")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="next_cursor of the page before, unchanged")
]
Moment = Annotated[
    float, Query(ge=0, le=LATEST_S, allow_inf_nan=False, description="seconds since the epoch")
]
Language = Annotated[Literal["zh", "en"], Query(description="the language of the headers")]
IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^(\*|(W/)?"v[0-9]{1,15}")$',
        max_length=40,
        description='the ETag of what the change rests on, as "v12"; 412 when there is a newer one',
    ),
]
IfNoneMatch = Annotated[
    str | None, Header(max_length=1000, description="ETag that is known; 304 when it still holds")
]

BY_SESSION = [
    Depends(APIKeyCookie(name=COOKIE, scheme_name="session", auto_error=False)),
]
"""Routes for people: for the OpenAPI document; the door has looked already."""
BY_TOKEN = [Depends(HTTPBearer(scheme_name="token", auto_error=False))]
"""Routes that tokens may use."""

Who = Annotated[Person, Depends(current)]
"""The person who asks; tokens are refused."""
Asker = Annotated[Caller, Depends(caller)]
Reader = Annotated[Caller, Depends(allow("orders.read", "desk"))]
"""A person who reads or owns orders, or a token that may read them."""
Exporter = Annotated[Caller, Depends(allow("orders.export"))]
Leader = Annotated[Person, Depends(require("orders.lead"))]
Worker = Annotated[Person, Depends(require("desk", "orders.read"))]
"""Whoever works on orders or reads them."""
Shift = Annotated[Person, Depends(require("shift"))]


class StrictRoute(APIRoute):
    """Refuses query parameters that it does not know, or gets twice, and bodies that are not JSON
    where it wants JSON: a mistyped filter must not show everything."""

    methods_of: ClassVar[dict[str, set[str]]] = {}
    """All methods of every path: a 405 names them (RFC 9110, 15.5.6)."""

    def __init__(self, path: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(path, *args, **kwargs)
        self.methods_of.setdefault(path, set()).update(self.methods or ())

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of this path."""
        if scope["method"] not in (self.methods or ()):
            allowed = ", ".join(sorted(self.methods_of[self.path]))
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": allowed})
        await super().handle(scope, receive, send)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind those checks."""
        handle = super().get_route_handler()
        known = _parameters(self.dependant)
        wants_json = self.body_field is not None

        async def strictly(request: Request) -> Response:
            for name in request.query_params:
                if name not in known:
                    raise _unknown_parameter(name, known)
                if len(request.query_params.getlist(name)) > 1:
                    raise _invalid(name, f"{name} is given twice.", f"参数 {name} 重复。")
            if wants_json and not _is_json(request):
                raise Problem(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "media_type",
                    "Send application/json (Content-Type).",
                    "请求内容须为 application/json。",
                )
            return await handle(request)

        return strictly


def _parameters(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_parameters(inner) for inner in dependant.dependencies))


def _unknown_parameter(name: str, known: set[str]) -> Problem:
    shown = _shown(name)
    offered = ", ".join(sorted(known)) or "none"
    return _invalid(
        shown,
        f"There is no parameter {shown!r} here; there are: {offered}.",
        f"没有参数“{shown}”；可用的参数：{offered}。",
    )


def _shown(text: str) -> str:
    """What somebody sent, short and fit to be shown."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def _invalid(field: str, text_en: str, text_zh: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", text_en, text_zh, field=field)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json"


def router_of(area: str, *, people: bool = True, tokens: bool = False) -> APIRouter:
    """A router for routes below ``/api``, all strict; the OpenAPI document says who may ask."""
    doors = [*(BY_SESSION if people else ()), *(BY_TOKEN if tokens else ())]
    return APIRouter(prefix="/api", tags=[area], route_class=StrictRoute, dependencies=doors)


# --- answers ---------------------------------------------------------------------------------


class Page(Struct, frozen=True):
    """A list, and where it goes on."""

    items: Sequence[Any]
    next_cursor: str | None = None


def page_of(item: type[Struct]) -> type[BaseModel]:
    """The model of a page of ``item``."""
    items = model_of(item)
    model: type[BaseModel] = create_model(
        f"{item.__name__}Page",
        __config__={"extra": "forbid"},
        items=(list[items], ...),  # type: ignore[valid-type]
        next_cursor=(str | None, ...),
    )
    return model


def answer(
    value: Any, *, status: int = HTTPStatus.OK, etag: str | None = None, cache: str = "no-store"
) -> Response:
    """``value`` (structs or JSON types) as a JSON answer; nobody keeps it, unless told so."""
    headers = {"Cache-Control": cache}
    if etag is not None:
        headers["ETag"] = etag
    return Response(encode(value), status, headers, "application/json")


def unchanged(etag: str, if_none_match: str | None, cache: str = "no-cache") -> Response | None:
    """304, where whoever asks has what ``etag`` names already."""
    if if_none_match is None:
        return None
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if "*" in known or etag.removeprefix("W/") in known:
        return Response(
            status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag, "Cache-Control": cache}
        )
    return None


def expected(if_match: str | None) -> int | None:
    """The version that an If-Match header names; None for none, or for any."""
    if if_match is None or if_match == "*":
        return None
    return int(if_match.removeprefix("W/").strip('"').removeprefix("v"))


def refused(refusal: OrderRefusal, current: Any = None) -> Problem:
    """The problem that ``refusal`` is; ``current``: the order as it stands, as JSON."""
    missing = [to_json(item) for item in refusal.missing]
    return Problem(
        _STATUS[refusal.code],
        refusal.code,
        refusal.text_en,
        refusal.text_zh,
        field=refusal.missing[0].field if refusal.missing else None,
        missing=missing or None,
        current=current,
    )


def at_us(moment: float | None) -> int | None:
    """A moment of a request in microseconds."""
    return None if moment is None or not math.isfinite(moment) else micros(moment)
