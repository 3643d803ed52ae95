"""What the terminal gets: two consoles, text made safe, amounts made short, one palette."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from agora.bids import Amount
from agora.tasks import Usage, Verdict

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
_LINE_BREAKS = {"\n", "\t"}
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs without any ink: Hangul fillers, inherent vowels of Khmer, the empty Braille cell."""


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


def visible(text: str) -> str:
    """Text with every character made visible that a terminal or a reader could be misled by.

    Control characters, bidirectional overrides, zero-width, blank and unassigned characters become their code point;
    line breaks and tabs stay.

    >>> visible("a" + chr(0x202E) + "b" + chr(27) + "[2J")
    'a<U+202E>b<U+001B>[2J'
    """
    return "".join(
        f"<U+{ord(mark):04X}>"
        if mark not in _LINE_BREAKS and (unicodedata.category(mark) in _UNSEEN or mark in _BLANK)
        else mark
        for mark in text
    )


def safe(text: str, *, limit: int = 0) -> str:
    """Text that somebody else wrote, for markup: visible, on one line, without effect on colours, cut at a limit."""
    line = " ".join(visible(text).split())
    if limit and len(line) > limit:
        line = line[: limit - 1] + "…"
    return escape(line)


def amount(price: Amount) -> str:
    """A price as a person reads it.

    >>> amount(Amount(value=Decimal("0.80000"), unit="s")), amount(Amount(value=Decimal("0.0004")))
    ('0.8 s', '$0.0004')
    """
    return f"{number(price.value)} s" if price.unit == "s" else usd(price.value)


def usd(value: Decimal) -> str:
    """Dollars, with as many places as say something.

    >>> usd(Decimal(0)), usd(Decimal("1.5")), usd(Decimal("0.00041234"))
    ('$0', '$1.50', '$0.00041')
    """
    if value == 0:
        return "$0"
    return (
        f"${value:.2f}"
        if value >= Decimal("0.1")
        else f"${float(value):.2g}"
        if value >= Decimal("0.0001")
        else (f"${value:.5f}" if value >= Decimal("0.00001") else "<$0.00001")
    )


def number(value: Decimal | float) -> str:
    """A figure with two places that say something, never in powers of ten.

    >>> number(Decimal("0.8000")), number(12.345), number(1234.5), number(0)
    ('0.8', '12', '1234', '0')
    """
    figure = float(value)
    if figure == 0:
        return "0"
    if figure >= 10:
        return f"{figure:.0f}"
    text = f"{figure:.1f}" if figure >= 1 else f"{figure:.2g}" if figure >= 0.01 else f"{figure:.3f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def steps(count: int) -> str:
    """A number of steps.

    >>> steps(1), steps(3)
    ('1 step', '3 steps')
    """
    return f"{count} step" + ("" if count == 1 else "s")


def times(count: int) -> str:
    """How often.

    >>> times(1), times(2)
    ('once', '2 times')
    """
    return "once" if count == 1 else f"{count} times"


def taken(usage: Usage) -> str:
    """What work took: dollars where there are any, tokens where there are any, steps, seconds."""
    parts = [usd(usage.usd)] if usage.usd else []
    parts.append(steps(usage.steps))
    if usage.tokens:
        parts.append(f"{usage.tokens} tokens")
    parts.append(f"{number(usage.seconds)} s")
    return " · ".join(parts)


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
