"""Every example runs, is short, and says what it shows."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SHOWN = {
    "01_hello_market": "answer '42' passed",
    "02_tools": "Oslo: -3.5 degrees",
    "03_repair_a_repository": "+    return n * 2",
    "04_agents_without_a_model": "-import os",
    "05_watch_and_choose_a_mechanism": "refused: {'eve'",
    "06_read_the_web": "the server was asked for: ['/tea']",
    "07_deep_search": "careful    passed   'Ada mends radios.\\nradios.md:1'",
    "08_map_reduce": 'passed: {"the": 4, "and": 2, "tower": 1}',
    "09_debate": "result: nine",
    "10_approval": "unknown: sent",
    "11_fix_a_bug": "review     unknown  new: return n * 2",
}


def test_there_is_an_expectation_for_each_example() -> None:
    assert {path.stem for path in EXAMPLES} == set(SHOWN)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_is_at_most_sixty_lines(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 60
    assert ast.get_docstring(ast.parse(text))
    ran = subprocess.run([sys.executable, path], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert SHOWN[path.stem] in ran.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What `agora init` writes, and a folder to search."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "radios.md").write_text("# Radios\n\nAda mends radios.\n")
    assert agora(tmp_path, "init", ".").returncode == 0
    return tmp_path


def agora(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "agora", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, cwd=project, timeout=60, stdin=subprocess.DEVNULL)


def test_a_folder_is_searched_by_a_workflow_of_a_file_and_the_agents_of_a_new_project(project: Path) -> None:
    asked = ["--input", "folder=notes", "--input", "questions=Who mends radios?\nWhat is xylophagy?"]
    ran = agora(project, "run", str(ROOT / "examples" / "deep_search.toml"), *asked, "--json")
    form = json.loads(ran.stdout)
    assert form["flow"]["outputs"]["report"] == 'Found in notes: ["Ada mends radios.\\nradios.md:3"]', ran.stderr
    assert [task["verdict"] for task in form["tasks"]] == ["unknown", "failed"]


def test_a_workflow_of_a_file_waits_for_a_person_and_goes_on_as_it_says(project: Path) -> None:
    asked = ["--input", "folder=notes", "--input", "question=Who mends radios?"]
    waits = agora(project, "run", str(ROOT / "examples" / "approval.toml"), *asked)
    assert waits.returncode == 5, waits.stderr
    assert "look  unknown" in waits.stdout
    assert "Is this to be handed in? Ada mends radios." in waits.stdout
    assert agora(project, "approve", "--yes").returncode == 0
    form = json.loads(agora(project, "resume", "--json").stdout)
    assert form["flow"]["outputs"]["report"] == "Who mends radios? Ada mends radios.\nradios.md:3"
    assert [len(task["attempts"]) for task in form["tasks"]] == [1]
