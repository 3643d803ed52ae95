"""Map and reduce over files: each is counted by itself; one that cannot be read fails alone, the sum goes on."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

import anyio

from agora import Check, FunctionAgent, Market, Plan, Workflow, run_flow
from agora.protocols import Desk

counts = Check(kind="schema", options={"schema": {"type": "object", "additionalProperties": {"type": "integer"}}})

flow = Workflow("count-words", inputs=["folder", "files"])


@flow.task(each="files", skill="count", workspace="{folder}", verify=counts, on_failure="skip")
def count(item: str) -> str:
    return f"Count the words of: {item}"


@flow.task(skill="add", verify=counts)
def total(count: str) -> str:
    return f"Add up:\n{count}"


async def count_words(desk: Desk, plan: Plan) -> str:
    assert desk.workspace is not None
    file = desk.task.goal.removeprefix("Count the words of: ")
    return json.dumps(Counter(desk.workspace.path(file).read_text(encoding="utf-8").lower().split()))


async def add_up(desk: Desk, plan: Plan) -> str:
    added: Counter[str] = Counter()
    for one in json.loads(desk.task.goal.removeprefix("Add up:\n")):
        added.update(json.loads(one))
    return json.dumps(dict(added.most_common(3)))


def main() -> None:
    plan = Plan(text="1. read the file\n2. count", tokens=0)
    counters = [FunctionAgent(name, count_words, plan=plan, skills=["count"]) for name in ("ada", "bob")]
    market = Market([*counters, FunctionAgent("adder", add_up, plan=plan, skills=["add"])], attempts=1)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one.txt").write_text("the tower and the clock")
        Path(folder, "two.txt").write_text("the radio and the stove")
        Path(folder, "three.txt").write_bytes(b"\xff\xfe no text")
        files = "\n".join(sorted(path.name for path in Path(folder).iterdir()))
        report = anyio.run(run_flow, market, flow, {"folder": folder, "files": files})
    for done in report.report.results:
        print(f"{done.verdict:8} {done.task.goal.splitlines()[0]:35} {done.output or done.reason}")
    print(f"{report.verdict}: {report.output}")


if __name__ == "__main__":
    main()
