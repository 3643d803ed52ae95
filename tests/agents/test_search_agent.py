"""The search agent quotes a line and cites it, as one metered step."""

from __future__ import annotations

from pathlib import Path

import pytest

from agora.agents.search_agent import SearchAgent, question_of
from agora.errors import AgentError, WorkspaceError
from agora.memory.in_memory import MemoryStore
from agora.sandbox import BubblewrapSandbox
from agora.tasks import Task
from agora.testing import FakeClock, desk_for

GOAL = "Where do the umbrellas hang? Cite the line that says it."


async def answer(folder: Path, *files: str) -> tuple[str, MemoryStore]:
    store = MemoryStore(clock=FakeClock())
    copy = await BubblewrapSandbox().open(folder)
    try:
        work = Task(id="q", goal=GOAL, skill="question", files=files)
        desk = desk_for(work, workspace=copy, files=("handbook/house.txt",), store=store)
        agent = SearchAgent("search")
        plan = await agent.bid(desk)
        assert plan is not None
        return (await agent.perform(desk, plan)).output, store
    finally:
        await copy.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "house.txt").write_text(
        "The house\n\nUmbrellas hang behind the door.\nShoes stand below.\n"
    )
    (tmp_path / "code.py").write_text("# cite the line that says it\n")
    return tmp_path


@pytest.mark.parametrize("files", [(), ("handbook",), ("handbook/house.txt",), ("handbook", "code.py")])
async def test_the_cited_path_is_seen_from_the_workspace(files: tuple[str, ...], folder: Path) -> None:
    output, _ = await answer(folder, *files)
    assert output == "Umbrellas hang behind the door.\nhandbook/house.txt:3"


async def test_the_search_is_one_step_on_the_record(folder: Path) -> None:
    _, store = await answer(folder)
    events = [item.event for item in store.events() if item.event]
    assert [event.kind for event in events] == ["tool"]


async def test_finding_nothing_is_a_failure_and_not_an_answer(folder: Path) -> None:
    (folder / "handbook" / "house.txt").write_text("Shoes stand below.\n")
    with pytest.raises(AgentError, match="no line with a word of the question"):
        await answer(folder, "handbook")


async def test_a_folder_outside_the_workspace_is_an_error(folder: Path) -> None:
    with pytest.raises(WorkspaceError):
        await answer(folder / "handbook", "missing/../../..")


def test_only_what_is_asked_is_searched_for() -> None:
    assert question_of(GOAL) == "Where do the umbrellas hang?"
    assert question_of("Find the umbrellas.") == "Find the umbrellas."


async def test_what_is_no_question_is_left_to_others() -> None:
    agent = SearchAgent("search")
    chore = Task(id="t", goal="fix the failing test")
    assert await agent.bid(desk_for(chore, files=("a.py",))) is None
    assert await agent.bid(desk_for(chore.model_copy(update={"goal": "what fails?"}), files=("a.py",))) is not None
