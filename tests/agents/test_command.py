"""A command-line agent runs one command, in the sandbox, and is billed for what it reports within bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.agents.clis import CLIS, cli_agent
from agora.agents.command import CommandAgent
from agora.agents.command_report import ABSURD_USD, billed, find_report
from agora.bids import Price
from agora.errors import AgentError, ConfigError, UnknownNameError
from agora.memory.in_memory import MemoryStore
from agora.protocols import Workspace
from agora.records import Ran
from agora.sandbox import BubblewrapSandbox
from agora.tasks import Task, Tier
from agora.testing import FakeClock, desk_for

DOLLAR = Price(per_task=Decimal("0.50"))
MOMENT = Price(unit="s", per_task=Decimal("0.1"))


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[Workspace]:
    (tmp_path / "bad.py").write_text("import os\nimport sys\n\nprint( sys.argv )\n")
    workspace = await BubblewrapSandbox().open(tmp_path)
    yield workspace
    await workspace.close()


def task(skill: str = "", goal: str = "Tidy bad.py.") -> Task:
    return Task(id="t", goal=goal, skill=skill, files=("bad.py",))


def python(code: str, price: Price = MOMENT, cost_json: str = "") -> CommandAgent:
    return CommandAgent("tool", command=["python", "-c", code, "{goal}"], price=price, cost_json=cost_json)


async def ran(agent: CommandAgent, copy: Workspace, work: Task) -> tuple[str, Decimal]:
    """The output and the dollars booked."""
    desk = desk_for(work, workspace=copy)
    plan = await agent.bid(desk)
    assert plan is not None
    before = desk.left.usd or Decimal(0)
    done = await agent.perform(desk, plan)
    return done.output, before - (desk.left.usd or Decimal(0))


async def test_the_tasks_skill_picks_the_command(copy: Workspace) -> None:
    ruff = CommandAgent(
        "ruff",
        command={
            "lint": ["python", "-m", "ruff", "check", "--fix", "--no-cache", "--isolated", "{files}"],
            "format": ["python", "-m", "ruff", "format", "--no-cache", "--isolated", "{files}"],
        },
        price=MOMENT,
    )
    assert ruff.profile.skills == {"lint", "format"}
    await ran(ruff, copy, task("lint"))
    assert copy.path("bad.py").read_text() == "import sys\n\nprint( sys.argv )\n"
    await ran(ruff, copy, task("format"))
    assert copy.path("bad.py").read_text() == "import sys\n\nprint(sys.argv)\n"
    assert await ruff.bid(desk_for(task("poetry"))) is None


async def test_the_plan_shows_the_command_its_steps_and_its_seconds() -> None:
    agent = CommandAgent("black", command=["black", "{files}"], price=MOMENT)
    plan = await agent.bid(desk_for(task()))
    assert plan is not None
    assert plan.text == "run: black bad.py (1 step, 0.1 s)"
    assert (plan.steps, plan.tokens) == (1, 0)


async def test_a_goal_is_one_argument_and_no_shell_reads_it(copy: Workspace) -> None:
    goal = "say 'hi' && touch owned; $(touch owned)"
    output, _ = await ran(python("import sys; print(sys.argv[1:])"), copy, task(goal=goal))
    assert output == repr([goal])
    assert not copy.path("owned").exists()


async def test_a_goal_that_reads_like_an_option_gets_no_bid() -> None:
    assert await python("pass").bid(desk_for(task(goal="--dangerously-skip-permissions"))) is None


async def test_a_file_that_reads_like_an_option_is_named_with_its_folder(copy: Workspace) -> None:
    agent = CommandAgent("cat", command=["python", "-c", "import sys; print(sys.argv[1:])", "{files}"], price=MOMENT)
    output, _ = await ran(agent, copy, Task(id="t", goal="Show.", files=("-rf", "b.py")))
    assert output == "['./-rf', 'b.py']"


async def test_another_exit_code_than_zero_is_an_error_with_the_end_of_the_output(copy: Workspace) -> None:
    with pytest.raises(AgentError, match=r"exit code 3: .*the end$"):
        await ran(python("import sys; print('x' * 9000, 'the end', file=sys.stderr); sys.exit(3)"), copy, task())


async def test_a_reported_cost_is_booked_and_the_result_is_the_output(copy: Workspace) -> None:
    code = """print('working'); print('{"result": "done", "total_cost_usd": 0.0125}')"""
    assert await ran(python(code, DOLLAR), copy, task()) == ("done", Decimal("0.0125"))


async def test_without_a_reported_cost_the_worst_case_is_booked(copy: Workspace) -> None:
    assert await ran(python("print('done')", DOLLAR), copy, task()) == ("done", Decimal("0.50"))


async def test_a_cost_may_stand_where_the_definition_says(copy: Workspace) -> None:
    code = """print('{"response": "ok", "bill": {"dollars": 0.2}}')"""
    assert await ran(python(code, DOLLAR, cost_json="bill.dollars"), copy, task()) == ("ok", Decimal("0.2"))


@pytest.mark.parametrize("cost", ["-0.01", "NaN", "Infinity", "1e9", '"free"', "true", "[]"])
async def test_a_senseless_cost_is_an_error_and_the_worst_case_is_booked(cost: str, copy: Workspace) -> None:
    agent = python(f"""print('{{"cost_usd": {cost}}}')""", DOLLAR)
    desk = desk_for(task(), workspace=copy)
    plan = await agent.bid(desk)
    assert plan is not None
    with pytest.raises(AgentError, match="cost"):
        await agent.perform(desk, plan)
    assert desk.left.usd == Decimal("0.50")


async def test_a_command_that_says_it_failed_is_believed(copy: Workspace) -> None:
    with pytest.raises(AgentError, match="out of credit"):
        await ran(python("""print('{"is_error": true, "result": "out of credit"}')"""), copy, task())


async def test_the_command_stands_on_the_record(copy: Workspace) -> None:
    store = MemoryStore(clock=FakeClock())
    agent = python("print(1)")
    desk = desk_for(task(), workspace=copy, store=store)
    plan = await agent.bid(desk)
    assert plan is not None
    await agent.perform(desk, plan)
    assert [item.event.kind for item in store.events() if item.event] == ["tool"]


@given(st.text())
def test_no_output_breaks_the_reader(stdout: str) -> None:
    usage = billed(Ran(0, stdout, "", 0.1), agent="a", worst_usd=Decimal(1))
    assert 0 <= usage.usd <= ABSURD_USD
    assert isinstance(find_report(stdout), dict)


@pytest.mark.parametrize("command", [[], "ruff check", ["echo", "{goals}"], ["echo", "--goal={goal}"]])
def test_a_malformed_command_is_refused(command: list[str]) -> None:
    with pytest.raises(ConfigError, match="'odd'"):
        CommandAgent("odd", command=command)


def test_a_coding_command_line_has_to_be_defined_as_bare_with_a_price() -> None:
    for cli in CLIS:
        agent = cli_agent(cli, price=DOLLAR, tier=Tier.BARE)
        assert agent.profile.tier == Tier.BARE
        with pytest.raises(ConfigError, match="bare"):
            cli_agent(cli, price=DOLLAR, tier=Tier.NAMESPACE)
        with pytest.raises(ConfigError, match="per_task"):
            cli_agent(cli, price=MOMENT, tier=Tier.BARE)
    with pytest.raises(UnknownNameError, match="claude"):
        cli_agent("clade", price=DOLLAR, tier=Tier.BARE)
