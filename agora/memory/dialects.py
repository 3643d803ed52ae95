"""What all databases have in common, and which of them a connection belongs to: SQLite or PostgreSQL.

The particulars stand in `sqlite.py` and `postgres.py`, behind one protocol: connections, locks, append-only guards, the
full-text index, and what their errors mean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from sqlalchemy import URL, ClauseElement, Connection, Dialect, Engine, RowMapping, Table, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.sql.dml import Insert

from agora.errors import LedgerError
from agora.memory.location import shown
from agora.memory.postgres import Postgres
from agora.memory.sqlite import WRITES, SQLite

Cell: TypeAlias = str | int | float | bytes | bool | None
Row: TypeAlias = Mapping[str, Cell]
T = TypeVar("T")

_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 1.0


class Database(Protocol):
    """What is particular to one kind of database."""

    def engine(self, url: URL, *, busy_s: float) -> Engine:
        """An engine whose waits end after `busy_s`."""
        ...

    def lock(self, connection: Connection) -> None:
        """Let nobody else write the ledger until the transaction ends."""
        ...

    def lock_schema(self, connection: Connection) -> None:
        """Let nobody else migrate until the transaction ends."""
        ...

    def guard(self, connection: Connection) -> None:
        """(Re-)make the append-only guards and the full-text index."""
        ...

    def guarded(self, connection: Connection) -> bool:
        """Whether all of them are there, word for word."""
        ...

    def has_recall_index(self, connection: Connection) -> bool:
        """Whether the full-text index is there."""
        ...

    def search(
        self, connection: Connection, asked: Sequence[str], *, limit: int, grounded: bool
    ) -> Sequence[RowMapping]:
        """Remembered bids by the index: best first, the newest first among equals."""
        ...

    def scrub(self, engine: Engine) -> None:
        """Write the files anew, without what was deleted.

        Raises:
            LedgerError: Somebody else still reads what was there.
        """
        ...

    def mend(self, said: str, code: str) -> str:
        """What helps against an error, by its text and SQLSTATE; empty where nobody knows."""
        ...

    def may_pass(self, said: str, code: str) -> bool:
        """Whether the same transaction may succeed a moment later."""
        ...


_KINDS: Final[Mapping[str, Database]] = {"sqlite": SQLite(), "postgresql": Postgres()}


def kind(of: Connection | Engine) -> Database:
    """The kind of database behind a connection."""
    return _KINDS[of.dialect.name]


def connect(url_or_path: str | Path, *, busy_s: float = 30.0) -> Engine:
    """An engine for a database URL, or for a SQLite file (whose folder is made).

    Args:
        url_or_path: As "memory/agora.db" or "postgresql://user@host/name".
        busy_s: How long a writer waits for another one.

    Raises:
        LedgerError: The URL cannot be used.
    """
    place = str(url_or_path)
    try:
        url = make_url(place if "://" in place else f"sqlite:///{Path(place).expanduser().absolute()}")
        name = "postgresql" if url.drivername == "postgres" else url.get_backend_name()
        if name not in _KINDS:
            raise ArgumentError("it is neither sqlite:///FILE nor postgresql://USER@HOST/NAME")
        return _KINDS[name].engine(url, busy_s=busy_s)
    except (ArgumentError, ImportError, OSError, ValueError) as problem:
        why = shown(str(problem))
        # Not "from problem": its text may hold the password.
        raise LedgerError(f"database {shown(place)!r} cannot be used ({why}): check AGORA_DB_URL") from None


def writer(engine: Engine) -> Connection:
    """A connection whose transactions take the ledger's lock before they read the last entry."""
    return engine.connect().execution_options(**{WRITES: True})


def transact(engine: Engine, work: Callable[[Connection], T], *, patience_s: float = 0.0) -> T:
    """Do some work in one transaction that holds the ledger's lock, again where the database says that it may pass.

    Args:
        engine: The database.
        work: Done from its beginning each time; what was done in vain is rolled back.
        patience_s: How long it is tried again.

    Raises:
        LedgerError: The database refused; where the connection broke, `work` is responsible for finding out whether an
            earlier try was committed after all.
    """
    deadline, wait_s = time.monotonic() + patience_s, _FIRST_WAIT_S
    while True:
        try:
            with writer(engine) as connection, connection.begin():
                kind(connection).lock(connection)
                return work(connection)
        except SQLAlchemyError as problem:
            if time.monotonic() + wait_s > deadline or not kind(engine).may_pass(*_said(problem)):
                raise explain(problem) from problem
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


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
    """A database's error, in words that name the mend and no password."""
    said, code = _said(problem)
    mends = (each.mend(said, code) for each in _KINDS.values())
    mend = next((mend for mend in mends if mend), "")
    return LedgerError(
        f"the ledger could not be used ({said}): {mend}" if mend else f"the ledger could not be used: {said}"
    )


def _said(problem: Exception) -> tuple[str, str]:
    origin = problem.orig if isinstance(problem, DBAPIError) else None
    said = shown(" ".join(str(origin or problem).split()))[:2000]
    code = str(getattr(origin, "sqlstate", None) or "")
    if not code and isinstance(origin, Exception) and type(origin).__module__.startswith("psycopg"):
        code = "08006"  # not the server's word: the connection could not be made, or broke
    return said, code
