"""A workflow is killed and cancelled at its events and gone on with; what comes of it is what comes of it undisturbed.

The battery is a program of its own, since its processes are forked: `python benchmarks/crash_flows.py --help`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

BATTERY = Path(__file__).parents[2] / "benchmarks" / "crash_flows.py"


@pytest.mark.timeout(600)
def test_killed_or_cancelled_at_any_event_a_workflow_ends_as_if_nobody_had() -> None:
    argv = [sys.executable, str(BATTERY), "--some", "18", "--twice", "3", "--cancel", "7"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as ran:
        try:
            said, _ = ran.communicate(timeout=540)
        except BaseException:
            os.killpg(ran.pid, signal.SIGKILL)
            raise
    assert ran.returncode == 0, said[-6000:]
    found = re.search(r"^(\d+) rounds, (\d+) processes killed or runs cancelled", said, re.MULTILINE)
    assert found, said
    assert int(found[1]) == 28
    assert int(found[2]) >= 28, "of parallel branches a commit or two may fall together; the others must have died"
