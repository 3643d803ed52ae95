"""A workflow as the text of `workflows/NAME.toml`: what `load_flow` reads back as the same value.

Signs that could make a text look like another one to whoever reads it (they turn its direction, or cannot be seen) are
written as escapes. The text holds one workflow; those that it uses stand in files of their own beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from pydantic import BaseModel

from agora.errors import ConfigError
from agora.tasks import Check, Tier
from agora.workflows.nodes import Flow, FlowInput, Node

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Zl", "Zp", "Cn"})
_FIRST: Final = ("id", "goal", "approve", "use", "compare")
"""What stands first in a node, if it is there."""
_APART: Final = frozenset({"name", "inputs", "nodes", "flows"})
"""The fields of a workflow that are no plain key of its file."""
_PLAIN_COMMAND: Final = ["command"]


def flow_toml(flow: Flow, *, comments: Sequence[str] = ()) -> str:
    r"""The file of a workflow, without those that it uses.

    Args:
        flow: Any.
        comments: Lines above it.

    Raises:
        ConfigError: It holds something that TOML has no words for (null, half a character).

    >>> print(flow_toml(Flow(name="f", nodes=({"id": "a", "goal": "say\nit"},))), end="")
    name = "f"
    <BLANKLINE>
    [[task]]
    id = "a"
    goal = '''
    say
    it'''
    """
    where = f"workflow {flow.name!r}"
    lines = [f"# {line}".rstrip() for line in comments]
    lines += [*([""] if lines else []), f"name = {_value(flow.name, where)}"]
    for name in (name for name in type(flow).model_fields if name not in _APART):
        stated = getattr(flow, name)
        if stated != type(flow).model_fields[name].default:
            lines.append(f"{name} = {_value(stated, f'{where}: {name}')}")
    if flow.inputs:
        lines += ["", "[inputs]"]
        lines += [
            f"{_key(name, where)} = {_input(given, f'{where}: input {name!r}')}" for name, given in flow.inputs.items()
        ]
    for node in flow.nodes:
        lines += ["", "[[task]]", *_node(node, f"{where}: task {node.id!r}")]
    return "\n".join(lines) + "\n"


def _node(node: Node, where: str) -> Iterable[str]:
    stated = {name: getattr(node, name) for name in type(node).model_fields}
    defaults = {name: field.get_default(call_default_factory=True) for name, field in type(node).model_fields.items()}
    kept = [name for name in (*_FIRST, *stated) if name in stated and name != "kind"]
    for name in dict.fromkeys(kept):
        if stated[name] != defaults[name]:
            yield f"{name} = {_value(stated[name], f'{where}: {name}', long=True)}"


def _input(given: FlowInput, where: str) -> str:
    if given.about or given.default is None or isinstance(given.default, dict):
        default = {} if given.default is None else {"default": given.default}
        about = {"about": given.about} if given.about else {}
        return _table({**default, **about}, where)
    return _value(given.default, where, long=True)


def _value(value: object, where: str, *, long: bool = False) -> str:
    """A value on the right of an equals sign.

    Args:
        value: What a node may hold.
        where: For messages.
        long: A text of several lines may be written as such.
    """
    match value:
        case str():
            return _lines(value, where) if long and "\n" in value else _text(value, where)
        case Check():
            return _check(value, where)
        case BaseModel():
            shown = {name: one for name, one in value if one != type(value).model_fields[name].default}
            return _table(shown, where)
        case Mapping():
            return _table(cast("Mapping[str, object]", value), where)
        case frozenset():
            return _value(sorted(cast("frozenset[str]", value)), where)
        case list() | tuple():
            listed = cast("Sequence[object]", value)
            return f"[{', '.join(_value(one, where) for one in listed)}]"
        case _:
            return _scalar(value, where)


def _scalar(value: object, where: str) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Tier():
            return f'"{value.name.lower()}"'
        case Decimal():
            return f'"{value}"'
        case int() | float():
            return str(value)
        case _:
            raise ConfigError(where, f"{value!r} cannot be written as TOML: take it out")


def _table(table: Mapping[str, object], where: str) -> str:
    inside = ", ".join(f"{_key(name, where)} = {_value(value, where)}" for name, value in table.items())
    return f"{{ {inside} }}" if inside else "{}"


def _check(check: Check, where: str) -> str:
    """As in `[verify]`: a command alone is a text."""
    command = check.options.get("command")
    if check.kind == "command" and [*check.options] == _PLAIN_COMMAND and isinstance(command, str):
        return _value(command, where)
    if clash := next((name for name in ("kind", "options") if name in check.options), ""):
        raise ConfigError(where, f"an option that is called {clash!r} cannot be written as TOML: rename it")
    return _table({"kind": check.kind, **check.options}, where)


def _key(name: str, where: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name, where)


def _text(text: str, where: str) -> str:
    """A text on one line."""
    return f'"{"".join(_ESCAPES.get(sign) or _sign(sign, where) for sign in text)}"'


def _lines(text: str, where: str) -> str:
    """A text of several lines, as it is where that can be."""
    if (
        "'''" not in text
        and not text.endswith("'")
        and all(sign in "\n\t" or _sign(sign, where) == sign for sign in text)
    ):
        return f"'''\n{text}'''"
    kept = {**_ESCAPES, "\n": "\n", "\t": "\t"}
    return '"""\n' + "".join(kept.get(sign) or _sign(sign, where) for sign in text) + '"""'


def _sign(sign: str, where: str) -> str:
    if unicodedata.category(sign) == "Cs":
        raise ConfigError(where, f"holds U+{ord(sign):04X}, which is no text: take it out")
    if unicodedata.category(sign) in _HIDDEN:
        return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
    return sign
