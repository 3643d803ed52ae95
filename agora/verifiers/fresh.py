"""A fresh copy of the task's workspace with the work's patch in it: where checks run, never where the agent worked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio

from agora.errors import PatchError, SandboxError, VerifierError
from agora.protocols import Sandbox, Workspace
from agora.records import Ran
from agora.tasks import Task, Work

MEND: Final = "install it where the sandbox can see it (the workspace's .venv), or change the check"
"""What to do about a check that cannot start."""


class Unfit(Exception):
    """The patch cannot be checked; the message is the evidence."""


@asynccontextmanager
async def fresh_workspace(task: Task, work: Work, *, sandbox: Sandbox) -> AsyncGenerator[Workspace, None]:
    """Open the original with the patch applied, and remove it afterwards.

    Raises:
        Unfit: The patch does not fit the original.
        SandboxError: The tier is below the task's.
        WorkspaceError: The original is not there.
    """
    source = Path(task.workspace) if task.workspace is not None else None
    try:
        workspace = await sandbox.open(source, patch=work.patch, least=task.tier)
    except PatchError as error:
        raise Unfit(f"the patch does not fit the workspace: {error}") from error
    try:
        yield workspace
    finally:
        with anyio.CancelScope(shield=True):
            await workspace.close()


async def run_checked(workspace: Workspace, argv: Sequence[str], *, stdin: str = "", timeout_s: float) -> Ran:
    """Run a command in the fresh copy.

    Raises:
        VerifierError: It could not be started.
    """
    try:
        return await workspace.run(argv, stdin=stdin, timeout_s=timeout_s)
    except SandboxError as error:
        raise VerifierError(f"the check's command {argv[0]!r} did not start: {MEND} ({error})") from error


async def is_installed(workspace: Workspace, name: str) -> bool:
    """Whether the sandbox has a command of that name."""
    return (await run_checked(workspace, ["sh", "-c", 'command -v -- "$1"', "sh", name], timeout_s=10)).exit_code == 0
