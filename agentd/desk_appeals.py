"""Violations and what is said against them: appeals, R3's exceptions, incident windows.

Nothing is ever taken away: an appeal that was decided stays, the violation too, and ``standing``
says which of them counts. Nobody decides about oneself.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agentd.core.effects import Violation
from agentd.core.order_model import Change, Exemption, WorkOrder
from agentd.core.order_words import EXCEPTION_WORDS
from agentd.core.people import Person
from agentd.desk_scope import (
    US,
    Around,
    checked_text,
    is_about,
    names_of,
    need,
    refuse,
    scoped,
    sees_violation,
)
from agentd.errors import Refused
from agentd.ports.desk import Appeal, JudgedViolation, ViolationPage, ViolationQuery

DAY_US: Final = 86_400 * US
WINDOW_MAX_US: Final = 7 * DAY_US
AT_ONCE_MAX: Final = 500
"""Violations in one decision."""
LOOK_BACK_US: Final = 2 * DAY_US
"""How far back a restart looks for exceptions that it has not brought to their violations."""
_PAGE: Final = 200


class Appeals:
    """Violations as people see them, and everything that changes whether they stand."""

    def __init__(self, around: Around) -> None:
        self._around = around
        # Two leaders who decide at once: the second is told what the first decided.
        self._deciding = asyncio.Lock()

    # --- reading -----------------------------------------------------------------------------

    async def violations(self, who: Person, query: ViolationQuery) -> ViolationPage:
        """Those of ``who``, and those of the scope for whoever may read them. A login among
        ``agents`` stands for all names of that person."""
        around = self._around
        mine = names_of(who, around.directory)
        asked: list[str] = []
        for name in query.agents:
            person = around.directory.get(name)
            asked += [name] if person is None else names_of(person, around.directory)
        narrowed: ViolationQuery | None = replace(query, agents=tuple(dict.fromkeys(asked)))
        if asked and set(asked) <= set(mine):
            pass
        elif who.may("violations.read"):
            assert narrowed is not None
            narrowed = scoped(narrowed, who)
        elif asked:
            narrowed = None
        else:
            narrowed = replace(query, agents=mine)
        if narrowed is None or who.disabled:
            return ViolationPage((), None)
        page = await around.store.violations(narrowed)
        seen = tuple(j for j in page.items if sees_violation(j, who, around.directory))
        return replace(page, items=seen)

    async def _visible(self, who: Person, violation_id: str) -> JudgedViolation:
        judged = await self._around.store.violation(violation_id)
        if judged is None or not sees_violation(judged, who, self._around.directory):
            words = ("没有找到这条违规记录。", "There is no such violation.")
            raise refuse("not_found", words)
        return judged

    # --- the person concerned ----------------------------------------------------------------

    async def appeal(self, who: Person, violation_id: str, reason: str) -> JudgedViolation:
        """``who`` is the person concerned and says why the violation should not stand."""
        around = self._around
        async with self._deciding:
            judged = await self._visible(who, violation_id)
            if not is_about(judged, who, around.directory):
                words = ("只有本人可以申诉。", "Only the person concerned can appeal.")
                raise refuse("forbidden", words)
            now_us = around.engine.pbx_now_us(judged.violation.pbx)
            self._check_appeal(judged, now_us)
            made = Appeal(
                id=uuid.uuid4().hex,
                violation=violation_id,
                by=who.login,
                at_us=now_us,
                reason=checked_text(reason, "reason"),
            )
            await self._put([made])
        await around.note(who, "appeal.add", violation_id, appeal=made.id)
        self._hint([judged])
        return await self._again(violation_id)

    def _check_appeal(self, judged: JudgedViolation, now_us: int) -> None:
        if not judged.standing:
            words = ("这条违规已被撤销,无需申诉。", "This violation does not stand any more.")
            raise refuse("wrong_state", words)
        if any(a.status == "pending" for a in judged.appeals):
            words = ("已有待处理的申诉。", "An appeal waits to be decided already.")
            raise refuse("wrong_state", words)
        if any(a.status == "refused" and a.kind == "appeal" for a in judged.appeals):
            words = ("申诉已被驳回,不能再次申诉。", "The appeal was refused; that is final.")
            raise refuse("wrong_state", words)
        days = self._around.book.appeal_days
        if now_us - judged.violation.at_us > days * DAY_US:
            words = (
                f"已超过 {days} 天的申诉期限。",
                f"It can be appealed within {days} days only.",
            )
            raise refuse("wrong_state", words)

    # --- who decides -------------------------------------------------------------------------

    async def decide(
        self, who: Person, violation_ids: Sequence[str], *, grant: bool, reason: str
    ) -> Sequence[JudgedViolation]:
        """Grant or refuse what waits against these violations: all of them or none."""
        around = self._around
        need(who, "appeals.decide")
        ids = list(dict.fromkeys(violation_ids))
        if not ids or len(ids) > AT_ONCE_MAX:
            words = (f"请选择 1 至 {AT_ONCE_MAX} 条。", f"Choose 1 to {AT_ONCE_MAX} of them.")
            raise refuse("invalid", words, field="violations")
        reason = checked_text(reason, "reason", required=not grant)
        async with self._deciding:
            batch = uuid.uuid4().hex if len(ids) > 1 else None
            decided: list[Appeal] = []
            about: list[JudgedViolation] = []
            for violation_id in ids:
                judged = await self._visible(who, violation_id)
                self._check_decider(judged, who)
                pending = [a for a in judged.appeals if a.status == "pending"]
                if not pending:
                    words = (
                        f"{violation_id} 没有待处理的申诉(可能已由他人处理)。",
                        f"No appeal against {violation_id} waits; somebody may have been quicker.",
                    )
                    raise refuse("wrong_state", words)
                about.append(judged)
                decided += [self._decided(a, judged, who, reason, batch, grant) for a in pending]
            await self._put(decided)
        for judged in about:
            await around.note(
                who, "appeal.decide", judged.violation.id, grant=grant, reason=reason, batch=batch
            )
        self._hint(about)
        return [await self._again(violation_id) for violation_id in ids]

    def _check_decider(self, judged: JudgedViolation, who: Person) -> None:
        if is_about(judged, who, self._around.directory):
            words = ("不能处理自己的申诉。", "Nobody decides about oneself.")
            raise refuse("forbidden", words)

    def _decided(
        self,
        appeal: Appeal,
        judged: JudgedViolation,
        who: Person,
        reason: str,
        batch: str | None,
        grant: bool,
    ) -> Appeal:
        return replace(
            appeal,
            status="granted" if grant else "refused",
            decided_by=who.login,
            decided_us=self._around.engine.pbx_now_us(judged.violation.pbx),
            decision=reason,
            batch=batch,
        )

    async def excuse_window(
        self, who: Person, query: ViolationQuery, reason: str
    ) -> Sequence[JudgedViolation]:
        """An incident: every standing violation of a window is excused at once, except those of
        ``who``. The window has a beginning and an end."""
        around = self._around
        need(who, "appeals.decide")
        reason = checked_text(reason, "reason")
        begin_us, end_us = query.from_us, query.to_us
        if begin_us is None or end_us is None or not 0 < end_us - begin_us <= WINDOW_MAX_US:
            words = (
                "请给出不超过 7 天的起止时间。",
                "Give a beginning and an end, 7 days apart at most.",
            )
            raise refuse("invalid", words, field="from")
        narrowed = scoped(query, who)
        if narrowed is None:
            return ()
        async with self._deciding:
            found = await self._all(replace(narrowed, standing=True))
            about = [j for j in found if not is_about(j, who, around.directory)]
            batch = uuid.uuid4().hex
            put: list[Appeal] = []
            for judged in about:
                pending = [a for a in judged.appeals if a.status == "pending"]
                put += [self._decided(a, judged, who, reason, batch, True) for a in pending]
                if not pending:
                    put.append(self._incident(judged, who, reason, batch))
            await self._put(put)
        await around.note(
            who, "appeal.window", "", count=len(about), batch=batch, reason=reason,
            from_us=begin_us, to_us=end_us, pbx=query.pbx, rule=query.rule,
        )  # fmt: skip
        self._hint(about)
        return [await self._again(judged.violation.id) for judged in about]

    def _incident(self, judged: JudgedViolation, who: Person, reason: str, batch: str) -> Appeal:
        now_us = self._around.engine.pbx_now_us(judged.violation.pbx)
        return Appeal(
            id=uuid.uuid4().hex,
            violation=judged.violation.id,
            by=who.login,
            at_us=now_us,
            reason=reason,
            kind="incident",
            status="granted",
            decided_by=who.login,
            decided_us=now_us,
            decision=reason,
            batch=batch,
        )

    async def _all(self, query: ViolationQuery) -> list[JudgedViolation]:
        found: list[JudgedViolation] = []
        query = replace(query, limit=_PAGE, cursor=None)
        while True:
            page = await self._around.store.violations(query)
            found += page.items
            if page.next_cursor is None:
                return found
            query = replace(query, cursor=page.next_cursor)

    async def _again(self, violation_id: str) -> JudgedViolation:
        judged = await self._around.store.violation(violation_id)
        if judged is None:
            raise Refused(f"violation {violation_id} is gone", code="not_found")
        return judged

    async def _put(self, appeals: Sequence[Appeal]) -> None:
        await self._around.store.put_appeals(appeals)
        for told in self._around.judged:
            told(dict.fromkeys(appeal.violation for appeal in appeals))

    def _hint(self, about: Sequence[JudgedViolation]) -> None:
        topics: dict[str, None] = {}
        for judged in about:
            if judged.owner is not None:
                topics[f"violations:{judged.owner}"] = None
            topics[f"inbox:{judged.team or ''}"] = None
        if topics:
            self._around.hints.hint(*topics)

    # --- R3's exceptions ---------------------------------------------------------------------

    async def on_exemption(self, order: WorkOrder, change: Change) -> None:
        """The exception of an order was given, changed or taken back."""
        if order.exemption is None:
            await self._withdraw(order, change.by)
        else:
            await self._withdraw(order, change.by, unless=order.exemption)
            await self._except(order)

    async def on_violation(self, violation: Violation) -> None:
        """A violation is in the store; its order may have an exception already."""
        if violation.rule != "hangup_order" or violation.call is None:
            return
        order = await self._around.store.order_of_call(violation.pbx, violation.call)
        if order is not None and order.exemption is not None:
            await self._except(order)

    async def catch_up(self) -> None:
        """What a crash may have kept from being done: bring exceptions to their violations."""
        for pbx in self._around.pbxs:
            from_us = self._around.engine.pbx_now_us(pbx) - LOOK_BACK_US
            query = ViolationQuery(pbx=pbx, rule="hangup_order", standing=True, from_us=from_us)
            for judged in await self._all(query):
                await self.on_violation(judged.violation)

    async def _except(self, order: WorkOrder) -> None:
        exemption = order.exemption
        assert exemption is not None
        async with self._deciding:
            put: list[Appeal] = []
            about: list[JudgedViolation] = []
            for judged in await self._of_call(order):
                made = self._exception(judged, exemption)
                known = any(a.id == made.id for a in judged.appeals)
                # What a leader says of a call is true of whoever had it; the owner speaks for
                # nobody else.
                by = self._around.directory.get(exemption.by)
                led = by is not None and by.may("orders.lead") and by.login != order.owner
                concerned = led or judged.owner in (order.owner, exemption.by)
                if judged.standing and concerned and not known:
                    put.append(made)
                    about.append(judged)
            if put:
                await self._put(put)
        self._hint(about)

    async def _of_call(self, order: WorkOrder) -> list[JudgedViolation]:
        query = ViolationQuery(pbx=order.pbx, call=order.call, rule="hangup_order")
        return await self._all(query)

    def _exception(self, judged: JudgedViolation, exemption: Exemption) -> Appeal:
        granted = exemption.kind in self._around.book.pre_approved
        zh, en = EXCEPTION_WORDS[exemption.kind]
        now_us = self._around.engine.pbx_now_us(judged.violation.pbx)
        return Appeal(
            # The same exception of the same violation is one, in whatever order they came.
            id=f"{judged.violation.id}-exception-{exemption.at_us}",
            violation=judged.violation.id,
            by=exemption.by,
            at_us=now_us,
            reason=f"{zh} / {en}",
            kind="exception",
            exception=exemption.kind,
            status="granted" if granted else "pending",
            decided_us=now_us if granted else None,
        )

    async def _withdraw(
        self, order: WorkOrder, by: str | None, *, unless: Exemption | None = None
    ) -> None:
        """What nobody but the configuration decided goes with the exception that it rested on."""
        async with self._deciding:
            put: list[Appeal] = []
            about: list[JudgedViolation] = []
            for judged in await self._of_call(order):
                kept = unless and f"{judged.violation.id}-exception-{unless.at_us}"
                for appeal in judged.appeals:
                    undecided = appeal.status == "pending" or (
                        appeal.status == "granted" and appeal.decided_by is None
                    )
                    if appeal.kind == "exception" and undecided and appeal.id != kept:
                        now_us = self._around.engine.pbx_now_us(order.pbx)
                        put.append(
                            replace(appeal, status="withdrawn", decided_by=by, decided_us=now_us)
                        )
                        about.append(judged)
            if put:
                await self._put(put)
        self._hint(about)
