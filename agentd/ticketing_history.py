"""History in the store: the methods of :class:`agentd.ports.history.HistoryStore`."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, func, select

from agentd import ticketing_history_alerts as alerts
from agentd import ticketing_history_calls as calls
from agentd import ticketing_history_days as days
from agentd import ticketing_history_facts as facts
from agentd import ticketing_history_purge as purge
from agentd import ticketing_history_tables as history
from agentd import ticketing_people as people
from agentd.core.phone import CHINA, NumberRules
from agentd.errors import Refused
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import OrderRules
from agentd.ports.history import (
    AlertLoad,
    AlertSearch,
    AlertsPage,
    BoardSetting,
    CallFound,
    CallSearch,
    CallsPage,
    CallStory,
    Fact,
    Gap,
    IntervalRow,
    NotedAlert,
    QueueDay,
    SeatSpan,
    VisitSearch,
    VisitsPage,
)
from agentd.ports.retention import LegalHold, Purged, RetentionPolicy
from agentd.ticketing_history_writing import list_older, put_heard
from agentd.ticketing_jobs import Transaction
from agentd.ticketing_schema import META_NAMED, PUT_META, insert_text

REST_S: Final = 0.02
"""Between two pieces of a purge: whoever waits for the disk goes first."""

_RETAINED = "retained_us"
"""Key in ``meta``: when retention was last done."""

T = TypeVar("T")

_interval, _setting = history.metric_interval.c, history.board_setting.c
_PUT_INTERVAL = insert_text(
    history.metric_interval, upsert_on=("kind", "name", "at_us"), without=()
)
_ADD_SETTING = insert_text(history.board_setting, without=())
_encode = msgspec.json.Encoder().encode


class HistoryMethods(ABC):
    """The methods; how work is done and how is read is said by the store."""

    _rules: OrderRules | None

    @abstractmethod
    async def _do(self, do: Callable[[Transaction], T]) -> T:
        """Have the writer do it; what it returned, once it is committed."""

    @abstractmethod
    async def _read(self, question: Callable[[Connection], T]) -> T:
        """Ask what is committed."""

    @property
    def _norms(self) -> NumberRules:
        return CHINA if self._rules is None else self._rules.book.numbers

    # --- facts -----------------------------------------------------------------------------

    async def facts(
        self, from_us: int, to_us: int, pbx: str | None = None
    ) -> AsyncIterator[Sequence[Fact]]:
        """What counts within this time, in pieces, in order (see the seam)."""
        first = await self._read(lambda c: facts.facts_before(c, from_us, pbx))
        if first:
            yield first
        step_us = facts.STEP_MIN_US
        while from_us < to_us:
            until_us = min(from_us + step_us, to_us)
            piece = await self._piece_of_facts(from_us, until_us, pbx)
            if piece:
                yield piece
            from_us = until_us
            # Quiet nights go by in few questions, and busy hours in small ones.
            if 2 * len(piece) < facts.PIECE:
                step_us = min(2 * step_us, facts.STEP_MAX_US)
            elif len(piece) > facts.PIECE:
                step_us = max(step_us // 2, facts.STEP_MIN_US)

    async def _piece_of_facts(self, from_us: int, to_us: int, pbx: str | None) -> list[Fact]:
        return await self._read(lambda c: facts.facts_within(c, from_us, to_us, pbx))

    async def heard(self, heard_us: Mapping[str, int]) -> None:
        """Each of these PBXs was heard up to then."""
        if heard_us:
            await self._do(lambda t: put_heard(t.connection, heard_us))

    async def gaps(self, from_us: int, to_us: int, pbx: str | None = None) -> Sequence[Gap]:
        """When nothing was heard, the earliest first."""
        return await self._read(lambda c: days.read_gaps(c, from_us, to_us, pbx))

    async def unheard(self, from_us: int, to_us: int, pbx: str | None = None) -> Sequence[Gap]:
        """The gaps, and what lies before the first that was heard of each PBX."""
        return await self._read(lambda c: days.read_unheard(c, from_us, to_us, pbx))

    # --- calls -----------------------------------------------------------------------------

    async def list_older_calls(self) -> None:
        """Have the calls found that an older agentd stored; done by whoever looks after the
        history, once after the start, in small transactions."""
        more = True
        while more:
            more = await self._do(lambda t: list_older(t, self._rules))
            await asyncio.sleep(REST_S if more else 0)

    async def search_calls(self, query: CallSearch) -> CallsPage:
        """One page, latest first. Raises :class:`Refused` for a cursor that is none."""
        return await self._read(lambda c: calls.call_page(c, query, self._norms))

    async def calls_named(self, wanted: Sequence[tuple[str, str]]) -> Sequence[CallFound]:
        """The calls of these (pbx, call), in this order; unknown ones are left out."""
        return await self._read(lambda c: calls.calls_named(c, wanted))

    async def call_story(self, pbx: str, call: str) -> CallStory | None:
        """Everything that is kept of a call."""
        return await self._read(lambda c: calls.call_story(c, pbx, call, self._norms))

    # --- spans and days --------------------------------------------------------------------

    async def seat_spans(self, pbx: str, seat: str, from_us: int, to_us: int) -> Sequence[SeatSpan]:
        """A seat's states in order, cut to the time, gaps among them."""
        return await self._read(lambda c: days.read_seat_spans(c, pbx, seat, from_us, to_us))

    async def person_spans(
        self, agents: Sequence[str], from_us: int, to_us: int
    ) -> Sequence[SeatSpan]:
        """Where somebody of these names was, in order, cut to the time, gaps among them."""
        return await self._read(lambda c: days.read_person_spans(c, agents, from_us, to_us))

    async def queue_day(
        self, queue: str, from_us: int, to_us: int, pbx: str | None = None
    ) -> QueueDay:
        """A queue's quarters of an hour, counted from the stays in it."""
        return await self._read(lambda c: days.read_queue_day(c, queue, from_us, to_us, pbx))

    async def visits(self, query: VisitSearch) -> VisitsPage:
        """One page of stays, the latest to join first. Raises :class:`Refused` as above."""
        return await self._read(lambda c: days.visit_page(c, query))

    # --- alerts ----------------------------------------------------------------------------

    async def search_alerts(self, query: AlertSearch) -> AlertsPage:
        """One page, latest first. Raises :class:`Refused` as above."""
        return await self._read(lambda c: alerts.alert_page(c, query))

    async def stored_alert(self, alert: str) -> NotedAlert | None:
        """The alert with this id."""
        return await self._read(lambda c: alerts.alert_named(c, alert))

    async def note_alert(self, alert: str, by: str, at_us: int, note: str = "") -> NotedAlert:
        """Acknowledge it, or say more. Raises :class:`Refused` (``not_found``)."""
        return await self._do(lambda t: alerts.note_alert(t.connection, alert, by, at_us, note))

    async def alert_load(self, from_us: int, to_us: int) -> Sequence[AlertLoad]:
        """How many alerts of each kind each seat had."""
        return await self._read(lambda c: alerts.alert_load(c, from_us, to_us))

    # --- intervals and settings ------------------------------------------------------------

    async def put_intervals(self, rows: Sequence[IntervalRow]) -> None:
        """Add them, or replace those of the same scope and time."""
        values = [
            (row.kind, row.name, row.at_us, _encode(row.sums).decode(), int(row.gap))
            for row in rows
        ]

        def do(transaction: Transaction) -> None:
            transaction.connection.exec_driver_sql(_PUT_INTERVAL, values)

        if values:
            await self._do(do)

    async def intervals(
        self, kind: str, name: str | None, from_us: int, to_us: int
    ) -> Sequence[IntervalRow]:
        """By time, then name; ``name`` None: every scope of the kind."""
        where = [_interval.kind == kind, _interval.at_us >= from_us, _interval.at_us < to_us]
        if name is not None:
            where.append(_interval.name == name)
        query = (
            select(history.metric_interval).where(*where).order_by(_interval.at_us, _interval.name)
        )

        def ask(connection: Connection) -> list[IntervalRow]:
            return [
                IntervalRow(
                    row.kind, row.name, row.at_us, msgspec.json.decode(row.sums), bool(row.gap)
                )
                for row in connection.execute(query)
            ]

        return await self._read(ask)

    async def setting(self, key: str) -> BoardSetting | None:
        """The newest version of a setting."""
        return await self._read(lambda c: _read_setting(c, key))

    async def settings(self) -> Sequence[BoardSetting]:
        """The newest version of each, by key."""
        newest = select(_setting.key, func.max(_setting.version)).group_by(_setting.key)

        def ask(connection: Connection) -> list[BoardSetting]:
            found = (_read_setting(connection, key) for key, _ in connection.execute(newest).all())
            return sorted(
                (setting for setting in found if setting is not None), key=lambda s: s.key
            )

        return await self._read(ask)

    async def put_setting(
        self, key: str, value: Any, expected: int | None, by: str, at_us: int
    ) -> BoardSetting:
        """A new version. Raises :class:`Refused` (``conflict``) unless ``expected`` is the one
        that stands."""

        def do(transaction: Transaction) -> BoardSetting:
            stands = _read_setting(transaction.connection, key)
            version = 0 if stands is None else stands.version
            if expected is not None and expected != version:
                raise Refused(
                    f"This setting was changed meanwhile (version {version}): look at it, and "
                    "change it again.",
                    code="conflict",
                    text_zh=f"该设置已被修改（版本 {version}），请查看后重新修改。",
                )
            row = (key, version + 1, _encode(value).decode(), by, at_us)
            transaction.connection.exec_driver_sql(_ADD_SETTING, row)
            return BoardSetting(key, value, version + 1, by, at_us)

        return await self._do(do)

    # --- retention -------------------------------------------------------------------------

    async def put_hold(self, hold: LegalHold, audit: AuditEntry) -> None:
        """Add it, or replace the one with its id, with its line in the audit log."""

        def do(transaction: Transaction) -> None:
            purge.put_hold(transaction.connection, hold)
            people.add_audit(transaction.connection, [audit])

        await self._do(do)

    async def holds(self, *, open_only: bool = False) -> Sequence[LegalHold]:
        """The newest first."""
        return await self._read(lambda c: purge.read_holds(c, open_only=open_only))

    async def retain(
        self, policy: RetentionPolicy, now_us: int, *, by: str = "policy", dry: bool = False
    ) -> Sequence[Purged]:
        """Remove what is too old, in small transactions (see the seam)."""
        run = secrets.token_hex(8)
        done = []
        for kind in purge.SOURCES:
            kept_days = policy.days(kind)
            if kept_days is None:
                continue
            line = Purged(run, now_us, kind, now_us - kept_days * purge.DAY_US, 0, 0, by)
            for source in purge.SOURCES[kind]:
                line = await self._purge(source, line, dry=dry)
            if line.rows or line.held:
                done.append(line)
        if not dry:
            await self._do(
                lambda t: t.connection.exec_driver_sql(PUT_META, [(_RETAINED, str(now_us))]).close()
            )
        return done

    async def retained_us(self) -> int | None:
        """When :meth:`retain` was last done, whole."""
        said = await self._read(lambda c: c.execute(META_NAMED, {"key": _RETAINED}).scalar())
        return None if said is None else int(said)

    async def _purge(self, source: purge.Source, line: Purged, *, dry: bool) -> Purged:
        """Do one table, piece by piece; the line with what was done added."""
        place = await self._read(lambda c: purge.begin_after(c, line.kind, source))
        after: tuple[Any, ...] | None = place
        while after is not None:
            piece = await self._purge_piece(source, line, after, dry=dry)
            rows, held = line.rows + piece.rows, line.held + piece.held
            line = msgspec.structs.replace(line, rows=rows, held=held)
            after = piece.after
            if after is not None:
                await asyncio.sleep(0 if dry else REST_S)
        return line

    async def _purge_piece(
        self, source: purge.Source, line: Purged, after: tuple[Any, ...], *, dry: bool
    ) -> purge.Piece:
        norms = self._norms

        def piece(connection: Connection) -> purge.Piece:
            return purge.purge_piece(connection, line.kind, source, line, after, norms, dry=dry)

        if dry:
            return await self._read(piece)
        return await self._do(lambda t: piece(t.connection))

    async def purges(self, limit: int = 100, before_us: int | None = None) -> Sequence[Purged]:
        """The purge log, the newest first."""
        return await self._read(lambda c: purge.read_purges(c, limit, before_us))


def _read_setting(connection: Connection, key: str) -> BoardSetting | None:
    row = connection.execute(
        select(history.board_setting)
        .where(_setting.key == key)
        .order_by(_setting.version.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return BoardSetting(row.key, msgspec.json.decode(row.value), row.version, row.by, row.at_us)
