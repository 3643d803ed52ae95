"""A folder of tasks whose budget is paced, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.projects import Shell, doing, make_project


def test_a_folder_of_tasks_shares_its_budget_as_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    folder = make_project(tmp_path / "project", speaker=doing("speak"))
    monkeypatch.chdir(folder)
    (folder / "work").mkdir()
    for name in "abcd":
        (folder / "work" / f"{name}.toml").write_text(f'goal = "say {name}"\n')
    monkeypatch.setenv("AGORA_PACING", "even")
    shown = shell("run", "work/", "--yes", "--budget", "1.00", "--output-format", "stream-json")
    lines = [json.loads(line) for line in shown.out.splitlines() if line.startswith("{")]
    events = [line.get("event", line) for line in lines]
    limits = [float(event["limit_usd"]) for event in events if event.get("kind") == "paced"]
    assert limits == pytest.approx([0.25, 1 / 3, 0.5, 1.0], abs=1e-5), shown.err


def test_a_rate_lowers_what_a_run_may_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    folder = make_project(tmp_path / "project", speaker=doing("speak"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AGORA_USD_PER_HOUR", "0.25")
    shown = shell("run", "say it", "--yes", "--budget", "1.00")
    assert "an hour, this run may cost $0.25" in shown.err
    again = shell("run", "say it", "--yes", "--budget", "1.00", "--output-format", "stream-json")
    lines = [json.loads(line) for line in again.out.splitlines() if line.startswith("{")]
    started = next(event for line in lines if (event := line.get("event", line)).get("kind") == "started")
    assert 0 < float(started["limits"]["usd"]) < 0.25, "it came at once after the first"
    monkeypatch.setenv("AGORA_USD_PER_HOUR", "0")
    assert "AGORA_USD_PER_HOUR" in shell("run", "say it").err
