"""`agora bench routing`: the table, the JSON, the page, going on after a cut, and what is refused."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from agora.bench.routing import made
from agora.bench.routing.results import Report
from bench.routing import plugged
from cli.projects import Shell

FEW = ("--policy", "uniroute", "--seeds", "2", "--workers", "1", "--features", "words")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small folder of outcomes."""
    return str(made.write(made.rows(queries=60), tmp_path_factory.mktemp("data")))


def test_the_table_names_policies_and_all_that_stands_beside_them(data: str, shell: Shell) -> None:
    told = shell("bench", "routing", "--data", data, *FEW, "--protocol", "full,cold")
    assert told.code == 0
    for name in ("best single", "cheapest", "random", "tag_table", "knn", "uniroute", "oracle"):
        assert name in told.out
    assert "Full information" in told.out
    assert "Bandit feedback" in told.out
    assert "On small (60 queries, 6 models) " in told.out
    assert "--out FOLDER keeps the report" in told.out


def test_as_json_it_is_the_whole_report_under_a_versioned_schema(data: str, shell: Shell) -> None:
    told = shell("bench", "routing", "--data", data, *FEW, "--protocol", "full", "--money", "0.001,$0.002", "--json")
    said = json.loads(told.out)
    assert said.pop("schema") == "agora.bench.routing/1"
    report = Report.model_validate(said)
    assert report.money == (0.001, 0.002)
    assert report.conclusion
    assert {entry.protocol for entry in report.entries} == {"full"}


def test_what_was_finished_is_not_measured_again_and_the_report_is_the_same(
    data: str, tmp_path: Path, shell: Shell
) -> None:
    words = ("bench", "routing", "--data", data, *FEW, "--protocol", "cold", "--out", str(tmp_path / "o"))
    shell(*words)
    first = json.loads((tmp_path / "o" / "report.json").read_text())
    files = sorted((tmp_path / "o" / "units").iterdir())
    files[0].write_text("torn")
    again = shell(*words)
    assert f"{len(files) - 1} of {len(files)} parts were finished before; 1 that cannot be used" in again.err
    second = json.loads((tmp_path / "o" / "report.json").read_text())
    timed = ("us_a_decision", "us_to_learn", "fit_s")
    for entry in (*first["entries"], *second["entries"]):
        for name in timed:
            entry.pop(name)
    assert first == second
    assert "<!doctype html>" in (tmp_path / "o" / "report.html").read_text()


def test_one_model_and_no_dollars_are_measured_as_far_as_that_goes_and_it_is_said(tmp_path: Path, shell: Shell) -> None:
    drawn = made.rows(queries=40)
    few = [{**row, "cost_usd": None} for row in drawn.outcomes if row["model"] == "made/coder"]
    folder = made.write(drawn._replace(outcomes=tuple(few)), tmp_path)
    told = shell("bench", "routing", "--data", str(folder), *FEW)
    assert told.code == 0
    assert "40 queries, 1 model," in told.out
    for said in ("one model only", "no dollars are recorded"):
        assert said in told.out
    assert "score  $/query" not in told.out


def test_a_part_that_an_error_ended_is_named_and_not_kept(
    data: str, tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(plugged.install(tmp_path / "plug")), *sys.path])
    words = ("bench", "routing", "--data", data, "--policy", "boom", *FEW[2:], "--protocol", "cold")
    told = shell(*words, "--out", str(tmp_path / "o"))
    assert told.code == 1
    assert "1 of 6 parts failed: boom (cold); their notes say why" in told.err
    assert "KeyError: 'nobody [red] here'" in " ".join(told.out.split())
    assert "has the least regret" in " ".join(told.out.split())
    assert len(list((tmp_path / "o" / "units").iterdir())) == 5
    assert "nobody [red] here" in (tmp_path / "o" / "report.html").read_text()


def test_the_command_on_the_page_has_every_digit(data: str, tmp_path: Path, shell: Shell) -> None:
    words = ("--money", "0.0010000001,0.002", "--lambda", "12.3456789")
    shell("bench", "routing", "--data", data, *FEW, "--protocol", "cold", *words, "--out", str(tmp_path))
    page = (tmp_path / "report.html").read_text()
    assert "--money 0.0010000001,0.002 --lambda 12.3456789" in page
    assert "$.001, $.002 a query" in page


def test_an_option_of_a_policy_is_used_and_only_some_tasks_are_taken(data: str, shell: Shell) -> None:
    words = ("bench", "routing", "--data", data, *FEW, "--protocol", "full", "--task", "trivia,writing", "--json")
    plain, told = json.loads(shell(*words).out), json.loads(shell(*words, "--option", "knn.k=1").out)
    assert plain["queries"] < 60
    scores = [[entry["points"] for entry in said["entries"] if entry["policy"] == "knn"] for said in (plain, told)]
    assert scores[0] != scores[1]


def test_without_data_it_is_the_generated_set(shell: Shell) -> None:
    told = shell("bench", "routing", "--policy", "tag_table", "--seeds", "1", "--protocol", "cold", "--workers", "1")
    assert told.code == 0
    assert "small: 300 queries, 6 models" in told.out


def test_a_trace_of_arrivals_is_read_and_one_that_is_none_is_refused(data: str, tmp_path: Path, shell: Shell) -> None:
    trace, other = tmp_path / "trace.csv.gz", tmp_path / "other.csv"
    trace.write_bytes(gzip.compress(b"t_s,tokens\n3.0,1\n3.5,2\n4,1\n"))
    other.write_text("seconds\n1\n")
    words = ("bench", "routing", "--data", data, *FEW, "--protocol", "cold", "--arrivals")
    assert shell(*words, str(trace)).code == 0
    told = shell(*words, str(other))
    assert told.code == 2
    assert "no column t_s" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "/nowhere/at/all"], "agora bench fetch routerbench"),
        (["--policy", "unirote"], "uniroute"),
        (["--policy", ","], "--policy"),
        (["--policy", "sale"], "sale"),
        (["--protocol", "nonsense"], "nonsense"),
        (["--features", "wrds"], "words"),
        (["--seeds", "0"], "--seeds"),
        (["--money", "0.1,-3"], "--money"),
        (["--money", "nan"], "--money"),
        (["--lambda", "-1"], "--lambda"),
        (["--out", "/dev/null/there"], "/dev/null/there"),
        (["--option", "knn.k"], "POLICY.NAME=VALUE"),
        (["--option", "knn.nonsense=3"], "nonsense"),
        (["--task", "nonsense"], "nonsense"),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_no_traceback(words: list[str], said: str, shell: Shell) -> None:
    told = shell("bench", "routing", "--protocol", "cold", *words)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err
