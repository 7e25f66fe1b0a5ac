"""Messages to people's desks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "desk_message",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("read_us", sa.Integer, nullable=True),
        sqlite_strict=True,
    )
    op.create_index("desk_message_by_reader", "desk_message", ["to", "read_us", "at_us"])
