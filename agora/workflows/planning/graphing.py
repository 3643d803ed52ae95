"""A plan as a workflow: a task for each part, and one that carries out the whole goal with what they gave.

What whoever gave the goal demands (check, protected files, labels, sandbox, who may bid) holds for what a model wrote,
too; of what may be done, a plan can state less and never more. Parts work in copies that nobody sees after them, so
they may change no file: the last task does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from agora.bids import Profile
from agora.tasks import Limits, Task
from agora.values import JsonValue
from agora.workflows.checking import checked
from agora.workflows.features import Subtask
from agora.workflows.features import checked as checked_graph
from agora.workflows.nodes import Flow, FlowInput, TaskNode
from agora.workflows.planning.plan import GoalPlan, PlannedPart
from agora.workflows.planning.prompts import ANSWER, BEFORE, PART
from agora.workflows.planning.reading import opinion

NAME: Final = "plan"
"""What a planned workflow is called."""
NO_FILE: Final = ("**",)
"""The files that a part may not change: all."""

_ABOUT_CHARS: Final = 200


def graph_of(plan: GoalPlan, task: Task, *, agents: Sequence[Profile] = ()) -> Flow:
    """The workflow of a plan that was read.

    Args:
        plan: Its parts.
        task: The goal, with all that is demanded of it.
        agents: Who may do the parts.
    """
    taken = {part.id for part in plan.parts}
    goal, folder, answer = (_free(name, taken) for name in ("goal", "folder", "answer"))
    followed = {name for part in plan.parts for name in part.depends_on}
    ends = tuple(part.id for part in plan.parts if part.id not in followed)
    about = {part.id: part.description for part in plan.parts}
    workspace = f"{{{folder}}}" if task.workspace is not None else None
    nodes = [_node(part, about, task, agents, goal=goal, workspace=workspace) for part in _ordered(plan)]
    last = TaskNode.model_validate(
        {
            **_demands(task),
            "id": answer,
            "goal": ANSWER.format(goal=goal) + "".join(_given(name, about[name]) for name in ends),
            "after": ends,
            "coupling": "strong",
            "workspace": workspace,
            "limits": Limits(),  # those of the goal hold for the whole run
        }
    )
    return checked(
        Flow(name=NAME, inputs=_inputs(task, goal=goal, folder=folder), nodes=(*nodes, last), output=answer),
        where="the plan",
    )


def single_of(task: Task) -> Flow:
    """The workflow of a goal that is not split: one task, which is that goal."""
    workspace = "{folder}" if task.workspace is not None else None
    node = TaskNode.model_validate({**_demands(task), "id": "answer", "goal": "{goal}", "workspace": workspace})
    return checked(Flow(name=NAME, inputs=_inputs(task, goal="goal", folder="folder"), nodes=(node,)), where="the goal")


def escaped(text: str) -> str:
    """A text that says the same where it stands in a workflow: no brace in it names anything.

    >>> escaped("{goal}")
    '{{goal}}'
    """
    return text.replace("{", "{{").replace("}", "}}")


def _node(
    part: PlannedPart,
    about: dict[str, str],
    task: Task,
    agents: Sequence[Profile],
    *,
    goal: str,
    workspace: str | None,
) -> TaskNode:
    before = BEFORE + "".join(_given(name, about[name]) for name in part.depends_on) if part.depends_on else ""
    check = part.verifier
    return TaskNode.model_validate(
        {
            **_demands(task),
            "id": part.id,
            "goal": PART.format(description=escaped(part.description), goal=goal) + before,
            "after": part.depends_on,
            "on_failure": "continue",
            "coupling": part.coupling,
            "tokens": part.estimated_tokens,
            "skill": part.skills[0] if part.skills else task.skill,
            "workspace": workspace,
            "examples": (),
            "verify": check if check is None or check == task.verify else opinion(check),
            "protect": NO_FILE,
            "limits": Limits(),
            "agents": _able(part.skills, task, agents),
        }
    )


def _demands(task: Task) -> dict[str, object]:
    """All that a task says besides what it is, as a node says it."""
    return {name: value for name, value in task if name in TaskNode.model_fields}


def _able(skills: Sequence[str], task: Task, agents: Sequence[Profile]) -> tuple[str, ...]:
    """Who may bid: a task names one skill, so of several skills those who have all are named."""
    needed = {*skills, *filter(None, [task.skill])}
    if len(needed) < 2 or not agents:
        return task.agents
    able = (agent.name for agent in agents if not agent.skills or agent.skills >= needed)
    return tuple(sorted(name for name in able if not task.agents or name in task.agents)) or task.agents


def _given(name: str, description: str) -> str:
    line = " ".join(description.split())
    about = line if len(line) <= _ABOUT_CHARS else line[: _ABOUT_CHARS - 1] + "…"
    return f"\n## {name} ({{{name}.verdict}}): {escaped(about)}\n{{{name}.quoted}}\n"


def _ordered(plan: GoalPlan) -> list[PlannedPart]:
    """No part before those that it depends on, as a person reads it."""
    graph = checked_graph([Subtask(id=part.id, depends_on=part.depends_on) for part in plan.parts])
    return [plan.parts[place] for place in graph.order]


def _inputs(task: Task, *, goal: str, folder: str) -> dict[str, FlowInput]:
    inputs: dict[str, JsonValue] = {goal: task.goal}
    if task.workspace is not None:
        inputs[folder] = task.workspace
    return {name: FlowInput(default=value) for name, value in inputs.items()}


def _free(name: str, taken: Collection[str]) -> str:
    """A name that no part has."""
    number = 1
    while (found := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return found
