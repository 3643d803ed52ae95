"""Hypothesis strategies for Agora's own values."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from agora.bids import Amount, Bid, Plan, Price, Reserve
from agora.tasks import Usage

RESERVE = Reserve(usd=Decimal(10), s=Decimal(100))
"""What the generated bids are measured against."""

names = st.text(alphabet="abcdefghij", min_size=1, max_size=8)
amounts = st.builds(
    Amount,
    value=st.decimals(min_value=0, max_value=12, places=6),
    unit=st.sampled_from(["usd", "s"]),
)
prices = st.builds(
    Price,
    unit=st.sampled_from(["usd", "s"]),
    input_per_mtok=st.decimals(min_value=0, max_value=100, places=4),
    output_per_mtok=st.decimals(min_value=0, max_value=100, places=4),
    per_task=st.decimals(min_value=0, max_value=5, places=4),
)
plans = st.builds(
    Plan,
    text=st.text(min_size=1, max_size=2000),
    steps=st.integers(min_value=1, max_value=20),
    tokens=st.none() | st.integers(min_value=0, max_value=10_000),
)
usages = st.builds(
    Usage,
    usd=st.decimals(min_value=0, max_value=3, places=6),
    input_tokens=st.integers(min_value=0, max_value=500),
    output_tokens=st.integers(min_value=0, max_value=500),
    steps=st.integers(min_value=0, max_value=3),
)


@st.composite
def bids(draw: st.DrawFn, *, name: str, entropy: bool = True) -> Bid:
    """One bid of a bidder."""
    value = st.floats(min_value=0, max_value=1)
    return Bid(
        agent=name,
        plan=draw(plans),
        length_tokens=draw(st.integers(min_value=1, max_value=400)),
        projected_tokens=draw(st.integers(min_value=0, max_value=100_000)),
        price=draw(amounts),
        entropy=draw(value if entropy else st.none() | value),
        content_hash=draw(st.text(alphabet="0123456789abcdef", min_size=8, max_size=8)),
    )


@st.composite
def bid_lists(draw: st.DrawFn, *, min_size: int = 1, entropy: bool = True) -> list[Bid]:
    """Bids of different bidders with different contents."""
    bidders = draw(st.lists(names, min_size=min_size, max_size=6, unique=True))
    drawn = [draw(bids(name=name, entropy=entropy)) for name in bidders]
    return [bid.model_copy(update={"content_hash": f"{bid.content_hash}{place}"}) for place, bid in enumerate(drawn)]
