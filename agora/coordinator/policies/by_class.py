"""Choose between policies for each class of tasks: a bandit over what their decisions were worth (`auto`).

    index = (s + .5) / (n + 1) + .5 / sqrt(n + 1)        n, s: discounted count and sum of rewards on the class
    reward = max(0, 1[passed] - cost weight x share of the budget that the attempt and its auction took)

The highest index decides (Auer and others, 2002, with discounts as Garivier and Moulines, 2011); a tenth of all choices
is drawn evenly, so that every policy's propensity is known and above zero. All rankers learn from every outcome,
whichever of them decided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, cast

from pydantic import Field

from agora.coordinator.policies.by_ants import AntsRanker
from agora.coordinator.policies.by_linucb import LinUCBRanker
from agora.coordinator.policies.ranking import Able, Asked, Case, Ranking
from agora.errors import ConfigError
from agora.routing import Considered
from agora.routing_events import Credited, Routed
from agora.values import JsonValue, Value

POLICIES: Final = ("linucb+sale", "sale", "ants+sale", "linucb", "ants")
"""What is chosen between; among equals the earlier one."""
_EVEN: Final = 0.1
_DECAY: Final = 0.99
_VERSION: Final = "auto/1"


class Worth(Value):
    """What a policy's decisions on a class were worth."""

    n: float = Field(default=0.0, ge=0)
    """Discounted count."""
    total: float = Field(default=0.0, ge=0)
    """Discounted sum of rewards."""

    @property
    def index(self) -> float:
        """Mean with a width that shrinks as it is tried.

        >>> Worth().index, round(Worth(n=8, total=8).index, 4)
        (1.0, 1.1111)
        """
        return (self.total + 0.5) / (self.n + 1) + 0.5 / math.sqrt(self.n + 1)


class AutoRanker:
    """Owned by one run.

    Args:
        linucb: One ranker.
        ants: The other.
        cost_weight: What the whole cost limit of a task is worth in passed tasks, >= 0.
    """

    name = "auto"

    def __init__(self, linucb: LinUCBRanker, ants: AntsRanker, *, cost_weight: float = 0.3) -> None:
        self._linucb, self._ants, self._cost_weight = linucb, ants, cost_weight
        self._worth: dict[str, dict[str, Worth]] = {}  # class -> policy

    def rank(self, asked: Asked, able: Sequence[Able]) -> Ranking:
        """As the policy that is chosen for the task's class ranks; everyone, where that is an auction among all."""
        draw, second = _split(asked.draw)
        by_linucb = self._linucb.rank(asked, able)
        kept_in = [one for one in able if one.agent not in by_linucb.held_back]
        by_ants = self._ants.rank(asked._replace(draw=second), kept_in)
        kind = asked.task.skill or _kind(by_ants)
        policy, chances, indices = self._choose(kind, draw)
        ranking = by_ants if policy.startswith("ants") else by_linucb
        every = tuple(one.agent for one in ranking.considered if one.agent not in by_linucb.held_back)
        held = tuple(one for one in by_linucb.considered if one.agent in by_linucb.held_back)
        order = (*(one for one in ranking.considered if one.agent not in by_linucb.held_back), *held)
        figures: dict[str, JsonValue] = dict(indices)
        p_first = {"sale": dict.fromkeys(every, 1.0), "linucb": by_linucb.p_chosen, "ants": by_ants.p_chosen}
        p_first |= {"linucb+sale": by_linucb.p_first, "ants+sale": by_ants.p_first}
        mixed = {name: math.fsum(chances[one] * p_first[one].get(name, 0.0) for one in POLICIES) for name in every}
        return Ranking(
            considered=_merged(order, by_linucb.considered, by_ants.considered),
            first=every if policy == "sale" else ranking.first,
            chosen=ranking.chosen,
            p_chosen=mixed,
            p_first=mixed,
            held_back=by_linucb.held_back,
            reason=f"{policy} for {kind!r} (index {indices[policy]:.4f}); {ranking.reason}",
            draw=asked.draw,
            details={**by_linucb.details, **by_ants.details, "auto": _VERSION, "class": kind, "indices": figures},
            by=policy,
            direct=policy in ("linucb", "ants"),
        )

    def seen(self, routed: Routed) -> None:
        """As its rankers."""
        self._linucb.seen(routed)
        self._ants.seen(routed)

    def began(self, case: Case) -> None:
        """As its rankers."""
        self._linucb.began(case)
        self._ants.began(_drawn_by_ants(case))

    def ended(self, case: Case, credited: Credited) -> None:
        """As its rankers; and what the policy that decided was worth."""
        self._linucb.ended(case, credited)
        self._ants.ended(case, credited)
        routing = case.routed.routing
        passed = False if credited.failure is not None else credited.passed
        if routing.details.get("auto") != _VERSION or routing.by not in POLICIES or passed is None:
            return
        took = min(credited.cost_share + credited.overhead_share, 1.0)
        reward = max(0.0, float(passed) - self._cost_weight * took)
        of_class = self._worth.setdefault(str(routing.details["class"]), {})
        for policy, worth in of_class.items():
            of_class[policy] = Worth(n=worth.n * _DECAY, total=worth.total * _DECAY)
        worth = of_class.get(routing.by, Worth())
        of_class[routing.by] = Worth(n=worth.n + 1, total=worth.total + reward)

    def withdrawn(self, case: Case) -> None:
        """As its rankers."""
        self._linucb.withdrawn(case)
        self._ants.withdrawn(case)

    def saved(self) -> JsonValue:
        """What its rankers know, and what the policies were worth."""
        worth: dict[str, JsonValue] = {
            kind: {policy: [one.n, one.total] for policy, one in of_class.items()}
            for kind, of_class in self._worth.items()
        }
        return {"version": _VERSION, "linucb": self._linucb.saved(), "ants": self._ants.saved(), "worth": worth}

    def restored(self, saved: JsonValue) -> None:
        """Go on from a state.

        Raises:
            AgoraError: Another version wrote it, or other settings.
        """
        if not isinstance(saved, dict) or saved.get("version") != _VERSION:
            raise ConfigError("learned state", "was written by another release: learn anew")
        self._linucb.restored(saved["linucb"])
        self._ants.restored(saved["ants"])
        worth = cast("Mapping[str, Mapping[str, tuple[float, float]]]", saved["worth"])
        self._worth = {
            kind: {policy: Worth(n=n, total=total) for policy, (n, total) in of_class.items()}
            for kind, of_class in worth.items()
        }

    def _choose(self, kind: str, draw: float) -> tuple[str, dict[str, float], dict[str, float]]:
        """Who decides, how likely each was to, and the indices."""
        of_class = self._worth.get(kind, {})
        indices = {policy: round(of_class.get(policy, Worth()).index, 12) for policy in POLICIES}
        best = max(POLICIES, key=lambda policy: (indices[policy], -POLICIES.index(policy)))
        drawn = POLICIES[int(draw / _EVEN * len(POLICIES))] if draw < _EVEN else best
        chances = {policy: _EVEN / len(POLICIES) + (1 - _EVEN) * (policy == best) for policy in POLICIES}
        return drawn, chances, indices


def _split(draw: float) -> tuple[float, float]:
    """Two draws out of one: its first 26 bits, and the rest."""
    first = math.floor(draw * 2**26)
    return first / 2**26, draw * 2**26 - first


def _kind(by_ants: Ranking) -> str:
    weights = cast("Mapping[str, float]", by_ants.details["weights"])
    return max(sorted(weights), key=lambda kind: weights[kind])


def _merged(
    order: Sequence[Considered], by_linucb: Sequence[Considered], by_ants: Sequence[Considered]
) -> tuple[Considered, ...]:
    contexts = {one.agent: one for one in by_linucb}
    weighed = {one.agent: one for one in by_ants}
    return tuple(
        one.model_copy(
            update={
                "x": contexts[one.agent].x,
                "terms": {**contexts[one.agent].terms, **(weighed[one.agent].terms if one.agent in weighed else {})},
            }
        )
        for one in order
    )


def _drawn_by_ants(case: Case) -> Case:
    """The same case with the draw that the ants saw."""
    routing = case.routed.routing
    if routing.draw is None:
        return case
    seen = routing.model_copy(update={"draw": _split(routing.draw)[1]})
    return case._replace(routed=case.routed.model_copy(update={"routing": seen}))
