"""A workflow written in Python: a builder, and functions whose parameters name what they need.

A function is called once, when it is defined, with a marker for each of its parameters; what it returns is the goal. So
the goal is data, the same as in a TOML file, and nothing of the function runs later.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast, overload

from typing_extensions import TypedDict, Unpack

from agora.errors import ConfigError
from agora.tasks import Check, Limits, Strength, Tier
from agora.toml_files import fit
from agora.values import JsonValue
from agora.workflows.checking import checked
from agora.workflows.context_stated import Context
from agora.workflows.features import Coupling
from agora.workflows.nodes import (
    ApproveNode,
    CompareNode,
    Each,
    Flow,
    FlowInput,
    Node,
    OnFailure,
    Repeat,
    Synthesis,
    TaskNode,
    TextNode,
    Topologies,
    UseNode,
    When,
)
from agora.workflows.references import SPECIAL

Goal = TypeVar("Goal", bound=Callable[..., str | None])
_N = TypeVar("_N", TaskNode, ApproveNode, UseNode, CompareNode, TextNode)


class NodeOptions(TypedDict, total=False):
    """What any node can state; see the fields of the nodes."""

    after: Sequence[str | Callable[..., object]]
    follows: Sequence[str | Callable[..., object]]
    optional: bool
    needs: str
    when: When | Sequence[When]
    each: str | Each
    repeat: int | Repeat
    on_failure: OnFailure
    fallback: str
    coupling: Coupling
    tokens: int


class TaskOptions(NodeOptions, total=False):
    """What a task can state besides."""

    skill: str
    workspace: str
    files: Sequence[str]
    examples: Sequence[str]
    tools: Sequence[str]
    verify: str | Check
    protect: Sequence[str]
    labels: Iterable[str]
    tier: str | Tier
    strength: Strength
    limits: Limits
    agents: Sequence[str]
    context: int | Mapping[str, JsonValue] | Context


class Slot:
    """What a function gets in place of an output: it can be put into a text, as it is or by a part of it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return f"{{{self._name}}}"

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError(f"it has no format {spec!r} yet")
        return str(self)

    def __getattr__(self, part: str) -> Slot:
        if part.startswith("_"):
            raise AttributeError(part)
        return Slot(f"{self._name}.{part}")

    def __getitem__(self, part: str | int) -> Slot:
        if (isinstance(part, int) and part < 0) or not isinstance(part, (str, int)):  # pyright: ignore[reportUnnecessaryIsInstance] - a slice
            raise TypeError("it has no part of that kind yet")
        return Slot(f"{self._name}.{part}")


class Workflow:
    """A graph of tasks, built node by node.

    Args:
        name: As in `workflows/NAME.toml`.
        inputs: What it is given: names that must be given, or names with their defaults.
        output: The node whose output is the workflow's; empty: those that nobody follows.
        topology: In which order the nodes are done, beyond what they wait for.
        synthesis: Whether its ends answer the same question and are made one.

    >>> flow = Workflow("read", inputs=["folder"])
    >>> _ = flow.task("list", "List the files of {folder}, one a line")
    >>> _ = flow.task("read", "Sum up {item}", after=["list"], each="list")
    >>> flow.build().nodes[1].each.most
    100
    """

    def __init__(
        self,
        name: str,
        *,
        inputs: Sequence[str] | Mapping[str, JsonValue | FlowInput] = (),
        output: str = "",
        topology: Topologies = "parallel",
        synthesis: bool | Synthesis = False,
    ) -> None:
        self.name = name
        self._inputs = _inputs(inputs)
        self._output = output
        self._topology, self._synthesis = topology, synthesis
        self._nodes: list[Node] = []
        self._functions: list[tuple[Callable[..., object], str]] = []
        self._flows: dict[str, Flow] = {}

    @overload
    def task(self, id: str, goal: str, **options: Unpack[TaskOptions]) -> str: ...
    @overload
    def task(self, id: str = "", **options: Unpack[TaskOptions]) -> Callable[[Goal], Goal]: ...
    def task(self, id: str = "", goal: str = "", **options: Unpack[TaskOptions]) -> str | Callable[[Goal], Goal]:
        """Add a task; without a goal, the decorator of a function that writes it.

        Args:
            id: Unique in the workflow; of a function, its name where not stated.
            goal: With {placeholders} for inputs and for outputs of predecessors.
            options: As the fields of `TaskNode`.

        Raises:
            ConfigError: An option does not fit.
        """
        if not isinstance(id, str):  # pyright: ignore[reportUnnecessaryIsInstance] - @flow.task without its brackets
            raise ConfigError(f"workflow {self.name!r}", "write @flow.task() with its brackets")
        if goal:
            return self._add(TaskNode, id, {"goal": goal}, options).id

        def decorate(function: Goal) -> Goal:
            named = id or function.__name__
            text, needs = self._written(function, named)
            after = [*options.get("after", ()), *needs]
            self._add(TaskNode, named, {"goal": text}, {**options, "after": after})
            self._functions.append((function, named))
            return function

        return decorate

    def approve(self, id: str, question: str, **options: Unpack[NodeOptions]) -> str:
        """Add a question to a person.

        Raises:
            ConfigError: An option does not fit.
        """
        return self._add(ApproveNode, id, {"approve": question}, options).id

    def use(
        self,
        id: str,
        workflow: Workflow | Flow,
        *,
        inputs: Mapping[str, str] | None = None,
        **options: Unpack[NodeOptions],
    ) -> str:
        """Add another workflow as a node.

        Raises:
            ConfigError: An option does not fit, or another workflow of that name is used already.
        """
        flow = workflow.build() if isinstance(workflow, Workflow) else workflow
        for one in (flow.model_copy(update={"flows": ()}), *flow.flows):
            if self._flows.setdefault(one.name, one) != one:
                what = f"another workflow named {one.name!r} is used already: rename one"
                raise ConfigError(f"workflow {self.name!r}: task {id!r}", what)
        return self._add(UseNode, id, {"use": flow.name, "inputs": inputs or {}}, options).id

    def compare(
        self,
        id: str,
        *compare: str | Callable[..., object],
        threshold: float = 0.7,
        **options: Unpack[NodeOptions],
    ) -> str:
        """Add a comparison of outputs, which no agent makes and which costs nothing.

        Args:
            id: Unique in the workflow.
            compare: Whose outputs, as "answer" or "answer.city"; of one, the items of its list.
            threshold: The least consistency at which they agree, in [-1, 1].
            options: As the fields of `CompareNode`.

        Raises:
            ConfigError: An option does not fit.
        """
        whose = self._named(compare, f"workflow {self.name!r}: task {id!r}", field="compare")
        return self._add(CompareNode, id, {"compare": whose, "threshold": threshold}, options).id

    def text(self, id: str, text: str, **options: Unpack[NodeOptions]) -> str:
        """Add a text that is put together from outputs, which costs nothing; of branches, that of the one taken.

        Raises:
            ConfigError: An option does not fit.
        """
        return self._add(TextNode, id, {"text": text}, options).id

    def build(self) -> Flow:
        """The workflow as a value.

        Raises:
            ConfigError: It cannot be run; the error names the node and the mend.
        """
        where = f"workflow {self.name!r}"
        stated = {
            "name": self.name,
            "inputs": self._inputs,
            "nodes": self._nodes,
            "output": self._output,
            "topology": self._topology,
            "synthesis": self._synthesis,
            "flows": list(self._flows.values()),
        }
        return checked(fit(Flow, stated, where=where), where=where)

    def _add(self, kind: type[_N], id: str, own: Mapping[str, object], options: Mapping[str, object]) -> _N:
        where = f"workflow {self.name!r}: task {id!r}"
        stated = {"id": id, **own, **options}
        for field in ("after", "follows"):
            if field in options:
                stated[field] = self._named(cast("Sequence[object]", options[field]), where, field=field)
        node = fit(kind, stated, where=where)
        self._nodes.append(node)
        return node

    def _named(self, after: Sequence[object], where: str, *, field: str = "after") -> list[object]:
        if isinstance(after, str):
            raise ConfigError(f"{where}: {field}", f"{after!r} does not fit: write a list, as [{after!r}]")
        names: list[object] = []
        for other in after:
            found = [named for function, named in self._functions if function is other]
            if callable(other) and not found:
                what = f"{getattr(other, '__name__', other)!r} is no task of this workflow: put @flow.task() above it"
                raise ConfigError(f"{where}: {field}", what)
            names.append(found[0] if found else other)
        return names

    def _written(self, function: Callable[..., object], id: str) -> tuple[str, list[str]]:
        """The goal that a function writes, and the nodes that its parameters name."""
        where = f"workflow {self.name!r}: task {id!r}"
        names = list(inspect.signature(function).parameters)
        try:
            text = function(**{name: Slot(name) for name in names})
        except Exception as error:  # the user's own code: whatever it raises is said in one line
            what = "it is called once, before anything has run: only put its parameters into the text it returns"
            raise ConfigError(where, f"{what} ({type(error).__name__}: {error})") from error
        text = inspect.getdoc(function) if text is None else text
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(where, "its function says no goal: return a text, or write a docstring")
        return text, [name for name in names if name not in self._inputs and name not in SPECIAL]


def _inputs(stated: Sequence[str] | Mapping[str, JsonValue | FlowInput]) -> dict[str, FlowInput]:
    if not isinstance(stated, Mapping):
        return {name: FlowInput() for name in stated}
    return {name: value if isinstance(value, FlowInput) else FlowInput(default=value) for name, value in stated.items()}
