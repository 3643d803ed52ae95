"""What never reaches the ledger: values of known secrets, and texts with the shape of a key.

The ledger's writer is the one sink, so this is the one place. Bodies are redacted before they are hashed, so the chain
commits to what is stored. A name that only looks like a key ("task-12") stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

REDACTED: Final = "[redacted]"
"""What stands in a secret's place."""
_LEAST = 9
_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
# Values that fixed fields may hold; a "secret" of that value would make every event unreadable.
_WORDS = frozenset({"assistant", "tool_calls"})

# Each shape: a mark that is cheap to look for, and the pattern, which begins with the mark so that the search is fast.
# The lookbehind stands after the mark for the same reason.
_SHAPES: Final = (
    ("sk-", re.compile(r"sk-(?<![A-Za-z0-9_\-]sk-)(?=[A-Za-z_\-]*[0-9])[A-Za-z0-9_\-]{16,}")),
    ("AKIA", re.compile(r"AKIA(?<![A-Za-z0-9]AKIA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    ("ASIA", re.compile(r"ASIA(?<![A-Za-z0-9]ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    ("AIza", re.compile(r"AIza(?<![A-Za-z0-9]AIza)[A-Za-z0-9_\-]{35}")),
    ("ghp_", re.compile(r"ghp_[A-Za-z0-9]{20,}")),
    ("gho_", re.compile(r"gho_[A-Za-z0-9]{20,}")),
    ("ghs_", re.compile(r"ghs_[A-Za-z0-9]{20,}")),
    ("github_pat_", re.compile(r"github_pat_[A-Za-z0-9_]{20,}")),
    ("glpat-", re.compile(r"glpat-[A-Za-z0-9_\-]{16,}")),
    ("hf_", re.compile(r"hf_(?<![A-Za-z0-9_]hf_)[A-Za-z0-9]{24,}")),
    ("xox", re.compile(r"xox(?<![A-Za-z0-9]xox)[abprs]-[A-Za-z0-9\-]{10,}")),
    ("earer ", re.compile(r"earer (?<=[Bb]earer )(?=[A-Za-z._~+/\-]*[0-9])[A-Za-z0-9._~+/\-]{16,}=*")),
    ("-----BEGIN ", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?")),
)


class Redactor:
    """Replaces known secrets and key-shaped texts by "[redacted]".

    Args:
        secrets: Values that must not be recorded; those of 8 characters or fewer are left out, since they would hit
            ordinary text.

    >>> Redactor(["correct-horse"]).text("the key is correct-horse, or AKIAABCDEFGHIJKLMNOP")
    ('the key is [redacted], or [redacted]', 2)
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= _LEAST} - _WORDS
        # Longest first: a secret inside another must not leave the rest of it behind.
        self._secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))
        self._written = tuple(json.dumps(secret, ensure_ascii=False)[1:-1] for secret in self._secrets)
        self._bytes = tuple(secret.encode("utf-8", "replace") for secret in self._secrets)

    def may_hit(self, written: str) -> bool:
        """Whether JSON text may hold something to redact; never wrongly False, and cheap."""
        # Lists, since this looks at every event: a generator would cost more than what it runs.
        if [secret for secret in self._written if secret in written]:
            return True
        suspects = [followed for mark, followed in _FOLLOWED if mark in written]
        return any(followed.search(written) for followed in suspects)

    def text(self, text: str) -> tuple[str, int]:
        """A text without secrets, and how many were replaced."""
        hits = 0
        for secret in self._secrets:
            if secret in text:
                hits += text.count(secret)
                text = text.replace(secret, REDACTED)
        for mark, shape in _SHAPES:
            if mark in text:
                text, count = shape.subn(_replacement, text)
                hits += count
        return text, hits

    def raw(self, data: bytes) -> tuple[bytes, int]:
        """The content of a file without known secrets and keys (where it is UTF-8), and how many were replaced."""
        hits = 0
        for secret in self._bytes:
            if secret in data:
                hits += data.count(secret)
                data = data.replace(secret, REDACTED.encode())
        if any(mark.encode() in data for mark, _ in _SHAPES):
            try:
                text, count = self.text(data.decode())
            except UnicodeDecodeError:
                return data, hits
            return (text.encode(), hits + count) if count else (data, hits)
        return data, hits


NOTHING: Final = Redactor()
"""Knows no secrets; replaces key-shaped texts only."""


def secret_values(env: Mapping[str, str]) -> tuple[str, ...]:
    """Values of the environment variables whose names look like those of keys.

    >>> secret_values({"OPENAI_API_KEY": "abc-def-ghi", "HOME": "/home/ada", "KEYBOARD_TOKEN": "us"})
    ('abc-def-ghi',)
    """
    return tuple(value for name, value in env.items() if len(value) >= _LEAST and _NAMES.search(name))


def _replacement(found: re.Match[str]) -> str:
    return f"earer {REDACTED}" if found[0].startswith("earer ") else REDACTED


# Escapes may stand before a mark in JSON text, so only what follows it is looked at.
_FOLLOWED = tuple(
    (mark, re.compile(re.escape(mark) + (r"[A-Za-z0-9._~+/\-]{10}" if mark != "-----BEGIN " else "[A-Z ]*PRIVATE")))
    for mark, _ in _SHAPES
)
