"""A workflow's file that names a pattern instead of its tasks.

pattern = "debate"
goal = "Is it cheaper to repair than to replace?"      # left out: the input `goal` has to be given
labels = ["private"]                                   # whatever a task has besides: the answer's

[options]
rounds = 1
debaters = ["ann", "bob", "cid"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from agora.errors import ConfigError
from agora.settings import unknown
from agora.workflows.nodes import Flow, FlowInput, TaskNode
from agora.workflows.patterns import built
from agora.workflows.patterns.draft import PLACES

PATTERN: Final = "pattern"
"""The key by which such a file is known."""
_OWN: Final = ("name", PATTERN, "options")
_GRAPH: Final = ("id", "kind", "context", *PLACES)
_LATER: Final = "{goal}"


def task_of(content: Mapping[str, object], *, where: str) -> dict[str, object]:
    """What a file states of the work itself, as the entry of a task.

    Raises:
        ConfigError: A key is none of a task's, or says where it stands in a graph.
    """
    known = [name for name in TaskNode.model_fields if name not in _GRAPH]
    for key in content:
        if key == "task":
            raise ConfigError(f"{where}: task", "a file has its tasks or a pattern, not both: take one of them out")
        if key not in _OWN and key not in known:
            raise ConfigError(f"{where}: {key}", unknown(key, [*_OWN, *known]))
    stated = {key: value for key, value in content.items() if key not in _OWN}
    return {"goal": _LATER, **stated, "id": "answer"}


def pattern_flow(content: Mapping[str, object], work: TaskNode, *, name: str, where: str) -> Flow:
    """The workflow of such a file.

    Args:
        content: All that it states.
        work: What it states of the work, as a node.
        name: The workflow's where it states none.
        where: The file, for messages.

    Raises:
        ConfigError: Naming the pattern or the option, and the mend.
    """
    for key, kind, mend in (
        (PATTERN, str, 'write its name, as "debate"'),
        ("options", dict, "write a table, as [options]"),
        ("name", str, "write text in quotes"),
    ):
        if key in content and not isinstance(content[key], kind):
            raise ConfigError(f"{where}: {key}", f"{content[key]!r} does not fit: {mend}")
    options = cast("dict[str, object]", content.get("options", {}))
    flow = built(str(content[PATTERN]), work, options, flow=str(content.get("name") or name), where=where)
    if "goal" in content:
        return flow
    wanted = {**flow.inputs, "goal": FlowInput(about="What is wanted.")}
    return flow.model_copy(update={"inputs": wanted})
