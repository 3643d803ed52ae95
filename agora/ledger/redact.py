"""What never leaves this process in words: values of known secrets in whatever form, and texts with the shape of a key.

One redactor is made from the keys of a run, and stands where text goes out: before a prompt is sent, where a tool or a
provider has answered, at the ledger, and at what the command line prints. Bodies are redacted before they are hashed,
so the chain commits to what is stored. A name that only looks like a key ("task-12") stays as it is.

A known secret is found as it is, escaped for JSON or a URL, in base64 (alone or inside something longer) and in
hexadecimal, broken over lines, and cut off as long as a third of it (12 characters at least) is there. What a provider
shows of a key by design, its last four characters, is too short to be found and to be of use.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from json import dumps
from typing import Final
from urllib.parse import quote, quote_plus, unquote

from agora.settings import environment

REDACTED: Final = "[redacted]"
"""What stands in a secret's place."""
_LEAST = 9
_BREAKABLE = 18
_TELLING = 12
_PATHS = frozenset({"AGORA_SIGNING_KEY"})  # where the key is; what is in the file never comes here
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
    ("gsk_", re.compile(r"gsk_(?<![A-Za-z0-9_]gsk_)[A-Za-z0-9]{24,}")),
    ("xai-", re.compile(r"xai-(?<![A-Za-z0-9_\-]xai-)(?=[A-Za-z]*[0-9])[A-Za-z0-9]{24,}")),
    ("hf_", re.compile(r"hf_(?<![A-Za-z0-9_]hf_)[A-Za-z0-9]{24,}")),
    ("xox", re.compile(r"xox(?<![A-Za-z0-9]xox)[abprs]-[A-Za-z0-9\-]{10,}")),
    ("earer ", re.compile(r"earer (?<=[Bb]earer )(?=[A-Za-z._~+/\-]*[0-9])[A-Za-z0-9._~+/\-]{16,}=*")),
    ("-----BEGIN ", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?")),
)

# What stands in a URL for a password is one by its place; what is around it is kept.
_USERINFO = re.compile(r"(://[^\s/@:\"'\\<>]*:)(?!\[redacted\]@)[^\s/@\"'\\<>]+(@)")
_SECRET_FIELD = (
    r"[?&;](?:(?:x[_\-]goog[_\-])?api[_\-]?key|(?:access|auth)[_\-]?token|client[_\-]secret"
    r"|key|token|secret|password|passwd|sig|signature)="
)
_QUERY_NAME = re.compile(_SECRET_FIELD, re.IGNORECASE)
_QUERY = re.compile(rf"({_SECRET_FIELD})(?=[^\s&#\"'\\<>;]*[0-9])[^\s&#\"'\\<>;]{{8,}}()", re.IGNORECASE)


class Redactor:
    """Replaces known secrets and key-shaped texts by "[redacted]".

    Args:
        secrets: Values that must not leave; those of 8 characters or fewer are left out, since they would hit ordinary
            text.

    >>> Redactor(["correct-horse"]).text("the key is correct-horse, or AKIAABCDEFGHIJKLMNOP")
    ('the key is [redacted], or [redacted]', 2)
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = frozenset(secret for secret in secrets if len(secret) >= _LEAST) - _WORDS
        forms = sorted({form for secret in self._known for form in _forms(secret)} - _WORDS)
        self._whole = tuple(form for form in forms if not _breakable(form))
        self._breakable = tuple(form for form in forms if _breakable(form))
        # What is looked for first: an end of what may be cut off, and all of what is too short for that.
        self._ends = tuple({end for form in self._breakable for end in (_head(form), _tail(form))})
        self._written = tuple(dumps(form, ensure_ascii=False)[1:-1] for form in self._whole)

    def may_hit(self, written: str) -> bool:
        """Whether JSON text may hold something to redact; never wrongly False, and cheap."""
        # Lists, since this looks at every event: a generator would cost more than what it runs.
        if [form for form in self._written if form in written]:
            return True
        if self._ends:
            joined = written.replace(" ", "")
            if "\\" in written:
                if "\\\\" in written and [end for end in self._ends if end in joined]:
                    return True  # a backslash of the text before an n must not pass for a line's end
                joined = _WRITTEN_SPACE.sub("", joined)
            if [end for end in self._ends if end in joined]:
                return True
        suspects = [followed for mark, followed in _FOLLOWED if mark in written]
        return any(followed.search(written) for followed in suspects) or _may_hold_url(written)

    def text(self, text: str) -> tuple[str, int]:
        """A text without secrets, and how many were replaced."""
        text, hits = self._without_known(text)
        for mark, shape in _SHAPES:
            if mark in text:
                text, count = shape.subn(_replacement, text)
                hits += count
        if _may_hold_url(text):
            for place in (_USERINFO, _QUERY):
                text, count = place.subn(rf"\g<1>{REDACTED}\g<2>", text)
                hits += count
        return text, hits

    def clean(self, text: str) -> str:
        """A text without secrets."""
        return self.text(text)[0]

    def raw(self, data: bytes) -> tuple[bytes, int]:
        """The content of a file without known secrets and keys, and how many were replaced."""
        try:
            text, count = self.text(data.decode())
        except UnicodeDecodeError:  # each byte a character, and known secrets only: a picture holds no shape of a key
            text, count = self._bytewise._without_known(data.decode("latin-1"))
            return (text.encode("latin-1"), count) if count else (data, 0)
        return (text.encode(), count) if count else (data, 0)

    @cached_property
    def _bytewise(self) -> Redactor:
        return Redactor(secret.encode("utf-8", "replace").decode("latin-1") for secret in self._known)

    def _without_known(self, text: str) -> tuple[str, int]:
        spans = [span for form in self._whole if form in text for span in _found(form, text)]
        if self._ends:
            joined = "".join(text.split())
            if [end for end in self._ends if end in joined]:
                # where each character of the joined text stands in the whole one
                places = [place for place, char in enumerate(text) if not char.isspace()]
                for form in self._breakable:
                    spans += [(places[start], places[end - 1] + 1) for start, end in _found_in_part(form, joined)]
        if not spans:
            return text, 0
        merged: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        ends = [0, *(end for _, end in merged)]
        kept = [text[after:start] for after, (start, _) in zip(ends, merged, strict=False)]
        return REDACTED.join((*kept, text[ends[-1] :])), len(merged)


NOTHING: Final = Redactor()
"""Knows no secrets; replaces key-shaped texts only."""


def secret_values(env: Mapping[str, str]) -> tuple[str, ...]:
    """Values of the environment variables whose names look like those of keys, and passwords in those that are URLs.

    >>> secret_values({"OPENAI_API_KEY": "abc-def-ghi", "HOME": "/home/ada", "KEYBOARD_TOKEN": "us"})
    ('abc-def-ghi',)
    """
    values = [value for name, value in env.items() if _NAMES.search(name) and name not in _PATHS]
    for value in env.values():
        for found in _PASSWORD.finditer(value):
            values += (found[1], unquote(found[1]))
    return tuple(dict.fromkeys(value for value in values if len(value) >= _LEAST))


def redactor_of(secrets: Iterable[str] | None = None) -> Redactor:
    """A redactor that knows these secrets; None: the keys in the process's environment."""
    return Redactor(secret_values(environment()) if secrets is None else secrets)


_PASSWORD = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")
_WRITTEN_SPACE = re.compile(r"\\(?:[nrtf]|u000b)")


def _forms(secret: str) -> Iterator[str]:
    """What a secret may look like."""
    data = secret.encode("utf-8", "replace")
    yield secret
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield dumps(secret)[1:-1]
    yield dumps(secret, ensure_ascii=False)[1:-1]
    yield data.hex()
    for offset in range(3):  # inside something longer, it begins at one of three places of a group of four
        core = b64encode(bytes(offset) + data + bytes(2))[-(-8 * offset // 6) : 8 * (offset + len(data)) // 6].decode()
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _breakable(form: str) -> bool:
    """Whether it is long enough to be known by its ends, and holds nothing that a line's end could be mistaken for."""
    return len(form) >= _BREAKABLE and "\\" not in form and '"' not in form and form.isprintable() and " " not in form


def _head(form: str) -> str:
    return form[: max(_TELLING, len(form) // 3)]


def _tail(form: str) -> str:
    return form[-max(_TELLING, len(form) // 3) :]


def _found(form: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _found_in_part(form: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a form begins and goes on for as long as it does, or ends and has begun wherever it did."""
    for start, end in _found(_head(form), text):
        length = end - start
        while length < len(form) and text[start + length : start + length + 1] == form[length]:
            length += 1
        yield start, start + length
    for start, end in _found(_tail(form), text):
        length = end - start
        while length < len(form) and end > length and text[end - length - 1] == form[-length - 1]:
            length += 1
        yield end - length, end


def _may_hold_url(text: str) -> bool:
    return ("@" in text and "://" in text) or ("=" in text and _QUERY_NAME.search(text) is not None)


def _replacement(found: re.Match[str]) -> str:
    return f"earer {REDACTED}" if found[0].startswith("earer ") else REDACTED


# Escapes may stand before a mark in JSON text, so only what follows it is looked at.
_FOLLOWED = tuple(
    (mark, re.compile(re.escape(mark) + (r"[A-Za-z0-9._~+/\-]{10}" if mark != "-----BEGIN " else "[A-Z ]*PRIVATE")))
    for mark, _ in _SHAPES
)
