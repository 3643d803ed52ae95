"""What a patch that is being applied keeps beside the files, so that a dead application can be undone.

A stage is a folder in the patched one, named by the patch's digest. New files are written into it; then the journal is
put there by one rename, and only after that the first file moves. With a journal, old files stand in the stage and
everything can be put back; without one the folder is wholly as before or wholly as after, and the stage is rubbish.
So the journal's removal is the commit, and each step of undoing can be repeated (redo and undo as in ARIES, Mohan et
al. 1992, with renames in place of pages).
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from agora.errors import FolderBusyError, PatchError
from agora.failpoints import reach
from agora.sandbox.trees import STAGE_PREFIX
from agora.tasks import Change, Patch, digest_of

TURN_S = 5.0
"""How long a patch waits for others to the same folder; writing one takes far less."""

_JOURNAL = "journal"


class Step(NamedTuple):
    """One change and its number in the whole patch."""

    number: int
    change: Change


class _Folder(NamedTuple):
    """A folder as it was."""

    mode: int
    uid: int
    gid: int


class Stage:
    """The stage of one patch in one folder.

    Args:
        patch: Whose digest names it.
        root: The folder.
        durable: Whether what is written is forced to the disk, so that it also survives a loss of power.
    """

    def __init__(self, patch: Patch, root: Path, *, durable: bool) -> None:
        self._patch, self._root, self._durable = patch, root, durable
        self._place = root / f"{STAGE_PREFIX}{digest_of(patch.changes)[:24]}"

    def recover(self) -> None:
        """Undo an application that died, or tidy up after one that died when all was done.

        Raises:
            PatchError: Somebody has changed what it had written; their files and the old ones are kept.
        """
        info = lstat(self._place)
        if info is None:
            return
        if not stat.S_ISDIR(info.st_mode):
            raise PatchError(f"{str(self._place)!r} is in the way: remove it")
        self.undo()

    def apply(self, steps: Sequence[Step]) -> None:
        """Make all changes; what fails leaves a stage to be undone.

        Raises:
            OSError: The file system refused.
        """
        self._place.mkdir(mode=0o700)
        reach("apply.stage")
        for step in steps:
            if step.change.after is not None:
                self._write_new(step, step.change.after)
                reach("apply.wrote")
        self._write_journal(steps)
        reach("apply.staged")
        for number, change in steps:
            if change.before is not None:
                _move(self._root / change.path, self._old(number))
                reach("apply.moved")
        for _, change in steps:
            if change.after is None:
                self._drop_empty(change)
        for number, change in steps:
            if change.after is not None:
                self._make_parents(change)
                _move(self._new(number), self._root / change.path)
                reach("apply.placed")
        self._commit(steps)

    def undo(self) -> None:
        """Put everything back; it may die at any point and be called again.

        Raises:
            PatchError: Not everything could be put back; what is left stands in the stage.
        """
        journal = self._read_journal()
        if journal is not None:
            numbers, folders = journal
            steps = [Step(number, self._patch.changes[number]) for number in numbers]
            stuck = self._put_back(steps, folders)
            if stuck:
                raise PatchError(
                    f"{', '.join(stuck)} changed while a patch was half applied; everything else is as it was, and the "
                    f"files of before stand in {str(self._place)!r}: keep what you want and remove that folder"
                )
            self._forget_journal()
            reach("apply.undone")
        self._clear()

    def _write_new(self, step: Step, content: bytes) -> None:
        new, mode = self._new(step.number), mode_of(step.change)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if os.geteuid() == 0:  # root's work in somebody's folder stays theirs
                owner = _owner(self._root / step.change.path, self._root)
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fchmod(descriptor, mode)
            if self._durable:
                os.fsync(descriptor)

    def _write_journal(self, steps: Sequence[Step]) -> None:
        folders: dict[str, _Folder] = {}
        for folder in _folders_of(steps):
            info = lstat(self._root / folder)
            if info is not None and stat.S_ISDIR(info.st_mode):
                folders[str(folder)] = _Folder(stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)
        text = json.dumps({"changes": [step.number for step in steps], "folders": folders})
        draft = self._place / "draft"
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if self._durable:
                os.fsync(file.fileno())
        draft.rename(self._place / _JOURNAL)
        self._force(self._place)

    def _read_journal(self) -> tuple[list[int], dict[str, _Folder]] | None:
        try:
            content = json.loads((self._place / _JOURNAL).read_text(encoding="utf-8"))
            numbers = [int(number) for number in content["changes"]]
            folders = {str(path): _Folder(*map(int, kept)) for path, kept in content["folders"].items()}
            known = {str(folder) for folder in _folders_of([Step(n, self._patch.changes[n]) for n in numbers])}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise PatchError(f"{str(self._place)!r} is damaged ({error!r}): look into it and remove it") from error
        return numbers, {path: kept for path, kept in folders.items() if path in known}

    def _forget_journal(self) -> None:
        (self._place / _JOURNAL).unlink()
        self._force(self._place)

    def _commit(self, steps: Sequence[Step]) -> None:
        if self._durable:
            for folder in {".", *map(str, _folders_of(steps))}:
                with suppress(FileNotFoundError, NotADirectoryError):  # a folder that went with its last file
                    self._force(self._root / folder)
        reach("apply.done")
        self._forget_journal()
        reach("apply.committed")
        self._clear()

    def _clear(self) -> None:
        """Remove what nobody needs any more; where that fails, the next application of the patch does it."""
        with suppress(OSError):
            for path in sorted(self._place.iterdir(), reverse=True):
                path.unlink() if not path.is_dir() else path.rmdir()
                reach("apply.cleared")
            self._place.rmdir()

    def _put_back(self, steps: Sequence[Step], folders: dict[str, _Folder]) -> list[str]:
        """Every step stands alone: one that fails must not keep the others from running."""
        stuck: list[str] = []
        for number, change in reversed(steps):
            target = self._root / change.path
            if change.after is None or lstat(self._new(number)) is not None:
                continue
            if is_after(change, target):
                _attempt(lambda: target.rename(self._new(number)), change.path, stuck)  # noqa: B023 - called at once
                reach("apply.unplaced")
            elif lstat(target) is not None and lstat(self._old(number)) is not None:
                stuck.append(repr(change.path))
        for folder in reversed(_folders_of(steps)):
            if str(folder) not in folders:
                with suppress(OSError):  # it holds something, or has never been made
                    (self._root / folder).rmdir()
                    reach("apply.unmade")
        for path, kept in folders.items():
            _attempt(lambda: self._remake(self._root / path, kept), path, stuck)  # noqa: B023 - called at once
        for number, change in steps:
            old, target = self._old(number), self._root / change.path
            if lstat(old) is not None:
                _attempt(lambda: _move(old, target), change.path, stuck)  # noqa: B023 - called at once
                reach("apply.unmoved")
        return sorted(set(stuck))

    def _drop_empty(self, change: Change) -> None:
        for folder in PurePosixPath(change.path).parents[:-1]:
            try:
                (self._root / folder).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return
            reach("apply.dropped")

    def _make_parents(self, change: Change) -> None:
        for folder in reversed(PurePosixPath(change.path).parents[:-1]):
            if not (self._root / folder).is_dir():
                (self._root / folder).mkdir()
                reach("apply.made")
                if os.geteuid() == 0:
                    above = (self._root / folder).parent.stat()
                    os.chown(self._root / folder, above.st_uid, above.st_gid)

    def _remake(self, folder: Path, kept: _Folder) -> None:
        """Put a folder back that went with its last file, by one rename, so that its mode is right from the start."""
        info = lstat(folder)
        if info is not None and stat.S_ISDIR(info.st_mode):
            return
        made = self._place / "folder"
        made.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(made, kept.uid, kept.gid)
        made.chmod(kept.mode)
        _move(made, folder)
        reach("apply.undropped")

    def _force(self, folder: Path) -> None:
        if self._durable:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                with suppress(OSError):  # a file system that has no such thing
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _new(self, number: int) -> Path:
        return self._place / f"new-{number}"

    def _old(self, number: int) -> Path:
        return self._place / f"old-{number}"


@contextmanager
def alone(root: Path) -> Generator[None]:
    """Hold a folder, so that nobody else applies a patch to it meanwhile; a death lets it go.

    Tasks of one run that end together take turns; another's turn is waited for, up to `TURN_S`.

    Raises:
        FolderBusyError: Another process is at it all the time.
        PatchError: The folder cannot be opened.
    """
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise PatchError(f"cannot open the folder {str(root)!r}: {error.strerror}") from error
    try:
        ends_s = time.monotonic() + TURN_S
        while not _taken(descriptor):
            if time.monotonic() > ends_s:
                raise FolderBusyError(
                    f"another process is writing a patch to {str(root)!r}: end it, or try again later"
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: as safe as it was before there were any
        pass
    return True


def is_after(change: Change, target: Path) -> bool:
    """Whether a file is as a change leaves it, content and mode."""
    info = lstat(target)
    if change.after is None:
        return info is None or stat.S_ISDIR(info.st_mode)  # the same patch may have made a folder of that name
    if info is None:
        return False
    if not stat.S_ISREG(info.st_mode) or stat.S_IMODE(info.st_mode) != mode_of(change):
        return False
    try:
        return info.st_size == len(change.after) and target.read_bytes() == change.after
    except OSError:
        return False


def mode_of(change: Change) -> int:
    """The permission bits that a change sets; never more than those."""
    return change.mode & 0o777


def lstat(path: Path) -> os.stat_result | None:
    """What stands at a path, nothing followed; None where nothing does."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _folders_of(steps: Sequence[Step]) -> list[PurePosixPath]:
    """All folders below the root that the changes go through, parents first."""
    folders = {folder for _, change in steps for folder in PurePosixPath(change.path).parents[:-1]}
    return sorted(folders, key=lambda folder: (len(folder.parts), str(folder)))


def _move(source: Path, target: Path) -> None:
    if lstat(target) is not None:
        raise FileExistsError(17, "something else is in the way", str(target))
    source.rename(target)


def _attempt(step: Callable[[], object], path: str, stuck: list[str]) -> None:
    try:
        step()
    except OSError:
        stuck.append(repr(path))


def _owner(target: Path, root: Path) -> os.stat_result:
    for path in (target, *target.parents):
        info = lstat(path)
        if info is not None:
            return info
    return root.lstat()
