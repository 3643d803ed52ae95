"""The documents keep to the truth: python in them runs, files they name are there, commands they show exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def fences(language: str) -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(ROOT)}:{page.read_text()[: match.start()].count(chr(10)) + 1}", match[2])
        for page in PAGES
        for match in FENCE.finditer(page.read_text())
        if match[1] == language
    ]


@pytest.mark.parametrize(("where", "code"), fences("python"), ids=[where for where, _ in fences("python")])
def test_python_in_the_documents_runs(where: str, code: str, tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert ran.returncode == 0, f"{where}: {ran.stderr}"


def test_files_that_the_documents_name_are_there() -> None:
    named = re.compile(r"`((?:agora|agents|auctions|checklist|docs|examples|benchmarks|workflows)/[\w./-]+)`")
    missing = {
        f"{page.name}: {path}"
        for page in PAGES
        for path in named.findall(page.read_text())
        if not (ROOT / path).exists() and "NAME" not in path
    }
    assert not missing


def test_commands_that_the_documents_show_exist() -> None:
    helped = subprocess.run([sys.executable, "-m", "agora", "--help"], capture_output=True, text=True, check=True)
    shown = {
        word
        for page in PAGES
        for _, block in [(match[1], match[2]) for match in FENCE.finditer(page.read_text())]
        for word in re.findall(r"^(?:\$ )?(?:uvx )?agora ([a-z]+)", block, re.MULTILINE)
    }
    assert shown
    for command in shown:
        assert re.search(rf"\b{command}\b", helped.stdout), command


def test_nothing_in_the_documents_was_left_to_be_filled_in() -> None:
    assert not [page.name for page in PAGES if "@@" in page.read_text() or "TODO" in page.read_text()]


def test_the_readme_shows_two_commands_that_do_all_the_set_up() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make run" in text
    assert "make test" in text
    assert "make test" in (ROOT / ".ci/run").read_text()
