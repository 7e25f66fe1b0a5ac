"""What one client of the live stream is owed: pure bookkeeping, no socket and no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from msgspec import Struct

CLOSE_NOT_UNDERSTOOD = 1008


class StreamSettings(Struct, frozen=True, kw_only=True):
    """Limits of the live stream. Sizes count payload bytes."""

    lang: str = "zh"
    """The language a client starts in, ``zh`` or ``en``."""
    flush_interval_s: float = 0.03
    """Changes within this time travel as one delta."""
    beat_interval_s: float = 1.0
    window_messages: int = 64
    """How many messages may be sent ahead of a client's acknowledgements ..."""
    window_bytes: int = 512 * 1024
    """... and how many bytes; one message is always allowed, however large."""
    mailbox_max_messages: int = 64
    """What may wait for a client whose window is full; beyond that it gets a snapshot instead."""
    mailbox_max_bytes: int = 256 * 1024
    stall_s: float = 10.0
    """A message that is not acknowledged within this time cuts the client off."""
    close_grace_s: float = 2.0
    """How long a client that we close may take to answer before it is cut off."""
    send_buffer_bytes: int = 64 * 1024
    """What the kernel, and as much again what the event loop, may hold for one client."""
    clients_max: int = 1000
    allowed_origins: tuple[str, ...] = ()
    """Origins of pages, beside our own, that may listen: ``https://wall.example.com``."""


class Message(Struct, frozen=True):
    """One text message to clients, encoded; ``size`` in bytes."""

    seq: int
    text: str
    size: int


class Misbehaved(Exception):
    """A client sent what the protocol does not allow. ``str()`` is told to it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Mailbox:
    """What one client is owed: pure bookkeeping, ``now_s`` from any steady clock."""

    def __init__(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._waiting: deque[Message] = deque()
        self._waiting_bytes = 0
        self._hints: set[str] = set()
        self._unacked: deque[tuple[Message, float]] = deque()
        self._unacked_bytes = 0
        self._last_sent_seq = -1
        self._wants_snapshot = True
        self._snapshot_not_before_s = float("-inf")
        self._snapshot_sent_s = float("-inf")
        self.snapshots = 0
        """How many snapshots were handed out."""

    @property
    def held_bytes(self) -> int:
        """Bytes that wait here or are sent and not acknowledged."""
        return self._waiting_bytes + self._unacked_bytes

    @property
    def idle(self) -> bool:
        """Nothing waits to be sent."""
        return not self._waiting and not self._wants_snapshot

    def offer(self, message: Message) -> None:
        """Add a delta or a beat; when there is no room, a snapshot takes the place of all."""
        if self._wants_snapshot:
            return
        limits = self._settings
        if (
            len(self._waiting) >= limits.mailbox_max_messages
            or self._waiting_bytes + message.size > limits.mailbox_max_bytes
        ):
            self._forget_waiting()
            self._wants_snapshot = True
            return
        self._waiting.append(message)
        self._waiting_bytes += message.size

    def hint(self, topics: Iterable[str]) -> None:
        """What the client should ask for again; told once, however often it is said."""
        # Who gets a snapshot asks for everything again.
        if not self._wants_snapshot:
            self._hints.update(topics)

    def take_hints(self) -> tuple[str, ...]:
        """The hints that wait, once all else is sent; () while there is no room. Nobody
        acknowledges them."""
        if not self._hints or self._waiting or self._wants_snapshot or self._window_full():
            return ()
        topics = tuple(sorted(self._hints))
        self._hints.clear()
        return topics

    def take(self, now_s: float, snapshot: Callable[[], Message]) -> Message | None:
        """The next message to send, now counted as sent; None while there is none to send."""
        if self._window_full():
            return None
        if self._wants_snapshot:
            if now_s < self._snapshot_not_before_s:
                return None
            self._wants_snapshot = False
            self._hints.clear()
            self._snapshot_sent_s = now_s
            self.snapshots += 1
            message = snapshot()
        elif self._waiting:
            message = self._waiting.popleft()
            self._waiting_bytes -= message.size
        else:
            return None
        self._unacked.append((message, now_s))
        self._unacked_bytes += message.size
        self._last_sent_seq = message.seq
        return message

    def ack(self, seq: int) -> None:
        """Everything up to ``seq`` arrived. Raises :class:`Misbehaved` for what was never sent."""
        if seq > self._last_sent_seq:
            raise Misbehaved(CLOSE_NOT_UNDERSTOOD, f"ack of {seq}, which was never sent to you")
        while self._unacked and self._unacked[0][0].seq <= seq:
            message, _ = self._unacked.popleft()
            self._unacked_bytes -= message.size

    def resync(self) -> None:
        """The client asked for a snapshot: at most one a beat, so that a loop costs nothing."""
        self._forget_waiting()
        self._wants_snapshot = True
        self._snapshot_not_before_s = self._snapshot_sent_s + self._settings.beat_interval_s

    def unacked_since_s(self) -> float | None:
        """When the oldest message that is not acknowledged was sent; None: all are."""
        return self._unacked[0][1] if self._unacked else None

    def _window_full(self) -> bool:
        limits = self._settings
        return bool(self._unacked) and (
            len(self._unacked) >= limits.window_messages
            or self._unacked_bytes >= limits.window_bytes
        )

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0
