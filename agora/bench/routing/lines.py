"""Lines of the files of recorded outcomes, packed or not: as rows of cells, and as JSON objects."""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from agora.bench.routing.oddities import Oddities
from agora.errors import ConfigError

_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
"""How a file begins whose characters have two bytes or four (UTF-32 LE begins as UTF-16 LE does)."""


def found_file(folder: Path, name: str) -> Path | None:
    """A file of a folder, the packed one first."""
    return next((one for one in (folder / f"{name}.gz", folder / name) if one.is_file()), None)


def header_of(path: Path, cells: Sequence[str]) -> list[str]:
    """Names of columns, those without a name at the end left out.

    Raises:
        ConfigError: Two have one name.
    """
    names = [name.strip() for name in cells]
    while names and not names[-1]:
        names.pop()
    if twice := [name for at, name in enumerate(names) if name and name in names[:at]]:
        raise ConfigError(str(path), f"column {twice[0]!r} stands twice in the first line: rename or remove one")
    return names


def records(path: Path, odd: Oddities) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells with their lines; each line by itself, since a quote that is never closed would eat the rest.

    Raises:
        ConfigError: The file is no text in UTF-8, or cannot be read to its end.
    """
    for number, line in enumerate(_lines(path, odd), 1):
        try:
            cells = next(csv.reader([line], strict=True), list[str]())
        except csv.Error as problem:
            odd.count(f"lines of {path.name} that cannot be read", f"line {number}: {problem}")
            continue
        if cells:
            yield number, cells


def objects(path: Path, odd: Oddities) -> Iterator[tuple[int, Mapping[str, object]]]:
    """JSON objects with their lines.

    Raises:
        ConfigError: As `records`.
    """
    for number, line in enumerate(_lines(path, odd), 1):
        if not line.strip():
            continue
        try:
            one: object = json.loads(line)
        except (ValueError, RecursionError):
            one = None
        if isinstance(one, dict):
            yield number, cast("Mapping[str, object]", one)
        else:
            odd.count(f"lines of {path.name} that cannot be read", f"line {number}")


def _lines(path: Path, odd: Oddities) -> Iterator[str]:
    """Bytes that are no UTF-8 are counted and shown as such."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
            for number, line in enumerate(raw):
                if number == 0 and line.startswith(_WIDE):
                    raise ConfigError(str(path), "is written in UTF-16 or UTF-32: save it as UTF-8")
                text = line.decode("utf-8-sig" if line.startswith(codecs.BOM_UTF8) else "utf-8", "replace")
                if "\x00" in text or ("�" in text and "�".encode() not in line):
                    odd.count(f"lines of {path.name} with bytes that are no text", "")
                yield text.replace("\x00", "�")
    except (OSError, EOFError, zlib.error) as problem:
        raise ConfigError(str(path), f"cannot be read to its end ({problem}): get it anew") from None
