"""How often each of the starter market's agents is right on tasks that nobody has seen: names and meaning drawn.

    python benchmarks/variants.py --seed 20261122 --n 40

Every agent tries every task of its skills, alone, with the real sandbox and verifiers; no auction. Printed are the
pass rate with n and the 95 % Wilson interval, the mean time, and what was promised against what was delivered.
Nothing is tuned on these tasks: another seed gives another set.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.sampler import SamplerAgent
from agora.ambient import SystemClock
from agora.cli.agent_files import SamplerFile, build_agent, read_agent
from agora.cli.session import open_session
from agora.errors import AgoraError
from agora.events import Called, ToolUsed
from agora.intervals import wilson
from agora.memory.in_memory import MemoryStore
from agora.protocols import Agent, ChatModel, Sandbox
from agora.sandbox import best_sandbox
from agora.tasks import Limits, Task, Usage, Verdict, Work
from agora.testing import desk_for
from agora.verifiers.build import build_verifier
from benchmarks.variant_tasks import Variant, variants

ROOT = Path(__file__).parents[1]
LIMITS = Limits(usd=Decimal(0), tokens=100_000, steps=60, seconds=120)


class Try(NamedTuple):
    """One agent's attempt at one task."""

    agent: str
    skill: str
    passed: bool
    seconds: float
    promised_steps: int
    steps: int
    promised_tokens: int
    tokens: int
    why: str


def starter_agents(model: ChatModel | None) -> list[Agent]:
    """The agents of the starter project; without a model, only those that need none."""
    session = open_session(project=ROOT)
    found: list[Agent] = []
    for path in sorted((ROOT / "agents").glob("*.toml")):
        known = read_agent(path)
        if not isinstance(known, SamplerFile):
            found.append(build_agent(known, path, session=session))
        elif model is not None:
            method, skills, price = known.method, known.skills, known.price
            found.append(SamplerAgent(known.name, model, method=method, skills=skills, price=price))
    return found


async def attempt(agent: Agent, variant: Variant, *, sandbox: Sandbox) -> Try:
    """Bid, perform and verify one task in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, variant.files)
        task = variant.task.model_copy(update={"workspace": name})
        files = tuple(sorted(variant.files))
        return await _attempt(agent, task, files, variant, sandbox=sandbox)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Lay out a workspace."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")


async def _attempt(agent: Agent, task: Task, files: tuple[str, ...], variant: Variant, *, sandbox: Sandbox) -> Try:
    clock = SystemClock()
    name, price = agent.profile.name, agent.profile.price
    started_s = clock.monotonic_s()
    workspace = await sandbox.open(Path(task.workspace or "."))
    store = MemoryStore(clock=clock)
    steps, tokens, why = 0, 0, ""
    outcome = Verdict.FAILED
    try:
        plan = await agent.bid(desk_for(task, agent=name, price=price, files=files, limits=LIMITS, clock=clock))
        if plan is None:
            return Try(name, task.skill, False, 0.0, 0, 0, 0, 0, "no bid")
        steps, tokens = plan.steps, plan.tokens or 0
        desk = desk_for(
            task,
            agent=name,
            price=price,
            files=files,
            limits=LIMITS,
            clock=clock,
            workspace=workspace,
            write_cap=plan.tokens,
            store=store,
        )
        work = await agent.perform(desk, plan)
        done = Work(output=work.output, patch=workspace.patch())
        found = await build_verifier(variant.check).verify(task, done, sandbox=sandbox)
        outcome, why = found.verdict, "" if found.verdict == Verdict.PASSED else found.evidence
    except AgoraError as error:
        why = str(error)
    finally:
        await workspace.close()
    spent = sum((item.event.usage for item in store.events() if isinstance(item.event, Called | ToolUsed)), Usage())
    return Try(
        name,
        task.skill,
        outcome == Verdict.PASSED,
        clock.monotonic_s() - started_s,
        steps,
        spent.steps,
        tokens,
        spent.output_tokens,
        why.strip().replace("\n", " | ")[:110],
    )


async def measure(agents: Sequence[Agent], tasks: Sequence[Variant], *, sandbox: Sandbox) -> list[Try]:
    """All attempts, one after another: they share one machine."""
    tries: list[Try] = []
    for variant in tasks:
        for agent in agents:
            if variant.task.skill in agent.profile.skills:
                tries.append(await attempt(agent, variant, sandbox=sandbox))
                last = tries[-1]
                print(f"{variant.task.id:14} {last.agent:12} {'passed' if last.passed else 'failed':6} {last.why}")
    return tries


def table(tries: Sequence[Try]) -> str:
    """One row for each agent and skill, and one for all skills of an agent."""
    lines = [
        "agent        skill     passed/n  rate  95 % interval  seconds  steps: promised, done  tokens: promised, done"
    ]
    for agent in sorted({item.agent for item in tries}):
        own = [item for item in tries if item.agent == agent]
        skills = sorted({item.skill for item in own})
        groups = [(skill, [item for item in own if item.skill == skill]) for skill in skills]
        for skill, items in [*groups, *([("all", own)] if len(skills) > 1 else [])]:
            n, passed = len(items), sum(item.passed for item in items)
            low, high = wilson(passed, n)
            seconds = sum(item.seconds for item in items) / n
            lines.append(
                f"{agent:12} {skill:9} {passed:3}/{n:<4}  {passed / n:.2f}  [{low:.2f}, {high:.2f}]  {seconds:7.2f}"
                f"  {sum(item.promised_steps for item in items):9}, {sum(item.steps for item in items):<11}"
                f"  {sum(item.promised_tokens for item in items):10}, {sum(item.tokens for item in items)}"
            )
    return "\n".join(lines)


async def main(seed: int, n: int, *, model: ChatModel | None) -> None:
    """Measure and print."""
    print(f"second task set: seed {seed}, n {n}")
    tries = await measure(starter_agents(model), variants(seed, n), sandbox=best_sandbox())
    print(table(tries))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pass rates of the starter market's agents on drawn tasks.")
    parser.add_argument("--seed", type=int, default=20_261_122)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--no-model", action="store_true", help="only the agents that need no model")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    local: ChatModel | None = None
    if not given.no_model:
        from agora.models.local import LocalModel

        local = LocalModel()
    anyio.run(lambda: main(given.seed, given.n, model=local))
