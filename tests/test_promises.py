"""The page of promises names all 32, and only tests, files and commands that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from benchmarks.soak import PARTS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text()
STATES = ("kept", "partly", "not yet")


def rows() -> dict[int, list[str]]:
    lines = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line] for line in lines]
    return {int(row[0]): row for row in cells if row[0].isdigit()}


def test_every_promise_has_one_row_and_a_state() -> None:
    numbers = [int(found) for found in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert sorted(numbers) == list(range(1, 33))
    assert {row[2] for row in rows().values()} == set(STATES)


@pytest.mark.parametrize("number", range(1, 33))
def test_what_a_row_names_is_there(number: int) -> None:
    _, promise, state, tests, figure, long_form = rows()[number]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
    assert promise
    assert figure, "what was measured, or what is missing"
    assert named or state != "kept", "a promise is kept by a test"
    for path, function in named:
        tree = ast.parse((ROOT / path).read_text())
        defined = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        assert function in defined, f"{path} has no {function}"
    assert state != "not yet" or not named, "what has a test is kept, or partly"
    assert not long_form or re.fullmatch(r'`make soak PARTS="[a-z ]+"`', long_form)


def test_the_parts_and_targets_that_the_page_names_exist_and_start() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", PAGE)) <= targets
    parts = {part for words in re.findall(r'PARTS="([a-z ]+)"', PAGE) for part in words.split()}
    assert parts <= set(PARTS)
    assert parts == set(PARTS), "a part of the soak that stands behind no promise"
    for script, *_ in PARTS.values():
        assert (ROOT / script).is_file()
    for path in re.findall(r"`((?:benchmarks|tests)/[\w/]+\.py)`", PAGE):
        assert (ROOT / path).is_file(), path


def test_no_figure_was_left_open() -> None:
    assert not re.findall(r"@\w*@", PAGE)
