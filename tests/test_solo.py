"""One agent without a market: the same desk, the same limits, the same copy."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.bids import Plan
from agora.errors import AgentError
from agora.events import Called
from agora.memory.in_memory import MemoryStore
from agora.protocols import Desk
from agora.solo import solo
from agora.tasks import Limits
from agora.testing import FakeClock, ScriptedModel, call


async def test_one_agent_works_alone_and_its_calls_can_be_recorded() -> None:
    store = MemoryStore(clock=FakeClock())
    agent = LLMAgent("scout", ScriptedModel("m", ["42"]), tools=[])
    assert (await solo(agent, "what is 6 x 7?", store=store)).output == "42"
    assert [item.event.usage.steps for item in store.events() if isinstance(item.event, Called)] == [1]


async def test_what_it_changes_comes_back_as_a_patch_and_the_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    model = ScriptedModel("m", [call("write_file", path="a.txt", content="two\n"), "done"])
    done = await solo(LLMAgent("scout", model), "write two", workspace=tmp_path)
    assert [(change.path, change.after) for change in done.patch.changes] == [("a.txt", b"two\n")]
    assert (tmp_path / "a.txt").read_text() == "one\n"


async def test_running_out_of_time_is_an_error_that_names_the_agent() -> None:
    async def never(desk: Desk, plan: Plan) -> str:
        await anyio.sleep_forever()
        return ""

    with pytest.raises(AgentError, match="'slow': ran out of time"):
        await solo(FunctionAgent("slow", never, plan=Plan(text="wait")), "wait", limits=Limits(seconds=0.05))
