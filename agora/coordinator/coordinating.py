"""One subtask's way to an agent: breaker, then newcomers' share, then Top-L, then LinUCB; and what is learned of it.

After Symphony-Coord (arXiv 2602.00966) with the flaws of its published form mended; docs/policies.md says which.
Deciding changes nothing. Everything that changes is in `State`, and changes by events alone, in the order of the log:
the same events give the same state, and a state read back from JSON goes on bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import Field

from agora.coordinator.crediting import Book, Credit, Decision, Expiry, Feedback
from agora.coordinator.features import DIMENSION, SLOW_S, Sight, check_version, figures, scaled
from agora.coordinator.health import Breaker
from agora.coordinator.linucb import Choice, LinUCB, LinUCBState
from agora.coordinator.newcomers import Newcomers
from agora.coordinator.priors import Prior
from agora.coordinator.shortlisting import LENGTH, Candidate, best
from agora.errors import ConfigError, NoBidsError
from agora.values import Value


class Rule(Value):
    """What holds for all decisions."""

    length: int = Field(default=LENGTH, ge=1)
    """L, how many of the pool LinUCB looks at."""
    cost_weight: float = Field(default=0.3, ge=0)
    """What the whole cost limit of a task is worth in passed tasks."""
    slow_s: float = Field(default=SLOW_S, gt=0)
    """Seconds that count as 1."""
    breaker: bool = True
    """Whether agents that fail hard are left alone for a while; without it hard failures go on their record."""
    newcomer_share: float = Field(default=0.05, gt=0, le=1)
    """The most of all decisions that go to operators without a record; 1: no limit."""
    fill: bool = False
    """Whether places that no other operator wants go to further agents of those that have one."""
    last_resort: bool = False
    """Whether agents that fail hard are called all the same where nobody else is there."""


class State(Value):
    """All that was learned, and what waits to be."""

    rule: Rule = Rule()
    """What holds."""
    policy: LinUCBState = LinUCBState()
    """The bandit's parameters."""
    breakers: Mapping[str, Breaker] = Field(default_factory=dict)
    """Arm -> its health, where anything ever failed."""
    priors: Mapping[str, Mapping[str, Prior]] = Field(default_factory=dict)
    """Kind of task -> arm -> its record."""
    book: Book = Book()
    """Decisions that wait."""
    newcomers: Newcomers = Newcomers()
    """What went to operators without a record."""


class Ruling(NamedTuple):
    """A decision with its figures; it counts once `learn` was told of the decision."""

    decision: Decision
    """Who is chosen."""
    place: int
    """Where the chosen one stood in the pool."""
    choice: Choice
    """The figures of the shortlist."""
    shortlist: tuple[str, ...]
    """Who was looked at, in the order of stage 1."""
    kept_out: Mapping[str, str]
    """Arm -> why it was not looked at at all."""
    contexts: tuple[tuple[float, ...], ...]
    """The contexts that outcomes would be credited to, in the order of the pool."""
    places: tuple[int, ...]
    """Where those of the shortlist stood in the pool, in its order."""


class Coordinator:
    """Decides, and learns from decisions and their outcomes; owned by one writer.

    Args:
        state: To go on from.

    Raises:
        ConfigError: The state was learned on other features.

    >>> coordinator = Coordinator()
    >>> pool = [(Candidate("a"), Sight(similarity=0.9)), (Candidate("b"), Sight(similarity=0.2))]
    >>> ruling = coordinator.decide(pool, id="d1", kind="search")
    >>> coordinator.learn(ruling.decision)[0].fate, ruling.decision.arm
    ('waiting', 'a')
    >>> coordinator.learn(Feedback(decision="d1", passed=True))[0].reward
    1.0
    """

    def __init__(self, state: State | None = None) -> None:
        state = state or State()
        if state.policy.settings.dimension != DIMENSION:
            raise ConfigError("coordinator", f"its contexts have {DIMENSION} features: set dimension to that")
        for decision in state.book.waiting.values():
            check_version(decision.features_version, length=len(decision.x))
        self.rule = state.rule
        self._policy = LinUCB.restored(state.policy)
        self._breakers = dict(state.breakers)
        self._priors = {kind: dict(arms) for kind, arms in state.priors.items()}
        self._book, self._newcomers = state.book, state.newcomers

    def decide(
        self, pool: Sequence[tuple[Candidate, Sight]], *, id: str, kind: str = "", due_us: int | None = None
    ) -> Ruling:
        """Choose an agent; nothing changes until the decision is learned.

        Args:
            pool: Who passed the hard filters, with what is known of each; an unknown `prior_success` is filled in from
                the record on this kind of task.
            id: Of the decision.
            kind: Of the task: what records are kept by.
            due_us: When it counts as timed out.

        Raises:
            NoBidsError: Nobody is left; says why.
        """
        request = self._book.last + 1
        kept_out = self._kept_out([candidate.arm for candidate, _ in pool], request)
        standing = [place for place, (candidate, _) in enumerate(pool) if candidate.arm not in kept_out]
        if not standing:
            why = "; ".join(f"{arm}: {reason}" for arm, reason in sorted(kept_out.items())) or "the pool is empty"
            raise NoBidsError(id, why)
        candidates = [pool[place][0] for place in standing]
        priors = self._priors.get(kind, {})
        sights = [_with_prior(sight, priors.get(candidate.arm)) for candidate, sight in pool]
        everyone = figures(sights, slow_s=self.rule.slow_s)
        rows = everyone[standing]
        places = best(candidates, rows, length=self.rule.length, fill=self.rule.fill)
        contexts = scaled(everyone)
        x = contexts[[standing[place] for place in places]]
        choice = self._policy.choose([candidates[place] for place in places], x)
        breaker = self._breakers.get(choice.arm, Breaker())
        decision = Decision(
            id=id,
            number=request,
            arm=choice.arm,
            x=tuple(x[choice.place].tolist()),
            propensity=choice.propensity,
            pool=tuple(sorted({candidate.arm for candidate in candidates})),
            kind=kind,
            due_us=due_us,
            age=breaker.age,
            reason=f"best score {choice.score[choice.place]:.4f} of {len(places)} on the shortlist",
        )
        shortlist = tuple(candidates[place].arm for place in places)
        seen = tuple(tuple(row) for row in contexts.tolist())
        among = tuple(standing[place] for place in places)
        return Ruling(decision, among[choice.place], choice, shortlist, kept_out, seen, among)

    def learn(self, event: Decision | Feedback | Expiry) -> tuple[Credit, ...]:
        """Take in the next event of the log; what was there before changes nothing.

        Raises:
            ConfigError: A decision was made on other features.
        """
        if isinstance(event, Decision):
            check_version(event.features_version, length=len(event.x))
            self._book, credit = self._book.decided(event)
            if credit.fate == "waiting":
                if event.arm in self._breakers:
                    self._breakers[event.arm] = self._breakers[event.arm].admit(event.number)
                self._newcomers = self._newcomers.after(event.arm, pool=event.pool)
            return (credit,)
        if isinstance(event, Expiry):
            self._book, credits = self._book.expired(event)
            for one in credits:
                self._settle(one, None, failed=True)
            return credits
        self._book, credit = self._book.credited(event, cost_weight=self.rule.cost_weight)
        if credit.decision is not None:
            self._settle(credit, None if event.failure else event.passed, failed=event.failure is not None)
        return (credit,)

    def withdraw(self, decision: str) -> None:
        """Wait no longer for the outcome of a decision; nothing is learned from it, one way or the other."""
        self._book = self._book.withdrawn(decision)

    def following(self, arm: str, *, id: str, x: tuple[float, ...], pool: tuple[str, ...], kind: str) -> Decision:
        """A decision for an arm that was looked at, as the next of the log: whoever chose it."""
        age = self._breakers.get(arm, Breaker()).age
        return Decision(id=id, number=self._book.last + 1, arm=arm, x=x, propensity=1.0, pool=pool, kind=kind, age=age)

    def state(self) -> State:
        """Everything, as a value."""
        return State(
            rule=self.rule,
            policy=self._policy.state(),
            breakers=dict(self._breakers),
            priors={kind: dict(arms) for kind, arms in self._priors.items()},
            book=self._book,
            newcomers=self._newcomers,
        )

    def _kept_out(self, arms: Sequence[str], request: int) -> dict[str, str]:
        kept_out = dict[str, str]()
        if self.rule.breaker:
            reasons = {arm: self._breakers[arm].why(request) for arm in arms if arm in self._breakers}
            kept_out = {arm: why for arm, why in reasons.items() if why}
        if self.rule.last_resort and len(kept_out) == len(set(arms)):
            kept_out = {}
        able = [arm for arm in arms if arm not in kept_out]
        return kept_out | self._newcomers.held_back(able, share=self.rule.newcomer_share)

    def _settle(self, credit: Credit, passed: bool | None, *, failed: bool) -> None:
        decision = credit.decision
        if decision is None:
            return
        breaker = self._breakers.get(decision.arm, Breaker())
        if failed:
            self._breakers[decision.arm] = breaker.failed(self._book.last, age=decision.age)
        elif decision.arm in self._breakers:
            self._breakers[decision.arm] = breaker.answered(age=decision.age)
        if credit.reward is not None:
            self._policy.update(decision.arm, decision.x, credit.reward)
        if failed and not self.rule.breaker:
            passed = False  # nobody else would remember it
        if passed is not None:
            arms = self._priors.setdefault(decision.kind, {})
            arms[decision.arm] = arms.get(decision.arm, Prior()).after(passed=passed)
            self._newcomers = self._newcomers.verified(decision.arm)


def _with_prior(sight: Sight, prior: Prior | None) -> Sight:
    if prior is None or sight.prior_success is not None:
        return sight
    return sight._replace(prior_success=prior.mean)
