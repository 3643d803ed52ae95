"""The only sources of real time and of chance, and what this process is; everything else gets them as arguments."""

from __future__ import annotations

import hashlib
import platform
import secrets
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

VERSIONS: Final[Mapping[str, str]] = {
    "agora": version("agora-market"),
    "python": platform.python_version(),
    "numpy": version("numpy"),
    "platform": f"{platform.system()} {platform.machine()}",
}
"""Agora, Python, the packages that decide, and the platform."""


class SystemClock:
    """This machine's clock."""

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


class SeededChance:
    """Draws that depend on the seed and a label alone, so that concurrency cannot reorder them.

    A draw is the first 8 bytes of SHA-256(seed, label).

    >>> SeededChance(7).integer("tie") == SeededChance(7).integer("tie")
    True
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    @property
    def seed(self) -> int:
        """What all draws follow from."""
        return self._seed

    def integer(self, label: str) -> int:
        """A uniform integer in [0, 2**63)."""
        return int.from_bytes(hashlib.sha256(f"{self._seed}\0{label}".encode()).digest()[:8]) >> 1

    def uniform(self, label: str) -> float:
        """A uniform float in [0, 1)."""
        return (self.integer(label) >> 10) / 2**53


def fresh_seed() -> int:
    """A seed that nobody chose, for runs that state none; it is recorded."""
    return secrets.randbits(32)


def fresh_id() -> str:
    """A run's id: 12 hexadecimal digits."""
    return secrets.token_hex(6)
