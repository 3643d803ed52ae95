"""How each node of a workflow stands, from the story of its run: in a few words, and in dollars."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from agora.events import Compared, ContextItem
from agora.traces.told.story import RunStory, TaskStory
from agora.traces.told.wording import usd

_PLACE: Final = re.compile(r"\[\d+\]|#\d+")
_ORDER: Final = ("failed", "running", "waits", "unknown", "passed")


def marks_of(story: RunStory) -> dict[str, str]:
    """Node (its path) -> how it stands, as "passed, $0.0100", "2 passed, 1 running" or "skipped"."""
    states: defaultdict[str, Counter[str]] = defaultdict(Counter)
    cost = cost_of(story)
    for name, task in list(story.tasks.items()):  # a copy: it grows while another thread draws
        states[path_of(name)][_state(task)] += 1
    for name, asked in list(story.steps.items()):
        states[path_of(name)][{None: "waits", True: "passed", False: "failed"}[asked.granted]] += 1
    marks = {
        path: _said(counts) + (f", {usd(cost[path])}" if cost.get(path) else "") for path, counts in states.items()
    }
    chosen: defaultdict[str, list[ContextItem]] = defaultdict(list)
    for name, event in list(story.routed.items()):
        chosen[path_of(name)] += event.items
    marks |= {path: f"{marks.get(path, 'waits')}, {_shown(items)}" for path, items in chosen.items()}
    marks |= {path_of(name): _agreed(found) for name, found in list(story.compared.items())}
    return {**dict.fromkeys((path_of(name) for name in list(story.skipped)), "skipped"), **marks}


def cost_of(story: RunStory) -> dict[str, Decimal]:
    """Node (its path) -> US dollars that its instances took, of those that have ended."""
    cost: defaultdict[str, Decimal] = defaultdict(Decimal)
    for name, task in list(story.tasks.items()):
        if task.done is not None:
            cost[path_of(name)] += task.done.usage.usd
    return cost


def path_of(instance: str) -> str:
    """The node of an instance, with those that use its workflow before it.

    >>> path_of("build[2]/fix#3")
    'build/fix'
    """
    return _PLACE.sub("", instance)


def _state(task: TaskStory) -> str:
    if task.done is not None:
        return task.done.verdict.value
    return "waits" if task.waiting else "running"


def _agreed(found: Compared) -> str:
    agree = "agree" if found.agree else "differ"
    return f"{agree}, consistency {found.consistency:.2f}, {found.votes} of {found.of} alike"


def _shown(items: Sequence[ContextItem]) -> str:
    """What a node was shown of what came before it."""
    taken = [item for item in items if item.taken != "left out"]
    shortened = sum(item.taken == "shortened" for item in taken)
    how = f", {shortened} shortened" if shortened else ""
    return f"{len(taken)} of {len(items)} shown{how} ({sum(item.tokens for item in taken):,} tokens)"


def _said(counts: Counter[str]) -> str:
    if counts.total() == 1:
        return next(iter(counts))
    return ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
