"""What people do: documents of orders, appeals, shifts, sign-ins, accounts, audit, webhooks.

The documents of orders that are there already are made by the daemon, which knows whose they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and make the tables."""
    _add_columns()
    _make_order_tables()
    _make_shift_tables()
    _make_account_tables()
    _make_the_rest()


def _add_columns() -> None:
    op.add_column(
        "work_order",
        sa.Column("numbers", sa.Text, nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column(
        "work_order", sa.Column("folded", sa.Integer, nullable=False, server_default=sa.text("0"))
    )
    for name in ("owner", "team", "queue"):
        op.add_column("violation", sa.Column(name, sa.Text, nullable=True))
    op.create_index("violation_by_agent", "violation", ["agent", "at_us"])
    op.create_index("violation_by_owner", "violation", ["owner", "at_us"])
    op.create_index("violation_by_rule", "violation", ["rule", "at_us"])
    op.create_index("violation_by_call", "violation", ["call"])
    op.create_index("leg_by_agent", "leg", ["agent", "ended_us"])


def _make_order_tables() -> None:
    op.create_table(
        "order_document",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("doc", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("order_document_by_call", "order_document", ["call", "pbx"])
    op.create_table(
        "order_listed",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_us", sa.Integer, nullable=False),
        sa.Column("due_us", sa.Integer, nullable=False),
        sa.Column("wake_us", sa.Integer, nullable=True),
        sa.Column("owner", sa.Text, nullable=True),
        sa.Column("category", sa.Text, nullable=True),
        sa.Column("seat", sa.Text, nullable=True),
        sa.Column("queue", sa.Text, nullable=True),
        sa.Column("team", sa.Text, nullable=True),
        sa.Column("dispatched_to", sa.Text, nullable=True),
        sa.Column("urgent", sa.Integer, nullable=False),
        sa.Column("unacknowledged", sa.Integer, nullable=False),
        sa.Column("overdue", sa.Integer, nullable=False),
        sa.Column("own_service", sa.Integer, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("order_listed_by_category", "order_listed", ["category", "opened_us"])
    op.create_index("order_listed_by_due", "order_listed", ["due_us"])
    op.create_index("order_listed_by_kind_state", "order_listed", ["kind", "state", "opened_us"])
    op.create_index("order_listed_by_opening", "order_listed", ["opened_us"])
    op.create_index("order_listed_by_owner", "order_listed", ["owner", "opened_us"])
    op.create_index("order_listed_by_owner_due", "order_listed", ["owner", "state", "due_us"])
    op.create_index("order_listed_by_owner_state", "order_listed", ["owner", "state", "opened_us"])
    op.create_index("order_listed_by_queue", "order_listed", ["queue", "opened_us"])
    op.create_index("order_listed_by_seat", "order_listed", ["seat", "opened_us"])
    op.create_index("order_listed_by_state", "order_listed", ["state", "opened_us"])
    op.create_index("order_listed_by_state_due", "order_listed", ["state", "due_us"])
    op.create_index("order_listed_by_team", "order_listed", ["team", "opened_us"])
    op.create_index("order_listed_dispatched", "order_listed", ["dispatched_to", "opened_us"])
    op.create_index(
        "order_listed_overdue", "order_listed", ["opened_us"], sqlite_where=sa.text("overdue = 1")
    )
    op.create_index(
        "order_listed_own_service",
        "order_listed",
        ["opened_us"],
        sqlite_where=sa.text("own_service = 1"),
    )
    op.create_index(
        "order_listed_unacknowledged",
        "order_listed",
        ["opened_us"],
        sqlite_where=sa.text("unacknowledged = 1"),
    )
    op.create_index(
        "order_listed_urgent", "order_listed", ["opened_us"], sqlite_where=sa.text("urgent = 1")
    )
    op.create_index(
        "order_listed_waking",
        "order_listed",
        ["wake_us"],
        sqlite_where=sa.text("wake_us IS NOT NULL"),
    )
    op.create_table(
        "order_number",
        sa.Column("norm", sa.Text, primary_key=True, nullable=False),
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("order_number_by_order", "order_number", ["seq"])
    op.create_table(
        "order_history",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("by", sa.Text, nullable=True),
        sa.Column("do", sa.Text, nullable=False),
        sa.Column("changed", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("order_history_by_order", "order_history", ["order_id", "version"], unique=True)
    op.create_table(
        "order_contact",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("leg", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=True),
        sa.Column("agent", sa.Text, nullable=True),
        sa.Column("talk_us", sa.Integer, nullable=True),
        sa.Column("in_time", sa.Integer, nullable=True),
        sqlite_strict=True,
    )
    op.create_index(
        "order_contact_by_leg", "order_contact", ["order_id", "call", "leg"], unique=True
    )
    op.create_table(
        "order_draft",
        sa.Column("order_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("login", sa.Text, primary_key=True, nullable=False),
        sa.Column("draft", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "recording",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("started_us", sa.Integer, nullable=False),
        sa.Column("ended_us", sa.Integer, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("recording_by_call", "recording", ["call", "pbx"])
    op.create_table(
        "appeal",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("violation", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("exception", sa.Text, nullable=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=True),
        sa.Column("decided_us", sa.Integer, nullable=True),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("batch", sa.Text, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("appeal_by_status", "appeal", ["status", "violation"])
    op.create_index("appeal_by_violation", "appeal", ["violation"])


def _make_shift_tables() -> None:
    op.create_table(
        "duty",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("from_us", sa.Integer, nullable=False),
        sa.Column("to_us", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("duty_by_end", "duty", ["to_us"])
    op.create_table(
        "handover",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("open_orders", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=True),
        sa.Column("confirmed_by", sa.Text, nullable=True),
        sa.Column("confirmed_us", sa.Integer, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("handover_by_team", "handover", ["team", "at_us"])
    op.create_index("handover_by_time", "handover", ["at_us"])
    op.create_table(
        "fault",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("seat", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("done_by", sa.Text, nullable=True),
        sa.Column("done_us", sa.Integer, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("fault_by_time", "fault", ["at_us"])
    op.create_index("fault_open", "fault", ["at_us"], sqlite_where=sa.text("done_us IS NULL"))
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("seat", sa.Text, nullable=False),
        sa.Column("from_us", sa.Integer, nullable=False),
        sa.Column("to_us", sa.Integer, nullable=True),
        sa.Column("ended_by", sa.Text, nullable=True),
        sa.Column("owed", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("sign_in_by_login", "sign_in", ["login", "from_us"])
    op.create_index("sign_in_by_time", "sign_in", ["from_us"])
    op.create_index("sign_in_open", "sign_in", ["login"], sqlite_where=sa.text("to_us IS NULL"))


def _make_account_tables() -> None:
    op.create_table(
        "account",
        sa.Column("login", sa.Text, primary_key=True, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("queues", sa.Text, nullable=False),
        sa.Column("teams", sa.Text, nullable=False),
        sa.Column("member_names", sa.Text, nullable=False),
        sa.Column("disabled", sa.Integer, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=True),
        sa.Column("created_us", sa.Integer, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("created_us", sa.Integer, nullable=False),
        sa.Column("seen_us", sa.Integer, nullable=False),
        sa.Column("expires_us", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("browser", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("session_by_login", "session", ["login"])
    op.create_table(
        "token",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rights", sa.Text, nullable=False),
        sa.Column("queues", sa.Text, nullable=False),
        sa.Column("created_us", sa.Integer, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_us", sa.Integer, nullable=True),
        sa.Column("revoked_us", sa.Integer, nullable=True),
        sa.Column("seen_us", sa.Integer, nullable=True),
        sqlite_strict=True,
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("audit_by_action", "audit", ["action"])
    op.create_index("audit_by_who", "audit", ["who"])
    op.create_table(
        "webhook",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_us", sa.Integer, nullable=False),
        sqlite_strict=True,
    )


def _make_the_rest() -> None:
    op.execute("CREATE VIRTUAL TABLE order_words USING fts5(words, tokenize='ascii', columnsize=0)")
    _never_changed("audit", "the audit log")
    _never_changed("order_history", "the history of orders")


def _never_changed(table: str, what: str) -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{what} is never changed'); END"
        )
