"""Weights of a score, fitted to past tasks: min-max as SALE publishes it, in a bounded form, and regret to outcomes.

SALE (arXiv 2602.02751, Appendix D) fits its weights by a mixed-integer program: minimise Q over weights w, with Q no
less than any task's cost minus value of the bid chosen for it, F_ti . w, and big-M constraints (M = 10^4) around the
binary choice. As far as it is published, that program is ill-posed (the note in tests/auctions/test_fitting.py shows
each of these on generated tasks):

- With w free or w >= 0, its constraints and its objective are homogeneous in (w, M): nothing but M bounds w, and the
  optimum is M times that for M = 1.
- With sum w = 1, the weight of cost is 0: cost can only raise a score, so that moving its weight to any value term
  lowers every score.
- With a floor under each weight, cost sits on its floor, for the same reason. What cost weighs is then what somebody
  chose, and not what the tasks say; with cost and one value term, the tasks decide nothing at all.

So `fit_minmax` bounds what the publication leaves open and makes the floor of cost a knob, and `fit_regret` uses what
min-max ignores: whether work passed, and what it cost. Neither is known to beat uniform weights (docs/fitting.md).

Figures lie in [0, 1]; terms named in VALUE_TERMS lower a score, all others raise it. Nothing here reads a name: the
order of bids and of examples cannot move a fit by more than rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from agora.auctions.sale import VALUE_TERMS
from agora.auctions.simplex import Array, corners_of, least, least_on_line, least_worst
from agora.errors import ConfigError
from agora.values import Value

COST: Final = "cost"
"""The term that no score is without."""

_UNIT = Annotated[float, Field(ge=0, le=1)]


class Delivered(Value):
    """What a bidder's work came to."""

    passed: bool
    """Whether a grounded verifier passed it."""
    cost: float = Field(ge=0, le=1)
    """What it took, as a share of the dearest attempt among the examples."""


class PastBid(Value):
    """One bid of a past task."""

    figures: Mapping[str, _UNIT]
    """Term -> what was weighed, in [0, 1]; cost as a share of the largest among the examples."""
    delivered: Delivered | None = None
    """What came of it; None where it was not awarded, or nobody could say."""


class Example(Value):
    """One past task."""

    bids: tuple[PastBid, ...] = Field(min_length=1)
    """Every bid that was scored."""

    @property
    def tried(self) -> tuple[PastBid, ...]:
        """The bids whose outcome is known."""
        return tuple(bid for bid in self.bids if bid.delivered is not None)


class Fit(Value):
    """Fitted weights, for figures in [0, 1]."""

    weights: Mapping[str, float]
    """Term -> weight; the sum is 1."""
    objective: float
    """What was minimised, at these weights, on these examples."""
    bound: float | None
    """No weights within the floors have a lower objective than this; None: not known."""
    even: float
    """The objective at equal weights."""
    n: int
    """Examples that were used."""


def fit_minmax(
    examples: Sequence[Example], *, floor: float = 0.05, cost_floor: float | None = None, seed: int = 0
) -> Fit:
    """Minimise the worst task's best score, max_t min_i F_ti . w, over w_k >= floor, w_cost >= cost_floor, sum w = 1.

    No outcome enters. Since each x_ti of the published program is free, it takes the best bid of each task: this form
    is the program's, without M. The weights of cost and of all that counts against a bid come out at their floors.

    Args:
        examples: Past tasks; every bid has the same terms.
        floor: The least weight of a term, in [0, 1 / k].
        cost_floor: The least weight of cost; None: 1 / k.
        seed: Of the sample that the search begins with.

    Raises:
        ConfigError: No examples, differing terms, no cost, or floors that leave nothing.
    """
    terms = _terms(examples)
    floors = _floors(terms, floor, 1 / len(terms) if cost_floor is None else cost_floor)
    figures = _figures([example.bids for example in examples], terms)
    corners = corners_of(floors)
    free = [place for place, term in enumerate(terms) if term in VALUE_TERMS]
    found = least_worst(figures, corners[free] if free else corners, seed=seed)
    even = float(np.max(np.min(figures @ np.full(len(terms), 1 / len(terms)), axis=1)))
    weights = dict(zip(terms, found.weights.tolist(), strict=True))
    return Fit(weights=weights, objective=found.value, bound=found.bound, even=even, n=len(examples))


def fit_regret(
    examples: Sequence[Example],
    *,
    price: float,
    groups: Sequence[str] | None = None,
    mix: float = 0.25,
    floor: float = 0.05,
    seed: int = 0,
) -> Fit:
    """Minimise what the choice of the lowest score loses against the best choice in hindsight.

        U_ti = passed_ti - price x cost_ti          regret_t(w) = max_i U_ti - U_ti*,  i* = argmin_i F_ti . w
        objective = max_g mean_{t in g} regret_t + mix x mean_t regret_t

    Only bids whose outcome is known take part, and only tasks with two of them. With two terms the optimum is exact;
    with more it is the best of a seeded sample and its refinement. Equal scores go to the lower cost.

    Args:
        examples: Past tasks; every bid has the same terms.
        price: What the dearest attempt weighs against one pass, >= 0.
        groups: The group of each example, whose worst mean counts; None: all in one.
        mix: Weight of the mean over all tasks, >= 0.
        floor: The least weight of a term, in [0, 1 / k].
        seed: Of the samples.

    Raises:
        ConfigError: No task with two outcomes, differing terms, no cost, or figures out of their ranges.
    """
    if price < 0 or mix < 0:
        raise ConfigError("fit", f"price {price!r} and mix {mix!r} must be at least 0")
    if groups is not None and len(groups) != len(examples):
        raise ConfigError("fit", f"{len(groups)} groups for {len(examples)} examples: name one for each")
    terms = _terms(examples)
    places = [place for place, example in enumerate(examples) if len(example.tried) > 1]
    if not places:
        raise ConfigError("fit", "no task has two bids whose outcome is known: regret cannot be fitted to these tasks")
    tried = [_cheapest_first(examples[place].tried, price) for place in places]
    figures, regrets = _figures(tried, terms), _regrets(tried, price)
    shares = _shares([groups[place] if groups is not None else "" for place in places])

    def objective(points: Array) -> Array:
        chosen = np.argmin(np.round(figures @ points.T, 12), axis=1)
        lost = np.take_along_axis(regrets, chosen, axis=1)
        worst: Array = np.max(shares @ lost, axis=0)
        total: Array = worst + mix * np.mean(lost, axis=0)
        return total

    corners = corners_of(_floors(terms, floor, floor))
    found = least_on_line(objective, corners, figures) if len(terms) == 2 else None
    if found is None:
        found = least(objective, corners, seed=seed, width=figures.shape[0] * figures.shape[1])
    even = float(objective(np.full((1, len(terms)), 1 / len(terms)))[0])
    weights = dict(zip(terms, found.weights.tolist(), strict=True))
    return Fit(weights=weights, objective=found.value, bound=found.bound, even=even, n=len(places))


def score_of(bid: PastBid, weights: Mapping[str, float]) -> float:
    """F . w: the weighted figures with their signs; lower is better.

    >>> score_of(PastBid(figures={"cost": 0.5, "entropy": 0.25}), {"cost": 0.5, "entropy": 0.5})
    0.125
    """
    signed = ((-1 if term in VALUE_TERMS else 1) * weights[term] * figure for term, figure in bid.figures.items())
    return round(sum(signed), 12)


def utility_of(delivered: Delivered, price: float) -> float:
    """U: one for a pass, less the price of the cost."""
    return float(delivered.passed) - price * delivered.cost


def _cheapest_first(bids: Sequence[PastBid], price: float) -> list[PastBid]:
    """In the order in which equal scores are chosen: the lower cost, then the worse outcome."""
    return sorted(bids, key=lambda bid: (bid.figures[COST], _utility(bid, price)))


def _utility(bid: PastBid, price: float) -> float:
    return utility_of(bid.delivered, price) if bid.delivered else 0.0


def _terms(examples: Sequence[Example]) -> list[str]:
    if not examples:
        raise ConfigError("fit", "there are no examples: weights are fitted to past tasks")
    terms = set(examples[0].bids[0].figures)
    for place, example in enumerate(examples):
        for bid in example.bids:
            if set(bid.figures) != terms:
                raise ConfigError(
                    "fit", f"example {place} has the terms {sorted(bid.figures)}, example 0 has {sorted(terms)}"
                )
    if COST not in terms:
        raise ConfigError("fit", f"the terms {sorted(terms)} have no {COST!r}: add the figure of every bid's price")
    return sorted(terms)


def _floors(terms: Sequence[str], floor: float, cost_floor: float) -> list[float]:
    floors = [cost_floor if term == COST else floor for term in terms]
    if min(floors) < 0 or sum(floors) > 1 + 1e-12:
        raise ConfigError(
            "fit", f"floors {floor!r} and {cost_floor!r} for cost leave no weights of {len(terms)} terms: lower them"
        )
    return floors


def _figures(tasks: Sequence[Sequence[PastBid]], terms: Sequence[str]) -> Array:
    """Signed figures (t, i, k); a task with fewer bids has its first one again, which changes no minimum."""
    most = max(len(bids) for bids in tasks)
    signs = np.array([-1.0 if term in VALUE_TERMS else 1.0 for term in terms])
    filled = [[[bid.figures[term] for term in terms] for bid in _padded(bids, most)] for bids in tasks]
    figures: Array = np.array(filled, dtype=np.float64) * signs
    return figures


def _regrets(tasks: Sequence[Sequence[PastBid]], price: float) -> Array:
    """What each choice loses, (t, i)."""
    most = max(len(bids) for bids in tasks)
    values = np.array([[_utility(bid, price) for bid in _padded(bids, most)] for bids in tasks], dtype=np.float64)
    lost: Array = np.max(values, axis=1, keepdims=True) - values
    return lost


def _padded(bids: Sequence[PastBid], most: int) -> list[PastBid]:
    return [*bids, *[bids[0]] * (most - len(bids))]


def _shares(groups: Sequence[str]) -> Array:
    """(g, t): a row makes the mean over one group."""
    names = sorted(set(groups))
    member = np.array([[1.0 if group == name else 0.0 for group in groups] for name in names])
    shares: Array = member / member.sum(axis=1, keepdims=True)
    return shares
