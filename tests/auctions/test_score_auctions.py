"""First score and second score: awards by score, payments by threshold, truthful in cost."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from agora.auctions.confidence_auction import CalibratedConfidence
from agora.auctions.grading import grade
from agora.auctions.posted_price import PostedPrice
from agora.auctions.sale import SALE
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError
from agora.protocols import Mechanism
from mechanism_cases import JURY, PURSE, Case, asking, bid, cases, lying_gains

STEP = Decimal("1e-12")
WHOLE = SALE({"record": 0.2, "latency": 0.1, "fairness": 0.3})
BY_CONFIDENCE = CalibratedConfidence(beta=1.0)
"""A scorer whose quality is plainly the confidence, with cost at weight 1."""


@pytest.mark.timeout(600)  # ten thousand auctions, held twice each: 17 s of CPU
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases())
def test_second_score_no_misreport_of_cost_gains(case: Case) -> None:
    assert not lying_gains(SecondScore(), case)


@given(case=cases())
def test_second_score_a_lie_next_to_the_payment_gains_nothing_either(case: Case) -> None:
    clearing = SecondScore().clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    if clearing.payment is None:
        return
    place = next(place for place, made in enumerate(case.bids) if made.agent == clearing.winner)
    for lie in (clearing.payment.value - STEP, clearing.payment.value, clearing.payment.value + STEP):
        assert not lying_gains(SecondScore(), case._replace(place=place, lie=max(Decimal(0), lie)))


@given(case=cases())
def test_second_score_the_payment_is_the_highest_price_that_still_wins(case: Case) -> None:
    clearing = SecondScore().clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    if clearing.payment is None:
        return
    place = next(place for place, made in enumerate(case.bids) if made.agent == clearing.winner)

    def wins(value: Decimal) -> bool:
        moved = [*case.bids]
        moved[place] = asking(case.bids[place], value)
        return SecondScore().clear(moved, reserve=PURSE, seed=case.seed, jury=JURY).winner == clearing.winner

    paid = clearing.payment.value
    assert paid < STEP or wins(paid - STEP)
    assert not wins(paid + STEP)


@given(case=cases())
def test_no_bidder_moves_its_own_payment(case: Case) -> None:
    made = [*case.bids]
    made[case.place] = asking(made[case.place], case.lie)
    before = SecondScore().clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    after = SecondScore().clear(made, reserve=PURSE, seed=case.seed, jury=JURY)
    if before.winner == after.winner == made[case.place].agent:
        assert before.payment == after.payment


@given(case=cases())
def test_first_and_second_score_award_alike_and_in_the_order_of_the_scores_they_print(case: Case) -> None:
    first = FirstScore().clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    second = SecondScore().clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    assert first.ranking == second.ranking
    totals = [score.total for score in first.ranking]
    assert all(this <= after + 2e-12 for this, after in itertools.pairwise(totals))
    for score in first.ranking:
        assert score.total == pytest.approx(sum(score.terms.values()), abs=1e-9)
        assert score.terms["cost"] == pytest.approx(first.weights["cost"] * score.figures["cost"])


@given(case=cases())
def test_first_score_over_sale_is_sale_where_nobody_judges(case: Case) -> None:
    first = FirstScore().clear(case.bids, reserve=PURSE, seed=case.seed)
    sale = SALE().clear(case.bids, reserve=PURSE, seed=case.seed)
    assert first.payment == sale.payment
    for mine, theirs in zip(first.ranking, sale.ranking, strict=True):
        assert mine.total == pytest.approx(theirs.total, abs=1e-9)


def test_a_lone_bidder_is_paid_the_reserve_of_its_own_unit() -> None:
    for unit, most in (("usd", PURSE.usd), ("s", PURSE.s)):
        clearing = SecondScore().clear([bid("a", 1, unit=unit)], reserve=PURSE, seed=1)  # type: ignore[arg-type]
        assert clearing.payment is not None
        assert (clearing.payment.value, clearing.payment.unit) == (most, unit)


def test_dollars_and_seconds_are_compared_as_shares_of_their_reserves() -> None:
    reserve = Reserve(usd=Decimal(10), s=Decimal(100))
    clearing = SecondScore().clear([bid("local", 10, unit="s"), bid("hosted", 4)], reserve=reserve, seed=1)
    assert clearing.winner == "local"
    assert clearing.payment is not None
    assert (clearing.payment.value, clearing.payment.unit) == (Decimal(40), "s")


def test_better_work_is_paid_more_by_what_it_is_better() -> None:
    good, poor = bid("good", 3, confidence=0.9), bid("poor", 2, confidence=0.5)
    clearing = SecondScore(scorer=BY_CONFIDENCE).clear([poor, good], reserve=PURSE, seed=1)
    assert clearing.winner == "good"
    assert clearing.payment is not None
    assert clearing.payment.value == Decimal(6)  # 2 of the rival, and 0.4 of the reserve for 0.4 more quality


def test_a_payment_above_the_budget_refuses_the_award_with_the_figures() -> None:
    rivals = [bid("cheap", 1), bid("dear", 8)]
    clearing = SecondScore(budget=0.5).clear(rivals, reserve=PURSE, seed=1)
    assert clearing.winner is None
    assert clearing.payment is None
    assert clearing.refused["cheap"] == "would be paid 8 usd, above the budget of 5.0: the award is refused"
    assert "no award" in clearing.refused["dear"]
    assert SecondScore(budget=0.8).clear(rivals, reserve=PURSE, seed=1).winner == "cheap"


@given(case=cases())
def test_with_a_budget_payments_keep_to_it_and_no_misreport_gains(case: Case) -> None:
    mechanism = SecondScore(budget=0.4)
    payment = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY).payment
    assert payment is None or payment.value <= PURSE.of(payment.unit) * Decimal("0.4")
    assert not lying_gains(mechanism, case)


@given(case=cases())
def test_with_a_reserve_score_nothing_worse_is_bought_and_no_misreport_gains(case: Case) -> None:
    mechanism = SecondScore(scorer=BY_CONFIDENCE, reserve_score=0.0)
    clearing = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed)
    assert all(score.total <= 0 for score in clearing.ranking)
    assert not lying_gains(mechanism, case)


def test_a_bid_above_the_reserve_score_is_refused_with_its_score() -> None:
    clearing = FirstScore(scorer=BY_CONFIDENCE, reserve_score=0.0).clear([bid("a", 8)], reserve=PURSE, seed=1)
    assert clearing.refused == {"a": "scores 0.300000, above the reserve score of 0.0"}


class Praised:
    """A scorer that believes every mark, and so would believe a bidder's own."""

    name = "praised"

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        scores = [
            Score(agent=made.agent, total=-praise, terms={"marks": -praise}, price=made.price)
            for made in bids
            for praise in [sum(made.marks.values()) / 10]
        ]
        return Clearing(mechanism=self.name, ranking=tuple(scores), weights={"cost": 1.0, "marks": 0.1})


@pytest.mark.parametrize("scorer", [SALE(), Praised()], ids=lambda one: one.name)
def test_a_bidders_own_praise_moves_neither_award_nor_payment(scorer: Mechanism) -> None:
    jury = {"mine": Juror(operator="x"), "theirs": Juror(operator="y"), "third": Juror(operator="z")}

    def cleared(praise: int, own: str) -> tuple[str | None, Decimal]:
        marks = {"mine": praise, "theirs": 3, "third": 3}
        rivals = [bid("a", 4, operator=own, marks=marks), bid("b", 3, operator="w", marks={"theirs": 3, "third": 3})]
        clearing = SecondScore(scorer=scorer).clear(rivals, reserve=PURSE, seed=1, jury=jury)
        assert clearing.payment is not None
        return clearing.winner, clearing.payment.value

    assert len({cleared(praise, "x") for praise in range(6)}) == 1
    assert len({cleared(praise, "stranger") for praise in range(6)}) > 1 or scorer.name == "sale"


class Wrapped:
    """SALE behind the protocol alone, so that it is asked with every price at zero, as any scorer is."""

    name = "wrapped"

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        return WHOLE.clear(bids, reserve=reserve, seed=seed, jury=jury)


@given(case=cases())
def test_sale_asked_for_its_figures_alone_says_what_it_says_at_price_zero(case: Case) -> None:
    alone = grade(WHOLE, case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    whole = grade(Wrapped(), case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    assert alone == whole


def test_marks_of_others_do_move_an_award() -> None:
    def winner(mark: int) -> str | None:
        rivals = [
            bid("a", 4, operator="w", marks=dict.fromkeys(JURY, mark)),
            bid("b", 3, operator="v", marks=dict.fromkeys(JURY, 2)),
        ]
        return FirstScore().clear(rivals, reserve=PURSE, seed=1, jury=JURY).winner

    assert (winner(5), winner(0)) == ("a", "b")


def test_an_empty_purse_pays_nothing_and_buys_what_is_free() -> None:
    clearing = SecondScore().clear([bid("free", 0), bid("paid", 1)], reserve=Reserve(), seed=1)
    assert clearing.winner == "free"
    assert clearing.payment is not None
    assert clearing.payment.value == 0


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="budget"):
        SecondScore(budget=0)
    with pytest.raises(ConfigError, match="reserve_score"):
        FirstScore(reserve_score=float("nan"))
    with pytest.raises(ConfigError, match="give them to your own scorer"):
        FirstScore({"cost": 1.0}, scorer=SALE())
    with pytest.raises(ConfigError, match="is no mechanism"):
        SecondScore(scorer="sale")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="gives cost no weight"):
        SecondScore(scorer=PostedPrice()).clear([bid("a", 1)], reserve=PURSE, seed=1)
    with pytest.raises(ConfigError, match="gives cost no weight"):
        SecondScore(scorer=SALE(dial=0.0)).clear([bid("a", 1)], reserve=PURSE, seed=1)
