"""The seams: what the runtime expects of the adapters, as Protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from agentd.core.effects import Effect, OrderChanged
from agentd.ports.desk import Job


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
    measured_since_us: int | None = None
    """Our clock at the first of the measurements that this rests on; None: just now."""
    uncertain_us: int = 0
    """How far ``clock_offset_us`` may be wrong."""
    version: str | None = None
    warnings: tuple[tuple[str, str], ...] = ()
    """(stable code, plain English sentence with the mend)."""


class AmiBytes(Struct, frozen=True):
    """Bytes as the AMI socket delivered them, banner included, split anywhere."""

    pbx: str
    data: bytes
    arrived_us: int | None = None
    """Our clock when they arrived; None: just now."""


class CompleteOrder(Struct, frozen=True):
    """A person completed a work order. ``now_us`` of a command is set by the runtime: when it was
    given, in PBX time; 0 while that is not known."""

    pbx: str
    order_id: str
    by: str
    now_us: int = 0


class SeatTaken(Struct, frozen=True):
    """A person signed in to a seat: from now on its calls, violations and orders are theirs."""

    pbx: str
    seat: str
    person: str
    """Login."""
    name: str
    """What the board shows."""
    now_us: int = 0


class SeatLeft(Struct, frozen=True):
    """The person who was signed in there left; what they owe stays theirs."""

    pbx: str
    seat: str
    person: str | None = None
    """Only if this person (login) is still there."""
    now_us: int = 0


class OrderAssigned(Struct, frozen=True):
    """A leader gave an order to somebody else, whose time for it begins now."""

    pbx: str
    order_id: str
    person: str
    """Login."""
    name: str
    """What the board shows."""
    now_us: int = 0


class OrderNumbers(Struct, frozen=True):
    """The numbers under which an order's caller can be reached now, in normal form."""

    pbx: str
    order_id: str
    numbers: tuple[str, ...]
    now_us: int = 0


class SupervisorActs(Struct, frozen=True):
    """A supervisor is about to end or move a call; ``seat``: only that seat's part of it."""

    pbx: str
    act: str
    """``hangup`` or ``redirect``."""
    call: str
    seat: str | None = None
    now_us: int = 0


class RecordingFile(Struct, frozen=True):
    """The file that MixMonitor writes for the channel ``uid``: the listener asked for its name,
    since the event does not tell it."""

    pbx: str
    uid: str
    file: str


Command = CompleteOrder | SeatTaken | SeatLeft | OrderAssigned | OrderNumbers | SupervisorActs
"""What people want of the engine; answered when its consequences are stored."""
InboxItem = AmiBytes | LinkChanged | LinkInfo | RecordingFile | Command


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
        jobs: Sequence[Job] = (),
    ) -> None:
        """Queue one batch, never blocking. ``jobs`` belong to its transaction and come last.

        ``announce`` is called with the batch's obligations (in order) on the event loop after their
        commit, if the batch has any; those that the store knew already are left out. ``memory``
        values None are deletions."""
        ...

    async def flush(self) -> None:
        """Return when everything that was submitted so far is committed and announced; as fast as
        the disk can. Raises RuntimeError where the store was closed before."""
        ...


class LiveSink(Protocol):
    """Whoever shows the board."""

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        """Board objects that changed, by key, and keys that went away."""
        ...
