"""What a judge's marks were worth: how far they went with grounded outcomes, never with what other judges say.

    k = min(passed, failed)        of the bids it marked whose work was verified
    agreement = 1/2 + k / (k + 2) x (right_passed / passed + right_failed / failed - 1) / 2          1/2 where k = 0

A mark of `LEAST_YES` or more says "will pass". The second factor is Youden's J (1950): right on work that passed and
right on work that failed count alike, however many there are of each. It is shrunk by as much evidence as there is of
the rarer kind; with equal numbers of both that is the rule of succession, (right + 1) / (n + 2), for each of them.
So a judge that says the same of everything is worth a coin, 1/2, exactly and at any time. With the rule of succession
for each kind apart it would not be: marking 5 all over, it would have 3/4 after much work that passed and none that
failed, which is how most markets begin.
"""

from __future__ import annotations

from agora.errors import ConfigError
from agora.records import AgentRecord

COIN = 0.5
"""The agreement of who says nothing: no evidence, or the same mark for everybody."""

_PRIOR = 2


def agreement(*, passed: int, passed_right: int, failed: int, failed_right: int) -> float:
    """How far a judge's marks went with outcomes.

    One more right mark never lowers it, one more wrong mark never raises it, and marks that are wrong throughout bring
    it as far below 1/2 as right ones bring it above.

    Args:
        passed: Bids it marked whose work passed a grounded check, >= 0.
        passed_right: Those of them for which it said so.
        failed: Bids it marked whose work failed a grounded check, >= 0.
        failed_right: Those of them for which it said so.

    Returns:
        A number in (0, 1): 1/2 says nothing, towards 1 it is always right.

    Raises:
        ConfigError: A count is negative, or more were right than there were.

    >>> agreement(passed=8, passed_right=8, failed=8, failed_right=8)
    0.9
    >>> agreement(passed=80, passed_right=80, failed=8, failed_right=0)  # praises everybody
    0.5
    """
    if not (0 <= passed_right <= passed and 0 <= failed_right <= failed):
        raise ConfigError(
            "judge's record",
            f"{passed_right} right of {passed} passed and {failed_right} of {failed} failed are no counts",
        )
    rarer = min(passed, failed)
    if not rarer:
        return COIN
    above = passed_right * failed + failed_right * passed - passed * failed  # whole, so that a coin is one exactly
    return COIN + rarer * above / (2 * (rarer + _PRIOR) * passed * failed)


def agreement_of(record: AgentRecord | None) -> float:
    """The agreement of a judge by its record on the skill; 1/2 without one.

    >>> agreement_of(None)
    0.5
    """
    if record is None:
        return COIN
    return agreement(
        passed=record.judged_passed,
        passed_right=record.judged_passed_right,
        failed=record.judged_failed,
        failed_right=record.judged_failed_right,
    )
