"""Tables that leave out their less important columns where there is no room for them."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from agora.cli.paint import grid, narrow, out, safe

_SHORT: Final = 14
"""A head of so many characters is not broken."""


class Column(NamedTuple):
    """One column of figures, aligned to the right."""

    head: str
    """As it is; whoever prints it escapes it."""
    cells: Sequence[str]
    """One for each row, as they are."""
    rank: int = 0
    """0: always there; the highest are left out first, and of equals the rightmost."""
    styles: Sequence[str] = ()
    """Of the palette, one for each row; empty: plain."""


class Laid(NamedTuple):
    """A table, and what is not in it."""

    table: Table
    """As wide as there is room."""
    left_out: tuple[str, ...]
    """Heads of columns, in order."""


def laid(names: Sequence[str], columns: Sequence[Column], *, width: int | None = None) -> Laid:
    """Rows by name with the columns that fit.

    Args:
        names: What the rows are of; markup.
        columns: In order.
        width: Characters that there are; None: as many as the terminal has.
    """
    room, gap = out().width if width is None else width, 1 if narrow() else 2
    left = room - max((Text.from_markup(name, emoji=False).cell_len for name in names), default=0)
    kept = list(range(len(columns)))
    while sum(gap + _width(columns[at]) for at in kept) > left:
        rank = max((columns[at].rank for at in kept), default=0)
        if rank == 0:
            break
        kept.remove(max(at for at in kept if columns[at].rank == rank))
    table = grid("", *("\n".join(map(safe, _lines(columns[at]))) + ">" for at in kept))
    for column in table.columns:
        column.no_wrap = True
    for row, name in enumerate(names):
        table.add_row(name, *(_cell(columns[at], row) for at in kept))
    return Laid(table, tuple(column.head for at, column in enumerate(columns) if at not in kept))


def _width(column: Column) -> int:
    return max(map(cell_len, (*_lines(column), *column.cells)), default=0)


def _lines(column: Column) -> list[str]:
    """Its head, broken between words where it is longer than it need be."""
    return wrap(column.head, max(_SHORT, max(map(cell_len, column.cells), default=0)), break_long_words=False) or [""]


def _cell(column: Column, row: int) -> str | Text:
    return Text(column.cells[row], style=column.styles[row] if column.styles else "")
