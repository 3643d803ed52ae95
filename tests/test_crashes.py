"""The starter market is killed at every boundary and gone on with; what comes of it is what comes of it undisturbed.

The battery is a program of its own, which also says what it did: `python benchmarks/crashes.py --help`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = 4
"""Batteries that share the boundaries, so that workers of pytest can share the batteries."""
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
JOBS = max(1, 2 * (os.cpu_count() or 1) // WORKERS)
"""Rounds at once in one battery: twice as many as cores over all of them, for a round waits half of its time."""


def battery(*options: str, within_s: float) -> str:
    """What it printed; it and all that it started are ended where it takes too long."""
    argv = [sys.executable, str(ROOT / "benchmarks" / "crashes.py"), "--jobs", str(JOBS), *options]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as ran:
        try:
            said, _ = ran.communicate(timeout=within_s)
        except BaseException:
            os.killpg(ran.pid, signal.SIGKILL)
            raise
    sys.stdout.write("\n".join(said.splitlines()[-40:]) + "\n")
    assert ran.returncode == 0, said[-6000:]
    return said


def rounds(said: str) -> tuple[int, int, int]:
    """Of how many rounds these were a part, how many these were, how many processes died or stood still in them."""
    found = re.search(r"^part \d+ of \d+ of (\d+) rounds\n(\d+) rounds on \w+, (\d+) processes", said, re.MULTILINE)
    assert found, said
    return int(found[1]), int(found[2]), int(found[3])


@pytest.mark.timeout(1600)
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_killed_at_every_boundary_and_at_100_random_moments_it_ends_as_if_nobody_had(part: int) -> None:
    said = battery("--every", "--random", "100", "--part", f"{part}/{PARTS}", within_s=1500)
    whole, count, died = rounds(said)
    assert whole >= 450
    assert count >= whole // PARTS
    assert died >= count - 50 // PARTS, "some moments may come after the end, where the first run was a slow one"


@pytest.mark.timeout(1600)
@pytest.mark.parametrize(
    ("options", "count", "least"),
    [
        (("--twice", "15"), 15, 15),
        (("--zombies", "12", "--writers", "6"), 18, 18),
        (("--held", "4", "--pairs", "4"), 8, 4),
    ],
    ids=["twice", "stopped", "met"],
)
def test_killed_twice_stopped_past_its_lease_and_met_by_others_it_ends_as_if_nobody_had(
    options: tuple[str, ...], count: int, least: int
) -> None:
    _, played, died = rounds(battery(*options, within_s=1500))
    assert played == count
    assert died >= least


@pytest.mark.timeout(1000)
def test_killed_while_two_tasks_are_worked_on_at_once_it_ends_as_if_nobody_had() -> None:
    said = battery("--parallel", "2", "--random", "15", within_s=900)
    _, count, died = rounds(said)
    assert count == 15
    assert died >= 8, "some moments may come after the end"
