"""The part of a matrix that policies are compared on: no holes, and dollars for everyone or for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agora.bench.routing.matrix import Recorded
from agora.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]


def dense(recorded: Recorded) -> Recorded:
    """The largest part in which every model answered every query; what is left out stands in its oddities.

    Where some models have dollars, those without any are left out; a single unknown cost is the model's mean cost.
    Around each model, others are taken in the order of how many of its queries they answered; as many of them, around
    whichever model, as give the most cells.

    Raises:
        ConfigError: Nothing is left.
    """
    said: list[str] = []
    priced = np.isfinite(recorded.costs).any(axis=0)
    if priced.any() and not priced.all():
        said.append(f"{int((~priced).sum())} models without dollars left out")
        recorded = recorded.among(np.flatnonzero(priced).tolist())
    there = np.isfinite(recorded.scores)
    queries, models = _largest(there)
    if not len(queries):
        raise ConfigError(recorded.name, "no model answered any query")
    if there.size != len(queries) * len(models):
        kept = f"{len(queries)} of {there.shape[0]} queries and {len(models)} of {there.shape[1]} models"
        said.append(f"holes: measured on {kept}, where everything is recorded")
    made = recorded.among(models).part(queries)
    costs = made.costs
    unknown = ~np.isfinite(costs)
    if unknown.any() and not unknown.all():
        told = np.where(unknown, 0.0, costs).sum(axis=0) / np.maximum((~unknown).sum(axis=0), 1)
        said.append(f"{int(unknown.sum())} unknown costs taken as the model's mean cost")
        made = made._replace(costs=np.where(unknown, told, costs))
    return made._replace(oddities=(*recorded.oddities, *said))


def _largest(there: Mask) -> tuple[list[int], list[int]]:
    """Queries and models of the part with the most cells, ascending; of equals that with more models.

    Args:
        there: Whether there is an outcome, (n, m).
    """
    best: tuple[int, int] = (0, 0)
    found: list[int] = []
    for column in range(there.shape[1]):
        rows = there[there[:, column]]
        order = np.argsort(-rows.sum(axis=0), kind="stable")
        shared = np.logical_and.accumulate(rows[:, order], axis=1).sum(axis=0)  # what the first k all answered
        cells = shared * np.arange(1, len(shared) + 1)
        k = int(np.flatnonzero(cells == cells.max())[-1]) + 1
        if (int(cells.max()), k) > best:
            best, found = (int(cells.max()), k), sorted(order[:k].tolist())
        if rows.size == there.size and best[0] == there.size:
            break
    return np.flatnonzero(there[:, found].all(axis=1) if found else []).tolist(), found
