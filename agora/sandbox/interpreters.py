"""Which Python a command in the sandbox gets, and the folders that this Python needs to be seen there."""

from __future__ import annotations

import site
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_SYSTEM = (Path("/usr"), Path("/bin"), Path("/lib"), Path("/lib64"))
_OWN_PATH = ("/usr/local/bin", "/usr/bin", "/bin")


class Interpreter(NamedTuple):
    """A Python with everything that it needs."""

    python: Path
    """What "python" means."""
    folders: tuple[Path, ...]
    """Folders to be bound read-only at the same place, parents first."""
    path: tuple[str, ...]
    """Folders of commands, first first."""
    env: tuple[tuple[str, str], ...] = ()
    """Variables that it needs."""


def own_interpreter() -> Interpreter:
    """The Python that Agora runs on, with the packages and commands installed beside it."""
    python = Path(sys.executable)
    extra: list[Path] = [Path(sys.base_prefix)]
    env: tuple[tuple[str, str], ...] = ()
    path = [str(python.parent)]
    if site.ENABLE_USER_SITE and site.USER_SITE in sys.path and site.USER_BASE:
        base = Path(site.USER_BASE)
        extra += [Path(site.getusersitepackages()), base / "bin"]
        env = (("PYTHONUSERBASE", str(base)),)
        path.append(str(base / "bin"))
    return Interpreter(python, needed_folders([*_homes(python), *extra]), (*path, *_OWN_PATH), env)


def workspace_interpreter(source: Path) -> Interpreter | None:
    """The Python of a workspace's own .venv, where it has one; commands beside Agora's Python come second.

    A workspace may come from strangers: what is not a virtual environment whose links lead to Python installations
    is not taken for one, since a link to a folder of secrets would be shown inside.
    """
    python = source / ".venv" / "bin" / "python"
    if not (source / ".venv" / "pyvenv.cfg").is_file() or not python.exists():
        return None
    if not _is_python_home(python.resolve().parent.parent):
        return None
    own = own_interpreter()
    folders = needed_folders([*_homes(python), *own.folders])
    return Interpreter(python, folders, (str(python.parent), *own.path))


def with_python(argv: Sequence[str], python: Path) -> tuple[str, ...]:
    """A command with "python" (or "python3") replaced by an interpreter's real path."""
    first, *rest = argv
    return (str(python) if first in ("python", "python3") else first, *rest)


def needed_folders(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The folders that have to be bound, without those that are in others or in the system; parents first.

    A folder that holds the home folder is never bound whole: only its bin, lib, lib64 and include are.
    """
    home = home_folder()
    fine: set[Path] = set()
    for folder in folders:
        if home.is_relative_to(folder) or folder == home / ".local":
            fine |= {folder / name for name in ("bin", "lib", "lib64", "include", "pyvenv.cfg")}
        else:
            fine.add(folder)
    kept: list[Path] = []
    for folder in sorted(fine, key=lambda one: (len(one.parts), str(one))):
        if folder.exists() and not any(folder.is_relative_to(other) for other in (*_SYSTEM, *kept)):
            kept.append(folder)
    return tuple(kept)


def home_folder() -> Path:
    """The user's home; a place that is not there where nobody knows one."""
    try:
        return Path.home().absolute()
    except RuntimeError:
        return Path("/nonexistent")


def _is_python_home(folder: Path) -> bool:
    return any(found.is_dir() for name in ("lib", "lib64") for found in (folder / name).glob("python3*"))


def _homes(python: Path) -> Iterator[Path]:
    """The prefix of an interpreter and of all that its link leads over."""
    here = python
    chain = [python.resolve()]
    for _ in range(40):
        chain.append(here)
        if not here.is_symlink():
            break
        here = here.parent / here.readlink()
    # what only passes a link on (/etc/alternatives) is not shown
    yield from (step.parent.parent for step in chain if _is_python_home(step.parent.parent))
