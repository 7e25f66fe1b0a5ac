"""What the web says when something cannot be done: application/problem+json (RFC 9457), each with
a stable ``code`` and a sentence in Chinese and English. See docs/api.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException

from agentd.errors import AgentdError, Refused
from agentd.ports.accounts import LoginRefused

MEDIA_TYPE = "application/problem+json"

_STATUS_OF_REFUSED = {
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "conflict": HTTPStatus.PRECONDITION_FAILED,
    "wrong_state": HTTPStatus.CONFLICT,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
# What the framework refuses by itself.
_OF_STATUS = {
    HTTPStatus.BAD_REQUEST: ("bad_request", "请求无法理解"),
    HTTPStatus.UNAUTHORIZED: ("login", "请先登录"),
    HTTPStatus.FORBIDDEN: ("forbidden", "没有权限"),
    HTTPStatus.NOT_FOUND: ("not_found", "没有这个内容"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method", "不支持这种操作"),
}

_log = structlog.get_logger(__name__)


class ProblemBody(BaseModel):
    """The body of a problem, for the OpenAPI document."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    text_zh: str
    text_en: str
    field: str | None = None
    missing: list[dict[str, Any]] | None = None
    current: dict[str, Any] | None = None


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route that may answer with these problems."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
            "model": ProblemBody,
        }
        for status in statuses
    }


class Problem(HTTPException):
    """Raise it anywhere in a route. ``missing``: plain JSON; ``current``: the document as it is."""

    def __init__(
        self,
        status: int,
        code: str,
        text_en: str,
        text_zh: str,
        *,
        field: str | None = None,
        missing: Sequence[Any] | None = None,
        current: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(int(status), text_en, dict(headers or {}))
        self.code = code
        self.text_en = text_en
        self.text_zh = text_zh
        self.field = field
        self.missing = missing
        self.current = current

    def response(self) -> Response:
        """The answer."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.text_en,
            "code": self.code,
            "text_zh": self.text_zh,
            "text_en": self.text_en,
        }
        for name in ("field", "missing", "current"):
            value = getattr(self, name)
            if value is not None:
                body[name] = value
        headers = {"Cache-Control": "no-store", **(self.headers or {})}
        return Response(msgspec.json.encode(body), self.status_code, headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """The problem that ``error`` is to whoever asked."""
    match error:
        case Problem():
            return error
        case LoginRefused(code="slow", retry_after_s=wait_s):
            return Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "slow",
                f"Too many tries. Try again in {wait_s} s.",
                f"尝试次数过多,请 {wait_s} 秒后再试。",
                headers={"Retry-After": str(wait_s)},
            )
        case LoginRefused(code="disabled"):
            return Problem(
                HTTPStatus.FORBIDDEN,
                "disabled",
                "This account is disabled. Ask your administrator.",
                "此账号已停用,请联系管理员。",
            )
        case LoginRefused():
            return Problem(
                HTTPStatus.UNAUTHORIZED, "wrong", "Wrong login or password.", "工号或密码不对。"
            )
        case Refused():
            status = _STATUS_OF_REFUSED.get(error.code, HTTPStatus.CONFLICT)
            return Problem(
                status,
                error.code,
                str(error),
                error.text_zh or str(error),
                field=error.field,
                missing=[msgspec.to_builtins(item) for item in error.missing] or None,
            )
        case AgentdError():
            _log.error("web_unavailable", reason=str(error))
            return Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "unavailable",
                f"Not possible at the moment: {error}",
                "暂时无法完成,请稍后再试。",
            )
        case RequestValidationError():
            return _of_validation(error)
        case StarletteHTTPException():
            status = HTTPStatus(error.status_code)
            code, text_zh = _OF_STATUS.get(status, (status.name.lower(), status.phrase))
            return Problem(status, code, str(error.detail), text_zh, headers=error.headers)
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "A fault of agentd's own; its log tells more.",
        "系统内部错误,详情见日志。",
    )


def _of_validation(error: RequestValidationError) -> Problem:
    """The first mistake, with the place in the words of the request: ``login``, ``limit``."""
    mistake = error.errors()[0]
    if mistake["type"] == "json_invalid":
        return Problem(
            HTTPStatus.BAD_REQUEST, "bad_json", "The body is not JSON.", "请求内容不是 JSON。"
        )
    place = ".".join(str(part) for part in mistake["loc"][1:])
    where = f"{place}: " if place else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid",
        f"{where}{mistake['msg']}",
        f"{where}填写有误({mistake['msg']})",
        field=place or None,
    )


def install(app: FastAPI) -> None:
    """Have ``app`` answer every refusal and fault with a problem."""

    async def answer(_request: Request, error: Exception) -> Response:
        return problem_of(error).response()

    for kind in (
        StarletteHTTPException,
        RequestValidationError,
        LoginRefused,
        AgentdError,
        Exception,
    ):
        app.add_exception_handler(kind, answer)
