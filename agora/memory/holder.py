"""Who holds a lease: a process, named so that others on its host can tell when it is gone.

A process id alone comes back after a while; with the time when its process started it does not.
"""

from __future__ import annotations

import os
import socket
from typing import Final

_SAME_START_S: Final = 2.0
"""Start times of one process may differ by this much: they are counted from the boot, whose time is adjusted."""


def this_process() -> str:
    """Host, process id and start of this process (seconds since the epoch), parted by spaces."""
    import psutil  # late: only who holds a run needs it

    return f"{_host()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_gone(holder: str) -> bool:
    """Whether a holder was a process of this host that has ended; False where nobody here can know."""
    import psutil

    host, _, rest = holder.partition(" ")
    pid, _, started = rest.partition(" ")
    if host != _host() or not pid.isdecimal():
        return False
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return abs(process.create_time() - float(started)) > _SAME_START_S
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, ValueError):
        return False


def _host() -> str:
    return "-".join(socket.gethostname().split()) or "localhost"
