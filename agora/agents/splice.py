"""Surgery on one Python function: find it in a file, read a candidate out of a reply, put its body in place."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

_INDENT = "    "


class Stub(NamedTuple):
    """A function at the top of a module that is to be written or mended."""

    name: str
    """Its name."""
    head: str
    """Decorators, signature and docstring, as they stand."""
    body: str
    """The rest, as it stands."""
    first: int
    """Line of the file where the head begins, from 0."""
    last: int
    """Line of the file after the body."""

    @property
    def empty(self) -> bool:
        """Whether the body only says that it is not there yet."""
        return self.body.strip() in {"raise NotImplementedError", "raise NotImplementedError()", "pass", "...", ""}

    @property
    def shown(self) -> str:
        """What a model needs to see: the head, and the body where there is one."""
        return self.head if self.empty else f"{self.head}\n{self.body}"


def find_stub(source: str, goal: str) -> Stub | None:
    """The function that a goal names; else the only one without a body; else None."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    stubs = [stub for node in tree.body if isinstance(node, ast.FunctionDef) and (stub := _stub(source, node))]
    words = set(re.findall(r"\w+", goal))
    named = [stub for stub in stubs if stub.name in words]
    open_ones = [stub for stub in named or stubs if stub.empty]
    if named:
        return (open_ones or named)[0]
    return open_ones[0] if len(open_ones) == 1 else None


def read_candidate(text: str, name: str) -> str | None:
    r"""The body of the function of that name in a model's reply, as indented source; None where there is none.

    Lines that do not parse are dropped from the end. Imports above the function move into it.

    >>> read_candidate("Sure: ```python\ndef one():\n    return 1\n```", "one")
    '    return 1'
    """
    begin = text.find("```python\n")
    code = text[begin + len("```python\n") :] if begin >= 0 else text[max(0, text.find("def ")) :]
    lines = code.split("```")[0].splitlines()
    while lines:
        try:
            tree = ast.parse("\n".join(lines))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            lines.pop()
            continue
        return _body(tree, name)
    return None


def splice(source: str, stub: Stub, body: str) -> str:
    """The file with another body in the function's place; its signature and docstring stay."""
    lines = source.splitlines()
    lines[stub.first : stub.last] = [*stub.head.splitlines(), *body.splitlines()]
    return "\n".join(lines) + "\n"


def _stub(source: str, node: ast.FunctionDef) -> Stub | None:
    if node.body[0].lineno == node.lineno:  # all on one line: nothing to put between
        return None
    lines = source.splitlines()
    first = min([node.lineno, *(item.lineno for item in node.decorator_list)]) - 1
    last = node.end_lineno or node.lineno
    documented = ast.get_docstring(node) is not None
    cut = (node.body[0].end_lineno or node.lineno) if documented else node.body[0].lineno - 1
    head, body = "\n".join(lines[first:cut]), "\n".join(lines[cut:last])
    return Stub(name=node.name, head=head, body=body, first=first, last=last)


def _body(tree: ast.Module, name: str) -> str | None:
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
            written = [ast.unparse(statement) for statement in (*imports, *statements)]
            lines = "\n".join(written).splitlines()
            return "\n".join(f"{_INDENT}{line}" for line in lines) or None
    return None
