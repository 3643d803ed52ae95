"""Payments are exact, and one above the budget refuses the award, in the market as in a mechanism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from agora.agents.function import FunctionAgent
from agora.auctions.greedy import GreedyCritical
from agora.auctions.paying import GRID, Scale, amount, on_grid, within_budget
from agora.auctions.posted_price import Lottery
from agora.auctions.sale import SALE
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.auctions.vcg import VCG
from agora.bids import NO_JURY, Amount, Bid, Clearing, Juror, Plan, Price, Reserve
from agora.events import Awarded, Scored
from agora.market import Market
from agora.protocols import Agent, Desk, Mechanism
from agora.tasks import Check, Task
from mechanism_cases import JURY, MECHANISMS, PURSE, Case, cases

decimals = st.decimals(min_value=0, max_value=10**9, places=15)


@given(value=decimals)
def test_the_grid_brackets_every_price(value: Decimal) -> None:
    below, above = on_grid(value), on_grid(value, up=True)
    assert Fraction(below, GRID) <= Fraction(value) <= Fraction(above, GRID)
    assert above - below <= 1
    assert amount(below, "usd").value <= value


@given(price=decimals, usd=decimals, s=decimals)
def test_equal_shares_of_two_reserves_are_equal_numbers(price: Decimal, usd: Decimal, s: Decimal) -> None:
    scale = Scale(Reserve(usd=usd, s=s))
    share = Fraction(scale.cost(Amount(value=price)), scale.whole)
    assert abs(share * max(1, on_grid(usd)) - Fraction(price) * GRID) <= 1


@given(case=cases(), mechanism=st.sampled_from(MECHANISMS))
def test_the_guard_changes_nothing_that_is_within_the_budget(case: Case, mechanism: Mechanism) -> None:
    clearing = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    assert within_budget(clearing, PURSE) == clearing


class Spendthrift:
    """A plug-in that pays twice the reserve."""

    name = "spendthrift"

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        clearing = Lottery().clear(bids, reserve=reserve, seed=seed)
        return clearing.model_copy(update={"mechanism": self.name, "payment": Amount(value=2 * reserve.usd)})


def answering(name: str, price: str) -> Agent:
    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    return FunctionAgent(name, perform, plan=Plan(text=f"as {name}", tokens=0), price=Price(per_task=Decimal(price)))


TASK = Task(id="t", goal="what is 6 x 7?", verify=Check(kind="exact", options={"answer": "42"}))


async def test_the_market_refuses_an_award_that_its_mechanism_would_pay_above_the_reserve() -> None:
    market = Market([answering("a", "0.1"), answering("b", "0.2")], mechanism=Spendthrift(), seed=1)
    result = await market.run(TASK)
    assert result.award is None
    assert not result.passed
    assert "above the budget of 1.00" in result.reason
    events = [item.event for item in market.store.events()]
    scored = next(event for event in events if isinstance(event, Scored))
    assert set(scored.clearing.refused) == {"a", "b"}
    assert not [event for event in events if isinstance(event, Awarded)]


async def test_second_score_pays_the_winner_what_the_runner_up_asked() -> None:
    market = Market([answering("a", "0.1"), answering("b", "0.2")], mechanism=SecondScore(), seed=1)
    result = await market.run(TASK)
    assert result.passed
    assert result.award is not None
    assert (result.award.agent, result.award.payment.value) == ("a", Decimal("0.2"))


def test_whoever_scores_says_who_judges() -> None:
    assert SecondScore().jury is None
    assert FirstScore(scorer=SALE(jury=["ann"])).jury == frozenset({"ann"})
    assert SecondScore(scorer=Lottery()).jury == frozenset()
    assert VCG().jury is None
    assert GreedyCritical(scorer=SALE(jury=[])).jury == frozenset()
