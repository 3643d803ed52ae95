"""What work and bidding are expected to cost, before anybody wrote a word: from posted prices and usual sizes.

Only to decide whether to ask: what is charged is what was really used. An agent's mean on record goes before.
"""

from __future__ import annotations

from typing import Final

from agora.auctions.sealing import plan_length
from agora.bids import Amount, Price

_PLAN_TOKENS: Final = 100
_PROMPT_TOKENS: Final = 250
_WRITTEN_TOKENS: Final = 150
_BALLOT_TOKENS: Final = 250
_MARK_TOKENS: Final = 16


def expected_work(price: Price, *, tokens: int) -> Amount:
    """What an attempt of so many tokens is expected to cost, three of four of them read and one written.

    Args:
        price: The agent's posted price.
        tokens: That attempts at such tasks took so far, on average.

    >>> from decimal import Decimal
    >>> expected_work(Price(output_per_mtok=Decimal(8)), tokens=1_000_000).value
    Decimal('2')
    """
    return Amount(value=price.per_task + price.of(tokens - tokens // 4, tokens // 4), unit=price.unit)


def expected_bidding(price: Price, *, goal: str, bidders: int, judges: bool) -> Amount:
    """What an agent's bid is expected to cost, and its marks for all bids where it judges.

    Args:
        price: The agent's posted price.
        goal: Of the task: it is read for the bid and for the ballot.
        bidders: How many plans are on a ballot.
        judges: Whether it is on the jury.
    """
    length = plan_length(goal)
    read, wrote = _PROMPT_TOKENS + length, _WRITTEN_TOKENS
    if judges:
        read += _BALLOT_TOKENS + length + bidders * _PLAN_TOKENS
        wrote += bidders * _MARK_TOKENS
    return Amount(value=price.of(read, wrote), unit=price.unit)
