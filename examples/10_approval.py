"""A workflow asks a person, the process ends; another process goes on with the answer, and does nothing twice."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import anyio

from agora import FunctionAgent, Market, Plan, Workflow, resume_flow, run_flow
from agora.ambient import SystemClock
from agora.errors import ApprovalPendingError
from agora.memory.sql_store import SQLStore
from agora.protocols import Desk
from agora.questions import Answer, Approve, Question

flow = Workflow("announce", inputs=["what"])
flow.task("draft", "Announce {what}")
flow.approve("ask", "Send this? {draft}", after=["draft"])
flow.task("send", "Send: {draft}", after=["ask"])


async def work(desk: Desk, plan: Plan) -> str:
    print(f"  {desk.task.id} is worked on")
    return desk.task.goal.upper() if desk.task.id == "draft" else "sent"


def market(store: SQLStore, approve: Approve | None = None) -> Market:
    return Market([FunctionAgent("clerk", work, plan=Plan(text="1. do it", tokens=0))], store=store, approve=approve)


async def person(question: Question) -> Answer:
    if question.about != "step":  # awards, commands and diffs are asked for here, too
        return Answer(granted=True, asked=False)
    print(f"  {question.reason}  yes")
    return Answer(granted=True)


async def main(database: str) -> None:
    print("in the evening")
    store = SQLStore.open(database, clock=SystemClock())
    try:
        await run_flow(market(store), flow, {"what": "the new opening hours"})
    except ApprovalPendingError as waiting:
        print(f"  {waiting}".replace(waiting.run, "RUN"))
    await store.close()

    print("the next morning, in another process")
    store = SQLStore.open(database, clock=SystemClock())
    report = await resume_flow(market(store, person), "last")
    await store.close()
    print(f"{report.verdict}: {report.output}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(partial(main, str(Path(folder, "agora.db"))))
