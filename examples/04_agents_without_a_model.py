"""A function and a command line bid beside each other: what is deterministic need not pay for a model."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from agora import Check, CommandAgent, FunctionAgent, Market, Plan, Price, Task, Work
from agora.protocols import Desk


async def strip_unused_import(desk: Desk, plan: Plan) -> Work:
    """Delete the first line of each file: a poor rule, and a cheap one."""
    assert desk.workspace is not None
    for name in desk.task.files:
        path = desk.workspace.path(name)
        path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    return Work(output="deleted the first line")


crude = FunctionAgent("crude", strip_unused_import, plan=Plan(text="Delete the first line.", tokens=0))
ruff = CommandAgent("ruff", command=["ruff", "check", "--fix", "{files}"], price=Price(unit="s", per_task=Decimal(1)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text('"""An app."""\nimport os\n\nprint("hello")\n')
        check = Check(kind="command", options={"command": "ruff check --select F,D100 app.py"})
        task = Task(id="lint", goal="Make ruff pass", workspace=folder, files=("app.py",), verify=check)
        result = Market([crude, ruff]).run_sync(task)
        for attempt in result.attempts:
            print(f"{attempt.award.agent}: {attempt.outcome.verdict}")
        print(result.patch.text)


if __name__ == "__main__":
    main()
