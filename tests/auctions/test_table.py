"""Every claim in the table of mechanisms is checked: a yes as a property, a no by an instance."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agora.auctions
from agora import registry
from agora.auctions.claims import claims
from agora.auctions.posted_price import PostedPrice
from agora.auctions.properties import table
from agora.bids import Amount, Bid, Plan
from agora.protocols import Mechanism
from agora.testing import check_mechanism
from agora.testing.mechanism_table import END, START, with_table
from mechanism_cases import JURY, MECHANISMS, PURSE, Case, asking, bid, cases, gain, lying_gains

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mechanisms.md"
CLAIMS = claims()
BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}
every = st.sampled_from(MECHANISMS)
COLUMNS = ("individually_rational", "order_free", "name_free", "deterministic", "budget_kept")
LOTS = ("posted", "random")
"""Their lot hangs on the content, and so on the price; what is claimed of prices holds for each lot that is drawn."""


def yes(column: str) -> list[Mechanism]:
    return [mechanism for mechanism in MECHANISMS if getattr(CLAIMS[mechanism.name], column)]


def test_the_table_has_a_line_for_every_mechanism_that_agora_ships() -> None:
    assert set(CLAIMS) == set(registry.BUILT_IN["mechanisms"]) == set(BY_NAME)


def test_what_is_claimed_of_all_is_checked_for_all() -> None:
    assert all(yes(column) == MECHANISMS for column in COLUMNS)


@pytest.mark.parametrize("name", [*registry.BUILT_IN["mechanisms"]])
def test_every_mechanism_conforms_as_the_registry_makes_it(name: str) -> None:
    made = registry.find("mechanisms", name)
    assert callable(made)
    mechanism = cast("Mechanism", made())
    assert mechanism.name == name
    check_mechanism(mechanism)


@pytest.mark.parametrize("mechanism", yes("truthful"), ids=lambda one: one.name)
def test_truthful_no_misreport_of_cost_gains(mechanism: Mechanism) -> None:
    @settings(max_examples=500, deadline=None)
    @given(case=cases())
    def holds(case: Case) -> None:
        assert not lying_gains(mechanism, case, new_lot=mechanism.name not in LOTS)

    holds()


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if not claim.truthful])
def test_not_truthful_asking_more_than_the_cost_gains_here(name: str) -> None:
    same = {"entropy": 0.5, "confidence": 0.5}
    rivals = [bid("liar", 1, **same), bid("rival", 4, **same)]  # type: ignore[arg-type]
    mechanism = BY_NAME[name]
    lie = [asking(rivals[0], Decimal("3.9")), rivals[1]]
    if name == "always":
        lie = [asking(rivals[0], Decimal(9)), rivals[1]]  # the largest price wins
    gained = [
        gain(mechanism, lie, "liar", cost=Decimal(1), seed=seed)
        - gain(mechanism, rivals, "liar", cost=Decimal(1), seed=seed)
        for seed in range(5)
    ]
    assert max(gained) > 0


def test_the_lot_of_a_posted_price_cannot_be_steered_without_the_seed() -> None:
    rivals = [bid(name, 1) for name in ("a", "b", "c", "d")]

    def wins(price: int) -> int:
        told = [asking(rivals[0], Decimal(price)), *rivals[1:]]
        winners = Counter(PostedPrice().clear(told, reserve=PURSE, seed=seed).winner for seed in range(4000))
        return winners["a"]

    assert all(abs(wins(price) - 1000) < 5 * 750**0.5 for price in (0, 1, 3, 5))  # five standard deviations


@pytest.mark.parametrize("mechanism", yes("monotone"), ids=lambda one: one.name)
def test_monotone_a_lower_price_keeps_the_award(mechanism: Mechanism) -> None:
    @settings(max_examples=300, deadline=None)
    @given(case=cases(), tenths=st.integers(min_value=0, max_value=9))
    def holds(case: Case, tenths: int) -> None:
        before = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
        made = next((made for made in case.bids if made.agent == before.winner), None)
        if made is None or not made.price.value:
            return
        cheaper = asking(made, made.price.value * tenths / 10, new_lot=mechanism.name not in LOTS)
        bids = [cheaper if one is made else one for one in case.bids]
        assert mechanism.clear(bids, reserve=PURSE, seed=case.seed, jury=JURY).winner == before.winner

    holds()


@pytest.mark.parametrize("mechanism", yes("undisturbed"), ids=lambda one: one.name)
def test_undisturbed_a_bid_that_is_dearer_and_better_in_nothing_moves_no_award(mechanism: Mechanism) -> None:
    @settings(max_examples=300, deadline=None)
    @given(case=cases(), less=st.sampled_from([0.0, 0.5, 1.0]), lower=st.integers(0, 5), dearer=st.integers(1, 99))
    def holds(case: Case, less: float, lower: int, dearer: int) -> None:
        better = case.bids[case.place]
        low = better.standing.success_low * less
        worse = asking(better, better.price.value + Decimal(dearer) / 10).model_copy(
            update={
                "agent": "worse",
                "entropy": (better.entropy or 0.0) * less,
                "confidence": (better.confidence or 0.0) * less,
                "standing": better.standing.model_copy(update={"success_low": low}),
                "marks": {judge: max(0, mark - lower) for judge, mark in better.marks.items()},
            }
        )
        before = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
        after = mechanism.clear([*case.bids, worse], reserve=PURSE, seed=case.seed, jury=JURY)
        assert after.winner == before.winner

    holds()


def test_not_monotone_and_not_undisturbed_the_largest_wins_by_its_price_and_lots_fall_on_anybody() -> None:
    assert {name for name, claim in CLAIMS.items() if not claim.monotone} == {"always"}
    assert {name for name, claim in CLAIMS.items() if not claim.undisturbed} == {"always", *LOTS}
    pair, dearer = [bid("won", 4), bid("other", 3)], bid("worse", "4.5")

    def winner(name: str, bids: list[Bid], seed: int) -> str | None:
        return BY_NAME[name].clear(bids, reserve=PURSE, seed=seed).winner

    assert winner("always", pair, 1) == "won"
    assert winner("always", [asking(pair[0], Decimal(2)), pair[1]], 1) == "other"
    for name in ("always", *LOTS):
        assert "worse" in {winner(name, [*pair, dearer], seed) for seed in range(20)}


@given(mechanism=every, case=cases())
def test_individually_rational_and_within_the_budget(mechanism: Mechanism, case: Case) -> None:
    clearing = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    assert (clearing.payment is None) == (clearing.winner is None)
    if clearing.payment is not None:
        asked = next(made.price for made in case.bids if made.agent == clearing.winner)
        assert clearing.payment.unit == asked.unit
        assert asked.value <= clearing.payment.value <= PURSE.of(asked.unit)


@given(mechanism=every, case=cases(), data=st.data())
def test_order_free_and_deterministic(mechanism: Mechanism, case: Case, data: st.DataObject) -> None:
    first = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    assert mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY) == first
    shuffled = data.draw(st.permutations(case.bids))
    assert mechanism.clear(shuffled, reserve=PURSE, seed=case.seed, jury=JURY) == first


@given(mechanism=every, case=cases(), data=st.data())
def test_name_free(mechanism: Mechanism, case: Case, data: st.DataObject) -> None:
    new = data.draw(st.permutations([made.agent for made in case.bids]))
    renamed = [made.model_copy(update={"agent": name}) for made, name in zip(case.bids, new, strict=True)]
    before = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    after = mechanism.clear(renamed, reserve=PURSE, seed=case.seed, jury=JURY)
    became = dict(zip([made.agent for made in case.bids], new, strict=True))
    assert after.payment == before.payment
    assert after.winner == (None if before.winner is None else became[before.winner])


def test_deterministic_under_any_hash_seed_of_python() -> None:
    code = (
        "from hashlib import sha512; from mechanism_cases import JURY, MECHANISMS, PURSE, decoded\n"
        "for number in range(20):\n"
        "    case = decoded(number, sha512(str(number).encode()).digest())\n"
        "    for one in MECHANISMS:\n"
        "        clearing = one.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)\n"
        "        print(clearing.model_dump_json())\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert len(printed.pop().splitlines()) == 20 * len(MECHANISMS)


@given(mechanism=every, case=cases())
def test_all_refused_is_no_award_and_no_payment(mechanism: Mechanism, case: Case) -> None:
    beyond = [asking(made, PURSE.of(made.price.unit) + 1) for made in case.bids]
    clearing = mechanism.clear(beyond, reserve=PURSE, seed=case.seed, jury=JURY)
    assert (clearing.winner, clearing.payment, clearing.ranking) == (None, None, ())
    assert set(clearing.refused) == {made.agent for made in case.bids}


def test_no_module_of_a_mechanism_takes_the_place_of_a_name_that_the_package_gives() -> None:
    for module in pkgutil.iter_modules(agora.auctions.__path__, "agora.auctions."):
        importlib.import_module(module.name)
    assert not [name for name in agora.auctions.__all__ if isinstance(getattr(agora.auctions, name), ModuleType)]


def test_a_negative_price_is_no_amount() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Amount(value=Decimal(-1))
    with pytest.raises(ValueError, match="finite"):
        Amount(value=Decimal("NaN"))


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity"])
def test_a_price_that_is_none_is_refused_even_where_it_was_forced_into_a_bid(mechanism: Mechanism, value: str) -> None:
    forced = Amount.model_construct(value=Decimal(value), unit="usd")
    bids = [bid("forged", 1).model_copy(update={"price": forced}), bid("fair", 3)]
    clearing = mechanism.clear(bids, reserve=PURSE, seed=1)
    assert clearing.winner == "fair"
    assert clearing.refused == {"forged": f"asks {value} usd: a price is zero or more"}


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
def test_what_is_free_is_admitted_and_ranked(mechanism: Mechanism) -> None:
    clearing = mechanism.clear([bid("free", 0), bid("paid", 3)], reserve=PURSE, seed=1)
    assert {score.agent for score in clearing.ranking} == {"free", "paid"}


@given(mechanism=every, case=cases(), data=st.data())
def test_of_two_bids_of_one_agent_the_last_round_then_the_cheaper_counts_and_the_other_moves_nothing(
    mechanism: Mechanism, case: Case, data: st.DataObject
) -> None:
    made = case.bids[case.place]
    dearer = asking(made, made.price.value + 1)
    refined = made.model_copy(update={"round": 1})
    cheap_but_older = asking(made, made.price.value / 2)
    for bids, other in (
        (case.bids, dearer),
        ([*case.bids[: case.place], refined, *case.bids[case.place + 1 :]], cheap_but_older),
    ):
        alone = mechanism.clear(bids, reserve=PURSE, seed=case.seed, jury=JURY)
        both = data.draw(st.permutations([*bids, other]))
        assert mechanism.clear(both, reserve=PURSE, seed=case.seed, jury=JURY) == alone


@given(mechanism=every, case=cases())
def test_bids_that_are_alike_in_all_but_the_name_give_the_award_to_one_of_them_at_the_same_price(
    mechanism: Mechanism, case: Case
) -> None:
    made = case.bids[case.place]
    twins: list[Bid] = [made.model_copy(update={"agent": name}) for name in ("one", "two")]
    clearing = mechanism.clear(twins, reserve=PURSE, seed=case.seed, jury=JURY)
    other = mechanism.clear(twins[::-1], reserve=PURSE, seed=case.seed, jury=JURY)
    assert clearing == other
    if clearing.payment is not None and mechanism.name in ("second_score", "vcg", "greedy_critical"):
        assert abs(clearing.payment.value - made.price.value) <= Decimal("1e-12"), (
            "rivals that are alike compete to the cost"
        )


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
def test_a_plan_of_any_length_and_script_is_no_matter(mechanism: Mechanism) -> None:
    odd = bid("odd", 1).model_copy(update={"plan": Plan(text="\u202e\ud7ff\0 '; DROP TABLE bids" * 100)})
    assert mechanism.clear([odd], reserve=PURSE, seed=1).winner == "odd"


def test_the_page_shows_the_table_that_is_checked_here() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "write it again: python -m agora.testing.mechanism_table docs/mechanisms.md"
    assert table(CLAIMS) in text


def test_a_page_without_the_place_for_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place for the table"):
        with_table("nothing here")
    assert with_table(f"a\n{START}\nold\n{END}\nb") == f"a\n{START}\n{table(CLAIMS)}{END}\nb"
