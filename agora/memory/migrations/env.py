"""What alembic runs: migrate on the connection that `upgrade` has already opened and locked."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from agora.memory.tables import METADATA


def migrate() -> None:
    """Run the migrations inside the caller's transaction."""
    connection = context.config.attributes["connection"]
    if not isinstance(connection, Connection):
        raise TypeError("config.attributes['connection'] must be an open SQLAlchemy connection")
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


# Alembic imports this file to run it; anyone else (a doctest run, a type checker) must not start a migration.
if getattr(context, "_proxy", None) is not None:
    migrate()
