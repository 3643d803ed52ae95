"""Agora's own ledger: who was tried on which task, at what cost, and what the check said.

The same task (goal, skill, check, files) posted again is the same query, in whatever run. Only the first attempt at a
posted task compares: a second one is made because the first failed, so that it is on the hard tasks. What only a model
judged is no score. Forked runs tell again what others told, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from agora.bench.diagnosing.attempts import Attempt, Log
from agora.bench.diagnosing.objects import digest
from agora.bench.routing.oddities import Oddities
from agora.events import Posted, Settled, Started, Verified
from agora.pool_events import Joined
from agora.records import Recorded
from agora.tasks import Outcome, Task, Verdict

KINDS: Final = frozenset({"started", "joined", "posted", "verified", "settled"})
"""The kinds of events that it reads."""
_MISSING: Final = (
    "how different agents do the same task: post it to each of them alone, as `agora bench live` does, with a check"
)


@dataclass
class _Run:
    operators: dict[str, str] = field(default_factory=dict[str, str])
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict[tuple[str, int], Outcome])
    tried: set[str] = field(default_factory=set[str])


def read_ledger(entries: Iterable[Recorded], name: str) -> Log:
    """The attempts on a ledger.

    Args:
        entries: Those of kinds `KINDS`, in order.
        name: What to call it.
    """
    odd = Oddities()
    runs: dict[str, _Run | None] = {}
    found: list[tuple[str, str, Attempt]] = []
    again = 0
    for entry in entries:
        event = entry.event
        if event is None:
            odd.count("entries whose body was erased", f"entry {entry.seq}")
            continue
        if isinstance(event, Started) and event.forked is not None:
            runs[entry.run] = None
            odd.count("forked runs, left out", entry.run)
        run = runs.setdefault(entry.run, _Run())
        if run is None:
            continue
        if isinstance(event, Settled):
            again += event.task in run.tried
            found.append((event.agent, run.operators.get(event.agent, ""), _attempt(run, event, odd)))
            run.tried.add(event.task)
        else:
            _note(run, event)
    operators: dict[str, set[str]] = {}
    for agent, operator, _ in found:
        operators.setdefault(agent, set()).add(operator)
    attempts = [
        one._replace(model=f"{agent} ({operator})" if len(operators[agent]) > 1 else agent)
        for agent, operator, one in found
    ]
    return Log(
        name=name,
        reader="Agora's ledger",
        unit="attempts",
        attempts=attempts,
        counts={"runs": sum(run is not None for run in runs.values()), "second tries after a failure": again},
        missing=(_MISSING,),
        oddities=odd.told(),
    )


def _note(run: _Run, event: object) -> None:
    if isinstance(event, Started):
        run.operators.update({card.name: card.operator for card in event.agents})
    elif isinstance(event, Joined):
        run.operators[event.profile.name] = event.profile.operator
    elif isinstance(event, Posted):
        run.tasks[event.spec.id] = event.spec
    elif isinstance(event, Verified):
        run.outcomes[event.task, event.attempt] = event.outcome


def _attempt(run: _Run, event: Settled, odd: Oddities) -> Attempt:
    task, outcome = run.tasks.get(event.task), run.outcomes.get((event.task, event.attempt))
    verdict = outcome.verdict if outcome else Verdict.UNKNOWN
    grounded = outcome is not None and outcome.grounded
    if verdict is not Verdict.UNKNOWN and not grounded:
        odd.count("verdicts that are a model's opinion, not taken as scores", event.task)
    took = event.delivered
    return Attempt(
        model=event.agent,
        query=_content(task) if task and event.task not in run.tried else "",
        score=float(verdict is Verdict.PASSED) if grounded and verdict is not Verdict.UNKNOWN else None,
        usd=float(took.usd),
        input_tokens=took.input_tokens,
        output_tokens=took.output_tokens,
        seconds=took.seconds,
        failed="failed its check" if verdict is Verdict.FAILED else "",
        tag=task.skill if task else "",
    )


def _content(task: Task) -> str:
    check = task.verify.model_dump(mode="json") if task.verify else None
    return digest([task.goal, task.skill, check, sorted(task.files), list(task.examples)])
