"""Bundles: offers for several tasks at once, what they are worth, and what an auction of them decides.

Each task has a fixed share of the reserve, and shares add up to at most 1. An offer is worth quality x the shares of
its tasks, so the most that a task can ever cost is its own share; what an offer adds is its worth less its price, both
as shares of the reserve of its unit. Leaving a task undone is worth 0: nothing is bought for more than it is worth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from agora.auctions.paying import GRID, Scale, on_grid
from agora.auctions.ranking import tie_hash
from agora.bids import Amount, Reserve
from agora.errors import ConfigError
from agora.values import Value

MOST_EACH = 8
"""Offers that one agent may make."""


class Offer(Value):
    """Someone would do these tasks, all of them, for this price. Several offers of one agent exclude each other."""

    agent: str
    """Who offers; moves nothing."""
    tasks: frozenset[str] = Field(min_length=1)
    """Ids of the tasks."""
    price: Amount
    """What is asked for all of them together."""
    quality: float = Field(ge=0, le=1)
    """What the work is worth as a share of what its tasks may cost; never the bidder's own word."""
    content_hash: str = ""
    """By what ties are broken; empty: by tasks, price and quality."""

    def lot(self, seed: int) -> int:
        """The seeded lot of its content."""
        content = [sorted(self.tasks), str(self.price.value.normalize()), self.price.unit, self.quality]
        return tie_hash(seed, self.content_hash or json.dumps(content))


class RefusedOffer(Value):
    """An offer that took no part."""

    offer: Offer
    """As it was made."""
    why: str
    """The reason, in words."""


class BundleAward(Value):
    """These tasks go to this agent."""

    offer: Offer
    """What was accepted."""
    payment: Amount
    """What is paid for it."""


class BundleClearing(Value):
    """What an auction of bundles decided."""

    mechanism: str
    """Its name."""
    awards: tuple[BundleAward, ...]
    """Disjoint bundles, at most one an agent, largest gain first."""
    undone: tuple[str, ...]
    """Tasks that nobody gets, sorted."""
    refused: tuple[RefusedOffer, ...] = ()
    """Offers that took no part."""
    gain: float
    """What all awards are worth less what their winners ask, as a share of the reserve, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Item:
    """An admitted offer in integers, over the common whole."""

    offer: Offer
    mask: int
    """Bit set of its tasks."""
    price: int
    """Steps of the grid."""
    factor: int
    """What one step of its price weighs."""
    worth: int
    """Quality x shares."""
    lot: int
    """For ties."""

    @property
    def cost(self) -> int:
        """Its price, weighed."""
        return self.price * self.factor

    @property
    def gain(self) -> int:
        """What it is worth less what it asks."""
        return self.worth - self.cost


class Hall:
    """Offers admitted to an auction of bundles, in an order that no name and no arrival can move.

    Args:
        offers: In any order.
        shares: Task -> its share of the reserve, each > 0, adding up to at most 1.
        reserve: What all tasks together may cost.
        seed: Of the lots.

    Raises:
        ConfigError: The shares do not fit.
    """

    def __init__(self, offers: Sequence[Offer], *, shares: Mapping[str, float], reserve: Reserve, seed: int) -> None:
        steps = {task: round(share * GRID) for task, share in shares.items()}
        if sum(steps.values()) > GRID:  # as with six times 1/6, each rounded up
            steps = {task: on_grid(share) for task, share in shares.items()}
        if not all(step > 0 for step in steps.values()) or sum(steps.values()) > GRID:
            raise ConfigError("shares", "each task's share of the reserve must be above 0, and all at most 1 together")
        self.tasks = sorted(steps)
        self.reserve, self._scale = reserve, Scale(reserve)
        self.unit = self._scale.whole * GRID * GRID
        self._bits = {task: 1 << place for place, task in enumerate(self.tasks)}
        self._steps = steps
        self.refused: list[RefusedOffer] = []
        items = [item for item in (self._admit(offer, seed) for offer in self._allowed(offers)) if item]
        self.items = sorted(items, key=lambda item: (item.lot, item.offer.agent))
        self.refused.sort(key=lambda one: (one.offer.agent, one.offer.lot(seed)))

    def groups(self) -> list[list[Item]]:
        """Items by agent: at most one of each group can win."""
        found: dict[str, list[Item]] = {}
        for item in self.items:
            found.setdefault(item.offer.agent, []).append(item)
        return list(found.values())

    def names(self, mask: int) -> tuple[str, ...]:
        """Tasks of a bit set."""
        return tuple(task for task in self.tasks if mask & self._bits[task])

    def clearing(self, name: str, won: Iterable[tuple[Item, int]]) -> BundleClearing:
        """The outcome, from what was won and the steps paid for it."""
        ordered = sorted(won, key=lambda pair: (-pair[0].gain, pair[0].lot, pair[0].offer.agent))
        taken = sum(item.mask for item, _ in ordered)
        awards = tuple(
            BundleAward(offer=item.offer, payment=self._scale.capped(steps, item.offer.price.unit))
            for item, steps in ordered
        )
        return BundleClearing(
            mechanism=name,
            awards=awards,
            undone=tuple(task for task in self.tasks if not taken & self._bits[task]),
            refused=tuple(self.refused),
            gain=sum(item.gain for item, _ in ordered) / self.unit,
        )

    def _allowed(self, offers: Sequence[Offer]) -> list[Offer]:
        """Offers of agents that keep to one unit and few offers: what one step is worth must be one figure an agent."""
        made: dict[str, list[Offer]] = {}
        for offer in offers:
            made.setdefault(offer.agent, []).append(offer)
        kept: list[Offer] = []
        for those in made.values():
            if len(those) > MOST_EACH:
                self._refuse(those, f"{len(those)} offers of one agent, and {MOST_EACH} are read")
            elif len({offer.price.unit for offer in those}) > 1:
                self._refuse(those, "offers in dollars and in seconds: an agent charges in one unit")
            else:
                kept += those
        return kept

    def _admit(self, offer: Offer, seed: int) -> Item | None:
        unit, value = offer.price.unit, offer.price.value
        if unknown := sorted(offer.tasks - set(self.tasks)):
            self._refuse([offer], f"no task {unknown[0]!r} is for sale")
        elif not value.is_finite() or value < 0:
            self._refuse([offer], f"asks {value} {unit}: a price is zero or more")
        elif value > self.reserve.of(unit):
            self._refuse([offer], f"asks {value} {unit}, and no more than {self.reserve.of(unit)} is paid")
        else:
            item = self._item(offer, seed)
            if item.gain >= 0:
                return item
            self._refuse([offer], f"asks {value} {unit}, more than the work is worth")
        return None

    def _item(self, offer: Offer, seed: int) -> Item:
        share = sum(self._steps[task] for task in offer.tasks)
        return Item(
            offer=offer,
            mask=sum(self._bits[task] for task in offer.tasks),
            price=on_grid(offer.price.value, up=True),
            factor=self._scale.factor(offer.price.unit) * GRID * GRID,
            worth=round(offer.quality * GRID) * share * self._scale.whole,
            lot=offer.lot(seed),
        )

    def _refuse(self, offers: Sequence[Offer], why: str) -> None:
        self.refused += [RefusedOffer(offer=offer, why=why) for offer in offers]


def even_shares(tasks: Iterable[str]) -> dict[str, float]:
    """The same share of the reserve for each task.

    >>> even_shares(["a", "b"])
    {'a': 0.5, 'b': 0.5}
    """
    known = sorted(set(tasks))
    return {task: 1 / len(known) for task in known}
