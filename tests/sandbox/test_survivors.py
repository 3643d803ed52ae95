"""When Agora dies of SIGKILL, everything that ran in its sandboxes is dead within two seconds."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

_BOUND_S = 2.0

_AGORA = """
import sys
from pathlib import Path
import anyio
from agora.sandbox import BareSandbox, BubblewrapSandbox, NsjailSandbox
from agora.tasks import Tier

async def main():
    kind = {"bare": BareSandbox, "bubblewrap": BubblewrapSandbox, "nsjail": NsjailSandbox}[sys.argv[1]]
    copy = await kind().open(None, least=Tier.BARE)
    ran = await copy.run(["python", "-I", "-S", "-c", Path(sys.argv[2]).read_text(), sys.argv[3]], timeout_s=120.0)
    print(ran, flush=True)

anyio.run(main)
"""

_COMMAND = """
import os, signal, time
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    for descriptor in range(3):
        os.close(descriptor)
time.sleep(600)
"""


def alive(mark: str, *, inside: bool = False) -> list[int]:
    """Processes of this machine with the mark in their command line; inside: only the command and its daemon."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark.encode() in words and (not inside or words[1:4] == [b"-I", b"-S", b"-c"]):
                found.append(int(entry.name))
    return found


def wait_until(holds: Callable[[], bool], *, bound_s: float) -> bool:
    """Poll what only the kernel knows; False where the bound has passed."""
    ends = time.monotonic() + bound_s
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.002)
    return True


@pytest.mark.parametrize("early", [False, True], ids=["while it works", "while it is set up"])
@pytest.mark.parametrize(("kind", "rounds"), [("bubblewrap", 20), ("nsjail", 5), ("bare", 5)])
def test_nothing_of_a_sandbox_outlives_a_killed_agora(kind: str, rounds: int, early: bool, tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    script.write_text(_COMMAND)
    for number in range(rounds):
        mark = f"survivor-{uuid.uuid4().hex}"
        # Agora itself and the sandbox's own program carry the mark too
        agora = subprocess.Popen([sys.executable, "-c", _AGORA, kind, str(script), mark], stdin=subprocess.DEVNULL)
        try:
            if early:  # from the first sign of the sandbox's own program, at another moment in each round
                assert wait_until(lambda: len(alive(mark)) >= 2, bound_s=20.0)  # noqa: B023 - called at once
                time.sleep(0.002 * number)
            else:
                assert wait_until(lambda: len(alive(mark, inside=True)) >= 2, bound_s=20.0)  # noqa: B023
            agora.send_signal(signal.SIGKILL)
            agora.wait(timeout=10)
            gone = wait_until(lambda: not alive(mark), bound_s=_BOUND_S)  # noqa: B023 - called at once
            assert gone, f"round {number}: {alive(mark)} live on"
        finally:
            agora.kill()
            agora.wait(timeout=10)
            for pid in alive(mark):
                subprocess.run(["kill", "-9", str(pid)], check=False)
