"""An Agora project: a folder with definitions in agents/, auctions/, workflows/ and the shared memory in memory/."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from agora.errors import ConfigError
from agora.memory.location import project_folder
from agora.settings import PROJECT_FILE, short

PARTS = ("agents", "auctions", "workflows", "memory", "checklist", PROJECT_FILE)
"""What the starter project consists of."""

_SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".ruff_cache", ".pytest_cache", "*.db", "*.db-*")
_MEMORY_PAGE = """\
# Memory

The market's shared memory: `agora.db`, written by `agora run`, holds the ledger and the tables derived from it.
`agora memory` shows what it holds; deleting the database forgets it all.
"""

_KEPT_OUT = ".env\n.env.*\n!.env.example\n"
"""What git is not to take of a project: files of keys."""


def find_project(stated: Path | None = None) -> Path | None:
    """The project that --project names, else the one that the user stands in.

    Args:
        stated: What --project says.

    Raises:
        ConfigError: --project names something that is not a project.
    """
    if stated is None:
        return project_folder(Path.cwd())
    folder = stated.expanduser().resolve()
    if not folder.is_dir():
        raise ConfigError("--project", f"{str(stated)!r} is not a folder")
    if not (folder / PROJECT_FILE).is_file():
        raise ConfigError("--project", f"{str(stated)!r} holds no {PROJECT_FILE}: make one with `agora init {stated}`")
    return folder


def starter() -> Path:
    """The starter project: shipped in the wheel, or the root of the repository itself.

    Raises:
        ConfigError: The installation is incomplete.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "starter", package.parent):
        if (folder / PROJECT_FILE).is_file() and (folder / "checklist").is_dir():
            return folder
    raise ConfigError("starter project", "is not in this installation: install agora-market again")


def write_starter(target: Path) -> list[str]:
    """Write the starter project into a folder.

    Returns:
        What was written, as paths relative to the folder, sorted.

    Raises:
        ConfigError: Something of it is already there; nothing was written.
    """
    source = starter()
    there = [name for name in PARTS if (target / name).exists()]
    if there:
        raise ConfigError(short(target), f"already has {', '.join(there)}: nothing was written; choose an empty folder")
    if target.exists() and not target.is_dir():
        raise ConfigError(short(target), "is not a folder: choose another name")
    target.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        if name == "memory":
            (target / name).mkdir()
            (target / name / "README.md").write_text(_MEMORY_PAGE, encoding="utf-8")
            (target / name / ".gitignore").write_text("*\n!README.md\n!.gitignore\n", encoding="utf-8")
        elif (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=_SKIPPED)
        else:
            shutil.copyfile(source / name, target / name)
    written = [str(path.relative_to(target)) for path in _files(target)]
    if not (target / ".gitignore").exists():
        (target / ".gitignore").write_text(_KEPT_OUT, encoding="utf-8")
        written.append(".gitignore")
    return sorted(written)


def _files(target: Path) -> Iterator[Path]:
    for name in PARTS:
        path = target / name
        yield from ([path] if path.is_file() else (file for file in path.rglob("*") if file.is_file()))
