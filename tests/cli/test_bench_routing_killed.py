"""`agora bench routing --out` after a kill -9: it goes on, and the report is that of a bench that nobody ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

from agora.bench.routing import made
from cli.projects import Shell

WORDS = ("bench", "routing", "--policy", "uniroute", "--seeds", "2", "--features", "words", "--workers", "1")
TIMES = {"us_a_decision", "us_to_learn", "fit_s"}


def figures(folder: Path) -> object:
    """A report without its times."""
    told = cast("dict[str, object]", json.loads((folder / "report.json").read_text()))
    entries = cast("list[dict[str, object]]", told["entries"])
    return {**told, "entries": [{key: one[key] for key in one.keys() - TIMES} for one in entries]}


def test_ctrl_c_says_what_was_kept(tmp_path: Path) -> None:
    data = made.write(made.rows(queries=60), tmp_path / "data")
    words = (*WORDS[:-1], "2", "--data", str(data), "--protocol", "full,cold")
    for more, said in (
        (("--out", str(tmp_path / "o")), f"goes on with what {tmp_path / 'o'} has"),
        ((), "--out FOLDER"),
    ):
        with subprocess.Popen(
            [sys.executable, "-u", "-m", "agora", *words, *more],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as started:
            assert started.stderr is not None
            assert any(" (1 of " in line for line in started.stderr)  # it measures
            os.killpg(started.pid, signal.SIGINT)
            told = started.stderr.read()
        assert started.returncode == 130
        assert said in told
        assert ("nothing was kept" in told) == (more == ())
        assert "agora show last" not in told
        assert "Traceback" not in told


def test_after_a_kill_9_of_the_first_process_the_others_end(tmp_path: Path) -> None:
    words = (*WORDS[:-1], "2", "--protocol", "full,cold,warm,check", "--out", str(tmp_path / "o"))
    with subprocess.Popen(
        [sys.executable, "-m", "agora", *words], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        assert started.stderr is not None
        assert "reading" in started.stderr.readline()
        assert "small: " in started.stderr.readline()
        started.kill()
        try:
            started.communicate(timeout=20)  # to the end of a pipe that all of them can write to
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
    assert started.returncode == -signal.SIGKILL


def killed(words: tuple[str, ...], units: Path) -> list[Path]:
    """Start it, and kill its whole group when the first unit is there.

    Returns:
        The units that it left.
    """
    started = subprocess.Popen(
        [sys.executable, "-m", "agora", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not list(units.glob("*.json")):
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"it ended by itself, with {started.wait(timeout=0.005)}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    return sorted(units.glob("*.json"))


def test_after_a_kill_9_the_same_command_goes_on_and_ends_with_the_same_report(tmp_path: Path, shell: Shell) -> None:
    data = made.write(made.rows(queries=50), tmp_path / "data")
    words = (*WORDS, "--data", str(data), "--protocol", "full,cold", "--out")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    left = killed((*words, str(cut)), cut / "units")
    (cut / "units" / "tmpkilled.half").write_text('{"form":')  # as a kill in the middle of a write leaves it
    assert shell(*words, str(whole)).code == 0
    again = shell(*words, str(cut))
    assert again.code == 0
    units = {file.name for file in (whole / "units").iterdir()}
    assert len(left) < len(units)
    assert f"{len(left)} of {len(units)} parts were finished before\n" in again.err
    assert figures(cut) == figures(whole)
    assert {file.name for file in (cut / "units").iterdir()} == units

    left[0].write_bytes(left[0].read_bytes()[:100])
    torn = shell(*words, str(cut))
    assert f"{len(units) - 1} of {len(units)} parts were finished before; 1 that cannot be used are" in torn.err
    assert figures(cut) == figures(whole)
