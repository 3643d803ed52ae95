"""How the command line says what went wrong in a workflow: words, exit codes, and nothing spent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.errors import NoBidsError
from cli.projects import FIXER, Shell, doing, make_project

SECRET = """
[[task]]
id = "open"
goal = "say it"
agents = ["speaker"]

[[task]]
id = "secret"
goal = "say what must stay here: {open}"
after = ["open"]
labels = ["private"]

[[task]]
id = "after"
goal = "{secret}"
after = ["secret"]
"""

ENDLESS = """
[[task]]
id = "wait"
goal = "wait"
agents = ["waiter"]
limits = { seconds = 2 }
on_failure = "skip"

[[task]]
id = "needs"
goal = "{wait}"
after = ["wait"]

[[task]]
id = "beside"
goal = "say it"
agents = ["speaker"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One who speaks, one who waits for ever, one who mends; nobody is trusted with anything."""
    folder = make_project(tmp_path / "project", fixer=FIXER, speaker=doing("speak"), waiter=doing("wait"))
    (folder / "secret.toml").write_text(SECRET)
    (folder / "endless.toml").write_text(ENDLESS)
    monkeypatch.chdir(folder)
    return folder


def test_where_trust_keeps_everybody_out_the_labels_and_who_is_kept_out_are_named(project: Path, shell: Shell) -> None:
    shown = shell("run", "secret.toml", "--yes", "--json")
    assert shown.code == NoBidsError.exit_code, shown.err
    form = json.loads(shown.out)
    secret = next(task for task in form["tasks"] if task["id"] == "secret")
    assert set(secret["kept_out"]) == {"fixer", "speaker", "waiter"}
    assert all(why == "is not trusted with private data" for why in secret["kept_out"].values())
    assert secret["attempts"] == []
    assert "after" not in {task["id"] for task in form["tasks"]}
    words = shell("show").out
    assert "is not trusted with private data" in " ".join(words.split())


def test_a_node_that_never_ends_is_ended_and_what_it_stated_follows(project: Path, shell: Shell) -> None:
    shown = shell("run", "endless.toml", "--yes", "--json")
    form = json.loads(shown.out)
    ended = {task["id"]: task["verdict"] for task in form["tasks"]}
    assert ended == {"wait": "failed", "beside": "unknown"}, shown.err
    tree = " ".join(shell("show").out.split())
    assert "'wait' came to nothing" in tree
    assert "ran out of time" in tree
