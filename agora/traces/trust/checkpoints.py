"""Where checkpoints are kept besides the database: a file a ledger, in the user's data folder, one note after another.

Beside them stands, for each place of a database, which ledger was last signed there: a ledger that was replaced by
another one altogether has no checkpoints of its own, and is found out by that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Final, NamedTuple

from agora.errors import SignatureError
from agora.ledger.checkpoint import Checkpoint
from agora.ledger.notes import Note, PublicKey, notes_in

FOLDER: Final = "checkpoints"
"""The folder's name in the user's data folder."""
_MOST_BYTES: Final = 256 * 1024 * 1024


class By(Enum):
    """How a checkpoint came to be held against a ledger, and so what it says if it does not fit."""

    NAMED = auto()
    """A person named its file: it is about this ledger, unless others there are."""
    PLACE = auto()
    """It was signed at the place of this database: the ledger there has to be the one that it signs."""
    FOUND = auto()
    """It was in the ledger's own file or a repository, where those of other ledgers may be, too."""


class Signed(NamedTuple):
    """A checkpoint that a key has signed, and where it was found."""

    checkpoint: Checkpoint
    note: Note
    where: str
    """For a person: a file and a line, or a commit."""
    by: By = By.NAMED
    """How it came here."""


class Sifted(NamedTuple):
    """What a text of notes holds, for one key."""

    signed: tuple[Signed, ...]
    """Signed by it."""
    remarks: tuple[str, ...]
    """What is something else: torn, not a checkpoint, not signed by this key."""


class Checkpoints:
    """The files.

    Args:
        folder: Where they are; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, origin: str) -> Path:
        """The file of a ledger, whether it is there or not."""
        return self._folder / f"{_plain(origin)}.txt"

    def text(self, origin: str) -> str:
        """What was published of a ledger; empty where nothing was.

        Raises:
            SignatureError: The file cannot be read.
        """
        file = self.file(origin)
        return read_text(file) if file.exists() else ""

    def append(self, origin: str, note: Note) -> Path:
        """Put a note behind those that are there, durably.

        Raises:
            SignatureError: The file cannot be written.
        """
        file = self.file(origin)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with file.open("ab+") as stream:
                end = stream.seek(0, os.SEEK_END)
                if end:
                    stream.seek(end - 1)
                torn = bool(end) and stream.read(1) != b"\n"
                gap = "\n\n" if torn else "\n" if end else ""
                stream.write(f"{gap}{note}".encode())
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as problem:
            raise SignatureError(f"the checkpoint could not be written to {str(file)!r}: {problem.strerror}") from None
        return file

    def origin_at(self, place: str) -> str:
        """Which ledger was last signed at a place (URL or path of a database); empty where none was."""
        try:
            return self._of_place(place).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""

    def set_aside(self, place: str, origin: str) -> Sequence[Path]:
        """Forget which ledger was signed at a place, and take a ledger's checkpoints out of use; they stay as files.

        Returns:
            What they are called now.

        Raises:
            SignatureError: They cannot be moved.
        """
        file, moved = self.file(origin), list[Path]()
        try:
            self._of_place(place).unlink(missing_ok=True)
            if origin and file.exists():
                number = 1 + sum(1 for _ in self._folder.glob(f"{file.name}.*"))
                moved.append(file.rename(file.with_name(f"{file.name}.{number}")))
        except OSError as problem:
            raise SignatureError(f"{str(file)!r} could not be set aside: {problem.strerror}") from None
        return moved

    def remember(self, place: str, origin: str) -> None:
        """Say which ledger was signed at a place, unless one is known.

        Raises:
            SignatureError: It cannot be written.
        """
        file = self._of_place(place)
        if file.exists():
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.write_text(origin + "\n", encoding="utf-8")
        except OSError as problem:
            raise SignatureError(f"{str(file)!r} could not be written: {problem.strerror}") from None

    def _of_place(self, place: str) -> Path:
        return self._folder / "places" / hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_text(file: Path) -> str:
    """A file of notes; bytes that are no UTF-8 are replaced, so that what they stand in is no note any more.

    Raises:
        SignatureError: It cannot be read.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as problem:
        raise SignatureError(f"the checkpoints in {str(file)!r} cannot be read: {problem.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise SignatureError(f"{str(file)!r} is larger than {_MOST_BYTES} bytes: it is no file of checkpoints")
    return content.decode("utf-8", "replace")


def sift(texts: Iterable[tuple[str, str]], key: PublicKey, *, by: By = By.NAMED) -> Sifted:
    """The checkpoints that a key has signed, the smallest first, each once; what else there is is remarked on.

    Args:
        texts: Where each comes from, and what it says.
        key: Whose signatures count.
        by: How they came here.
    """
    signed: dict[Checkpoint, Signed] = {}
    remarks: list[str] = []
    for name, text in texts:
        for found in notes_in(text):
            where = f"{name}, line {found.line}"
            if found.note is None:
                remarks.append(f"{where}: no whole note; it was torn, or is something else")
                continue
            try:
                checkpoint = Checkpoint.parse(found.note.text)
            except SignatureError as problem:
                remarks.append(f"{where}: {problem}")
                continue
            if checkpoint in signed:
                continue
            if key.signed(found.note):
                signed[checkpoint] = Signed(checkpoint, found.note, where, by)
            else:
                remarks.append(f"{where}: not signed by the key {key.name}+{key.key_id.hex()}")
    return Sifted(tuple(sorted(signed.values(), key=lambda one: one.checkpoint.size)), tuple(remarks))


def together(sifted: Iterable[Sifted]) -> Sifted:
    """Several such, a checkpoint that is in more than one as it is in the first."""
    signed: dict[Checkpoint, Signed] = {}
    remarks: list[str] = []
    for part in sifted:
        for one in part.signed:
            signed.setdefault(one.checkpoint, one)
        remarks += part.remarks
    return Sifted(tuple(sorted(signed.values(), key=lambda one: one.checkpoint.size)), tuple(remarks))


def as_copied(text: str) -> str:
    """Notes that a person has copied: with the line ends of another system, without the last one."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return lines if lines.endswith("\n") else f"{lines}\n"


def latest(signed: Sequence[Signed], origin: str) -> Checkpoint | None:
    """The one over the most entries of a ledger."""
    mine = [one.checkpoint for one in signed if one.checkpoint.origin == origin]
    return max(mine, key=lambda one: one.size, default=None)


def _plain(origin: str) -> str:
    return "".join(mark if mark.isascii() and (mark.isalnum() or mark in "-_") else "-" for mark in origin)[:100]
