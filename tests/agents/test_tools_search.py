"""Extractive search answers with the line and where it stands, whatever people type."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agora.agents.folder_search import answer_with_citation, search_folder
from agora.errors import WorkspaceError


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/fees.txt").write_text(
        "# Fees\n\nA drill costs two euros a day.\nA saw costs three euros a day.\n"
    )
    (tmp_path / "docs/code.md").write_text(
        "We write C++ and Python.\nC is not used.\nWhat is it? A library of tools.\n"
    )
    (tmp_path / "docs/retry.md").write_text("# Retries\n\nCalls are retried four times.\nThe limit is twelve.\n")
    (tmp_path / "noise.bin").write_bytes(b"\0saw saw saw")
    return tmp_path


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much does a saw cost?", "A saw costs three euros a day.\ndocs/fees.txt:4"),
        ('how many euros is "a drill', "A drill costs two euros a day.\ndocs/fees.txt:3"),
        ("Is C++ used?", "We write C++ and Python.\ndocs/code.md:1"),
        ("what is it?", "What is it? A library of tools.\ndocs/code.md:3"),
        ("How often is a call retrying?", "Calls are retried four times.\ndocs/retry.md:3"),
        ("limit of retries", "The limit is twelve.\ndocs/retry.md:4"),
    ],
)
def test_questions_find_their_line(library: Path, question: str, answer: str) -> None:
    assert answer_with_citation(library, question) == answer


@pytest.mark.parametrize("question", ["???", "", "zebra", "NEAR(", '"', "* OR *", "line:", "-"])
def test_nothing_to_find_is_no_citation(library: Path, question: str) -> None:
    assert search_folder(library, question) == []
    assert answer_with_citation(library, question) == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(question=st.text(max_size=60))
def test_no_question_is_an_error(library: Path, question: str) -> None:
    for passage in search_folder(library, question):
        lines = (library / passage.path).read_text().splitlines()
        assert lines[passage.line - 1].strip() == passage.text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="gone"):
        search_folder(tmp_path / "gone", "x")
