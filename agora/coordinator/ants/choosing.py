"""One choice of an ant: pheromone fused by the intent, times what is known of each candidate (AMRO-S, 2603.12933).

    tau_j = mean over sources i, sum over types t of  w_t * tau^t_ij
    eta_j = (ability_j / best)^4 * (1 - load_j) * (fastest / latency_j)^0.5 * (lowest / cost_j)^kappa
    p_j   = (1 - epsilon) * tau_j^alpha * eta_j / sum + epsilon / n

A hundredth of the largest latency (cost) is added above and below the line: else one free candidate would outweigh all
others. Sums are exact (`math.fsum`), so that no order and no name moves a probability.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from agora.coordinator.ants.rules import RULES, AntRules
from agora.coordinator.ants.state import START, Change, ColonyState, Name, Probability, checked_weights
from agora.errors import ConfigError, NoAgentsError
from agora.values import Value


class Candidate(Value):
    """Someone who may do the step, as known now."""

    agent: Name
    """Its name among the colony's members."""
    lot: str
    """A seeded hash of what it is, without its name: decides ties."""
    load: Probability = 0.0
    """Share of its capacity that is taken."""
    latency_s: Annotated[float, Field(ge=0)] | None = None
    """What it usually takes; None: not known, and not held against it."""
    cost_usd: Annotated[Decimal, Field(ge=0)] | None = None
    """What it usually costs; None: not known, and not held against it."""


class Considered(Value):
    """What counted for one candidate."""

    agent: str
    """Whose."""
    tau: float
    """Pheromone, fused by the intent."""
    ability: float
    """Estimated share of passes, fused by the intent, in (0, 1)."""
    eta: float
    """What is known of it, in [0, 1]."""
    p: float
    """Probability of being chosen: at least the floor over the number of candidates."""


class Step(Value):
    """A choice with all that it rests on: for the record, for `explain`, and for learning from its outcome."""

    decision: Name
    """Its id; the outcome comes back under it."""
    number: int
    """Events that the state had seen."""
    layer: int
    """Depth in the workflow graph."""
    weights: Mapping[str, float]
    """Task type -> intent weight."""
    sources: Mapping[str, float]
    """Agents of the predecessors (or the start) -> share of the edges' weight."""
    considered: tuple[Considered, ...]
    """Everyone offered, the likeliest first; ties by lower cost, then by lot."""
    draw: float
    """In [0, 1): the choice is the candidate in whose stretch it falls."""
    chosen: str
    """The agent."""
    lately: Mapping[str, tuple[Change, ...]] = Field(default_factory=dict)
    """Source -> the last three events that changed the chosen edge."""

    @property
    def propensity(self) -> float:
        """Probability with which the chosen agent was chosen."""
        return next(one.p for one in self.considered if one.agent == self.chosen)


def decide(
    state: ColonyState,
    *,
    decision: str,
    weights: Mapping[str, float],
    layer: int,
    candidates: Sequence[Candidate],
    draw: float,
    sources: Sequence[str] = (),
    rules: AntRules = RULES,
) -> Step:
    """Choose who does a step.

    Args:
        state: What is known.
        decision: An id of its own.
        weights: Task type -> probability that the task is of it; sum 1.
        layer: The step's depth in its workflow graph, 0 at the start.
        candidates: In any order, all members of the colony.
        draw: In [0, 1), recorded with the step.
        sources: Who did the predecessors; none at the start. Of one that has left, nothing is known.
        rules: The colony's.

    Raises:
        NoAgentsError: There are no candidates.
        ConfigError: An argument is out of its range, or a candidate is not a member, or is there twice.
    """
    _check(state, candidates, draw=draw, layer=layer)
    mixture = checked_weights(state, weights)
    walked = Counter(sources or (START,))
    shares = {source: walked[source] / walked.total() for source in sorted(walked)}
    taus = _taus(state, layer, [one.agent for one in candidates], mixture, shares, rules)
    abilities = [_ability(state, layer, one.agent, mixture, rules) for one in candidates]
    etas = _etas(candidates, abilities, rules)
    chances = _probabilities(taus, etas, rules)
    order = sorted(
        range(len(candidates)),
        key=lambda place: (-round(chances[place], 12), _cost(candidates[place]), candidates[place].lot),
    )
    considered = tuple(
        Considered(agent=candidates[i].agent, tau=taus[i], ability=abilities[i], eta=etas[i], p=chances[i])
        for i in order
    )
    chosen = drawn(considered, draw)
    return Step(
        decision=decision,
        number=state.number,
        layer=layer,
        weights=mixture,
        sources=shares,
        considered=considered,
        draw=draw,
        chosen=chosen,
        lately={source: state.lately(layer, source, chosen) for source in shares},
    )


def drawn(considered: Sequence[Considered], draw: float) -> str:
    """In whose stretch of [0, 1) a draw falls, the candidates laid end to end in their order."""
    end = 0.0
    for one in considered:
        end += one.p
        if draw < end:
            return one.agent
    return considered[-1].agent  # the stretches may end a rounding short of 1


def _check(state: ColonyState, candidates: Sequence[Candidate], *, draw: float, layer: int) -> None:
    if not candidates:
        raise NoAgentsError("the step")
    if not 0.0 <= draw < 1.0:
        raise ConfigError("draw", f"{draw!r} must be in [0, 1)")
    if layer < 0:
        raise ConfigError("layer", f"{layer!r} must be 0 or more: the step's depth in its graph")
    agents, lots = {one.agent for one in candidates}, {one.lot for one in candidates}
    if len(agents) < len(candidates) or len(lots) < len(candidates):
        raise ConfigError("candidates", "two have the same name or lot: give each agent once, with a lot of its own")
    if strangers := sorted(agents - state.members.keys()):
        raise ConfigError("candidates", f"agent {strangers[0]!r} is not a member of the colony: let it join first")


def _taus(
    state: ColonyState,
    layer: int,
    agents: Sequence[str],
    mixture: Mapping[str, float],
    shares: Mapping[str, float],
    rules: AntRules,
) -> list[float]:
    parts: dict[str, list[float]] = {agent: [] for agent in agents}
    rows = state.trails.get(layer, {})
    start, low, high = rules.tau_start, rules.tau_min, rules.tau_max
    for source, share in shares.items():
        row = rows.get(source, {})
        for agent, part in parts.items():
            taus: Mapping[str, float] = row[agent].tau if agent in row else {}
            part.extend(share * weight * min(max(taus.get(kind, start), low), high) for kind, weight in mixture.items())
    return [math.fsum(part) for part in parts.values()]


def _ability(state: ColonyState, layer: int, agent: str, mixture: Mapping[str, float], rules: AntRules) -> float:
    counts = [(weight, state.counted(layer, agent, kind, rules=rules)) for kind, weight in mixture.items()]
    return math.fsum([weight * one.ability() for weight, one in counts])


def _etas(candidates: Sequence[Candidate], abilities: Sequence[float], rules: AntRules) -> list[float]:
    best = max(abilities)
    speed = _shares_of_least([one.latency_s for one in candidates])
    cheap = _shares_of_least([None if one.cost_usd is None else float(one.cost_usd) for one in candidates])
    return [
        (abilities[i] / best) ** rules.ability_power
        * (1 - one.load) ** rules.load_power
        * speed[i] ** rules.latency_power
        * cheap[i] ** rules.cost_power
        for i, one in enumerate(candidates)
    ]


def _shares_of_least(values: Sequence[float | None]) -> list[float]:
    known = [value for value in values if value is not None]
    least, some = min(known, default=0.0), max(known, default=0.0) / 100
    if some == 0:  # nothing is known, or nothing that can be told from 0
        return [1.0] * len(values)
    return [1.0 if value is None else (least + some) / (value + some) for value in values]


def _probabilities(taus: Sequence[float], etas: Sequence[float], rules: AntRules) -> list[float]:
    pulls = [tau**rules.alpha * eta for tau, eta in zip(taus, etas, strict=True)]
    total, even = math.fsum(pulls), 1 / len(pulls)
    if total == 0:  # everyone is fully loaded
        return [even] * len(pulls)
    return [(1 - rules.floor) * pull / total + rules.floor * even for pull in pulls]


def _cost(candidate: Candidate) -> Decimal:
    return Decimal("Infinity") if candidate.cost_usd is None else candidate.cost_usd
