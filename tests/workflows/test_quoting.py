"""Texts without an agent: branches are joined, outputs are quoted without names, and nothing is asked or paid."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.tasks import Limits, Verdict
from agora.workflows.allotting import Allotment
from agora.workflows.drawing import mermaid, tree
from agora.workflows.expanding import next_ready
from agora.workflows.flow import Workflow
from agora.workflows.graph import critical_path
from agora.workflows.instances import Ending, Ready
from agora.workflows.nodes import Flow, TextNode, When
from agora.workflows.quoting import MARK, panel, quoted
from agora.workflows.toml import load_flow

texts = st.lists(st.text("ab |\n", max_size=8), max_size=6)


@given(texts=texts)
def test_where_a_text_stood_and_whose_it_is_leaves_no_trace(texts: list[str]) -> None:
    assert panel(texts) == panel([*reversed(texts)])
    assert panel([*texts, "", " \n"]) == panel(texts)


@given(text=st.text("ab\n\r\v\u2028|", max_size=20))
def test_every_line_is_marked(text: str) -> None:
    lines = quoted(text).splitlines()
    assert all(line.startswith(MARK) for line in lines)
    assert [line.removeprefix(MARK) for line in lines] == text.strip().splitlines()


def test_nobody_can_foresee_where_its_own_answer_will_stand() -> None:
    places = {panel(["mine", f"other {number}"]).index("mine") < 20 for number in range(30)}
    assert places == {True, False}


def branching() -> Flow:
    flow = Workflow("w", output="result")
    flow.task("sort", "sort")
    flow.task("quick", "quick", after=["sort"], when=When(of="sort", equals="easy"), on_failure="continue")
    flow.task("slow", "slow", after=["sort"], when=When(of="sort", equals="hard"))
    flow.text("note", " (in haste)", after=["quick"])
    flow.text("result", "{quick}{slow}{note}", after=["quick", "slow", "note"], needs="any")
    return flow.build()


def stands(flow: Flow, **done: str | Ending) -> Ready:
    endings = {
        name: one if isinstance(one, Ending) else Ending(verdict=Verdict.UNKNOWN, output=one)
        for name, one in done.items()
    }
    return next_ready(flow, {}, endings)


def test_the_text_of_the_branch_that_was_taken_stays() -> None:
    flow = branching()
    assert stands(flow, sort="easy", quick="4").output == "4 (in haste)"
    assert stands(flow, sort="hard", slow="5").output == "5"
    nothing = stands(flow, sort="neither")
    assert (nothing.over, nothing.output, nothing.verdict) == (True, "", Verdict.UNKNOWN)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_its_verdict_is_that_of_the_tasks_that_it_names(verdict: Verdict) -> None:
    ready = stands(branching(), sort="easy", quick=Ending(verdict=verdict, output="4"))
    assert ready.verdict is verdict
    assert ready.stopped == (), "a text stops nothing"
    assert ready.output == "4 (in haste)"


def test_a_text_that_names_no_task_proves_nothing() -> None:
    flow = Workflow("w", output="t")
    flow.task("a", "1")
    flow.compare("same", "a.x", "a.y")
    flow.text("t", "{same.votes} alike", after=["same"])
    assert stands(flow.build(), a='{"x": 1, "y": 1}').verdict is Verdict.UNKNOWN


def test_what_is_compared_can_be_quoted_and_a_part_of_an_output_too() -> None:
    flow = Workflow("w")
    flow.task("a", "1", on_failure="continue")
    flow.task("b", "2", on_failure="continue")
    flow.compare("both", "a", "b")
    flow.task("judge", "{both.quoted}\n\n{a.quoted}\n\n{a.why.quoted}", after=["both"])
    said = {"a": '{"why": "one\\ntwo"}', "b": "B"}
    (judge,) = stands(flow.build(), **said).start
    assert {"Answer 1:", "Answer 2:", "| B"} <= set(judge.text.splitlines())
    assert judge.text.endswith('| {"why": "one\\ntwo"}\n\n| one\n| two')
    (judge,) = stands(flow.build(), a=Ending(verdict=Verdict.FAILED, output="A"), b="B").start
    assert judge.text.startswith("Answer 1:\n| B\n\n| A"), "who failed has no voice"


def test_a_text_can_stand_in_for_a_task_that_failed() -> None:
    flow = Workflow("w")
    flow.task("ask", "q", fallback="usual")
    flow.text("usual", '{{"mode": "slow"}}')
    flow.task("go", "{ask.mode}", after=["ask"])
    (go,) = stands(flow.build(), ask=Ending(verdict=Verdict.FAILED)).start
    assert go.text == "slow"


def test_it_weighs_nothing_and_is_drawn() -> None:
    flow = branching()
    assert critical_path(flow).tokens == 2, "one task after another; texts take nothing"
    (first,) = stands(flow).start
    both = Allotment(flow)
    both.opened([first])
    usd = both.limits(first, Limits(usd=Decimal(3))).usd
    assert usd is not None
    assert usd >= 1, "it is shared by three tasks, and texts have no part in it"
    assert '(["result' in mermaid(flow)
    assert "put together by nobody" in tree(flow).model_dump_json()


def test_it_is_the_same_in_a_file_and_on_record(tmp_path: Path) -> None:
    file = tmp_path / "w.toml"
    file.write_text('[[task]]\nid = "a"\ngoal = "1"\n[[task]]\nid = "t"\ntext = "so: {a}"\nafter = ["a"]\n')
    flow = load_flow(file)
    assert flow.nodes[1] == TextNode(id="t", text="so: {a}", after=("a",))
    assert Flow.model_validate_json(flow.model_dump_json()) == flow


def test_what_a_text_cannot_be_is_refused_with_the_mend() -> None:
    flow = Workflow("w")
    flow.task("a", "1")
    with pytest.raises(ConfigError, match="leave each, repeat and fallback out"):
        flow.text("t", "{a}", after=["a"], repeat=2)
    with pytest.raises(ConfigError, match="text"):
        flow.text("t", "")
    flow.text("t", "{a}")
    with pytest.raises(ConfigError, match="add 'a' to its `after`"):
        flow.build()
