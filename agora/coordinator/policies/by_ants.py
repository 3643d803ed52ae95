"""Rank by ant colony (AMRO-S): a recorded draw over tau x eta chooses; an auction is held among the likeliest.

Who may still be the best are the fewest of the likeliest that hold .95 of the probability together, and the one drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, cast

from agora.coordinator.ants.choosing import Candidate, Step, decide
from agora.coordinator.ants.choosing import Considered as Weighed
from agora.coordinator.ants.intent import Intent, PrototypeIntent
from agora.coordinator.ants.kinds import KINDS
from agora.coordinator.ants.learning import Gate, Ignored, applied, joining, weigh
from agora.coordinator.ants.rules import RULES, AntRules
from agora.coordinator.ants.state import VERSION, ColonyState, restored
from agora.coordinator.policies.ranking import Able, Asked, Case, Ranking
from agora.errors import LedgerError
from agora.routing import Considered
from agora.routing_events import Credited, Routed
from agora.values import JsonValue

NUCLEUS: Final = 0.95
"""Share of the probability that those who are asked together hold."""
GIVEN: Final = "whoever was asked said so"
"""Why the types are what they are, where the classifier is not the policy itself."""
MOST: Final = 8
"""So many are asked together at most."""


class AntsRanker:
    """Owned by one run.

    Args:
        rules: How ants choose and learn.
        examples: Task type -> texts of that type.
    """

    name = "ants"

    def __init__(self, *, rules: AntRules = RULES, examples: Mapping[str, Sequence[str]] = KINDS) -> None:
        self._rules, self._examples = rules, examples
        self._state = ColonyState(types=tuple(examples))
        self._steps: dict[str, Step] = {}  # decision -> as it was seen, until its outcome comes

    def rank(self, asked: Asked, able: Sequence[Able]) -> Ranking:
        """The one drawn first, then the likeliest; of agents that are the same but for their names, one by lot."""
        ants = _ants(able)
        state = self._with(ants)
        intent = self._intent_of(asked)
        step = decide(
            state,
            decision=asked.task.id,
            weights=intent.weights,
            layer=asked.place.layer,
            candidates=[_candidate(ant, one) for ant, one in ants.items()],
            draw=asked.draw,
            sources=asked.place.sources,
            rules=self._rules,
        )
        chances = {ants[one.agent].agent: one.p for one in step.considered}
        chosen = ants[step.chosen].agent
        nucleus = _nucleus(step.considered)
        order = [chosen, *(ants[one.agent].agent for one in step.considered if one.agent != step.chosen)]
        twins = [one for one in able if one.agent not in chances]
        weighed = {ants[one.agent].agent: one for one in step.considered}
        by_name = {one.agent: one for one in able}
        return Ranking(
            considered=(
                *(_considered(by_name[name], weighed[name]) for name in order),
                *(Considered(agent=one.agent, arm=one.arm, known=one.known) for one in twins),
            ),
            first=tuple(name for name in order if name == chosen or weighed[name].agent in nucleus),
            chosen=chosen,
            p_chosen=chances,
            p_first={name: 1.0 if weighed[name].agent in nucleus else chance for name, chance in chances.items()},
            held_back={},
            reason=f"drawn at {asked.draw:.4f} with p {chances[chosen]:.4f}; {_likeliest(intent.weights)}",
            draw=asked.draw,
            details=self._details(step, intent.method, intent.reason),
        )

    def seen(self, routed: Routed) -> None:
        """Whoever was looked at is a member from then on."""
        if routed.routing.details.get("colony") == VERSION:
            self._state = self._with([one.arm for one in _offered(routed)])

    def began(self, case: Case) -> None:
        """The step waits for its outcome, with the edge that was walked in truth."""
        details = case.routed.routing.details
        if details.get("colony") != VERSION or "tau" not in case.whom.terms:
            return
        weights = cast("Mapping[str, float]", details["weights"])
        if set(weights) - set(self._state.types):
            return  # routed by a colony of other task types
        self._steps[case.id] = Step(
            decision=case.id,
            number=self._state.number,
            layer=case.routed.place.layer,
            weights=weights,
            sources=cast("Mapping[str, float]", details["sources"]),
            considered=tuple(
                Weighed(
                    agent=one.arm,
                    tau=one.terms["tau"],
                    ability=one.terms["ability"],
                    eta=one.terms["eta"],
                    p=one.terms["p"],
                )
                for one in _offered(case.routed)
            ),
            draw=case.routed.routing.draw or 0.0,
            chosen=case.whom.arm,
        )

    def ended(self, case: Case, credited: Credited) -> None:
        """A verdict that rests on grounds moves pheromone and ability; a hard failure is one, too."""
        step = self._steps.pop(case.id, None)
        passed = False if credited.failure is not None else credited.passed
        if step is None or passed is None:
            return
        gate = Gate(decision=case.id, passed=passed, cost=min(credited.cost_share, 1.0))
        event = weigh(self._state, step, gate, rules=self._rules)
        if not isinstance(event, Ignored):
            self._state = applied(self._state, event)

    def withdrawn(self, case: Case) -> None:
        """Its step waits no longer."""
        self._steps.pop(case.id, None)

    def saved(self) -> JsonValue:
        """The colony's state, and the steps whose outcome may still come."""
        steps: dict[str, JsonValue] = {name: step.model_dump(mode="json") for name, step in self._steps.items()}
        return {"state": self._state.to_json(), "steps": steps}

    def restored(self, saved: JsonValue) -> None:
        """Go on from a state.

        Raises:
            ConfigError: It was learned for other task types.
            LedgerError: It is of another version, or damaged.
        """
        if not isinstance(saved, dict) or not isinstance(saved.get("state"), str):
            raise LedgerError("learned state of the ants cannot be read: learn anew from the log")
        self._state = restored(cast("str", saved["state"]), types=tuple(self._examples))
        steps = cast("Mapping[str, JsonValue]", saved.get("steps") or {})
        self._steps = {name: Step.model_validate(step) for name, step in steps.items()}

    def _intent_of(self, asked: Asked) -> Intent:
        if asked.types and set(asked.types) <= set(self._examples):
            return Intent(weights=asked.types, method="model", reason=GIVEN)
        return self._intent.of(asked.task.goal)

    @cached_property
    def _intent(self) -> PrototypeIntent:
        return PrototypeIntent(self._examples)

    def _with(self, ants: Iterable[str]) -> ColonyState:
        state = self._state
        for ant in sorted(ants):
            event = joining(state, ant)
            state = applied(state, event) if event is not None else state
        return state

    def _details(self, step: Step, method: str, why: str) -> dict[str, JsonValue]:
        lately: dict[str, JsonValue] = {
            source: [change.model_dump(mode="json") for change in changes] for source, changes in step.lately.items()
        }
        return {
            "colony": VERSION,
            "weights": dict(step.weights),
            "sources": dict(step.sources),
            "intent": method,
            "intent_reason": why,
            "lately": lately,
        }


def _ants(able: Sequence[Able]) -> dict[str, Able]:
    """Arm -> the agent that stands for it."""
    ants: dict[str, Able] = {}
    for one in sorted(able, key=lambda one: one.known.lot):
        ants.setdefault(one.arm, one)
    return ants


def _offered(routed: Routed) -> list[Considered]:
    return [one for one in routed.routing.considered if "tau" in one.terms]


def _candidate(ant: str, one: Able) -> Candidate:
    known = one.known
    return Candidate(
        agent=ant, lot=known.lot or one.agent, load=known.load, latency_s=known.latency_s, cost_usd=known.cost
    )


def _nucleus(considered: Sequence[Weighed]) -> frozenset[str]:
    held, inside = 0.0, list[str]()
    for one in considered[:MOST]:
        if held >= NUCLEUS:
            break
        inside.append(one.agent)
        held += one.p
    return frozenset(inside)


def _considered(one: Able, weighed: Weighed) -> Considered:
    terms = {"tau": weighed.tau, "ability": weighed.ability, "eta": weighed.eta, "p": weighed.p}
    return Considered(agent=one.agent, arm=one.arm, known=one.known, terms=terms)


def _likeliest(weights: Mapping[str, float]) -> str:
    kind = max(weights, key=lambda name: (weights[name], name))
    return f"likeliest a task of type {kind!r} ({weights[kind]:.2f})"
