"""Event time: events in Timestamp order behind a watermark.

The watermark is the greatest Timestamp seen minus a lag; live, the estimated PBX clock moves it
too. Events come out in Timestamp order once the watermark has reached them, so that what arrives
a little late or out of order is judged like what arrived in order, live and in replay alike.

Events without a Timestamp (list items, the FullyBooted of a login) keep their place in the stream:
they take the greatest Timestamp seen so far, and where a stream begins the first one to come.
"""

from __future__ import annotations

from bisect import insort_right
from collections import deque

from agentd.core.deadlines import NEVER_US
from agentd.core.events import Event


def _at(event: Event) -> int:
    return event.at_us


class Timeline:
    """Orders the events of one PBX.

    ``add`` takes events as they arrive; ``pop`` gives the earliest. ``stamp_us`` is the greatest
    Timestamp, ``seen_us`` the greatest time known, live also by the clock; both are 0 before the
    first.
    """

    def __init__(self, lag_us: int) -> None:
        self.lag_us = lag_us
        self.seen_us = 0
        self.stamp_us = 0
        self.head_us = NEVER_US
        """Time of the earliest event that waits."""
        self._queue: deque[Event] = deque()
        self._unstamped: list[Event] = []
        self._await_stamp = True

    @property
    def watermark_us(self) -> int:
        return self.seen_us - self.lag_us

    def new_stream(self) -> None:
        """A banner came: what has no Timestamp belongs to the next one seen, not to the last."""
        self._await_stamp = True

    def see(self, at_us: int) -> None:
        """A Timestamp was seen (``at_us`` > 0)."""
        if at_us > self.stamp_us:
            self.stamp_us = at_us
        self.carry_on(at_us)

    def carry_on(self, at_us: int) -> None:
        """The clock says that it is ``at_us`` by now."""
        if at_us > self.seen_us:
            self.seen_us = at_us
        if self._await_stamp:
            self.stamp_waiting()

    def stamp_waiting(self) -> None:
        """Give events that wait for a first Timestamp the greatest time known."""
        self._await_stamp = False
        for event in self._unstamped:
            event.at_us = self.seen_us
            self._append(event)
        self._unstamped.clear()

    def add(self, event: Event) -> None:
        """Take an event in the order of arrival; its Timestamp counts as seen."""
        at = event.at_us
        if at == 0:
            if self._await_stamp:
                self._unstamped.append(event)
                return
            event.at_us = self.seen_us
            self._append(event)
            return
        if at > self.stamp_us:
            self.stamp_us = at
            if at > self.seen_us:
                self.seen_us = at
        if self._await_stamp:
            self.stamp_waiting()
        self._append(event)

    def put(self, event: Event) -> None:
        """Take what our clock dated: it has its place in the order, but proves no time."""
        self._append(event)

    def move(self, by_us: int) -> None:
        """The PBX's clock was set by ``by_us``; nothing may wait that has a time."""
        if self.seen_us:
            self.seen_us += by_us
        if self.stamp_us:
            self.stamp_us += by_us

    def _append(self, event: Event) -> None:
        queue = self._queue
        if not queue:
            queue.append(event)
            self.head_us = event.at_us
        elif queue[-1].at_us <= event.at_us:
            queue.append(event)
        else:
            insort_right(queue, event, key=_at)
            self.head_us = queue[0].at_us

    def pop(self) -> Event:
        """The earliest event that waits; there must be one."""
        queue = self._queue
        event = queue.popleft()
        self.head_us = queue[0].at_us if queue else NEVER_US
        return event
