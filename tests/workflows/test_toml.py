"""A workflow is the same value from TOML and from Python, and what is wrong in a file is said with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agora.errors import ConfigError
from agora.tasks import Limits
from agora.workflows.flow import Workflow
from agora.workflows.nodes import Each, FlowInput, Repeat, When
from agora.workflows.toml import load_flow

WHOLE = """
output = "sum"

[inputs]
folder = "."
question = { about = "what to find" }

[[task]]
id = "list"
goal = "List the files of {folder}"
workspace = "{folder}"
limits = { tokens = 1000 }

[[task]]
id = "read"
goal = "Look for {question} in {item}"
after = ["list"]
each = { of = "list", most = 20 }
labels = ["private"]
on_failure = "skip"
tier = "bare"
skill = "reading"
agents = ["scout"]

[[task]]
id = "sum"
goal = "Answer from {read}, better than {previous}"
after = ["read"]
when = { of = "read", empty = false }
verify = { kind = "command", command = "true" }
repeat = { most = 3, until = { of = "sum", contains = "42" } }
fallback = "plain"

[[task]]
id = "plain"
goal = "Answer {question}."

[[task]]
id = "ask"
approve = "Send {sum}?"
after = ["sum"]

[[task]]
id = "send"
use = "send"
inputs = { text = "{sum}" }
after = ["sum", "ask"]
needs = "any"
"""
SEND = """
inputs = { text = {} }
[[task]]
id = "go"
goal = "Send {text}"
"""


def folder(tmp_path: Path, text: str, **others: str) -> Path:
    for name, content in {"whole": text, **others}.items():
        (tmp_path / f"{name}.toml").write_text(content)
    return tmp_path / "whole.toml"


def test_toml_and_python_give_the_same_value(tmp_path: Path) -> None:
    send = Workflow("send", inputs=["text"])
    send.task("go", "Send {text}")
    flow = Workflow("whole", inputs={"folder": ".", "question": FlowInput(about="what to find")}, output="sum")
    flow.task("list", "List the files of {folder}", workspace="{folder}", limits=Limits(tokens=1000))
    flow.task(
        "read",
        "Look for {question} in {item}",
        after=["list"],
        each=Each(of="list", most=20),
        labels=["private"],
        on_failure="skip",
        tier="bare",
        skill="reading",
        agents=["scout"],
    )

    @flow.task(
        when=When(of="read", empty=False),
        verify="true",
        repeat=Repeat(most=3, until=(When(of="sum", contains="42"),)),
        fallback="plain",
    )
    def sum(read: str, previous: str) -> str:
        return f"Answer from {read}, better than {previous}"

    @flow.task()
    def plain() -> None:
        """Answer {question}."""

    flow.approve("ask", "Send {sum}?", after=[sum])
    flow.use("send", send, inputs={"text": "{sum}"}, after=[sum, "ask"], needs="any")
    assert load_flow(folder(tmp_path, WHOLE, send=SEND)) == flow.build()


ONE = '[[task]]\nid = "a"\ngoal = "x"\n'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["whole.toml", "has no tasks"]),
        ("[[task]]\ngoal = 'x'", ["task 1: id", "is missing"]),
        ("[[task]]\nid = 'a'", ["task 'a'", "state one of goal, approve, use, compare and text"]),
        ("[[task]]\nid = 'a'\ngoal = 'x'\nuse = 'b'", ["task 'a'", "not goal and use"]),
        (ONE + "gaol = 1", ["task 'a': gaol", "did you mean 'goal'"]),
        (ONE + "after = 3", ["task 'a': after", "write text in quotes"]),
        (ONE + "skill = 3", ["task 'a': skill", "write text in quotes"]),
        (ONE + "repeat = {}", ["task 'a': repeat.most", "is missing"]),
        (ONE + "repeat = 0", ["task 'a': repeat.most", "greater than or equal to 1"]),
        (ONE + "each = { of = 'a', most = 5000 }", ["task 'a': each.most", "less than or equal to 1000"]),
        (ONE + "when = { of = 'a' }", ["task 'a': when", "state one of equals"]),
        (ONE + "on_failure = 'retry'", ["task 'a': on_failure", "'stop', 'skip'"]),
        (ONE + "tier = 'iron'", ["task 'a': tier", "no sandbox tier"]),
        (ONE + "workspace = 'nowhere'", ["task 'a': workspace", "looked for beside the file"]),
        (ONE + "verify = { command = 'x' }", ["task 'a': verify.kind", "is missing"]),
        (ONE + ONE, ["task 'a'", "stands twice"]),
        (ONE + "after = ['b']\n[[task]]\nid = 'b'\ngoal = 'y'\nafter = ['a']", ["in a cycle: a -> b -> a"]),
        ("[[task]]\nid = 'a'\nuse = 'other'", ["task 'a': use", "'other' is an unknown workflow"]),
        ("[[task]]\nid = 'a'\ngoal = ' '", ["task 'a': goal", "say in words"]),
        (ONE + "[inputs]\na = 1", ["task 'a'", "is an input's name"]),
        ("nmae = 'x'\n" + ONE, ["nmae", "did you mean 'name'"]),
        ("[task]\nid = 'a'", ["task", "write a list"]),
    ],
)
def test_what_is_wrong_is_said_with_its_file_its_node_and_the_mend(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load_flow(folder(tmp_path, text))
    for part in ["whole.toml", *parts]:
        assert part in str(error.value)


def test_workflows_that_use_one_another_in_a_cycle_are_refused_and_it_is_printed(tmp_path: Path) -> None:
    file = folder(tmp_path, "[[task]]\nid = 'a'\nuse = 'part'", part="[[task]]\nid = 'b'\nuse = 'whole'")
    with pytest.raises(ConfigError, match="in a cycle: whole -> part -> whole"):
        load_flow(file)


def glued(repo: str) -> str:
    return repo + "!"


def cut(repo: str) -> str:
    return f"{repo[:3]}"


def called(repo: str) -> str:
    return f"{repo.upper()}"


@pytest.mark.parametrize("work", [glued, cut, called])
def test_a_function_that_works_on_its_inputs_is_refused_since_nothing_has_run_yet(work: Callable[[str], str]) -> None:
    with pytest.raises(ConfigError, match="before anything has run: only put its parameters into the text"):
        Workflow("x", inputs=["repo"]).task("a")(work)


def test_a_function_without_a_goal_is_refused() -> None:
    def silent(repo: str) -> str:
        return ""

    with pytest.raises(ConfigError, match="its function says no goal"):
        Workflow("x", inputs=["repo"]).task("a")(silent)


def test_a_parameter_names_what_comes_before_and_its_parts() -> None:
    flow = Workflow("x", inputs=["repo"])

    @flow.task()
    def find(repo: str) -> str:
        return f"Find in {repo}"

    @flow.task(after=[find])
    def mend(find: dict[str, list[str]]) -> str:
        return f"Mend {find['files'][0]}"

    node = flow.build().nodes[1]
    assert (node.after, node.model_dump()["goal"]) == (("find",), "Mend {find.files.0}")
    with pytest.raises(ConfigError, match="is no task of this workflow"):
        flow.task("b", "b", after=[load_flow])
    with pytest.raises(ConfigError, match="write a list, as"):
        flow.task("b", "b", after="find")


def test_the_two_forms_in_the_documents_are_the_same_workflow(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/workflows.md").read_text()
    python, toml = (page.split(f"```{language}\n")[1].split("```")[0] for language in ("python", "toml"))
    (tmp_path / "read.toml").write_text(toml)
    shown: dict[str, object] = {}
    exec(python, shown)
    assert load_flow(tmp_path / "read.toml") == shown["built"]
