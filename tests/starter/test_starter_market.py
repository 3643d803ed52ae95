"""The starter market works on its checklist: real sandbox, verifiers and auction; a scripted model for SmolLM2.

What SmolLM2 itself can do is measured (`benchmarks/variants.py`), not asserted.
"""

from __future__ import annotations

from pathlib import Path

from agora import Market
from agora.bids import Price
from agora.cli.agent_files import read_agent
from agora.cli.definitions import load_mechanism, load_tasks
from agora.messages import Request
from agora.results import Report
from agora.sandbox import best_sandbox
from agora.tasks import Verdict
from agora.testing import RuleModel
from benchmarks.variants import starter_agents
from starter.reference_answers import ANSWERS

ROOT = Path(__file__).parents[2]
LOCAL = Price(unit="s")


def small_model(request: Request) -> str:
    """Bids what the schema offers; writes count_vowels at once, reverse_words when asked again, and nothing else."""
    asked = request.messages[-1].content
    if request.output_schema is not None:
        several = "best_of_n" in str(request.output_schema)
        return '{"plan":"best_of_n 3 1 64"}' if several else '{"plan":"greedy 1 0 64"}'
    if "def count_vowels" in asked:
        return f"```python{ANSWERS['count_vowels']}"
    if "def reverse_words" in asked and request.temperature > 0:
        return f"```python{ANSWERS['reverse_words']}"
    return "I do not know."


async def worked(*, attempts: int = 3) -> Report:
    agents = starter_agents(RuleModel("local/scripted", small_model, price=LOCAL))
    mechanism = load_mechanism("sale", project=ROOT)
    market = Market(agents, mechanism=mechanism, sandbox=best_sandbox(), seed=7, attempts=attempts)
    return await market.run_all(load_tasks(ROOT / "checklist"))


async def test_agents_that_differ_win_what_they_can_do_and_the_impossible_stays_red() -> None:
    before = {path: path.read_bytes() for path in (ROOT / "checklist").rglob("*.*") if path.is_file()}
    report = await worked()
    done = {
        result.task.id: (result.verdict, [attempt.award.agent for attempt in result.attempts])
        for result in report.results
    }
    passed, failed = Verdict.PASSED, Verdict.FAILED
    assert done == {
        "01-lint": (passed, ["ruff-fix"]),
        "02-format": (passed, ["ruff-fix"]),
        "03-count-vowels": (passed, ["smol-greedy"]),
        "04-reverse-words": (passed, ["smol-greedy", "smol-best"]),
        "05-question": (passed, ["search"]),
        "06-leap-year": (failed, ["smol-greedy", "smol-best"]),
        "07-next-run": (failed, ["smol-greedy", "smol-best"]),
    }
    assert before == {path: path.read_bytes() for path in before}


async def test_bids_differ_in_more_than_price() -> None:
    report = await worked(attempts=1)
    contested = [result for result in report.results if len(result.bids) > 1]
    assert len(contested) == 5
    for result in contested:
        first, second = result.bids
        assert first.plan.text != second.plan.text
        assert first.plan.tokens != second.plan.tokens
        assert first.plan.steps != second.plan.steps or result.task.skill == "question"


async def test_delivery_stays_within_the_promise() -> None:
    for result in (await worked()).results:
        for attempt in result.attempts:
            assert attempt.delivered.steps <= attempt.award.plan.steps
            assert attempt.award.plan.tokens is not None
            assert attempt.delivered.output_tokens <= attempt.award.plan.tokens


def test_every_definition_of_the_starter_project_can_be_read() -> None:
    agents = {path.stem: read_agent(path) for path in (ROOT / "agents").glob("*.toml")}
    assert {name: agent.kind for name, agent in agents.items()} == {
        "ruff-fix": "command",
        "search": "function",
        "smol-best": "sampler",
        "smol-greedy": "sampler",
    }
    # local work is priced in seconds, never in invented dollars
    assert {agent.price.unit for agent in agents.values() if agent.price} == {"s"}
    names = [load_mechanism(path.stem, project=ROOT).name for path in (ROOT / "auctions").glob("*.toml")]
    assert sorted(names) == ["posted", "sale"]
