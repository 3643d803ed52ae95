"""Ctrl-C once finishes the bookings, twice stops at once, and either can be gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from cli.projects import CHECK, Shell, at_terminal, doing, make_project, started, until

RUN = ("run", "mend word.txt", "--workspace", "repo", "--verify", CHECK, "--yes")


def begun(folder: Path, agent: str) -> subprocess.Popen[str]:
    """A run in a process of its own, once an agent works."""
    process = started(folder, *RUN)
    assert process.stderr is not None
    for line in process.stderr:
        if f"awarded to {agent}" in line:
            break
    return process


def resumed(shell: Shell, folder: Path) -> None:
    """The latest run goes on and ends well."""
    (folder / "go").touch()
    shown = shell("resume", "--project", str(folder))
    assert shown.code == 0, shown.err
    assert (folder / "repo" / "word.txt").read_text() == "right\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_run_that_can_be_gone_on_with(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    folder = make_project(tmp_path / "patient", patient=doing("patient"))
    monkeypatch.chdir(folder)
    process = begun(folder, "patient")
    process.send_signal(number)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    run = json.loads(shell("show", "--json").out)["run"]
    assert "stopping: what was begun is being booked" in rest
    assert f"interrupted: go on with `agora resume {run}`" in rest
    assert "Traceback" not in rest
    assert "(cut off)" in shell("runs").out
    resumed(shell, folder)


def test_a_run_that_a_script_put_in_the_background_ends_as_politely(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_project(tmp_path / "patient", patient=doing("patient"))
    monkeypatch.chdir(folder)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell without job control starts what ends in "&"
    try:
        process = begun(folder, "patient")
    finally:
        signal.signal(signal.SIGINT, before)
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert "interrupted: go on with `agora resume" in rest
    resumed(shell, folder)


def test_a_second_signal_stops_at_once_and_the_run_can_be_gone_on_with(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_project(tmp_path / "stubborn", stubborn=doing("stubborn"))
    monkeypatch.chdir(folder)
    process = begun(folder, "stubborn")
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "stopping:" in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "stopped at once: go on with `agora resume`" in rest
    resumed(shell, folder)


def test_at_a_terminal_the_view_says_that_it_stops_and_the_cursor_comes_back(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_project(tmp_path / "stubborn", stubborn=doing("stubborn"))
    monkeypatch.chdir(folder)
    with at_terminal(folder, *RUN) as (process, terminal):
        until(terminal, "stubborn works")
        process.send_signal(signal.SIGINT)
        until(terminal, "stopping: what was begun is being booked")
        process.send_signal(signal.SIGINT)
        rest = until(terminal, "\0")
        assert process.wait(timeout=10) == 130
    assert "\x1b[?25h" in rest
    assert "stopped at once" in rest
    resumed(shell, folder)


def test_a_question_that_is_interrupted_is_asked_again(shell: Shell, project: Path) -> None:
    order = (*RUN[:-1], "--agents", "fixer")
    with at_terminal(project, *order) as (process, terminal):
        until(terminal, "whole: ")
        process.send_signal(signal.SIGINT)
        rest = until(terminal, "\0")
        assert process.wait(timeout=60) == 130, rest
        assert "agora resume" in rest
        assert "Traceback" not in rest
    assert (project / "repo" / "word.txt").read_text() == "wrong\n"
    with at_terminal(project, "resume") as (process, terminal):
        until(terminal, "whole: ")
        os.write(terminal, b"y\n")
        rest = until(terminal, "\0")
        assert process.wait(timeout=60) == 0, rest
    assert (project / "repo" / "word.txt").read_text() == "right\n"
