"""The seams: what the runtime expects of the adapters, as Protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from agentd.core.effects import Effect, OrderChanged


class LinkChanged(Struct, frozen=True):
    """The AMI link of one PBX changed. Control item of the inbox, in order with the bytes.

    ``state``: ``syncing`` (logged in, snapshot under way), ``up`` (snapshot complete), ``down``.
    ``reason`` is for people (already masked, plain words, en); ``code`` is stable: ``refused``,
    ``auth``, ``timeout``, ``closed``, ``silent``, ``not_ami``, ``dns``, ``tls`` or None.
    """

    pbx: str
    state: str
    code: str | None = None
    reason: str | None = None


class LinkInfo(Struct, frozen=True):
    """What the listener learnt of the PBX beside its events; sent whenever it changes."""

    pbx: str
    clock_offset_us: int | None = None
    """PBX clock minus our clock."""
    version: str | None = None
    warnings: tuple[tuple[str, str], ...] = ()
    """(stable code, plain English sentence with the mend)."""


class AmiBytes(Struct, frozen=True):
    """Bytes as the AMI socket delivered them, banner included, split anywhere."""

    pbx: str
    data: bytes


class CompleteOrder(Struct, frozen=True):
    """A person completed a work order. ``now_us`` is set by the runtime in PBX time."""

    pbx: str
    order_id: str
    by: str
    now_us: int = 0


InboxItem = AmiBytes | LinkChanged | LinkInfo | CompleteOrder


class Inbox(Protocol):
    """The one ordered, bounded way in."""

    def put_nowait(self, item: InboxItem) -> bool:
        """Take ``item``; False when the inbox is above its high-water mark (pause reading then).

        The item is taken in either case: what the socket delivered is never lost.
        """
        ...

    def on_drained(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` once when the inbox has fallen below its low-water mark."""
        ...


class Restored(Struct, frozen=True):
    """What the store knew when the daemon started."""

    memory: Mapping[str, bytes]
    """The engine's own memory, by key, for one PBX."""
    open_orders: Sequence[OrderChanged]
    completed_orders: Sequence[OrderChanged] = ()
    """Completed orders of the last day whose call is not known to be over: a call found in
    progress must not have its order opened anew, nor its deadline run."""


class Store(Protocol):
    """Work orders, violations, telemetry and the engine's memory, in one ordered writer."""

    async def restore(self, pbx: str) -> Restored:
        """Everything the engine of ``pbx`` needs to go on."""
        ...

    def submit(
        self,
        effects: Sequence[Effect],
        memory: Mapping[str, bytes | None],
        announce: Callable[[Sequence[Effect]], None],
        *,
        pbx: str,
    ) -> None:
        """Queue one batch, never blocking. ``announce`` is called with the batch's obligations
        (in order) on the event loop after their commit, if the batch has any; those that the store
        knew already are left out. ``memory`` values None are deletions."""
        ...


class LiveSink(Protocol):
    """Whoever shows the board."""

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        """Board objects that changed, by key, and keys that went away."""
        ...
