"""Where memory lives: the URL given, the project, the user's data folder, in this order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agora.memory.location import database_url, project_folder


def test_a_url_that_is_given_wins(tmp_path: Path) -> None:
    (tmp_path / "agora.toml").touch()
    url = "postgresql+psycopg://db/agora"
    assert database_url(env={"AGORA_DB_URL": url}, cwd=tmp_path, home=tmp_path) == url


def test_a_path_that_is_given_is_relative_to_where_one_stands(tmp_path: Path) -> None:
    found = database_url(env={"AGORA_DB_URL": "here/x.db"}, cwd=tmp_path, home=Path("/nowhere"))
    assert found == str(tmp_path / "here" / "x.db")


def test_the_nearest_project_is_next(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    deep = inner / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "outer" / "agora.toml").touch()
    assert project_folder(deep) == tmp_path / "outer"
    (inner / "agora.toml").touch()
    assert database_url(env={"AGORA_DB_URL": " "}, cwd=deep, home=tmp_path) == str(inner / "memory" / "agora.db")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("/data", "/data/agora/agora.db"),
        ("", "/h/.local/share/agora/agora.db"),
        ("x", "/h/.local/share/agora/agora.db"),
    ],
)
def test_outside_a_project_it_is_the_users_data_folder(tmp_path: Path, data: str, expected: str) -> None:
    assert project_folder(tmp_path) is None
    assert database_url(env={"XDG_DATA_HOME": data}, cwd=tmp_path, home=Path("/h")) == expected


def test_importing_memory_does_not_import_a_database() -> None:
    code = (
        "import sys, agora.memory; print(sorted({'sqlalchemy', 'sqlmodel', 'alembic', 'sqlite3'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
