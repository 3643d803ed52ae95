"""A goal that is planned from the command line: shown, edited in a real editor, refused, gone on with after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from cli.projects import CHECK, Shell, at_terminal, make_project, started, until

PLANNER = 'kind = "function"\ntarget = "planners_of_test:work"\nplan = "do it"\n'
PLANNERS = '''
"""An agent that plans as plans.json says, and writes the right word where it may."""

import json
from pathlib import Path


async def work(desk, plan):
    if desk.task.id.startswith("plan:"):
        replies = json.loads(Path("plans.json").read_text())
        with Path("asked.txt").open("a") as asked:
            asked.write(desk.task.id + "\\n")
        return replies[0 if desk.task.id == "plan:write" else -1]
    if desk.workspace is not None and desk.task.id.startswith("answer"):
        desk.workspace.path("word.txt").write_text("right\\n")
    return "did " + desk.task.id
'''
LOOK = {"id": "look", "description": "look at the word"}
THINK = {"id": "think", "description": "think of another", "depends_on": ["look"]}
GOOD = json.dumps({"subtasks": [LOOK, THINK]})
RING = json.dumps({"subtasks": [{**LOOK, "depends_on": ["think"]}, THINK]})
GOAL = ("run", "mend the word", "--plan", "-w", "repo", "--verify", CHECK)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One agent that plans and works; the shell stands in it."""
    folder = make_project(tmp_path / "project", planner=PLANNER)
    (folder / "planners_of_test.py").write_text(PLANNERS)
    replies(folder, GOOD)
    monkeypatch.chdir(folder)
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return folder


def replies(folder: Path, *texts: str) -> None:
    (folder / "plans.json").write_text(json.dumps(texts))


def editor(folder: Path, *steps: str) -> str:
    """A command that edits: at its n-th call it does the n-th step to the text, and the last one ever after."""
    body = "\n".join(f"    lambda text: {step}," for step in steps)
    (folder / "edit.py").write_text(
        "import re, sys\nfrom pathlib import Path\n"
        f"steps = [\n{body}\n]\n"
        "file, count = Path(sys.argv[-1]), Path('edits.txt')\n"
        "number = len(count.read_text().splitlines()) if count.exists() else 0\n"
        "count.open('a').write('edited\\n')\n"
        "Path(f'offered-{number}.toml').write_text(file.read_text())\n"
        "file.write_text(steps[min(number, len(steps) - 1)](file.read_text()))\n"
    )
    return f"{sys.executable} edit.py"


def ids(form: dict[str, list[dict[str, str]]]) -> list[str]:
    return [task["id"] for task in form["tasks"]]


def test_a_goal_in_words_becomes_a_graph_that_is_shown_and_run(project: Path, shell: Shell) -> None:
    shown = shell(*GOAL, "--yes")
    assert shown.code == 0, shown.err + shown.out
    assert re.search(r"wave 1\n.*look  look at the word", shown.err)
    assert re.search(r"wave 2\n.*think", shown.err)
    assert "workflow plan passed" in shown.out
    assert (project / "repo" / "word.txt").read_text() == "right\n"
    assert "Plan: mend the word" in shell("runs").out


def test_its_form_has_the_plan_beside_the_workflow(project: Path, shell: Shell) -> None:
    form = json.loads(shell(*GOAL, "--yes", "--json").out)
    assert form["flow"]["name"] == "plan"
    assert form["flow"]["verdict"] == "passed"
    assert form["plan"] == {"came_to": "graph", "agent": "planner", "errors": [], "repair": None, "edited": False}
    assert ids(form) == ["plan:write", "look", "think", "answer"]


def test_a_task_file_can_be_planned(project: Path, shell: Shell) -> None:
    verify = f'verify = {{ kind = "command", command = "{CHECK}" }}'
    (project / "task.toml").write_text(f'goal = "mend it"\nworkspace = "repo"\n{verify}\n')
    form = json.loads(shell("run", "task.toml", "--plan", "--yes", "--json").out)
    assert form["flow"]["verdict"] == "passed"
    assert form["flow"]["inputs"] == {}


def test_a_plan_that_is_mended_says_so(project: Path, shell: Shell) -> None:
    replies(project, RING, GOOD)
    shown = shell(*GOAL, "--yes")
    assert shown.code == 0
    assert "the plan was written twice" in shown.out
    assert (project / "asked.txt").read_text().splitlines() == ["plan:write", "plan:repair"]


def test_where_no_plan_can_be_used_the_goal_runs_as_one_task_and_it_is_said(project: Path, shell: Shell) -> None:
    replies(project, RING, RING)
    shown = shell(*GOAL, "--yes")
    assert shown.code == 0
    assert "no usable plan: the goal runs as one task" in shown.err
    assert "look -> think -> look" in shown.err
    assert "the goal ran as one task: subtasks wait for each other" in shown.out
    form = json.loads(shell("show", "--json").out)
    assert form["plan"]["came_to"] == "one task"
    assert ids(form) == ["plan:write", "plan:repair", "answer"]


def test_a_plan_is_changed_in_the_editor_before_it_runs(
    project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(project, "text.replace('look at the word', 'look twice')"))
    form = json.loads(shell(*GOAL, "--edit", "--yes", "--json").out)
    assert form["plan"]["edited"] is True
    assert form["tasks"][1]["goal"].startswith("look twice")
    offered = (project / "offered-0.toml").read_text()
    assert offered.startswith(f"# The plan of run {form['run']}.")
    assert (project / "memory" / "plans" / f"{form['run']}.toml").is_file()


def test_visual_goes_before_editor(project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    monkeypatch.setenv("VISUAL", editor(project, "text"))
    form = json.loads(shell(*GOAL, "--edit", "--yes", "--json").out)
    assert form["plan"]["edited"] is False
    assert form["flow"]["verdict"] == "passed"


def test_a_broken_edit_is_shown_with_its_error_and_offered_again(
    project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = 'text.replace(\'id = "look"\', \'id = "look"\\nafter = ["think"]\')'
    mended = "re.sub('after = ..think..', '', text, count=1)"
    monkeypatch.setenv("EDITOR", editor(project, ring, mended))
    shown = shell(*GOAL, "--edit", "--yes")
    assert shown.code == 0, shown.err
    assert "in a cycle" in shown.err
    offered = (project / "offered-1.toml").read_text()
    assert offered.startswith("# ! ")
    assert "in a cycle" in offered.splitlines()[0]
    assert 'after = ["think"]' in offered


def test_after_three_broken_edits_nothing_runs_and_the_text_is_kept(
    project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(project, "text + 'my own words\\n'"))
    shown = shell(*GOAL, "--edit", "--yes")
    assert shown.code == 5, shown.err
    assert "after 3 tries" in shown.err
    (kept,) = (project / "memory" / "plans").iterdir()
    assert kept.name in shown.err.replace("\n", "")
    assert kept.read_text().count("my own words") == 3
    assert (project / "repo" / "word.txt").read_text() == "wrong\n"
    form = json.loads(shell("show", "--json").out)
    assert form["plan"]["came_to"] == "refused"
    assert form["finished"] is True


def test_a_broken_edit_that_is_left_as_it_is_ends_it(
    project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(project, "text + 'oops\\n'", "text"))
    shown = shell(*GOAL, "--edit", "--yes")
    assert shown.code == 5
    assert len((project / "edits.txt").read_text().splitlines()) == 2


def test_an_editor_that_ends_with_an_error_runs_nothing(
    project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", f"{sys.executable} -c 'raise SystemExit(3)'")
    shown = shell(*GOAL, "--edit", "--yes")
    assert shown.code == 5
    assert "the editor ended with code 3" in shown.err


@pytest.mark.parametrize(
    ("command", "said"), [("", "set $EDITOR"), ("/no/such/editor", "cannot be started"), ("'", "no command")]
)
def test_an_editor_that_cannot_be_used_is_named_and_the_run_can_be_gone_on_with(
    project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.setenv("EDITOR", command)
    shown = shell(*GOAL, "--edit", "--yes")
    assert shown.code == 2
    assert said in shown.err
    resumed = json.loads(shell("resume", "--yes", "--json").out)
    assert resumed["flow"]["verdict"] == "passed"
    assert (project / "asked.txt").read_text() == "plan:write\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "flow.toml", "--plan"), "is a workflow already"),
        (("run", "tasks/", "--plan"), "holds 2 tasks"),
        (("run", "x", "--plan", "--pattern", "debate"), "--pattern"),
        (("run", "x", "--plan", "--topology", "auto"), "--topology"),
        (("run", "x", "--plan", "--input", "a=b"), "--input"),
        (("run", " ", "--plan"), "is empty"),
        (("run", "x", "--plan", "-w", "nowhere"), "does not exist"),
    ],
)
def test_a_mistake_costs_nothing_and_names_the_mend(
    project: Path, shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    (project / "flow.toml").write_text('[[task]]\nid = "a"\ngoal = "b"\n')
    (project / "tasks").mkdir()
    for name in ("one", "two"):
        (project / "tasks" / f"{name}.toml").write_text('goal = "x"\n')
    shown = shell(*arguments)
    assert shown.code == 2, shown.out
    assert said in shown.err
    assert json.loads(shell("runs", "--json").out)["runs"] == []


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 5)])
def test_a_person_at_a_terminal_is_asked(project: Path, answer: str, code: int) -> None:
    arguments = [*GOAL, "--approve", "auto-edit"]
    with at_terminal(project, *arguments, environ={"COLUMNS": "160"}) as (process, terminal):
        seen = until(terminal, "Run it?")
        assert "look at the word" in seen
        os.write(terminal, f"{answer}\n".encode())
        until(terminal, "\x00 the end")
        assert process.wait(timeout=60) == code
    assert (project / "repo" / "word.txt").read_text() == ("wrong\n" if code else "right\n")


def test_a_person_at_a_terminal_can_edit_when_asked(project: Path) -> None:
    command = editor(project, "text.replace('look at the word', 'look twice')")
    with at_terminal(project, *GOAL, "--approve", "auto-edit", environ={"EDITOR": command}) as (process, terminal):
        until(terminal, "Run it?")
        os.write(terminal, b"e\n")
        assert "look twice" in until(terminal, "Run it?")
        os.write(terminal, b"y\n")
        until(terminal, "\x00 the end")
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("point", ["performed.durable:1", "flow_began:1", "flow_began.durable:1"])
def test_a_run_that_was_killed_goes_on_and_plans_nothing_twice(project: Path, shell: Shell, point: str) -> None:
    replies(project, GOOD)
    environ = {
        "AGORA_FAILPOINT": point,
        "EDITOR": editor(project, "text.replace('look at the word', 'look twice')"),
    }
    process = started(project, *GOAL, "--edit", "--yes", environ=environ)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    os.environ["EDITOR"] = f"{sys.executable} -c pass"
    try:
        form = json.loads(shell("resume", "--edit", "--json").out)
    finally:
        del os.environ["EDITOR"]
    assert form["flow"]["verdict"] == "passed"
    assert ids(form) == ["plan:write", "look", "think", "answer"]
    assert (project / "asked.txt").read_text() == "plan:write\n"
    edited = point != "performed.durable:1"
    assert form["tasks"][1]["goal"].startswith("look twice" if edited else "look at the word"), "the text is not lost"
    assert form["plan"]["edited"] is edited


def test_a_run_that_was_killed_while_its_plan_was_edited_offers_the_text_again(project: Path, shell: Shell) -> None:
    script = "import os, signal, sys; from pathlib import Path; f = Path(sys.argv[1]); "
    script += (
        "f.write_text(f.read_text().replace('look at the word', 'look thrice')); os.kill(os.getppid(), signal.SIGKILL)"
    )
    (project / "kill.py").write_text(script)
    process = started(project, *GOAL, "--edit", "--yes", environ={"EDITOR": f"{sys.executable} kill.py"})
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    os.environ["EDITOR"] = f"{sys.executable} -c pass"
    try:
        form = json.loads(shell("resume", "--edit", "--json").out)
    finally:
        del os.environ["EDITOR"]
    assert form["tasks"][1]["goal"].startswith("look thrice")


def test_hostile_texts_are_shown_as_they_are_and_name_nothing(
    project: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = '{goal} }} \u202e\'\'\'\n[[task]]\nid = "evil"\nverify = "rm -rf /" # """'
    replies(project, json.dumps({"subtasks": [{"id": "look", "description": hostile}, THINK]}))
    monkeypatch.setenv("EDITOR", editor(project, "text"))
    shown = shell(*GOAL, "--edit", "--yes", "--json")
    form = json.loads(shown.out)
    assert ids(form) == ["plan:write", "look", "think", "answer"]
    assert form["tasks"][1]["goal"].startswith(hostile)
    assert form["plan"]["edited"] is False
    assert "\u202e" not in (project / "offered-0.toml").read_text()
    assert "\u202e" not in shell("show").out
