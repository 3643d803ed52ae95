"""An answer in a form that equal answers share, and what kind of answer it is.

    "(B) because ..."  "Answer: B"                    -> "B"
    [f(x=1, y="a b")]  [{"f": {"y": "A B", "x": 1}}]  -> "call:f(x=1,y=ab)"
    ```python def g(a, b): ...```                     -> "code:g/2"
    "forty two."                                      -> "forty two"
    longer prose                                      -> None: there is nothing to compare

Calls are compared without the order of calls and arguments, and without quotes, case and spaces in values; code by its
first function's name and number of parameters, since two programs that do the same rarely look the same. A list of
calls that breaks off keeps its whole calls and says so.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, cast

KINDS: Final = 5
"""Outright (a letter, a word, code), one call, several calls, a list of calls that breaks off, prose."""
_Named: TypeAlias = dict[object, object]
_OUTRIGHT, _CALL, _CALLS, _CUT, _PROSE = range(KINDS)
_LONGEST: Final = 4_000
"""Characters that are looked at."""
_SHORT: Final = 40
_BROKEN: Final = (ValueError, SyntaxError, RecursionError, MemoryError)
_FENCED: Final = re.compile(r"```[a-z_]*\s*(.*?)(?:```|$)", re.DOTALL)
_FUNCTION: Final = re.compile(r"\bdef\s+(\w+)\s*\(([^)]*)\)")
_LETTER_FIRST: Final = re.compile(r"^\W*(?:answer\s*(?:is)?\s*:?\s*)?\(?([A-Ea-e])\b", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"^[Aa]\s+[a-z]")
_LETTER_SAID: Final = re.compile(r"\b(?:answer|option|choice)\b[^A-Z]{0,20}\b([A-E])\b")
_LETTERS: Final = re.compile(r"(?<!\w)([A-E])(?:\)|\b)(?!\w)")
_JSON_WORDS: Final = {"true": "True", "false": "False", "null": "None"}


def kind_of(canonical: str | None) -> int:
    """What kind of answer a form is of, in [0, KINDS)."""
    if canonical is None:
        return _PROSE
    return {"call": _CALL, "calls": _CALLS, "cut": _CUT}.get(canonical.partition(":")[0], _OUTRIGHT)


@lru_cache(maxsize=20_000)
def canonical(answer: str) -> str | None:
    """The form of an answer as it was given; None: prose, of which it cannot be said whether two are equal."""
    text = answer[:_LONGEST].strip()
    found = _code(text) or _calls(text) or _letter(text)
    if found:
        return found
    words = " ".join(re.findall(r"[\w.,+-]+", text.lower())).strip(" .,")
    return words if words and len(words) <= _SHORT else None


def _code(text: str) -> str:
    block = _FENCED.search(text)
    found = (_FUNCTION.search(block[1]) if block else None) or _FUNCTION.search(text)
    if not found:
        return ""
    name = found[1].lower().replace("_", "")
    return f"code:{name}/{sum(bool(one.strip()) for one in found[2].split(','))}"


def _letter(text: str) -> str:
    first = _LETTER_FIRST.match(text)
    if first and (len(text) < 3 or not _ARTICLE.match(text)):
        return first[1].upper()
    if said := _LETTER_SAID.search(text):
        return said[1]
    loose: list[str] = _LETTERS.findall(text)
    return next((one for one in loose if one != "A"), loose[0] if loose else "")


def _calls(text: str) -> str:
    if "(" not in text and "{" not in text:
        return ""
    text = text.replace("\\_", "_")
    block = _FENCED.search(text)
    body = block[1].strip() if block else text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of strange escapes in what is parsed
        for read in _READERS:
            try:
                found = read(body)
            except _BROKEN:
                continue
            if found:
                return ("call:" if len(found) == 1 else "calls:") + ";".join(sorted(found))
        return "cut:" + ";".join(sorted(_whole(text))) if text.startswith("[") and not text.endswith("]") else ""


def _of_json(text: str) -> list[str]:
    return _listed(json.loads(text))


def _of_python(text: str) -> list[str]:
    tree = ast.parse(text.strip(), mode="eval").body
    made: list[str] = []
    for node in tree.elts if isinstance(tree, (ast.List, ast.Tuple)) else [tree]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            made += _of_python(node.value)
        elif isinstance(node, ast.Dict):
            made += _listed(ast.literal_eval(node))
        elif isinstance(node, ast.Call):
            given: dict[object, object] = {one.arg or "**": _literal(one.value) for one in node.keywords}
            given |= {f"#{place}": _literal(one) for place, one in enumerate(node.args)}
            made.append(_one(ast.unparse(node.func), given))
        else:
            raise ValueError
    return made


def _inside(text: str) -> list[str]:
    found = re.search(r"\[.*\]", text, re.DOTALL)
    return _of_python(found[0]) if found else []


def _with_json_words(text: str) -> list[str]:
    return _of_python(re.sub(r"\b(true|false|null)\b", lambda found: _JSON_WORDS[found[1]], text))


_READERS: Final[tuple[Callable[[str], list[str]], ...]] = (
    _of_json,
    _of_python,
    lambda text: _of_python(f"[{text}]"),
    _inside,
    _with_json_words,
)


def _listed(value: object) -> list[str]:
    """Calls in the forms that tool calls are written in as JSON."""
    if isinstance(value, dict) and "tool_calls" in value:
        value = cast("_Named", value)["tool_calls"]
    made: list[str] = []
    several: list[object] = cast("list[object]", value) if isinstance(value, list) else [value]
    for one in several:
        whole = _named(one)
        given = whole.get("arguments", whole.get("parameters"))
        calls = {whole["name"]: given} if "name" in whole and given is not None else whole
        for name, values in calls.items():
            read: object = json.loads(values) if isinstance(values, str) else values
            made.append(_one(str(name), _named(read)))
    return made


def _named(value: object) -> _Named:
    if not isinstance(value, dict):
        raise ValueError
    return cast("_Named", value)


def _whole(text: str) -> list[str]:
    """The calls of a list that breaks off before its end."""
    if text.startswith("[{"):
        made: list[str] = []
        for name, given in re.findall(r'\{"([^"]+)": "((?:[^"\\]|\\.)*)"\}', text):
            try:
                made += _listed({name: json.loads(f'"{given}"')})
            except _BROKEN:
                continue
        return made
    for end in [found.start() for found in re.finditer(r"\)", text)][::-1][:50]:
        try:
            return _of_python(text[: end + 1] + "]")
        except _BROKEN:
            continue
    return []


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except _BROKEN:
        return ast.unparse(node)


def _one(name: str, given: _Named) -> str:
    values = ",".join(sorted(f"{str(key).lower()}={_value(value)}" for key, value in given.items()))
    return f"{re.sub(r'[._]', '', name).lower()}({values})"


def _value(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return f"{value:g}"
        except OverflowError:
            return str(value)
    if isinstance(value, str):
        return _word(value.strip())
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_value, cast('Sequence[object]', value)))}]"
    if isinstance(value, dict):
        pairs = cast("_Named", value).items()
        return "{" + ",".join(sorted(f"{_value(str(key))}:{_value(one)}" for key, one in pairs)) + "}"
    return str(value).lower()


def _word(text: str) -> str:
    """A string that may hold a number or a list."""
    try:
        return f"{float(text):g}"
    except ValueError:
        pass
    if text[:1] in ("[", "{", "("):
        for read in (json.loads, ast.literal_eval):
            try:
                return _value(read(text))
            except _BROKEN:
                continue
    return re.sub(r"[\s'\"`,.\-/*]+", "", text.replace("**", "^").lower())
