"""What bubblewrap and nsjail share: the order of opening, what is seen inside, the environment, the limits."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from agora.errors import SandboxError, WorkspaceError
from agora.records import Ran
from agora.sandbox.copies import Copy, Jail, Order, copy_root, give, make_copy, uid_to_drop_to
from agora.sandbox.interpreters import Interpreter, own_interpreter, workspace_interpreter
from agora.sandbox.limits import RunLimits
from agora.sandbox.mounts import Stage, stage_of
from agora.sandbox.sweeping import discard
from agora.sandbox.tiers import refuse_below
from agora.sandbox.trees import TreeCaps
from agora.tasks import Patch, Tier

INSIDE = Path("/workspace")
"""Where the copy is seen in the sandbox, unless it brings a .venv (which holds absolute paths)."""

TMP_BYTES, SHM_BYTES = 67_108_864, 16_777_216
"""Sizes of /tmp and /dev/shm inside."""

ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "ssl/certs")
"""All of /etc that is seen inside, where it exists."""

SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"
"""Where the host's own tools are looked for."""


class Bind(NamedTuple):
    """A folder or file that is seen inside."""

    source: Path
    """On the host, or on the stage."""
    target: Path
    """Inside."""
    writable: bool
    """Whether it can be changed."""


class Cell(NamedTuple):
    """One copy and all that starting a command in it needs."""

    root: Path
    """The copy on the host."""
    inside: Path
    """The copy as seen in the sandbox."""
    interpreter: Interpreter
    """Its Python."""
    limits: RunLimits
    """Bounds on each command."""
    user: int | None
    """The uid to drop to; None where we are not root."""
    stage: Stage | None
    """Where folders are that this uid could not reach otherwise."""
    nsenter: str | None
    """The program that enters the stage."""

    def prepare(self) -> None:
        """Hand over what our own tools wrote since the last command.

        Raises:
            SandboxError: The copy holds more than can be handed over.
        """
        if self.user is not None:
            try:
                give(self.root, self.user)
            except WorkspaceError as error:
                raise SandboxError(f"no command can be started in a copy past all bounds: {error}") from error

    def prefix(self) -> tuple[tuple[str, ...], int | None]:
        """The start of the command line, and the uid that is left to be dropped to."""
        if self.stage is None or self.nsenter is None or self.user is None:
            return (), self.user
        return self.stage.prefix(nsenter=self.nsenter, user=self.user), None

    def place_of(self, path: Path) -> Path:
        """Where the sandbox's program finds a path of the host."""
        return path if self.stage is None else self.stage.place_of(path)

    def binds(self, *, writable: bool) -> Iterator[Bind]:
        """The copy and the interpreter's folders, parents first."""
        wanted = {self.inside: Bind(self.root, self.inside, writable)}
        for folder in self.interpreter.folders:
            wanted[folder] = Bind(self.place_of(folder), folder, writable=False)
        for target in sorted(wanted, key=lambda path: (len(path.parts), str(path))):
            if target != self.inside and target.is_relative_to(self.inside):
                # a place to bind on has to be there already where the copy is read-only
                (self.root / target.relative_to(self.inside)).mkdir(parents=True, exist_ok=True)
            yield wanted[target]

    def environment(self, order: Order) -> dict[str, str]:
        """All variables of a command in the sandbox; none comes from Agora's own environment."""
        return {
            "PATH": ":".join(self.interpreter.path),
            "HOME": "/tmp",
            "TMPDIR": "/tmp",
            "LANG": "C.UTF-8",
            "USER": "nobody",
            "LOGNAME": "nobody",
            # a cache is valid by second and size: a file rewritten within a second would run as it was before
            "PYTHONDONTWRITEBYTECODE": "1",
            **dict(self.interpreter.env),
            **order.env,
        }


async def open_cell(
    make_jail: Callable[[Cell], Jail],
    source: Path | None,
    *,
    patch: Patch | None,
    least: Tier,
    limits: RunLimits,
    caps: TreeCaps,
    program: Path | None = None,
) -> Copy:
    """Make a workspace of tier NAMESPACE.

    Args:
        make_jail: Makes the jail from its cell.
        source: What to copy; None: nothing.
        patch: Applied to the copy.
        least: The least tier that is accepted.
        limits: Bounds on each command.
        caps: Bounds on what is copied and read back.
        program: The sandbox's own program, where the uid may not be able to reach it.

    Raises:
        SandboxError: The tier is below `least`.
        WorkspaceError: The source is not a folder that can be read.
        PatchError: The patch does not fit.
    """
    refuse_below(least, Tier.NAMESPACE)
    user = uid_to_drop_to()
    folder, before = await make_copy(source, patch=patch, caps=caps, owner=user)
    try:
        jail = make_jail(_cell(folder, source, limits, user, program))
    except BaseException:
        discard(folder)
        raise
    return Copy(folder, before, jail=jail, tier=Tier.NAMESPACE, limits=limits, caps=caps)


def _cell(folder: Path, source: Path | None, limits: RunLimits, user: int | None, program: Path | None) -> Cell:
    place = None if source is None else source.absolute()
    own = None if place is None else workspace_interpreter(place)
    inside = INSIDE if own is None or place is None else place
    interpreter = own or own_interpreter()
    nsenter = shutil.which("nsenter", path=SYSTEM_PATH)
    stage = None
    if user is not None and nsenter is not None:
        try:
            stage = stage_of(_staged(interpreter, program))
        except OSError:  # root without CAP_SYS_ADMIN: fine where the folders can be reached anyway
            stage = None
    return Cell(copy_root(folder), inside, interpreter, limits, user, stage, nsenter)


def _staged(interpreter: Interpreter, program: Path | None) -> tuple[Path, ...]:
    folders = interpreter.folders
    if program is None or any(program.is_relative_to(folder) for folder in (*folders, Path("/usr"))):
        return folders
    # three up: its libraries are found from its own place, site-packages/nsjail/bin
    return (*folders, program.parents[2])


def refuse_unstarted(ran: Ran, order: Order, *, names: tuple[str, ...]) -> None:
    """Tell a command that failed from one that never ran.

    Args:
        ran: How it ended.
        order: What was asked for.
        names: How that starts what programs on the way to the command say.

    Raises:
        SandboxError: It never ran.
    """
    if ran.exit_code and not ran.limit and not ran.stdout and ran.stderr.startswith(names):
        why = ran.stderr.strip().splitlines()[-1]
        raise SandboxError(f"{order.argv[0]!r} could not be started in the sandbox: {why}")


def prlimit_words(rlimits: Mapping[int, int]) -> list[str]:
    """The start of a command line that sets limits and goes on with the command."""
    names = {
        resource.RLIMIT_AS: "as",
        resource.RLIMIT_CORE: "core",
        resource.RLIMIT_CPU: "cpu",
        resource.RLIMIT_FSIZE: "fsize",
        resource.RLIMIT_NOFILE: "nofile",
        resource.RLIMIT_NPROC: "nproc",
    }
    return ["/usr/bin/prlimit", *(f"--{names[number]}={value}" for number, value in rlimits.items()), "--"]


def memory_file(name: str, content: bytes) -> int:
    """A descriptor, open at its start, that reads the content."""
    descriptor = os.memfd_create(name)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
