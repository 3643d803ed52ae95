"""SQLite: WAL, synchronous FULL, foreign keys, recursive triggers, a long busy timeout, BEGIN IMMEDIATE for writes.

The guards stand in the database, so they bind every program that opens it, with whatever pragmas: UPDATE and DELETE are
refused by triggers; REPLACE and upsert never meet those triggers on a default connection, so a BEFORE INSERT trigger
refuses every entry that does not directly follow the last one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import URL, Connection, Engine, RowMapping, create_engine, event, text

from agora.errors import LedgerError

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
"""Triggers by name: what makes the ledger append-only."""

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
_BY_RANK: Final = text(
    "SELECT m.* FROM memory_words"
    " JOIN memory_entries m ON m.seq = memory_words.rowid"
    " WHERE memory_words MATCH :query AND m.grounded = :grounded"
    " ORDER BY rank, m.seq DESC LIMIT :limit"
)

MENDS: Final[Mapping[str, str]] = {
    "locked": "another program holds the database; end it or try again",
    "readonly": "make the database file and its folder writable",
    "disk is full": "free some disk space",
    "disk I/O error": "check the disk's space and health",
    "unable to open": "check that the folder exists and is writable",
    "malformed": "restore the database from a copy",
    "not a database": "name another file, or move this one away",
}
"""Part of what SQLite says -> the mend."""


class _Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...
    def fetchone(self) -> Sequence[object] | None: ...
    def close(self) -> None: ...


class _Driver(Protocol):
    isolation_level: str | None

    def cursor(self) -> _Cursor: ...


class SQLite:
    """What is particular to SQLite."""

    def engine(self, url: URL, *, busy_s: float) -> Engine:
        """An engine for a file, whose folder is made.

        Raises:
            LedgerError: It is no file.
        """
        if url.database in (None, "", ":memory:"):
            raise LedgerError("an SQLite database in memory cannot be shared: use MemoryStore, or name a file")
        if not str(url.database).startswith("file:"):
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": busy_s, "check_same_thread": False})
        event.listen(engine, "connect", partial(_prepare, busy_s=busy_s))
        event.listen(engine, "begin", _begin)
        return engine

    def lock(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE has taken it."""

    def lock_schema(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE has taken it."""

    def guard(self, connection: Connection) -> None:
        """(Re-)make the guards and the full-text index."""
        for name, statement in GUARDS.items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(statement)
        if not self.has_recall_index(connection):
            for name, statement in _RECALL.items():  # a part of it may be there
                connection.exec_driver_sql(f"DROP {statement.split()[1].replace('VIRTUAL', 'TABLE')} IF EXISTS {name}")
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("INSERT INTO memory_words(memory_words) VALUES ('rebuild')")

    def guarded(self, connection: Connection) -> bool:
        """Whether all guards are there, word for word."""
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
        found = {str(name): str(sql) for name, sql in rows}
        whole = all(found.get(name) == statement for name, statement in GUARDS.items())
        return whole and self.has_recall_index(connection)

    def has_recall_index(self, connection: Connection) -> bool:
        """Whether this database has the full-text index and its triggers."""
        found = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
        return found.issuperset(_RECALL)

    def search(
        self, connection: Connection, asked: Sequence[str], *, limit: int, grounded: bool
    ) -> Sequence[RowMapping]:
        """FTS5, ranked by BM25 over stemmed words; the newest first among equals."""
        values = {"query": match_query(asked), "grounded": grounded, "limit": limit}
        return connection.execute(_BY_RANK, values).mappings().all()

    def scrub(self, engine: Engine) -> None:
        """Index and file anew, and the write-ahead log folded in and emptied.

        Raises:
            LedgerError: Somebody else still reads what was there.
        """
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            if not isinstance(driver, sqlite3.Connection):
                raise LedgerError("this SQLite driver cannot be used: it is not Python's own")
            try:
                # The words of a deleted goal stay in the index's segments until these are merged.
                driver.execute("INSERT INTO memory_words(memory_words) VALUES ('rebuild')")
                driver.execute("VACUUM")
                busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.Error as problem:
                mend = self.mend(str(problem), "")
                raise LedgerError(f"{problem}: {mend}" if mend else str(problem)) from problem
            if busy:
                raise LedgerError("another program still reads what was there before")

    def mend(self, said: str, code: str) -> str:
        """What helps against an error."""
        return next((mend for sign, mend in MENDS.items() if sign in said), "")

    def may_pass(self, said: str, code: str) -> bool:
        """SQLite waits by itself."""
        return False


def match_query(asked: Sequence[str]) -> str:
    """Words as an FTS5 query that cannot be malformed.

    >>> match_query(("what", "is"))
    '"what" OR "is"'
    """
    return " OR ".join(f'"{word}"' for word in asked)


def _prepare(driver: _Driver, _record: object, *, busy_s: float) -> None:
    driver.isolation_level = None  # we say BEGIN ourselves
    cursor = driver.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA recursive_triggers = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    _use_wal(cursor, within_s=busy_s)
    cursor.close()


def _use_wal(cursor: _Cursor, *, within_s: float) -> None:
    """Have the database keep a write-ahead log; SQLite's busy timeout does not hold for this change of mode."""
    ends_s = time.monotonic() + within_s
    while True:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()
        if mode is not None and mode[0] == "wal":
            return
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > ends_s:
                raise
        time.sleep(0.005)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
