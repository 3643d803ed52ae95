"""What the tests of mechanisms share: all built-in rules, bids that carry everything, and what a bidder gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from agora.auctions.always import Always
from agora.auctions.central import CentralRouter
from agora.auctions.confidence_auction import CalibratedConfidence
from agora.auctions.greedy import GreedyCritical
from agora.auctions.posted_price import Lottery, PostedPrice
from agora.auctions.sale import SALE
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.auctions.vcg import VCG
from agora.bids import Amount, Bid, Juror, Plan, Reserve, Standing, Unit
from agora.protocols import Mechanism

MECHANISMS: list[Mechanism] = [
    SALE(),
    PostedPrice(),
    FirstScore(),
    SecondScore(),
    VCG(),
    GreedyCritical(),
    CalibratedConfidence(),
    CentralRouter(),
    Lottery(),
    Always(),
]
"""One of each built-in kind, as the registry makes it."""

PURSE = Reserve(usd=Decimal(10), s=Decimal(7))
"""Shares of 7 seconds have no last digit, so that rounding would show."""

JURY: Mapping[str, Juror] = {
    "judge-x": Juror(operator="x"),
    "judge-y": Juror(operator="y", agreement=0.8),
    "judge-z": Juror(operator="z", agreement=0.9),
}

seeds = st.integers(min_value=0, max_value=2**62)


def bid(
    agent: str,
    price: Decimal | int | str,
    *,
    unit: Unit = "usd",
    entropy: float | None = 0.5,
    confidence: float | None = 0.5,
    standing: Standing | None = None,
    operator: str = "",
    marks: Mapping[str, int] | None = None,
    plan: str = "",
    round: int = 0,
) -> Bid:
    """A sealed bid; its content is its plan and its price."""
    text = plan or f"the plan of {agent}"
    return Bid(
        agent=agent,
        plan=Plan(text=text),
        length_tokens=1,
        projected_tokens=1,
        price=Amount(value=Decimal(price), unit=unit),
        entropy=entropy,
        confidence=confidence,
        standing=standing or Standing(),
        operator=operator or f"operator of {agent}",
        marks=marks or {},
        round=round,
        content_hash=f"{text} for {Decimal(price)} {unit}",
    )


def asking(made: Bid, value: Decimal, *, new_lot: bool = True) -> Bid:
    """The same bid at another price, sealed anew unless its lot is to stay."""
    price = Amount(value=value, unit=made.price.unit)
    content = f"{made.plan.text} for {value} {price.unit}" if new_lot else made.content_hash
    return made.model_copy(update={"price": price, "content_hash": content})


class Case(NamedTuple):
    """Bids that tell their true costs, one of them, and what else it might ask."""

    bids: list[Bid]
    place: int
    lie: Decimal
    seed: int


def decoded(seed: int, drawn: bytes) -> Case:
    """One draw is a whole case, as ten thousand of them have to be quick; half are on a coarse grid, for ties."""
    number, coarse, place, *lie = drawn[:5]
    count = 1 + number % 5
    step = 100 if coarse % 2 else 1

    def cents(high: int, low: int) -> Decimal:
        return Decimal((256 * high + low) % 1151 // step * step) / 100

    bids: list[Bid] = []
    for index in range(count):
        high, low, unit, entropy, confidence, tried, success, operator, *marks = drawn[5 + 11 * index : 16 + 11 * index]
        made = bid(
            f"agent-{index}",
            cents(high, low),
            unit="usd" if unit % 2 else "s",
            entropy=entropy % 11 / 10,
            confidence=confidence % 11 / 10,
            standing=Standing(tried=tried % 4, success_low=success % 11 / 10),
            operator="xyw"[operator % 3],
            marks={judge: mark % 6 for judge, mark in zip(JURY, marks, strict=True)},
        )
        bids.append(made)
    return Case(bids, place % count, cents(lie[0], lie[1]), seed)


def cases() -> st.SearchStrategy[Case]:
    """One to five bidders with everything that a mechanism may look at; prices up to above the reserve."""
    return st.builds(decoded, seeds, st.binary(min_size=60, max_size=60))


def gain(mechanism: Mechanism, bids: Sequence[Bid], agent: str, *, cost: Decimal, seed: int) -> Decimal:
    """What an agent with a true cost has from an auction: the payment less the cost, or nothing."""
    clearing = mechanism.clear(bids, reserve=PURSE, seed=seed, jury=JURY)
    if clearing.winner != agent or clearing.payment is None:
        return Decimal(0)
    return clearing.payment.value - cost


def lying_gains(mechanism: Mechanism, case: Case, *, new_lot: bool = True) -> bool:
    """Whether the case's bidder has more from its lie than from asking its cost."""
    honest = case.bids[case.place]
    lying = [*case.bids]
    lying[case.place] = asking(honest, case.lie, new_lot=new_lot)
    cost = honest.price.value
    truth = gain(mechanism, case.bids, honest.agent, cost=cost, seed=case.seed)
    return gain(mechanism, lying, honest.agent, cost=cost, seed=case.seed) > truth
