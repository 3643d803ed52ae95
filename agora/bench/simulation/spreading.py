"""The same work for many seeds, on several processors; what comes back is in the order in which it was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio
import anyio.to_process

T = TypeVar("T")


async def spread(jobs: Sequence[Callable[[], T]], *, workers: int | None = None) -> list[T]:
    """Run all jobs.

    Args:
        jobs: What can be sent to another process: functions of modules, with their arguments.
        workers: How many processes; 1: this one. None: as many as there are processors.
    """
    count = workers or os.cpu_count() or 1
    if count == 1 or len(jobs) == 1:
        return [job() for job in jobs]
    limiter = anyio.CapacityLimiter(count)
    found: dict[int, T] = {}

    async def one(place: int, job: Callable[[], T]) -> None:
        found[place] = await anyio.to_process.run_sync(job, cancellable=True, limiter=limiter)

    async with anyio.create_task_group() as group:
        for place, job in enumerate(jobs):
            group.start_soon(one, place, job)
    return [found[place] for place in range(len(jobs))]
