"""Who is fitted on and who is measured on: five folds that a query's id decides.

A query is in the same fold whatever else is in the data, so that two benches of one source compare, and so that a part
of the data gives parts of the folds; but for twins, which go where the first of them goes (`twins`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.routing.twins import twins

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Places

FOLDS: Final = 5


class Fold(NamedTuple):
    """One way to part the queries; places in ascending order."""

    fitting: Places
    """Four folds: everything that may be looked at, the dial included."""
    inner: Places
    """Of these the three that are fitted on while the dial is looked for."""
    setting: Places
    """The fourth one, on which the dial is set."""
    measured: Places
    """The fifth one."""


def numbers(places: Places) -> list[int]:
    """As Python's integers."""
    return [int(place) for place in places]


def fold_of(query: str) -> int:
    """In [0, 5), from SHA-256 of its id.

    >>> [fold_of(f"q{n}") for n in range(8)]
    [3, 1, 0, 4, 1, 0, 0, 0]
    """
    return int.from_bytes(_hash(query)[:8], "big") % FOLDS


def folds(ids: Sequence[str], texts: Sequence[str] = ()) -> tuple[Fold, ...]:
    """The five of them, every query measured in one; none, where there are fewer than five that are no twins.

    Of so few queries that a fold would be empty, they are dealt out in the order of the same hash instead.

    Args:
        ids: Of the queries.
        texts: Of the same, so that those that are nearly equal share a fold; empty: not known.
    """
    first = twins(texts) if texts else range(len(ids))
    number = np.array([fold_of(ids[place]) for place in first], dtype=np.intp)
    if len(np.unique(number)) < FOLDS:
        dealt = {place: at % FOLDS for at, place in enumerate(sorted(set(first), key=lambda place: _hash(ids[place])))}
        number = np.array([dealt[place] for place in first], dtype=np.intp)
    made: list[Fold] = []
    for k in range(FOLDS):
        after = (k + 1) % FOLDS
        one = Fold(
            fitting=np.flatnonzero(number != k),
            inner=np.flatnonzero((number != k) & (number != after)),
            setting=np.flatnonzero(number == after),
            measured=np.flatnonzero(number == k),
        )
        made.append(one)
    return tuple(made) if len(np.unique(number)) == FOLDS else ()


def _hash(query: str) -> bytes:
    return hashlib.sha256(query.encode("utf-8", "surrogatepass")).digest()
