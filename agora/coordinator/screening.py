"""Hard filters before any bid: who cannot or may not do the task is kept out, with the reason on record.

Everyone who may bid does, with propensity 1. Policies that learn a shortlist come after these filters and never
loosen them.
"""

from __future__ import annotations

from collections.abc import Sequence

from agora.bids import Profile, Shortlist
from agora.protocols import Chance
from agora.tasks import Limits, Task, Tier


class Everyone:
    """Shortlists every agent that passes the filters."""

    name = "everyone"

    def shortlist(self, task: Task, pool: Sequence[Profile], *, limits: Limits, chance: Chance) -> Shortlist:
        """Filter the pool; `chance` is not drawn from."""
        kept_out = {agent.name: why for agent in pool if (why := reason_to_keep_out(task, agent, limits))}
        members = {agent.name: 1.0 for agent in pool if agent.name not in kept_out}
        return Shortlist(members=members, kept_out=kept_out)


def reason_to_keep_out(task: Task, agent: Profile, limits: Limits) -> str:
    """Why an agent may not bid on a task; empty where it may."""
    if task.skill and agent.skills and task.skill not in agent.skills:
        return f"has no skill {task.skill!r}"
    if missing := sorted(task.labels - agent.trust):
        return f"is not trusted with {', '.join(missing)} data"
    if agent.price is None:
        return "is unpriced: state `price` in its definition"
    if agent.price.unit == "usd" and limits.usd == 0 and _charges(agent):
        return "charges dollars, and the budget is 0"
    if agent.tier < task.tier:
        return f"works in tier {Tier(agent.tier).name.lower()}, and the task demands {Tier(task.tier).name.lower()}"
    return ""


def _charges(agent: Profile) -> bool:
    price = agent.price
    return price is not None and any((price.input_per_mtok, price.output_per_mtok, price.per_task))
