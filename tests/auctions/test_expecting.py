"""What bids are expected to cost before anybody wrote a word."""

from __future__ import annotations

from decimal import Decimal

from agora.auctions.expecting import expected_bidding
from agora.bids import Price

PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(8))


def dollars(*, bidders: int, judges: bool = True, each: bool = False) -> Decimal:
    return expected_bidding(PRICE, goal="add 1 and 2", bidders=bidders, judges=judges, each=each).value


def test_a_ballot_a_plan_is_expected_to_read_the_task_once_more_for_every_further_plan() -> None:
    assert dollars(bidders=1, each=True) == dollars(bidders=1)
    further = dollars(bidders=2, each=True) - dollars(bidders=2)
    assert further > 0
    assert dollars(bidders=6, each=True) - dollars(bidders=6) == 5 * further


def test_who_does_not_judge_pays_for_no_ballot() -> None:
    assert dollars(bidders=6, judges=False, each=True) == dollars(bidders=2, judges=False) < dollars(bidders=2)
