"""What the terminal gets: two consoles, text made safe, one palette; amounts as `told/wording.py` words them."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from agora.fork_events import Fork
from agora.tasks import Verdict
from agora.traces.told.wording import amount, number, steps, taken, times, usd, visible

__all__ = [
    "MARKS",
    "THEME",
    "ago",
    "amount",
    "err",
    "fork_line",
    "grid",
    "inset",
    "narrow",
    "number",
    "out",
    "remarks",
    "safe",
    "steps",
    "taken",
    "times",
    "usd",
    "verdict",
    "visible",
    "waiting",
]

MARKS = {Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.UNKNOWN: "unknown"}
"""The words of a verdict; colour never says anything alone."""

THEME = Theme(
    {
        "passed": "green",
        "failed": "red",
        "unknown": "yellow",
        "quiet": "dim",
        "name": "cyan",
        "head": "bold",
        "added": "green",
        "removed": "red",
    }
)
"""The palette, by what is meant."""
_PLAIN_WIDTH = 100
_NARROW = 90


@cache
def out() -> Console:
    """Standard output: results."""
    return _console(stderr=False)


@cache
def err() -> Console:
    """Standard error: progress, questions, what went wrong."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PLAIN_WIDTH
    return Console(stderr=stderr, theme=THEME, highlight=False, soft_wrap=not stream.isatty(), width=width, emoji=False)


def safe(text: str, *, limit: int = 0) -> str:
    """Text that somebody else wrote, for markup: visible, on one line, without effect on colours, cut at a limit."""
    line = " ".join(visible(text).split())
    if limit and len(line) > limit:
        line = line[: limit - 1] + "…"
    return escape(line)


def fork_line(fork: Fork) -> str:
    """Where a run was forked from, what is otherwise, and what was spent before, for markup."""
    changes = ", ".join(f"{safe(name)}={safe(value, limit=80)}" for name, value in fork.changes.items())
    where = f"forked from run {safe(fork.run)} at event {fork.at}" + (f" with {changes}" if changes else "")
    if not fork.usage.usd:
        return f"{where}; what it takes over is not paid again"
    return f"{where}; {usd(fork.usage.usd)} was spent before: it counts against the budget and is not paid again"


def ago(at_us: int) -> str:
    """When something was, on this machine's clock."""
    return datetime.fromtimestamp(at_us / 1_000_000, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def verdict(value: Verdict | None) -> str:
    """A verdict, for markup."""
    return f"[{value.value}]{MARKS[value]}[/]" if value else "[quiet]…[/]"


def remarks(rows: Iterable[tuple[str, str]]) -> Table:
    """Quiet remarks for below a table: what, and what about it, the second wrapped under itself."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for what, about in rows:
        table.add_row(f"[quiet]{what}[/]", f"[quiet]{about}[/]")
    return table


def narrow() -> bool:
    """Whether results have less room than a wide table takes, as on a terminal of 80 columns."""
    return out().width < _NARROW


def inset(markup: str, by: int = 2) -> Padding | Text:
    """Markup that is set in from the left with all its lines, however it wraps; one whole line where nothing wraps."""
    text = Text.from_markup(markup, emoji=False)
    return Text(" " * by) + text if out().soft_wrap else Padding(text, (0, 0, 0, by), expand=False)


@contextmanager
def waiting(what: str) -> Generator[None]:
    """Say what is waited for: while it lasts on a terminal, once elsewhere."""
    if not err().is_terminal:
        err().print(what)
        yield
        return
    with err().status(f"[quiet]{what}[/]", spinner="line", spinner_style="quiet"):
        yield


def grid(*columns: str, title: str = "") -> Table:
    """A calm table: no frame, a header, room between columns; "name>" aligns a column to the right."""
    gap = 1 if narrow() else 2
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="head", title=title or None)
    table.title_justify, table.title_style = "left", "head"
    for column in columns:
        right = column.endswith(">")
        table.add_column(column.removesuffix(">"), justify="right" if right else "left", overflow="fold")
    return table
