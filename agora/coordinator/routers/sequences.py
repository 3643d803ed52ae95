"""Which arms to ask in turn, where a check follows each answer: the sequence that was worth most on remembered queries.

    accepted_k = s_k r + (1 - s_k) (1 - r)             the check says "passed"; r: how often it is right
    reached_1 = 1,   reached_k+1 = reached_k (1 - accepted_k)
    value      = sum over k < K of reached_k s_k r  +  reached_K s_K  -  dial * sum of reached_k cost_k

The last answer is handed in whatever the check says. An outcome that is not known counts as the mean of its arm on the
query's tag, so that where only the chosen arm's outcome is seen, failures count as independent. A sequence is built
greedily from each first arm, the best extension first, and the best one of these is changed as long as one change helps
(FrugalGPT, arXiv 2305.05176, searches all lists of three).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.cells import Cells
from agora.coordinator.routers.memory import MOST, Memory
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import integer, whole
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

ENOUGH: Final = 30
"""Queries of a tag from which on only they count."""
LATELY: Final = 2_000
"""So many of the latest queries are looked at."""
_EVERY: Final = 25
_CHANGES: Final = 20


class Found(NamedTuple):
    """What is best for a tag."""

    sequence: tuple[int, ...]
    """Positions of the arms, in turn."""
    success: Vector
    """Of each arm alone, (m,)."""
    cost: Vector
    """(m,)"""
    seen: Vector
    """How many outcomes are known of each, (m,)."""


class Sequences:
    """Finds and remembers.

    Args:
        most: The longest sequence.
        right: How often a check is right, in [.5, 1].
        shrink: See `cells`.
    """

    def __init__(self, *, most: int, right: float = 1.0, shrink: float = 5.0) -> None:
        self._most, self._right, self._shrink = most, right, shrink
        self._memory, self._cells, self._learned = Memory(), Cells(shrink), 0
        self._then, self._upto = Cells(shrink), 0  # as they were when sequences were last looked for
        self._found: dict[tuple[str, float, bool], tuple[Arms, tuple[int, ...]]] = {}

    def best(self, query: Query, arms: Arms, *, dial: float) -> Found:
        """The best sequence for a query; of one arm where no check follows."""
        success, cost = self._cells.one(query.tag, arms)
        key = (query.tag, dial, query.checked)
        known = self._found.get(key)
        if known is None or known[0] is not arms:
            if len(self._found) >= _EVERY:
                self._found.clear()
            known = self._found[key] = (arms, self._sequence(query, arms, dial=dial))
        return Found(known[1], success, cost, self._cells.tried(arms))

    def remembered(self, tag: str, arms: Arms) -> Matrix:
        """Scores that a sequence for a tag is looked for by; what is not known counts as the arm's mean, (n, m)."""
        return self._scores(tag, arms, self._then.one(tag, arms)[0])

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Take in one outcome; sequences are looked for anew after every 25."""
        self._memory.learn(query, arm, outcome)
        self._cells.learn(query.tag, arm, outcome)
        self._learned += 1
        if self._learned % _EVERY == 0:
            self._look_again()

    def fit(self, log: Log) -> None:
        """Take in a whole log."""
        self._memory.fit(log)
        self._cells.fit([query.tag for query in log.queries], log)
        self._look_again()

    def saved(self) -> JsonValue:
        """Everything remembered."""
        return {
            "memory": self._memory.saved(),
            "cells": self._cells.saved(),
            "then": self._then.saved(),
            "upto": self._upto,
            "learned": self._learned,
        }

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._memory.restored(part(saved, "memory"))
        self._cells.restored(part(saved, "cells"))
        self._then.restored(part(saved, "then"))
        self._upto, self._learned = integer(saved, "upto", most=len(self._memory)), integer(saved, "learned")
        self._found.clear()

    def _look_again(self) -> None:
        self._then = Cells(self._shrink)
        self._then.restored(self._cells.saved())
        self._upto = self._memory.end
        self._found.clear()

    def _sequence(self, query: Query, arms: Arms, *, dial: float) -> tuple[int, ...]:
        success, cost = self._then.one(query.tag, arms)
        scores = self._scores(query.tag, arms, success)
        return sequence_of(scores, cost, dial=dial, most=self._most if query.checked else 1, right=self._right)

    def _scores(self, tag: str, arms: Arms, success: Vector) -> Matrix:
        """Remembered scores with what is not known filled in; of the tag, where there are enough, (n, m)."""
        import numpy as np

        upto = self._upto - 1  # what came of the latest query is not all known yet
        first = upto - LATELY if len(self._memory) == MOST else max(0, upto - LATELY)
        places = (
            np.arange(first, upto) % MOST
        )  # of so few that none is overwritten before sequences are looked for anew
        scores = self._memory.scores(arms)[places]
        of_tag = np.array([self._memory.tags[place] == tag for place in places], dtype=bool)
        if of_tag.sum() >= ENOUGH:
            scores = scores[of_tag]
        if not len(scores):
            return success[None, :]
        return np.where(np.isfinite(scores), scores, success)


def sequence_of(scores: Matrix, cost: Vector, *, dial: float, most: int, right: float) -> tuple[int, ...]:
    """The sequence of the highest value.

    Args:
        scores: In [0, 1], (n, m), n >= 1.
        cost: (m,)
        dial: Reward that one unit of cost takes away.
        most: The longest.
        right: How often the check is right.
    """
    mean = scores.mean(axis=0)
    best: tuple[int, ...] = (int((mean - dial * cost).argmax()),)
    best_value = float((mean - dial * cost).max())
    if most == 1:
        return best
    for first in range(len(cost)):
        sequence, value = _grown(scores, cost, first, dial=dial, most=most, right=right)
        if value > best_value + 1e-12:
            best, best_value = sequence, value
    for _ in range(_CHANGES):
        near = _near(best, len(cost), most)
        values = [value_of(scores, cost, one, dial=dial, right=right) for one in near]
        top = max(range(len(near)), key=values.__getitem__)
        if values[top] <= best_value + 1e-12:
            break
        best, best_value = near[top], values[top]
    return best


def value_of(scores: Matrix, cost: Vector, sequence: Sequence[int], *, dial: float, right: float) -> float:
    """What a sequence is worth; the arguments of `sequence_of`."""
    reached, value, last = scores[:, 0] * 0.0 + 1.0, 0.0, 0.0
    for place in sequence:
        own = reached * scores[:, place]
        passed = own.sum() * right
        value += float(passed) - dial * float(cost[place]) * float(reached.sum())
        last = float(own.sum() - passed)
        reached = reached * right - own * (2.0 * right - 1.0)
    return (value + last) / len(scores)


def _near(sequence: tuple[int, ...], m: int, most: int) -> list[tuple[int, ...]]:
    """All sequences that one change makes: two change places, one goes, comes, or takes another's place."""
    places, others = range(len(sequence)), [arm for arm in range(m) if arm not in sequence]
    made = [(*sequence[:at], *sequence[at + 1 :]) for at in places if len(sequence) > 1]
    made += [(*sequence[:at], arm, *sequence[at + 1 :]) for at in places for arm in others]
    if len(sequence) < most:
        made += [(*sequence[:at], arm, *sequence[at:]) for at in range(len(sequence) + 1) for arm in others]
    for one, other in combinations(places, 2):
        changed = list(sequence)
        changed[one], changed[other] = changed[other], changed[one]
        made.append(tuple(changed))
    return made or [sequence]


def _grown(
    scores: Matrix, cost: Vector, first: int, *, dial: float, most: int, right: float
) -> tuple[tuple[int, ...], float]:
    """The sequence that grows from one arm as long as it gets better, and its value."""
    sequence, earned, reached = [first], 0.0, scores[:, first] * 0.0 + 1.0
    value = float(scores[:, first].mean() - dial * cost[first])
    while len(sequence) < most:
        last = scores[:, sequence[-1]]
        earned += float((reached * last).mean()) * right - dial * float(cost[sequence[-1]]) * float(reached.mean())
        reached = reached * (1.0 - last * right - (1.0 - last) * (1.0 - right))
        worth = earned + (reached[:, None] * scores).mean(axis=0) - dial * cost * float(reached.mean())
        worth[sequence] = -1e300
        extension = int(worth.argmax())
        if float(worth[extension]) <= value + 1e-12:
            break
        value = float(worth[extension])
        sequence.append(extension)
    return tuple(sequence), value
