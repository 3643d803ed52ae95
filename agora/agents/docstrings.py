"""Google-style docstrings, read for their description and their arguments."""

from __future__ import annotations

import inspect
import re
from typing import Final

_SECTION: Final = re.compile(
    r"(args|arguments|returns|yields|raises|examples?|notes?|attributes|todo):\s*$", re.IGNORECASE
)
_ENTRY: Final = re.compile(r"(\*{0,2}\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


def split_docstring(doc: str) -> tuple[str, dict[str, str]]:
    r"""The description and the documented arguments of a Google-style docstring.

    >>> split_docstring("Say it.\n\nArgs:\n    text: What to\n        say.")
    ('Say it.', {'text': 'What to say.'})
    """
    description: list[str] = []
    arguments: dict[str, str] = {}
    section, current = "", ""
    for line in inspect.cleandoc(doc).splitlines():
        header = _SECTION.match(line)
        if header:
            section = header.group(1).lower()
        elif line and not line[0].isspace():
            section = ""
        if not header and not section:
            description.append(line)
        elif not header and section.startswith("arg"):
            current = _add_entry(arguments, line, current)
    return "\n".join(description).strip(), arguments


def _add_entry(arguments: dict[str, str], line: str, current: str) -> str:
    """Read one line of an Args section; returns the argument that it belongs to."""
    entry = _ENTRY.match(line.strip())
    shallow = len(line) - len(line.lstrip()) <= 4
    if entry and (shallow or not current):
        current = entry.group(1).lstrip("*")
        arguments[current] = entry.group(2)
    elif current and line.strip():
        arguments[current] = f"{arguments[current]} {line.strip()}".strip()
    return current
