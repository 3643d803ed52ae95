"""Finished units of a bench, a file each, so that a bench that was cut off goes on where it was.

A file counts only under the very same data, settings, options and code: all of them are in its key, which is in its
name. One that is torn, or that says something else than its sum, is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from pydantic import ValidationError

from agora.bench.routing.results import Entry
from agora.bench.routing.units import TABLE, Unit, maker
from agora.errors import ConfigError
from agora.registry import BUILT_IN

if TYPE_CHECKING:
    import numpy as np

    from agora.bench.routing.matrix import Recorded
    from agora.bench.routing.running import Plan

FORM: Final = "agora.bench.unit/1"
FOLDER: Final = "units"
"""Where they stand in a bench's folder."""
_OURS: Final = ("agora.bench.routing", "agora.coordinator.routers", "agora.intervals")
_IMPORT: Final = re.compile(r"^\s*from (agora\.[\w.]+) import", re.MULTILINE)
_ROOT: Final = "agora.bench.routing.units"
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
        self._shared = _digest(matrix_digest(plan.matrix), json.dumps(plan.setting._asdict(), sort_keys=True))
        self.torn = 0
        """Files that could not be used when they were read."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(str(folder), f"cannot be written: {error.strerror or error}") from None

    def found(self) -> Mapping[Unit, Entry]:
        """What was finished before."""
        made: dict[Unit, Entry] = {}
        for unit in self._plan.units:
            with contextlib.suppress(FileNotFoundError):
                entry = _entry(self._path(unit).read_bytes(), self._key(unit))
                self.torn += entry is None
                if entry is not None:
                    made[unit] = entry
        return made

    def keep(self, unit: Unit, entry: Entry) -> None:
        """Write one, whole or not at all.

        Raises:
            ConfigError: It cannot be written.
        """
        said = entry.model_dump_json()
        whole = {"form": FORM, "key": self._key(unit), "sum": _digest(said), "entry": said}
        path = self._path(unit)
        try:
            with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=".half", delete=False) as file:
                json.dump(whole, file)
            Path(file.name).replace(path)
        except OSError as error:
            raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from None

    def _key(self, unit: Unit) -> str:
        options = json.dumps(self._plan.options.get(unit.policy, {}), sort_keys=True)
        return _digest(self._shared, *unit, options, code_digest(unit.policy))

    def _path(self, unit: Unit) -> Path:
        name = _NO_NAME.sub("-", f"{unit.policy}--{unit.protocol}")[:80]
        return self._folder / f"{name}--{self._key(unit)[:16]}.json"


def matrix_digest(matrix: Recorded) -> str:
    """SHA-256 of all that a policy may be told of a matrix."""
    told = hashlib.sha256()
    for texts in (matrix.ids, matrix.models, matrix.texts, matrix.tags, matrix.dates, map(str, matrix.sizes)):
        told.update(_digest(*texts).encode())
    for values in (matrix.scores, matrix.costs, matrix.list_prices, matrix.latency_s):
        told.update(b"none" if values is None else _raw(values))
    answers: object = None if matrix.answers is None else matrix.answers.tolist()
    told.update(_digest(json.dumps(answers)).encode())
    return told.hexdigest()


@cache
def code_digest(policy: str) -> str:
    """SHA-256 of the source files that a unit of a policy runs through, in the bench and among the routers.

    Args:
        policy: By its name, or one of those that always stand beside.
    """
    roots = [_ROOT, *(_module_of(name) for name in (TABLE, policy))]
    left, seen = [root for root in roots if root], dict[str, str]()
    while left:
        module = left.pop()
        spec = None if module in seen else find_spec(module)
        if spec is None or spec.origin is None:
            continue
        text = Path(spec.origin).read_text(encoding="utf-8")
        seen[module] = _digest(text)
        left += [name for name in _IMPORT.findall(text) if name.startswith(_OURS)]
    return _digest(*(f"{name} {seen[name]}" for name in sorted(seen)))


def _module_of(policy: str) -> str:
    """Where a policy's code begins; empty for those that the bench itself has."""
    if path := BUILT_IN["policies"].get(policy):
        return path.partition(":")[0]
    try:
        return type(maker(policy, {})()).__module__
    except LookupError:
        return ""


def _entry(raw: bytes, key: str) -> Entry | None:
    try:
        whole = cast("object", json.loads(raw))
        if not isinstance(whole, dict):
            return None
        told = cast("Mapping[str, object]", whole)
        said = str(told.get("entry"))
        if told.get("form") != FORM or told.get("key") != key or told.get("sum") != _digest(said):
            return None
        return Entry.model_validate_json(said)
    except (ValueError, ValidationError, RecursionError):
        return None


def _digest(*parts: str) -> str:
    told = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        told.update(f"{len(raw)}:".encode() + raw)
    return told.hexdigest()


def _raw(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bytes:
    return f"{values.shape}".encode() + values.tobytes()
