"""Decisions that wait for their outcomes, and what each outcome is worth (delayed credit; Symphony-Coord, 1.4).

An outcome is credited to the context that was seen when the decision was made, which is kept until then and never
computed again. Each decision is credited once, in the order of the log:

    credited    a verified outcome, or a hard failure (reward 0)
    timeout     none came until the decision was due: reward 0
    unverified  nobody could decide: nothing is learned
    repeated    the decision or its outcome was there already: nothing changes
    late        its decision was closed as timed out: nothing changes
    unknown     no such decision, or one closed long ago: nothing changes

Reward: max(0, 1[passed] - cost weight x cost share), in [0, 1]. A failure is worth 0 whatever it cost, so that to hang
never pays. Where a step has a verifier of its own, half of its reward is the step's and half the whole plan's.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final, Literal, NamedTuple

from pydantic import Field

from agora.coordinator.features import FEATURES_VERSION
from agora.routing import HardFailure
from agora.values import Value

STEP_SHARE: Final = 0.5
"""Of a step's reward that its own verifier decides."""
REMEMBERED: Final = 1000
"""How many closed decisions are told from unknown ones; what came back later than that is unknown."""
Fate = Literal["credited", "timeout", "unverified", "repeated", "late", "unknown", "waiting"]


class Decision(Value):
    """One choice, as it stands on the log."""

    id: str = Field(min_length=1)
    """What its outcome is credited by."""
    number: int = Field(ge=1)
    """Which request it is, from 1, always rising: so a decision that comes twice is seen however old it is."""
    arm: str
    """Who was chosen."""
    x: tuple[float, ...]
    """The context that was seen of it."""
    propensity: float = Field(gt=0, le=1)
    """Chance with which the policy chose it."""
    pool: tuple[str, ...] = ()
    """All arms that it was chosen from, in their order."""
    policy: str = "linucb"
    """Which policy decided."""
    features_version: str = FEATURES_VERSION
    """Of the context."""
    kind: str = ""
    """Of the task, for the record of the arm."""
    due_us: int | None = None
    """When it counts as timed out, in microseconds since the epoch; None: never."""
    age: int = 0
    """Of the arm's breaker when it was chosen."""
    reason: str = ""
    """One sentence with the figures that decided."""


class Feedback(Value):
    """What became of a decision."""

    decision: str
    """Its id."""
    passed: bool | None = None
    """What the verifier found; None: nobody could decide, or there was nothing to look at."""
    failure: HardFailure | None = None
    """Where nothing usable came back at all."""
    cost_share: float = Field(default=0.0, ge=0)
    """What it cost, as a share of what the task might cost."""
    step: float | None = Field(default=None, ge=0, le=1)
    """What the step's own verifier gave it; None: it has none."""


class Expiry(Value):
    """A moment at which overdue decisions are closed: recorded, so that a replay closes the same ones."""

    now_us: int
    """Microseconds since the epoch."""


class Credit(NamedTuple):
    """What an event meant for learning."""

    fate: Fate
    """See the table above."""
    decision: Decision | None = None
    """Whose."""
    reward: float | None = None
    """What is learned; None: nothing."""


class Book(Value):
    """All that waits for an outcome; every step gives the next book."""

    waiting: Mapping[str, Decision] = Field(default_factory=dict)
    """Decisions without an outcome by id, oldest first."""
    closed: Mapping[str, Fate] = Field(default_factory=dict)
    """How the latest ones ended, oldest first."""
    last: int = Field(default=0, ge=0)
    """The number of the latest decision."""

    def decided(self, decision: Decision) -> tuple[Book, Credit]:
        """After a decision was made."""
        if decision.number <= self.last or decision.id in self.waiting or decision.id in self.closed:
            return self, Credit("repeated")
        waiting = {**self.waiting, decision.id: decision}
        return self.model_copy(update={"waiting": waiting, "last": decision.number}), Credit("waiting", decision)

    def credited(self, feedback: Feedback, *, cost_weight: float) -> tuple[Book, Credit]:
        """After an outcome came in."""
        decision = self.waiting.get(feedback.decision)
        if decision is None:
            ended = self.closed.get(feedback.decision)
            return self, Credit("unknown" if ended is None else "late" if ended == "timeout" else "repeated")
        worth = reward(feedback, cost_weight=cost_weight)
        fate: Fate = "unverified" if worth is None else "credited"
        return self._close({decision.id: fate}), Credit(fate, decision, worth)

    def expired(self, expiry: Expiry) -> tuple[Book, tuple[Credit, ...]]:
        """After a moment has come: whatever was due before it, oldest first."""
        over = [one for one in self.waiting.values() if one.due_us is not None and one.due_us < expiry.now_us]
        if not over:
            return self, ()
        return self._close({one.id: "timeout" for one in over}), tuple(Credit("timeout", one, 0.0) for one in over)

    def withdrawn(self, decision: str) -> Book:
        """After a decision that no outcome will come of."""
        return self._close({decision: "unverified"}) if decision in self.waiting else self

    def _close(self, ended: Mapping[str, Fate]) -> Book:
        waiting = {name: one for name, one in self.waiting.items() if name not in ended}
        closed = {**self.closed, **ended}
        if len(closed) > REMEMBERED:
            closed = dict(islice(closed.items(), len(closed) - REMEMBERED, None))
        return self.model_copy(update={"waiting": waiting, "closed": closed})


def reward(feedback: Feedback, *, cost_weight: float) -> float | None:
    """What an outcome is worth, in [0, 1]; None: nothing is to be learned of it.

    Args:
        feedback: The outcome.
        cost_weight: What the whole cost limit of a task is worth in passed tasks, >= 0.

    >>> reward(Feedback(decision="d", passed=True, cost_share=0.5), cost_weight=0.3)
    0.85
    >>> reward(Feedback(decision="d", passed=False, step=1.0), cost_weight=0.3)
    0.5
    """
    if feedback.failure is not None:
        return 0.0
    if feedback.passed is None:
        return None
    whole = max(0.0, float(feedback.passed) - cost_weight * min(feedback.cost_share, 1.0))
    return whole if feedback.step is None else STEP_SHARE * feedback.step + (1.0 - STEP_SHARE) * whole
