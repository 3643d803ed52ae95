"""What work and bidding are expected to cost, before anybody wrote a word: from posted prices and usual sizes.

Only to decide whether to ask: what is charged is what was really used. An agent's mean on record goes before.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from agora.auctions.sealing import plan_length
from agora.bids import Amount, Price
from agora.records import AgentRecord

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

    >>> expected_work(Price(output_per_mtok=Decimal(8)), tokens=1_000_000).value
    Decimal('2')
    """
    return Amount(value=price.per_task + price.of(tokens - tokens // 4, tokens // 4), unit=price.unit)


def expected_bidding(
    price: Price, *, record: AgentRecord | None = None, goal: str, bidders: int, judges: bool, each: bool = False
) -> Amount:
    """What an agent's bid is expected to cost, and its marks for all bids where it judges.

    What its bids took so far, on average; who has made none is expected to need the usual tokens at its price.

    Args:
        price: The agent's posted price.
        record: Its own, on the task's skill.
        goal: Of the task: it is read for the bid and for the ballot.
        bidders: How many plans it marks.
        judges: Whether it is on the jury.
        each: Whether it gets a ballot a plan instead of one for all.
    """
    if record is not None and record.bids:
        total = Decimal(record.bidding_usd) if price.unit == "usd" else Decimal(str(record.bidding_seconds))
        return Amount(value=total / record.bids, unit=price.unit)
    length = plan_length(goal)
    read, wrote = _PROMPT_TOKENS + length, _WRITTEN_TOKENS
    if judges:
        ballots = bidders if each else 1
        read += ballots * (_BALLOT_TOKENS + length) + bidders * _PLAN_TOKENS
        wrote += bidders * _MARK_TOKENS
    return Amount(value=price.of(read, wrote), unit=price.unit)
