"""Search for weights: a seeded sample, a local refinement, and branch and bound where the objective has a bound.

Weights live in a polytope {w_k >= floor_k, sum w = 1}, which is a simplex with the corners floor + slack x e_k. All
functions here take the corners and see nothing of what the weights are for. Of equally good weights those nearest to
the simplex's centre are taken.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import combinations, count
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

SAMPLES: Final = 6_000
"""Points of the first, flat sample (Dirichlet with all parameters 1)."""
_ROUNDS, _NEAR = 8, 500
_CELLS: Final = 20_000
_CLOSED: Final = 1e-7
_SAME: Final = 1e-10
_FLOATS_AT_ONCE: Final = 2_000_000


class Found(NamedTuple):
    """The best weights that were found."""

    weights: Array
    """(k,), inside the simplex."""
    value: float
    """The objective there."""
    bound: float | None
    """Nothing in the simplex has a lower objective than this; None: not known."""


def corners_of(floors: Sequence[float]) -> Array:
    """The corners of {w_k >= floor_k, sum w = 1}, one a row; the floors sum up to 1 at most."""
    low = np.array(floors, dtype=np.float64)
    return low + max(0.0, 1.0 - float(low.sum())) * np.eye(len(low))


def least_worst(figures: Array, corners: Array, *, seed: int) -> Found:
    """Minimise max_t min_i F_ti . w: neither convex nor concave, but with a bound on every cell.

    min_i F_ti . w is concave in w, so that on a simplex cell it is nowhere below its least value at the cell's corners;
    max over t of these is a lower bound for the cell. Cells are halved along their longest edge, the lowest bound
    first, until no cell can be better than what was found by more than 1e-7, or 20,000 cells were halved.

    Args:
        figures: (t, i, k).
        corners: (v, k), of the simplex.
        seed: Of the sample.
    """

    def tasks_at(points: Array) -> Array:
        """The best score of each task, (t, m), at points (m, k)."""
        lowest: Array = np.min(figures @ points.T, axis=1)
        return lowest

    def worst_at(points: Array) -> Array:
        worst: Array = np.max(tasks_at(points), axis=0)
        return worst

    centre = corners.mean(axis=0)
    best = least(worst_at, corners, seed=seed, width=figures.shape[0] * figures.shape[1])
    points, tasks = list(corners), list(tasks_at(corners).T)
    middles: dict[tuple[int, int], int] = {}
    order = count()

    def bounded(cell: tuple[int, ...]) -> tuple[float, int, tuple[int, ...]]:
        return float(np.max(np.min([tasks[corner] for corner in cell], axis=0))), next(order), cell

    cells = [bounded(tuple(range(len(points))))]
    for _ in range(_CELLS):
        if not cells or cells[0][0] >= best.value - _CLOSED or len(points) == 1:
            break
        _, _, cell = heapq.heappop(cells)
        edge = _longest(points, cell)
        if edge not in middles:
            middles[edge] = len(points)
            middle = (points[edge[0]] + points[edge[1]]) / 2
            points.append(middle)
            tasks.append(tasks_at(middle[None, :])[:, 0])
            best = _better(best, middle, float(np.max(tasks[-1])), centre)
        for end in edge:
            half = bounded(tuple(middles[edge] if corner == end else corner for corner in cell))
            if half[0] < best.value - _CLOSED:
                heapq.heappush(cells, half)
    proven = best.value if len(corners) == 1 else best.value - _CLOSED
    return best._replace(bound=min(proven, cells[0][0]) if cells else proven)


def least(objective: Callable[[Array], Array], corners: Array, *, seed: int, width: int) -> Found:
    """Minimise any objective by a sample and, around the best of it, ever smaller ones; nothing is proven.

    Args:
        objective: (m, k) -> (m,).
        corners: (v, k), of the simplex.
        seed: Of the samples.
        width: Numbers that the objective holds at once for one point.
    """
    chance, centre = np.random.default_rng(seed), corners.mean(axis=0)
    flat = chance.dirichlet(np.ones(len(corners)), SAMPLES) @ corners
    best = _best_of(objective, np.concatenate([centre[None, :], corners, flat]), centre, width)
    reach = 0.5
    for _ in range(_ROUNDS):
        near = (1 - reach) * best.weights + reach * (chance.dirichlet(np.ones(len(corners)), _NEAR) @ corners)
        found = _best_of(objective, near, centre, width)
        best = _better(best, found.weights, found.value, centre)
        reach /= 2
    return best


def least_on_line(objective: Callable[[Array], Array], corners: Array, figures: Array) -> Found | None:
    """Minimise a function of the order of scores on a simplex with two corners, exactly; None: too many orders.

    Between two neighbouring places where a pair of scores crosses, no order changes: one point of each piece is all
    that there is. (At a crossing itself two bids tie; such weights are not looked for.)

    Args:
        objective: (m, k) -> (m,), piecewise constant.
        corners: (2, k).
        figures: (t, i, k), whose scores decide.
    """
    ends = figures @ corners.T
    crossings = [np.array([0.0, 1.0])]
    for i, j in combinations(range(figures.shape[1]), 2):
        gap = ends[:, i, :] - ends[:, j, :]
        crosses = gap[:, 0] * gap[:, 1] < 0
        crossings.append(gap[crosses, 0] / (gap[crosses, 0] - gap[crosses, 1]))
    places = np.unique(np.concatenate(crossings))
    if len(places) > _CELLS:
        return None
    share = (places[1:] + places[:-1])[:, None] / 2
    centre = corners.mean(axis=0)
    points = np.concatenate([centre[None, :], (1 - share) * corners[0] + share * corners[1]])
    best = _best_of(objective, points, centre, figures.shape[0] * figures.shape[1])
    return best._replace(bound=best.value)


def _best_of(objective: Callable[[Array], Array], points: Array, centre: Array, width: int) -> Found:
    """The best of some points, the nearest to the centre where several are equal."""
    step = max(1, _FLOATS_AT_ONCE // max(1, width))
    values = np.concatenate([objective(points[at : at + step]) for at in range(0, len(points), step)])
    equal = np.flatnonzero(values <= values.min() + _SAME)
    place = int(equal[np.argmin(_distances(points[equal], centre))])
    return Found(points[place], float(values[place]), None)


def _better(best: Found, weights: Array, value: float, centre: Array) -> Found:
    if value > best.value + _SAME:
        return best
    if value > best.value - _SAME and _distance(weights, centre) >= _distance(best.weights, centre):
        return best
    return Found(weights, value, None)


def _distances(points: Array, centre: Array) -> Array:
    distances: Array = np.linalg.norm(points - centre, axis=1)
    return distances


def _distance(point: Array, centre: Array) -> float:
    return float(_distances(point[None, :], centre)[0])


def _longest(points: Sequence[Array], cell: tuple[int, ...]) -> tuple[int, int]:
    edges = [(min(pair), max(pair)) for pair in combinations(cell, 2)]
    return max(edges, key=lambda edge: (_distance(points[edge[0]], points[edge[1]]), edge))
