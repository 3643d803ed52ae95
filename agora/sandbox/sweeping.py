"""Removes private copies whose owner has died, and what still waits in them: after a SIGKILL nobody else does.

Every private folder holds a file that its owner has locked (flock) for as long as it lives. The kernel lets a lock go
with its process, whatever ended it, so a lock that can be taken is a dead owner's: no process id is compared, and none
can be mistaken for another's.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from agora.sandbox.mounts import reachable
from agora.sandbox.trees import remove

PREFIX = "agora-"
"""What the names of private folders begin with."""

COPY = "copy"
"""The copy's name in its private folder."""

COPY_VARIABLE = "AGORA_COPY"
"""Environment variable of a sandbox's own first processes: the copy that they are for."""

_NAME = re.compile(r"agora-[a-z0-9_]{8}")
_OWNER = "owner"
_MARK = b"agora private copy 1\n"
_DRAFT = "agora-draft-"
_EMPTY_AGE_S = 3_600.0
_PATIENCE_S = 1.0
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_held: dict[Path, int] = {}
_once = threading.Lock()
_done = False


class Swept(NamedTuple):
    """What a sweep did."""

    removed: int
    """Private folders of dead owners that are gone."""
    left: int
    """Others of them that are still there: time ran out, or the file system refused."""


def private_folder() -> Path:
    """A new private folder that is held until `discard`, or until this process ends."""
    place = Path(temporary())
    with _locked(place, fcntl.LOCK_SH, within_s=_PATIENCE_S):  # a sweep tells the living that are not done yet by this
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=place))
        folder = place / f"{PREFIX}{draft.name.removeprefix(_DRAFT)}"
        descriptor = os.open(draft / _OWNER, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # locked before it has its name: nobody ever sees it without its lock
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, _MARK)
            draft.rename(folder)
        except OSError:  # a full disk, or a file system without locks
            os.close(descriptor)
            remove(draft)
            raise
    _held[folder] = descriptor
    folder.chmod(0o711)
    return folder


@contextmanager
def _locked(place: Path, how: int, *, within_s: float = 0.0) -> Generator[bool]:
    """Hold a lock on a temporary folder itself, where that can be had in time; nothing is left of it."""
    try:
        descriptor = os.open(place, _FOLDER)
    except OSError:  # one may write where one may not look
        yield False
        return
    try:
        ends = time.monotonic() + within_s
        while not (got := _try_lock(descriptor, how)) and time.monotonic() < ends:
            time.sleep(0.005)
        yield got
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def discard(folder: Path) -> None:
    """Remove a private folder; what a kill leaves of it is still known as ours."""
    _erase(folder)
    descriptor = _held.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)


def _erase(folder: Path) -> bool:
    """Remove a private folder, of which no step on the way leaves what nobody would sweep; whether it is gone."""
    remove(folder / COPY)
    draft = folder.with_name(f"{_DRAFT}{folder.name.removeprefix(PREFIX)}")
    try:
        # a folder that has lost its owner's file and not yet itself would be taken for somebody else's
        folder.rename(draft)
    except OSError:
        draft = folder
    remove(draft)
    return not draft.exists()


def sweep_once() -> None:
    """Sweep for at most a second, the first time that this process asks."""
    global _done
    with _once:
        if not _done:
            _done = True
            sweep(bound_s=1.0)


def sweep(*, bound_s: float = 10.0) -> Swept:
    """Remove the private folders of dead owners, and nothing else.

    A folder is taken for one by its name, its owner (us) and the file in it that is locked by nobody. Nothing is
    followed. The bound is looked at between two folders.

    Args:
        bound_s: Seconds after which no other folder is begun.
    """
    ends = time.monotonic() + bound_s
    removed = left = 0
    for place in map(Path, _places()):
        _remove_drafts(place)
        for folder in _candidates(place):
            lock = _lock_of_dead(folder)
            if lock is None:
                continue
            try:
                gone = False
                if time.monotonic() < ends:
                    _end_orphans(folder / COPY)
                    gone = _erase(folder)
                removed, left = removed + gone, left + (not gone)
            finally:
                os.close(lock)
    return Swept(removed, left)


def temporary() -> str:
    """A temporary folder that every uid can reach.

    Never the folder that we stand in, which is what Python falls back to where no temporary folder can be written.
    """
    here = str(Path.cwd())
    places = [place for place in _places() if place != here]
    usable = (place for place in places if Path(place).is_dir() and os.access(place, os.W_OK))
    return next((place for place in usable if reachable(Path(place))), places[0])


def _places() -> tuple[str, ...]:
    """Temporary folders, the usual one first, where Python finds one that can be written."""
    places = ["/tmp", "/var/tmp"]
    with suppress(FileNotFoundError):  # not even the folder that we stand in can be written
        places.insert(0, tempfile.gettempdir())
    return tuple(dict.fromkeys(places))


def _candidates(place: Path) -> Iterator[Path]:
    try:
        with os.scandir(place) as entries:
            names = sorted(entry.name for entry in entries if _NAME.fullmatch(entry.name))
    except OSError:
        return
    for name in names:
        folder = place / name
        with suppress(OSError):
            info = folder.lstat()
            if stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and folder not in _held:
                yield folder


def _lock_of_dead(folder: Path) -> int | None:
    """The lock of a private folder whose owner is dead, now ours; None: it is not one."""
    try:
        handle = os.open(folder, _FOLDER)
    except OSError:
        return None
    try:
        _remove_stillborn(folder, handle)
        return _lock_in(handle)
    except OSError:
        return None
    finally:
        os.close(handle)


def _end_orphans(copy: Path) -> None:
    """Kill what is for a copy without an owner.

    A bubblewrap that dies between its fork and its first word leaves a child that waits for that word for ever.
    """
    import psutil  # late: the dead are rare

    for process in psutil.process_iter(["environ"]):
        environ: dict[str, str] = process.info["environ"] or {}
        if environ.get(COPY_VARIABLE) == str(copy):
            with suppress(psutil.Error):
                process.kill()


def _lock_in(handle: int) -> int | None:
    descriptor = os.open(_OWNER, _FILE, dir_fd=handle)
    try:
        info = os.fstat(descriptor)
        ours = stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid() and info.st_nlink == 1
        if not ours or os.pread(descriptor, 64, 0) != _MARK:
            os.close(descriptor)
            return None
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_drafts(place: Path) -> None:
    """Remove folders whose owners died while they were making them: nobody alive makes one while we hold the lock."""
    with suppress(OSError), _locked(place, fcntl.LOCK_EX) as alone:
        for draft in list(place.glob(f"{_DRAFT}*")) if alone else ():
            if draft.lstat().st_uid == os.geteuid() and not draft.is_symlink():
                remove(draft)


def _remove_stillborn(folder: Path, handle: int) -> None:
    """Remove an old folder with nothing in it: whatever was to be made there never will be."""
    if time.time() - os.fstat(handle).st_mtime > _EMPTY_AGE_S:
        with suppress(OSError):
            folder.rmdir()
