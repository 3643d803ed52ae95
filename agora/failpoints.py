"""Named places where a process can be made to die, so that tests can prove that it comes back.

`AGORA_FAILPOINT=called:3` kills the process with SIGKILL the third time that it reaches "called": no handler runs and
nothing is flushed. Every event of the ledger is a failpoint by its kind, reached just before the event is handed in,
and "KIND.durable", reached when it has been recorded; the others are named where they stand. Unarmed, a failpoint is
one comparison. The method is that of FoundationDB and TiKV (fail-rs): name every boundary, then die at each.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

from agora.errors import ConfigError


class Failpoint:
    """What happens at the k-th hit of one name.

    Args:
        name: The place; "*" counts every place.
        hit: At which hit, from 1.
        act: What happens there; by default the process kills itself.
    """

    def __init__(self, name: str, hit: int, *, act: Callable[[], object] | None = None) -> None:
        if hit < 1:
            raise ConfigError("AGORA_FAILPOINT", f"{hit} is no hit: count from 1")
        self._name, self._hit, self._act = name, hit, act or _die
        self.reached: Counter[str] = Counter()
        """How often each place was reached."""

    @classmethod
    def parse(cls, text: str) -> Failpoint:
        """Read "name:hit".

        Raises:
            ConfigError: It is not of that form.
        """
        name, _, hit = text.rpartition(":")
        if not name or not hit.isdigit():
            raise ConfigError("AGORA_FAILPOINT", f"{text!r} is not NAME:HIT, as called:3")
        return cls(name, int(hit))

    def at(self, name: str) -> None:
        """Count a place, and act if it is the one."""
        self.reached[name] += 1
        count = self.reached.total() if self._name == "*" else self.reached[name]
        if self._name in (name, "*") and count == self._hit:
            self._act()


_armed: Failpoint | None = None


def arm(point: Failpoint | None) -> None:
    """Make one failpoint count from now on; None: none."""
    global _armed
    _armed = point


def reach(name: str) -> None:
    """Say that a named place is reached."""
    if _armed is not None:
        _armed.at(name)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
