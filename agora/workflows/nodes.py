"""What a workflow is made of, as values: tasks, approvals and other workflows, and what joins them.

Everything is data. A condition is a comparison that is written down, never a function: it is put on the ledger with the
graph, and a resumed run asks the same question of the same text, whatever has become of the code since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, cast

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from agora.errors import ConfigError
from agora.tasks import MOST_GOAL_CHARS, Check, Limits, Tier
from agora.toml_files import tier_named
from agora.values import JsonValue, Value
from agora.workflows.context_stated import Context
from agora.workflows.features import Coupling
from agora.workflows.references import NAME, referred

MOST_NODES: Final = 10_000
"""The most nodes of one workflow, those of workflows that it uses not counted."""
MOST_ITEMS: Final = 1_000
"""The most instances that one map can be allowed."""
MOST_ROUNDS: Final = 100
"""The most rounds that one loop can be allowed."""
MOST_INSTANCES: Final = 100_000
"""The most instances that a workflow may come to at worst: maps, loops and used workflows multiplied out."""
MOST_DEPTH: Final = 20
"""How deep workflows may use one another."""

OnFailure = Literal["stop", "skip", "fallback", "continue"]
Scalar = bool | int | float | str


class When(Value):
    """One comparison of what a predecessor gave with a value; exactly one of the comparisons is stated.

    >>> When(of="classify", equals="bug").of
    'classify'
    """

    of: str
    """What is looked at: "find" (its output), "find.verdict", "find.files.0" (inside an output that is JSON)."""
    equals: Scalar | None = None
    """It is this: numbers as numbers, all else as text without the space around it."""
    differs: Scalar | None = None
    """It is not this."""
    contains: str | None = Field(default=None, min_length=1)
    """This stands somewhere in it."""
    lacks: str | None = Field(default=None, min_length=1)
    """This stands nowhere in it."""
    above: float | None = None
    """It is a number, and larger."""
    below: float | None = None
    """It is a number, and smaller."""
    empty: bool | None = None
    """Nothing stands there but space and empty brackets (true), or something does (false)."""

    @model_validator(mode="before")
    @classmethod
    def _is_data(cls, content: object) -> object:
        if callable(content):
            raise ValueError(
                "a condition is data, not a function: a function cannot be put on record, and a resumed run could not "
                "ask it the same; write When(of=..., equals=...), or let a task decide"
            )
        return content

    @model_validator(mode="after")
    def _one(self) -> When:
        if referred(self.of) is None:
            raise ValueError(f'{self.of!r} names nothing: write a task\'s id, as "find", or "find.verdict"')
        if len(self.model_dump(exclude={"of"}, exclude_none=True)) != 1:
            raise ValueError("state one of equals, differs, contains, lacks, above, below and empty beside `of`")
        return self


class Each(Value):
    """A map: one instance for each item of a list."""

    of: str
    """Where the list comes from: a predecessor or an input; JSON, or lines."""
    most: int = Field(default=100, ge=1, le=MOST_ITEMS)
    """With more items than these the node fails; none are left out silently."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: object) -> object:
        return {"of": content} if isinstance(content, str) else content


class Repeat(Value):
    """A loop: the node again, until a condition on what it gave holds."""

    most: int = Field(ge=1, le=MOST_ROUNDS)
    """The cap on rounds; a loop that reaches it has failed."""
    until: tuple[When, ...] = ()
    """All must hold of the last round; none stated: its verdict is passed."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: object) -> object:
        return {"most": content} if isinstance(content, int) and not isinstance(content, bool) else content

    @field_validator("until", mode="before")
    @classmethod
    def _several(cls, until: object) -> object:
        return _listed(until)


class _Node(Value):
    """What all nodes have."""

    id: str = Field(pattern=rf"^{NAME}$")
    """Unique in its workflow; letters, digits, - and _, at most 64."""
    after: tuple[str, ...] = ()
    """The nodes that must have come to an end before."""
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

    @field_validator("after", mode="before")
    @classmethod
    def _once(cls, after: object) -> object:
        names = _listed(after)
        return tuple(dict.fromkeys(names)) if all(isinstance(name, str) for name in names) else names

    @field_validator("when", mode="before")
    @classmethod
    def _several(cls, when: object) -> object:
        return _listed(when)

    @model_validator(mode="before")
    @classmethod
    def _fallback_said(cls, content: object) -> object:
        stated = _table(content)
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
        stated = _table(verify)
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


def _kind(content: object) -> str:
    """Which node it is: what it says, or by what only that kind has."""
    stated = _table(content) or getattr(content, "__dict__", {})
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
        return _listed(compare)

    @model_validator(mode="before")
    @classmethod
    def _comes_after(cls, content: object) -> object:
        stated = _table(content)
        if "compare" not in stated:
            return content
        whose = [found.name for one in _listed(stated["compare"]) if isinstance(one, str) and (found := referred(one))]
        return {**stated, "after": tuple(dict.fromkeys((*_listed(stated.get("after", ())), *whose)))}

    @model_validator(mode="after")
    def _at_once(self) -> CompareNode:
        for name in self.compare:
            if referred(name) is None:
                raise ValueError(f'{name!r} names nothing: write a task\'s id, as "answer", or "answer.city"')
        if self.each or self.repeat or self.fallback:
            raise ValueError("outputs are compared once, and that never fails: leave each, repeat and fallback out")
        return self


    return str(stated.get("kind") or next((kind for kind in ("approve", "use", "compare") if kind in stated), "task"))


Node = Annotated[
    Annotated[TaskNode, Tag("task")]
    | Annotated[ApproveNode, Tag("approve")]
    | Annotated[UseNode, Tag("use")]
    | Annotated[CompareNode, Tag("compare")],
    Discriminator(_kind),
]
"""Any node; a `kind` that is left out is clear from the rest."""


class FlowInput(Value):
    """Something that a workflow is given from outside."""

    default: JsonValue = None
    """What it is if nothing is given; None: it must be given."""
    about: str = ""
    """What it is, in words."""


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
    flows: tuple[Flow, ...] = ()
    """The workflows that it uses, and those that they use."""


def _listed(content: object) -> tuple[object, ...]:
    return tuple(cast("Sequence[object]", content)) if isinstance(content, (list, tuple)) else (content,)


def _table(content: object) -> dict[str, object]:
    return cast("dict[str, object]", content) if isinstance(content, dict) else {}


def _worded(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: say in words what is wanted")
    return text
