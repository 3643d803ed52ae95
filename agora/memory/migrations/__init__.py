"""Schema migrations, run from the installed package: no alembic.ini, no command to type.

A database at the current revision is recognised without importing alembic. Migrations run inside one transaction that
holds the write lock, so of two processes that open a new file at once one migrates and the other finds it done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from agora.errors import LedgerError
from agora.memory.dialects import explain, kind, writer

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")
"""All schema revisions that this version knows, oldest first."""


def upgrade(engine: Engine) -> None:
    """Bring a database to the current schema, with its guards in place; nothing is written where it already is.

    The derived tables of an older database are made again from its ledger, which takes a while where that is long.

    Raises:
        LedgerError: It was made by a newer Agora, or cannot be read or written.
    """
    try:
        with engine.connect() as connection:
            if _version(connection) == REVISIONS[-1] and kind(connection).guarded(connection):
                return
        with writer(engine) as connection, connection.begin():
            kind(connection).lock_schema(connection)
            before = _version(connection)
            if before != REVISIONS[-1]:
                _migrate(connection)
            kind(connection).guard(connection)
            if before not in (None, REVISIONS[-1]):
                _remake(connection)
    except SQLAlchemyError as problem:
        raise explain(problem) from problem


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is not None and version not in REVISIONS:
        raise LedgerError(
            f"the database has schema {version!r}, and this Agora knows up to {REVISIONS[-1]!r}: "
            "install the newer Agora that made it, or name another database"
        )
    return version


def _remake(connection: Connection) -> None:
    # New columns get what the ledger says of them. Late: the tables are not needed to find that all is well.
    from agora.memory.remaking import remake_sound

    remake_sound(connection)


def _migrate(connection: Connection) -> None:
    # Late: most processes open a database that is up to date, and never need alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, REVISIONS[-1])
