"""What else a person is shown beside the own figures: what was judged, and what is owed."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from agentd.core.people import Person
from agentd.desk_scope import Around, names_of
from agentd.ports.desk import JudgedViolation, OrderQuery, Standing, ViolationQuery

_PAGE: Final = 500


async def standing(around: Around, who: Person, from_us: int) -> Standing:
    """How ``who`` stands since ``from_us`` (PBX time)."""
    judged = await _violations(around, names_of(who, around.directory), from_us)
    owed = OrderQuery(owner=who.login, states=("open", "returned"), limit=_PAGE)
    return Standing(
        violations=sum(j.standing for j in judged),
        appeals_pending=sum(any(a.status == "pending" for a in j.appeals) for j in judged),
        orders_owed=await _count(around, owed),
    )


async def _violations(
    around: Around, names: tuple[str, ...], from_us: int
) -> list[JudgedViolation]:
    found: list[JudgedViolation] = []
    query = ViolationQuery(agents=names, from_us=from_us, limit=_PAGE)
    while True:
        page = await around.store.violations(query)
        found += page.items
        if page.next_cursor is None:
            return found
        query = replace(query, cursor=page.next_cursor)


async def _count(around: Around, query: OrderQuery) -> int:
    count = 0
    async for orders in around.store.each_order(query):
        count += len(orders)
    return count
