"""Upper confidence by state signature, with a penalty for failures (AgensFlow, arXiv 2605.27466, and its repository).

    index_m = mean score_sm - dial * mean cost_sm + c_s sqrt(ln(N_s + 1) / N_sm) - reliability * failures_sm
    c_s = max(.5, 1.4 * 2^(-N_s / 50))                    untried: infinite

The signature s of a query is its tag and how long it is. N_s counts all outcomes under it, N_sm those of the arm, and
failures_sm is the share of tries that brought no answer at all. An outcome does not say so itself: once any cost was
told, a score of 0 without a cost counts as one, and so does a wrong answer whose cost nobody knows; where costs are
told of some answers only, state `reliability = 0`. Published: actions are also to skip a step or to stop, rewards are a
judge's marks less tokens, backed up along a path; one query is one step here, tokens are dollars, and they are averaged
apart, so that the dial turns without learning anew. Below 5 outcomes a signature is not trusted (published: rules
decide then; here what is known of all queries together).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index
from agora.coordinator.routers.contexts import SIZES
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, fits, named, whole
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector

EVERYTHING: Final = ""
TRUSTED: Final = 5
"""Outcomes from which a signature is trusted."""
_N, _SCORE, _PAID, _SPENT, _FAILED = range(5)


class AgensFlowOptions(RouterOptions):
    """What can be set."""

    explore: float = Field(default=1.4, ge=0)
    """c_s at first."""
    least: float = Field(default=0.5, ge=0)
    """c_s at last."""
    half_life: float = Field(default=50.0, gt=0)
    """Outcomes that halve c_s."""
    reliability: float = Field(default=0.5, ge=0)
    """What failing always costs, in score."""


class AgensFlow:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: AgensFlowOptions) -> None:
        import numpy as np

        self._options = options
        self._signatures, self._rows, self._costs = Rows((EVERYTHING,)), Rows(), Costs()
        self._held = np.zeros((1, 5, 0))  # of signature and arm: tries, score, those with a cost, cost, failures

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index; nothing is left to chance."""
        import numpy as np

        cost, m = self._costs.of(arms), len(arms)
        held = np.zeros((5, m))
        if len(self._rows):
            place = max(self._signatures.row(_signature(query)), 0)
            if self._held[place, _N].sum() < TRUSTED:
                place = 0
            at = self._rows.known(arms)
            held = self._held[place][:, at] * (at >= 0)
        n = held[_N]
        tried, everyone = n > 0, float(n.sum())
        safe = np.where(tried, n, 1.0)
        success = np.where(tried, held[_SCORE] / safe, 0.5)
        cost = np.where(held[_PAID] > 0, held[_SPENT] / np.where(held[_PAID] > 0, held[_PAID], 1.0), cost)
        failures = held[_FAILED] / safe
        options = self._options
        c = max(options.least, options.explore * 0.5 ** (everyone / options.half_life))
        bonus = c * np.sqrt(np.log(everyone + 1.0) / safe)
        index = np.where(tried, success - dial * cost + bonus - options.reliability * failures, np.inf)
        terms = {"success": success, "cost": cost, "bonus": bonus, "failures": failures}
        rungs = max(1, int(np.count_nonzero(success > dial * cost)))
        return by_index(index, cost, terms=terms, rungs=rungs)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """One more of a cell, and of everything."""
        place, row = self._signatures.of(_signature(query)), self._rows.of(arm)
        self._grow()
        self._costs.learn(arm, outcome.cost)
        paid = outcome.cost is not None
        failed = not paid and outcome.score <= 0.0 and bool(self._held[0, _PAID].any())  # where costs are told at all
        took = (1.0, outcome.score, float(paid), outcome.cost or 0.0, float(failed))
        for one in (0, place):
            self._held[one, :, row] += took

    def fit(self, log: Log) -> None:
        """All outcomes; a cost that a log does not have says nothing of failures."""
        import numpy as np

        places = [self._signatures.of(_signature(query)) for query in log.queries]
        rows = [self._rows.of(key) for key in log.arms.keys]
        self._grow()
        self._costs.fit(log)
        known, priced = np.isfinite(log.scores), np.isfinite(log.costs)
        for number, place in enumerate(places):
            took = np.zeros((5, len(rows)))
            took[_N], took[_PAID] = known[number], priced[number]
            took[_SCORE] = np.where(known[number], log.scores[number], 0.0)
            took[_SPENT] = np.where(priced[number], log.costs[number], 0.0)
            for one in (0, place):
                self._held[one][:, rows] += took

    def saved(self) -> JsonValue:
        """The table."""
        kept: dict[str, JsonValue] = {"signatures": list(self._signatures.keys), "keys": list(self._rows.keys)}
        return {**kept, "held": packed(self._held), "costs": self._costs.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._signatures, self._rows = named(saved, "signatures"), named(saved, "keys")
        self._held = array(saved, "held", len(self._signatures), 5, len(self._rows))
        fits(self._signatures.row(EVERYTHING) == 0, "signatures")
        self._costs.restored(part(saved, "costs"))

    def _grow(self) -> None:
        import numpy as np

        signatures, _, arms = self._held.shape
        if len(self._signatures) > signatures or len(self._rows) > arms:
            held: Vector = np.zeros((len(self._signatures), 5, len(self._rows)))
            held[:signatures, :, :arms] = self._held
            self._held = held


def _signature(query: Query) -> str:
    """Never that of everything."""
    return f"{sum(query.size >= cut for cut in SIZES)} {query.tag}"


policy = routed("agensflow", AgensFlowOptions, AgensFlow)
"""Upper confidence by tag and length."""
