"""Signed notes and their ed25519 keys, as text (C2SP signed-note; RFC 8032; the key forms are those of Go's `note`).

A note is a text, which ends with a newline, an empty line, and a line for each signature. A key's id is the beginning
of SHA-256(NAME, newline, 0x01, public key).

    signature   "— NAME BASE64(key id || signature)"
    public key  "NAME+KEYID+BASE64(0x01 || key)", the id in hexadecimal
    secret key  "PRIVATE+KEY+NAME+KEYID+BASE64(0x01 || seed)"
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Final, NamedTuple

from agora.errors import SignatureError

_ED25519: Final = b"\x01"
_ID_BYTES: Final = 4
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_MARK: Final = "— "
_SECRET: Final = "PRIVATE+KEY+"


class Signature(NamedTuple):
    """One signature line of a note."""

    name: str
    """Whose key, as the line says."""
    key_id: bytes
    """Four bytes that tell keys of one name apart."""
    value: bytes
    """What the key made of the text."""


class Note(NamedTuple):
    """A text with the signatures under it."""

    text: str
    """What is signed; it ends with a newline."""
    signatures: tuple[Signature, ...]
    """In their order; of whatever keys."""

    def __str__(self) -> str:
        lines = [f"{_MARK}{name} {_base64(key_id + value)}\n" for name, key_id, value in self.signatures]
        return f"{self.text}\n{''.join(lines)}"


class PublicKey(NamedTuple):
    """What a signature is checked with."""

    name: str
    """Whose."""
    raw: bytes
    """32 bytes."""

    @property
    def key_id(self) -> bytes:
        """What a signature line calls it by."""
        return hashlib.sha256(f"{self.name}\n".encode() + _ED25519 + self.raw).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.raw)}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read the text form.

        Raises:
            SignatureError: It is no public key, or its id is another's.
        """
        name, key_id, data = _key_parts(text.strip(), what="public key", form="NAME+KEYID+KEY")
        key = cls(name, data)
        if key.key_id.hex() != key_id:
            raise SignatureError(f"public key {name!r} has the id {key.key_id.hex()}, not {key_id}: copy it again")
        return key

    def signed(self, note: Note) -> bool:
        """Whether this key has signed a note."""
        mine = [one for one in note.signatures if (one.name, one.key_id) == (self.name, self.key_id)]
        try:
            text = note.text.encode()
        except UnicodeEncodeError:  # a lone surrogate, which nobody can have signed
            return False
        return any(self._made(one.value, text) for one in mine)

    def _made(self, signature: bytes, text: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature  # late: most commands check nothing
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except InvalidSignature:
            return False
        return True


class SecretKey:
    """What signs; it is shown nowhere but in its text form, on purpose asked for.

    Args:
        name: Whose; without blanks and "+".
        seed: 32 random bytes.
    """

    def __init__(self, name: str, seed: bytes) -> None:
        if not _is_name(name) or len(seed) != _KEY_BYTES:
            raise SignatureError(f"a key needs a name without blanks or '+' and {_KEY_BYTES} bytes, not {name!r}")
        self.name = name
        self._seed = seed

    def __repr__(self) -> str:
        return f"SecretKey({self.name!r}, ...)"

    @property
    def public(self) -> PublicKey:
        """What its signatures are checked with."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return PublicKey(self.name, Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw())

    def text(self) -> str:
        """The text form, for the file that it is kept in."""
        return f"{_SECRET}{self.name}+{self.public.key_id.hex()}+{_base64(_ED25519 + self._seed)}"

    @classmethod
    def parse(cls, text: str) -> SecretKey:
        """Read the text form.

        Raises:
            SignatureError: It is no secret key; what stands there is not shown.
        """
        stripped = text.strip()
        if not stripped.startswith(_SECRET):
            raise SignatureError(f"not a signing key: it begins with {_SECRET!r}")
        name, key_id, seed = _key_parts(stripped.removeprefix(_SECRET), what="signing key", form="NAME+KEYID+SEED")
        key = cls(name, seed)
        if key.public.key_id.hex() != key_id:
            raise SignatureError("not a signing key: its parts do not belong together; restore the file from a copy")
        return key

    def sign(self, text: str) -> Note:
        """A note with this key's signature.

        Raises:
            SignatureError: The text is none that a note can have.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not text.endswith("\n") or any(not mark.isprintable() and mark != "\n" for mark in text):
            raise SignatureError(f"{text[:40]!r} cannot be signed: a note is printable lines, the last one ended")
        value = Ed25519PrivateKey.from_private_bytes(self._seed).sign(text.encode())
        return Note(text, (Signature(self.name, self.public.key_id, value),))


class Found(NamedTuple):
    """A note in a file of notes, or what is left of one."""

    line: int
    """Where it begins, from 1."""
    note: Note | None
    """None: it was torn, or is something else."""


def notes_in(text: str) -> Iterator[Found]:
    """The notes that stand one after another in a text, with empty lines between them."""
    lines = text.split("\n")
    whole, at = len(lines) - 1, 0  # what comes after the last newline was torn
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        begin = at
        while at < len(lines) and lines[at] and not lines[at].startswith(_MARK):
            at += 1
        end = at
        at += at < len(lines) and not lines[at]
        signed = at
        while at < len(lines) and lines[at].startswith(_MARK):
            at += 1
        signatures = [_signature(line) for line in lines[signed:at]]
        torn = at > whole or end == signed or not signatures or None in signatures
        body = "".join(f"{line}\n" for line in lines[begin:end])
        yield Found(begin + 1, None if torn else Note(body, tuple(one for one in signatures if one)))


def _signature(line: str) -> Signature | None:
    name, _, data = line.removeprefix(_MARK).partition(" ")
    try:
        value = b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not _is_name(name) or len(value) <= _ID_BYTES or _base64(value) != data:
        return None
    return Signature(name, value[:_ID_BYTES], value[_ID_BYTES:])


def _key_parts(text: str, *, what: str, form: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)
    try:
        data = b64decode(parts[2], validate=True) if len(parts) == 3 else b""
    except (binascii.Error, ValueError):
        data = b""
    if data and _base64(data) != parts[2]:  # one key, one text
        data = b""
    if not _is_name(parts[0]) or data[:1] != _ED25519 or len(data) != 1 + _KEY_BYTES:
        raise SignatureError(f"not an ed25519 {what}: it looks like {form}")
    return parts[0], parts[1], data[1:]


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable() and "+" not in name and not any(mark.isspace() for mark in name)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
