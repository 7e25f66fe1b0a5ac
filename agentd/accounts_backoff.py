"""How long who guesses must wait: pure bookkeeping, ``now_s`` from any steady clock."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass


@dataclass
class _Record:
    failures: float
    at_s: float
    blocked_until_s: float
    under_way: int = 0


class Backoff:
    """Pauses after failures, by key (a login, an address).

    The first ``free`` failures cost nothing; from then on every one doubles the pause, from 1 s to
    ``most_s``. One failure is forgotten every ``leak_s``. At most ``kept`` keys are remembered;
    beyond that, whose pause ended longest ago goes first.
    """

    def __init__(
        self, *, free: int, leak_s: float, most_s: float = 300.0, kept: int = 10_000
    ) -> None:
        self._free = free
        self._leak_s = leak_s
        self._most_s = most_s
        self._kept = kept
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def wait_s(self, key: str, now_s: float) -> float:
        """How long ``key`` must wait before it may try; 0.0: not at all."""
        record = self._records.get(key)
        if record is None:
            return 0.0
        if record.under_way and self._left(record, now_s) + record.under_way >= self._free:
            # Tries side by side would all come before the first failure.
            return max(1.0, record.blocked_until_s - now_s)
        return max(0.0, record.blocked_until_s - now_s)

    def begin(self, key: str, now_s: float) -> None:
        """A try of ``key`` is under way; :meth:`failed` or :meth:`ended` must follow."""
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(0.0, now_s, now_s)
        self._records.move_to_end(key)
        record.under_way += 1
        self._shrink(now_s)

    def failed(self, key: str, now_s: float) -> float:
        """The try failed; the pause that follows, in seconds."""
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(0.0, now_s, now_s, 1)
        record.under_way = max(0, record.under_way - 1)
        record.failures = self._left(record, now_s) + 1
        record.at_s = now_s
        # Rounded up: a failure that is forgotten by half still counts.
        over = math.ceil(record.failures) - self._free
        pause_s = 0.0 if over < 0 else min(self._most_s, 2.0 ** min(over, 30))
        record.blocked_until_s = max(record.blocked_until_s, now_s + pause_s)
        return pause_s

    def ended(self, key: str, *, forget: bool) -> None:
        """The try succeeded; ``forget``: with it, all failures before are forgiven."""
        record = self._records.get(key)
        if record is None:
            return
        record.under_way = max(0, record.under_way - 1)
        if forget:
            record.failures = 0.0
            record.blocked_until_s = record.at_s
        if not record.failures and not record.under_way:
            del self._records[key]

    def _left(self, record: _Record, now_s: float) -> float:
        return max(0.0, record.failures - (now_s - record.at_s) / self._leak_s)

    def _shrink(self, now_s: float) -> None:
        if len(self._records) <= self._kept:
            return
        idle = (key for key, record in self._records.items() if not record.under_way)
        for key in sorted(idle, key=lambda key: self._records[key].blocked_until_s)[
            : max(1, self._kept // 10)
        ]:
            del self._records[key]
