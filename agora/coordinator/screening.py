"""Hard filters before any bid: who cannot or may not do the task is kept out, with the reason on record.

Everyone who may bid does, with propensity 1. Policies that learn a shortlist come after these filters and never
loosen them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from agora.bids import Price, Profile, Shortlist
from agora.protocols import Chance
from agora.routing import Outlook
from agora.tasks import STRENGTHS, Limits, Task, Tier


class Everyone:
    """Shortlists every agent that passes the filters.

    Args:
        name: As on the ledger.
    """

    def __init__(self, *, name: str = "everyone") -> None:
        self.name = name

    def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
        """Filter the pool; `chance` is not drawn from. What an agent may not do comes before what it cannot do now."""
        kept_out = filtered(task, pool, outlook)
        members = {agent.name: 1.0 for agent in pool if agent.name not in kept_out}
        return Shortlist(members=members, kept_out=kept_out)


def filtered(task: Task, pool: Sequence[Profile], outlook: Outlook) -> dict[str, str]:
    """Who may not bid on a task or cannot now, and why; what may not be comes before what cannot."""
    down = outlook.down
    reasons = {
        agent.name: reason_to_keep_out(task, agent, outlook.limits) or down.get(agent.name, "") for agent in pool
    }
    return {name: why for name, why in reasons.items() if why}


def enforced(shortlist: Shortlist, pool: Sequence[Profile], kept_out: Mapping[str, str]) -> Shortlist:
    """A policy's shortlist, held to the hard filters: who may not bid is in none of its waves, and no member is lost.

    Args:
        shortlist: As the policy gave it.
        pool: Everyone.
        kept_out: Whom the filters keep out, and why.
    """
    members = {
        one.name: shortlist.members[one.name]
        for one in pool
        if one.name in shortlist.members and one.name not in kept_out
    }
    waves: list[tuple[str, ...]] = []
    left = dict.fromkeys(members)
    for wave in shortlist.waves:
        waves.append(tuple(name for name in dict.fromkeys(wave) if name in left))
        left = {name: None for name in left if name not in wave}
    named = {**shortlist.kept_out, **kept_out}
    ordered = tuple(wave for wave in (*waves, tuple(left)) if wave) if shortlist.waves else ()
    return shortlist.model_copy(update={"members": members, "kept_out": named, "waves": ordered})


def reason_to_keep_out(task: Task, agent: Profile, limits: Limits) -> str:
    """Why an agent may not bid on a task; empty where it may."""
    if task.agents and agent.name not in task.agents:
        return f"is not among those who may bid on this task: {', '.join(task.agents)}"
    if task.skill and agent.skills and task.skill not in agent.skills:
        return f"has no skill {task.skill!r}"
    if missing := sorted(task.labels - agent.trust):
        return f"is not trusted with {', '.join(missing)} data"
    if agent.price is None:
        return "is unpriced: state `price` in its definition"
    if min(_rates(agent.price)) < 0:
        return "asks a negative price: a price is zero or more"
    if agent.price.unit == "usd" and limits.usd == 0 and any(_rates(agent.price)):
        return "charges dollars, and the budget is 0"
    if STRENGTHS.index(agent.strength) < STRENGTHS.index(task.strength):
        said = f"is {agent.strength}" if agent.strength else "does not state its strength"
        return f"{said}, and the task demands one that is {task.strength}"
    if agent.tier < task.tier:
        return f"works in tier {Tier(agent.tier).name.lower()}, and the task demands {Tier(task.tier).name.lower()}"
    return ""


def _rates(price: Price) -> tuple[Decimal, ...]:
    return price.input_per_mtok, price.output_per_mtok, price.per_task
