"""The few models whose answers are compared, and what is remembered of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.answers import KINDS, kind_of
from agora.coordinator.routers.own.patterns import counted, expit, logit
from agora.coordinator.routers.seam import Log

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Mask, Matrix, Places, Vector

MOST: Final = 7
"""So many models are looked at."""
SHRINK: Final = 5.0
"""How many queries what is known more widely counts for."""
_LATELY: Final = 2_000
_TAGS: Final = 24
_FEW: Final = 5
_DIALS: Final = 30


class Pool(NamedTuple):
    """Remembered queries with everything known of the models; a tag's number may be that of everything."""

    arms: tuple[str, ...]
    """Whom, (k,)."""
    fitted: tuple[str, ...]
    """Among whom they were chosen."""
    tags: tuple[str, ...]
    """Tags that are known apart from others."""
    group: Places
    """The tag of each query; `len(tags)`: another, (n,)."""
    answer: Places
    """Equal numbers in a row are equal answers, (n, k)."""
    kind: Places
    """What kind of answer, in [0, KINDS), (n, k)."""
    right: Matrix
    """Scores, (n, k)."""
    credible: Matrix
    """How likely an answer of a kind is right, (tags + 1, k, KINDS)."""
    cost: Matrix
    """Of a query, (tags + 1, k)."""


def pool_of(log: Log) -> Pool | None:
    """Whom to look at, and what is known of them; None: no answers are recorded, or nothing of anybody."""
    import numpy as np

    if log.answers is None or not len(log.queries):
        return None
    told, scores, costs = log.answers[-_LATELY:], log.scores[-_LATELY:], log.costs[-_LATELY:]
    known = np.isfinite(scores)
    if not known.any() or all(answer is None for row in told for answer in row):
        return None
    tags, group = _groups([query.tag for query in log.queries[-_LATELY:]])
    priced = np.isfinite(costs)
    success, cost = _by_group(scores, known, group, len(tags)), _by_group(costs, priced, group, len(tags))
    chosen = chosen_of(success, cost, np.bincount(group, minlength=len(tags) + 1) / len(group))
    kind = np.array([[kind_of(answer) for answer in row] for row in told], dtype=np.intp)
    credible = _credible(np.where(known, scores, 0.0), known, kind, group, success)
    whole = known[:, chosen].all(axis=1)
    return Pool(
        tuple(log.arms.keys[at] for at in chosen),
        log.arms.keys,
        tags,
        group[whole],
        np.array([_numbered([row[at] for at in chosen]) for row in told[whole]], dtype=np.intp).reshape(
            -1, len(chosen)
        ),
        kind[whole][:, chosen],
        scores[whole][:, chosen],
        credible[:, chosen],
        cost[:, chosen],
    )


def chosen_of(success: Matrix, cost: Matrix, share: Matrix) -> list[int]:
    """The models that lift a table by tag most, over all dials, one after another; the cheapest first.

    Args:
        success: Expected score by tag, (tags, m).
        cost: (tags, m)
        share: Of the queries that have each tag, (tags,).

    Returns:
        Positions, ascending.
    """
    import numpy as np

    overall = share @ cost
    low, high = float(overall[overall > 0].min(initial=np.inf)), float(overall.max(initial=0.0))
    dials: Vector = np.geomspace(0.02 / high, 3.0 / low, _DIALS) if high > 0 else np.zeros(1)
    value: Matrix = success[None] - dials[:, None, None] * cost[None]  # (dials, tags, m)
    chosen = [int(overall.argmin())]
    best: Matrix = value[:, :, chosen[0]]
    while len(chosen) < min(MOST, success.shape[1]):
        lifted = np.maximum(value - best[:, :, None], 0.0).sum(axis=0).T @ share
        lifted[chosen] = -1.0
        chosen.append(int(lifted.argmax()))
        best = np.maximum(best, value[:, :, chosen[-1]])
    return sorted(chosen)


def _groups(tags: list[str]) -> tuple[tuple[str, ...], Places]:
    """The tags that are met often, the most frequent ones, and the number of each query's."""
    import numpy as np

    count = {tag: tags.count(tag) for tag in sorted(set(tags))}
    often = sorted((tag for tag in count if count[tag] >= _FEW), key=lambda tag: (-count[tag], tag))[:_TAGS]
    number = {tag: at for at, tag in enumerate(sorted(often))}
    return tuple(sorted(often)), np.array([number.get(tag, len(often)) for tag in tags], dtype=np.intp)


def _by_group(values: Matrix, known: Mask, group: Places, tags: int) -> Matrix:
    """Means by tag, shrunk to those over everything, which stand in the last row, (tags + 1, m)."""
    import numpy as np

    filled = np.where(known, values, 0.0)
    total, count = np.zeros((tags + 1, values.shape[1])), np.zeros((tags + 1, values.shape[1]))
    np.add.at(total, group, filled)
    np.add.at(count, group, known)
    total[tags], count[tags] = filled.sum(axis=0), known.sum(axis=0)
    anybody = float(total[tags].sum() / max(count[tags].sum(), 1.0))
    overall: Vector = np.where(count[tags] > 0, total[tags] / np.maximum(count[tags], 1.0), anybody)
    means: Matrix = (total + SHRINK * overall) / (count + SHRINK)
    return means


def _credible(scores: Matrix, known: Mask, kind: Places, group: Places, success: Matrix) -> Matrix:
    """How likely an answer of a kind is right: by tag, model and kind, shrunk to what the kind tells of all models."""
    import numpy as np

    tags, m = len(success) - 1, scores.shape[1]
    hits, met = np.zeros((tags + 1, m, KINDS)), np.zeros((tags + 1, m, KINDS))
    for column in range(m):
        weights = known[:, column].astype(np.float64)
        hits[:, column] = counted(kind[:, column], group, tags, KINDS, scores[:, column])
        met[:, column] = counted(kind[:, column], group, tags, KINDS, weights)
    middle = success.mean(axis=1)[:, None]
    of_kind = (hits.sum(axis=1) + SHRINK * middle) / (met.sum(axis=1) + SHRINK)
    prior = expit(logit(success)[:, :, None] + (logit(of_kind) - logit(middle))[:, None])
    chance: Matrix = (hits + SHRINK * prior) / (met + SHRINK)
    return chance


def _numbered(answers: list[str | None]) -> list[int]:
    return [answers.index(answer) for answer in answers]
