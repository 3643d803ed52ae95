"""Past tasks for the tests of fitted weights: drawn from a seed, or by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from agora.auctions.fitting import Delivered, Example, PastBid

TERMS = ("cost", "entropy", "jury")

units = st.integers(min_value=0, max_value=100).map(lambda hundredths: hundredths / 100)


def drawn_tasks(seed: int, *, tasks: int, bids: int, terms: Sequence[str] = TERMS) -> list[Example]:
    """Tasks of which the jury knows something and the entropy nothing; every bidder's work is known."""
    chance = np.random.default_rng(seed)

    def bid() -> PastBid:
        figures = {term: float(chance.uniform()) for term in terms}
        passed = bool(chance.uniform() < 0.1 + 0.8 * figures.get("jury", 0.5))
        return PastBid(figures=figures, delivered=Delivered(passed=passed, cost=figures["cost"]))

    return [Example(bids=tuple(bid() for _ in range(bids))) for _ in range(tasks)]


@st.composite
def past_bids(draw: st.DrawFn, terms: Sequence[str] = TERMS) -> PastBid:
    """A bid whose work is known."""
    delivered = Delivered(passed=draw(st.booleans()), cost=draw(units))
    return PastBid(figures={term: draw(units) for term in terms}, delivered=delivered)


@st.composite
def past_tasks(draw: st.DrawFn, terms: Sequence[str] = TERMS, *, least_bids: int = 1) -> list[Example]:
    """A few tasks with as many bids as come."""
    one = st.lists(past_bids(terms), min_size=least_bids, max_size=4).map(lambda bids: Example(bids=tuple(bids)))
    return draw(st.lists(one, min_size=1, max_size=6))


@st.composite
def weights_above(draw: st.DrawFn, floors: Sequence[float]) -> list[float]:
    """Weights that sum up to 1, each at least its floor."""
    parts = [draw(st.integers(min_value=0, max_value=1000)) for _ in floors]
    total = sum(parts) or 1
    slack = 1 - sum(floors)
    if not sum(parts):
        parts[0] = 1
    return [floor + slack * part / total for floor, part in zip(floors, parts, strict=True)]
