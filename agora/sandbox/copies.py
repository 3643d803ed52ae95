"""A private copy of a folder: made, run in, read back as a patch, and removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

import anyio
import anyio.to_thread

from agora.errors import SandboxError, WorkspaceError
from agora.records import Ran
from agora.sandbox.limits import RunLimits
from agora.sandbox.patches import FileState, Snapshot, apply_patch, digest, patch_between
from agora.sandbox.runner import Launch, Running
from agora.sandbox.sweeping import COPY, discard, private_folder, sweep_once, temporary
from agora.sandbox.trees import TreeCaps, walk
from agora.tasks import Patch, Tier

NOBODY = 65_534
"""The uid and gid that sandboxed commands get where we are root."""


class Order(NamedTuple):
    """A command to be run in a copy."""

    argv: tuple[str, ...]
    """As the caller wrote it."""
    env: Mapping[str, str]
    """Variables on top of the sandbox's own."""
    writable: bool
    """False: the copy cannot be changed."""
    timeout_s: float
    """Wall time."""


class Jail(Protocol):
    """How one kind of sandbox starts commands in one copy."""

    def launch(self, order: Order) -> Launch:
        """The command line on the host, and what goes with it.

        Raises:
            SandboxError: It cannot be started at all.
        """
        ...

    def started(self, ran: Ran, order: Order) -> None:
        """Look at a result.

        Raises:
            SandboxError: The sandbox or the command was never started.
        """
        ...


class Copy:
    """The `Workspace` of every tier: a folder of its own, and a jail that runs commands in it.

    Args:
        folder: The private folder that holds the copy; removed with it.
        before: What the copy started as.
        jail: Starts commands.
        tier: What the jail really is.
        limits: Bounds on each command.
        caps: Bounds on what is read back.
    """

    def __init__(
        self, folder: Path, before: Snapshot, *, jail: Jail, tier: Tier, limits: RunLimits, caps: TreeCaps
    ) -> None:
        self._folder = folder
        self._root = copy_root(folder)
        self._before = before
        self._jail = jail
        self._tier = tier
        self._limits = limits
        self._caps = caps
        self._running: set[Running] = set()
        self._closed = False

    @property
    def root(self) -> Path:
        """Where the copy is on this machine."""
        return self._root

    @property
    def tier(self) -> Tier:
        """The sandbox that `run` really uses."""
        return self._tier

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = 60.0,
        env: Mapping[str, str] | None = None,
        writable: bool = True,
    ) -> Ran:
        """Run a command inside the sandbox, in the copy; nothing of it is left when this returns.

        Args:
            argv: The command; "python" means the workspace's own .venv interpreter, or Agora's.
            stdin: What it reads.
            timeout_s: Wall time; then it is killed, with exit code 124.
            env: Variables on top of the sandbox's own few.
            writable: False makes the copy read-only.

        Raises:
            SandboxError: The command could not be started at all.
        """
        if self._closed:
            raise SandboxError("the workspace is closed: open another one")
        if not argv:
            raise SandboxError("the command is empty: name a program")
        order = Order(_checked(argv), dict(env or {}), writable, timeout_s)
        _checked([part for pair in order.env.items() for part in pair])
        running = Running(self._jail.launch(order))
        self._running.add(running)
        try:
            ran = await running.finish(
                stdin=stdin.encode(errors="replace"), timeout_s=timeout_s, limits=self._limits, folder=self._root
            )
        finally:
            self._running.discard(running)
        self._jail.started(ran, order)
        return ran

    def path(self, relative: str) -> Path:
        """The real path of a file inside the copy, whether it is there or not.

        Raises:
            WorkspaceError: It would leave the copy ("..", absolute, through a link).
        """
        pure = PurePosixPath(relative)
        if pure.is_absolute() or "\0" in relative or ".." in pure.parts:
            raise WorkspaceError(relative, "leaves the workspace")
        here = self._root
        try:
            relative.encode()
            for part in pure.parts:
                here = here / part
                if here.is_symlink():
                    raise WorkspaceError(relative, "goes through a link")
        except (OSError, UnicodeEncodeError) as error:
            raise WorkspaceError(relative, f"is not a usable name ({error})") from error
        return here

    def patch(self) -> Patch:
        """What has changed since the copy was made: regular files only, nothing followed.

        Raises:
            WorkspaceError: It holds more than the caps allow.
        """
        return patch_between(self._before, self._root, caps=self._caps, unlock=True)

    async def close(self) -> None:
        """Remove the copy and whatever still runs in it."""
        self._closed = True
        with anyio.CancelScope(shield=True):
            for running in list(self._running):
                await running.kill()
            await anyio.to_thread.run_sync(discard, self._folder)


def copy_root(folder: Path) -> Path:
    """Where the copy stands in its private folder."""
    return folder / COPY


def uid_to_drop_to(uid_map: str | None = None) -> int | None:
    """NOBODY where we are root; None where we are not, or are root only in a user namespace that has no such uid.

    Args:
        uid_map: The content of /proc/self/uid_map; None: read it.
    """
    if os.geteuid() != 0:
        return None
    if uid_map is None:
        uid_map = Path("/proc/self/uid_map").read_text()
    ranges = [tuple(map(int, line.split())) for line in uid_map.splitlines()]
    known = any(first <= NOBODY < first + count for first, _, count in ranges)
    really_root = any(first == 0 == outside for first, outside, _ in ranges)
    return NOBODY if known or really_root else None


async def make_copy(
    source: Path | None, *, patch: Patch | None, caps: TreeCaps, owner: int | None
) -> tuple[Path, Snapshot]:
    """Copy a folder into a private one.

    History, environments, caches, special files and links that lead outside are left out.

    Args:
        source: What to copy; None: nothing.
        patch: Applied to the copy; the snapshot is taken after it.
        caps: How much there may be.
        owner: The uid and gid that get the copy; None: ours.

    Returns:
        The private folder (see `copy_root`) and the state of the copy.

    Raises:
        WorkspaceError: The source is not a folder that can be read, or holds more than the caps allow.
        PatchError: The patch does not fit.
    """
    return await anyio.to_thread.run_sync(_make_copy, source, patch, caps, owner)


def _make_copy(source: Path | None, patch: Patch | None, caps: TreeCaps, owner: int | None) -> tuple[Path, Snapshot]:
    sweep_once()
    try:
        folder = private_folder()
    except OSError as error:
        raise _no_place(error) from error
    try:
        root = copy_root(folder)
        root.mkdir(mode=0o700)
        before = Snapshot({}) if source is None else _fill(source.resolve(), root, caps)
        if patch is not None:
            apply_patch(patch, root, durable=False)
            before = _patched(before, patch)
        if owner is not None:
            _hand_over(root, owner)
    except BaseException as error:
        discard(folder)
        if isinstance(error, OSError):
            raise _no_place(error) from error
        raise
    return folder, before


def _no_place(error: OSError) -> SandboxError:
    return SandboxError(
        f"a private copy cannot be made in {temporary()!r} ({error.strerror or error}): "
        "free some space there, or name another folder in TMPDIR"
    )


def _fill(source: Path, root: Path, caps: TreeCaps) -> Snapshot:
    states: dict[str, FileState] = {}
    total = 0
    for found in walk(source, caps=caps):
        target = root / found.path
        mode = found.info.st_mode
        if stat.S_ISDIR(mode):
            target.mkdir(mode=0o700)
        elif stat.S_ISLNK(mode):
            _copy_link(source, found.path, target)
        elif stat.S_ISREG(mode):
            try:
                content = found.read(caps.file_bytes)
            except OSError as error:
                raise WorkspaceError(str(source), f"holds {found.path!r}, which cannot be copied ({error})") from error
            total += len(content)
            if total > caps.total_bytes:
                raise WorkspaceError(str(source), f"holds more than {caps.total_bytes} bytes")
            target.write_bytes(content)
            target.chmod(stat.S_IMODE(mode) & 0o777 | 0o600)
            states[found.path] = FileState(digest(content), stat.S_IMODE(mode))
    return Snapshot(states, source)


def _copy_link(source: Path, relative: str, target: Path) -> None:
    """Copy a link that stays inside the source, as one that stays inside the copy."""
    link = source / relative
    with suppress(OSError, RuntimeError):  # a link that leads in a circle
        goal = link.resolve()
        if goal != source and goal.is_relative_to(source):
            target.symlink_to(os.path.relpath(goal, link.parent.resolve()))


def _patched(before: Snapshot, patch: Patch) -> Snapshot:
    files, overlay = dict(before.files), dict(before.overlay)
    for change in patch.changes:
        if change.after is None:
            files.pop(change.path, None)
        else:
            files[change.path] = FileState(digest(change.after), change.mode & 0o777)
            overlay[change.path] = change.after
    return Snapshot(files, before.origin, overlay)


def give(root: Path, owner: int) -> None:
    """Make everything in a copy the property of a uid: what our own tools put there would else be closed to it."""
    os.chown(root, owner, owner)
    for found in walk(root, everything=True, caps=TreeCaps(files=1_000_000, depth=200)):
        if found.info.st_uid != owner:
            os.chown(found.name, owner, owner, dir_fd=found.parent, follow_symlinks=False)


def _hand_over(root: Path, owner: int) -> None:
    try:
        give(root, owner)
    except OSError as error:
        raise SandboxError(
            f"a copy cannot be given to uid {owner} ({error.strerror}), and no command may run as root: "
            "run Agora as a user who is not root"
        ) from error


def _checked(parts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(parts, str):
        raise SandboxError(f"the command {parts!r} is one text: pass a list of words")
    for part in parts:
        if "\0" in part:
            raise SandboxError(f"{part!r} holds a NUL character: no command can be given that")
    return tuple(parts)
