"""Templates that escape whatever is put into them: control characters made visible, then HTML's own signs escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agora.errors import ConfigError
from agora.traces.told.wording import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

EXTRA: Final = "pip install 'agora-market[report]'"
"""What installs what pages need."""
TEMPLATES: Final = Path(__file__).parent / "templates"
"""Where the templates stand, with the style and the script of all pages."""


def render(template: str, **values: object) -> Markup:
    """A template with its values.

    Every text is escaped as it is put in, and what cannot be seen in it is made visible: a template cannot forget to.
    A value that these functions gave back is markup already and is taken as it is.

    Args:
        template: Its file in `templates/`.
        values: What it names; one that is missing is an error.

    Raises:
        ConfigError: The extra `report` is not installed.
    """
    environment = _environment()
    from markupsafe import Markup

    return Markup(environment.get_template(template).render(values))


def escaped(text: str) -> Markup:
    """One text, as the templates escape it.

    >>> str(escaped("<script>" + chr(0x202E)))
    '&lt;script&gt;&lt;U+202E&gt;'
    """
    from markupsafe import escape

    return escape(visible(text))


@cache
def asset(name: str) -> str:
    """A file of ours beside the templates: the style or the script of all pages."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise ConfigError("report", f"pages need an extra: {EXTRA}") from None
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _shown(value: object) -> object:
    """What is put into a template: markup as it is, everything else as text in which nothing is hidden."""
    if value is None:
        return ""
    return value if hasattr(value, "__html__") else visible(str(value))
