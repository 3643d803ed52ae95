"""`agora trace replay --strict` and `agora trace diff`: in a project, and from an exported file alone."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from agora.cli.main import run_app
from agora.errors import Exit
from cli.projects import CHECK, Shell


def done(project: Path, shell: Shell) -> None:
    """One run of a task that the first agent fails and the second one does."""
    (project / "repo" / "word.txt").write_text("wrong\n")
    assert shell("run", "mend the word", "--workspace", "repo", "--verify", CHECK, "--seed", "3", "--yes").code == 0


def exported(project: Path, shell: Shell, name: str) -> list[dict[str, Any]]:
    assert shell("trace", "export", "-o", name).code == 0
    return [json.loads(line) for line in (project / name).read_text().splitlines()]


def written(project: Path, name: str, lines: list[dict[str, Any]]) -> None:
    (project / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_run_is_replayed_from_the_project_and_from_a_file_alone(project: Path, shell: Shell) -> None:
    done(project, shell)
    shown = shell("trace", "replay")
    assert shown.code == 0, shown.err
    assert "decisions made again, all as they are on record" in shown.out
    exported(project, shell, "run.jsonl")
    form = json.loads(shell("trace", "replay", "last", "--strict", "--json", "--ledger", "run.jsonl").out)
    assert (form["schema"], form["verdict"], form["diverged"]) == ("agora.trace.replay/1", "replayed", None)
    assert form["decisions"]["awarded"] >= 2
    assert form["made_again"] == sum(form["decisions"].values())


def test_a_changed_file_is_named_at_its_event_field_by_field(project: Path, shell: Shell) -> None:
    done(project, shell)
    lines = exported(project, shell, "run.jsonl")
    award = next(line for line in lines if line.get("kind") == "awarded")
    award["body"]["award"]["agent"] = "mallory\u202e\x1b[31m[red]"
    written(project, "other.jsonl", lines)
    shown = shell("trace", "replay", "--ledger", "other.jsonl")
    assert shown.code == Exit.DIVERGED
    assert f"diverged at event {award['seq']}, awarded" in shown.out
    assert "award.agent" in shown.out
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    form = json.loads(shell("trace", "replay", "--json", "--ledger", "other.jsonl").out)
    assert form["diverged"]["seq"] == award["seq"]
    assert {field["field"] for field in form["diverged"]["fields"]} == {"award.agent"}


def test_erased_bodies_are_said_and_end_with_their_own_code(project: Path, shell: Shell) -> None:
    done(project, shell)
    lines = exported(project, shell, "run.jsonl")
    bid = next(line for line in lines if line.get("kind") == "bid")
    bid["body"] = bid["salt"] = None
    written(project, "less.jsonl", lines)
    shown = shell("trace", "replay", "--ledger", "less.jsonl")
    assert shown.code == Exit.INCOMPLETE
    assert f"the body of event {bid['seq']} (bid) was erased" in shown.out
    assert "could not be made again" in shown.out


def test_half_a_ledger_and_a_torn_line_are_said(project: Path, shell: Shell) -> None:
    done(project, shell)
    exported(project, shell, "run.jsonl")
    text = (project / "run.jsonl").read_bytes()
    (project / "torn.jsonl").write_bytes(text[:-40])
    shown = shell("trace", "replay", "--ledger", "torn.jsonl")
    assert shown.code == 0
    assert "the run has no end on record" in shown.out
    lines = text.splitlines(keepends=True)
    (project / "half.jsonl").write_bytes(b"".join([lines[0], *lines[10:]]))
    assert shell("trace", "replay", "--ledger", "half.jsonl").code not in (0, Exit.DIVERGED)


def test_of_half_a_ledger_what_hangs_on_the_other_half_is_said(project: Path, shell: Shell) -> None:
    done(project, shell)
    first = len(exported(project, shell, "first.jsonl"))
    done(project, shell)
    lines = exported(project, shell, "both.jsonl")
    written(project, "half.jsonl", [lines[0], *lines[first:]])
    shown = shell("trace", "replay", "--ledger", "half.jsonl")
    assert shown.code == Exit.INCOMPLETE, shown.err
    assert f"half a ledger: it begins at entry {first}" in shown.out


def test_two_runs_of_the_same_are_equal_and_others_part_where_they_do(project: Path, shell: Shell) -> None:
    done(project, shell)
    exported(project, shell, "a.jsonl")
    runs = json.loads(shell("runs", "--json").out)["runs"]
    same = shell("trace", "diff", runs[0]["id"], "last")
    assert (same.code, "equal" in same.out) == (0, True), same.out
    lines = exported(project, shell, "b.jsonl")
    work = next(line for line in lines if line.get("kind") == "performed")
    work["body"]["work"]["output"] = "something else"
    written(project, "b.jsonl", lines)
    shown = shell("trace", "diff", "last", "last", "--ledger", "a.jsonl", "--ledger", "b.jsonl")
    assert shown.code == Exit.DIVERGED
    assert f"event {work['seq']}, performed" in shown.out
    assert "something else" in shown.out
    form = json.loads(
        shell("trace", "diff", "last", "last", "--ledger", "a.jsonl", "--ledger", "b.jsonl", "--json").out
    )
    assert form["equal"] is False
    assert form["parting"]["a"] == form["parting"]["b"] == {"seq": work["seq"], "kind": "performed"}
    assert [field["field"] for field in form["parting"]["fields"]] == ["work.output"]


def test_a_second_run_of_the_same_task_parts_where_memory_tells(project: Path, shell: Shell) -> None:
    done(project, shell)
    done(project, shell)
    runs = [one["id"] for one in json.loads(shell("runs", "--json").out)["runs"]]
    form = json.loads(shell("trace", "diff", runs[1], runs[0], "--json").out)
    assert form["equal"] is False
    assert form["parting"]["a"]["kind"] in ("routed", "screened", "opened")


def test_no_table_decides_a_replay(project: Path, shell: Shell) -> None:
    """Whoever changes the records or what a policy was kept to know changes nothing of it."""
    done(project, shell)
    done(project, shell)
    database = sqlite3.connect(project / "memory" / "agora.db")
    with database:
        database.execute("update records set tried = tried + 7")
    database.close()
    assert shell("trace", "replay").code == 0


@pytest.mark.usefixtures("project")
def test_what_cannot_be_meant_is_refused_in_one_line(shell: Shell) -> None:
    assert shell("trace", "replay", "nothing").code == Exit.USAGE
    assert "only one of them" in shell("trace", "replay", "--strict", "--with", "mechanism=sale").err
    assert "--from" in shell("trace", "replay", "--change", "seed=1").err
    assert "Traceback" not in shell("trace", "diff", "a", "b").err
    assert run_app(["trace", "diff", "a", "b", "--ledger", "x", "--ledger", "y", "--ledger", "z"]) == Exit.USAGE
