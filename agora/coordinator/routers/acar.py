"""Three cheap probes; how far they disagree says whether somebody stronger is asked (ACAR, arXiv 2602.21231).

    sigma = (distinct answers - 1) / (probes - 1)
    sigma = 0        the probes agree: their answer is handed in
    0 < sigma < 1    one stronger arm is asked; where it says what most probes say, that, else its own
    sigma = 1        the strongest is asked, and its answer handed in

Changed: the probes are the cheapest arms, one answer each (published: three samples of one fast model); a stronger arm
is asked only where its success less the dial times its cost exceeds what the probes' success promises, so that the dial
works; no judge model chooses. Agreement on a wrong answer cannot be repaired (the paper's own negative result). A live
market sees no answers before it asks: there it is a cascade from the cheap to the strong, by the task's own check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_tag import ByTag
from agora.coordinator.routers.choosing import counted, in_turn
from agora.coordinator.routers.seam import Arms, Choice, Move, Query, Seen

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class ACAROptions(RouterOptions):
    """What can be set."""

    probes: int = Field(default=3, ge=2, le=8)
    """Cheap answers that are compared."""


class ACAR(ByTag):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: ACAROptions) -> None:
        super().__init__()
        self._probes = options.probes

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The probes in the order of their costs, then whoever is more successful, the strongest first."""
        success, cost = self._cells.one(query.tag, arms)
        probes = self._cheapest(cost)
        best = max(float(success[place]) for place in probes)
        stronger = [place for place in _strongest_first(success, cost, dial=dial) if success[place] > best]
        sequence = [*probes, *(place for place in stronger if place not in probes)]
        return counted(in_turn(sequence, success, cost, dial=dial), self._cells.tried(arms))

    def proceed(self, query: Query, arms: Arms, seen: Sequence[Seen], *, dial: float, draw: float) -> Move:
        """The next probe, somebody stronger, or the end."""
        success, cost = self._cells.one(query.tag, arms)
        probes = self._cheapest(cost)
        if (checked := next((n for n, one in enumerate(seen) if one.passed), None)) is not None:
            return Move(hand_in=checked)
        if len(seen) < len(probes):
            return Move(ask=probes[len(seen)])
        first = seen[: len(probes)]
        votes = Counter(one.answer for one in first if one.answer)
        most = _most(votes, first)
        if len(seen) > len(probes):  # somebody stronger has spoken
            agreed = votes and seen[-1].answer == first[most].answer
            return Move(hand_in=most if agreed else len(seen) - 1)
        if len(votes) == 1 and sum(votes.values()) == len(first) and not any(one.passed is False for one in first):
            return Move(hand_in=most)
        asked = self._worth_asking(probes, success, cost, dial=dial, split=len(votes) >= len(first))
        return Move(hand_in=most) if asked is None else Move(ask=asked)

    def _cheapest(self, cost: Vector) -> list[int]:
        import numpy as np

        return cast("list[int]", np.argsort(cost, kind="stable")[: self._probes].tolist())

    def _worth_asking(
        self, probes: Sequence[int], success: Vector, cost: Vector, *, dial: float, split: bool
    ) -> int | None:
        """Whoever settles it: the strongest where all differ, else the best value; None: nobody is worth it."""
        others = [
            place for place in _strongest_first(success, cost, dial=0.0 if split else dial) if place not in probes
        ]
        kept = sum(float(success[place]) for place in probes) / len(probes) * (0.5 if split else 0.75)
        return next((one for one in others if float(success[one]) - dial * float(cost[one]) > kept), None)


def _strongest_first(success: Vector, cost: Vector, *, dial: float) -> list[int]:
    import numpy as np

    return cast("list[int]", np.lexsort((cost, -(success - dial * cost))).tolist())


def _most(votes: Counter[str], seen: Sequence[Seen]) -> int:
    """Which of the probes has the answer that most of them gave; among equals the first."""
    return max(range(len(seen)), key=lambda n: (votes.get(seen[n].answer or "", 0), -n))


policy = routed("acar", ACAROptions, ACAR)
"""Agreement of three cheap ones."""
