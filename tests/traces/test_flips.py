"""The smallest changes that would have flipped an award flip it, and less does not: each is tried on the rule."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from agora.auctions import SALE
from agora.bids import Amount, Bid, Clearing, Juror, Plan, Reserve, Standing
from agora.traces.flips import Flip, flips_of, smallest

RESERVE = Reserve(usd=Decimal(1))
JURY = {"j": Juror(operator="judge")}
WEIGHTS = {"cost": 0.4, "entropy": 0.2, "jury": 0.3, "record": 0.1}
A_BIT = 1e-6


def bid(agent: str, usd: str, *, entropy: float, mark: int, passed: int) -> Bid:
    standing = Standing(tried=20, passed=passed, success_low=passed / 20)
    return Bid(
        agent=agent,
        plan=Plan(text=f"plan of {agent}"),
        length_tokens=1,
        projected_tokens=1,
        price=Amount(value=Decimal(usd)),
        entropy=entropy,
        entropy_form="top_k",
        standing=standing,
        marks={"j": mark},
        operator=agent,
        content_hash=agent,
    )


def cleared(bids: list[Bid], weights: dict[str, float]) -> Clearing:
    return SALE(weights=weights).clear(bids, reserve=RESERVE, seed=1, jury=JURY)


@st.composite
def pairs(draw: st.DrawFn) -> list[Bid]:
    """Two bids with a clear winner."""
    prices = st.decimals("0.01", "0.9", places=3)
    return [
        bid(
            name,
            str(draw(prices)),
            entropy=draw(st.floats(0.1, 0.9)),
            mark=draw(st.integers(0, 5)),
            passed=draw(st.integers(0, 20)),
        )
        for name in ("ada", "ben")
    ]


def other(flip: Flip, bids: list[Bid], *, past: float) -> str | None:
    """Who wins when the change is made and goes so much further than its bound (below 0: not as far)."""
    step = past if flip.more else -past
    bound = flip.bound + step
    weights = dict(WEIGHTS)
    if flip.what == "weight":
        weights[flip.term] = bound
    changed: list[Bid] = []
    for one in bids:
        update: dict[str, object] = {}
        if one.agent == flip.agent and flip.what == "price":
            update["price"] = one.price.model_copy(update={"value": Decimal(repr(bound))})
        if one.agent == flip.agent and flip.what == "figure":
            update["standing"] = one.standing.model_copy(update={"success_low": bound})
        changed.append(one.model_copy(update=update))
    return cleared(changed, weights).winner


@given(pairs())
def test_past_its_bound_each_change_flips_the_award_and_short_of_it_none_does(bids: list[Bid]) -> None:
    clearing = cleared(bids, WEIGHTS)
    first, second = clearing.ranking
    assume(second.total - first.total > 1e-4)
    for flip in flips_of(clearing, reserve=RESERVE):
        assert flip.agent == second.agent
        if flip.what == "jury":  # the value of a jury is made of marks: its bound is checked by the sum alone
            value = second.total - WEIGHTS["jury"] * (flip.bound - second.figures["jury"])
            assert abs(value - first.total) < 1e-9
            continue
        assume(flip.bound > 2 * A_BIT and (flip.what != "figure" or flip.bound < 1 - 2 * A_BIT))
        slope = 1.0 if flip.what != "weight" else abs(second.figures[flip.term] - first.figures[flip.term])
        assume(slope > 1e-3)
        assert other(flip, bids, past=A_BIT) == second.agent
        assert other(flip, bids, past=-A_BIT) == first.agent


@given(pairs())
def test_they_come_in_the_order_of_their_relative_size_one_of_each_kind(bids: list[Bid]) -> None:
    found = flips_of(cleared(bids, WEIGHTS), reserve=RESERVE)
    shares = [flip.share for flip in found]
    assert shares == sorted(shares)
    kinds = [(flip.what, "" if flip.what == "weight" else flip.term) for flip in smallest(found)]
    assert len(kinds) == len(set(kinds))


def test_a_single_bid_has_nothing_to_be_turned_by() -> None:
    assert flips_of(cleared([bid("ada", "0.1", entropy=0.5, mark=3, passed=3)], WEIGHTS), reserve=RESERVE) == ()
