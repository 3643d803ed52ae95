"""What becomes of a long attempt under each context strategy: right answers, tokens, and what look-ahead costs.

    python benchmarks/context_strategies.py            # seeds 100 to 119: these figures are reported
    python benchmarks/context_strategies.py --trial    # seeds 0 to 3, for making the simulation itself

The agent, its desk, its tools and the ledger are real; the model is a rule. It has to read `PAGES` pages, each of which
holds one number, and answer with their sum; all pages together are about two windows. The rule knows what stands in
the conversation and nothing else: it reads the lowest page whose number it does not see, and answers when it sees all
or has lost hope (the same page for the third time). Asked to sum up, it writes each number that it sees down with the
scene's chance, drawn by seed, page and summary.

Scenes: `early`, the number stands at the beginning of its page, where a shortened result still has it; `late`, at the
end, where it has not. `.5` and `1`: the chance that a summary keeps a number. So `discard` is at home in the first and
`summary` in the last; `keep-last-n` can only lose here, since nothing old is dispensable. Which of them is better for a
real model on real tasks is not shown by this; that a wrong choice loses the attempt, and whether look-ahead finds the
right one by its count of repeated calls, is.
"""

from __future__ import annotations

import json
import math
import re
import statistics
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, get_args

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.context_rule import ContextRule, Strategy
from agora.agents.llm import LLMAgent
from agora.agents.prompts import SUMMARISE
from agora.agents.tools import tool
from agora.ambient import SeededChance
from agora.bids import Plan
from agora.events import Called
from agora.memory.in_memory import MemoryStore
from agora.messages import Reply, Request
from agora.tasks import Limits, Task, Usage
from agora.testing import FakeClock, RuleModel, call, desk_for, say

REPORTED, TRIAL = range(100, 120), range(4)
PAGES, WINDOW, PAGE_WORDS = 24, 14_000, 180
STEPS: Final = 200
"""More steps than these end an attempt."""
SCENES: Final = (("early", 0.5), ("early", 1.0), ("late", 0.5), ("late", 1.0))
_NOTED: Final = re.compile(r"page (\d+) holds (\d+)")
_TOLD: Final = SUMMARISE[:40]


class Ended(NamedTuple):
    """One attempt."""

    right: bool
    calls: int
    tokens: int


class Reader(RuleModel):
    """Reads on by what it sees."""

    def __init__(self, seed: int, kept: float) -> None:
        super().__init__("reader", self._answered)
        self._chance, self._kept, self._summaries = SeededChance(seed), kept, 0

    def context_tokens(self) -> int:
        """Its window."""
        return WINDOW

    def _answered(self, request: Request) -> Reply:
        usage = Usage(input_tokens=self.bound_tokens(request), output_tokens=20)
        return self._next(request).model_copy(update={"usage": usage})

    def _next(self, request: Request) -> Reply:
        seen = {int(page): int(number) for text in request.messages for page, number in _NOTED.findall(text.content)}
        if request.messages[-1].content.startswith(_TOLD):
            self._summaries += 1
            kept = [page for page in sorted(seen) if self._chance.uniform(f"{page}/{self._summaries}") < self._kept]
            return say("\n".join(f"page {page} holds {seen[page]}" for page in kept) or "nothing yet")
        missing = [page for page in range(1, PAGES + 1) if page not in seen]
        asked = [json.loads(one.arguments)["page"] for text in request.messages for one in text.tool_calls]
        if not missing or asked.count(missing[0]) > 2:
            return say(str(sum(seen.values())))
        return call("read_page", page=missing[0])


async def attempt(strategy: Strategy, place: str, kept: float, seed: int) -> Ended:
    """One attempt, on a desk of its own."""
    chance = SeededChance(seed)
    numbers = {page: chance.integer(f"page {page}") % 1000 for page in range(1, PAGES + 1)}

    @tool(reads=True)
    def read_page(page: int) -> str:
        """Read a page."""
        note, words = f"page {page} holds {numbers[page]}", "word " * PAGE_WORDS
        return f"{note}. {words}" if place == "early" else f"{words}{note}"

    store = MemoryStore(clock=FakeClock())
    model = Reader(seed, kept)
    agent = LLMAgent("a", model, tools=[read_page], max_tokens=200, context=ContextRule(strategy=strategy, turns=4))
    limits = Limits(usd=Decimal(10_000), tokens=100_000_000, steps=STEPS)
    work = await agent.perform(desk_for(Task(id="t", goal="sum up"), store=store, limits=limits), Plan(text="read"))
    took = [item.event.usage.tokens for item in store.events() if isinstance(item.event, Called)]
    return Ended(work.output == str(sum(numbers.values())), len(took), sum(took))


def interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    z, share = 1.96, right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


async def main(seeds: Sequence[int]) -> None:
    """Measure, and print a table."""
    print("| scene | strategy | right | 95% interval | calls | tokens (thousands) |")
    print("| --- | --- | --- | --- | --- | --- |")
    for place, kept in SCENES:
        for strategy in get_args(Strategy):
            ended = [await attempt(strategy, place, kept, seed) for seed in seeds]
            right = sum(one.right for one in ended)
            low, high = interval(right, len(ended))
            calls = statistics.mean(one.calls for one in ended)
            tokens = statistics.mean(one.tokens for one in ended) / 1000
            share = f"{right / len(ended):.0%} | {low:.0%} to {high:.0%}"
            print(f"| {place}, {kept:g} | {strategy} | {share} | {calls:.0f} | {tokens:.0f} |")


if __name__ == "__main__":
    anyio.run(main, TRIAL if "--trial" in sys.argv else REPORTED)
