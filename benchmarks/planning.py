"""How many plans of the local model can be used: written freely, once more with the errors, and held to the schema.

    python benchmarks/planning.py

Twelve goals, each planned by SmolLM2-135M through the real path: a plan, and where that cannot be used one more with
all errors. Then the same prompt once more with the sampler held to the plan's JSON schema, without repair. No plan is
run. What is counted is form only: a plan that can be used need not be any good.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.events import PlanningEnded
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Message, Request
from agora.models.local import LocalModel
from agora.workflows.planning.plan import plan_schema
from agora.workflows.planning.prompts import plan_prompt
from agora.workflows.planning.reading import read_plan
from agora.workflows.planning.running import Proposal, plan_and_run

SEED = 5_020
MOST_TOKENS = 700
GOALS = (
    "Find out why the tests fail and fix the bug",
    "Compare three ways of storing user passwords and recommend one",
    "Sum up the reports in this folder in one page",
    "Write a short story about a lighthouse, with a plot and two characters",
    "Work out which of our five suppliers is the cheapest for each part",
    "Translate the menu into French and German and check the prices",
    "Plan a birthday party for ten children",
    "Find all places where the settings are read and list those without a default",
    "Say who was the first woman in space, and when she was born",
    "Write a function that parses dates in three formats, and its tests",
    "Read the contract and list what each side has to pay, and when",
    "Find two papers on routing between language models and say how they differ",
)


async def planned(model: LocalModel, goal: str) -> str:
    """What came of planning one goal."""
    store = MemoryStore(clock=SystemClock())

    async def refuse(proposal: Proposal) -> None:
        return None

    agent = LLMAgent("smollm2", model, max_tokens=MOST_TOKENS, tools=[])
    await plan_and_run(Market([agent], store=store, seed=SEED, attempts=1), goal, edit=refuse)
    ended = next(item.event for item in store.events() if isinstance(item.event, PlanningEnded))
    print(f"  {goal[:50]!r}: {ended.errors[:2]} then {ended.repair and ended.repair[:2]}", flush=True)
    return "first" if not ended.errors else "repaired" if ended.repair == () else "never"


async def held(model: LocalModel, goal: str) -> str:
    """What came of one goal with the sampler held to the schema."""
    asked = Message(role="user", content=plan_prompt(goal, most=8))
    request = Request(
        messages=(asked,), max_tokens=MOST_TOKENS, deadline_s=600.0, output_schema=plan_schema(most=8), seed=SEED
    )
    errors = read_plan((await model.complete(request)).text).errors
    print(f"  {goal[:50]!r}: {errors[:2]}", flush=True)
    return "first" if not errors else "never"


async def main() -> None:
    """Both ways, every goal."""
    model = LocalModel()
    for name, way in (("freely, repaired once", planned), ("held to the schema", held)):
        print(name)
        counts = Counter([await way(model, goal) for goal in GOALS])
        print(
            f"{name}: usable at once {counts['first']}, after repair {counts['repaired']}, of {len(GOALS)}", flush=True
        )


if __name__ == "__main__":
    anyio.run(main)
