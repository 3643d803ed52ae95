"""Workflows by name: known ways in which several agents work at one thing, each a pure function to a `Flow`.

>>> from agora.workflows.patterns import pattern
>>> [node.id for node in pattern("voting", "Is 91 a prime?", votes=2).nodes]
['voter_1', 'voter_2', 'tally', 'majority', 'unresolved', 'result']
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, NamedTuple, cast

from pydantic import BaseModel

from agora.errors import ConfigError
from agora.settings import unknown
from agora.tasks import Task
from agora.toml_files import fit
from agora.workflows.nodes import Flow, TaskNode

__all__ = ["PATTERNS", "pattern"]


class _Entry(NamedTuple):
    """Where a pattern stands: its module here, its function and its options."""

    module: str
    function: str
    options: str


PATTERNS: Final[dict[str, _Entry]] = {
    "evaluator-optimiser": _Entry("evaluator_optimiser", "evaluator_optimiser", "EvaluatorOptimiserOptions"),
    "voting": _Entry("voting", "voting", "VotingOptions"),
    "orchestrator-workers": _Entry("orchestrator_workers", "orchestrator_workers", "OrchestratorWorkersOptions"),
    "debate": _Entry("debate", "debate", "DebateOptions"),
    "mixture": _Entry("mixture", "mixture", "MixtureOptions"),
    "candidates": _Entry("candidates", "candidates", "CandidatesOptions"),
    "sigma": _Entry("sigma", "sigma", "SigmaOptions"),
    "prism": _Entry("prism", "prism", "PrismOptions"),
    "on-demand": _Entry("on_demand", "on_demand", "OnDemandOptions"),
}
"""All patterns, by name."""


def pattern(name: str, goal: str | Task | TaskNode, **options: object) -> Flow:
    """A workflow in which several agents work at one thing in a known way.

    Args:
        name: One of `PATTERNS`.
        goal: What is wanted, in words, or a whole task: its check, folder, labels and bounds are the answer's.
        options: As the fields of the pattern's options, as `rounds=2`.

    Raises:
        ConfigError: There is no such pattern or option, or what the task states does not fit.
    """
    from agora.workflows.patterns.draft import work_of

    return built(name, work_of(goal), options, flow=name)


def built(name: str, work: TaskNode, options: dict[str, object], *, flow: str, where: str = "") -> Flow:
    """The same from what a file states, under a workflow's name of its own.

    Raises:
        ConfigError: There is no such pattern or option, or what the work states does not fit.
    """
    if name not in PATTERNS:
        raise ConfigError(f"{where}: pattern" if where else "pattern", f"{name!r} is an {_unknown(name)}")
    entry = PATTERNS[name]
    module = import_module(f"{__name__}.{entry.module}")
    at = f"{where}: options" if where else f"pattern {name!r}"
    stated = fit(cast("type[BaseModel]", getattr(module, entry.options)), options, where=at)
    make = cast("Callable[..., Flow]", getattr(module, entry.function))
    return make(work, stated, name=flow)


def _unknown(name: str) -> str:
    said = unknown(name, PATTERNS, what="pattern")
    return said if "known:" in said else f"{said} (there are: {', '.join(PATTERNS)})"
