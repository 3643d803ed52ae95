"""What every policy is measured on, made once in each process: the matrix, its folds, its queries as vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.routing.folds import Fold, folds, numbers
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.measures import hull_of
from agora.bench.routing.twins import twins
from agora.bench.routing.vectors import Features, Vectors
from agora.coordinator.routers.answers import canonical
from agora.coordinator.routers.seam import Answers, Arms, Log, Query, Router

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

Maker = Callable[[], Router]
"""Makes a router that knows nothing."""
_MOST_STEPS: Final = 500
_MOST_WARM: Final = 200
_TARGETS: Final = 6
_DIALS: Final = 14
_LOWEST_DIAL: Final = 2.0**-8


class Setting(NamedTuple):
    """What a whole bench shares."""

    money: tuple[float, ...]
    """Dollars a query at which policies are compared, ascending; empty: no dollars are recorded."""
    dial: float
    """Lambda of regret: score that a dollar is worth, >= 0."""
    seeds: int
    """Shuffles of a stream."""
    features: Features
    """How texts become vectors."""
    said: bool = False
    """Whether somebody said which money it is."""
    trace: tuple[float, ...] = ()
    """Seconds at which queries arrive, ascending; empty: they are drawn (Poisson)."""


class Stage:
    """Owned by one process.

    Args:
        recorded: Without holes (`slices.dense`).
        setting: See there.
        embedded: Vectors of the texts by a model, where the features are of one, (n, d).
    """

    def __init__(self, recorded: Recorded, setting: Setting, *, embedded: Matrix | None = None) -> None:
        self.recorded, self.setting = recorded, setting
        self.folds: tuple[Fold, ...] = folds(recorded.ids, recorded.texts)
        self.scores = recorded.scores
        self.priced = bool(np.isfinite(recorded.costs).all())
        self.costs = recorded.costs if self.priced else np.zeros_like(recorded.costs)
        """Dollars; zeros where none are recorded: for reckoning, never shown to a router."""
        self.arms = Arms(recorded.models)
        self.dearest = int(np.argmax(self.costs.mean(axis=0)))
        self._embedded = embedded
        self._fitted: dict[int, list[Query]] = {}

    @property
    def n(self) -> int:
        """Queries."""
        return len(self.recorded.ids)

    @property
    def steps(self) -> int:
        """Queries of a stream: 500, or half of them where there are fewer."""
        return max(1, min(_MOST_STEPS, self.n // 2))

    @property
    def warm(self) -> int:
        """Queries with full information before a warm stream."""
        return min(_MOST_WARM, self.n // 5)

    @cached_property
    def groups(self) -> Places:
        """Equal numbers where queries are nearly the same (`twins`), (n,)."""
        return np.array(twins(self.recorded.texts), dtype=np.intp)

    @cached_property
    def dials(self) -> tuple[float, ...]:
        """The fixed grid: 0, and powers of two around what one mean answer costs."""
        middle = float(self.costs.mean())
        if middle <= 0.0:
            return (0.0,)
        unit = 2.0 ** round(math.log2(1.0 / middle))
        return (0.0, *(unit * _LOWEST_DIAL * 2.0**power for power in range(_DIALS)))

    @cached_property
    def answers(self) -> Answers | None:
        """What each answered, in a form that equal answers share; None: not recorded, (n, m)."""
        if self.recorded.answers is None:
            return None
        made = np.full(self.recorded.answers.shape, None, dtype=np.object_)
        for at, answer in np.ndenumerate(self.recorded.answers):
            made[at] = None if answer is None else canonical(str(answer))
        return made

    @property
    def frontier_dials(self) -> tuple[float, ...]:
        """Every second one of the grid, both ends among them: where the frontier is measured."""
        return self.dials[::2]

    @cached_property
    def draws(self) -> Vector:
        """The chance of each query, in [0, 1), (n,)."""
        return np.random.default_rng(0).random(self.n)

    def queries(self, fold: int) -> Sequence[Query]:
        """All queries, with vectors fitted on the fitting part of a fold, (n,)."""
        if fold not in self._fitted:
            self._fitted[fold] = self._as_queries(self._vectors.fitted(self.folds[fold].fitting))
        return self._fitted[fold]

    @cached_property
    def plain(self) -> Sequence[Query]:
        """All queries, with vectors that needed no other text, (n,)."""
        return self._as_queries(self._vectors.unfitted())

    def log(self, queries: Sequence[Query], places: Places, *, among: tuple[Arms, Places] | None = None) -> Log:
        """Full information on some queries; a router with a log does not see their texts.

        Args:
            queries: All of them, (n,).
            places: Which of them.
            among: Of some models only, with their columns; None: of all.
        """
        told = [queries[n]._replace(text="") for n in numbers(places)]
        arms, columns = among or (self.arms, np.arange(len(self.arms)))
        answers = None if self.answers is None else self.answers[places][:, columns]
        return Log(told, arms, self.scores[places][:, columns], self.recorded.costs[places][:, columns], answers)

    def where_checked(self) -> Stage:
        """The part whose tasks bring a check, with money of its own where nobody said."""
        places = [n for n, is_it in enumerate(self.recorded.checkable) if is_it]
        part = self.recorded.part(places)
        setting = self.setting if self.setting.said else self.setting._replace(money=money_of(part))
        return Stage(part, setting, embedded=None if self._embedded is None else self._embedded[places])

    @cached_property
    def _vectors(self) -> Vectors:
        return Vectors(self.recorded.texts, kind=self.setting.features, embedded=self._embedded)

    def _as_queries(self, x: Matrix) -> list[Query]:
        told = zip(x, self.recorded.tags, self.recorded.texts, self.recorded.sizes, strict=True)
        return [Query(row, tag=tag, text=text, size=float(size)) for row, tag, text, size in told]


def money_of(recorded: Recorded) -> tuple[float, ...]:
    """Dollars a query to compare at, where nobody says: six steps of equal ratio up to the best model's price.

    Two significant digits; empty where no dollars are recorded or all models cost the same.
    """
    ends = _ends(recorded)
    if ends is None:
        return ()
    (low, _), (high, _) = ends
    steps = (low * (high / low) ** (step / _TARGETS) for step in range(1, _TARGETS + 1))
    return tuple(sorted({_rounded(one) for one in steps}))


def dial_of(recorded: Recorded) -> float:
    """Lambda of regret, where nobody says: half of what would make the cheapest and the best model equals.

    Two significant digits; 0 where no dollars are recorded or the cheapest is the best.
    """
    ends = _ends(recorded)
    if ends is None:
        return 0.0
    (low, worse), (high, better) = ends
    return _rounded((better - worse) / (high - low) / 2)


def _ends(recorded: Recorded) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """(dollars, score) of the cheapest and of the best single model."""
    if not np.isfinite(recorded.costs).all():
        return None
    usd, score = recorded.costs.mean(axis=0).tolist(), recorded.scores.mean(axis=0).tolist()
    hull = hull_of(usd, score)
    first, last = hull[0], hull[-1]
    if usd[first] <= 0.0 or first == last:
        return None
    return (usd[first], score[first]), (usd[last], score[last])


def _rounded(value: float) -> float:
    return float(f"{value:.1e}")
