"""A policy that is told what money is worth: bandit-feedback routing with preferences (BaRP, arXiv 2510.07429).

    p(m | z, w) = softmax_m(Theta_m(w) . z),  reward = (1 - w) score - w min(cost / tau, 1)
    step: Theta += rate * ((reward - expected) grad log p + entropy grad H)      REINFORCE with an entropy bonus

w in [0, 1] is what the user would rather save: w = dial tau / (1 + dial tau), so that reward is, up to a factor, score
- dial * cost. It is an input, so the dial turns without learning anew. Changed: a linear policy on the text's vector
and the tag, with Theta(w) between its values at nine preferences (published: MLPs over a frozen encoder and over w).
From a log the whole expectation over models is followed, not one sampled model: its gradient is the same on average. An
outcome is learned from at all nine, as if the policy had chosen there, since the chance of the choice is not there any
more: the published update but for that. Until a log was fitted the model is drawn; then the likeliest is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, drawn
from agora.coordinator.routers.contexts import Tagged
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, integer, named, whole
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

PREFERENCES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0)
"""w that are learned at."""
BATCHES: Final = 4
"""Parts of a log, each of which makes a step in its turn."""
_HALF: Final = 0.5


class BarpOptions(RouterOptions):
    """What can be set."""

    rate: float = Field(default=0.3, gt=0)
    """Of the steps from single outcomes."""
    fit_rate: float = Field(default=0.1, gt=0)
    """Of the steps over a log (Adam; Kingma and Ba, 2015)."""
    rounds: int = Field(default=60, ge=1, le=10_000)
    """Steps over a log."""
    entropy: float = Field(default=0.01, ge=0)
    """Weight of the bonus for being undecided."""


class Barp:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: BarpOptions) -> None:
        import numpy as np

        self._options, self._fitted = options, False
        self._contexts, self._costs, self._rows = Tagged(), Costs(), Rows()
        self._theta: Matrix = np.zeros((len(PREFERENCES), 0, 0))  # (preferences, rows, d)
        self._mean: Matrix = np.zeros((len(PREFERENCES), 2))  # of rewards at each preference: number, sum

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The likeliest, or one drawn."""
        z, cost = self._contexts.of(query), self._costs.of(arms)
        scale = dial * float(cost.max())
        logits = self._logits(z, scale / (1.0 + scale), arms)
        chances = _softmax(logits)
        terms = {"p": chances, "cost": cost}
        if self._fitted:
            return by_index(logits, cost, terms=terms, rungs=len(arms))
        return drawn(chances, draw, terms=terms, rungs=len(arms))

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """A step at each preference, towards or away from who was asked."""
        import numpy as np

        z, row = self._contexts.learned(query), self._rows.of(arm)
        self._costs.learn(arm, outcome.cost)
        self._grow(len(z))
        w = np.array(PREFERENCES)
        rewards = (1.0 - w) * outcome.score - w * self._share(outcome.cost)
        n, total = self._mean[:, 0], self._mean[:, 1]
        better = rewards - (total + _HALF * (1.0 - w)) / (n + 1.0)
        self._mean += np.stack([np.ones(len(w)), rewards], axis=1)
        p = _softmax(self._theta @ z)
        towards: Matrix = np.eye(p.shape[1])[row] - p
        push: Matrix = better[:, None] * towards + self._options.entropy * _undecided(p)
        self._theta += self._options.rate * push[:, :, None] * z

    def fit(self, log: Log) -> None:
        """Steps up the expected reward over a log, one preference after the other."""
        import numpy as np

        z = self._contexts.fitted(log)
        rows = [self._rows.of(key) for key in log.arms.keys]
        self._costs.fit(log)
        if not len(z):
            return
        self._fitted = True
        self._grow(z.shape[1])
        costs = np.where(np.isfinite(log.costs), log.costs, self._costs.of(log.arms))
        dearest = float(self._costs.of(log.arms).max()) or 1.0
        known = np.isfinite(log.scores)
        means = np.where(known, log.scores, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        scores, shares = np.where(known, log.scores, means), np.minimum(costs / dearest, 1.0)
        for number, w in enumerate(PREFERENCES):
            self._theta[number, rows] = self._climbed(self._theta[number, rows], z, (1.0 - w) * scores - w * shares)

    def _climbed(self, theta: Matrix, z: Matrix, rewards: Matrix) -> Matrix:
        """Coefficients after steps up the expected reward.

        Args:
            theta: Before, (m, d).
            z: Features, (n, d).
            rewards: Of each model on each query, (n, m).
        """
        import numpy as np

        options = self._options
        first, second = np.zeros_like(theta), np.zeros_like(theta)
        for step in range(1, options.rounds + 1):
            some = slice(step % BATCHES, None, BATCHES)
            x, r = z[some], rewards[some]
            p = _softmax(x @ theta.T)
            push = p * (r - (p * r).sum(axis=1, keepdims=True)) + options.entropy * _undecided(p)
            slope: Matrix = push.T @ x / max(len(x), 1)
            first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
            far = np.sqrt(second / (1 - 0.99**step)) + 1e-6
            theta = theta + options.fit_rate * (first / (1 - 0.9**step)) / far
        return theta

    def saved(self) -> JsonValue:
        """The policy."""
        kept: dict[str, JsonValue] = {"contexts": self._contexts.saved(), "keys": list(self._rows.keys)}
        sizes: dict[str, JsonValue] = {"features": self._theta.shape[2]}
        arrays: dict[str, JsonValue] = {"theta": packed(self._theta), "mean": packed(self._mean)}
        return {**kept, **arrays, "costs": self._costs.saved(), "fitted": self._fitted, **sizes}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._contexts.restored(part(saved, "contexts"))
        self._rows, self._fitted = named(saved, "keys"), part(saved, "fitted") is True
        many = len(PREFERENCES)
        self._theta = array(saved, "theta", many, len(self._rows), integer(saved, "features"))
        self._mean = array(saved, "mean", many, 2)
        self._costs.restored(part(saved, "costs"))

    def _logits(self, z: Vector, w: float, arms: Arms) -> Vector:
        """Of each at a preference; of whom nothing is known, the mean of the others, (m,)."""
        import numpy as np

        if not len(self._rows):
            return np.zeros(len(arms))
        upper = min(max(int(np.searchsorted(PREFERENCES, w)), 1), len(PREFERENCES) - 1)
        low, high = PREFERENCES[upper - 1], PREFERENCES[upper]
        two: Matrix = self._theta[upper - 1 : upper + 1] @ z
        between = (w - low) / (high - low)
        all_: Vector = (1.0 - between) * two[0] + between * two[1]
        at = self._rows.known(arms)
        found: Vector = np.where(at >= 0, all_[at], all_.mean())
        return found

    def _share(self, cost: float | None) -> float:
        """min(cost / tau, 1), with the dearest mean cost as tau."""
        if cost is None or not self._costs.keys:
            return 0.0
        dearest = float(self._costs.of(Arms(tuple(self._costs.keys))).max())
        return min(cost / dearest, 1.0) if dearest > 0 else 0.0

    def _grow(self, dimension: int) -> None:
        import numpy as np

        more = len(self._rows) - self._theta.shape[1]
        if more:
            preferences = len(PREFERENCES)
            new = np.zeros((preferences, more, dimension))
            self._theta = np.concatenate([self._theta.reshape(preferences, -1, dimension), new], axis=1)


def _softmax(logits: Matrix) -> Matrix:
    import numpy as np

    pulls: Matrix = np.exp(logits - logits.max(axis=-1, keepdims=True))
    pulls /= pulls.sum(axis=-1, keepdims=True)
    return pulls


def _undecided(p: Matrix) -> Matrix:
    """The slope of the entropy in the logits: -p (log p + H)."""
    import numpy as np

    logs = np.log(np.maximum(p, 1e-300))
    value: Matrix = -p * (logs - (p * logs).sum(axis=-1, keepdims=True))
    return value


policy = routed("barp", BarpOptions, Barp)
"""A policy that is told what money is worth."""
