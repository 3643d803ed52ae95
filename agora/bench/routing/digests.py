"""What the figures of a unit hang on, as SHA-256: the data, and the code that they ran through."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np

from agora.bench.routing.units import TABLE, maker
from agora.registry import BUILT_IN

if TYPE_CHECKING:
    from agora.bench.routing.matrix import Recorded

_ROOT: Final = "agora.bench.routing.units"
_SAID: Final = ("name", "oddities")
"""Fields of a matrix that are shown to a reader, and that no figure hangs on."""


class _Module(NamedTuple):
    digest: str
    """Of its source."""
    imports: tuple[str, ...]
    """Full names that it imports, of modules or of what stands in them."""


def digest(*parts: str) -> str:
    """SHA-256 of texts, with their lengths: ("ab", "c") is not ("a", "bc")."""
    told = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        told.update(f"{len(raw)}:".encode() + raw)
    return told.hexdigest()


def array_digest(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    """SHA-256 of an array's shape and numbers."""
    return hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()


def matrix_digest(matrix: Recorded) -> str:
    """SHA-256 of all of a matrix that figures hang on: every field but its name and its oddities."""
    told = {name: _of(value) for name, value in matrix._asdict().items() if name not in _SAID}
    return digest(*(f"{name} {of}" for name, of in sorted(told.items())))


def code_digest(policy: str) -> str:
    """SHA-256 of all source files that a unit of a policy may run through.

    Args:
        policy: By its name, or one of those that always stand beside.
    """
    return digest(*(f"{name} {of}" for name, of in modules_of(policy)))


@cache
def modules_of(policy: str) -> tuple[tuple[str, str], ...]:
    """The modules that a unit of a policy may run through, by name, with the SHA-256 of their source.

    Followed are the imports of Agora's modules, and of the package that the policy comes from, however deep.

    Args:
        policy: By its name, or one of those that always stand beside.
    """
    left = [root for root in (_ROOT, *(_module_of(name) for name in (TABLE, policy))) if root]
    packages = {root.partition(".")[0] for root in left}
    seen = dict[str, str]()
    while left:
        name = left.pop()
        if name in seen or name.partition(".")[0] not in packages:
            continue
        module = _module(name)
        if module is not None:
            seen[name] = module.digest
            left += module.imports
            left.append(name.rpartition(".")[0])  # a package's own file runs first
    return tuple(sorted(seen.items()))


def _of(value: object) -> str:
    if isinstance(value, np.ndarray):
        array = cast("np.ndarray[tuple[int, ...], np.dtype[np.float64]]", value)
        return array_digest(array) if array.dtype.kind == "f" else digest(json.dumps(array.tolist()))
    return digest(json.dumps(value))


@cache
def _module(name: str) -> _Module | None:
    """A module by its full name; None: it is none, or its source is not there."""
    path = _path(name)
    if path is None:
        return None
    source = path.read_bytes()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return _Module(hashlib.sha256(source).hexdigest(), tuple(dict.fromkeys(_imports(source, package))))


def _path(name: str) -> Path | None:
    """Found without importing anything."""
    top, *inner = name.split(".")
    spec = find_spec(top) if top else None
    if spec is None:
        return None
    if spec.submodule_search_locations is None:
        return Path(str(spec.origin)) if spec.has_location and not inner else None
    for folder in list[str](spec.submodule_search_locations):
        at = Path(folder, *inner)
        files = [at / "__init__.py", *([at.with_name(f"{at.name}.py")] if inner else [])]
        if there := [file for file in files if file.is_file()]:
            return there[0]
    return None


def _imports(source: bytes, package: str) -> Iterator[str]:
    """All that may be imported when it runs, also inside functions."""
    left: list[ast.AST] = [ast.parse(source)]
    while left:
        node = left.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            left += node.orelse
            continue
        left += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{one.name}" for one in node.names)  # `from agora.bench.routing import made`


def _module_of(policy: str) -> str:
    """Where a policy's code begins; empty for those that the bench itself has."""
    if path := BUILT_IN["policies"].get(policy):
        return path.partition(":")[0]
    try:
        return type(maker(policy, {})()).__module__
    except LookupError:
        return ""
