"""`agora run` and the commands that tell of it, end to end: real sandbox, real store, real verifier."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import termios
from pathlib import Path

import pytest

from agora.registry import BUILT_IN
from agora.testing.endpoint import FaultyEndpoint, text
from cli.projects import CHECK, FIXER, Shell, make_project, priced, started, until

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK)


def test_the_runner_up_mends_what_the_winner_did_not(shell: Shell, project: Path) -> None:
    shown = shell(*RUN, "--yes")
    assert shown.code == 0
    assert (project / "repo" / "word.txt").read_text() == "right\n"
    assert "patch applied: word.txt" in shown.out
    rows = [line.split()[:5] for line in shown.out.splitlines() if "fixer" in line]
    assert rows == [["fixer", "2", "s", "runner-up", "1"], ["fixer", "2", "s", "reassign", "passed"]]
    assert "replan, asking spoiler (spoiler failed once: it tries again)" in shown.err
    assert "reassign, asking fixer (" in shown.err
    assert "next: agora explain" in shown.out


def test_without_a_terminal_and_without_yes_nothing_is_applied_and_it_is_said_how(shell: Shell, project: Path) -> None:
    shown = shell(*RUN)
    assert shown.code == 5
    assert (project / "repo" / "word.txt").read_text() == "wrong\n"
    run = json.loads(shell("show", "--json").out)["run"]
    assert "waits for an answer: task-1: fixer's diff is applied to" in shown.out
    assert f"`agora approve {run}`, then `agora resume {run}`" in shown.error


def test_json_is_one_object_with_verdicts_as_words(shell: Shell, project: Path) -> None:
    shown = shell(*RUN, "--yes", "--json")
    form = json.loads(shown.out)
    assert form["schema"] == "agora.run/2"
    assert form["verdicts"] == {"task-1": "passed"}
    assert form["seed"] == 7
    [task] = form["tasks"]
    first, again, other = task["auctions"]
    assert [bid["agent"] for bid in first["bids"]] == ["spoiler", "fixer"]
    assert [(auction["how"], auction["asked"]) for auction in (again, other)] == [
        ("replan", ["spoiler"]),
        ("reassign", ["fixer"]),
    ]
    assert again["did_not_bid"] == {"spoiler": "has no other plan than the one that failed"}
    assert [attempt["verdict"] for attempt in task["attempts"]] == ["failed", "passed"]
    assert first["bids"][0]["price"] == {"value": "1", "unit": "s"}


def test_stream_json_gives_every_event_and_then_the_result(shell: Shell, project: Path) -> None:
    lines = [json.loads(line) for line in shell(*RUN, "--yes", "--output-format", "stream-json").out.splitlines()]
    assert [line["schema"] for line in lines[:-1]] == ["agora.event/1"] * (len(lines) - 1)
    kinds = [line["kind"] for line in lines[:-1]]
    assert kinds[0] == "started"
    assert kinds[-1] == "done"
    assert {"posted", "screened", "bid", "scored", "awarded", "performed", "verified", "settled"} <= set(kinds)
    assert lines[-1]["schema"] == "agora.run/2"


def test_a_run_that_fails_ends_with_1_and_says_why(shell: Shell, project: Path) -> None:
    shown = shell(*RUN, "--agents", "spoiler")
    assert shown.code == 1
    assert "failed" in shown.out
    assert "exit code 1" in shown.out


def test_an_outcome_that_nobody_verified_ends_with_4(shell: Shell, project: Path) -> None:
    assert shell("run", "mend word.txt", "--workspace", "repo", "--agents", "fixer", "--yes").code == 4


def test_what_agents_wrote_cannot_steer_the_terminal(shell: Shell, project: Path) -> None:
    shell(*RUN, "--agents", "spoiler")
    shown = shell("show")
    assert "tried [red]something[/]" in shown.out
    assert "<U+202E>" in shown.out
    assert "<U+001B>[2J" in shown.out
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out


def test_a_scripted_model_bids_uses_a_tool_and_answers(shell: Shell, project: Path) -> None:
    definition = project / "scripted.toml"
    definition.write_text('kind = "function"\ntarget = "helpers_of_test:scripted"\n')
    shown = shell("run", "which word?", "-w", "repo", "--verify", "true", "--agents", str(definition), "--json")
    assert shown.code == 0
    [task] = json.loads(shown.out)["tasks"]
    [attempt] = task["attempts"]
    assert attempt["output"] == "it is wrong"
    assert attempt["promised"]["steps"] == 2
    assert attempt["delivered"]["steps"] == 3


def test_the_answer_of_a_toml_agent_fits_the_model_that_it_names(shell: Shell, project: Path) -> None:
    with FaultyEndpoint(text("1. answer"), text("it is wrong"), text('{"word": "wrong"}')) as endpoint:
        (project / "agents" / "typed.toml").write_text(
            f'model = "openai/own"\napi_base = "{endpoint.url}"\ntools = []\n{priced("", "1")}'
            '[llm]\noutput = "helpers_of_test:Word"\n'
        )
        shown = shell("run", "which word?", "--agents", "typed", "--json")
    assert shown.code == 4, shown.err
    [task] = json.loads(shown.out)["tasks"]
    assert task["attempts"][0]["output"] == '{"word": "wrong"}'
    asked = endpoint.requests[-1]
    assert "word" in json.dumps(asked["response_format"])
    assert "does not fit" in asked["messages"][-1]["content"]


def test_a_list_of_runs_says_how_many_tasks_there_were_and_which_were_alternatives(shell: Shell, project: Path) -> None:
    folder = project / "checklist"
    folder.mkdir()
    for name in ("one", "two", "three"):
        (folder / f"{name}.toml").write_text(f'goal = "do {name}"\n[verify]\nkind = "exact"\nanswer = "x"\n')
    (project / "agents" / "spoiler.toml").unlink()
    (project / "agents" / "fixer.toml").write_text(priced(FIXER.replace(":fix", ":speak"), "1"))
    assert shell("demo").code == 0
    shell("run", "say it", "--verify", "true")
    lines = [line.rstrip() for line in shell("runs").out.splitlines()]
    assert lines[1].endswith("say it")
    assert lines[2].endswith("alternative: do one … and 2 more")
    assert lines[3].split("  ")[-1] == "do one … and 2 more"


def test_who_did_not_join_a_run_is_said_in_one_line_for_all_hosted_models(shell: Shell, project: Path) -> None:
    shell(*RUN)
    shown = shell("show").out
    assert shown.count("OPENAI_API_KEY") == 1
    assert "absent  hosted models: no key is set (" in shown


def test_a_folder_of_tasks_is_one_run(shell: Shell, project: Path) -> None:
    tasks = project / "tasks"
    tasks.mkdir()
    for name, check in (("one", "true"), ("two", "false")):
        text = f'goal = "{name}"\nworkspace = "../repo"\n[verify]\nkind = "command"\ncommand = ["{check}"]\n'
        (tasks / f"{name}.toml").write_text(text)
    shown = shell("run", "tasks", "--agents", "fixer", "--parallel", "2", "--yes")
    assert shown.code == 1
    assert "passed 1 of 2" in shown.out
    listed = json.loads(shell("runs", "--json").out)
    assert listed["schema"] == "agora.runs/1"
    assert [(info["tasks"], info["passed"], info["done"]) for info in listed["runs"]] == [(2, 1, True)]


def test_explain_gives_every_term_and_what_would_have_turned_the_award(shell: Shell, project: Path) -> None:
    shell(*RUN)
    shown = shell("explain", "last", "task-1")
    assert shown.code == 0
    assert re.search(r"reserve, fixed before opening: \$1 and 5\d\d\.\d+ s", shown.out)
    assert "(50 % less) would have turned the award" in shown.out
    assert "award 2: fixer, failed once on 1 agent: 1 bidder left" in shown.out
    form = json.loads(shell("explain", "--json").out)
    assert form["schema"] == "agora.explain/2"
    [task] = form["tasks"]
    auction = task["auctions"][0]
    assert (auction["winner"], auction["runner_up"]) == ("spoiler", "fixer")
    assert all(set(bid["score"]["terms"]) == {"cost"} for bid in auction["bids"])


def test_a_run_is_found_by_the_beginning_of_its_id(shell: Shell, project: Path) -> None:
    run = json.loads(shell(*RUN, "--yes", "--json").out)["run"]
    form = json.loads(shell("show", run[:6], "--json").out)
    assert form["schema"] == "agora.show/2"
    assert form["run"] == run
    assert form["finished"]


def test_records_and_memories_come_from_verified_runs(shell: Shell, project: Path) -> None:
    shell(*RUN)
    records = json.loads(shell("agents", "--json").out)["records"]
    assert {(record["agent"], record["tried"], record["passed"]) for record in records} == {
        ("fixer", 1, 1),
        ("spoiler", 1, 0),
    }
    entries = json.loads(shell("memory", "search", "mend", "--json").out)["entries"]
    assert {(entry["agent"], entry["won"], entry["passed"]) for entry in entries} == {
        ("fixer", False, False),
        ("fixer", True, True),
        ("spoiler", True, False),
    }
    assert "1 runs, 1 tasks" in shell("memory").out
    assert "fixer" in shell("agents").out


def test_a_bare_run_is_recorded_as_such(shell: Shell, project: Path) -> None:
    form = json.loads(shell(*RUN, "--bare", "--yes", "--json").out)
    assert form["notes"]["sandbox"] == "none: --bare was asked for"
    assert form["verdicts"] == {"task-1": "passed"}


def test_an_auction_file_of_the_project_is_used(shell: Shell, project: Path) -> None:
    (project / "auctions").mkdir()
    (project / "auctions" / "mine.toml").write_text('mechanism = "posted"\nshare = 0.9\n')
    form = json.loads(shell(*RUN, "--mechanism", "mine", "--json").out)
    assert form["mechanism"] == "posted"


@pytest.mark.parametrize(("answer", "code", "word"), [("y", 0, "right\n"), ("n", 5, "wrong\n")])
def test_on_a_terminal_the_patch_is_shown_and_asked_for(project: Path, answer: str, code: int, word: str) -> None:
    ours, theirs = pty.openpty()
    process = started(project, *RUN, terminal=theirs)
    os.close(theirs)
    seen = until(ours, "[N]o")
    os.write(ours, f"{answer}\n".encode())
    seen += until(ours, "\0")
    assert process.wait(timeout=60) == code
    os.close(ours)
    assert "+right" in seen
    assert "-wrong" in seen
    assert "took" in seen
    assert (project / "repo" / "word.txt").read_text() == word


def test_on_eighty_columns_each_bid_stays_on_its_line(shell: Shell, project: Path) -> None:
    (project / "long-named-check.toml").write_text(
        f'goal = "mend word.txt"\nworkspace = "repo"\n[verify]\nkind = "command"\ncommand = "{CHECK}"\n'
    )
    shell("run", "long-named-check.toml")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = started(project, "explain", terminal=theirs)
    shown = until(ours, "as JSON")
    assert process.wait(timeout=60) == 0
    process = started(project, "show", terminal=theirs)
    os.close(theirs)
    shown += until(ours, "\0")
    assert process.wait(timeout=60) == 0
    os.close(ours)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
    assert max(map(len, lines)) <= 80
    assert any("long-named-check" in line and "spoiler" in line and "failed" in line for line in lines)
    assert "    plan of spoiler: guess" in lines


def test_ctrl_c_ends_with_130_and_keeps_what_was_recorded(shell: Shell, tmp_path: Path) -> None:
    waiter = FIXER.replace(":fix", ":wait")
    folder = make_project(tmp_path / "waiting", waiter=priced(waiter, "1"))
    process = started(folder, *RUN)
    assert process.stderr is not None
    for line in process.stderr:
        if "awarded to waiter" in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    form = json.loads(shell("show", "--json", "--project", str(folder)).out)
    assert not form["finished"]
    assert [attempt["agent"] for attempt in form["tasks"][0]["attempts"]] == ["waiter"]


def test_python_m_agora_is_the_command() -> None:
    process = started(Path.cwd(), "--version")
    out, _ = process.communicate(timeout=60)
    assert out.startswith("agora-market ")


def test_the_help_of_a_run_says_how_many_policies_there_are_and_where_they_are_told(shell: Shell) -> None:
    told = " ".join(shell("run", "--help").out.split())
    assert f"a file of policies/ or one of {len(BUILT_IN['policies'])} built in (docs/routers.md)" in told
