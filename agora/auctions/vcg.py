"""VCG over bundles, with exact winner determination (Vickrey, 1961; Clarke, 1971; Groves, 1973; sale.md section 6).

The awards are the disjoint bundles, at most one an agent, with the greatest gain: worth less price, all as shares of
the reserve. Each winner is paid its price plus what it adds: the gain with it less the best gain without it. Payment
rules of VCG are truthful only where the optimum is exact, so above its size this refuses instead of approximating.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agora.auctions.bundles import BundleClearing, Hall, Item, Offer
from agora.auctions.grading import jury_for
from agora.auctions.one_task import clear_one
from agora.auctions.properties import Properties
from agora.auctions.sale import SALE
from agora.auctions.stating import with_scorer
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve
from agora.errors import ConfigError
from agora.protocols import Mechanism

MOST_TASKS = 12
"""Tasks that can be had at once: their subsets are all looked at."""

MOST_STATES = 2**16
"""Subsets of tasks x agents: 12 tasks for 16 agents, 10 for 64, one task for 32,768."""

_State = tuple[int, int, int, tuple[Item, ...]]
"""Gain, minus cost, minus the sum of lots (all of which add up), and what was taken."""


class VCG:
    """Exact optimum, paid by what each winner adds.

    Truthful in cost, whichever of its bundles an agent misstates, to within one step of the grid (1e-12 of a unit).
    Payments never exceed the reserve, without any refusal: a winner is paid at most what its bundle is worth, bundles
    are disjoint, and shares add up to at most 1.

    Args:
        scorer: For `clear`: the mechanism whose scores besides cost are the quality; SALE by default.
    """

    name = "vcg"
    properties = Properties(
        truthful=True,
        paid="its price plus what it adds",
        use="several tasks are given out at once and bundles are cheaper together (at most 12 tasks)",
    )

    def __init__(self, *, scorer: Mechanism | None = None) -> None:
        self._scorer = scorer or SALE()

    def clear_bundles(
        self, offers: Sequence[Offer], *, shares: Mapping[str, float], reserve: Reserve, seed: int
    ) -> BundleClearing:
        """Award disjoint bundles at the greatest gain.

        Args:
            offers: In any order; those of one agent exclude each other.
            shares: Task -> its share of the reserve; together at most 1.
            reserve: What all tasks together may cost.
            seed: Of the lots between equal optima.

        Raises:
            ConfigError: More than can be solved exactly; `bundle_rule` chooses a rule by size.
        """
        hall = Hall(offers, shares=shares, reserve=reserve, seed=seed)
        groups = hall.groups()
        if not fits(len(hall.tasks), len(groups)):
            raise ConfigError(
                f"auction {self.name!r}",
                f"{len(hall.tasks)} tasks for {len(groups)} agents cannot be solved exactly: use bundle_rule(...)",
            )
        best = _best(groups)
        won: list[tuple[Item, int]] = []
        for item in best[3]:
            without = _best([group for group in groups if group[0].offer.agent != item.offer.agent])
            won.append((item, item.price + (best[0] - without[0]) // item.factor))
        return hall.clearing(self.name, won)

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return with_scorer(self._scorer, {})

    @property
    def jury(self) -> frozenset[str] | None:
        """Who judges: whoever the scorer wants to hear."""
        return jury_for(self._scorer)

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """One task: second score that buys nothing for more than it is worth."""
        return clear_one(self, self._scorer, bids, reserve=reserve, seed=seed, jury=jury)


def fits(tasks: int, agents: int) -> bool:
    """Whether so many tasks and agents are solved exactly."""
    return tasks <= MOST_TASKS and 2**tasks * agents <= MOST_STATES


def _best(groups: Sequence[Sequence[Item]]) -> _State:
    """The greatest gain, then more tasks done, then the lower cost, then the lot; by subsets of tasks.

    After each agent, `states` holds the best way to do exactly those tasks with the agents so far.
    """
    states: dict[int, _State] = {0: (0, 0, 0, ())}
    for group in groups:
        after = dict(states)
        for item in group:
            gain, cost, lot, mask = item.gain, item.cost, item.lot, item.mask
            for done, state in states.items():
                if done & mask:
                    continue
                rival = after.get(done | mask)
                value = (state[0] + gain, state[1] - cost, state[2] - lot)
                if rival is None or value > rival[:3]:
                    after[done | mask] = (*value, (*state[3], item))
        states = after
    return max(states.items(), key=lambda pair: (pair[1][0], pair[0].bit_count(), *pair[1][1:3]))[1]
