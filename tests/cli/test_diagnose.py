"""`agora diagnose`: one sentence first, what it rests on, and a clear line where nothing can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agora.bench.routing.made import rows, write
from cli.projects import CHECK, Shell, Shown, at_terminal, until

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HOSTILE = "evil\x1b[2J\u202e[red]model[/]<script>"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated set as files."""
    return write(rows(queries=90), tmp_path_factory.mktemp("made") / "data")


def _spend(path: Path, *, model: str = "m", calls: int = 3) -> Path:
    path.write_text(
        "".join(
            json.dumps({"request_id": f"c{at}", "model": model, "spend": 0.5, "status": "success"}) + "\n"
            for at in range(calls)
        )
    )
    return path


def test_recorded_outcomes_get_a_sentence_and_what_it_rests_on(data: Path, shell: Shell) -> None:
    told = shell("diagnose", str(data))
    assert told.code == 0
    assert told.out.startswith("There is something to gain: made/")
    for part in (
        "To gain on 90 queries",
        "solvable by any of them (1 - beta)",
        "rescues",
        "worth its money",
        "correlate",
    ):
        assert part in told.out
    assert told.err == "reading\n"


def test_as_json_everything_is_there_and_the_same_twice(data: Path, shell: Shell) -> None:
    one, other = shell("diagnose", str(data), "--json"), shell("diagnose", str(data), "--json")
    assert one.out == other.out
    said = json.loads(one.out)
    assert said["schema"] == "agora.diagnose/1"
    assert said["pool"]["ceiling"]["queries"] == 90
    assert len(said["pool"]["pairs"]) == len(said["pool"]["models"]) * (len(said["pool"]["models"]) - 1) // 2
    assert said["spending"] is None


def test_the_generated_set_needs_no_files(shell: Shell) -> None:
    told = shell("diagnose", "small")
    assert told.code == 0
    assert "To gain on 300 queries" in told.out
    page = (Path(__file__).parents[2] / "docs" / "diagnose.md").read_text()
    shown = " ".join(page.partition("```text\n")[2].partition("...")[0].split())
    assert told.out.startswith(shown)


def test_a_log_says_who_took_what_and_what_it_cannot_say(tmp_path: Path, shell: Shell) -> None:
    told = shell("diagnose", str(_spend(tmp_path / "spend.jsonl")))
    assert told.code == 0
    assert "cannot be said from this log, since only one model is in it; m took 100.0 % of $1.5" in told.out
    assert "3 calls, $1.5" in told.out
    assert "cannot be said from it" in told.out


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_hostile_names_steer_no_terminal(form: tuple[str, ...], tmp_path: Path, shell: Shell) -> None:
    told = shell("diagnose", str(_spend(tmp_path / "spend.jsonl", model=HOSTILE)), *form)
    assert told.code == 0
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out
    if not form:
        assert "[red]model[/]<script>" in told.out


def test_the_projects_own_ledger_is_read_where_no_path_is_named(project: Path, shell: Shell) -> None:
    assert shell("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK, "--yes", "--bare").code == 0
    told = shell("diagnose")
    assert told.code == 0
    assert "ledger of project: Agora's ledger" in told.out
    assert "second tries after a failure" in told.out
    exported = project / "out.jsonl"
    assert shell("trace", "export", "-o", str(exported)).code == 0
    from_file = shell("diagnose", str(exported))
    assert from_file.code == 0
    assert "out.jsonl: Agora's ledger" in from_file.out
    assert _attempts(from_file) == _attempts(told) == _attempts(shell("diagnose", str(project)))


def _attempts(told: Shown) -> str:
    return next(line for line in told.out.splitlines() if " attempts" in line)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone",), "gone: is not there: name a file or a folder"),
        (("empty",), "nothing that is known: a folder with outcomes.csv"),
        (("empty", "--form", "lite"), "no form named 'lite'; did you mean 'litellm'?"),
        (("--form", "litellm"), "--form litellm: name the file or folder as well"),
        (("empty", "--form", "litellm"), "no calls in it that can be read"),
        (("empty", "--form", "outcomes"), "no outcomes.csv or outcomes.csv.gz here"),
        (("empty", "--form", "agora"), "holds no agora.toml"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_mend(
    arguments: tuple[str, ...], said: str, tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    told = shell("diagnose", *arguments)
    assert told.code == 2
    assert said in told.err
    assert not told.out


def test_on_a_terminal_of_eighty_columns_every_line_fits(data: Path) -> None:
    order = ("diagnose", str(data))
    with at_terminal(data.parent, *order, environ={"COLUMNS": "80", "NO_COLOR": "1"}) as (process, terminal):
        shown = until(terminal, "\0")
        assert process.wait(timeout=60) == 0
    lines = [CONTROL.sub("", line).rstrip() for line in shown.splitlines()]
    assert any("To gain on" in line for line in lines)
    assert max(map(len, lines)) <= 80
