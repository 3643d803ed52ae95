"""Progress of long commands on standard error: bars on a terminal, a line a step elsewhere."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from agora.cli.paint import err, safe


class Advance:
    """Bars by name; a bar begins when it is first told of.

    Args:
        progress: What draws them; None: lines are printed instead, one when a bar is full.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def to(self, name: str, done: int, of: int | None, *, now: str = "") -> None:
        """A bar is so far.

        Args:
            name: Of the bar.
            done: Steps, or bytes.
            of: Of so many; None: nobody knows.
            now: What was done last, or is being done.
        """
        if self._progress is None:
            self._line(name, done, of, now)
            return
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(safe(name), total=of, now="")
        self._progress.update(self._bars[name], completed=done, total=of, now=safe(now, limit=40))

    def _line(self, name: str, done: int, of: int | None, now: str) -> None:
        if now:
            err().print(f"[quiet]{safe(name)}: {safe(now)} ({done}{f' of {of}' if of is not None else ''})[/]")
        elif done == of:
            err().print(f"[quiet]{safe(name)}: done[/]")


@contextmanager
def advancing(*, bytes: bool = False) -> Generator[Advance]:
    """Bars while something lasts.

    Args:
        bytes: Whether what is counted are bytes, and not steps.
    """
    if not err().is_terminal:
        yield Advance(None)
        return
    counted: ProgressColumn = DownloadColumn() if bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), counted, Elapsed())
    with Progress(*columns, TextColumn("[quiet]{task.fields[now]}[/]"), console=err(), transient=True) as progress:
        yield Advance(progress)
