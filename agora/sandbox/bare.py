"""No sandbox at all: a private copy, limits on time, output, memory and disk, and nothing else.

A command sees the user's files and network, but of the environment only a few names, and none that holds a key. It is
never chosen for anybody: whoever wants it makes it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agora.errors import SandboxError
from agora.records import Ran
from agora.sandbox import supervisor
from agora.sandbox.copies import Copy, Order, copy_root, make_copy
from agora.sandbox.interpreters import Interpreter, own_interpreter, with_python, workspace_interpreter
from agora.sandbox.limits import RunLimits
from agora.sandbox.runner import Launch
from agora.sandbox.tiers import refuse_below
from agora.sandbox.trees import TreeCaps
from agora.settings import environment
from agora.tasks import Patch, Tier

PASSED_ON: Final = frozenset(
    {
        "COMSPEC",
        "DISPLAY",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "PATH",
        "SHELL",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
    }
)
"""Variables that a command gets from the process's environment, with those that begin with LC_."""

_PROXIES: Final = frozenset({"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"})
"""Passed on as well, in either case, unless they hold a password."""


class BareSandbox:
    """Workspaces without a sandbox, of tier BARE.

    Promises: a private copy; limits on time, output, and (watched) memory and disk; no variable but a few that hold no
    keys; nothing that a command started outlives it (on Linux; elsewhere a daemon that leaves its process group does).
    Does not promise: anything about files outside, or the network. `writable=False` is not enforced.

    Args:
        limits: Bounds on each command.
        caps: Bounds on what is copied and read back.
        env: Where `PASSED_ON` is taken from; None: the process's environment.
    """

    def __init__(
        self,
        *,
        limits: RunLimits | None = None,
        caps: TreeCaps | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._limits = limits or RunLimits()
        self._caps = caps or TreeCaps()
        known = environment() if env is None else env
        self._env = {name: value for name, value in known.items() if _is_plain(name, value)}

    @property
    def tier(self) -> Tier:
        """Always BARE."""
        return Tier.BARE

    def limited(self, limits: RunLimits) -> BareSandbox:
        """The same sandbox with other limits."""
        return BareSandbox(limits=limits, caps=self._caps, env=self._env)

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
        jail = _Bare(copy_root(folder), own or own_interpreter(), self._env)
        return Copy(folder, before, jail=jail, tier=self.tier, limits=self._limits, caps=self._caps)


def _is_plain(name: str, value: str) -> bool:
    return name in PASSED_ON or name.startswith("LC_") or (name.upper() in _PROXIES and "@" not in value)


class _Bare:
    """Starts commands in one copy, as ourselves."""

    def __init__(self, root: Path, interpreter: Interpreter, env: Mapping[str, str]) -> None:
        self._root = root
        self._interpreter = interpreter
        self._env = env

    def launch(self, order: Order) -> Launch:
        """The command under a supervisor, which ends all of it when it ends or we do."""
        path = ":".join((*self._interpreter.path, self._env.get("PATH", "")))
        env = {**self._env, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **order.env}
        lifeline, held = os.pipe()
        argv = [sys.executable, "-I", "-S", supervisor.__file__, str(lifeline)]
        argv += with_python(order.argv, self._interpreter.python)
        return Launch(argv=argv, env=env, cwd=self._root, descriptors=(lifeline,), kept=(held,), waits=True)

    def started(self, ran: Ran, order: Order) -> None:
        """A first line by the supervisor means that the command never ran."""
        if ran.exit_code and not ran.stdout and ran.stderr.startswith(f"{supervisor.NAME}: "):
            raise SandboxError(f"cannot start {order.argv[0]!r}: {ran.stderr.strip().rpartition(': ')[2]}")
