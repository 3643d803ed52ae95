"""A small market that meets every kind of wait: tools, retries, a judge, approvals, a patch. For cancelling it."""

from __future__ import annotations

import shutil
import sys
from decimal import Decimal
from pathlib import Path

import anyio.lowlevel

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.file_tools import write_file
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.ambient import SystemClock
from agora.bids import Plan, Price, Profile
from agora.errors import ModelError
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.messages import Reply, Request
from agora.protocols import Agent, ChatModel, Desk, Store
from agora.questions import Answer, Question
from agora.sandbox import BareSandbox, best_sandbox
from agora.tasks import Check, Limits, Task, Tier, Work
from agora.testing import RuleModel, call, say
from agora.values import JsonValue

SEED = 339767
"""Of all chance: the pauses before the busy model's second attempts are short with it."""
JUDGE = "openai/judge-of-this-file"
_DEAR: JsonValue = {"input_per_mtok": "1", "output_per_mtok": "1"}
_GUESS = Plan(text="guess at once", tokens=0)


class Provider:
    """A model behind a provider that is busy at the first calls, whoever makes them."""

    def __init__(self, inner: ChatModel, *, busy: int = 0) -> None:
        self._inner, self._busy = inner, busy
        self.calls = 0

    @property
    def name(self) -> str:
        """As the model's."""
        return self._inner.name

    def price(self) -> Price | None:
        """As the model's."""
        return self._inner.price()

    def bound_tokens(self, request: Request) -> int:
        """As the model's."""
        return self._inner.bound_tokens(request)

    async def complete(self, request: Request) -> Reply:
        """Answer after a wait, or be busy."""
        self.calls += 1
        busy = self.calls <= self._busy
        await anyio.lowlevel.checkpoint()
        if busy:
            raise ModelError(self.name, "busy", paid=False, status=429)
        return await self._inner.complete(request)


class Watched:
    """An agent whose desks are remembered, so that their purses can be looked at afterwards."""

    def __init__(self, inner: Agent, desks: list[Desk]) -> None:
        self._inner, self._desks = inner, desks

    @property
    def profile(self) -> Profile:
        """As the agent's."""
        return self._inner.profile

    async def bid(self, desk: Desk) -> Plan | None:
        """As the agent."""
        self._desks.append(desk)
        return await self._inner.bid(desk)

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """As the agent."""
        self._desks.append(desk)
        return await self._inner.perform(desk, plan)


@tool
async def double(number: int) -> int:
    """Double a number, after a wait.

    Args:
        number: Any.
    """
    await anyio.lowlevel.checkpoint()
    return 2 * number


def _thinks(request: Request) -> Reply | str:
    if request.messages[0].role == "user":
        return say("1. double it\n2. double it again\n3. answer", logprobs=[(-0.7, -0.9)] * 4)
    used = sum(message.role == "tool" for message in request.messages)
    return call("double", number=21 if used else 3) if used < 2 else "42"


def _writes(request: Request) -> Reply | str:
    if request.messages[0].role == "user":
        return say("1. write out.txt\n2. answer", logprobs=[(-0.7, -0.9)] * 4)
    used = sum(message.role == "tool" for message in request.messages)
    return "42" if used else call("write_file", path="out.txt", content="42\n")


async def _guess(desk: Desk, plan: Plan) -> str:
    if desk.workspace is not None and desk.workspace.tier > Tier.BARE:
        await desk.run(["python3", "-c", "open('guess.txt', 'w').write('41')"])
    return "41"


class World:
    """What outlives a run that is cancelled: the folder, the database, the providers."""

    def __init__(self, folder: Path, *, disk: bool, sandboxed: bool, empty: Path | None = None) -> None:
        self.folder, self._disk, self.sandboxed = folder, disk, sandboxed
        self.repo, self.temp = folder / "repo", folder / "tmp"
        for made in (self.repo, self.temp):
            made.mkdir(parents=True)
        folder.chmod(0o755)
        (self.repo / "in.txt").write_text("6 x 7\n")
        if empty is not None:
            shutil.copy(empty, folder / "agora.db")
        self.desks: list[Desk] = []
        self.thinker = Provider(RuleModel("scripted/thinker", _thinks), busy=1)
        self.writer = Provider(RuleModel("scripted/writer", _writes))
        self.judge = Provider(RuleModel(JUDGE, lambda request: '{"reason": "it says 42", "score": 5}'), busy=1)
        self._memory = MemoryStore(clock=SystemClock())

    def store(self) -> Store:
        """The store as a new process opens it; what lives in memory is the same one."""
        return SQLStore.open(self.folder / "agora.db", clock=SystemClock()) if self._disk else self._memory

    def market(self, store: Store) -> Market:
        """The market as a new process makes it."""
        tier = Tier.NAMESPACE if self.sandboxed else Tier.BARE
        guess = FunctionAgent(
            "hasty",
            _guess,
            plan=Plan(text="guess at once", tokens=0),
            price=Price(per_task=Decimal("0.001")),
            tier=tier,
        )
        thinker = LLMAgent("thinker", self.thinker, tools=[double], skills=["sums"], tier=tier)
        writer = LLMAgent("writer", self.writer, tools=[write_file], skills=["files"], tier=tier)
        return Market(
            [Watched(agent, self.desks) for agent in (guess, thinker, writer)],
            budget_usd="5.00",
            store=store,
            sandbox=best_sandbox() if self.sandboxed else BareSandbox(),
            limits=Limits(tokens=500_000, steps=200),
            approve=_approve,
            seed=SEED,
            wrap=lambda model, call: self.judge if "/judge/" in call else model,
        )

    def tasks(self) -> list[Task]:
        """What is to be done."""
        check = Check(kind="exact", options={"answer": "42"})
        judge = Check(kind="judge", options={"model": JUDGE, "api_base": "http://127.0.0.1:9/v1", "price": _DEAR})
        written = Check(
            kind="command", options={"command": ["python3", "-c", "assert open('out.txt').read() == '42\\n'"]}
        )
        tier = Tier.NAMESPACE if self.sandboxed else Tier.BARE
        repo = str(self.repo)
        return [
            Task(id="sum", goal="What is 6 x 7?", skill="sums", tier=tier, verify=check),
            Task(
                id="file",
                goal="Write the answer to out.txt",
                skill="files",
                workspace=repo,
                tier=tier,
                verify=written if self.sandboxed else check,
            ),
            Task(id="judged", goal="What is 6 x 7?", skill="sums", tier=tier, verify=judge),
        ]

    def tree(self) -> dict[str, str]:
        """The user's folder."""
        return {str(path.relative_to(self.repo)): path.read_text() for path in sorted(self.repo.rglob("*"))}


async def _approve(question: Question) -> Answer:
    await anyio.lowlevel.checkpoint()
    return Answer(True, asked=question.about != "command")
