"""Run as a process of its own: HTML comes in as JSON, readable text goes out.

Parsing strangers' HTML costs what they want it to cost (100,000 attributes take libxml2 a minute), so it happens under
limits of its own, without an environment, and can be ended. It imports nothing of Agora.

Why trafilatura: Apache-2.0, released several times a year, the best mean score of 14 extractors in Bevendorff et al.,
"An Empirical Comparison of Web Content Extraction Algorithms", SIGIR 2023. Against: 14 packages (60 MB, half of it
Babel), hence an extra. html2text is GPL, readability-lxml gives HTML again, and resiliparse, which is far lighter, did
not end within a minute on 180,000 nested elements, holding the interpreter's lock.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Protocol, cast
from urllib.parse import urldefrag, urljoin

CPU_S = 10
"""Seconds of processor time; the system ends it then."""
MEMORY_BYTES = 2_000_000_000
"""Of address space."""
MAX_TEXT_CHARS = 400_000
"""Of text that goes out."""
MAX_LINKS = 40
"""Links that go out, in the order of the page."""
MISSING_EXIT = 3
"""How it ends where trafilatura is not installed."""

_DROPPED = frozenset(
    re.findall(
        r"[a-z]+",
        """script style template noscript iframe frame object embed applet canvas audio video svg math head input select
        textarea dialog""",
    )
)
_HIDING = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*(?:\.0*)?\s*%?\s*(?:;|!|$)"
    r"|font-size\s*:\s*0*(?:\.0*)?(?:[a-z]+|%)?\s*(?:;|!|$)|(?:left|top|text-indent)\s*:\s*-\d{3,})",
    re.IGNORECASE,
)


class _Element(Protocol):
    tag: object
    attrib: Mapping[str, str]

    def iter(self, *tags: object) -> Iterable[_Element]: ...
    def drop_tree(self) -> None: ...
    def text_content(self) -> str: ...
    def getparent(self) -> _Element | None: ...


class _Html(Protocol):
    def document_fromstring(self, html: str) -> _Element: ...


class _Extractor(Protocol):
    def extract(self, tree: _Element, **options: object) -> str | None: ...
    def html2txt(self, tree: _Element) -> str: ...


def main() -> None:
    """Read {"html", "url"} from stdin, write {"title", "text", "links"} to stdout."""
    for what, most in ((resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # not every system has each of them
            resource.setrlimit(what, (most, most))
    try:
        html = cast("_Html", import_module("lxml.html"))
        extractor = cast("_Extractor", import_module("trafilatura"))
    except ImportError:
        sys.exit(MISSING_EXIT)
    asked = cast("dict[str, str]", json.loads(sys.stdin.buffer.read()))
    found = readable(html, extractor, asked["html"], asked["url"])
    sys.stdout.buffer.write(json.dumps(found).encode())


def readable(html: _Html, extractor: _Extractor, page: str, url: str) -> dict[str, object]:
    """Title, text and links of a page."""
    page = re.sub(r"^\s*<\?xml[^>]*>", "", page.replace("\0", ""))
    if not page.strip():
        return {"title": "", "text": "", "links": []}
    tree = html.document_fromstring(page)
    title = next((element.text_content() for element in tree.iter("title")), "")
    _drop_hidden(tree)
    links = _links(tree, url)
    text = extractor.extract(
        tree, output_format="markdown", include_comments=False, include_tables=True, favor_recall=True
    )
    return {"title": title[:500], "text": (text or extractor.html2txt(tree))[:MAX_TEXT_CHARS], "links": links}


def _drop_hidden(tree: _Element) -> None:
    """Remove what a browser does not show, as far as it can be told without style sheets."""
    for element in list(tree.iter()):
        if element is tree or element.getparent() is None:
            continue
        if not isinstance(element.tag, str) or element.tag in _DROPPED or _is_hidden(element.attrib):
            element.drop_tree()


def _is_hidden(attributes: Mapping[str, str]) -> bool:
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or bool(_HIDING.search(attributes.get("style", "")[:2_000]))
    )


def _links(tree: _Element, url: str) -> list[tuple[str, str]]:
    """(text, absolute URL) of the page's links to other pages, each once."""
    found: dict[str, str] = {}
    for element in tree.iter("a"):
        try:
            onward = urldefrag(urljoin(url, element.attrib.get("href", "").strip())).url
        except ValueError:
            continue
        text = " ".join(element.text_content()[:500].split())
        if text and onward.startswith(("http://", "https://")) and onward != url and len(onward) <= 500:
            found.setdefault(onward, text[:200])
        if len(found) == MAX_LINKS:
            break
    return [(text, onward) for onward, text in found.items()]


if __name__ == "__main__":
    main()
