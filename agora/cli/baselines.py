"""What the demo's market is held against: two alternatives that are really run, each as a run of its own.

Always the dearest agent: whoever asks most on average, alone, with one attempt a task. Same-budget best of n: the
market's sampler alone, allowed as many written tokens as the whole market took, spread evenly over the tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

from agora.bench.best_of_n import BestOfN
from agora.bench.live import Lab
from agora.bench.ways import Way
from agora.protocols import Agent
from agora.traces.told.asks import dearest
from agora.traces.told.story import RunStory


async def always_dearest(agents: Sequence[Agent], story: RunStory, lab: Lab) -> Way:
    """Always the dearest agent: whoever asked most on average."""
    name = dearest(story)
    agent = next((one for one in agents if one.profile.name == name), None)
    if name is None or agent is None:
        return Way(name="always the dearest", error="nobody bid")
    how = f"alone, one attempt a check: agora run checklist --agents {name}"
    return await lab.alone(agent, name=f"always {name}", note="always the dearest agent", how=how)


async def best_of_n(agents: Sequence[Agent], tokens: int, lab: Lab) -> Way:
    """Same-budget best of n.

    Args:
        agents: The market's pool; its first sampler by name is taken.
        tokens: What the market wrote, bids included.
        lab: What is the same for all.
    """
    name = "same-budget best of n"
    samplers = [agent for agent in agents if agent.profile.kind == "sampler"]
    if not samplers or not tokens:
        return Way(name=name, error="no sampler is in the pool" if not samplers else "nothing was written")
    each = tokens // len(lab.tasks)
    agent = BestOfN(min(samplers, key=lambda one: one.profile.name), tokens_each=each)
    how = f"{agent.profile.model} alone, at most {tokens} tokens in all, {each} a check, checked on visible examples"
    note = f"same-budget best of n, {each} tokens a task"
    return await lab.alone(agent, name=f"same-budget best of {agent.samples}", note=note, how=how)
