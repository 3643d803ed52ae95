"""Workflows from the command line: a TOML file, a Python file, questions, resumption, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.projects import CHECK, FIXER, Shell, doing, make_project, started

FLOW = f"""
[inputs]
word = "right"

[[task]]
id = "look"
goal = "say the {{word}} word"
agents = ["speaker"]

[[task]]
id = "mend"
goal = "write what stands here: {{look}}"
after = ["look"]
workspace = "repo"
verify = "{CHECK}"
agents = ["fixer"]
"""

ASKING = """
[[task]]
id = "ask"
approve = "Shall it be said?"

[[task]]
id = "say"
goal = "say it"
agents = ["speaker"]
after = ["ask"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One agent that says something, one that mends; the shell stands in it."""
    folder = make_project(tmp_path / "project", fixer=FIXER, speaker=doing("speak"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def flow(project: Path) -> Path:
    (project / "flow.toml").write_text(FLOW)
    return project / "flow.toml"


def test_a_workflow_is_run_from_its_file(flow: Path, shell: Shell) -> None:
    shown = shell("run", "flow.toml", "--yes")
    assert shown.code == 0, shown.err + shown.out
    assert "workflow flow passed" in shown.out
    tree = shell("show").out
    assert re.search(r"wave 1\n.*look  unknown  say the \{word\} word", tree)
    assert re.search(r"wave 2\n.*mend  passed  write what stands here: \{look\}  \(after look\)", tree)
    assert (flow.parent / "repo" / "word.txt").read_text() == "right\n"


def test_its_form_names_its_inputs_what_came_of_it_and_its_tasks(flow: Path, shell: Shell) -> None:
    shown = shell("run", "flow.toml", "--yes", "--json", "--input", "word=very right")
    form = json.loads(shown.out)
    assert form["flow"]["name"] == "flow"
    assert form["flow"]["inputs"] == {"word": "very right"}
    assert form["flow"]["verdict"] == "passed"
    assert [task["id"] for task in form["tasks"]] == ["look", "mend"]
    assert form["tasks"][0]["goal"] == "say the very right word"
    assert form["tasks"][1]["kept_out"]["speaker"].startswith("is not among those who may bid")


def test_a_workflow_in_python_is_named_by_its_file_and_its_variable(project: Path, shell: Shell) -> None:
    (project / "flow.py").write_text(
        "from agora.workflows.flow import Workflow\n"
        "flow = Workflow('greeting', inputs={'who': 'Ada'})\n"
        "flow.task('greet', 'greet {who}', agents=['speaker'])\n"
        "@flow.task(after=['greet'], agents=['speaker'])\n"
        "def tell(greet):\n"
        "    return f'tell them: {greet}'\n"
    )
    shown = shell("run", "flow.py:flow", "--json", "--yes")
    assert [task["id"] for task in json.loads(shown.out)["tasks"]] == ["greet", "tell"]
    assert json.loads(shown.out)["flow"]["verdict"] == "unknown", "nothing says how it is verified"
    assert shown.code == 4


def test_a_question_of_a_workflow_waits_and_its_answer_lets_it_go_on(project: Path, shell: Shell) -> None:
    (project / "asking.toml").write_text(ASKING)
    shown = shell("run", "asking.toml")
    assert shown.code == 5, shown.err
    assert "Shall it be said?" in shown.out
    assert "ask: waits for an answer: Shall it be said?" in shown.err
    run = str(json.loads(shell("show", "--json").out)["run"])
    answered = shell("approve", run, "--yes")
    assert answered.code == 0, answered.err
    shown = shell("resume", run, "--json")
    form = json.loads(shown.out)
    assert form["finished"] is True
    assert [task["id"] for task in form["tasks"]] == ["say"]
    assert form["flow"]["questions"][0]["granted"] is True


def test_a_no_ends_the_workflow(project: Path, shell: Shell) -> None:
    (project / "asking.toml").write_text(ASKING)
    shell("run", "asking.toml")
    run = str(json.loads(shell("show", "--json").out)["run"])
    assert shell("approve", run, "--no").code == 0
    shown = shell("resume", run)
    assert shown.code == 5
    assert "workflow asking failed" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "flow.toml", "--input", "wrod=x"), "wrod"),
        (("run", "flow.toml", "--input", "word"), "NAME=VALUE"),
        (("run", "flow.toml", "--input", "word=a", "--input", "word=b"), "given twice"),
        (("run", "flow.toml", "--verify", "true"), "--verify"),
        (("run", "say hello", "--input", "word=a"), "only a workflow"),
        (("run", "nothing.py:flow"), "is not there"),
        (("run", "helpers_of_test.py:fix"), "is no workflow"),
        (("run", "helpers_of_test.py"), "is Python: write helpers_of_test.py:NAME"),
        (("run", "plural.toml"), "write [[task]]"),
        (("run", "flaw.toml", "--input", "word=a"), "flaw.toml: is not there"),
        (("run", "broken.toml"), "ring"),
    ],
)
def test_a_mistake_costs_nothing_and_names_the_mend(
    flow: Path, shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    ring = '[[task]]\nid = "a"\ngoal = "a"\nafter = ["b"]\n[[task]]\nid = "b"\ngoal = "b"\nafter = ["a"]\n'
    (flow.parent / "broken.toml").write_text(ring.replace('"a"', '"ring_a"').replace('"b"', '"ring_b"'))
    (flow.parent / "plural.toml").write_text('[[tasks]]\nid = "a"\ngoal = "a"\n')
    shown = shell(*arguments)
    assert shown.code == 2, shown.out
    assert said in shown.err
    assert json.loads(shell("runs", "--json").out)["runs"] == []


def test_a_workflow_that_was_killed_in_the_middle_goes_on_and_does_nothing_twice(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_project(tmp_path / "killed", patient=doing("patient"), speaker=doing("speak"))
    monkeypatch.chdir(folder)
    (folder / "flow.toml").write_text(FLOW.replace('"fixer"', '"patient"'))
    process = started(folder, "run", "flow.toml", "--yes")
    assert process.stderr is not None
    for line in process.stderr:
        if "awarded to patient" in line:
            break
    process.kill()
    process.communicate(timeout=60)
    (folder / "go").touch()
    shown = shell("resume", "--json")
    assert shown.code == 0, shown.err
    form = json.loads(shown.out)
    assert form["flow"]["verdict"] == "passed"
    assert [(task["id"], len(task["attempts"])) for task in form["tasks"]] == [("look", 1), ("mend", 1)]
    assert (folder / "repo" / "word.txt").read_text() == "right\n"


def test_a_topology_can_be_asked_for_and_is_said(flow: Path, shell: Shell) -> None:
    shown = shell("run", "flow.toml", "--yes", "--topology", "auto")
    assert shown.code == 0, shown.err + shown.out
    assert "flow ran in topology sequential: each of 2 subtasks waits for the one before" in " ".join(shown.out.split())
    form = json.loads(shell("show", "--json").out)
    assert form["flow"]["topologies"]["flow"]["by"] == "rule"
    assert "'star' is an unknown topology" in shell("run", "flow.toml", "--topology", "star").err
    assert "is of a workflow" in shell("run", "say it", "--topology", "auto").err


ANSWERS = """
synthesis = true
[[task]]
id = "one"
goal = "say one thing"
agents = ["speaker"]
[[task]]
id = "two"
goal = "say another thing"
agents = ["speaker"]
"""


def test_answers_that_agree_are_merged_and_shown_so_in_the_tree(project: Path, shell: Shell) -> None:
    (project / "ask.toml").write_text(ANSWERS)
    shown = shell("run", "ask.toml", "--yes")
    assert re.search(r"agree  agree, consistency 1\.00, 2 of 2 alike", shown.out), shown.out
    assert "consistency_unresolved:" not in shown.out
    assert re.search(r"\d\d passed over", shown.out), "what was not needed is counted"
    assert len(shown.out.splitlines()) < 50


def test_answers_that_never_agree_are_said_to_differ(project: Path, shell: Shell) -> None:
    first, _, second = ANSWERS.rpartition('agents = ["speaker"]')
    other = f'{first}agents = ["fixer"]\nworkspace = "repo"{second}'
    (project / "ask.toml").write_text(other)
    shown = shell("run", "ask.toml", "--yes")
    assert "consistency_unresolved: the answers still differed at the end" in shown.out, shown.out + shown.err
    assert re.search(r"agree-again-r5  differ, consistency 0\.00, 1 of 2 alike", shown.out)
    form = json.loads(shell("show", "--json").out)
    assert form["flow"]["compared"]["consistency_unresolved"]["distinct"] == 2
    assert form["flow"]["topologies"]["ask"]["reroutes"][-1] == "hierarchical"
