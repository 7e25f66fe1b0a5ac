"""REST: violations and appeals, the shift leader's inbox, the roster, handovers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from agentd import clock
from agentd.call_records import CallRecords
from agentd.core.effects import Rule
from agentd.core.order_model import OrderState, WorkOrder
from agentd.core.people import Directory, Person
from agentd.http_json import LATEST_S, from_model, model_of
from agentd.http_parts import (
    Cursor,
    Id,
    Leader,
    Limit,
    Moment,
    Page,
    Who,
    answer,
    at_us,
    page_of,
    router_of,
)
from agentd.http_problems import Problem, documented
from agentd.ports.desk import Desk, Duty, Handover, JudgedViolation, OrderQuery, ViolationQuery

DAY_US = 86_400_000_000
INBOX_MAX = 200
"""Orders of each kind; a leader with more has other worries."""
RETURNED_LATE_US = 900_000_000
"""An order that was returned is to be completed again within this time."""
_LEADING: tuple[OrderState, ...] = ("open", "completed", "forwarded", "returned")

Reason = Annotated[str, Field(min_length=1, max_length=2000)]
BodyMoment = Annotated[float, Field(ge=0, le=LATEST_S, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]

if TYPE_CHECKING:
    DutyBody = BaseModel
else:
    DutyBody = model_of(Duty, "body")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AppealBody(_Body):
    """Why it was no violation."""

    reason: Reason


class DecideBody(_Body):
    """A decision on violations, all of them or none."""

    violations: Annotated[list[Name], Field(min_length=1, max_length=500)]
    grant: bool
    reason: Reason


class WindowBody(_Body):
    """An incident: every violation of that time is excused."""

    from_: Annotated[BodyMoment, Field(alias="from")]
    to: BodyMoment
    reason: Reason
    pbx: Name | None = None
    rule: Rule | None = None
    queue: Name | None = None


class RosterBody(_Body):
    """Lines to add or change (by id; "" for a new one), and ids of lines to delete."""

    put: Annotated[list[DutyBody], Field(max_length=500)] = []
    delete: Annotated[list[Name], Field(max_length=500)] = []


class HandoverBody(_Body):
    """What the next shift must know."""

    team: Annotated[str, Field(max_length=200)]
    log: Annotated[str, Field(max_length=10_000)]
    to: Annotated[str | None, Field(max_length=64)] = None


class PersonName(Struct, frozen=True):
    login: str
    name: str


class OnDuty(Struct, frozen=True):
    """Who leads now."""

    leaders: tuple[PersonName, ...]
    deputies: tuple[PersonName, ...]


class Inbox(Struct, frozen=True):
    """What waits for a shift leader; urgent orders are in no other list."""

    urgent: tuple[WorkOrder, ...]
    forwarded: tuple[WorkOrder, ...]
    overdue: tuple[WorkOrder, ...]
    """Not completed in time, by agents."""
    missed: tuple[WorkOrder, ...]
    """Calls to be called back."""
    returned_late: tuple[WorkOrder, ...]
    """Returned, and not completed again within 15 minutes."""
    appeals: tuple[JudgedViolation, ...]
    on_duty: OnDuty


def violations_router(desk: Desk, calls: CallRecords, directory: Directory) -> APIRouter:
    """The routes of ``/api/violations`` and ``/api/appeals``."""
    router = router_of("violations")
    judged = page_of(JudgedViolation)
    changing = documented(400, 401, 403, 404, 409, 413, 415, 422, 503)

    def names(who: Person, person: str | None) -> tuple[str, ...]:
        if person is None:
            return ()
        meant = who if person == "me" else directory.get(person)
        return (person,) if meant is None else calls.names_of(meant)

    @router.get("/violations", response_model=judged, responses=documented(401, 403, 422))
    async def violations(
        who: Who,
        person: Annotated[str | None, Query(max_length=64, description="a login, or me")] = None,
        rule: Rule | None = None,
        standing: Annotated[bool | None, Query(description="no appeal was granted")] = None,
        pending: Annotated[bool | None, Query(description="an appeal waits")] = None,
        from_: Annotated[Moment | None, Query(alias="from")] = None,
        to: Moment | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """Violations with what became of them; one's own, or those of one's scope."""
        page = await desk.violations(
            who,
            ViolationQuery(
                agents=names(who, person),
                rule=rule,
                standing=standing,
                pending=pending,
                from_us=at_us(from_),
                to_us=at_us(to),
                cursor=cursor,
                limit=limit,
            ),
        )
        return answer(Page(page.items, page.next_cursor))

    @router.post(
        "/violations/{id}/appeal", response_model=model_of(JudgedViolation), responses=changing
    )
    async def appeal(who: Who, id: Id, body: AppealBody) -> Response:  # noqa: A002
        """Say why a violation of one's own is none; a leader decides."""
        return answer(await desk.appeal(who, id, body.reason))

    @router.post("/appeals/decide", response_model=judged, responses=changing)
    async def decide(who: Who, body: DecideBody) -> Response:
        """Grant or refuse the appeals of these violations: all of them or none."""
        decided = await desk.decide(who, body.violations, grant=body.grant, reason=body.reason)
        return answer(Page(decided))

    @router.post("/appeals/window", response_model=judged, responses=changing)
    async def window(who: Who, body: WindowBody) -> Response:
        """Excuse every violation of an incident."""
        if body.to <= body.from_:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid",
                "to must be later than from.",
                "结束时间须晚于开始时间。",
                field="to",
            )
        query = ViolationQuery(
            pbx=body.pbx,
            rule=body.rule,
            queues=() if body.queue is None else (body.queue,),
            from_us=at_us(body.from_),
            to_us=at_us(body.to),
        )
        return answer(Page(await desk.excuse_window(who, query, body.reason)))

    return router


def shift_router(
    desk: Desk, directory: Directory, now_us: Callable[[], int] = clock.wall_us
) -> APIRouter:
    """The routes of the inbox, the roster and handovers."""
    router = router_of("shift")
    changing = documented(400, 401, 403, 404, 409, 413, 415, 422, 503)

    def named(logins: Sequence[str]) -> tuple[PersonName, ...]:
        people = [(login, directory.get(login)) for login in logins]
        return tuple(PersonName(login, p.name if p is not None else login) for login, p in people)

    @router.get("/inbox", response_model=model_of(Inbox), responses=documented(401, 403, 422))
    async def inbox(
        who: Leader,
        team: Annotated[str | None, Query(max_length=200, description="left out: all")] = None,
    ) -> Response:
        """What waits for the shift leader."""
        if team is not None and not who.in_scope(None, team):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "forbidden",
                "That team is not in your scope.",
                "该班组不在您的管理范围内。",
                field="team",
            )
        teams = () if team is None else (team,)

        async def orders(**wanted: Any) -> tuple[WorkOrder, ...]:
            query = OrderQuery(**wanted, teams=teams, sort="due", limit=INBOX_MAX)
            found = (await desk.orders(who, query)).items
            return tuple(order for order in found if not _bypasses(order, who))

        urgent = await orders(urgent=True, states=_LEADING)
        known = {order.id for order in urgent}

        def others(found: tuple[WorkOrder, ...]) -> tuple[WorkOrder, ...]:
            return tuple(order for order in found if order.id not in known)

        late = [
            order
            for order in others(await orders(states=("returned",)))
            if order.returned is not None
            and desk.now_us(order.pbx) - order.returned.at_us >= RETURNED_LATE_US
        ]
        appeals = await desk.violations(
            who, ViolationQuery(pending=True, teams=teams, limit=INBOX_MAX)
        )
        leaders, deputies = await desk.on_duty(team, now_us())
        return answer(
            Inbox(
                urgent=urgent,
                forwarded=others(await orders(states=("forwarded",))),
                overdue=others(await orders(overdue=True, kind="call", states=("open",))),
                missed=others(await orders(kind="missed", states=("open",))),
                returned_late=tuple(late),
                appeals=appeals.items,
                on_duty=OnDuty(named(leaders), named(deputies)),
            )
        )

    @router.get("/roster", response_model=page_of(Duty), responses=documented(401, 403, 422))
    async def roster(
        who: Who,
        from_: Annotated[
            Moment | None, Query(alias="from", description="left out: since yesterday")
        ] = None,
        to: Annotated[Moment | None, Query(description="left out: four weeks from now")] = None,
    ) -> Response:
        """Who leads when."""
        first_us, last_us = at_us(from_), at_us(to)
        return answer(
            Page(
                await desk.duties(
                    who,
                    now_us() - DAY_US if first_us is None else first_us,
                    now_us() + 28 * DAY_US if last_us is None else last_us,
                )
            )
        )

    @router.put("/roster", response_model=page_of(Duty), responses=changing)
    async def put_roster(who: Who, body: RosterBody) -> Response:
        """Change lines of the roster: all of it or nothing. The answer: the lines as they are."""
        put = [from_model(line, Duty) for line in body.put]
        return answer(Page(await desk.put_duties(who, put, body.delete)))

    @router.post(
        "/roster/import",
        response_model=page_of(Duty),
        responses=changing,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"text/csv": {"schema": {"type": "string"}}},
            }
        },
    )
    async def import_roster(who: Who, request: Request) -> Response:
        """Lines from a CSV file (UTF-8, or GB 18030 as Chinese spreadsheets write it): all of them
        or none; a mistake is told with its line."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "text/csv":
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "Send text/csv (Content-Type).",
                "请求内容须为 text/csv。",
            )
        return answer(Page(await desk.import_duties(who, _text(await request.body()))))

    @router.get("/handovers", response_model=page_of(Handover), responses=documented(401, 403, 422))
    async def handovers(
        who: Who, team: Annotated[str | None, Query(max_length=200)] = None
    ) -> Response:
        """The latest handovers, the newest first."""
        return answer(Page(await desk.handovers(who, team)))

    @router.post(
        "/handovers",
        response_model=model_of(Handover),
        status_code=HTTPStatus.CREATED,
        responses=changing,
    )
    async def hand_over(who: Who, body: HandoverBody) -> Response:
        """Hand over to the next shift; what is open is written down by agentd."""
        done = await desk.hand_over(who, body.team, body.log, body.to)
        return answer(done, status=HTTPStatus.CREATED)

    @router.post(
        "/handovers/{id}/confirm",
        response_model=model_of(Handover),
        responses=documented(401, 403, 404, 409, 422, 503),
    )
    async def confirm(who: Who, id: Id) -> Response:  # noqa: A002
        """Take over."""
        return answer(await desk.confirm_handover(who, id))

    return router


def _bypasses(order: WorkOrder, who: Person) -> bool:
    """Whether the order is for other leaders: it is about ``who``, and about our own service, or
    urgent and to be seen by somebody else. Among the own orders it stands all the same."""
    urgent = order.urgent
    waits = urgent is not None and urgent.acknowledged_us is None
    return order.owner == who.login and (order.own_service or waits)


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid",
        "The file is neither UTF-8 nor GB 18030 text: save it as CSV UTF-8.",
        "文件既不是 UTF-8 也不是 GB 18030 文本：请另存为“CSV UTF-8”。",
    )
