"""Small matrices whose results can be reckoned by hand."""

from collections.abc import Sequence

import numpy as np

from agora.bench.routing.made import recorded
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.slices import dense
from agora.bench.routing.stage import Setting, Stage, dial_of, money_of


def stage_of(
    matrix: Recorded, *, seeds: int = 2, money: Sequence[float] | None = None, dial: float | None = None
) -> Stage:
    """A stage with words as features, ready at once."""
    setting = Setting(
        money=money_of(matrix) if money is None else tuple(money),
        said=money is not None,
        dial=dial_of(matrix) if dial is None else dial,
        seeds=seeds,
        features="words",
    )
    return Stage(matrix, setting)


def small(queries: int = 120) -> Recorded:
    """The generated set."""
    return dense(recorded(queries=queries))


def by_hand(
    scores: Sequence[Sequence[float]], costs: Sequence[Sequence[float]], *, tags: Sequence[str] = ()
) -> Recorded:
    """A matrix as it is written down; every task brings a check."""
    n, m = len(scores), len(scores[0])
    return Recorded(
        name="by hand",
        ids=tuple(f"q{at:03}" for at in range(n)),
        models=tuple("abcdefgh"[:m]),
        scores=np.array(scores, dtype=np.float64),
        costs=np.array(costs, dtype=np.float64),
        texts=("",) * n,
        tags=tuple(tags) if tags else ("",) * n,
        sizes=(0,) * n,
        list_prices=np.full((m, 2), np.nan),
        checkable=(True,) * n,
    )
