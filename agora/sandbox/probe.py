"""Finds the best sandbox that really works here, by running something in it. Never a bare one."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import anyio

from agora.errors import AgoraError, SandboxError
from agora.protocols import Sandbox, Workspace
from agora.sandbox.bubblewrap import BubblewrapSandbox
from agora.sandbox.nsjail import NsjailSandbox
from agora.sandbox.tiers import Limitable
from agora.tasks import Patch, Tier

_MEND = "run on Linux with bubblewrap, or without a sandbox: agora run --bare"
_BACKENDS: tuple[tuple[str, Callable[[], Limitable]], ...] = (
    ("bubblewrap", BubblewrapSandbox),
    ("nsjail", NsjailSandbox),
)


class Explanation(NamedTuple):
    """What this machine gives, for `agora doctor`."""

    tier: Tier
    """The best tier that works; BARE: none does, and commands are refused."""
    name: str
    """bubblewrap, nsjail, or empty."""
    missing: tuple[str, ...]
    """One line for each thing that is missing, with the mend."""


def best_sandbox() -> Sandbox:
    """The strongest sandbox that works here, found out once per process; it is `Limitable`, too.

    Raises:
        SandboxError: None works; the message says what is missing and how to mend it.
    """
    found, explanation = _probe()
    if found is None:
        raise SandboxError(f"no sandbox works here: {'; '.join(explanation.missing)}")
    return found


class BestSandbox:
    """The strongest sandbox that works here, looked for when it is first needed: an answer in words needs none."""

    @property
    def tier(self) -> Tier:
        """What it gives on this machine.

        Raises:
            SandboxError: None works.
        """
        return best_sandbox().tier

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Workspace:
        """As the sandbox that was found.

        Raises:
            SandboxError: None works, or the tier is below `least`.
            WorkspaceError: The source is not a folder that can be read.
            PatchError: The patch does not fit.
        """
        return await best_sandbox().open(source, patch=patch, least=least)


def explain() -> Explanation:
    """What works here and, line by line, what does not."""
    return _probe()[1]


def works(sandbox: Sandbox) -> str:
    """Try a sandbox: empty where it runs Python in a copy, else why it does not."""
    trouble = ["the trial did not come to its end"]

    def in_thread() -> None:
        try:
            anyio.run(_try, sandbox)
            trouble.clear()
        except (AgoraError, OSError) as error:
            trouble[:] = [str(error)]

    # a thread of its own, since the caller may be inside an event loop or not
    thread = threading.Thread(target=in_thread, name="agora-probe")
    thread.start()
    thread.join()
    return "".join(trouble)


async def _try(sandbox: Sandbox) -> None:
    workspace = await sandbox.open(None)
    try:
        ran = await workspace.run(["python", "-I", "-S", "-c", "print('fine')"], timeout_s=20)
    finally:
        await workspace.close()
    if ran.stdout != "fine\n":
        raise SandboxError(f"Python ended with {ran.exit_code} in it: {ran.stderr.strip()[-300:] or ran.limit}")


@lru_cache(maxsize=1)
def _probe() -> tuple[Limitable | None, Explanation]:
    if platform.system() != "Linux":
        line = f"{platform.system()} has no namespaces: {_MEND}"
        return None, Explanation(Tier.BARE, "", (line,))
    return choose(_BACKENDS)


def choose(backends: Sequence[tuple[str, Callable[[], Limitable]]]) -> tuple[Limitable | None, Explanation]:
    """Take the first of some backends that works, best first; say of the others why they do not."""
    missing: list[str] = []
    for name, make in backends:
        try:
            sandbox = make()
        except SandboxError as error:
            missing.append(str(error))
            continue
        why = works(sandbox)
        if not why:
            return sandbox, Explanation(sandbox.tier, name, tuple(missing))
        missing.append(f"{name} does not work: {why}")
    missing.extend(_reasons())
    return None, Explanation(Tier.BARE, "", tuple(missing))


def _reasons() -> list[str]:
    """What usually stands in the way, looked up where the kernel tells."""
    lines: list[str] = []
    if _setting("user/max_user_namespaces") == "0":
        lines.append("user namespaces are switched off: set sysctl user.max_user_namespaces=10000")
    if _setting("kernel/unprivileged_userns_clone") == "0":
        lines.append("user namespaces are closed to users: set sysctl kernel.unprivileged_userns_clone=1")
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        lines.append("AppArmor blocks user namespaces: add a profile for bwrap that allows `userns`")
    if os.geteuid() == 0 and not _may_mount():
        lines.append(
            "root here lacks CAP_SYS_ADMIN (a container) and cannot show closed folders to the sandbox's uid: "
            "install Python outside of root's home, or start the container with --cap-add SYS_ADMIN"
        )
    return lines or [_MEND]


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def _may_mount() -> bool:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return False
    effective = next((line for line in lines if line.startswith("CapEff:")), "CapEff: 0")
    return bool(int(effective.split()[1], 16) >> 21 & 1)  # bit 21 is CAP_SYS_ADMIN
