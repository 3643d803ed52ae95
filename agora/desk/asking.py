"""A workspace in which every command is asked for before it is started, with exactly the arguments that it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from agora.errors import ApprovalRefusedError
from agora.protocols import Workspace
from agora.questions import Question
from agora.records import Ran
from agora.runs import Run
from agora.tasks import Patch, Tier

Pause = Callable[[], AbstractContextManager[None]]
"""Put round a question: while a person thinks, nobody works, and no deadline passes."""


class AskingWorkspace:
    """A workspace as an agent and its tools see it.

    Args:
        inner: The copy.
        run: Who is asked.
        task: Id of the task.
        desk: Whose commands: "task/phase/agent".
        agent: The agent's name.
        pause: Put round each question.
    """

    def __init__(
        self,
        inner: Workspace,
        *,
        run: Run,
        task: str,
        desk: str,
        agent: str,
        pause: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._inner, self._run, self._pause = inner, run, pause
        self._task, self._desk, self._agent = task, desk, agent

    @property
    def root(self) -> Path:
        """As the copy."""
        return self._inner.root

    @property
    def tier(self) -> Tier:
        """As the copy."""
        return self._inner.tier

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = 60.0,
        env: Mapping[str, str] | None = None,
        writable: bool = True,
    ) -> Ran:
        """Ask, then run.

        Raises:
            ApprovalRefusedError: A person said no, or nobody can be asked now.
            SandboxError: The command could not be started.
        """
        question = Question(
            id="",
            about="command",
            task=self._task,
            agent=self._agent,
            argv=tuple(argv),
            stdin=stdin,
            sandboxed=self.tier > Tier.BARE,
        )
        question = question.model_copy(update={"id": f"{self._desk}/command-{question.digest[:12]}"})
        with self._pause():
            granted = await self._run.granted(question)
        if not granted:
            raise ApprovalRefusedError(f"a person refused the command {argv[0]!r}: do without it")
        return await self._inner.run(argv, stdin=stdin, timeout_s=timeout_s, env=env, writable=writable)

    def path(self, relative: str) -> Path:
        """As the copy."""
        return self._inner.path(relative)

    def patch(self) -> Patch:
        """As the copy."""
        return self._inner.patch()

    async def close(self) -> None:
        """As the copy."""
        await self._inner.close()
