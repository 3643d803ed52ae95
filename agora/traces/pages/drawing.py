"""From a plot to a part of a page: the library loaded late, drawn twice where width matters, colours by their names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from agora.errors import ConfigError
from agora.traces.pages.rendering import EXTRA, render
from agora.traces.pages.svg import masked, taken_over

if TYPE_CHECKING:
    from markupsafe import Markup

SERIES: Final = 8
"""So many colours there are; further series use them again."""
INK, QUIET, GRID, PAPER = "#00000a", "#00000b", "#00000c", "#00000d"
_NAMES: Final = {
    **{at: f"s{at}" for at in range(1, SERIES + 1)},
    **{10: "ink", 11: "quiet", 12: "grid", 13: "paper"},
}
_COLOURS: Final = {
    **{f"rgb(0,0,{at})": name for at, name in _NAMES.items()},
    **{f"#{at:06x}": name for at, name in _NAMES.items()},
}
"""Colours of a drawing, each in the place of one of the page's."""
WIDTH, BROAD = 420, 900
ROW, FRAME = 30, 56
TALL: Final = 260
_ONE_AT_A_TIME: Final = Lock()
_MOST_KEPT: Final = 256
_DRAWN: Final[dict[str, str]] = {}


class Told(NamedTuple):
    """What a picture says in words."""

    id: str
    """Its anchor; unique on the page."""
    title: str
    """What it shows."""
    says: str
    """What can be seen in it, in a sentence or two: also for those who cannot see it."""


class Plot(Protocol):
    """A picture before it is drawn: what is added to it is a further one."""

    def __add__(self, layer: object) -> Plot: ...

    def as_dict(self) -> dict[str, object]:
        """All that it is drawn from."""
        ...

    def to_svg(self) -> str:
        """As drawn."""
        ...


class Layers(NamedTuple):
    """What is added to every picture."""

    x: object
    """The title of the horizontal axis."""
    y: object
    """That of the vertical one."""
    theme: object
    """How all else looks."""


class Drawing(NamedTuple):
    """One drawing of a picture."""

    size: str
    """On which screens it is shown: "broad", "narrow"; empty: on all."""
    svg: Markup
    """As part of a page."""


class _Entry(NamedTuple):
    key: str
    name: str


def figured(told: Told, drawings: Sequence[Drawing], names: Sequence[str], shown: Markup) -> Markup:
    """A picture with its words, its legend and its figures.

    Args:
        told: In words.
        drawings: Of the same, for screens of different widths.
        names: Of the series, in the order of their colours; of one or none no legend is shown.
        shown: The table of figures.
    """
    legend = [_Entry(f"s{at % SERIES + 1}", name) for at, name in enumerate(names)]
    return render(
        "figure.html.j2",
        id=told.id,
        title=told.title,
        says=told.says,
        drawings=drawings,
        legend=legend if len(legend) > 1 else [],
        table=shown,
    )


def both(plot: Plot, told: Told, *, height: int) -> list[Drawing]:
    """A broad drawing and a narrow one; the page shows the one that fits."""
    return [
        drawn(plot, told, width=BROAD, height=height, size="broad"),
        drawn(plot, told, width=WIDTH, height=height, size="narrow"),
    ]


def drawn(plot: Plot, told: Told, *, width: int, height: int, size: str = "") -> Drawing:
    """Draw a plot.

    Args:
        plot: Without its size.
        told: In words.
        width: Units; letters are 13 high.
        height: Units.
        size: On which screens it is shown.
    """
    drawn = _svg_of(plot + grammar().ggsize(width, height))
    id = f"{told.id}-{size}" if size else told.id
    return Drawing(size, taken_over(drawn, id=id, name=told.title, colours=_COLOURS))


def _svg_of(plot: Plot) -> str:
    """As drawn; the latest drawings are kept, for the library holds on to some memory at each one."""
    key = json.dumps(plot.as_dict(), sort_keys=True)
    with _ONE_AT_A_TIME:  # the library does not say that it may be used by several threads
        if (svg := _DRAWN.pop(key, None)) is None:
            svg = plot.to_svg()
        _DRAWN[key] = svg  # at the end: the latest
        if len(_DRAWN) > _MOST_KEPT:
            del _DRAWN[next(iter(_DRAWN))]
    return svg


def layered(plot: Plot, *layers: object) -> Plot:
    """A plot with further layers."""
    for layer in layers:
        plot += layer
    return plot


def keys(names: Iterable[str]) -> dict[str, str]:
    """Name -> what stands for it in the drawing, in the order in which they come first."""
    return {name: f"s{at:03}" for at, name in enumerate(dict.fromkeys(names))}


def scale(names: Mapping[str, str]) -> dict[str, list[str]]:
    """A colour for each name, in order."""
    keys = list(names.values())
    return {"values": [f"#{at % SERIES + 1:06x}" for at in range(len(keys))], "breaks": keys, "limits": keys}


def rows_axis(labels: Sequence[str]) -> object:
    """An axis with a row for each label, the first on top; equal labels stay apart."""
    places = [f"r{at}" for at in range(len(labels))]
    names = [masked(label) for label in labels]
    return grammar().scale_y_discrete(limits=places[::-1], breaks=places, labels=names, expand=[0, 0.6])


def theme(x: str, y: str = "", *, across: bool = False) -> Layers:
    """What all pictures have in common: no frame, quiet lines, one size of letters."""
    lp = grammar()
    blank, grid = lp.element_blank(), lp.element_line(color=GRID, size=1)
    text, titles = lp.element_text(color=INK, size=13), lp.element_text(color=QUIET, size=13)
    theme: object = lp.theme(
        plot_background=blank,
        panel_background=blank,
        panel_grid_major_x=grid,
        panel_grid_major_y=blank if across else grid,
        panel_grid_minor=blank,
        axis_line=blank,
        axis_ticks=blank,
        axis_text=text,
        axis_title=titles,
        legend_position="none",
        plot_margin=[4, 10, 4, 4],
    )
    return Layers(lp.xlab(masked(x, limit=60)), lp.ylab(masked(y, limit=60)), theme)


@cache
def grammar() -> ModuleType:
    """The plotting library.

    Raises:
        ConfigError: The extra `report` is not installed.
    """
    try:
        return import_module("lets_plot")
    except ImportError:
        raise ConfigError("report", f"pictures need an extra: {EXTRA}") from None
