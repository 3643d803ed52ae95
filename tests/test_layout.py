"""The tree keeps its promises: small files that say what they are, and a light import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import agora

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "agora").rglob("*.py") if "starter" not in path.parts)
HEAVY = {
    "cryptography",
    "litellm",
    "sqlalchemy",
    "sqlmodel",
    "alembic",
    "numpy",
    "networkx",
    "rich",
    "typer",
    "xllamacpp",
    "jinja2",
    "lets_plot",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea_of_at_most_350_lines_and_says_which(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 350
    assert ast.get_docstring(ast.parse(text))


def test_the_loop_can_be_read_in_five_minutes() -> None:
    assert len((ROOT / "agora/market.py").read_text().splitlines()) <= 350


def _loaded(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in shown.stdout.split()}


@pytest.mark.parametrize("statement", ["import agora", "from agora import Agent, Market, tool"])
def test_importing_agora_loads_nothing_heavy(statement: str) -> None:
    assert not _loaded(statement) & HEAVY


def test_every_public_name_is_there_and_listed() -> None:
    for name in agora.__all__:
        assert getattr(agora, name) is not None
    assert len(agora.__all__) <= 30
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(agora, "nonsense")  # noqa: B009 - a name that a type checker would refuse


def test_tests_are_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
