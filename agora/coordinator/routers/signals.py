"""Signals, rules, candidates, selector: the layers of vLLM Semantic Router, with rules that a user writes.

A rule holds where each of its signals does: a word in the text, the tag, the length. The first that holds says which
candidates there are (the cheaper or the dearer half of the pool, or all) and which selector chooses among them. Of the
project's thirteen selectors four are here: by value, the strongest, the cheapest, and Thompson sampling, over the
normal approximation of a Beta among the candidates (`sampling`: its chances are counted); of its signals those that
need no trained classifier. Who is no candidate is asked after the others.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_tag import ByTag
from agora.coordinator.routers.choosing import by_index, later, worth
from agora.coordinator.routers.sampling import Noise
from agora.coordinator.routers.seam import Arms, Choice, Query
from agora.values import Value

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Mask, Vector

_MOST_CHARACTERS: Final = 20_000
Candidates = Literal["all", "cheaper", "dearer"]
Selector = Literal["value", "strongest", "cheapest", "thompson"]


class Rule(Value):
    """What holds of a task, and what follows."""

    name: str = "rule"
    """As it stands in the reason."""
    words: tuple[str, ...] = ()
    """One of them stands in the text; none: any text."""
    tag: str = ""
    """The task's; empty: any."""
    longer: int = Field(default=0, ge=0)
    """The text has more characters."""
    shorter: int | None = Field(default=None, ge=1)
    """The text has fewer characters; none: any."""
    candidates: Candidates = "all"
    """Which half of the pool, by cost."""
    selector: Selector = "value"
    """Who of them."""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(re.escape(word.casefold()) for word in self.words)})\b")

    def holds(self, query: Query) -> bool:
        """Whether all its signals do."""
        if self.tag and self.tag != query.tag:
            return False
        if query.size <= self.longer or (self.shorter is not None and query.size >= self.shorter):
            return False
        return not self.words or self._pattern.search(query.text[:_MOST_CHARACTERS].casefold()) is not None


RULES: Final = (
    Rule(name="reasoning", words=("prove", "derive", "debug", "refactor", "explain why"), candidates="dearer"),
    Rule(name="short", shorter=200, candidates="cheaper"),
    Rule(name="default"),
)
"""What holds where a user writes none."""


class SignalsOptions(RouterOptions):
    """What can be set."""

    rules: tuple[Rule, ...] = RULES
    """In order; where none holds, everyone is a candidate, by value."""


class Signals(ByTag):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: SignalsOptions) -> None:
        super().__init__()
        self._rules, self._noise = options.rules, Noise()

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """As the first rule that holds says."""
        import numpy as np

        rule = next((one for one in self._rules if one.holds(query)), Rule())
        success, cost = self._cells.one(query.tag, arms)
        index = _index(rule.selector, success, cost, dial=dial)
        out, note = _outside(rule.candidates, cost), f"rule {rule.name}"
        terms = {"success": success, "cost": cost, "seen": self._cells.tried(arms), "index": index}
        rungs = worth(success, cost, dial=dial)
        if rule.selector != "thompson":
            return later(by_index(index, cost, terms=terms, rungs=rungs, note=note), out, draw=draw)
        value, width = np.where(out, -np.inf, index), self._width(query, arms, success)
        return self._noise.sampled(value, width, draw, terms={**terms, "width": width}, rungs=rungs, note=note)

    def _width(self, query: Query, arms: Arms, success: Vector) -> Vector:
        """Standard deviation of a Beta with one pass and one failure more, (m,)."""
        import numpy as np

        seen = self._cells.seen((query.tag,), arms)[0]
        value: Vector = np.sqrt(success * (1.0 - success) / (seen + 3.0))
        return value


def _index(selector: Selector, success: Vector, cost: Vector, *, dial: float) -> Vector:
    if selector == "cheapest":
        return -cost
    if selector == "strongest":
        return success
    value: Vector = success - dial * cost
    return value


def _outside(candidates: Candidates, cost: Vector) -> Mask:
    """Who is no candidate; of one arm, or of equal costs, everyone is."""
    import numpy as np

    middle = float(np.median(cost))
    if candidates == "all" or (cost == middle).all():
        return np.zeros(len(cost), dtype=bool)
    return cost > middle if candidates == "cheaper" else cost < middle


policy = routed("signals", SignalsOptions, Signals)
"""Rules over signals."""
