"""What a command line asks for: an order, and the tasks or the workflow that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agora.cli.definitions import load_tasks
from agora.cli.flows import in_topology, named_flow, patterned
from agora.cli.options import Format
from agora.errors import ConfigError
from agora.posting import as_task
from agora.tasks import Limits, Task
from agora.workflows.checking import checked_inputs
from agora.workflows.nodes import Flow

_PATH_ENDS: Final = (".toml", "/")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the command line asks for."""

    what: str
    """A goal, the file of a task or of a workflow, or a folder of tasks."""
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """What a workflow is given."""
    pattern: str | None = None
    """In which known way several agents do it; None: it is a task, or what it names."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Of the pattern."""
    topology: str | None = None
    """The topology of a workflow, where it is not to be the one that it states."""
    plan: bool = False
    """Let an agent split the goal into a graph, which is shown before it runs."""
    edit: bool = False
    """Open that graph in an editor first."""
    workspace: Path | None = None
    """The folder it is about."""
    verify: str | None = None
    """A command that passes when the work is right."""
    skill: str | None = None
    """The skill that it needs; agents without it are kept out."""
    only: str | None = None
    """Agents by name or file, comma-separated; None: the whole pool."""
    flags: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields of the settings that were stated."""
    format: Format = Format.TEXT
    """How results are written."""
    project: Path | None = None
    """What --project says."""


def work_of(order: Order) -> Sequence[Task] | Flow:
    """What an order names: tasks (one, where it is to be planned), or a workflow.

    Raises:
        UsageError: A definition, an input or the workspace cannot be used.
    """
    if order.options and order.pattern is None:
        raise ConfigError("--option", "is one of a pattern: name it with --pattern")
    if order.plan or order.edit:
        return [goal_of(order)]
    if (flow := named_flow(order.what)) is None:
        if order.pattern is not None:
            flow = patterned(tasks_of(order), order.pattern, order.options)
            checked_inputs(flow, order.inputs)
            return in_topology(flow, order.topology)
        tasks = tasks_of(order)
        if order.topology is not None:
            raise ConfigError("--topology", f"is of a workflow, and {order.what!r} is none")
        if order.inputs:
            raise ConfigError(
                "--input", f"only a workflow takes inputs, and {order.what!r} is none: say it in the goal"
            )
        return tasks
    single = {"--workspace": order.workspace, "--verify": order.verify, "--skill": order.skill}
    for flag, stated in {**single, "--pattern": order.pattern}.items():
        if stated is not None:
            raise ConfigError(flag, f"is for single tasks: state it at the tasks of workflow {flow.name!r}")
    checked_inputs(flow, order.inputs)
    return in_topology(flow, order.topology)


def tasks_of(order: Order) -> list[Task]:
    """The tasks that an order names, with what the command line adds to them.

    Raises:
        UsageError: A definition or the workspace cannot be used.
    """
    return [as_task(task, workspace=order.workspace, verify=order.verify) for task in _loaded(order)]


def goal_of(order: Order) -> Task:
    """The one task that is to be planned, with no other limits than those that it states.

    Raises:
        UsageError: It is no single task, or cannot be used.
    """
    if named_flow(order.what) is not None:
        raise ConfigError("--plan", f"is for a goal, and {order.what!r} is a workflow already: run it without")
    for flag, stated in (("--pattern", order.pattern), ("--topology", order.topology), ("--input", order.inputs)):
        if stated:
            raise ConfigError(flag, "is of a workflow that is there: with --plan, an agent writes one")
    loaded, tasks = _loaded(order), tasks_of(order)
    if len(tasks) > 1:
        raise ConfigError("--plan", f"is for one goal, and {order.what!r} holds {len(tasks)} tasks: name one of them")
    return tasks[0].model_copy(update={"limits": loaded[0].limits})


def _loaded(order: Order) -> list[Task]:
    """As defined, the skill aside."""
    if not order.what.strip():
        raise ConfigError("goal", "is empty: say in words what is to be done")
    path = Path(order.what).expanduser()
    if order.what.endswith(_PATH_ENDS) or _is_there(path):
        loaded = load_tasks(path)
    else:
        loaded = [as_task(order.what).model_copy(update={"limits": Limits()})]
    return loaded if order.skill is None else [task.model_copy(update={"skill": order.skill}) for task in loaded]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a goal in words can be longer than any file's name
        return False
