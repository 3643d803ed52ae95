"""`agora bench auction`: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.projects import Shell

SMALL = ("--seeds", "2", "--tasks", "30")


def test_the_command_prints_what_it_measured_and_writes_a_table(tmp_path: Path, shell: Shell) -> None:
    path = tmp_path / "figures.csv"
    told = shell("bench", "auction", *SMALL, "--only", "arms", "--csv", str(path))
    assert told.code == 0
    assert "A simulation" in told.out
    assert "took" in told.out
    assert "central router" in told.out
    assert path.read_text().startswith("part,arm,case,figure,mean,low,high,seeds")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "nonsense"], "nonsense"),
        (["--seeds", "1"], "--seeds"),
        (["--seeds", "many"], "--seeds"),
        (
            [*SMALL, "--only", "arms", "--csv", "/nowhere/there/figures.csv"],
            "cannot be written",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_no_traceback(words: list[str], said: str, shell: Shell) -> None:
    told = shell("bench", "auction", *words)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err


def test_as_json_it_is_one_object_that_says_that_it_is_a_simulation(shell: Shell) -> None:
    told = shell("bench", "auction", *SMALL, "--only", "sweep", "--points", "2", "--json")
    said = json.loads(told.out)
    assert (said["schema"], said["simulation"], said["seeds"], said["tasks"]) == ("agora.bench.auction/1", True, 2, 30)
    assert said["arms"] is None
    assert {point["signal"] for point in said["sweep"]} == {0.0, 1.0}
