"""Rank by LinUCB: breaker, newcomers' share, the L best at first sight, then score = mean + alpha x width.

An auction is held among those whose score is within a margin of the best one. So everyone on the shortlist bids while
nothing is known; who fails falls behind those of whom little is known, which are tried next; and the more is known, the
fewer bid, down to one. A shortlist by lower bounds (successive elimination) was tried first: nobody is out as long as
nobody else has been tried, and an auction that goes by price never tries the dearer ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from agora.coordinator.coordinating import Coordinator, Rule, Ruling, State
from agora.coordinator.crediting import Feedback
from agora.coordinator.features import FEATURES_VERSION, Sight
from agora.coordinator.linucb import LinUCBState, Settings
from agora.coordinator.policies.ranking import Able, Asked, Case, Ranking
from agora.coordinator.shortlisting import Candidate
from agora.errors import ConfigError
from agora.routing import Considered
from agora.routing_events import Credited, Routed
from agora.values import JsonValue, Value

SLOW_S: Final = 120.0
"""Seconds of an attempt that count as 1."""
_CLOSE: Final = 12


class LinUCBOptions(Value):
    """What can be set."""

    alpha: float = Field(default=0.5, ge=0)
    """Weight of the width: how much is tried for want of knowledge."""
    gamma: float = Field(default=1.0, gt=0, le=1)
    """What the past still counts for after each outcome."""
    per_arm: bool = False
    """Whether each agent has parameters of its own."""
    length: int = Field(default=8, ge=1)
    """L: so many are looked at closely, and bid at most."""
    cost_weight: float = Field(default=0.3, ge=0)
    """What the whole cost limit of a task is worth in passed tasks."""
    margin: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    """How far behind the best score others are asked together with it."""
    newcomer_share: float = Field(default=1.0, gt=0, le=1)
    """The most of all decisions that go to agents without a record; 1, no limit, suits a pool whose owner knows it."""


DEFAULTS: Final = LinUCBOptions()
"""What holds unless something else is said."""


class LinUCBRanker:
    """Owned by one run."""

    name = "linucb"

    def __init__(self, options: LinUCBOptions = DEFAULTS) -> None:
        rule = Rule(
            length=options.length,
            cost_weight=options.cost_weight,
            slow_s=SLOW_S,
            newcomer_share=options.newcomer_share,
            fill=True,
            last_resort=True,
        )
        self._margin = options.margin
        self._settings = Settings(alpha=options.alpha, gamma=options.gamma, per_arm=options.per_arm)
        self._coordinator = Coordinator(State(rule=rule, policy=LinUCBState(settings=self._settings)))

    def rank(self, asked: Asked, able: Sequence[Able]) -> Ranking:
        """By the score; then those beyond L in the order of lots, then those that are held back."""
        pool = [(Candidate(one.arm, float(one.known.cost or 0), one.known.lot), _sight(one)) for one in able]
        ruling = self._coordinator.decide(pool, id=asked.task.id, kind=asked.task.skill)
        choice, held = ruling.choice, ruling.kept_out
        inside = sorted(range(len(ruling.places)), key=lambda n: (n != choice.place, -choice.score[n], n))
        others = sorted(
            set(range(len(able))) - set(ruling.places), key=lambda n: (able[n].arm in held, able[n].known.lot)
        )
        floor = round(choice.score[choice.place] - self._margin, _CLOSE)
        first = tuple(able[ruling.places[n]].agent for n in inside if choice.score[n] >= floor)
        best = choice.score[choice.place], pool[ruling.place][0].cost
        tied = [
            able[place].agent for n, place in enumerate(ruling.places) if (choice.score[n], pool[place][0].cost) == best
        ]
        return Ranking(
            considered=(
                *(_considered(able, ruling, ruling.places[n], n) for n in inside),
                *(_considered(able, ruling, place) for place in others),
            ),
            first=first,
            chosen=able[ruling.place].agent,
            p_chosen=dict.fromkeys(tied, choice.propensity),
            p_first=dict.fromkeys(first, 1.0),
            held_back={one.agent: held[one.arm] for one in able if one.arm in held},
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

    def withdrawn(self, case: Case) -> None:
        """Its context waits no longer."""
        self._coordinator.withdraw(case.id)

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


def _considered(able: Sequence[Able], ruling: Ruling, place: int, figure: int | None = None) -> Considered:
    one, terms = able[place], dict[str, float]()
    if figure is not None:
        choice = ruling.choice
        terms = {"mean": choice.mean[figure], "width": choice.width[figure], "score": choice.score[figure]}
    return Considered(agent=one.agent, arm=one.arm, known=one.known, x=ruling.contexts[place], terms=terms)
