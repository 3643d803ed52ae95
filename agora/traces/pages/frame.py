"""A page: one HTML file that asks for nothing, with a policy that lets it ask for nothing.

Content Security Policy Level 3 (W3C): style and script are named by their SHA-256, so that nothing else is obeyed,
should a text ever get through the escape. Landmarks, one `h1`, sections in order, a link past the navigation
(WCAG 2.2: 1.3.1, 2.4.1, 2.4.6); both colour schemes by the reader's setting; no script is needed to read it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from agora.traces.pages.rendering import asset, render

if TYPE_CHECKING:
    from markupsafe import Markup


class Section(NamedTuple):
    """One part of a page, reached from its navigation."""

    id: str
    """Its anchor: letters, digits and "-", beginning with a letter; unique on the page."""
    title: str
    """Its heading (`h2`); headings within it begin at `h3`."""
    body: Markup
    """As the kit's functions gave it; several are joined with `parts.joined`."""


def page(
    *,
    title: str,
    sections: Sequence[Section],
    lead: Markup | str = "",
    foot: Markup | str = "",
    script: str = "",
    live: bool = False,
) -> str:
    """A whole page.

    Args:
        title: Of the page, and its `h1`.
        sections: In order; the navigation lists them.
        lead: What stands below the title.
        foot: What stands at the end.
        script: Our own further script, never text of others; the page can be read without it.
        live: True: the script may connect to where the page came from, and to nowhere else. False: to nowhere.

    Returns:
        HTML, whole; it ends with a line break.
    """
    from markupsafe import Markup

    style, scripts = asset("page.css"), [asset("page.js"), *([script] if script else [])]
    return str(
        render(
            "page.html.j2",
            title=title,
            sections=sections,
            lead=lead,
            foot=foot,
            policy=policy(style, scripts, live=live),
            style=Markup(style),
            scripts=[Markup(one) for one in scripts],
        )
    )


def policy(style: str, scripts: Sequence[str], *, live: bool = False) -> str:
    """The page's Content Security Policy, as it stands in its head and as a server sends it along.

    >>> policy("", []).split("; ")[:2]
    ["default-src 'none'", "style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"]
    """
    allowed = " ".join(_digest(script) for script in scripts) or "'none'"
    connect = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {allowed}; connect-src {connect}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
