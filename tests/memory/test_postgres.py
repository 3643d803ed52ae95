"""What only a database server can do: be away, be wrong, come back; and what is said then."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Generator

import psycopg
import pytest

from agora.errors import LedgerError
from agora.memory.dialects import connect
from agora.memory.location import shown
from memory.cutting_proxy import CuttingProxy
from memory.helpers_store import open_store, raw, small, tasks_of
from memory.outages import outages
from memory.places import PostgresPlaces
from memory.postgres_server import PostgresServer


@pytest.fixture
def place(postgres: PostgresPlaces) -> Generator[str, None, None]:
    yield postgres.new()
    postgres.forget()


@pytest.fixture
def server() -> Generator[PostgresServer, None, None]:
    """One of the test's own, that may be stopped."""
    made = PostgresServer()
    yield made
    made.close()


@pytest.fixture
def proxy(server: PostgresServer) -> Generator[CuttingProxy, None, None]:
    """A line to that server, which can be cut."""
    made = CuttingProxy(server.folder, cuts=0)
    yield made
    made.close()


async def test_a_server_that_is_stopped_and_started_again_loses_nothing_and_doubles_nothing() -> None:
    events, made = await outages(4)
    assert (events > 8 * 2 * 4, made) == (True, 4)


async def test_a_server_that_stays_away_is_told_in_time_and_what_was_noted_is_recorded_once_later(
    server: PostgresServer,
) -> None:
    store = open_store(server.url("postgres"), busy_s=0.5)
    await store.record("r1", small(1))
    server.stop()
    store.note("r1", small(2))
    with pytest.raises(LedgerError, match=r"the ledger could not be used .*: .*server"):
        await store.record("r1", small(3))
    with pytest.raises(LedgerError, match="server"):
        list(store.events())
    server.start()
    await store.record("r1", small(4))
    assert tasks_of(store) == ["t1", "t2", "t4"]
    assert store.check() is None
    await store.close()


async def test_a_commit_that_was_made_though_its_answer_was_lost_is_not_made_again(
    server: PostgresServer, proxy: CuttingProxy
) -> None:
    await open_store(server.url("postgres")).close()
    store = open_store(server.url("postgres").replace(server.folder, proxy.folder), busy_s=30)
    proxy.left = 3
    for number in (1, 2, 3):
        await store.record("r1", small(number))
    assert proxy.left == 0
    assert tasks_of(store) == ["t1", "t2", "t3"]
    proxy.left = 1
    store.note("r1", small(4))
    await store.close()
    again = open_store(server.url("postgres"))
    assert tasks_of(again) == ["t1", "t2", "t3", "t4"]
    assert again.check() is None
    await again.close()


async def test_a_session_that_stands_still_in_a_transaction_is_ended_by_the_server(place: str) -> None:
    engine = connect(place, busy_s=2)
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit")
        }
    engine.dispose()
    assert found == {"lock_timeout": "2s", "idle_in_transaction_session_timeout": "1min", "synchronous_commit": "on"}


async def test_a_server_that_acknowledges_before_it_flushes_is_told_not_to(place: str) -> None:
    with raw(place) as connection:
        name = connection.execute("SELECT current_database()").fetchone()[0]
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    engine = connect(place)
    with engine.connect() as session:
        assert session.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()


async def test_a_ledger_that_someone_holds_is_one_clear_line(place: str) -> None:
    store = open_store(place, busy_s=0.2)
    with raw(place) as connection:
        connection.execute("BEGIN; LOCK TABLE ledger IN EXCLUSIVE MODE")
        with pytest.raises(LedgerError, match=r"lock timeout.*another program holds the ledger"):
            await store.record("r1", small(1))
        connection.execute("ROLLBACK")
    await store.record("r1", small(2))
    assert tasks_of(store) == ["t2"]
    await store.close()


SECRET = "s3cret-w0rd"


def failure(url: str) -> str:
    """Everything that is shown when a store is opened in vain."""
    with pytest.raises(LedgerError) as failed:
        open_store(url, busy_s=0.2)
    return str(failed.value) + "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql://ada:{SECRET}@127.0.0.1:1/agora", "check that the server runs"),
        (f"postgres://ada:{SECRET}@localhost:1/agora?connect_timeout=1", "check that the server runs"),
        (f"postgresql://ada:{SECRET}@127.0.0.1:port/agora", "check AGORA_DB_URL"),
        (f"postgresql+asyncpg://ada:{SECRET}@127.0.0.1/agora", r"write postgresql\+psycopg://"),
        (f"mysql://ada:{SECRET}@127.0.0.1/agora", "neither sqlite:///FILE nor postgresql://"),
        (f"postgresql://ada@127.0.0.1:1/agora?password={SECRET}", "check that the server runs"),
        (f"://ada:{SECRET}@x", "check AGORA_DB_URL"),
    ],
)
def test_a_wrong_url_is_told_with_the_mend_and_without_the_password(url: str, said: str) -> None:
    text = failure(url)
    assert SECRET not in text
    with pytest.raises(LedgerError, match=said):
        open_store(url, busy_s=0.2)


def test_a_database_that_is_not_there_is_told_with_the_mend(postgres: PostgresPlaces) -> None:
    url = postgres.new()
    name = url.partition("?")[0].rpartition("/")[2]
    postgres.forget()
    assert "create it, or name another in AGORA_DB_URL" in failure(url.replace(name, "nowhere"))


def test_a_user_without_rights_is_told_what_to_grant(place: str) -> None:
    with raw(place) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
    said = failure(place.replace("agora@", "guest@"))
    assert "permission denied" in said
    assert "grant this user CREATE" in said


def test_a_missing_driver_is_named_with_the_extra_that_brings_it() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from agora.memory.dialects import connect\n"
        f"connect('postgresql://ada:{SECRET}@db/agora')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "PostgreSQL needs psycopg: pip install 'agora-market[postgres]'" in ran.stderr
    assert SECRET not in ran.stderr


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://ada:pa:ss@db/agora", "postgresql://ada:***@db/agora"),
        ("could not open postgresql://ada:p@ss@db/agora now", "could not open postgresql://ada:***@db/agora now"),
        ("postgresql://ada@db/agora", "postgresql://ada@db/agora"),
        ("postgresql:///agora?password=x&host=y", "postgresql:///agora?password=***&host=y"),
        ("memory/agora.db", "memory/agora.db"),
    ],
)
def test_a_url_is_shown_without_its_password(text: str, clean: str) -> None:
    assert shown(text) == clean


def test_the_server_of_the_tests_leaves_nothing_behind() -> None:
    server = PostgresServer()
    url = server.url("postgres")
    server.close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace("+psycopg", ""))
