"""Bubblewrap with seccomp: namespaces, no network, an empty environment, a uid that is not root.

The profile was held against 47 live attacks; `agora.sandbox.battery` repeats one of each class on any machine.
Points that matter more than they look: the uid is dropped before bubblewrap starts, since files of /proc/sys belong
to uid 0 and no capability is needed to write them; bubblewrap's own environment is empty, since it is process 1
inside and /proc/1/environ can be read; options go through a descriptor for the same reason.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import anyio

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
    memory_file,
    open_cell,
    prlimit_words,
    refuse_unstarted,
)
from agora.sandbox.runner import GATE, Launch
from agora.sandbox.seccomp import filter_bytes
from agora.sandbox.sweeping import COPY_VARIABLE
from agora.sandbox.trees import TreeCaps
from agora.tasks import Patch, Tier


class BubblewrapSandbox:
    """Workspaces in bubblewrap.

    Args:
        limits: Bounds on each command.
        caps: Bounds on what is copied and read back.

    Raises:
        SandboxError: Bubblewrap is not installed, or there is no filter for this machine.
    """

    def __init__(self, *, limits: RunLimits | None = None, caps: TreeCaps | None = None) -> None:
        self._limits = limits or RunLimits()
        self._caps = caps or TreeCaps()
        bwrap = shutil.which("bwrap", path=SYSTEM_PATH)
        if bwrap is None:
            raise SandboxError("bubblewrap is not installed: install the package bubblewrap")
        seccomp = filter_bytes()
        if seccomp is None:
            raise SandboxError(f"no seccomp filter for {os.uname().machine}: run on x86-64 or arm64")
        self._bwrap, self._seccomp = bwrap, seccomp

    @property
    def tier(self) -> Tier:
        """Always the same: a namespace."""
        return Tier.NAMESPACE

    def limited(self, limits: RunLimits) -> BubblewrapSandbox:
        """The same sandbox with other limits."""
        return BubblewrapSandbox(limits=limits, caps=self._caps)

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Copy:
        """Copy a folder (None: an empty one), apply a patch to the copy where one is given, and return it.

        Raises:
            SandboxError: The tier is below `least`.
            WorkspaceError: The source is not a folder that can be read.
            PatchError: The patch does not fit.
        """
        return await open_cell(self._jail, source, patch=patch, least=least, limits=self._limits, caps=self._caps)

    def _jail(self, cell: Cell) -> _Bubblewrap:
        return _Bubblewrap(cell, self._bwrap, self._seccomp)


class _Bubblewrap:
    """Starts commands in one copy."""

    def __init__(self, cell: Cell, bwrap: str, seccomp: bytes) -> None:
        self._cell = cell
        self._bwrap = bwrap
        self._seccomp = seccomp

    def launch(self, order: Order) -> Launch:
        """The command line, with the options in a descriptor that the sandbox never sees."""
        self._cell.prepare()
        options = memory_file("options", b"".join(os.fsencode(part) + b"\0" for part in self._options(order)))
        seccomp = memory_file("seccomp", self._seccomp)
        info_out, info_in = os.pipe()
        hold_out, hold_in = os.pipe()
        prefix, user = self._cell.prefix()
        rlimits = self._cell.limits.rlimits(order.timeout_s)
        command = [*prefix, self._bwrap, "--args", str(options), "--seccomp", str(seccomp)]
        command += ["--info-fd", str(info_in), "--block-fd", str(hold_out), "--"]
        if self._cell.user is not None:  # another uid's limits can be set from outside only with CAP_SYS_RESOURCE
            command += prlimit_words(rlimits)
            rlimits = {}
        command += (*GATE, *with_python(order.argv, self._cell.interpreter.python))
        return Launch(
            argv=command,
            env={COPY_VARIABLE: str(self._cell.root)},
            cwd=Path("/"),
            user=user,
            descriptors=(options, seccomp, info_in, hold_out),
            kept=(info_out, hold_in),
            started=_Gate(info_out, hold_in, rlimits).pass_through,
            gated=True,
        )

    def started(self, ran: Ran, order: Order) -> None:
        """A first line by bubblewrap itself means that the command never ran."""
        refuse_unstarted(ran, order, names=("bwrap: ", "prlimit: ", "nsenter: ", "agora-gate: "))

    def _options(self, order: Order) -> Iterator[str]:
        yield from ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts")
        yield from ("--unshare-cgroup-try", "--disable-userns", "--die-with-parent", "--new-session", "--clearenv")
        yield from ("--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "agora")
        for name, value in self._cell.environment(order).items():
            yield from ("--setenv", name, value)
        yield from ("--ro-bind", "/usr", "/usr")
        for name in ("bin", "lib", "lib64", "sbin"):
            if Path("/", name).is_symlink():
                yield from ("--symlink", f"usr/{name}", f"/{name}")
            else:
                yield from ("--ro-bind-try", f"/{name}", f"/{name}")
        for name in ETC:
            yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
        yield from ("--proc", "/proc", "--dev", "/dev", "--size", str(TMP_BYTES), "--tmpfs", "/tmp")
        yield from ("--size", str(SHM_BYTES), "--tmpfs", "/dev/shm")
        for bind in self._cell.binds(writable=order.writable):
            yield from ("--bind" if bind.writable else "--ro-bind", str(bind.source), str(bind.target))
        yield from ("--chdir", str(self._cell.inside))


class _Gate:
    """Holds the command back until its first process is known and limited."""

    def __init__(self, info: int, hold: int, rlimits: dict[int, int]) -> None:
        self._info = info
        self._hold = hold
        self._rlimits = rlimits

    async def pass_through(self, pid: int) -> int | None:
        """Read the first process's pid, limit it, let it go; None where bubblewrap failed before."""
        text = b""
        try:
            while b"}" not in text:  # it is written in pieces
                await anyio.wait_readable(self._info)
                piece = os.read(self._info, 4_096)
                if not piece:
                    return None
                text += piece
            inner = int(json.loads(text)["child-pid"])
            handle = os.pidfd_open(inner)
            for name, value in self._rlimits.items():
                resource.prlimit(inner, name, (value, value))
        except ProcessLookupError:
            return None
        except (OSError, ValueError, KeyError) as error:
            raise SandboxError(f"bubblewrap's first process cannot be limited: {error!r}") from error
        with suppress(BrokenPipeError):  # setting up failed meanwhile; stderr says why
            os.write(self._hold, b"x")
        return handle
