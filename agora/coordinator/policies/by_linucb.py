"""Rank by LinUCB: breaker, newcomers' share, the L best at first sight, then score = mean + alpha x width.

An auction is held among those whose score is within a margin of the best one. So everyone on the shortlist bids while
nothing is known; who fails falls behind those of whom little is known, which are tried next; and the more is known, the
fewer bid, down to one. A shortlist by lower bounds (successive elimination) was tried first: nobody is out as long as
nobody else has been tried, and an auction that goes by price never tries the dearer ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from agora.coordinator.coordinating import Coordinator, Rule, Ruling, State
from agora.coordinator.crediting import Feedback
from agora.coordinator.features import FEATURES_VERSION, Sight
from agora.coordinator.linucb import LinUCBState, Settings
from agora.coordinator.policies.ranking import Able, Asked, Case, Ranking
from agora.coordinator.shortlisting import Candidate
from agora.errors import ConfigError
from agora.routing import Considered
from agora.routing_events import Credited, Routed
from agora.values import JsonValue

LENGTH: Final = 8
"""L: so many are looked at closely, and bid at most."""
SLOW_S: Final = 120.0
"""Seconds of an attempt that count as 1."""
MARGIN: Final = 0.05
"""Those who are this little behind the best are asked together with it."""
_CLOSE: Final = 12


class LinUCBRanker:
    """Owned by one run.

    Args:
        alpha: Weight of the width, >= 0.
        gamma: What the past still counts for after each outcome, in (0, 1].
        per_arm: Whether each operator has parameters of its own.
        length: L, >= 1.
        cost_weight: What the whole cost limit of a task is worth in passed tasks, >= 0.
        margin: How far behind the best score others are asked together with it, >= 0.
        newcomer_share: The most of all decisions that go to operators without a record, in (0, 1]. 1, no limit, suits a
            pool whose owner knows every agent in it.
    """

    name = "linucb"

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        gamma: float = 1.0,
        per_arm: bool = False,
        length: int = LENGTH,
        cost_weight: float = 0.3,
        margin: float = MARGIN,
        newcomer_share: float = 1.0,
    ) -> None:
        if not 0 <= margin < math.inf:
            raise ConfigError("margin", f"{margin!r} must be 0 or more")
        self._margin = margin
        rule = Rule(
            length=length,
            cost_weight=cost_weight,
            slow_s=SLOW_S,
            newcomer_share=newcomer_share,
            fill=True,
            last_resort=True,
        )
        self._settings = Settings(alpha=alpha, gamma=gamma, per_arm=per_arm)
        self._coordinator = Coordinator(State(rule=rule, policy=LinUCBState(settings=self._settings)))

    def rank(self, asked: Asked, able: Sequence[Able]) -> Ranking:
        """By the score; whoever is beyond L after them, by the name of nobody: in the order of lots."""
        pool = [
            (Candidate(one.arm, float(one.known.cost or 0), f"{one.known.lot} {place}"), _sight(one))
            for place, one in enumerate(able)
        ]
        ruling = self._coordinator.decide(pool, id=asked.task.id, kind=asked.task.skill)
        choice = ruling.choice
        inside = sorted(range(len(ruling.places)), key=lambda n: (n != choice.place, -choice.score[n], n))
        beyond = sorted(set(ruling.contexts) - set(ruling.places), key=lambda place: pool[place][0].lot)
        considered = [
            *(_considered(able[ruling.places[n]], ruling, n) for n in inside),
            *(_considered(able[place], ruling, None, place) for place in beyond),
        ]
        floor = round(choice.score[choice.place] - self._margin, _CLOSE)
        return Ranking(
            considered=tuple(considered),
            first=tuple(able[ruling.places[n]].agent for n in inside if choice.score[n] >= floor),
            chosen=able[ruling.place].agent,
            propensities={one.agent: 1.0 for one in considered} | {able[ruling.place].agent: choice.propensity},
            kept_out={one.agent: ruling.kept_out[one.arm] for one in able if one.arm in ruling.kept_out},
            reason=f"{ruling.decision.reason}; from {floor:.4f} on all are asked together",
            details={"features": FEATURES_VERSION},
        )

    def seen(self, routed: Routed) -> None:
        """Nothing is learned from who was looked at."""

    def began(self, case: Case) -> None:
        """Its context waits for its outcome."""
        if case.routed.routing.details.get("features") != FEATURES_VERSION or not case.whom.x:
            return  # seen by another release or another policy: nothing can be said of its context
        arms = tuple(sorted({one.arm for one in case.routed.routing.considered}))
        self._coordinator.learn(
            self._coordinator.following(case.whom.arm, id=case.id, x=case.whom.x, pool=arms, kind=case.routed.skill)
        )

    def ended(self, case: Case, credited: Credited) -> None:
        """Credit the context that was seen then."""
        self._coordinator.learn(
            Feedback(decision=case.id, passed=credited.passed, failure=credited.failure, cost_share=credited.cost_share)
        )

    def saved(self) -> JsonValue:
        """The coordinator's state."""
        return self._coordinator.state().model_dump(mode="json")

    def restored(self, saved: JsonValue) -> None:
        """Go on from a state.

        Raises:
            ConfigError: It was learned on other features or by other settings.
        """
        state = State.model_validate(saved)
        if state.rule != self._coordinator.rule or state.policy.settings != self._settings:
            raise ConfigError("learned state", "was learned by other settings: learn anew")
        self._coordinator = Coordinator(state)


def _sight(one: Able) -> Sight:
    known = one.known
    return Sight(
        similarity=known.similarity,
        difficulty=known.difficulty,
        load=known.load,
        latency_s=known.latency_s,
        cost_share=known.cost_share,
    )


def _considered(one: Able, ruling: Ruling, figure: int | None, place: int = 0) -> Considered:
    terms: dict[str, float] = {}
    if figure is not None:
        choice, place = ruling.choice, ruling.places[figure]
        terms = {"mean": choice.mean[figure], "width": choice.width[figure], "score": choice.score[figure]}
    return Considered(agent=one.agent, arm=one.arm, known=one.known, x=ruling.contexts[place], terms=terms)
