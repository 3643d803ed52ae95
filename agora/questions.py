"""What a person is asked before something happens that cannot be taken back, and what they say.

A question is asked before a command runs, before a diff is written to the user's folder, before an award that may cost
money, and where a workflow says so. Whoever cannot ask now answers "later": the question stands on the ledger, and the
run goes on when it is answered there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Literal, NamedTuple

from agora.tasks import Patch, digest_of
from agora.values import Value

About = Literal["command", "diff", "award", "step"]


class Question(Value):
    """May this happen?"""

    id: str
    """Unique in its run, and the same when the run is gone on with."""
    about: About
    """What is asked for."""
    task: str
    """Which task."""
    agent: str = ""
    """Whose command, diff or award; empty for a step of a workflow."""
    argv: tuple[str, ...] = ()
    """The command, exactly as it would be started."""
    stdin: str = ""
    """What the command would read."""
    env: tuple[tuple[str, str], ...] = ()
    """Variables that the command would get on top of the sandbox's own, by name."""
    sandboxed: bool = True
    """Whether the command would run inside a sandbox, on a copy."""
    patch: Patch = Patch()
    """The diff; on the ledger it stands with the attempt and not here."""
    workspace: str = ""
    """The folder that the diff would change."""
    usd: Decimal = Decimal(0)
    """What it may cost at worst, in US dollars."""
    reason: str = ""
    """Why this agent, for an award; the question itself, for a step of a workflow."""

    @property
    def digest(self) -> str:
        """SHA-256 over what is asked for: an answer counts for exactly this (and an award for no more dollars)."""
        hashed = hashlib.sha256()
        parts = (
            self.about,
            self.agent,
            self.workspace,
            "" if self.about == "award" else str(self.usd),
            self.stdin,
            str(self.sandboxed),
            str(len(self.argv)),
            *self.argv,
            *(part for pair in self.env for part in pair),
            *([self.reason] if self.about == "step" else []),
        )
        for part in (*parts, digest_of(self.patch.changes)):
            hashed.update(f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()


class Answer(NamedTuple):
    """What came of a question."""

    granted: bool | None
    """None: nobody can be asked now."""
    asked: bool = True
    """False: a rule said so, and no person."""


Approve = Callable[[Question], Awaitable[Answer | bool]]
"""Asked before a command, a diff, an award or a step; a plain bool is a person's answer."""
