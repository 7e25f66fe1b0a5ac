"""What waits for one receiver of webhooks, bounded, and how patient we are with it."""

from __future__ import annotations

import heapq

from msgspec import Struct

from agentd.ports.desk import WebhookItem


class Patience(Struct, frozen=True):
    """How long what may take, in seconds."""

    answer_max_s: float = 10.0
    backoff_min_s: float = 1.0
    backoff_max_s: float = 300.0
    keep_s: float = 24 * 3600.0
    """Then a message that did not arrive is given up."""
    alert_max_age_s: float = 60.0
    robot_gap_s: float = 3.0
    """Robots take 20 messages a minute."""
    goodbye_max_s: float = 2.0
    queue_max: int = 1000
    """Messages that wait for one receiver."""


class WebhookHealth(Struct):
    """For ``/healthz``: how the way to one receiver stands."""

    delivered: int = 0
    waiting: int = 0
    given_up: int = 0
    """Refused by the receiver, or a day old."""
    dropped: int = 0
    """Too many waited, or alerts that would have come too late."""
    error: str | None = None


def is_news(item: WebhookItem) -> bool:
    """Whether it (an alert, a surge) is worth sending only while it is new, and never stored."""
    return item.id.startswith(("alert-", "surge-"))


class Waiting:
    """Messages for one receiver, the earliest due first."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._heap: list[tuple[int, int, WebhookItem]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, item: WebhookItem, now_us: int) -> WebhookItem | None:
        """Take ``item``; the message that had to go for it, if any: the oldest, alerts first."""
        dropped = self._drop_one() if len(self._heap) >= self._patience.queue_max else None
        # A clock that was set back must not make it wait for longer than it ever would.
        latest_us = now_us + int(self._patience.backoff_max_s * 1e6)
        self._count += 1
        heapq.heappush(self._heap, (min(item.next_us, latest_us), self._count, item))
        return dropped

    def _drop_one(self) -> WebhookItem:
        oldest = min(self._heap, key=lambda entry: (not is_news(entry[2]), entry[1]))
        self._heap.remove(oldest)
        heapq.heapify(self._heap)
        return oldest[2]

    def next_us(self) -> int | None:
        """When the next one is due; None where none waits."""
        return self._heap[0][0] if self._heap else None

    def pop(self) -> WebhookItem:
        """The next one."""
        return heapq.heappop(self._heap)[2]
