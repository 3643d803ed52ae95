"""Checkpoints: how long the ledger was and what its root was, as a signed text (C2SP tlog-checkpoint).

    agora-ledger/5f0c21b39aab4c57
    1234
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — agora hI2DJw...

Whoever has one of these knows, of any ledger that is shown to them later, whether it still begins with the same 1234
entries; nobody can make another one without the key.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Final, NamedTuple

from agora.errors import SignatureError
from agora.ledger.tree import HASH_BYTES

_ORIGIN: Final = "agora-ledger/"
_ORIGIN_DIGITS: Final = 16
_FEWEST_LINES: Final = 3


class Checkpoint(NamedTuple):
    """What is signed."""

    origin: str
    """Which ledger."""
    size: int
    """Entries."""
    root: bytes
    """The root of the tree over them."""

    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{_digits(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text; lines after the third are extensions, and are left alone.

        Raises:
            SignatureError: It is no checkpoint.
        """
        lines = text.split("\n")
        origin, size, root = (*lines, "", "", "")[:_FEWEST_LINES]
        try:
            data = b64decode(root, validate=True)
        except (binascii.Error, ValueError):
            data = b""
        number = size.isascii() and size.isdigit() and (size == "0" or size[0] != "0") and len(size) < len(str(2**63))
        if not origin or not number or _digits(data) != root or len(data) != HASH_BYTES or len(lines) <= _FEWEST_LINES:
            raise SignatureError("not a checkpoint: it is an origin, a number of entries and a root, a line each")
        return cls(origin, int(size), data)


def origin_of(first: str) -> str:
    """The name of a ledger: by its first entry's hash, which is salted, so that no two ledgers share it.

    Args:
        first: The hash, hexadecimal.

    >>> origin_of("5f0c21b39aab4c57" + 48 * "0")
    'agora-ledger/5f0c21b39aab4c57'
    """
    return _ORIGIN + first[:_ORIGIN_DIGITS]


def _digits(root: bytes) -> str:
    return b64encode(root).decode("ascii")
