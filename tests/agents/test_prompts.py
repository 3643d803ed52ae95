"""What the prompts show, and what cannot get out of its place in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora.agents.prompts import refine_prompt
from agora.bids import Lesson

FRAME = Lesson(goal="GOAL", lost="LOSER", won="WINNER", own="both")


def prompt(lesson: Lesson, *, plan: str = "my plan") -> str:
    return refine_prompt(
        "the goal", plan=plan, lessons=[lesson], tools=["read"], files=["a.py"], evidence=["it failed"]
    )


def test_a_second_plan_is_asked_for_with_the_pairs_the_task_and_the_plan_so_far() -> None:
    shown = prompt(FRAME)
    for part in ("| GOAL", "| LOSER", "| WINNER", "Task: the goal", "my plan", "read", "a.py", "it failed"):
        assert part in shown
    assert shown.index("| LOSER") < shown.index("| WINNER")


def test_each_plan_says_whether_the_reader_wrote_it() -> None:
    said = {own: prompt(Lesson(goal="g", lost="l", won="w", own=own)) for own in ("lost", "won", "both")}
    marked = {own: ("LOST (yours):" in text, "WON (yours):" in text) for own, text in said.items()}
    assert marked == {"lost": (True, False), "won": (False, True), "both": (True, True)}


@given(text=st.text(max_size=3000), place=st.sampled_from(["goal", "lost", "won"]))
def test_no_remembered_text_writes_a_line_of_the_prompt(text: str, place: str) -> None:
    def unquoted(lesson: Lesson) -> list[str]:
        return [line for line in prompt(lesson).splitlines() if not line.startswith("| ")]

    assert unquoted(FRAME.model_copy(update={place: text})) == unquoted(FRAME)


def test_enormous_memories_are_cut() -> None:
    lesson = Lesson(goal="g" * 100_000, lost="l" * 100_000, won="w" * 100_000, own="won")
    assert len(prompt(lesson)) < len(prompt(FRAME)) + 400 + 2 * 1600
