"""Questions: which are asked, how they are answered now or later, and what an answer counts for."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from agora.ambient import SystemClock
from agora.cli.approval import Approver
from agora.cli.approve import whole_of
from agora.cli.asking import lines_of
from agora.cli.view import Silent
from agora.errors import LedgerError
from agora.events import Asked, Awarded, Event, Performed, Posted
from agora.memory.sql_store import SQLStore
from agora.questions import About, Answer, Question
from agora.settings import Approval
from agora.tasks import Change, Patch
from agora.traces.told.story import told
from cli.projects import CHECK, FIXER, Shell, at_terminal, doing, make_project, started, until

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK)


def question(about: About, *, usd: str = "0", sandboxed: bool = True) -> Question:
    return Question(id="q", about=about, task="t", agent="a", usd=Decimal(usd), sandboxed=sandboxed)


DIFF, BARE, BOXED = question("diff"), question("command", sandboxed=False), question("command")
CHEAP, DEAR = question("award", usd="1.00"), question("award", usd="1.01")


@pytest.mark.parametrize(
    ("mode", "asked", "free"),
    [
        ("ask", [DIFF, BARE, DEAR], [BOXED, CHEAP]),
        ("auto-edit", [BARE, DEAR], [DIFF, BOXED, CHEAP]),
        ("yes", [], [DIFF, BARE, BOXED, CHEAP, DEAR]),
    ],
)
async def test_what_a_mode_asks_for_waits_where_nobody_is_there(
    mode: Approval, asked: list[Question], free: list[Question]
) -> None:
    approver = Approver(Silent(), mode=mode, ask_above_usd=Decimal(1))
    assert [await approver(one) for one in asked] == [Answer(None)] * len(asked)
    assert [await approver(one) for one in free] == [Answer(True, asked=False)] * len(free)


async def test_commands_in_a_sandbox_are_asked_for_where_that_is_set() -> None:
    approver = Approver(Silent(), mode="ask", ask_above_usd=Decimal(1), ask_commands=True)
    assert await approver(BOXED) == Answer(None)


def waiting(shell: Shell) -> str:
    """A run whose diff waits for an answer."""
    shown = shell(*RUN, "--agents", "fixer")
    assert shown.code == 5, shown.err
    return str(json.loads(shell("show", "--json").out)["run"])


def test_a_question_survives_the_process_and_its_answer_lets_the_run_go_on(shell: Shell, project: Path) -> None:
    run = waiting(shell)
    assert "(waits for an answer)" in shell("runs").out
    shown = shell("approve")
    assert shown.code == 5
    assert "+right" in shown.err
    assert f"1 still waits: agora approve {run}" in shown.out
    shown = shell("approve", run, "task-1/diff", "--yes")
    assert (shown.code, shown.out.strip()) == (0, f"next: agora resume {run}")
    assert (project / "repo" / "word.txt").read_text() == "wrong\n", "an answer does nothing by itself"
    shown = shell("resume")
    assert shown.code == 0, shown.err
    assert "patch applied: word.txt" in shown.out
    assert (project / "repo" / "word.txt").read_text() == "right\n"
    form = json.loads(shell("show", run, "--json").out)
    assert (form["state"], form["waiting"]) == ("done", [])
    [asked] = form["tasks"][0]["questions"]
    assert (asked["id"], asked["granted"]) == ("task-1/diff", True)


def test_a_no_is_kept_and_the_run_ends_with_5(shell: Shell, project: Path) -> None:
    run = waiting(shell)
    assert shell("approve", "--no").code == 0
    shown = shell("resume", run)
    assert shown.code == 5
    assert "patch not applied: word.txt" in shown.out
    assert (project / "repo" / "word.txt").read_text() == "wrong\n"
    assert "fixer's diff is applied to" in shell("show").out


def test_a_run_that_is_not_answered_still_waits_after_a_resume(shell: Shell, project: Path) -> None:
    waiting(shell)
    before = len(json.loads(shell("show", "--json").out)["tasks"][0]["questions"])
    assert shell("resume").code == 5
    form = json.loads(shell("show", "--json").out)
    assert len(form["tasks"][0]["questions"]) == before == 1
    assert form["state"] == "waiting"
    assert shell("resume", "--yes").code == 0, "another mode decides it"


def test_questions_as_json_carry_the_real_command_and_diff(shell: Shell, project: Path) -> None:
    run = waiting(shell)
    shown = shell("approve", "--json")
    form = json.loads(shown.out)
    assert (shown.code, form["schema"], form["run"], form["waiting"]) == (5, "agora.approve/1", run, 1)
    [asked] = form["questions"]
    assert asked["paths"] == ["word.txt"]
    assert "+right" in asked["patch"]
    assert asked["granted"] is None
    assert json.loads(shell("approve", "--yes", "--json").out)["questions"][0]["granted"] is True


def test_a_command_outside_a_sandbox_waits_with_exactly_its_arguments(shell: Shell, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "bare", command=doing("command"))
    process = started(folder, *RUN, "--bare")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "p<U+0430>y" not in said, "a command's own text is shown by approve"
    shown = shell("approve", "--project", str(folder))
    assert "OUTSIDE ANY SANDBOX" in shown.err
    assert "'print('\\''[red]p<U+0430>y[/] <U+001B>[2J'\\'')'" in shown.err
    assert "\x1b" not in shown.err + shown.out
    [asked] = json.loads(shell("approve", "--json", "--project", str(folder)).out)["questions"]
    assert asked["argv"] == ["python", "-c", "print('[red]p\u0430y[/] \x1b[2J')"]


def test_an_award_that_sets_much_aside_waits_and_a_no_to_it_is_the_end(
    shell: Shell, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGORA_ASK_ABOVE_USD", "0.50")
    dollars = 'price = { unit = "usd", per_task = "0.10" }\n'
    (project / "agents" / "fixer.toml").write_text(FIXER + dollars)
    shown = shell(*RUN, "--agents", "fixer", "--approve", "auto-edit")
    assert (shown.code, "fixer gets the task, with $1.00 set aside" in shown.out) == (5, True), shown.err
    shown = shell("approve", "--no")
    assert "award to fixer, with $1.00 set aside for it at most" in shown.err
    assert shell("resume").code == 5
    assert (project / "repo" / "word.txt").read_text() == "wrong\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*RUN, "--approve", "maybe"), 2, "--approve: 'maybe'"),
        (("approve",), 2, "no run waits for an answer"),
        (("approve", "nowhere"), 2, "no run named 'nowhere'"),
        (("approve", "last", "nothing"), 2, "no waiting question of run"),
    ],
)
def test_what_cannot_be_answered_is_said(
    shell: Shell, project: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert shell(*RUN, "--yes").code == 0
    shown = shell(*arguments)
    assert (shown.code, said in shown.error) == (code, True), shown.err


def test_a_run_that_another_process_is_at_is_not_answered(shell: Shell, project: Path) -> None:
    run = waiting(shell)

    async def hold() -> None:
        store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
        async with store.hold(run):
            shown = await anyio.to_thread.run_sync(shell, "approve", "--yes")
            assert shown.code == 1
            assert "is being written by" in shown.error
            shown = await anyio.to_thread.run_sync(shell, "runs", "--json")
            assert json.loads(shown.out)["runs"][0]["state"] == "running"
        await store.close()

    anyio.run(hold)
    assert json.loads(shell("runs", "--json").out)["runs"][0]["state"] == "waiting"


def events_of(project: Path) -> list[Event]:
    store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
    events = [entry.event for entry in store.events(store.find_run("last")) if entry.event is not None]
    anyio.run(store.close)
    return events


def test_an_answer_counts_for_exactly_the_diff_that_was_asked_about(shell: Shell, project: Path) -> None:
    waiting(shell)
    events = events_of(project)
    [asked] = [event for event in events if isinstance(event, Asked)]
    assert whole_of(told(events), asked).patch.text
    swapped = Patch(changes=(Change(path="word.txt", before=None, after=b"other\n"),), text="+other\n")
    for place, event in enumerate(events):
        if isinstance(event, Performed) and event.work is not None:
            events[place] = event.model_copy(update={"work": event.work.model_copy(update={"patch": swapped})})
    with pytest.raises(LedgerError, match="was about something else"):
        whole_of(told(events), asked)
    assert any(isinstance(event, Awarded | Posted) for event in events)


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_all_of_a_kind_is_said_once(project: Path, parallel: str) -> None:
    tasks = project / "tasks"
    tasks.mkdir()
    for name in ("one", "two"):
        (project / name).mkdir()
        (project / name / "word.txt").write_text("wrong\n")
        (tasks / f"{name}.toml").write_text(
            f'goal = "{name}"\nworkspace = "../{name}"\n[verify]\nkind = "command"\ncommand = "{CHECK}"\n'
        )
    order = ("run", "tasks", "--agents", "fixer", "--parallel", parallel)
    with at_terminal(project, *order) as (process, terminal):
        until(terminal, "whole: ")
        os.write(terminal, b"a\n")
        rest = until(terminal, "\0")
        assert process.wait(timeout=60) == 0, rest
    assert "[N]o" not in rest
    assert {(project / name / "word.txt").read_text() for name in ("one", "two")} == {"right\n"}


def test_what_was_typed_before_a_question_is_no_answer_to_it(project: Path) -> None:
    with at_terminal(project, *RUN, "--agents", "fixer") as (process, terminal):
        os.write(terminal, b"y\ny\n")
        until(terminal, "whole: ")
        os.write(terminal, b"what?\n")
        until(terminal, "whole: ")
        os.write(terminal, b"n\n")
        until(terminal, "\0")
        assert process.wait(timeout=60) == 5
    assert (project / "repo" / "word.txt").read_text() == "wrong\n"


def test_the_end_of_input_is_no_answer_and_the_question_waits(shell: Shell, project: Path) -> None:
    with at_terminal(project, *RUN, "--agents", "fixer") as (process, terminal):
        until(terminal, "whole: ")
        os.write(terminal, b"\x04")
        assert "agora approve" in until(terminal, "\0")
        assert process.wait(timeout=60) == 5
    assert json.loads(shell("approve", "--json").out)["waiting"] == 1


def test_at_a_terminal_approve_asks_and_records_what_is_said(shell: Shell, project: Path) -> None:
    run = waiting(shell)
    with at_terminal(project, "approve") as (process, terminal):
        assert "right" in until(terminal, "whole: ")
        os.write(terminal, b"d\n")
        until(terminal, "whole: ")
        os.write(terminal, b"y\n")
        assert f"agora resume {run}" in until(terminal, "\0")
        assert process.wait(timeout=60) == 0
    assert shell("resume").code == 0
    assert (project / "repo" / "word.txt").read_text() == "right\n"


def test_a_long_diff_is_cut_until_it_is_asked_for_and_its_files_come_from_the_changes() -> None:
    text = "".join(f"+line {number}\n" for number in range(500))
    change = Change(path="a\nb.sh", before=None, after=b"x", mode=0o755)
    asked = question("diff").model_copy(update={"patch": Patch(changes=(change,), text=text)})
    cut = [line for line, _ in lines_of(asked, whole=False)]
    assert cut[-1] == "... 440 more lines: d shows them"
    assert cut[1] == "  create, executable: a<U+000A>b.sh"
    assert len(list(lines_of(asked))) == 502


def test_a_carriage_return_does_not_begin_a_line_of_a_diff() -> None:
    asked = question("diff").model_copy(update={"patch": Patch(text="+safe\r-gone\x0b+more\u2028x\n")})
    [line] = [line for line, _ in lines_of(asked)][1:]
    assert line == "+safe<U+000D>-gone<U+000B>+more<U+2028>x"


def test_what_a_command_reads_is_shown() -> None:
    asked = question("command").model_copy(update={"argv": ("sh",), "stdin": "rm -rf ~\n"})
    assert "    rm -rf ~" in [line for line, _ in lines_of(asked)]
