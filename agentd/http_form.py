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
from agentd.core.policy import PolicyBook
from agentd.http_json import encode, model_of
from agentd.http_parts import IfNoneMatch, Worker, router_of, unchanged
from agentd.http_problems import documented

_CACHE = "private, no-cache"


class OrderClock(Struct, frozen=True):
    """When an order of a queue and a seat group is due (R4)."""

    pbx: str
    queue: str
    """"" for every queue without a clock of its own."""
    group: str
    """"" for every seat group without one."""
    due_s: float
    """After the last seat left the call."""
    missed_due_s: float
    remind_s: tuple[float, ...]
    """Reminders, ascending, counted like ``due_s``; an order that nobody answered has none."""


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
    day_starts_s: int
    """When a day of figures and of history begins: seconds after local midnight."""
    order_clocks: tuple[OrderClock, ...]


def order_clocks(policies: Mapping[str, PolicyBook]) -> tuple[OrderClock, ...]:
    """Of every PBX, for every queue and seat group that the configuration names, and the rest."""
    found = []
    for pbx, book in policies.items():
        for queue in ("", *book.queues):
            for group in ("", *book.groups):
                policy = book.resolve(queue or None, group or None)
                clock = OrderClock(
                    pbx,
                    queue,
                    group,
                    policy.order_due_s,
                    policy.missed_order_due_s,
                    policy.order_remind_s,
                )
                found.append(clock)
    return tuple(found)


def day_starts_s(policies: Mapping[str, PolicyBook]) -> int:
    """When days begin, seconds after midnight UTC: the PBXs of a site agree on it."""
    return next((book.day_starts_s for book in policies.values()), PolicyBook().day_starts_s)


def form_of(
    book: FormBook, phrases: Mapping[str, Phrases], policies: Mapping[str, PolicyBook]
) -> Form:
    """The form of ``book``, and the clocks of its orders by the ``policies`` of each PBX."""
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
        day_starts_s=(day_starts_s(policies) + book.calendar.utc_offset_s) % 86_400,
        order_clocks=order_clocks(policies),
    )


def form_router(
    book: FormBook, phrases: Mapping[str, Phrases], policies: Mapping[str, PolicyBook]
) -> APIRouter:
    """The route of ``/api/form``; the form does not change while the daemon runs."""
    router = router_of("form")
    body = encode(form_of(book, phrases, policies))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    @router.get(
        "/form",
        response_model=model_of(Form),
        responses={304: {"description": "Not changed"}, **documented(401, 403, 422)},
    )
    async def form(who: Worker, if_none_match: IfNoneMatch = None) -> Response:
        """Categories, key fields, units, pause reasons and phrases."""
        headers = {"ETag": etag, "Cache-Control": _CACHE}
        return unchanged(etag, if_none_match, _CACHE) or Response(
            body, headers=headers, media_type="application/json"
        )

    return router
