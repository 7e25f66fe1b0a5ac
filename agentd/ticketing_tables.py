"""The store's tables of what people do: documents of orders, appeals, shifts, accounts, audit.

They stand beside those of :mod:`agentd.ticketing_schema`, STRICT as well. A document is JSON in
``order_document``; ``order_listed`` holds, in one narrow row for each, everything that lists are
narrowed and ordered by, so that a list never reads documents that it does not show. Times are
microseconds since the epoch, lists and mappings JSON text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, event, text

from agentd.ticketing_history_tables import TRIGGERS
from agentd.ticketing_schema import metadata


def _text(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _int(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=null)


def _id(name: str = "id") -> Column[Any]:
    return Column(name, Text, primary_key=True, nullable=False)


def _seq(name: str = "seq") -> Column[Any]:
    return Column(name, Integer, primary_key=True, nullable=False)


# --- orders ----------------------------------------------------------------------------------

order_document = Table(
    "order_document",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    _text("pbx"),
    _text("kind"),
    _text("call"),
    _int("version"),
    _text("doc"),
    Index("order_document_by_call", "call", "pbx"),
    sqlite_strict=True,
)
"""One row per order: the whole document as JSON."""

NO_DUE_US = 1 << 62
"""``due_us`` of what is not due: behind everything that is."""

order_listed = Table(
    "order_listed",
    metadata,
    _seq(),
    _text("id"),
    _text("pbx"),
    _text("kind"),
    _text("state"),
    _int("opened_us"),
    _int("due_us"),
    _int("wake_us", null=True),
    _text("owner", null=True),
    _text("category", null=True),
    _text("seat", null=True),
    _text("queue", null=True),
    _text("team", null=True),
    _text("dispatched_to", null=True),
    _int("urgent"),
    _int("unacknowledged"),
    _int("overdue"),
    _int("own_service"),
    _int("promise_due_us", null=True),
    # Rows end with their ``seq``: every index orders by it last.
    Index("order_listed_by_opening", "opened_us"),
    Index("order_listed_by_due", "due_us"),
    Index("order_listed_by_state", "state", "opened_us"),
    Index("order_listed_by_state_due", "state", "due_us"),
    Index("order_listed_by_owner", "owner", "opened_us"),
    Index("order_listed_by_owner_state", "owner", "state", "opened_us"),
    Index("order_listed_by_owner_due", "owner", "state", "due_us"),
    Index("order_listed_by_seat", "seat", "opened_us"),
    Index("order_listed_by_queue", "queue", "opened_us"),
    Index("order_listed_by_team", "team", "opened_us"),
    Index("order_listed_by_category", "category", "opened_us"),
    Index("order_listed_by_kind_state", "kind", "state", "opened_us"),
    Index("order_listed_dispatched", "dispatched_to", "opened_us"),
    Index("order_listed_urgent", "opened_us", sqlite_where=text("urgent = 1")),
    Index("order_listed_unacknowledged", "opened_us", sqlite_where=text("unacknowledged = 1")),
    Index("order_listed_overdue", "opened_us", sqlite_where=text("overdue = 1")),
    Index("order_listed_own_service", "opened_us", sqlite_where=text("own_service = 1")),
    Index("order_listed_waking", "wake_us", sqlite_where=text("wake_us IS NOT NULL")),
    Index(
        "order_listed_promised",
        "promise_due_us",
        sqlite_where=text("promise_due_us IS NOT NULL"),
    ),
    sqlite_strict=True,
)
"""What orders are found by; ``seq`` as in ``order_document``. Flags are 0 or 1;
``promise_due_us`` is of a promise that is not kept yet."""

order_number = Table(
    "order_number",
    metadata,
    _id("norm"),
    _seq(),
    Index("order_number_by_order", "seq"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Which orders have a number (in its normal form)."""

order_history = Table(
    "order_history",
    metadata,
    _seq(),
    _text("order_id"),
    _int("version"),
    _int("at_us"),
    _text("by", null=True),
    _text("do"),
    _text("changed"),
    Index("order_history_by_order", "order_id", "version", unique=True),
    sqlite_strict=True,
)
"""Every change of every document; kept for ever."""

order_contact = Table(
    "order_contact",
    metadata,
    _seq(),
    _text("pbx"),
    _int("at_us"),
    _text("order_id"),
    _text("call"),
    _text("leg"),
    _text("kind"),
    _text("number", null=True),
    _text("agent", null=True),
    _int("talk_us", null=True),
    _int("in_time", null=True),
    Index("order_contact_by_leg", "order_id", "call", "leg", unique=True),
    Index("order_contact_by_call", "call"),
    sqlite_strict=True,
)
"""Calls that belong to an order beside its own, each once."""

order_draft = Table(
    "order_draft",
    metadata,
    _id("order_id"),
    _id("login"),
    _text("draft"),
    sqlite_strict=True,
)

recording = Table(
    "recording",
    metadata,
    _id(),
    _text("pbx"),
    _text("call"),
    _text("channel"),
    _text("file"),
    _int("started_us"),
    _int("ended_us", null=True),
    Index("recording_by_call", "call", "pbx"),
    sqlite_strict=True,
)

appeal = Table(
    "appeal",
    metadata,
    _id(),
    _text("violation"),
    _text("by"),
    _int("at_us"),
    _text("reason"),
    _text("kind"),
    _text("exception", null=True),
    _text("status"),
    _text("decided_by", null=True),
    _int("decided_us", null=True),
    _text("decision"),
    _text("batch", null=True),
    Index("appeal_by_violation", "violation"),
    Index("appeal_by_status", "status", "violation"),
    sqlite_strict=True,
)

# --- the shift -------------------------------------------------------------------------------

duty = Table(
    "duty",
    metadata,
    _id(),
    _text("team"),
    _text("login"),
    _text("role"),
    _int("from_us"),
    _int("to_us"),
    _text("note"),
    Index("duty_by_end", "to_us"),
    sqlite_strict=True,
)

handover = Table(
    "handover",
    metadata,
    _id(),
    _text("team"),
    _text("by"),
    _int("at_us"),
    _text("log"),
    _text("open_orders"),
    _text("to", null=True),
    _text("confirmed_by", null=True),
    _int("confirmed_us", null=True),
    Index("handover_by_time", "at_us"),
    Index("handover_by_team", "team", "at_us"),
    sqlite_strict=True,
)

fault = Table(
    "fault",
    metadata,
    _id(),
    _text("pbx"),
    _text("seat"),
    _text("by"),
    _int("at_us"),
    _text("text"),
    _text("done_by", null=True),
    _int("done_us", null=True),
    Index("fault_by_time", "at_us"),
    Index("fault_open", "at_us", sqlite_where=text("done_us IS NULL")),
    sqlite_strict=True,
)

sign_in = Table(
    "sign_in",
    metadata,
    _id(),
    _text("login"),
    _text("pbx"),
    _text("seat"),
    _int("from_us"),
    _int("to_us", null=True),
    _text("ended_by", null=True),
    _text("owed"),
    Index("sign_in_by_time", "from_us"),
    Index("sign_in_by_login", "login", "from_us"),
    Index("sign_in_open", "login", sqlite_where=text("to_us IS NULL")),
    sqlite_strict=True,
)

# --- accounts --------------------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    _id("login"),
    _text("name"),
    _text("role"),
    _text("queues"),
    _text("teams"),
    _text("member_names"),
    _int("disabled"),
    _text("password_hash", null=True),
    _int("created_us"),
    _text("settings"),
    sqlite_strict=True,
)

session = Table(
    "session",
    metadata,
    _id(),
    _text("login"),
    _int("created_us"),
    _int("seen_us"),
    _int("expires_us"),
    _text("address"),
    _text("browser"),
    Index("session_by_login", "login"),
    sqlite_strict=True,
)

token = Table(
    "token",
    metadata,
    _id(),
    _text("hash"),
    _text("name"),
    _text("rights"),
    _text("queues"),
    _int("created_us"),
    _text("created_by"),
    _int("expires_us", null=True),
    _int("revoked_us", null=True),
    _int("seen_us", null=True),
    sqlite_strict=True,
)

audit = Table(
    "audit",
    metadata,
    _seq(),
    _int("at_us"),
    _text("who"),
    _text("action"),
    _text("target"),
    _text("address"),
    _text("detail"),
    Index("audit_by_who", "who"),
    Index("audit_by_action", "action"),
    sqlite_strict=True,
)

webhook = Table(
    "webhook",
    metadata,
    _id(),
    _text("target"),
    Column("body", LargeBinary, nullable=False),
    _int("created_us"),
    _int("tries"),
    _int("next_us"),
    sqlite_strict=True,
)

# --- what SQLAlchemy has no words for --------------------------------------------------------


def _stays(table: str, what: str, verbs: tuple[str, ...] = ("UPDATE", "DELETE")) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{what} is never changed'); END"
        for verb in verbs
    ]


EXTRAS = (
    # Words come tokenised (agentd/ticketing_words.py); this tokenizer takes every character
    # beyond ASCII as part of a word, also those that are newer than SQLite's tables.
    "CREATE VIRTUAL TABLE order_words USING fts5(words, tokenize='ascii', columnsize=0)",
    # Only retention deletes from it (ticketing_history_tables).
    *_stays("audit", "the audit log", ("UPDATE",)),
    *TRIGGERS,
    *_stays("order_history", "the history of orders"),
)
"""Statements that make what a Table cannot describe."""
UNIQUE_INDEXES = tuple(
    index for table in metadata.sorted_tables for index in table.indexes if index.unique
)
"""Indexes that a store rests on, also where nothing needs to be fast."""


@event.listens_for(metadata, "after_create")
def _make_extras(_target: object, connection: Any, **_: Any) -> None:
    for statement in EXTRAS:
        connection.exec_driver_sql(statement)
