"""The learned choice beside the rule: AgensFlow's score on folded signatures (arXiv 2605.27466), without training.

A graph is folded to a short signature, and what was tried under a signature is remembered by action: to invoke
something, to skip a step, to stop. The score of an action is its mean reward, plus a width that shrinks with its visits
and with those of the signature, less a penalty for its share of failures.

Read so where the paper is open: the confidence of a judge scales the whole reward; an action that occurs twice on one
trajectory is credited once. Changed: who was never tried comes before all others by order (not by an infinite score),
what the rule suggests first among them; and a share of choices may be drawn evenly, so that propensities are known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from pydantic import Field, ValidationError

from agora.errors import ConfigError
from agora.values import Value
from agora.workflows.features import Features

VERSION: Final = 1
"""Of the signatures and of the reward: what was learned under another version is not used."""

Regime = Literal["straightforward", "evidence_heavy", "ambiguous"]

STOP: Final = "terminate"

NODE_BINS: Final = (1, 5, 20)
TOKEN_BINS: Final = (8_000, 64_000)
SHARE_BINS: Final = (0.25, 0.5)
COUPLING_BINS: Final = (0.3, 0.6)


def invoke(what: str, who: str = "") -> str:
    """The action of running something, a topology or a skill, with somebody where that is chosen too."""
    return f"invoke:{what}/{who}" if who else f"invoke:{what}"


def skip(step: str) -> str:
    """The action of leaving a step out, as the arbiter or a verifier."""
    return f"skip:{step}"


def fold(found: Features, *, regime: Regime) -> str:
    """The signature of a plan: its regime, and its figures in bins.

    >>> from agora.workflows.features import Subtask, checked, features
    >>> fold(features(checked([Subtask(id="a"), Subtask(id="b")])), regime="ambiguous")
    'ambiguous nodes1 wide2 coupled0 tokens0'
    """
    nodes, tokens = _bin(found.nodes, NODE_BINS), _bin(found.total_tokens, TOKEN_BINS)
    wide, coupled = _bin(found.parallelism, SHARE_BINS), _bin(found.coupling, COUPLING_BINS)
    return f"{regime} nodes{nodes} wide{wide} coupled{coupled} tokens{tokens}"


class Rule(Value):
    """The constants of the score."""

    width: float = Field(default=1.4, ge=0)
    """Of a signature's first visit."""
    least_width: float = Field(default=0.5, ge=0)
    halving_visits: float = Field(default=50.0, gt=0)
    """After so many visits of the signature the width is half as much."""
    failure_penalty: float = Field(default=0.5, ge=0)
    even_share: float = Field(default=0.0, ge=0, le=1)
    """Of choices, drawn evenly among all options."""


RULE: Final = Rule()


class Step(Value):
    """An action taken under a signature."""

    signature: str
    action: str
    failed: bool = False


class Outcome(Value):
    """How a trajectory ended: the event that is learned from."""

    decision: str = Field(min_length=1)
    """By which it is counted once."""
    steps: tuple[Step, ...]
    quality: float = Field(ge=0, le=1)
    """By the verifier."""
    tokens: int = Field(default=0, ge=0)
    retries: int = Field(default=0, ge=0)
    confidence: float = Field(default=1.0, ge=0, le=1)
    """How sure the verifier is."""


def reward(outcome: Outcome) -> float:
    """Quality, less 0.3 for 8,000 tokens and 0.15 a retry, times confidence."""
    return outcome.confidence * (outcome.quality - 0.3 * outcome.tokens / 8_000 - 0.15 * outcome.retries)


class Cell(NamedTuple):
    """What is remembered of an action under a signature."""

    visits: int = 0
    reward: float = 0.0
    """The sum over visits."""
    failures: int = 0


def credited(cell: Cell, *, reward: float, failed: bool) -> Cell:
    """A cell after one more visit."""
    return Cell(cell.visits + 1, cell.reward + reward, cell.failures + failed)


class Experience:
    """What was learned, in log order, each decision once.

    >>> once = Outcome(decision="d1", steps=(Step(signature="s", action="skip:arbiter"),), quality=1.0)
    >>> Experience().after(once).after(once).cell("s", "skip:arbiter")
    Cell(visits=1, reward=1.0, failures=0)
    """

    def __init__(self) -> None:
        self._cells: dict[str, dict[str, Cell]] = {}
        self._seen: dict[str, None] = {}

    def cell(self, signature: str, action: str) -> Cell:
        """What is remembered of an action under a signature."""
        return self._cells.get(signature, {}).get(action, Cell())

    def visits(self, signature: str) -> int:
        """How many actions were taken under a signature."""
        return sum(cell.visits for cell in self._cells.get(signature, {}).values())

    def to_json(self) -> str:
        """All of it, exactly."""
        return json.dumps({"version": VERSION, "cells": self._cells, "seen": list(self._seen)}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Experience:
        """Read back what `to_json` wrote, bit for bit.

        Raises:
            ConfigError: It is damaged or of another version.
        """
        try:
            told = json.loads(text)
            version = _Header.model_validate(told).version
            if version != VERSION:
                what = f"is of version {version}, and this is version {VERSION}: learn anew from the ledger's events"
                raise ConfigError("what was learned of topologies", what)
            state = _State.model_validate(told)
        except (ValidationError, json.JSONDecodeError) as problem:
            why = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem.msg
            what = f"cannot be read ({why}): learn anew from the ledger's events"
            raise ConfigError("what was learned of topologies", what) from None
        made = cls()
        made._cells = {signature: dict(row) for signature, row in state.cells.items()}
        made._seen = dict.fromkeys(state.seen)
        return made

    def after(self, outcome: Outcome) -> Experience:
        """What is known after an outcome; one that was counted before changes nothing."""
        made = Experience()
        made._cells = {signature: dict(row) for signature, row in self._cells.items()}
        made._seen = dict(self._seen)
        made._take(outcome)
        return made

    @classmethod
    def restored(cls, outcomes: Iterable[Outcome]) -> Experience:
        """What is known after outcomes in the order of their log: as by `after`, one by one, in linear time."""
        made = cls()
        for outcome in outcomes:
            made._take(outcome)
        return made

    def _take(self, outcome: Outcome) -> None:
        """Every signature and action on the trajectory once; failed if it ever did."""
        if outcome.decision in self._seen:
            return
        self._seen[outcome.decision] = None
        failed: dict[tuple[str, str], bool] = {}
        for step in outcome.steps:
            key = step.signature, step.action
            failed[key] = failed.get(key, False) or step.failed
        gained = reward(outcome)
        for (signature, action), bad in failed.items():
            row = self._cells.setdefault(signature, {})
            row[action] = credited(row.get(action, Cell()), reward=gained, failed=bad)


class _Header(Value, extra="ignore"):
    version: int


class _State(Value):
    version: int
    cells: Mapping[str, Mapping[str, Cell]]
    seen: tuple[str, ...]


class Option(NamedTuple):
    """Something that may be done."""

    action: str
    cost_usd: Decimal = Decimal(0)
    """Expected; the lower of equals is chosen."""
    lot: str = ""
    """A seeded hash of what it is, never of its name; the lower of equals in all else is chosen."""


class Scored(NamedTuple):
    """An option and its score."""

    action: str
    score: float | None
    """None: never tried under this signature, which comes before every score."""
    propensity: float
    """With which chance it was to be chosen."""


class Choice(NamedTuple):
    """What was chosen, and how all options stood, best first."""

    action: str
    propensity: float
    options: tuple[Scored, ...]
    reason: str


def choose(
    experience: Experience,
    signature: str,
    options: Sequence[Option],
    *,
    draw: float,
    suggested: str | None = None,
    rule: Rule = RULE,
) -> Choice:
    """Choose among options under a signature.

    Args:
        experience: What was learned.
        signature: By `fold`, or any other short text.
        options: One or more, each action once.
        draw: In [0, 1); used only where `rule.even_share` is above 0.
        suggested: The action that the rule would take: the first to be tried.
        rule: The constants.

    Raises:
        ConfigError: No options, an action twice, or a draw out of range.
    """
    actions = {one.action for one in options}
    if not options or len(actions) < len(options):
        raise ConfigError("options", "state one or more actions, each once")
    if not 0.0 <= draw < 1.0:
        raise ConfigError("draw", f"{draw!r} must be in [0, 1)")
    scores = {one.action: score(experience, signature, one.action, rule=rule) for one in options}

    def standing(one: Option) -> tuple[bool, bool, float, Decimal, str, str]:
        known = scores[one.action]
        new_and_not_suggested = known is None and one.action != suggested
        worth = 0.0 if known is None else -round(known, 12)
        return known is not None, new_and_not_suggested, worth, one.cost_usd, one.lot, one.action

    ranked = [one.action for one in sorted(options, key=standing)]
    even = rule.even_share / len(ranked)
    chances = [even + (1.0 - rule.even_share if not place else 0.0) for place in range(len(ranked))]
    place = 0
    if draw < rule.even_share:
        place = min(int(draw / rule.even_share * len(ranked)), len(ranked) - 1)
    action, known = ranked[place], scores[ranked[place]]
    how = "never tried under this signature" if known is None else f"score {known:.4f}, the best of {len(ranked)}"
    if place:
        how = f"drawn evenly from {len(ranked)}, as a share {rule.even_share:g} of choices is"
    told = zip(ranked, chances, strict=True)
    return Choice(action, chances[place], tuple(Scored(name, scores[name], chance) for name, chance in told), how)


def score(experience: Experience, signature: str, action: str, *, rule: Rule = RULE) -> float | None:
    """Mean reward + c * sqrt(ln(N_s + 1) / N_sa) - penalty * failures; None where it was never tried.

    The width c is `width` halved every so many visits of the signature, and never under `least_width`.
    """
    cell = experience.cell(signature, action)
    if not cell.visits:
        return None
    visits = experience.visits(signature)
    width = max(rule.least_width, rule.width * math.exp2(-visits / rule.halving_visits))
    explored = width * math.sqrt(math.log(visits + 1) / cell.visits)
    return cell.reward / cell.visits + explored - rule.failure_penalty * cell.failures / cell.visits


def _bin(value: float, bounds: Sequence[float]) -> int:
    """In which bin a value is: how many bounds are under it."""
    return sum(value > bound for bound in bounds)
