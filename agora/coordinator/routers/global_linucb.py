"""One LinUCB for all models, which sees of each how it did so far (Symphony-Coord, arXiv 2602.00966).

    index_m = theta . x_m + alpha sqrt(x_m' A^-1 x_m) - dial * cost_m
    x_m = [1, how like what it solved, passes at the tag, passes at all, cost, seconds, 1 / sqrt(n + 1)] / its length

The learner is `agora.coordinator.linucb`, with a constant alpha. What it learns of one model holds for all, so a
newcomer is judged at once; two models with the same figures are one to it. Changed: load and availability are left
out, since they are not there any more when an outcome comes; how like the query is to what a model says it can do is
how much nearer it lies to the mean of what the model solved than to the mean of what it was asked; and the last
feature, n the outcomes at the tag, tells who was hardly asked, since else nothing makes it try one again that failed
at first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.linucb import LinUCB, LinUCBState, Settings
from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, worth
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, fits, named, whole
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.errors import LedgerError
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

DIMENSION: Final = 7
SLOW_S: Final = 120.0
"""Seconds of an answer that count as 1."""
_SHRINK: Final = 5.0


class GlobalLinUCBOptions(RouterOptions):
    """What can be set."""

    alpha: float = Field(default=0.2, ge=0)
    """Weight of the width: how much is tried for want of knowledge."""
    penalty: float = Field(default=1.0, gt=0)
    """Of the regression."""


class GlobalLinUCB:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: GlobalLinUCBOptions) -> None:
        self._alpha = options.alpha
        self._policy = LinUCB(Settings(dimension=DIMENSION, alpha=options.alpha, ridge=options.penalty))
        self._past = _Past()

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index; nothing is left to chance."""
        x, cost = self._past.of(query, arms)
        success, width = self._policy.scores(arms.keys, x)
        terms = {"success": success, "cost": cost, "width": width}
        index = success + self._alpha * width - dial * cost
        return by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dial))

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """One step of the regression, on what was known before the outcome."""
        x, _ = self._past.of(query, Arms((arm,)))
        self._take(query, arm, x[0], outcome)

    def fit(self, log: Log) -> None:
        """All outcomes in their order, a query's after the features of all arms were seen."""
        import numpy as np

        known = np.isfinite(log.scores)
        for number, query in enumerate(log.queries):
            x, _ = self._past.of(query, log.arms)
            for place in np.flatnonzero(known[number]).tolist():
                cost = float(log.costs[number, place])
                outcome = Outcome(float(log.scores[number, place]), cost if cost == cost else None)
                self._take(query, log.arms.keys[place], x[place], outcome)

    def saved(self) -> JsonValue:
        """The regression, and what its features are made from."""
        return {"policy": self._policy.state().model_dump(mode="json"), "past": self._past.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none, or was learned by other settings.
        """
        try:
            state = LinUCBState.model_validate(part(saved, "policy"))
        except ValueError as error:
            raise LedgerError("learned state of a router cannot be read: learn anew from the log") from error
        if state.settings != self._policy.settings:
            raise LedgerError("learned state of a router was learned by other settings: learn anew from the log")
        self._policy = LinUCB.restored(state)
        self._past.restored(part(saved, "past"))

    def _take(self, query: Query, arm: str, x: Vector, outcome: Outcome) -> None:
        self._policy.update(arm, x, outcome.score)
        self._past.learn(query, arm, outcome)


class _Past:
    """How each arm did so far: what the features are made from."""

    def __init__(self) -> None:
        import numpy as np

        self._tags, self._rows, self._costs = Rows(("",)), Rows(), Costs()
        self._held = np.zeros((1, 4, 0))  # of tag and arm: scores, their sum, costs, their sum
        self._asked, self._solved = np.zeros((0, 0)), np.zeros((0, 0))  # sums of vectors, (rows, d)
        self._seconds = np.zeros((2, 0))  # answers with a time, their sum
        self._near = np.zeros((0, 0))  # mean vector of what was solved less that of what was asked, (rows, d)
        self._last: tuple[Places, bool] | None = None
        self._slow = np.zeros(0)  # mean seconds as a share of SLOW_S

    def of(self, query: Query, arms: Arms) -> tuple[Matrix, Vector]:
        """Features of each, (m, DIMENSION), no row longer than 1; and what the query is expected to cost, (m,)."""
        import numpy as np

        cost, columns = self._costs.of(arms), np.ones((DIMENSION, len(arms)))
        if len(self._rows):
            at = self._rows.known(arms)
            overall = self._held[0].take(at, axis=1)
            held = self._held[max(self._tags.row(query.tag), 0)].take(at, axis=1)
            near, slow = (self._near @ query.x).take(at), self._slow.take(at)
            if self._new(at):
                new = at < 0
                overall[:, new], held[:, new], near[new], slow[new] = 0.0, 0.0, 0.0, 0.5
            columns[1], columns[5], columns[6] = near, slow, 1.0 / np.sqrt(held[0] + 1.0)
            columns[3] = passes = (overall[1] + 1.0) / (overall[0] + 1.0)
            columns[2] = (held[1] + _SHRINK * passes) / (held[0] + _SHRINK)
            cost = (held[3] + _SHRINK * cost) / (held[2] + _SHRINK)
        else:
            columns[1], columns[5] = 0.0, 0.5
        columns[4] = cost / (cost.max() or 1.0)
        columns /= np.sqrt(np.einsum("dm,dm->m", columns, columns))
        return np.ascontiguousarray(columns.T), cost

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Take in one outcome."""
        tag, row = self._tags.of(query.tag), self._rows.of(arm)
        self._grow(len(query.x))
        self._costs.learn(arm, outcome.cost)
        for place in (0, tag) if tag else (0,):
            self._held[place, :2, row] += (1.0, outcome.score)
            if outcome.cost is not None:
                self._held[place, 2:, row] += (1.0, outcome.cost)
        self._asked[row] += query.x
        self._solved[row] += outcome.score * query.x
        if outcome.latency_s is not None:
            self._seconds[:, row] += (1.0, outcome.latency_s)
        self._look(row)

    def saved(self) -> JsonValue:
        """Counts and sums."""
        kept: dict[str, JsonValue] = {"tags": list(self._tags.keys), "arms": list(self._rows.keys)}
        sums = {"held": self._held, "asked": self._asked, "solved": self._solved, "seconds": self._seconds}
        return {**kept, "costs": self._costs.saved(), **{name: packed(array) for name, array in sums.items()}}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        import numpy as np

        self._tags, self._rows, self._last = named(saved, "tags"), named(saved, "arms"), None
        self._costs.restored(part(saved, "costs"))
        fits(self._tags.row("") == 0, "tags")
        n = len(self._rows)
        self._held, self._seconds = array(saved, "held", len(self._tags), 4, n), array(saved, "seconds", 2, n)
        self._asked = array(saved, "asked", n, None)
        self._solved = array(saved, "solved", n, self._asked.shape[1])
        self._near, self._slow = np.zeros_like(self._asked), np.full(len(self._rows), 0.5)
        for row in range(len(self._rows)):
            self._look(row)

    def _new(self, at: Places) -> bool:
        """Whether any of the arms has no record."""
        if self._last is None or self._last[0] is not at:
            self._last = at, bool((at < 0).any())
        return self._last[1]

    def _look(self, row: int) -> None:
        """What follows from the sums of an arm."""
        n, score = self._held[0, :2, row].tolist()
        self._near[row] = self._solved[row] / max(score, 1.0) - self._asked[row] / max(n, 1.0)
        answers, seconds = self._seconds[:, row].tolist()
        self._slow[row] = min(seconds / answers / SLOW_S, 1.0) if answers else 0.5

    def _grow(self, dimension: int) -> None:
        import numpy as np

        tags, _, arms = self._held.shape
        if len(self._tags) > tags or len(self._rows) > arms:
            held = np.zeros((len(self._tags), 4, len(self._rows)))
            held[:tags, :, :arms] = self._held
            self._held = held
        more = len(self._rows) - arms
        if more:
            new = np.zeros((more, dimension))
            self._asked, self._solved, self._near = (
                np.concatenate([one.reshape(-1, dimension), new]) for one in (self._asked, self._solved, self._near)
            )
            self._seconds = np.concatenate([self._seconds, np.zeros((2, more))], axis=1)
            self._slow = np.append(self._slow, np.full(more, 0.5))


policy = routed("global_linucb", GlobalLinUCBOptions, GlobalLinUCB)
"""One regression for all."""
