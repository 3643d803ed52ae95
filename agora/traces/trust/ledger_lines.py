"""The entries of an exported ledger as they stand in the file, for whoever verifies it: nothing is put right first."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from agora.errors import LedgerError
from agora.ledger.lines import MAX_LINE_BYTES, Header, read_entry, read_header
from agora.records import Stored

_FIRST_LINE: Final = 2


class Lines:
    """A file that `agora trace export` wrote, or that somebody changed since.

    Args:
        path: The file.

    Raises:
        LedgerError: It cannot be read, has no header, or a newer Agora wrote it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.torn = ""
        """What is to be said of a last line that ends in the middle."""
        self.wrong = ""
        """Why reading stopped at a line that holds no entry; empty where it went to the end."""
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise LedgerError(f"the ledger {path.name!r} is no plain file, and is read twice: copy it into one")
            with path.open("rb") as file:
                line, second = file.readline(MAX_LINE_BYTES), file.readline(MAX_LINE_BYTES)
        except OSError as problem:
            why = os.strerror(problem.errno) if problem.errno else str(problem)
            raise LedgerError(f"the ledger {path.name!r} cannot be read ({why}): check its path") from problem
        try:
            self.header: Header = read_header(line)
        except LedgerError as problem:
            raise LedgerError(f"{path.name}, line 1: {problem}") from problem
        self.first = max(self.header.first, 1)
        """Position of the first entry that is there; where none is, of the one that the header promises."""
        with suppress(LedgerError):
            self.first = max(read_entry(second).entry.envelope.seq, 1)

    def stored(self) -> Iterator[Stored]:
        """The entries, up to the first line that holds none."""
        with self._path.open("rb") as file:
            file.readline(MAX_LINE_BYTES)
            number = _FIRST_LINE
            while line := file.readline(MAX_LINE_BYTES + 1):
                try:
                    yield read_entry(line)
                except LedgerError as problem:
                    if line.endswith(b"\n"):
                        self.wrong = f"{self._path.name}, line {number}: {problem}"
                    else:
                        self.torn = f"{self._path.name}, line {number} ends in the middle: it was left out"
                    return
                number += 1
