"""Alembic's way in: runs the steps on the connection that the store hands over."""

from __future__ import annotations

from alembic import context

# One transaction for all steps and the version mark: SQLite's DDL can be rolled back, so a
# migration that was interrupted has never been.
context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
