"""What an instance is shown besides its goal, put on record before its task is posted.

What is recalled from memory is not the same tomorrow, so its text stands on the ledger with what became of it: a run
that is taken up again chooses from the same.
"""

from __future__ import annotations

from agora.agents.prompts import CONTEXT, context_prompt
from agora.events import ContextRouted, Remembered
from agora.open_run import OpenRun
from agora.tasks import MOST_GOAL_CHARS, Task
from agora.workflows.context_routing import AGE, Candidate, route
from agora.workflows.instances import Instance
from agora.workflows.nodes import TaskNode
from agora.workflows.references import filled

_NAMED_CHARS = 300
"""So much of what the goal names counts for what the node is after."""
_RECALLED = 4
"""How many remembered bids are asked for, for one that passed."""


def task_of(run: OpenRun, instance: Instance) -> Task:
    """The task of an instance as it is posted: its goal, and behind it what was chosen for it, quoted.

    Args:
        run: Whose memory is asked, and on whose ledger the choice is put.
        instance: Of a task node.
    """
    task, node = instance.task, instance.node
    if not isinstance(node, TaskNode) or node.context is None:
        return task
    on_record = run.past.find(ContextRouted, task.id)
    remembered = on_record.remembered if on_record else _recalled(run, task, node.context.memory)
    shown, chosen = shown_to(instance, remembered)
    if chosen is not None:
        run.note(chosen)
    return shown


def shown_to(instance: Instance, remembered: tuple[Remembered, ...] = ()) -> tuple[Task, ContextRouted | None]:
    """The task of an instance as it is posted, and what was chosen for it; None where its node asks for nothing; pure.

    Args:
        instance: Of a task node.
        remembered: What was recalled for it from the shared memory.
    """
    task, node = instance.task, instance.node
    if not isinstance(node, TaskNode) or node.context is None:
        return task, None
    past = [
        Candidate(source=one.source, heading="A plan that passed on a past task:", text=one.text, age=AGE + place)
        for place, one in enumerate(remembered)
    ]
    room = (MOST_GOAL_CHARS - len(task.goal) - len(CONTEXT)) // 4  # a token is at least four characters here
    role = node.context.role or node.skill
    goal, _ = filled(node.goal, lambda name: instance.inputs.get(name, "")[:_NAMED_CHARS], most_chars=MOST_GOAL_CHARS)
    budget = max(0, min(node.context.tokens, room))
    chosen = route([*instance.before, *past], role=role, goal=goal, tokens=budget)
    event = ContextRouted(
        task=task.id,
        role=role,
        tokens=budget,
        items=chosen.items,
        remembered=remembered,
        too_many=instance.too_many,
    )
    if not chosen.shown:
        return task, event
    return task.model_copy(update={"goal": context_prompt(task.goal, shown=chosen.shown)}), event


def _recalled(run: OpenRun, task: Task, most: int) -> tuple[Remembered, ...]:
    """Plans that passed on tasks like this one, whose labels are all on this one."""
    if not most:
        return ()
    found = run.recall(task.goal, limit=_RECALLED * most, trust=task.labels)
    return tuple(
        Remembered(source=f"memory:{one.run}/{one.task}", text=f"Task: {one.goal}\nPlan: {one.plan}")
        for one in found
        if one.won and one.passed
    )[:most]
