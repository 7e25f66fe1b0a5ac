"""Looks after the history: that what is too old goes, every night, and that it is known up to when
each PBX was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from msgspec import Struct

from agentd import clock
from agentd.errors import AgentdError
from agentd.ports.history import HistoryStore
from agentd.ports.retention import RetentionPolicy

DAY_US: Final = 86_400_000_000
TICK_S: Final = 60.0

_log = structlog.get_logger(__name__)


class KeeperSettings(Struct, frozen=True):
    """What is kept how long, and when that is seen to."""

    policy: RetentionPolicy
    runs_at_s: int
    """Seconds after local midnight."""
    utc_offset_s: int


class HistoryKeeper:
    """See the module. ``heard`` says of each PBX whose link is up what time it is there."""

    def __init__(
        self,
        store: HistoryStore,
        settings: KeeperSettings,
        heard: Callable[[], Mapping[str, int]],
        *,
        now_us: Callable[[], int] = clock.wall_us,
        tick_s: float = TICK_S,
    ) -> None:
        self._store = store
        self._settings = settings
        self._heard = heard
        self._now_us = now_us
        self._tick_s = tick_s
        self._failed = False

    async def run(self) -> None:
        """Go on until cancelled. A disk that refuses is told of once, and tried again."""
        listed = False
        while True:
            try:
                await self._store.heard(self._heard())
                if not listed:
                    await self._store.list_older_calls()
                    listed = True
                await self._retain()
            except AgentdError as error:
                if not self._failed:
                    _log.error("history_not_kept", reason=str(error))
                self._failed = True
            else:
                self._failed = False
            await asyncio.sleep(self._tick_s)

    def due_us(self, now_us: int) -> int:
        """The latest moment before ``now_us`` at which retention was to be done."""
        at_us = (self._settings.runs_at_s - self._settings.utc_offset_s) * 1_000_000
        return (now_us - at_us) // DAY_US * DAY_US + at_us

    async def _retain(self) -> None:
        """Once a day; later in it where agentd was not there at the time."""
        now_us = self._now_us()
        done_us = await self._store.retained_us()
        if done_us is not None and done_us >= self.due_us(now_us):
            return
        for line in await self._store.retain(self._settings.policy, now_us):
            _log.info("history_purged", kind=line.kind, rows=line.rows, held=line.held)
