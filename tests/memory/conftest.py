"""Every kind of database that a store may live in: SQLite files, and databases of one PostgreSQL server."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from memory.places import Places, PostgresPlaces, SQLitePlaces


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresPlaces, None, None]:
    """Databases of a server that lives as long as the tests, or of the one in AGORA_TEST_POSTGRES_URL."""
    places = PostgresPlaces()
    yield places
    places.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Places, None, None]:
    """New, empty databases of one kind."""
    if request.param == "sqlite":
        yield SQLitePlaces(tmp_path)
        return
    server: PostgresPlaces = request.getfixturevalue("postgres")
    yield server
    server.forget()


@pytest.fixture
def place(places: Places) -> str:
    """One new, empty database."""
    return places.new()
