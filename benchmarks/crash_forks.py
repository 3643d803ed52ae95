"""Child processes that are forked, killed, stopped and waited for."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import psutil

PATIENCE_S = 180.0
"""The longest that one begin or resume may take."""


def forked(work: Callable[[], object], log: Path) -> int:
    """Do something in a child process; its wait status. It is killed when it takes too long."""
    return waited(started(work, log))


def started(work: Callable[[], object], log: Path) -> int:
    """Begin something in a child process; its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with log.open("w") as sink:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            work()
        code = 0
    except BaseException:
        log.write_text(traceback.format_exc())
    finally:
        os._exit(code)


def waited(child: int, *, stopped: bool = False) -> int:
    """The wait status of a child that ended (or stopped itself); -1 where it had to be killed."""
    ends_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_s:
        done, status = os.waitpid(child, os.WNOHANG | (os.WUNTRACED if stopped else 0))
        if done:
            return status
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def was_killed(status: int) -> bool:
    """Whether a child died of SIGKILL by its own hand."""
    return status != -1 and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def processes(folder: Path) -> list[str]:
    """The processes whose command line or environment names a folder."""
    found: list[str] = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        argv: list[str] = process.info["cmdline"] or []
        environ: dict[str, str] = process.info["environ"] or {}
        words = " ".join([*argv, *environ.values()])
        if f"{folder}/" in words:
            found.append(words)
    return found
