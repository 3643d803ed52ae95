"""What a plotting library drew, taken over element by element: shapes and texts, colours by name, nothing else.

The library's drawing is not trusted to be inert: it makes links of what looks like one in a label, sets formulas, and
carries a style of its own. Only elements and attributes that are listed here go on the page, with texts escaped as all
others are, numbers short, and colours as the page's custom properties, so that one drawing fits both colour schemes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from agora.traces.pages.rendering import escaped
from agora.traces.told.wording import visible

if TYPE_CHECKING:
    from markupsafe import Markup

_SHAPES: Final = frozenset({"path", "line", "rect", "circle", "polyline", "polygon"})
_HOLDERS: Final = frozenset({"g", "defs", "clipPath"})
_TEXTS: Final = frozenset({"text", "tspan"})
_KEPT: Final = (
    *("x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "width", "height", "d", "points", "transform"),
    *("fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray"),
    *("text-anchor", "font-weight", "clip-path"),
)
_DEFAULTS: Final = {("fill-opacity", "1.0"), ("stroke-opacity", "1.0"), ("fill-rule", "evenodd"), ("transform", "")}
_VALUE: Final = re.compile(r"[A-Za-z0-9 .,()#%+-]*")
_NUMBER: Final = re.compile(r"-?\d+\.\d+(?:[eE]-?\d+)?")
_CLIP: Final = re.compile(r"url\(#([A-Za-z0-9]+)\)")
_FONT: Final = re.compile(r"font-size:\s*([\d.]+)px")
_MASKS: Final = {"<": "\ue000", "\\": "\ue001", "{": "\ue002", "&": "\ue003", ">": "\ue004"}
"""Signs that the library would read, as others of private use, which no visible text has."""
_MASKED: Final = str.maketrans(_MASKS)
_UNMASKED: Final = str.maketrans({mask: sign for sign, mask in _MASKS.items()})


def masked(label: str, *, limit: int = 24) -> str:
    """A label for the library: on one line, short, nothing in it that it would read as more than text."""
    line = " ".join(visible(label[: 4 * limit]).split())
    return (line if len(line) <= limit else line[: limit - 1] + "…").translate(_MASKED)


def taken_over(drawn: str, *, id: str, name: str, colours: Mapping[str, str]) -> Markup:
    """A drawing as part of a page, as wide as there is room.

    Args:
        drawn: SVG, as the library gave it.
        id: Of the picture; unique on the page.
        name: What it shows, in a few words, for a screen reader.
        colours: Colour in the drawing, as "rgb(0,0,1)" -> the custom property it stands for, as "s1".
    """
    from markupsafe import Markup

    root = ElementTree.fromstring(drawn)
    clips = {clip.get("id", ""): f"{id}-clip-{at}" for at, clip in enumerate(_all(root, "clipPath"))}
    width, height = _short(root.get("width", "0")), _short(root.get("height", "0"))
    inner = "".join(part for child in root for part in _element(child, clips, colours))
    return Markup(
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escaped(name)}" fill="var(--ink)">{inner}</svg>'
    )


def _element(element: ElementTree.Element, clips: Mapping[str, str], colours: Mapping[str, str]) -> Iterator[str]:
    kind = _kind(element)
    if kind in _TEXTS or kind == "a":
        yield from _text(element, kind, clips, colours)
    elif kind in _SHAPES:
        attributes = "".join(_attributes(element, clips, colours))
        if attributes:
            yield f"<{kind}{attributes}/>"
    elif kind in _HOLDERS:
        attributes = "".join(_attributes(element, clips, colours))
        inner = "".join(part for child in element for part in _element(child, clips, colours))
        if kind == "clipPath":
            yield f'<clipPath id="{clips[element.get("id", "")]}">{inner}</clipPath>'
        elif inner:
            yield f"<{kind}{attributes}>{inner}</{kind}>" if attributes or kind == "defs" else inner


def _text(
    element: ElementTree.Element, kind: str, clips: Mapping[str, str], colours: Mapping[str, str]
) -> Iterator[str]:
    """A text and the parts of it; of a link only its text."""
    inner = str(escaped((element.text or "").strip("\n ").translate(_UNMASKED)))
    inner += "".join(part for child in element for part in _element(child, clips, colours))
    if kind == "a":
        yield inner
        return
    attributes = "".join(_attributes(element, clips, colours))
    size = _FONT.search(element.get("style", ""))
    if size:
        attributes += f' font-size="{_short(size[1])}"'
    yield f"<{kind}{attributes}>{inner}</{kind}>" if attributes or kind == "text" else inner


def _attributes(element: ElementTree.Element, clips: Mapping[str, str], colours: Mapping[str, str]) -> Iterator[str]:
    for name in _KEPT:
        value = element.get(name)
        if value is None or (name, value.strip()) in _DEFAULTS:
            continue
        if name == "clip-path":
            found = _CLIP.fullmatch(value)
            if found and found[1] in clips:
                yield f' clip-path="url(#{clips[found[1]]})"'
        elif name in ("fill", "stroke"):
            known = colours.get(value.replace(" ", ""))
            yield f' {name}="{f"var(--{known})" if known else "none"}"'
        elif _VALUE.fullmatch(value):
            yield f' {name}="{_NUMBER.sub(_shorter, value).strip()}"'


def _shorter(number: re.Match[str]) -> str:
    return _short(number[0])


def _short(number: str) -> str:
    """With two digits after the point at most.

    >>> _short("12.3456"), _short("208.0")
    ('12.35', '208')
    """
    return f"{float(number):.2f}".rstrip("0").rstrip(".")


def _kind(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(root: ElementTree.Element, kind: str) -> Iterator[ElementTree.Element]:
    return (element for element in root.iter() if _kind(element) == kind)
