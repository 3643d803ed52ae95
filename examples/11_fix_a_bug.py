"""Fix a bug as a workflow: reproduce it, mend it in a copy until the real tests pass, write it back, review it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio

from agora import Agent, FunctionAgent, Market, Plan, Workflow, run_flow
from agora.protocols import Desk
from agora.questions import Question
from agora.testing import ScriptedModel, call

SOURCE = "def double(n: int) -> int:\n    return n + 2\n"
TEST = "from maths import double\n\n\ndef test_double() -> None:\n    assert double(5) == 10\n"

flow = Workflow("fix-a-bug", inputs=["repo", "before"])
flow.task("reproduce", "Run the tests and report what fails", skill="test", workspace="{repo}")
mend = "Mend what makes this fail:\n{reproduce}"
flow.task("fix", mend, after=["reproduce"], skill="mend", workspace="{repo}", verify="python -m pytest -q")
flow.task("review", "Say what was changed in:\n{before}", after=["fix"], skill="review", workspace="{repo}")
mending = call("replace_in_file", path="maths.py", old="n + 2", new="n * 2")
trying = call("run_shell", command="python -m pytest -q")
surgeon = ScriptedModel("surgeon", ["1. replace_in_file\n2. run_shell pytest", mending, trying, "It multiplies now."])


async def test(desk: Desk, plan: Plan) -> str:
    assert desk.workspace is not None
    ran = await desk.workspace.run(["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"])
    return next((line for line in ran.stdout.splitlines() if line.startswith("E ")), "nothing fails")


async def review(desk: Desk, plan: Plan) -> str:
    assert desk.workspace is not None
    now = desk.workspace.path("maths.py").read_text().splitlines()
    return "new: " + "; ".join(line.strip() for line in now if line not in desk.task.goal)


tester = FunctionAgent("tester", test, plan=Plan(text="1. test", tokens=0), skills=["test"])
reviewer = FunctionAgent("reviewer", review, plan=Plan(text="1. read", tokens=0), skills=["review"])


async def yes(question: Question) -> bool:
    return True  # also before the diff is written to the repository; without this it is only handed back


def main() -> None:
    market = Market([tester, reviewer, Agent("surgeon", surgeon, skills=["mend"])], approve=yes)
    with tempfile.TemporaryDirectory() as repo:
        Path(repo, "maths.py").write_text(SOURCE)
        Path(repo, "test_maths.py").write_text(TEST)
        report = anyio.run(run_flow, market, flow, {"repo": repo, "before": SOURCE})
    for done in report.report.results:
        print(f"{done.task.id:10} {done.verdict:8} {done.output}")


if __name__ == "__main__":
    main()
