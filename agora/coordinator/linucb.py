"""LinUCB (Li et al., "A contextual-bandit approach to personalized news article recommendation", 2010).

    score = theta . x + alpha sqrt(x' A^-1 x)

One A and one b for all arms, as Symphony-Coord has it (arXiv 2602.00966), with a constant alpha of .5: in simulation
its theory width explores so much that half of the runs never recovered from an agent's death. Parameters of each arm's
own (`per_arm`) are for agents whose features say little; forgetting (`gamma` < 1) is for markets without a breaker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import Field

from agora.coordinator.features import DIMENSION, FEATURES_VERSION, check_version
from agora.coordinator.shortlisting import Candidate, in_order
from agora.errors import ConfigError
from agora.values import Value

if TYPE_CHECKING:
    from agora.coordinator.features import Array
    from agora.coordinator.ridge import Ridge

_CLOSE: Final = 12
"""Decimals of a score that decide."""
_LENGTH: Final = 1.0 + 1e-9


class Settings(Value):
    """How it explores and forgets."""

    dimension: int = Field(default=DIMENSION, ge=1, le=4096)
    """d, the length of a context."""
    alpha: float = Field(default=0.5, ge=0)
    """Weight of the width: how much is tried for want of knowledge."""
    ridge: float = Field(default=1.0, gt=0)
    """Penalty; A begins as ridge x I."""
    gamma: float = Field(default=1.0, gt=0, le=1)
    """What the past still counts for after each outcome; 1: nothing is forgotten."""
    per_arm: bool = False
    """Whether each arm has its own A and b."""


class Learned(Value):
    """One A^-1 and b."""

    arm: str
    """Whose; empty: everybody's."""
    inverse: tuple[float, ...]
    """The upper half of A^-1 with its diagonal, row by row: d (d + 1) / 2 numbers."""
    b: tuple[float, ...]
    """Sum of reward x context, d numbers."""


class LinUCBState(Value):
    """All that was learned; written to JSON and read back it is the same bit for bit."""

    features_version: str = FEATURES_VERSION
    """Of the contexts that it was learned on."""
    settings: Settings = Settings()
    """Its settings."""
    learned: tuple[Learned, ...] = ()
    """In the order of their first outcomes."""


class Choice(NamedTuple):
    """Who was chosen, with the figures of all; these are in the order of the candidates."""

    arm: str
    """The chosen one."""
    place: int
    """Where it stood."""
    mean: tuple[float, ...]
    """Expected reward of each."""
    width: tuple[float, ...]
    """Its uncertainty; to float32 for arms that cannot win where a large market is screened."""
    score: tuple[float, ...]
    """mean + alpha x width, to 12 decimals."""
    propensity: float
    """Chance of this choice over the seeds of the lots: 1, or 1 / m among m equals at equal costs."""


class LinUCB:
    """Learns by `update`, owned by one writer; everything else leaves it as it is.

    Args:
        settings: Fixed for its life.
        screen_from: See `per_arm`.

    >>> policy = LinUCB(Settings(dimension=2))
    >>> policy.update("a", [1.0, 0.0], 1.0)
    >>> policy.choose([Candidate("a"), Candidate("b")], [[1.0, 0.0], [0.0, 1.0]]).arm
    'a'
    """

    def __init__(self, settings: Settings | None = None, *, screen_from: int | None = None) -> None:
        from agora.coordinator.per_arm import SCREEN_FROM, PerArm

        self.settings = settings or Settings()
        self._own = PerArm(
            self.settings.dimension,
            penalty=self.settings.ridge,
            gamma=self.settings.gamma,
            screen_from=SCREEN_FROM if screen_from is None else screen_from,
        )
        self._both: Array | None = None  # (d, d + 1): A^-1 and theta of all arms together

    def update(self, arm: str, x: Sequence[float] | Array, reward: float) -> None:
        """Learn one outcome.

        Raises:
            ConfigError: The context is not of this dimension, longer than 1 or not finite, or the reward is not finite.
        """
        import numpy as np

        context: Array = np.asarray(x, dtype=np.float64)
        self._check(context[None, None] if context.ndim == 1 else context)
        if not np.isfinite(reward):
            raise ConfigError("reward", f"{reward!r} of arm {arm!r} is not a finite number")
        self._own.learn(arm if self.settings.per_arm else "", context, reward)
        self._both = None

    def scores(self, arms: Sequence[str], x: Sequence[Sequence[float]] | Array) -> tuple[Array, Array]:
        """Means and widths of n arms at once, (n,) each.

        Args:
            arms: Who; of no account where the parameters are shared.
            x: Their contexts, (n, d).
        """
        import numpy as np

        contexts: Array = np.asarray(x, dtype=np.float64)[None]
        squares = self._check(contexts)
        if self.settings.per_arm:
            mean, width = self._own.estimates(arms, contexts, squares, alpha=self.settings.alpha)
        else:
            mean, width = self._shared(contexts)
        return mean[0], width[0]

    def choose(self, candidates: Sequence[Candidate], x: Sequence[Sequence[float]] | Array) -> Choice:
        """The highest score; then the lower cost, then the lot.

        Args:
            candidates: In any order.
            x: Their contexts in the same order, (n, d).

        Raises:
            ConfigError: There are no candidates, or the contexts do not fit them.
        """
        import numpy as np

        return self.choose_each([candidates], np.asarray(x, dtype=np.float64)[None])[0]

    def choose_each(self, candidates: Sequence[Sequence[Candidate]], x: Array) -> list[Choice]:
        """Decide many known tasks at once: the choices that `choose` makes one by one, with nothing learned between.

        Args:
            candidates: Of each of k tasks, n each.
            x: Their contexts, (k, n, d).

        Raises:
            ConfigError: As `choose`.
        """
        import numpy as np

        squares = self._check(x)
        if len(candidates) != len(x) or any(len(group) != x.shape[1] for group in candidates) or not x.shape[1]:
            sizes = sorted({len(group) for group in candidates})
            raise ConfigError("candidates", f"{len(candidates)} groups of {sizes} do not fit contexts {x.shape}")
        if self.settings.per_arm:
            mean, width = self._of_each(candidates, x, squares)
        else:
            mean, width = self._of_all(candidates, x)
        score: Array = np.round(mean + self.settings.alpha * width, _CLOSE)
        return [_chosen(group, mean[k], width[k], score[k]) for k, group in enumerate(candidates)]

    def state(self) -> LinUCBState:
        """What was learned, as a value."""
        rows = tuple(_written(arm, self._own.ridge(arm)) for arm in self._own.arms)
        return LinUCBState(settings=self.settings, learned=rows)

    @classmethod
    def restored(cls, state: LinUCBState) -> LinUCB:
        """Go on from a state.

        Raises:
            ConfigError: It was learned on other features, or is not whole.
        """
        length = state.settings.dimension
        check_version(state.features_version)
        policy = cls(state.settings)
        for row in state.learned:
            if len(row.b) != length or len(row.inverse) != length * (length + 1) // 2:
                raise ConfigError("learned state", f"arm {row.arm!r} has not {length} features as the rest: learn anew")
            if bool(row.arm) != state.settings.per_arm:
                raise ConfigError("learned state", f"arm {row.arm!r} does not fit per_arm={state.settings.per_arm}")
            policy._own.place(row.arm, _read(row))
        return policy

    def _of_all(self, candidates: Sequence[Sequence[Candidate]], x: Array) -> tuple[Array, Array]:
        # in an order that is not the candidates' own: the last bits of a product depend on where a row stands
        import numpy as np

        orders = {id(group): _order(group) for group in candidates}
        rows = np.array([orders[id(group)] for group in candidates])
        places = np.arange(len(x))[:, None], rows
        mean: Array = np.empty(rows.shape)
        width: Array = np.empty(rows.shape)
        mean[places], width[places] = self._shared(x[places])
        return mean, width

    def _of_each(self, candidates: Sequence[Sequence[Candidate]], x: Array, squares: Array) -> tuple[Array, Array]:
        import numpy as np

        alpha, first = self.settings.alpha, [one.arm for one in candidates[0]]
        if all(group is candidates[0] or [one.arm for one in group] == first for group in candidates):
            return self._own.estimates(first, x, squares, alpha=alpha)
        found = [
            self._own.estimates([one.arm for one in group], x[k : k + 1], squares[k : k + 1], alpha=alpha)
            for k, group in enumerate(candidates)
        ]
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])

    def _shared(self, x: Array) -> tuple[Array, Array]:
        import numpy as np

        if self._both is None:
            ridge = self._own.ridge("")
            self._both = np.concatenate([ridge.inverse, ridge.theta[:, None]], axis=1)
        product: Array = x @ self._both
        square: Array = np.einsum("knd,knd->kn", product[:, :, :-1], x)
        return product[:, :, -1], np.sqrt(np.maximum(square, 0.0))

    def _check(self, x: Array) -> Array:
        import numpy as np

        if x.ndim != 3 or x.shape[2] != self.settings.dimension:
            raise ConfigError("contexts", f"{x.shape[1:]} are not rows of {self.settings.dimension} features")
        squares: Array = np.einsum("knd,knd->kn", x, x)
        longest = float(squares.max(initial=0.0))
        if not longest <= _LENGTH**2:
            raise ConfigError("contexts", f"one has length {longest**0.5:.6g}: scale it to 1 at most (`features`)")
        return squares


def _order(group: Sequence[Candidate]) -> list[int]:
    keys = [(cost, lot, arm) for arm, cost, lot in group]
    return sorted(range(len(keys)), key=keys.__getitem__)


def _chosen(group: Sequence[Candidate], mean: Array, width: Array, score: Array) -> Choice:
    import numpy as np

    tied: list[int] = np.flatnonzero(score == score.max()).tolist()
    winner = min(tied, key=lambda place: in_order(group[place]))
    equals = sum(group[place].cost == group[winner].cost for place in tied)
    return Choice(
        arm=group[winner].arm,
        place=winner,
        mean=tuple(mean.tolist()),
        width=tuple(width.tolist()),
        score=tuple(score.tolist()),
        propensity=1.0 / equals,
    )


def _written(arm: str, ridge: Ridge) -> Learned:
    import numpy as np

    upper = ridge.inverse[np.triu_indices(len(ridge.b))]
    return Learned(arm=arm, inverse=tuple(upper.tolist()), b=tuple(ridge.b.tolist()))


def _read(row: Learned) -> Ridge:
    import numpy as np

    from agora.coordinator.ridge import Ridge

    size = len(row.b)
    inverse: Array = np.zeros((size, size))
    upper = np.triu_indices(size)
    inverse[upper] = row.inverse
    inverse.T[upper] = row.inverse
    return Ridge(inverse, np.array(row.b))
