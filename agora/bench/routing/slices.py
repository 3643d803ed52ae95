"""The part of a matrix that policies are compared on: no holes, and dollars for everyone or for nobody."""

from __future__ import annotations

import numpy as np

from agora.bench.routing.matrix import Recorded
from agora.errors import ConfigError


def dense(recorded: Recorded) -> Recorded:
    """The largest part in which every model answered every query; what is left out stands in its oddities.

    Where some models have dollars, those without any are left out; a single unknown cost is the model's mean cost.
    Models are taken in the order of how many queries they answered, as many as give the most cells.

    Raises:
        ConfigError: Nothing is left.
    """
    said: list[str] = []
    priced = np.isfinite(recorded.costs).any(axis=0)
    if priced.any() and not priced.all():
        said.append(f"{int((~priced).sum())} models without dollars left out")
        recorded = recorded.among(np.flatnonzero(priced).tolist())
    there = np.isfinite(recorded.scores)
    order = np.argsort(-there.sum(axis=0), kind="stable")
    shared = np.cumprod(there[:, order], axis=1).sum(axis=0)  # queries that the first k models all answered
    cells = shared * np.arange(1, len(shared) + 1)
    if not len(cells) or not cells.max():
        raise ConfigError(recorded.name, "no model answered any query")
    k = int(np.flatnonzero(cells == cells.max())[-1]) + 1
    queries = np.flatnonzero(there[:, order[:k]].all(axis=1))
    if k < there.shape[1] or len(queries) < there.shape[0]:
        kept = f"{len(queries)} of {there.shape[0]} queries and {k} of {there.shape[1]} models"
        said.append(f"holes: measured on {kept}, where everything is recorded")
    made = recorded.among(sorted(order[:k].tolist())).part(queries.tolist())
    costs = made.costs
    unknown = ~np.isfinite(costs)
    if unknown.any() and not unknown.all():
        told = np.where(unknown, 0.0, costs).sum(axis=0) / np.maximum((~unknown).sum(axis=0), 1)
        said.append(f"{int(unknown.sum())} unknown costs taken as the model's mean cost")
        made = made._replace(costs=np.where(unknown, told, costs))
    return made._replace(oddities=(*recorded.oddities, *said))
