"""What becomes of the outputs of a graph: merge, arbiter, re-route (AdaptOrch, arXiv 2602.16873, Algorithm 2).

Mended: consistency is always of the workers' own outputs, never of what was made of them, since one merged text is
always consistent with itself. So an arbiter's ruling goes back to the workers, who answer again, and these answers are
compared. The number of re-routes has a hard cap, which the paper's proof does not give for five subtasks or fewer: the
last one is hierarchical whatever the rule says, and what is inconsistent after it is said to be.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import Field

from agora.errors import ConfigError
from agora.values import Value
from agora.workflows.features import Features
from agora.workflows.topology import Topology, decide

THRESHOLD: Final = 0.7
"""The least consistency at which outputs are merged."""
RAISE: Final = 0.2
"""By which a re-route raises the mean coupling."""
MOST_REROUTES: Final = 5


class Move(StrEnum):
    """What is done next."""

    MERGE = "merge"
    """The outputs agree: they are made one, and that is the result."""
    ARBITER = "arbiter"
    """An arbiter rules on where they differ, the workers answer again, and those answers are compared."""
    REROUTE = "re-route"
    """The plan runs again in the state's topology, and its outputs are compared."""
    DONE = "done"
    """Nothing more: the last output, or the lead's, is the result as it stands."""


class Synthesis(Value):
    """Where the synthesis of a plan stands."""

    features: Features
    topology: Topology
    coupling: float = Field(ge=0, le=1)
    """The plan's own mean coupling, raised by every re-route."""
    cap: int = Field(ge=0, le=MOST_REROUTES)
    """The most re-routes."""
    reroutes: int = Field(default=0, ge=0, le=MOST_REROUTES)
    arbitrated: bool = False
    """Whether an arbiter has ruled since the last re-route."""
    finished: bool = False
    consistency_unresolved: bool = False
    """The outputs still differed when the cap was reached: to be told with the result."""


class Step(NamedTuple):
    """What is done next, where that leads, and why: an event."""

    move: Move
    state: Synthesis
    reason: str
    """One sentence with the figures that decided."""


def begin(found: Features, *, topology: Topology | None = None) -> Synthesis:
    """The synthesis of a plan that starts in the topology that the rule gives it, or in another."""
    first = topology or decide(found).topology
    return Synthesis(features=found, topology=first, coupling=found.coupling, cap=most_reroutes(found.coupling))


def most_reroutes(coupling: float) -> int:
    """How often a plan may be re-routed: min(5, ceil((1 - coupling) / 0.2)); 0 for one that is critical throughout.

    >>> [most_reroutes(coupling) for coupling in (0.0, 0.3, 0.6, 1.0)]
    [5, 4, 2, 0]
    """
    return min(MOST_REROUTES, math.ceil(round((1.0 - coupling) / RAISE, 9)))  # .8 / .2 is not 4 in floats


def advance(state: Synthesis, consistency: float, *, threshold: float = THRESHOLD) -> Step:
    """Decide what is done with outputs.

    Args:
        state: Where the synthesis stands.
        consistency: Of the workers' own outputs, of the last run or of the answers to an arbiter, in [-1, 1].
        threshold: The least at which they are merged.

    Raises:
        ConfigError: The synthesis is finished, or the consistency is no figure in [-1, 1].
    """
    if state.finished:
        raise ConfigError("synthesis", "is finished: begin another for another run of the plan")
    if not -1.0 <= consistency <= 1.0:
        raise ConfigError("consistency", f"{consistency!r} must be in [-1, 1]")
    figures = f"consistency {consistency:.2f}, threshold {threshold:g}"
    if state.topology is Topology.SEQUENTIAL:
        return _end(state, Move.DONE, "the last output of a sequence has seen all others")
    if consistency >= threshold:
        return _end(state, Move.MERGE, f"the outputs agree: {figures}")
    if not state.arbitrated:
        return Step(Move.ARBITER, state.model_copy(update={"arbitrated": True}), f"the outputs differ: {figures}")
    if state.reroutes >= state.cap:
        why = f"the outputs still differ after {state.reroutes} of at most {state.cap} re-routes: {figures}"
        return _end(state, Move.DONE, why, unresolved=True)
    return _rerouted(state, figures)


def _rerouted(state: Synthesis, figures: str) -> Step:
    """The next topology, from a higher coupling; the last is hierarchical."""
    count = state.reroutes + 1
    coupling = min(1.0, round(state.coupling + RAISE, 9))
    last = count == state.cap
    topology = Topology.HIERARCHICAL if last else decide(state.features, coupling=coupling).topology
    changed = {"topology": topology, "coupling": coupling, "reroutes": count, "arbitrated": False}
    why = f"the outputs differ after an arbiter: {figures}; re-route {count} of at most {state.cap}, {topology}"
    return Step(Move.REROUTE, state.model_copy(update=changed), why + (", since it is the last" if last else ""))


def _end(state: Synthesis, move: Move, why: str, *, unresolved: bool = False) -> Step:
    return Step(move, state.model_copy(update={"finished": True, "consistency_unresolved": unresolved}), why)
