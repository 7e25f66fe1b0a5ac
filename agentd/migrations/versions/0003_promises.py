"""Promises to callers can be asked for: when those that are not kept yet are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, filled in from the documents, and its index."""
    op.add_column("order_listed", sa.Column("promise_due_us", sa.Integer, nullable=True))
    op.execute(
        "UPDATE order_listed SET promise_due_us = ("
        "SELECT json_extract(doc, '$.promise.due_us') FROM order_document AS d "
        "WHERE d.seq = order_listed.seq AND json_extract(doc, '$.promise.kept_us') IS NULL) "
        "WHERE state <> 'merged'"
    )
    op.create_index(
        "order_listed_promised",
        "order_listed",
        ["promise_due_us"],
        sqlite_where=sa.text("promise_due_us IS NOT NULL"),
    )
