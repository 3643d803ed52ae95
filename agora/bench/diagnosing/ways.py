"""How much of what is to gain simple ways reach, on queries that they were not set up on.

Each is set up on four folds and measured on the fifth, against the model that scored best on the same four: a table by
task with the best model of each; a table that spends less, whose dial is the one that cost least in a cross-validation
inside the four while it stayed within half a point of the best single model there; and, where a check follows each
answer, the models that are worth their money in turn, from the cheapest on, until one passes: with a check that is
always right, and with one that is right nine times in ten, on right answers and on wrong ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.diagnosing.figures import Between, Way
from agora.bench.routing.folds import FOLDS, fold_of
from agora.bench.routing.measures import hull_of
from agora.intervals import mean_of

if TYPE_CHECKING:
    from agora.bench.routing.matrix import Recorded
    from agora.coordinator.routers.seam import Matrix, Places, Vector

TABLE: Final = "the best model of each task"
CHEAP_TABLE: Final = "a table by task that spends less"
LADDER: Final = "a check after each answer, cheapest first"
ERRING: Final = "the same, the check right 9 times in 10"
_RIGHT: Final = {LADDER: 1.0, ERRING: 0.9}
LEAST: Final = 30
"""Queries under which nothing is measured: five folds of them would say nothing."""
_PRIOR: Final = 5.0
"""As many queries of all tasks together count for each task as well, so that a task of few is not believed."""
_DIALS: Final = tuple(0.0 if n < 0 else 10.0 ** (n / 5 - 3) for n in range(-1, 26))
"""Score that the best single model's dollars for a query are worth: 0, and from 0.001 to 100."""
_SLACK: Final = 0.005
"""Mean score that a cheaper table may stay below the best single model where its dial is set: less is luck."""
_SOLVED: Final = 0.5
_SEED: Final = 0


class _Done(NamedTuple):
    score: Vector
    usd: Vector


class _Sums(NamedTuple):
    """Sums over the queries of a fold and a task."""

    n: Matrix
    """How many, (folds, tags)."""
    score: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
    """(folds, tags, m)."""
    usd: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
    """(folds, tags, m)."""

    def means(self, folds: Sequence[int]) -> tuple[Matrix, Matrix]:
        """Mean score and dollars of each model on each task, drawn to its mean over all, (tags, m)."""
        at = list(folds)
        n = self.n[at].sum(axis=0)
        score, usd = self.score[at].sum(axis=0), self.usd[at].sum(axis=0)
        below = (n + _PRIOR)[:, None]
        of_all = max(n.sum(), 1.0)
        return (score + _PRIOR * score.sum(axis=0) / of_all) / below, (usd + _PRIOR * usd.sum(axis=0) / of_all) / below

    def single(self, folds: Sequence[int]) -> int:
        """Place of the model with the highest mean score, among equals the cheaper."""
        at = list(folds)
        return int(np.lexsort((self.usd[at].sum(axis=(0, 1)), -self.score[at].sum(axis=(0, 1))))[0])

    def table(self, folds: Sequence[int], dial: float) -> Places:
        """Place of the best model of each task; among equals the cheaper, (tags,)."""
        score, usd = self.means(folds)
        return np.array(
            [np.lexsort((cost, -reward))[0] for reward, cost in zip(score - dial * usd, usd, strict=True)],
            dtype=np.intp,
        )

    def reached(self, fold: int, table: Places) -> tuple[float, float]:
        """Score and dollars of a table on a fold, summed."""
        tags = np.arange(len(table))
        return float(self.score[fold, tags, table].sum()), float(self.usd[fold, tags, table].sum())


def ways_of(recorded: Recorded) -> tuple[Way, ...]:
    """What they reach; none where there are too few queries, or one model.

    Args:
        recorded: Without holes in the scores; dollars of everybody or of nobody.
    """
    n, m = recorded.scores.shape
    number = np.array([fold_of(one) for one in recorded.ids], dtype=np.intp)
    if n < LEAST or m < 2 or len(set(number.tolist())) < FOLDS:
        return ()
    priced = bool(np.isfinite(recorded.costs).all())
    costs = recorded.costs if priced else np.zeros_like(recorded.costs)
    names, tags = np.unique(np.array(recorded.tags, dtype=np.str_), return_inverse=True)
    sums = _sums(recorded.scores, costs, tags, number)
    several = len(names) > 1
    ways = [TABLE] * several + [CHEAP_TABLE] * (several and priced) + [LADDER, ERRING] * priced
    done = {name: _Done(np.zeros(n), np.zeros(n)) for name in ("", *ways)}
    for k in range(FOLDS):
        here, others = np.flatnonzero(number == k), [fold for fold in range(FOLDS) if fold != k]
        chosen = {"": np.full(len(here), sums.single(others))}
        if several:
            chosen[TABLE] = sums.table(others, 0.0)[tags[here]]
            chosen[CHEAP_TABLE] = sums.table(others, _dial(sums, others))[tags[here]]
        for name, models in chosen.items():
            if name in done:
                done[name].score[here], done[name].usd[here] = recorded.scores[here, models], costs[here, models]
        known = number != k
        ladder = hull_of(costs[known].mean(axis=0).tolist(), recorded.scores[known].mean(axis=0).tolist())
        for name in (LADDER, ERRING) if priced else ():
            climbed = _climbed(recorded.scores[here], costs[here], ladder, right=_RIGHT[name])
            done[name].score[here], done[name].usd[here] = climbed
    single = done.pop("")
    return tuple(_way(name, one, single, priced=priced) for name, one in done.items())


def _sums(scores: Matrix, costs: Matrix, tags: Places, number: Places) -> _Sums:
    shape = (FOLDS, int(tags.max()) + 1, scores.shape[1])
    made = _Sums(np.zeros(shape[:2]), np.zeros(shape), np.zeros(shape))
    np.add.at(made.n, (number, tags), 1.0)
    np.add.at(made.score, (number, tags), scores)
    np.add.at(made.usd, (number, tags), costs)
    return made


def _dial(sums: _Sums, folds: Sequence[int]) -> float:
    """The dial whose tables cost least while they score about as much as the best single model, each fold by others."""
    parts = [(fold, [other for other in folds if other != fold]) for fold in folds]
    singles = [(fold, others, sums.single(others)) for fold, others in parts]
    floor = sum(float(sums.score[fold, :, best].sum()) for fold, _, best in singles)
    price = sum(float(sums.usd[fold, :, best].sum()) for fold, _, best in singles)
    if price <= 0:
        return 0.0
    n = sum(float(sums.n[fold].sum()) for fold in folds)
    unit = n / price
    found: list[tuple[float, float]] = []
    for dial in _DIALS:
        reached = [sums.reached(fold, sums.table(others, dial * unit)) for fold, others in parts]
        if sum(score for score, _ in reached) >= floor - _SLACK * n:
            found.append((sum(usd for _, usd in reached), dial * unit))
    return min(found, default=(0.0, 0.0))[1]


def _climbed(scores: Matrix, costs: Matrix, ladder: Sequence[int], *, right: float) -> tuple[Vector, Vector]:
    """Models in turn until one passes, the last one's answer where none does: expected score and dollars, (n,) each."""
    left = np.ones(len(scores))
    score, usd = np.zeros(len(scores)), np.zeros(len(scores))
    for at, model in enumerate(ladder):
        usd += left * costs[:, model]
        passes = np.where(scores[:, model] >= _SOLVED, right, 1.0 - right)
        taken = left if at == len(ladder) - 1 else left * passes
        score += taken * scores[:, model]
        left = left - taken
    return score, usd


def _way(name: str, done: _Done, single: _Done, *, priced: bool) -> Way:
    gain = mean_of((done.score - single.score).tolist(), seed=_SEED)
    spent = float(single.usd.mean())
    saved = mean_of((single.usd - done.usd).tolist(), seed=_SEED) if priced and spent > 0 else None
    return Way(
        name=name,
        score=float(done.score.mean()),
        usd=float(done.usd.mean()) if priced else None,
        gain=Between(value=gain.value, low=gain.low, high=gain.high) if gain else Between(value=0, low=0, high=0),
        saving=None
        if saved is None
        else Between(value=saved.value / spent, low=saved.low / spent, high=saved.high / spent),
    )
