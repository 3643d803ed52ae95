"""Several models in turn, where a check follows each answer; the check may err.

The check is right with one probability, on answers that are right as on those that are wrong, and says of one answer
always the same. An answer that passes is handed in; of those that fail, the last one. What is told is the exact
expectation over the check's errors. A score between 0 and 1 counts as the chance of being right, drawn anew for each
attempt.

A router that escalates is followed through every verdict (`Escalating`); any other is asked for its order, and its
first rungs are gone down: all that it thinks worth asking, or no more than 1, 2, 3 or 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from agora.bench.routing.folds import numbers
from agora.bench.routing.full import Ask
from agora.bench.routing.measures import Measured, nothing
from agora.bench.routing.stage import Stage
from agora.coordinator.routers.seam import Escalating, Query, Router, Seen

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

DEPTHS: Final = (1, 2, 3, 5)
"""How many models may be asked, besides what the router itself thinks."""
_NEGLIGIBLE: Final = 0.002
"""Verdicts less likely than this are not followed; the other verdict takes their chance."""


def checking(right: float) -> Ask:
    """What becomes of queries where a check follows.

    Args:
        right: How often the check is right, in [.5, 1].
    """

    def ask(
        router: Router, stage: Stage, queries: Sequence[Query], places: Places, *, dial: float
    ) -> Sequence[Measured]:
        if isinstance(router, Escalating):
            return (_followed(router, stage, queries, places, dial=dial, right=right),)
        return _in_turn(router, stage, queries, places, dial=dial, right=right)

    return ask


def in_turn(scores: Matrix, costs: Matrix, *, right: float) -> tuple[Vector, Vector, Vector]:
    """Expected score, dollars and calls of asking some models one after another.

    Args:
        scores: Of the first one asked, the second, ..., (k, length).
        costs: (k, length)
        right: How often the check is right.
    """
    reached, _ = reaching(scores, right=right)
    score = (reached * scores * right)[:, :-1].sum(axis=1) + reached[:, -1] * scores[:, -1]
    return score, (reached * costs).sum(axis=1), reached.sum(axis=1)


def reaching(scores: Matrix, *, right: float) -> tuple[Matrix, Matrix]:
    """The chance that each is asked, and that its answer passes, (k, length) both."""
    passed = scores * right + (1.0 - scores) * (1.0 - right)
    reached = np.ones_like(scores)
    reached[:, 1:] = np.cumprod(1.0 - passed, axis=1)[:, :-1]
    return reached, passed


def _in_turn(
    router: Router, stage: Stage, queries: Sequence[Query], places: Places, *, dial: float, right: float
) -> list[Measured]:
    m = len(stage.arms)
    orders, rungs = np.empty((len(places), m), dtype=np.intp), np.empty(len(places), dtype=np.intp)
    for row, place in enumerate(numbers(places)):
        query = queries[place]._replace(checked=True)
        choice = router.choose(query, stage.arms, dial=dial, draw=float(stage.draws[place]))
        orders[row], rungs[row] = choice.order, min(max(choice.rungs, 1), m)
    scores = np.take_along_axis(stage.scores[places], orders, axis=1)
    costs = np.take_along_axis(stage.costs[places], orders, axis=1)
    made: list[Measured] = []
    for most in (*(depth for depth in DEPTHS if depth < m), m):
        depth, one = np.minimum(rungs, most), nothing(len(places))
        for length in np.unique(depth).tolist():
            at = np.flatnonzero(depth == length)
            told = in_turn(scores[at, :length], costs[at, :length], right=right)
            one.score[at], one.usd[at], one.calls[at] = told
            reached = reaching(scores[at, :length], right=right)[0]
            one.dearest[at] = np.where(orders[at, :length] == stage.dearest, reached, 0.0).sum(axis=1)
        made.append(one)
    return made


def _followed(
    router: Escalating, stage: Stage, queries: Sequence[Query], places: Places, *, dial: float, right: float
) -> Measured:
    made = nothing(len(places))
    for row, place in enumerate(numbers(places)):
        path = _Path(router, stage, queries[place]._replace(checked=True), place, dial=dial, right=right)
        path.follow([], 1.0)
        made.score[row], made.usd[row], made.dearest[row], made.calls[row] = path.told
    return made


class _Path:
    """One query at a router that escalates, through every verdict."""

    def __init__(
        self, router: Escalating, stage: Stage, query: Query, place: int, *, dial: float, right: float
    ) -> None:
        self._router, self._stage, self._query, self._place = router, stage, query, place
        self._dial, self._right, self._draw = dial, right, float(stage.draws[place])
        self.told = [0.0, 0.0, 0.0, 0.0]  # score, dollars, the dearest asked, calls

    def follow(self, seen: list[Seen], chance: float) -> None:
        """What comes after some verdicts, with the chance of getting there."""
        move = self._router.proceed(self._query, self._stage.arms, seen, dial=self._dial, draw=self._draw)
        if move.ask is None or len(seen) >= 2 * len(self._stage.arms):
            if seen:
                handed = seen[-1 if move.hand_in is None else move.hand_in]
                self.told[0] += chance * self._worth(handed)
            return
        self.told[1] += chance * float(self._stage.costs[self._place, move.ask])
        self.told[2] += chance * (move.ask == self._stage.dearest and all(one.place != move.ask for one in seen))
        self.told[3] += chance
        passes = self._passes(move.ask, seen)
        for passed, share in ((True, passes), (False, 1.0 - passes)):
            if share > 0.0:
                self.follow([*seen, Seen(move.ask, passed, self._answer(move.ask))], chance * share)

    def _passes(self, arm: int, seen: Sequence[Seen]) -> float:
        before = [one.passed for one in seen if one.place == arm]
        if before and self._stage.recorded.trials == 1:
            return float(bool(before[0]))  # the same answer, and the same verdict on it
        score = float(self._stage.scores[self._place, arm])
        chance = score * self._right + (1.0 - score) * (1.0 - self._right)
        return round(chance) if min(chance, 1.0 - chance) < _NEGLIGIBLE else chance

    def _worth(self, handed: Seen) -> float:
        """How good an answer is, given the verdict on it."""
        score = float(self._stage.scores[self._place, handed.place])
        right = self._right if handed.passed else 1.0 - self._right
        either = score * right + (1.0 - score) * (1.0 - right)
        return score * right / either if either > 0.0 else score

    def _answer(self, arm: int) -> str | None:
        answers = self._stage.answers
        return None if answers is None else answers[self._place, arm]
