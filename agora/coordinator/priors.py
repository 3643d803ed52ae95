"""How often an agent passed tasks of one kind, where older outcomes count for less.

The mean of a Beta posterior under a uniform prior, over decayed counts: a record of ten outcomes says more than one of
a single outcome, and no record says .5. Only verified outcomes count. That an agent could not be reached says nothing
about what it can do: that is `health`'s.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agora.values import Value

DECAY: Final = 0.98
"""What an outcome still counts for after the next one."""


class Prior(Value):
    """The record of one agent on one kind of task.

    >>> Prior().mean, Prior().after(passed=True).mean
    (0.5, 0.6666666666666666)
    """

    passed: float = Field(default=0.0, ge=0)
    """Decayed count of passed tasks."""
    failed: float = Field(default=0.0, ge=0)
    """Decayed count of failed tasks."""
    tried: int = Field(default=0, ge=0)
    """All verified tasks, not decayed."""

    @property
    def mean(self) -> float:
        """Expected share of tasks that it passes, in (0, 1)."""
        return (self.passed + 1.0) / (self.passed + self.failed + 2.0)

    def after(self, *, passed: bool, decay: float = DECAY) -> Prior:
        """After one more verified outcome."""
        return Prior(
            passed=self.passed * decay + passed, failed=self.failed * decay + (not passed), tried=self.tried + 1
        )
