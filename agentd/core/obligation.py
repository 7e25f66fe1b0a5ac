"""The obligation behind a work order: pure, command + now -> new state or a refusal.

``open`` -> ``completed``, and ``completed`` is final: nothing that arrives later, late or twice
makes an order open again.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from agentd.core.effects import OrderChanged


class Refusal(Struct, frozen=True):
    """A command that does not fit the order as it stands; nothing was changed."""

    code: Literal["already_completed", "no_name"]
    order: OrderChanged
    """The order as it stands: who completed it and when says why it was refused."""

    @property
    def message(self) -> str:
        """The refusal in one English sentence."""
        if self.code == "no_name":
            return f"work order {self.order.id}: say who completed it"
        by = "" if self.order.completed_by is None else f" by {self.order.completed_by}"
        return f"work order {self.order.id} was already completed{by}"


def complete(order: OrderChanged, by: str, now_us: int) -> OrderChanged | Refusal:
    """``order`` as it stands once ``by`` completed it at ``now_us`` (microseconds, PBX time)."""
    by = by.strip()
    if not by:
        return Refusal(code="no_name", order=order)
    if order.status == "completed":
        return Refusal(code="already_completed", order=order)
    return replace(
        order,
        at_us=now_us,
        status="completed",
        completed_us=now_us,
        completed_by=by,
        change="completed",
    )


def change_key(change: OrderChanged) -> tuple[str, int, str, int]:
    """What tells one change of an order from another; a change seen twice has the same key."""
    return change.id, change.at_us, change.change, change.alerts_sent


def merge(stored: OrderChanged, change: OrderChanged) -> OrderChanged | None:
    """The order after a change that was not seen before; None when it must stay as it is.

    Whether a change is new is not judged by its time: a PBX clock that was set back must not make
    its changes look old. ``opened_us`` and a completion stand for good, alerts are never unsent.
    """
    if stored.status == "completed" and change.status == "open":
        return None
    merged = replace(
        change,
        opened_us=stored.opened_us,
        alerts_sent=max(stored.alerts_sent, change.alerts_sent),
    )
    if stored.status == "completed":
        return replace(merged, completed_us=stored.completed_us, completed_by=stored.completed_by)
    return merged
