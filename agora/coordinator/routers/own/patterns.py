"""What a few models answered on remembered queries, as states: who was asked, who agree, what kind of answer each gave.

A state is one number for a set of models; the tables behind it hold all tags at once, and everything besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from agora.coordinator.routers.answers import KINDS

if TYPE_CHECKING:
    from agora.coordinator.routers.own.pool import Pool
    from agora.coordinator.routers.seam import Matrix, Places, Vector

DEPTH: Final = 4
"""The most models that are asked about one query."""
BELIEVED: Final = 40.0
"""How many queries the prior of a state's success counts for."""
MOVED: Final = 20.0
"""How many queries the share over all tags counts for, in where a call leads to."""
TELLING: Final = 0.7
"""How much of what agreement tells over all tags is believed on one."""
_OVERALL: Final = 3.0

Set: TypeAlias = tuple[int, ...]
"""Models by number, ascending."""


class States:
    """All that was met after some models were asked.

    Args:
        codes: Of each remembered query, (n,).
        group: The tag of each, in [0, tags), (n,).
        tags: How many tags.
    """

    def __init__(self, codes: Places, group: Places, tags: int) -> None:
        import numpy as np

        self._codes, self.at = np.unique(codes, return_inverse=True)
        self._place = {int(code): place for place, code in enumerate(self._codes)}
        self.met = counted(self.at, group, tags, len(self._codes))
        """Queries, the last row of all tags, (tags + 1, states)."""
        self.stop: Matrix = np.zeros((tags + 1, len(self._codes), 0))
        """How likely each of the models is right, (tags + 1, states, asked)."""

    def place(self, code: int) -> int:
        """Where a state stands; -1: it was never met."""
        return self._place.get(code, -1)


class Step(NamedTuple):
    """Where one more call leads to; a row for each tag and one for all of them."""

    asked: Set
    """Who was asked then."""
    to: Places
    """States after it, in the order of those before it, (pairs,)."""
    first: Places
    """Where those of each state before it begin, (states,)."""
    share: Matrix
    """How likely, (tags + 1, pairs)."""


class Patterns:
    """States and steps of one log.

    Args:
        pool: What is remembered.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool, self._tags = pool, len(pool.tags)
        m = len(pool.arms)
        self._states = {asked: self._made(asked) for size in range(DEPTH + 1) for asked in combinations(range(m), size)}
        self._steps = {
            (asked, number): self._step(asked, number)
            for asked in self._states
            for number in range(m)
            if number not in asked and len(asked) < DEPTH
        }

    def of(self, asked: Set) -> States:
        """States after these were asked."""
        return self._states[asked]

    def step(self, asked: Set, number: int) -> Step:
        """What asking one more leads to."""
        return self._steps[asked, number]

    def sets(self, size: int, present: Sequence[int]) -> Sequence[Set]:
        """All sets of so many of those who are here."""
        return tuple(combinations(present, size))

    def _made(self, asked: Set) -> States:
        import numpy as np

        pool, columns = self._pool, list(asked)
        agreed = agreement(pool.answer[:, columns])
        codes = agreed
        for column in columns:
            codes = codes * KINDS + pool.kind[:, column]
        states = States(codes, pool.group, self._tags)
        if not asked:
            return states
        right, size = pool.right[:, columns], len(states.met[0])
        hits = np.stack([counted(states.at, pool.group, self._tags, size, right[:, at]) for at in range(len(asked))], 2)
        shown = np.zeros(size, dtype=np.intp)
        shown[states.at] = np.arange(len(codes))  # a query that stands for each state
        prior = np.stack([pool.credible[:, column][:, pool.kind[shown, column]] for column in columns], axis=2)
        if len(asked) > 1:
            prior = expit(logit(prior) + TELLING * _told(agreed, right)[shown][None])
        states.stop = (hits + BELIEVED * prior) / (states.met[:, :, None] + BELIEVED)
        return states

    def _step(self, asked: Set, number: int) -> Step:
        import numpy as np

        then = tuple(sorted((*asked, number)))
        before, after = self._states[asked], self._states[then]
        size = after.met.shape[1]
        pairs, at = np.unique(before.at * size + after.at, return_inverse=True)
        source, to = pairs // size, pairs % size
        met = counted(at, self._pool.group, self._tags, len(pairs))
        overall = met[-1] / before.met[-1, source]
        share = (met + MOVED * overall) / (before.met[:, source] + MOVED)
        return Step(then, to, np.flatnonzero(np.diff(source, prepend=-1)), share)


def code_of(answers: Sequence[str | None], kinds: Sequence[int]) -> int:
    """The number of the state that some answers make, in the order of their models."""
    code = 0
    for place, answer in enumerate(answers):
        code = code * (place + 1) + answers.index(answer) if place else 0
    for kind in kinds:
        code = code * KINDS + kind
    return code


def agreement(answers: Places) -> Places:
    """Who agree, as a number: of each model the first with the same answer, in mixed radix, (n,).

    Args:
        answers: Equal numbers are equal answers, (n, asked).
    """
    import numpy as np

    code = np.zeros(len(answers), dtype=np.intp)
    for place in range(1, answers.shape[1]):
        same = answers[:, : place + 1] == answers[:, place : place + 1]
        code = code * (place + 1) + np.argmax(same, axis=1)
    return code


def counted(at: Places, group: Places, tags: int, size: int, weights: Vector | None = None) -> Matrix:
    """Sums by tag and place, the last row over all tags, (tags + 1, size)."""
    import numpy as np

    found = np.bincount(group * size + at, weights, (tags + 1) * size).reshape(tags + 1, size).astype(np.float64)
    found[tags] = np.bincount(at, weights, size)
    return found


def logit(chance: Matrix) -> Matrix:
    """Log odds, of chances within [.01, .99]."""
    import numpy as np

    inside = np.clip(chance, 0.01, 0.99)
    odds: Matrix = np.log(inside / (1.0 - inside))
    return odds


def expit(odds: Matrix) -> Matrix:
    """The chance of log odds."""
    import numpy as np

    chance: Matrix = 1.0 / (1.0 + np.exp(-odds))
    return chance


def _told(agreed: Places, right: Matrix) -> Matrix:
    """Log odds that the pattern of each query adds to those of each model over all tags, (n, asked)."""
    import numpy as np

    size, overall = int(agreed.max()) + 1, right.mean(axis=0)
    hits = np.stack([np.bincount(agreed, column, size) for column in right.T], axis=1)
    chance = (hits + _OVERALL * overall) / (np.bincount(agreed, minlength=size)[:, None] + _OVERALL)
    told: Matrix = (logit(chance) - logit(overall))[agreed]
    return told
