"""A sampler bids a choice under a schema, and delivers no more than it chose."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agora.agents.sampler import TASK_BYTES, Method, SamplerAgent, choice_schema, choices
from agora.agents.splice import find_stub, read_candidate, splice
from agora.bids import Plan
from agora.errors import AgentError, ModelTimeoutError
from agora.memory.in_memory import MemoryStore
from agora.protocols import Workspace
from agora.sandbox import BubblewrapSandbox
from agora.tasks import Task
from agora.testing import FakeClock, ScriptedModel, desk_for

STUB = '''"""Numbers."""


def triple(number: int) -> int:
    """Return three times the number."""
    raise NotImplementedError
'''
RIGHT = '```python\ndef triple(number: int) -> int:\n    """Return three times the number."""\n    return 3 * number\n'
WRONG = RIGHT.replace("3 *", "2 *")
TASK = Task(
    id="t",
    goal="Write the function triple in pkg/numbers.py.",
    skill="function",
    files=("pkg/numbers.py",),
    examples=("assert triple(2) == 6", "assert triple(0) == 0"),
)


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[Workspace]:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "numbers.py").write_text(STUB)
    workspace = await BubblewrapSandbox().open(tmp_path)
    yield workspace
    await workspace.close()


def plan(samples: int, checks: int, cap: int = 64) -> Plan:
    method = "best_of_n" if samples > 1 else "greedy"
    terms = {"method": method, "samples": samples, "checks": checks, "token_cap": cap}
    return Plan(text="{}", steps=samples * (2 if checks else 1), tokens=samples * cap, terms=terms)


def sampler(model: ScriptedModel, method: Method = "best_of_n") -> SamplerAgent:
    return SamplerAgent("small", model, method=method, skills=["function"])


async def test_a_bid_is_the_models_choice_under_a_schema_and_its_promise_follows() -> None:
    model = ScriptedModel("m", ['{"plan": "best_of_n 4 2 64"}'])
    bid = await sampler(model).bid(desk_for(TASK))
    assert bid is not None
    assert bid.text == '{"plan": "best_of_n 4 2 64"}'
    assert bid.terms == {"method": "best_of_n", "samples": 4, "checks": 2, "token_cap": 64}
    assert (bid.steps, bid.tokens) == (8, 256)
    assert model.requests[0].top_logprobs == 5
    assert model.requests[0].output_schema == choice_schema(choices("best_of_n", examples=2))


async def test_a_greedy_bid_promises_one_step() -> None:
    model = ScriptedModel("m", ['{"plan":"greedy 1 0 96"}'])
    bid = await sampler(model, "greedy").bid(desk_for(TASK))
    assert bid is not None
    assert (bid.steps, bid.tokens) == (1, 96)


@pytest.mark.parametrize(
    "said",
    [
        '{"plan":"greedy 1 0 64"}',
        '{"plan":"best_of_n 9 1 64"}',
        '{"plan":"best_of_n 3 3 64"}',
        '{"plan":"best_of_n 3 1 50"}',
        '{"plan":"best_of_n 3 1"}',
        '{"plan":3}',
        "[]",
        "I would think hard",
    ],
)
async def test_a_choice_that_is_not_on_offer_is_no_bid(said: str) -> None:
    with pytest.raises(AgentError, match="small"):
        await sampler(ScriptedModel("m", [said])).bid(desk_for(TASK))


def test_the_schema_offers_checks_only_where_there_are_examples() -> None:
    assert {offer.checks for offer in choices("best_of_n", examples=0)} == {0}
    assert {offer.checks for offer in choices("best_of_n", examples=9)} == {1, 2, 3}
    assert {offer.samples for offer in choices("greedy", examples=9)} == {1}


async def test_the_first_sample_that_holds_the_examples_is_kept(copy: Workspace) -> None:
    model = ScriptedModel("m", [WRONG, RIGHT])
    store = MemoryStore(clock=FakeClock())
    done = await sampler(model).perform(desk_for(TASK, workspace=copy, store=store), plan(4, 2))
    model.assert_consumed()
    assert copy.path("pkg/numbers.py").read_text() == STUB.replace("raise NotImplementedError", "return 3 * number")
    assert done.output == "wrote triple: sample 2 of 4, holds 2 examples"
    kinds = [item.event.kind for item in store.events() if item.event]
    assert kinds.count("tool") == 2
    assert [request.temperature > 0 for request in model.requests] == [False, True]
    assert [request.seed for request in model.requests] == [1, 2]
    assert {request.max_tokens for request in model.requests} == {64}


async def test_where_no_sample_holds_the_last_stays_and_no_more_are_drawn_than_promised(copy: Workspace) -> None:
    model = ScriptedModel("m", [WRONG, WRONG.replace("2 *", "5 *")])
    done = await sampler(model).perform(desk_for(TASK, workspace=copy), plan(2, 2))
    assert "return 5 * number" in copy.path("pkg/numbers.py").read_text()
    assert "breaks" in done.output


async def test_the_greedy_one_draws_one_sample_and_checks_nothing(copy: Workspace) -> None:
    store = MemoryStore(clock=FakeClock())
    desk = desk_for(TASK, workspace=copy, store=store)
    await sampler(ScriptedModel("m", [WRONG]), "greedy").perform(desk, plan(1, 0))
    assert "return 2 * number" in copy.path("pkg/numbers.py").read_text()
    assert "tool" not in [item.event.kind for item in store.events() if item.event]


async def test_a_failed_call_costs_one_sample_of_several(copy: Workspace) -> None:
    model = ScriptedModel("m", [ModelTimeoutError("m", "silence"), "no code here", RIGHT])
    await sampler(model).perform(desk_for(TASK, workspace=copy), plan(3, 1))
    assert "return 3 * number" in copy.path("pkg/numbers.py").read_text()


async def test_a_failed_call_of_the_only_sample_is_an_error(copy: Workspace) -> None:
    model = ScriptedModel("m", [ModelTimeoutError("m", "silence")])
    with pytest.raises(ModelTimeoutError):
        await sampler(model, "greedy").perform(desk_for(TASK, workspace=copy), plan(1, 0))


async def test_a_reply_without_the_function_changes_nothing(copy: Workspace) -> None:
    model = ScriptedModel("m", ["def other():\n    return 1", "I cannot.", "def triple(: broken"])
    done = await sampler(model).perform(desk_for(TASK, workspace=copy), plan(3, 2))
    assert copy.path("pkg/numbers.py").read_text() == STUB
    assert "no sample" in done.output


async def test_a_hostile_candidate_runs_only_in_the_sandbox(copy: Workspace, tmp_path: Path) -> None:
    prize = tmp_path / "prize"
    body = f"    open({str(prize)!r}, 'w').write('owned')\n    return 3 * number\n"
    model = ScriptedModel("m", [f"```python\ndef triple(number: int) -> int:\n{body}"] * 2)
    done = await sampler(model).perform(desk_for(TASK, workspace=copy), plan(2, 1))
    assert not prize.exists()
    assert "breaks" in done.output


async def test_without_a_function_it_answers_in_words() -> None:
    model = ScriptedModel("m", ["Forty euros."])
    question = Task(id="q", goal="How much is it?", skill="question", files=("docs",))
    done = await sampler(model, "greedy").perform(desk_for(question), plan(1, 0))
    assert done.output == "Forty euros."


async def test_another_agents_plan_is_refused(copy: Workspace) -> None:
    with pytest.raises(AgentError, match="not one of its own"):
        await sampler(ScriptedModel("m", [])).perform(desk_for(TASK, workspace=copy), Plan(text="think"))


async def test_a_long_docstring_is_cut_and_never_the_prompt(copy: Workspace) -> None:
    file = copy.path("pkg/numbers.py")
    file.write_text(STUB.replace("Return", "Return " + "very " * 2000))
    model = ScriptedModel("m", [RIGHT])
    await sampler(model, "greedy").perform(desk_for(TASK, workspace=copy), plan(1, 0))
    assert len(model.requests[0].messages[-1].content) < TASK_BYTES + 100


def test_a_bug_is_shown_with_its_body_and_only_the_body_changes() -> None:
    source = "import math\n\n\n@staticmethod\ndef area(side: int) -> int:\n    '''Squared.'''\n    return side + side\n"
    source += "\n\nLAST = 1\n"
    stub = find_stub(source, "Fix the bug in area.")
    assert stub is not None
    assert not stub.empty
    assert stub.shown.endswith("return side + side")
    body = read_candidate("```python\nimport os\n\ndef area(side):\n    '''Other.'''\n    return side**2\n", "area")
    assert body == "    import os\n    return side ** 2"
    assert splice(source, stub, body) == source.replace("return side + side", "import os\n    return side ** 2")


def test_a_goal_that_names_no_function_means_the_only_open_one() -> None:
    two_open = STUB + "\n\ndef other() -> None:\n    raise NotImplementedError\n"
    assert find_stub(STUB, "Write what is missing.") is not None
    assert find_stub(two_open, "Write what is missing.") is None
    assert find_stub("def broken(:\n", "Write broken.") is None
    assert find_stub("def short(): return 1\n", "Mend short.") is None


def test_lines_that_do_not_parse_are_dropped_from_the_end() -> None:
    assert (
        read_candidate("def one():\n    x = 1\n    return x\n\nThis works because", "one") == "    x = 1\n    return x"
    )
    assert read_candidate(json.dumps({"code": "def one"}), "one") is None


async def test_a_task_that_names_neither_skill_nor_file_is_left_to_others() -> None:
    bare = Task(id="t", goal="fix the failing test")
    assert await sampler(ScriptedModel("m", [])).bid(desk_for(bare)) is None
