"""Faulty phones: reported by whoever sits there, mended by whoever leads there."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from agentd import clock
from agentd.core.people import Person
from agentd.errors import Refused
from agentd.ports.desk import Hints
from agentd.ports.presence import Fault
from agentd.presence_rules import PresenceStore, must

FAULT_CHARS = 1_000


class Faults:
    """``team_of`` (PBX, seat): the group of the seat."""

    def __init__(
        self, store: PresenceStore, hints: Hints, team_of: Callable[[str, str], str | None]
    ) -> None:
        self._store = store
        self._hints = hints
        self._team_of = team_of

    async def report(self, who: Person, pbx: str, seat: str, text: str) -> Fault:
        """A phone does not work. Raises :class:`Refused` for no words, or too many."""
        text = text.strip()
        if not text or len(text) > FAULT_CHARS:
            raise Refused(
                f"say what is wrong in 1 to {FAULT_CHARS} characters",
                code="invalid",
                field="text",
                text_zh=f"请用 1 至 {FAULT_CHARS} 个字说明故障",
            )
        now_us = clock.wall_us()
        fault = Fault(secrets.token_hex(8), pbx, seat, who.login, now_us, text)
        await self._store.put_fault(fault)
        self._hints.hint("inbox:")
        return fault

    async def open(self, who: Person) -> Sequence[Fault]:
        """Those that nobody has mended: of one's scope, else those that one has reported."""
        must(who, "desk", "shift")
        found = await self._store.faults(open_only=True)
        return [fault for fault in found if fault.by == who.login or self._leads(who, fault)]

    async def done(self, who: Person, fault_id: str) -> Fault:
        """It is mended."""
        must(who, "shift")
        found = await self._store.faults(open_only=False)
        fault = next((one for one in found if one.id == fault_id), None)
        if fault is None or not self._leads(who, fault):
            raise Refused("there is no such fault report", code="not_found", text_zh="没有这条故障")
        if fault.done_us is None:
            fault = replace(fault, done_by=who.login, done_us=clock.wall_us())
            await self._store.put_fault(fault)
            self._hints.hint("inbox:")
        return fault

    def _leads(self, who: Person, fault: Fault) -> bool:
        return who.may("shift") and who.in_scope(None, self._team_of(fault.pbx, fault.seat))
