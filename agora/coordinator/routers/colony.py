"""Ants on one step: pheromone by task type times ability, drawn (AMRO-S, arXiv 2603.12933).

    pull_m = tau_tm (ability_tm / best)^4 (1 - load_m) (fastest / seconds_m)^.5 (lowest / cost_m)^kappa
    p_m = (1 - floor) pull_m / sum of pulls + floor / n

The learning is that of `agora.coordinator.ants`, event by event: a pass evaporates the row and lays pheromone on whom
it was, a failure takes some from whom it was. A task type is a tag here; the layer is always the first, without a
source. Changed: kappa follows the dial, 5 dial * mean cost, at most 10, about what the fourth power of the ability is
worth; of a log one ant walks for each query, as in the paper's warm-up, and tells what it met; whoever is known was
offered, since who else was there is not told with an outcome; a score of .5 and more is a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from pydantic import Field

from agora.coordinator.ants.choosing import Candidate, Considered, Step, decide
from agora.coordinator.ants.learning import Gate, Ignored, applied, joining, weigh
from agora.coordinator.ants.rules import RULES
from agora.coordinator.ants.state import START, ColonyState, restored
from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.contexts import TAGS
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.draws import uniforms
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import named, whole
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

TYPES: Final = tuple(str(number) for number in range(TAGS))
"""One for each tag in the order in which they came; the last is shared."""
_PASS: Final = 0.5
_MOST_KAPPA: Final = 10.0


class ColonyOptions(RouterOptions):
    """What can be set."""

    cost_power: float = Field(default=5.0, ge=0, le=100)
    """kappa for a dial that makes the mean cost worth one pass."""


class ColonyRouter:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: ColonyOptions) -> None:
        self._power = options.cost_power
        self._tags, self._costs = Rows(), Costs()
        self._state = ColonyState(types=TYPES, window=1)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """Drawn by pheromone and ability; then the likeliest."""
        import numpy as np

        cost = self._costs.of(arms)
        step = self._step(query, arms, dial, draw)
        places = {key: place for place, key in enumerate(arms.keys)}
        order = [places[one.agent] for one in step.considered]
        first = places[step.chosen]
        found = np.zeros((4, len(arms)))
        for place, one in zip(order, step.considered, strict=True):
            found[:, place] = one.p, one.tau, one.ability, one.eta
        terms = {"p": found[0], "tau": found[1], "ability": found[2], "eta": found[3], "cost": cost}
        chances = found[0] / found[0].sum()
        return Choice([first, *(place for place in order if place != first)], chances, terms, rungs=len(arms))

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """An outcome moves pheromone and ability."""
        self._tags.of(query.tag)
        self._costs.learn(arm, outcome.cost)
        self._join((arm,))
        self._gate(query, arm, outcome)

    def fit(self, log: Log) -> None:
        """One ant for each query, drawn among those whose outcome is known."""
        import numpy as np

        for query in log.queries:
            self._tags.of(query.tag)
        self._costs.fit(log)
        self._join(log.arms.keys)
        known, draws = np.isfinite(log.scores), uniforms(0.5, len(log.queries))
        for number, query in enumerate(log.queries):
            offered = np.flatnonzero(known[number]).tolist()
            if not offered:
                continue
            arms = log.arms if len(offered) == len(log.arms) else Arms([log.arms.keys[place] for place in offered])
            arm = self._step(query, arms, 0.0, float(draws[number])).chosen
            place = log.arms.keys.index(arm)
            cost = float(log.costs[number, place])
            self._gate(query, arm, Outcome(float(log.scores[number, place]), cost if cost == cost else None))

    def saved(self) -> JsonValue:
        """The colony's state, tags and costs."""
        return {"state": self._state.to_json(), "tags": list(self._tags.keys), "costs": self._costs.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._state = restored(str(part(saved, "state")), types=TYPES)
        self._tags = named(saved, "tags")
        self._costs.restored(part(saved, "costs"))

    def _step(self, query: Query, arms: Arms, dial: float, draw: float) -> Step:
        import numpy as np

        cost = self._costs.of(arms)
        kappa = min(self._power * dial * float(cost.mean()), _MOST_KAPPA)
        latency = np.where(np.isfinite(arms.latency_s), arms.latency_s, -1.0).tolist()
        return decide(
            self._with(arms.keys),
            decision="now",
            weights=self._weights(query),
            layer=0,
            candidates=[
                Candidate(
                    agent=key,
                    lot=f"{place:09d}",
                    load=min(max(load, 0.0), 1.0),
                    latency_s=seconds if seconds >= 0 else None,
                    cost_usd=Decimal(dollars),
                )
                for place, (key, load, seconds, dollars) in enumerate(
                    zip(arms.keys, arms.load.tolist(), latency, cost.tolist(), strict=True)
                )
            ],
            draw=draw,
            rules=RULES.model_copy(update={"cost_power": kappa}),
        )

    def _weights(self, query: Query) -> Mapping[str, float]:
        """The query's type; of an unknown tag, any of those that were met."""
        row = self._tags.row(query.tag)
        if row >= 0:
            return {TYPES[min(row, TAGS - 1)]: 1.0}
        met = TYPES[: max(1, min(len(self._tags), TAGS))]
        return dict.fromkeys(met, 1.0 / len(met))

    def _gate(self, query: Query, arm: str, outcome: Outcome) -> None:
        dearest = float(self._costs.of(Arms(tuple(self._state.members))).max())
        share = min(max((outcome.cost or 0.0) / dearest, 0.0), 1.0) if dearest > 0 else 0.0
        decision = str(self._state.number)
        step = Step.model_construct(
            decision=decision,
            number=self._state.number,
            layer=0,
            weights=self._weights(query),
            sources={START: 1.0},
            considered=tuple(
                Considered.model_construct(agent=one, tau=0.0, ability=0.0, eta=0.0, p=0.0)
                for one in self._state.members
            ),
            draw=0.0,
            chosen=arm,
        )
        event = weigh(self._state, step, Gate(decision=decision, passed=outcome.score >= _PASS, cost=share))
        if not isinstance(event, Ignored):
            self._state = applied(self._state, event)

    def _join(self, agents: tuple[str, ...]) -> None:
        self._state = self._with(agents)

    def _with(self, agents: tuple[str, ...]) -> ColonyState:
        """The state in which all of them are members."""
        state = self._state
        for one in agents:
            if one not in state.members and (event := joining(state, one)) is not None:
                state = applied(state, event)
        return state


policy = routed("colony", ColonyOptions, ColonyRouter)
"""Ants on one step."""
