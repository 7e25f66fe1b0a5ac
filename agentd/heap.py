"""Keeps the interpreter's full garbage collections short.

A full collection walks everything that lives: with a shift's figures in memory that takes 150 ms
and more, in which no event is worked off. What has lived for a while is therefore set aside
(``gc.freeze``), where no collection looks. Rings of objects that die there are found once a day,
when nobody is on the phone if that comes about.

For a process of our own only: what is set aside is the whole process's.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Final

from agentd import clock

SET_ASIDE_S: Final = 10.0
LOOK_S: Final = 20 * 3_600.0
"""From then on everything is looked at as soon as nobody is on the phone."""
LOOK_AT_LAST_S: Final = 30 * 3_600.0
"""Then it is looked at in any case."""


class Heap:
    """See the module. ``busy`` says whether anybody is on the phone. :meth:`run` in a task of its
    own; :meth:`tend` is one step of it."""

    def __init__(
        self, busy: Callable[[], bool], *, monotonic: Callable[[], float] = clock.monotonic
    ) -> None:
        self._busy = busy
        self._monotonic = monotonic
        self._looked_s = monotonic()

    def tend(self) -> None:
        """Set aside what lives; first, where it is time, look at what was set aside."""
        age_s = self._monotonic() - self._looked_s
        if age_s >= LOOK_AT_LAST_S or (age_s >= LOOK_S and not self._busy()):
            gc.unfreeze()
            gc.collect()
            self._looked_s = self._monotonic()
        else:
            # The young that are dead already must not be set aside with the living.
            gc.collect(1)
        gc.freeze()

    async def run(self) -> None:
        """Until cancelled; then nothing is set aside any more."""
        try:
            while True:
                self.tend()
                await asyncio.sleep(SET_ASIDE_S)
        finally:
            gc.unfreeze()
