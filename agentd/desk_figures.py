"""A person's own figures, as the product rules define them (section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agentd.core.effects import LegEnded
from agentd.core.people import Person
from agentd.desk_scope import Around, names_of
from agentd.ports.desk import CallQuery, Figures, JudgedViolation, OrderQuery, ViolationQuery

_PAGE: Final = 500
_UNFIT: Final = frozenset({"no_answer", "rejected"})
"""Outcomes that count for the rings although nobody broke the limit."""


async def figures(around: Around, who: Person, from_us: int) -> Figures:
    """What ``who`` did since ``from_us`` (PBX time)."""
    names = names_of(who, around.directory)
    legs = await _legs(around, names, from_us)
    judged = await _violations(around, names, from_us)
    late = {j.violation.leg for j in judged if j.violation.rule == "ring"}
    answered = [leg for leg in legs if _is_answered(leg)]
    talk_us = sum(leg.talk_us or 0 for leg in answered)
    after_us = await _after_us(around, legs)
    rung = [leg for leg in legs if _counts_for_rings(leg, late)]
    owed = OrderQuery(owner=who.login, states=("open", "returned"), limit=_PAGE)
    return Figures(
        since_us=from_us,
        answered=len(answered),
        outbound=sum(leg.direction == "outbound" for leg in legs),
        talk_us=talk_us,
        hold_us=sum(leg.hold_us for leg in answered),
        aht_us=(talk_us + after_us) // len(answered) if answered else None,
        within_rings=sum(_is_answered(leg) and leg.leg not in late for leg in rung),
        within_rings_of=len(rung),
        violations=sum(j.standing for j in judged),
        appeals_pending=sum(any(a.status == "pending" for a in j.appeals) for j in judged),
        orders_owed=await _count(around, owed),
    )


def _is_answered(leg: LegEnded) -> bool:
    return leg.direction == "inbound" and leg.outcome == "answered"


def _counts_for_rings(leg: LegEnded, late: set[str | None]) -> bool:
    """Nobody is counted on what was not seen."""
    if leg.direction != "inbound" or leg.estimated or leg.gap or leg.ringing_us is None:
        return False
    return _is_answered(leg) or leg.outcome in _UNFIT or leg.leg in late


async def _after_us(around: Around, legs: Sequence[LegEnded]) -> int:
    """After-call work: from the end of a leg until its order is complete, the wrap-up ends, or the
    person has the next call, whichever is first."""
    in_time = sorted(legs, key=lambda leg: leg.ended_us)
    taken = sorted(leg.answered_us for leg in legs if leg.answered_us is not None)
    total_us = 0
    for leg in in_time:
        if not _is_answered(leg):
            continue
        # Of a PBX that is configured no more nobody knows the rules.
        ends = [leg.ended_us + (around.wrap_up_us(leg) if leg.pbx in around.pbxs else 0)]
        ends += [at_us for at_us in taken if at_us > leg.ended_us][:1]
        order = await around.store.order_of_call(leg.pbx, leg.call)
        if order is not None and order.completed_us is not None:
            ends.append(order.completed_us)
        total_us += max(0, min(ends) - leg.ended_us)
    return total_us


async def _legs(around: Around, names: tuple[str, ...], from_us: int) -> list[LegEnded]:
    found: list[LegEnded] = []
    query = CallQuery(agents=names, from_us=from_us, limit=_PAGE)
    while True:
        page = await around.store.calls(query)
        found += page.items
        if page.next_cursor is None:
            return found
        query = replace(query, cursor=page.next_cursor)


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
