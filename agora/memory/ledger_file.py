"""An exported ledger as a store that can only be read: what any reading command can be asked about, without a database.

The file is read once when it is opened, line by line, and of each line only its place is kept; so the memory it takes
grows by a few bytes an entry, and the bodies are read again when someone asks for them.
"""

from __future__ import annotations

import os
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from agora.errors import LedgerError
from agora.events import Event
from agora.ledger.canonical import decode
from agora.ledger.lines import MAX_LINE_BYTES, Head, Header, read_entry, read_head, read_header
from agora.memory.in_memory import pick_run, recalled, sum_up
from agora.memory.learned import records_at
from agora.records import AgentRecord, MemoryEntry, Recorded, RunInfo, Stored

_SUMMED: Final = frozenset({"started", "posted", "task_done", "called", "tool", "done"})
_REMEMBERED: Final = frozenset({"posted", "learned"})


class LedgerFile:
    """The ledger of a file that `agora trace export` wrote; use `LedgerFile.open`.

    Runs are those whose beginning can be read: in the export of one run, that one. Whether the entries are what was
    recorded is for `agora trace verify` to say; here they only stand in their order, each position once.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self.header = header
        self.first = 0
        """Position of the first entry; more than 1: half a ledger; 0: there is none."""
        self.torn: int | None = None
        """Number of the last line, where it ends in the middle; it was left out."""
        self._offsets = array("q")  # entry -> where its line begins
        self._kinds = array("l")  # entry -> number of its kind
        self._numbers: dict[str, int] = {}  # run or kind -> its number
        self._of_run: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))  # run -> its entries
        self._started: dict[str, int] = {}  # run -> entry that says how it began, and has its body

    @classmethod
    def open(cls, path: str | Path) -> LedgerFile:
        """Read a file once, from its beginning to its end.

        Raises:
            LedgerError: It cannot be read, a newer Agora wrote it, a line is no entry, or a position is missing or
                there twice; the message names the line.
        """
        place = Path(path)
        try:
            if place.exists() and not place.is_file():
                raise LedgerError(f"{place.name!r} is no file: name one that `agora trace export` wrote")
            with place.open("rb") as file:
                line = file.readline(MAX_LINE_BYTES)
                if not line:
                    raise LedgerError(f"{place.name!r} is empty: name a file that `agora trace export` wrote")
                try:
                    header = read_header(line)
                except LedgerError as problem:
                    raise _at(place, 1, problem) from problem
                found = cls(place, header)
                found._index(file, len(line))
        except OSError as problem:
            why = os.strerror(problem.errno) if problem.errno else str(problem)
            raise LedgerError(f"the ledger {place.name!r} cannot be read ({why}): check its path") from problem
        return found

    @property
    def last(self) -> int:
        """Position of the last whole entry; 0: there is none."""
        return self.first + len(self._offsets) - 1 if self._offsets else 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know before believing that this is all: a torn line, half a ledger, a missing end."""
        said: list[str] = []
        if self.first > 1:
            said.append(f"half a ledger: it begins at entry {self.first}, and what came before is not there")
        if self.torn is not None:
            whole = f"the ledger is read up to entry {self.last}, of {max(self.header.last, self.last)}"
            said.append(f"line {self.torn} ends in the middle and was left out: {whole}")
        elif self.last < self.header.last:
            said.append(f"entries {self.last + 1} to {self.header.last}, which the header promises, are not there")
        return tuple(f"{self._path.name}: {line}" for line in said)

    async def record(self, run: str, *events: Event) -> None:
        """Refuse.

        Raises:
            LedgerError: Always.
        """
        self._refuse()

    def note(self, run: str, *events: Event) -> None:
        """Refuse.

        Raises:
            LedgerError: Always.
        """
        self._refuse()

    def hold(self, run: str) -> AbstractAsyncContextManager[None]:
        """Refuse.

        Raises:
            LedgerError: Always.
        """
        self._refuse()

    def holder(self, run: str) -> str:
        """Nobody."""
        return ""

    def events(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Recorded]:
        """The ledger (of one run, of some kinds of events) in order, from after a sequence number.

        Raises:
            LedgerError: A line has changed since the file was opened, or a body cannot be read.
        """
        for (envelope, hashed), _, body in self.stored(run, after=after, kinds=kinds):
            try:
                event = None if body is None else decode(body)
            except LedgerError as problem:
                raise _at(self._path, envelope.seq - self.first + 2, problem) from problem
            yield Recorded(seq=envelope.seq, run=envelope.run, at_us=envelope.at_us, hash=hashed, event=event)

    def stored(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Stored]:
        """The same, whole: envelopes, hashes, salts and the bytes of bodies.

        Raises:
            LedgerError: A line has changed since the file was opened, or holds no entry.
        """
        least = max(after - self.first + 1, 0)
        entries: Sequence[int] = (
            range(least, len(self._offsets))
            if run is None
            else self._of_run.get(self._numbers.get(run, -1), array("q"))
        )
        wanted = None if kinds is None else {self._numbers.get(kind, -1) for kind in kinds}
        with self._path.open("rb") as file:
            for entry in entries:
                if entry >= least and (wanted is None or self._kinds[entry] in wanted):
                    yield self._read(file, entry)

    def runs(self, *, limit: int = 50) -> Sequence[RunInfo]:
        """The latest runs whose beginning can be read, newest first."""
        latest = list(reversed(self._named()))[: max(limit, 0)]
        return tuple(sum_up(run, self.events(run, kinds=_SUMMED)) for run in latest)

    def find_run(self, ref: str) -> str:
        """The id behind an id, a unique prefix, or "last".

        Raises:
            UnknownNameError: None or several match.
        """
        named = self._named()
        return pick_run(ref, named, last=named[-1] if named else None)

    def records(self) -> Sequence[AgentRecord]:
        """Promised against delivered, per operator, agent and skill; grounded outcomes only."""
        return records_at(self, None)

    def recall(self, text: str, *, limit: int = 8, trust: frozenset[str] | None = None) -> Sequence[MemoryEntry]:
        """Remembered bids of tasks that share words with a text: most shared words first, then the newest.

        Args:
            text: Any text.
            limit: The most entries to return.
            trust: The labels that whoever asks may see; None: a person, who may see everything.
        """
        return recalled(self.events(kinds=_REMEMBERED), text, limit=limit, trust=trust)

    async def close(self) -> None:
        """Nothing to do."""

    def _named(self) -> list[str]:
        """The runs that can be asked about, oldest first."""
        if self.header.run is not None and self.header.run in self._started:
            return [self.header.run]
        return list(self._started)

    def _index(self, file: BinaryIO, offset: int) -> None:
        number = 1
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            whole = line.endswith(b"\n")
            if not whole and len(line) > MAX_LINE_BYTES:
                raise _at(self._path, number, LedgerError(f"it is longer than {MAX_LINE_BYTES:,} bytes"))
            try:
                head = read_head(line)
            except LedgerError as problem:
                if not whole:
                    self.torn = number
                    return
                raise _at(self._path, number, problem) from problem
            self._place(head, number, offset)
            offset += len(line)

    def _place(self, head: Head, number: int, offset: int) -> None:
        if not self._offsets:
            self.first = head.seq
            if head.seq < 1:
                raise _at(self._path, number, LedgerError(f"{head.seq} is no position: they begin at 1"))
        elif head.seq != (due := self.last + 1):
            twice = self.first <= head.seq < due
            why = "is there twice" if twice else "stands where another is due"
            raise _at(self._path, number, LedgerError(f"entry {head.seq} {why}: entry {due} should stand here"))
        entry = len(self._offsets)
        run = self._numbers.setdefault(head.run, len(self._numbers))
        self._offsets.append(offset)
        self._kinds.append(self._numbers.setdefault(head.kind, len(self._numbers)))
        self._of_run[run].append(entry)
        if head.kind == "started" and head.has_body:
            self._started.setdefault(head.run, entry)

    def _read(self, file: BinaryIO, entry: int) -> Stored:
        file.seek(self._offsets[entry])
        number = entry + 2
        try:
            stored = read_entry(file.readline(MAX_LINE_BYTES))
        except LedgerError as problem:
            raise _at(self._path, number, problem) from problem
        if stored.entry.envelope.seq != self.first + entry:
            raise _at(self._path, number, LedgerError("the file has changed since it was opened: open it again"))
        return stored

    def _refuse(self) -> NoReturn:
        raise LedgerError(
            f"{self._path.name!r} is an exported ledger, only to be read: `agora trace import` takes it into a project"
        )


def _at(path: Path, number: int, problem: LedgerError) -> LedgerError:
    return LedgerError(f"{path.name}, line {number}: {problem}")
