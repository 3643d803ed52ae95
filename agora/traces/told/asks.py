"""What was asked: the bids of an auction in their order, and who asks most over a whole run."""

from __future__ import annotations

from agora.auctions.ranking import cost_share
from agora.bids import Bid
from agora.traces.told.story import AuctionStory, RunStory


def ranked(auction: AuctionStory) -> list[Bid]:
    """The bids that count, best first; in the order of names until they are scored; those above the reserve last."""
    order = {score.agent: place for place, score in enumerate(auction.clearing.ranking)} if auction.clearing else {}
    return sorted(auction.bids.values(), key=lambda bid: (order.get(bid.agent, len(order)), bid.agent))


def mean_asks(story: RunStory) -> dict[str, float]:
    """Each bidder's mean ask, as a share of the task's reserve, so that units compare; agent -> share."""
    shares: dict[str, list[float]] = {}
    for task in story.tasks.values():
        for auction in task.auctions[:1]:  # the first: everybody was asked, within the same reserve
            for bid in auction.bids.values():
                shares.setdefault(bid.agent, []).append(cost_share(bid, auction.opened.reserve))
    return {agent: sum(values) / len(values) for agent, values in sorted(shares.items())}


def dearest(story: RunStory) -> str | None:
    """Whoever asks most on average; the first by name among equals; None where nobody bid."""
    asks = mean_asks(story)
    return max(asks, key=lambda agent: asks[agent]) if asks else None
