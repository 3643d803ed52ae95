"""Always the same one: the named one, or else whoever did best over everything.

Without a name it is the best single arm of what was learned, mean score less dial times mean cost; of whom nothing is
known, a pass is expected, so that everybody is tried. A baseline, and no paper's.
"""

from __future__ import annotations

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.cells import EVERYTHING, Cells
from agora.coordinator.routers.choosing import by_value, counted
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue


class StaticOptions(RouterOptions):
    """What can be set."""

    arm: str = ""
    """Who is always asked first: the key of its record, or how that begins; empty: whoever did best."""


class Static:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: StaticOptions) -> None:
        self._arm, self._cells = options.arm, Cells(1.0)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The named one first, then by what they did; nothing is left to chance."""
        best = counted(by_value(*self._cells.one(EVERYTHING, arms), dial=dial), self._cells.tried(arms))
        named = _place(self._arm, arms) if self._arm else None
        if named is None:
            return best if not self._arm else best._replace(note=f"nobody's key is or begins with {self._arm!r}")
        chances = best.chances * 0.0
        chances[named] = 1.0
        return best._replace(order=[named, *(place for place in best.order if place != named)], chances=chances)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Count it."""
        self._cells.learn(EVERYTHING, arm, outcome)

    def fit(self, log: Log) -> None:
        """Count all of it."""
        self._cells.fit([EVERYTHING] * len(log.queries), log)

    def saved(self) -> JsonValue:
        """Counts and sums."""
        return self._cells.saved()

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._cells.restored(saved)


def _place(named: str, arms: Arms) -> int | None:
    """Whose key it is, or whose begins with it, if that is one alone."""
    if named in arms.keys:
        return arms.keys.index(named)
    begin = [place for place, key in enumerate(arms.keys) if key.startswith(named)]
    return begin[0] if len(begin) == 1 else None


policy = routed("static", StaticOptions, Static)
"""Always the same one."""
