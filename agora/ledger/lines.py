"""An exported ledger as text: JSON lines, first a header, then one object an entry (https://jsonlines.org).

    {"agora.ledger":1,"origin":"","first":1,"last":2,"run":null,"checkpoints":[]}
    {"v":1,"seq":1,"run":"r1","kind":"started","at_us":7,"body_hash":"..","prev":"..","hash":"..","salt":"..","body":{..}}

`body_hash` is the envelope's `body`: SHA-256 over the salt and the canonical form (RFC 8785) of the object that stands
under `body`. Both are null where the body was erased, or is of another run than the one that was exported. The header
of a newer format is refused; within a format, fields of the header that are not known are ignored, and fields of an
entry are refused, since no hash covers them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from agora.errors import LedgerError
from agora.ledger.canonical import MAX_BYTES, MAX_INTEGER, canonical
from agora.records import Entry, Envelope, Stored
from agora.values import JsonValue

FORMAT: Final = 1
"""The format that this version writes, and the newest that it reads."""
MAX_LINE_BYTES: Final = 6 * MAX_BYTES + 4096
r"""The longest line that can be an entry's: a body in which each character is written as \uXXXX, and its envelope."""

_FIELDS: Final = ("v", "seq", "run", "kind", "at_us", "body_hash", "prev", "hash", "salt", "body")
_TEXTS: Final = ("run", "kind", "body_hash", "prev", "hash")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DIGEST: Final = re.compile("[0-9a-f]{64}")
# The line of an entry up to its body, as `write_entry` makes it of ids and kinds without escapes.
_HEAD: Final = re.compile(
    rb'\{"v":\d{1,9},"seq":(\d{1,19}),"run":"([^"\\\x00-\x1f\x7f-\xff]+)","kind":"([a-z_]*)","at_us":-?\d{1,19},'
    rb'"body_hash":"[0-9a-f]{64}","prev":"[0-9a-f]{64}","hash":"[0-9a-f]{64}","salt":(?:null|"[0-9a-f]*"),"body":(.)'
)


class Header(NamedTuple):
    """What stands first in an exported ledger."""

    format: int
    """Of the lines that follow."""
    origin: str
    """The name of the ledger, as its checkpoints say it; empty where it has none."""
    first: int
    """Position of the first entry; more than 1 in half a ledger; 0 in an empty one."""
    last: int
    """Position of the last entry; 0 in an empty one."""
    run: str | None
    """The run whose bodies are there; None: all of them."""
    checkpoints: tuple[str, ...]
    """Signed notes over this ledger, oldest first."""


class Head(NamedTuple):
    """What a reader keeps of each line."""

    seq: int
    """Position on the ledger."""
    run: str
    """The run's id."""
    kind: str
    """The event's kind."""
    has_body: bool
    """False: it was erased, or is of another run than the exported one."""


def write_header(header: Header) -> bytes:
    """The first line, with its end."""
    fields = {"agora.ledger": header.format, **header._asdict()}
    del fields["format"]
    return _text(fields).encode() + b"\n"


def read_header(line: bytes) -> Header:
    """The header that a line holds.

    Raises:
        LedgerError: It is none, or of a newer format.
    """
    fields = _object(line)
    version = fields.get("agora.ledger") if fields is not None else None
    if fields is None or not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise LedgerError('it is no header ({"agora.ledger": 1, ...}): name a file that `agora trace export` wrote')
    if version > FORMAT:
        raise LedgerError(
            f"the ledger has format {version}, and this Agora reads up to {FORMAT}: install the newer one that made it"
        )
    _refuse_twice(line)
    first, last = fields.get("first", 0), fields.get("last", 0)
    origin, run, notes = fields.get("origin", ""), fields.get("run"), fields.get("checkpoints", [])
    if not (_is_whole(first) and _is_whole(last) and isinstance(origin, str) and isinstance(run, str | None)):
        raise LedgerError("the header's first, last, origin or run is not of its form: export the ledger again")
    texts = [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else None
    if texts is None or len(texts) < len(cast("list[JsonValue]", notes)):
        raise LedgerError("the header's checkpoints are not a list of texts: export the ledger again")
    if any(_SURROGATE.search(text) for text in (origin, *texts)):
        raise LedgerError("the header's origin or a checkpoint holds a lone surrogate: export the ledger again")
    return Header(version, origin, int(str(first)), int(str(last)), None if run is None else _run(run), tuple(texts))


def write_entry(stored: Stored) -> bytes:
    """The line of an entry, with its end; the body's bytes stand in it as they are.

    Raises:
        LedgerError: The body cannot stand in a line, so it is not what was recorded.
    """
    (envelope, hashed), salt, body = stored
    if body is not None and (not body.startswith(b"{") or b"\n" in body):
        raise LedgerError(f"the body of entry {envelope.seq} is no JSON object: `agora trace verify` says what changed")
    head = (
        f'{{"v":{envelope.v},"seq":{envelope.seq},"run":{_text(envelope.run)},"kind":{_text(envelope.kind)},'
        f'"at_us":{envelope.at_us},"body_hash":{_text(envelope.body)},"prev":{_text(envelope.prev)},'
        f'"hash":{_text(hashed)},"salt":{"null" if salt is None else _text(salt.hex())},"body":'
    )
    return b"".join((head.encode(), b"null" if body is None else body, b"}\n"))


def read_entry(line: bytes) -> Stored:
    """The entry that a line holds; whether it hashes to what it says is for whoever verifies it.

    Raises:
        LedgerError: It is no JSON object, or not with an entry's fields.
    """
    fields = _object(line)
    if fields is None:
        raise LedgerError("it is no JSON object")
    if missing := [name for name in _FIELDS if name not in fields]:
        raise LedgerError(f"{', '.join(missing)} is missing")
    if unknown := [name for name in fields if name not in _FIELDS]:
        raise LedgerError(f"{unknown[0]!r} is no field of an entry")
    v, seq, at_us = (_whole(name, fields[name]) for name in ("v", "seq", "at_us"))
    run, kind, body_hash, prev, hashed = (_plain(name, fields[name]) for name in _TEXTS)
    if wrong := [name for name in _TEXTS[2:] if not _DIGEST.fullmatch(str(fields[name]))]:
        raise LedgerError(f"{wrong[0]} is no hash: it is 64 hexadecimal digits")
    _run(run)
    envelope = Envelope(v=v, seq=seq, run=run, kind=kind, at_us=at_us, body=body_hash, prev=prev)
    stored = Stored(Entry(envelope, hashed), _salt(fields["salt"]), _body(fields["body"]))
    if _rendered(stored) != line.rstrip(b"\r\n"):
        _refuse_twice(line)
    return stored


def read_head(line: bytes) -> Head:
    """What a reader keeps of a line; the body is looked at only where the line is not as `write_entry` makes it.

    Raises:
        LedgerError: As `read_entry`.
    """
    if line.endswith(b"}\n") and (found := _HEAD.match(line)) and found[4] in b"{n":
        return Head(int(found[1]), found[2].decode(), found[3].decode(), found[4] == b"{")
    (envelope, _), _, body = read_entry(line)
    return Head(envelope.seq, envelope.run, envelope.kind, body is not None)


def _object(line: bytes) -> dict[str, JsonValue] | None:
    try:
        fields: JsonValue = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _whole(name: str, value: JsonValue) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    raise LedgerError(f"{name} is no whole number below 2**53")


def _plain(name: str, value: JsonValue) -> str:
    if isinstance(value, str) and not _SURROGATE.search(value):
        return value
    raise LedgerError(f"{name} is no text")


def _run(run: str) -> str:
    if run and run.isascii() and run.isprintable():
        return run
    raise LedgerError(f"run {run!a} is not an id: it is printable ASCII")


def _salt(text: JsonValue) -> bytes | None:
    if text is None:
        return None
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        raise LedgerError("salt is neither hexadecimal nor null") from None


def _body(tree: JsonValue) -> bytes | None:
    if tree is None:
        return None
    try:
        return canonical(tree)
    except (LedgerError, RecursionError):  # nothing that was recorded: it will not hash, and decoding it says why
        try:
            return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):
            raise LedgerError("body is nested too deep") from None


def _rendered(stored: Stored) -> bytes:
    try:
        return write_entry(stored)[:-1]
    except LedgerError:
        return b""


def _refuse_twice(line: bytes) -> None:
    """Two fields of one name: readers take the first or the last, so that such a line says two things."""

    def checked(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise LedgerError(f"{twice!r} stands in one object twice")
        return fields

    json.loads(line, object_pairs_hook=checked)


def _is_whole(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
