"""What waits for the MQTT broker, bounded: states by topic, alerts while they are news, records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from agentd import clock


class MqttHealth(Struct):
    """For ``/healthz``: how the way to the broker stands, and what was lost on it."""

    connected: bool = False
    published: int = 0
    expired_alerts: int = 0
    """Alerts dropped because they would have come too late."""
    dropped: int = 0
    """Messages dropped because too many waited."""
    error: str | None = None


class Message(Struct, frozen=True, gc=False):
    """One message for the broker; ``expires_s`` (monotonic) None: worth sending at any time."""

    topic: str
    payload: bytes
    retain: bool
    expires_s: float | None = None


class Outbox:
    """What the broker has not confirmed yet, bounded; knows nothing of connections.

    States (retained) are kept by topic for good, so that a broker that forgot them can be told
    again (:meth:`begin`); everything else goes once, in order. ``monotonic`` gives seconds.
    """

    def __init__(
        self,
        health: MqttHealth,
        *,
        alert_max_age_s: float,
        records_max: int,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._health = health
        self._alert_max_age_s = alert_max_age_s
        self._records_max = records_max
        self._monotonic = monotonic
        self._states: dict[str, bytes] = {}
        self._changed: dict[str, None] = {}
        self._records: deque[Message] = deque()

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._changed) + len(self._records)

    def put_state(self, topic: str, payload: bytes) -> None:
        """``topic`` now stands so; an empty payload takes the topic away."""
        if self._states.get(topic) != payload:
            self._states[topic] = payload
            self._changed[topic] = None

    def put_alert(self, topic: str, payload: bytes) -> None:
        """News, for as long as it is new."""
        self._put(Message(topic, payload, False, self._monotonic() + self._alert_max_age_s))

    def put_record(self, topic: str, payload: bytes) -> None:
        """A fact that is worth knowing later too."""
        self._put(Message(topic, payload, False))

    def _put(self, message: Message) -> None:
        self._expire()
        if len(self._records) >= self._records_max:
            self._records.popleft()
            self._health.dropped += 1
        self._records.append(message)

    def begin(self) -> None:
        """A connection begins: whatever the broker remembers, every state is sent again."""
        self._changed = dict.fromkeys(self._states)
        self._expire()

    def take(self, most: int) -> list[Message]:
        """The next messages, at most ``most`` (2 or more), no topic of a state twice; every one
        must be given to :meth:`sent` or :meth:`put_back`."""
        self._expire()
        # Neither a flood of alerts nor one of states may starve the other.
        share = max(most // 2, most - len(self._changed))
        taken = [self._records.popleft() for _ in range(min(share, len(self._records)))]
        while self._changed and len(taken) < most:
            topic = next(iter(self._changed))
            del self._changed[topic]
            taken.append(Message(topic, self._states[topic], True))
        return taken

    def sent(self, message: Message) -> None:
        """The broker has ``message``."""
        self._health.published += 1
        gone = message.retain and not message.payload
        if gone and message.topic not in self._changed:
            del self._states[message.topic]

    def put_back(self, messages: Sequence[Message]) -> None:
        """The broker did not confirm these (in the order in which they were taken)."""
        for message in reversed(messages):
            if message.retain:
                self._changed[message.topic] = None
            else:
                self._records.appendleft(message)
        while len(self._records) > self._records_max:
            self._records.popleft()
            self._health.dropped += 1

    def _expire(self) -> None:
        now_s = self._monotonic()
        if any(m.expires_s is not None and m.expires_s <= now_s for m in self._records):
            kept = [m for m in self._records if m.expires_s is None or m.expires_s > now_s]
            self._health.expired_alerts += len(self._records) - len(kept)
            self._records = deque(kept)
