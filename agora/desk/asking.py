"""A workspace in which every command is asked for before it is started, with exactly the arguments that it gets.

A yes counts for one start. Each start has a question of its own, numbered among equal ones; the number is used up when
the start is on record, so that a command that was cut off in the middle is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

import anyio
from anyio import CancelScope

from agora.desk.seat import Seat
from agora.desk.transcripts import written
from agora.errors import ApprovalRefusedError
from agora.events import CommandReserved, ToolUsed
from agora.messages import ToolCall
from agora.past import COMMAND, INTERRUPTED
from agora.protocols import Workspace
from agora.questions import Question
from agora.records import Ran
from agora.tasks import Patch, Tier

Pause = Callable[[], AbstractContextManager[None]]
"""Put round a question: while a person thinks, nobody works, and no deadline passes."""

CLOSING_S: Final = 10.0
"""How long the end of something that began may take to be put on record."""
_FREE = Decimal(0)


@dataclass(kw_only=True)
class Asks:
    """What was asked for within one use."""

    again: list[str] = field(default_factory=list[str])
    """Ids of questions whose answers count once more: for the same start, made again on a fresh copy."""
    granted: list[str] = field(default_factory=list[str])
    """Ids of those that were answered with yes."""
    refused: list[str] = field(default_factory=list[str])
    """Ids of those that were answered with no."""
    commands: list[str] = field(default_factory=list[str])
    """Ids of the commands whose intents are on record."""


class Asker:
    """Asks for the commands of one desk.

    Args:
        seat: Whose.
        pause: Put round each question.
    """

    def __init__(self, seat: Seat, *, pause: Pause) -> None:
        self._seat, self._pause = seat, pause
        self._used = set(seat.past.questions)

    async def ask(
        self,
        asks: Asks,
        argv: Sequence[str],
        *,
        sandboxed: bool,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        usd: Decimal = _FREE,
    ) -> str:
        """Ask for one start of a command; return the question's id.

        Raises:
            ApprovalRefusedError: A person said no.
            ApprovalPendingError: Nobody can be asked now.
        """
        question = Question(
            id="",
            about="command",
            task=self._seat.task.id,
            agent=self._seat.agent,
            argv=tuple(argv),
            stdin=stdin,
            env=tuple(sorted((env or {}).items())),
            sandboxed=sandboxed,
            usd=usd,
        )
        name = self._numbered(asks, f"{self._seat.place}/command-{question.digest[:12]}-")
        try:
            with self._pause():
                granted = await self._seat.run.granted(question.model_copy(update={"id": name}))
        except BaseException:  # it has no answer yet, and is asked again
            self._used.discard(name)
            raise
        (asks.granted if granted else asks.refused).append(name)
        if not granted:
            raise ApprovalRefusedError(f"a person refused the command {' '.join(argv[:1])!r}: do without it")
        return name

    def _numbered(self, asks: Asks, begins: str) -> str:
        for name in asks.again:
            if name.startswith(begins):
                asks.again.remove(name)
                return name
        number = 1
        while f"{begins}{number}" in self._used:
            number += 1
        self._used.add(f"{begins}{number}")
        return f"{begins}{number}"

    async def intend(self, asks: Asks, argv: Sequence[str], question: str) -> None:
        """Put on record that a command is about to be started that no sandbox holds."""
        seat, call = self._seat, self._seat.next_id()
        asks.commands.append(call)
        await seat.run.record(
            CommandReserved(
                task=seat.task.id, call=call, agent=seat.agent, argv=tuple(argv), usd=_FREE, question=question
            )
        )

    async def end(self, asks: Asks, argv: Sequence[str], ran: Ran | None) -> None:
        """Put on record how a command ended that an agent started in its copy by itself."""
        seat = self._seat
        ended = ToolUsed(
            task=seat.task.id,
            agent=seat.agent,
            phase=seat.phase,
            call=ToolCall(id=asks.commands[0], name=COMMAND, arguments="\n".join(argv)),
            result=INTERRUPTED if ran is None else written(ran)[0],
            ok=ran is not None and ran.exit_code == 0,
            unknown=ran is None,
            granted=tuple(asks.granted),
        )
        with CancelScope(shield=True), anyio.fail_after(CLOSING_S):
            await seat.run.record(ended)


class AskingWorkspace:
    """A workspace as an agent and its tools see it.

    Args:
        inner: The copy.
        asker: Asks.
        asks: Of the use that it is for, which ends what is started here; None: each command ends by itself.
    """

    def __init__(self, inner: Workspace, asker: Asker, asks: Asks | None = None) -> None:
        self._inner, self._asker, self._asks = inner, asker, asks

    @property
    def inner(self) -> Workspace:
        """The copy, where nobody is asked."""
        return self._inner

    def within(self, asks: Asks) -> AskingWorkspace:
        """The same copy for one use."""
        return AskingWorkspace(self._inner, self._asker, asks)

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
            ApprovalRefusedError: A person said no.
            ApprovalPendingError: Nobody can be asked now.
            SandboxError: The command could not be started.
        """
        asks = self._asks or Asks()
        sandboxed = self.tier > Tier.BARE
        question = await self._asker.ask(asks, argv, sandboxed=sandboxed, stdin=stdin, env=env)
        ran: Ran | None = None
        try:
            if not sandboxed:
                await self._asker.intend(asks, argv, question)
            ran = await self._inner.run(argv, stdin=stdin, timeout_s=timeout_s, env=env, writable=writable)
            return ran
        finally:
            if self._asks is None and asks.commands:
                await self._asker.end(asks, argv, ran)

    def path(self, relative: str) -> Path:
        """As the copy."""
        return self._inner.path(relative)

    def patch(self) -> Patch:
        """As the copy."""
        return self._inner.patch()

    async def close(self) -> None:
        """As the copy."""
        await self._inner.close()
