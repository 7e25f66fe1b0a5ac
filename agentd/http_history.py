"""REST: the past. Calls and their stories, states of people and seats, days of queues, each table
as a file too. Opening somebody else's call, and every file, is in the audit log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from msgspec.structs import replace
from starlette.responses import StreamingResponse

from agentd import clock
from agentd.core.effects import Direction, VisitEnded
from agentd.core.policy import PolicyBook
from agentd.errors import Refused
from agentd.history_columns import Columns
from agentd.history_view import CallLine, HistoryView, Spans, Story
from agentd.http_json import micros, model_of
from agentd.http_parts import (
    BY_TOKEN,
    Cursor,
    Exporter,
    Id,
    Language,
    Limit,
    Moment,
    Who,
    answer,
    at_us,
    page_of,
    router_of,
)
from agentd.http_problems import documented
from agentd.http_session import Caller, allow, caller
from agentd.http_tables import EITHER, FileKind, Tables, at_once, described, said
from agentd.ports.history import CallSearch, QueueDay, VisitSearch

OPENED_US: Final = 300_000_000
"""What one person opens again within this time is one line of the audit log."""
_OPENED_MAX: Final = 10_000
_DAY_S: Final = 86_400

Reader = Annotated[Caller, Depends(allow("orders.read", "desk"))]
"""Who may read calls, or has own ones."""

Text = Annotated[str | None, Query(max_length=200)]
Name = Annotated[str, Path(min_length=1, max_length=200)]
SeatName = Annotated[str, Path(min_length=1, max_length=200, description="as PJSIP/1001")]
From = Annotated[Moment, Query(alias="from")]
To = Annotated[Moment, Query()]
Least = Annotated[float | None, Query(ge=0, le=_DAY_S, allow_inf_nan=False)]


def call_filters(
    number: Annotated[str | None, Query(max_length=100, description="the caller's")] = None,
    queue: Text = None,
    pbx: Text = None,
    seat: Text = None,
    direction: Direction | None = None,
    outcome: Text = None,
    rule: Annotated[
        str | None, Query(max_length=40, description="that was broken; any for whichever")
    ] = None,
    from_: Annotated[Moment | None, Query(alias="from", description="ended then or later")] = None,
    to: Annotated[Moment | None, Query(description="ended before")] = None,
    wait_min_s: Least = None,
    talk_min_s: Least = None,
    hold_min_s: Least = None,
) -> CallSearch:
    """The filters of a list of calls: a dependency."""
    return CallSearch(
        number=number,
        queue=queue,
        pbx=pbx,
        seat=seat,
        direction=direction,
        outcome=outcome,
        rule=rule,
        from_us=at_us(from_),
        to_us=at_us(to),
        wait_min_us=at_us(wait_min_s),
        talk_min_us=at_us(talk_min_s),
        hold_min_us=at_us(hold_min_s),
    )


def visit_filters(
    queue: Text = None,
    pbx: Text = None,
    outcome: Text = None,
    from_: Annotated[Moment | None, Query(alias="from", description="joined then or later")] = None,
    to: Annotated[Moment | None, Query(description="joined before")] = None,
) -> VisitSearch:
    """The filters of a list of stays in queues: a dependency."""
    return VisitSearch(queue=queue, pbx=pbx, outcome=outcome, from_us=at_us(from_), to_us=at_us(to))


Calls = Annotated[CallSearch, Depends(call_filters)]
Visits = Annotated[VisitSearch, Depends(visit_filters)]
PersonLogin = Annotated[str | None, Query(max_length=200, description="a login")]


class Opened:
    """Which openings the audit log knows already."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._noted_us: dict[tuple[str, ...], int] = {}

    def is_new(self, *key: str) -> bool:
        """Whether it was not opened within :data:`OPENED_US`."""
        now_us = self._now_us()
        before_us = self._noted_us.pop(key, None)
        self._noted_us[key] = now_us
        if len(self._noted_us) > _OPENED_MAX:
            # The one that was opened the longest ago; forgetting it costs a line too many.
            del self._noted_us[next(iter(self._noted_us))]
        return before_us is None or now_us - before_us >= OPENED_US


class Days:
    """What a date means here: days begin when the shift does, not at midnight."""

    def __init__(self, utc_offset_s: int, day_starts_s: int = PolicyBook().day_starts_s) -> None:
        """``day_starts_s``: as ``PolicyBook.day_starts_s``, seconds after midnight UTC."""
        self._first_us = ((day_starts_s + utc_offset_s) % _DAY_S - utc_offset_s) * 1_000_000

    def of(self, date: str) -> tuple[int, int]:
        """(from_us, to_us) of the day. Raises :class:`Refused`."""
        try:
            days = (dt.date.fromisoformat(date) - dt.date(1970, 1, 1)).days
        except ValueError:
            days = -1
        if not 0 < days < 47_482:
            raise Refused(
                "A date is written as 2026-11-23.",
                code="invalid",
                text_zh="日期格式为 2026-11-23。",
                field="date",
            )
        from_us = days * _DAY_S * 1_000_000 + self._first_us
        return from_us, from_us + _DAY_S * 1_000_000


def history_router(
    view: HistoryView,
    tables: Tables,
    utc_offset_s: int,
    day_starts_s: int,
    now_us: Callable[[], int] = clock.wall_us,
) -> APIRouter:
    """The routes of ``/api/history``."""
    router = router_of("history")
    opened = Opened(now_us)
    days = Days(utc_offset_s, day_starts_s)
    wrong = documented(401, 403, 404, 422)

    async def searched(who: Caller, query: CallSearch) -> None:
        """Who looks for a number is noted; a page further is no new look."""
        if query.number is not None and opened.is_new(who.name, who.address, query.number):
            await tables.note(who, "calls.search", "number", said(query, CallSearch()))

    @router.get(
        "/history/calls",
        response_model=page_of(CallLine),
        responses=documented(401, 403, 422),
        dependencies=BY_TOKEN,
    )
    async def calls(
        who: Reader,
        query: Calls,
        person: PersonLogin = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """Calls of my scope (an agent: own ones), the latest first."""
        await searched(who, query)
        query = replace(query, cursor=cursor, limit=limit)
        return answer(await view.calls(who.acting, query, person))

    async def calls_file(
        who: Caller, query: CallSearch, person: str | None, lang: Language, kind: FileKind
    ) -> StreamingResponse:
        filters = {**said(query, CallSearch()), **({} if person is None else {"person": person})}
        await tables.note(who, "calls.export", kind, filters)
        columns = Columns(lang, utc_offset_s, tables.name_of).calls()
        return await tables.file(
            kind,
            columns,
            view.each_call(who.acting, query, person),
            name="calls",
            title="通话" if lang == "zh" else "calls",
        )

    @router.get(
        "/history/calls.csv",
        response_class=StreamingResponse,
        responses={**described("csv"), **documented(401, 403, 422)},
        dependencies=BY_TOKEN,
    )
    async def calls_csv(
        who: Exporter, query: Calls, person: PersonLogin = None, lang: Language = "zh"
    ) -> StreamingResponse:
        """Calls as CSV, however many."""
        return await calls_file(who, query, person, lang, "csv")

    @router.get(
        "/history/calls.xlsx",
        response_class=StreamingResponse,
        responses={**described("xlsx"), **documented(401, 403, 422)},
        dependencies=BY_TOKEN,
    )
    async def calls_xlsx(
        who: Exporter, query: Calls, person: PersonLogin = None, lang: Language = "zh"
    ) -> StreamingResponse:
        """Calls as an Excel workbook; at most 200,000."""
        return await calls_file(who, query, person, lang, "xlsx")

    @router.get("/history/calls/{pbx}/{call}", response_model=model_of(Story), responses=wrong)
    async def story(who: Who, request: Request, pbx: Id, call: Id) -> Response:
        """A call of mine, or of my scope, with everything that is kept of it."""
        asker = caller(request)
        found = await view.story(who, pbx, call)
        if not found.own and opened.is_new(asker.name, asker.address, pbx, call):
            await tables.note(asker, "call.open", f"{pbx}/{call}", {})
        return answer(found)

    @router.get("/history/people/{login}/spans", response_model=model_of(Spans), responses=wrong)
    async def person_spans(who: Who, login: Name, from_: From, to: To) -> Response:
        """Where a person was, and what doing: my own, or of my scope. At most 32 days."""
        return answer(await view.person_spans(who, login, micros(from_), micros(to)))

    @router.get(
        "/history/seats/{pbx}/{seat:path}/spans",
        response_model=model_of(Spans),
        responses=wrong,
    )
    async def seat_spans(who: Who, pbx: Id, seat: SeatName, from_: From, to: To) -> Response:
        """What a seat of my scope did. At most 32 days."""
        return answer(await view.seat_spans(who, pbx, seat, micros(from_), micros(to)))

    async def spans_file(
        who: Caller, spans: Spans, target: str, lang: Language, kind: FileKind
    ) -> StreamingResponse:
        await tables.note(who, "spans.export", target, {"kind": kind})
        return await tables.file(
            kind,
            Columns(lang, utc_offset_s, tables.name_of).spans(),
            at_once(spans.items),
            name="spans",
            title="状态" if lang == "zh" else "states",
        )

    @router.get(
        "/history/people/{login}/spans.{kind}",
        response_class=StreamingResponse,
        responses={**EITHER, **wrong},
    )
    async def person_file(
        who: Exporter, login: Name, kind: FileKind, from_: From, to: To, lang: Language = "zh"
    ) -> StreamingResponse:
        """The same as CSV or as an Excel workbook."""
        spans = await view.person_spans(who.acting, login, micros(from_), micros(to))
        return await spans_file(who, spans, login, lang, kind)

    @router.get(
        "/history/seats/{pbx}/{seat:path}/spans.{kind}",
        response_class=StreamingResponse,
        responses={**EITHER, **wrong},
    )
    async def seat_file(
        who: Exporter,
        pbx: Id,
        seat: SeatName,
        kind: FileKind,
        from_: From,
        to: To,
        lang: Language = "zh",
    ) -> StreamingResponse:
        """The same as CSV or as an Excel workbook."""
        spans = await view.seat_spans(who.acting, pbx, seat, micros(from_), micros(to))
        return await spans_file(who, spans, f"{pbx}/{seat}", lang, kind)

    @router.get("/history/queues/{name}/day", response_model=model_of(QueueDay), responses=wrong)
    async def queue_day(
        who: Who, name: Name, date: Annotated[str, Query(max_length=10)], pbx: Text = None
    ) -> Response:
        """A queue's day in quarters of an hour, counted from the stays in it, and its gaps."""
        return answer(await view.queue_day(who, name, *days.of(date), pbx))

    @router.get(
        "/history/queues/{name}/day.{kind}",
        response_class=StreamingResponse,
        responses={**EITHER, **wrong},
    )
    async def queue_day_file(
        who: Exporter,
        name: Name,
        kind: FileKind,
        date: Annotated[str, Query(max_length=10)],
        pbx: Text = None,
        lang: Language = "zh",
    ) -> StreamingResponse:
        """The same as CSV or as an Excel workbook."""
        day = await view.queue_day(who.acting, name, *days.of(date), pbx)
        await tables.note(who, "queues.export", name, {"kind": kind, "date": date})
        return await tables.file(
            kind,
            Columns(lang, utc_offset_s).quarters(),
            at_once(day.quarters),
            name="queue-day",
            title="队列" if lang == "zh" else "queue",
        )

    @router.get(
        "/history/visits",
        response_model=page_of(VisitEnded),
        responses=documented(401, 403, 422),
        dependencies=BY_TOKEN,
    )
    async def visits(
        who: Annotated[Caller, Depends(allow("orders.read"))],
        query: Visits,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """Stays of callers in queues of my scope, the latest to join first."""
        return answer(await view.visits(who.acting, replace(query, cursor=cursor, limit=limit)))

    @router.get(
        "/history/visits.{kind}",
        response_class=StreamingResponse,
        responses={**EITHER, **documented(401, 403, 422)},
        dependencies=BY_TOKEN,
    )
    async def visits_file(
        who: Exporter, kind: FileKind, query: Visits, lang: Language = "zh"
    ) -> StreamingResponse:
        """The same as CSV or as an Excel workbook."""
        await tables.note(who, "visits.export", kind, said(query, VisitSearch()))
        return await tables.file(
            kind,
            Columns(lang, utc_offset_s, tables.name_of).visits(),
            view.each_visit(who.acting, query),
            name="visits",
            title="排队" if lang == "zh" else "waiting",
        )

    return router
