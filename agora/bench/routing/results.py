"""What a bench of routers says: one form for the table, the JSON file and the page."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agora.values import Value

FORM = "agora.bench.routing/1"


class Span(Value):
    """An estimate with its 95 % interval: a paired bootstrap over queries, or over seeds where it says so."""

    value: float
    """The estimate."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""


class Point(Value):
    """A policy at one setting of its dial, measured on queries that it was not fitted on."""

    setting: str
    """What the dial was set by: "lambda 12", or "at most $0.0010 on the fitting part"."""
    money_usd: float | None = None
    """Dollars a query that the dial was set for, on the fitting part; None: the dial itself was given."""
    dial: float = Field(ge=0)
    """Reward a dollar takes away, in score; the mean over folds."""
    score: float
    """Mean score."""
    usd: float | None
    """Mean dollars a query; None: no dollars are recorded."""
    usd_per_solved: float | None = None
    """Dollars for one unit of score; None: nothing was solved, or no dollars are recorded."""
    dearest_share: float | None = None
    """Share of queries that went to the model with the highest mean cost; None: no dollars are recorded."""
    gain: Span | None = None
    """Score above the lookup table by tag at the same money."""
    calls: float = 1.0
    """Models asked a query."""


class Entry(Value):
    """All of one policy under one protocol."""

    policy: str
    """By its name."""
    kind: str = "policy"
    """"policy", "baseline" or "bound"."""
    protocol: str = "full"
    """"full", "cold", "warm", "drift ...", "budget ...", "check .9", "arrivals"."""
    points: tuple[Point, ...] = ()
    """Its frontier."""
    regret: Span | None = None
    """Cumulative regret against the oracle of each query, at the stated lambda, over seeds."""
    regret_best_single: Span | None = None
    """The same against the best single model."""
    area: float | None = None
    """Area between its frontier and the convex hull of single models, as a share of the box that spans them."""
    gap_captured: float | None = None
    """(its score - best single) / (oracle - best single), at the dearest point."""
    us_a_decision: float | None = None
    """Median microseconds of `choose`."""
    us_to_learn: float | None = None
    """Median microseconds of `learn`."""
    fit_s: float | None = None
    """Seconds of `fit` on one fitting part."""
    figures: Mapping[str, float] = Field(default_factory=dict)
    """What else the protocol measures: share of the budget spent, queries refused, seconds in the queue, ..."""
    note: str = ""
    """Why it has no figures, or what to know about them."""
    failed: bool = False
    """Whether an error ended it, which `note` then names: there are no figures, and it is not kept."""


class Report(Value):
    """One source, all policies."""

    form: str = FORM
    """Which form this is."""
    source: str
    """The data's name."""
    queries: int
    """How many."""
    models: int
    """How many."""
    seeds: int
    """Shuffles of the bandit protocols."""
    dial: float
    """Lambda of regret: score a dollar is worth."""
    money: tuple[float, ...] = ()
    """Dollars a query at which policies are compared."""
    features: str
    """How texts became vectors."""
    entries: tuple[Entry, ...]
    """Baselines first."""
    ceiling: Span | None = None
    """The most that choosing one of each query's answers scores. Where each score is 0 or 1 and nothing was tried
    twice: 1 - beta, with Clopper-Pearson limits; nobody exceeds it. Else the oracle's mean, by bootstrap."""
    solvable: Span | None = None
    """Share of queries at which some model reaches half of a score, with Clopper-Pearson limits; None: that is
    `ceiling`."""
    oddities: tuple[str, ...] = ()
    """What was handled while reading."""
    conclusion: str = ""
    """One plain sentence."""
