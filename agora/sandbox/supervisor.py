"""Runs one command outside of any sandbox and sees to it that nothing of it is left. A program of its own.

    python -I -S supervisor.py LIFELINE COMMAND [ARGUMENT...]

All descendants of the command stay below this process, whatever they do: on Linux it adopts those whose parent has
ended (prctl(2), PR_SET_CHILD_SUBREAPER). When the command has ended, or the lifeline (a pipe whose other end only
Agora holds) says that Agora has, it kills every one of them.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

NAME = "agora-supervisor"
"""What its own messages begin with."""

_SUBREAPER = 36
_UNSTARTED = 127
_LEAVING_S = 5.0


def main(lifeline: int, argv: list[str]) -> int:
    """Run a command to its end; return its exit code as a shell would."""
    _adopt()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    command = os.fork()
    if command == 0:
        _become(argv)
    _let_go_of_pipes()
    status = _wait(command, lifeline, woken)
    _kill_descendants(command)
    return 128 + signal.SIGKILL if status is None else _code(status)


def _adopt() -> None:
    if sys.platform == "linux":
        import ctypes  # late: other systems have no use for it

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _become(argv: list[str]) -> None:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"{NAME}: {argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(_UNSTARTED)


def _let_go_of_pipes() -> None:
    """Leave the standard streams to the command, so that their ends are seen when it closes them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)


def _wait(command: int, lifeline: int, woken: int) -> int | None:
    """Wait for the command; None: Agora was gone before."""
    poll = select.poll()
    for descriptor in (lifeline, woken):
        poll.register(descriptor, select.POLLIN)
    while True:
        ended = _reaped(command)
        if ended is not None:
            return ended
        ready = [descriptor for descriptor, _ in poll.poll()]
        if lifeline in ready:
            return None
        os.read(woken, 512)


def _reaped(command: int) -> int | None:
    """Collect whatever has ended; the command's status, if it is among it."""
    found: int | None = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == command:
            found = status


def _kill_descendants(command: int) -> None:
    """Until there are none: what dies hands its children to us, and we kill those."""
    ends = time.monotonic() + _LEAVING_S
    while time.monotonic() < ends:
        for pid in _below(os.getpid()) or {command}:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        time.sleep(0.001)


def _below(root: int) -> set[int]:
    found: set[int] = set()
    stack = [root]
    while stack:
        here = stack.pop()
        try:
            threads = os.listdir(f"/proc/{here}/task")  # noqa: PTH208 - pathlib takes longer to load than the rest of this
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{here}/task/{thread}/children") as file:  # noqa: PTH123 - as above
                    children = {int(word) for word in file.read().split()} - found
            except OSError:
                continue
            found |= children
            stack += children
    return found


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
