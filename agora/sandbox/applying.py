"""Applying a patch to a folder: every pre-image first, then all files, or none of them."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from agora.errors import PatchError
from agora.sandbox.staging import Stage, Step, alone, is_after, lstat, mode_of
from agora.sandbox.trees import left_out
from agora.tasks import Change, Patch

_MEND = "nothing was written; make a new attempt from the folder as it is now"


def apply_patch(
    patch: Patch,
    root: Path,
    resuming: bool = False,
    *,
    durable: bool = True,
    announce: Callable[[], object] = lambda: None,
) -> None:
    """Apply a patch wholly or not at all, and only once.

    All pre-images are checked first. New contents are written beside the files, in a stage named by the patch's digest,
    and then renamed into place; a failure half-way puts everything back. What a process left half-way that died is
    put back first. A second application is refused, because the pre-images no longer fit.

    Args:
        patch: What to do.
        root: The folder, which must be the user's own (nobody else may write to it meanwhile).
        resuming: Whether an application of this patch may have ended without anybody knowing: files that are already
            as the patch leaves them count as done.
        durable: Whether the files are forced to the disk before this returns.
        announce: Called when the folder is ours and nothing has changed in it; if it raises, nothing does.

    Raises:
        FolderBusyError: Another process is writing a patch to the folder.
        PatchError: A path leaves the folder, goes through a link or into what no patch may change; a file is not
            what the patch was made from; or the file system refused. Nothing has changed then.
    """
    _check_paths(patch)
    if not patch.changes:
        return
    with alone(root):
        announce()
        stage = Stage(patch, root, durable=durable)
        stage.recover()
        steps = [Step(number, change) for number, change in enumerate(patch.changes)]
        if resuming:
            steps = [step for step in steps if not is_after(step.change, root / step.change.path)]
        for step in steps:
            _check_fit(step.change, root)
        if steps:
            _apply(stage, steps, root)


def _apply(stage: Stage, steps: Sequence[Step], root: Path) -> None:
    try:
        stage.apply(steps)
    except BaseException as error:
        stage.undo()
        if isinstance(error, OSError):
            what = f"{error.filename or root}: {error.strerror or error}"
            raise PatchError(f"the patch could not be written ({what}); {_MEND}") from error
        raise


def check_path(path: str) -> PurePosixPath:
    """A path that a patch may touch.

    Raises:
        PatchError: It is absolute, leaves the folder, or goes into what no patch may change.
    """
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or "\0" in path or str(pure) != path or ".." in pure.parts:
        raise PatchError(f"path {path!r} leaves the workspace or is malformed; {_MEND}")
    barred = [part for part in pure.parts if left_out(part.lower())]
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
        info = lstat(here)
        if info is not None and stat.S_ISLNK(info.st_mode):
            raise PatchError(f"{change.path!r} goes through the link {str(here)!r}; {_MEND}")
        if info is None or not stat.S_ISDIR(info.st_mode):
            if change.before is not None:
                raise PatchError(f"{change.path!r} is not there any more; {_MEND}")
            return
    _check_file(change, here / parts[-1])


def _check_file(change: Change, target: Path) -> None:
    info = lstat(target)
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
    same = change.after == content and stat.S_IMODE(info.st_mode) == mode_of(change)
    if hashlib.sha256(content).hexdigest() != change.before or same:
        raise PatchError(f"{change.path!r} is not what the patch was made from; {_MEND}")


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PatchError(f"{name!r} cannot be read: {error.strerror}; {_MEND}") from error
