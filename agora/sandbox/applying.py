"""Applying a patch to a folder: every pre-image first, then all files, or none of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath

from agora.errors import PatchError
from agora.sandbox.trees import SKIPPED
from agora.tasks import Change, Patch

_MEND = "nothing was written; make a new attempt from the folder as it is now"


def apply_patch(patch: Patch, root: Path) -> None:
    """Apply a patch wholly or not at all, and only once.

    All pre-images are checked first. New contents are written to temporary files on the same file system, and then
    renamed into place; a failure half-way puts everything back. A second application is refused, because the
    pre-images no longer fit.

    Args:
        patch: What to do.
        root: The folder, which must be the user's own (nobody else may write to it meanwhile).

    Raises:
        PatchError: A path leaves the folder, goes through a link or into what no patch may change; a file is not
            what the patch was made from; or the file system refused. Nothing has changed then.
    """
    _check_paths(patch)
    for change in patch.changes:
        _check_fit(change, root)
    if not patch.changes:
        return
    try:
        stage = Path(tempfile.mkdtemp(prefix=".agora-patch-", dir=root))
    except OSError as error:
        raise PatchError(f"cannot write to {str(root)!r}: {error.strerror}; {_MEND}") from error
    undo: list[Callable[[], object]] = []
    try:
        _apply(patch, root, stage, undo)
    except BaseException as error:
        for step in reversed(undo):
            with suppress(OSError):  # each step stands alone: one that fails must not keep the others from running
                step()
        if isinstance(error, OSError):
            what = f"{error.filename or root}: {error.strerror or error}"
            raise PatchError(f"the patch could not be written ({what}); {_MEND}") from error
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def check_path(path: str) -> PurePosixPath:
    """A path that a patch may touch.

    Raises:
        PatchError: It is absolute, leaves the folder, or goes into what no patch may change.
    """
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or "\0" in path or str(pure) != path or ".." in pure.parts:
        raise PatchError(f"path {path!r} leaves the workspace or is malformed; {_MEND}")
    barred = [part for part in pure.parts if part.lower() in SKIPPED]
    if barred:
        raise PatchError(f"path {path!r} is inside {barred[0]!r}, which no patch may change; {_MEND}")
    return pure


def _check_paths(patch: Patch) -> None:
    paths = [check_path(change.path) for change in patch.changes]
    if len(set(paths)) != len(paths):
        raise PatchError(f"the patch names a file twice; {_MEND}")
    kept = {check_path(change.path) for change in patch.changes if change.after is not None}
    for path in kept:
        if kept & set(path.parents):
            raise PatchError(f"the patch makes {str(path)!r} and a file where its folder must be; {_MEND}")


def _check_fit(change: Change, root: Path) -> None:
    parts = PurePosixPath(change.path).parts
    here = root
    for part in parts[:-1]:
        here = here / part
        info = _lstat(here)
        if info is not None and stat.S_ISLNK(info.st_mode):
            raise PatchError(f"{change.path!r} goes through the link {str(here)!r}; {_MEND}")
        if info is None or not stat.S_ISDIR(info.st_mode):
            if change.before is not None:
                raise PatchError(f"{change.path!r} is not there any more; {_MEND}")
            return
    _check_file(change, here / parts[-1])


def _check_file(change: Change, target: Path) -> None:
    info = _lstat(target)
    if info is None:
        if change.before is not None:
            raise PatchError(f"{change.path!r} is not there any more; {_MEND}")
        return
    if stat.S_ISDIR(info.st_mode) and change.before is None:
        return  # a folder that the same patch may empty; if it does not, the rename fails and all is put back
    if not stat.S_ISREG(info.st_mode):
        raise PatchError(f"{change.path!r} is not a regular file; {_MEND}")
    if change.before is None:
        raise PatchError(f"{change.path!r} exists already; {_MEND}")
    content = _read(target, change.path)
    same = change.after == content and stat.S_IMODE(info.st_mode) == _mode(change)
    if hashlib.sha256(content).hexdigest() != change.before or same:
        raise PatchError(f"{change.path!r} is not what the patch was made from; {_MEND}")


def _apply(patch: Patch, root: Path, stage: Path, undo: list[Callable[[], object]]) -> None:
    fresh: list[tuple[Path, Path]] = []
    for number, change in enumerate(patch.changes):
        if change.after is not None:
            new = stage / f"new-{number}"
            _write(new, change.after, _mode(change))
            if os.geteuid() == 0:  # root's work in somebody's folder stays theirs
                owner = _owner(root / change.path, root)
                os.chown(new, owner.st_uid, owner.st_gid)
                new.chmod(_mode(change))
            fresh.append((new, root / change.path))
    for number, change in enumerate(patch.changes):
        if change.before is not None:
            _move(root / change.path, stage / f"old-{number}", undo)
    for change in patch.changes:
        if change.after is None:
            _drop_empty(root / change.path, root, undo)
    for new, target in fresh:
        _make_parents(target, root, undo)
        _move(new, target, undo)


def _move(source: Path, target: Path, undo: list[Callable[[], object]]) -> None:
    if _lstat(target) is not None:
        raise FileExistsError(17, "something else is in the way", str(target))
    source.rename(target)
    undo.append(lambda: target.rename(source))


def _drop_empty(path: Path, root: Path, undo: list[Callable[[], object]]) -> None:
    for folder in path.parents:
        if folder == root:
            return
        info = _lstat(folder)
        if info is None:
            continue
        mode = stat.S_IMODE(info.st_mode)
        try:
            folder.rmdir()
        except OSError:
            return
        undo.append(partial(folder.mkdir, mode))


def _make_parents(target: Path, root: Path, undo: list[Callable[[], object]]) -> None:
    missing = [folder for folder in target.parents if folder.is_relative_to(root) and not folder.is_dir()]
    for folder in reversed(missing):
        folder.mkdir()
        undo.append(folder.rmdir)


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)


def _owner(target: Path, root: Path) -> os.stat_result:
    for path in (target, *target.parents):
        info = _lstat(path)
        if info is not None:
            return info
    return root.lstat()


def _mode(change: Change) -> int:
    return change.mode & 0o777


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PatchError(f"{name!r} cannot be read: {error.strerror}; {_MEND}") from error


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
