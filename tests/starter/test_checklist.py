"""The checklist is seven red checks that can be met, and what bidders see is not what the verifier asks."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from agora.tasks import Task
from starter.reference_answers import ANSWERS

CHECKLIST = Path(__file__).parents[2] / "checklist"
FUNCTIONS = {
    "03-count-vowels": "count_vowels",
    "04-reverse-words": "reverse_words",
    "06-leap-year": "is_leap_year",
    "07-next-run": "next_run",
}
RUNNER = """
import runpy, sys
for name, test in runpy.run_path(sys.argv[1]).items():
    if name.startswith("test_"):
        test()
"""


def definition(stem: str) -> dict[str, Any]:
    return tomllib.loads((CHECKLIST / f"{stem}.toml").read_text())


def stems() -> list[str]:
    return sorted(path.stem for path in CHECKLIST.glob("*.toml"))


def task(stem: str) -> Task:
    fields = definition(stem)
    fields.pop("verify")
    return Task(id=stem, **fields)


def copy_of_repo(folder: Path, stem: str, answer: str | None) -> Path:
    copy = folder / "repo"
    shutil.copytree(CHECKLIST / "repo", copy)
    if answer is not None:
        (copy / task(stem).files[0]).write_text(answer)
    return copy


def python(copy: Path, *arguments: str) -> int:
    """Exit code of the interpreter, started in a copy of the repository and importing from it."""
    start = f"import sys; sys.path.insert(0, {str(copy)!r}); sys.argv = sys.argv[1:]; exec(sys.argv[0])"
    done = subprocess.run([sys.executable, "-B", "-c", start, *arguments], cwd=copy, capture_output=True, timeout=60)
    return done.returncode


def hidden_tests(copy: Path, stem: str) -> int:
    return python(copy, RUNNER, str(CHECKLIST / definition(stem)["verify"]["file"]))


def examples(copy: Path, stem: str) -> int:
    module = task(stem).files[0].removesuffix(".py").replace("/", ".")
    return python(copy, "\n".join([f"from {module} import *", *task(stem).examples]))


def calls(source: str, function: str) -> set[str]:
    """Every call of a function in a source, with its arguments, in one normal form."""
    return {
        ast.dump(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    }


def test_there_are_seven_checks_of_the_five_skills() -> None:
    assert len(stems()) == 7
    assert [task(stem).skill for stem in stems()] == [
        "lint",
        "format",
        "function",
        "function",
        "question",
        "bug",
        "function",
    ]


@pytest.mark.parametrize("stem", FUNCTIONS)
def test_a_code_check_is_red_before_and_green_with_the_right_answer(stem: str, tmp_path: Path) -> None:
    before = copy_of_repo(tmp_path / "before", stem, None)
    after = copy_of_repo(tmp_path / "after", stem, ANSWERS[FUNCTIONS[stem]])
    assert hidden_tests(before, stem) == 1
    assert examples(before, stem) == 1
    assert hidden_tests(after, stem) == 0
    assert examples(after, stem) == 0


@pytest.mark.parametrize("stem", FUNCTIONS)
def test_visible_examples_are_disjoint_from_the_hidden_tests(stem: str) -> None:
    function = FUNCTIONS[stem]
    seen = calls("\n".join(task(stem).examples), function)
    hidden = calls((CHECKLIST / definition(stem)["verify"]["file"]).read_text(), function)
    assert seen
    assert hidden
    assert not seen & hidden


@pytest.mark.parametrize("stem", ["01-lint", "02-format"])
def test_ruff_turns_its_two_checks_from_red_to_green(stem: str, tmp_path: Path) -> None:
    copy = copy_of_repo(tmp_path, stem, None)
    check = [sys.executable, *definition(stem)["verify"]["command"][1:]]
    mend = {"01-lint": ["check", "--fix"], "02-format": ["format"]}[stem]
    assert subprocess.run(check, cwd=copy, capture_output=True).returncode == 1
    command = [sys.executable, "-m", "ruff", *mend, "--no-cache", *task(stem).files]
    assert subprocess.run(command, cwd=copy, capture_output=True).returncode == 0
    assert subprocess.run(check, cwd=copy, capture_output=True).returncode == 0


def test_the_cited_line_answers_the_question_and_no_other_line_does() -> None:
    check = definition("05-question")["verify"]
    lines = (CHECKLIST / "repo" / check["path"]).read_text().splitlines()
    assert "deposit of forty euros" in lines[check["line"] - 1]
    texts = [path.read_text() for path in (CHECKLIST / "repo" / "docs").glob("*.txt")]
    assert len(texts) == 12
    assert sum(text.count("forty euros") for text in texts) == 1
