"""The workflow that a command names: a TOML file with several tasks, or FILE.py:NAME."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from agora.errors import ConfigError
from agora.settings import read_toml, short, unknown
from agora.tasks import Task, Tier
from agora.workflows.flow import Workflow
from agora.workflows.nodes import Flow, TaskNode, Topologies
from agora.workflows.pattern_file import PATTERN
from agora.workflows.toml import load_flow

_MODULE = "agora_flow"


def named_flow(what: str) -> Flow | None:
    """The workflow that is meant; None: something else is, as a task or a goal in words.

    Raises:
        ConfigError: It cannot be used, with the file, the node and the mend.
    """
    file, colon, name = what.rpartition(":")
    if colon and file.endswith(".py") and name.isidentifier():
        return _from_python(Path(file).expanduser(), name)
    path = Path(what).expanduser()
    if what.endswith(".py") and path.is_file():
        raise ConfigError(short(path), f"is Python: write {what}:NAME, where NAME is a Workflow in it")
    if what.endswith(".toml") and path.is_file() and _is_flow(read_toml(path), short(path)):
        return load_flow(path)
    return None


def _is_flow(content: Mapping[str, object], where: str) -> bool:
    if isinstance(content.get("tasks"), list):
        raise ConfigError(f"{where}: tasks", "is an unknown key: write [[task]] for each task of a workflow")
    return PATTERN in content or isinstance(content.get("task"), list)


def patterned(tasks: Sequence[Task], name: str, options: Mapping[str, object]) -> Flow:
    """A task in a known way of working together.

    Raises:
        ConfigError: There is no such pattern or option, or it is not one task.
    """
    from agora.workflows.patterns import pattern

    if len(tasks) != 1:
        raise ConfigError("--pattern", f"is for one task, and these are {len(tasks)}: name one")
    return pattern(name, tasks[0], **options)


def in_topology(flow: Flow, topology: str | None) -> Flow:
    """The workflow in the topology that is asked for; None: in its own.

    Raises:
        ConfigError: There is no such topology.
    """
    if topology is None:
        return flow
    if topology not in get_args(Topologies):
        raise ConfigError(
            "--topology", f"{topology!r} is an " + unknown(topology, get_args(Topologies), what="topology")
        )
    return flow.model_copy(update={"topology": topology})


def without_sandbox(flow: Flow) -> Flow:
    """The same with no task that demands a sandbox, as --bare asks."""
    nodes = [node.model_copy(update={"tier": Tier.BARE}) if isinstance(node, TaskNode) else node for node in flow.nodes]
    return flow.model_copy(update={"nodes": tuple(nodes), "flows": tuple(without_sandbox(one) for one in flow.flows)})


def _from_python(file: Path, name: str) -> Flow:
    """Run a file, and take the workflow of this name out of it."""
    where = short(file)
    if not file.is_file():
        raise ConfigError(where, "is not there: write FILE.py:NAME, where NAME is a Workflow in FILE.py")
    spec = importlib.util.spec_from_file_location(_MODULE, file)
    if spec is None or spec.loader is None:
        raise ConfigError(where, "cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # what is defined in it looks itself up there
    try:
        spec.loader.exec_module(module)
    except ConfigError:
        raise
    except Exception as error:  # the user's own code
        raise ConfigError(where, f"ended with {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if isinstance(found, Workflow):
        return found.build()
    if isinstance(found, Flow):
        return found
    others = [one for one, value in vars(module).items() if isinstance(value, (Workflow, Flow))]
    hint = f"; there are: {', '.join(others)}" if others else ": write NAME = Workflow(...)"
    raise ConfigError(f"{where}:{name}", f"is no workflow{hint}")
