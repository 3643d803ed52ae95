"""No sandbox at all: a private copy, limits on time, output, memory and disk, and nothing else.

A command sees the user's files, environment and network. It is never chosen for anybody: whoever wants it makes it.
"""

from __future__ import annotations

import os
from pathlib import Path

from agora.records import Ran
from agora.sandbox.copies import Copy, Order, copy_root, make_copy
from agora.sandbox.interpreters import Interpreter, own_interpreter, with_python, workspace_interpreter
from agora.sandbox.limits import RunLimits
from agora.sandbox.runner import Launch
from agora.sandbox.tiers import refuse_below
from agora.sandbox.trees import TreeCaps
from agora.tasks import Patch, Tier


class BareSandbox:
    """Workspaces without a sandbox, of tier BARE.

    Promises: a private copy; limits on time, output, and (watched) memory and disk; the process group is killed.
    Does not promise: anything about files outside, the network, or a daemon that leaves its process group.
    `writable=False` is not enforced.

    Args:
        limits: Bounds on each command.
        caps: Bounds on what is copied and read back.
    """

    def __init__(self, *, limits: RunLimits | None = None, caps: TreeCaps | None = None) -> None:
        self._limits = limits or RunLimits()
        self._caps = caps or TreeCaps()

    @property
    def tier(self) -> Tier:
        """Always BARE."""
        return Tier.BARE

    def limited(self, limits: RunLimits) -> BareSandbox:
        """The same sandbox with other limits."""
        return BareSandbox(limits=limits, caps=self._caps)

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Copy:
        """Copy a folder (None: an empty one), apply a patch to the copy where one is given, and return it.

        Raises:
            SandboxError: `least` is not BARE.
            WorkspaceError: The source is not a folder that can be read.
            PatchError: The patch does not fit.
        """
        refuse_below(least, self.tier)
        folder, before = await make_copy(source, patch=patch, caps=self._caps, owner=None)
        own = None if source is None else workspace_interpreter(source)
        jail = _Bare(copy_root(folder), own or own_interpreter())
        return Copy(folder, before, jail=jail, tier=self.tier, limits=self._limits, caps=self._caps)


class _Bare:
    """Starts commands in one copy, as ourselves."""

    def __init__(self, root: Path, interpreter: Interpreter) -> None:
        self._root = root
        self._interpreter = interpreter

    def launch(self, order: Order) -> Launch:
        """The command itself."""
        path = ":".join((*self._interpreter.path, os.environ.get("PATH", "")))
        env = {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **order.env}
        argv = with_python(order.argv, self._interpreter.python)
        return Launch(argv=argv, env=env, cwd=self._root)

    def started(self, ran: Ran, order: Order) -> None:
        """A command that cannot be started is found out at once."""
