"""Small matrices of outcomes, written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agora.bench.routing.matrix import Recorded


def matrix(
    scores: Mapping[str, Sequence[float]],
    *,
    usd: Mapping[str, Sequence[float] | float] | None = None,
    tags: Sequence[str] = (),
) -> Recorded:
    """Model -> its scores, query by query; and dollars of each, or the same for all queries."""
    models = tuple(sorted(scores))
    made = np.array([scores[model] for model in models], dtype=float).T
    n = len(made)
    costs = np.full(made.shape, np.nan)
    for model, price in (usd or {}).items():
        costs[:, models.index(model)] = price
    return Recorded(
        name="made",
        ids=tuple(f"q{at:04}" for at in range(n)),
        models=models,
        scores=made,
        costs=costs,
        texts=("",) * n,
        tags=tuple(tags) or ("",) * n,
        sizes=(0,) * n,
        list_prices=np.full((len(models), 2), np.nan),
    )
