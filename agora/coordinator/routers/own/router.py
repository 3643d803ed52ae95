"""Agora's own policy: belief, dial, and exploration that pays for itself.

    index_a = success_a - dial * cost_a + share * gain_a
    success_a: what is believed of arm a on the query's tag (`belief`), cost_a: what it is thought to cost (`spending`),
    gain_a: what one more outcome of it is worth to the queries to come (`gain`)

The dial turns without learning anew. Where a check follows, the list is asked that was worth most on a fitted log
(`checking`); where none follows and answers are seen, as many are asked as it takes until they agree enough
(`agreement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, in_turn, worth
from agora.coordinator.routers.own.agreement import Agreement
from agora.coordinator.routers.own.belief import NOISE, Belief
from agora.coordinator.routers.own.checking import Checking
from agora.coordinator.routers.own.gain import gain_of
from agora.coordinator.routers.own.spending import Spending
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import integer, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Move, Outcome, Query, Seen
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class OwnOptions(RouterOptions):
    """What can be set."""

    explore: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """Share of the gain that counts: 0 tries nothing for the sake of knowing."""
    horizon: int = Field(default=0, ge=0)
    """How many queries are to come in all; 0, or once they are over: nobody knows, and half as many are thought to be
    still to come as were seen, at least 50."""
    right: float = Field(default=1.0, ge=0.5, le=1)
    """How often a check is right, where one follows an answer."""


class Own:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: OwnOptions) -> None:
        self._explore, self._horizon = options.explore, options.horizon
        self._belief, self._spending, self._learned = Belief(), Spending(), 0
        self._agreement, self._checking = Agreement(), Checking(options.right)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index; nothing is left to chance."""
        expected, (cost, guessed) = self._belief.of(query.tag, arms), self._spending.expected(arms)
        value: Vector = expected.mean - dial * cost
        gain = gain_of(expected, value, dial * dial * guessed, left=self._left(), noise=NOISE)
        index = value + self._explore * gain
        terms = {"success": expected.mean, "cost": cost, "gain": gain, "index": index}
        found = self._checking.found(query, arms, dial=dial) if query.checked else None
        if found is not None:
            return in_turn(found.sequence, found.success, cost, dial=dial)._replace(terms=terms)
        return by_index(index, cost, terms=terms, rungs=worth(expected.mean, cost, dial=dial))

    def proceed(self, query: Query, arms: Arms, seen: Sequence[Seen], *, dial: float, draw: float) -> Move:
        """The next move: by verdicts where a check follows, else by what was answered."""
        if query.checked:
            choice = self.choose(query, arms, dial=dial, draw=draw)
            return self._checking.move(query, arms, seen, choice.order[: choice.rungs])
        if not seen and (newer := self._newer(query, arms, dial=dial, draw=draw)) is not None:
            return Move(ask=newer)
        move = self._agreement.move(query.tag, arms, seen, dial=dial)
        if move is not None:
            return move
        return Move(hand_in=0) if seen else Move(ask=self.choose(query, arms, dial=dial, draw=draw).order[0])

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Take it in."""
        self._belief.learn(query.tag, arm, outcome.score)
        self._spending.learn(query.tag, arm, outcome.cost)
        self._checking.learn(query, arm, outcome)
        self._learned += 1

    def fit(self, log: Log) -> None:
        """Take in all of it."""
        self._belief.fit(log)
        self._spending.fit(log)
        self._agreement.fit(log)
        self._checking.fit(log)

    def _left(self) -> int:
        """How many queries are still to come."""
        left = self._horizon - self._learned
        return left if left > 0 else max(self._learned // 2, 50)

    def saved(self) -> JsonValue:
        """What is believed, and what things cost."""
        return {
            "belief": self._belief.saved(),
            "spending": self._spending.saved(),
            "agreement": self._agreement.saved(),
            "checking": self._checking.saved(),
            "learned": self._learned,
        }

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._belief.restored(part(saved, "belief"))
        self._spending.restored(part(saved, "spending"))
        self._agreement.restored(part(saved, "agreement"))
        self._checking.restored(part(saved, "checking"))
        self._learned = integer(saved, "learned")

    def _newer(self, query: Query, arms: Arms, *, dial: float, draw: float) -> int | None:
        """Who came since answers were compared, and is thought more of than working at it with those; None: nobody."""
        value = self._agreement.value(query.tag, arms, dial=dial)
        if value is None or all(map(self._agreement.knows, arms.keys)):
            return None
        choice = self.choose(query, arms, dial=dial, draw=draw)
        first = choice.order[0]
        newer = not self._agreement.knows(arms.keys[first]) and float(choice.terms["index"][first]) > value
        return first if newer else None


policy = routed("agora", OwnOptions, Own)
"""Agora's own."""
