"""What an outcome changes: `state, step, outcome -> event` and `state, event -> state`; nothing else changes a state.

    pass: every offered edge of the row  tau *= 1 - rho * w;  the walked edge  tau += w * Q / (f + 0.1)
    fail: the walked edge only           tau *= 1 - phi * w
    both: counts of everyone offered decay; the walked agent's get w

for each task type with w >= 0.05; w is the intent weight, times the source's share for edges. Only what was offered
evaporates: who was away was not beaten. Counts of everyone offered decay, not of the walked one alone, so that old news
of others fades while they are not tried (Agora's addition, see docs/policies.md).

An event holds the values before and after, so that replay rebuilds the state bit by bit, whatever the rules are then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, NamedTuple, TypeVar

from pydantic import Field, TypeAdapter

from agora.coordinator.ants.choosing import Step
from agora.coordinator.ants.rules import RULES, AntRules
from agora.coordinator.ants.state import Change, ColonyState, Counts, Member, Name, Probability, Trail
from agora.errors import ConfigError, LedgerError
from agora.values import Value

Effect = Literal["deposit", "evaporated", "failed"]
_LATELY = 3


class Gate(Value):
    """What the quality gate said of a step's work: a verdict that rests on grounds, never a guess."""

    decision: Name
    """The step's."""
    passed: bool
    """Whether the work was good."""
    cost: Probability = 0.0
    """What the path cost, as a share of the most that it may: f in the paper."""


class EdgeChanged(Value):
    """Pheromone of one edge and task type, before and after."""

    source: str
    """Where the edge begins; empty: at the start."""
    agent: str
    """Where it ends."""
    task_type: str
    """Whose pheromone."""
    effect: Effect
    """Why."""
    before: float
    """Pheromone before."""
    after: float
    """Pheromone after, within the bounds."""


class CountsChanged(Value):
    """Counts of one agent and task type, before and after."""

    agent: str
    """Whose."""
    task_type: str
    """Of which type."""
    before: Counts
    """Before; what was declared, where nothing was measured."""
    after: Counts
    """After."""


class AntsLearned(Value):
    """The colony learned from an outcome."""

    kind: Literal["ants_learned"] = "ants_learned"
    number: int
    """Place in the colony's log, from 1."""
    decision: str
    """Whose outcome."""
    passed: bool
    """Which."""
    layer: int
    """Depth of the step."""
    edges: tuple[EdgeChanged, ...]
    """All edges that changed."""
    counts: tuple[CountsChanged, ...]
    """All counts that changed."""


class AntJoined(Value):
    """An agent may be chosen from now on, from the starting pheromone and the ability that it declares."""

    kind: Literal["ant_joined"] = "ant_joined"
    number: int
    """Place in the colony's log, from 1."""
    agent: Name
    """Who."""
    declared: Mapping[str, Probability]
    """Task type -> share of tasks that it is said to pass."""


class AntLeft(Value):
    """An agent left, and all about it is forgotten at once: who comes back under its name may be another."""

    kind: Literal["ant_left"] = "ant_left"
    number: int
    """Place in the colony's log, from 1."""
    agent: Name
    """Who."""


ColonyEvent = AntsLearned | AntJoined | AntLeft
COLONY_EVENT: TypeAdapter[ColonyEvent] = TypeAdapter(Annotated[ColonyEvent, Field(discriminator="kind")])


class Ignored(NamedTuple):
    """An outcome from which nothing was learned."""

    decision: str
    reason: Literal["twice", "late", "left", "unknown"]
    """Learned already; decided too long ago to know that; the agent has left since; nobody decided so."""


def weigh(state: ColonyState, step: Step, gate: Gate, *, rules: AntRules = RULES) -> AntsLearned | Ignored:
    """What an outcome changes, for `applied` to change.

    Raises:
        ConfigError: The outcome is of another step, or the step of another colony.
    """
    if step.decision != gate.decision:
        raise ConfigError("outcome", f"of decision {gate.decision!r}, and the step is of {step.decision!r}")
    if not set(step.weights) <= set(state.types) or step.number > state.number:
        raise ConfigError("outcome", f"decision {step.decision!r} was made by a colony of other types or a longer log")
    if gate.decision in state.settled:
        return Ignored(gate.decision, "twice")
    if state.number - step.number > state.window:
        return Ignored(gate.decision, "late")
    if not _is_there(state, step.chosen, step.number):
        return Ignored(gate.decision, "left")
    offered = [one.agent for one in step.considered if _is_there(state, one.agent, step.number)]
    kinds = {kind: weight for kind, weight in step.weights.items() if weight >= rules.least_weight}
    return AntsLearned(
        number=state.number + 1,
        decision=step.decision,
        passed=gate.passed,
        layer=step.layer,
        edges=tuple(_edges(state, step, gate, kinds, offered, rules)),
        counts=tuple(_counts(state, step, gate, kinds, offered, rules)),
    )


def joining(state: ColonyState, agent: str, *, declared: Mapping[str, float] | None = None) -> AntJoined | None:
    """An agent's joining; None: it is there already, and what it declares now changes nothing.

    Raises:
        ConfigError: It declares an ability for an unknown task type.
    """
    if agent in state.members:
        return None
    said: Mapping[str, float] = {} if declared is None else declared
    if unknown := sorted(set(said) - set(state.types)):
        raise ConfigError(f"agent {agent!r}", f"no task type {unknown[0]!r}: known are {', '.join(state.types)}")
    return AntJoined(number=state.number + 1, agent=agent, declared=said)


def leaving(state: ColonyState, agent: str) -> AntLeft | None:
    """An agent's leaving; None: it is not there."""
    return AntLeft(number=state.number + 1, agent=agent) if agent in state.members else None


def applied(state: ColonyState, event: ColonyEvent) -> ColonyState:
    """The state after an event; the same state where the event was applied before.

    Raises:
        LedgerError: Events before it are missing, or it was made on another state.
    """
    if event.number <= state.number:
        return state
    if event.number > state.number + 1:
        raise LedgerError(
            f"the colony's log has {state.number} events, and {event.number} comes next: replay from the first"
        )
    if isinstance(event, AntJoined):
        member = Member(declared=event.declared, since=event.number)
        return state.model_copy(update={"number": event.number, "members": {**state.members, event.agent: member}})
    if isinstance(event, AntLeft):
        return _without(state, event)
    return _learned(state, event)


def replayed(state: ColonyState, events: Iterable[ColonyEvent]) -> ColonyState:
    """The state after events in log order."""
    for event in events:
        state = applied(state, event)
    return state


def _is_there(state: ColonyState, agent: str, number: int) -> bool:
    """Whether an agent is a member, and was already when so many events had been applied."""
    member = state.members.get(agent)
    return member is not None and member.since <= number


def _edges(
    state: ColonyState, step: Step, gate: Gate, kinds: Mapping[str, float], offered: list[str], rules: AntRules
) -> Iterable[EdgeChanged]:
    laid = rules.deposit / (gate.cost + 0.1)
    sources = [one for one in step.sources if not one or _is_there(state, one, step.number)]
    for source, kind, agent in ((s, k, a) for s in sources for k in kinds for a in offered):
        walked, weight = agent == step.chosen, kinds[kind] * step.sources[source]
        if not gate.passed and not walked:
            continue
        before = state.tau(step.layer, source, agent, kind, start=rules.tau_start)
        after = rules.clamped(before) * (1 - (rules.rho if gate.passed else rules.phi) * weight)
        effect: Effect = "failed"
        if gate.passed:
            after, effect = (after + weight * laid, "deposit") if walked else (after, "evaporated")
        yield EdgeChanged(
            source=source, agent=agent, task_type=kind, effect=effect, before=before, after=rules.clamped(after)
        )


def _counts(
    state: ColonyState, step: Step, gate: Gate, kinds: Mapping[str, float], offered: list[str], rules: AntRules
) -> Iterable[CountsChanged]:
    for agent in offered:
        for kind, weight in kinds.items():
            before = state.counted(step.layer, agent, kind, rules=rules)
            kept = 1 - (1 - rules.decay) * weight
            new = weight if agent == step.chosen else 0.0
            passed = before.passed * kept + (new if gate.passed else 0.0)
            failed = before.failed * kept + (0.0 if gate.passed else new)
            yield CountsChanged(agent=agent, task_type=kind, before=before, after=Counts(passed, failed))


def _learned(state: ColonyState, event: AntsLearned) -> ColonyState:
    rows = {source: dict(row) for source, row in state.trails.get(event.layer, {}).items()}
    for (source, agent), changes in _grouped((one.source, one.agent, one) for one in event.edges).items():
        row = rows.setdefault(source, {})
        trail = row.get(agent) or Trail()
        for one in changes:
            if trail.tau.get(one.task_type, one.before) != one.before:
                raise LedgerError(
                    f"event {event.number} of the colony's log was made on another state: replay from the first"
                )
        tau = {one.task_type: (one.before, one.after) for one in changes}
        change = Change(number=event.number, decision=event.decision, effect=changes[0].effect, tau=tau)
        after = {**trail.tau, **{one.task_type: one.after for one in changes}}
        row[agent] = Trail.model_construct(tau=after, lately=(*trail.lately, change)[-_LATELY:])
    counts = dict(state.counts.get(event.layer, {}))
    for counted in event.counts:
        counts[counted.agent] = {**counts.get(counted.agent, {}), counted.task_type: counted.after}
    settled = dict(state.settled)
    if len(settled) >= 2 * state.window:  # seldom, since it looks at each
        oldest = event.number - state.window
        settled = {decision: number for decision, number in settled.items() if number > oldest}
    settled[event.decision] = event.number
    return state.model_copy(
        update={
            "number": event.number,
            "trails": {**state.trails, event.layer: rows},
            "counts": {**state.counts, event.layer: counts},
            "settled": settled,
        }
    )


def _without(state: ColonyState, event: AntLeft) -> ColonyState:
    who = event.agent
    trails = {
        layer: {
            source: {agent: trail for agent, trail in row.items() if agent != who}
            for source, row in rows.items()
            if source != who
        }
        for layer, rows in state.trails.items()
    }
    counts = {layer: _but(of_layer, who) for layer, of_layer in state.counts.items()}
    members = _but(state.members, who)
    return state.model_copy(update={"number": event.number, "members": members, "trails": trails, "counts": counts})


_Held = TypeVar("_Held")


def _but(held: Mapping[str, _Held], who: str) -> dict[str, _Held]:
    return {agent: one for agent, one in held.items() if agent != who}


def _grouped(changes: Iterable[tuple[str, str, EdgeChanged]]) -> dict[tuple[str, str], list[EdgeChanged]]:
    found: dict[tuple[str, str], list[EdgeChanged]] = {}
    for source, agent, one in changes:
        found.setdefault((source, agent), []).append(one)
    return found
