"""REST: the form: categories, fields, units, pause reasons and phrases, for the pages to build."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import get_args

from fastapi import APIRouter, Response
from msgspec import Struct

from agentd.config.phrases import Phrase, Phrases
from agentd.core.order_form import CategorySpec, FormBook, PauseReason, Unit
from agentd.core.order_model import ExceptionKind
from agentd.core.phone import NumberRules
from agentd.http_json import encode, model_of
from agentd.http_parts import IfNoneMatch, Who, router_of, unchanged
from agentd.http_problems import documented

_CACHE = "private, no-cache"


class Form(Struct, frozen=True):
    """Everything that the pages need to know of orders and phrases."""

    categories: dict[str, tuple[CategorySpec, ...]]
    """By queue; "" for every queue that has none of its own."""
    units: tuple[Unit, ...]
    pauses: tuple[PauseReason, ...]
    exceptions: tuple[ExceptionKind, ...]
    phrases: dict[str, tuple[Phrase, ...]]
    """By language: zh, en; ``queues`` [] is every queue, ``category`` "" every category."""
    forbidden_words: dict[str, tuple[str, ...]]
    """服务忌语, by language."""
    polite_words: dict[str, tuple[str, ...]]
    teams: tuple[str, ...]
    numbers: NumberRules
    """How telephone numbers are compared."""
    external: bool
    """The city's platform holds the form: only its number is asked for."""
    appeal_days: int
    call_back_within_s: int
    urgent_repeat_s: int
    utc_offset_s: int
    """Of the working calendar: local time minus UTC."""


def form_of(book: FormBook, phrases: Mapping[str, Phrases]) -> Form:
    """The form of ``book``."""
    return Form(
        categories={
            "": book.categories,
            **{queue: book.offered(queue) for queue in book.queues if queue},
        },
        units=book.units,
        pauses=book.pauses,
        exceptions=get_args(ExceptionKind),
        phrases={lang: said.phrases for lang, said in phrases.items()},
        forbidden_words={lang: said.forbidden for lang, said in phrases.items()},
        polite_words={lang: said.polite for lang, said in phrases.items()},
        teams=book.teams,
        numbers=book.numbers,
        external=book.external,
        appeal_days=book.appeal_days,
        call_back_within_s=book.call_back_within_s,
        urgent_repeat_s=book.urgent_repeat_s,
        utc_offset_s=book.calendar.utc_offset_s,
    )


def form_router(book: FormBook, phrases: Mapping[str, Phrases]) -> APIRouter:
    """The route of ``/api/form``; the form does not change while the daemon runs."""
    router = router_of("form")
    body = encode(form_of(book, phrases))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    @router.get(
        "/form",
        response_model=model_of(Form),
        responses={304: {"description": "Not changed"}, **documented(401, 403, 422)},
    )
    async def form(who: Who, if_none_match: IfNoneMatch = None) -> Response:
        """Categories, key fields, units, pause reasons and phrases."""
        headers = {"ETag": etag, "Cache-Control": _CACHE}
        return unchanged(etag, if_none_match, _CACHE) or Response(
            body, headers=headers, media_type="application/json"
        )

    return router
