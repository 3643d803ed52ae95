"""A debate by name: two sides answer, see what the other says and answer again; a judge decides where they differ."""

from __future__ import annotations

import json

import anyio

from agora import Agent, Market, run_flow
from agora.messages import Reply, Request
from agora.testing import RuleModel
from agora.workflows.patterns import pattern


def side(name: str, answer: str, why: str) -> Agent:
    """Scripted: it stays by its answer, whatever is said; a model in its place may be moved."""

    def reply(request: Request) -> Reply | str:
        planning = "Do not solve it yet" in request.messages[0].content
        return "1. weigh it\n2. answer" if planning else json.dumps({"answer": answer, "why": why})

    return Agent(name, RuleModel(f"scripted/{name}", reply), tools=[])


def judge() -> Agent:
    def reply(request: Request) -> Reply | str:
        planning = "Do not solve it yet" in request.messages[0].content
        return "1. weigh the reasons" if planning else "nine"

    return Agent("judge", RuleModel("scripted/judge", reply), tools=[])


def main() -> None:
    pool = [side("ada", "nine", "the sign on the door"), side("bob", "ten", "so it was last year"), judge()]
    options = {"debaters": ["ada", "bob"], "places": 2, "rounds": 1, "judges": ["judge"]}
    debate = pattern("debate", "When does the workshop open?", **options)
    report = anyio.run(run_flow, Market(pool, seed=5), debate)
    for done in report.report.results:
        agent = done.attempts[-1].award.agent if done.attempts else "nobody"
        print(f"{done.task.id:10} {agent:6} {done.output}")
    print(f"result: {report.output}")


if __name__ == "__main__":
    main()
