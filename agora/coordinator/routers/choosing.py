"""From estimates to a choice: who comes first, with what chance, and who after it.

Ties are decided by the lower cost and then by the order of the arms, which no name decides (`Arms`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.seam import Arms, Choice

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Mask, Vector

CLOSE: Final = 12
"""Decimals to which two indices are compared."""
BY_CHANCE: Final = "tried by chance"
"""The note of a choice that another draw would have made differently."""


def by_index(index: Vector, cost: Vector, *, terms: Mapping[str, Vector], rungs: int = 1, note: str = "") -> Choice:
    """The highest index first; nothing is left to chance.

    Args:
        index: What decides, higher is better, (m,).
        cost: Decides between equals, (m,).
        terms: The figures behind it.
        rungs: How many of the order are worth asking in turn.
        note: What else decided.
    """
    import numpy as np

    order = np.lexsort((cost, -np.round(index, CLOSE)))
    chances = np.zeros(len(index))
    chances[order[0]] = 1.0
    return Choice(order.tolist(), chances, terms, rungs, note)


def by_value(success: Vector, cost: Vector, *, dial: float, note: str = "") -> Choice:
    """The highest success less the dial times the cost first; who is worth its cost is worth asking after a failure.

    Args:
        success: Expected score, in [0, 1], (m,).
        cost: Expected cost, (m,).
        dial: Reward that one unit of cost takes away, >= 0.
        note: What else decided.
    """
    rungs = worth(success, cost, dial=dial)
    return by_index(success - dial * cost, cost, terms={"success": success, "cost": cost}, rungs=rungs, note=note)


def in_turn(sequence: Sequence[int], success: Vector, cost: Vector, *, dial: float, note: str = "") -> Choice:
    """A sequence that is asked one after another, then the others by value.

    Args:
        sequence: Positions of the arms; at least one.
        success: Expected score of each, in [0, 1], (m,).
        cost: Expected cost, (m,).
        dial: Reward that one unit of cost takes away, >= 0.
        note: What else decided.
    """
    import numpy as np

    others = by_value(success, cost, dial=dial)
    chances = np.zeros(len(success))
    chances[sequence[0]] = 1.0
    order = [*sequence, *(place for place in others.order if place not in sequence)]
    return Choice(order, chances, others.terms, len(sequence), note)


def counted(choice: Choice, seen: Vector) -> Choice:
    """The same with how many outcomes are known of each, (m,): 0 says that its success is taken for granted."""
    return choice._replace(terms={**choice.terms, "seen": seen})


def worth(success: Vector, cost: Vector, *, dial: float) -> int:
    """How many are worth their cost, at least one: so many are worth asking where a check follows."""
    import numpy as np

    return max(1, int(np.count_nonzero(success > dial * cost)))


def drawn(chances: Vector, draw: float, *, terms: Mapping[str, Vector], rungs: int = 1, note: str = "") -> Choice:
    """One drawn with the given chances; then the likeliest.

    Args:
        chances: Sum 1, (m,).
        draw: In [0, 1).
        terms: The figures behind it.
        rungs: How many of the order are worth asking in turn.
        note: What else decided.
    """
    import numpy as np

    cumulated: Vector = np.cumsum(chances)
    below = int((cumulated <= draw * float(cumulated[-1])).sum())
    first = min(below, len(chances) - 1)
    while chances[first] <= 0.0 and first > 0:  # the last ones may have no chance at all
        first -= 1
    order = [first, *(place for place in np.argsort(-chances, kind="stable").tolist() if place != first)]
    return Choice(order, chances, terms, rungs, note)


def mixed(best: Choice, share: float, draw: float) -> Choice:
    """With a small probability anybody, evenly; else as it is: epsilon-greedy.

    Args:
        best: A choice that leaves nothing to chance.
        share: The probability, in [0, 1].
        draw: In [0, 1).
    """
    m = len(best.order)
    if m == 1:
        return best
    chances = (1.0 - share) * best.chances + share / m
    if draw >= share or share <= 0.0:
        return best._replace(chances=chances)
    first = min(int(draw / share * m), m - 1)
    order = [first, *(place for place in best.order if place != first)]
    return best._replace(order=order, chances=chances, note=best.note or BY_CHANCE)


def later(choice: Choice, out: Mask, *, draw: float, note: str = "") -> Choice:
    """The same with some after all others; their chance of being first goes to those that are left.

    It is spread in proportion to their chances, and the first is drawn again among them: what is given to whom does not
    depend on the draw, so that the chances stay true. Where those that are left had none, the first of them gets it:
    behind its first one a choice's order leaves nothing to chance.

    Args:
        choice: As it was.
        out: Who comes after the others, (m,); not everyone.
        draw: The one that the choice was made with, in [0, 1).
        note: Why.
    """
    import numpy as np

    if not out.any():
        return choice
    kept = [place for place in choice.order if not out[place]]
    chances = np.where(out, 0.0, choice.chances)
    if float(chances.sum()) <= 0.0:
        chances[kept[0]] = 1.0
    said = "; ".join(filter(None, (choice.note, note)))
    left = drawn_again(choice._replace(note=said), chances / chances.sum(), draw)
    first = left.order[0]
    order = [first, *(one for one in kept if one != first), *(one for one in choice.order if out[one])]
    return left._replace(order=order)


def drawn_again(choice: Choice, chances: Vector, draw: float) -> Choice:
    """The same with other chances; a note that it was by chance stays only with whom it was made for.

    Args:
        choice: As it was.
        chances: Sum 1, (m,).
        draw: The one that the choice was made with, in [0, 1).
    """
    first = drawn(chances, draw, terms={}).order[0]
    if first == choice.order[0]:
        return choice._replace(chances=chances)
    order = [first, *(place for place in choice.order if place != first)]
    note = "; ".join(part for part in choice.note.split("; ") if part != BY_CHANCE)
    return choice._replace(order=order, chances=chances, note=note)


def falling(share: float, outcomes: int, *, half: int = 50) -> float:
    """A share of chance that has halved after so many outcomes, and goes on as 1 / outcomes.

    >>> falling(0.2, 0), falling(0.2, 50), falling(0.2, 950)
    (0.2, 0.1, 0.01)
    """
    return share * half / (half + outcomes)


def filled(values: Vector) -> Vector:
    """Where nothing is known, the mean of what is; zeros where nothing is known at all, (m,)."""
    import numpy as np

    known = np.isfinite(values)
    return np.where(known, values, float(values[known].mean()) if known.any() else 0.0)


def even(arms: Arms) -> Vector:
    """The same chance for everyone, (m,)."""
    import numpy as np

    return np.full(len(arms), 1.0 / len(arms))
