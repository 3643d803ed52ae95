"""Entropy follows its formula, and a seal measures what a bidder could misstate."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions import plan_entropy, plan_length, seal
from agora.auctions.sealing import PLAN_CAP_TOKENS
from agora.bids import Plan, Price
from agora.messages import TokenLogprob
from agora.tasks import Usage
from strategies import plans, prices


def token(*probabilities: float) -> TokenLogprob:
    logs = tuple(math.log(p) for p in probabilities)
    return TokenLogprob(token="x", logprob=logs[0], top=logs)


def test_a_certain_token_has_no_entropy() -> None:
    assert plan_entropy([token(1.0)]) == 0.0


def test_uniform_mass_over_all_alternatives_and_the_rest_has_entropy_one() -> None:
    assert plan_entropy([token(0.25, 0.25, 0.25)]) == pytest.approx(1.0)


def test_the_rest_mass_counts() -> None:
    by_hand = -(0.5 * math.log(0.5) + 0.2 * math.log(0.2) + 0.3 * math.log(0.3)) / math.log(3)
    assert plan_entropy([token(0.5, 0.2)]) == pytest.approx(by_hand)


def test_without_alternatives_there_is_no_entropy() -> None:
    assert plan_entropy([]) is None
    assert plan_entropy([TokenLogprob(token="x", logprob=-1.0)]) is None


@given(rows=st.lists(st.lists(st.floats(min_value=-30, max_value=5), min_size=1, max_size=20), min_size=1, max_size=20))
def test_entropy_stays_between_zero_and_one_whatever_a_provider_sends(rows: list[list[float]]) -> None:
    value = plan_entropy([TokenLogprob(token="x", logprob=row[0], top=tuple(row)) for row in rows])
    assert value is not None
    assert 0.0 <= value <= 1.0


@given(plan=plans, price=prices)
def test_a_seal_cuts_the_plan_and_never_projects_beyond_the_limit(plan: Plan, price: Price) -> None:
    bid = seal("a", plan, price, entropy=None, token_limit=50_000, usage=Usage())
    assert bid.length_tokens <= PLAN_CAP_TOKENS
    assert bid.projected_tokens == plan.tokens if plan.tokens is not None else bid.projected_tokens <= 50_000
    assert bid.price.unit == price.unit


def test_a_plan_of_full_length_projects_to_the_whole_token_limit() -> None:
    bid = seal(
        "a",
        Plan(text="x" * 1600),
        Price(input_per_mtok=Decimal(4), output_per_mtok=Decimal(4)),
        entropy=None,
        token_limit=250_000,
        usage=Usage(),
    )
    assert bid.projected_tokens == 250_000
    assert bid.price.value == Decimal(1)


def test_the_content_hash_is_the_same_under_another_name() -> None:
    plan, price = Plan(text="do it", terms={"samples": 2}), Price(per_task=Decimal(1))
    one = seal("a", plan, price, entropy=0.1, token_limit=10, usage=Usage())
    other = seal("b", plan, price, entropy=0.1, token_limit=10, usage=Usage(steps=3))
    assert one.content_hash == other.content_hash


@given(text=st.text())
def test_length_is_characters_over_four(text: str) -> None:
    assert plan_length(text) == max(1, math.ceil(len(text) / 4))
