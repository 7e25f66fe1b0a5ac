"""The seam of supervision: what supervisors do to calls, seats and people's desks.

Times are microseconds since the epoch by our clock. Every act, a refused one as well, is in the
audit log (``control.listen`` …, ``control.message``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from agentd.core.order_form import Label
from agentd.core.people import Person, Right

SpyMode = Literal["listen", "whisper", "barge"]
Act = Literal[
    "listen",
    "whisper",
    "barge",
    "pause",
    "unpause",
    "logout",
    "move_up",
    "redirect",
    "hangup",
    "message",
]
NEEDED: Final[Mapping[Act, Right]] = {
    "listen": "control.listen",
    "whisper": "control.listen",
    "barge": "control.listen",
    "pause": "control.seats",
    "unpause": "control.seats",
    "logout": "control.seats",
    "move_up": "control.calls",
    "redirect": "control.calls",
    "hangup": "control.calls",
    "message": "message",
}
"""Which right each act takes."""

MessageLevel = Literal["info", "urgent"]
TEXT_MAX_CHARS: Final = 500


class Allowed(Struct, frozen=True):
    """Whether something can be done now, as far as is known before it is tried."""

    may: bool
    why_not: Label | None = None


class OwnPhone(Struct, frozen=True):
    """The phone that rings when a supervisor listens."""

    pbx: str
    device: str
    chosen: bool
    """By the person, in the settings; else it is the seat where the person is signed in."""
    reachable: bool


class Place(Struct, frozen=True):
    """A seat's place in one queue, and what logging it out of there would do."""

    queue: str
    dynamic: bool
    paused: bool
    how: Literal["removed", "paused"]
    note: Label | None = None
    """Where it is not what one would expect."""


class Control(Struct, frozen=True):
    """What a person may do to one PBX."""

    pbx: str
    actions: Mapping[str, Allowed]
    """By act."""
    phone: OwnPhone | None
    phones: tuple[str, ...]
    """Devices that the person may choose."""
    places: tuple[Place, ...] | None = None
    """Of the seat that was asked about."""


class Listening(Struct, frozen=True):
    """The supervisor's phone rings; once it is answered, the call is heard."""

    mode: SpyMode
    pbx: str
    seat: str
    call: str
    phone: str


class SeatActed(Struct, frozen=True):
    """What became of a seat's places in queues."""

    pbx: str
    seat: str
    places: tuple[Place, ...]


class CallActed(Struct, frozen=True):
    """A call was ended or moved."""

    pbx: str
    call: str
    seat: str | None = None
    to: str | None = None


class MovedUp(Struct, frozen=True):
    """Where a caller stands in the queue now, as the PBX says."""

    pbx: str
    call: str
    queue: str
    position: int
    waiting: int
    """How many wait there."""


class DeskMessage(Struct, frozen=True):
    """A message to a person's desk: it stands there until it is read."""

    id: str
    to: str
    """Login."""
    by: str
    """Login."""
    by_name: str
    at_us: int
    text: str
    level: MessageLevel
    read_us: int | None = None


class MessageStore(Protocol):
    """Where messages are kept. Raises ``StoreError`` with plain words when the disk refuses."""

    async def put_message(self, message: DeskMessage) -> None: ...
    async def messages(self, to: str, *, limit: int) -> Sequence[DeskMessage]:
        """Those to ``to``: unread ones first, the newest first among each."""
        ...

    async def read_message(self, message_id: str, to: str, at_us: int) -> DeskMessage | None:
        """Mark it read, if it is one to ``to``; the first time counts. None: there is none."""
        ...


class Supervision(Protocol):
    """What supervisors do (``agentd/supervision.py``). Refusals raise
    :class:`agentd.errors.Refused`."""

    async def control(self, who: Person, pbx: str, seat: str | None = None) -> Control: ...
    async def choose_phone(self, who: Person, pbx: str, device: str | None) -> OwnPhone | None: ...
    async def spy(self, who: Person, mode: SpyMode, pbx: str, seat: str) -> Listening: ...
    async def pause(self, who: Person, pbx: str, seat: str, reason: str) -> SeatActed: ...
    async def unpause(self, who: Person, pbx: str, seat: str) -> SeatActed: ...
    async def log_out(
        self, who: Person, pbx: str, seat: str, queue: str | None = None
    ) -> SeatActed: ...
    async def move_up(self, who: Person, pbx: str, call: str) -> MovedUp: ...
    async def redirect(self, who: Person, pbx: str, call: str, to: str) -> CallActed: ...
    async def hang_up(
        self, who: Person, pbx: str, call: str, seat: str | None = None
    ) -> CallActed: ...
    async def message(
        self, who: Person, login: str, text: str, level: MessageLevel
    ) -> DeskMessage: ...
    async def messages(self, who: Person) -> Sequence[DeskMessage]:
        """Those to ``who``: unread ones first."""
        ...

    async def read(self, who: Person, message_id: str) -> DeskMessage: ...
