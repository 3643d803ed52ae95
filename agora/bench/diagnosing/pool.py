"""What is to gain from a pool of models: its ceiling, who solves what alone, whose errors go together, who is worth it.

Co-failure ceiling: Chen, arXiv 2606.27288. Whoever hands in one of the models' answers is right on at most 1 - beta of
the queries, beta the share that no model solves. Changed: its limits are two-sided Clopper-Pearson at 95 %.
Correlation of failures is phi over pairs; it cannot tell beta, so the product of failure rates stands beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from agora.bench.diagnosing.figures import Between, Ceiling, ModelFigures, Pair, Pool, Step
from agora.bench.diagnosing.ways import ways_of
from agora.bench.routing.measures import hull_of
from agora.intervals import clopper_pearson, mean_of

if TYPE_CHECKING:
    from agora.bench.routing.matrix import Recorded
    from agora.coordinator.routers.seam import Matrix, Vector

    Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

SOLVED: Final = 0.5
"""The least score that counts as solved."""
_SEED: Final = 0


def pool_of(recorded: Recorded) -> Pool:
    """What there is to gain.

    Args:
        recorded: Without holes in the scores; dollars of everybody or of nobody (`slices.dense`).
    """
    scores, costs = recorded.scores, _costs(recorded)
    solved = scores >= SOLVED
    means = scores.mean(axis=0)
    usd = costs.mean(axis=0) if costs is not None else None
    best = best_of(means, usd)
    oracle, oracle_usd = _oracle(scores, costs)
    gap = mean_of((oracle - scores[:, best]).tolist(), seed=_SEED)
    pairs = _pairs(recorded.models, ~solved)
    known = [pair.correlation for pair in pairs if pair.correlation is not None]
    return Pool(
        queries=len(recorded.ids),
        best_single=recorded.models[best],
        best_score=float(means[best]),
        best_usd=None if usd is None else float(usd[best]),
        oracle_score=float(oracle.mean()),
        oracle_usd=oracle_usd,
        gap=Between(value=gap.value, low=gap.low, high=gap.high) if gap else Between(value=0, low=0, high=0),
        ceiling=_ceiling(solved),
        correlation=sum(known) / len(known) if known else None,
        models=_models(recorded.models, means, usd, solved, best),
        enough=_enough(recorded.models, solved, usd),
        pairs=pairs,
        ways=ways_of(recorded),
    )


def best_of(means: Vector, usd: Vector | None) -> int:
    """Place of the best single model: the highest mean score, among equals the cheaper, then the first.

    >>> import numpy as np
    >>> best_of(np.array([0.5, 0.9, 0.9]), np.array([1.0, 3.0, 2.0]))
    2
    """
    return int(np.lexsort((np.zeros(len(means)) if usd is None else usd, -means))[0])


def _costs(recorded: Recorded) -> Matrix | None:
    return recorded.costs if bool(np.isfinite(recorded.costs).all()) else None


def _oracle(scores: Matrix, costs: Matrix | None) -> tuple[Vector, float | None]:
    """The best score of each query, (n,), and the mean dollars of the cheapest models that have it."""
    best: Vector = scores.max(axis=1)
    if costs is None:
        return best, None
    return best, float(np.where(scores >= best[:, None], costs, np.inf).min(axis=1).mean())


def _ceiling(solved: Flags) -> Ceiling:
    n = len(solved)
    nobody = int((~solved.any(axis=1)).sum())
    low, high = clopper_pearson(nobody, n)
    beta = nobody / n
    return Ceiling(
        nobody=nobody,
        queries=n,
        beta=Between(value=beta, low=low, high=high),
        solvable=Between(value=1 - beta, low=1 - high, high=1 - low),
        independent=math.prod((1.0 - solved.mean(axis=0)).tolist()),
    )


def _models(
    names: tuple[str, ...], means: Vector, usd: Vector | None, solved: Flags, best: int
) -> tuple[ModelFigures, ...]:
    by_query = solved.sum(axis=1)
    hull = hull_of(usd.tolist(), means.tolist()) if usd is not None else []
    made = [
        ModelFigures(
            model=name,
            score=float(means[at]),
            usd=None if usd is None else float(usd[at]),
            solved=int(solved[:, at].sum()),
            alone=int((solved[:, at] & (by_query == 1)).sum()),
            rescues=int((solved[:, at] & ~solved[:, best]).sum()),
            worth=None if usd is None else at in hull,
            instead=() if usd is None or at in hull else tuple(names[n] for n in _better(hull, means, usd, at)),
        )
        for at, name in enumerate(names)
    ]
    return tuple(sorted(made, key=lambda one: (-one.score, one.usd or 0.0, one.model)))


def _better(hull: list[int], means: Vector, usd: Vector, at: int) -> list[int]:
    """Who of a hull is better for the money of a model that is not on it: one of them, or two that are mixed by lot."""
    alone = [n for n in hull if usd[n] <= usd[at] and means[n] >= means[at]]
    if alone:
        return alone[-1:]
    below = [n for n in hull if usd[n] <= usd[at]]
    return [*below[-1:], *(n for n in hull if usd[n] > usd[at])][:2]


def _pairs(names: tuple[str, ...], failed: Flags) -> tuple[Pair, ...]:
    counts = failed.astype(np.float64)
    n = len(counts)
    both, rates = counts.T @ counts, counts.mean(axis=0)
    spread = np.sqrt(rates * (1.0 - rates))
    made = [
        Pair(
            first=names[i],
            second=names[j],
            correlation=_phi(both[i, j] / n - rates[i] * rates[j], spread[i] * spread[j]),
            both_fail=int(both[i, j]),
        )
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    return tuple(
        sorted(made, key=lambda pair: (pair.correlation is None, pair.correlation or 0.0, pair.first, pair.second))
    )


def _phi(shared: float, spread: float) -> float | None:
    return min(1.0, max(-1.0, float(shared / spread))) if spread > 0 else None


def _enough(names: tuple[str, ...], solved: Flags, usd: Vector | None) -> tuple[Step, ...]:
    """Greedily the model that adds most, of those that add as much the cheapest; until nobody adds anything."""
    price = np.zeros(len(names)) if usd is None else usd
    left = np.ones(len(solved), dtype=bool)
    made: list[Step] = []
    while True:
        adds = (solved & left[:, None]).sum(axis=0)
        at = int(np.lexsort((price, -adds))[0])
        if not adds[at]:
            return tuple(made)
        left &= ~solved[:, at]
        made.append(Step(model=names[at], solvable=float(1.0 - left.mean())))
