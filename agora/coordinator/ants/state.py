"""What a colony knows: pheromone on edges, counts of passes and failures, who is there. Only events change it.

An edge leads from the agent that did a step's predecessor (or the start) to an agent at the step's depth in its
workflow graph. Edges keep their source, as published, since what an agent is worth by itself stands in the ability,
which has no source: a newcomer's row is empty, yet it finds the able agents of the next layer at once. A step with
several predecessors has an edge from each, in equal shares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple, cast

from pydantic import Field, ValidationError

from agora.coordinator.ants.rules import AntRules
from agora.errors import ConfigError, LedgerError
from agora.values import Value

VERSION: Final = "ants/1"
"""Of what the state means; another version's state is not read."""

START: Final = ""
"""Source of an edge into a step without predecessors."""

Name = Annotated[str, Field(min_length=1)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Counts(NamedTuple):
    """Decayed passes and failures."""

    passed: float
    failed: float

    def ability(self) -> float:
        """Laplace's estimate of the pass rate, in (0, 1).

        >>> Counts(8.0, 0.0).ability()
        0.9
        """
        return (self.passed + 1) / (self.passed + self.failed + 2)


class Change(Value):
    """One event that changed an edge, for who asks why it is as it is."""

    number: int
    """The event's place in the colony's log."""
    decision: str
    """Whose outcome it was."""
    effect: Literal["deposit", "evaporated", "failed"]
    """Whether the edge passed, lost to one that passed, or failed."""
    tau: Mapping[str, tuple[float, float]]
    """Task type -> pheromone before and after."""


class Trail(Value):
    """An edge that was walked, or was offered when another was."""

    tau: Mapping[str, float] = Field(default_factory=dict)
    """Task type -> pheromone; a type that is not there has the starting pheromone."""
    lately: tuple[Change, ...] = Field(default=(), max_length=3)
    """The last three changes, the newest last."""


class Member(Value):
    """An agent that may be chosen."""

    declared: Mapping[str, Probability] = Field(default_factory=dict)
    """Task type -> share of tasks that it says, or was measured elsewhere, to pass; 0.5 where it says nothing."""
    since: int = Field(ge=0)
    """Number of the event with which it joined."""


class ColonyState(Value):
    """All that is learned; equal logs give equal states, bit by bit.

    >>> state = ColonyState(types=("code", "general"))
    >>> restored(state.to_json(), types=("code", "general")) == state
    True
    """

    version: Literal["ants/1"] = VERSION
    """Of what the state means."""
    types: tuple[Name, ...] = Field(min_length=1)
    """Task types, each with pheromone of its own."""
    window: int = Field(default=4096, ge=1, le=1_000_000)
    """An outcome is late when more than so many events were applied since its decision; nothing is learned from it.
    So long each decision that was learned from is remembered, and none is learned from twice."""
    number: int = Field(default=0, ge=0)
    """Events applied."""
    members: Mapping[str, Member] = Field(default_factory=dict)
    """Agent -> since when it is there."""
    trails: Mapping[int, Mapping[str, Mapping[str, Trail]]] = Field(
        default_factory=dict[int, Mapping[str, Mapping[str, Trail]]]
    )
    """Layer -> source -> agent -> edge."""
    counts: Mapping[int, Mapping[str, Mapping[str, Counts]]] = Field(
        default_factory=dict[int, Mapping[str, Mapping[str, Counts]]]
    )
    """Layer -> agent -> task type -> counts."""
    settled: Mapping[str, int] = Field(default_factory=dict)
    """Decision -> number of the event in which its outcome was learned from, over the last window."""

    def tau(self, layer: int, source: str, agent: str, task_type: str, *, start: float) -> float:
        """Pheromone on an edge for a task type; `start` where nobody walked it."""
        trail = self.trails.get(layer, {}).get(source, {}).get(agent)
        return start if trail is None else trail.tau.get(task_type, start)

    def counted(self, layer: int, agent: str, task_type: str, *, rules: AntRules) -> Counts:
        """Passes and failures of an agent at a depth; as declared where nothing was measured."""
        found = self.counts.get(layer, {}).get(agent, {}).get(task_type)
        if found is not None:
            return found
        member = self.members.get(agent)
        declared = 0.5 if member is None else member.declared.get(task_type, 0.5)
        return Counts(rules.prior_weight * declared, rules.prior_weight * (1 - declared))

    def lately(self, layer: int, source: str, agent: str) -> tuple[Change, ...]:
        """The last three events that changed an edge."""
        trail = self.trails.get(layer, {}).get(source, {}).get(agent)
        return () if trail is None else trail.lately

    def to_json(self) -> str:
        """Keys sorted, floats as Python writes them: what is read back is equal bit by bit."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def restored(text: str, *, types: tuple[str, ...]) -> ColonyState:
    """Read a state back.

    Args:
        text: What `to_json` wrote.
        types: The task types in use now.

    Raises:
        ConfigError: It was learned for other task types.
        LedgerError: It is of another version, or damaged.
    """
    try:
        raw: object = json.loads(text)
        version = cast("Mapping[str, object]", raw).get("version") if isinstance(raw, dict) else None
        if version != VERSION:
            raise LedgerError(
                f"learned state of the ants: version {version!r}, this is {VERSION!r}: learn anew from the log"
            )
        state = ColonyState.model_validate(raw)
    except (ValidationError, ValueError) as error:
        raise LedgerError(f"learned state of the ants cannot be read: learn anew from the log ({error})") from error
    if state.types != types:
        known, asked = ", ".join(state.types), ", ".join(types)
        raise ConfigError(
            "task types", f"the ants learned for {known}, not for {asked}: learn anew, or name those types"
        )
    return state


def checked_weights(state: ColonyState, weights: Mapping[str, float]) -> dict[str, float]:
    """Intent weights in the order of the state's types, without those that are zero.

    Raises:
        ConfigError: A type is unknown, a weight is outside [0, 1], or their sum is not 1.
    """
    if unknown := sorted(set(weights) - set(state.types)):
        raise ConfigError("intent", f"no task type {unknown[0]!r}: known are {', '.join(state.types)}")
    total = sum(weights[one] for one in state.types if one in weights)
    if not all(0 <= weight <= 1 for weight in weights.values()) or not abs(total - 1) <= 1e-9:
        raise ConfigError("intent", f"weights {dict(weights)!r} must be in [0, 1] with a sum of 1")
    return {one: weights[one] for one in state.types if weights.get(one)}
