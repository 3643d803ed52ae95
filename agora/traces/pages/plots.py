"""Pictures of figures: stacked bars, lines, points, spans, each with its words and its figures in a table.

lets-plot draws them (a grammar of graphics: Wilkinson, 2005) in this process, without a browser and without a network;
the page gets shapes, no script. Colours are the page's, told apart by order and legend; every figure that is drawn
stands in the table below its picture as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.traces.pages.drawing import (
    FRAME,
    INK,
    PAPER,
    QUIET,
    ROW,
    TALL,
    WIDTH,
    Plot,
    Told,
    both,
    drawn,
    figured,
    grammar,
    keys,
    layered,
    rows_axis,
    scale,
    theme,
)
from agora.traces.pages.parts import Column, table
from agora.traces.pages.svg import masked

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Bar", "Dot", "Line", "Span", "Told", "bars", "lines", "points", "spans"]

MOST_POWERS: Final = 2.5
"""Over more powers of ten than these only powers themselves stand at an axis."""
LABELLED: Final = 16
"""More points than these have no label in the picture."""


class Bar(NamedTuple):
    """One bar, stacked from its parts: those above 0 to the right, those below it to the left."""

    label: str
    """Whose."""
    parts: Mapping[str, float]
    """Part -> how long."""
    mark: float | None = None
    """A point on the axis, as the sum; None: no point."""


class Line(NamedTuple):
    """One line, with what it may be off by."""

    name: str
    """What it is of."""
    xs: Sequence[float]
    """In order."""
    ys: Sequence[float]
    """As many."""
    low: Sequence[float] = ()
    """The lower end of each interval; empty: none is drawn."""
    high: Sequence[float] = ()
    """The upper end."""


class Dot(NamedTuple):
    """One point."""

    label: str
    """What it is."""
    x: float
    """To the right."""
    y: float
    """Upwards."""
    group: str = ""
    """Points of one group have one colour."""


class Span(NamedTuple):
    """Something that went on for a while."""

    row: str
    """In which row it is drawn, as who did it."""
    start: float
    """Seconds from the beginning."""
    end: float
    """As `start`; not before it."""
    kind: str
    """What it is: its colour."""
    about: str = ""
    """What it was for; only in the table."""


def bars(told: Told, rows: Sequence[Bar], *, axis: str, mark: str = "") -> Markup:
    """Stacked bars, the first on top.

    Args:
        told: In words.
        rows: The bars.
        axis: What is measured, with its unit.
        mark: What the points are; empty: there are none.
    """
    names = keys(part for row in rows for part in row.parts)
    lp = grammar()
    data = {
        "row": [f"r{at}" for at, row in enumerate(rows) for _ in row.parts],
        "part": [names[part] for row in rows for part in row.parts],
        "value": [value for row in rows for value in row.parts.values()],
    }
    plot: Plot = lp.ggplot(data, lp.aes("value", "row", fill="part"))
    plot += lp.geom_bar(stat="identity", orientation="y", width=0.62, size=0, tooltips="none")
    marked = [(f"r{at}", row.mark) for at, row in enumerate(rows) if row.mark is not None]
    if marked:
        spots = {"row": [row for row, _ in marked], "value": [value for _, value in marked]}
        aes = lp.aes("value", "row")
        plot += lp.geom_point(
            aes, data=spots, inherit_aes=False, color=INK, size=4, shape=23, fill=PAPER, stroke=1.5, tooltips="none"
        )
    plot += lp.geom_vline(xintercept=0, color=QUIET, size=0.5)
    plot += lp.scale_fill_manual(**scale(names))
    axes = (lp.scale_x_continuous(expand=[0.05, 0]), rows_axis([row.label for row in rows]))
    plot = layered(plot, *axes, *theme(axis, across=True))
    columns: list[Column | str] = [
        "which",
        *(Column(name, right=True) for name in names),
        *([Column(mark, right=True)] if mark else []),
    ]
    cells = [
        [row.label, *(_figure(row.parts.get(name)) for name in names), *([_figure(row.mark)] if mark else [])]
        for row in rows
    ]
    drawings = [drawn(plot, told, width=WIDTH, height=FRAME + ROW * max(len(rows), 1))]
    return figured(told, drawings, list(names), table(told.title, columns, cells, quiet_caption=True))


def spans(told: Told, rows: Sequence[Span], *, axis: str = "seconds from the beginning") -> Markup:
    """Who did what when: a row for each, in the order in which they come first."""
    kinds, lines = keys(span.kind for span in rows), list(dict.fromkeys(span.row for span in rows))
    lp = grammar()
    place = {name: f"r{at}" for at, name in enumerate(lines)}
    least = max((span.end for span in rows), default=0.0) / 300  # what took no time can still be seen
    data = {
        "row": [place[span.row] for span in rows],
        "start": [span.start for span in rows],
        "end": [max(span.end, span.start + least) for span in rows],
        "kind": [kinds[span.kind] for span in rows],
    }
    plot: Plot = lp.ggplot(data)
    aes = lp.aes(x="start", xend="end", y="row", yend="row", color="kind")
    plot += lp.geom_segment(aes, size=6, tooltips="none")
    plot += lp.scale_color_manual(**scale(kinds))
    plot = layered(plot, rows_axis(lines), *theme(axis, across=True))
    height = FRAME + ROW * max(len(lines), 1)
    cells = [[span.row, span.kind, span.about, f"{span.start:.2f}", f"{span.end - span.start:.2f}"] for span in rows]
    columns: list[Column | str] = [
        "who",
        "what",
        "for what",
        Column("from, s", right=True),
        Column("for, s", right=True),
    ]
    shown = table(told.title, columns, cells, quiet_caption=True)
    return figured(told, both(plot, told, height=height), list(kinds), shown)


def lines(told: Told, rows: Sequence[Line], *, x: str, y: str, percent: bool = False, powers: bool = False) -> Markup:
    """Lines over a common axis, each with its interval where it has one.

    Args:
        told: In words.
        rows: The lines.
        x: What the horizontal axis is, with its unit.
        y: The vertical one.
        percent: Whether `y` is a share of 1, drawn from 0 to 1.
        powers: Whether equal steps to the right are equal factors of `x`, which must then be above 0.
    """
    names = keys(line.name for line in rows)
    lp = grammar()
    plot: Plot = lp.ggplot(_drawn_lines(rows, names), lp.aes("x", "y", color="name"))
    banded = [line for line in rows if line.low]
    if banded:
        band = {
            "name": [names[line.name] for line in banded for _ in line.xs],
            "x": [value for line in banded for value in line.xs],
            "low": [value for line in banded for value in line.low],
            "high": [value for line in banded for value in line.high],
        }
        aes = lp.aes(x="x", ymin="low", ymax="high", fill="name")
        plot += lp.geom_ribbon(aes, data=band, inherit_aes=False, alpha=0.18, size=0, tooltips="none")
    if any(len(line.xs) > 1 for line in rows):  # the library remarks on a line of one point
        longer = [line for line in rows if len(line.xs) > 1]
        plot += lp.geom_line(data=_drawn_lines(longer, names), size=1.2, tooltips="none")
    plot += lp.geom_point(size=2.5, tooltips="none")
    plot = layered(plot, lp.scale_color_manual(**scale(names)), lp.scale_fill_manual(**scale(names)))
    if percent:
        plot += lp.scale_y_continuous(limits=[0, 1])
    if powers:
        values = [value for line in rows for value in line.xs]
        room = [min(values) * 0.95, max(values) * 1.05]  # bands would have the axis begin at a power of its own
        plot += lp.scale_x_log10(breaks=_powers(values), limits=room, expand=[0.01, 0])
    plot = layered(plot, *theme(x, y))
    columns: list[Column | str] = ["which", Column(x, right=True), Column(y, right=True)]
    interval = [Column("from", right=True), Column("to", right=True)] if banded else []
    cells: list[list[str]] = []
    for line in rows:
        for at, (across, up) in enumerate(zip(line.xs, line.ys, strict=True)):
            within = [_figure(line.low[at]), _figure(line.high[at])] if line.low else [""] * len(interval)
            cells.append([line.name, _figure(across), _figure(up), *within])
    shown = table(told.title, [*columns, *interval], cells, quiet_caption=True)
    return figured(told, both(plot, told, height=TALL), list(names), shown)


def _powers(values: Sequence[float]) -> list[float]:
    """Round numbers within a range, each the next one's half or fifth; tenths alone where there are many.

    >>> _powers([3, 70]), _powers([0.1, 100])
    ([5.0, 10.0, 20.0, 50.0], [0.1, 1.0, 10.0, 100.0])
    """
    low, high = min(values), max(values)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    rounds = (1, 2, 5) if math.log10(high / low) <= MOST_POWERS else (1,)
    found = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in rounds]
    return [value for value in found if low * 0.999 <= value <= high * 1.001] or [low, high]


def _drawn_lines(rows: Sequence[Line], names: Mapping[str, str]) -> dict[str, list[object]]:
    return {
        "name": [names[line.name] for line in rows for _ in line.xs],
        "x": [value for line in rows for value in line.xs],
        "y": [value for line in rows for value in line.ys],
    }


def points(told: Told, rows: Sequence[Dot], *, x: str, y: str, frontier: Sequence[tuple[float, float]] = ()) -> Markup:
    """Points in the plane; a line in steps through those that none of the others beats.

    Args:
        told: In words.
        rows: The points.
        x: What the horizontal axis is, with its unit.
        y: The vertical one.
        frontier: Corners of the line, from left to right; empty: there is none.
    """
    groups = keys(dot.group for dot in rows)
    lp = grammar()
    data = {
        "x": [dot.x for dot in rows],
        "y": [dot.y for dot in rows],
        "group": [groups[dot.group] for dot in rows],
        "label": [masked(dot.label, limit=18) for dot in rows],
    }
    plot: Plot = lp.ggplot(data, lp.aes("x", "y"))
    if frontier:
        steps = {"x": [across for across, _ in frontier], "y": [up for _, up in frontier]}
        plot += lp.geom_step(lp.aes("x", "y"), data=steps, color=QUIET, size=1, tooltips="none")
    plot += lp.geom_point(lp.aes(color="group"), size=4.5, tooltips="none")
    if len(rows) <= LABELLED:
        plot += lp.geom_text_repel(lp.aes(label="label"), color=INK, size=6, seed=1, segment_color=QUIET)
    plot += lp.scale_color_manual(**scale(groups))
    plot = layered(plot, lp.scale_x_continuous(expand=[0.12, 0]), lp.scale_y_continuous(expand=[0.12, 0]), *theme(x, y))
    grouped = any(groups)
    columns: list[Column | str] = [
        "which",
        *(["group"] if grouped else []),
        Column(x, right=True),
        Column(y, right=True),
    ]
    cells = [[dot.label, *([dot.group] if grouped else []), _figure(dot.x), _figure(dot.y)] for dot in rows]
    shown = table(told.title, columns, cells, quiet_caption=True)
    return figured(told, both(plot, told, height=TALL), list(groups) if grouped else [], shown)


def _figure(value: float | None) -> str:
    """A figure as it stands in a table, with four digits that say something.

    >>> _figure(None), _figure(0.0), _figure(-0.51234567), _figure(1234567)
    ('', '0', '-0.5123', '1234567')
    """
    return "" if value is None else f"{value:.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
