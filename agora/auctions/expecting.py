"""What work and bidding are expected to cost, before anybody wrote a word: from posted prices and stated sizes.

Only to decide whether to ask: what is charged is what was really used. An agent's mean on record goes before.
"""

from __future__ import annotations

from typing import Final

from agora.auctions.sealing import PLAN_CAP_TOKENS, plan_length
from agora.bids import Amount, Price

PLAN_TOKENS: Final = 100
"""An expected plan: a quarter of the longest one, and so a quarter of the task's token limit as its work."""

_PROMPT_TOKENS: Final = 250
_WRITTEN_TOKENS: Final = 150
_BALLOT_TOKENS: Final = 250
_MARK_TOKENS: Final = 16


def expected_work(price: Price, *, token_limit: int) -> Amount:
    """What an attempt is expected to cost: as the bid of a plan of `PLAN_TOKENS` would ask.

    Args:
        price: The agent's posted price.
        token_limit: The task's.

    >>> from decimal import Decimal
    >>> expected_work(Price(per_task=Decimal("0.1")), token_limit=400_000).value
    Decimal('0.1')
    """
    tokens = token_limit * PLAN_TOKENS // PLAN_CAP_TOKENS
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
        read += _BALLOT_TOKENS + length + bidders * PLAN_TOKENS
        wrote += bidders * _MARK_TOKENS
    return Amount(value=price.of(read, wrote), unit=price.unit)
