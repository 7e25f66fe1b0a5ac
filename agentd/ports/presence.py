"""The seams of presence: who sits where, and the phones there.

Times are microseconds since the epoch: shifts by our clock, what phones did in PBX time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from agentd.core.people import Person


class SignIn(Struct, frozen=True):
    """A person's time at a seat."""

    id: str
    login: str
    pbx: str
    seat: str
    from_us: int
    to_us: int | None = None
    ended_by: str | None = None
    """Login, or ``replaced`` (another person signed in there), or ``moved``."""
    owed: tuple[str, ...] = ()
    """Orders still owed at sign-out."""


class Fault(Struct, frozen=True):
    """A phone that somebody reported as faulty."""

    id: str
    pbx: str
    seat: str
    by: str
    at_us: int
    text: str
    done_by: str | None = None
    done_us: int | None = None


class SeatView(Struct, frozen=True):
    """A seat for whoever wants to sign in to it."""

    pbx: str
    seat: str
    label: str
    group: str | None
    state: str
    signed_in: str | None
    """Login of who is signed in there."""
    agent: str | None
    """Name of who sits there by the board, so also by the queue's word alone."""
    reachable: bool
    rang_us: int | None
    """When the phone was last seen to ring."""


class MySeat(Struct, frozen=True):
    """Where a person is signed in."""

    pbx: str
    seat: str
    label: str
    since_us: int
    state: str
    ready: bool
    pause_reason: str | None
    drives: bool
    """agentd may change the queue membership on this PBX; else the person does, by the phone."""
    dials: bool
    """agentd may place calls from this seat; else the page offers a tel: link."""
    reachable: bool
    rang_us: int | None


class Presence(Protocol):
    """Sign-in, ready, pause, faults, click to dial (``agentd/presence.py``). Refusals raise
    :class:`agentd.errors.Refused`."""

    def seats(self, who: Person) -> Sequence[SeatView]: ...
    def my_seat(self, who: Person) -> MySeat | None: ...
    async def sign_in(self, who: Person, pbx: str, seat: str) -> MySeat: ...
    async def sign_out(self, who: Person, login: str | None = None) -> Sequence[str]:
        """Ids of the orders still owed. ``login``: whom a leader signs out."""
        ...

    async def ready(self, who: Person) -> MySeat: ...
    async def pause(self, who: Person, reason: str) -> MySeat: ...
    async def dial(self, who: Person, number: str) -> Literal["placed", "link"]: ...
    async def report_fault(self, who: Person, pbx: str, seat: str, text: str) -> Fault: ...
    async def faults(self, who: Person) -> Sequence[Fault]: ...
    async def fault_done(self, who: Person, fault_id: str) -> Fault: ...
