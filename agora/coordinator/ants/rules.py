"""The numbers of the ant colony, with their ranges.

The paper (AMRO-S, arXiv 2603.12933) states none of them; these are Agora's own, measured in docs/policies.md.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field, model_validator

from agora.values import Value


class AntRules(Value):
    """How ants choose and learn.

    >>> AntRules().tau_max
    20.0
    """

    alpha: float = Field(default=1.0, ge=0, le=10)
    """Weight of the pheromone in a choice, an exponent; 0: pheromone is ignored."""
    rho: float = Field(default=0.1, ge=0, le=1)
    """Share of a row that evaporates when one of its edges passed."""
    phi: float = Field(default=0.1, ge=0, le=1)
    """Share of an edge that evaporates when it failed."""
    deposit: float = Field(default=1.0, gt=0, le=100)
    """Pheromone laid by a pass, over the path's cost share + 0.1: Q in the paper."""
    tau_start: float = Field(default=1.0, gt=0)
    """Pheromone of an edge that nobody has walked."""
    tau_min: float = Field(default=0.05, gt=0)
    """Least pheromone (MAX-MIN ant system, Stützle and Hoos, 2000)."""
    tau_max: float = Field(default=20.0, gt=0, le=1e6)
    """Most pheromone."""
    least_weight: float = Field(default=0.05, ge=0, le=1)
    """A task type learns from an outcome only where its intent weight is at least this."""
    decay: float = Field(default=0.995, gt=0, le=1)
    """What is kept, with each outcome of a step, of the counts of everyone who was offered it."""
    prior_weight: float = Field(default=10.0, ge=0, le=1e6)
    """How many tries a declared ability counts for; they decay like any other."""
    ability_power: float = Field(default=4.0, ge=0, le=10)
    """Exponent of the ability, as a share of the best candidate's."""
    load_power: float = Field(default=1.0, ge=0, le=10)
    """Exponent of 1 - load."""
    latency_power: float = Field(default=0.5, ge=0, le=10)
    """Exponent of the fastest latency over one's own."""
    cost_power: float = Field(default=0.0, ge=0, le=10)
    """Exponent of the lowest cost over one's own: 0 is quality alone, 1 is cheap."""
    floor: float = Field(default=0.01, ge=0, le=1)
    """Share of all choices that is spread evenly over the candidates."""

    @model_validator(mode="after")
    def _bounds_hold_the_start(self) -> AntRules:
        if not self.tau_min <= self.tau_start <= self.tau_max:
            raise ValueError("tau_start must lie between tau_min and tau_max: change one of the three")
        return self

    def clamped(self, tau: float) -> float:
        """Within the bounds."""
        return min(max(tau, self.tau_min), self.tau_max)


RULES: Final = AntRules()
"""The defaults."""


def goes_to_gate(draw: float, *, free: bool, sampled: float = 0.2) -> bool:
    """Whether a finished step is judged at all, so that something can be learned from it.

    Args:
        draw: Recorded, in [0, 1).
        free: The verifier costs nothing (tests, exact match): every step is judged.
        sampled: Share of steps that is judged where judging costs.

    >>> goes_to_gate(0.9, free=True), goes_to_gate(0.9, free=False)
    (True, False)
    """
    return free or draw < sampled
