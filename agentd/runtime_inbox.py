"""The pump's way in, and the gate before its way out.

:class:`OrderedInbox` takes everything that ever changes a state, in one order;
:class:`OwedGate` keeps orders off the board until they are committed.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from agentd.ports import AmiBytes, InboxItem

HIGH_WATER_BYTES = 4 << 20
LOW_WATER_BYTES = 1 << 20
CONTROL_ITEM_BYTES = 256
"""What an item without bytes counts for."""


class OrderedInbox:
    """The one ordered, bounded way in (:class:`agentd.ports.Inbox`); bounded by bytes."""

    def __init__(
        self, *, high_bytes: int = HIGH_WATER_BYTES, low_bytes: int = LOW_WATER_BYTES
    ) -> None:
        self._high_bytes = high_bytes
        self._low_bytes = low_bytes
        self._items: deque[InboxItem] = deque()
        self._bytes = 0
        self._resume: list[Callable[[], None]] = []
        self._filled = asyncio.Event()
        self.arrived = 0
        """How many items were ever put in."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def holding_back(self) -> bool:
        """Whether somebody has stopped reading until the inbox is drained."""
        return bool(self._resume)

    @property
    def held_bytes(self) -> int:
        """What waits, in bytes."""
        return self._bytes

    def put_nowait(self, item: InboxItem) -> bool:
        """Take ``item``; False: above the high-water mark, pause reading."""
        self._items.append(item)
        self._bytes += _weight(item)
        self.arrived += 1
        self._filled.set()
        return self._bytes <= self._high_bytes

    def on_drained(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` once, as soon as the inbox is below its low-water mark."""
        if self._bytes <= self._low_bytes:
            asyncio.get_running_loop().call_soon(resume)
        else:
            self._resume.append(resume)

    def take(self) -> InboxItem:
        """The oldest item. It counts until :meth:`done` is called for it."""
        item = self._items.popleft()
        if not self._items:
            self._filled.clear()
        return item

    def done(self, item: InboxItem) -> None:
        """``item`` was worked off."""
        self._bytes -= _weight(item)
        if self._resume and self._bytes <= self._low_bytes:
            waiting, self._resume = self._resume, []
            for resume in waiting:
                resume()

    async def filled(self) -> None:
        """Return as soon as there is an item."""
        await self._filled.wait()

    def wake(self) -> None:
        """Make :meth:`filled` return although there may be no item."""
        self._filled.set()


def _weight(item: InboxItem) -> int:
    return len(item.data) if isinstance(item, AmiBytes) else CONTROL_ITEM_BYTES


class OwedGate:
    """Keeps orders off the board until they are committed.

    A seat's board object lists the orders that it owes; who reads that has been told of them.
    """

    def __init__(self) -> None:
        self._uncommitted: Counter[str] = Counter()
        self._held_back: dict[str, Any] = {}

    def submitted(self, order_ids: Iterable[str]) -> None:
        """Changes of these orders are on their way into the store."""
        self._uncommitted.update(order_ids)

    def committed(self, order_ids: Iterable[str]) -> dict[str, Any]:
        """They are in the store: the board objects that may now show what was held back."""
        self._uncommitted.subtract(order_ids)
        self._uncommitted = +self._uncommitted
        held_back, self._held_back = self._held_back, {}
        return self.screen(held_back, ())

    def screen(self, changed: Mapping[str, Any], removed: Sequence[str]) -> dict[str, Any]:
        """``changed`` as it may be shown now."""
        for key in removed:
            self._held_back.pop(key, None)
        shown = dict(changed)
        for key, value in changed.items():
            self._held_back.pop(key, None)
            owed = value.get("owed") or ()
            known = [order for order in owed if order["id"] not in self._uncommitted]
            if len(known) < len(owed):
                self._held_back[key] = value
                shown[key] = {**value, "owed": known}
        return shown
