"""How many plans of the local model can be used: freely, with the errors, and held to the schema.

    python benchmarks/planning.py

Six goals, each planned by SmolLM2-135M with the planner's own prompts, greedily: a plan, and where that cannot be used
one more with all errors; then the same with the sampler held to the plan's JSON schema. No auction, and no plan is run.
What is counted is form only: a plan that can be used need not be any good.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.errors import ModelError
from agora.messages import Message, Request
from agora.models.local import LocalModel
from agora.values import JsonValue
from agora.workflows.planning.plan import plan_schema
from agora.workflows.planning.prompts import plan_prompt, repair_prompt
from agora.workflows.planning.reading import read_plan

MOST_TOKENS = 400
MOST = 8
GOALS = (
    "Find out why the tests fail and fix the bug",
    "Compare three ways of storing user passwords and recommend one",
    "Sum up the reports in this folder in one page",
    "Write a short story about a lighthouse, with a plot and two characters",
    "Work out which of our five suppliers is the cheapest for each part",
    "Translate the menu into French and German and check the prices",
)


async def planned(model: LocalModel, goal: str, schema: dict[str, JsonValue] | None) -> str:
    """What came of planning one goal."""
    prompt = plan_prompt(goal, most=MOST)
    reply = await answered(model, prompt, schema)
    first = read_plan(reply, most=MOST).errors
    if not first:
        return "at once"
    again = read_plan(await answered(model, repair_prompt(prompt, reply=reply, errors=first), schema), most=MOST).errors
    print(f"  {goal[:40]!r}: {first[:2]}; then {again[:2]}", flush=True)
    return "repaired" if not again else "never"


async def answered(model: LocalModel, prompt: str, schema: dict[str, JsonValue] | None) -> str:
    """What the model says to a prompt."""
    asked = Message(role="user", content=prompt)
    request = Request(messages=(asked,), max_tokens=MOST_TOKENS, deadline_s=900.0, output_schema=schema)
    try:
        return (await model.complete(request)).text
    except ModelError as error:  # as an answer that its cap cut off in the middle of the JSON
        print(f"  {error}", flush=True)
        return ""


async def main() -> None:
    """Both ways, every goal."""
    model = LocalModel()
    for name, schema in (("freely", None), ("held to the schema", plan_schema(most=MOST))):
        print(name, flush=True)
        counts = Counter([await planned(model, goal, schema) for goal in GOALS])
        print(f"{name}: {dict(counts)} of {len(GOALS)}", flush=True)


if __name__ == "__main__":
    anyio.run(main)
