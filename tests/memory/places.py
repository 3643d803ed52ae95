"""Where the databases of the tests are, and a plain connection to each."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import psycopg
from sqlalchemy import make_url

from agora.memory.sql_store import SQLStore
from agora.testing.clocks import FakeClock
from memory.postgres_server import PostgresServer

SERVER: Final = "AGORA_TEST_POSTGRES_URL"


class Places(Protocol):
    """New, empty databases of one kind."""

    def new(self, *, migrated: bool = True) -> str:
        """The URL or path of one; `migrated=False`: without any table, for certain."""
        ...


class SQLitePlaces:
    """Files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._names = folder, count()

    def new(self, *, migrated: bool = True) -> str:
        return str(self._folder / f"agora{next(self._names)}.db")


class PostgresPlaces:
    """Databases of one server, copied from one that is migrated already (an empty one with `new(migrated=False)`)."""

    def __init__(self) -> None:
        self._given = os.environ.get(SERVER)
        self._server = None if self._given else PostgresServer()
        self._names, self._made = count(), list[str]()
        self._template: str | None = None

    def new(self, *, migrated: bool = True) -> str:
        if self._template is None:
            self._template = self._create("template1")
            store = SQLStore.open(self._url(self._template), clock=FakeClock())
            store._engine.dispose()  # pyright: ignore[reportPrivateUsage] -- a template must have no sessions
        name = self._create(self._template if migrated else "template1")
        self._made.append(name)
        return self._url(name)

    def forget(self) -> None:
        """Drop the databases of a test."""
        while self._made:
            self._drop(self._made.pop())

    def close(self) -> None:
        self.forget()
        if self._server is not None:
            self._server.close()
        elif self._template is not None:
            self._drop(self._template)

    def _url(self, database: str) -> str:
        if self._server is not None:
            return self._server.url(database)
        return make_url(str(self._given)).set(database=database).render_as_string(hide_password=False)

    def _create(self, template: str) -> str:
        name = f"agora_{os.getpid()}_{next(self._names)}"
        with self._admin() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log".encode())
        return name

    def _drop(self, name: str) -> None:
        with self._admin() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(plain(self._given or self._url("postgres")), autocommit=True)


Raw: TypeAlias = Any
"""A connection of either driver, as any other program makes it: default settings, autocommit."""


def plain(url: str) -> str:
    """As libpq wants it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def raw(place: str | Path) -> Generator[Raw, None, None]:
    """A plain connection to a database of either kind."""
    if "://" in str(place):
        with psycopg.connect(plain(str(place)), autocommit=True) as connection:
            yield connection
        return
    file = sqlite3.connect(place, isolation_level=None)
    try:
        yield file
    finally:
        file.close()


def is_sqlite(place: str) -> bool:
    return "://" not in place


TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'memory_words%' AND name NOT LIKE 'sqlite%'",
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
)


def contents(place: str) -> dict[str, Sequence[Any]]:
    """All rows of all tables, each in one order."""
    with raw(place) as connection:
        names = sorted(row[0] for row in connection.execute(TABLES[0 if is_sqlite(place) else 1]).fetchall())
        return {name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}
