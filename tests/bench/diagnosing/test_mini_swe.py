"""mini-swe-agent's trajectories, alone and with the evaluations that stand beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.bench.diagnosing.attempts import Log, compared
from agora.bench.diagnosing.reading import form_of, read_log
from agora.errors import ConfigError


def _trajectory(folder: Path, instance: str, model: str, *, usd: float = 0.5, ending: str = "Submitted") -> Path:
    path = folder / instance / f"{instance}.traj.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    reply = {"role": "assistant", "extra": {"response": {"usage": {"prompt_tokens": 900, "completion_tokens": 40}}}}
    content = {
        "info": {
            "exit_status": ending,
            "submission": "diff",
            "model_stats": {"instance_cost": usd, "api_calls": 12},
            "mini_version": "1.14.0",
            "config": {"model": {"model_name": model}},
        },
        "messages": [{"role": "user", "content": "x"}, reply, reply],
        "trajectory_format": "mini-swe-agent-1",
    }
    path.write_text(json.dumps(content, indent=2))
    return path


def _read(path: Path) -> Log:
    assert form_of(path) == "mini-swe-agent"
    return read_log(path, "mini-swe-agent")


def test_a_run_says_who_did_what_at_what_cost_and_how_it_ended(tmp_path: Path) -> None:
    _trajectory(tmp_path, "django__django-1", "anthropic/claude", usd=0.25)
    _trajectory(tmp_path, "django__django-2", "anthropic/claude", ending="LimitsExceeded")
    found = _read(tmp_path)
    done, cut = found.attempts
    assert (done.model, done.query, done.usd, done.tag) == ("anthropic/claude", "django__django-1", 0.25, "django")
    assert (done.input_tokens, done.output_tokens, done.failed) == (1800, 80, "")
    assert cut.failed == "LimitsExceeded"
    assert found.counts == {"model calls": 24}
    assert done.score is None
    assert "resolved_ids" in found.missing[0]


def test_a_summary_in_each_models_folder_makes_them_compare(tmp_path: Path) -> None:
    for model, resolved in (("big", ["a__b-1", "a__b-2"]), ("small", ["a__b-1"])):
        for at in (1, 2, 3):
            _trajectory(tmp_path / model, f"a__b-{at}", model)
        others = [f"a__b-{at}" for at in (1, 2) if f"a__b-{at}" not in resolved]
        summary = {"resolved_ids": resolved, "unresolved_ids": others, "empty_patch_ids": ["a__b-3"]}
        (tmp_path / model / f"{model}.run1.json").write_text(json.dumps(summary))
    found = compared(_read(tmp_path))
    assert found is not None
    assert found.models == ("big", "small")
    assert found.scores.tolist() == [[1, 1], [1, 0], [0, 0]]


def test_of_several_models_in_one_folder_a_summary_counts_for_the_one_it_is_named_after(tmp_path: Path) -> None:
    _trajectory(tmp_path / "x", "a__b-1", "lab/big")
    _trajectory(tmp_path / "y", "a__b-1", "small")
    (tmp_path / "lab__big.run.json").write_text(json.dumps({"resolved_ids": ["a__b-1"]}))
    found = _read(tmp_path)
    assert [one.score for one in found.attempts] == [1.0, None]
    assert found.oddities == ("1 of 2 runs have no evaluation: whether they resolved anything is not known",)


@pytest.mark.parametrize("where", ["beside", "apart"])
def test_a_report_for_each_instance_is_found_beside_the_run_or_under_the_models_name(
    where: str, tmp_path: Path
) -> None:
    path = _trajectory(tmp_path / "runs", "a__b-1", "lab/big")
    folder = path.parent if where == "beside" else tmp_path / "logs" / "lab__big" / "a__b-1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps({"a__b-1": {"resolved": False}}))
    (one,) = _read(tmp_path).attempts
    assert one.score == 0.0


def test_a_cost_that_was_not_tracked_is_unknown_and_a_foreign_file_is_counted(tmp_path: Path) -> None:
    _trajectory(tmp_path, "a__b-1", "local", usd=0.0)
    (tmp_path / "other.traj.json").write_text('{"trajectory": []}')
    (tmp_path / "torn.traj.json").write_text('{"info": ')
    found = _read(tmp_path)
    assert [one.usd for one in found.attempts] == [None]
    assert found.oddities == (
        "1 runs with calls and 0 dollars (their cost was not tracked), taken as unknown (first: a__b-1.traj.json)",
        "2 files that are no mini-swe-agent trajectories, left out (first: other.traj.json)",
    )


def test_nothing_that_can_be_read_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "torn.traj.json").write_text("{")
    with pytest.raises(ConfigError, match="no runs in it that can be read: 1 files that are no mini-swe-agent"):
        _read(tmp_path)
