"""Files that are there wholly or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

from agora.errors import LedgerError


def write_file(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines to a file, all or none: beside it first, and then in its place.

    A link stays, and what it names is written. What is no file, as a pipe or a device, is written to as it stands.

    Raises:
        LedgerError: It cannot be written; what was there before is as it was, where that is a file.
    """
    try:
        path = path.expanduser()
        if path.is_dir():
            raise LedgerError(f"{path.name!r} is a folder: name a file")
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.writelines(lines)
            return
        path = path.resolve()
        with NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as file:
            beside = Path(file.name)
            try:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
    except RuntimeError as problem:  # a home that nobody has
        raise LedgerError(f"{str(path)!r} cannot be found ({problem}): write the path out") from problem
    except OSError as problem:
        why = os.strerror(problem.errno) if problem.errno else str(problem)
        raise LedgerError(f"{str(path)!r} cannot be written ({why}): name another place") from problem
