"""What a running workflow consists of: instances that are ready, how they ended, what was passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal

from pydantic import Field

from agora.tasks import Task, Verdict
from agora.values import JsonValue, Value
from agora.workflows.context_routing import Candidate
from agora.workflows.nodes import ApproveNode, Scalar, TaskNode, When
from agora.workflows.references import as_text


class Ending(Value):
    """How an instance ended."""

    verdict: Verdict
    """passed, failed or unknown; of an approval: passed for yes, failed for no."""
    output: str = ""
    """What it gave."""


class Instance(Value):
    """A node that can be started now: one task, or one question to a person."""

    id: str
    """Unique in the run: "fix", "fix[2]" (an item), "fix#2" (a round), "build/fix" (inside a used workflow)."""
    path: tuple[str, ...]
    """The node's id, with those of the nodes that use its workflow before it."""
    node: TaskNode | ApproveNode = Field(discriminator="kind")
    """As defined."""
    text: str
    """The goal or the question, filled in."""
    workspace: str | None = None
    """The folder it is about, filled in."""
    inputs: Mapping[str, str] = Field(default_factory=dict)
    """Reference -> the whole of what stands, perhaps cut, in the text."""
    cut: Mapping[str, int] = Field(default_factory=dict)
    """Reference -> how many characters of it were left out, since the text would have been too long."""
    before: tuple[Candidate, ...] = ()
    """What it could be shown besides, where its node asks for context."""
    too_many: int = 0
    """How many outputs before it are not among these, since there are too many."""
    labels: frozenset[str] = frozenset()
    """Labels of the data inside: its own, and those of all that it may have seen."""
    after: tuple[str, ...] = ()
    """The tasks that it follows."""
    index: int | None = None
    """Its place in a map, from 0."""
    round: int = Field(default=1, ge=1)
    """Its place in a loop, from 1."""

    @property
    def task(self) -> Task:
        """The task of a task node, as it is posted.

        Raises:
            TypeError: It is a question.
        """
        if not isinstance(self.node, TaskNode):
            raise TypeError(f"{self.id!r} is a question to a person, not a task")
        node = self.node
        return Task(
            id=self.id,
            goal=self.text,
            skill=node.skill,
            workspace=self.workspace,
            files=node.files,
            examples=node.examples,
            tools=node.tools,
            verify=node.verify,
            protect=node.protect,
            labels=self.labels,
            tier=node.tier,
            strength=node.strength,
            limits=node.limits,
            agents=node.agents,
        )


class Remark(Value):
    """Why a node was passed over, or why something stopped its workflow."""

    id: str
    """The instance's; of a node that was never started, the same without item and round."""
    why: str
    """For a person: a condition that does not hold, a predecessor that came to nothing, a cap that was reached."""


class Ready(Value):
    """How a workflow stands; a function of its definition, its inputs and how its instances ended."""

    start: tuple[Instance, ...]
    """All that may run now and has not ended, in the order of the definition; what runs already is among them."""
    skipped: tuple[Remark, ...]
    """The nodes that were passed over so far; nothing was spent on them."""
    over: bool
    """Whether nothing is left to be done."""
    stopped: tuple[Remark, ...]
    """What failed and so stopped the workflow; what still runs then is not wanted any more."""
    verdict: Verdict
    """Of its ends: failed where it was stopped or one failed, passed where all were; else unknown."""
    outputs: Mapping[str, JsonValue]
    """Node -> what it gave, of those that nobody follows (or of the one that is stated)."""

    @property
    def output(self) -> str:
        """The outputs as one text: of one node, that node's; of several, an object."""
        return output_of(self.outputs)


class Settled(Value):
    """What became of a node, all its instances together."""

    verdict: Literal["passed", "failed", "unknown", "skipped"]
    """As conditions see it."""
    output: str = ""
    """As those who come after see it; of a map, a JSON list."""
    gone: bool = False
    """Whether there is nothing for those who come after: it was skipped, or failed with on_failure = "skip"."""


def output_of(outputs: Mapping[str, JsonValue]) -> str:
    """The outputs of a workflow as one text."""
    return as_text(next(iter(outputs.values()))) if len(outputs) == 1 else as_text(dict(outputs)) if outputs else ""


def holds(when: When, lookup: Callable[[str], str]) -> bool:
    """Whether a condition holds, of what its reference means now."""
    text = lookup(when.of).strip()
    if when.equals is not None:
        return _same(text, when.equals)
    if when.differs is not None:
        return not _same(text, when.differs)
    if when.contains is not None:
        return when.contains in text
    if when.lacks is not None:
        return when.lacks not in text
    if when.empty is not None:
        return (text in ("", "[]", "{}", '""', "null")) is when.empty
    number = _number(text)
    if number is None:
        return False
    return number > Decimal(str(when.above)) if when.above is not None else number < Decimal(str(when.below))


def said(when: When) -> str:
    """A condition as a person reads it.

    >>> said(When(of="classify", equals="bug"))
    "classify equals 'bug'"
    """
    name, value = next(iter(when.model_dump(exclude={"of"}, exclude_none=True).items()))
    return f"{when.of} {name} {value!r}"


def _same(text: str, value: Scalar) -> bool:
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, str):
        return text == value.strip()
    return _number(text) == Decimal(str(value))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
