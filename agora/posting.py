"""From what a user writes to a task: defaults filled in, everything checked that can be checked for free."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from agora.agents.images import checked_images
from agora.errors import ConfigError, WorkspaceError
from agora.sandbox.trees import left_out
from agora.tasks import MOST_GOAL_CHARS, Check, Limits, Task

DEFAULT_LIMITS = Limits(tokens=400_000, steps=60, seconds=600.0)
"""What one task may take where it states nothing; dollars come from the market's budget."""

_LISTED_FILES = 400


def as_task(
    work: str | Task, *, workspace: str | Path | None = None, verify: str | Check | None = None, number: int = 1
) -> Task:
    """A task from its goal in words, or a task with what it leaves open filled in.

    Args:
        work: The goal, or a whole task.
        workspace: The folder it is about.
        verify: A command ("pytest -q"), or any check.
        number: Its place in the run, for its id.

    Raises:
        ConfigError: The goal is empty, or an image cannot be used.
        WorkspaceError: The folder is not there.
    """
    if isinstance(work, str):
        if not work.strip():
            raise ConfigError("goal", "is empty: say in words what is to be done")
        if len(work) > MOST_GOAL_CHARS:
            raise ConfigError("goal", f"has {len(work):,} characters, and {MOST_GOAL_CHARS:,} is the most: use a file")
        if not work.isascii() and work != work.encode("utf-8", "replace").decode("utf-8"):
            raise ConfigError("goal", "holds bytes that are no text (lone surrogates): write it in UTF-8")
        work = Task(id=f"task-{number}", goal=work)
    update: dict[str, object] = {"limits": fill(work.limits, DEFAULT_LIMITS)}
    if workspace is not None:
        update["workspace"] = str(workspace)
    if verify is not None:
        update["verify"] = Check(kind="command", options={"command": verify}) if isinstance(verify, str) else verify
    task = work.model_copy(update=update)
    if task.workspace is not None:
        task = task.model_copy(update={"workspace": str(_folder(task.workspace))})
    return task.model_copy(update={"images": checked_images(task)}) if task.images else task


def fill(limits: Limits, defaults: Limits) -> Limits:
    """Limits with the open dimensions taken from defaults."""
    stated = {name: value for name, value in limits if value is not None}
    return defaults.model_copy(update=stated)


def as_usd(value: str | float | Decimal | None, *, where: str) -> Decimal | None:
    """An amount of US dollars as a user writes it: "2", "$2.50", 2.5.

    Raises:
        ConfigError: It is negative, not a number, or not finite.

    >>> as_usd("$2.50", where="--budget")
    Decimal('2.50')
    """
    if value is None:
        return None
    try:
        usd = Decimal(str(value).strip().removeprefix("$"))
    except InvalidOperation:
        usd = Decimal("NaN")
    if not usd.is_finite() or usd < 0:
        raise ConfigError(where, f"{value!r} is not an amount of US dollars: write 0 or more, as 2 or 0.50")
    return usd


def listing(workspace: str | None) -> tuple[str, ...]:
    """Names of a folder's files, sorted, capped, without what no copy holds (caches, environments, history, keys)."""
    if workspace is None:
        return ()
    names: list[str] = []
    for folder, folders, files in os.walk(workspace):
        folders[:] = sorted(name for name in folders if not left_out(name))
        names.extend(os.path.relpath(Path(folder) / name, workspace) for name in sorted(files) if not left_out(name))
        if len(names) >= _LISTED_FILES:
            break
    return tuple(names[:_LISTED_FILES])


def unique_ids(tasks: Sequence[Task], *, taken: Collection[str] = ()) -> None:
    """Refuse two tasks of the same id.

    Args:
        tasks: What is posted now.
        taken: Ids of what was posted before.

    Raises:
        ConfigError: Naming the id.
    """
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen or task.id in taken:
            raise ConfigError(f"task {task.id!r}", "stands twice in one run: give each its own id")
        seen.add(task.id)


def _folder(path: str) -> Path:
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise WorkspaceError(path, "does not exist" if not folder.exists() else "is not a folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise WorkspaceError(path, "cannot be read")
    return folder.resolve()
