"""Alembic's entry: run the steps on the connection that `Database.migrate` passes in."""

from __future__ import annotations

from alembic import context

from ledger.storage.engine.schema import metadata

# The caller's transaction holds all steps: a failing one leaves the schema as it was.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
