"""Standard output and standard error without secrets: whatever is printed, by whomever, tracebacks too."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO, cast

from agora.ledger.redact import Redactor


class Guarded:
    """A text stream in front of another.

    A text is searched as it is written; one that is written in pieces is searched piece by piece.

    Args:
        inner: Where clean text goes.
        redactor: Knows the secrets.
    """

    def __init__(self, inner: TextIO, redactor: Redactor) -> None:
        self.inner, self._redactor = inner, redactor

    def write(self, text: str) -> int:
        """Write a text without its secrets; say that all of it was written."""
        self.inner.write(self._redactor.clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def guard_output(secrets: Iterable[str]) -> None:
    """Let nothing that holds one of these secrets be printed from now on."""
    redactor = Redactor(secrets)
    for name in ("stdout", "stderr"):
        stream: object = getattr(sys, name)
        inner = stream.inner if isinstance(stream, Guarded) else cast("TextIO | None", stream)
        if inner is not None:
            setattr(sys, name, Guarded(inner, redactor))
