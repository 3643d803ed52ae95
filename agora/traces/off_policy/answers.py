"""What other policies would have come to on the decisions of a ledger, or why that cannot be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.traces.off_policy.estimators import (
    Estimate,
    Logged,
    Method,
    Support,
    Weighting,
    estimates,
    refusal,
    support_of,
)
from agora.traces.off_policy.logged import Decision, usable_for

if TYPE_CHECKING:
    from agora.traces.off_policy.chances import Chances

MOST_UNDECIDED: Final = 0.1
"""No more of the decisions may be without a grounded outcome: what is left out would not be by chance."""
FEW: Final = 100.0
"""Under so many effective decisions, and with weights above `LARGE`, intervals came out too narrow where it was checked
on logs of policies that learn (docs/counterfactuals.md)."""
LARGE: Final = 10.0
"""A weight that is large."""
LOGGED: Final = "as logged"
"""The name of what was done in truth."""


class Answer(NamedTuple):
    """What is said of one policy."""

    policy: str
    """Its name, or `LOGGED`."""
    decisions: int
    """How many say something of it."""
    undecided: int
    """How many would, if a grounded verifier had decided them."""
    left_out: Mapping[str, int]
    """Why others cannot be used -> how many."""
    support: Support | None
    """How far the log speaks of it; None: there was no decision."""
    refused: str
    """Why nothing is estimated; empty: it is."""
    passed: Mapping[Method, Estimate]
    """Share of first calls that pass, in [0, 1]; empty where it is refused."""
    usd: Mapping[Method, Estimate]
    """US dollars of a first call and its attempt; empty where it is refused, or dollars could be any."""

    @property
    def thin(self) -> bool:
        """Whether it rests on few decisions of large weight, so that its intervals may be too narrow."""
        return not self.refused and self.support is not None and self.support.ess < FEW and self.support.largest > LARGE


def answers(
    decisions: Sequence[Decision], policies: Iterable[str], *, seed: int, weighting: Weighting | None = None
) -> list[Answer]:
    """First what was done in truth, then each policy.

    Args:
        decisions: Of a ledger, with what the policies would have done.
        policies: Their names.
        seed: Of folds and bootstraps.
        weighting: How large weights are dealt with.
    """
    done = [_as_logged(one) for one in decisions]
    return [
        _answer(done, LOGGED, seed=seed, weighting=None),
        *(_answer(decisions, name, seed=seed, weighting=weighting) for name in policies),
    ]


def arrays_of(decisions: Sequence[Decision], target: str) -> tuple[Logged, Logged]:
    """Usable decisions as arrays, with success and with dollars as what came of them."""
    import numpy as np

    places: dict[frozenset[str], int] = {}
    kinds: dict[str, int] = {}
    for one in decisions:
        kinds.setdefault(one.kind, len(kinds))
        for asked in (one.asked, *sorted(_of(one, target), key=sorted)):
            places.setdefault(asked, len(places))
    chances = np.zeros((len(decisions), len(places)))
    unsupported = np.zeros(len(decisions))
    for row, one in enumerate(decisions):
        for asked, p in _of(one, target).items():
            if one.logged.get(asked):
                chances[row, places[asked]] = p
            else:
                unsupported[row] += p
    passed = Logged(
        action=np.array([places[one.asked] for one in decisions], dtype=np.int64),
        chance=np.array([one.logged[one.asked] for one in decisions], dtype=np.float64),
        target=chances,
        reward=np.array([float(bool(one.passed)) for one in decisions], dtype=np.float64),
        kind=np.array([kinds[one.kind] for one in decisions], dtype=np.int64),
        unsupported=unsupported,
    )
    return passed, passed._replace(reward=np.array([float(one.usd) for one in decisions], dtype=np.float64))


def _answer(decisions: Sequence[Decision], policy: str, *, seed: int, weighting: Weighting | None) -> Answer:
    fit, undecided, left_out = usable_for(decisions, policy)
    nothing = Answer(policy, len(fit), undecided, left_out, None, "", {}, {})
    if not fit:
        most = left_out.most_common(1)
        why = most[0][0] if most else "no grounded verifier has decided any" if undecided else "there are none"
        return nothing._replace(refused=f"no decision on record can be used: {why}")
    passed, usd = arrays_of(fit, policy)
    support = support_of(passed)
    share = undecided / (len(fit) + undecided)
    why = refusal(passed)
    if not why and share > MOST_UNDECIDED:
        why = f"{share:.0%} of the decisions have no grounded outcome, and at most {MOST_UNDECIDED:.0%} may"
    if why:
        return nothing._replace(support=support, refused=why)
    spent = {} if support.unsupported else estimates(usd, seed=seed, weighting=weighting)
    found = estimates(passed, seed=seed, weighting=weighting, most=1.0)
    return nothing._replace(support=support, passed=found, usd=spent)


def _as_logged(one: Decision) -> Decision:
    """The decision with what was done as its target: every weight is 1."""
    return Decision(
        run=one.run,
        task=one.task,
        seq=one.seq,
        by=one.by,
        kind=one.kind,
        logged={one.asked: 1.0},
        targets={LOGGED: {one.asked: 1.0}},
        asked=one.asked,
        passed=one.passed,
        usd=one.usd,
        awarded=one.awarded,
        over=one.over,
    )


def _of(one: Decision, target: str) -> Chances:
    chances = one.targets[target]
    assert not isinstance(chances, str)  # what is not known is left out before
    return chances
