"""The worked example of docs/how-an-award-is-made.md: three scripted agents, two tasks, the market as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from agora.agents.llm import LLMAgent
from agora.auctions import SALE
from agora.bids import Price
from agora.market import Market
from agora.messages import Reply, Request
from agora.protocols import Store
from agora.tasks import Check, Limits, Task
from agora.testing import FakeClock, RuleModel, say

PAST = Task(
    id="past",
    goal="what is 17 x 23?",
    limits=Limits(usd=Decimal("0.10"), tokens=400_000, seconds=600),
    verify=Check(kind="exact", options={"answer": "391"}),
)
TASK = PAST.model_copy(
    update={"id": "product", "goal": "what is 19 x 21?", "verify": Check(kind="exact", options={"answer": "399"})}
)

LARGE = "1. write 19 as 20 - 1\n2. multiply each part by 21\n3. subtract, and check the last digit"
MEDIUM = "1. multiply 19 by 20\n2. add 19"
SMALL = "1. say what it is"
REFINED = "1. multiply 20 by 21\n2. subtract 21\n3. check the last digit"
AGAIN = "1. 19 x 20 = 380\n2. add one more 19\n3. check the last digit"
"""What the small agent plans when it is told that its work has failed."""

MARKS: Mapping[str, Mapping[str, int]] = {
    "large": {LARGE: 5, MEDIUM: 4, SMALL: 1, REFINED: 4},
    "medium": {LARGE: 4, MEDIUM: 3, SMALL: 1, REFINED: 4},
    "small": {LARGE: 4, MEDIUM: 1, SMALL: 5, REFINED: 5},
}
"""Judge -> plan -> mark: the small one praises itself, and marks a rival down."""

SPREAD: Mapping[str, tuple[float, ...]] = {
    LARGE: (-0.4, -1.4, -3.0),
    MEDIUM: (-0.3, -1.6, -3.4),
    SMALL: (-0.1, -2.6, -4.5),
    REFINED: (-0.35, -1.5, -3.2),
    AGAIN: (-0.35, -1.5, -3.2),
}
"""Plan -> log-probabilities of the likeliest tokens at each of its tokens, the written one first."""


def _plan(name: str, prompt: str) -> str:
    if name == "large":
        return LARGE
    if name == "medium":
        return MEDIUM
    if "An earlier attempt failed" in prompt:
        return AGAIN
    return REFINED if "you may write it once more" in prompt else SMALL


def _marks(name: str, ballot: str) -> str:
    plans = re.findall(r"^Plan ([A-Z]):\n((?:\| .*\n?)+)", ballot, re.MULTILINE)
    texts = {label: "\n".join(line.removeprefix("| ") for line in text.splitlines()) for label, text in plans}
    return json.dumps({label: MARKS[name][text] for label, text in texts.items()})


def _answer(name: str, prompt: str) -> str:
    if "17 x 23" in prompt:
        return "391"
    return "398" if name == "small" and "An earlier attempt failed" not in prompt else "399"


def agent(name: str, model: str, usd_per_mtok: str) -> LLMAgent:
    """A scripted agent, whose model asks so much for a million tokens, read or written."""

    def reply(request: Request) -> Reply | str:
        prompt = "\n".join(message.content for message in request.messages)
        if "one of the judges" in prompt:
            return _marks(name, prompt)
        if request.top_logprobs:
            text = _plan(name, prompt)
            return say(text, logprobs=[SPREAD[text]] * len(text.split()))
        return _answer(name, prompt)

    rate = Decimal(usd_per_mtok)
    price = Price(input_per_mtok=rate, output_per_mtok=rate)
    return LLMAgent(name, RuleModel(f"scripted/{model}", reply, price=price), tools=())


def agents() -> list[LLMAgent]:
    """The pool: one family in three sizes, at the prices of the paper."""
    return [
        agent("large", "qwen3-32b", "0.36"),
        agent("medium", "qwen3-14b", "0.16"),
        agent("small", "qwen3-4b", "0.05"),
    ]


async def hold(store: Store, *, ballots: str = "one") -> str:
    """Hold the past task's auction and the example's, each in a run of its own; the id of the second run.

    Args:
        store: Where.
        ballots: How judges are asked (`Rules.ballots`).
    """

    async def one(task: Task) -> str:
        mechanism = SALE(rules={"post": False, "ballots": ballots})  # so small a task would be posted to one agent
        market = Market(agents(), mechanism=mechanism, store=store, seed=1, budget_usd="0.10", clock=FakeClock())
        return (await market.run_all([task])).run

    await one(PAST)
    return await one(TASK)
