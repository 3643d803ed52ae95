"""Evidence: text that is safe to show, to store and to hand to the next attempt."""

from __future__ import annotations

import re
from typing import Final

from agora.tasks import Outcome, Verdict

MAX_EVIDENCE_CHARS: Final = 4_000
"""Longer evidence keeps its end, where test runners put what matters."""
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean(text: str, *, most: int = MAX_EVIDENCE_CHARS) -> str:
    r"""Without escape sequences, control characters and half surrogates; the tail, where it is too long.

    >>> clean("a\x1b[31mred\x00")
    'ared'
    """
    if len(text) > 4 * most:
        text = text[-4 * most :]
    text = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n"))).strip()
    if len(text) <= most:
        return text
    mark = "[... cut ...]\n"
    return mark + text[len(mark) - most :]


def decided(verifier: str, passed: bool, evidence: str = "", *, seconds: float = 0.0) -> Outcome:
    """A grounded outcome: passed or failed, with clean evidence."""
    verdict = Verdict.PASSED if passed else Verdict.FAILED
    return Outcome(verdict=verdict, verifier=verifier, evidence=clean(evidence), seconds=seconds)


def shown(text: str, *, most: int = 200) -> str:
    """A short quotation of what somebody wrote."""
    quoted = clean(text[: 4 * most])
    return repr(quoted if len(quoted) <= most else quoted[:most] + "...")
