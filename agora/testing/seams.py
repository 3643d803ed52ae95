"""Conformance checks: what an agent, a tool, a mechanism, a policy, a sandbox, a clock and a chance must show.

Each raises AssertionError with what is broken. (Stores, verifiers and chat models have checks of their own beside
these.) A plug-in's tests call them on its own objects.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import anyio

from agora.bids import Amount, Bid, Plan, Price, Profile, Reserve
from agora.errors import AgoraError, WorkspaceError
from agora.protocols import Agent, Chance, Clock, Mechanism, Policy, Sandbox, Tool
from agora.routing import Outlook
from agora.tasks import Limits, Task, Tier, Work
from agora.testing.clocks import SeededChance
from agora.testing.desk import desk_for
from agora.values import JsonValue

_RESERVE = Reserve(usd=Decimal(10), s=Decimal(100))


def check_mechanism(mechanism: Mechanism) -> None:
    """Deterministic, blind to order and names, complete, within the reserve, and at peace with nobody bidding."""
    bids = _some_bids()
    clearing = mechanism.clear(bids, reserve=_RESERVE, seed=5)
    assert clearing.mechanism == mechanism.name, "a clearing carries its mechanism's name"
    for order in itertools.permutations(bids):
        assert mechanism.clear(order, reserve=_RESERVE, seed=5) == clearing, "the order of bids moved something"
    contents = {bid.agent: bid.content_hash for bid in bids}
    for names in itertools.permutations(contents):
        renamed = [bid.model_copy(update={"agent": name}) for bid, name in zip(bids, names, strict=True)]
        winner = mechanism.clear(renamed, reserve=_RESERVE, seed=5).winner
        won = next((bid.content_hash for bid in renamed if bid.agent == winner), None)
        assert won == contents.get(clearing.winner or ""), "a name moved the award"
    ranked = {score.agent for score in clearing.ranking}
    assert ranked | set(clearing.refused) == set(contents), "a bid is neither ranked nor refused"
    assert "beyond" in clearing.refused, "a bid above the reserve was admitted"
    nobody = mechanism.clear([], reserve=_RESERVE, seed=5)
    assert nobody.winner is None, "a winner without bids"
    assert nobody.payment is None, "a payment without bids"


def check_policy(policy: Policy, pool: Sequence[Profile]) -> None:
    """Everyone is shortlisted with a propensity in (0, 1] or kept out with a reason; the same seed, the same choice.

    Whoever is down is kept out, with a reason.
    """
    task = Task(id="t", goal="anything", skill="rare-skill")
    limits = Limits(usd=Decimal(1))
    first = policy.shortlist(task, pool, Outlook(limits=limits), chance=SeededChance(1))
    assert policy.shortlist(task, pool, Outlook(limits=limits), chance=SeededChance(1)) == first, (
        "one seed gave two choices"
    )
    assert set(first.members) | set(first.kept_out) == {agent.name for agent in pool}, "an agent is nowhere"
    assert not set(first.members) & set(first.kept_out), "an agent is in and out"
    assert all(0 < propensity <= 1 for propensity in first.members.values()), "a propensity outside (0, 1]"
    assert all(first.kept_out.values()), "kept out without a reason"
    down = {agent.name: f"{agent.name} cannot be reached" for agent in pool}
    nobody = policy.shortlist(task, pool, Outlook(limits=limits, down=down), chance=SeededChance(1))
    assert not nobody.members, "an agent that is down was shortlisted"
    assert all(nobody.kept_out.get(name) for name in down), "down, and kept out without a reason"


async def check_agent(agent: Agent, task: Task) -> None:
    """Bids a plan (or declines) and performs it at a real desk, raising nothing but Agora's own errors."""
    assert agent.profile == agent.profile, "a profile that is never the same twice"
    plan = await agent.bid(desk_for(task, agent=agent.profile.name, price=agent.profile.price))
    if plan is None:
        return
    desk = desk_for(task, agent=agent.profile.name, price=agent.profile.price, write_cap=plan.tokens)
    try:
        work = await agent.perform(desk, plan)
    except AgoraError:
        return
    assert isinstance(work, Work), "performing hands in Work"


async def check_tool(tool: Tool, arguments: Mapping[str, JsonValue]) -> None:
    """Has a name, a description and an object schema, and answers in text."""
    spec = tool.spec
    assert spec.name, "a tool has a name"
    assert spec.description, "a tool says what it does"
    assert spec.parameters.get("type") == "object", "a tool's parameters are an object"
    assert isinstance(await tool.call(arguments, None), str), "a tool answers in text"


async def check_sandbox(sandbox: Sandbox, folder: Path) -> None:
    """Works on a copy, says its tier, hands back what changed, stays inside, and leaves nothing behind.

    Args:
        sandbox: What is checked.
        folder: An empty folder that the check may write to.
    """
    (folder / "kept.txt").write_text("before\n")
    workspace = await sandbox.open(folder, least=Tier.BARE)
    root = workspace.root
    try:
        assert workspace.tier == sandbox.tier, "a workspace of another tier"
        ran = await workspace.run(["python", "-c", "open('new.txt', 'w').write('made')"], timeout_s=30)
        assert ran.exit_code == 0, f"a plain command failed: {ran.stderr}"
        assert [change.path for change in workspace.patch().changes] == ["new.txt"], "the patch is not what changed"
        kept = [path.name async for path in anyio.Path(folder).iterdir()]
        assert kept == ["kept.txt"], "the original was touched"
        for outside in ("../kept.txt", "/etc/passwd"):
            try:
                workspace.path(outside)
            except WorkspaceError:
                continue
            raise AssertionError(f"{outside!r} is outside of the copy and was let through")
    finally:
        await workspace.close()
    assert not root.exists(), "the copy was left behind"


def check_clock(clock: Clock) -> None:
    """Never runs backwards."""
    assert clock.monotonic_s() <= clock.monotonic_s(), "time ran backwards"
    assert clock.now_us() > 0, "no time since the epoch"


def check_chance(chance: Chance) -> None:
    """A label gives one draw, in range, whatever was drawn before."""
    first = chance.integer("a"), chance.uniform("a")
    chance.integer("b")
    assert (chance.integer("a"), chance.uniform("a")) == first, "an earlier draw moved a later one"
    assert 0 <= first[0] < 2**63, "an integer out of range"
    assert 0 <= first[1] < 1, "a uniform out of range"


def _some_bids() -> list[Bid]:
    asked = {"cheap": "1", "middle": "4", "dear": "9", "beyond": "11"}
    return [
        Bid(
            agent=name,
            plan=Plan(text=name),
            length_tokens=1,
            projected_tokens=1,
            price=Amount(value=Price(per_task=Decimal(value)).per_task),
            entropy=0.25,
            content_hash=f"hash-of-{value}",
        )
        for name, value in asked.items()
    ]
