"""Recordings over HTTP: whole or in part (RFC 9110, one range), so that players can seek."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agentd.http_problems import Problem
from agentd.recordings import OpenRecording

_PIECE_BYTES: Final = 256 * 1024
_RANGE = re.compile(r"bytes\s*=\s*(?P<first>\d{0,18})\s*-\s*(?P<last>\d{0,18})\s*", re.IGNORECASE)


class RecordingResponse(Response):
    """An open recording as an answer; it is closed when the answer is over, however it ends.

    ``under_way``: it still grows. Then it is sent as long as it is now, and its ETag is a weak one:
    parts of two answers must not be put together.
    """

    def __init__(self, recording: OpenRecording, name: str, *, under_way: bool) -> None:
        super().__init__(media_type=recording.content_type)
        self._recording = recording
        self._etag = f"W/{recording.etag}" if under_way else recording.etag
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET or HEAD, as ASGI says."""
        try:
            await self._serve(scope, receive, send)
        finally:
            self._recording.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Headers(scope=scope)
        size = self._recording.size
        common = {
            "ETag": self._etag,
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'inline; filename="{self._name}{self._recording.suffix}"',
        }
        if self._is_known(request.get("if-none-match")):
            await Response(None, HTTPStatus.NOT_MODIFIED, common)(scope, receive, send)
            return
        asked = None
        if scope["method"] == "GET" and self._may_be_partial(request.get("if-range")):
            asked = _RANGE.fullmatch(request.get("range", ""))
        # A range without numbers, or that ends before it begins, is none (RFC 9110, 14.1.1).
        if asked is not None and not _makes_sense(asked["first"], asked["last"]):
            asked = None
        first, last = 0, size - 1
        status = HTTPStatus.OK
        if asked is not None:
            found = byte_range(asked["first"], asked["last"], size)
            if found is None:
                problem = Problem(
                    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                    "range",
                    f"The recording has {size} bytes.",
                    f"录音共 {size} 字节。",
                    headers={"Content-Range": f"bytes */{size}"},
                )
                await problem.response()(scope, receive, send)
                return
            first, last = found
            status = HTTPStatus.PARTIAL_CONTENT
            common["Content-Range"] = f"bytes {first}-{last}/{size}"
        head = Response(None, status, common, self._recording.content_type)
        head.headers["Content-Length"] = str(last - first + 1)
        await send(
            {"type": "http.response.start", "status": int(status), "headers": head.raw_headers}
        )
        if scope["method"] != "HEAD":
            await self._send_bytes(first, last, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_bytes(self, first: int, last: int, send: Send) -> None:
        offset = first
        while offset <= last:
            piece = await asyncio.to_thread(
                self._recording.read, offset, min(_PIECE_BYTES, last + 1 - offset)
            )
            if not piece:
                # Somebody cut the file short: the connection ends early, and the player sees it.
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            offset += len(piece)

    def _is_known(self, if_none_match: str | None) -> bool:
        if if_none_match is None:
            return False
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in tags or self._recording.etag in tags

    def _may_be_partial(self, if_range: str | None) -> bool:
        # Strong comparison: a weak tag, or a date, never matches (RFC 9110, 13.1.5).
        return if_range is None or if_range.strip() == self._etag == self._recording.etag


def byte_range(first: str, last: str, size: int) -> tuple[int, int] | None:
    """The first and last byte of the range ``first-last`` (either may be empty, not both) of
    ``size`` bytes; None where there is no such byte."""
    if not first:
        wanted = min(int(last), size)
        return (size - wanted, size - 1) if wanted else None
    begin = int(first)
    end = min(int(last), size - 1) if last else size - 1
    return (begin, end) if begin < size else None


def _makes_sense(first: str, last: str) -> bool:
    if first and last:
        return int(first) <= int(last)
    return bool(first or last)
