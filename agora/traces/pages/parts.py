"""What pages are made of: tables, lists of facts, long texts that open, diffs, states, links within the page.

Cells and facts are texts, or markup that another function here gave back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.traces.pages.excerpts import Excerpt
from agora.traces.pages.rendering import render

if TYPE_CHECKING:
    from markupsafe import Markup

STATES: Final = frozenset({"passed", "failed", "unknown", "running", "waiting", "skipped"})
"""What has a colour of its own; its word always stands beside it."""
_LONG_CHARS: Final = 48
_NO_ANCHOR: Final = re.compile(r"[^A-Za-z0-9]+")


class Column(NamedTuple):
    """One column of a table."""

    name: str
    """Its heading."""
    right: bool = False
    """Whether its cells are figures, aligned to the right."""


def table(
    caption: str,
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Markup | str]],
    *,
    quiet_caption: bool = False,
) -> Markup:
    """A table; its first column names each row, and it scrolls by itself where the screen is narrow.

    Args:
        caption: What it shows; also its name to a screen reader.
        columns: "name" or `Column`.
        rows: As many cells each as there are columns.
        quiet_caption: True: the caption is read out, and not shown, as where a heading says the same.
    """
    heads = [column if isinstance(column, Column) else Column(column) for column in columns]
    kinds = ["right" if head.right else "" for head in heads]
    cells = [[(kind or _kind(cell), cell) for kind, cell in zip(kinds, row, strict=True)] for row in rows]
    return render("table.html.j2", caption=caption, columns=heads, rows=cells, quiet=quiet_caption)


def facts(pairs: Iterable[tuple[str, Markup | str]]) -> Markup:
    """Names with what is to be said of each, as a list."""
    return render("facts.html.j2", pairs=list(pairs))


def words(excerpt: Excerpt | str) -> Markup:
    """A text as it was written, with its line breaks; what is left out of it is said."""
    return render("words.html.j2", excerpt=_excerpt(excerpt))


def fold(summary: Markup | str, *bodies: Markup | str, open: bool = False, id: str = "") -> Markup:
    """What is shown once it is opened, by mouse or keyboard.

    Args:
        summary: What it is; always shown.
        bodies: What is in it.
        open: Whether it is open at the beginning.
        id: An anchor.
    """
    return render("fold.html.j2", summary=summary, bodies=bodies, open=open, id=id)


def diff(text: Excerpt | str, *, name: str) -> Markup:
    """A unified diff; lines that come and go are marked by their sign, and by a colour besides.

    Args:
        text: The diff.
        name: Whose or of what, for a screen reader.
    """
    return render("diff.html.j2", excerpt=_excerpt(text), name=name)


def state(word: str, text: str = "") -> Markup:
    """How something stands, in a word (see `STATES`) that has its colour.

    Args:
        word: One of `STATES`; of another one the colour is plain.
        text: What is written instead of the word.
    """
    return render("state.html.j2", word=word if word in STATES else "plain", text=text or word)


def paragraph(text: Markup | str, *, quiet: bool = False) -> Markup:
    """A paragraph."""
    return render("paragraph.html.j2", text=text, quiet=quiet)


def heading(text: Markup | str, *, level: int = 3, id: str = "") -> Markup:
    """A heading within a section.

    Args:
        text: What follows.
        level: 3 at the top of a section, then 4, 5; none may be passed over.
        id: An anchor.
    """
    return render("heading.html.j2", text=text, level=level, id=id)


def listed(items: Iterable[Markup | str]) -> Markup:
    """A list."""
    return render("listed.html.j2", items=list(items))


def command(line: str) -> Markup:
    """A command to type, as code."""
    return render("command.html.j2", line=line)


def link(anchor: str, text: str) -> Markup:
    """A link to an anchor of this page; nothing else is ever linked to."""
    return render("link.html.j2", anchor=anchor, text=text)


def meter(value: float, *, text: str, name: str) -> Markup:
    """A share of 1 as a bar beside its figure.

    Args:
        value: Above 1 the bar is full.
        text: The figure, as it is shown.
        name: Of what, for a screen reader.
    """
    return render("meter.html.j2", value=f"{min(max(value, 0.0), 1.0):.4f}", text=text, name=name)


def joined(*parts: Markup | str) -> Markup:
    """Several parts, one after the other; texts among them are escaped."""
    return render("joined.html.j2", parts=parts)


def anchor(*names: str | int) -> str:
    """An anchor from names that others gave, as far as they can stand in one; add a number to tell equals apart.

    >>> anchor("task", 3, "build[2]/fix#3")
    'task-3-build-2-fix-3'
    """
    return "-".join(part for name in names if (part := _NO_ANCHOR.sub("-", str(name)).strip("-")))


def _kind(cell: Markup | str) -> str:
    """A long text gets more room, and breaks anywhere; markup has its own way."""
    return "long" if len(cell) > _LONG_CHARS and not hasattr(cell, "__html__") else ""


def _excerpt(text: Excerpt | str) -> Excerpt:
    return Excerpt(text) if isinstance(text, str) else text
