"""Walking and reading folders that somebody else may have filled: nothing is followed, everything is capped."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from agora.errors import WorkspaceError

SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
    }
)
"""Names that are neither copied nor part of a patch: history, environments and caches."""

STAGE_PREFIX = ".agora-patch-"
"""What the name of a folder begins with that a patch being applied keeps beside the files."""

_PUBLIC_ENV = frozenset({".env.dist", ".env.example", ".env.sample", ".env.template"})

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def left_out(name: str) -> bool:
    """Whether what has this name is neither copied nor part of a patch.

    That is what `SKIPPED` names, files of keys (.env and its like, but not examples of it), and stages of patches.

    >>> [left_out(name) for name in (".env", ".env.local", ".env.example", ".envrc", "env.py")]
    [True, True, False, True, False]
    """
    secret = name in (".env", ".envrc") or (name.startswith(".env.") and name not in _PUBLIC_ENV)
    return secret or name in SKIPPED or name.startswith(STAGE_PREFIX)


class TreeCaps(NamedTuple):
    """How much a folder may hold."""

    files: int = 50_000
    """Files, folders and links together."""
    total_bytes: int = 512_000_000
    """Bytes in all files together."""
    file_bytes: int = 128_000_000
    """Bytes in one file."""
    depth: int = 60
    """Folders inside folders."""


class Found(NamedTuple):
    """One entry of a folder; `parent` is open only while the walk stands there."""

    path: str
    """Relative to the root, with forward slashes."""
    name: str
    """The last part of it."""
    parent: int
    """Descriptor of the folder it is in."""
    info: os.stat_result
    """From lstat."""

    def read(self, cap_bytes: int, *, unlock: bool = False) -> bytes:
        """The content of a regular file; never through a link, never more than the cap.

        Args:
            cap_bytes: The most that is read.
            unlock: Whether a file that is closed to us may be opened up first.

        Raises:
            OSError: It cannot be read, or is not a regular file any more.
        """
        descriptor = _open(self.name, self.parent, _FILE, unlock=unlock)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.path!r} is not a regular file")
            content = file.read(cap_bytes + 1)
        if len(content) > cap_bytes:
            raise OSError(f"{self.path!r} holds more than {cap_bytes} bytes")
        return content


def walk(
    root: Path, *, caps: TreeCaps | None = None, everything: bool = False, unlock: bool = False
) -> Iterator[Found]:
    """Every entry below a folder in a fixed order, folders before what is in them.

    Virtual environments (folders with a pyvenv.cfg) come empty unless everything is wanted. A folder's descriptor
    (`Found.parent`) is open while the caller holds the entry, so that nothing can be put in its place.

    Args:
        root: Where to begin.
        caps: How much there may be.
        everything: Whether names that are left out elsewhere (see `left_out`) are walked too.
        unlock: Whether folders that are closed to us may be opened up (in a copy of ours, never in a user's folder).

    Raises:
        WorkspaceError: The root is not a folder, holds a folder that cannot be read, or more entries or deeper ones
            than the caps allow.
    """
    limits = caps or TreeCaps()
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise WorkspaceError(str(root), _why(error)) from error
    stack = [(top, "", iter(_listing(top)))]
    count = 0
    try:
        while stack:
            folder, prefix, names = stack[-1]
            name = next(names, None)
            if name is None:
                os.close(stack.pop()[0])
                continue
            found = None if not everything and left_out(name) else _entry(name, prefix, folder)
            if found is None:
                continue
            if stat.S_ISDIR(found.info.st_mode):
                inner = _enter(root, found, unlock=unlock)
                if inner is None:
                    continue
                stack.append(
                    (inner, found.path + "/", iter(_listing(inner, unless="" if everything else "pyvenv.cfg")))
                )
            count += 1
            _check_caps(root, count, len(stack), limits)
            yield found
    finally:
        for folder, _, _ in stack:
            os.close(folder)


def _check_caps(root: Path, count: int, depth: int, caps: TreeCaps) -> None:
    if count > caps.files:
        raise WorkspaceError(str(root), f"holds more than {caps.files} files and folders")
    if depth > caps.depth:
        raise WorkspaceError(str(root), f"holds folders nested deeper than {caps.depth}")


def _entry(name: str, prefix: str, folder: int) -> Found | None:
    try:
        return Found(prefix + name, name, folder, os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:  # it went while we looked
        return None


def _enter(root: Path, found: Found, *, unlock: bool) -> int | None:
    try:
        return _open(found.name, found.parent, _FOLDER, unlock=unlock)
    except (FileNotFoundError, NotADirectoryError):  # it went, or was replaced, while we looked
        return None
    except OSError as error:
        raise WorkspaceError(str(root), f"holds {found.path!r}, which cannot be read ({error.strerror})") from error


def _open(name: str, parent: int, flags: int, *, unlock: bool) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except PermissionError:
        if not unlock:
            raise
    # what ran as us may have closed it to us; by descriptor, so that no link can be put in its place
    handle = os.open(name, os.O_NOFOLLOW | getattr(os, "O_PATH", 0), dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)  # noqa: PTH101 - a descriptor, not a path
        return os.open(name, flags, dir_fd=parent)
    finally:
        os.close(handle)


def _listing(folder: int, *, unless: str = "") -> list[str]:
    """Sorted names; none where the folder cannot be read, or holds the name that marks it as not wanted."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [] if unless in names else names


def disk_bytes(root: Path, *, caps: TreeCaps) -> int | None:
    """Bytes on disk below a folder, as blocks; None where it is past the caps on count or depth."""
    total = 0
    try:
        for found in walk(root, caps=caps, everything=True, unlock=True):
            total += found.info.st_blocks * 512
    except WorkspaceError:
        return None
    return total


def remove(path: Path) -> None:
    """Remove a folder whatever is in it: closed folders, endless nesting, names that no decoder knows."""
    with suppress(RecursionError):
        shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        subprocess.run(["/bin/chmod", "-R", "u+rwX", "--", str(path)], check=False, capture_output=True, timeout=60)
        subprocess.run(["/bin/rm", "-rf", "--", str(path)], check=False, capture_output=True, timeout=60)


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is not there"
    return "is not a folder" if isinstance(error, NotADirectoryError) else "cannot be read"
