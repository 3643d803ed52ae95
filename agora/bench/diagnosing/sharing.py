"""The part of a matrix with holes in which models compare: at least two of them, and the queries that all answered."""

from __future__ import annotations

import numpy as np

from agora.bench.routing.matrix import Recorded


def shared(recorded: Recorded) -> Recorded:
    """The part with the most cells that is found by adding models one by one to the two that share the most queries.

    What is left out stands in its oddities. Where no two models share a query it is given back as it is.
    """
    there = np.isfinite(recorded.scores)
    m = there.shape[1]
    if m < 2 or bool(there.all()):
        return recorded
    counts = there.astype(np.int64)
    together = np.triu(counts.T @ counts, k=1)
    if not together.max():
        return recorded
    chosen = [int(at) for at in np.unravel_index(int(together.argmax()), together.shape)]
    all_of_them = there[:, chosen[0]] & there[:, chosen[1]]
    most, kept = 0, chosen
    while True:
        cells = len(chosen) * int(all_of_them.sum())
        if cells >= most:
            most, kept = cells, list(chosen)
        adds = (there & all_of_them[:, None]).sum(axis=0)
        adds[chosen] = -1
        if int(adds.max()) <= 0:
            break
        chosen.append(int(adds.argmax()))
        all_of_them &= there[:, chosen[-1]]
    queries = np.flatnonzero(np.logical_and.reduce(there[:, kept], axis=1))
    said = f"holes: compared on {len(queries)} of {there.shape[0]} queries and {len(kept)} of {m} models, "
    made = recorded.among(sorted(kept)).part(queries.tolist())
    return made._replace(oddities=(*made.oddities, f"{said}where everything is recorded"))
