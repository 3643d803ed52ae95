"""What every mechanism must show, as properties."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions import SALE, PostedPrice
from agora.bids import Bid, Reserve
from agora.errors import ConfigError
from agora.protocols import Mechanism
from mechanism_cases import MECHANISMS
from strategies import RESERVE, bid_lists

seeds = st.integers(min_value=0, max_value=2**62)
mechanisms = st.sampled_from(MECHANISMS)


@given(mechanism=mechanisms, bids=bid_lists(entropy=False), seed=seeds, data=st.data())
def test_the_order_of_arrival_cannot_move_an_award(
    mechanism: Mechanism, bids: list[Bid], seed: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(bids))
    assert mechanism.clear(shuffled, reserve=RESERVE, seed=seed) == mechanism.clear(bids, reserve=RESERVE, seed=seed)


@given(mechanism=mechanisms, bids=bid_lists(entropy=False), seed=seeds, data=st.data())
def test_names_cannot_move_an_award(mechanism: Mechanism, bids: list[Bid], seed: int, data: st.DataObject) -> None:
    new_names = data.draw(st.permutations([bid.agent for bid in bids]))
    renamed = [bid.model_copy(update={"agent": name}) for bid, name in zip(bids, new_names, strict=True)]
    before = mechanism.clear(bids, reserve=RESERVE, seed=seed).winner
    after = mechanism.clear(renamed, reserve=RESERVE, seed=seed).winner
    contents = {bid.agent: bid.content_hash for bid in bids}
    renamed_contents = {bid.agent: bid.content_hash for bid in renamed}
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert contents[before] == renamed_contents[after]


@given(mechanism=mechanisms, bids=bid_lists(entropy=False), seed=seeds)
def test_every_bid_is_ranked_or_refused_with_a_reason(mechanism: Mechanism, bids: list[Bid], seed: int) -> None:
    clearing = mechanism.clear(bids, reserve=RESERVE, seed=seed)
    ranked = {score.agent for score in clearing.ranking}
    assert ranked | set(clearing.refused) == {bid.agent for bid in bids}
    assert not ranked & set(clearing.refused)
    assert all(clearing.refused.values())


@given(mechanism=mechanisms, bids=bid_lists(), seed=seeds)
def test_nobody_is_paid_less_than_it_asked_or_more_than_the_reserve(
    mechanism: Mechanism, bids: list[Bid], seed: int
) -> None:
    clearing = mechanism.clear(bids, reserve=RESERVE, seed=seed)
    if clearing.payment is None:
        assert clearing.winner is None
        return
    asked = next(bid.price for bid in bids if bid.agent == clearing.winner)
    assert clearing.payment.unit == asked.unit
    assert asked.value <= clearing.payment.value <= RESERVE.of(asked.unit)


@given(bids=bid_lists(min_size=2), seed=seeds, other=st.decimals(min_value=0, max_value=10, places=4))
def test_no_bid_moves_the_score_of_another(bids: list[Bid], seed: int, other: Decimal) -> None:
    changed = [bids[0].model_copy(update={"price": bids[0].price.model_copy(update={"value": other})}), *bids[1:]]
    before = {score.agent: score.total for score in SALE().clear(bids, reserve=RESERVE, seed=seed).ranking}
    after = {score.agent: score.total for score in SALE().clear(changed, reserve=RESERVE, seed=seed).ranking}
    for name in set(before) & set(after) - {bids[0].agent}:
        assert before[name] == after[name]


@given(bids=bid_lists(), seed=seeds)
def test_a_score_is_the_sum_of_the_terms_it_prints(bids: list[Bid], seed: int) -> None:
    for score in SALE().clear(bids, reserve=RESERVE, seed=seed).ranking:
        assert score.total == pytest.approx(sum(score.terms.values()), abs=1e-9)
        assert 0 <= score.terms["cost"] <= 0.5
        assert -0.5 <= score.terms["entropy"] <= 0


@given(bids=bid_lists(min_size=2), seed=seeds)
def test_a_bid_without_entropy_drops_the_term_for_all(bids: list[Bid], seed: int) -> None:
    bids = [bid.model_copy(update={"price": bid.price.model_copy(update={"value": Decimal(1)})}) for bid in bids]
    silent = [bids[0].model_copy(update={"entropy": None}), *bids[1:]]
    clearing = SALE().clear(silent, reserve=RESERVE, seed=seed)
    assert clearing.dropped == ("entropy",)
    assert clearing.weights == {"cost": 1.0}
    assert all(set(score.terms) == {"cost"} for score in clearing.ranking)


def test_an_empty_purse_refuses_all_that_cost_and_keeps_what_is_free() -> None:
    from agora.bids import Amount, Plan

    def bid(name: str, value: int) -> Bid:
        price = Amount(value=Decimal(value))
        return Bid(agent=name, plan=Plan(text="x"), length_tokens=1, projected_tokens=1, price=price, content_hash=name)

    clearing = SALE().clear([bid("paid", 1), bid("free", 0)], reserve=Reserve(), seed=1)
    assert clearing.winner == "free"
    assert "no more than 0" in clearing.refused["paid"]


@pytest.mark.parametrize("weights", [{"cost": 0.0}, {"entropy": -1.0}, {"charm": 1.0}])
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="weights"):
        SALE(weights)


def test_bidding_below_the_posted_price_does_not_change_what_is_paid() -> None:
    from agora.bids import Amount, Plan

    def bid(value: str) -> Bid:
        price = Amount(value=Decimal(value))
        return Bid(agent="a", plan=Plan(text="x"), length_tokens=1, projected_tokens=1, price=price, content_hash="h")

    payments = {
        clearing.payment.value
        for value in ("0.1", "2", "4.9")
        if (clearing := PostedPrice(0.5).clear([bid(value)], reserve=RESERVE, seed=3)).payment
    }
    assert payments == {Decimal(5)}
