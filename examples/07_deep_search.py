"""Deep search over a folder as a workflow: list, read each file, answer with a citation that a verifier looks up."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import anyio

from agora import Check, FunctionAgent, Market, Plan, Price, Workflow, run_flow
from agora.agents.folder_search import search_folder
from agora.agents.function import Perform
from agora.protocols import Desk

NOTES = {"clocks.md": "Bo winds clocks.\n", "radios.md": "Ada mends radios.\n", "stoves.md": "In May we mend stoves.\n"}
cited = Check(kind="citation", options={"path": "radios.md", "contains": "Ada"})  # it looks the cited line up
flow = Workflow("deep-search", inputs=["folder", "question"])
flow.task("list", "List the files, one a line", skill="list", workspace="{folder}")
flow.task("read", "{item}: {question}", after=["list"], each="list", skill="read", workspace="{folder}")
flow.task("answer", "{read}", after=["read"], skill="answer", workspace="{folder}", verify=cited)


async def list_files(desk: Desk, plan: Plan) -> str:
    return "\n".join(desk.files)


async def read_file(desk: Desk, plan: Plan) -> str:
    file, _, question = desk.task.goal.partition(": ")
    assert desk.workspace is not None
    best = [line for line in search_folder(desk.workspace.root, question, limit=50) if line.path == file]
    return json.dumps([best[0].score, best[0].text, f"{file}:{best[0].line}"] if best else [0, "", ""])


async def hasty(desk: Desk, plan: Plan) -> str:  # the best note, and not where it stands
    return str(max(map(json.loads, json.loads(desk.task.goal)))[1])


async def careful(desk: Desk, plan: Plan) -> str:
    return "\n".join(max(map(json.loads, json.loads(desk.task.goal)))[1:])


def worker(skill: str, perform: Perform, *, asks: str = "0") -> FunctionAgent:
    price = Price.model_validate({"unit": "s", "per_task": asks})
    return FunctionAgent(perform.__name__, perform, plan=Plan(text=skill, tokens=0), skills=[skill], price=price)


def main() -> None:
    answering = [worker("answer", hasty), worker("answer", careful, asks="0.2")]
    market = Market([worker("list", list_files), worker("read", read_file), *answering])
    with tempfile.TemporaryDirectory() as folder:
        for name, text in NOTES.items():
            Path(folder, name).write_text(text)
        report = anyio.run(run_flow, market, flow, {"folder": folder, "question": "Who mends radios?"})
    for attempt in (attempt for done in report.report.results for attempt in done.attempts):
        print(f"{attempt.award.agent:10} {attempt.outcome.verdict:8} {attempt.output!r}")


if __name__ == "__main__":
    main()
