"""Ctrl-C: the first ends a run after its bookings, the second ends the process at once; SIGTERM is a first one."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

from agora.errors import AgoraError

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_CURSOR_ON: Final = "\x1b[?25h\x1b[0m\n"


class InterruptedRunError(AgoraError):
    """Somebody ended a run before it was done.

    Args:
        run: Its id; empty where nothing of it was recorded.
    """

    exit_code = INTERRUPTED

    def __init__(self, run: str) -> None:
        mend = f"go on with `agora resume {run}`" if run else "nothing was recorded"
        super().__init__(f"interrupted: {mend}")
        self.run = run


class Interrupts:
    """How often somebody wanted the run to end."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def interruptible(stopping: Callable[[], None]) -> Generator[Interrupts]:
    """While this context lasts, a first signal cancels what the event loop does, and a second ends the process.

    Args:
        stopping: Called at the first one, inside the signal's handler.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield interrupts
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    cancel = before[signal.SIGINT]  # the event loop's own: it cancels the main task

    def handle(_number: int, frame: FrameType | None) -> None:
        interrupts.count += 1
        if interrupts.count > 1:
            _leave()
        stopping()
        if callable(cancel):
            cancel(signal.SIGINT, frame)

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave() -> NoReturn:
    """End now: nothing is waited for, and what was not recorded is of unknown fate."""
    start = _CURSOR_ON if sys.stderr.isatty() else ""
    os.write(2, f"{start}stopped at once: go on with `agora resume`\n".encode())
    os._exit(INTERRUPTED)
