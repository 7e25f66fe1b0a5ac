"""The audit log's way to the database: lines are written in batches, in order."""

from __future__ import annotations

import structlog

from agentd.errors import AgentdError
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import DeskStore

WAITING_MAX = 5_000
"""While the disk refuses, so many lines are kept; then the oldest are lost, and that is told."""

_log = structlog.get_logger(__name__)


class AuditWriter:
    """Keeps lines until :meth:`flush` stores them."""

    def __init__(self, store: DeskStore) -> None:
        self._store = store
        self._waiting: list[AuditEntry] = []
        self._lost = 0

    def add(self, entry: AuditEntry) -> None:
        """Take a line; it waits for the next flush."""
        self._waiting.append(entry)
        self._bound()

    async def flush(self) -> None:
        """Store all that waits; what the disk refuses goes on waiting."""
        if not self._waiting:
            return
        entries, self._waiting = self._waiting, []
        try:
            await self._store.add_audit(entries)
        except AgentdError as error:
            _log.error("audit_not_stored", waiting=len(entries), reason=str(error))
            self._waiting = [*entries, *self._waiting]
            self._bound()
            return
        if self._lost:
            _log.error("audit_lines_lost", count=self._lost)
            self._lost = 0

    def _bound(self) -> None:
        over = len(self._waiting) - WAITING_MAX
        if over > 0:
            self._lost += over
            del self._waiting[:over]
