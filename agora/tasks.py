"""What is to be done and what came of it: task, limits, usage, patch, work, outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Final, Literal

from pydantic import Field

from agora.values import JsonValue, Value


class Verdict(StrEnum):
    """What a verifier says; there is nothing between."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Tier(IntEnum):
    """How strong a sandbox is; a task states the least it accepts."""

    BARE = 0
    """None: only by an explicit flag that is recorded."""
    LANDLOCK = 1
    """File rules and seccomp, no namespaces."""
    NAMESPACE = 2
    """Namespaces, seccomp, empty environment, a uid that is not root (bubblewrap or nsjail)."""
    MACHINE = 3
    """A kernel of its own (gVisor, a virtual machine)."""


Strength = Literal["", "small", "medium", "large"]
"""How strong an agent is said to be, or the least that a task demands; empty: nothing is said, or demanded."""
STRENGTHS: Final[tuple[Strength, ...]] = ("", "small", "medium", "large")
"""From weak to strong."""


class Limits(Value):
    """Upper bounds on work; None means that this dimension is not bounded here."""

    usd: Decimal | None = Field(default=None, ge=0)
    """US dollars."""
    tokens: int | None = Field(default=None, ge=0)
    """Input and output tokens together."""
    steps: int | None = Field(default=None, ge=0)
    """Model calls, tool calls and commands together."""
    seconds: float | None = Field(default=None, ge=0)
    """Wall-clock seconds from the start of whatever is limited."""


class Usage(Value):
    """What work took; all fields add up."""

    usd: Decimal = Field(default=Decimal(0), ge=0)
    """US dollars."""
    input_tokens: int = Field(default=0, ge=0)
    """Tokens read by models."""
    output_tokens: int = Field(default=0, ge=0)
    """Tokens written by models."""
    steps: int = Field(default=0, ge=0)
    """Model calls, tool calls and commands."""
    seconds: float = Field(default=0.0, ge=0)
    """Seconds spent inside models, tools and commands."""

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            usd=self.usd + other.usd,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            steps=self.steps + other.steps,
            seconds=self.seconds + other.seconds,
        )

    def without(self, other: Usage) -> Usage:
        """What is more than another usage, field by field; never less than nothing."""
        return Usage(
            usd=max(Decimal(0), self.usd - other.usd),
            input_tokens=max(0, self.input_tokens - other.input_tokens),
            output_tokens=max(0, self.output_tokens - other.output_tokens),
            steps=max(0, self.steps - other.steps),
            seconds=max(0.0, self.seconds - other.seconds),
        )


class Check(Value):
    """How a result is verified: the kind of verifier and its options, as in `[verify]` of a task file."""

    kind: str
    """A verifier's name: command, tests, exact, numeric, citation, schema, judge, or a plug-in's."""
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What that verifier needs to know; its own model validates it."""


MOST_GOAL_CHARS = 100_000
"""The longest goal."""


class Task(Value):
    """One piece of work put up for auction."""

    id: str
    """Unique within its run."""
    goal: str = Field(min_length=1, max_length=MOST_GOAL_CHARS)
    """What is wanted, in words. Long material belongs into a file of the workspace."""
    skill: str = ""
    """The skill it needs; agents without it are kept out. Empty: anyone may bid."""
    workspace: str | None = None
    """The folder the work is about. Agents get a copy; a diff comes back."""
    files: tuple[str, ...] = ()
    """The files the work is mostly about, relative to the workspace."""
    examples: tuple[str, ...] = ()
    """Checks that bidders may see and run (Python assertions); disjoint from the verifier's."""
    images: tuple[str, ...] = ()
    """Pictures that belong to the goal (PNG, JPEG, GIF, WebP): paths inside the workspace; without one, any paths."""
    tools: tuple[str, ...] | None = None
    """Names of the tools that may be used; None allows all of the agent's own."""
    verify: Check | None = None
    """How the result is verified; None leaves the outcome unknown, and nothing is learned."""
    protect: tuple[str, ...] = ()
    """Globs of files that work may not change (tests, CI); a diff that touches one fails."""
    labels: frozenset[str] = frozenset()
    """Labels of the data inside, as "private"; agents whose trust does not cover them are kept out."""
    tier: Tier = Tier.NAMESPACE
    """The least sandbox that commands of this task run in."""
    strength: Strength = ""
    """The least strength of whoever does it: for actions that are risky, or cannot be taken back."""
    limits: Limits = Limits()
    """Bounds on all attempts at this task together."""
    agents: tuple[str, ...] = ()
    """Who may bid, by name; empty: whoever can."""


class Change(Value):
    """One file of a patch."""

    path: str
    """Relative to the workspace, with forward slashes."""
    before: str | None
    """SHA-256 of the file the change was made from; None: it did not exist."""
    after: bytes | None
    """The whole new content; None: the file goes."""
    mode: int = 0o644
    """Permission bits of the new file."""


class Patch(Value):
    """What work did to a workspace: applied wholly or not at all."""

    changes: tuple[Change, ...] = ()
    """In order of path."""
    text: str = ""
    """The same as a unified diff, for people."""
    digest: str = ""
    """What `digest_of` gave when it was made; empty: nobody said."""

    @property
    def whole(self) -> bool:
        """Whether it is as it was made: the ledger keeps no secret, not even one that stands in a changed file."""
        return self.digest in ("", digest_of(self.changes))


def digest_of(changes: Iterable[Change]) -> str:
    """SHA-256 over all that a patch would write."""
    hashed = hashlib.sha256()
    for change in changes:
        after = b"-" if change.after is None else change.after
        hashed.update(f"{change.path!r} {change.before} {change.mode} {len(after)} ".encode())
        hashed.update(after)
    return hashed.hexdigest()


class Work(Value):
    """What an agent hands in."""

    output: str
    """Its answer in words (or the JSON that was asked for)."""
    patch: Patch = Patch()
    """What it changed; empty where the task has no workspace."""


class Outcome(Value):
    """What the verifier found."""

    verdict: Verdict
    """passed, failed or unknown."""
    verifier: str
    """Which verifier said so."""
    grounded: bool = True
    """True: tests, match, schema or a person decided; False: a model's opinion."""
    evidence: str = ""
    """Why, in a form that the next attempt can use; capped."""
    seconds: float = Field(default=0.0, ge=0)
    """How long verifying took."""
