"""A private mount namespace in which root shows folders to a uid that could not reach them.

A process without privileges cannot pass a folder of mode 0700, as root's home with pyenv in it, or a project there
with its .venv. So a thread of ours leaves for a mount namespace of its own, binds the folders below a fresh file
system at /sys (which nothing in a sandbox uses), and ends; a descriptor keeps the namespace. `nsenter` then starts
the sandbox in it. Nothing is seen on the host, and nothing has to be unmounted.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000
_STAGE = Path("/sys")


class Stage:
    """A mount namespace with folders at places that everybody can reach.

    Args:
        folders: What to show.

    Raises:
        OSError: The kernel refused (root in a container without CAP_SYS_ADMIN).
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._places = MappingProxyType({folder: _STAGE / str(n) for n, folder in enumerate(self._folders)})
        self._error: OSError | None = None
        self._descriptor = -1
        # a thread of its own: the namespace is the thread's, and a pooled one would take it to other work
        thread = threading.Thread(target=self._make, name="agora-stage")
        thread.start()
        thread.join()
        if self._error is not None:
            raise self._error

    @property
    def places(self) -> Mapping[Path, Path]:
        """Folder -> where it is in the namespace."""
        return self._places

    def prefix(self, *, nsenter: str, user: int) -> tuple[str, ...]:
        """The start of a command line that enters the namespace and becomes a user there."""
        # by our own /proc entry: an inherited descriptor would be left open in the sandbox
        here = f"/proc/{os.getpid()}/fd/{self._descriptor}"
        return (nsenter, f"--mount={here}", f"--setgid={user}", f"--setuid={user}", "--")

    def place_of(self, path: Path) -> Path:
        """Where a path is to be found in the namespace."""
        for folder, place in self._places.items():
            if path.is_relative_to(folder):
                return place / path.relative_to(folder)
        return path

    def _make(self) -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            _check(libc.unshare(_CLONE_NEWNS), "unshare")
            _mount(libc, b"none", Path("/"), None, _MS_REC | _MS_PRIVATE)
            handles = [os.open(folder, os.O_PATH | os.O_CLOEXEC) for folder in self._folders]
            _mount(libc, b"tmpfs", _STAGE, b"tmpfs", _MS_NOSUID | _MS_NODEV, b"mode=0755,size=1m")
            for handle, place in zip(handles, self._places.values(), strict=True):
                if os.path.isdir(f"/proc/thread-self/fd/{handle}"):  # noqa: PTH112 - a descriptor, not a path
                    place.mkdir()
                else:
                    place.touch()
                _mount(libc, f"/proc/thread-self/fd/{handle}".encode(), place, None, _MS_BIND | _MS_REC)
                os.close(handle)
            self._descriptor = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._error = error


@lru_cache(maxsize=64)
def stage_of(folders: tuple[Path, ...]) -> Stage:
    """The namespace for a set of folders, made once per process."""
    return Stage(folders)


def reachable(path: Path) -> bool:
    """Whether a uid that is nobody's can reach a folder, by the modes of its parents."""
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


def _mount(
    libc: ctypes.CDLL, source: bytes, target: Path, kind: bytes | None, flags: int, data: bytes | None = None
) -> None:
    done = libc.mount(source, os.fsencode(target), kind, ctypes.c_ulong(flags), data)
    _check(done, f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
