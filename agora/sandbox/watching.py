"""Watches what a command and all its descendants take, where the kernel has no limit for the sum."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread

from agora.sandbox.limits import RunLimits
from agora.sandbox.trees import TreeCaps, disk_bytes

_PROC = Path("/proc")


async def watch(pid: int, *, folder: Path | None, limits: RunLimits) -> str:
    """Wait until a limit on the sum of memory or disk is passed, and name it: "memory" or "disk".

    A poll takes 1-14 ms of processor time, so it backs off to a twentieth of the time where a folder is large.

    Args:
        pid: The root of the processes.
        folder: Whose size is watched; None: none.
        limits: The bounds and the interval.
    """
    pause_s = limits.poll_s
    while True:
        await anyio.sleep(pause_s)
        passed, took_s = await anyio.to_thread.run_sync(_timed_look, pid, folder, limits)
        if passed:
            return passed
        pause_s = max(limits.poll_s, 20 * took_s)


def _timed_look(pid: int, folder: Path | None, limits: RunLimits) -> tuple[str, float]:
    """What was passed, and the seconds of processor time that looking took: waiting on a busy machine costs it none."""
    began = time.thread_time()
    return _look(pid, folder, limits), time.thread_time() - began


def _look(pid: int, folder: Path | None, limits: RunLimits) -> str:
    members = list(descendants(pid))
    # the quick sum counts pages that forks share once for each; the kernel's proportional one does not
    if all(sum(map(count, members)) > limits.memory_bytes for count in (_memory_bytes, _shared_out_bytes)):
        return "memory"
    if folder is not None:
        used = disk_bytes(folder, caps=TreeCaps(files=limits.disk_files, depth=200))
        if used is None or used > limits.disk_bytes:
            return "disk"
    return ""


def descendants(pid: int) -> Iterator[int]:
    """A process and everything below it, as seen now; nothing where there is no /proc."""
    stack = [pid]
    seen: set[int] = set()
    while stack:
        here = stack.pop()
        if here in seen:
            continue
        seen.add(here)
        yield here
        try:
            for thread in (_PROC / str(here) / "task").iterdir():
                children = (thread / "children").read_text()
                stack.extend(int(child) for child in children.split())
        except OSError:
            continue


def _memory_bytes(pid: int) -> int:
    return _field_bytes(_PROC / str(pid) / "status", ("RssAnon:", "RssShmem:", "VmSwap:"))


def _shared_out_bytes(pid: int) -> int:
    proportional = _field_bytes(_PROC / str(pid) / "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:", "SwapPss:"))
    return proportional or _memory_bytes(pid)


def _field_bytes(path: Path, names: tuple[str, ...]) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))
