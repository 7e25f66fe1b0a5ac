"""REST: work orders, their commands, drafts and history. See docs/api.md."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec.structs import replace
from pydantic import BaseModel

from agentd.core.order_model import Change, Missing, OrderState, PersonCommand, WorkOrder
from agentd.core.people import Person
from agentd.http_json import from_model, model_of, to_json, union_of
from agentd.http_parts import (
    BY_TOKEN,
    Cursor,
    Id,
    IfMatch,
    IfNoneMatch,
    Limit,
    Moment,
    Page,
    Reader,
    Who,
    answer,
    at_us,
    expected,
    page_of,
    refused,
    router_of,
    unchanged,
)
from agentd.http_problems import Problem, documented
from agentd.ports.desk import Desk, DeskStore, OrderQuery, OrderView

DRAFT_KEYS_MAX = 200


class OrderAnswer(WorkOrder, frozen=True):
    """An order as one person sees it: what prevents completion, and the commands that the person
    may give now."""

    missing: tuple[Missing, ...] = ()
    allowed: tuple[str, ...] = ()


Order = model_of(OrderAnswer)
if TYPE_CHECKING:
    CommandBody = BaseModel
else:
    CommandBody = union_of(get_args(PersonCommand), "do")
_STATES = get_args(OrderState)
_STATES_PATTERN = "^({0})(,({0}))*$".format("|".join(_STATES))


def order_json(view: OrderView) -> dict[str, Any]:
    """The JSON of an :class:`OrderAnswer`."""
    missing = [to_json(item) for item in view.missing]
    return {**to_json(view.order), "missing": missing, "allowed": list(view.allowed)}


def order_etag(order: WorkOrder) -> str:
    """The ETag of ``order``: changes when the order does."""
    return f'"v{order.version}"'


def filters(
    request: Request,
    owner: Annotated[
        str | None, Query(max_length=64, description="a login, or me: whoever asks")
    ] = None,
    state: Annotated[
        str | None,
        Query(
            max_length=200,
            description="states, separated by commas",
            json_schema_extra={"pattern": _STATES_PATTERN},
        ),
    ] = None,
    kind: Literal["call", "missed"] | None = None,
    category: Annotated[str | None, Query(max_length=200)] = None,
    seat: Annotated[str | None, Query(max_length=200)] = None,
    queue: Annotated[str | None, Query(max_length=200)] = None,
    number: Annotated[
        str | None, Query(max_length=64, description="any number of the caller's, however written")
    ] = None,
    q: Annotated[
        str | None,
        Query(max_length=200, description="words of the title and the fields; all must occur"),
    ] = None,
    urgent: bool | None = None,
    unacknowledged: bool | None = None,
    overdue: bool | None = None,
    own_service: bool | None = None,
    from_: Annotated[Moment | None, Query(alias="from", description="opened then or later")] = None,
    to: Annotated[Moment | None, Query(description="opened before")] = None,
    promised: Annotated[
        bool | None, Query(description="a promise to the caller waits to be kept")
    ] = None,
    promise_due_to: Annotated[
        Moment | None, Query(description="with a promise to keep that is due before")
    ] = None,
    sort: Annotated[
        Literal["newest", "due", "promise"],
        Query(description="promise: only orders with a promise to keep, the one due first first"),
    ] = "newest",
) -> OrderQuery:
    """The filters of a list of orders: a dependency."""
    who: str | None = request.scope["agentd.caller"].name
    return OrderQuery(
        owner=who if owner == "me" else owner,
        states=_states(state),
        kind=kind,
        category=category,
        seat=seat,
        queue=queue,
        number=number,
        text=q,
        urgent=urgent,
        unacknowledged=unacknowledged,
        overdue=overdue,
        own_service=own_service,
        opened_from_us=at_us(from_),
        opened_to_us=at_us(to),
        promised=promised,
        promise_due_to_us=at_us(promise_due_to),
        sort=sort,
    )


def _states(text: str | None) -> tuple[OrderState, ...]:
    named = () if text is None else tuple(text.split(","))
    for name in named:
        if name not in _STATES:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid",
                f"There is no state of that name; there are: {', '.join(_STATES)}.",
                f"没有这种状态；可用的状态：{'、'.join(_STATES)}。",
                field="state",
            )
    return named  # type: ignore[return-value]


Filters = Annotated[OrderQuery, Depends(filters)]


def orders_router(desk: Desk, store: DeskStore) -> APIRouter:
    """The routes of ``/api/orders``, but for exports."""
    router = router_of("orders")

    async def seen(who: Person, order_id: str) -> OrderView:
        view = await desk.view(who, order_id)
        if not isinstance(view, OrderView):
            raise refused(view)
        return view

    @router.get(
        "/orders",
        response_model=page_of(WorkOrder),
        responses=documented(401, 403, 422),
        dependencies=BY_TOKEN,
    )
    async def orders(
        who: Reader, query: Filters, cursor: Cursor = None, limit: Limit = 50
    ) -> Response:
        """The orders that fit, of those that you may see."""
        page = await desk.orders(who.acting, replace(query, cursor=cursor, limit=limit))
        return answer(Page(page.items, page.next_cursor))

    @router.get(
        "/orders/by-call/{pbx}/{call}",
        response_model=Order,
        responses=documented(401, 403, 404, 422),
        dependencies=BY_TOKEN,
    )
    async def order_of_call(who: Reader, pbx: Id, call: Id) -> Response:
        """The order that a call opened."""
        found = await store.order_of_call(pbx, call)
        view = await seen(who.acting, found.id if found is not None else f"{pbx}-{call}")
        return answer(order_json(view), etag=order_etag(view.order))

    @router.get(
        "/orders/{id}",
        response_model=Order,
        responses={304: {"description": "Not changed"}, **documented(401, 403, 404, 422)},
        dependencies=BY_TOKEN,
    )
    async def order(who: Reader, id: Id, if_none_match: IfNoneMatch = None) -> Response:  # noqa: A002
        """One order. Its ETag is "v" and the version."""
        view = await seen(who.acting, id)
        etag = order_etag(view.order)
        return unchanged(etag, if_none_match, "no-store") or answer(order_json(view), etag=etag)

    @router.post(
        "/orders/{id}/commands",
        response_model=Order,
        responses=documented(400, 401, 403, 404, 409, 412, 413, 415, 422, 503),
    )
    async def command(
        who: Who,
        id: Id,  # noqa: A002
        body: CommandBody,
        if_match: IfMatch = None,
    ) -> Response:
        """Change the order; the answer is the order as it stands then. With If-Match only if it
        is still that version: else 412, with the order as it is in `current`."""
        wanted: PersonCommand = from_model(body, PersonCommand)  # type: ignore[arg-type]
        done = await desk.command(who, id, wanted, expected=expected(if_match))
        if isinstance(done, OrderView):
            return answer(order_json(done), etag=order_etag(done.order))
        now = None
        if done.code == "conflict":
            view = await desk.view(who, id)
            now = order_json(view) if isinstance(view, OrderView) else None
        raise refused(done, now)

    @router.get(
        "/orders/{id}/history",
        response_model=page_of(Change),
        responses=documented(401, 403, 404, 422),
        dependencies=BY_TOKEN,
    )
    async def history(who: Reader, id: Id) -> Response:  # noqa: A002
        """Every change, the oldest first: who, when, what."""
        changes = await desk.history(who.acting, id)
        if isinstance(changes, tuple | list):
            return answer(Page(changes))
        raise refused(changes)  # type: ignore[arg-type]

    @router.get("/orders/{id}/draft", responses=documented(401, 403, 404, 422))
    async def draft(who: Who, id: Id) -> dict[str, Any] | None:  # noqa: A002
        """What the person who asks has typed and not sent yet; null where there is nothing."""
        await seen(who, id)
        found = await desk.draft(who, id)
        return None if found is None else dict(found)

    @router.put(
        "/orders/{id}/draft",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(400, 401, 403, 404, 413, 415, 422, 503),
    )
    async def put_draft(who: Who, id: Id, body: dict[str, Any]) -> None:  # noqa: A002
        """Keep what was typed; it replaces the draft before."""
        if len(body) > DRAFT_KEYS_MAX:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid",
                f"A draft has at most {DRAFT_KEYS_MAX} entries.",
                f"草稿最多 {DRAFT_KEYS_MAX} 项。",
            )
        await seen(who, id)
        await desk.put_draft(who, id, body)

    @router.delete(
        "/orders/{id}/draft",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(401, 403, 404, 422, 503),
    )
    async def drop_draft(who: Who, id: Id) -> None:  # noqa: A002
        """Forget it."""
        await seen(who, id)
        await desk.put_draft(who, id, None)

    @router.get(
        "/callers/{number}/orders",
        response_model=page_of(WorkOrder),
        responses=documented(401, 403, 422),
    )
    async def earlier(who: Who, number: Id, limit: Limit = 10) -> Response:
        """The caller's earlier orders, the newest first, as far as you may see them."""
        return answer(Page(await desk.earlier(who, number, limit)))

    return router
