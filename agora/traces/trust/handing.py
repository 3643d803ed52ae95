"""A checkpoint given to a program of the user's, which may take it off this machine."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

COMMAND_S: Final = 30.0
"""The longest that the user's command may take."""
_MOST_SAID: Final = 4096
_LOOK_S: Final = 0.05


class Ended(NamedTuple):
    """How a command ended."""

    code: int | None
    """Its exit code; None: it was ended at the deadline, with all that it had started."""
    said: str
    """The beginning of what it wrote to standard error."""


def hand(command: Sequence[str], note: str, *, deadline_s: float = COMMAND_S) -> Ended:
    """Run a command with a note on its standard input; one that does not read it has not failed by that.

    What it leaves running in the background is not waited for. Of what it says only the beginning is kept.

    Raises:
        OSError: It cannot be run.
    """
    with tempfile.TemporaryFile() as given:
        given.write(note.encode())
        given.seek(0)
        process = subprocess.Popen(
            list(command), stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
    with process:
        said = _heard(process, time.monotonic() + deadline_s)
        code = process.poll()
        if code is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Ended(code, " ".join(said.decode("utf-8", "replace").split())[:300])


def _heard(process: subprocess.Popen[bytes], until: float) -> bytes:
    """What a process says up to its end or the deadline; all is read, so that it never waits, and little is kept."""
    said = b""
    if process.stderr is None:
        return said
    pipe = process.stderr.fileno()
    os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < until:
            over = process.poll() is not None
            if selector.get_map() and selector.select(0 if over else _LOOK_S):
                piece = os.read(pipe, 1 << 16)
                said += piece[: _MOST_SAID - len(said)]
                if not piece:
                    selector.unregister(pipe)
                if not over or (piece and len(said) < _MOST_SAID):
                    continue
            if over:
                break
            if not selector.get_map():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(until - time.monotonic(), 0))
    return said
