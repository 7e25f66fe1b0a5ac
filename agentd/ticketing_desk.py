"""What people do, in the store: the methods of :class:`agentd.ports.desk.DeskStore`.

Every change is one piece of work for the writer; reading happens beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection, or_

from agentd import ticketing_people as people
from agentd import ticketing_search as search
from agentd import ticketing_tables as tables
from agentd.core.order_model import AnyCommand, Change, Done, OrderRefusal, WorkOrder
from agentd.core.people import Person
from agentd.core.phone import CHINA, NumberRules
from agentd.ports.accounts import Account, ApiToken, AuditEntry, Session
from agentd.ports.desk import (
    Appeal,
    CallPage,
    CallQuery,
    Duty,
    Handover,
    JudgedViolation,
    OrderPage,
    OrderQuery,
    OrderRules,
    Recording,
    ViolationPage,
    ViolationQuery,
    WebhookItem,
)
from agentd.ports.presence import Fault, SignIn
from agentd.ticketing_clock import move_clocks
from agentd.ticketing_documents import apply_command, now_of
from agentd.ticketing_jobs import Transaction, Work
from agentd.ticketing_messages import MessageMethods
from agentd.ticketing_people import Shelf

T = TypeVar("T")


class DeskMethods(MessageMethods, ABC):
    """The methods; how work is done and how is read is said by the store."""

    _rules: OrderRules | None

    @abstractmethod
    async def _do(self, do: Callable[[Transaction], T]) -> T:
        """Have the writer do it; what it returned, once it is committed."""

    @abstractmethod
    async def _read(self, question: Callable[[Connection], T]) -> T:
        """Ask what is committed."""

    @property
    def _numbers(self) -> NumberRules:
        return CHINA if self._rules is None else self._rules.book.numbers

    def _orders_by(self) -> OrderRules:
        if self._rules is None:
            raise RuntimeError("a store without rules keeps no documents of orders")
        return self._rules

    async def _put(self, shelf: Shelf[Any], structs: Sequence[Any]) -> None:
        if structs:
            await self._do(lambda t: shelf.put(t.connection, structs))

    # --- orders ----------------------------------------------------------------------------

    async def apply(
        self,
        order_id: str,
        command: AnyCommand,
        by: Person | None,
        now_us: int,
        *,
        expected: int | None = None,
    ) -> Done | OrderRefusal:
        """Do ``command`` (by None: the system) and what follows from it, in one transaction."""
        rules = self._orders_by()
        return await self._do(
            lambda t: apply_command(t, rules, order_id, command, by, now_us, expected=expected)
        )

    def apply_job(
        self, order_id: str, command: AnyCommand, by: Person | None
    ) -> tuple[Work[Done | OrderRefusal], Callable[[], Done | OrderRefusal]]:
        """(job for ``submit``, what tells its result once that batch is committed)."""
        rules = self._orders_by()

        def do(transaction: Transaction) -> Done | OrderRefusal:
            now_us = now_of(transaction.told, order_id)
            if now_us is None:
                # The engine had nothing to say of it: as late as anything that is known.
                held = search.order_named(transaction.connection, order_id)
                now_us = 0 if held is None else held.updated_us
            return apply_command(transaction, rules, order_id, command, by, now_us)

        job = Work(do)
        return job, job.result

    def clock_job(self, pbx: str, step_us: int, now_us: int) -> Work[None]:
        """Job for ``submit``: the clock of ``pbx`` was set by ``step_us`` and says ``now_us``; what
        its documents wait for comes after the same time as before."""
        rules = self._orders_by()
        return Work(lambda transaction: move_clocks(transaction, rules, pbx, step_us, now_us))

    async def order(self, order_id: str) -> WorkOrder | None:
        """The order with this id, as it stands."""
        return await self._read(lambda c: search.order_named(c, order_id))

    async def order_of_call(self, pbx: str, call: str) -> WorkOrder | None:
        """The order of a call."""
        return await self._read(lambda c: search.order_of_call(c, pbx, call))

    async def orders(self, query: OrderQuery) -> OrderPage:
        """One page. Raises :class:`~agentd.errors.Refused` for a cursor that is none."""
        return await self._read(lambda c: search.order_page(c, query, self._numbers))

    async def each_order(self, query: OrderQuery) -> AsyncIterator[Sequence[WorkOrder]]:
        """All that fit, in pieces."""
        query = replace(query, limit=search.LIMIT_MAX)
        while True:
            page = await self.orders(query)
            if page.items:
                yield page.items
            if page.next_cursor is None:
                return
            query = replace(query, cursor=page.next_cursor)

    async def history(self, order_id: str) -> Sequence[Change]:
        """Every change of an order, oldest first."""
        return await self._read(lambda c: people.read_history(c, order_id))

    async def waking(self) -> Sequence[tuple[int, str, str]]:
        """(wake_us, pbx, order id) of every order that waits for a time, soonest first."""
        return await self._read(search.waking)

    async def draft(self, order_id: str, login: str) -> Mapping[str, Any] | None:
        """What the person typed into the order and did not save."""
        return await self._read(lambda c: people.read_draft(c, order_id, login))

    async def put_draft(self, order_id: str, login: str, draft: Mapping[str, Any] | None) -> None:
        """Keep what the person typed; None forgets it."""
        await self._do(lambda t: people.put_draft(t.connection, order_id, login, draft))

    # --- calls, recordings, violations -----------------------------------------------------

    async def calls(self, query: CallQuery) -> CallPage:
        """One page of legs, latest first. Raises :class:`~agentd.errors.Refused` as above."""
        return await self._read(lambda c: search.call_page(c, query))

    async def recordings(self, pbx: str, call: str) -> Sequence[Recording]:
        """The files of a call, oldest first."""
        at = tables.recording.c
        return await self._read(
            lambda c: people.recordings.all(c, at.pbx == pbx, at.call == call, by=[at.started_us])
        )

    async def recording(self, recording_id: str) -> Recording | None:
        """The file with this id."""
        return await self._read(lambda c: people.recordings.get(c, recording_id))

    async def violations(self, query: ViolationQuery) -> ViolationPage:
        """One page, latest first. Raises :class:`~agentd.errors.Refused` as above."""
        return await self._read(lambda c: search.violation_page(c, query))

    async def violation(self, violation_id: str) -> JudgedViolation | None:
        """The violation with this id, and what became of it."""
        found = await self._read(lambda c: search.judged(c, [violation_id]))
        return found[0] if found else None

    async def put_appeals(self, appeals: Sequence[Appeal]) -> None:
        """Add new ones; an id that is known is replaced. All of them or none."""
        await self._put(people.appeals, appeals)

    # --- the shift -------------------------------------------------------------------------

    async def duties(self, from_us: int, to_us: int) -> Sequence[Duty]:
        """The lines of the roster that touch this time, oldest first."""
        at = tables.duty.c
        return await self._read(
            lambda c: people.duties.all(
                c, at.to_us > from_us, at.from_us < to_us, by=[at.from_us, at.team, at.role]
            )
        )

    async def put_duties(self, put: Sequence[Duty], delete: Sequence[str]) -> None:
        """Take out, then add or replace; all of it or nothing."""

        def do(transaction: Transaction) -> None:
            people.duties.drop(transaction.connection, delete)
            people.duties.put(transaction.connection, put)

        await self._do(do)

    async def handovers(self, team: str | None, limit: int) -> Sequence[Handover]:
        """The latest, newest first; of every team where ``team`` is None."""
        at = tables.handover.c
        where = [] if team is None else [at.team == team]
        return await self._read(
            lambda c: people.handovers.all(c, *where, by=[at.at_us.desc()], limit=max(0, limit))
        )

    async def put_handover(self, handover: Handover) -> None:
        """Add it, or replace the one with its id."""
        await self._put(people.handovers, [handover])

    async def faults(self, *, open_only: bool) -> Sequence[Fault]:
        """Reported phones, newest first."""
        at = tables.fault.c
        where = [at.done_us.is_(None)] if open_only else []
        return await self._read(lambda c: people.faults.all(c, *where, by=[at.at_us.desc()]))

    async def put_fault(self, fault: Fault) -> None:
        """Add it, or replace the one with its id."""
        await self._put(people.faults, [fault])

    async def sign_ins(
        self, *, login: str | None = None, open_only: bool = False, from_us: int | None = None
    ) -> Sequence[SignIn]:
        """Who sat where, oldest first. ``from_us``: not what was over before."""
        at = tables.sign_in.c
        where = []
        if login is not None:
            where.append(at.login == login)
        if open_only:
            where.append(at.to_us.is_(None))
        if from_us is not None:
            where.append(or_(at.to_us.is_(None), at.to_us > from_us))
        return await self._read(lambda c: people.sign_ins.all(c, *where, by=[at.from_us]))

    async def put_sign_ins(self, sign_ins: Sequence[SignIn]) -> None:
        """Add or replace; all of them or none."""
        await self._put(people.sign_ins, sign_ins)

    def sign_ins_job(self, sign_ins: Sequence[SignIn]) -> tuple[Work[None], Callable[[], None]]:
        """The same as a job for ``submit``: stored with what the engine does about them."""
        job = Work(lambda t: people.sign_ins.put(t.connection, sign_ins))
        return job, job.result

    # --- accounts --------------------------------------------------------------------------

    async def accounts(self) -> Sequence[Account]:
        """Every account, by login."""
        return await self._read(people.all_accounts)

    async def put_accounts(
        self,
        changes: Sequence[tuple[Account, AuditEntry]],
        *,
        end_sessions_of: Sequence[str] = (),
    ) -> None:
        """Add accounts, or replace those of the same logins, together with their lines in the
        audit log and the end of all sessions of ``end_sessions_of``."""

        def do(transaction: Transaction) -> None:
            for account, _ in changes:
                people.put_account(transaction.connection, account)
            people.add_audit(transaction.connection, [entry for _, entry in changes])
            for login in end_sessions_of:
                mine = tables.session.c.login == login
                transaction.connection.execute(tables.session.delete().where(mine))

        await self._do(do)

    async def sessions(self, login: str | None = None) -> Sequence[Session]:
        """Every session, or those of one person."""
        where = [] if login is None else [tables.session.c.login == login]
        return await self._read(lambda c: people.sessions.all(c, *where))

    async def session(self, session_id: str) -> Session | None:
        """The session with this id."""
        return await self._read(lambda c: people.sessions.get(c, session_id))

    async def put_session(self, session: Session) -> None:
        """Add it, or replace the one with its id."""
        await self._put(people.sessions, [session])

    async def end_sessions(self, *, ids: Sequence[str] = (), login: str | None = None) -> None:
        """Forget these sessions, and all of ``login``'s."""

        def do(transaction: Transaction) -> None:
            people.sessions.drop(transaction.connection, ids)
            if login is not None:
                mine = tables.session.c.login == login
                transaction.connection.execute(tables.session.delete().where(mine))

        await self._do(do)

    async def tokens(self) -> Sequence[ApiToken]:
        """Every key of a machine, revoked ones too, oldest first."""
        at = tables.token.c
        return await self._read(lambda c: people.tokens.all(c, by=[at.created_us]))

    async def put_token(self, token: ApiToken, audit: AuditEntry) -> None:
        """Add it, or replace the one with its id, together with its line in the audit log."""

        def do(transaction: Transaction) -> None:
            people.tokens.put(transaction.connection, [token])
            people.add_audit(transaction.connection, [audit])

        await self._do(do)

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Write lines into the audit log, in this order; their ``seq`` is the log's."""
        if entries:
            await self._do(lambda t: people.add_audit(t.connection, entries))

    async def audit(
        self,
        *,
        who: str | None = None,
        action: str | None = None,
        before_seq: int | None = None,
        limit: int = 100,
    ) -> Sequence[AuditEntry]:
        """The newest lines that fit, newest first."""
        return await self._read(lambda c: people.read_audit(c, who, action, before_seq, limit))

    # --- webhooks --------------------------------------------------------------------------

    async def put_webhooks(self, put: Sequence[WebhookItem], done: Sequence[str] = ()) -> None:
        """Add or replace deliveries, and forget those that are done with."""

        def do(transaction: Transaction) -> None:
            people.webhooks.drop(transaction.connection, done)
            people.webhooks.put(transaction.connection, put)

        await self._do(do)

    async def webhooks(self) -> Sequence[WebhookItem]:
        """Every delivery that is under way, oldest first."""
        return await self._read(lambda c: people.webhooks.all(c, by=[tables.webhook.c.created_us]))
