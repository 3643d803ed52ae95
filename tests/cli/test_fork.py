"""`agora trace replay RUN --from EVENT --change`: a run goes on live from an event, otherwise, in a real project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.cli.main import run_app
from cli.projects import CHECK, Shell, doing
from cli.test_resume import killed

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK, "--yes", "--mechanism", "second_score")


def events(shell: Shell, run: str) -> list[tuple[int, str, str]]:
    """Position, kind and run of each event."""
    found = json.loads(shell("trace", "events", run, "--json").out)["events"]
    return [(one["seq"], one["kind"], one["run"]) for one in found]


def begun(shell: Shell, project: Path) -> tuple[str, int]:
    """A finished run, whose work was taken out of the folder again, and the position of its first scores."""
    assert shell(*RUN).code == 0
    (project / "repo" / "word.txt").write_text("wrong\n")
    run = json.loads(shell("show", "--json").out)["run"]
    return run, next(seq for seq, kind, _ in events(shell, run) if kind == "scored")


def test_a_fork_that_is_killed_goes_on_as_it_began(shell: Shell, project: Path) -> None:
    run, at = begun(shell, project)
    killed(project, "performed.durable:1", "trace", "replay", run, "--from", str(at), "--change", "agents=-spoiler")
    shown = shell("resume")
    assert shown.code == 0, shown.err
    form = json.loads(shell("show", "--json").out)
    assert form["forked"] == {"run": run, "at": at, "changes": {"agents": "-spoiler"}, "spent_usd": "0"}
    assert [attempt["agent"] for attempt in form["tasks"][0]["attempts"]] == ["fixer"]
    assert (project / "repo" / "word.txt").read_text() == "right\n"
    listed = json.loads(shell("runs", "--json").out)["runs"]
    assert [one["forked"] for one in listed] == [{"run": run, "at": at}, None]
    assert f"(forked from {run} at {at})" in " ".join(shell("runs").out.split())
    told = shell("show").out
    assert f"forked from run {run} at event {at} with agents=-spoiler" in told
    own = [kind for _, kind, of in events(shell, form["run"]) if of == form["run"]]
    assert own[:3] == ["started", "left", "posted"]
    assert "bid" not in own, "bids stand in the run that it was forked from"
    assert "is left out of this fork" in shell("explain").out


def test_a_fork_takes_another_rule_and_other_agents(shell: Shell, project: Path) -> None:
    run, _ = begun(shell, project)
    at = next(seq for seq, kind, _ in events(shell, run) if kind == "screened")
    (project / "third.toml").write_text(doing("fix", seconds="1"))
    changes = ("--change", "agents=fixer,third.toml", "--change", "mechanism=first_score", "--change", "attempts=1")
    shown = shell("trace", "replay", run, "--from", str(at), *changes, "--json")
    assert shown.code == 0, shown.err
    form = json.loads(shown.out)
    assert (form["mechanism"], [one["agent"] for one in form["tasks"][0]["attempts"]]) == ("first_score", ["third"])
    assert form["forked"]["at"] == at - 1, "a routing and what it led to are one decision"
    assert shell("resume", form["run"]).code == 0, "a finished fork is told again"


def test_what_cannot_be_meant_is_said_and_nothing_is_begun(shell: Shell, project: Path) -> None:
    run, at = begun(shell, project)
    for change, said in (
        ("agents=", "names nobody"),
        ("agents=-nobody", "no agent of the run named 'nobody'"),
        ("agents=fixer,-spoiler", "not both"),
        ("agents=-fixer,-spoiler", "leaves nobody"),
        ("weights.cots=1", "did you mean 'weights.cost'?"),
        ("budget=lots", "is not an amount of US dollars"),
        ("attempts=0", "no whole number that can be meant"),
        ("verdict=passed", "never changed"),
        ("mark.fixer=5", "nothing that event 'scored' can have otherwise"),
    ):
        shown = shell("trace", "replay", run, "--from", str(at), "--change", change)
        assert (shown.code, said in shown.error) == (2, True), shown.err
    assert len(json.loads(shell("runs", "--json").out)["runs"]) == 1


def test_an_exported_ledger_is_only_read(shell: Shell, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, at = begun(shell, project)
    assert run_app(("trace", "export", run, "-o", "run.jsonl")) == 0
    shown = shell("trace", "replay", run, "--from", str(at), "--ledger", "run.jsonl")
    assert (shown.code, "fork in the project's own memory" in shown.error) == (2, True)
