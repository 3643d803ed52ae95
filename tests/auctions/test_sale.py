"""SALE: what moves an award and what cannot, every term by hand, options that are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agora.abilities import Juried
from agora.auctions import SALE, ballot_for
from agora.auctions.sale import DEFAULT_WEIGHTS
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.bids import Amount, Bid, Clearing, Juror, Plan, Reserve, Standing
from agora.cli.definitions import load_mechanism
from agora.errors import ConfigError
from agora.protocols import Mechanism
from agora.tasks import Usage
from auctions.judged_bids import ALL_TERMS, PURSE, Auction, auctions, made, marks

ROOT = Path(__file__).parents[2]
JUDGES = {name: Juror(operator=name) for name in ("a", "b", "c")}

weights = st.fixed_dictionaries(
    {term: st.integers(min_value=int(term == "cost"), max_value=4).map(float) for term in ALL_TERMS}
)
sales = st.builds(SALE, weights, dial=st.sampled_from([0.0, 0.2, 0.5, 0.5, 1.0]), slack=st.integers(0, 5))


def clear(sale: SALE, auction: Auction, bids: list[Bid] | None = None) -> Clearing:
    return sale.clear(auction.bids if bids is None else bids, reserve=PURSE, seed=auction.seed, jury=auction.jury)


def winning_content(clearing: Clearing, bids: list[Bid]) -> str | None:
    return next((bid.content_hash for bid in bids if bid.agent == clearing.winner), None)


def changed(bids: list[Bid], agent: str | None, update: Mapping[str, object]) -> list[Bid]:
    return [bid.model_copy(update=update) if bid.agent == agent else bid for bid in bids]


@given(sale=sales, auction=auctions(), data=st.data())
def test_arrival_moves_nothing(sale: SALE, auction: Auction, data: st.DataObject) -> None:
    shuffled = [
        bid.model_copy(update={"marks": {name: bid.marks[name] for name in sorted(bid.marks, reverse=True)}})
        for bid in data.draw(st.permutations(auction.bids))
    ]
    backwards = {name: auction.jury[name] for name in sorted(auction.jury, reverse=True)}
    assert sale.clear(shuffled, reserve=PURSE, seed=auction.seed, jury=backwards) == clear(sale, auction)


@given(sale=sales, auction=auctions(), data=st.data())
def test_names_of_bidders_and_judges_move_no_award(sale: SALE, auction: Auction, data: st.DataObject) -> None:
    agents = data.draw(st.permutations([bid.agent for bid in auction.bids]))
    judges = dict(zip(auction.jury, data.draw(st.permutations([f"new {name}" for name in auction.jury])), strict=True))
    operators = {name: f"somebody else than {name}" for name in ("north", "east", "south", "west", "nobody")}
    renamed = [
        bid.model_copy(
            update={
                "agent": agent,
                "operator": operators[bid.operator],
                "marks": {judges[name]: mark for name, mark in bid.marks.items()},
            }
        )
        for bid, agent in zip(auction.bids, agents, strict=True)
    ]
    jury = {
        judges[name]: juror.model_copy(update={"operator": operators[juror.operator]})
        for name, juror in auction.jury.items()
    }
    before = clear(sale, auction)
    after = sale.clear(renamed, reserve=PURSE, seed=auction.seed, jury=jury)
    assert winning_content(before, auction.bids) == winning_content(after, renamed)
    assert [score.total for score in before.ranking] == [score.total for score in after.ranking]


@given(sale=sales, auction=auctions(), text=st.text(min_size=1, max_size=500), data=st.data())
def test_text_moves_an_award_only_through_the_terms_that_are_printed(
    sale: SALE, auction: Auction, text: str, data: st.DataObject
) -> None:
    agent = data.draw(st.sampled_from([bid.agent for bid in auction.bids]))
    plan = Plan(text=text, steps=7, tokens=9, terms={"method": text}, confidence=1.0)
    rewritten = changed(
        auction.bids,
        agent,
        {"plan": plan, "length_tokens": 400, "projected_tokens": 1, "usage": Usage(steps=3), "confidence": 1.0},
    )
    assert clear(sale, auction, rewritten) == clear(sale, auction)


@given(sale=sales, auction=auctions(min_size=1), data=st.data())
def test_a_dominated_bid_never_moves_an_award(sale: SALE, auction: Auction, data: st.DataObject) -> None:
    better = data.draw(st.sampled_from(auction.bids))
    assert better.entropy is not None
    more = st.integers(min_value=0, max_value=5)
    worse = better.model_copy(
        update={
            "agent": "worse",
            "content_hash": data.draw(st.text(max_size=8)),
            "price": Amount(value=better.price.value + data.draw(st.integers(min_value=1, max_value=5))),
            "entropy": better.entropy * data.draw(st.sampled_from([0.0, 0.5, 1.0])),
            "marks": {name: max(0, mark - data.draw(more)) for name, mark in better.marks.items()},
            "standing": Standing(
                success_low=better.standing.success_low * data.draw(st.sampled_from([0.0, 0.5, 1.0])),
                seconds=(better.standing.seconds or 0.0) + data.draw(more),
                energy_j=(better.standing.energy_j or 0.0) + data.draw(more),
                share=min(1.0, better.standing.share + data.draw(more) / 10),
            ),
        }
    )
    before, after = clear(sale, auction), clear(sale, auction, [*auction.bids, worse])
    assert after.winner == before.winner
    assert {score.agent: score for score in after.ranking if score.agent != "worse"} == {
        score.agent: score for score in before.ranking
    }


@given(sale=sales, auction=auctions(min_size=1), cut=st.integers(min_value=1, max_value=12), lot=st.text(max_size=4))
def test_a_lower_price_never_loses_a_won_award(sale: SALE, auction: Auction, cut: int, lot: str) -> None:
    before = clear(sale, auction)
    asked = next((bid.price.value for bid in auction.bids if bid.agent == before.winner), Decimal(0))
    assume(asked >= cut)
    cheaper = {"price": Amount(value=asked - cut), "content_hash": lot}
    assert clear(sale, auction, changed(auction.bids, before.winner, cheaper)).winner == before.winner


@given(sale=sales, auction=auctions(), data=st.data())
def test_no_self_score_buys_an_award(sale: SALE, auction: Auction, data: st.DataObject) -> None:
    bidder = data.draw(st.sampled_from(auction.bids))
    own = [name for name, juror in auction.jury.items() if juror.operator == bidder.operator]
    silent = {name: mark for name, mark in bidder.marks.items() if name not in own}
    praised = {**bidder.marks, **dict.fromkeys(own, 5)}
    honest = {**bidder.marks, **{name: data.draw(marks) for name in own}}
    after = clear(sale, auction, changed(auction.bids, bidder.agent, {"marks": praised}))
    for other in (silent, honest):
        before = clear(sale, auction, changed(auction.bids, bidder.agent, {"marks": other}))
        assert after.weights == before.weights
        if other is silent:
            assert after.winner == before.winner
    totals = {score.agent: score.total for score in after.ranking}
    quiet = clear(sale, auction, changed(auction.bids, bidder.agent, {"marks": silent}))
    assert totals == {score.agent: score.total for score in quiet.ranking}


@given(
    auction=auctions(), honest=st.lists(marks, min_size=5, max_size=5), lie=st.integers(0, 5), weight=st.integers(1, 4)
)
def test_praising_itself_and_marking_rivals_down_gains_nothing_where_the_others_agree(
    auction: Auction, honest: list[int], lie: int, weight: int
) -> None:
    """Three judges or more that agree on each bid, one of them also a bidder's; at slack 0 its marks move nothing."""
    jury = {"liar": Juror(operator="liars"), **{name: Juror(operator=name) for name in ("x", "y", "z")}}
    liar = auction.bids[0].agent
    sale = SALE({"jury": float(weight)}, slack=0)

    def judged(own: int, rival: int | None) -> list[Bid]:
        return [
            bid.model_copy(
                update={
                    "operator": "liars" if bid.agent == liar else f"operator of {bid.agent}",
                    "marks": {
                        **dict.fromkeys(("x", "y", "z"), mark),
                        "liar": own if bid.agent == liar else mark if rival is None else rival,
                    },
                }
            )
            for bid, mark in zip(auction.bids, honest, strict=False)
        ]

    truth = sale.clear(judged(honest[0], None), reserve=PURSE, seed=auction.seed, jury=jury)
    lied = sale.clear(judged(5, 0), reserve=PURSE, seed=auction.seed, jury=jury)
    other = sale.clear(judged(5, lie), reserve=PURSE, seed=auction.seed, jury=jury)
    assert lied == truth == other


def test_at_the_default_slack_a_lone_down_vote_takes_a_fifth_times_its_share_and_no_more() -> None:
    jury = {"liar": Juror(operator="liars"), **{name: Juror(operator=name) for name in ("x", "y", "z")}}
    fair = dict.fromkeys(jury, 4)
    values = [
        SALE().clear([made("rival", marks=marked)], reserve=PURSE, seed=1, jury=jury).ranking[0].figures["jury"]
        for marked in (fair, {**fair, "liar": 0}, {**fair, "liar": 3})
    ]
    assert values == [pytest.approx(0.8), pytest.approx(0.75), pytest.approx(0.75)]


@given(auction=auctions(), low=st.floats(0, 1), high=st.floats(0, 1))
def test_turning_the_dial_to_cost_never_makes_an_award_dearer(auction: Auction, low: float, high: float) -> None:
    low, high = sorted((low, high))
    asked = {bid.agent: bid.price.value for bid in auction.bids}
    value, cost = (clear(SALE(ALL_TERMS, dial=dial), auction) for dial in (low, high))
    assert (value.winner is None) == (cost.winner is None)
    if value.winner is not None and cost.winner is not None:
        gap = asked[cost.winner] - asked[value.winner]
        assert gap <= 0 or _close(auction, low) or _close(auction, high)


def _close(auction: Auction, dial: float) -> bool:
    """Whether two bids are as good as equal at this dial, so that rounding decides."""
    totals = [score.total for score in clear(SALE(ALL_TERMS, dial=dial), auction).ranking]
    return any(abs(one - other) < 1e-9 for place, one in enumerate(totals) for other in totals[:place])


@given(sale=sales, auction=auctions())
def test_every_term_can_be_redone_by_hand(sale: SALE, auction: Auction) -> None:
    clearing = clear(sale, auction)
    bids = {bid.agent: bid for bid in auction.bids}
    assert sum(clearing.weights.values()) == pytest.approx(sum(sale.weights.values()))
    assert not set(clearing.dropped) & set(clearing.weights)
    for score in clearing.ranking:
        bid = bids[score.agent]
        by_hand = {
            "cost": float(bid.price.value) / 10,
            "entropy": bid.entropy,
            "record": bid.standing.success_low,
            "latency": min(1.0, (bid.standing.seconds or 0.0) / 100),
            "energy": min(1.0, (bid.standing.energy_j or 0.0) / 100_000),
            "fairness": bid.standing.share,
        }
        assert set(score.figures) == set(score.terms) == set(clearing.weights)
        for term, figure in score.figures.items():
            assert 0 <= figure <= 1
            assert term == "jury" or figure == pytest.approx(by_hand[term])
            sign = -1 if term in ("entropy", "jury", "record") else 1
            assert score.terms[term] == pytest.approx(sign * clearing.weights[term] * figure)
        assert score.total == pytest.approx(sum(score.terms.values()))


@pytest.mark.parametrize(
    ("lacking", "term"),
    [
        ({"entropy": None}, "entropy"),
        ({"marks": {}}, "jury"),
        ({"standing": Standing(energy_j=5.0)}, "latency"),
        ({"standing": Standing(seconds=5.0)}, "energy"),
    ],
)
def test_a_term_that_one_bid_lacks_is_dropped_for_all_and_said(lacking: dict[str, object], term: str) -> None:
    standing = Standing(seconds=10.0, energy_j=10.0, share=0.5)
    bids = [made(name, marks=dict.fromkeys(JUDGES, 3), standing=standing) for name in ("one", "two")]
    whole = SALE(ALL_TERMS).clear(bids, reserve=PURSE, seed=1, jury=JUDGES)
    assert (whole.dropped, dict(whole.weights)) == ((), ALL_TERMS)
    clearing = SALE(ALL_TERMS).clear(changed(bids, "two", lacking), reserve=PURSE, seed=1, jury=JUDGES)
    assert clearing.dropped == (term,)
    left = {name: weight for name, weight in ALL_TERMS.items() if name != term}
    scale = sum(ALL_TERMS.values()) / sum(left.values())
    assert clearing.weights == pytest.approx({name: weight * scale for name, weight in left.items()})
    assert all(set(score.terms) == set(left) for score in clearing.ranking)


def test_a_bid_over_the_reserve_drops_no_term() -> None:
    bids = [made("in", 1, marks={"a": 3}), made("out", 99, entropy=None)]
    clearing = SALE().clear(bids, reserve=PURSE, seed=1, jury=JUDGES)
    assert (clearing.dropped, set(clearing.refused)) == ((), {"out"})


def test_a_jury_of_none_is_off_and_the_other_weights_take_its_place() -> None:
    clearing = SALE().clear([made("one"), made("two", 2)], reserve=PURSE, seed=1)
    assert (clearing.weights, clearing.dropped) == ({"cost": 0.5, "entropy": 0.5}, ())


@pytest.mark.parametrize("mechanism", [SALE(), SALE(jury=["berta"]), FirstScore(), SecondScore()])
def test_where_judges_were_wanted_and_none_was_heard_the_clearing_notes_it(mechanism: Mechanism) -> None:
    said = "no judge was heard: the jury has no part"
    bids = [made("one", marks={"a": 3}), made("two", 2, marks={"a": 3})]
    unheard = mechanism.clear(bids, reserve=PURSE, seed=1)
    assert (unheard.notes, unheard.dropped) == ((said,), ())
    assert mechanism.clear(bids, reserve=PURSE, seed=1, jury={"a": JUDGES["a"]}).notes == ()
    assert mechanism.clear(bids[:1], reserve=PURSE, seed=1).notes == ()


@pytest.mark.parametrize("sale", [SALE(jury=[]), SALE({"jury": 0.0})])
def test_where_no_judge_was_wanted_there_is_nothing_to_note(sale: SALE) -> None:
    assert sale.clear([made("one"), made("two", 2)], reserve=PURSE, seed=1).notes == ()


def test_a_jury_of_one_counts() -> None:
    bids = [made("weak", 1, marks={"a": 0}), made("strong", 1, marks={"a": 5})]
    clearing = SALE().clear(bids, reserve=PURSE, seed=1, jury={"a": JUDGES["a"]})
    assert clearing.winner == "strong"
    assert [score.figures["jury"] for score in clearing.ranking] == [1.0, 0.0]


def test_a_jury_of_the_bidder_alone_is_none_and_said() -> None:
    bids = [made("own", 1, operator="a", marks={"a": 5}), made("rival", 1, marks={"a": 0})]
    clearing = SALE().clear(bids, reserve=PURSE, seed=1, jury={"a": JUDGES["a"]})
    assert clearing.dropped == ("jury",)
    assert clearing.weights == {"cost": 0.5, "entropy": 0.5}


def test_a_jury_that_was_never_right_is_none_and_said() -> None:
    jury = {"a": Juror(operator="a", agreement=0.2)}
    clearing = SALE().clear([made("one", marks={"a": 5})], reserve=PURSE, seed=1, jury=jury)
    assert clearing.dropped == ("jury",)


def test_two_bids_of_one_agent_are_one() -> None:
    clearing = SALE().clear([made("one", 2), made("one", 1), made("two", 3)], reserve=PURSE, seed=1)
    asked = {score.agent: score.price.value for score in clearing.ranking}
    assert (asked, len(clearing.ranking)) == ({"one": Decimal(1), "two": Decimal(3)}, 2)


def test_no_bids_are_no_award() -> None:
    clearing = SALE(ALL_TERMS).clear([], reserve=PURSE, seed=1, jury=JUDGES)
    assert (clearing.winner, clearing.payment, clearing.ranking, clearing.dropped) == (None, None, (), ())


def test_without_a_limit_in_seconds_there_is_no_scale_for_latency() -> None:
    bid = made("one", standing=Standing(seconds=5.0))
    clearing = SALE({"latency": 1.0}).clear([bid], reserve=Reserve(usd=Decimal(10)), seed=1)
    assert clearing.dropped == ("latency",)


def test_what_takes_longer_or_more_energy_than_the_scale_counts_as_one() -> None:
    bid = made("one", standing=Standing(seconds=1e308, energy_j=1e308))
    score = SALE(ALL_TERMS, energy_j=1e-300).clear([bid], reserve=PURSE, seed=1).ranking[0]
    assert (score.figures["latency"], score.figures["energy"]) == (1.0, 1.0)


@pytest.mark.parametrize("term", ["record", "latency", "energy", "fairness"])
def test_each_optional_term_turns_an_award_that_is_otherwise_even(term: str) -> None:
    good = Standing(success_low=0.8, seconds=1.0, energy_j=1.0, share=0.1)
    bad = Standing(success_low=0.1, seconds=50.0, energy_j=5e4, share=0.9)
    bids = [made("bad", standing=bad), made("good", standing=good)]
    assert {SALE({term: 0.1}).clear(bids, reserve=PURSE, seed=seed).winner for seed in range(8)} == {"good"}
    assert {SALE().clear(bids, reserve=PURSE, seed=seed).winner for seed in range(8)} == {"good", "bad"}


@given(auction=auctions())
def test_where_nobody_has_a_record_the_record_changes_nothing(auction: Auction) -> None:
    bids = [bid.model_copy(update={"standing": Standing(), "operator": bid.agent}) for bid in auction.bids]
    plain, recorded = (clear(sale, auction, bids) for sale in (SALE(), SALE({"record": 1.0})))
    assert [score.agent for score in recorded.ranking] == [score.agent for score in plain.ranking]
    assert recorded.dropped == plain.dropped
    assert all(score.figures["record"] == 0.0 for score in recorded.ranking)
    if not plain.dropped:  # else its weight is among those that take the place of what was dropped
        assert [score.total for score in recorded.ranking] == [score.total for score in plain.ranking]


def test_dialled_to_cost_alone_the_lowest_price_wins_and_to_value_alone_the_best_plan() -> None:
    bids = [made("cheap", 1, entropy=0.1), made("good", 9, entropy=0.9)]
    assert SALE(dial=1.0).clear(bids, reserve=PURSE, seed=1).winner == "cheap"
    assert SALE(dial=0.0).clear(bids, reserve=PURSE, seed=1).winner == "good"
    mute = changed(bids, "good", {"entropy": None})
    clearing = SALE(dial=0.0).clear(mute, reserve=PURSE, seed=1)
    assert (clearing.winner, clearing.weights, clearing.dropped) == ("cheap", {"cost": 1.0}, ("entropy",))


def test_the_mechanism_says_who_is_to_judge() -> None:
    assert isinstance(SALE(), Juried)
    assert SALE().jury is None
    assert SALE(jury=["ann", "bob"]).jury == frozenset({"ann", "bob"})
    assert SALE(jury=[]).jury == SALE({"jury": 0.0}).jury == SALE(dial=1.0).jury == frozenset()


def test_weights_are_alike_unless_they_are_stated() -> None:
    assert SALE().weights == DEFAULT_WEIGHTS
    assert set(DEFAULT_WEIGHTS.values()) == {1 / 3, 0.0}
    assert SALE({"cost": 2}).weights == {**DEFAULT_WEIGHTS, "cost": 2.0}


def test_the_auction_file_of_the_starter_project_is_the_default(tmp_path: Path) -> None:
    sale = load_mechanism("sale", project=ROOT)
    assert isinstance(sale, SALE)
    assert sale.weights == pytest.approx({term: weight * 3 for term, weight in SALE().weights.items()})
    (tmp_path / "auctions").mkdir()
    (tmp_path / "auctions" / "mine.toml").write_text(
        'mechanism = "sale"\ndial = 0.5\nenergy_j = 5000\njury = ["ann"]\nslack = 0\n[weights]\nlatency = 0.5\n'
    )
    mine = load_mechanism("mine", project=tmp_path)
    assert isinstance(mine, SALE)
    assert (mine.jury, mine.weights["latency"]) == (frozenset({"ann"}), 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("weights = 3", "weights 3 must be a table"),
        ("[weights]\nprice = 1", "there is no term 'price'; there are: cost, entropy, jury, record, latency"),
        ("[weights]\ncost = 0", "cost 0 must be a number above 0"),
        ("[weights]\njury = -0.1", "jury -0.1 must be a number 0 or more"),
        ("[weights]\njury = nan", "jury nan must be a number"),
        ("[weights]\nentropy = inf", "entropy inf must be a number"),
        ('[weights]\nentropy = "much"', "entropy 'much' must be a number"),
        ("[weights]\nentropy = true", "entropy True must be a number"),
        ("dial = 1.1", "dial 1.1 must be in [0, 1]"),
        ("dial = nan", "dial nan must be in [0, 1]"),
        ('dial = "cost"', "dial 'cost' must be in [0, 1]"),
        ("energy_j = 0", "energy_j 0 must be joules above 0"),
        ("energy_j = inf", "energy_j inf must be joules above 0"),
        ("slack = 6", "slack 6 must be a whole number of marks from 0 to 5"),
        ("slack = 0.5", "slack 0.5 must be a whole number"),
        ('jury = "ann"', "jury 'ann' must be a list of names, as ['ann']"),
        ("jury = 3", "jury 3 must be a list of names"),
        ("jury = [1]", "jury [1] must be a list of names"),
        ("jurry = []", "unknown key; did you mean 'jury'"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_with_its_file_and_the_mend(
    tmp_path: Path, options: str, message: str
) -> None:
    (tmp_path / "auctions").mkdir()
    (tmp_path / "auctions" / "mine.toml").write_text(f'mechanism = "sale"\n{options}\n')
    with pytest.raises(ConfigError) as refused:
        load_mechanism("mine", project=tmp_path)
    assert message in str(refused.value)
    assert "mine.toml" in str(refused.value)


HASHED = """
from agora.auctions import SALE, after_refinement, ballot_for, may_refine
from agora.bids import Juror
from auctions.judged_bids import ALL_TERMS, PURSE, made
from agora.bids import Standing
names = {f"agent{n}" for n in range(20)}  # in the order of this process's hashes
jury = {name: Juror(operator=f"op{name}", agreement=0.5 + len(name) / 20) for name in {"ann", "ben", "cato"}}
known = Standing(seconds=3.0, energy_j=1.0, share=0.1)
bids = [made(n, 3 - int(n[5:]) % 3, entropy=1 - int(n[5:]) % 3 / 2.5, standing=known,
             marks={j: (len(j) + int(n[5:])) % 6 for j in jury}) for n in names]
print(SALE(ALL_TERMS).clear(bids, reserve=PURSE, seed=11, jury=jury).model_dump_json())
print(ballot_for(bids, judge="ann", seed=11).model_dump_json())
first = SALE().clear(bids, reserve=PURSE, seed=11, jury=jury)
again = [bid.model_copy(update={"entropy": 0.6, "round": 1}) for bid in bids
         if bid.agent in may_refine(first, reserve=PURSE)]
assert again
print(after_refinement(first, bids, again,
                       clear=lambda bids: SALE().clear(bids, reserve=PURSE, seed=11, jury=jury)).clearing)
"""


def test_the_same_seed_gives_the_same_award_and_ballot_under_any_hash_seed() -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    printed = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(printed) == 1
    assert printed.pop().count("ranking=") == 1


def test_a_seed_decides_between_bids_that_are_alike() -> None:
    bids = [made(f"agent{number}", text=f"plan {number}") for number in range(3)]
    assert len({SALE().clear(bids, reserve=PURSE, seed=seed).winner for seed in range(50)}) == 3
    assert len({ballot_for(bids, judge="j", seed=seed).bidders["A"] for seed in range(50)}) == 3
