"""Every example runs, is short, and says what it shows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
SHOWN = {
    "01_hello_market": "answer '42' passed",
    "02_tools": "Oslo: -3.5 degrees",
    "03_repair_a_repository": "+    return n * 2",
    "04_agents_without_a_model": "-import os",
    "05_watch_and_choose_a_mechanism": "refused: {'eve'",
    "06_read_the_web": "the server was asked for: ['/tea']",
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
