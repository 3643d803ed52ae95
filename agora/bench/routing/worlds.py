"""Streams of queries: one shuffle each, and what changes on the way.

cold           nothing is known, nothing changes
warm           some queries are known with full information before, none of them nearly the same as one that follows
               (`twins`); so in all below
drift dates    the queries come in the order of their dates, those that are known before first
drift price    half-way the model with the best reward becomes five times as dear
drift death    half-way that model fails at everything from then on, for the same dollars, and nobody says so
drift join     that model is there from half-way on only
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.routing.folds import numbers
from agora.bench.routing.stage import Stage
from agora.coordinator.routers.seam import Arms

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

WARM: Final = "warm"
STREAMS: Final = ("cold", WARM, "drift dates", "drift price", "drift death", "drift join")
_DEARER: Final = 5.0


class World(NamedTuple):
    """One stream, all that a policy meets in it."""

    steps: Places
    """Places of the queries, in the order in which they come, (t,)."""
    before: Places
    """Places of queries that are known with full information before, (w,); empty: a cold start."""
    arms: tuple[Arms, Arms]
    """Who may be asked before and after the change; the same object where nobody comes or goes."""
    columns: tuple[Places, Places]
    """Their columns in the matrix."""
    scores: Matrix
    """What each model scores at each step, (t, m)."""
    costs: Matrix
    """Dollars, (t, m)."""
    alive: Matrix
    """Whether a model is there, (t, m): the oracle chooses among these, by what they score and cost then."""
    draws: Vector
    """The chance of each step, in [0, 1), (t,)."""
    change: int
    """The step at which it changes; t where it does not."""


def world(stage: Stage, protocol: str, seed: int) -> World:
    """The stream of one seed; the same queries in the same order for every policy.

    Args:
        stage: What is recorded.
        protocol: One of `STREAMS`.
        seed: Of the shuffle.
    """
    rng = np.random.default_rng([seed, 7])
    shuffled, m = rng.permutation(stage.n), len(stage.arms)
    steps, change = shuffled[: stage.steps], stage.steps
    before = shuffled[:0] if protocol == "cold" else _without(steps, shuffled[stage.steps :], stage)[: stage.warm]
    columns = rng.permutation(m)  # ties must not always go to the same model
    if protocol == "drift dates":
        dates = stage.recorded.dates
        by_date = sorted(numbers(np.concatenate([steps, before])), key=lambda place: dates[place])
        before, steps = (np.array(part, dtype=np.intp) for part in (by_date[: len(before)], by_date[len(before) :]))
        before = _without(steps, before, stage)
    scores, costs = stage.scores[steps].copy(), stage.costs[steps].copy()
    alive, all_of_them = np.ones_like(scores), columns
    best = int(np.argmax((stage.scores - stage.setting.dial * stage.costs).mean(axis=0)))
    if protocol in ("drift price", "drift death", "drift join"):
        change = stage.steps // 2
    if protocol == "drift price":
        costs[change:, best] *= _DEARER
    elif protocol == "drift death":
        scores[change:, best] = 0.0
    elif protocol == "drift join" and m > 1:
        alive[:change, best] = 0.0
        all_of_them = columns[columns != best]
    after = Arms([stage.recorded.models[column] for column in numbers(columns)])
    first = after if len(all_of_them) == m else Arms([stage.recorded.models[column] for column in numbers(all_of_them)])
    both = (all_of_them, columns)
    return World(steps, before, (first, after), both, scores, costs, alive, rng.random(len(steps)), change)


def _without(steps: Places, before: Places, stage: Stage) -> Places:
    """Those of the places before that are no twins of one of the steps, in their order."""
    return before[~np.isin(stage.groups[before], stage.groups[steps])]
