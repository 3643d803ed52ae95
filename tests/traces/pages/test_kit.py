"""The page kit: nothing that is put in is markup, every figure is told twice, colours can be told from the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.frame import Section, page
from agora.traces.pages.graph import Box, Edge, graph
from agora.traces.pages.parts import (
    Column,
    anchor,
    diff,
    facts,
    fold,
    heading,
    joined,
    link,
    listed,
    meter,
    paragraph,
    state,
    table,
    words,
)
from agora.traces.pages.plots import Bar, Dot, Line, Span, Told, bars, lines, points, spans
from agora.traces.pages.rendering import TEMPLATES, asset, escaped, render
from agora.traces.pages.svg import masked, taken_over
from agora.traces.told.wording import visible

TOLD = Told("p", "Title", "What it says.")
CSS = asset("page.css")
KINDS = frozenset(re.findall(r"\w+", "r p h3 pre ul li dl div dt dd details summary span meter a")) | frozenset(
    {"table", "caption", "thead", "tbody", "tr", "th", "td"}
)
SHAPES = frozenset(["svg", "g", "path", "line", "rect", "circle", "text", "tspan", "defs", "clipPath"])
LEAST_TEXT, LEAST_SHAPE = 4.5, 3.0
"""WCAG 2.2, 1.4.3 and 1.4.11."""


def text_of(markup: str) -> str:
    """What a reader sees of markup."""
    return "".join(ElementTree.fromstring(f"<r>{markup}</r>").itertext())


@settings(deadline=None)
@given(text=st.text())
def test_whatever_is_put_in_comes_out_as_text(text: str) -> None:
    shown = visible(text)
    for made in (
        paragraph(text),
        heading(text),
        words(text),
        listed([text]),
        facts([("x", text)]),
        fold(text, text),
        state("passed", text),
        meter(0.5, text=text, name=text),
        link("x", text),
        joined(text),
        table(text, ["a", Column(text)], [[text, text]]),
    ):
        tree = ElementTree.fromstring(f"<r>{made}</r>".replace("tabindex=0", "").replace(" open>", ">"))
        assert shown in "".join(tree.itertext())
        assert not {one.tag for one in tree.iter()} - KINDS
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", made)


@given(text=st.text(min_size=1))
def test_a_diff_is_shown_line_by_line(text: str) -> None:
    shown = visible(text).rstrip("\n").split("\n")
    assert text_of(diff(text, name=text)).strip("\n").split("\n") == "\n".join(shown).strip("\n").split("\n")


def test_what_a_template_names_must_be_given() -> None:
    with pytest.raises(UndefinedError):
        render("state.html.j2", word="passed")


def test_no_template_marks_a_text_as_safe() -> None:
    for template in TEMPLATES.glob("*.j2"):
        assert not re.search(r"\|\s*safe|autoescape|Markup", template.read_text()), template.name


LABELS = st.lists(st.text(max_size=30), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(labels=LABELS, data=st.data())
def test_labels_in_a_picture_are_text_and_equal_ones_stay_apart(labels: list[str], data: st.DataObject) -> None:
    part = data.draw(st.text(max_size=10))
    drawn = bars(TOLD, [Bar(label, {part: 1.0}) for label in labels], axis="x")
    picture = ElementTree.fromstring(drawn[drawn.index("<svg") : drawn.index("</svg>") + 6])
    assert {one.tag for one in picture.iter()} <= SHAPES
    seen = ["".join(one.itertext()) for one in picture.iter("text")]
    for label in labels:
        line = " ".join(visible(label).split())
        short = line if len(line) <= 24 else f"{line[:23]}…"
        assert not short or any(short in " ".join(one.split()) for one in seen), (short, seen)
    assert len([one for one in picture.iter("rect") if one.get("fill") == "var(--s1)"]) == len(labels)


def test_the_plotting_library_makes_no_link_and_no_formula_of_a_label() -> None:
    labels = ['<a href="javascript:x">y</a>', "\\(\\frac{1}{2}\\)", "&lt;b&gt;", "{x}"]
    drawn = bars(TOLD, [Bar(label, {"part": 1.0}) for label in labels], axis=labels[0])
    picture = ElementTree.fromstring(drawn[drawn.index("<svg") : drawn.index("</svg>") + 6])
    seen = ["".join(one.itertext()) for one in picture.iter("text")]
    assert not [label for label in ('<a href="javascript:x">…', *labels[1:]) if label not in seen], seen
    assert labels[0] in seen, "the title of the axis"


def test_links_formulas_and_styles_of_a_drawing_are_not_taken_over() -> None:
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" onload="alert(1)"><style>*{}</style>'
        '<script>alert(1)</script><g onclick="alert(1)"><a href="javascript:alert(1)"><text x="1">x</text></a>'
        '<text x="1"><a href="javascript:alert(1)"><tspan>y</tspan></a></text>'
        '<image href="http://127.0.0.1/x.png"/><rect width="1.23456" height="2" fill="url(http://127.0.0.1/)"/>'
        '<foreignObject><body onload="alert(1)"/></foreignObject></g></svg>'
    )
    taken = str(taken_over(drawn, id="p", name="<x>", colours={}))
    assert not re.search(r"script|style|href|onload|onclick|image|foreign|http|url\(", taken)
    assert text_of(taken) == "xy"
    assert 'width="1.23" height="2" fill="none"' in taken


def test_a_label_reads_as_no_formula_and_no_link() -> None:
    label = masked('\\(\\frac{1}{2}\\)<a href="x">')
    assert not set("\\<>{&") & set(label)


def test_every_picture_has_its_figures_in_its_table() -> None:
    dots = points(TOLD, [Dot("a", 1, 2, "g"), Dot("b", 3, 4, "h")], x="cost", y="passed", frontier=[(1, 2), (3, 4)])
    curve = lines(TOLD, [Line("a", [1, 2], [0.25, 0.5], [0.125, 0.375], [0.5, 0.75])], x="n", y="passed", percent=True)
    time = spans(TOLD, [Span("a", 0, 1.5, "bid", "t"), Span("b", 1.5, 1.5, "check", "t")])
    stack = bars(TOLD, [Bar("a", {"cost": 0.5, "jury": -0.25}, 0.25), Bar("b", {"cost": 1.0})], axis="x", mark="sum")
    for drawn, cells in (
        (dots, ["a", "g", "1", "2", "b", "h", "3", "4"]),
        (curve, ["a", "1", "0.25", "0.125", "0.5", "a", "2", "0.5", "0.375", "0.75"]),
        (time, ["a", "bid", "t", "0.00", "1.50", "b", "check", "t", "1.50", "0.00"]),
        (stack, ["a", "0.5", "-0.25", "0.25", "b", "1", "", ""]),
    ):
        body = ElementTree.fromstring(drawn[drawn.index("<tbody>") : drawn.index("</tbody>") + 8])
        assert ["".join(cell.itertext()) for row in body for cell in row] == cells
        assert "What it says." in drawn


def test_a_graph_is_drawn_by_waves() -> None:
    waves = [[Box("a<b>", "passed", "one")], [Box("b", "odd"), Box("c", "failed")]]
    edges = [Edge("a<b>", "b"), Edge("a<b>", "c", dotted=True), Edge("nobody", "c")]
    drawn = graph(TOLD, waves, edges, table=paragraph("x"))
    picture = ElementTree.fromstring(drawn[drawn.index("<svg") : drawn.index("</svg>") + 6])
    boxes = {one[1].text: one for one in picture.iter("g")}
    assert {name: box.get("class") for name, box in boxes.items()} == {
        "a<b>": "box passed",
        "b": "box plain",
        "c": "box failed",
    }
    assert float(boxes["b"][0].get("y", 0)) > float(boxes["a<b>"][0].get("y", 0))
    assert [one.get("stroke-dasharray") for one in picture.iter("path")] == [None, "4 4"]


def test_texts_are_cut_so_that_a_page_stays_small() -> None:
    few = Excerpts(most_bytes=10_000, each=1_000)
    shown = [few.cut("<" * 50_000) for _ in range(40)]
    assert shown[0].left_out == 49_000
    assert shown[0].text + shown[0].end == "<" * 1_000
    assert sum(len(escaped(one.text + one.end)) for one in shown) < 50_000
    assert few.line("a\n  b" + "c" * 500, limit=10) == "a bcccccc…"
    assert "49,000 characters are left out here" in words(shown[0])


def test_an_anchor_is_made_of_letters_that_can_stand_in_one() -> None:
    assert anchor("task", 3, '"><script>') == "task-3-script"


def scheme(dark: bool) -> Mapping[str, str]:
    """Custom property -> its colour, in one of the two schemes."""
    light, _, rest = CSS.partition("@media screen and (prefers-color-scheme: dark)")
    return dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", rest.partition("\n}")[0] if dark else light))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_can_be_told_from_the_page(dark: bool) -> None:
    colours = scheme(dark)
    for name in ("ink", "quiet", "link", "passed", "failed", "unknown"):
        for ground in ("paper", "raised"):
            assert contrast(colours[name], colours[ground]) >= LEAST_TEXT, (name, ground)
    for ground in ("added", "removed"):
        assert contrast(colours["ink"], colours[ground]) >= LEAST_TEXT
    for at in range(1, 9):
        assert contrast(colours[f"s{at}"], colours["paper"]) >= LEAST_SHAPE


def test_the_policy_allows_nothing_in_line() -> None:
    made = page(title="x", sections=[Section("a", "A", paragraph("x"))])
    (found,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', made)
    assert "unsafe" not in found
    assert found.startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "connect-src &#39;none&#39;" in found
    assert "connect-src &#39;self&#39;" in page(title="x", sections=[], live=True)
