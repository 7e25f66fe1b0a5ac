"""Quarters of an hour that were stored long ago, when an appeal about them is decided now.

Everything but what orders say is counted anew from the facts; what orders say was settled when the
quarter was stored for the last time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from agentd.core.effects import Violation
from agentd.core.metric_figures import Sums
from agentd.core.metric_ledger import Scope
from agentd.core.metric_row import ScopeKind
from agentd.core.metric_windows import QUARTER_US
from agentd.ports.desk import DeskStore
from agentd.ports.history import HistoryStore, IntervalRow
from agentd.reports_facts import LATER_US, FactSums

SAID_BY_ORDERS: Final = frozenset(
    {"complaints", "complaints_us", "fcr", "fcr_of", "timely", "timely_of"}
)


class Both(HistoryStore, DeskStore, Protocol):
    """What is needed of the store."""


async def quarter_of(store: Both, violation: Violation) -> int | None:
    """When the quarter begins in which a violation counts; None where its call or order is gone."""
    at_us: int | None = None
    if violation.leg is None:
        order, _, _ = violation.id.rpartition("-")
        document = await store.order(order)
        at_us = None if document is None else document.opened_us
    elif violation.call is not None:
        story = await store.call_story(violation.pbx, violation.call)
        legs = () if story is None else story.legs
        at_us = next((leg.ended_us for leg in legs if leg.leg == violation.leg), None)
    return None if at_us is None else at_us // QUARTER_US * QUARTER_US


async def amend(store: Both, facts: FactSums, kinds: Sequence[ScopeKind], quarter_us: int) -> None:
    """Store that quarter anew. Raises ``StoreError``."""
    span = quarter_us, quarter_us + QUARTER_US
    found = await facts.count(kinds, [span], LATER_US)
    stored: dict[Scope, IntervalRow] = {}
    for kind in kinds:
        for row in await store.intervals(kind, None, *span):
            stored[kind, row.name] = row
    rows = []
    for scope in {**stored, **found}:
        known = stored.get(scope)
        sums = found[scope][0] if scope in found else Sums({}, gap=False)
        values = {name: n for name, n in sums.values.items() if name not in SAID_BY_ORDERS}
        gap = sums.gap
        if known is not None:
            values |= {name: n for name, n in known.sums.items() if name in SAID_BY_ORDERS}
            gap = known.gap
        rows.append(IntervalRow(*scope, quarter_us, values, gap))
    await store.put_intervals(rows)
