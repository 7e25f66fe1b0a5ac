"""The first tables: orders with their history, violations, alerts, legs, calls, engine memory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "work_order",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("seat", sa.Text, nullable=True),
        sa.Column("agent", sa.Text, nullable=True),
        sa.Column("queue", sa.Text, nullable=True),
        sa.Column("caller", sa.Text, nullable=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("opened_us", sa.Integer, nullable=False),
        sa.Column("due_us", sa.Integer, nullable=True),
        sa.Column("completed_us", sa.Integer, nullable=True),
        sa.Column("completed_by", sa.Text, nullable=True),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("alerts_sent", sa.Integer, nullable=False),
        sa.UniqueConstraint("call", "kind", "pbx"),
        sqlite_strict=True,
    )
    op.create_index("work_order_by_opening", "work_order", ["opened_us"])
    op.create_index("work_order_by_seat", "work_order", ["seat", "opened_us"])
    op.create_index("work_order_by_status", "work_order", ["status", "opened_us"])
    op.create_table(
        "work_order_event",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("alerts_sent", sa.Integer, nullable=False),
        sa.Column("by", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.UniqueConstraint("order_id", "at_us", "change", "alerts_sent"),
        sqlite_strict=True,
    )
    op.create_table(
        "violation",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("seat", sa.Text, nullable=True),
        sa.Column("agent", sa.Text, nullable=True),
        sa.Column("call", sa.Text, nullable=True),
        sa.Column("leg", sa.Text, nullable=True),
        sa.Column("value_us", sa.Integer, nullable=True),
        sa.Column("limit_us", sa.Integer, nullable=True),
        sa.Column("evidence", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("violation_by_seat", "violation", ["seat", "at_us"])
    op.create_index("violation_by_time", "violation", ["at_us"])
    op.create_table(
        "alert",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("seat", sa.Text, nullable=True),
        sa.Column("agent", sa.Text, nullable=True),
        sa.Column("call", sa.Text, nullable=True),
        sa.Column("queue", sa.Text, nullable=True),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("value_us", sa.Integer, nullable=True),
        sa.Column("limit_us", sa.Integer, nullable=True),
        sa.Column("spell", sa.Text, nullable=False),
        sa.UniqueConstraint("spell", "level", "at_us", "rule", "pbx"),
        sqlite_strict=True,
    )
    op.create_index("alert_by_time", "alert", ["at_us"])
    op.create_table(
        "leg",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("leg", sa.Text, nullable=False),
        sa.Column("seat", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=True),
        sa.Column("queue", sa.Text, nullable=True),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=True),
        sa.Column("offered_us", sa.Integer, nullable=True),
        sa.Column("ringing_us", sa.Integer, nullable=True),
        sa.Column("answered_us", sa.Integer, nullable=True),
        sa.Column("ended_us", sa.Integer, nullable=False),
        sa.Column("ring_us", sa.Integer, nullable=True),
        sa.Column("talk_us", sa.Integer, nullable=True),
        sa.Column("hold_us", sa.Integer, nullable=True),
        sa.Column("holds", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("ended_by", sa.Text, nullable=True),
        sa.Column("estimated", sa.Integer, nullable=False),
        sa.Column("gap", sa.Integer, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.UniqueConstraint("call", "leg", "pbx"),
        sqlite_strict=True,
    )
    op.create_index("leg_by_end", "leg", ["ended_us"])
    op.create_index("leg_by_seat", "leg", ["seat", "ended_us"])
    op.create_table(
        "call",
        sa.Column("seq", sa.Integer, primary_key=True, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=True),
        sa.Column("visits", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=True),
        sa.Column("started_us", sa.Integer, nullable=True),
        sa.Column("ended_us", sa.Integer, nullable=False),
        sa.Column("wait_us", sa.Integer, nullable=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("legs", sa.Text, nullable=False),
        sa.Column("gap", sa.Integer, nullable=False),
        sa.UniqueConstraint("call", "pbx"),
        sqlite_strict=True,
    )
    op.create_index("call_by_end", "call", ["ended_us"])
    op.create_table(
        "engine_memory",
        sa.Column("pbx", sa.Text, primary_key=True, nullable=False),
        sa.Column("key", sa.Text, primary_key=True, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, primary_key=True, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sqlite_strict=True,
    )
