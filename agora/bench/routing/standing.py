"""What always stands beside a result, under full information: single models, chance, and what nobody can exceed.

best single   the model with the best mean score on the fitting part; for a money target the best of those whose mean
              dollars there are within it
cheapest      the model with the lowest mean dollars on the fitting part
random        each model with the same chance
oracle        the best score of each query, at the cheapest model that reaches it
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from agora.bench.routing.asking import weighed
from agora.bench.routing.full import Frontier
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.measures import Measured, span_of
from agora.bench.routing.results import Span
from agora.bench.routing.stage import Stage
from agora.bench.routing.twins import twins
from agora.intervals import lowest

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix

SINGLE: Final = "best single"
CHEAPEST: Final = "cheapest"
RANDOM: Final = "random"
ORACLE: Final = "oracle"
STANDING: Final = (SINGLE, CHEAPEST, RANDOM, ORACLE)
BOUNDS: Final = frozenset({ORACLE})
_SURE: Final = 0.95
_HALF: Final = 0.5
_CLOSE: Final = 1e-9


def standing(name: str, stage: Stage) -> Frontier:
    """One of them, measured as policies are.

    Args:
        name: One of `STANDING`.
        stage: What is recorded.
    """
    if name == ORACLE:
        return _still(_oracle(stage), stage)
    if name == RANDOM:
        return _still(np.full((stage.n, len(stage.arms)), 1.0 / len(stage.arms)), stage)
    if name == CHEAPEST:
        return _still(_singly(stage, lambda _, usd: int(np.argmin(usd))), stage)
    best = _still(_singly(stage, lambda score, _: int(np.argmax(score))), stage)
    targets = tuple(_measured(_singly(stage, partial(_best_within, most)), stage) for most in stage.setting.money)
    return best._replace(targets=targets, target_dials=(0.0,) * len(targets))


def bounds_of(recorded: Recorded) -> tuple[Span, Span | None]:
    """What choosing one of each query's answers comes to at the most, as `Report.ceiling` and `Report.solvable`.

    Args:
        recorded: Without holes.
    """
    told = ceiling(recorded.scores)
    if whole(recorded):
        return told, None
    return span_of(recorded.scores.max(axis=1), groups=np.array(twins(recorded.texts), dtype=np.intp)), told


def whole(recorded: Recorded) -> bool:
    """Whether each score is 0 or 1, of one try: an answer is right or not, and no other try of it is on record."""
    return recorded.trials == 1 and bool(np.isin(recorded.scores, (0.0, 1.0)).all())


def ceiling(scores: Matrix) -> Span:
    """1 - beta, the share of queries that some model solves, with its exact limits (Clopper and Pearson, 1934).

    Args:
        scores: (n, m). A query counts as lost where no model reaches half of a score.
    """
    lost, n = int((scores.max(axis=1) < _HALF).sum()), len(scores)
    return Span(value=1.0 - lost / n, low=lowest(n - lost, n, level=_SURE), high=1.0 - lowest(lost, n, level=_SURE))


def _still(chances: Matrix, stage: Stage) -> Frontier:
    return Frontier((_measured(chances, stage),), (0.0,), (), (), 0.0, 0.0)


def _measured(chances: Matrix, stage: Stage) -> Measured:
    return weighed(chances, stage, np.arange(stage.n))


def _singly(stage: Stage, pick: Callable[[Matrix, Matrix], int]) -> Matrix:
    """One model for each fold, picked on its fitting part by mean scores and dollars, (n, m)."""
    chances = np.zeros((stage.n, len(stage.arms)))
    for fold in stage.folds:
        chosen = pick(stage.scores[fold.fitting].mean(axis=0), stage.costs[fold.fitting].mean(axis=0))
        chances[fold.measured, chosen] = 1.0
    return chances


def _best_within(most: float, score: Matrix, usd: Matrix) -> int:
    return int(np.argmax(np.where(usd <= most, score, -np.inf))) if (usd <= most).any() else int(np.argmin(usd))


def _oracle(stage: Stage) -> Matrix:
    best = stage.scores.max(axis=1, keepdims=True)
    cost = np.where(stage.scores >= best - _CLOSE, stage.costs, np.inf)
    solved = best[:, 0] > 0.0
    preferred = np.where(solved[:, None], cost, stage.costs).argmin(axis=1)
    chances = np.zeros_like(stage.scores)
    chances[np.arange(stage.n), preferred] = 1.0
    return chances
