"""From records to what a mechanism may look at: how an agent stands on one skill.

Trust is conditional on the skill and is never borrowed: with R(i | k) estimated from other skills, an attacker launders
trust that it earned where work is easy (arXiv 2606.14200, routing regret 0 -> 0.94 there). A gate on the number of
outcomes on the skill itself bounds it: below the gate nothing is sure of an agent, however well it did elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from pydantic import Field

from agora.auctions.posterior import lower_bound, mean
from agora.bids import Standing
from agora.records import AgentRecord
from agora.values import Value


class StandingRule(Value):
    """How a record is read."""

    level: float = Field(default=0.9, gt=0, lt=1)
    """Posterior probability that the chance to pass is not under the stated lower bound."""
    gate: int = Field(default=3, ge=0)
    """Under so many verified attempts on the skill the lower bound is 0."""
    recent: bool = False
    """True: older attempts count for less (0.98 for each later one), so that an agent that changed is seen to."""


RULE: Final = StandingRule()
"""Nine in ten sure, at least three outcomes, all of them alike."""


def record_of(records: Iterable[AgentRecord], *, operator: str, agent: str, skill: str) -> AgentRecord | None:
    """The record of one agent on one skill; None: it has none."""
    wanted = (operator, agent, skill)
    return next((one for one in records if (one.operator, one.agent, one.skill) == wanted), None)


def standing(
    records: Iterable[AgentRecord], *, operator: str, agent: str, skill: str, rule: StandingRule = RULE
) -> Standing:
    """How an agent stands on a skill; other skills, other names and other operators' work say nothing of it.

    Args:
        records: Of everyone, grounded outcomes only.
        operator: Who is behind the agent.
        agent: Its name.
        skill: What the task asks for.
        rule: How the record is read.

    Returns:
        Mean and lower bound of the chance to pass, mean dollars and seconds, and the share of the verified attempts on
        this skill that were its own.

    >>> record = AgentRecord("acme", "scout", "python", 4, 3, 9, 12, 400, 360, "0.40", 6.0)
    >>> found = standing([record], operator="acme", agent="scout", skill="python")
    >>> found.tried, round(found.success, 3), round(found.success_low, 3), found.usd, found.seconds, found.share
    (4, 0.667, 0.416, 0.1, 1.5, 1.0)
    >>> standing([record], operator="acme", agent="scout", skill="law").success_low
    0.0
    """
    on_skill = [one for one in records if one.skill == skill]
    mine = record_of(on_skill, operator=operator, agent=agent, skill=skill)
    if mine is None or mine.tried == 0:
        return Standing()
    passed, tried = (mine.recent_passed, mine.recent_tried) if rule.recent else (mine.passed, mine.tried)
    failed = max(0.0, tried - passed)
    return Standing(
        tried=mine.tried,
        passed=mine.passed,
        success=mean(passed, failed),
        success_low=lower_bound(passed, failed, level=rule.level) if mine.tried >= rule.gate else 0.0,
        usd=float(Decimal(mine.usd) / mine.tried),
        seconds=mine.seconds / mine.tried,
        share=mine.tried / sum(one.tried for one in on_skill),
    )
