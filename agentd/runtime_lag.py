"""How far what is judged is behind the PBX."""

from __future__ import annotations

from typing import Final

PERIOD_S: Final = 5.0
STEP_US: Final = 50_000
"""What people are shown is no more exact: it would change all the time."""


class Lag:
    """The longest lag of the last :data:`PERIOD_S` to twice that."""

    def __init__(self) -> None:
        self._ends_s = 0.0
        self._now_us: int | None = None
        self._before_us: int | None = None

    def note(self, lag_us: int, now_s: float) -> None:
        """An event was judged ``lag_us`` after its timestamp."""
        self._turn(now_s)
        self._now_us = max(lag_us, self._now_us or 0)

    def worst_us(self, now_s: float) -> int | None:
        """Rounded up to :data:`STEP_US`; None where no event came."""
        self._turn(now_s)
        known = [lag for lag in (self._now_us, self._before_us) if lag is not None]
        return -(-max(known) // STEP_US) * STEP_US if known else None

    def _turn(self, now_s: float) -> None:
        if now_s < self._ends_s:
            return
        self._before_us = self._now_us if now_s < self._ends_s + PERIOD_S else None
        self._now_us = None
        self._ends_s = now_s + PERIOD_S
