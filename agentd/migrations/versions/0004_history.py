"""History: stays, wrap-ups, states of seats and links, what calls are found by, retention.

The calls that are there already are listed by the daemon, which knows teams and numbers.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PIECE = 1_000


def _text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, primary_key=key)


def _int(name: str, *, null: bool = False, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=null, primary_key=key)


def upgrade() -> None:
    """Add the columns, make the tables, and name the alerts."""
    _add_columns()
    _make_fact_tables()
    _make_call_lists()
    _make_the_rest()
    _name_alerts()


def _add_columns() -> None:
    op.add_column("alert", sa.Column("id", sa.Text, nullable=True))
    op.add_column("alert", sa.Column("team", sa.Text, nullable=True))
    op.add_column("leg", sa.Column("team", sa.Text, nullable=True))
    op.add_column(
        "leg", sa.Column("judged", sa.Text, nullable=False, server_default=sa.text("'[]'"))
    )
    op.create_index("order_contact_by_call", "order_contact", ["call"])
    op.create_index("alert_by_id", "alert", ["id"])
    op.create_index("alert_by_call", "alert", ["call"])
    op.create_index("alert_by_seat", "alert", ["seat", "at_us"])
    op.create_index("alert_by_agent", "alert", ["agent", "at_us"])


def _make_fact_tables() -> None:
    op.create_table(
        "queue_visit",
        _int("seq", key=True),
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
        sa.UniqueConstraint("call", "queue", "joined_us", "pbx"),
        sqlite_strict=True,
    )
    op.create_index("queue_visit_by_joining", "queue_visit", ["joined_us"])
    op.create_index("queue_visit_by_queue", "queue_visit", ["queue", "joined_us"])
    op.create_table(
        "wrap_up",
        _int("seq", key=True),
        _text("pbx"),
        _text("seat"),
        _text("agent", null=True),
        _text("call"),
        _text("leg"),
        _text("queue", null=True),
        _int("from_us"),
        _int("to_us"),
        _text("ended_by"),
        sa.UniqueConstraint("call", "leg", "pbx"),
        sqlite_strict=True,
    )
    op.create_index("wrap_up_by_time", "wrap_up", ["from_us"])
    op.create_table(
        "seat_change",
        _text("pbx", key=True),
        _text("seat", key=True),
        _int("at_us", key=True),
        _text("agent", null=True),
        _text("state"),
        _text("queues"),
        _text("pause_reason", null=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("seat_change_by_agent", "seat_change", ["agent", "at_us"])
    op.create_index("seat_change_by_time", "seat_change", ["at_us"])
    op.create_table(
        "link_span",
        _text("pbx", key=True),
        _int("at_us", key=True),
        _int("up"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alert_note",
        _int("seq", key=True),
        _text("alert"),
        _int("at_us"),
        _text("by"),
        _text("note"),
        sqlite_strict=True,
    )
    op.create_index("alert_note_by_alert", "alert_note", ["alert"])


def _make_call_lists() -> None:
    op.create_table(
        "call_listed",
        _int("seq", key=True),
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
        sa.UniqueConstraint("call", "pbx"),
        sqlite_strict=True,
    )
    op.create_index(
        "call_listed_by_end",
        "call_listed",
        ["ended_us", "seq", "pbx", "direction", "outcome", "wait_us", "talk_us", "hold_us"],
    )
    op.create_table(
        "call_party",
        _text("kind", key=True),
        _text("name", key=True),
        _int("at_us", key=True),
        _int("seq", key=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("call_party_by_call", "call_party", ["seq"])
    op.create_table(
        "call_scope",
        _int("seq", key=True),
        _text("queue", key=True),
        _text("team", key=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _make_the_rest() -> None:
    op.create_table(
        "metric_interval",
        _text("kind", key=True),
        _text("name", key=True),
        _int("at_us", key=True),
        _text("sums"),
        _int("gap"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("metric_interval_by_time", "metric_interval", ["kind", "at_us"])
    op.create_table(
        "board_setting",
        _text("key", key=True),
        _int("version", key=True),
        _text("value"),
        _text("by"),
        _int("at_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "legal_hold",
        _text("id", key=True),
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
    op.create_table(
        "purge_log",
        _int("seq", key=True),
        _text("run"),
        _int("at_us"),
        _text("kind"),
        _int("before_us"),
        _int("rows"),
        _int("held"),
        _text("by"),
        sa.UniqueConstraint("run", "kind"),
        sqlite_strict=True,
    )
    op.execute("DROP TRIGGER audit_no_delete")
    op.execute(
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.at_us >= coalesce("
        "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'audit_purged_before_us'), 0) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END"
    )
    op.execute(
        "CREATE TRIGGER purge_log_no_delete BEFORE DELETE ON purge_log "
        "BEGIN SELECT RAISE(ABORT, 'the purge log is never changed'); END"
    )
    op.execute(
        "CREATE TRIGGER legal_hold_no_delete BEFORE DELETE ON legal_hold "
        "BEGIN SELECT RAISE(ABORT, 'legal holds are lifted, never deleted'); END"
    )


def _name_alerts() -> None:
    """Every alert gets the id that live ones have."""
    connection = op.get_bind()
    after = 0
    while True:
        rows = connection.exec_driver_sql(
            "SELECT seq, pbx, spell, level, at_us, rule FROM alert WHERE seq > ? "
            "ORDER BY seq LIMIT ?",
            (after, _PIECE),
        ).all()
        if not rows:
            return
        named = [
            (hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()[:32], seq)
            for seq, *parts in rows
        ]
        connection.exec_driver_sql("UPDATE alert SET id = ? WHERE seq = ?", named)
        after = rows[-1][0]
