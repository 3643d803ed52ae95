"""Success predicted from the history of each arm (after V0, arXiv 2602.03584, and RouteProfile, arXiv 2605.00180).

    profile of m for a query: its record over everything, on the tag, on the 10 and on the 100 nearest earlier queries,
                              and how hard these nearest were for everybody
    success_m = sigma(theta . profile_m),   index_m = success_m - dial * cost_tm

Published: V0 reads a model's history of queries and outcomes as the context of a trained tabular network (TabPFN), so
that one network predicts for any model; RouteProfile compares such profiles and finds that those by single queries
tell more than those by domain. Here the network is a logistic regression of seven weights that all arms share: a
newcomer is predicted as well as its history allows. It is fitted on a log with each query's own outcome left out of
its profile, and goes on with each outcome by one Newton step (a Kalman filter for logistic regression). Of whom
nothing is known, much is expected. Profiles are logits, each as its difference from the record over everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.cells import EVERYTHING, Cells
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.memory import Memory, nearest
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

_NEAR: Final = (10, 100)
_AT_FIRST: Final = (0.0, 1.0, 0.7, 0.3, 0.4, 0.3, 0.0)
"""Weights that nothing has been learned of: of 1, everything, the tag, the nearest, the near, their hardness, and this
times the record."""
_LEAST: Final = 0.02
_MOST_FITTED: Final = 2_000
_ROUNDS: Final = 8


class HistoriesOptions(ExploringOptions):
    """What can be set."""

    shrink: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """How many queries the arm's mean over everything counts for in each part of its profile."""
    doubt: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    """Variance of each weight before anything is learned."""


class _Near(NamedTuple):
    """What came of the nearest queries."""

    sums: Matrix
    """Of scores, of the nearest and of the near, (2, m)."""
    counts: Matrix
    """How many, (2, m)."""
    harder: float
    """Score above what each arm has on the mean, over all arms that were asked; below 0: harder."""


class Histories:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: HistoriesOptions) -> None:
        import numpy as np

        self._options = options
        self._shrink = options.shrink
        self._memory, self._cells = Memory(), Cells(options.shrink)
        self._all = Arms([])
        self._theta: Vector = np.array(_AT_FIRST)
        self._doubt: Matrix = np.eye(len(_AT_FIRST)) * options.doubt

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best prediction for its cost, but for a little chance."""
        profile, cost = self._profile(query, arms)
        best = by_value(_sigma(profile @ self._theta), cost, dial=dial)
        return explored(best, self._options, outcomes=self._memory.outcomes, draw=draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """What was predicted of this arm is held against its outcome; then it is remembered."""
        if len(self._memory):
            row = self._memory.rows.row(arm)
            profile, _ = self._profile(query, Arms([arm]) if row < 0 else self._everyone())
            self._step(profile[max(row, 0)], outcome.score)
        self._memory.learn(query, arm, outcome)
        self._cells.learn(query.tag, arm, outcome)

    def fit(self, log: Log) -> None:
        """Remember all of it, and fit the weights."""
        self._memory.fit(log)
        self._cells.fit([query.tag for query in log.queries], log)
        if log.queries:
            self._weigh(log)

    def saved(self) -> JsonValue:
        """Histories and weights."""
        return {
            "memory": self._memory.saved(),
            "cells": self._cells.saved(),
            "theta": packed(self._theta),
            "doubt": packed(self._doubt),
        }

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._memory.restored(part(saved, "memory"))
        self._cells.restored(part(saved, "cells"))
        many = len(_AT_FIRST)
        self._theta, self._doubt = array(saved, "theta", many), array(saved, "doubt", many, many)

    def _profile(self, query: Query, arms: Arms) -> tuple[Matrix, Vector]:
        """The profile of each arm for a query, (m, 7), and what it costs on the tag, (m,)."""
        success, cost = self._cells.of((EVERYTHING, query.tag), arms)
        if not len(self._memory):
            return _profile(success[0], success[1], _nothing(len(arms)), self._shrink), cost[1]
        everyone = self._everyone()
        if everyone.keys == arms.keys:
            near = _near(self._memory.x @ query.x, self._memory.scores(arms), success[0])
            return _profile(success[0], success[1], near, self._shrink), cost[1]
        usual, _ = self._cells.one(EVERYTHING, everyone)
        near = _near(self._memory.x @ query.x, self._memory.scores(everyone), usual)
        rows = self._memory.rows.known(arms)
        met = rows >= 0
        near = near._replace(sums=near.sums[:, rows] * met, counts=near.counts[:, rows] * met)
        return _profile(success[0], success[1], near, self._shrink), cost[1]

    def _everyone(self) -> Arms:
        """All arms that anything is remembered of."""
        keys = self._memory.rows.keys
        if len(self._all) != len(keys):
            self._all = Arms(keys)
        return self._all

    def _step(self, profile: Vector, score: float) -> None:
        """One outcome: a Newton step of the weights, and less doubt in its direction."""
        import numpy as np

        expected = float(_sigma(profile @ self._theta))
        steep = max(expected * (1.0 - expected), _LEAST)
        towards: Vector = self._doubt @ profile
        gain: Vector = towards / (1.0 + steep * float(profile @ towards))
        self._theta = self._theta + gain * (score - expected)
        self._doubt = self._doubt - steep * np.outer(gain, towards)

    def _weigh(self, log: Log) -> None:
        """Weights of highest posterior on a log, each query's own outcomes left out of its profile."""
        import numpy as np

        profiles, scores = _profiles(log, self._shrink)
        if not len(scores):
            return
        centre, certain = self._theta, np.linalg.inv(self._doubt)
        theta, curvature = centre, certain
        for _ in range(_ROUNDS):
            expected = _sigma(profiles @ theta)
            curvature = certain + (profiles * (expected * (1.0 - expected))[:, None]).T @ profiles
            theta = theta + np.linalg.solve(curvature, profiles.T @ (scores - expected) - certain @ (theta - centre))
        self._theta = theta
        self._doubt = np.linalg.inv(curvature).astype(np.float64)


def _profiles(log: Log, shrink: float) -> tuple[Matrix, Vector]:
    """Profiles of arms whose outcome is known, (r, 7), and the outcomes, (r,); of the last queries of a log."""
    import numpy as np

    x = np.array([query.x for query in log.queries])
    known = np.isfinite(log.scores)
    held = np.where(known, log.scores, 0.0)
    total, count = held.sum(axis=0), known.sum(axis=0)
    usual = (total + 1.0) / (count + 1.0)
    by_tag: dict[str, list[int]] = {}
    for number, query in enumerate(log.queries):
        by_tag.setdefault(query.tag, []).append(number)
    sums = {tag: (held[own].sum(axis=0), known[own].sum(axis=0)) for tag, own in by_tag.items()}
    found: list[Matrix] = []
    scores: list[Vector] = []
    for number in range(max(0, len(x) - _MOST_FITTED), len(x)):
        rest, more = sums[log.queries[number].tag]
        overall = (total - held[number] + 1.0) / (count - known[number] + 1.0)
        tag = (rest - held[number] + shrink * overall) / (more - known[number] + shrink)
        similar = x @ x[number]
        similar[number] = -np.inf
        profile = _profile(overall, tag, _near(similar, log.scores, usual, but=1), shrink)
        found.append(profile[known[number]])
        scores.append(log.scores[number][known[number]])
    return np.concatenate(found), np.concatenate(scores)


def _near(similar: Vector, scores: Matrix, usual: Vector, *, but: int = 0) -> _Near:
    """What came of the nearest queries.

    Args:
        similar: Of each query, (n,).
        scores: NaN: unknown, (n, m).
        usual: Expected score of each arm on any query, (m,).
        but: So many of the least similar are left out.
    """
    import numpy as np

    near = nearest(similar, min(_NEAR[1], len(similar) - but))
    if not len(near):
        return _nothing(len(usual))
    closest = near[nearest(similar[near], _NEAR[0])]
    sums, counts = np.zeros((2, len(usual))), np.zeros((2, len(usual)))
    for part_of, places in enumerate((closest, near)):
        met = scores[places]
        known = np.isfinite(met)
        sums[part_of], counts[part_of] = np.where(known, met, 0.0).sum(axis=0), known.sum(axis=0)
    harder = float((sums[1] - counts[1] * usual).sum()) / (float(counts[1].sum()) + _NEAR[0])
    return _Near(sums, counts, harder)


def _nothing(m: int) -> _Near:
    import numpy as np

    return _Near(np.zeros((2, m)), np.zeros((2, m)), 0.0)


def _profile(overall: Vector, tag: Vector, near: _Near, shrink: float) -> Matrix:
    """Seven figures of each arm, (m, 7)."""
    import numpy as np

    record = _logit(overall)
    closest, around = _logit((near.sums + shrink * overall) / (near.counts + shrink)) - record
    hard = np.full(len(overall), 4.0 * near.harder)
    return np.stack([np.ones(len(overall)), record, _logit(tag) - record, closest, around, hard, hard * record], axis=1)


def _logit(share: Vector) -> Vector:
    import numpy as np

    inside = np.clip(share, _LEAST, 1.0 - _LEAST)
    value: Vector = np.log(inside / (1.0 - inside))
    return value


def _sigma(value: Vector) -> Vector:
    import numpy as np

    share: Vector = 1.0 / (1.0 + np.exp(-np.clip(value, -30.0, 30.0)))
    return share


policy = routed("histories", HistoriesOptions, Histories)
"""What the history of each says of its success here."""
