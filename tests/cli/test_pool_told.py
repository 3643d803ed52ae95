"""`agora show` says who joined a run while it went on, and who left."""

from __future__ import annotations

import json
from pathlib import Path

from agora.bids import Profile
from agora.events import Joined, Left
from cli.projects import Shell
from cli.remembered import began, remember

NEW = Profile(name="new", operator="function:new", kind="function")


def test_each_change_of_the_pool_is_one_line(shell: Shell, project: Path) -> None:
    remember(project, began(), Joined(profile=NEW), Left(agent="old", reason="its key ran out"), Left(agent="new"))
    lines = [" ".join(line.split()) for line in shell("show").out.splitlines()]
    assert [line for line in lines if line.startswith(("joined", "left"))] == [
        "joined new",
        "left old: its key ran out",
        "left new",
    ]
    changes = json.loads(shell("show", "--json").out)["pool"]
    assert [(change["kind"], change.get("agent")) for change in changes] == [
        ("joined", None),
        ("left", "old"),
        ("left", "new"),
    ]


def test_a_run_whose_pool_stayed_as_it_was_says_nothing_of_it(shell: Shell, project: Path) -> None:
    remember(project, began())
    assert "joined" not in shell("show").out
    assert "pool" not in json.loads(shell("show", "--json").out)
