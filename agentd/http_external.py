"""REST: where the city's own platform holds the form, it tells here that an order is complete."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from agentd.core.order_model import Complete
from agentd.core.people import Person
from agentd.errors import Refused
from agentd.http_orders import OrderAnswer, order_json
from agentd.http_parts import Id, Page, answer, page_of, refused, router_of
from agentd.http_problems import documented
from agentd.http_session import Caller, allow
from agentd.ports.desk import Desk, OrderQuery, OrderView

Platform = Annotated[Caller, Depends(allow("orders.complete"))]


def external_router(desk: Desk) -> APIRouter:
    """The route of ``/api/external``."""
    router = router_of("external", people=False, tokens=True)

    @router.post(
        # A number may hold slashes.
        "/external/orders/{external_no:path}/complete",
        response_model=page_of(OrderAnswer),
        responses=documented(401, 403, 404, 409, 422, 503),
    )
    async def complete(who: Platform, external_no: Id) -> Response:
        """The platform's form of this number is complete: so is every order that carries the
        number. Saying it twice changes nothing. For tokens with the right orders.complete."""
        # It completes as a leader of the token's queues would: nothing else can it do.
        platform = Person(who.name, who.acting.name, "supervisor", queues=who.acting.queues)
        ids = await _carrying(desk, platform, external_no)
        if not ids:
            raise Refused(
                "No order carries this number.",
                code="not_found",
                text_zh="没有登记该编号的工单。",
            )
        views: list[OrderView] = []
        for order_id in ids:
            done = await desk.view(platform, order_id)
            if isinstance(done, OrderView) and done.order.completed_us is None:
                done = await desk.command(platform, order_id, Complete())
            if not isinstance(done, OrderView):
                raise refused(done)
            views.append(done)
        return answer(Page([order_json(view) for view in views]))

    return router


async def _carrying(desk: Desk, who: Person, external_no: str) -> list[str]:
    """The ids of the orders with this very number, the newest first."""
    found: list[str] = []
    query = OrderQuery(text=external_no, limit=200)
    while True:
        page = await desk.orders(who, query)
        found += [order.id for order in page.items if order.external_no == external_no.strip()]
        if page.next_cursor is None:
            return found
        query = OrderQuery(text=external_no, limit=200, cursor=page.next_cursor)
