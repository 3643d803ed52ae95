"""How a text names what goes into it: `{find}`, `{find.verdict}`, `{find.files.0}`, `{item}`; nothing is ever run.

A reference is a name and a path: `find` is the output of the node `find` (or the flow's input of that name),
`find.verdict` is passed, failed, unknown or skipped, and further parts walk through an output that is JSON; `.quoted`
at the end quotes what stands there. `{{` and `}}` stand for braces; braces around anything that is no reference are
left as they are. A text is filled in one pass: braces inside of what was filled in mean nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from agora.values import JsonValue

NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"
"""What nodes and inputs can be called."""

ITEM, INDEX, PREVIOUS = "item", "index", "previous"
QUOTED: Final = "quoted"
"""As the last part of a reference: what stands there, line by line as quoted data (`quoting.py`)."""
SPECIAL: Final = (ITEM, INDEX, PREVIOUS)
"""Names with a meaning of their own: the item and index of a map, the output of the round before."""

_REFERENCE: Final = re.compile(rf"({NAME})((?:\.[A-Za-z0-9_-]+)*)")
_BRACES: Final = re.compile(rf"\{{\{{|\}}\}}|\{{({NAME}(?:\.[A-Za-z0-9_-]+)*)\}}")
_FENCE: Final = re.compile(r"```[\w-]*\n(.*?)\n?```", re.DOTALL)


class Reference(NamedTuple):
    """What a text asks for."""

    name: str
    """A node, an input, or one of the special names."""
    verdict: bool
    """Whether its verdict is meant, and not its output."""
    path: tuple[str, ...]
    """Keys and indices inside an output that is JSON."""


def referred(text: str) -> Reference | None:
    """What a reference means; None: it is none.

    >>> referred("find.verdict"), referred("find.output.files.0").path, referred("1st") is None
    (Reference(name='find', verdict=True, path=()), ('files', '0'), True)
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    parts = tuple(part for part in match[2].split(".") if part)
    if parts == ("verdict",):
        return Reference(match[1], True, ())
    return Reference(match[1], False, parts[1:] if parts[:1] == ("output",) else parts)


def placeholders(text: str) -> tuple[str, ...]:
    """The references in a text, each once, in order.

    >>> placeholders("Fix {bug.file} in {repo}: {{not}} {bug.file} { }")
    ('bug.file', 'repo')
    """
    return tuple(dict.fromkeys(match[1] for match in _BRACES.finditer(text) if match[1]))


def rewritten(text: str, shown: Callable[[str], str]) -> str:
    """A text in which other words stand in place of its references; what was written as braces stays.

    >>> rewritten("{a.b} {{a}}", lambda name: f"<{name}>")
    '<a.b> {{a}}'
    """
    return _BRACES.sub(lambda match: shown(match[1]) if match[1] else match[0], text)


def filled(text: str, lookup: Callable[[str], str], *, most_chars: int) -> tuple[str, Mapping[str, int]]:
    """A text with its references filled in, and how many characters of each had to be left out.

    The longest are cut first, all to the same length, so that the whole keeps its limit.

    Args:
        text: With placeholders.
        lookup: Reference -> what it is now.
        most_chars: The most that the whole may have.

    >>> filled("a {b} {{c}}", {"b": "{c}"}.__getitem__, most_chars=99)
    ('a {c} {c}', {})
    """
    values = {name: lookup(name) for name in placeholders(text)}
    uses = [match[1] for match in _BRACES.finditer(text) if match[1]]
    fixed = len(_BRACES.sub(lambda match: "" if match[1] else match[0][0], text))
    cap = _cap([len(values[name]) for name in uses], most_chars - fixed)
    cut = {name: len(value) - cap for name, value in values.items() if len(value) > cap}
    shown = {name: _shortened(value, cap) for name, value in values.items()}
    return _BRACES.sub(lambda match: shown[match[1]] if match[1] else match[0][0], text), cut


def walked(text: str, path: Sequence[str]) -> str:
    """What stands at a path inside a text that is JSON; empty where nothing does.

    >>> walked('{"files": ["a.py", {"n": 2}]}', ["files", "1", "n"])
    '2'
    """
    value: JsonValue = text
    for part in path:
        if isinstance(value, str):
            value = parsed(value)
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ""
    return as_text(value)


def as_text(value: JsonValue) -> str:
    """A value as it stands in a text: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def items_of(text: str) -> list[str]:
    r"""The items of a list: JSON (in a fence or not), or lines that are not blank.

    >>> items_of('["a", {"b": 1}]'), items_of("- x\n\n  y")
    (['a', '{"b": 1}'], ['- x', 'y'])
    """
    value = parsed(text)
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return [line.strip() for line in text.splitlines() if line.strip()]


def parsed(text: str) -> JsonValue:
    """A text as the JSON that it is, in a fence or not; None: it is none."""
    fenced = _FENCE.fullmatch(text.strip())
    try:
        return cast("JsonValue", json.loads(fenced[1] if fenced else text))
    except (ValueError, RecursionError):
        return None


def _cap(lengths: Sequence[int], room: int) -> int:
    """The length to which all are cut, so that together they fit: the largest for which they do."""
    left, ordered = max(room, 0), sorted(lengths)
    for number, length in enumerate(ordered):
        share = left // (len(ordered) - number)
        if length > share:
            return share
        left -= length
    return max(ordered, default=0)


def _shortened(value: str, cap: int) -> str:
    if len(value) <= cap:
        return value
    mark = f" [... {len(value) - cap} characters and more left out]"
    return value[: cap - len(mark)] + mark if cap > len(mark) else value[:cap]
