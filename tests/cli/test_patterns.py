"""Patterns from the command line: by a flag, by a file, drawn, killed and gone on with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.projects import CHECK, FIXER, Shell, doing, make_project, started

FILE = f"""
pattern = "voting"
goal = "Which word is right?"
workspace = "repo"
verify = "{CHECK}"
agents = ["fixer"]

[options]
votes = 2
voters = ["speaker"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One agent that says something, one that mends; the shell stands in it."""
    folder = make_project(tmp_path / "project", fixer=FIXER, speaker=doing("speak"))
    monkeypatch.chdir(folder)
    return folder


def test_a_goal_is_voted_on(project: Path, shell: Shell) -> None:
    shown = shell(
        "run", "Which word?", "--pattern", "voting", "--option", "votes=2", "--option", "voters=speaker", "--yes"
    )
    assert shown.code == 4, shown.err + shown.out
    form = json.loads(shell("show", "--json").out)
    assert form["flow"]["name"] == "voting"
    assert [task["id"] for task in form["tasks"]] == ["voter_1", "voter_2"]
    tree = shell("show").out
    assert re.search(r"tally  agree, consistency 1.00, 2 of 2 alike", tree)
    assert re.search(r"unresolved  skipped", tree)
    assert form["flow"]["outputs"] == {"result": "x"}


def test_a_file_names_a_pattern_and_what_is_wanted_of_the_answer(project: Path, shell: Shell) -> None:
    (project / "vote.toml").write_text(FILE)
    shown = shell("run", "vote.toml", "--yes", "--json")
    assert shown.code == 0, shown.err
    form = json.loads(shown.out)
    assert (form["flow"]["name"], form["flow"]["verdict"]) == ("vote", "passed")
    assert [task["id"] for task in form["tasks"]] == ["voter_1", "voter_2", "answer"]
    assert (project / "repo" / "word.txt").read_text() == "right\n"


def test_who_votes_cannot_change_files(project: Path, shell: Shell) -> None:
    (project / "vote.toml").write_text(FILE.replace('["speaker"]', '["fixer"]').replace(f'verify = "{CHECK}"\n', ""))
    form = json.loads(shell("run", "vote.toml", "--yes", "--json").out)
    assert [task["verdict"] for task in form["tasks"]][:2] == ["failed", "failed"]
    assert "protected" in json.dumps(form["tasks"][0])


def test_a_goal_can_be_left_to_whoever_runs_it(project: Path, shell: Shell) -> None:
    (project / "vote.toml").write_text('pattern = "voting"\nagents = ["speaker"]\n')
    missing = shell("run", "vote.toml")
    assert missing.code == 2
    assert "'goal'" in missing.err
    form = json.loads(shell("run", "vote.toml", "--input", "goal=Which {word}?", "--yes", "--json").out)
    assert form["tasks"][0]["goal"].startswith("Which {word}?")


def test_a_pattern_is_a_node_of_another_workflow(project: Path, shell: Shell) -> None:
    (project / "vote.toml").write_text('pattern = "voting"\nagents = ["speaker"]\n')
    (project / "whole.toml").write_text(
        '[[task]]\nid = "ask"\nuse = "vote"\ninputs = { goal = "Which word?" }\n'
        '[[task]]\nid = "tell"\ngoal = "Tell them: {ask}"\nafter = ["ask"]\nagents = ["speaker"]\n'
    )
    form = json.loads(shell("run", "whole.toml", "--yes", "--json").out)
    assert form["tasks"][-1]["goal"] == "Tell them: x"
    assert form["tasks"][0]["id"] == "ask/voter_1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "q", "--pattern", "debte"), "did you mean 'debate'"),
        (("run", "q", "--pattern", "debate", "--option", "round=1"), "did you mean 'rounds'"),
        (("run", "q", "--pattern", "debate", "--option", "rounds=99"), "rounds"),
        (("run", "q", "--pattern", "debate", "--option", "rounds"), "NAME=VALUE"),
        (("run", "q", "--option", "rounds=1"), "--pattern"),
        (("run", "vote.toml", "--pattern", "debate"), "--pattern"),
        (("run", "q", "--pattern", "voting", "--input", "gaol=x"), "gaol"),
        (("run", "bad.toml"), "votes"),
        (("run", "q", "--pattern", "voting", "--option", "voters=speeker"), "did you mean 'speaker'"),
    ],
)
def test_a_mistake_costs_nothing_and_names_the_mend(
    project: Path, shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    (project / "vote.toml").write_text(FILE)
    (project / "bad.toml").write_text(FILE.replace("votes = 2", "votes = 1"))
    shown = shell(*arguments)
    assert shown.code == 2, shown.out
    assert said in shown.err
    assert json.loads(shell("runs", "--json").out)["runs"] == []


def test_a_pattern_that_was_killed_in_the_middle_goes_on_and_votes_nothing_twice(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_project(tmp_path / "killed", patient=doing("patient"), speaker=doing("speak"))
    monkeypatch.chdir(folder)
    (folder / "vote.toml").write_text(FILE.replace('agents = ["fixer"]', 'agents = ["patient"]'))
    process = started(folder, "run", "vote.toml", "--yes")
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
    tasks = [(task["id"], len(task["attempts"])) for task in form["tasks"]]
    assert tasks == [("voter_1", 1), ("voter_2", 1), ("answer", 1)]
    assert (folder / "repo" / "word.txt").read_text() == "right\n"
