"""The schema: migrated equals declared, once is enough, newer is refused, two at once both succeed."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import SchemaItem

from agora.errors import LedgerError
from agora.memory import migrations
from agora.memory.dialects import connect, kind
from agora.memory.tables import METADATA
from memory.helpers_store import open_store, raw, small
from memory.places import Places


def ours(_item: SchemaItem, name: str | None, _kind: str, _reflected: bool, _other: SchemaItem | None) -> bool:
    return not str(name).startswith("memory_words")  # the full-text index is SQLite's own affair


def test_the_migrated_schema_is_the_declared_one(places: Places) -> None:
    engine = connect(places.new(migrated=False))
    migrations.upgrade(engine)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
        assert kind(connection).guarded(connection)
    engine.dispose()


def test_the_known_revisions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == migrations.REVISIONS


async def test_upgrading_again_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", small(1))
    await store.close()
    before = path.read_bytes()
    engine = connect(path)
    migrations.upgrade(engine)
    migrations.upgrade(engine)
    engine.dispose()
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    engine = connect(path)
    migrations.upgrade(engine)
    engine.dispose()
    with raw(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match=r"schema '9999'.*install the newer Agora"):
        open_store(path)


def test_an_opening_of_an_up_to_date_database_does_not_import_alembic(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    for expected in ("True", "False"):
        code = (
            "import sys; from agora.memory.dialects import connect; from agora.memory.migrations import upgrade;"
            f"engine = connect({str(path)!r}); upgrade(engine); engine.dispose(); print('alembic' in sys.modules)"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == expected


def test_four_processes_that_open_one_new_database_at_once_all_succeed(places: Places) -> None:
    code = (
        "import sys, pathlib; from agora.memory.dialects import connect; from agora.memory.migrations import upgrade;"
        "import alembic.command; print('ready', flush=True); sys.stdin.readline();"
        f"engine = connect({places.new(migrated=False)!r}); upgrade(engine); engine.dispose(); print('done')"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    ended = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0, 0], ended


def test_a_new_database_that_another_program_writes_to_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    opened: list[str] = []

    def opens() -> None:
        engine = connect(path)
        with engine.connect() as connection:
            opened.append(str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()))
        engine.dispose()

    with raw(path) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        impatient = connect(path, busy_s=0.05)
        with pytest.raises(OperationalError, match="locked"):
            impatient.connect()
        opener = threading.Thread(target=opens)
        opener.start()
        opener.join(0.2)
        assert opener.is_alive(), "it waits, rather than fail"
        other.execute("COMMIT")
    opener.join(20)
    assert opened == ["wal"]


@pytest.mark.parametrize("content", [b"not a database at all, " * 100])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"not a database.*name another file"):
        open_store(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused_with_the_mend(url: str) -> None:
    with pytest.raises(LedgerError, match="use MemoryStore"):
        connect(url)


@pytest.mark.parametrize("url", ["nonsense://x", "://", "postgresql+nodriver://x"])
def test_an_unusable_url_is_one_clear_line(url: str) -> None:
    with pytest.raises(LedgerError, match="cannot be used"):
        connect(url)
