"""A task on its way through the market, made up from what came of its awards."""

from __future__ import annotations

from decimal import Decimal

from agora.auctions import seal
from agora.bids import Amount, Award, Plan, Price, Reserve
from agora.budget import Purse
from agora.events import Opened
from agora.lots import Auction, Lot
from agora.results import Attempt
from agora.tasks import Limits, Outcome, Task, Usage, Verdict
from agora.testing import FakeClock


def lot_of(*attempts: tuple[str, Verdict] | tuple[str, Verdict, bool], malformed: tuple[str, ...] = ()) -> Lot:
    """A task with an auction and its attempt for each: who bid, what came of it, whether that was grounded.

    Args:
        attempts: In order; what is not said to be judged is grounded.
        malformed: Who gave a bid that was no plan, in the first auction.
    """
    purse = Purse("t", Limits(), clock=FakeClock())
    lot = Lot(task=Task(id="t", goal="g", skill="python"), purse=purse)
    for number, (name, verdict, *grounded) in enumerate(attempts):
        plan = Plan(text=name, confidence=0.5)
        opened = Opened(task="t", auction=number, how="auction", asked=(name,), reserve=Reserve())
        award = Award(agent=name, attempt=number + 1, plan=plan, payment=Amount(value=Decimal(0)), reason="lowest")
        outcome = Outcome(verdict=verdict, verifier="v", grounded=all(grounded))
        lot.auctions.append(
            Auction(
                opened=opened,
                purse=purse,
                bids={name: seal(name, plan, Price(), entropy=None, token_limit=100, usage=Usage())},
                malformed=set() if number else set(malformed),
                attempt=Attempt(award=award, outcome=outcome, tool_calls=2, tool_calls_ok=1),
            )
        )
    return lot
