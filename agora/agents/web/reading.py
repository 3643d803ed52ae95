"""From the bytes of an answer to text that a model can read: kind, character set, and the readable part of HTML."""

from __future__ import annotations

import codecs
import json
import mimetypes
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast

import anyio

from agora.agents.web import extracting
from agora.errors import ConfigError, WebError

EXTRACT_S: Final = 15.0
"""The longest that reading one page may take."""
MAX_HTML_CHARS: Final = 3_000_000
"""HTML beyond this is not looked at."""

_KIND: Final = re.compile(r"\s*([a-z0-9!#$&^_.+-]{1,60})/([a-z0-9!#$&^_.+-]{1,80})\s*(?:;|$)", re.IGNORECASE)
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_IN_XML: Final = re.compile(r"^\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
# The WHATWG encoding standard's; others (UTF-7, escapes of Python) can hide text from whoever looks at the bytes.
_CODECS: Final = frozenset(
    re.findall(
        r"\S+",
        """utf-8 utf-16 utf-16-le utf-16-be cp866 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8
    iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman cp874 cp1250 cp1251 cp1252 cp1253
    cp1254 cp1255 cp1256 cp1257 cp1258 gbk gb18030 gb2312 big5 euc_jp iso2022_jp shift_jis cp932 euc_kr""",
    )
)
_AS_BROWSERS_DO: Final = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030"}


class Page(NamedTuple):
    """What can be read on a page; still as the stranger wrote it."""

    title: str
    """Empty where it has none."""
    text: str
    """Its main text; of HTML as Markdown."""
    links: tuple[tuple[str, str], ...]
    """(text, absolute URL) of links to other pages."""


async def read_page(url: str, content_type: str, body: bytes) -> Page:
    """The page behind a body.

    Args:
        url: Where it comes from; links are relative to it.
        content_type: As the server states it.
        body: Decompressed.

    Raises:
        WebError: It is no text, or could not be read within the limits.
        ConfigError: It is HTML, and the extra that reads it is not installed.
    """
    kind = _kind(url, content_type)
    text = decoded(body, content_type, html=kind in _HTML)
    if kind not in _HTML:
        return Page("", text, ())
    return await _extracted(url, text[:MAX_HTML_CHARS])


def decoded(body: bytes, content_type: str, *, html: bool = False) -> str:
    r"""Bytes as text: a byte order mark goes before the header, that before the page's own word, that before UTF-8.

    >>> decoded(b"caf\xe9", "text/plain; charset=ISO-8859-1")
    'café'
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    head = body[:1024].decode("latin-1")
    stated = _CHARSET.search(content_type) or _IN_XML.search(head) or (_CHARSET.search(head) if html else None)
    return body.decode(_codec(stated[1] if stated else "utf-8"), "replace")


def _codec(name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return "utf-8"
    known = _AS_BROWSERS_DO.get(known, known)
    return known if known in _CODECS else "utf-8"


def _kind(url: str, content_type: str) -> str:
    read = _KIND.match(content_type)
    if read is None:
        raise WebError(url, "does not say what it is (no Content-Type), so it is not read")
    kind, sub = read[1].lower(), read[2].lower()
    if kind == "text" or (kind == "application" and (sub in ("json", "xml") or sub.endswith(("+json", "+xml")))):
        return f"{kind}/{sub}"
    known = f"{kind}/{sub}" if mimetypes.guess_extension(f"{kind}/{sub}") else "of a kind that is not known here"
    raise WebError(url, f"is {known}: only HTML, text, JSON and XML are read")


async def _extracted(url: str, html: str) -> Page:
    asked = json.dumps({"html": html.encode("utf-8", "replace").decode(), "url": url}).encode()
    argv = [sys.executable, "-I", str(Path(extracting.__file__))]
    try:
        with anyio.fail_after(EXTRACT_S):
            ran = await anyio.run_process(argv, input=asked, stderr=subprocess.DEVNULL, check=False, env={}, cwd="/")
    except TimeoutError:
        raise WebError(url, f"could not be read within {EXTRACT_S:.0f} s: try another page") from None
    if ran.returncode == extracting.MISSING_EXIT:
        raise ConfigError("fetch", "reading HTML needs an extra: pip install 'agora-market[web]'")
    if ran.returncode != 0:
        raise WebError(url, "is HTML that could not be read within the limits: try another page")
    found = cast("Mapping[str, object]", json.loads(ran.stdout))
    links = tuple((str(text), str(onward)) for text, onward in cast("list[tuple[str, str]]", found["links"]))
    return Page(str(found["title"]), str(found["text"]), links)
