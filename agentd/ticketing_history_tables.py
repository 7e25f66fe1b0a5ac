"""The store's tables of history: stays, wrap-ups, states of seats and links, what calls are found
by, intervals, settings of the board, legal holds, and what was purged.

STRICT as the others; times are microseconds since the epoch, lists and mappings JSON text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from agentd.ticketing_schema import insert_text, metadata


def _text(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _int(name: str, *, null: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=null)


def _key(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True, nullable=False)


# --- facts -----------------------------------------------------------------------------------

queue_visit = Table(
    "queue_visit",
    metadata,
    _key("seq", Integer),
    _text("pbx"),
    _text("call"),
    _text("queue"),
    _text("caller", null=True),
    _int("joined_us"),
    _int("left_us"),
    _int("wait_us"),
    _text("outcome"),
    _text("seat", null=True),
    _text("agent", null=True),
    _int("limit_us"),
    _int("short_us"),
    _int("estimated"),
    _int("gap"),
    UniqueConstraint("call", "queue", "joined_us", "pbx"),
    Index("queue_visit_by_joining", "joined_us"),
    Index("queue_visit_by_queue", "queue", "joined_us"),
    sqlite_strict=True,
)

wrap_up = Table(
    "wrap_up",
    metadata,
    _key("seq", Integer),
    _text("pbx"),
    _text("seat"),
    _text("agent", null=True),
    _text("call"),
    _text("leg"),
    _text("queue", null=True),
    _int("from_us"),
    _int("to_us"),
    _text("ended_by"),
    UniqueConstraint("call", "leg", "pbx"),
    Index("wrap_up_by_time", "from_us"),
    sqlite_strict=True,
)

seat_change = Table(
    "seat_change",
    metadata,
    _key("pbx"),
    _key("seat"),
    _key("at_us", Integer),
    _text("agent", null=True),
    _text("state"),
    _text("queues"),
    _text("pause_reason", null=True),
    Index("seat_change_by_time", "at_us"),
    Index("seat_change_by_agent", "agent", "at_us"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""A seat is in a state from then until its next row; of several at one moment the last counts."""

link_span = Table(
    "link_span",
    metadata,
    _key("pbx"),
    _key("at_us", Integer),
    _int("up"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Whether a PBX is heard from then on."""

alert_note = Table(
    "alert_note",
    metadata,
    _key("seq", Integer),
    _text("alert"),
    _int("at_us"),
    _text("by"),
    _text("note"),
    Index("alert_note_by_alert", "alert"),
    sqlite_strict=True,
)
"""What was said to an alert (its ``id``); the first note acknowledges it."""

# --- what calls are found by -----------------------------------------------------------------

call_listed = Table(
    "call_listed",
    metadata,
    _key("seq", Integer),
    _text("pbx"),
    _text("call"),
    _int("ended_us"),
    _int("started_us", null=True),
    _text("direction"),
    _text("queue", null=True),
    _text("caller", null=True),
    _text("outcome"),
    _int("wait_us", null=True),
    _int("talk_us"),
    _int("hold_us"),
    _int("gap"),
    UniqueConstraint("call", "pbx"),
    # All that is compared: where nothing else narrows, the index alone is read.
    Index(
        "call_listed_by_end", "ended_us", "seq", "pbx", "direction", "outcome", "wait_us",
        "talk_us", "hold_us",
    ),
    sqlite_strict=True,
)  # fmt: skip
"""One row per call that is over; also those that a seat made, of which there is no ``call``."""

call_party = Table(
    "call_party",
    metadata,
    _key("kind"),
    _key("name"),
    _key("at_us", Integer),
    _key("seq", Integer),
    Index("call_party_by_call", "seq"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Which calls have a part of a ``seat``, an ``agent``, a ``team``, a ``queue``, a ``number`` (in
normal form), a broken ``rule`` (``any`` for whichever), in the order of the calls' ends. ``seq`` as
in ``call_listed``; name "" for the calls in which nobody had a team, or which had no queue."""

call_scope = Table(
    "call_scope",
    metadata,
    _key("seq", Integer),
    _key("queue"),
    _key("team"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Who may read a call: (queue, team) of each leg, or (queue, "") of each stay of a call that no
seat had a part in. "" for none."""

# --- intervals and settings ------------------------------------------------------------------

metric_interval = Table(
    "metric_interval",
    metadata,
    _key("kind"),
    _key("name"),
    _key("at_us", Integer),
    _text("sums"),
    _int("gap"),
    Index("metric_interval_by_time", "kind", "at_us"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

board_setting = Table(
    "board_setting",
    metadata,
    _key("key"),
    _key("version", Integer),
    _text("value"),
    _text("by"),
    _int("at_us"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""Every version; the highest counts."""

# --- retention -------------------------------------------------------------------------------

legal_hold = Table(
    "legal_hold",
    metadata,
    _key("id"),
    _text("kind"),
    _text("target"),
    _text("why"),
    _text("by"),
    _int("at_us"),
    _text("pbx", null=True),
    _text("names"),
    _text("lifted_by", null=True),
    _int("lifted_us", null=True),
    _text("lifted_why"),
    sqlite_strict=True,
)

purge_log = Table(
    "purge_log",
    metadata,
    _key("seq", Integer),
    _text("run"),
    _int("at_us"),
    _text("kind"),
    _int("before_us"),
    _int("rows"),
    _int("held"),
    _text("by"),
    UniqueConstraint("run", "kind"),
    sqlite_strict=True,
)

AUDIT_PURGED_BEFORE = "audit_purged_before_us"
"""Key in ``meta``, there only inside a purging transaction: older lines may be deleted."""

_AUDIT = (
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "  # noqa: S608 - all ours
    "WHEN OLD.at_us >= coalesce("
    f"(SELECT CAST(value AS INTEGER) FROM meta WHERE key = '{AUDIT_PURGED_BEFORE}'), 0) "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END"
)
_PURGES = (
    "CREATE TRIGGER purge_log_no_delete BEFORE DELETE ON purge_log "
    "BEGIN SELECT RAISE(ABORT, 'the purge log is never changed'); END"
)
_HOLDS = (
    "CREATE TRIGGER legal_hold_no_delete BEFORE DELETE ON legal_hold "
    "BEGIN SELECT RAISE(ABORT, 'legal holds are lifted, never deleted'); END"
)
TRIGGERS = (_AUDIT, _PURGES, _HOLDS)

ADD_VISIT = insert_text(queue_visit)
ADD_WRAP_UP = insert_text(wrap_up)
PUT_SEAT_CHANGE = insert_text(seat_change, upsert_on=("pbx", "seat", "at_us"), without=())
PUT_LINK = insert_text(link_span, upsert_on=("pbx", "at_us"), without=())

_SEATS = (
    "WITH RECURSIVE s(pbx, seat) AS ("
    "SELECT * FROM (SELECT pbx, seat FROM seat_change ORDER BY pbx, seat LIMIT 1) UNION ALL "
    "SELECT (SELECT n.pbx FROM seat_change n WHERE (n.pbx, n.seat) > (s.pbx, s.seat) "
    "ORDER BY n.pbx, n.seat LIMIT 1), "
    "(SELECT n.seat FROM seat_change n WHERE (n.pbx, n.seat) > (s.pbx, s.seat) "
    "ORDER BY n.pbx, n.seat LIMIT 1) FROM s WHERE s.pbx IS NOT NULL) "
)
"""Every (pbx, seat) that has ever been told of, at the cost of so many seats."""
LATEST_CHANGES = (
    _SEATS  # noqa: S608 - all ours
    + "SELECT c.* FROM s CROSS JOIN seat_change c ON c.pbx = s.pbx AND c.seat = s.seat "
    "AND c.at_us = (SELECT max(m.at_us) FROM seat_change m "
    "WHERE m.pbx = s.pbx AND m.seat = s.seat AND m.at_us < :before_us) WHERE s.pbx IS NOT NULL"
)
"""The latest change of every seat before a moment."""
