"""Plausible wrong answers pass every check of a reply, and no grounded verifier."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from agora.agents.file_tools import read_file, write_file
from agora.agents.llm import LLMAgent
from agora.auctions import SALE
from agora.bids import Price
from agora.events import Verified
from agora.market import Market
from agora.models.litellm_model import LiteLLMModel
from agora.tasks import Check, Task, Verdict
from agora.testing import FaultyEndpoint
from agora.testing.chaos_wrong import WRONG, another_tool, wrongly
from agora.testing.exchange import Behaviour, text, tool

RIGHT = {
    "off by one": "42",
    "reversed condition": "score >= 50",
    "to another question": "Canberra is not asked for; the answer is 7",
}
CODE = "def passes(score):\n    return score >= 50\n"
CHECK = "from grade import passes\nassert passes(50) and passes(90) and not passes(49)\n"


class Pool:
    """Agents with a real endpoint each, which plays a plan for the bid and then the work."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.agents: list[LLMAgent] = []

    def join(self, name: str, *work: Behaviour, usd_per_mtok: str = "1", tools: bool = False) -> None:
        endpoint = self._stack.enter_context(FaultyEndpoint(text(f"1. do it as {name} does"), *work))
        price = Price(input_per_mtok=Decimal(usd_per_mtok), output_per_mtok=Decimal(usd_per_mtok))
        model = LiteLLMModel(f"openai/{name}", api_base=endpoint.url, api_key="none", price=price)
        self.agents.append(LLMAgent(name, model, tools=[read_file, write_file] if tools else []))


def verdicts(market: Market) -> dict[str, Verdict]:
    events = [item.event for item in market.store.events()]
    return {event.agent: event.outcome.verdict for event in events if isinstance(event, Verified)}


@pytest.mark.parametrize("kind", WRONG)
async def test_a_wrong_answer_that_looks_right_never_passes_and_the_runner_up_is_asked(
    kind: str,
) -> None:
    check = Check(kind="exact", options={"answer": RIGHT[kind]})
    with ExitStack() as stack:
        pool = Pool(stack)
        pool.join("wrong", wrongly(kind, RIGHT[kind]))
        pool.join("right", text(RIGHT[kind]), usd_per_mtok="5")
        market = Market(pool.agents, mechanism=SALE(jury=[]), seed=1)
        result = await market.run(Task(id="t", goal="what is it?", verify=check))
    assert verdicts(market) == {"wrong": Verdict.FAILED, "right": Verdict.PASSED}
    assert (result.verdict, result.output) == (Verdict.PASSED, RIGHT[kind])


@pytest.mark.parametrize("kind", WRONG)
async def test_a_pool_of_nothing_but_wrong_answers_fails(kind: str) -> None:
    check = Check(kind="exact", options={"answer": RIGHT[kind]})
    with ExitStack() as stack:
        pool = Pool(stack)
        for name in ("a", "b"):
            pool.join(name, wrongly(kind, RIGHT[kind]))
        market = Market(pool.agents, mechanism=SALE(jury=[]), seed=1)
        result = await market.run(Task(id="t", goal="what is it?", verify=check))
    assert result.verdict is Verdict.FAILED
    assert verdicts(market) == {"a": Verdict.FAILED, "b": Verdict.FAILED}


@pytest.mark.parametrize(
    "wrong",
    [
        tool("write_file", {"path": "grade.py", "content": WRONG["reversed condition"](CODE)}),
        tool("write_file", {"path": "grade.py", "content": WRONG["off by one"](CODE)}),
        another_tool("write_file", {"path": "grade.py", "content": CODE}),
    ],
    ids=["reversed condition", "off by one", "another tool"],
)
async def test_wrong_work_on_files_is_caught_by_running_it(wrong: Behaviour, tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text(CHECK)
    (tmp_path / "grade.py").write_text("def passes(score): ...\n")
    done = text("I have written it, and it is right.")
    with ExitStack() as stack:
        pool = Pool(stack)
        pool.join("wrong", wrong, done, tools=True)
        again, writes = (
            text("1. write it as the check wants it"),
            tool("write_file", {"path": "grade.py", "content": CODE}),
        )
        pool.join("right", again, writes, done, usd_per_mtok="5", tools=True)
        market = Market(pool.agents, mechanism=SALE(jury=[]), seed=1)
        result = await market.run("write passes(score)", workspace=tmp_path, verify="python check.py")
    assert verdicts(market) == {"wrong": Verdict.FAILED, "right": Verdict.PASSED}
    assert result.passed


def test_what_has_nothing_to_be_wrong_about_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing in 'words'"):
        WRONG["off by one"]("words")
