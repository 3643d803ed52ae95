"""Extractive search as an agent: it answers a question with a line of the workspace's documents, and cites it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from anyio import to_thread

from agora.bids import Plan, Price, Profile
from agora.errors import AgentError
from agora.messages import ToolCall, ToolSpec
from agora.protocols import Desk, Workspace
from agora.tasks import Strength, Tier, Work
from agora.values import JsonValue

PLAN = Plan(text="search the folder's documents for the question's words; quote the best line and cite it", tokens=0)
"""What it promises for every question: one step, no tokens."""

_CITATION = re.compile(r"^(?P<path>.+):(?P<line>\d+)$")


class AnswerTool:
    """The search, as a tool, so that it is metered and stands on the ledger."""

    @property
    def spec(self) -> ToolSpec:
        """Its name and arguments."""
        text: JsonValue = {"type": "string"}
        return ToolSpec(
            name="answer_with_citation",
            description="Quote the line of the documents that answers a question, and cite it as path:line.",
            parameters={
                "type": "object",
                "properties": {"question": text, "folder": text},
                "required": ["question", "folder"],
                "additionalProperties": False,
            },
        )

    async def call(self, arguments: Mapping[str, JsonValue], workspace: Workspace | None) -> str:
        """Search a folder of the workspace; the cited path is relative to the workspace."""
        from agora.agents.folder_search import answer_with_citation

        if workspace is None:
            raise FileNotFoundError("there is no workspace to search: pass --workspace")
        folder = str(arguments["folder"])
        root = workspace.path(folder) if folder else workspace.root
        found = await to_thread.run_sync(answer_with_citation, root, str(arguments["question"]))
        return _from_workspace(found, folder)


class SearchAgent:
    """Extractive search over the task's folder (its first file, where that is one), without any model.

    Args:
        name: Unique within its market.
        skills: What it can do.
        price: What it charges, in seconds of this machine.
        trust: The data labels that it may see.
        strength: How strong it is: small, medium or large; some tasks demand it.
        tier: The sandbox that it works in.
    """

    def __init__(
        self,
        name: str = "search",
        *,
        skills: Iterable[str] = ("question",),
        price: Price | None = None,
        trust: Iterable[str] = (),
        strength: Strength = "",
        tier: Tier = Tier.NAMESPACE,
    ) -> None:
        self._tool = AnswerTool()
        self._profile = Profile(
            name=name,
            operator="function/agora.agents.search_agent",
            kind="function",
            skills=frozenset(skills),
            tools=(self._tool.spec.name,),
            price=price or Price(unit="s", per_task=Decimal("0.1")),
            trust=frozenset(trust),
            strength=strength,
            tier=tier,
        )

    @property
    def profile(self) -> Profile:
        """Its card."""
        return self._profile

    def replans(self) -> bool:
        """It plans by the task alone: what failed changes nothing."""
        return False

    async def bid(self, desk: Desk) -> Plan | None:
        """The fixed plan; None where nothing is asked, or there is nothing to search."""
        asked = bool(desk.task.skill) or "?" in desk.task.goal
        return PLAN if asked and (desk.files or desk.task.files) else None

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """Search once and hand in the quoted line with its place.

        Raises:
            AgentError: The search failed or found nothing.
        """
        arguments = {"question": question_of(desk.task.goal), "folder": self._folder(desk)}
        call = ToolCall(id="search", name=self._tool.spec.name, arguments=json.dumps(arguments))
        result = await desk.use(self._tool, call)
        if not result.ok or not result.text.strip():
            raise AgentError(self._profile.name, result.text.strip() or "found no line with a word of the question")
        return Work(output=result.text)

    def _folder(self, desk: Desk) -> str:
        """The one folder that the task names, or "" for the whole workspace."""
        if desk.workspace is None or len(desk.task.files) != 1:
            return ""
        folder = desk.task.files[0].rstrip("/")
        return folder if desk.workspace.path(folder).is_dir() else ""


def question_of(goal: str) -> str:
    """The sentences of a goal that ask; all of it where none does. What to do with the answer is not searched for.

    >>> question_of("Who mends radios? Cite the line.")
    'Who mends radios?'
    """
    asking = [part.strip() for part in re.findall(r"[^.?!\n]*\?", goal)]
    return " ".join(asking) or goal


def _from_workspace(found: str, folder: str) -> str:
    """The answer with its citation's path seen from the workspace."""
    quote, _, place = found.rstrip().rpartition("\n")
    cited = _CITATION.match(place)
    if not folder or cited is None:
        return found
    return f"{quote}\n{folder}/{cited['path']}:{cited['line']}"
