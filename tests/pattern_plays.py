"""Patterns played through without a market: each task ends as a script says, verified as it would be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from jsonschema import Draft202012Validator

from agora.tasks import Check, Verdict
from agora.workflows.expanding import Progress
from agora.workflows.instances import Ending, Instance
from agora.workflows.nodes import Flow, TaskNode

FAILS = "\0fails"
"""As what is said: the task fails."""


class Play(NamedTuple):
    """What came of a pattern."""

    asked: tuple[str, ...]
    """The tasks that were done, in the order in which they were started."""
    goals: Mapping[str, str]
    """Task -> what it was asked."""
    verdict: Verdict
    output: str
    stopped: bool


def played(flow: Flow, script: Mapping[str, str] | Callable[[Instance], str]) -> Play:
    """Follow a workflow to its end.

    Args:
        flow: The workflow.
        script: Task -> what it says; a task that is missing in it must not be asked.
    """
    progress, goals = Progress(flow, {}), dict[str, str]()
    running = list(progress.ready.start)
    while running:
        one = running.pop(0)
        assert all(name in progress.settled() for name in one.node.after), f"{one.id} starts before {one.node.after}"
        goals[one.id] = one.text
        opened = progress.finish(one.id, ending(one, script(one) if callable(script) else script[one.id]))
        running = [left for left in (*running, *opened) if progress.wanted(left.id)]
    stands = progress.ready
    assert stands.over
    return Play(tuple(goals), goals, stands.verdict, stands.output, bool(stands.stopped))


def ending(one: Instance, said: str) -> Ending:
    """How a task ends that says this."""
    if said == FAILS:
        return Ending(verdict=Verdict.FAILED)
    check = one.node.verify if isinstance(one.node, TaskNode) else None
    return Ending(verdict=Verdict.UNKNOWN if check is None else _verified(check, said), output=said)


def _verified(check: Check, said: str) -> Verdict:
    if check.kind == "exact":
        return Verdict.PASSED if said == check.options["answer"] else Verdict.FAILED
    inner = cast("dict[str, object]", check.options["options"])
    schema = cast("dict[str, object]", inner["schema"])
    try:
        fits = Draft202012Validator(schema).is_valid(json.loads(said))  # pyright: ignore[reportUnknownMemberType] - its stub has holes
    except ValueError:
        fits = False
    return Verdict.PASSED if fits else Verdict.FAILED
