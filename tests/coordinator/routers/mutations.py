"""What can become of a kept state: something is missing, shorter, of another size or of another kind."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import cast

import numpy as np

from agora.coordinator.routers.packing import packed, unpacked
from agora.values import JsonValue

Path = tuple[str | int, ...]


def mutations(saved: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Each with what was done; a place in a long list stands for all of them."""
    for path in list(_paths(saved, ())):
        found = _at(saved, path)
        for what, other in _others(found):
            yield f"{'/'.join(map(str, path))}: {what}", _with(saved, path, other)
        if isinstance(found, dict) and not _is_array(found):
            for key in found:
                left: JsonValue = {one: value for one, value in found.items() if one != key}
                yield f"{'/'.join(map(str, path))}: no {key}", _with(saved, path, left)


def _paths(found: JsonValue, path: Path) -> Iterator[Path]:
    yield path
    if isinstance(found, dict) and not _is_array(found):
        for key, value in found.items():
            yield from _paths(value, (*path, key))
    elif isinstance(found, list) and found:
        yield from _paths(found[0], (*path, 0))


def _others(found: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """In place of a part."""
    yield from (("a text", "damaged"), ("a fraction", 0.5), ("nothing", None))
    if isinstance(found, dict) and _is_array(found):
        array = unpacked(found)
        yield "shape alone", {**found, "shape": [*array.shape, 2]}
        yield "flat", packed(array.reshape(-1)[None] if array.ndim == 1 else array.reshape(-1))
        for axis, size in enumerate(array.shape):
            if size:
                yield f"shorter along {axis}", packed(np.take(array, range(size - 1), axis=axis))
            yield f"longer along {axis}", packed(np.insert(array, size, 1.0, axis=axis))
        yield "no numbers", {**found, "f8": "!"}
    elif isinstance(found, list):
        yield "shorter", found[:-1] if found else ["one"]
        yield "twice", [*found, *found[-1:]]
        yield "numbers", [1, 2]


def _is_array(found: JsonValue) -> bool:
    return isinstance(found, dict) and set(found) == {"shape", "f8"}


def _at(saved: JsonValue, path: Path) -> JsonValue:
    for step in path:
        saved = cast("dict[str | int, JsonValue]", saved)[step]
    return saved


def _with(saved: JsonValue, path: Path, other: JsonValue) -> JsonValue:
    if not path:
        return other
    made = copy.deepcopy(saved)
    cast("dict[str | int, JsonValue]", _at(made, path[:-1]))[path[-1]] = other
    return made
