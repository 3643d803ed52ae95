"""The simulation's parameters, fixed before its first run. Each says where it comes from.

Public: figures of SALE (arXiv 2602.02751, tables by way of two public notes) and its benchmark. Laid on public figures:
interpolated between them, or solved so that a public total comes out. Assumed: nobody has published it; ours.

The success rates of the benchmark's two kinds of tasks, by bin of difficulty:

- Public: the largest model passes 87.5 % of the easiest and 12.5 % of the hardest search tasks, 95.0 % and 79.7 % of
  the two easiest bins of coding; 63.8 % and 58.4 % of all. The smallest reaches 87 % and 92 % of that on the easiest
  bin, 25 % and 17 % on the hardest.
- Laid on them: the largest model's other bins, whole tasks that sum to its totals (66, 52, 34 of 80, 80, 82 search
  tasks; 48, 31, 15 of 80, 81, 79 coding tasks). The smallest model's other bins, its share falling evenly from bin to
  bin. The two in the middle, evenly between both in the logarithm of their size.
- Laid on them: how far failures are shared, such that some model passes 77.9 % and 68.4 %, the paper's oracle.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from pydantic import Field

from agora.values import Value

BINS: Final = 5
"""Bins of difficulty; the first is the easiest."""


class Contestant(Value):
    """One of the simulated agents."""

    name: str
    """Its name."""
    usd_per_mtok: Decimal
    """Dollars for a million tokens, read or written. Public."""
    sharpness: float = Field(ge=0, le=1)
    """As a judge: the share of the plan signal that its marks carry. Assumed: judges get better with size."""


class Kind(Value):
    """One kind of tasks: what a user would call a skill."""

    name: str
    """Its name."""
    tasks: tuple[int, ...]
    """How many the benchmark has, by bin. Public."""
    success: tuple[tuple[float, ...], ...]
    """By bin, then by agent from the smallest to the largest: the chance that one attempt passes. See above."""
    shared: float = Field(ge=0, le=1)
    """Correlation of what decides two agents' attempts at a task; 1: all fail together. Laid on the paper's oracle."""
    tokens: tuple[int, ...]
    """Mean tokens of an attempt, by bin, read again at each step; alike for all agents. Assumed."""
    token_limit: int
    """What the user allows a task, whatever its bin: half as much again as the hardest take in the mean. Assumed."""


CONTESTANTS: Final = (
    Contestant(name="4B", usd_per_mtok=Decimal("0.05"), sharpness=0.7),
    Contestant(name="8B", usd_per_mtok=Decimal("0.09"), sharpness=0.8),
    Contestant(name="14B", usd_per_mtok=Decimal("0.16"), sharpness=0.9),
    Contestant(name="32B", usd_per_mtok=Decimal("0.36"), sharpness=1.0),
)
"""From the smallest to the largest."""

SEARCH: Final = Kind(
    name="search",
    tasks=(80, 80, 80, 82, 32),
    success=(
        (0.761, 0.799, 0.830, 0.875),
        (0.591, 0.669, 0.732, 0.825),
        (0.365, 0.460, 0.537, 0.650),
        (0.168, 0.250, 0.317, 0.415),
        (0.031, 0.062, 0.088, 0.125),
    ),
    shared=0.480,
    tokens=(30_000, 60_000, 120_000, 240_000, 400_000),
    token_limit=600_000,
)
CODING: Final = Kind(
    name="coding",
    tasks=(80, 79, 80, 81, 79),
    success=(
        (0.874, 0.899, 0.920, 0.950),
        (0.584, 0.655, 0.713, 0.797),
        (0.327, 0.418, 0.491, 0.600),
        (0.137, 0.219, 0.285, 0.383),
        (0.032, 0.085, 0.127, 0.190),
    ),
    shared=0.626,
    tokens=(4_000, 8_000, 16_000, 60_000, 120_000),
    token_limit=200_000,
)


class Parameters(Value):
    """All that the simulation takes for given."""

    agents: tuple[Contestant, ...] = CONTESTANTS
    """The pool."""
    kinds: tuple[Kind, ...] = (SEARCH, CODING)
    """What is worked on."""

    signal: float = Field(default=0.3, ge=0, le=1)
    """How far a mark tells of this attempt's outcome, beyond bin and agent: given these, the correlation between what
    the sharpest judge sees in a plan and what decides the attempt. 0: marks are noise; 1: they tell the outcome.
    Assumed, and swept."""
    entropy_share: float = Field(default=0.8, ge=0, le=1)
    """The share of the signal that a plan's entropy carries. Laid on the ablations: leaving out entropy costs 1.8 and
    2.0 points of pass@1, the jury 3.6 and 1.2."""
    judges_shared: float = Field(default=0.7, ge=0, le=1)
    """How much of a judge's error (its variance) all judges make alike. Assumed: models err alike."""
    mark_spread: float = Field(default=1.25, gt=0)
    """Marks (of 0 to 5) that one standard deviation of what a judge sees makes; from 0 upwards it gives 3. Assumed."""
    entropy_mean: float = Field(default=0.30, ge=0, le=1)
    """Mean entropy of a plan. Assumed."""
    entropy_spread: float = Field(default=0.10, gt=0)
    """Its standard deviation. Assumed."""

    own_persistent: float = Field(default=0.5, ge=0, le=1)
    """Of what is an agent's own in its attempt (its variance), how much stays when it tries again. Assumed. Evidence
    of a failure is taken to help nobody, so that a second attempt is only a second draw."""
    attempt_spread: float = Field(default=0.5, ge=0)
    """Standard deviation of the logarithm of an attempt's tokens within a bin. Assumed."""

    plan_tokens: int = Field(default=220, gt=0)
    """Median length of a plan ("a few hundred tokens"). Laid on public figures."""
    plan_spread: float = Field(default=0.25, ge=0)
    """Standard deviation of its logarithm. Assumed."""
    plan_to_work: float = Field(default=0.39, ge=-1, le=1)
    """Correlation of a plan's length with the length of the work it is for. Public (Spearman)."""
    plan_reads: int = Field(default=10, ge=0)
    """How often the winner reads its plan while it works, once a step. Assumed."""

    bid_tokens: int = Field(default=500, ge=0)
    """What a bidder reads before it writes its plan. Assumed."""
    jury_tokens: int = Field(default=350, ge=0)
    """What a judge reads besides the plans. Assumed."""
    mark_tokens: int = Field(default=8, ge=0)
    """What a judge writes for each plan. Assumed."""
    lesson_tokens: int = Field(default=500, ge=0)
    """What one past pair of plans adds to a request for a second plan. Laid on the length of plans."""

    lessons: int = Field(default=8, ge=0)
    """The most pairs that an agent is shown. Public (k = 8)."""
    lesson_gain: float = Field(default=0.10, ge=0)
    """How much better an attempt is whose plan was written again after all those lessons, if each is of the same kind
    and bin (less in proportion): in standard deviations of what decides an attempt. Laid on the ablation, where memory
    brings 0.9 and 1.2 points of pass@1; 0.10 brings an attempt at even odds 4 points, and only some are refined."""
    lesson_look: float = Field(default=0.20, ge=0)
    """How much better such a plan looks to judges than it is. Assumed: the smallest model's share of awards grew
    threefold (3.7 to 11.1 %, 1.4 to 5.3 %), far more than success did."""

    text_error: float = Field(default=1.0, ge=0)
    """What a task's text tells of its difficulty: its bin plus an error with this standard deviation, in bins. What is
    recalled, and what a nearest-neighbour router sees, is near by this figure. Assumed."""
    scorer: float = Field(default=0.5, ge=0, le=1)
    """How far the learned scorer of a cascade tells of an attempt's outcome from its answer, as `signal` does from a
    plan. Assumed."""
    trained: int = Field(default=120, ge=1)
    """Tasks of which the nearest-neighbour router knows every agent's outcome from the start, free of charge. Assumed;
    generous to it."""
