"""`agora trace report`: where the page goes, what is never overwritten, what is said where something is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cli.projects import CHECK, Shell


@pytest.fixture
def run(project: Path, shell: Shell) -> str:
    """A run in the project that the shell stands in."""
    shown = shell("run", "mend it", "--workspace", "repo", "--verify", CHECK, "--yes")
    assert shown.code == 0, shown.err
    return str(json.loads(shell("show", "--json").out)["run"])


def test_the_page_is_named_after_its_run_and_never_written_over(run: str, shell: Shell, project: Path) -> None:
    shown = shell("trace", "report")
    page = project / f"report-{run}.html"
    assert shown.code == 0, shown.err
    assert f"run {run} stands in report-{run}.html" in shown.out
    text = page.read_text(encoding="utf-8")
    assert f"<h1>Run {run}</h1>" in text
    assert "mended the word" in text
    assert "holds" in text
    page.write_text("mine")
    again = shell("trace", "report", run)
    assert again.code == 2
    assert again.error.startswith(f"error: 'report-{run}.html' is there already: name another file with -o, or say --f")
    assert page.read_text() == "mine"
    assert shell("trace", "report", run, "--force").code == 0
    assert page.read_text(encoding="utf-8") == text


def test_an_exported_ledger_gives_the_same_page(run: str, shell: Shell, project: Path) -> None:
    assert shell("trace", "export", run, "-o", "run.jsonl").code == 0
    assert shell("trace", "report", run, "-o", "one.html", "--no-check").code == 0
    shown = shell("trace", "report", run, "-o", "two.html", "--no-check", "--ledger", "run.jsonl")
    assert shown.code == 0, shown.err
    assert (project / "one.html").read_bytes() == (project / "two.html").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "agents"), "'agents' is a folder: name a file, as 'agents/report.html'"),
        (("-o", "no/such/page.html"), "there is no folder 'no/such' to write to"),
        (("--ledger", "nothing.jsonl"), "nothing.jsonl"),
    ],
)
def test_a_mistake_is_named_with_its_mend(run: str, shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    shown = shell("trace", "report", run, *arguments)
    assert shown.code in (1, 2)
    assert said in shown.error
    assert "Traceback" not in shown.err


def test_an_unknown_run_is_said(project: Path, shell: Shell) -> None:
    shown = shell("trace", "report", "nonsense")
    assert shown.code == 2
    assert "nonsense" in shown.error


@pytest.mark.parametrize("missing", ["jinja2", "lets_plot"])
def test_without_the_extra_its_name_is_said(
    run: str, shell: Shell, project: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    from agora.traces.pages import drawing, rendering

    rendering._environment.cache_clear()  # pyright: ignore[reportPrivateUsage] - as in a new process
    drawing.grammar.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    shown = shell("trace", "report", run)
    assert shown.code == 2
    assert "pip install 'agora-market[report]'" in shown.error
    assert not list(project.glob("*.html"))
    drawing.grammar.cache_clear()
