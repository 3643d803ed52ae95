"""Outputs as quoted data, for whoever judges or builds on them: whose they are is not told, nor where they stood.

Of several, the order is a lot drawn from what all of them say together: no agent can foresee where its own will stand,
and the same outputs stand in the same order after a restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

MARK = "| "
"""What each quoted line begins with."""


def quoted(text: str) -> str:
    r"""A text line by line, each marked as quoted; nothing where nothing stands.

    >>> quoted("a\n\nb\n"), quoted(" ")
    ('| a\n| \n| b', '')
    """
    return "\n".join(f"{MARK}{line}" for line in text.strip().splitlines())


def panel(texts: Sequence[str]) -> str:
    """Several texts, numbered in an order that no place and no name decides; blank ones are left out.

    >>> panel(["no", "yes", ""]) == panel(["yes", "no"])
    True
    """
    said = [text.strip() for text in texts if text.strip()]
    seed = _digest("\n".join(sorted(map(_digest, said))))
    drawn = sorted(said, key=lambda text: (_digest(seed + text), text))
    return "\n\n".join(f"Answer {number}:\n{quoted(text)}" for number, text in enumerate(drawn, 1))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
