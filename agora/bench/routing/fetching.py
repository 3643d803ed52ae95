"""Public outcomes, got over the user's own network and converted to the tidy form.

RouterBench itself is published as a Python pickle, which runs code when it is read and so is never read here; the
tables come from a copy of three of its tasks as CSV, at a fixed commit of RouterDC's repository (Chen et al., 2024).
"""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Final, NamedTuple

from agora.bench.routing import made
from agora.bench.routing.routerbench import NAME, Tidy, tidied, write_tidy
from agora.errors import ConfigError

ORIGIN: Final = (
    "https://raw.githubusercontent.com/shuhao02/RouterDC/1963d6874b69c94309ea37a34d7d4cd6f527e7c5"
    "/datasets/routerbench_zs/"
)
"""The folder that the tables are got from."""
TABLES: Final = tuple(
    f"{task}_{part}.csv" for task in ("arc_challenge", "mbpp", "winograde") for part in ("test", "train")
)
"""Their names there."""
MOST_BYTES: Final = 256 << 20
"""Of one table; more is refused."""
_BLOCK: Final = 1 << 18
_PATIENCE_S: Final = 60.0

Told = Callable[[str, int, int | None], None]
"""Called with a table's name, its bytes so far, and how many it will be where that is known."""


class Fetched(NamedTuple):
    """What was written."""

    folder: Path
    """Where: to be named as `--data`."""
    queries: int
    """How many."""
    models: int
    """How many."""
    outcomes: int
    """How many."""
    oddities: tuple[str, ...] = ()
    """What was handled while it was converted."""


def fetch_routerbench(folder: Path, *, origin: str = ORIGIN, told: Told | None = None) -> Fetched:
    """Get the tables, convert them, and write FOLDER/routerbench, wholly or not at all.

    Args:
        folder: It is made where it is missing.
        origin: An address that the tables' names are put behind, or a folder that holds them.
        told: How far it is; None: nobody is told.

    Raises:
        ConfigError: They cannot be had or read, or the folder is there already.
    """
    _free(folder / NAME)
    texts = {name: _text_of(origin, name, told) for name in TABLES}
    tidy = tidied(texts)
    _put(folder, tidy)
    return Fetched(folder / NAME, len(tidy.queries), len(tidy.models), len(tidy.outcomes), tidy.oddities)


def write_small(folder: Path) -> Fetched:
    """Write the generated set as files, to see the form: FOLDER/small and FOLDER/models.csv.

    Raises:
        ConfigError: It is there already, or cannot be written.
    """
    for path in (folder / made.NAME, folder / "models.csv"):
        _free(path)
    drawn = made.rows(trials=made.TRIALS)
    try:
        source = made.write(drawn, folder)
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror or error}") from None
    return Fetched(source, len(drawn.queries), len(drawn.models), len(drawn.outcomes))


def _free(path: Path) -> None:
    if path.exists():
        raise ConfigError(str(path), "is there already: move it away, or name another folder with --to")


def _put(folder: Path, tidy: Tidy) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=folder))
        try:
            write_tidy(tidy, half)
            half.chmod(0o755)
            half.rename(folder / NAME)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror or error}") from None


def _text_of(origin: str, name: str, told: Told | None) -> str:
    where = f"{origin.rstrip('/')}/{name}"
    try:
        raw = _got(where, name, told) if "://" in origin else (Path(origin).expanduser() / name).read_bytes()
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        why = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", error)
        what = f"cannot be had ({why}): see that this machine may reach it, or get the files and name them with --from"
        raise ConfigError(where, what) from None
    return raw.decode("utf-8", "replace")


def _got(address: str, name: str, told: Told | None) -> bytes:
    if not address.startswith(("https://", "http://")):
        raise ConfigError("--from", f"{address!r} is neither http(s) nor a folder")
    with urllib.request.urlopen(address, timeout=_PATIENCE_S) as answer:  # http(s) only: checked above
        length = answer.headers.get("Content-Length")
        whole = int(length) if length and length.isdigit() else None
        raw = bytearray()
        while block := answer.read(_BLOCK):
            raw += block
            if len(raw) > MOST_BYTES:
                raise ConfigError(address, f"is more than {MOST_BYTES >> 20} MB, which no table of it is: not kept")
            if told is not None:
                told(name, len(raw), whole)
    if whole is not None and len(raw) < whole:
        raise ConfigError(address, f"came cut off, {len(raw)} bytes of {whole}: try again")
    return bytes(raw)
