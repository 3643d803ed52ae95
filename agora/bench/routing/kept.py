"""Finished units of a bench, a file each, so that a bench that was cut off goes on where it was.

A file counts only under the very same data, settings, options, vectors, code and numpy: all of them are in its key,
which is in its name. One that is torn, that cannot be read, or that says something else than its sum, is made again.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from pydantic import ValidationError

from agora.bench.routing.digests import array_digest, code_digest, digest, matrix_digest
from agora.bench.routing.results import Entry
from agora.bench.routing.units import TABLE, Unit
from agora.errors import ConfigError

if TYPE_CHECKING:
    from agora.bench.routing.running import Plan

FORM: Final = "agora.bench.unit/1"
FOLDER: Final = "units"
"""Where they stand in a bench's folder."""
_HALF: Final = ".half"
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.+-]+")


class Kept:
    """The finished units of one plan.

    Args:
        folder: Of the bench; it is made where it is missing.
        plan: What is measured.

    Raises:
        ConfigError: The folder cannot be written.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder, self._plan = folder / FOLDER, plan
        setting = json.dumps(plan.setting._asdict(), sort_keys=True)
        vectors = "" if plan.embedded is None else array_digest(plan.embedded)
        self._shared = digest(matrix_digest(plan.matrix), setting, vectors, np.__version__)
        self.torn = 0
        """Files that could not be used when they were read."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for half in sorted(self._folder.glob(f"*{_HALF}")):  # of a process that was killed while it wrote
                half.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(str(folder), f"cannot be written: {_why(error)}") from None

    def found(self) -> Mapping[Unit, Entry]:
        """What was finished before."""
        made: dict[Unit, Entry] = {}
        for unit in self._plan.units:
            try:
                entry = _entry(self._path(unit).read_bytes(), self._key(unit))
            except FileNotFoundError:
                continue
            except OSError:  # a folder in its place, nobody's to read, a link to itself
                entry = None
            if entry is None:
                self.torn += 1
            else:
                made[unit] = entry
        return made

    def keep(self, unit: Unit, entry: Entry) -> None:
        """Write one, whole or not at all.

        Raises:
            ConfigError: It cannot be written.
        """
        said = entry.model_dump_json()
        whole = {"form": FORM, "key": self._key(unit), "sum": digest(said), "entry": said}
        path, half = self._path(unit), None
        try:
            with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=_HALF, delete=False) as file:
                half = Path(file.name)
                json.dump(whole, file)
            half.replace(path)
        except OSError as error:
            if half is not None:
                half.unlink(missing_ok=True)
            raise ConfigError(str(path), f"cannot be written: {_why(error)}") from None

    def _key(self, unit: Unit) -> str:
        of_whom = {name: self._plan.options.get(name, {}) for name in (unit.policy, TABLE)}  # gains are against it
        return digest(self._shared, *unit, json.dumps(of_whom, sort_keys=True), code_digest(unit.policy))

    def _path(self, unit: Unit) -> Path:
        name = _NO_NAME.sub("-", f"{unit.policy}--{unit.protocol}")[:80]
        return self._folder / f"{name}--{self._key(unit)[:16]}.json"


def _why(error: OSError) -> str:
    return f"{error.strerror or error}: move what stands there away, make room, or name another folder with --out"


def _entry(raw: bytes, key: str) -> Entry | None:
    try:
        whole = cast("object", json.loads(raw))
        if not isinstance(whole, dict):
            return None
        told = cast("Mapping[str, object]", whole)
        said = str(told.get("entry"))
        if told.get("form") != FORM or told.get("key") != key or told.get("sum") != digest(said):
            return None
        return Entry.model_validate_json(said)
    except (ValueError, ValidationError, RecursionError):
        return None
