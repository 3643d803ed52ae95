"""A workflow from `workflows/NAME.toml`: the same value as from Python.

[inputs]                    # name = default, or a table: about = "...", default = "..." (left out: must be given)
folder = "."

[[task]]
id = "find"
goal = "Find the bug in {folder}"

[[task]]
id = "ask"
approve = "Fix this? {find}"
after = ["find"]

[[task]]
id = "mend"
use = "mend"                # workflows/mend.toml, beside this file
inputs = { bug = "{find}" }
after = ["find", "ask"]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from pydantic import BaseModel

from agora.errors import ConfigError
from agora.settings import read_toml, short, unknown
from agora.toml_files import fit
from agora.values import JsonValue, Value
from agora.verifiers import stated_check
from agora.workflows.checking import checked
from agora.workflows.nodes import (
    MOST_DEPTH,
    MOST_NODES,
    ApproveNode,
    CompareNode,
    Flow,
    FlowInput,
    Node,
    Synthesis,
    TaskNode,
    TextNode,
    Topologies,
    UseNode,
)
from agora.workflows.pattern_file import PATTERN, pattern_flow, task_of
from agora.workflows.references import placeholders

_KINDS: Final[Mapping[str, type[TaskNode | ApproveNode | UseNode | CompareNode | TextNode]]] = {
    "goal": TaskNode,
    "approve": ApproveNode,
    "use": UseNode,
    "compare": CompareNode,
    "text": TextNode,
}


class FlowFile(Value):
    """What may stand in a workflow's file; its name is the file's where it states none."""

    name: str = ""
    """As in the file's name."""
    inputs: Mapping[str, JsonValue] = {}
    """Name -> default, or a table of `default` and `about`."""
    task: tuple[Mapping[str, object], ...] = ()
    """The nodes."""
    output: str = ""
    """The node whose output is the workflow's."""
    topology: Topologies = "parallel"
    """In which order its nodes are done."""
    synthesis: bool | Synthesis = False
    """Whether its ends answer the same question and are made one; a table says how."""


def load_flow(file: Path) -> Flow:
    """The workflow of a file, with those that it uses, checked as far as can be done without running anything.

    Raises:
        ConfigError: Naming the file, the node, the field and the mend.
    """
    loaded: dict[str, Flow] = {}
    flow = _load(file, loaded, trail=())
    others = tuple(one for name, one in loaded.items() if name != flow.name)
    return checked(flow.model_copy(update={"flows": others}), where=short(file))


def _load(file: Path, loaded: dict[str, Flow], *, trail: tuple[str, ...]) -> Flow:
    where = short(file)
    content = read_toml(file)
    if PATTERN in content:
        work = cast("TaskNode", _node(task_of(content, where=where), 1, file))
        flow = pattern_flow(content, work, name=file.stem, where=where)
        loaded[flow.name] = flow
        return flow
    known = fit(FlowFile, content, where=where)
    if not known.task:
        raise ConfigError(where, 'has no tasks: write [[task]] with id = "..." and goal = "..." for each')
    if len(known.task) > MOST_NODES:
        raise ConfigError(where, f"has {len(known.task):,} tasks, and {MOST_NODES:,} is the most: map over a list")
    nodes = [_node(entry, number, file) for number, entry in enumerate(known.task, 1)]
    inputs = {name: _input(value, f"{where}: inputs.{name}") for name, value in known.inputs.items()}
    stated: dict[str, object] = {
        "name": known.name or file.stem,
        "inputs": inputs,
        "nodes": nodes,
        "output": known.output,
        "topology": known.topology,
        "synthesis": known.synthesis,
    }
    flow = fit(Flow, stated, where=where)
    loaded[flow.name] = flow
    for node in nodes:
        if isinstance(node, UseNode) and node.use not in loaded:
            if len(trail) >= MOST_DEPTH:
                raise ConfigError(where, f"workflows use one another more than {MOST_DEPTH} deep: flatten them")
            _used(node, file, loaded, trail=(*trail, flow.name))
    return flow


def _used(node: UseNode, file: Path, loaded: dict[str, Flow], *, trail: tuple[str, ...]) -> None:
    other = file.with_name(f"{node.use}.toml")
    at = f"{short(file)}: task {node.id!r}: use"
    if not other.is_file():
        here = [path.stem for path in sorted(file.parent.glob("*.toml"))]
        raise ConfigError(at, f"{node.use!r} is an {unknown(node.use, here, what='workflow')}")
    if _load(other, loaded, trail=trail).name != node.use:
        raise ConfigError(at, f"{short(other)} states another name: take its `name` out")


def _node(entry: Mapping[str, object], number: int, file: Path) -> Node:
    id = entry.get("id")
    where = f"{short(file)}: task {id!r}" if isinstance(id, str) else f"{short(file)}: task {number}"
    if id is None:
        raise ConfigError(f"{where}: id", 'is missing: add it, as id = "find"')
    kinds = [name for name in _KINDS if name in entry]
    if len(kinds) != 1:
        raise ConfigError(
            where,
            "state one of goal, approve, use, compare and text" + (f", not {' and '.join(kinds)}" if kinds else ""),
        )
    model = _KINDS[kinds[0]]
    for key in entry:
        if key not in model.model_fields or key == "kind":
            names = [name for name in cast("type[BaseModel]", model).model_fields if name != "kind"]
            raise ConfigError(f"{where}: {key}", unknown(key, names))
    stated = dict(entry)
    verify = stated.get("verify")
    if isinstance(verify, dict):
        stated["verify"] = stated_check(cast("dict[str, JsonValue]", verify), beside=file, where=where)
    workspace = stated.get("workspace")
    if isinstance(workspace, str) and not placeholders(workspace):
        stated["workspace"] = _folder(workspace, file, where)
    return fit(model, stated, where=where)


def _input(value: JsonValue, where: str) -> FlowInput:
    return fit(FlowInput, value, where=where) if isinstance(value, dict) else FlowInput(default=value)


def _folder(workspace: str, file: Path, where: str) -> str:
    folder = (file.parent / Path(workspace).expanduser()).resolve()
    if not folder.is_dir():
        raise ConfigError(f"{where}: workspace", f"{workspace!r} is not a folder; it is looked for beside the file")
    return str(folder)
