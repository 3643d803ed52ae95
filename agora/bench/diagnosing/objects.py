"""Lines of files that others wrote, as objects; what cannot be read is counted, with the first place of it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

from agora.bench.routing.oddities import Oddities
from agora.errors import ConfigError

Object = Mapping[str, object]

_LONGEST_CELL: Final = 1 << 26


def objects(path: Path, odd: Oddities) -> Iterator[Object]:
    """The objects of a file: lines of JSON, one JSON array (or an object with one under `data`), or CSV with a header.

    Raises:
        ConfigError: The file cannot be read.
    """
    if path.name.removesuffix(".gz").endswith(".csv"):
        yield from _rows(path, odd)
        return
    first = next((line for line in lines(path) if line.strip()), "").lstrip()
    if not first.startswith("[") and read_object(first) is not None:
        yield from _json_lines(path, odd)
        return
    whole = read_json("".join(lines(path)))
    held = cast("Object", whole).get("data") if isinstance(whole, dict) else whole
    if isinstance(held, list):
        for number, one in enumerate(cast("list[object]", held), 1):
            if isinstance(one, dict):
                yield cast("Object", one)
            else:
                odd.count(f"entries of {path.name} that are no objects", f"entry {number}")
    elif isinstance(whole, dict):
        yield cast("Object", whole)
    else:
        yield from _json_lines(path, odd)


def _json_lines(path: Path, odd: Oddities) -> Iterator[Object]:
    number = 0
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        one = read_object(line)
        if one is None:
            odd.count("lines that cannot be read", f"{path.name}, line {number}")
            continue
        held = one.get("data")
        if number == 1 and isinstance(held, list) and "model" not in one:
            yield from (cast("Object", entry) for entry in cast("list[object]", held) if isinstance(entry, dict))
            continue
        yield one


def _rows(path: Path, odd: Oddities) -> Iterator[Object]:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    reader = csv.reader(lines(path), strict=True)
    header: list[str] = []
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            odd.count("lines that cannot be read", f"{path.name}, line {reader.line_num}: {problem}")
            continue
        if not header:
            header = [cell.strip() for cell in cells]
        elif len(cells) == len(header):
            yield dict(zip(header, cells, strict=True))
        elif cells:
            odd.count("lines that cannot be read", f"{path.name}, line {reader.line_num}: {len(cells)} cells")


def lines(path: Path) -> Iterator[str]:
    """Lines of a text file, packed or not; bytes that are no UTF-8 become U+FFFD.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
            text = io.TextIOWrapper(cast("io.BufferedReader", raw), encoding="utf-8-sig", errors="replace", newline="")
            for line in text:
                yield line.replace("\x00", "�")
    except (OSError, EOFError, zlib.error) as problem:
        raise ConfigError(str(path), f"cannot be read to its end ({problem}): get it anew") from None


def read_json(text: str) -> object:
    """What a text says; None where it is no JSON."""
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return None


def read_object(text: str) -> Object | None:
    """The object that a text is; None: it is none."""
    made = read_json(text)
    return cast("Object", made) if isinstance(made, dict) else None


def inner(one: Object, *names: str) -> Object:
    """An object inside an object, also where it stands as text; empty where there is none.

    >>> dict(inner({"a": '{"b": {"c": 1}}'}, "a", "b"))
    {'c': 1}
    """
    for name in names:
        held = one.get(name)
        if isinstance(held, str):
            held = read_object(held)
        if not isinstance(held, dict):
            return {}
        one = cast("Object", held)
    return one


def text(one: Object, *names: str) -> str:
    """The first of some fields that is a text with something in it; empty: none is."""
    return next((value for name in names if isinstance(value := one.get(name), str) and value.strip()), "")


def number(one: Object, *names: str) -> float | None:
    """The first of some fields that is a finite number >= 0, also where it stands as text; None: none is."""
    for name in names:
        value = one.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            found = float(value)
        except (ValueError, OverflowError):
            continue
        if math.isfinite(found) and found >= 0:
            return found
    return None


def whole(one: Object, *names: str) -> int | None:
    """The same as a whole number."""
    found = number(one, *names)
    return None if found is None else int(found)


def moment(one: Object, *names: str) -> float | None:
    """Seconds since the epoch, of a number or an ISO date; None: there is none."""
    for name in names:
        value = one.get(name)
        if (found := number(one, name)) is not None:
            return found
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value.strip()).timestamp()
            except (ValueError, OverflowError):
                continue
    return None


def digest(value: object) -> str:
    """The same for equal contents, whatever the order of keys."""
    made = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return sha256(made.encode()).hexdigest()[:24]
