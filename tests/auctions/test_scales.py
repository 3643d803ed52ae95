"""Entropy on each agent's own scale: bounded, rising, never half of an auction, and said in the clearing."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions import SALE, family_of, standardised
from agora.auctions.greedy import GreedyCritical
from agora.auctions.scales import LEAST_PAST, entropies
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.auctions.vcg import VCG
from agora.bids import Amount, Bid, Clearing
from agora.protocols import Mechanism
from auctions.judged_bids import PURSE, made, seeds

figures = st.floats(min_value=0, max_value=1)
pasts = st.lists(figures, min_size=LEAST_PAST, max_size=30)


@given(value=figures, past=st.lists(st.floats(), max_size=30))
def test_a_scaled_entropy_is_between_zero_and_one_or_there_is_none(value: float, past: list[float]) -> None:
    past = [one if not math.isfinite(one) else min(1.0, max(0.0, one)) for one in past]
    scaled = standardised(value, past)
    usable = [one for one in past if math.isfinite(one)]
    assert (scaled is None) == (len(usable) < LEAST_PAST)
    assert scaled is None or 0 <= scaled <= 1


@given(low=figures, high=figures, past=pasts)
def test_more_entropy_is_never_less_on_the_own_scale(low: float, high: float, past: list[float]) -> None:
    low, high = sorted((low, high))
    one, other = standardised(low, past), standardised(high, past)
    assert one is not None
    assert other is not None
    assert one <= other


@given(past=st.lists(st.integers(min_value=0, max_value=100), min_size=LEAST_PAST, max_size=20), data=st.data())
def test_a_family_that_reads_lower_throughout_is_no_worse_for_it(past: list[int], data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(past))
    shifted = standardised((value + 100) / 400, [(one + 100) / 400 for one in past])
    assert standardised(value / 400, [one / 400 for one in past]) == pytest.approx(shifted, abs=1e-9)


def test_a_plan_like_all_before_is_in_the_middle() -> None:
    assert standardised(0.3, [0.3] * 5) == 0.5
    assert standardised(0.31, [0.3] * 5) == pytest.approx(0.8413447)
    assert standardised(0.9, [0.3] * 5) == 1.0


def test_both_forms_have_a_scale_of_their_own() -> None:
    nats = [1.2, 1.3, 1.4, 1.2, 1.4]
    assert standardised(2.5, nats) == 1.0
    assert standardised(1.4, nats) == pytest.approx(0.8413447)


def entropic(
    agent: str,
    entropy: float | None,
    *,
    family: str = "",
    form: Literal["top_k", "sampled"] | None = "top_k",
    scaled: float | None = None,
) -> Bid:
    """A bid at the one price, told apart by its entropy alone."""
    update = {"family": family, "entropy_form": form, "entropy_scaled": scaled}
    return made(agent, entropy=entropy).model_copy(update=update)


bids_of_a_pool = st.lists(
    st.builds(
        entropic,
        st.uuids().map(str),
        st.sampled_from([None, 0.1, 0.4, 0.4, 0.9]),
        family=st.sampled_from(["", "gpt", "gpt", "qwen"]),
        form=st.sampled_from(["top_k", "top_k", "top_k", "sampled", None]),
        scaled=st.sampled_from([None, 0.2, 0.5, 0.5, 0.8]),
    ),
    max_size=6,
)


@given(bids=bids_of_a_pool)
def test_an_auction_is_on_one_scale_for_all_or_entropy_is_left_out(bids: list[Bid]) -> None:
    values, notes = entropies(bids)
    measured, own = [bid.entropy for bid in bids], [bid.entropy_scaled for bid in bids]
    forms, families = {bid.entropy_form for bid in bids}, {bid.family for bid in bids}
    if None in measured:
        assert (values, notes) == (measured, ())
    elif len(forms) > 1:
        assert values == [None] * len(bids)
        assert "different forms" in notes[0]
    elif len(families) > 1:
        assert values == (measured if None in own else own)
        assert "several families" in notes[0]
    else:
        assert (values, notes) == (measured, ())
    assert len(notes) < 2


@given(bids=bids_of_a_pool, seed=seeds, data=st.data())
def test_what_is_said_of_the_scale_does_not_hang_on_arrival(bids: list[Bid], seed: int, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(bids))
    assert SALE().clear(shuffled, reserve=PURSE, seed=seed) == SALE().clear(bids, reserve=PURSE, seed=seed)


def cleared(*bids: Bid) -> Clearing:
    return SALE(jury=[]).clear(bids, reserve=PURSE, seed=1)


def test_one_family_counts_as_measured() -> None:
    clearing = cleared(entropic("low", 0.2, family="gpt", scaled=0.9), entropic("high", 0.4, family="gpt", scaled=0.1))
    assert [(one.agent, one.figures["entropy"]) for one in clearing.ranking] == [("high", 0.4), ("low", 0.2)]
    assert clearing.notes == ()


def test_several_families_count_on_their_own_scales_and_the_clearing_says_so() -> None:
    clearing = cleared(entropic("low", 0.2, family="gpt", scaled=0.9), entropic("high", 0.4, family="qwen", scaled=0.1))
    assert [(one.agent, one.figures["entropy"]) for one in clearing.ranking] == [("low", 0.9), ("high", 0.1)]
    assert clearing.notes == (
        "entropy is on each bidder's own scale, since the bidders are of several families (gpt, qwen)",
    )
    assert clearing.dropped == ()


def test_one_of_several_families_without_a_scale_leaves_all_as_measured_and_is_named() -> None:
    clearing = cleared(entropic("low", 0.2, family="gpt", scaled=0.9), entropic("high", 0.4, family="qwen"))
    assert [(one.agent, one.figures["entropy"]) for one in clearing.ranking] == [("high", 0.4), ("low", 0.2)]
    assert clearing.notes == (
        "entropy is as measured, though the bidders are of several families (gpt, qwen): too few past plans of high",
    )


def test_entropy_of_different_forms_is_dropped_and_the_clearing_says_so() -> None:
    clearing = cleared(entropic("low", 0.2), entropic("high", 0.4, form="sampled"))
    assert clearing.dropped == ("entropy",)
    assert clearing.weights == {"cost": 1.0}
    assert clearing.notes == ("entropy is left out: it was measured in different forms (sampled, top_k)",)


def test_who_is_not_admitted_has_no_say_in_the_scale() -> None:
    over = entropic("over", 0.4, form="sampled", family="qwen").model_copy(update={"price": Amount(value=Decimal(99))})
    clearing = cleared(entropic("low", 0.2, family="gpt"), entropic("high", 0.4, family="gpt"), over)
    assert (clearing.notes, clearing.dropped, set(clearing.refused)) == ((), (), {"over"})


def test_without_a_weight_for_entropy_nothing_is_said_of_it() -> None:
    bids = [entropic("low", 0.2, family="gpt"), entropic("high", 0.4, family="qwen", form="sampled")]
    clearing = SALE({"entropy": 0.0}, jury=[]).clear(bids, reserve=PURSE, seed=1)
    assert (clearing.notes, clearing.dropped) == ((), ())


@pytest.mark.parametrize("mechanism", [FirstScore(), SecondScore(), VCG(), GreedyCritical()], ids=lambda one: one.name)
def test_what_sale_says_of_the_scale_is_said_by_whoever_scores_with_it(mechanism: Mechanism) -> None:
    bids = [entropic("low", 0.2), entropic("high", 0.4, form="sampled")]
    assert "different forms" in mechanism.clear(bids, reserve=PURSE, seed=1).notes[0]


def test_a_long_list_of_families_is_cut() -> None:
    bids = [entropic(f"agent{n}", 0.2, family=f"family{n}") for n in range(9)]
    assert entropies(bids).notes[0].endswith("agent0, agent1, agent2, agent3, agent4 and 4 more")


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("openai/gpt-5-mini", "gpt"),
        ("gpt-4.1", "gpt"),
        ("ft:gpt-4o-mini:org::id", "gpt"),
        ("anthropic/claude-opus-4-8", "claude"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-v1:0", "claude"),
        ("local/smollm2-135m", "smollm"),
        ("ollama/qwen3:4b", "qwen"),
        ("openrouter/qwen/qwen3-32b", "qwen"),
        ("groq/llama-3.3-70b-versatile", "llama"),
        ("meta-llama/Meta-Llama-3.1-8B", "llama"),
        ("bedrock/meta.llama3-1-8b-instruct-v1:0", "llama"),
        ("local/2b", "2b"),
        ("", ""),
        ("/", ""),
    ],
)
def test_a_family_is_the_letters_a_models_name_begins_with(model: str, family: str) -> None:
    assert family_of(model) == family


@given(model=st.text(max_size=50))
def test_every_name_has_a_family_and_the_case_says_nothing(model: str) -> None:
    assert family_of(model) == family_of(f"provider/{model.lower()}")
    assert "/" not in family_of(model)


def test_one_past_plan_is_no_scale_even_if_asked_for() -> None:
    assert standardised(0.5, [0.4], least=1) is None
    assert standardised(0.5, [0.4, 0.6], least=1) == 0.5
