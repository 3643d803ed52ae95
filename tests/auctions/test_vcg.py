"""Bundles: VCG with exact winner determination, and the greedy rule with critical values above its size."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.auctions.bundles import MOST_EACH, BundleClearing, Offer, even_shares
from agora.auctions.confidence_auction import CalibratedConfidence
from agora.auctions.greedy import GreedyCritical, bundle_rule
from agora.auctions.score_auctions import SecondScore
from agora.auctions.vcg import VCG, fits
from agora.bids import Amount, Unit
from agora.errors import ConfigError
from mechanism_cases import PURSE, Case, bid, cases, seeds

TASKS = ("t0", "t1", "t2", "t3")
SHARES = {"t0": 0.4, "t1": 0.3, "t2": 0.2, "t3": 0.1}
STEP = Decimal("1e-12")
Rule = VCG | GreedyCritical
rules = st.sampled_from([VCG(), GreedyCritical()])
BY_CONFIDENCE = CalibratedConfidence(beta=1.0)


def offer(
    agent: str, tasks: str | Sequence[str], price: Decimal | str, *, quality: float = 1.0, unit: Unit = "usd"
) -> Offer:
    ids = frozenset(tasks.split() if isinstance(tasks, str) else tasks)
    return Offer(agent=agent, tasks=ids, price=Amount(value=Decimal(price), unit=unit), quality=quality)


def at(one: Offer, value: Decimal) -> Offer:
    """The same offer at another price."""
    return one.model_copy(update={"price": Amount(value=value, unit=one.price.unit)})


@st.composite
def offer_lists(draw: st.DrawFn, *, most_each: int = 3) -> list[Offer]:
    """Offers of up to four agents, each in one unit, for bundles of the four tasks."""
    offers: list[Offer] = []
    for number in range(draw(st.integers(1, 4))):
        unit: Unit = draw(st.sampled_from(["usd", "s"]))
        bundles = draw(st.lists(st.integers(1, 15), min_size=1, max_size=most_each, unique=True))
        for mask in bundles:
            tasks = [task for place, task in enumerate(TASKS) if mask >> place & 1]
            price = Decimal(draw(st.integers(0, 600))) / 100
            made = offer(f"agent-{number}", tasks, price, quality=draw(st.integers(0, 10)) / 10, unit=unit)
            offers.append(made)
    return offers


def cleared(rule: Rule, offers: Sequence[Offer], seed: int = 1) -> BundleClearing:
    return rule.clear_bundles(offers, shares=SHARES, reserve=PURSE, seed=seed)


def share_gained(one: Offer) -> Fraction:
    """What an offer is worth less what it asks, as a share of the reserve, exactly."""
    worth = Fraction(round(one.quality * 10)) / 10 * sum(Fraction(str(SHARES[task])) for task in one.tasks)
    return worth - Fraction(one.price.value) / Fraction(PURSE.of(one.price.unit))


def brute_force(offers: Sequence[Offer]) -> Fraction:
    """The greatest gain of any set of offers with disjoint tasks and different agents."""
    best = Fraction(0)
    for size in range(1, len(TASKS) + 1):
        for chosen in itertools.combinations(offers, size):
            tasks = [task for one in chosen for task in one.tasks]
            if len(set(tasks)) == len(tasks) and len({one.agent for one in chosen}) == size:
                best = max(best, sum((share_gained(one) for one in chosen), Fraction(0)))
    return best


def utility(outcome: BundleClearing, agent: str, costs: dict[frozenset[str], Decimal]) -> Decimal:
    """What an agent has from an outcome, given its true costs."""
    return sum(
        (award.payment.value - costs[award.offer.tasks] for award in outcome.awards if award.offer.agent == agent),
        Decimal(0),
    )


@settings(max_examples=400, deadline=None)
@given(offers=offer_lists(), seed=seeds)
def test_vcg_equals_brute_force(offers: list[Offer], seed: int) -> None:
    outcome = cleared(VCG(), offers, seed)
    best = brute_force(offers)
    assert sum((share_gained(award.offer) for award in outcome.awards), Fraction(0)) == best
    assert outcome.gain == pytest.approx(float(best), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(offers=offer_lists(), seed=seeds)
def test_vcg_pays_each_winner_its_price_and_what_it_adds(offers: list[Offer], seed: int) -> None:
    best = brute_force(offers)
    for award in cleared(VCG(), offers, seed).awards:
        without = brute_force([one for one in offers if one.agent != award.offer.agent])
        limit = PURSE.of(award.offer.price.unit)
        paid = Fraction(award.offer.price.value) + (best - without) * Fraction(limit)
        assert abs(Fraction(award.payment.value) - paid) <= Fraction(STEP)


@settings(max_examples=1000, deadline=None)
@given(rule=rules, offers=offer_lists(), lies=st.lists(st.integers(0, 600), min_size=3, max_size=3), seed=seeds)
def test_no_misreport_of_any_bundles_cost_gains(rule: Rule, offers: list[Offer], lies: list[int], seed: int) -> None:
    liar = offers[0].agent
    costs = {one.tasks: one.price.value for one in offers if one.agent == liar}
    told = iter(lies)
    lying = [at(one, Decimal(next(told)) / 100) if one.agent == liar else one for one in offers]
    truth = utility(cleared(rule, offers, seed), liar, costs)
    slack = STEP if rule.name == "vcg" else Decimal(0)  # payments of VCG are rounded down by less than one step
    assert utility(cleared(rule, lying, seed), liar, costs) <= truth + slack


@given(offers=offer_lists(most_each=1), seed=seeds)
def test_greedy_pays_the_highest_price_that_is_still_taken(offers: list[Offer], seed: int) -> None:
    for award in cleared(GreedyCritical(), offers, seed).awards:

        def taken(value: Decimal, agent: str = award.offer.agent) -> bool:
            asked = [at(one, value) if one.agent == agent else one for one in offers]
            return agent in {won.offer.agent for won in cleared(GreedyCritical(), asked, seed).awards}

        paid = award.payment.value
        assert paid < STEP or taken(paid - STEP)
        assert not taken(paid + STEP)


@given(offers=offer_lists(most_each=1), seed=seeds)
def test_greedy_is_within_the_root_of_the_number_of_tasks(offers: list[Offer], seed: int) -> None:
    greedy, exact = cleared(GreedyCritical(), offers, seed), cleared(VCG(), offers, seed)
    assert greedy.gain <= exact.gain + 1e-12
    assert greedy.gain * len(TASKS) ** 0.5 >= exact.gain - 1e-12


@given(rule=rules, offers=offer_lists(), seed=seeds)
def test_bundles_are_disjoint_one_an_agent_and_payments_between_the_price_and_the_worth(
    rule: Rule, offers: list[Offer], seed: int
) -> None:
    outcome = cleared(rule, offers, seed)
    tasks = [task for award in outcome.awards for task in award.offer.tasks]
    assert sorted([*tasks, *outcome.undone]) == sorted(TASKS)
    assert len({award.offer.agent for award in outcome.awards}) == len(outcome.awards)
    shares = Fraction(0)
    for award in outcome.awards:
        limit = Fraction(PURSE.of(award.offer.price.unit))
        worth = Fraction(str(award.offer.quality)) * sum(Fraction(str(SHARES[task])) for task in award.offer.tasks)
        assert award.offer.price.value <= award.payment.value
        assert award.payment.unit == award.offer.price.unit
        assert Fraction(award.payment.value) <= worth * limit
        shares += Fraction(award.payment.value) / limit
    assert shares <= 1, "the payments together are within the reserve, dollars and seconds counted as shares"


@given(rule=rules, offers=offer_lists(), seed=seeds, data=st.data())
def test_neither_order_nor_names_move_the_bundles(
    rule: Rule, offers: list[Offer], seed: int, data: st.DataObject
) -> None:
    outcome = cleared(rule, offers, seed)
    assert cleared(rule, data.draw(st.permutations(offers)), seed) == outcome
    if len({(one.tasks, one.price, one.quality) for one in offers}) < len(offers):
        return  # offers that are alike in all but the name can only be told apart by it
    agents = sorted({one.agent for one in offers})
    renamed = dict(zip(agents, data.draw(st.permutations(agents)), strict=True))
    other = cleared(rule, [one.model_copy(update={"agent": renamed[one.agent]}) for one in offers], seed)
    assert {(award.offer.tasks, award.payment, renamed[award.offer.agent]) for award in outcome.awards} == {
        (award.offer.tasks, award.payment, award.offer.agent) for award in other.awards
    }


@settings(max_examples=500, deadline=None)
@given(case=cases(), rule=rules)
def test_one_task_is_second_score_that_buys_nothing_at_a_loss(case: Case, rule: Rule) -> None:
    second = SecondScore(scorer=BY_CONFIDENCE, reserve_score=0.0)
    mine = type(rule)(scorer=BY_CONFIDENCE).clear(case.bids, reserve=PURSE, seed=case.seed)
    theirs = second.clear(case.bids, reserve=PURSE, seed=case.seed)
    assert (mine.winner, mine.payment) == (theirs.winner, theirs.payment)
    assert [score.agent for score in mine.ranking] == [score.agent for score in theirs.ranking]
    assert set(mine.refused) == set(theirs.refused)


def test_a_bundle_wins_where_it_is_cheaper_than_its_parts() -> None:
    parts = [offer("a", "t0", "3"), offer("b", "t1", "2")]
    assert {award.offer.agent for award in cleared(VCG(), [*parts, offer("c", "t0 t1", "6")]).awards} == {"a", "b"}
    outcome = cleared(VCG(), [*parts, offer("c", "t0 t1", "4")])
    assert [award.offer.agent for award in outcome.awards] == ["c"]
    assert outcome.awards[0].payment.value == 5  # what the parts would have cost
    assert outcome.undone == ("t2", "t3")


def test_greedy_can_miss_the_optimum_and_pays_critical_values() -> None:
    offers = [offer("big", "t0 t1 t2 t3", "1"), *(offer(f"small-{task}", task, "0") for task in TASKS)]
    outcome = cleared(GreedyCritical(), offers)
    assert outcome.mechanism == "greedy_critical"
    assert [award.offer.agent for award in outcome.awards] == ["big"]
    assert (
        outcome.awards[0].payment.value == 2
    )  # its rank meets t0's (gain .4, one task) at a gain of .8 for four tasks
    assert sum((share_gained(award.offer) for award in cleared(VCG(), offers).awards), Fraction(0)) == 1


def test_refusing_vcgs_awards_by_the_sum_of_its_payments_would_let_a_lie_gain() -> None:
    """Why shares bound the payments beforehand: a winner that asks more lowers another winner's payment."""
    shares = {"t0": 0.5, "t1": 0.5}
    others = [offer("k", "t0", "3"), offer("j", "t1", "1"), offer("m", "t0 t1", "5")]

    def paid(asked: str) -> dict[str, Decimal]:
        outcome = VCG().clear_bundles([offer("i", "t0", asked), *others], shares=shares, reserve=PURSE, seed=1)
        return {award.offer.agent: award.payment.value for award in outcome.awards}

    assert paid("1") == {"i": Decimal(3), "j": Decimal(4)}  # 7 together: refused by a budget of 6.5
    assert paid("1.9") == {"i": Decimal(3), "j": Decimal("3.1")}  # 6.1: awarded, and i has 3 for a cost of 1


def test_the_rule_is_chosen_by_size_and_vcg_refuses_what_it_cannot_solve() -> None:
    assert bundle_rule(12, 16).name == "vcg"
    assert bundle_rule(13, 1).name == "greedy_critical"
    assert bundle_rule(12, 17).name == "greedy_critical"
    assert fits(1, 32_768)
    tasks = [f"t{number}" for number in range(13)]
    with pytest.raises(ConfigError, match="13 tasks for 1 agents cannot be solved exactly"):
        VCG().clear_bundles([offer("a", "t1", "0.1")], shares=even_shares(tasks), reserve=PURSE, seed=1)
    outcome = bundle_rule(13, 1).clear_bundles(
        [offer("a", "t1", "0.1")], shares=even_shares(tasks), reserve=PURSE, seed=1
    )
    assert [award.offer.agent for award in outcome.awards] == ["a"]


@pytest.mark.parametrize("rule", [VCG(), GreedyCritical()], ids=lambda rule: rule.name)
def test_nobody_offers_and_nothing_is_awarded(rule: Rule) -> None:
    outcome = cleared(rule, [])
    assert outcome.awards == ()
    assert outcome.undone == TASKS
    assert outcome.gain == 0


@pytest.mark.parametrize("rule", [VCG(), GreedyCritical()], ids=lambda rule: rule.name)
def test_offers_that_cannot_be_taken_are_refused_with_the_reason(rule: Rule) -> None:
    negative = offer("below", "t0", "1").model_copy(
        update={"price": Amount.model_construct(value=Decimal(-1), unit="usd")}
    )
    outcome = cleared(
        rule,
        [
            offer("beyond", "t0", "11"),
            offer("dear", "t3", "1.5"),
            offer("lost", "t9", "1"),
            negative,
            offer("free", "t0", "0"),
        ],
    )
    reasons = {one.offer.agent: one.why for one in outcome.refused}
    assert reasons == {
        "below": "asks -1 usd: a price is zero or more",
        "beyond": "asks 11 usd, and no more than 10 is paid",
        "dear": "asks 1.5 usd, more than the work is worth",
        "lost": "no task 't9' is for sale",
    }
    assert [award.offer.agent for award in outcome.awards] == ["free"]
    assert cleared(rule, [offer("beyond", "t0", "11")]).awards == ()


def test_an_agent_charges_in_one_unit_and_makes_few_offers() -> None:
    mixed = [offer("both", "t0", "1"), offer("both", "t1", "1", unit="s")]
    outcome = cleared(VCG(), mixed)
    assert outcome.awards == ()
    assert {one.why for one in outcome.refused} == {"offers in dollars and in seconds: an agent charges in one unit"}
    many = [offer("eager", "t0", f"0.{number}") for number in range(1, MOST_EACH + 2)]
    assert cleared(VCG(), many).refused[0].why == f"{MOST_EACH + 1} offers of one agent, and {MOST_EACH} are read"


def test_of_several_offers_vcg_takes_the_best_and_greedy_the_largest_whatever_they_ask() -> None:
    offers = [offer("a", "t0", "0.5"), offer("a", "t0 t1", "6.9")]
    assert [award.offer.tasks for award in cleared(VCG(), offers).awards] == [frozenset({"t0"})]
    assert [award.offer.tasks for award in cleared(GreedyCritical(), offers).awards] == [frozenset({"t0", "t1"})]


@given(offers=offer_lists(), seed=seeds)
def test_offers_that_are_alike_in_all_but_the_name_win_once(offers: list[Offer], seed: int) -> None:
    twins = [*offers, *(one.model_copy(update={"agent": f"twin-{one.agent}"}) for one in offers)]
    outcome = cleared(VCG(), twins, seed)
    tasks = [task for award in outcome.awards for task in award.offer.tasks]
    assert len(set(tasks)) == len(tasks)


@pytest.mark.parametrize("shares", [{"t0": 0.0}, {"t0": 0.7, "t1": 0.7}, {"t0": -1.0}])
def test_shares_that_are_no_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="share of the reserve"):
        VCG().clear_bundles([], shares=shares, reserve=PURSE, seed=1)


def test_one_task_through_the_mechanism_refuses_what_is_worth_less_than_it_asks() -> None:
    clearing = VCG(scorer=BY_CONFIDENCE).clear(
        [bid("good", 2, confidence=0.9), bid("bad", 8, confidence=0.5)], reserve=PURSE, seed=1
    )
    assert clearing.winner == "good"
    assert clearing.payment is not None
    assert clearing.payment.value == 9
    assert clearing.refused == {"bad": "asks 8 usd, more than the work is worth"}
