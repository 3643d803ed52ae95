"""What a router is told, what it answers, and what it must be able to do.

A router is a learner with state: what it knows follows from the calls of `fit` and `learn` in their order, and `choose`
changes nothing. All chance comes in as one draw. Costs are dollars, or shares of what a task may cost: any unit, as
long as it is the same everywhere; `dial` is in reward for one such unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from typing_extensions import Protocol, runtime_checkable

from agora.values import JsonValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float64]"
Matrix: TypeAlias = "npt.NDArray[np.float64]"
Places: TypeAlias = "npt.NDArray[np.intp]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"
Answers: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.object_]]"


class Query(NamedTuple):
    """A task as a router sees it before anybody has tried it."""

    x: Vector
    """Its text as a vector of length 1 (or 0, of an empty text), (d,)."""
    tag: str = ""
    """What its owner says it is: a skill, a benchmark's name; empty: nothing."""
    text: str = ""
    """As it was posted. It is not there when its outcome is learned from."""
    size: float = 0.0
    """Characters of the whole prompt."""
    checked: bool = False
    """Whether a check follows each answer, so that a failed one can be tried again elsewhere."""


class Arms:
    """Who may be asked, in an order that no name decides; made once for as long as nothing about them changes.

    Args:
        keys: What the record of each is kept by, nobody twice, (m,).
        cost: What a query is expected to cost at each, as declared or measured elsewhere; NaN: unknown, (m,).
        latency_s: Seconds of an answer; NaN: unknown, (m,).
        load: Share of its places that are taken, in [0, 1], (m,).
        similarity: How well what it says it can do fits the query, in [0, 1]; NaN: unknown, (m,).
        advice: How much a model that was asked favours it, in [0, 1]; NaN: nobody was asked, (m,).
    """

    __slots__ = ("advice", "cost", "keys", "latency_s", "load", "similarity")

    def __init__(
        self,
        keys: Sequence[str],
        *,
        cost: Vector | None = None,
        latency_s: Vector | None = None,
        load: Vector | None = None,
        similarity: Vector | None = None,
        advice: Vector | None = None,
    ) -> None:
        import numpy as np

        unknown = np.full(len(keys), np.nan)
        self.keys = tuple(keys)
        self.cost = unknown if cost is None else cost
        self.latency_s = unknown if latency_s is None else latency_s
        self.load = np.zeros(len(keys)) if load is None else load
        self.similarity = unknown if similarity is None else similarity
        self.advice = unknown if advice is None else advice

    def __len__(self) -> int:
        return len(self.keys)


class Outcome(NamedTuple):
    """What became of a query at an arm."""

    score: float
    """How good it was, in [0, 1]; a hard failure is 0."""
    cost: float | None = None
    """What it took; None: unknown."""
    latency_s: float | None = None
    """Seconds; None: unknown."""


class Log(NamedTuple):
    """Outcomes of every arm on every query: full information."""

    queries: Sequence[Query]
    """(n,)"""
    arms: Arms
    """(m,)"""
    scores: Matrix
    """In [0, 1]; NaN: unknown, (n, m)."""
    costs: Matrix
    """NaN: unknown, (n, m)."""
    answers: Answers | None = None
    """What each answered, a string in a form that equal answers share (`answers.canonical`), or None, (n, m)."""


class Choice(NamedTuple):
    """Who is asked, and who after it."""

    order: Sequence[int]
    """Positions of the arms, the best first; everyone once."""
    chances: Vector
    """Probability of each of being the first, (m,); sum 1."""
    terms: Mapping[str, Vector] = {}
    """The figures behind it by name, (m,) each: success, cost, index, ..."""
    rungs: int = 1
    """How many of the order are worth asking, one after another, where a check follows each and says that it failed."""
    note: str = ""
    """What else decided, in words."""


class Router(Protocol):
    """Chooses among arms, and learns from what came of it; arms may come and go between calls."""

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """Rank all arms; a pure function of the arguments and of what is known.

        Args:
            query: For whom.
            arms: Among whom; at least one.
            dial: Reward that one unit of cost takes away, >= 0: another frontier point without another fit.
            draw: All the chance there is, in [0, 1).
        """
        ...

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Take in one outcome, of whoever's choice: bandit feedback."""
        ...

    def fit(self, log: Log) -> None:
        """Take in a log with full information, before anything else."""
        ...

    def saved(self) -> JsonValue:
        """All that it knows."""
        ...

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave (`restoring.whole` around it does what is promised here).

        Raises:
            LedgerError: Another version of it wrote that, or it is damaged; nothing has changed.
        """
        ...


class Seen(NamedTuple):
    """One answer that was paid for while a query is worked at."""

    place: int
    """Position of the arm that gave it."""
    passed: bool | None = None
    """What the check said; None: there is none."""
    answer: str | None = None
    """The answer in a form that equal answers share; None: nobody looks at it."""


class Move(NamedTuple):
    """What is done next with a query."""

    ask: int | None = None
    """Position of the arm that is asked; None: nobody any more."""
    hand_in: int | None = None
    """Where nobody is asked: which of the answers, by its place in what was seen."""


@runtime_checkable
class Escalating(Protocol):
    """A router that looks at what it has before it asks the next one, or hands in."""

    def proceed(self, query: Query, arms: Arms, seen: Sequence[Seen], *, dial: float, draw: float) -> Move:
        """The next move; a pure function as `choose` is. With nothing seen it asks somebody."""
        ...
