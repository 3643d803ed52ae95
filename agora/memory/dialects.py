"""Everything that is particular to one database: connections, locks, append-only guards, upsert, the full-text index.

On SQLite: WAL, synchronous FULL, foreign keys, recursive triggers, a long busy timeout, and BEGIN IMMEDIATE for writes.
The guards stand in the database, so they bind every program that opens it, with whatever pragmas: UPDATE and DELETE are
refused by triggers; REPLACE and upsert never meet those triggers on a default connection, so a BEFORE INSERT trigger
refuses every entry that does not directly follow the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import ClauseElement, Connection, Dialect, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.dml import Insert

from agora.errors import LedgerError

Cell: TypeAlias = str | int | float | bytes | bool | None
Row: TypeAlias = Mapping[str, Cell]

WRITES: Final = "agora_writes"
"""Execution option of a connection whose transactions write: it takes the lock at BEGIN."""

GUARDS: Final[Mapping[str, str]] = {
    "ledger_insert": (
        "CREATE TRIGGER ledger_insert BEFORE INSERT ON ledger"
        " WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger)"
        " OR (NEW.seq > 1 AND NEW.prev IS NOT (SELECT hash FROM ledger WHERE seq = NEW.seq - 1))"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: an entry follows the last one'); END"
    ),
    "ledger_update": (
        "CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no UPDATE'); END"
    ),
    "ledger_delete": (
        "CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no DELETE'); END"
    ),
    "bodies_insert": (
        "CREATE TRIGGER bodies_insert BEFORE INSERT ON bodies"
        " WHEN NEW.hash IS NOT (SELECT body FROM ledger WHERE seq = NEW.seq)"
        " OR EXISTS (SELECT 1 FROM bodies WHERE seq = NEW.seq)"
        " BEGIN SELECT RAISE(ABORT, 'a body belongs to an entry, and is never changed'); END"
    ),
    "bodies_update": (
        "CREATE TRIGGER bodies_update BEFORE UPDATE ON bodies"
        " BEGIN SELECT RAISE(ABORT, 'a body can be erased, but never changed'); END"
    ),
}
"""SQLite triggers by name: what makes the ledger append-only."""

_RECALL: Final[Mapping[str, str]] = {
    "memory_words": (
        "CREATE VIRTUAL TABLE memory_words USING fts5"
        "(goal, content='memory_entries', content_rowid='seq', tokenize='porter unicode61')"
    ),
    "memory_words_insert": (
        "CREATE TRIGGER memory_words_insert AFTER INSERT ON memory_entries"
        " BEGIN INSERT INTO memory_words(rowid, goal) VALUES (NEW.seq, NEW.goal); END"
    ),
    "memory_words_delete": (
        "CREATE TRIGGER memory_words_delete AFTER DELETE ON memory_entries"
        " BEGIN INSERT INTO memory_words(memory_words, rowid, goal) VALUES ('delete', OLD.seq, OLD.goal); END"
    ),
}


class _Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...
    def fetchone(self) -> Sequence[object] | None: ...
    def close(self) -> None: ...


class _Driver(Protocol):
    isolation_level: str | None

    def cursor(self) -> _Cursor: ...


def connect(url_or_path: str | Path, *, busy_s: float = 30.0) -> Engine:
    """An engine for a database URL, or for a SQLite file (whose folder is made).

    Args:
        url_or_path: As "memory/agora.db" or "postgresql+psycopg://...".
        busy_s: How long a writer waits for another one.

    Raises:
        LedgerError: The URL cannot be used.
    """
    place = str(url_or_path)
    try:
        url = make_url(place if "://" in place else f"sqlite:///{Path(place).expanduser().absolute()}")
        if url.get_backend_name() != "sqlite":
            return create_engine(url)
        if url.database in (None, "", ":memory:"):
            raise LedgerError("an SQLite database in memory cannot be shared: use MemoryStore, or name a file")
        if not str(url.database).startswith("file:"):
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": busy_s, "check_same_thread": False})
    except (ArgumentError, ImportError, OSError) as problem:
        raise LedgerError(f"database {place!r} cannot be used ({problem}): check AGORA_DB_URL") from problem
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def writer(engine: Engine) -> Connection:
    """A connection whose transactions take the ledger's lock before they read the last entry."""
    return engine.connect().execution_options(**{WRITES: True})


def lock(connection: Connection) -> None:
    """Begin-time lock where BEGIN itself takes none (PostgreSQL)."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("LOCK TABLE ledger IN EXCLUSIVE MODE"))


def guard(connection: Connection) -> None:
    """(Re-)make the append-only guards and the full-text index; after every migration, since those may drop them."""
    if connection.dialect.name != "sqlite":
        return
    for name, statement in GUARDS.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(statement)
    if not has_recall_index(connection):
        for statement in _RECALL.values():
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("INSERT INTO memory_words(memory_words) VALUES ('rebuild')")


def guarded(connection: Connection) -> bool:
    """Whether all guards are there, word for word."""
    if connection.dialect.name != "sqlite":
        return True
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    found = {str(name): str(sql) for name, sql in rows}
    return all(found.get(name) == statement for name, statement in GUARDS.items()) and has_recall_index(connection)


def has_recall_index(connection: Connection) -> bool:
    """Whether this database has the full-text index and its triggers."""
    if connection.dialect.name != "sqlite":
        return False
    found = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
    return found.issuperset(_RECALL)


def insert_once(table: Table, dialect: Dialect) -> Insert:
    """An INSERT that leaves an existing row alone."""
    if dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def upsert(table: Table, dialect: Dialect) -> Insert:
    """An INSERT that replaces the values of an existing row with the same key."""
    keys = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns if column.name not in keys]
    if dialect.name == "postgresql":
        row = postgresql.insert(table)
        return row.on_conflict_do_update(index_elements=keys, set_={name: row.excluded[name] for name in names})
    line = sqlite.insert(table)
    return line.on_conflict_do_update(index_elements=keys, set_={name: line.excluded[name] for name in names})


class Prepared:
    """A statement compiled once, run on many rows straight through the driver: a third of SQLAlchemy's CPU per row.

    Args:
        statement: An INSERT, UPDATE, DELETE or SELECT whose parameters are plain strings, numbers, bytes or None.
        dialect: Of the connections it will run on.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        order = getattr(compiled, "positiontup", None)
        self._order: tuple[str, ...] | None = None if order is None else tuple(order)

    def __str__(self) -> str:
        return self._sql

    def run_in_order(self, connection: Connection, names: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]) -> None:
        """Run it for each row: values in the order of `names`; where the driver counts too, no row is copied."""
        if self._order == names and len(names) > 1:
            connection.exec_driver_sql(self._sql, list(rows))
        else:
            self.run(connection, [dict(zip(names, row, strict=True)) for row in rows])

    def rows(self, connection: Connection, row: Row) -> Sequence[Sequence[Any]]:
        """Run it as a query: names of parameters -> values; what it finds."""
        where = dict(row) if self._order is None else tuple(row[name] for name in self._order)
        return connection.exec_driver_sql(self._sql, where).all()

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Run it for each row: names of parameters -> values, nothing else."""
        if not rows:
            return
        if self._order is None:
            connection.exec_driver_sql(self._sql, [dict(row) for row in rows])
        elif len(self._order) == 1:
            connection.exec_driver_sql(self._sql, [(row[self._order[0]],) for row in rows])
        else:
            pick: Callable[[Row], tuple[Cell, ...]] = itemgetter(*self._order)  # pyright: ignore[reportUnknownVariableType] -- typeshed cannot know an unpacked itemgetter
            connection.exec_driver_sql(self._sql, [pick(row) for row in rows])


def explain(problem: Exception) -> LedgerError:
    """A database's error, in words that name the mend."""
    said = str(getattr(problem, "orig", None) or problem)
    for sign, mend in _MENDS.items():
        if sign in said:
            return LedgerError(f"the ledger could not be written ({said}): {mend}")
    return LedgerError(f"the ledger could not be written: {said}")


_MENDS: Final = {
    "locked": "another program holds the database; end it or try again",
    "readonly": "make the database file and its folder writable",
    "disk is full": "free some disk space",
    "disk I/O error": "check the disk's space and health",
    "unable to open": "check that the folder exists and is writable",
    "malformed": "restore the database from a copy",
    "not a database": "name another file, or move this one away",
}


def _prepare(driver: _Driver, _record: object) -> None:
    driver.isolation_level = None  # we say BEGIN ourselves
    cursor = driver.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA recursive_triggers = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA journal_mode")
    mode = cursor.fetchone()
    if mode is None or mode[0] != "wal":
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
