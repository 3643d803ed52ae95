"""Bids with a jury's marks and records of their bidders, for the tests of what a bid is worth."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from agora.bids import Amount, Bid, Juror, Plan, Reserve, Standing

PURSE = Reserve(usd=Decimal(10), s=Decimal(100))
OPERATORS = ("north", "east", "south", "west")
ALL_TERMS = {"cost": 0.3, "entropy": 0.2, "jury": 0.3, "record": 0.2, "latency": 0.1, "energy": 0.1, "fairness": 0.1}

seeds = st.integers(min_value=0, max_value=2**62)
marks = st.integers(min_value=0, max_value=5)
shares = st.integers(min_value=0, max_value=100).map(lambda percent: percent / 100)


class Auction(NamedTuple):
    """Bids, and who judged them."""

    bids: list[Bid]
    jury: Mapping[str, Juror]
    seed: int


def made(
    agent: str,
    price: str | int | Decimal = 1,
    *,
    operator: str = "",
    entropy: float | None = 0.5,
    marks: Mapping[str, int] | None = None,
    standing: Standing | None = None,
    text: str = "",
) -> Bid:
    """One bid; by default its operator is nobody else's."""
    text = text or f"plan of {agent}"
    return Bid(
        agent=agent,
        plan=Plan(text=text),
        length_tokens=5,
        projected_tokens=100,
        price=Amount(value=Decimal(price)),
        entropy=entropy,
        content_hash=f"{text} for {price}",
        operator=operator or f"operator of {agent}",
        standing=standing or Standing(),
        marks=marks or {},
    )


@st.composite
def juries(draw: st.DrawFn, *, min_size: int = 1) -> dict[str, Juror]:
    """One to five judges, of operators that may bid too, known to be good, known to be bad, or unknown."""
    agreement = st.sampled_from([0.2, 0.5, 0.5, 0.7, 0.9, 1.0])
    size = draw(st.integers(min_value=min_size, max_value=5))
    return {
        f"judge{number}": Juror(operator=draw(st.sampled_from([*OPERATORS, "nobody"])), agreement=draw(agreement))
        for number in range(size)
    }


@st.composite
def auctions(draw: st.DrawFn, *, min_size: int = 2) -> Auction:
    """Two to five bids with every figure, marked by every judge; prices and figures meet often."""
    jury = draw(juries())
    standings = st.builds(
        Standing,
        success_low=shares,
        seconds=st.integers(min_value=0, max_value=200).map(float),
        energy_j=st.integers(min_value=0, max_value=200).map(lambda kj: kj * 1_000.0),
        share=shares,
    )
    bids = [
        made(
            f"agent{number}",
            draw(st.integers(min_value=0, max_value=12)),
            operator=draw(st.sampled_from(OPERATORS)),
            entropy=draw(shares),
            standing=draw(standings),
            marks={judge: draw(marks) for judge in jury},
        )
        for number in range(draw(st.integers(min_value=min_size, max_value=5)))
    ]
    return Auction(bids, jury, draw(seeds))
