"""Announces surges (话务预警): looks at every queue once a second, shows its level on the board,
notes every change in the audit log, and tells it to whoever listens (webhooks, MQTT).

The limits are those of the configuration until a supervisor sets others (the board's setting
``surge``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from agentd import clock
from agentd.core.board_settings import check_setting, surge_rules
from agentd.core.effects import Alert, Effect, SurgeChanged
from agentd.core.surge import Measures, Surge, SurgeRules, follow, next_limits
from agentd.errors import AgentdError
from agentd.ports import LiveSink
from agentd.ports.accounts import AuditEntry
from agentd.ports.history import BoardSetting

KEY: Final = "surge"
TICK_S: Final = 1.0
TROUBLE_S: Final = 5.0

_log = structlog.get_logger(__name__)


class Engine(Protocol):
    """What is needed of the runtime."""

    def pbx_now_us(self, pbx: str) -> int: ...
    def board(self, pbx: str) -> Mapping[str, Any]: ...


class Settings(Protocol):
    """What is needed of the store."""

    async def setting(self, key: str) -> BoardSetting | None: ...


class Auditor(Protocol):
    """Who keeps the audit log."""

    async def note(self, entry: AuditEntry) -> None: ...


class Levels(Protocol):
    """What is needed of the figures."""

    def service_level(self, pbx: str, queue: str) -> tuple[float | None, int]:
        """Of the last 30 minutes: the share, and of how many calls it is."""
        ...


class SurgeWatch:
    """See the module. :meth:`run` in a task of its own; :meth:`on_setting` is to be told of the
    board's settings when they change."""

    def __init__(
        self,
        rules: SurgeRules,
        *,
        pbxs: Sequence[str],
        engine: Engine,
        figures: Levels,
        store: Settings,
        live: LiveSink,
        audit: Auditor,
        tell: Callable[[Sequence[Effect]], None],
        wall_us: Callable[[], int] = clock.wall_us,
        tick_s: float = TICK_S,
    ) -> None:
        self._configured = rules
        self.rules = rules
        self._pbxs = tuple(pbxs)
        self._engine = engine
        self._figures = figures
        self._store = store
        self._live = live
        self._audit = audit
        self._tell = tell
        self._wall_us = wall_us
        self._tick_s = tick_s
        self.surges: dict[tuple[str, str], Surge] = {}
        """By (PBX, queue), of those that have had one."""
        self._began_us: dict[tuple[str, str], int] = {}
        self._folded: dict[tuple[str, str], int] = {}
        """Of queues in a surge: since when, and how many warnings were folded into it."""
        self._shown: dict[str, Any] = {}
        self._set_version = 0

    def on_setting(self, setting: BoardSetting) -> None:
        """A supervisor set something; what was checked before."""
        if setting.key == KEY and setting.version > self._set_version:
            self._set_version = setting.version
            self.rules = surge_rules(setting.value, self._configured)

    def level(self, pbx: str, queue: str) -> int:
        """The level of a queue's surge now."""
        surge = self.surges.get((pbx, queue))
        return 0 if surge is None else surge.level

    def announce(self, effects: Sequence[Effect]) -> None:
        """What the engine says: a queue's warnings are counted while its surge folds them."""
        for effect in effects:
            if isinstance(effect, Alert) and effect.level == "warning" and effect.queue is not None:
                key = (effect.pbx, effect.queue)
                if key in self._began_us and self._folds(self.level(*key)):
                    self._folded[key] += 1

    def _folds(self, level: int) -> bool:
        return 0 < self.rules.fold_level <= level

    async def run(self) -> None:
        """Watch until cancelled."""
        told = False
        while True:
            try:
                await self._load()
                break
            except AgentdError as error:
                if not told:
                    _log.error("surge_waits", reason=str(error))
                told = True
                await asyncio.sleep(TROUBLE_S)
        while True:
            await self.tick()
            await asyncio.sleep(self._tick_s)

    async def _load(self) -> None:
        setting = await self._store.setting(KEY)
        if setting is None:
            return
        wrong = check_setting(KEY, setting.value)
        if wrong:
            # Stored by another version of agentd: the configuration holds until somebody sets it.
            _log.warning("surge_setting_unfit", reason=wrong[0].text_en, field=wrong[0].field)
            return
        self.on_setting(setting)

    async def tick(self) -> None:
        """Look at all queues as they are now."""
        for pbx in self._pbxs:
            now_us = self._engine.pbx_now_us(pbx)
            for key, queue in self._engine.board(pbx).items():
                if key.startswith("queue:"):
                    await self._look(pbx, queue, now_us)

    async def _look(self, pbx: str, queue: Mapping[str, Any], now_us: int) -> None:
        name = queue["name"]
        measures = self._measured(pbx, queue, now_us)
        before = self.surges.get((pbx, name), Surge())
        surge = follow(before, measures, self.rules, name, now_us)
        if surge.level == before.level == 0 and (pbx, name) not in self.surges:
            return
        self.surges[pbx, name] = surge
        self._show(pbx, name, surge, measures)
        if surge.level != before.level:
            _log.warning("surge", pbx=pbx, queue=name, surge_level=surge.level, was=before.level)
            self._tell([self._changed(pbx, name, before.level, surge, measures, now_us)])
            await self._note(pbx, name, before, surge, measures)

    def _changed(
        self, pbx: str, name: str, was: int, surge: Surge, measures: Measures, now_us: int
    ) -> SurgeChanged:
        key = (pbx, name)
        if not was:
            self._began_us[key], self._folded[key] = now_us, 0
        told = SurgeChanged(
            pbx,
            now_us,
            name,
            surge.level,
            was,
            self._began_us[key],
            surge.reached,
            measures.waiting,
            measures.longest_wait_us,
            measures.service_level,
            self._folded[key],
        )
        if not surge.level:
            del self._began_us[key], self._folded[key]
        return told

    def _measured(self, pbx: str, queue: Mapping[str, Any], now_us: int) -> Measures:
        waiting = queue["waiting"]
        longest_us = 0
        if waiting:
            longest_us = max(now_us - round(waiting[0]["joined_at"] * 1_000_000), 0)
        level, judged = self._figures.service_level(pbx, queue["name"])
        return Measures(len(waiting), longest_us, level, judged)

    def _show(self, pbx: str, name: str, surge: Surge, measures: Measures) -> None:
        key = f"surge:{pbx}/{name}"
        value = {
            "kind": "surge",
            "pbx": pbx,
            "name": name,
            "level": surge.level,
            "since": surge.since_us / 1_000_000,
            "reached": list(surge.reached),
            "limits": next_limits(self.rules, name, surge.level),
            "folds": self._folds(surge.level),
        }
        # What it was measured by is told with the announcement, and needs no object every second.
        known = self._shown.get(key)
        if known is None or any(known[part] != value[part] for part in value):
            self._shown[key] = {**value, **_told(measures)}
            self._live.publish({key: self._shown[key]}, ())

    async def _note(
        self, pbx: str, name: str, before: Surge, surge: Surge, measures: Measures
    ) -> None:
        await self._audit.note(
            AuditEntry(
                at_us=self._wall_us(),
                who="system",
                action="surge",
                target=f"{pbx}/{name}",
                detail={
                    "level": surge.level,
                    "was": before.level,
                    "reached": list(surge.reached),
                    **_told(measures),
                },
            )
        )


def _told(measures: Measures) -> dict[str, Any]:
    return {
        "waiting": measures.waiting,
        "longest_wait_s": round(measures.longest_wait_us / 1_000_000, 1),
        "service_level": measures.service_level,
    }
