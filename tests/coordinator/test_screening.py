"""Who is kept out before any bid, and why."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from agora.bids import Price, Profile, Shortlist
from agora.coordinator import Everyone, reason_to_keep_out
from agora.protocols import Chance
from agora.routing import Outlook
from agora.tasks import Limits, Task
from agora.testing import SeededChance, check_policy

TASK = Task(id="t", goal="anything", skill="python")
POOL = [
    Profile(name="able", operator="a", kind="llm", price=Price()),
    Profile(name="other", operator="b", kind="llm", price=Price(), skills=frozenset({"cooking"})),
    Profile(name="spare", operator="c", kind="llm", price=Price()),
]


def shortlist(down: dict[str, str]) -> Shortlist:
    return Everyone().shortlist(TASK, POOL, Outlook(limits=Limits(usd=Decimal(1)), down=down), chance=SeededChance(0))


def test_an_agent_that_is_down_is_kept_out_with_its_reason_and_the_others_bid() -> None:
    chosen = shortlist({"able": "openai is down: tried again in 4 s"})
    assert dict(chosen.members) == {"spare": 1.0}
    assert chosen.kept_out["able"] == "openai is down: tried again in 4 s"


def test_an_empty_reason_keeps_nobody_out_and_neither_does_a_name_that_is_not_in_the_pool() -> None:
    assert set(shortlist({"able": "", "stranger": "down"}).members) == {"able", "spare"}
    assert "stranger" not in shortlist({"stranger": "down"}).kept_out


def test_what_an_agent_may_not_do_is_named_before_what_it_cannot_do_now() -> None:
    assert shortlist({"other": "down"}).kept_out["other"] == "has no skill 'python'"


def test_a_policy_that_lets_in_who_is_down_is_found_out() -> None:
    class Deaf(Everyone):
        def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
            return super().shortlist(task, pool, Outlook(limits=outlook.limits), chance=chance)

    check_policy(Everyone(), POOL)
    with pytest.raises(AssertionError, match="that is down was shortlisted"):
        check_policy(Deaf(), POOL)


def test_a_task_can_name_who_may_bid_on_it() -> None:
    named = TASK.model_copy(update={"agents": ("spare", "other")})
    chosen = Everyone().shortlist(named, POOL, Outlook(limits=Limits(usd=Decimal(1))), chance=SeededChance(0))
    assert set(chosen.members) == {"spare"}
    assert chosen.kept_out["able"] == "is not among those who may bid on this task: spare, other"
    assert chosen.kept_out["other"] == "has no skill 'python'", "being named makes nobody able"


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ("", "does not state its strength, and the task demands one that is large"),
        ("medium", "is medium, and the task demands one that is large"),
        ("large", ""),
    ],
)
def test_a_risky_task_keeps_out_whoever_is_not_known_to_be_strong_enough(stated: str, why: str) -> None:
    agent = POOL[0].model_copy(update={"strength": stated})
    task = TASK.model_copy(update={"strength": "large"})
    assert reason_to_keep_out(task, agent, Limits(usd=Decimal(1))) == why
    assert reason_to_keep_out(TASK, agent, Limits(usd=Decimal(1))) == ""
