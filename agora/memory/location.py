"""Where shared memory lives: the URL given, else the project's `memory/agora.db`, else the user's data folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agora.settings import PROJECT_FILE

DATABASE: Final = "agora.db"
"""The database's file name."""
_PASSWORD: Final = re.compile(r"(://[^:/@\s]*:)\S*(?=@)|(\bpassword=)[^&\s]+", re.IGNORECASE)


def project_folder(cwd: Path) -> Path | None:
    """The nearest folder, from `cwd` upwards, that holds an `agora.toml`."""
    folder = cwd.absolute()
    return next((place for place in (folder, *folder.parents) if (place / PROJECT_FILE).is_file()), None)


def database_url(*, env: Mapping[str, str], cwd: Path, home: Path) -> str:
    """What to open: `AGORA_DB_URL` (a URL or a path), else a path in the project, else one in the user's data folder.

    Args:
        env: The environment; `AGORA_DB_URL` and `XDG_DATA_HOME` are read.
        cwd: Where the search for a project begins; also what a relative path in `AGORA_DB_URL` is relative to.
        home: The user's home folder.

    >>> database_url(env={"AGORA_DB_URL": "postgresql+psycopg://db/agora"}, cwd=Path("/"), home=Path("/home/ada"))
    'postgresql+psycopg://db/agora'
    """
    if given := env.get("AGORA_DB_URL", "").strip():
        return given if "://" in given else str(cwd.absolute() / Path(given).expanduser())
    if (project := project_folder(cwd)) is not None:
        return str(project / "memory" / DATABASE)
    return str(data_folder(env=env, home=home) / DATABASE)


def data_folder(*, env: Mapping[str, str], home: Path) -> Path:
    """The user's data folder for Agora, whether it is there or not.

    Args:
        env: The environment; `XDG_DATA_HOME` is read.
        home: The user's home folder.

    >>> str(data_folder(env={}, home=Path("/home/ada")))
    '/home/ada/.local/share/agora'
    """
    data = env.get("XDG_DATA_HOME", "")
    # A relative XDG path is invalid by its own specification, and is to be ignored.
    return (Path(data) if data.startswith("/") else home / ".local" / "share") / "agora"


def shown(text: str) -> str:
    """A URL, or a text with one, without its password.

    >>> shown("postgresql://ada:secret@db/agora")
    'postgresql://ada:***@db/agora'
    """
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***", text)
