"""Rows of what people do beside orders: appeals, shifts, sign-ins, accounts, audit, webhooks.

Each function runs inside a transaction that its caller holds. A row has the fields of its struct
(:mod:`agentd.ports.desk`) by name; lists and mappings are JSON text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Table, delete, select, text

from agentd import ticketing_schema as schema
from agentd import ticketing_tables as tables
from agentd.core.effects import RecordingSeen
from agentd.core.order_model import Change
from agentd.core.people import Person
from agentd.ports.accounts import Account, ApiToken, AuditEntry, Session
from agentd.ports.desk import Appeal, Duty, Handover, Recording, WebhookItem
from agentd.ports.presence import Fault, SignIn

S = TypeVar("S", bound=Struct)

_encode = msgspec.json.Encoder().encode


class Shelf(Generic[S]):
    """One table whose rows are the structs of one type."""

    def __init__(self, table: Table, struct: type[S], *, json: Sequence[str] = ()) -> None:
        """``json``: the fields that are lists or mappings."""
        self._struct = struct
        # SQLAlchemy's names are a kind of str that msgspec does not take for keys.
        self._names = tuple(str(column.name) for column in table.columns)
        self._json = frozenset(json)
        self._key = table.columns[self._names[0]]
        keys = tuple(column.name for column in table.primary_key)
        self._put = schema.insert_text(table, upsert_on=keys, without=())
        self.table = table

    def row(self, struct: S) -> tuple[Any, ...]:
        """The struct's row."""
        values = ((name, getattr(struct, name)) for name in self._names)
        return tuple(
            _encode(value).decode() if name in self._json else value for name, value in values
        )

    def of(self, row: Sequence[Any]) -> S:
        """The struct in a row."""
        values = dict(zip(self._names, row, strict=True))
        for name in self._json:
            values[name] = msgspec.json.decode(values[name])
        return msgspec.convert(values, self._struct)

    def put(self, connection: Connection, structs: Sequence[S]) -> None:
        """Add them; those with a known key replace what is there."""
        if structs:
            connection.exec_driver_sql(self._put, [self.row(struct) for struct in structs])

    def drop(self, connection: Connection, keys: Sequence[str]) -> None:
        """Take out rows by key."""
        if keys:
            connection.execute(delete(self.table).where(self._key.in_(keys)))

    def get(self, connection: Connection, key: str) -> S | None:
        """The row with this key."""
        found = self.all(connection, self._key == key)
        return found[0] if found else None

    def all(
        self,
        connection: Connection,
        *where: ColumnElement[bool],
        by: Sequence[ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> list[S]:
        """The rows that fit, in the order of ``by``, else of their keys."""
        query = select(self.table).where(*where).order_by(*by, self._key)
        return [self.of(row) for row in connection.execute(query.limit(limit))]


appeals = Shelf(tables.appeal, Appeal)
recordings = Shelf(tables.recording, Recording)
duties = Shelf(tables.duty, Duty)
handovers = Shelf(tables.handover, Handover, json=("open_orders",))
faults = Shelf(tables.fault, Fault)
sign_ins = Shelf(tables.sign_in, SignIn, json=("owed",))
sessions = Shelf(tables.session, Session)
tokens = Shelf(tables.token, ApiToken, json=("rights", "queues"))
webhooks = Shelf(tables.webhook, WebhookItem)

# --- accounts: a person and what belongs to the account ---------------------------------------

_PERSON = ("login", "name", "role", "queues", "teams", "member_names", "disabled")
_PUT_ACCOUNT = schema.insert_text(tables.account, upsert_on=("login",), without=())


def put_account(connection: Connection, account: Account) -> None:
    """Add an account, or replace the one of the same login."""
    p = account.person
    lists = (_encode(part).decode() for part in (p.queues, p.teams, p.member_names))
    row = (
        p.login, p.name, p.role, *lists, int(p.disabled), account.password_hash,
        account.created_us, _encode(account.settings).decode(),
    )  # fmt: skip
    connection.exec_driver_sql(_PUT_ACCOUNT, [row])


def all_accounts(connection: Connection) -> list[Account]:
    """Every account, by login."""
    found = connection.execute(select(tables.account).order_by(tables.account.c.login))
    return [_account_of(row) for row in found]


def _account_of(row: Any) -> Account:
    *person, password_hash, created_us, settings = row
    values = dict(zip(_PERSON, person, strict=True))
    for name in ("queues", "teams", "member_names"):
        values[name] = msgspec.json.decode(values[name])
    values["disabled"] = bool(values["disabled"])
    return Account(
        person=msgspec.convert(values, Person),
        password_hash=password_hash,
        created_us=created_us,
        settings=msgspec.json.decode(settings),
    )


# --- the audit log ---------------------------------------------------------------------------

_ADD_AUDIT = schema.insert_text(tables.audit)


def add_audit(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Write lines; their numbers are the log's own."""
    if entries:
        rows = [
            (e.at_us, e.who, e.action, e.target, e.address, _encode(e.detail).decode())
            for e in entries
        ]
        connection.exec_driver_sql(_ADD_AUDIT, rows)


def read_audit(
    connection: Connection,
    who: str | None,
    action: str | None,
    before_seq: int | None,
    limit: int,
) -> list[AuditEntry]:
    """The newest lines that fit, newest first."""
    line = tables.audit.c
    query = select(tables.audit).order_by(line.seq.desc()).limit(max(0, limit))
    if who is not None:
        query = query.where(line.who == who)
    if action is not None:
        query = query.where(line.action == action)
    if before_seq is not None:
        query = query.where(line.seq < before_seq)
    return [
        AuditEntry(
            at_us=at_us,
            who=by,
            action=what,
            target=target,
            address=address,
            detail=msgspec.json.decode(detail),
            seq=seq,
        )
        for seq, at_us, by, what, target, address, detail in connection.execute(query)
    ]


# --- orders: history and drafts --------------------------------------------------------------


def read_history(connection: Connection, order_id: str) -> list[Change]:
    """Every change of a document, oldest first."""
    line = tables.order_history.c
    query = (
        select(line.version, line.at_us, line.by, line.do, line.changed)
        .where(line.order_id == order_id)
        .order_by(line.version)
    )
    return [
        Change(
            order=order_id,
            version=version,
            at_us=at_us,
            by=by,
            do=do,
            changed=msgspec.json.decode(changed),
        )
        for version, at_us, by, do, changed in connection.execute(query)
    ]


_draft = tables.order_draft.c
_PUT_DRAFT = schema.insert_text(tables.order_draft, upsert_on=("order_id", "login"))


def read_draft(connection: Connection, order_id: str, login: str) -> Mapping[str, Any] | None:
    """What a person typed and did not save."""
    mine = _draft.order_id == order_id, _draft.login == login
    draft = connection.execute(select(_draft.draft).where(*mine)).scalar()
    return None if draft is None else dict(msgspec.json.decode(draft))


def put_draft(
    connection: Connection, order_id: str, login: str, draft: Mapping[str, Any] | None
) -> None:
    """Keep a draft, or forget it."""
    if draft is None:
        mine = _draft.order_id == order_id, _draft.login == login
        connection.execute(delete(tables.order_draft).where(*mine))
    else:
        row = (order_id, login, _encode(draft).decode())
        connection.exec_driver_sql(_PUT_DRAFT, [row])


# --- recordings ------------------------------------------------------------------------------

SEE_RECORDING = (
    "INSERT INTO recording (id, pbx, call, channel, file, started_us, ended_us) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
    "started_us = min(started_us, excluded.started_us), "
    "ended_us = coalesce(excluded.ended_us, ended_us)"
)
"""Begun or ended, whichever is told first."""


def recording_id(seen: RecordingSeen) -> str:
    """The same file of the same channel always has the same id, which does not tell its name."""
    name = f"{seen.pbx}\x00{seen.call}\x00{seen.channel}\x00{seen.file}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def recording_rows(seen: Iterable[RecordingSeen]) -> list[tuple[Any, ...]]:
    """Rows for :data:`SEE_RECORDING`."""
    return [
        (
            recording_id(e), e.pbx, e.call, e.channel, e.file, e.at_us,
            e.at_us if e.ended else None,
        )
        for e in seen
    ]  # fmt: skip


# --- violations: what is known of them only later --------------------------------------------

_QUEUE_IF_KNOWN = (
    "UPDATE violation SET queue = coalesce("
    "(SELECT o.queue FROM work_order o WHERE o.call = violation.call AND o.pbx = violation.pbx "
    "ORDER BY o.kind LIMIT 1), "
    "(SELECT l.queue FROM leg l WHERE l.call = violation.call AND l.leg = violation.leg "
    "AND l.pbx = violation.pbx)) WHERE queue IS NULL"
)
ALL_QUEUES_OF_VIOLATIONS = text(_QUEUE_IF_KNOWN)
"""Violations get the queue of their order or leg, as far as that is known."""
QUEUES_OF_VIOLATIONS = text(
    _QUEUE_IF_KNOWN + " AND id IN (SELECT value FROM json_each(:ids))"  # noqa: S608 - all ours
)
"""The same for some of them, by id."""
QUEUE_OF_LEG = (
    "UPDATE violation SET queue = ? WHERE call = ? AND leg = ? AND pbx = ? AND queue IS NULL"
)
"""A leg that is over says of which queue its violations were."""
_UNOWNED = (
    "owner IS NULL AND agent IS NOT NULL "
    "AND at_us > (SELECT max(at_us) FROM violation) - :recent_us"
)
UNOWNED = text(f"SELECT DISTINCT pbx, agent, seat FROM violation WHERE {_UNOWNED}")  # noqa: S608
"""Whose recent violations belong to no account."""
OWN = text(
    "UPDATE violation SET owner = :owner, team = coalesce(team, :team) "  # noqa: S608 - all ours
    f"WHERE pbx = :pbx AND agent = :agent AND seat IS :seat AND {_UNOWNED}"
)
