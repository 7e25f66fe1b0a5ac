"""A PBX's clock was set: the clocks of its documents are moved along, in one transaction."""

from __future__ import annotations

from agentd.core import workorder
from agentd.ports.desk import OrderRules
from agentd.ticketing_documents import Documents
from agentd.ticketing_jobs import Transaction
from agentd.ticketing_search import waking


def move_clocks(
    transaction: Transaction, rules: OrderRules, pbx: str, step_us: int, now_us: int
) -> None:
    """Everything of ``pbx`` that waits for a time waits as long as it would have, now that its
    clock was set by ``step_us`` and says ``now_us``."""
    documents = Documents(transaction.connection, rules)
    ids = [id_ for _, where, id_ in waking(transaction.connection) if where == pbx]
    documents.load(ids)
    for id_ in ids:
        before = documents.get(id_)
        assert before is not None
        order, change = workorder.clock_set(before, step_us, now_us)
        if order != before:
            documents.put(order, change)
    documents.write()
    transaction.changed += documents.changed
