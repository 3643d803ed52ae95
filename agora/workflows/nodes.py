"""What a workflow is made of, as values: tasks, approvals and other workflows, and what joins them.

Everything is data. A condition is a comparison that is written down, never a function: it is put on the ledger with the
graph, and a resumed run asks the same question of the same text, whatever has become of the code since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from agora.errors import ConfigError
from agora.tasks import MOST_GOAL_CHARS, Check, Limits, Strength, Tier
from agora.toml_files import tier_named
from agora.values import JsonValue, Value
from agora.workflows.context_stated import Context
from agora.workflows.features import Coupling
from agora.workflows.references import NAME, referred
from agora.workflows.stated import Each, Repeat, Scalar, When, listed, table

MOST_NODES: Final = 10_000
"""The most nodes of one workflow, those of workflows that it uses not counted."""
MOST_INSTANCES: Final = 100_000
"""The most instances that a workflow may come to at worst: maps, loops and used workflows multiplied out."""
MOST_DEPTH: Final = 20
"""How deep workflows may use one another."""

__all__ = [
    "MOST_DEPTH",
    "MOST_INSTANCES",
    "MOST_NODES",
    "ApproveNode",
    "CompareNode",
    "Each",
    "Flow",
    "FlowInput",
    "Node",
    "OnFailure",
    "Repeat",
    "Scalar",
    "TaskNode",
    "TextNode",
    "UseNode",
    "When",
]

OnFailure = Literal["stop", "skip", "fallback", "continue"]


class _Node(Value):
    """What all nodes have."""

    id: str = Field(pattern=rf"^{NAME}$")
    """Unique in its workflow; letters, digits, - and _, at most 64."""
    after: tuple[str, ...] = ()
    """The nodes that must have come to an end before."""
    follows: tuple[str, ...] = ()
    """The nodes that must have come to an end besides, whatever became of them; their outputs can be named."""
    needs: Literal["all", "any"] = "all"
    """Skipped where one of its predecessors was (all), or only where all of them were (any). It waits for all."""
    when: tuple[When, ...] = ()
    """Skipped unless all of these hold."""
    each: Each | None = None
    """Done for each item of a list; who comes after sees a JSON list of the outputs."""
    repeat: Repeat | None = None
    """Done again until a condition holds."""
    on_failure: OnFailure = "stop"
    """What follows when it fails: the workflow stops; it and what needs it are skipped (of a map: this item is left
    out); another node stands in; or all goes on, and conditions can look at its verdict."""
    fallback: str = ""
    """The node that stands in for it: it starts only then, and its output takes the place of this one's."""
    coupling: Coupling = "weak"
    """How far it hangs on its predecessors' outputs."""
    tokens: int = Field(default=0, ge=0)
    """What it is expected to take, once; 0: nobody knows."""

    optional: bool = False
    """Whether a topology that is learned may leave it out; those who come after go on without its output."""

    @property
    def waits_for(self) -> tuple[str, ...]:
        """All nodes that must have come to an end before, each once."""
        return self.after if not self.follows else tuple(dict.fromkeys((*self.after, *self.follows)))

    @field_validator("after", "follows", mode="before")
    @classmethod
    def _once(cls, after: object) -> object:
        names = listed(after)
        return tuple(dict.fromkeys(names)) if all(isinstance(name, str) for name in names) else names

    @field_validator("when", mode="before")
    @classmethod
    def _several(cls, when: object) -> object:
        return listed(when)

    @model_validator(mode="before")
    @classmethod
    def _fallback_said(cls, content: object) -> object:
        stated = table(content)
        return (
            {**stated, "on_failure": "fallback"} if stated.get("fallback") and "on_failure" not in stated else content
        )

    @model_validator(mode="after")
    def _fallback_named(self) -> _Node:
        if (self.on_failure == "fallback") != bool(self.fallback):
            raise ValueError('on_failure = "fallback" goes with fallback = "the node that stands in"')
        return self


class TaskNode(_Node):
    """A piece of work that is put up for auction; its fields are those of `Task`."""

    kind: Literal["task"] = "task"
    goal: str = Field(min_length=1, max_length=MOST_GOAL_CHARS)
    """What is wanted, with {placeholders}."""
    skill: str = ""
    """The skill it needs."""
    workspace: str | None = None
    """The folder it is about; may hold {inputs} of the workflow, never what a model wrote."""
    files: tuple[str, ...] = ()
    """The files it is mostly about."""
    examples: tuple[str, ...] = ()
    """Checks that bidders may see."""
    tools: tuple[str, ...] | None = None
    """The tools that may be used."""
    verify: Check | None = None
    """How it is verified; a text is a command. None: its verdict is unknown, which counts as done."""
    protect: tuple[str, ...] = ()
    """Globs of files that may not change."""
    labels: frozenset[str] = frozenset()
    """Labels of the data inside; whoever comes after inherits them."""
    tier: Tier = Tier.NAMESPACE
    """The least sandbox: bare, landlock, namespace or machine."""
    strength: Strength = ""
    """The least strength of whoever does it: small, medium or large."""
    limits: Limits = Limits()
    """Bounds on all attempts at one instance together."""
    agents: tuple[str, ...] = ()
    """Who may bid; none stated: whoever can."""
    context: Context | None = None
    """What it is shown besides what its goal names, of the outputs before it and of memory; None: nothing."""

    @field_validator("goal")
    @classmethod
    def _said(cls, goal: str) -> str:
        return _worded(goal)

    @field_validator("verify", mode="before")
    @classmethod
    def _check(cls, verify: object) -> object:
        if isinstance(verify, str):
            return Check(kind="command", options={"command": verify})
        stated = table(verify)
        if "kind" not in stated or "options" in stated:
            return verify
        return {"kind": stated["kind"], "options": {key: value for key, value in stated.items() if key != "kind"}}

    @field_validator("tier", mode="before")
    @classmethod
    def _tier(cls, tier: object) -> object:
        try:
            return tier_named(tier, where="tier") if isinstance(tier, str) else tier
        except ConfigError as error:
            raise ValueError(error.what) from None


class ApproveNode(_Node):
    """A question to a person: yes is passed, no is failed."""

    kind: Literal["approve"] = "approve"
    approve: str = Field(min_length=1, max_length=MOST_GOAL_CHARS)
    """The question, with {placeholders}."""

    @field_validator("approve")
    @classmethod
    def _said(cls, question: str) -> str:
        return _worded(question)


class UseNode(_Node):
    """Another workflow as a node: its output is this node's, and what stops it fails this node."""

    kind: Literal["use"] = "use"
    use: str = Field(pattern=rf"^{NAME}$")
    """The other workflow's name."""
    inputs: Mapping[str, str] = Field(default_factory=dict)
    """What it is given, with {placeholders}."""


class CompareNode(_Node):
    """How far outputs agree: worked out from them alone, by no agent and for nothing.

    Its output is an object of `consistency`, `agree`, `majority`, `votes`, `of`, `distinct` and `method`; it is passed
    where they agree, else unknown, which stops nothing.
    """

    kind: Literal["compare"] = "compare"
    compare: tuple[str, ...] = Field(min_length=1)
    """Whose outputs: "answer", or "answer.city" (inside an output that is JSON); of one, the items of its list. It
    comes after them. Of several, what was skipped or has failed is left out."""
    threshold: float = Field(default=0.7, ge=-1, le=1)
    """The least consistency at which they agree."""

    @field_validator("compare", mode="before")
    @classmethod
    def _whose(cls, compare: object) -> object:
        return listed(compare)

    @model_validator(mode="before")
    @classmethod
    def _comes_after(cls, content: object) -> object:
        stated = table(content)
        if "compare" not in stated:
            return content
        whose = [found.name for one in listed(stated["compare"]) if isinstance(one, str) and (found := referred(one))]
        return {**stated, "after": tuple(dict.fromkeys((*listed(stated.get("after", ())), *whose)))}

    @model_validator(mode="after")
    def _at_once(self) -> CompareNode:
        for name in self.compare:
            if referred(name) is None:
                raise ValueError(f'{name!r} names nothing: write a task\'s id, as "answer", or "answer.city"')
        if self.each or self.repeat or self.fallback:
            raise ValueError("outputs are compared once, and that never fails: leave each, repeat and fallback out")
        return self


class TextNode(_Node):
    """A text put together from outputs, by no agent and for nothing; its verdict is that of the tasks that it names."""

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=MOST_GOAL_CHARS)
    """With {placeholders}. What was skipped is empty: of several branches, the text of the one that was taken stays."""

    @model_validator(mode="after")
    def _at_once(self) -> TextNode:
        if self.each or self.repeat or self.fallback:
            raise ValueError("a text is put together once, and that never fails: leave each, repeat and fallback out")
        return self


def _kind(content: object) -> str:
    """Which node it is: what it says, or by what only that kind has."""
    stated = table(content) or getattr(content, "__dict__", {})
    kinds = ("approve", "use", "compare", "text")
    return str(stated.get("kind") or next((kind for kind in kinds if kind in stated), "task"))


Node = Annotated[
    Annotated[TaskNode, Tag("task")]
    | Annotated[ApproveNode, Tag("approve")]
    | Annotated[UseNode, Tag("use")]
    | Annotated[CompareNode, Tag("compare")]
    | Annotated[TextNode, Tag("text")],
    Discriminator(_kind),
]
"""Any node; a `kind` that is left out is clear from the rest."""


class FlowInput(Value):
    """Something that a workflow is given from outside."""

    default: JsonValue = None
    """What it is if nothing is given; None: it must be given."""
    about: str = ""
    """What it is, in words."""


Topologies = Literal["parallel", "sequential", "hybrid", "hierarchical", "auto", "learned"]
"""A topology, or who chooses it: the rule (auto), or what came of earlier runs (learned)."""


class Synthesis(Value):
    """Outputs to the same question are made one: they are compared, and where they differ an arbiter rules."""

    threshold: float = Field(default=0.7, ge=-1, le=1)
    """The least consistency at which they agree."""
    agents: tuple[str, ...] = ()
    """Who may be the arbiter, and merge; none stated: whoever can."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: object) -> object:
        return {} if content is True else content


class Flow(Value):
    """A whole workflow as a value: what is put on the ledger, and all that is needed to go on with it."""

    name: str = Field(pattern=rf"^{NAME}$")
    """As in `workflows/NAME.toml`."""
    inputs: Mapping[str, FlowInput] = Field(default_factory=dict)
    """What it is given."""
    nodes: tuple[Node, ...] = Field(min_length=1)
    """In the order in which they were written, which is the order in which ready ones are started."""
    output: str = ""
    """The node whose output is the workflow's; empty: those that nobody follows, as an object where there are many."""
    topology: Topologies = "parallel"
    """In which order its nodes are done, and what they see, beyond what they wait for."""
    synthesis: Synthesis | None = None
    """What becomes of its ends where they answer the same question; None: each is an output."""
    flows: tuple[Flow, ...] = ()
    """The workflows that it uses, and those that they use."""

    @field_validator("synthesis", mode="before")
    @classmethod
    def _wanted(cls, synthesis: object) -> object:
        return None if synthesis is False else synthesis


def _worded(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: say in words what is wanted")
    return text
