"""A graph of tasks as boxes in waves: what can run at the same time stands in one row, what waits for it below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.traces.pages.drawing import Told
from agora.traces.pages.parts import STATES
from agora.traces.pages.rendering import render

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _EDGE = 148, 62, 20, 44, 8
_MOST_ACROSS: Final = 6
"""More boxes of one wave than these go on in a further row."""
_TITLE_CHARS, _LINE_CHARS = 14, 18


class Box(NamedTuple):
    """One node."""

    id: str
    """Unique in its graph."""
    state: str
    """How it stands: one of `parts.STATES`, or another word."""
    line: str = ""
    """What stands below its name, in a few words."""


class Edge(NamedTuple):
    """Who waits for whom."""

    before: str
    """A node's id."""
    after: str
    """Another's."""
    dotted: bool = False
    """Whether it only follows, or only stands in after a failure."""


class _Drawn(NamedTuple):
    x: int
    y: int
    title: str
    line: str
    state: str


class _Path(NamedTuple):
    d: str
    dotted: bool


def graph(told: Told, waves: Sequence[Sequence[Box]], edges: Sequence[Edge], *, table: Markup) -> Markup:
    """The picture of a graph, with its table.

    Args:
        told: In words.
        waves: The nodes, by waves.
        edges: Between them; one that leads from or to a node that is not there is left out.
        table: The same in words.
    """
    rows = [row for wave in _sorted(waves, edges) for row in _chunks(wave)]
    most = max((len(row) for row in rows), default=1)
    places: dict[str, tuple[int, int]] = {}
    boxes: list[_Drawn] = []
    for down, row in enumerate(rows):
        shift = (most - len(row)) * (_WIDTH + _ACROSS) // 2
        for across, box in enumerate(row):
            x, y = _EDGE + shift + across * (_WIDTH + _ACROSS), _EDGE + down * (_HEIGHT + _DOWN)
            places[box.id] = (x, y)
            state = box.state if box.state in STATES else "plain"
            boxes.append(_Drawn(x, y, _cut(box.id, _TITLE_CHARS), _cut(box.line, _LINE_CHARS), state))
    return render(
        "graph.html.j2",
        id=told.id,
        title=told.title,
        says=told.says,
        width=2 * _EDGE + most * (_WIDTH + _ACROSS) - _ACROSS,
        height=2 * _EDGE + max(len(rows), 1) * (_HEIGHT + _DOWN) - _DOWN,
        boxes=boxes,
        paths=list(_paths(places, edges)),
        box_width=_WIDTH,
        box_height=_HEIGHT,
        table=table,
    )


def _sorted(waves: Sequence[Sequence[Box]], edges: Sequence[Edge]) -> Iterator[list[Box]]:
    """Each wave in the order of the mean place of what its nodes wait for, so that edges cross less."""
    before: dict[str, list[str]] = {}
    for edge in edges:
        before.setdefault(edge.after, []).append(edge.before)
    place: dict[str, float] = {}
    for wave in waves:
        means: Mapping[str, float] = {
            box.id: _mean([place[name] for name in before.get(box.id, []) if name in place]) for box in wave
        }
        row = sorted(wave, key=lambda box: means[box.id])
        place.update({box.id: (at + 0.5) / len(row) for at, box in enumerate(row)})
        yield row


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.5


def _chunks(wave: Sequence[Box]) -> Iterator[Sequence[Box]]:
    for start in range(0, len(wave), _MOST_ACROSS):
        yield wave[start : start + _MOST_ACROSS]


def _paths(places: Mapping[str, tuple[int, int]], edges: Sequence[Edge]) -> Iterator[_Path]:
    for edge in edges:
        if edge.before in places and edge.after in places:
            (x1, y1), (x2, y2) = places[edge.before], places[edge.after]
            x1, y1, x2 = x1 + _WIDTH // 2, y1 + _HEIGHT, x2 + _WIDTH // 2
            half = max((y2 - y1) // 2, _DOWN // 2)
            yield _Path(f"M{x1} {y1}C{x1} {y1 + half} {x2} {y2 - half} {x2} {y2}", edge.dotted)


def _cut(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
