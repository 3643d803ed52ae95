"""Models as points of a small space that a quiz places them in (LLM Bandit, arXiv 2502.02743).

    success_m = mean(z) + u_m . B z,  u_m ~ N(0, I) before anything is known,  index_m = success_m - dial * cost_m

The paper learns an identity vector of each model by a variational item response theory, and a policy over sets of such
vectors by PPO; a new model is placed by its answers to 20 to 50 quiz questions. Training of that kind is not to be had,
so this is the inference-time form: B, how queries differ in what they ask of models, are the r main directions of all
models' regressions (scaled so that u has about unit spread), u_m is the posterior mean in these r numbers, and the
best index replaces the policy. mean(z) is what the known models do on average, so a newcomer is taken for an average
one until its quiz says otherwise: with a small chance each query is asked of whoever has fewer than `quiz` outcomes.
B is made anew from a log, and whenever the outcomes have doubled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.contexts import Tagged
from agora.coordinator.routers.memory import Memory
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, fits, integer, named, whole
from agora.coordinator.routers.ridges import Ridges, stacked
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

_FIRST = 64


class LLMBanditOptions(RouterOptions):
    """What can be set."""

    dimensions: int = Field(default=6, ge=1, le=256)
    """r."""
    noise: float = Field(default=0.2, gt=0)
    """Variance of a score around what is expected of it."""
    penalty: float = Field(default=1.0, gt=0)
    """Of the regressions that B is made from."""
    quiz: int = Field(default=20, ge=0)
    """Outcomes that place a newcomer."""
    share: float = Field(default=0.2, ge=0, le=1)
    """Chance of a quiz question while there is a newcomer."""


class LLMBandit:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: LLMBanditOptions) -> None:
        import numpy as np

        self._options, self._outcomes = options, 0
        self._contexts, self._memory, self._rows = Tagged(), Memory(), Rows()
        self._n = np.zeros(0)  # outcomes of each
        self._wide, self._small = Ridges(penalty=options.penalty), Ridges(penalty=options.noise, prior=0.0)
        self._mean: Vector = np.zeros(0)  # (d,); (0,): B is not there yet
        self._basis: Matrix = np.zeros((0, 0))  # (r, d)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best, or a quiz question."""
        z = self._contexts.of(query)
        success, cost = self._wide.means(z, arms)
        if len(self._mean):
            success = float(self._mean @ z) + self._small.means(self._basis @ z, arms)[0]
        return self._quizzed(by_value(success, cost, dial=dial), arms, draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Remember it; one step of the arm's place."""
        z = self._contexts.learned(query)
        self._wide.learn(z, arm, outcome)
        self._memory.learn(query, arm, outcome)
        self._count(arm, 1.0)
        self._outcomes += 1
        if self._outcomes >= _FIRST and self._outcomes & (self._outcomes - 1) == 0:
            self._turn()
        elif len(self._mean):
            rest = outcome.score - float(self._mean @ z)
            self._small.learn(self._basis @ z, arm, outcome._replace(score=rest))

    def fit(self, log: Log) -> None:
        """Remember all of it, and place everyone."""
        import numpy as np

        if not log.queries:
            return
        self._wide.fit(self._contexts.fitted(log), log)
        self._memory.fit(log)
        for arm, n in zip(log.arms.keys, np.isfinite(log.scores).sum(axis=0).tolist(), strict=True):
            self._count(arm, float(n))
        self._turn()

    def saved(self) -> JsonValue:
        """What it remembers, and everyone's place."""
        kept: dict[str, JsonValue] = {"contexts": self._contexts.saved(), "memory": self._memory.saved()}
        learned: dict[str, JsonValue] = {"wide": self._wide.saved(), "small": self._small.saved()}
        known: dict[str, JsonValue] = {"keys": list(self._rows.keys), "n": packed(self._n), "outcomes": self._outcomes}
        return {**kept, **learned, **known, "mean": packed(self._mean), "basis": packed(self._basis)}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._contexts.restored(part(saved, "contexts"))
        self._memory.restored(part(saved, "memory"))
        self._wide.restored(part(saved, "wide"))
        self._small.restored(part(saved, "small"))
        self._rows, self._outcomes = named(saved, "keys"), integer(saved, "outcomes")
        self._n = array(saved, "n", len(self._rows))
        self._mean = array(saved, "mean", None)
        self._basis = array(saved, "basis", None, len(self._mean))
        fits(len(self._mean) in (0, self._wide.features) and len(self._basis) == self._small.features, "basis")

    def _quizzed(self, best: Choice, arms: Arms, draw: float) -> Choice:
        """As it is, or by chance the newcomer with the fewest outcomes first."""
        import numpy as np

        at = self._rows.known(arms)
        n = np.where(at >= 0, self._n[at], 0.0) if len(self._n) else np.zeros(len(arms))
        newcomer, share = int(n.argmin()), self._options.share
        if n[newcomer] >= self._options.quiz or share <= 0.0:
            return best
        chances = (1.0 - share) * best.chances
        chances[newcomer] += share
        if draw >= share:
            return best._replace(chances=chances)
        order = [newcomer, *(place for place in best.order if place != newcomer)]
        return best._replace(order=order, chances=chances, note="a quiz question")

    def _count(self, arm: str, n: float) -> None:
        import numpy as np

        row = self._rows.of(arm)
        if row == len(self._n):
            self._n = np.append(self._n, 0.0)
        self._n[row] += n

    def _turn(self) -> None:
        """B anew, and everyone's place from what is remembered."""
        import numpy as np

        theta, arms = self._wide.theta, Arms(tuple(self._memory.rows.keys))
        self._mean = theta.mean(axis=0)
        _, size, directions = np.linalg.svd(theta - self._mean, full_matrices=False)
        r = self._options.dimensions
        self._basis = size[:r, None] * directions[:r] / len(theta) ** 0.5
        queries = [Query(x, tag) for x, tag in zip(self._memory.x, self._memory.tags, strict=True)]
        z = stacked([self._contexts.of(query) for query in queries])
        scores = self._memory.scores(arms) - (z @ self._mean)[:, None]
        self._small = Ridges(penalty=self._options.noise, prior=0.0)
        self._small.fit(z @ self._basis.T, Log(queries, arms, scores, np.full(scores.shape, np.nan)))


policy = routed("llm_bandit", LLMBanditOptions, LLMBandit)
"""Models in a small space, newcomers by quiz."""
