"""The claims of all built-in mechanisms in one table: what docs/mechanisms.md shows and the tests check."""

from __future__ import annotations

from agora.auctions.always import Always
from agora.auctions.central import CentralRouter
from agora.auctions.confidence_auction import CalibratedConfidence
from agora.auctions.greedy import GreedyCritical
from agora.auctions.posted_price import Lottery, PostedPrice
from agora.auctions.properties import Properties
from agora.auctions.sale import SALE
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.auctions.vcg import VCG


def claims() -> dict[str, Properties]:
    """Mechanism -> its claims, in the order in which a reader meets them."""
    return {
        SALE.name: Properties(
            truthful=False, paid="its own price", use="plans tell bidders apart and prices are posted; the default"
        ),
        PostedPrice.name: PostedPrice.properties,
        FirstScore.name: FirstScore.properties,
        SecondScore.name: SecondScore.properties,
        VCG.name: VCG.properties,
        GreedyCritical.name: GreedyCritical.properties,
        CalibratedConfidence.name: CalibratedConfidence.properties,
        CentralRouter.name: CentralRouter.properties,
        Lottery.name: Lottery.properties,
        Always.name: Always.properties,
    }
