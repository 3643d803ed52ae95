"""A router that thinks twice before it changes the agent: POLAR's switching cost (arXiv 2604.16583).

    index_m <- index_m - switch_cost * 1[m is not warm]

POLAR routes over adapters of one model that must be paged in; here a warm agent is one that did one of the latest
tasks of the same tag, whose context (a prompt cache, an open repository) is still there. Changed: it is a wrapper
around any router, its cost is added to the dialled cost of each arm, and there is no controller that pages ahead.

What a router leaves to chance stays so: only by how much its likeliest arm is likelier than the next one is the choice
its own, and only so much of the chance goes to the best index with the switching cost. So a share of chance for all
(epsilon-greedy) is kept whole, and where two arms are as likely (Thompson sampling), nothing is changed.
"""

from __future__ import annotations

from agora.coordinator.routers.choosing import by_index, drawn_again
from agora.coordinator.routers.packing import part, texts
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query, Router
from agora.values import JsonValue


class Switching:
    """Wraps any router that gives success and cost of each arm among its terms; of others the choice stands.

    Args:
        router: Which; owned by this one from now on.
        cost: Reward that a change takes away, >= 0.
        warm: How many agents stay warm for a tag.
    """

    def __init__(self, router: Router, *, cost: float, warm: int = 1) -> None:
        self._router, self._cost, self._most = router, cost, warm
        self._warm: dict[str, list[str]] = {}  # tag -> arms, the latest last

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """As the router, unless somebody warm is worth nearly as much."""
        import numpy as np

        choice = self._router.choose(query, arms, dial=dial, draw=draw)
        warm = self._warm.get(query.tag, [])
        success, cost = choice.terms.get("success"), choice.terms.get("cost")
        if success is None or cost is None or not warm:
            return choice
        cold = np.array([key not in warm for key in arms.keys], dtype=np.float64)
        index = choice.terms.get("index", success - dial * cost) - self._cost * cold
        terms = {**choice.terms, "index": index, "cold": cold}
        return _weighed(choice, by_index(index, cost, terms=terms, rungs=choice.rungs, note=choice.note), draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Who did it is warm."""
        warm = [one for one in self._warm.get(query.tag, []) if one != arm]
        self._warm[query.tag] = [*warm, arm][-self._most :]
        self._router.learn(query, arm, outcome)

    def fit(self, log: Log) -> None:
        """Nobody is warm from that."""
        self._router.fit(log)

    def saved(self) -> JsonValue:
        """Who is warm, and the router."""
        warm: dict[str, JsonValue] = {tag: list(arms) for tag, arms in self._warm.items()}
        return {"warm": warm, "router": self._router.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        warm = part(saved, "warm")
        self._warm = {tag: texts(warm, tag) for tag in warm} if isinstance(warm, dict) else {}
        self._router.restored(part(saved, "router"))


def _weighed(choice: Choice, best: Choice, draw: float) -> Choice:
    """The best by its index with the switching cost, but for what the router leaves to chance.

    By so much as the router's likeliest arm is likelier than the next one, the best takes its place.
    """
    import numpy as np

    first, chances = best.order[0], choice.chances.copy()
    top, *others = np.argsort(-chances, kind="stable").tolist()
    surplus = float(chances[top] - chances[others[0]]) if others else 0.0
    if surplus >= 1.0:
        return best
    if top != first and surplus > 0.0:
        chances[top] -= surplus
        chances[first] += surplus
        choice = drawn_again(choice, chances, draw)
    asked = choice.order[0]
    order = [asked, *(place for place in best.order if place != asked)]
    return choice._replace(order=order, terms=best.terms)
