"""Patches: what changed between two states of a folder, and applying that wholly or not at all, once."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from agora.errors import WorkspaceError
from agora.sandbox.applying import apply_patch
from agora.sandbox.difftext import file_diff
from agora.sandbox.trees import Found, TreeCaps, walk
from agora.tasks import Change, Patch, digest_of

__all__ = ["FileState", "Snapshot", "apply_patch", "digest", "patch_between", "snapshot"]

_TEXT_CAP = 400_000


def digest(content: bytes) -> str:
    """The SHA-256 that stands in `Change.before`, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class FileState(NamedTuple):
    """A file as it was."""

    digest: str
    """SHA-256 of its content."""
    mode: int
    """Permission bits."""


class Snapshot(NamedTuple):
    """A folder as it was: hashes only, and where to look the contents up for the diff that people read."""

    files: Mapping[str, FileState]
    """Regular files by relative path."""
    origin: Path | None = None
    """Where the contents were read from; used for the text only, and only where the hash still fits."""
    overlay: Mapping[str, bytes] = {}
    """Contents that were put over the origin."""

    def content(self, path: str) -> bytes | None:
        """A file's content at the time, or None where it cannot be had any more."""
        if path in self.overlay:
            return self.overlay[path]
        state = self.files.get(path)
        if self.origin is None or state is None:
            return None
        try:
            content = (self.origin / path).read_bytes()
        except OSError:
            return None
        return content if digest(content) == state.digest else None


def snapshot(root: Path, *, caps: TreeCaps | None = None) -> Snapshot:
    """Take down a folder's regular files.

    Raises:
        WorkspaceError: It is not a folder, holds what cannot be read, or more than the caps allow.
    """
    states: dict[str, FileState] = {}
    for found, content in _contents(root, caps or TreeCaps()):
        states[found.path] = FileState(digest(content), stat.S_IMODE(found.info.st_mode))
    return Snapshot(states, root)


def patch_between(before: Snapshot, root: Path, *, caps: TreeCaps | None = None, unlock: bool = False) -> Patch:
    """What has changed in a folder since a snapshot.

    Only regular files count. Links, pipes, devices and names that are not UTF-8 are left out and named in the text,
    so that whatever a sandboxed command leaves behind is read back safely.

    Args:
        before: The state that the patch is made from.
        root: The folder as it is now.
        caps: How much it may hold.
        unlock: Whether files that are closed to us may be opened up (in a copy of ours).

    Raises:
        WorkspaceError: It holds more than the caps allow, or a file that cannot be read.
    """
    changes: list[Change] = []
    notes: list[str] = []
    seen: set[str] = set()
    for found, content in _contents(root, caps or TreeCaps(), notes, unlock=unlock):
        seen.add(found.path)
        change = _change(found, content, before.files.get(found.path))
        if change is not None:
            changes.append(change)
    gone = [
        Change(path=path, before=state.digest, after=None, mode=state.mode & 0o777)
        for path, state in before.files.items()
        if path not in seen
    ]
    ordered = tuple(sorted((*changes, *gone), key=lambda change: change.path))
    return Patch(changes=ordered, text=_text(ordered, before, notes), digest=digest_of(ordered) if ordered else "")


def _change(found: Found, content: bytes, state: FileState | None) -> Change | None:
    executable = bool(found.info.st_mode & 0o100)
    if state is None:
        return Change(path=found.path, before=None, after=content, mode=0o755 if executable else 0o644)
    mode = state.mode & 0o777
    if executable != bool(mode & 0o100):
        mode = mode | 0o111 if executable else mode & ~0o111
    now = digest(content)
    if now == state.digest and mode == state.mode & 0o777:
        return None
    return Change(path=found.path, before=state.digest, after=content, mode=mode)


def _contents(
    root: Path, caps: TreeCaps, notes: list[str] | None = None, *, unlock: bool = False
) -> Iterator[tuple[Found, bytes]]:
    total = 0
    for found in walk(root, caps=caps, unlock=unlock):
        if stat.S_ISDIR(found.info.st_mode):
            continue
        odd = _oddity(found)
        if odd:
            if notes is not None:
                notes.append(f"# left out: {found.path.encode(errors='surrogateescape')!r} is {odd}\n")
            continue
        try:
            content = found.read(caps.file_bytes, unlock=unlock)
        except OSError as error:
            raise WorkspaceError(str(root), f"holds a file that cannot be read: {error}") from error
        total += len(content)
        if total > caps.total_bytes:
            raise WorkspaceError(str(root), f"holds more than {caps.total_bytes} bytes")
        yield found, content


def _oddity(found: Found) -> str:
    if not stat.S_ISREG(found.info.st_mode):
        return "a link" if stat.S_ISLNK(found.info.st_mode) else "not a regular file"
    try:
        found.path.encode()
    except UnicodeEncodeError:
        return "named in no known encoding"
    return ""


def _text(changes: tuple[Change, ...], before: Snapshot, notes: list[str]) -> str:
    parts: list[str] = []
    size = 0
    for change in changes:
        old = before.content(change.path) if change.before is not None else None
        part = file_diff(change, old)
        size += len(part)
        if size > _TEXT_CAP:
            parts.append(f"# and more: {len(changes)} files changed in all\n")
            break
        parts.append(part)
    return "".join((*parts, *notes))
