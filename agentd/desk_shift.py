"""The shift: who leads whom and when (the roster), and the handover to the next one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agentd.core import roster
from agentd.core.order_model import Missing, OrderState
from agentd.core.people import Person
from agentd.desk_scope import US, Around, checked_text, in_team, need, refuse
from agentd.errors import Refused
from agentd.ports.desk import Duty, Handover, OrderQuery

DUTY_MAX_US: Final = 48 * 3600 * US
AT_ONCE_MAX: Final = 5000
"""Lines of the roster in one change."""
HANDOVERS_SHOWN: Final = 50
OPEN_MAX: Final = 1000
"""Orders that a handover lists."""
_OPEN: Final[tuple[OrderState, ...]] = (
    "open",
    "returned",
    "forwarded",
    "dispatched",
    "answered",
    "told",
)
_FAR_US: Final = 1 << 62


class Shift:
    """Roster and handover."""

    def __init__(self, around: Around) -> None:
        self._around = around

    # --- the roster --------------------------------------------------------------------------

    async def on_duty(
        self, team: str | None, at_us: int
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(leaders, deputies) on duty for ``team`` at ``at_us`` of our clock, without those whose
        account is disabled."""
        duties = await self._around.store.duties(at_us, at_us + 1)
        return roster.on_duty((d for d in duties if self._works(d.login)), team, at_us)

    def _works(self, login: str) -> bool:
        person = self._around.directory.get(login)
        return person is not None and not person.disabled

    async def duties(self, who: Person, from_us: int, to_us: int) -> Sequence[Duty]:
        """The roster of the teams that ``who`` leads, between two moments of our clock."""
        need(who, "shift")
        duties = await self._around.store.duties(from_us, to_us)
        return [d for d in duties if not d.team or in_team(who, d.team)]

    async def put_duties(
        self, who: Person, put: Sequence[Duty], delete: Sequence[str]
    ) -> Sequence[Duty]:
        """Add (``id`` ""), change and take out lines, all or none; returns those put."""
        need(who, "shift")
        if len(put) + len(delete) > AT_ONCE_MAX:
            words = (f"一次最多 {AT_ONCE_MAX} 行。", f"At most {AT_ONCE_MAX} lines at once.")
            raise refuse("invalid", words, field="put")
        known = {d.id: d for d in await self._around.store.duties(0, _FAR_US)}
        for duty_id in {*delete, *(d.id for d in put if d.id)}:
            if duty_id not in known or not in_team(who, known[duty_id].team):
                words = (f"没有值班记录 {duty_id}。", f"There is no duty {duty_id}.")
                raise refuse("not_found", words)
        for n, duty in enumerate(put):
            self._check(who, duty, f"put.{n}")
        made = [replace(d, id=d.id or uuid.uuid4().hex) for d in put]
        await self._around.store.put_duties(made, list(delete))
        await self._around.note(
            who, "roster.put", "", put=[_plain(d) for d in made], delete=list(delete)
        )
        self._around.hints.hint("roster")
        return made

    def _check(self, who: Person, duty: Duty, path: str) -> None:
        """Raise :class:`Refused` unless ``duty`` can stand in the roster."""
        around = self._around
        person = around.directory.get(duty.login)
        if person is None or person.disabled:
            words = (f"没有工号“{duty.login}”。", f"There is no account “{duty.login}”.")
            raise refuse("invalid", words, field=f"{path}.login")
        if duty.team and around.book.teams and duty.team not in around.book.teams:
            words = (f"没有班组“{duty.team}”。", f"There is no team “{duty.team}”.")
            raise refuse("invalid", words, field=f"{path}.team")
        if not in_team(who, duty.team):
            words = ("不在您的班组范围内。", "That team is not yours.")
            raise refuse("forbidden", words, field=f"{path}.team")
        if not 0 < duty.to_us - duty.from_us <= DUTY_MAX_US:
            words = (
                "结束时间必须晚于开始时间,且不超过 48 小时。",
                "It must end after it begins, and within 48 hours.",
            )
            raise refuse("invalid", words, field=f"{path}.to")
        checked_text(duty.note, f"{path}.note", required=False)

    async def import_duties(self, who: Person, csv: str) -> Sequence[Duty]:
        """Read a roster file; all lines or none. Lines that stand in the roster already stay."""
        need(who, "shift")
        around = self._around
        people = [p for p in around.directory.all() if not p.disabled]
        lines, problems = roster.parse_roster(
            csv,
            utc_offset_s=around.book.calendar.utc_offset_s,
            logins=[p.login for p in people],
            teams=around.book.teams or None,
        )
        if problems:
            raise Refused(
                "\n".join(p.text_en for p in problems[:20]),
                code="invalid",
                text_zh="\n".join(p.text_zh for p in problems[:20]),
                missing=[
                    Missing(f"line.{p.line}", "invalid", p.text_zh, p.text_en) for p in problems
                ],
            )
        begin_us = min((line.from_us for line in lines), default=0)
        end_us = max((line.to_us for line in lines), default=0)
        known = {_key(d) for d in await around.store.duties(begin_us, end_us)}
        fresh = [
            Duty("", line.team, line.login, line.role, line.from_us, line.to_us, line.note)
            for line in lines
        ]
        return await self.put_duties(who, [d for d in fresh if _key(d) not in known], [])

    # --- the handover ------------------------------------------------------------------------

    async def hand_over(self, who: Person, team: str, log: str, to: str | None) -> Handover:
        """``who`` hands the shift of ``team`` over: the log, and what is open now."""
        around = self._around
        _need_to_lead(who)
        self._check_team(who, team)
        if to is not None:
            person = around.directory.get(to)
            if person is None or not _leads(person) or to == who.login:
                words = (
                    f"“{to}”不能接班,请选择另一位值班长。",
                    f"“{to}” cannot take over: choose another shift leader.",
                )
                raise refuse("invalid", words, field="to")
        handover = Handover(
            id=uuid.uuid4().hex,
            team=team,
            by=who.login,
            at_us=around.wall_us(),
            log=checked_text(log, "log", required=False),
            open_orders=tuple(await self._open_orders(who, team)),
            to=to,
        )
        await around.store.put_handover(handover)
        await around.note(who, "handover.give", handover.id, team=team, to=to)
        around.hints.hint("handover")
        return handover

    def _check_team(self, who: Person, team: str) -> None:
        teams = self._around.book.teams
        if team and teams and team not in teams:
            words = (f"没有班组“{team}”。", f"There is no team “{team}”.")
            raise refuse("invalid", words, field="team")
        if not in_team(who, team):
            words = ("不在您的班组范围内。", "That team is not yours.")
            raise refuse("forbidden", words, field="team")

    async def _open_orders(self, who: Person, team: str) -> list[str]:
        teams = (team,) if team else who.teams
        query = OrderQuery(states=_OPEN, queues=who.queues, teams=teams, sort="due", limit=200)
        found: list[str] = []
        async for orders in self._around.store.each_order(query):
            found += [order.id for order in orders]
            if len(found) >= OPEN_MAX:
                break
        return found[:OPEN_MAX]

    async def confirm_handover(self, who: Person, handover_id: str) -> Handover:
        """Somebody else than the giver takes it over."""
        around = self._around
        _need_to_lead(who)
        every = await around.store.handovers(None, _ALL)
        handover = next((h for h in every if h.id == handover_id), None)
        if handover is None or not in_team(who, handover.team):
            words = ("没有找到这条交接记录。", "There is no such handover.")
            raise refuse("not_found", words)
        if handover.by == who.login:
            words = ("交班人不能自己确认接班。", "The giver cannot be the taker.")
            raise refuse("forbidden", words)
        if handover.confirmed_by is not None:
            words = (
                f"已由 {handover.confirmed_by} 确认。",
                f"{handover.confirmed_by} has confirmed it already.",
            )
            raise refuse("wrong_state", words)
        taken = replace(handover, confirmed_by=who.login, confirmed_us=around.wall_us())
        await around.store.put_handover(taken)
        await around.note(who, "handover.take", handover_id, team=handover.team)
        around.hints.hint("handover")
        return taken

    async def handovers(self, who: Person, team: str | None) -> Sequence[Handover]:
        """The latest ones of the teams that ``who`` leads, newest first."""
        need(who, "shift")
        found = await self._around.store.handovers(team, HANDOVERS_SHOWN)
        return [h for h in found if not h.team or in_team(who, h.team)]


_ALL: Final = 1_000_000


def _leads(who: Person) -> bool:
    """Whether ``who`` can have a shift; an admin, who keeps the roster, cannot."""
    return who.may("shift") and who.may("orders.lead")


def _need_to_lead(who: Person) -> None:
    need(who, "shift")
    need(who, "orders.lead")


def _key(duty: Duty) -> tuple[str, str, str, int, int]:
    return duty.team, duty.login, duty.role, duty.from_us, duty.to_us


def _plain(duty: Duty) -> dict[str, object]:
    return {name: getattr(duty, name) for name in duty.__struct_fields__}
