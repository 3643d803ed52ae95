"""What a diagnosis says: one form for the terminal and the JSON."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agora.values import Value

FORM = "agora.diagnose/1"


class Between(Value):
    """An estimate with its 95 % interval."""

    value: float
    """The estimate."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""


class Ceiling(Value):
    """What no choice among the models' answers can exceed: 1 - beta, beta the share of queries that no model solves.

    A query is solved where the score is at least 0.5. Not a bound for what makes new answers: a second sample, a model
    that reads the others' answers, a tool.
    """

    nobody: int = Field(ge=0)
    """Queries that no model solves."""
    queries: int = Field(ge=1)
    """Of so many."""
    beta: Between
    """Their share, with Clopper-Pearson limits."""
    solvable: Between
    """1 - beta, with the same limits turned round."""
    independent: float
    """What beta would be if the models failed independently of each other: the product of their failure rates."""


class ModelFigures(Value):
    """One model on the queries that all of them answered."""

    model: str
    """Its name."""
    score: float
    """Mean score, in [0, 1]."""
    usd: float | None
    """Mean dollars a query; None: not recorded."""
    solved: int
    """Queries with a score of at least 0.5."""
    alone: int
    """Queries that it solves and nobody else does."""
    rescues: int
    """Queries that it solves and the best single model does not."""
    worth: bool | None
    """Whether it is on the hull of single models: no other one, and no mix of two by lot, scores as much for as little.
    None: no dollars."""
    instead: tuple[str, ...] = ()
    """The one or two models that score more for no more dollars, where it is not worth its own."""


class Pair(Value):
    """How much two models fail on the same queries."""

    first: str
    """A model."""
    second: str
    """Another one."""
    correlation: float | None
    """Of their failures (phi), in [-1, 1]; None: one of them never fails, or always."""
    both_fail: int
    """Queries that both fail."""


class Step(Value):
    """The pool with so many models, each the one that adds most."""

    model: str
    """Who is added."""
    solvable: float
    """Share of queries that somebody of the pool solves."""


class Way(Value):
    """A simple way of choosing, measured on queries that it was not set up on (five folds)."""

    name: str
    """Which."""
    score: float
    """Mean score."""
    usd: float | None
    """Mean dollars a query; None: not recorded."""
    gain: Between
    """Score above the best single model, paired query by query."""
    saving: Between | None
    """Share of the best single model's dollars that it saves; None: no dollars."""


class Pool(Value):
    """What is to gain from choosing between models that all answered the same queries."""

    queries: int
    """How many."""
    best_single: str
    """Highest mean score; among equals the cheaper."""
    best_score: float
    """Its mean score."""
    best_usd: float | None
    """Its mean dollars a query."""
    oracle_score: float
    """The mean of each query's best score: the most that choosing can reach."""
    oracle_usd: float | None
    """Its dollars: each query at the cheapest model that has the best score; at the cheapest where nobody solves it."""
    gap: Between
    """Oracle less best single, paired."""
    ceiling: Ceiling
    """What no choice can exceed."""
    correlation: float | None
    """Mean over pairs of the correlation of failures; None: nobody fails, or there is one model."""
    models: tuple[ModelFigures, ...]
    """Highest score first."""
    enough: tuple[Step, ...]
    """The fewest models that reach the pool's ceiling, found greedily."""
    pairs: tuple[Pair, ...]
    """All pairs, the most different first."""
    ways: tuple[Way, ...]
    """What simple ways already get; empty: too few queries."""


class Spender(Value):
    """One model in a log."""

    model: str
    """Its name."""
    count: int
    """Calls, runs or attempts."""
    usd: float | None
    """All its dollars; None: not recorded."""
    share: float | None
    """Of all dollars of the log, in [0, 1]."""
    unpriced: int
    """Of `count`, those without dollars."""
    input_tokens: int | None
    """Tokens read; None: not recorded."""
    output_tokens: int | None
    """Tokens written; None: not recorded."""
    median_s: float | None
    """Median seconds; None: not recorded."""
    failed: int
    """Those of which nothing came."""
    failed_usd: float | None
    """Their dollars."""
    retries: int
    """Tries that the log counts besides."""
    scored: int
    """Those with a recorded score."""
    score: float | None
    """Mean of the recorded scores."""


class Spending(Value):
    """What a log says without anything being compared."""

    unit: str
    """What is counted: calls, runs, attempts."""
    count: int
    """How many."""
    usd: float | None
    """All dollars; None: not recorded."""
    listed: bool
    """Whether dollars are list prices times tokens, since the log holds none."""
    models: tuple[Spender, ...]
    """Most dollars first; without dollars, most counted first."""
    failures: Mapping[str, int] = Field(default_factory=dict)
    """Why nothing came of some, as the log words it -> how many; most first."""
    counts: Mapping[str, int] = Field(default_factory=dict)
    """What else this kind of log counts."""


class Diagnosis(Value):
    """What a path says about what there is to gain."""

    source: str
    """Its name."""
    reader: str
    """Which form it has."""
    spending: Spending | None = None
    """Of a log."""
    pool: Pool | None = None
    """Where models answered the same queries and it is known how well."""
    missing: tuple[str, ...] = ()
    """What cannot be said from it, and what would have to be recorded."""
    oddities: tuple[str, ...] = ()
    """What was handled while reading, with counts."""
    conclusion: str
    """One plain sentence."""
