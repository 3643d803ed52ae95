"""`agora report`: many runs in the terminal, as JSON and as a page, all with the same figures."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agora.events import Event, Posted
from agora.intervals import Mean, Rate
from agora.tasks import Task
from agora.traces.many.words import cost, cost_interval, interval, passed
from cli.projects import CHECK, Shell
from cli.remembered import remember
from traces.many_ledgers import a_run, began

HOSTILE = "<script>alert(1)</script>\u202e\x1b[2J[red]"


def _remember(project: Path, *, runs: int = 5) -> None:
    for at in range(runs):
        remember(project, *a_run(f"run{at:04}", at)[0], run=f"run{at:04}")


def _told(shell: Shell, *arguments: str) -> Mapping[str, Any]:
    shown = shell("report", "--json", *arguments)
    assert shown.code == 0, shown.err
    form: dict[str, Any] = json.loads(shown.out)
    assert form.pop("schema") == "agora.report/1"
    return form


def _cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


@pytest.mark.usefixtures("project")
def test_without_a_run_it_says_so(shell: Shell) -> None:
    shown = shell("report")
    assert shown.code == 0
    assert "no runs" in shown.out
    assert _told(shell)["classes"] == []


def test_a_run_that_was_made_is_in_the_figures(project: Path, shell: Shell) -> None:
    for _ in range(2):
        (project / "repo" / "word.txt").write_text("wrong\n")
        assert shell("run", "mend the word", "--workspace", "repo", "--verify", CHECK, "--yes").code == 0
    form = _told(shell)
    agents = {agent["agent"]: agent for agent in form["total"]["agents"]}
    assert (form["runs"], form["ended"], form["total"]["tasks"]) == (2, 2, 2)
    assert (agents["fixer"]["grounded"]["passed"], agents["fixer"]["grounded"]["n"]) == (2, 2)
    assert form["classes"][0]["unit"] == "s"
    assert form["total"]["usd"] == "0"
    shown = shell("report")
    assert "Not known yet which pool passes at least 90 % of these" in shown.out
    assert "fixer" in shown.out


def test_the_page_and_the_terminal_show_what_the_json_says(project: Path, shell: Shell) -> None:
    _remember(project)
    form = _told(shell)
    shown = shell("report", "-o", "report.html")
    assert shown.code == 0, shown.err
    assert not shown.err
    page = (project / "report.html").read_text()
    cells = _cells(page)
    for scope in form["classes"]:
        assert html.escape(scope["cheapest"]["sentence"]) in page
        assert scope["cheapest"]["sentence"] in " ".join(shown.out.split())
        for pool in scope["pools"]:
            rate = Rate.model_validate(pool["grounded"])
            usd, seconds = Mean.model_validate(pool["usd"]), Mean.model_validate(pool["seconds"])
            label = " + ".join(pool["agents"]) or "the market"
            row = [label, passed(rate), str(pool["unknown"]), interval(rate), cost(usd, "usd"), cost(seconds, "s")]
            assert any(cell[:6] == row for cell in cells)
        for agent in scope["agents"]:
            rate, judged = Rate.model_validate(agent["grounded"]), Rate.model_validate(agent["judged"])
            usd, seconds = Mean.model_validate(agent["usd"]), Mean.model_validate(agent["seconds"])
            row = [agent["agent"], str(agent["tasks"]), str(agent["attempts"]), passed(rate), interval(rate)]
            row += [passed(judged), cost(usd, "usd"), cost_interval(usd, "usd")]
            assert [*row, cost(seconds, "s"), cost_interval(seconds, "s")] in cells
    for judge in form["total"]["judges"]:
        assert any(cell[0] == judge["judge"] and cell[-1] == f"{judge['agreement']:.2f}" for cell in cells)


def test_runs_and_classes_are_selected(project: Path, shell: Shell) -> None:
    _remember(project, runs=5)
    assert _told(shell, "--last", "2")["runs"] == 2
    assert [scope["skill"] for scope in _told(shell, "--skill", "docs")["classes"]] == ["docs"]
    assert _told(shell, "--skill", "nothing of that name")["total"]["tasks"] == 0
    assert _told(shell, "--since", "2000-01-01")["runs"] == 5
    assert _told(shell, "--since", "2999-01-01")["runs"] == 0
    assert _told(shell, "--since", "7d")["runs"] == 5
    assert _told(shell, "--target", "0.5")["classes"][0]["cheapest"]["target"] == 0.5


@pytest.mark.parametrize("moment", ["yesterday", "", "d", "99999999999999d", "-1d", "2026-13-01", "²d"])
@pytest.mark.usefixtures("project")
def test_a_moment_that_cannot_be_read_is_named(moment: str, shell: Shell) -> None:
    shown = shell("report", "--since", moment)
    assert shown.code == 2
    assert "is no moment" in shown.error


@pytest.mark.usefixtures("project")
def test_a_page_that_cannot_be_written_is_named_before_anything_is_read(shell: Shell) -> None:
    for place in ("nowhere/report.html", "repo"):
        shown = shell("report", "-o", place)
        assert shown.code == 2
        assert "-o" in shown.error


def test_what_others_wrote_has_no_effect(project: Path, shell: Shell) -> None:
    pool = (HOSTILE, "scout")
    made: list[Event] = [began(pool)]
    events, _ = a_run("run0001", 1)
    for event in events[1:]:
        text = event.model_dump_json().replace('"surgeon"', json.dumps(HOSTILE)).replace('"docs"', json.dumps(HOSTILE))
        made.append(type(event).model_validate_json(text))
    remember(project, *made, run="run0001")
    shown = shell("report", "-o", "report.html")
    assert shown.code == 0, shown.err
    page = (project / "report.html").read_text()
    for text in (page, shown.out):
        assert "\u202e" not in text
        assert "\x1b" not in text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;U+202E&gt;" in page
    assert "<script>alert(1)</script><U+202E><U+001B>[2J[red]" in shown.out


def test_open_runs_are_said_to_be_open(project: Path, shell: Shell) -> None:
    remember(project, began(), Posted(task="t", spec=Task(id="t", goal="g")))
    shown = shell("report", "-o", "report.html")
    assert "no task has ended yet" in shown.out
    assert "1 task not ended yet" in shown.out
    assert "1 task not ended yet" in (project / "report.html").read_text()


def test_an_exported_ledger_gives_the_same_figures(project: Path, shell: Shell) -> None:
    _remember(project, runs=3)
    form = _told(shell)
    assert shell("trace", "export", "--all", "-o", "ledger.jsonl").code == 0
    assert _told(shell, "--ledger", "ledger.jsonl") == form
