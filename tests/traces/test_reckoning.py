"""The printed reckoning of any clearing can be redone with a pencil."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions import SALE
from agora.auctions.central import CentralRouter
from agora.auctions.posted_price import Lottery
from agora.auctions.score_auctions import SecondScore
from agora.bids import Amount, Bid, Clearing, Juror, Plan, Reserve, Standing
from agora.protocols import Mechanism
from agora.traces.explaining.juries import judges_of, reckoned
from agora.traces.explaining.reckoning import sheet_of, ties_of, turns_of
from strategies import RESERVE, bid_lists

JUDGES = ("ann", "bob", "cy", "di")
TERMS = ("entropy", "jury", "record", "latency", "energy", "fairness")

shares = st.floats(min_value=0, max_value=1)
standings = st.builds(
    Standing,
    success_low=shares,
    seconds=st.none() | st.floats(min_value=0, max_value=200),
    energy_j=st.none() | st.floats(min_value=0, max_value=200_000),
    share=shares,
)
weights = st.fixed_dictionaries(
    {"cost": st.floats(min_value=1e-6, max_value=1000)},
    optional={term: st.floats(min_value=0, max_value=1000) for term in TERMS},
)
juries = st.dictionaries(
    st.sampled_from(JUDGES), st.builds(Juror, operator=st.sampled_from("xyz"), agreement=shares), max_size=4
)


@st.composite
def judged_bids(draw: st.DrawFn) -> list[Bid]:
    bids = draw(bid_lists(entropy=draw(st.booleans())))
    marks = st.dictionaries(st.sampled_from(JUDGES), st.integers(0, 5))
    return [
        bid.model_copy(
            update={"operator": draw(st.sampled_from("wxyz")), "marks": draw(marks), "standing": draw(standings)}
        )
        for bid in bids
    ]


def half_up(value: Decimal, like: str) -> Decimal:
    """Rounded to as many digits after the point as a printed number has."""
    digits = len(like.partition(".")[2])
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def redone(clearing: Clearing) -> list[Decimal]:
    """The scores by the printed weights and figures alone; each printed number on the way is compared."""
    found: list[Decimal] = []
    with localcontext() as context:
        context.prec = 60
        for one in sheet_of(clearing).sums:
            for line in one.lines:
                if line.weight:
                    product = half_up(Decimal(line.weight) * Decimal(line.figure), line.product)
                    assert product == abs(Decimal(line.product))
            total = half_up(sum((Decimal(line.product) for line in one.lines), Decimal(0)), one.total)
            assert total == Decimal(one.total)
            found.append(total)
    return found


@given(bids=judged_bids(), weights=weights, jury=juries, seed=st.integers(0, 99), dial=st.floats(0.01, 1))
def test_weight_times_figure_with_its_sign_adds_up_to_the_score_in_any_clearing_of_sale(
    bids: list[Bid], weights: Mapping[str, float], jury: Mapping[str, Juror], seed: int, dial: float
) -> None:
    clearing = SALE(weights, dial=dial).clear(bids, reserve=RESERVE, seed=seed, jury=jury)
    sheet = sheet_of(clearing)
    for score, total in zip(clearing.ranking, redone(clearing), strict=True):
        assert abs(total - Decimal(repr(score.total))) <= Decimal(1).scaleb(-sheet.sum_digits) / 2
    for score, one in zip(clearing.ranking, sheet.sums, strict=True):
        assert {line.term: line.product[0] for line in one.lines} == {
            term: "-" if term in ("entropy", "jury", "record") else "+" for term in score.terms
        }


@given(bids=judged_bids(), weights=weights, seed=st.integers(0, 99))
def test_unequal_scores_look_unequal_and_stand_in_their_order(
    bids: list[Bid], weights: Mapping[str, float], seed: int
) -> None:
    clearing = SALE(weights).clear(bids, reserve=RESERVE, seed=seed)
    totals = [score.total for score in clearing.ranking]
    shown = [Decimal(one.total) for one in sheet_of(clearing).sums]
    assert shown == sorted(shown)
    assert len(set(shown)) == len(set(totals))


@pytest.mark.parametrize("mechanism", [SecondScore(), CentralRouter(), Lottery()], ids=lambda one: one.name)
@given(bids=judged_bids(), jury=juries)
def test_the_scores_of_other_mechanisms_add_up_as_well(
    mechanism: Mechanism, bids: list[Bid], jury: Mapping[str, Juror]
) -> None:
    redone(mechanism.clear(bids, reserve=RESERVE, seed=1, jury=jury))


FORMULA = re.compile(r"\((.+)\) / \(5 x ([\d.]+)\) = ([\d.]+)")


@given(bids=judged_bids(), jury=juries, slack=st.integers(0, 5), own=st.booleans())
def test_each_value_of_a_jury_is_the_printed_sum_of_its_marks(
    bids: list[Bid], jury: Mapping[str, Juror], slack: int, own: bool
) -> None:
    scorer = SALE({"jury": 1.0}, slack=slack)
    mechanism = scorer if own else SecondScore(scorer=scorer)
    clearing = mechanism.clear(bids, reserve=RESERVE, seed=1, jury=jury)
    sheet, by_agent = sheet_of(clearing), {bid.agent: bid for bid in bids}
    marks = {bid.agent: {judge: mark for judge, mark in bid.marks.items() if judge in jury} for bid in bids}
    found = reckoned(clearing, by_agent, marks, jury, digits=sheet.digits)
    if "jury" not in clearing.weights or not clearing.ranking:
        assert found is None
        return
    assert found is not None
    for one, score in zip(found.counts, clearing.ranking, strict=True):
        formula = FORMULA.fullmatch(one.sum)
        assert formula is not None
        terms = [part.split(" x ") for part in formula[1].split(" + ")]
        with localcontext() as context:
            context.prec = 60
            above = sum((Decimal(weight) * Decimal(mark) for weight, mark in terms), Decimal(0))
            assert half_up(above / (5 * Decimal(formula[2])), formula[3]) == Decimal(formula[3])
        assert abs(Decimal(formula[3]) - Decimal(repr(score.figures["jury"]))) <= Decimal(1).scaleb(-sheet.digits)


@given(jury=juries)
def test_a_judges_printed_agreement_gives_its_printed_weight(jury: Mapping[str, Juror]) -> None:
    judges = judges_of(jury)
    by_agreement = [round(max(Decimal(0), 2 * Decimal(judge.agreement) - 1), 6) for judge in judges]
    alike = [Decimal(Decimal(judge.agreement) >= Decimal("0.5")) for judge in judges]
    assert [Decimal(judge.weight) for judge in judges] == (by_agreement if any(by_agreement) else alike)


def test_marks_that_do_not_make_the_figures_on_record_are_not_passed_off_as_their_sum() -> None:
    jury = {"ann": Juror(operator="x"), "bob": Juror(operator="y")}
    bids = [_bid("a", 1, {"ann": 5, "bob": 4}), _bid("b", 2, {"ann": 1, "bob": 3})]
    clearing = SALE({"entropy": 0}).clear(bids, reserve=RESERVE, seed=1, jury=jury)
    by_agent = {bid.agent: bid for bid in bids}
    marks = {bid.agent: dict(bid.marks) for bid in bids}
    assert reckoned(clearing, by_agent, marks, jury, digits=6) is not None
    assert reckoned(clearing, by_agent, {**marks, "b": {"ann": 5, "bob": 5}}, jury, digits=6) is None


@given(bids=judged_bids(), jury=juries, weights=weights)
def test_what_is_said_to_turn_an_award_turns_it_and_less_does_not(
    bids: list[Bid], jury: Mapping[str, Juror], weights: Mapping[str, float]
) -> None:
    mechanism = SALE({**weights, "cost": 1.0})
    clearing = mechanism.clear(bids, reserve=RESERVE, seed=1, jury=jury)
    for turn in turns_of(clearing, reserve=RESERVE)[:2]:
        if turn.price is None or turn.behind < 1e-6:
            continue
        for factor, wins in ((Decimal("0.999"), True), (Decimal("1.001"), False)):
            asked = turn.price.value * factor
            changed = [_asking(bid, asked) if bid.agent == turn.agent else bid for bid in bids]
            after = mechanism.clear(changed, reserve=RESERVE, seed=1, jury=jury)
            if abs(asked - turn.price.value) / RESERVE.of(turn.price.unit) > Decimal("1e-9"):
                assert (after.winner == turn.agent) is wins


def test_a_tie_is_told_with_the_shares_and_lots_that_decided() -> None:
    bids = [_bid("a", 1, {}), _bid("b", 1, {}), _bid("c", 2, {})]
    clearing = SALE({"cost": 1, "entropy": 0, "jury": 0}).clear(bids, reserve=RESERVE, seed=7)
    by_agent = {bid.agent: bid for bid in bids}
    [tie] = ties_of(clearing, by_agent, reserve=RESERVE, seed=7)
    assert set(tie.agents) == {"a", "b"}
    assert tie.shares == (0.1, 0.1)
    assert list(tie.lots) == sorted(tie.lots)
    assert clearing.winner == tie.agents[0]
    assert ties_of(clearing, by_agent, reserve=Reserve(usd=Decimal(5)), seed=7)[0].shares == (0.2, 0.2)


def _asking(bid: Bid, value: Decimal) -> Bid:
    return bid.model_copy(update={"price": bid.price.model_copy(update={"value": value})})


def _bid(agent: str, asks: int, marks: Mapping[str, int]) -> Bid:
    price = Amount(value=Decimal(asks))
    return Bid(
        agent=agent,
        plan=Plan(text=agent),
        length_tokens=1,
        projected_tokens=1,
        price=price,
        content_hash=agent,
        marks=marks,
        operator=agent,
    )
